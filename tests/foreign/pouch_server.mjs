// CouchDB's replication protocol as PouchDB serves it: `node pouch_server.mjs NODE_MODULES FOLDER PORT`.
import { createRequire } from "node:module";
const [modules, folder, port] = process.argv.slice(2);
const require = createRequire(modules + "/");
const PouchDB = require("pouchdb").defaults({ prefix: folder + "/" });
const app = require("express")();
app.use("/", require("express-pouchdb")(PouchDB, {
  mode: "minimumForPouchDB", overrideMode: { include: ["routes/attachments"] }, logPath: folder + "/log.txt",
}));
const listening = app.listen(Number(port), "127.0.0.1", () => console.log(listening.address().port));

// A tus server that is not ours: `node tus_server.mjs NODE_MODULES FOLDER PORT` (0: any); says its port when it listens.
import { createRequire } from "node:module";
const [modules, directory, port] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { Server } = require("@tus/server");
const { FileStore } = require("@tus/file-store");
const server = new Server({ path: "/files", datastore: new FileStore({ directory }) });
const listening = server.listen({ host: "127.0.0.1", port: Number(port) }, () => console.log(listening.address().port));

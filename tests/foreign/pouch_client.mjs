// `node pouch_client.mjs NODE_MODULES URL DOCUMENTS.json` pushes the documents, then once more when nothing has changed;
// says the seconds of both as JSON.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const [modules, url, file] = process.argv.slice(2);
const require = createRequire(modules + "/");
const PouchDB = require("pouchdb");
PouchDB.plugin(require("pouchdb-adapter-memory"));
const day = new PouchDB("day", { adapter: "memory" });
await day.bulkDocs(JSON.parse(readFileSync(file, "utf-8")));
async function push() {
  const start = performance.now();
  for (;;) {
    try {
      const done = await day.replicate.to(url);
      if (done.ok) return { seconds: (performance.now() - start) / 1000, written: done.docs_written };
    } catch (error) {
      console.error(String(error));
    }
  }
}
const full = await push();
const empty = await push();
console.log(JSON.stringify({ full_s: full.seconds, written: full.written, empty_s: empty.seconds }));
process.exit(0);  // PouchDB keeps timers

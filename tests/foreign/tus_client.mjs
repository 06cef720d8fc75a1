// tus-js-client as it comes: `node tus_client.mjs NODE_MODULES ENDPOINT TOKEN FILE …` sends one file after the other, through cuts.
import { createRequire } from "node:module";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
const [modules, endpoint, token, ...files] = process.argv.slice(2);
const { Upload } = createRequire(modules + "/")("tus-js-client");
const waits = Array(60).fill(Number(process.env.RETRY_MS ?? 50));
const stall = Number(process.env.STALL_MS ?? 0);  // tus-js-client waits on a dead line for as long as the system does
for (const file of files) {
  const data = readFileSync(file);
  let moved = performance.now(), watch;
  await new Promise((resolve, reject) => {
   const upload = new Upload(data, {
    endpoint,
    retryDelays: waits,
    chunkSize: process.env.CHUNK ? Number(process.env.CHUNK) : Infinity,
    headers: { Authorization: `Bearer ${token}` },
    metadata: { sha256: createHash("sha256").update(data).digest("hex"), filetype: "image/jpeg" },
    onShouldRetry: () => true,
    onProgress: () => (moved = performance.now()),
    onSuccess: resolve,
    onError: reject,
   });
   upload.start();
   if (stall) watch = setInterval(async () => {
     if (performance.now() - moved < stall) return;
     moved = performance.now();
     await upload.abort();
     upload.start();
   }, 500);
  }).finally(() => clearInterval(watch));
  console.log(`sent ${file}`);
}
process.exit(0);  // dead sockets would keep it for a quarter of an hour

// The worker in which Python runs. It starts with the page, beside Flutter: interpreter, packages and the notebook's files are
// ready, and the app imported, by the time Flutter asks for a connection.
import { loadPyodide } from "/pyodide/pyodide.mjs";
import { mount, openSlots } from "/storage.js";
import { draw, ready } from "/marks.js";
import { cells, even, finish } from "/light.js";
import { cover, luma, measure } from "/measure.js";
import { regions } from "/regions.js";
import { warp } from "/warp.js";
import * as photos from "/photos.js";

const asked = new Map();  // id of a question to the page -> how to answer it
const early = [];         // what Flutter sent before Python listened
let questions = 0, connect;
const connected = new Promise(resolve => (connect = resolve));
const flet_js = {};       // the module Flet's Python imports

/** What Python finds as `js.skt`: the page, the files, measures for pictures. */
self.skt = {
  problem: "",            // why there are no files: missing, in-use, failed
  flush: () => {},
  measure,
  cover,
  luma,
  warp,
  cells: (pixels, width, height, cell) => cells(luma(pixels), width, height, cell),
  even,
  finish,
  marks: { draw: (pen, shapes) => draw(pen, JSON.parse(shapes)), ready },
  regions: (pixels, width, height) => regions(luma(pixels), width, height),
  photos: { ...photos, opened: photos.open("photos") },
  readCode: async bytes => (await import("/codes.js")).readCode(bytes),
  onRelease: null,        // called when a newer release of the app waits
  ask(what, value) {
    const id = ++questions;
    return new Promise((resolve, reject) => {
      asked.set(id, { resolve, reject });
      self.postMessage({ kind: "ask", id, what, value });
    });
  },
  tell(what, value) { self.postMessage({ kind: "tell", what, value }); },
};
let release_waits = false;

self.onmessage = event => {
  const said = event.data;
  if (said instanceof Uint8Array) {
    if (flet_js.send) flet_js.send(said);
    else early.push(said);
  } else if (said.kind === "connect") connect(said);
  else if (said.kind === "answer") {
    const { resolve, reject } = asked.get(said.id);
    asked.delete(said.id);
    if (said.error === undefined) resolve(said.value);
    else reject(new Error(said.error));
  } else if (said.kind === "release") {
    release_waits = true;
    self.skt.onRelease?.();
  }
};
Object.defineProperty(self.skt, "releaseWaits", { get: () => release_waits });

async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** Python, from the memory image that the build made, in which the packages are imported already; if that fails, from the start. */
async function interpreter() {
  const options = { indexURL: "/pyodide/", stdout: words => console.log(words), stderr: words => console.error(words) };
  try {
    return await loadPyodide({ ...options, _loadSnapshot: fetched("/pyodide/image.bin") });
  } catch (error) {
    console.warn("the memory image did not load, starting without it:", error);
    return await loadPyodide(options);
  }
}

/** Names the step that is being taken, so that the page can say where an opening that does not end has stopped. */
const step = name => self.postMessage({ kind: "step", name });

async function start() {
  const slots = openSlots("notebook").catch(refused => refused);
  const archives = Promise.all([fetched("/packages.zip"), fetched("/app.zip")]);
  step("interpreter");
  const python = self.pyodide = await interpreter();
  step("archives");
  python.registerJsModule("flet_js", flet_js);
  const [packages, app] = await archives;
  python.FS.writeFile("/packages.zip", packages);
  python.FS.writeFile("/app.zip", app);
  step("files");
  const opened = await slots;
  if (opened.problem) {
    self.skt.problem = opened.problem;
    console.warn("no files:", opened.problem, opened.cause ?? "");
    python.FS.mkdirTree("/data");
  } else self.skt.flush = mount(python.FS, "/data", opened).flush;
  step("notebook");
  await python.runPythonAsync("import sys; sys.path.insert(0, '/app.zip'); import boot; boot.prepare()");
  step("screens");
  const { args, url } = await connected;
  Object.assign(flet_js, { args, documentUrl: url });
  await python.runPythonAsync("boot.start()");
  await flet_js.start_connection(message => {
    const bytes = message.toJs();
    self.postMessage(bytes, [bytes.buffer]);
  });
  self.postMessage({ kind: "connected" });
  for (const message of early.splice(0)) flet_js.send(message);
}

start().catch(error => {
  console.error(error);
  self.postMessage({ kind: "failed", why: String(error.message ?? error) });
});

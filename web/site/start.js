// The page's side: starts Python's worker at once, connects it with Flutter, keeps the offline copy up to date, and does for
// Python what only a page can do.

const NOTE = "so-kiem-tra";  // localStorage: what the notebook held last, to be able to say what was lost
const LOOK_EVERY_MS = 3_600_000;  // for a newer release, while the app stays open; opening it looks anyway
let looked = Date.now();
const worker = new Worker("/worker.js", { type: "module" });
let show, is_connected, connection_failed, waiting = null, is_switching = false;
const connected = new Promise((resolve, reject) => ([is_connected, connection_failed] = [resolve, reject]));

// What Flutter's side of Flet reads.
globalThis.flet = {
  pyodide: true, multiView: false, noCdn: true, webSocketEndpoint: "/ws", entrypointBaseUrl: "/", assetBase: "/",
  routeUrlStrategy: "path", canvasKitBaseUrl: "/canvaskit/", pyodideUrl: "/pyodide/pyodide.mjs", webRenderer: "canvaskit",
  fontFallbackBaseUrl: "/assets/fonts/", appPackageUrl: "app.zip", flutterAppResolve() {},
};
globalThis.jsConnect = async (_id, args, on_message) => {
  show = on_message;
  worker.postMessage({ kind: "connect", args, url: document.URL });
  await connected;
};
globalThis.jsSend = async (_id, bytes) => worker.postMessage(bytes, [bytes.buffer]);
globalThis.jsDisconnect = async () => worker.terminate();

const words = (vi, en) => {
  const opening = document.getElementById("opening");
  if (!opening) return;
  opening.querySelector("p").textContent = vi;
  opening.querySelector("small").textContent = en;
  const again = opening.querySelector("button");
  again.hidden = false;
  again.onclick = () => location.reload();
};

const answers = {
  persist: async () => (await navigator.storage?.persist?.()) ?? false,
  note: async () => localStorage.getItem(NOTE) ?? "",
};
const told = {
  opened() {
    const remove = () => document.getElementById("opening")?.remove();
    if (document.hidden) remove();  // a tab in the background draws no frame to wait for
    else requestAnimationFrame(() => requestAnimationFrame(remove));
  },
  note: text => localStorage.setItem(NOTE, text),
  look: () => {
    if (Date.now() - looked < LOOK_EVERY_MS) return;
    looked = Date.now();
    navigator.serviceWorker?.getRegistration().then(kept => kept?.update()).catch(offline => console.debug(offline));
  },
  switch: () => { is_switching = true; waiting?.postMessage("switch"); },
  reload: () => location.reload(),
};

worker.onmessage = async event => {
  const said = event.data;
  if (said instanceof Uint8Array) show(said);
  else if (said.kind === "connected") is_connected();
  else if (said.kind === "tell") told[said.what](said.value);
  else if (said.kind === "ask") {
    try {
      worker.postMessage({ kind: "answer", id: said.id, value: await answers[said.what](said.value) });
    } catch (error) {
      worker.postMessage({ kind: "answer", id: said.id, error: String(error) });
    }
  } else if (said.kind === "failed") {
    connection_failed(new Error(said.why));
    words("Ứng dụng chưa mở được. Sổ trên máy vẫn an toàn. Hãy thử lại; nếu vẫn vậy, báo người phụ trách.",
          `The app did not open; the notebook is safe. Please try again. (${said.why.slice(-300)})`);
  }
};
worker.onerror = event => words("Ứng dụng chưa mở được. Sổ trên máy vẫn an toàn. Hãy thử lại.",
                                `The app did not open; the notebook is safe. Please try again. (${event.message ?? ""})`);

/** Tells the app once a newer release lies ready; it switches when the inspector says so. */
function watch(kept) {
  const ready = () => {
    if (!kept.waiting || !navigator.serviceWorker.controller) return;
    waiting = kept.waiting;
    worker.postMessage({ kind: "release" });
  };
  ready();
  kept.addEventListener("updatefound", () => kept.installing?.addEventListener("statechange", ready));
}
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.addEventListener("controllerchange", () => { if (is_switching) location.reload(); });
  const engine = window.ImageDecoder && Intl.v8BreakIterator ? "blink" : "other";  // as Flutter tells its two CanvasKits apart
  addEventListener("load", () => navigator.serviceWorker.register(`/sw.js?engine=${engine}`, { updateViaCache: "none" })
    .then(watch, refused => console.warn("no offline copy:", refused)));
}

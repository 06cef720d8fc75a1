// The offline copy. RELEASE is put in by the build: {version, files: {path: hash}, only: {path: "blink" | "other"}}.
//
// A release is taken whole or not at all; what did not change is copied from the release before it. A new one waits until the
// app says `switch`. The API, Home Affairs' pages and everything but GET go by untouched.
const RELEASE = __RELEASE__;
const NAME = `app-${RELEASE.version}`, LIST = "/release.json";
const AT_ONCE = 4;

const engine = new URLSearchParams(location.search).get("engine");  // the page knows it
const is_ours = path => (RELEASE.only[path] ?? engine) === engine;

async function former() {
  for (const name of await caches.keys()) {
    if (!name.startsWith("app-") || name === NAME) continue;
    const cache = await caches.open(name), list = await cache.match(LIST);
    if (list) return { cache, files: (await list.json()).files };  // a list is written last: this one is whole
  }
  return { cache: null, files: {} };
}

async function take() {
  const cache = await caches.open(NAME), before = await former();
  const open = Object.entries(RELEASE.files).filter(([path]) => is_ours(path));
  async function next() {
    for (let entry; (entry = open.pop()); ) {
      const [path, hash] = entry;
      const held = before.files[path] === hash ? await before.cache.match(path) : null;
      const answer = held ?? await fetch(`${path}?v=${hash.slice(0, 16)}`, { cache: "no-cache" });
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      await cache.put(path, answer);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  await cache.put(LIST, new Response(JSON.stringify(RELEASE)));
}

self.addEventListener("install", event => event.waitUntil(
  take().catch(async error => { await caches.delete(NAME); throw error; })));

self.addEventListener("activate", event => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("app-") && name !== NAME) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("message", event => { if (event.data === "switch") self.skipWaiting(); });

self.addEventListener("fetch", event => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || /^\/(api|hq|verify)(\/|$)/.test(pathname)) return;
  const is_page = event.request.mode === "navigate" && !(pathname in RELEASE.files);
  const path = is_page ? "/index.html" : pathname === "/" ? "/index.html" : pathname;
  if (!(path in RELEASE.files)) return;
  event.respondWith((async () => (await (await caches.open(NAME)).match(path)) ?? fetch(event.request))());
});

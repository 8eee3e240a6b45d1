/* The service worker: keeps the page itself, so that it opens without a network. VERSION and SHELL are put before this file.
 * It keeps no answer of the API but the ground of the map, streets and districts: tasks are kept by the page, and what a phone shows is
 * never older than it says.
 */
"use strict";

const CACHE = `hall-field-${VERSION}`;
const GROUND = "hall-ground"; // outlives versions: tiles that were seen
const GROUND_PATH = /^\/(tiles(\/|$)|api\/v1\/geography\/)/;
const GROUND_MOST = 1500; // answers; the oldest go first
const GROUND_MS = 5000; // a network that is there but does not answer
let put = 0;

/** The network's answer, and what was kept where there is none. */
async function ground(request) {
  const cache = await caches.open(GROUND);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(GROUND_MS) });
    if (answer.status === 200) {
      await cache.put(request.url, answer.clone());
      put += 1;
      if (put % 100 === 0) for (const old of (await cache.keys()).slice(0, -GROUND_MOST)) await cache.delete(old);
    }
    return answer;
  } catch (error) {
    const kept = await cache.match(request.url);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL.map((path) => new Request(path, { cache: "reload" })))));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => name.startsWith("hall-field-") && name !== CACHE));
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== self.location.origin) return;
  if (GROUND_PATH.test(address.pathname)) return event.respondWith(ground(event.request));
  if (!SHELL.includes(address.pathname)) return;
  event.respondWith(
    caches.open(CACHE).then(async (cache) => (await cache.match(address.pathname)) || fetch(event.request)),
  );
});

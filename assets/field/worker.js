/* The service worker: keeps the page itself, so that it opens without a network. VERSION and SHELL are put before this file.
 * It keeps no answer of the API: tasks are kept by the page, and what a phone shows is never older than it says.
 */
"use strict";

const CACHE = `hall-field-${VERSION}`;

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
  if (event.request.method !== "GET" || address.origin !== self.location.origin || !SHELL.includes(address.pathname)) return;
  event.respondWith(
    caches.open(CACHE).then(async (cache) => (await cache.match(address.pathname)) || fetch(event.request)),
  );
});

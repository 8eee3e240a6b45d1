/* Unattended screens: reload when the server was upgraded, say every 2 s what this screen shows. */
"use strict";

(function () {
  const hall = window.hall;
  const RELOAD_GAP_MS = 60000;
  const AGAIN_MS = 5000; // the web server may be upgraded after the gate, or away just now
  const frames = { count: 0, at: performance.now(), fps: 0 };

  function remembered(storage, key, make) {
    try {
      const known = storage.getItem(key);
      if (known) return known;
      const made = make();
      storage.setItem(key, made);
      return made;
    } catch (_) {
      return make(); // a browser that keeps nothing still works
    }
  }

  const id = remembered(sessionStorage, "hall-screen", () => `s${Math.random().toString(36).slice(2, 10)}`);

  function paintsPerSecond() {
    const now = performance.now();
    const count = hall.store.flushes();
    frames.fps = Math.round(((count - frames.count) / Math.max(1, now - frames.at)) * 1000);
    frames.count = count;
    frames.at = now;
    return frames.fps;
  }

  /** What the gate publishes as `screen/<id>`; `hash` is hall.store.hash(). */
  hall.screen = {
    id,
    report() {
      const wall = hall.page.wall || {};
      const memory = performance.memory ? Math.round(performance.memory.usedJSHeapSize / 1048576) : null;
      return {
        id,
        wall: wall.name || "",
        layout: wall.layout || location.pathname,
        part: hall.wall.part ? hall.wall.part.join(",") : "",
        hash: hall.store.hash(),
        oldest_frame_ms: Math.round(performance.now() - hall.link.heard),
        tiles: hall.panelStates(),
        heap_mb: memory,
        fps: paintsPerSecond(),
        build: hall.page.build || "",
        number: hall.wall.number(),
        shows: hall.show ? hall.show.report() : null,
      };
    },
  };

  let asking = 0;
  /** Reloads once the web server, too, runs another build than this page came from; asks for as long as the gate's is another one. */
  async function reloadIfUpgraded() {
    asking = setTimeout(reloadIfUpgraded, AGAIN_MS);
    const last = Number(remembered(sessionStorage, "hall-reloaded", () => "0"));
    if (Date.now() - last < RELOAD_GAP_MS) return;
    const answer = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(AGAIN_MS) }).catch(() => null);
    if (!answer || !answer.ok) return;
    const health = await answer.json().catch(() => ({}));
    if (!health.build || health.build === hall.page.build) return;
    sessionStorage.setItem("hall-reloaded", String(Date.now()));
    location.reload();
  }

  hall.kiosk = {
    sawBuild(build) {
      clearTimeout(asking);
      if (build && hall.page.build && build !== hall.page.build) reloadIfUpgraded();
    },
  };
})();

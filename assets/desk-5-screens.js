/* /admin/screens: every screen by its own report: what it shows, whether it lives, how old its oldest frame is. */
"use strict";

(function () {
  const hall = window.hall;
  const SILENT_MS = 8000; // a screen reports every two seconds
  const COLUMNS = ["screen", "state", "wall", "layout", "part", "tiles", "frame", "hash", "fps", "heap", "build", "heard"];
  const MARKS = { live: "●", partial: "◐", stale: "▲", lost: "✕" };

  function stateOf(event) {
    if (event.data.state === "gone") return "gone";
    return hall.clock.real() - reported(event) > SILENT_MS ? "silent" : "shown";
  }
  const reported = (event) => event.data.at ?? event.data.reported ?? event.data.seen ?? event.recordedtime;
  const ORDER = ["silent", "shown", "gone"]; // what needs a look first
  const byState = (a, b) => ORDER.indexOf(stateOf(a)) - ORDER.indexOf(stateOf(b)) || a.subject.localeCompare(b.subject);
  const SHAPES = { shown: "●", silent: "▲", gone: "✕" };

  /** "12 ● 1 ▲": how many tiles are in which state. */
  function tilesText(tiles) {
    const counts = {};
    for (const state of Object.values(tiles || {})) counts[state] = (counts[state] || 0) + 1;
    return Object.keys(MARKS).filter((state) => counts[state]).map((state) => `${MARKS[state]} ${counts[state]}`).join("  ");
  }
  const tilesTitle = (tiles) => Object.entries(tiles || {}).map(([name, state]) => `${name}: ${hall.t(`desk.tile.${state}`)}`).join("\n");

  /** A wall's layout, or for a console's page which one it is. */
  function layoutText(layout) {
    if (!layout) return "–";
    if (!layout.startsWith("/")) return hall.word("wall", layout);
    const key = `desk.page.${layout.slice(1).replaceAll("/", "-") || "walls"}`;
    return hall.knows(key) ? `${hall.t(key)} ${layout}` : layout;
  }

  hall.panel("admin-screens", function (element, context) {
    const table = hall.keyedTable(COLUMNS, "desk.screen");
    const empty = hall.said("p.desk-empty", "desk.screens.none");
    context.body.replaceChildren(table.table, empty);

    function paint() {
      const events = [...hall.store.docs("screen").values()].sort(byState);
      for (const event of events) {
        const data = event.data;
        const state = stateOf(event);
        const now = state === "shown"; // of a screen that no longer reports nothing is known that could be shown as such
        table.set(event.subject, {
          screen: { text: String(data.id ?? event.subject.slice(7)).slice(0, 12), title: event.subject.slice(7) },
          state: `${SHAPES[state]} ${hall.t(`desk.screen-state.${state}`)}`,
          wall: data.wall || "–",
          layout: { text: layoutText(data.layout), title: data.layout || "" },
          part: Array.isArray(data.part) ? data.part.join(",") : data.part || "–",
          tiles: { text: now ? tilesText(data.tiles) : "–", title: now ? tilesTitle(data.tiles) : "" },
          frame: !now || data.oldest_frame_ms == null ? "–" : hall.format.duration(data.oldest_frame_ms),
          hash: (now && data.hash) || "–",
          fps: now ? hall.format.number(data.fps) : "–",
          heap: !now || data.heap_mb == null ? "–" : `${hall.format.number(data.heap_mb)} MB`,
          build: data.build || "–",
          heard: hall.format.duration(Math.max(0, hall.clock.real() - reported(event))),
        }, { "data-feed-state": { shown: "live", silent: "stale", gone: "off" }[state] });
      }
      table.keep(new Set(events.map((event) => event.subject)));
      table.order(events.map((event) => event.subject));
      table.table.hidden = !events.length;
      empty.hidden = !!events.length;
      const alive = events.filter((event) => stateOf(event) === "shown").length;
      context.note(hall.t("desk.screens.count", { n: alive, all: events.length }));
    }
    return { update: paint, tick: paint, locale: paint };
  });
})();

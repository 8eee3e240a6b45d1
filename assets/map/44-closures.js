/* Closed roads and underpasses on the map: what was only proposed is a broken ring, what was ordered a ring with a bar, what stands
 * confirmed a filled disc with a bar, what may be opened again a broken ring with an arrow; each with its word. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const RANK = { proposed: 12, reopening_proposed: 11, ordered: 10, confirmed: 9 }; // of its words among the labels: where there is no room the sign says it
  const OVER = new Set(["reopened", "declined", "cancelled"]);
  const ASIDE = 1.35; // glyphs to the left of its place, where the gauge stands

  function ring(c, r, dashed) {
    c.beginPath();
    c.arc(0, 0, r * 0.95, 0, 2 * Math.PI);
    c.lineWidth = r * 0.6;
    c.strokeStyle = citymap.ink.halo;
    c.stroke();
    c.fillStyle = citymap.ink.ground;
    c.fill();
    c.setLineDash(dashed ? [r * 0.42, r * 0.3] : []);
    c.lineWidth = r * 0.26;
    c.strokeStyle = citymap.ink.text;
    c.stroke();
    c.setLineDash([]);
  }
  const bar = (c, r, colour) => ((c.fillStyle = colour), c.fillRect(-r * 0.6, -r * 0.2, r * 1.2, r * 0.4));

  citymap.symbols.closure = function (c, r, { state }) {
    ring(c, r, state === "proposed" || state === "reopening_proposed");
    if (state === "confirmed") {
      c.fillStyle = citymap.ink.text;
      c.fill();
      bar(c, r, citymap.ink.ground);
    } else if (state === "ordered") bar(c, r, citymap.ink.text);
    else if (state === "reopening_proposed") {
      c.beginPath();
      c.arc(0, 0, r * 0.42, -Math.PI * 0.2, Math.PI * 1.3);
      c.lineWidth = r * 0.22;
      c.stroke();
      c.beginPath();
      c.moveTo(r * 0.66, -r * 0.42);
      c.lineTo(r * 0.3, -r * 0.1);
      c.lineTo(r * 0.1, -r * 0.52);
      c.closePath();
      c.fillStyle = citymap.ink.text;
      c.fill();
    } else {
      c.fillStyle = citymap.ink.text;
      c.fillRect(-r * 0.13, -r * 0.55, r * 0.26, r * 0.66);
      c.fillRect(-r * 0.13, r * 0.28, r * 0.26, r * 0.26);
    }
  };

  /** Takes a closure's document into `closures` (subject -> {event, lon, lat ...}); what is over is gone. */
  citymap.takeClosure = function (closures, event) {
    if (!event.data || OVER.has(event.data.state)) return void closures.delete(event.subject);
    const entry = closures.get(event.subject) || { subject: event.subject, lon: NaN, lat: NaN };
    entry.event = event;
    closures.set(event.subject, citymap.place(entry, event.data));
  };

  citymap.drawClosures = function (things, c, frame) {
    const r = Math.round(frame.glyph * 0.6);
    for (const { entry, px, py } of things.inView(things.closures.values(), frame, frame.glyph * 3)) {
      const { state } = entry.event.data;
      const x = px - frame.glyph * ASIDE;
      citymap.stamp(c, citymap.sprite("closure", state, r, frame.ratio, { state }), x, py, frame.ratio);
      things.hit(x, py, r * 1.3, "closure", entry);
      things.label({ px: x, py: py }, r, hall.t(`flood.closure.${state}`), citymap.ink.text, RANK[state] || 14);
    }
  };
})();

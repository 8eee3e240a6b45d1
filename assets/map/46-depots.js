/* Pump stations, shelters and depots on the map: quiet signs without hue, told apart by shape; what they hold is on their card. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const NAMED = 3; // rank of their names among the labels: the last to find room
  const QUIET = "#93a5ba";

  const DRAW = {
    pump_station(c, r) { // a basin with an arrow out of it
      c.moveTo(-r * 0.9, -r * 0.1);
      c.lineTo(-r * 0.9, r * 0.8);
      c.lineTo(r * 0.9, r * 0.8);
      c.lineTo(r * 0.9, -r * 0.1);
      c.moveTo(0, r * 0.45);
      c.lineTo(0, -r * 0.8);
      c.moveTo(-r * 0.4, -r * 0.35);
      c.lineTo(0, -r * 0.85);
      c.lineTo(r * 0.4, -r * 0.35);
    },
    shelter(c, r) { // a roof over a door
      c.moveTo(-r, 0);
      c.lineTo(0, -r * 0.85);
      c.lineTo(r, 0);
      c.moveTo(-r * 0.7, -r * 0.15);
      c.lineTo(-r * 0.7, r * 0.8);
      c.lineTo(r * 0.7, r * 0.8);
      c.lineTo(r * 0.7, -r * 0.15);
    },
    depot(c, r) { // a crate
      c.rect(-r * 0.8, -r * 0.6, r * 1.6, r * 1.3);
      c.moveTo(-r * 0.8, -r * 0.6);
      c.lineTo(r * 0.8, r * 0.7);
    },
  };
  citymap.symbols.depot = function (c, r, { kind }) {
    c.lineJoin = "round";
    for (const [width, colour] of [[0.5, citymap.ink.halo], [0.2, QUIET]]) {
      c.beginPath();
      (DRAW[kind] || DRAW.depot)(c, r);
      c.lineWidth = r * width;
      c.strokeStyle = colour;
      c.stroke();
    }
  };

  /** Takes a depot's document into `depots` (subject -> {event, lon, lat ...}). */
  citymap.takeDepot = function (depots, event) {
    if (!event.data) return void depots.delete(event.subject);
    const entry = depots.get(event.subject) || { subject: event.subject, lon: NaN, lat: NaN };
    entry.event = event;
    depots.set(event.subject, citymap.place(entry, event.data));
  };

  citymap.drawDepots = function (things, c, frame) {
    const r = Math.round(frame.glyph * 0.5);
    for (const { entry, px, py } of things.inView(things.depots.values(), frame, frame.glyph * 2)) {
      const { kind } = entry.event.data;
      citymap.stamp(c, citymap.sprite("depot", kind, r, frame.ratio, { kind }), px, py, frame.ratio);
      things.hit(px, py, r * 1.3, "depot", entry);
      if (kind !== "depot") things.label({ px, py }, r, hall.emergency.nameOf(entry.subject, entry.event.data), QUIET, NAMED);
    }
  };

  /** "潜水泵 6/8 台" lines of a depot's stock: free of all. */
  citymap.stockOf = (data) => Object.entries(data.stock || {}).map(([item, one]) => [hall.knows(`emergency.item.${item}`) ? hall.t(`emergency.item.${item}`) : item, `${hall.format.number((one.have || 0) - (one.out || 0))}/${hall.format.number(one.have || 0)}${one.unit ? ` ${hall.word("unit", one.unit)}` : ""}`]);
})();

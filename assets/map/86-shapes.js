/* Drawn shapes (标绘) as a layer: areas and lines on the ground, points, arrows' heads, texts and titles above the symbols.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const COLOURS = { white: "#f2f6fb", aqua: "#3fe0d0", violet: "#b995ff", pink: "#ff8fdc", lime: "#a6e36a", sand: "#d9c4a0" };
  const KINDS = ["point", "line", "polygon", "circle", "text", "arrow"];
  const SHARES = ["me", "unit", "room", "walls"];
  const { shapes } = citymap; // 86-shape-docs.js
  const NEAR = 7; // px beside a line that still mean it
  const LONGEST = 16; // letters of a title on the map
  const PLACES = 6; // across and down an area, at which a title is looked room for
  citymap.SHAPE_COLOURS = COLOURS;
  citymap.SHAPE_KINDS = KINDS;
  citymap.SHAPE_SHARES = SHARES;

  // -- painting ----------------------------------------------------------------------------------------------------------

  function stroke(c, frame, { data }, chosen) {
    c.strokeStyle = COLOURS[data.colour] || COLOURS.white;
    c.lineWidth = (chosen ? 3.4 : 2.2) * frame.u;
    c.lineJoin = c.lineCap = "round";
    c.setLineDash(data.exercise ? [5 * frame.u, 6 * frame.u] : []);
  }

  function ground(c, frame, entry, chosen) {
    const { data, shape } = entry;
    if (data.kind === "point" || data.kind === "text" || !frame.sees(shape.box)) return;
    c.beginPath();
    citymap.trace(c, frame, shape);
    if (shape.area) {
      c.fillStyle = COLOURS[data.colour] || COLOURS.white;
      c.globalAlpha = chosen ? 0.2 : 0.1;
      c.fill("evenodd");
      c.globalAlpha = 1;
    }
    c.lineWidth = (chosen ? 6 : 4.6) * frame.u; // a dark edge: legible on any ground
    c.lineJoin = c.lineCap = "round";
    c.strokeStyle = citymap.ink.ground;
    c.globalAlpha = 0.6;
    c.stroke();
    c.globalAlpha = 1;
    stroke(c, frame, entry, chosen);
    c.stroke();
    c.setLineDash([]);
  }

  function head(c, frame, { data, shape }) {
    const [line] = shape.lines;
    const n = line.length;
    const [x, y] = [frame.px(line[n - 2]), frame.py(line[n - 1])];
    const way = Math.atan2(y - frame.py(line[n - 3]), x - frame.px(line[n - 4]));
    const r = frame.glyph * 0.9;
    c.beginPath();
    c.moveTo(x + Math.cos(way) * r * 0.3, y + Math.sin(way) * r * 0.3);
    for (const side of [-1, 1]) c.lineTo(x - Math.cos(way + side * 0.45) * r, y - Math.sin(way + side * 0.45) * r);
    c.closePath();
    c.fillStyle = COLOURS[data.colour] || COLOURS.white;
    c.fill();
  }

  function pin(c, frame, { data }, x, y, chosen) {
    const r = frame.glyph * (chosen ? 0.5 : 0.4);
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x - r * 0.8, y - r * 1.5);
    c.arc(x, y - r * 2, r, Math.PI * 0.8, Math.PI * 0.2);
    c.closePath();
    c.fillStyle = COLOURS[data.colour] || COLOURS.white;
    c.strokeStyle = citymap.ink.ground;
    c.lineWidth = 1.6 * frame.u;
    c.stroke();
    c.fill();
    c.beginPath();
    c.arc(x, y - r * 2, r * 0.38, 0, 2 * Math.PI);
    c.fillStyle = citymap.ink.ground;
    c.fill();
  }

  const short = (text) => ([...text].length > LONGEST ? `${[...text].slice(0, LONGEST - 1).join("")}…` : text);

  /** Whether a place lies inside of rings of a frame's px (odd number of sides to its right). */
  function within(frame, { lines }, x, y) {
    let odd = false;
    for (const line of lines) {
      const n = line.length;
      for (let i = 0, j = n - 2; i < n; j = i, i += 2) {
        const [x1, y1, x2, y2] = [frame.px(line[i]), frame.py(line[i + 1]), frame.px(line[j]), frame.py(line[j + 1])];
        if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
      }
    }
    return odd;
  }
  function beside(frame, shape, x, y) {
    let least = Infinity;
    const place = L.point(x, y);
    for (const line of shape.lines) {
      for (let i = 2; i < line.length; i += 2) {
        least = Math.min(least, L.LineUtil.pointToSegmentDistance(place, L.point(frame.px(line[i - 2]), frame.py(line[i - 1])), L.point(frame.px(line[i]), frame.py(line[i + 1]))));
      }
    }
    return least;
  }

  class Layer {
    constructor(host) {
      this.host = host;
      this.shown = true;
      this.frame = null;
      this.labels = [];
      this.stop = shapes.on(() => (this.redraw(), host.count()));
    }

    redraw() {
      this.list = null;
      this.host.draw("over");
      this.host.draw("things");
    }

    all() {
      if (!this.list) this.list = this.shown ? shapes.all(this.host.past) : [];
      return this.list;
    }

    take(event) {
      shapes.take(event);
      this.list = null;
      return "over";
    }

    over(c, frame) {
      for (const entry of this.all()) ground(c, frame, entry, entry.subject === this.chosen);
    }

    things(c, frame) {
      this.frame = frame;
      this.labels = [];
      const boxes = this.host.things.boxes;
      for (const entry of this.all()) {
        const { data, shape } = entry;
        if (!frame.sees(shape.box)) continue;
        const [x, y] = [frame.px(entry.x), frame.py(entry.y)];
        const chosen = entry.subject === this.chosen;
        const colour = COLOURS[data.colour] || COLOURS.white;
        if (data.kind === "arrow") head(c, frame, entry);
        if (data.kind === "point") pin(c, frame, entry, x, y, chosen);
        const size = data.kind === "text" ? frame.font * 1.25 : frame.font;
        const text = data.kind === "text" ? data.title : short(data.title);
        c.font = `${data.kind === "text" || chosen ? 700 : 600} ${size}px ${citymap.family}`;
        c.textBaseline = "middle";
        c.textAlign = "left";
        c.lineWidth = size * 0.22;
        const mark = data.exercise ? `【${hall.t("map.print.exercise")}】` : "";
        const width = c.measureText(mark + text).width;
        const [half, gap] = [size * 0.6, size * (data.kind === "point" ? 0.8 : data.kind === "line" || data.kind === "arrow" ? 0.9 : 0)];
        const tried = gap ? [[x - width / 2, y + gap], [x - width / 2, y - gap - (data.kind === "point" ? frame.glyph * 1.2 : 0)], [x + gap, y], [x - gap - width, y]] : [0, 1.4, -1.4, 2.8, -2.8].map((n) => [x - width / 2, y + n * size]);
        if (shape.area) tried.push(...roomsIn(frame, shape.box, width, half, x, y));
        const [left, middle] = tried.find(([at, row]) => !boxes || boxes.free(at, row - half, at + width, row + half)) || tried[0]; // a drawing's title is seen in any case
        if (boxes) boxes.put(left, middle - half, left + width, middle + half);
        citymap.write(c, mark + text, left, middle, colour);
        this.labels.push({ entry, left, top: middle - half, right: left + width, bottom: middle + half });
        this.owner(c, frame, data, left + width / 2, middle + half, boxes);
      }
    }

    /** Whose it is, small under the title, where there is room. */
    owner(c, frame, data, x, top, boxes) {
      const size = frame.font * 0.72;
      c.font = `500 ${size}px ${citymap.family}`;
      c.lineWidth = size * 0.22;
      const width = c.measureText(data.owner).width;
      const box = [x - width / 2, top, x + width / 2, top + size * 1.1];
      if (boxes && !boxes.free(...box)) return;
      if (boxes) boxes.put(...box);
      citymap.write(c, data.owner, box[0], top + size * 0.55, citymap.ink.dim);
    }

    hit(x, y, pressed) {
      const { frame } = this;
      if (!frame || !this.shown) return null;
      const label = this.labels.find((one) => x >= one.left && x <= one.right && y >= one.top && y <= one.bottom);
      if (label) return { x, y, r: 4, what: "shape", entry: label.entry };
      for (const entry of [...this.all()].reverse()) {
        const { data, shape } = entry;
        if (!frame.sees(shape.box)) continue;
        if (data.kind === "point") {
          const [px, py] = [frame.px(entry.x), frame.py(entry.y) - frame.glyph * 0.6];
          if (Math.hypot(px - x, py - y) < frame.glyph * 0.8) return { x: px, y: py, r: frame.glyph * 0.7, what: "shape", entry };
        } else if (data.kind !== "text" && beside(frame, shape, x, y) < NEAR) return { x, y, r: 4, what: "shape", entry };
      }
      return null;
    }

    steps(frame, give) {
      give(this.all().map((entry) => ({ x: frame.px(entry.x), y: frame.py(entry.y), r: 4, what: "shape", entry })));
    }

    /** The smallest area that a place lies in: for who presses where nothing else is. */
    under(x, y, pressed) {
      const entry = pressed && this.shown && this.inside(x, y);
      return entry ? { x, y, r: 4, what: "shape", entry } : null;
    }

    inside(x, y) {
      const { frame } = this;
      const found = frame ? this.all().filter(({ shape }) => shape.area && frame.sees(shape.box) && within(frame, shape, x, y)) : [];
      const size = ({ shape: { box } }) => (box.east - box.west) * (box.south - box.north);
      return found.sort((a, b) => size(a) - size(b))[0] || null;
    }

    counts() {
      return { shapes: shapes.all(this.host.past).length };
    }

    choose(shown) {
      this.shown = shown;
      this.redraw();
    }

    pick(subject) {
      this.chosen = subject;
      this.redraw();
    }

    /** What has expired, or stood otherwise at the moment that is replayed now, is noticed within a second. */
    tick() {
      const told = shapes.all(this.host.past).map(({ subject, revision }) => `${subject}@${revision}`).join();
      if (told !== this.told) (this.redraw(), this.host.count());
      this.told = told;
    }

    /** City ms of the newest change of one that is shown (87-sheet.js). */
    asOf() {
      return shapes.all(this.host.past).reduce((newest, { time }) => Math.max(newest ?? 0, time), null);
    }

    locale() {
      this.redraw();
    }

    attach() {
      shapes.mine().catch(() => {});
    }

    remove() {
      this.stop();
    }
  }

  citymap.shapeCard = function (entry) {
    const { data } = entry;
    const points = citymap.pointsOf(data);
    return {
      title: (data.exercise ? `【${hall.t("map.print.exercise")}】` : "") + data.title,
      severity: null,
      rows: [["kind", hall.t(`map.shape.kind.${data.kind}`)], ["note", data.note], ["size", citymap.sizesOf(data.kind, points).filter(({ key }) => key !== "side").map(({ key, text }) => `${hall.t(`map.measure.${key}`)} ${text}`).join(hall.t("rows.comma"))],
        ["shape-owner", data.owner], ["share", hall.t(`map.shape.share.${data.share}`)], ["until", data.expires == null ? "" : `${hall.format.day(data.expires)} ${hall.format.time(data.expires)}`], ["about", data.about]],
    };
  };

  function swatch(c, r) {
    c.strokeStyle = COLOURS.aqua;
    c.lineWidth = r * 0.22;
    c.beginPath();
    c.moveTo(-r * 0.8, r * 0.5);
    c.lineTo(-r * 0.3, -r * 0.6);
    c.lineTo(r * 0.7, -r * 0.3);
    c.lineTo(r * 0.5, r * 0.6);
    c.closePath();
    c.stroke();
    c.globalAlpha = 0.25;
    c.fillStyle = COLOURS.aqua;
    c.fill();
    c.globalAlpha = 1;
  }

  /** Where else in a box there is room for a title, the nearest to its place first. */
  function roomsIn(frame, box, width, half, x, y) {
    const [west, east] = [Math.max(0, frame.px(box.west)), Math.min(frame.width, frame.px(box.east)) - width];
    const [north, south] = [Math.max(0, frame.py(box.north)) + half, Math.min(frame.height, frame.py(box.south)) - half];
    const found = [];
    if (east < west || south < north) return found;
    for (let i = 0; i <= PLACES; i += 1) for (let j = 0; j <= PLACES; j += 1) found.push([west + ((east - west) * i) / PLACES, north + ((south - north) * j) / PLACES]);
    const far = ([left, row]) => Math.hypot(left + width / 2 - x, row - y);
    return found.sort((one, other) => far(one) - far(other));
  }

  citymap.layer({ name: "shapes", legend: { before: "cells", swatch }, topics: ["shape"], make: (host) => new Layer(host) });
  citymap.part("shapes", {
    get: (view) => {
      const part = view.layers.get("shapes");
      return part.shown && !part.chosen ? null : { shown: part.shown, chosen: part.chosen || "" };
    },
    set: (view, value) => Object.assign(view.layers.get("shapes"), { shown: !value || value.shown !== false, chosen: (value && value.chosen) || "" }).redraw(),
  });
})();

/* The movers sheet: vehicles and crews where they last said they are. Nothing is invented between two reports. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const TURNS = 32; // headings are drawn to the nearest 32nd of a circle
  const PIXELS_FROM = 300; // units in view from which they are written by pixels
  const BODIES = { crew: 0, still: 1, moving: 2, walking: 3 };
  const FEW = 150; // units in view up to which trails, accuracy and ages of all are drawn; of more only those of who is chosen or called
  const NAMED_MAX = 14; // units in view up to which all names are written
  const NAMES_FROM = 14.5; // or from this `wide` zoom on, where there is room

  citymap.Movers = class {
    /** `obstacles(frame)` -> {free, unnamed, stale}: whether a box is clear of other symbols and labels, of the ground's names; whether nobody knows yet. */
    constructor(obstacles) {
      this.obstacles = obstacles;
      this.units = new Map(); // subject -> {x, y, turn, body, event, known, age}
      this.crews = new Map(); // subject of a position -> the crew whose it is
      this.shown = { vehicles: true };
      this.hits = [];
      this.trails = new citymap.Trails(0); // the map says how long they are
      this.chosen = ""; // subject of the one that is pointed at
    }

    take(event) {
      const { subject, data } = event;
      if (!data) {
        this.units.delete(subject);
        this.trails.forget(subject);
        return;
      }
      let unit = this.units.get(subject);
      if (!unit) this.units.set(subject, (unit = { what: "unit", id: subject, severity: 0, subject, lon: NaN, lat: NaN, age: 0, trail: () => this.trails.words(subject, citymap.now()) }));
      unit.event = event;
      unit.time = event.time;
      const moving = Number.isFinite(data.heading_deg);
      unit.body = data.kind === "crew" ? (moving ? "walking" : "crew") : moving ? "moving" : "still";
      unit.turn = moving ? ((Math.round((data.heading_deg / 360) * TURNS) % TURNS) + TURNS) % TURNS : 0;
      unit.accuracy = data.accuracy_m > 0 ? data.accuracy_m : 0;
      citymap.place(unit, data);
      if (unit.known) this.trails.add(subject, unit.x, unit.y, event.time);
    }

    /** Age bands by what the feed is expected to send: 0 fresh, 1 late, 2 old (drawn hollow). */
    ageAll() {
      const bounds = new Map();
      const now = citymap.now();
      let changed = false;
      for (const unit of this.units.values()) {
        const feed = unit.event.data.feed;
        let expected = bounds.get(feed);
        if (expected === undefined) {
          const status = citymap.doc(`feed/${feed}`);
          expected = ((status && status.data && status.data.expected_seconds) || 60) * 1000;
          bounds.set(feed, expected);
        }
        const since = now - unit.time;
        const age = since > 10 * expected ? 2 : since > 3 * expected ? 1 : 0;
        if (age !== unit.age) changed = true;
        unit.age = age;
      }
      return changed;
    }

    draw(c, frame) {
      this.hits = [];
      this.blind = false; // whether names were written before it was known what stands there
      this.written = { frame, boxes: new citymap.Boxes(64) }; // of the names: the ground's keep off them
      if (!this.shown.vehicles) return;
      const seen = [];
      const { scale, left, top } = frame;
      for (const unit of this.units.values()) {
        if (!unit.known) continue;
        const px = unit.x * scale - left;
        const py = unit.y * scale - top;
        if (px > -40 && py > -40 && px < frame.width + 40 && py < frame.height + 40) seen.push(unit, px, py);
      }
      const count = seen.length / 3;
      const r = Math.max(4, Math.round(frame.glyph * (count <= 150 ? 0.62 : count <= 1000 ? 0.46 : 0.32)));
      const now = citymap.now();
      const few = count <= FEW;
      if (count > PIXELS_FROM) this.writeAll(c, frame, seen, r);
      const marked = this.marked(seen, few);
      if (few) this.drawAccuracy(c, frame, seen, r);
      this.trails.draw(c, frame, marked, now);
      this.trails.ask(marked.map((unit) => unit.subject), now);
      if (count <= PIXELS_FROM) this.stampAll(c, frame, seen, r);
      this.drawNames(c, frame, seen, r, { all: count <= NAMED_MAX || (count <= 60 && frame.wide >= NAMES_FROM), few, now });
      this.seen = seen;
      this.radius = r;
    }

    /** Those in view whose trail is drawn: all while they are few, else who is pointed at or called. */
    marked(seen, few) {
      const found = [];
      for (let i = 0; i < seen.length; i += 3) {
        const unit = seen[i];
        if (few || unit.subject === this.chosen || citymap.isCalled(this.crews.get(unit.subject))) found.push(unit);
      }
      return found;
    }

    /** `paint(key, options)` makes what `put(made, px, py)` then places; one lookup per kind of symbol, not per unit. */
    each(frame, seen, r, paint, put) {
      const made = new Map();
      for (let i = 0; i < seen.length; i += 3) {
        const { body, turn, age } = seen[i];
        const key = BODIES[body] * 128 + turn * 4 + age;
        let one = made.get(key);
        if (!one) made.set(key, (one = paint(citymap.sprite("unit", key, r, frame.ratio, { body, turn, age }))));
        put(one, seen[i + 1], seen[i + 2]);
      }
    }

    stampAll(c, frame, seen, r) {
      this.each(frame, seen, r, (sprite) => sprite, (sprite, px, py) => citymap.stamp(c, sprite, px, py, frame.ratio));
    }

    /** The same by pixels: the canvas holds nothing but these symbols then. */
    writeAll(c, frame, seen, r) {
      const pixels = (this.pixels = this.pixels || new citymap.Pixels());
      pixels.begin(c.canvas.width, c.canvas.height);
      this.each(frame, seen, r, (sprite) => pixels.compile(sprite, frame.ratio), (symbol, px, py) =>
        pixels.add(symbol, Math.round(px * frame.ratio), Math.round(py * frame.ratio)));
      pixels.show(c);
    }

    drawAccuracy(c, frame, seen, r) {
      c.beginPath();
      for (let i = 0; i < seen.length; i += 3) {
        const radius = seen[i].accuracy * citymap.perMetre(seen[i].y) * frame.scale;
        if (radius < r * 1.3) continue;
        c.moveTo(seen[i + 1] + radius, seen[i + 2]);
        c.arc(seen[i + 1], seen[i + 2], radius, 0, 2 * Math.PI);
      }
      c.fillStyle = "rgba(234,242,251,.10)";
      c.fill();
      c.lineWidth = frame.u * 0.8;
      c.strokeStyle = "rgba(234,242,251,.4)";
      c.stroke();
    }

    /** Names of `all`; else of those that are called, with what they are doing; of a `few` that are silent, since when. */
    drawNames(c, frame, seen, r, { all, few, now }) {
      if (!all && !few && !this.crews.size) return;
      const own = new citymap.Boxes(64);
      const boxes = this.obstacles(frame);
      this.blind = boxes.stale;
      const size = frame.font;
      c.font = `500 ${size}px ${citymap.family}`;
      c.textAlign = "left";
      c.textBaseline = "middle";
      c.lineWidth = size * 0.2;
      for (let i = 0; i < seen.length; i += 3) {
        const { name, unit_id: id } = seen[i].event.data;
        const called = citymap.crewText(this.crews.get(seen[i].subject), seen[i]);
        const silent = few && seen[i].age === 2 ? hall.t("map.unit.ago", { age: hall.format.duration(Math.max(0, now - seen[i].time)) }) : "";
        if (!all && !called && !silent) continue;
        const x = seen[i + 1] + r * 1.5;
        const y = seen[i + 2];
        const text = [called || (all && (name || id)), silent].filter(Boolean).join(" · ");
        const width = c.measureText(text).width;
        if (x + width > frame.width || !own.take(x, y - size * 0.6, x + width, y + size * 0.6)) continue;
        const box = [x, y - size * 0.5, x + width, y + size * 0.5];
        if (!boxes.free(...box) || (!called && !boxes.unnamed(...box))) continue;
        this.written.boxes.put(...box);
        citymap.write(c, text, x, y, "#c9d5e3");
      }
    }

    /** The unit nearest to a place on the frame, null when none is close. */
    nearest(x, y) {
      if (!this.seen || !this.shown.vehicles) return null;
      let best = null;
      let least = (this.radius * 1.8) ** 2;
      for (let i = 0; i < this.seen.length; i += 3) {
        const d = (this.seen[i + 1] - x) ** 2 + (this.seen[i + 2] - y) ** 2;
        if (d < least) {
          least = d;
          best = { x: this.seen[i + 1], y: this.seen[i + 2], r: this.radius, what: "unit", entry: this.seen[i] };
        }
      }
      return best;
    }

    /** For `n`: all in view while they are few, else those that are called. */
    steps() {
      if (!this.seen || !this.shown.vehicles) return [];
      const few = this.seen.length / 3 <= citymap.MOST_STEPS;
      const found = [];
      for (let i = 0; i < this.seen.length; i += 3) {
        const entry = this.seen[i];
        if (few || citymap.isCalled(this.crews.get(entry.subject))) found.push({ x: this.seen[i + 1], y: this.seen[i + 2], r: this.radius, what: "unit", entry });
      }
      return found;
    }

    counts() {
      return { vehicles: this.units.size };
    }
  };
})();

/* The things sheet: cases, gauges, incidents and cameras. Close ones are drawn as one, and the most severe is the one that is seen. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const ENDED = new Set(["closed", "forced_close", "not_accepted", "cancelled"]); // hall/core/model.py CASE_ENDED
  const severityOf = (value) => Math.max(0, Math.min(4, value | 0));
  const FEW = 30; // cases from which the city's busy part can be told from them
  const LABELLED = 90; // labels that a place is looked for, most important first: no map has room for more
  const FORCED = 13; // rank from which a label is written in any case: readings of orange and red gauges
  const placed = (data) => Number.isFinite(data.lon) && Number.isFinite(data.lat);

  function place(entry, data) {
    entry.known = placed(data);
    if (entry.known && (entry.lon !== data.lon || entry.lat !== data.lat)) {
      entry.x = citymap.projectX(data.lon);
      entry.y = citymap.projectY(data.lat);
      entry.lon = data.lon;
      entry.lat = data.lat;
    }
    return entry;
  }
  citymap.place = place;

  citymap.Things = class {
    constructor() {
      this.cases = new Map();
      this.gauges = new Map(); // feed/sensor_id -> {sensor, readings: Map quantity -> event, alarm}
      this.cameras = new Map();
      this.closures = new Map(); // subject -> {event, lon, lat}
      this.depots = new Map(); // the same
      this.incidents = new Map(); // the same, with its severity
      this.alarmAt = new Map(); // alarm's subject -> key of the gauge that raised it
      this.shown = { cases: true, gauges: true, cameras: true, closures: true, depots: true, incidents: true };
      this.hits = []; // what was drawn: {x, y, r, what, entry, members}, topmost last
    }

    // -- taking documents in -------------------------------------------------------------------------------------------

    /** Takes a case event; returns its entry when it is open and was not known before. */
    takeCase(event) {
      const { subject, data } = event;
      if (!data || ENDED.has(data.state || "reported")) {
        this.cases.delete(subject);
        return null;
      }
      const known = this.cases.get(subject);
      const entry = known || { subject, lon: NaN, lat: NaN };
      entry.event = event;
      entry.severity = severityOf(data.severity);
      entry.time = (data.stages && data.stages.reported) || event.time;
      this.cases.set(subject, place(entry, data));
      return known ? null : entry;
    }

    gauge(key) {
      let gauge = this.gauges.get(key);
      if (!gauge) this.gauges.set(key, (gauge = { key, sensor: null, readings: new Map(), alarm: null, lon: NaN, lat: NaN }));
      return gauge;
    }

    takeGauge(topic, event) {
      const [, , , quantity] = event.subject.split("/");
      const gauge = this.gauge(topic === "alarm" ? this.raisedBy(event) : hall.site(event.subject));
      if (topic === "sensor") gauge.sensor = event.data ? event : null;
      else if (topic === "alarm") gauge.alarm = event.data && event.data.active !== false ? event : null;
      else if (event.data) gauge.readings.set(quantity, event);
      else gauge.readings.delete(quantity);
      if (!gauge.sensor && !gauge.readings.size) this.gauges.delete(gauge.key);
      else this.judge(gauge);
    }

    /** One alarm stands for a site: what it hangs on is the measuring point that its cause names. */
    raisedBy({ subject, data }) {
      const { cause } = data || {};
      const key = cause && cause.startsWith("observation/") ? hall.site(cause) : this.alarmAt.get(subject) || hall.site(subject);
      const before = this.alarmAt.get(subject);
      if (before && before !== key && this.gauges.has(before)) this.gauges.get(before).alarm = null;
      if (data) this.alarmAt.set(subject, key);
      else this.alarmAt.delete(subject);
      return key;
    }

    /** What a gauge shows: its main quantity, or the one that is worse; judged by its lines, the reading's word, its alarm. */
    judge(gauge) {
      const sensor = gauge.sensor ? gauge.sensor.data : null;
      const wanted = sensor && sensor.quantity ? sensor.quantity : "water_depth";
      gauge.severity = gauge.alarm ? severityOf(gauge.alarm.data.severity) : 0;
      gauge.event = null;
      let worst = -1;
      for (const [quantity, event] of gauge.readings) {
        const lines = hall.linesOf(sensor, quantity);
        const severity = Math.max(severityOf(event.data.severity), severityOf(hall.severityOf(lines, event.data.value)));
        gauge.severity = Math.max(gauge.severity, severity);
        const rank = 2 * severity + (quantity === wanted ? 1 : 0);
        if (rank <= worst) continue;
        worst = rank;
        gauge.event = event;
        gauge.quantity = quantity;
        gauge.top = lines.length ? lines[lines.length - 1].value : (gauge.alarm && gauge.alarm.data.threshold) || null;
      }
      if (!gauge.event) gauge.quantity = wanted;
      place(gauge, sensor && placed(sensor) ? sensor : gauge.event ? gauge.event.data : {});
    }

    takeCamera(event) {
      if (!event.data) {
        this.cameras.delete(event.subject);
        return;
      }
      const entry = this.cameras.get(event.subject) || { subject: event.subject, lon: NaN, lat: NaN };
      entry.event = event;
      this.cameras.set(event.subject, place(entry, event.data));
    }

    // -- drawing -------------------------------------------------------------------------------------------------------

    draw(c, frame) {
      this.hits = [];
      this.labels = [];
      if (this.shown.cameras) this.drawCameras(c, frame);
      if (this.shown.depots) citymap.drawDepots(this, c, frame);
      // cases and gauges in one order: whatever it is, the most severe lies on top
      this.due = [];
      if (this.shown.incidents) citymap.drawIncidents(this, frame);
      if (this.shown.cases) this.drawCases(frame);
      if (this.shown.gauges) this.drawGauges(frame);
      this.due.sort((a, b) => a.severity - b.severity);
      for (const { sprite, px, py, hit, hitX = px, hitY = py } of this.due) {
        citymap.stamp(c, sprite, px, py, frame.ratio);
        this.hit(hitX, hitY, ...hit);
      }
      if (this.shown.closures) citymap.drawClosures(this, c, frame);
      this.drawLabels(c, frame);
    }

    hit(x, y, r, what, entry, members) {
      this.hits.push({ x, y, r, what, entry, members: members || null });
    }

    inView(entries, frame, margin) {
      const found = [];
      for (const entry of entries) {
        if (!entry.known) continue;
        const px = entry.x * frame.scale - frame.left;
        const py = entry.y * frame.scale - frame.top;
        if (frame.holds(px, py, margin)) found.push({ entry, px, py });
      }
      return found;
    }

    /** Groups by a grid fixed to the ground, so that panning does not regroup; each group is led by the first in `order`. */
    grouped(seen, frame, step, order) {
      const groups = new Map();
      for (const one of seen) {
        const key = Math.floor((one.px + frame.left) / step) * 4194304 + Math.floor((one.py + frame.top) / step);
        const group = groups.get(key);
        if (!group) groups.set(key, { lead: one, members: [one] });
        else {
          group.members.push(one);
          if (order(one.entry, group.lead.entry) < 0) group.lead = one;
        }
      }
      return [...groups.values()];
    }

    drawCameras(c, frame) {
      const seen = this.inView(this.cameras.values(), frame, frame.glyph);
      const alone = seen.length <= 40 || frame.wide >= 14.5;
      const groups = alone ? seen.map((one) => ({ lead: one, members: [one] }))
        : this.grouped(seen, frame, frame.glyph * 8, () => 1);
      const r = Math.round(frame.glyph * 0.46);
      const near = frame.wide >= citymap.sectorsFrom;
      for (const { entry, px, py } of seen) {
        const strong = entry.subject === this.chosen; // the camera that is pointed at
        if (near || strong) citymap.drawSector(c, frame, entry, px, py, strong);
      }
      for (const { lead, members } of groups) {
        const { data } = lead.entry.event;
        const offline = members.every((m) => m.entry.event.data.state === "offline");
        const options = { offline, stream: !!data.has_stream };
        citymap.stamp(c, citymap.sprite("camera", `${offline}${options.stream}`, r, frame.ratio, options), lead.px, lead.py, frame.ratio);
        this.hit(lead.px, lead.py, r * 1.3, "camera", lead.entry, members);
        if (members.length > 1) this.label(lead, r, String(members.length), citymap.ink.dim, 0);
      }
    }

    drawGauges(frame) {
      const seen = this.inView(this.gauges.values(), frame, frame.glyph).sort((a, b) => a.entry.severity - b.entry.severity);
      const crowded = seen.length > 120 && frame.wide < 14;
      const now = citymap.now();
      const rest = citymap.drawTubes(this, seen, frame, now); // the worst stand as tubes that are read from afar
      for (const one of rest) {
        const { severity, event, quantity, top } = one.entry;
        const value = event ? event.data.value : null;
        const quiet = severity < 1;
        const r = Math.round(frame.glyph * (quiet ? (crowded ? 0.3 : 0.46) : 0.54 + severity * 0.07));
        const level = value == null ? 0 : Math.max(1, Math.min(12, Math.round((12 * value) / (top || Math.max(value, 1)))));
        const options = { severity, level, rain: quantity.startsWith("rain"), stale: citymap.isOld(event, now) };
        const key = `${severity}|${level}|${options.rain}|${options.stale}`;
        const sprite = citymap.sprite("gauge", key, r, frame.ratio, options);
        this.due.push({ severity, sprite, px: one.px, py: one.py, hit: [r * 1.4, "gauge", one.entry] });
        if (severity >= 2 && value != null) {
          this.label(one, r, `${citymap.SHAPES[severity]}${citymap.reading(one.entry)}`, citymap.colours[severity], 10 + severity);
        }
      }
    }

    drawCases(frame) {
      const order = (a, b) => b.severity - a.severity || b.time - a.time;
      const now = citymap.now();
      const merged = this.shown.gauges ? citymap.mergedCases(this) : new Set(); // shown by the gauge that saw the same water
      const seen = this.inView([...this.cases.values()].filter((entry) => !merged.has(entry.subject)), frame, frame.glyph * 2);
      const step = frame.glyph * (frame.wide >= 15.5 ? 1 : seen.length > 400 ? 3 : 2.2);
      const groups = this.grouped(seen, frame, step, order).sort((a, b) => order(b.lead.entry, a.lead.entry));
      for (const { lead, members } of groups) {
        const { severity, event } = lead.entry;
        const { kind } = event.data;
        const many = members.length > 1;
        // a group is marked overdue when half of it is: where there are many, some always are
        const overdue = 2 * members.filter((m) => m.entry.event.data.due != null && m.entry.event.data.due < now).length >= members.length;
        const r = Math.round(frame.glyph * ([0.4, 0.5, 0.56, 0.6, 0.64][severity] + (many ? 0.08 : 0)));
        const options = { severity, kind: kind || "occurrence", overdue };
        const key = `${severity}|${options.kind}|${options.overdue}`;
        const sprite = citymap.sprite("case", key, r, frame.ratio, options);
        this.due.push({ severity, sprite, px: lead.px, py: lead.py, hit: [r * 1.4, "case", lead.entry, members] });
        if (many) this.label(lead, r * 1.15, String(members.length), citymap.ink.text, 5 + severity);
      }
    }

    label(one, r, text, colour, rank) {
      this.labels.push({ x: one.px, y: one.py, r, text, colour, rank });
    }

    /**
     * Numbers beside the symbols, the most severe first, clear of symbols and of each other: right, left, above or below.
     * What finds no room is left to the card, except the readings of severe gauges.
     */
    drawLabels(c, frame) {
      const boxes = new citymap.Boxes(64);
      const size = frame.font;
      for (const { x, y, r } of this.hits) boxes.put(x - r * 0.6, y - r * 0.6, x + r * 0.6, y + r * 0.6);
      c.font = `600 ${size}px ${citymap.family}`;
      c.textBaseline = "middle";
      c.textAlign = "left";
      c.lineWidth = size * 0.2;
      this.labels.sort((a, b) => b.rank - a.rank);
      const half = size * 0.42;
      for (const { x, y, r, text, colour, rank } of this.labels.slice(0, LABELLED)) {
        const width = c.measureText(text).width;
        const gap = r + frame.u * 2;
        const places = [[x + gap, y], [x - gap - width, y], [x - width / 2, y - gap - half], [x - width / 2, y + gap + half]];
        if (rank >= FORCED) places.push(...[-1, 1].flatMap((side) => [[x + gap * 0.7, y + side * (gap + half)], [x - gap * 0.7 - width, y + side * (gap + half)], [x - width / 2, y + side * (gap + 3.4 * half)]]));
        const free = places.find(([left, middle]) => boxes.free(left, middle - half, left + width, middle + half));
        const [left, middle] = free || places[0];
        if (!free && rank < FORCED) continue;
        boxes.put(left, middle - half, left + width, middle + half);
        citymap.write(c, text, left, middle, colour);
      }
      this.boxes = boxes;
    }

    /** The box of the cases, without the outermost ones, and of all gauges; null when there are too few cases to tell. */
    core() {
      const placed = [...this.cases.values()].filter((entry) => entry.known);
      if (placed.length < FEW) return null;
      const [low, high] = citymap.middle(placed.map((e) => e.x), placed.map((e) => e.y));
      for (const { known, lon, lat } of this.gauges.values()) {
        if (!known) continue;
        [low[0], low[1]] = [Math.min(low[0], lat), Math.min(low[1], lon)];
        [high[0], high[1]] = [Math.max(high[0], lat), Math.max(high[1], lon)];
      }
      return [low, high];
    }

    counts() {
      let unknown = 0;
      for (const entry of this.cases.values()) if (!entry.known) unknown += 1;
      return { cases: this.cases.size, "cases-unknown": unknown, gauges: this.gauges.size, cameras: this.cameras.size, closures: this.closures.size, depots: this.depots.size, incidents: this.incidents.size };
    }
  };
})();

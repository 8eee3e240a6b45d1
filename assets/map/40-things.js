/* The things sheet: cases, gauges, incidents and cameras: what is there, and in which order it is drawn. Which stand for others: 43-clusters.js. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const ENDED = new Set(["closed", "forced_close", "not_accepted", "cancelled"]); // hall/core/model.py CASE_ENDED
  const severityOf = (value) => Math.max(0, Math.min(4, value | 0));
  const FEW = 30; // cases from which the city's busy part can be told from them
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
  /** What an entry's group depends on, as a text. */
  const standing = ({ known, x, y, severity }) => (known ? `${x}|${y}|${severity}` : "");

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
      this.clusters = new citymap.Clusters();
      this.quietClusters = new citymap.Clusters();
      this.cameraClusters = new citymap.Clusters();
      this.cameraCells = () => null; // [{x, y, lon, lat, count, online, offline}] where the hall tells no more of them
    }

    // -- taking documents in -------------------------------------------------------------------------------------------

    /** Takes a case event; returns its entry when it is open and was not known before. */
    takeCase(event) {
      const { subject, data } = event;
      if (!data || ENDED.has(data.state || "reported")) {
        if (this.cases.delete(subject)) this.clusters.touch();
        return null;
      }
      const known = this.cases.get(subject);
      const entry = known || { what: "case", id: subject, subject, lon: NaN, lat: NaN };
      const before = standing(entry);
      entry.event = event;
      entry.severity = severityOf(data.severity);
      entry.time = (data.stages && data.stages.reported) || event.time;
      this.cases.set(subject, place(entry, data));
      if (standing(entry) !== before) this.clusters.touch();
      return known ? null : entry;
    }

    gauge(key) {
      let gauge = this.gauges.get(key);
      if (!gauge) this.gauges.set(key, (gauge = { what: "gauge", id: key, key, sensor: null, readings: new Map(), alarm: null, lon: NaN, lat: NaN }));
      return gauge;
    }

    takeGauge(topic, event) {
      const [, , , quantity] = event.subject.split("/");
      const gauge = this.gauge(topic === "alarm" ? this.raisedBy(event) : hall.site(event.subject));
      const before = standing(gauge);
      if (topic === "sensor") gauge.sensor = event.data ? event : null;
      else if (topic === "alarm") gauge.alarm = event.data && event.data.active !== false ? event : null;
      else if (event.data) gauge.readings.set(quantity, event);
      else gauge.readings.delete(quantity);
      if (!gauge.sensor && !gauge.readings.size && !gauge.alarm) this.gauges.delete(gauge.key); // an alarm alone stands, too
      else this.judge(gauge);
      if (topic !== "alarm" && standing(gauge) === before) return;
      this.clusters.touch();
      this.quietClusters.touch();
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
      gauge.time = gauge.alarm ? gauge.alarm.data.since || gauge.alarm.time : 0;
      place(gauge, [sensor, gauge.event && gauge.event.data, gauge.alarm && gauge.alarm.data].find((one) => one && placed(one)) || {});
    }

    takeCamera(event) {
      if (!event.data) {
        if (this.cameras.delete(event.subject)) this.cameraClusters.touch();
        return;
      }
      const known = this.cameras.get(event.subject);
      const entry = known || { what: "camera", id: event.subject, severity: 0, subject: event.subject, lon: NaN, lat: NaN };
      const before = standing(entry);
      entry.event = event;
      this.cameras.set(event.subject, place(entry, event.data));
      if (standing(entry) !== before) this.cameraClusters.touch();
    }

    // -- drawing -------------------------------------------------------------------------------------------------------

    draw(c, frame) {
      this.hits = [];
      this.labels = [];
      this.plates = []; // boxes of the clusters' plates: no label lies on one
      if (this.shown.cameras) citymap.drawCameras(this, c, frame);
      if (this.shown.depots) citymap.drawDepots(this, c, frame);
      // cases and gauges in one order: whatever it is, the most severe lies on top
      this.due = [];
      if (this.shown.incidents) citymap.drawIncidents(this, frame);
      citymap.drawEvents(this, c, frame);
      this.due.sort((a, b) => a.severity - b.severity);
      for (const { sprite, px, py, hit, hitX = px, hitY = py, plate, mark } of this.due) {
        if (plate) this.plates.push(plate(c));
        citymap.stamp(c, sprite, px, py, frame.ratio);
        if (mark) citymap.stamp(c, mark.sprite, px + mark.dx, py + mark.dy, frame.ratio);
        this.hit(hitX, hitY, ...hit);
      }
      if (this.shown.closures) citymap.drawClosures(this, c, frame);
      citymap.drawLabels(this, c, frame);
    }

    hit(x, y, r, what, entry, members) {
      this.hits.push({ x, y, r, what, entry, members: members || null });
    }

    label(one, r, text, colour, rank, short) {
      this.labels.push({ x: one.px, y: one.py, r, text, colour, rank, short });
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

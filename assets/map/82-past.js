/* The past as the hall kept it (docs/REPLAY.md): a store of its own, never the live one.
 *
 * const past = new hall.citymap.Past()
 *   await past.about()        what is kept: {since, until, covered, segments, open, topics, marks, keep_ms}; throws with .reason
 *   await past.seek(t)        -> events that changed against what was shown, gone ones with data null; null: another seek came later
 *   past.step(t)              the same without a question, forwards; null: not loaded yet (past.ahead(t) brings it)
 *   past.now, docs(topic), gap(t) -> [since, until] or null
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const PATH = "/api/v1/history";
  const SEGMENT_MS = 600000;
  const KEPT_SEGMENTS = 8;
  const KEPT_CHANGES = 40000; // beyond it the picture begins anew at a later base
  const PATIENCE_MS = 20000;
  const LIVE = new Set(["feed", "channel"]); // how often a supplier sends, which cameras there are: not kept, not of a moment

  async function ask(path, as = "json") {
    const answer = await fetch(PATH + path, { credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) }).catch((error) => {
      throw Object.assign(new Error(error.message), { reason: error.name === "TimeoutError" ? "timeout" : "unreachable" });
    });
    if (answer.ok) return as === "json" ? answer.json() : answer.arrayBuffer();
    const said = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(said.detail || ""), { reason: said.reason || "http" });
  }

  /** Forecasts of the radar are not kept. */
  function measured(event) {
    const frames = event.data.frames.filter((frame) => frame.time <= frame.run);
    return { ...event, data: frames.length ? { ...event.data, frames } : null };
  }

  class Past {
    constructor() {
      this.now = 0;
      this.byTopic = new Map();
      this.plain = new Map(); // subject -> event as kept; of tracks what does not move
      this.base = null; // {at, events}
      this.changes = []; // [moment, event] after the base, up to `until`
      this.until = 0;
      this.cursor = 0;
      this.segments = new Map(); // start -> {value, ready, until}
      this.bringing = null;
      this.turn = 0;
    }

    async about() {
      this.extent = await ask("");
      this.kept = new Set(this.extent.topics);
      return this.extent;
    }

    docs(topic) {
      if (LIVE.has(topic)) return hall.store.docs(topic);
      let docs = this.byTopic.get(topic);
      if (!docs) this.byTopic.set(topic, (docs = new Map()));
      return docs;
    }

    gap(t) {
      const { covered } = this.extent;
      for (let i = 1; i < covered.length; i += 1) if (covered[i - 1][1] < t && t < covered[i][0]) return [covered[i - 1][1], covered[i][0]];
      return null;
    }

    within(t) {
      return Math.max(this.extent.since, Math.min(this.extent.until, t));
    }

    // -- what is loaded ----------------------------------------------------------------------------------------------------

    startOf(t) {
      const { segments, open } = this.extent;
      if (open !== null && open <= t) return open;
      for (let i = segments.length - 1; i >= 0; i -= 1) if (segments[i][0] <= t) return segments[i][0];
      return null;
    }

    segmentAt(t) {
      const start = this.startOf(t);
      if (start === null) return null;
      const running = start === this.extent.open;
      let held = this.segments.get(start);
      if (held && running && held.until < Math.min(t, this.extent.until)) held = null; // more was heard since
      if (!held) {
        held = { value: null, until: running ? this.extent.until : Infinity };
        held.ready = ask(`/segments/${running ? "open" : start}`, "binary").then((buffer) => (held.value = new citymap.Segment(buffer)));
        held.ready.catch(() => this.segments.delete(start));
        this.segments.set(start, held);
        if (this.segments.size > KEPT_SEGMENTS) this.segments.delete(this.segments.keys().next().value);
      }
      return held;
    }

    async more(until) {
      let skip = 0;
      const after = this.until;
      const found = [];
      while (skip !== null) {
        const page = await ask(`/changes?after=${after}&until=${until}&skip=${skip}`);
        for (const row of page.events) found.push(row);
        skip = page.next;
      }
      if (this.until !== after) return; // another one was faster
      for (const row of found) this.changes.push(row);
      this.until = until;
    }

    /** The whole of the ten minutes around `t`. */
    async load(t) {
      const start = Math.max(this.extent.since, t - (t % SEGMENT_MS));
      const until = Math.max(t, Math.min(start - (start % SEGMENT_MS) + SEGMENT_MS, this.extent.until));
      const held = this.segmentAt(t);
      const here = this.base && this.base.at <= t;
      if (!here || t > this.until + SEGMENT_MS || this.changes.length > KEPT_CHANGES) {
        const turn = this.turn;
        const [{ events }, { events: changes, next }] = await Promise.all([ask(`?at=${start}&bare=1`), ask(`/changes?after=${start}&until=${until}`)]);
        if (turn !== this.turn) return false;
        this.base = { at: start, events: new Map(events.map((event) => [event.subject, event])) };
        this.changes = changes;
        this.until = next === null ? until : changes[changes.length - 1][0] - 1;
        this.cursor = -1;
        if (next !== null) {
          this.changes = changes.filter(([moment]) => moment <= this.until);
          await this.more(until);
        }
      } else if (t > this.until) await this.more(until);
      if (held) await held.ready;
      return true;
    }

    /** Brings what comes up to `t`, so that playing need not wait; a promise while it is under way, else null. */
    ahead(t) {
      const until = Math.min(this.extent.until, t);
      if (this.bringing || !this.base) return this.bringing || null;
      const wanted = [];
      if (this.until < until && this.changes.length < KEPT_CHANGES) wanted.push(this.more(Math.min(this.extent.until, until + SEGMENT_MS)));
      for (let at = this.now; at < until + SEGMENT_MS; at += SEGMENT_MS) {
        const held = this.segmentAt(Math.min(at, until));
        if (held && !held.value) wanted.push(held.ready);
      }
      if (!wanted.length) return null;
      this.bringing = Promise.all(wanted).finally(() => (this.bringing = null));
      return this.bringing;
    }

    // -- the picture -------------------------------------------------------------------------------------------------------

    async seek(t) {
      const turn = (this.turn += 1);
      const moment = this.within(t);
      if (!(await this.load(moment)) || turn !== this.turn) return null;
      return this.to(moment);
    }

    step(t) {
      const moment = this.within(t);
      const held = this.segmentAt(moment);
      if (!this.base || moment < this.base.at || moment > this.until || (held && !held.value)) return null;
      return this.to(moment);
    }

    to(t) {
      const touched = new Set();
      if (this.cursor < 0 || t < this.now) {
        const before = this.plain;
        this.plain = new Map(this.base.events);
        this.cursor = 0;
        this.forward(t, touched);
        touched.clear();
        for (const subject of before.keys()) if (!this.plain.has(subject)) touched.add(subject);
        for (const [subject, event] of this.plain) if (before.get(subject) !== event) touched.add(subject);
      } else this.forward(t, touched);
      this.now = t;
      const told = new Map();
      for (const subject of touched) this.tell(subject, told);
      this.move(t, touched, told);
      return [...told.values()];
    }

    forward(t, touched) {
      const { changes } = this;
      for (; this.cursor < changes.length && changes[this.cursor][0] <= t; this.cursor += 1) {
        const event = changes[this.cursor][1];
        if (event.data === null) this.plain.delete(event.subject);
        else this.plain.set(event.subject, event);
        touched.add(event.subject);
      }
    }

    put(event, told) {
      const docs = this.docs(hall.store.topicOf(event.subject));
      if (event.data) docs.set(event.subject, event);
      else docs.delete(event.subject);
      told.set(event.subject, event);
    }

    tell(subject, told) {
      const topic = hall.store.topicOf(subject);
      const event = this.plain.get(subject);
      if (!event) this.put({ id: "gone", source: "history", subject, time: this.now, recordedtime: this.now, data: null }, told);
      else if (topic === "position" || topic === "observation") return; // with its numbers, in move()
      else this.put(topic === "case" ? this.laidOver(event) : topic === "raster" ? measured(event) : event, told);
      if (topic === "file") {
        const known = this.plain.get(`case${subject.slice(4)}`);
        if (known) this.put(this.laidOver(known), told);
      }
    }

    /** As the live store does it: what the hall decided in the place of the supplier's words. */
    laidOver(event) {
      const file = this.plain.get(`file${event.subject.slice(4)}`);
      const over = file && file.data.over;
      if (!over) return event;
      const data = { ...event.data, ...over };
      if (over.stages) data.stages = { ...event.data.stages, ...over.stages };
      return { ...event, data, supplied: event.data };
    }

    move(t, touched, told) {
      const held = this.segmentAt(t);
      const segment = held && held.value;
      if (!segment) return;
      const another = segment !== this.moved;
      this.moved = segment;
      for (const topic of segment.topics.keys()) {
        segment.each(topic, t, another, (subject, time, numbers) => this.point(subject, time, numbers, told));
        if (another || !touched.size) continue;
        const table = segment.topics.get(topic);
        for (const subject of touched) if (this.plain.has(subject) && hall.store.topicOf(subject) === topic) {
          const i = table.subjects.indexOf(subject);
          if (i >= 0) table.shown[i] = -1;
        }
        segment.each(topic, t, false, (subject, time, numbers) => this.point(subject, time, numbers, told));
      }
    }

    point(subject, time, numbers, told) {
      const event = this.plain.get(subject);
      if (event) this.put({ ...event, time, data: { ...event.data, ...numbers } }, told);
    }
  }

  citymap.Past = Past;
})();

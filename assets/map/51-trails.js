/* Trails: where a mover has been in the last minutes, from what this screen heard and, for what it did not, from the hall's history.
 *
 * new citymap.Trails(minutes)
 *   .add(subject, x, y, time)       a position in the unit square; .forget(subject)
 *   .draw(c, frame, units, now)     their trails, the older the fainter
 *   .words(subject, now)            how long it is, and whether only this screen knows it
 *   .ask(subjects, now)             completes them from the hall, a few at a time; .changed() is called when one has come
 * Nothing is drawn over a gap (nothing heard for `GAP_MS`, or three times what the feed takes) nor over a jump faster than a car drives:
 * what happened there nobody knows. Bounded: points per mover, movers, questions at once.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const GAP_MS = 3 * 60000;
  const FASTEST_MPS = 200 / 3.6;
  const JUMP_M = 150; // less than that is the fix's own noise, whatever speed it makes
  const STILL_M = 8; // who moved less has not moved: its last point only becomes newer
  const MOST_POINTS = 128; // of a trail; whoever says more often where it is has its older ones thinned
  const FRESH = MOST_POINTS / 4; // points that are never thinned
  const MOST_MOVERS = 8000;
  const MOST_ASKED = 60; // movers whose past is asked for at a time: those in view
  const AT_ONCE = 2;
  const AGAIN_MS = 60000; // after a question that failed
  const BANDS = [0.36, 0.58, 0.85]; // opacity of the oldest, middle and newest third

  const metres = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) / citymap.perMetre(b.y);
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 0));
  const IDLE_MS = 500; // at the latest
  const pointOf = (lon, lat, time) => ({ x: citymap.projectX(lon), y: citymap.projectY(lat), time });
  const STEPS = 2 ** 32; // of the unit square: a centimetre

  /** Points {x, y, time} in 16 bytes each: as objects those of 5,000 movers take 80 MB, and the browser walks over them whenever it collects. */
  class Points {
    constructor(points = []) {
      this.length = 0;
      this.sized(Math.max(8, points.length));
      for (const { x, y, time } of points) this.push(x, y, time);
    }

    sized(size) {
      const [places, times] = [new Uint32Array(2 * size), new Float64Array(size)];
      if (this.length) {
        places.set(this.places);
        times.set(this.times);
      }
      Object.assign(this, { places, times });
    }

    push(x, y, time) {
      if (this.length === this.times.length) this.sized(2 * this.length);
      this.places[2 * this.length] = x * STEPS;
      this.places[2 * this.length + 1] = y * STEPS;
      this.times[this.length] = time;
      this.length += 1;
    }

    at(i) {
      return { x: this.places[2 * i] / STEPS, y: this.places[2 * i + 1] / STEPS, time: this.times[i] };
    }

    list() {
      return Array.from({ length: this.length }, (_, i) => this.at(i));
    }

    /** Metres from one of them to a place. */
    far(i, x, y) {
      return Math.hypot(this.places[2 * i] / STEPS - x, this.places[2 * i + 1] / STEPS - y) / citymap.perMetre(y);
    }

    /** The first that is as new as `time`; -1 for none. */
    from(time) {
      for (let i = 0; i < this.length; i += 1) if (this.times[i] >= time) return i;
      return -1;
    }

    /** Leaves points at least `least` ms apart, of all but the newest; those beside a leg that nobody knows stay, else it would be drawn. */
    thin(least) {
      const fresh = Math.max(1, this.length - FRESH);
      const unknown = (i) => broken(this.at(i - 1), this.at(i), GAP_MS);
      let kept = 1;
      for (let i = 1; i < this.length; i += 1) {
        if (i < fresh && this.times[i] - this.times[kept - 1] < least && !unknown(i) && !unknown(i + 1)) continue;
        this.places.copyWithin(2 * kept, 2 * i, 2 * i + 2);
        this.times[kept] = this.times[i];
        kept += 1;
      }
      this.length = kept;
    }

    /** Forgets the oldest `count`. */
    drop(count) {
      this.places.copyWithin(0, 2 * count, 2 * this.length);
      this.times.copyWithin(0, count, this.length);
      this.length -= count;
    }
  }

  /** Whether nobody knows what lies between two points of a trail. */
  function broken(a, b, gap) {
    const seconds = (b.time - a.time) / 1000;
    if (seconds * 1000 > gap) return true;
    const far = metres(a, b);
    return far > JUMP_M && far > FASTEST_MPS * seconds;
  }
  citymap.trailBroken = broken;

  citymap.Trails = class {
    constructor(minutes) {
      this.span = Math.max(0, minutes || 0) * 60000;
      this.trails = new Map(); // subject -> {points, since: the moment from which it is whole, asked}
      this.heard = []; // subject, x, y, time, ... that are not noted yet
      this.queue = [];
      this.busy = 0;
      this.quiet = 0; // performance.now() until which nothing is asked
      this.changed = () => {};
    }

    /** It is noted when the browser has nothing better to do, or somebody asks: of thousands that is a tenth of a picture's time. */
    add(subject, x, y, time) {
      if (!this.span) return;
      if (!this.heard.length) idle(() => this.catchUp(), { timeout: IDLE_MS });
      this.heard.push(subject, x, y, time);
    }

    catchUp() {
      const { heard } = this;
      this.heard = [];
      for (let i = 0; i < heard.length; i += 4) this.note(heard[i], heard[i + 1], heard[i + 2], heard[i + 3]);
    }

    note(subject, x, y, time) {
      let trail = this.trails.get(subject);
      if (trail && time < trail.points.times[trail.points.length - 1]) trail = null; // time went back: somebody replays
      if (!trail) {
        if (this.trails.size >= MOST_MOVERS) this.trails.delete(this.trails.keys().next().value);
        this.trails.set(subject, (trail = { points: new Points(), since: time, asked: false }));
      }
      const { points } = trail;
      const last = points.length - 1;
      if (last >= 0 && time === points.times[last]) return;
      if (last > 0 && time - points.times[last] <= GAP_MS && points.far(last, x, y) < STILL_M) points.times[last] = time;
      else points.push(x, y, time);
      const over = points.from(time - this.span);
      if (over > 8) points.drop(over);
      if (points.length >= MOST_POINTS) this.fit(points);
    }

    /** Room for the next ones. */
    fit(points) {
      points.thin(this.span / (MOST_POINTS - FRESH - 8)); // 8: what has grown too old and was not forgotten yet
      if (points.length > MOST_POINTS - 8) points.drop(points.length - MOST_POINTS + 8);
    }

    forget(subject) {
      this.catchUp();
      this.trails.delete(subject);
    }

    gapOf(unit) {
      const status = citymap.doc(`feed/${unit.event.data.feed}`);
      return Math.max(GAP_MS, 3000 * ((status && status.data && status.data.expected_seconds) || 0));
    }

    draw(c, frame, units, now) {
      if (!this.span || !units.length) return;
      this.catchUp();
      const { scale, left, top } = frame;
      const paths = BANDS.map(() => new Path2D());
      const all = new Path2D();
      const from = now - this.span;
      for (const unit of units) {
        const trail = this.trails.get(unit.subject);
        if (!trail || trail.points.length < 2) continue;
        const gap = this.gapOf(unit);
        const { points } = trail;
        let band = -1;
        for (let i = 1; i < points.length; i += 1) {
          const [a, b] = [points.at(i - 1), points.at(i)];
          if (a.time < from || broken(a, b, gap)) {
            band = -1;
            continue;
          }
          const mine = Math.max(0, Math.min(BANDS.length - 1, Math.floor(((b.time - from) / this.span) * BANDS.length)));
          if (mine !== band) for (const path of [paths[mine], ...(band < 0 ? [all] : [])]) path.moveTo(a.x * scale - left, a.y * scale - top);
          band = mine;
          paths[mine].lineTo(b.x * scale - left, b.y * scale - top);
          all.lineTo(b.x * scale - left, b.y * scale - top);
        }
      }
      c.lineJoin = c.lineCap = "round";
      c.lineWidth = frame.u * 4.6;
      c.strokeStyle = "rgba(6, 11, 20, .78)";
      c.stroke(all);
      c.lineWidth = frame.u * 2.4;
      paths.forEach((path, n) => {
        c.strokeStyle = `rgba(190, 214, 240, ${BANDS[n]})`;
        c.stroke(path);
      });
    }

    words(subject, now) {
      this.catchUp();
      const trail = this.trails.get(subject);
      if (!this.span || !trail) return "";
      const first = trail.points.from(now - this.span);
      if (first < 0) return "";
      const whole = trail.since <= now - this.span + 1000;
      return hall.t(whole ? "map.trail.whole" : "map.trail.heard", { age: hall.format.duration(Math.max(0, now - trail.points.times[first])) });
    }

    // -- from the hall -------------------------------------------------------------------------------------------------------

    ask(subjects, now) {
      if (!this.span || !subjects.length || performance.now() < this.quiet) return;
      this.catchUp();
      for (const subject of subjects.slice(0, MOST_ASKED)) {
        const trail = this.trails.get(subject);
        if (!trail || trail.asked || trail.since <= now - this.span) continue;
        trail.asked = true;
        this.queue.push([subject, now - this.span, trail.since]);
      }
      while (this.busy < AT_ONCE && this.queue.length) this.next();
    }

    async next() {
      const [subject, from, to] = this.queue.shift();
      this.busy += 1;
      try {
        const query = new URLSearchParams({ subject, from: Math.round(from), to: Math.round(to) });
        this.complete(subject, from, (await hall.acting.ask(`/api/v1/history/positions?${query}`)).rows);
      } catch {
        this.quiet = performance.now() + AGAIN_MS; // the trail goes on growing from what is heard, and says so
        for (const [name] of [[subject], ...this.queue]) if (this.trails.has(name)) this.trails.get(name).asked = false;
        this.queue = [];
      }
      this.busy -= 1;
      if (this.queue.length) this.next();
    }

    /** The past as the hall kept it: `rows` [[time, lon, lat]], before what was heard here. */
    complete(subject, from, rows) {
      this.catchUp();
      const trail = this.trails.get(subject);
      if (!trail) return;
      const heard = trail.points.list();
      const before = rows.filter(([time]) => time >= from && (!heard.length || time < heard[0].time)).map(([time, lon, lat]) => pointOf(lon, lat, time));
      trail.points = new Points([...before, ...heard]);
      if (trail.points.length >= MOST_POINTS) {
        this.fit(trail.points);
        trail.points = new Points(trail.points.list());
      }
      trail.since = from;
      this.changed();
    }

    counts() {
      this.catchUp();
      let points = 0;
      for (const trail of this.trails.values()) points += trail.points.length;
      return { movers: this.trails.size, points };
    }
  };
})();

/* The one time of a playback: several films in step, holes passed over, started and stopped together.
 *
 * new hall.video.Playback(films, told)   films of hall.video.Film; told(what) with what === "state" | "gap" | "end"
 *   .at  real ms   .playing   .rate   .waiting  (footage is on its way)   .lead  the film that gives the time
 *   .play() .pause() .seek(at) .tick()   tick once per frame of the screen
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const TOGETHER_MS = 3000; // how long the others wait for one whose footage does not come
  const END_MS = 120;

  video.Playback = class {
    constructor(films, told) {
      Object.assign(this, { films, told, at: 0, playing: false, rate: 1, waiting: false, lead: null, since: 0, passed: null });
    }

    get spans() {
      return this.films.flatMap((film) => (film.fault ? [] : film.lane.spans));
    }
    get from() {
      return Math.min(...this.spans.map((span) => span.from));
    }
    get to() {
      return Math.max(...this.spans.map((span) => span.to));
    }

    seek(at) {
      this.at = at;
      this.lead = null;
      this.since = performance.now();
      for (const film of this.films) film.hold(at);
      this.told("state");
    }
    play() {
      if (this.at >= this.to - END_MS) this.seek(this.from);
      this.playing = true;
      this.since = performance.now();
      this.told("state");
    }
    pause() {
      this.playing = false;
      this.waiting = false;
      // where the picture on the glass stands is where everybody stands
      if (this.lead && this.lead.shown != null && Math.abs(this.lead.shown - this.at) < 500) this.at = this.lead.shown;
      this.lead = null;
      for (const film of this.films) film.hold(this.at);
      this.told("state");
    }

    /** Shows nothing at `at`: on to the next footage of any channel, or the end. */
    pass(at) {
      const next = Math.min(...this.spans.map((span) => span.from).filter((from) => from > at));
      if (!Number.isFinite(next)) {
        this.playing = false;
        this.lead = null;
        for (const film of this.films) film.hold(film.now);
        return this.told("end");
      }
      this.passed = { from: at, to: next };
      this.seek(next);
      this.told("gap");
    }

    tick() {
      if (!this.playing) {
        for (const film of this.films) film.hold(this.at);
        return;
      }
      const covering = this.films.filter((film) => film.covers(this.at));
      if (!covering.length) return this.pass(this.at);
      if (!this.lead || !covering.includes(this.lead)) return this.begin(covering);
      this.at = Math.max(this.at, this.lead.now);
      const waits = !this.lead.ready(this.at);
      const past = this.lead.past(this.at);
      if (past) return this.seek(past);
      if (waits !== this.waiting) (this.waiting = waits), this.told("state");
      for (const film of this.films) film.run(this.at, this.rate, film === this.lead);
    }

    /** All that have a picture of this moment begin together; who takes too long comes in later. */
    begin(covering) {
      const ready = covering.filter((film) => film.ready(this.at));
      const past = ready.length ? null : covering[0].past(this.at);
      if (past) return this.seek(past);
      const patient = performance.now() - this.since < TOGETHER_MS;
      if (!ready.length || (patient && ready.length < covering.length)) {
        if (!this.waiting) (this.waiting = true), this.told("state");
        for (const film of this.films) film.hold(this.at);
        return;
      }
      this.lead = ready[0];
      this.waiting = false;
      for (const film of this.films) film.run(this.at, this.rate, film === this.lead);
      this.told("state");
    }
  };
})();

/* One channel of a recording in a <video>: segments of the hall's fMP4 put on the time axis of the whole scene (MSE).
 *
 * new hall.video.Film(lane, epoch, told)   lane of hall.video.footage; media time 0 = `epoch` (real ms); told() when it changed
 *   .element    the <video>      .take(lane)   newer footage of the same channel
 *   .covers(at) footage shows this moment      .ready(at)   and it is here, decoded
 *   .seek(at)   .run(at, rate, lead)   .hold(at)      .now   real ms of what the player is at;  .shown   of the picture on the glass
 *   .fault      why it cannot be shown, empty when it can
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const AHEAD_MS = 25000; // of what is asked for before it is needed, at normal speed
  const BEHIND_MS = 20000; // what is kept for a step back
  const EDGE_MS = 50; // the last picture of a span ends somewhere in here
  const HOLE_MS = 150; // between two segments; played over
  const STUCK_MS = 1500;
  const TAIL_MS = 500; // a browser may stop some pictures before the end of what it has
  const FAR_MS = 400; // a film farther off than this jumps, a nearer one hurries
  const JUMP_MS = 1500;
  const HURRY = 0.2;
  const REST_MS = 2000;

  const hex = (value) => value.toString(16).padStart(2, "0");

  /** MIME type of an init segment, from its decoder configuration (ISO/IEC 14496-15); null for another one. */
  video.typeOf = function (bytes) {
    const find = (name) => {
      const code = [...name].map((letter) => letter.charCodeAt(0));
      for (let i = 0; i + 24 < bytes.length; i += 1) if (code.every((value, k) => bytes[i + k] === value)) return i + 4;
      return -1;
    };
    let at = find("avcC");
    if (at > 0) return `video/mp4; codecs="avc1.${hex(bytes[at + 1])}${hex(bytes[at + 2])}${hex(bytes[at + 3])}"`;
    at = find("hvcC");
    if (at < 0) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const [profile, tier] = [view.getUint8(1) & 31, view.getUint8(1) & 32 ? "H" : "L"];
    let flags = 0;
    for (let bit = 0; bit < 32; bit += 1) flags |= ((view.getUint32(2) >>> bit) & 1) << (31 - bit);
    const rest = [...bytes.subarray(at + 6, at + 12)];
    while (rest.length && !rest[rest.length - 1]) rest.pop();
    return `video/mp4; codecs="${["hvc1", profile, (flags >>> 0).toString(16), `${tier}${view.getUint8(12)}`, ...rest.map((one) => one.toString(16))].join(".")}"`;
  };

  video.Film = class {
    constructor(lane, epoch, told) {
      Object.assign(this, { lane, epoch, told, fault: "", shown: null, held: new Set(), inits: new Map(), at: epoch, rate: 1, type: "", closed: false, restUntil: 0, jumped: -Infinity });
      this.element = hall.make("video.video-picture", { playsinline: "", disablepictureinpicture: "", preload: "auto" });
      this.element.muted = true;
      this.element.addEventListener("error", () => this.fail((this.element.error || {}).message || "codec"));
      this.element.addEventListener("loadedmetadata", () => this.seek(this.at));
      this.source = new MediaSource();
      this.url = URL.createObjectURL(this.source);
      this.element.src = this.url;
      this.source.addEventListener("sourceopen", () => this.pump(), { once: true });
      this.follow();
    }

    /** Which picture is on the glass, told by the browser for each one. */
    follow() {
      this.element.requestVideoFrameCallback((_, about) => {
        if (this.closed) return;
        this.shown = this.epoch + about.mediaTime * 1000;
        this.follow();
      });
    }

    get now() {
      return this.epoch + this.element.currentTime * 1000;
    }

    take(lane) {
      const known = new Map(this.lane.segments.map((one) => [one.base + one.file, one]));
      // what was put on the axis stays where it is
      lane.segments = lane.segments.map((one) => known.get(one.base + one.file) || one);
      this.lane = lane;
      this.pump();
    }

    spanAt(at) {
      return this.lane.spans.find((span) => span.from <= at + 1 && at < span.to - EDGE_MS);
    }

    covers(at) {
      return !this.fault && !!this.spanAt(at) && !this.lane.segments.some((one) => one.lost && one.from <= at && at < one.to);
    }

    buffered(at) {
      const { buffered } = this.element;
      const seconds = (at - this.epoch) / 1000;
      for (let i = 0; i < buffered.length; i += 1) {
        if (buffered.start(i) - HOLE_MS / 1000 <= seconds && seconds < buffered.end(i)) return [buffered.start(i), buffered.end(i)];
      }
      return null;
    }

    ready(at) {
      return this.element.readyState >= 2 && !this.element.seeking && !!this.buffered(at);
    }

    /** Where to go on when all footage of `at` is here and yet nothing comes of it; null while there is hope. */
    past(at) {
      const here = this.lane.segments.find((one) => one.from <= at + 1 && at < one.to);
      const moved = this.now !== this.stood || !this.tail(at);
      this.stood = this.now;
      if (!here || !this.held.has(here) || (this.ready(at) && moved)) return void (this.stuck = 0);
      this.stuck = this.stuck || performance.now();
      return performance.now() - this.stuck > STUCK_MS ? here.to : null;
    }

    /** The last moments of a span: without more footage behind them the player need not reach the end. */
    tail(at) {
      const span = this.spanAt(at);
      return !!span && span.to - at < TAIL_MS;
    }

    // -- where it plays ------------------------------------------------------------------------------------------------

    seek(at) {
      this.at = at;
      const range = this.buffered(at);
      const wanted = Math.max((at - this.epoch) / 1000, range ? range[0] : 0);
      if (this.element.readyState >= 1 && Math.abs(this.element.currentTime - wanted) > 0.0005) this.element.currentTime = wanted;
      this.pump();
    }

    /** Stands at `at`. */
    hold(at) {
      if (!this.element.paused) this.element.pause();
      if (Math.abs(at - this.now) > 1) this.seek(at);
      else this.pump();
    }

    /** Plays along: `lead` gives the time, the others keep in step with it. */
    run(at, rate, lead) {
      [this.at, this.rate] = [at, rate];
      if (!this.covers(at)) return this.hold(at);
      const range = this.buffered(at);
      if (range && this.element.currentTime < range[0] - 0.001 && this.now >= at - HOLE_MS) this.element.currentTime = range[0];
      const behind = at - this.now;
      const now = performance.now();
      if (!lead && Math.abs(behind) > FAR_MS * rate && now - this.jumped > JUMP_MS && this.buffered(at)) {
        this.jumped = now;
        this.seek(at);
      }
      const hurry = lead ? 0 : Math.max(-HURRY, Math.min(HURRY, behind / 500));
      const speed = rate * (1 + (Math.abs(behind) < 15 ? 0 : hurry));
      if (Math.abs(this.element.playbackRate - speed) > 0.01) this.element.playbackRate = speed;
      if (this.element.paused && this.buffered(at)) this.element.play().catch(() => {}); // interrupted by a pause of ours
      this.pump();
    }

    // -- footage -------------------------------------------------------------------------------------------------------

    wanted() {
      const ahead = AHEAD_MS * Math.max(1, this.rate);
      return this.lane.segments.find((one) => !one.lost && !this.held.has(one) && one.to > this.at - 1 && one.from < this.at + ahead);
    }

    surplus() {
      const far = 2 * AHEAD_MS * Math.max(1, this.rate);
      return [...this.held].find((one) => one.to < this.at - BEHIND_MS || one.from > this.at + far);
    }

    async pump() {
      if (this.busy || this.closed || this.fault || this.source.readyState !== "open" || performance.now() < this.restUntil) return;
      this.busy = true;
      try {
        for (;;) {
          const old = this.buffer && this.surplus();
          if (old) await this.drop(old);
          const next = this.wanted();
          if (!next || this.closed || this.fault) break;
          await this.append(next);
          if (!this.held.has(next) && !next.lost) break;
        }
      } catch (error) {
        this.restUntil = performance.now() + REST_MS; // the hall does not answer, or the browser is full: again a little later
        if (error.name === "NotSupportedError") this.fail(error.message);
      } finally {
        this.busy = false;
      }
    }

    async append(segment) {
      const init = await this.initOf(segment);
      const body = await this.fetched(segment.base + segment.file, segment);
      if (!init || !body || this.closed || this.fault || this.source.readyState !== "open") return;
      if (!this.open(init.type)) return;
      this.buffer.timestampOffset = (segment.shift - this.epoch) / 1000;
      if (this.current !== init) await this.fed(init.bytes);
      this.current = init;
      await this.fed(body);
      this.held.add(segment);
      if (!this.element.seeking && !this.buffered(this.now) && this.buffered(this.at)) this.seek(this.at);
      else if (this.element.paused) this.seek(this.at);
      this.told();
    }

    open(type) {
      if (!type || !MediaSource.isTypeSupported(type)) return this.fail(type ? type.split('"')[1] : "codec");
      if (!this.buffer) this.buffer = this.source.addSourceBuffer(type);
      else if (this.type !== type) this.buffer.changeType(type);
      this.type = type;
      return true;
    }

    done(act) {
      return new Promise((resolve, reject) => {
        const over = new AbortController();
        const { signal } = over;
        const end = (call, value) => (over.abort(), call(value));
        this.buffer.addEventListener("updateend", () => end(resolve), { signal });
        this.buffer.addEventListener("error", () => end(reject, new DOMException("append", "NotSupportedError")), { signal });
        try {
          act();
        } catch (error) {
          end(reject, error);
        }
      });
    }
    fed(bytes) {
      return this.done(() => this.buffer.appendBuffer(bytes));
    }

    async drop(segment) {
      this.held.delete(segment);
      await this.done(() => this.buffer.remove(Math.max(0, (segment.from - this.epoch) / 1000), (segment.to - this.epoch) / 1000));
    }

    async initOf(segment) {
      const name = segment.base + segment.init;
      if (!this.inits.has(name)) {
        const bytes = await this.fetched(name, segment);
        if (!bytes) return null;
        this.inits.set(name, { bytes, type: video.typeOf(bytes) });
      }
      return this.inits.get(name);
    }

    /** A file of the recording; null (and the segment is lost) where the hall no longer has it. */
    async fetched(path, segment) {
      const answer = await fetch(path, { signal: AbortSignal.timeout(20000) });
      if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
      if (answer.status >= 500 || answer.status === 429) throw new Error(`${answer.status}`);
      segment.lost = true;
      this.told();
      return null;
    }

    fail(text) {
      if (!this.closed && !this.fault) (this.fault = text), this.told();
      return false;
    }

    close() {
      this.closed = true;
      this.element.pause();
      this.element.removeAttribute("src");
      this.element.load();
      URL.revokeObjectURL(this.url);
    }
  };
})();

/* The rain field of a weather radar on the ground: which frame, its pixels, the loop. hall/core/raster.py says what a code means.
 *
 * new hall.citymap.Radar(draw, told)   draw(): the ground must be drawn again; told(): what stands beside it has changed
 * Nothing is drawn and nothing is fetched while nothing changes: the frame is a part of the ground sheet.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  const STEP_MS = 500; // between two frames of the loop
  const REST_STEPS = 2; // steps that the newest measured frame and the last one stand longer
  const LOOP_MS = 60 * 60 * 1000; // how far back it begins
  const RETRY_TICKS = 10;
  const GONE = 8; // a measured frame this many times as old as it may be is shown no more
  // light to extreme in the order of China's weather maps (green, blue, violet); no yellow, orange or red: those are severities
  citymap.RAIN = ["#9fe39a", "#2fae4e", "#3f93e8", "#3b4ff0", "#9a45f0", "#e65ae0"];
  const FAINT = (citymap.RAIN_FAINT = [0.45, 0.75]); // how much of its opacity light rain has: it covers whole cities, and names must be read through it
  const UNSEEN = [128, 138, 150, 46];

  const measured = (frame) => frame.time <= frame.run;
  const staleMs = (doc) => (doc.stale_seconds || 900) * 1000;
  /** Whether nothing was measured and the last forecast is over: it stands as long as the step that led to it. */
  function over({ frames = [], ...doc }) {
    const [last, before] = [frames[frames.length - 1], frames[frames.length - 2]];
    return !!last && !frames.some(measured) && citymap.now() > last.time + (before ? last.time - before.time : staleMs(doc));
  }

  /** 256 colours as 32-bit words: unknown, dry (nothing), and the classes. */
  function palette({ step, breaks }, colours, unseen, faint) {
    const words = new Uint32Array(256);
    const bytes = new Uint8Array(words.buffer);
    bytes.set(unseen, 0);
    for (let code = 2; code < 256; code += 1) {
      const rate = step * (code - 1) ** 2;
      const level = breaks.findLastIndex((least) => rate >= least);
      if (level < 0) continue;
      const value = parseInt(colours[Math.min(level, colours.length - 1)].slice(1), 16);
      bytes.set([value >> 16, (value >> 8) & 255, value & 255, Math.round(255 * (faint[level] || 1))], code * 4);
    }
    return words;
  }

  const fields = new Set(); // of every map of the page
  /** "12 mm/h (14:35)": what the radar measured last (or 预报 before it) at a place {lon, lat}; "" where that is not known. */
  citymap.radarText = function (place) {
    for (const radar of place && place.lon != null ? fields : []) {
      const found = radar.quantity === "rain_rate" && radar.shown && radar.at(place.lon, place.lat);
      if (!found || found.rate === null) continue;
      return `${measured(found.frame) ? "" : `${hall.t("map.radar.forecast")} `}${hall.format.number(found.rate, 1)} mm/h (${hall.format.time(found.frame.time)})`;
    }
    return "";
  };

  citymap.Radar = class {
    /** Of other fields than rain: the document's `quantity`, the classes' `colours`, how opaque they are. */
    constructor(draw, told, { quantity = "rain_rate", colours = citymap.RAIN, alpha = 0.34 } = {}) {
      Object.assign(this, { quantity, colours, alpha });
      this.drawn = draw;
      this.told = told;
      this.docs = new Map(); // subject -> document
      this.codes = new Map(); // version -> Uint8Array
      this.asked = new Set();
      this.image = document.createElement("canvas");
      this.painted = ""; // what the image shows
      this.wanted = null; // shown or not, once somebody has chosen
      this.looping = null; // {frames, at, rest, timer}
      this.loading = null; // [done, all] while the loop's frames come
      this.failed = "";
      this.ticks = 0;
      this.lastLoop = null; // real ms; counted from the first tick, when the clock has been set by the server's
      fields.add(this);
    }

    /** The document that is shown: the one that was measured (or worked out) last; one whose forecasts are over only where there is no other. */
    get doc() {
      let best = null;
      let newest = -Infinity;
      for (const doc of this.docs.values()) {
        const frame = this.now(doc);
        const known = frame && Math.min(frame.time, frame.run) - (over(doc) ? Number.MAX_SAFE_INTEGER : 0);
        if (frame && known > newest) [best, newest] = [doc, known];
      }
      return best;
    }

    get shown() {
      const { doc } = this;
      return !!doc && (this.wanted === null ? !hall.page.wall || doc.walls !== false : this.wanted);
    }

    /** The newest measured frame; where nothing was measured, the forecast nearest to the map's moment (hall/core/raster.py, `current`). */
    now(doc) {
      const { frames = [] } = doc;
      const off = (frame) => Math.abs(frame.time - citymap.now());
      return frames.findLast(measured) || frames.reduce((best, frame) => (best && off(best) <= off(frame) ? best : frame), null);
    }

    /** The frame on the map and what is to be said of it; null when there is none. */
    get state() {
      const { doc } = this;
      if (!doc) return null;
      const frame = this.looping ? this.looping.frames[this.looping.at] : this.now(doc);
      const { time, run } = this.now(doc);
      const age = citymap.now() - Math.min(time, run);
      const [stale, ended] = [age > staleMs(doc), over(doc)];
      return { doc, frame, age, stale, ended, gone: ended || age > staleMs(doc) * GONE, forecast: frame.time > frame.run, foretold: time > run };
    }

    take(event) {
      if (event.data && (event.data.quantity || "rain_rate") !== this.quantity) return;
      const before = this.shown;
      if (event.data) this.docs.set(event.subject, event.data);
      else this.docs.delete(event.subject);
      const named = new Set([...this.docs.values()].flatMap((doc) => doc.frames.map((frame) => frame.version)));
      for (const version of [...this.codes.keys()]) if (!named.has(version)) this.codes.delete(version);
      if (this.looping && !this.looping.frames.every((frame) => named.has(frame.version))) this.stop();
      this.fetchNow();
      this.told();
      if (before && !this.shown) this.drawn();
    }

    choose(shown) {
      this.wanted = shown;
      if (!shown) this.stop();
      this.fetchNow();
      this.told();
      this.drawn();
    }

    fetchNow() {
      const state = this.shown && this.state;
      if (!state || state.gone) return;
      this.fetch(state.doc, this.now(state.doc)).then((fresh) => fresh && this.drawn());
    }

    /** Brings a frame's codes; whether they are new. */
    async fetch(doc, frame) {
      const { version } = frame;
      if (this.codes.has(version) || this.asked.has(version)) return false;
      this.asked.add(version);
      const path = [doc.feed, doc.product, version].map(encodeURIComponent).join("/");
      try {
        const place = citymap.past ? `/api/v1/history/rasters/${encodeURIComponent(version)}` : `/api/v1/rasters/${path}`;
        const answer = await fetch(place, { credentials: "same-origin", signal: AbortSignal.timeout(15000) });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        const codes = new Uint8Array(await answer.arrayBuffer());
        if (codes.length !== doc.grid.width * doc.grid.height) throw new Error("size");
        this.codes.set(version, codes);
        this.failed = "";
        return true;
      } catch (error) {
        this.failed = error.message;
        return false;
      } finally {
        this.asked.delete(version);
        this.told();
      }
    }

    // -- on the map ------------------------------------------------------------------------------------------------------------

    draw(context, frame) {
      const state = this.shown && this.state;
      if (!state || state.gone || !this.paint(state)) return;
      const [west, south, east, north] = state.doc.bounds;
      const [left, right] = [frame.px(citymap.projectX(west)), frame.px(citymap.projectX(east))];
      const [top, bottom] = [frame.py(citymap.projectY(north)), frame.py(citymap.projectY(south))];
      context.save();
      context.globalAlpha = state.stale ? this.alpha / 2 : this.alpha;
      context.imageSmoothingEnabled = true;
      context.drawImage(this.image, left, top, right - left, bottom - top);
      context.restore();
    }

    /** Colours the frame that is wanted, else (until it has come) leaves the last one of the same field; whether there is one. */
    paint({ doc, frame }) {
      const codes = this.codes.get(frame.version);
      const field = `${doc.feed}/${doc.product} ${doc.grid.width} ${doc.grid.height} ${doc.bounds}`;
      if (!codes) return this.painted.startsWith(`${field}|`);
      const mark = `${field}|${frame.version} ${doc.breaks}`;
      if (this.painted === mark) return true;
      const { width, height } = doc.grid;
      const words = this.quantity === "rain_rate" ? palette(doc, this.colours, UNSEEN, FAINT) : palette(doc, this.colours, [0, 0, 0, 0], []);
      const picture = new ImageData(width, height);
      const into = new Uint32Array(picture.data.buffer);
      for (let i = 0; i < codes.length; i += 1) into[i] = words[codes[i]];
      if (this.image.width !== width) this.image.width = width;
      if (this.image.height !== height) this.image.height = height;
      this.image.getContext("2d").putImageData(picture, 0, 0);
      this.painted = mark;
      return true;
    }

    /** {rate, frame} at a place as measured last, or foretold where nothing was measured; null where that is not known. `rate` null: the radar does not see it. */
    at(lon, lat) {
      const state = this.state;
      const frame = state && !state.stale && !state.gone && this.now(state.doc);
      const codes = frame && this.codes.get(frame.version);
      if (!codes) return null;
      const [west, south, east, north] = state.doc.bounds;
      const x = (citymap.projectX(lon) - citymap.projectX(west)) / (citymap.projectX(east) - citymap.projectX(west));
      const y = (citymap.projectY(lat) - citymap.projectY(north)) / (citymap.projectY(south) - citymap.projectY(north));
      if (!(x >= 0 && x < 1 && y >= 0 && y < 1)) return null;
      const { width, height } = state.doc.grid;
      const code = codes[Math.floor(y * height) * width + Math.floor(x * width)];
      return { rate: code ? state.doc.step * (code - 1) ** 2 : null, frame };
    }

    // -- the loop ----------------------------------------------------------------------------------------------------------------

    loopFrames(doc) {
      const last = this.now(doc).time;
      return doc.frames.filter((frame) => frame.time >= last - LOOP_MS).sort((a, b) => a.time - b.time);
    }

    /** Plays the last hour and the forecast once: first everything is fetched, then nothing has to wait. */
    async play() {
      const state = this.shown && this.state;
      if (!state || state.gone || this.looping || this.loading) return;
      const frames = this.loopFrames(state.doc);
      if (frames.length < 2) return;
      this.loading = [0, frames.length];
      this.told();
      for (const frame of frames) {
        await this.fetch(state.doc, frame);
        if (!this.loading) return; // stopped meanwhile
        this.loading[0] += 1;
        this.told();
      }
      this.loading = null;
      const held = frames.filter((frame) => this.codes.has(frame.version));
      if (held.length > 1) {
        this.looping = { frames: held, at: 0, rest: 0, timer: setInterval(() => this.step(), STEP_MS) };
        this.drawn();
      }
      this.told();
    }

    step() {
      const { looping } = this;
      const { frames } = looping;
      const rests = looping.at === frames.length - 1 || frames[looping.at] === this.now(this.doc);
      if (rests && looping.rest < REST_STEPS) {
        looping.rest += 1;
        return;
      }
      looping.rest = 0;
      if (looping.at === frames.length - 1) return this.stop();
      looping.at += 1;
      this.drawn();
      this.told();
    }

    stop() {
      const ran = !!this.looping;
      if (ran) clearInterval(this.looping.timer);
      this.looping = this.loading = null;
      this.lastLoop = hall.clock.real();
      if (ran) this.drawn();
      this.told();
    }

    /** Once a second: becoming stale, a frame that did not come, a wall's own loop. */
    tick() {
      this.ticks += 1;
      if (this.lastLoop === null) this.lastLoop = hall.clock.real();
      const state = this.state;
      if (!state) return;
      const mark = `${state.stale} ${state.gone} ${this.now(state.doc).version}`;
      if (this.mark !== undefined && this.mark !== mark) {
        this.drawn();
        this.fetchNow(); // of forecasts the next one has its time now
      }
      this.mark = mark;
      if (this.ticks % RETRY_TICKS === 0) this.fetchNow();
      const { loop_seconds: every = 60, frames } = state.doc;
      const still = window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      const wet = frames.some((frame) => frame.most >= state.doc.breaks[0]);
      if (hall.page.wall && every > 0 && wet && !state.stale && !still && !document.hidden &&
        hall.clock.real() - this.lastLoop > every * 1000) {
        this.lastLoop = hall.clock.real();
        this.play();
      }
      this.told();
    }

    remove() {
      fields.delete(this);
      if (this.looping) clearInterval(this.looping.timer);
      this.looping = this.loading = null;
      this.drawn = this.told = () => {};
      this.image.width = this.image.height = 0;
    }
  };
})();

/* Heat of past cases (docs/MEASURES.md): a packed grid of counts for the view, smoothed and coloured here, at a quarter of the map's resolution.
 *
 * new hall.citymap.Heat(host)     a part of the map, see 79-layers.js
 * part.pick({classes, period, from, to})   what is asked for;  part.get(), part.set(value)
 * part.field   null, or {level, x, y, width, height, placed, unplaced, inside, ready, breaks, metres, span, of: {classes, period}}: as it was asked for
 * hall.citymap.heat.decode(buffer), .smooth(counts, width, height, cells), .breaks(most)   pure
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const MINUTE = 60000;
  const HOUR = 3600000;
  const PERIODS = { day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR };
  const STEP = 5 * 60000; // the end of a period is rounded up to it, so that an answer is worth keeping
  const AGAIN_TICKS = 60;
  const READING_TICKS = 2; // while the hall still reads its casebook
  const MARGIN = 0.12; // of the view, asked for beyond each edge
  const REACH = 1.3; // glyphs that a case reaches
  const PARTS = [0.04, 0.14, 0.32, 0.58, 0.84]; // of the densest place: where classes begin
  citymap.HEAT = ["#12515c", "#1c7f8a", "#37aeb0", "#86dcd2", "#e2fff8"];

  const heat = (citymap.heat = {});

  heat.decode = function (buffer) {
    const bytes = new DataView(buffer);
    if (bytes.byteLength < 8 || bytes.getUint32(0, true) !== 0x31484348) throw new Error("HCH1");
    const n = bytes.getUint32(4, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, n)));
    const counts = new Uint16Array(buffer, 8 + n);
    if (counts.length !== head.width * head.height) throw new Error("size");
    return { ...head, counts };
  };

  /** Three passes of a running mean both ways, which is nearly a Gaussian of so many cells; the sum stays. */
  heat.smooth = function (counts, width, height, cells) {
    let from = Float32Array.from(counts);
    let to = new Float32Array(from.length);
    const r = Math.max(1, Math.round(cells / 1.75));
    const pass = (lines, length, across, along) => {
      const share = 1 / (2 * r + 1);
      for (let line = 0; line < lines; line += 1) {
        const at = line * across;
        let sum = 0;
        for (let i = 0; i <= Math.min(r, length - 1); i += 1) sum += from[at + i * along];
        for (let i = 0; i < length; i += 1) {
          to[at + i * along] = sum > 1e-4 ? sum * share : 0;
          if (i + r + 1 < length) sum += from[at + (i + r + 1) * along];
          if (i - r >= 0) sum -= from[at + (i - r) * along];
        }
      }
      [from, to] = [to, from];
    };
    for (let n = 0; n < 3; n += 1) {
      pass(height, width, width, 1);
      pass(width, height, 1, width);
    }
    return from;
  };

  /** Rising bounds that one can read. */
  heat.breaks = function (most) {
    const nice = (value) => {
      const power = 10 ** (Math.floor(Math.log10(value)) - 1);
      return Number((Math.round(value / power) * power).toPrecision(2));
    };
    return most > 0 ? [...new Set(PARTS.map((part) => nice(part * most)))] : [];
  };

  /** How opaque the places of a class are, in between too. */
  heat.alphaOf = (level) => 0.62 + (0.26 * level) / citymap.HEAT.length;

  /** 256 colours from nothing to the densest; the place of each class is its bound's. */
  function palette(breaks, most) {
    const words = new Uint32Array(256);
    if (!breaks.length) return words; // no case in this period
    const bytes = new Uint8Array(words.buffer);
    const colours = citymap.HEAT.map((text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)));
    for (let code = 1; code < 256; code += 1) {
      const value = (code / 255) ** 2 * most; // finer where little is
      const level = breaks.findLastIndex((least) => value >= least);
      const next = Math.min(level + 1, breaks.length - 1);
      const from = level < 0 ? 0 : breaks[level];
      const part = next === level ? 0 : Math.min(1, (value - from) / (breaks[next] - from));
      const [a, b] = [colours[Math.max(0, level)], colours[next]];
      const alpha = level < 0 ? 0.62 * part : heat.alphaOf(level + part);
      bytes.set([...a.map((n, i) => Math.round(n + (b[i] - n) * part)), Math.round(255 * alpha)], code * 4);
    }
    return words;
  }

  citymap.Heat = class {
    constructor(host) {
      this.host = host;
      this.shown = false;
      this.asked = { classes: [], period: "week", from: null, to: null };
      this.about = null;
      this.field = null;
      this.image = document.createElement("canvas");
      this.fault = "";
      this.ticks = 0;
      this.key = new citymap.HeatKey(this);
    }

    choose(shown) {
      this.shown = shown;
      citymap.colouring(this.host, "heat", shown);
      if (shown) this.ask();
      this.key.show();
      this.host.draw("ground");
    }

    pick(part) {
      Object.assign(this.asked, part);
      this.ask();
      this.key.show();
    }

    get() {
      return this.shown ? { ...this.asked } : null;
    }

    set(value) {
      if (value) {
        const { classes, period, from, to } = value;
        Object.assign(this.asked, { classes: (Array.isArray(classes) ? classes : []).map(String).slice(0, 100),
          period: PERIODS[period] || period === "own" ? period : "week", from: Number(from) || null, to: Number(to) || null });
      }
      if (this.shown === !!value) return value ? this.pick({}) : undefined;
      this.host.legend.press("heat", !!value);
      return this.choose(!!value);
    }

    /** [from, to] in ms; null while a period of one's own is not whole. */
    span() {
      const { period, from, to } = this.asked;
      const { past } = this.host;
      const now = past ? this.host.now() - (this.host.now() % MINUTE) : this.host.now(); // of the past no case of after its moment
      if (period === "own") return from && to && from < to ? [from, past ? Math.max(from + 1, Math.min(to, now)) : to] : null;
      const end = past ? now : Math.ceil((now + 1) / STEP) * STEP;
      return [end - PERIODS[period], end];
    }

    query(span) {
      const { map } = this.host;
      if (!map || !span) return null;
      this.wanted = span[1];
      const box = map.getBounds().pad(MARGIN);
      const within = (n, most) => Math.max(-most, Math.min(most, n)).toFixed(6);
      const query = new URLSearchParams({ bbox: [within(box.getWest(), 180), within(box.getSouth(), 85), within(box.getEast(), 180), within(box.getNorth(), 85)].join(","),
        zoom: String(Math.max(0, Math.min(22, Math.round(map.getZoom())))), from: String(span[0]), to: String(span[1]) });
      for (const name of this.asked.classes) query.append("class", name);
      return query.toString();
    }

    /** The newest wish wins; one question at a time. */
    async ask() {
      this.again = true;
      if (this.asking) return;
      this.asking = true;
      this.key.status();
      try {
        while (this.again && this.shown) {
          this.again = false;
          await this.bring();
        }
        this.fault = "";
      } catch (error) {
        this.fault = error.message;
      } finally {
        this.asking = false;
        this.key.show();
      }
    }

    async bring() {
      const [span, of] = [this.span(), { classes: this.asked.classes, period: this.asked.period }];
      const query = this.query(span);
      this.next = this.ticks + AGAIN_TICKS;
      if (!query) return;
      const get = async (path) => {
        const answer = await fetch(`/api/v1/heat${path}`, { credentials: "same-origin", cache: "no-cache", signal: AbortSignal.timeout(20000) });
        if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || `HTTP ${answer.status}`);
        return answer;
      };
      const reading = !this.about || this.about.ready < 1;
      if (reading) this.about = await (await get("/about")).json();
      const answer = await get(`?${query}`);
      const mark = `${answer.headers.get("ETag")} ${query}`;
      if (this.mark !== mark) {
        this.paint(heat.decode(await answer.arrayBuffer()), { span, of });
        this.mark = mark;
        this.key.show();
        this.host.draw("ground");
        this.host.count();
      }
      if (this.about.ready < 1) this.next = this.ticks + READING_TICKS;
    }

    /** `asked`: {span, of} of the question, which may be another by now. */
    paint(found, asked) {
      const { width, height, level, y } = found;
      const side = 1 / 2 ** level;
      const metres = side / citymap.perMetre((y + height / 2) * side); // of a cell's side on the ground
      const cells = Math.max(1, (REACH * this.host.glyph()) / ((256 * 2 ** this.host.map.getZoom()) * side));
      const smooth = heat.smooth(found.counts, width, height, cells);
      let most = 0;
      for (let i = 0; i < smooth.length; i += 1) if (smooth[i] > most) most = smooth[i];
      const km2 = (metres / 1000) ** 2;
      const breaks = heat.breaks(most / km2);
      const words = palette(breaks, most / km2);
      const picture = new ImageData(width, height);
      const into = new Uint32Array(picture.data.buffer);
      if (most) for (let i = 0; i < smooth.length; i += 1) if (smooth[i]) into[i] = words[Math.round(255 * Math.sqrt(smooth[i] / most))];
      this.image.width = width;
      this.image.height = height;
      this.image.getContext("2d").putImageData(picture, 0, 0);
      const { counts, ...rest } = found;
      this.field = { ...rest, breaks, metres: Math.round(cells * metres), ...asked };
    }

    ground(c, frame) {
      const { field } = this;
      if (!this.shown || !field || (this.host.past && field.span[1] > this.host.now())) return; // counted beyond the moment: until it is counted anew
      const side = 1 / 2 ** field.level;
      c.imageSmoothingEnabled = true;
      c.drawImage(this.image, frame.px(field.x * side), frame.py(field.y * side), field.width * side * frame.scale, field.height * side * frame.scale);
    }

    /** ms that the counted period ends at; null before the first answer. */
    asOf() {
      return this.field ? Math.min(this.field.span[1], this.host.now()) : null;
    }

    counts() {
      return { heat: this.shown && this.field ? this.field.placed + this.field.unplaced : 0 };
    }

    /** Whether the map shows another moment than was asked for: a replay moves, or was begun or left. */
    moved() {
      const span = this.span();
      return !!span && span[1] !== this.wanted;
    }

    changed() {
      if (this.shown) this.ask();
    }

    tick() {
      this.ticks += 1;
      if (this.shown && (this.ticks >= (this.next || 0) || this.moved())) this.ask();
    }

    locale() {
      this.key.locale();
    }

    remove() {
      this.shown = false;
      this.key.remove();
      this.image.width = this.image.height = 0;
    }
  };
})();

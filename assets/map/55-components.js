/* The layer of street components (部件): fetched once as a pack when it is switched on, painted on a sheet of its own, filtered by the hall.
 *
 * new hall.citymap.Components(host)   host: the CityMap {stage, map, card, legend, root, count(), render()}
 * Off until somebody switches it on: nothing is fetched before. The sheet exists only while it is shown, on the lower glass.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const PATH = "/api/v1/components";
  const SOON = 3; // ticks (seconds) until it is asked again: while something is coming in
  const RETRY = 10; // after a fault
  const CHECK = 60; // whether another version is current
  const PACK_MS = 120000;
  const FILTER_MS = 20000;
  const POINT_BYTES = 5;
  const HOVER_FROM = 15; // `wide` zoom from which pointing without pressing tells what is there
  const BAND = 272; // device px high: what is painted at once; a whole picture takes 40 MB at 3840 x 2160
  const FULL = 0.35; // of the sheet's pixels that points may cover at most, as long as they are larger than one

  function word(colour) {
    const value = parseInt(colour.slice(1), 16);
    return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
  }

  citymap.Components = class {
    constructor(host) {
      this.host = host;
      this.shown = false;
      this.about = null; // what there is, as the hall says it
      this.pack = null;
      this.version = "";
      this.bits = null; // rows that answer the filter; null: all
      this.count = 0;
      this.asked = {}; // {district, department, state, kind: [words or codes]; q: words}
      this.passed = null; // the filter that came with a view (85-components-part.js)
      this.share = null; // of the pack that has come, while it is coming
      this.filtering = 0; // questions under way
      this.fault = "";
      this.filterFault = "";
      this.wait = 0; // ticks until the hall is asked again
      this.entries = new Map(); // row -> what the card stands for
      this.band = document.createElement("canvas"); // of points, on its way from written pixels to the sheets below
      this.key = new citymap.ComponentsKey(host.root, host.legend.rows.get("components"), this);
      this.forget = hall.acting.on(() => this.shown && this.choose(true)); // what may be seen goes with the person
    }

    // -- taking it in --------------------------------------------------------------------------------------------------

    choose(shown) {
      this.shown = shown;
      this.sheet();
      if (shown && !this.key.filters()) this.filter(this.passed || {}); // nobody is there who could take a filter of somebody's hand away
      if (shown) this.load();
      else this.entries.clear();
      this.told();
    }

    /** Makes or takes away the sheet: it costs a canvas, and is there while there is something on it. */
    sheet() {
      const { stage } = this.host;
      const wanted = this.shown && !!this.pack;
      if (!stage || stage.sheets.has("components") === wanted) return;
      if (wanted) stage.add({ name: "components", draw: (context, frame) => this.draw(context, frame) });
      else {
        stage.drop("components");
        this.band.width = this.band.height = 0; // frees its pixels at once
      }
      this.paint();
    }

    paint() {
      this.host.hurry("components");
    }

    async load() {
      if (this.loading) return void (this.wait = SOON);
      this.loading = true;
      this.wait = CHECK;
      const coming = (share) => {
        this.share = share;
        this.key.status();
      };
      try {
        const names = hall.acting.ask(PATH);
        const first = this.pack || (this.about && this.about.version === null) ? null : citymap.binary(`${PATH}/pack`, 1, PACK_MS, coming); // beside them
        if (first) first.catch(() => {}); // the names' answer says why
        const about = (this.about = await names);
        if (about.version === null) {
          this.take(null, "");
          this.wait = about.importing ? SOON : CHECK;
        } else if (about.version !== this.version) {
          const { buffer, version } = await (first || citymap.binary(`${PATH}/pack`, 16 + about.total * POINT_BYTES, PACK_MS, coming));
          this.take(new citymap.Pack(buffer), version || about.version);
          if (this.version !== about.version) this.wait = SOON; // imported anew meanwhile: names and pack are of two versions
        } else if (this.filterFault) this.filter(this.asked);
        this.fault = "";
      } catch (error) {
        this.fault = error.message || error.reason;
        this.wait = RETRY;
      } finally {
        this.loading = false;
        this.share = null;
        this.told();
      }
    }

    take(pack, version) {
      this.pack = pack;
      this.version = version;
      this.bits = null;
      this.count = pack ? pack.n : 0;
      this.entries.clear();
      this.colour();
      if (pack && Object.keys(this.asked).length) this.filter(this.asked);
      this.sheet();
      this.paint();
    }

    /** Main classes, most first: [{main, codes, count, colour}], and a colour for each class number. */
    colour() {
      const classes = (this.about && this.about.classes) || [];
      this.groups = citymap.componentGroups(classes);
      this.colours = new Uint32Array(256).fill(word(citymap.COMPONENT_OTHER));
      for (const { numbers, colour } of this.groups) for (const number of numbers) if (number < 255) this.colours[number] = word(colour);
      this.kinds = new Map(classes.filter(({ number }) => number < 255).map((kind) => [kind.number, kind]));
    }

    // -- filters ---------------------------------------------------------------------------------------------------------

    static query(asked) {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(asked)) for (const one of [].concat(value)) query.append(name, one);
      return query;
    }

    /** Shows only what answers; {} shows all again. */
    async filter(asked) {
      this.asked = asked;
      this.filterFault = "";
      const turn = (this.turn = (this.turn || 0) + 1);
      const done = (bits, count) => {
        this.bits = bits;
        this.count = count;
        this.paint();
        this.told();
      };
      if (!this.pack) return;
      if (!Object.keys(asked).length) return done(null, this.pack.n);
      this.filtering += 1;
      this.key.status();
      try {
        const { pack } = this;
        const { buffer, version } = await citymap.binary(`${PATH}/filter?${Components.query(asked)}`, 12 + pack.n / 8, FILTER_MS, () => {});
        if (turn !== this.turn) return; // another question was put meanwhile
        if (version && version !== this.version) return void this.load();
        const { bits, count } = citymap.bitsOf(buffer, pack.n);
        done(bits, count);
      } catch (error) {
        if (turn !== this.turn) return;
        this.filterFault = error.message;
        done(null, this.pack ? this.pack.n : 0); // all are shown, and it is said: not those of an earlier question
      } finally {
        this.filtering -= 1;
        this.key.status();
      }
    }

    /** Whole records that answer the present filter, for a list. */
    search(limit) {
      const query = Components.query(this.asked);
      query.set("limit", limit);
      return hall.acting.ask(`${PATH}/search?${query}`);
    }

    // -- on the map -------------------------------------------------------------------------------------------------------

    /** A point's side in device px: it grows with the zoom, and shrinks where points would cover the city. */
    side(frame, width, height) {
      const { wide, u, ratio } = frame;
      const base = wide < 11.5 ? 1 : wide < 13.5 ? 1.4 : wide < 15 ? 2.4 : wide < 16.5 ? 5 : 8;
      const seen = this.pack.inView(frame) * (this.count / Math.max(1, this.pack.n));
      const most = Math.sqrt((FULL * width * height) / Math.max(1, seen));
      return Math.max(1, Math.round(Math.min(base * u * ratio, most)));
    }

    draw(context, frame) {
      if (!this.pack || !this.shown) return;
      const { width, height } = context.canvas;
      if (!frame.part) this.size = this.side(frame, width, height);
      const side = this.size || 1;
      const pad = height > BAND ? side : 0; // a point on the edge of two bands is painted in both
      const { band } = this;
      if (band.width !== width) band.width = width;
      if (band.height !== BAND) band.height = BAND;
      const own = band.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      for (let top = 0; top < height; top += BAND) {
        const high = Math.min(BAND, height - top);
        const { image, words } = citymap.pixels(width, Math.min(BAND, height) + 2 * pad);
        const part = frame.cut(0, (top - pad) / frame.ratio, frame.width, image.height / frame.ratio);
        this.pack.paint({ words, width, height: image.height }, part, this.bits, this.colours, side);
        own.putImageData(image, 0, -pad, 0, pad, width, high);
        context.drawImage(band, 0, 0, width, high, 0, top, width, high);
      }
    }

    /** What lies at a place of the frame, as the card takes it; without a press only where points are far enough apart. */
    nearest(x, y, pressed) {
      const { frame } = this.host.stage;
      if (!this.shown || !this.pack || (!pressed && frame.wide < HOVER_FROM)) return null;
      const r = (this.size || 1) / frame.ratio / 2;
      const found = this.pack.nearest(frame, x, y, r + 4 * frame.u, this.bits);
      return found && { x: found.x, y: found.y, r, what: "component", entry: this.entry(found.row) };
    }

    entry(row) {
      if (!this.entries.has(row)) {
        if (this.entries.size > 200) this.entries.clear();
        this.entries.set(row, citymap.componentEntry(this, row, this.kinds.get(this.pack.classes[row])));
      }
      return this.entries.get(row);
    }

    /** Goes to a component and shows its record. */
    show({ row, lon, lat }) {
      const { map, card } = this.host;
      const entry = this.entry(row);
      map.once("moveend", () => setTimeout(() => {
        const { x, y } = map.latLngToContainerPoint([lat, lon]);
        card.show({ what: "component", entry, x, y, r: 6 }, { x, y, r: 6 }, true);
        entry.open();
      }));
      this.host.focus(lon, lat, 17, { own: true });
    }

    /** Shows all that answer. */
    fit() {
      const box = this.pack && this.pack.bounds(this.bits);
      if (!box) return;
      this.host.touched = true;
      this.host.map.fitBounds(box, { animate: false, maxZoom: 18, padding: [this.host.glyph() * 2, this.host.glyph() * 2] });
    }

    /** Whether only those that answer are shown. */
    get filtered() {
      return this.shown && !!this.bits && !this.filtering && Object.keys(this.asked).length > 0;
    }

    counts() {
      return this.pack ? { components: this.count } : {};
    }

    told() {
      this.key.show();
      this.host.count();
    }

    tick() {
      this.sheet();
      if (!this.shown) return;
      this.wait -= 1;
      if (this.wait <= 0) this.load();
      this.key.status();
    }

    locale() {
      this.key.locale();
    }

    remove() {
      this.forget();
      this.shown = false;
      this.key.remove();
      this.pack = this.bits = null;
    }
  };
  const { Components } = citymap;
})();

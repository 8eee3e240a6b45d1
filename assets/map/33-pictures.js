/* Picture tiles of other services, fetched from the hall (docs/MAP.md), painted into the ground's still part, dimmed so that symbols stand out.
 *
 * citymap.pictures   what there is, asked once for all maps of the page: {rows, ground, fault, on(call) -> stop, find(name)}
 * new citymap.Pictures({renew(box), told()})   renew: what the box (unit square; null: all) shows has come
 *   show(name)                 the source of that name, or none
 *   brightness                 0.1 to 1; paint anew when it was set
 *   paint(c, frame)            the source and what lies over it; frame.part: a piece that came into view
 *   fault, stale, attribution  why tiles are missing; {reason, age ms} of the oldest that should be newer, or null
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const KEPT = "hall.pictures"; // the last description, for a start while the hall does not answer
  const RETRY_MS = 5000;
  const RELOOK_MS = 5 * 60 * 1000;
  const [OLD_MS, OLD_MOST_MS, AWAY_MS, EMPTY_MS, GOOD_MS] = [15_000, 240_000, 60_000, 600_000, 6 * 3_600_000];
  const COARSER = 3; // levels
  const FINER = 2; // levels that a service's widest zoom may be closer than the view: sixteen times the tiles, beyond it thousands
  const FEW = 8; // tiles that need nothing to stand in for them

  // -- which sources there are -----------------------------------------------------------------------------------------------

  const listeners = new Set();
  const known = (citymap.pictures = {
    rows: [],
    ground: "vector",
    fault: "",
    ready: false,
    find: (name) => known.rows.find((row) => row.name === name) || null,
    on(call) {
      listeners.add(call);
      if (listeners.size === 1) ask();
      return () => listeners.delete(call);
    },
  });
  let asking = false;

  function take(told) {
    const before = JSON.stringify([known.rows, known.ground, known.ready]);
    known.rows = told.sources || [];
    known.ground = told.ground || "vector";
    known.ready = true;
    if (before !== JSON.stringify([known.rows, known.ground, known.ready])) for (const call of [...listeners]) call();
  }

  async function ask() {
    if (asking) return;
    asking = true;
    while (listeners.size) {
      let wait = RELOOK_MS;
      try {
        const answer = await fetch("/pictures", { credentials: "same-origin" });
        const told = await answer.json();
        if (!answer.ok) throw new Error(told.reason || String(answer.status));
        known.fault = "";
        localStorage.setItem(KEPT, JSON.stringify(told));
        take(told);
      } catch (error) {
        known.fault = error.message;
        wait = RETRY_MS;
        if (!known.ready) take(JSON.parse(localStorage.getItem(KEPT) || "{}"));
      }
      await new Promise((done) => setTimeout(done, wait));
    }
    asking = false;
  }

  // -- one tile ----------------------------------------------------------------------------------------------------------------

  /** The picture as it is shown: once when it comes, not for each frame. */
  function toned(bitmap, { tone, saturation }) {
    const filter = `${tone === "dark" ? "invert(1) hue-rotate(180deg) " : ""}${saturation < 1 ? `saturate(${saturation})` : ""}`.trim();
    if (!filter) return bitmap;
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const c = canvas.getContext("2d");
    c.filter = filter;
    c.drawImage(bitmap, 0, 0);
    bitmap.close();
    return canvas.transferToImageBitmap();
  }

  async function decode(answer, source) {
    const age = Number(answer.headers.get("Age") || 0) * 1000;
    const stale = answer.headers.get("Hall-Stale") || "";
    const image = toned(await createImageBitmap(await answer.blob()), source);
    return { image, bytes: image.width * image.height * 4, at: Date.now() - age, stale, close: () => image.close() };
  }

  /** ms until a tile in view is asked for again: old ones soon, as the hall asks meanwhile; good ones grow old on a wall that stands still. */
  function again({ stale, bytes, times }) {
    if (stale === "old") return Math.min(OLD_MOST_MS, OLD_MS * 2 ** times);
    if (stale) return AWAY_MS;
    return bytes ? GOOD_MS : EMPTY_MS;
  }

  // -- one source and those over it --------------------------------------------------------------------------------------------

  citymap.Pictures = class {
    constructor({ renew, told }) {
      Object.assign(this, { renew, told });
      this.source = null;
      this.sheets = []; // [{source, store}], lowest first
      this.farther = false; // whether the view is too wide for the source: nothing is asked for
      this.brightness = 1;
    }

    show(name) {
      const source = known.find(name);
      const rows = source ? [source, ...source.over.map(known.find).filter(Boolean)] : [];
      if (JSON.stringify(rows.map(shape)) === JSON.stringify(this.sheets.map((sheet) => shape(sheet.source)))) return;
      this.clear();
      this.source = source;
      this.sheets = rows.map((row) => ({ source: row, store: this.storeOf(row) }));
      this.frame = null;
      this.renew(null);
    }

    storeOf(source) {
      const { name, version } = source;
      return new citymap.TileStore({
        address: (z, x, y) => `/pictures/${encodeURIComponent(name)}/${z}/${x}/${y}?v=${version}`,
        decode: (answer) => decode(answer, source),
        arrived: (z, x, y) => {
          const side = 2 ** z;
          this.renew({ west: x / side, north: y / side, east: (x + 1) / side, south: (y + 1) / side });
          this.told();
        },
        told: () => this.told(),
        again,
      });
    }

    get fault() {
      const nothing = ({ store }) => [...store.wanted.keys()].some((key) => (store.tiles.get(key) || {}).stale === "nothing-there");
      return this.sheets.map(({ store }) => store.fault).find(Boolean) || (this.sheets.some(nothing) ? "nothing-there" : "");
    }

    get attribution() {
      return this.sheets.map(({ source }) => source.attribution).filter((text, i, all) => text && all.indexOf(text) === i).join(" · ");
    }

    get stale() {
      let oldest = null;
      for (const { store } of this.sheets) {
        for (const key of store.wanted.keys()) {
          const tile = store.tiles.get(key);
          if (tile && tile.image && tile.stale === "away" && (!oldest || tile.at < oldest)) oldest = tile.at;
        }
      }
      return oldest === null ? null : Date.now() - oldest;
    }

    /** What a whole frame needs is wanted, and nothing else any more; of a piece only what lies beside it. */
    look(frame) {
      const all = frame.part || frame;
      const beside = frame.left < all.left || frame.top < all.top || frame.left + frame.width > all.left + all.width || frame.top + frame.height > all.top + all.height;
      this.farther = this.sheets.length > 0 && !rowsOf(this.source, all).length;
      for (const { source, store } of this.sheets) {
        const rows = rowsOf(source, all);
        if (this.frame !== all) store.want([...coarse(rows, source), ...rows]);
        if (beside) store.also(rowsOf(source, frame));
      }
      this.frame = all;
    }

    paint(c, frame) {
      this.look(frame);
      for (const sheet of this.sheets) {
        const rows = rowsOf(sheet.source, frame);
        const first = sheet === this.sheets[0];
        c.globalAlpha = sheet.source.opacity * (first ? 1 : Math.max(0.75, this.brightness));
        this.paintRows(c, frame, sheet.store.cover(rows));
        c.globalAlpha = 1;
        if (first && this.brightness < 1) {
          c.fillStyle = citymap.ink.ground;
          c.globalAlpha = 1 - this.brightness;
          c.fillRect(0, 0, frame.width, frame.height);
          c.globalAlpha = 1;
        }
      }
    }

    paintRows(c, frame, rows) {
      const onto = (value) => Math.round(value * frame.ratio) / frame.ratio; // whole pixels: no seams between tiles
      for (const { z, x, y, tile, clip } of rows) {
        if (!tile.image) continue;
        const [cz, cx, cy] = clip || [z, x, y];
        const size = frame.scale / 2 ** cz;
        const [left, top] = [onto(cx * size - frame.left), onto(cy * size - frame.top)];
        const [width, height] = [onto((cx + 1) * size - frame.left) - left, onto((cy + 1) * size - frame.top) - top];
        const part = tile.image.width / 2 ** (cz - z);
        c.drawImage(tile.image, (cx - x * 2 ** (cz - z)) * part, (cy - y * 2 ** (cz - z)) * part, part, part, left, top, width, height);
      }
    }

    clear() {
      for (const { store } of this.sheets) store.clear();
      this.sheets = [];
    }
  };

  const shape = ({ name, version, tone, saturation, min_zoom: least, max_zoom: most, detail }) => [name, version, tone, saturation, least, most, detail];

  /** Few tiles that cover the same: they come first, and stand in until the others are there. */
  function coarse(rows, { min_zoom: least }) {
    const up = Math.min(COARSER, rows.length ? rows[0][0] - least : 0);
    if (up < 1 || rows.length < FEW) return [];
    const found = new Map(rows.map(([z, x, y]) => [`${x >> up}/${y >> up}`, [z - up, x >> up, y >> up]]));
    return [...found.values()];
  }

  /** The tiles that meet a frame, nearest to its middle first. Names in pictures are as large as 16 px glyphs: `wide` makes them legible. */
  function rowsOf({ min_zoom: least, max_zoom: most, detail }, frame) {
    const wanted = Math.min(most, Math.round(frame.wide + detail));
    if (least > wanted + FINER) return [];
    const z = Math.max(least, wanted);
    const side = 2 ** z;
    const unit = (value) => Math.max(0, Math.min(side - 1, Math.floor((value / frame.scale) * side)));
    const [west, east] = [unit(frame.left), unit(frame.left + frame.width - 0.01)];
    const [north, south] = [unit(frame.top), unit(frame.top + frame.height - 0.01)];
    const rows = [];
    for (let y = north; y <= south; y += 1) for (let x = west; x <= east; x += 1) rows.push([z, x, y]);
    const [mx, my] = [(west + east) / 2, (north + south) / 2];
    return rows.sort((a, b) => Math.hypot(a[1] - mx, a[2] - my) - Math.hypot(b[1] - mx, b[2] - my));
  }
})();

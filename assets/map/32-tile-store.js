/* Tiles that a map needs: fetched a few at a time, nearest first, let go when out of view, tried again when they failed, kept
 * while there is room.
 *
 * new citymap.TileStore({address(z, x, y) -> URL, decode(response) -> Promise<{bytes, …}>, arrived(z, x, y), told(), again(tile)})
 *   want(rows)          what is in view now: [[z, x, y], …], the most wanted first; what is under way and not in it is cancelled
 *   also(rows)          a piece that came into view besides
 *   get(z, x, y)        the tile; {bytes: 0} where the map is empty; undefined while it is not there
 *   cover(rows)         [{z, x, y, tile, clip}] to paint: the tile, else what stands in for it (clip: to the wanted tile)
 *   fault               why tiles in view are missing, "" when none is; `told` is called when it changes
 * A tile that failed is tried again after 2 s, 4 s … 60 s, at once when it comes into view anew. One that the hall calls old, or of a
 * service that is away (header Hall-Stale), is shown, and asked for again while it is in view: `again(tile) -> ms` (0: never) says when;
 * all of a service that was away at once when one tile says that it is back.
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const AT_ONCE = 4; // of the six connections that a browser opens to one address
  const ROOM = 64 * 1024 * 1024; // bytes of decoded tiles
  const RETRY_MS = 2000;
  const RETRY_MOST_MS = 60_000;
  const UP = 5; // levels that a coarser tile may be stretched
  const DOWN = 2; // levels that finer tiles may be shrunk
  const EMPTY = Object.freeze({ bytes: 0 });
  const TICK_MS = 5000; // at least between two looks at what is to be asked for again
  const gone = (stale) => stale === "away" || stale === "nothing-there";

  const keyOf = (z, x, y) => `${z}/${x}/${y}`;

  citymap.TileStore = class {
    constructor({ address, decode, arrived, told = () => {}, again = null }) {
      Object.assign(this, { address, decode, arrived, told, again });
      this.tiles = new Map(); // key -> tile, the least lately wanted first
      this.bytes = 0;
      this.room = ROOM;
      this.wanted = new Map(); // key -> [z, x, y], the most wanted first
      this.loading = new Map(); // key -> AbortController
      this.failed = new Map(); // key -> {why, timer}: waits to be tried again
      this.tried = new Map(); // key -> how often what is still wanted has failed
      this.fault = "";
      this.ticking = 0;
      this.back = -Infinity; // when all were last asked for at once
    }

    want(rows) {
      const before = this.wanted;
      this.wanted = new Map(rows.map((row) => [keyOf(...row), row]));
      for (const [key, control] of this.loading) if (!this.wanted.has(key)) control.abort();
      for (const [key, { timer }] of this.failed) {
        if (this.wanted.has(key) && before.has(key)) continue;
        clearTimeout(timer);
        this.failed.delete(key);
      }
      for (const key of this.wanted.keys()) this.touch(key);
      this.tell();
      this.next();
    }

    also(rows) {
      for (const row of rows) {
        this.wanted.set(keyOf(...row), row);
        this.touch(keyOf(...row));
      }
      this.next();
    }

    get(z, x, y) {
      return this.tiles.get(keyOf(z, x, y));
    }

    /** Whether nothing more comes for what is in view. */
    get whole() {
      for (const key of this.wanted.keys()) if (!this.tiles.has(key) && !this.failed.has(key)) return false;
      return true;
    }

    touch(key) {
      const tile = this.tiles.get(key);
      if (!tile) return;
      this.tiles.delete(key);
      this.tiles.set(key, tile);
    }

    next() {
      for (const [key, row] of this.wanted) {
        if (this.loading.size >= AT_ONCE) return;
        if (!this.tiles.has(key) && !this.loading.has(key) && !this.failed.has(key)) this.load(key, row);
      }
      if (this.again) this.renew();
    }

    /** What is missing comes first; then what is there and due again. */
    renew() {
      const now = performance.now();
      let soonest = Infinity;
      for (const [key, row] of this.wanted) {
        const { due } = this.tiles.get(key) || {};
        if (!due || this.loading.has(key)) continue;
        if (due <= now && this.loading.size < AT_ONCE) this.load(key, row);
        else soonest = Math.min(soonest, due);
      }
      clearTimeout(this.ticking);
      if (soonest < Infinity) this.ticking = setTimeout(() => this.next(), Math.max(TICK_MS, soonest - now));
    }

    /** When a tile that has come is due again; one that is not of a service gone hastens those that are. */
    plan(key, tile) {
      const now = performance.now();
      const before = this.tiles.get(key);
      tile.times = tile.stale && before && before.stale === tile.stale ? before.times + 1 : 0;
      const wait = this.again(tile);
      tile.due = wait ? now + wait : 0;
      if (gone(tile.stale) || (!tile.stale && !tile.bytes) || now - this.back < TICK_MS) return;
      for (const other of this.wanted.keys()) {
        const held = this.tiles.get(other);
        if (other === key || !held || !gone(held.stale)) continue;
        held.due = now;
        this.back = now;
      }
    }

    async load(key, row) {
      const control = new AbortController();
      this.loading.set(key, control);
      let tile = null;
      let why = "";
      try {
        const answer = await fetch(this.address(...row), { credentials: "same-origin", signal: control.signal, cache: this.tiles.has(key) ? "no-cache" : "default" });
        if (answer.status === 204) tile = this.again ? { bytes: 0, stale: answer.headers.get("Hall-Stale") || "" } : EMPTY;
        else if (answer.ok) tile = await this.decode(answer);
        else why = `${answer.status} ${(await answer.json().catch(() => ({}))).reason || ""}`.trim();
      } catch (error) {
        why = control.signal.aborted ? "" : error.message || String(error);
      }
      if (this.loading.get(key) !== control) return; // closed meanwhile
      this.loading.delete(key);
      const held = this.tiles.get(key);
      if (tile) this.keep(key, tile);
      else if (held && why) held.due = performance.now() + RETRY_MOST_MS;
      else if (why && this.wanted.has(key)) this.fail(key, why);
      this.tell();
      this.next();
      if (tile && this.wanted.has(key)) this.arrived(...row);
    }

    keep(key, tile) {
      this.tried.delete(key);
      if (this.again) this.plan(key, tile);
      this.drop(key);
      this.tiles.set(key, tile);
      this.bytes += tile.bytes;
      for (const other of this.tiles.keys()) {
        if (this.bytes <= this.room) break;
        if (!this.wanted.has(other)) this.drop(other);
      }
    }

    drop(key) {
      const { bytes = 0, close } = this.tiles.get(key) || {};
      this.tiles.delete(key);
      this.bytes -= bytes;
      if (close) close();
    }

    fail(key, why) {
      const times = (this.tried.get(key) || 0) + 1;
      this.tried.set(key, times);
      const timer = setTimeout(() => {
        this.failed.delete(key);
        this.next();
      }, Math.min(RETRY_MOST_MS, RETRY_MS * 2 ** (times - 1)));
      this.failed.set(key, { why, timer });
    }

    tell() {
      for (const key of this.tried.keys()) if (!this.wanted.has(key)) this.tried.delete(key);
      const missing = [...this.wanted.keys()].filter((key) => this.tried.has(key) && !this.tiles.has(key));
      const fault = missing.length && this.failed.size ? [...this.failed.values()][0].why : missing.length ? this.fault : "";
      if (fault === this.fault) return;
      this.fault = fault;
      this.told();
    }

    cover(rows) {
      const found = new Map();
      for (const [z, x, y] of rows) {
        const tile = this.get(z, x, y);
        if (tile) found.set(keyOf(z, x, y), { z, x, y, tile, clip: null });
        else this.standIn(z, x, y, found);
      }
      return [...found.values()];
    }

    /** The nearest coarser tile, cut to the wanted one; without one, what there is of finer ones. */
    standIn(z, x, y, found) {
      for (let up = 1; up <= UP && up <= z; up += 1) {
        const tile = this.get(z - up, x >> up, y >> up);
        if (!tile) continue;
        found.set(`${keyOf(z, x, y)} up`, { z: z - up, x: x >> up, y: y >> up, tile, clip: [z, x, y] });
        return;
      }
      for (let down = 1; down <= DOWN; down += 1) {
        const side = 2 ** down;
        let any = false;
        for (let i = 0; i < side * side; i += 1) {
          const place = [z + down, x * side + (i % side), y * side + Math.floor(i / side)];
          const tile = this.get(...place);
          if (!tile) continue;
          any = true;
          found.set(keyOf(...place), { z: place[0], x: place[1], y: place[2], tile, clip: null });
        }
        if (any) return;
      }
    }

    /** Lets everything go, for another version of the map too. */
    clear() {
      for (const control of this.loading.values()) control.abort();
      for (const { timer } of this.failed.values()) clearTimeout(timer);
      for (const { close } of this.tiles.values()) if (close) close();
      for (const held of [this.loading, this.failed, this.tried, this.tiles, this.wanted]) held.clear();
      clearTimeout(this.ticking);
      this.bytes = 0;
      this.fault = "";
    }
  };
})();

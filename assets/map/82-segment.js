/* Ten minutes of positions and readings as the hall packed them (dispatch/history/tracks.py), unpacked in place.
 *
 * const segment = new hall.citymap.Segment(buffer)   {since, until, topics: NAME -> {subjects, start, columns, scale, tables, flags, shown}}
 * segment.each(topic, t, all, put)                   put(subject, time, numbers) for what is another at `t` (city ms) than when last asked
 */
"use strict";

(function () {
  const citymap = window.hall.citymap;
  const NONE = -2147483648;

  class Segment {
    constructor(buffer) {
      const size = new DataView(buffer).getUint32(0, true);
      const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
      Object.assign(this, { since: head.since, until: head.until, topics: new Map() });
      let at = 4 + size;
      for (const [topic, { subjects, start, columns, scale }] of Object.entries(head.topics)) {
        const n = start[start.length - 1];
        const tables = columns.map(() => {
          const planes = new Uint8Array(buffer, at, 4 * n);
          const values = new Int32Array(n);
          let sum = 0;
          for (let i = 0; i < n; i += 1) {
            sum = (sum + (planes[i] | (planes[n + i] << 8) | (planes[2 * n + i] << 16) | (planes[3 * n + i] << 24))) | 0;
            values[i] = sum;
          }
          at += 4 * n;
          return values;
        });
        this.topics.set(topic, { subjects, start, columns, scale, tables, flags: new Uint8Array(buffer, at, n), shown: new Int32Array(subjects.length).fill(-1) });
        at += n + ((4 - (n % 4)) % 4);
      }
    }

    /** The last point of subject `i` that was heard at `t`, -1 for none. */
    static index({ start, tables }, i, t) {
      const heard = tables[0];
      let low = start[i];
      let high = start[i + 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (heard[middle] <= t) low = middle + 1;
        else high = middle;
      }
      return low - 1 < start[i] ? -1 : low - 1;
    }

    /** Calls `put(subject, time, numbers)` for what is another at `t` than when it was last asked; all with `all`. */
    each(topic, t, all, put) {
      const table = this.topics.get(topic);
      if (!table) return;
      const { subjects, tables, flags, columns, scale, shown, start } = table;
      const rel = t - this.since;
      for (let i = 0; i < subjects.length; i += 1) {
        const k = Segment.index(table, i, rel);
        const going = k >= 0 && flags[k] === 1 && k + 1 < start[i + 1];
        if (k < 0 || (k === shown[i] && !all && !(going && topic === "position"))) continue;
        shown[i] = k;
        const part = going ? Math.min(1, (rel - tables[0][k]) / Math.max(1, tables[0][k + 1] - tables[0][k])) : 0;
        const numbers = {};
        for (let c = 2; c < columns.length; c += 1) {
          const value = tables[c][k];
          if (value === NONE) continue;
          const line = part && topic === "position" && c < 4 && tables[c][k + 1] !== NONE;
          numbers[columns[c]] = (line ? value + part * (tables[c][k + 1] - value) : value) / scale[c];
        }
        put(subjects[i], (going ? t : tables[0][k] + this.since) - tables[1][k], numbers);
      }
    }
  }

  citymap.Segment = Segment;
})();

/* Street components (部件) as one packed binary (docs/COMPONENTS.md): decoded in place, painted pixel by pixel, pointed at.
 *
 * new hall.citymap.Pack(buffer)        {n}; the row number is the id
 * pack.paint(picture, frame, bits, colours, side)   picture {words, width, height} in device px; bits: rows that answer, null for all
 * pack.nearest(frame, x, y, reach, bits)            {row, x, y} in CSS px of the frame, null when none is that close
 * hall.citymap.binary(path, expected, patience, told)   {buffer, version} of an answer
 * hall.citymap.bitsOf(buffer, n)       {bits, count} of a filter's answer
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const MAGIC = 0x31504348; // "HCP1"
  const FILTER_MAGIC = 0x31464348; // "HCF1"
  const STEPS = 65536; // of a chunk's tile
  const ROUND_FROM = 4; // device px from which a point is a disc with a dark rim
  const RIM = 0xe6140d09; // alpha, blue, green, red

  citymap.bitsOf = function (buffer, n) {
    const [magic, rows, count] = new Uint32Array(buffer, 0, 3);
    if (magic !== FILTER_MAGIC || rows !== n || buffer.byteLength !== 12 + Math.ceil(n / 8)) throw new Error("filter: not of this pack");
    return { bits: new Uint8Array(buffer, 12), count };
  };

  const tagOf = (answer) => (answer.headers.get("etag") || "").replace(/^W\//, "").replaceAll('"', "");

  /** A binary answer with its version; `told(share)` while it comes, of its length or of `expected` bytes. Throws an Error with the hall's reason. */
  citymap.binary = async function (path, expected, patience, told) {
    const answer = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(patience) });
    if (!answer.ok) {
      const { detail, reason } = await answer.json().catch(() => ({}));
      throw new Error(detail || reason || `HTTP ${answer.status}`);
    }
    const length = Number(answer.headers.get("content-length")) || expected;
    const reader = answer.body.getReader();
    let whole = new Uint8Array(length);
    let size = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (size + part.value.length > whole.length) { // longer than it said
        const longer = new Uint8Array(2 * (size + part.value.length));
        longer.set(whole.subarray(0, size));
        whole = longer;
      }
      whole.set(part.value, size);
      size += part.value.length;
      told(Math.min(1, size / length));
    }
    if (size !== whole.length) whole = whole.slice(0, size);
    return { buffer: whole.buffer, version: tagOf(answer) };
  };

  /** A disc of `side` device px as offsets into the words of a picture so wide, the rim apart. */
  function disc(side, width) {
    const reach = Math.floor(side / 2);
    const [inner, rim] = [[], []];
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        const d = Math.hypot(dx, dy);
        if (d <= reach - 0.6) inner.push(dy * width + dx);
        else if (d <= reach + 0.4) rim.push(dy * width + dx);
      }
    }
    return { reach, inner: Int32Array.from(inner), rim: Int32Array.from(rim) };
  }

  function square(side, width) {
    const inner = [];
    const from = -Math.floor((side - 1) / 2);
    for (let dy = from; dy < from + side; dy += 1) for (let dx = from; dx < from + side; dx += 1) inner.push(dy * width + dx);
    return { reach: side - 1, inner: Int32Array.from(inner), rim: new Int32Array(0) };
  }

  /** The bits of a number below 65,536, each with a zero before it. */
  function spread(n) {
    n = (n | (n << 8)) & 0x00ff00ff;
    n = (n | (n << 4)) & 0x0f0f0f0f;
    n = (n | (n << 2)) & 0x33333333;
    return (n | (n << 1)) & 0x55555555;
  }

  citymap.Pack = class {
    constructor(buffer) {
      const [magic, n, k, zoom] = buffer.byteLength < 16 ? [] : new Uint32Array(buffer, 0, 4);
      const at = 16 + 12 * k;
      if (magic !== MAGIC || buffer.byteLength !== at + 5 * n) throw new Error("pack: not whole");
      Object.assign(this, { n, k, tiles: 2 ** zoom });
      this.chunks = new Uint32Array(buffer, 16, 3 * k); // cx, cy, start
      this.xs = new Uint16Array(buffer, at, n);
      this.ys = new Uint16Array(buffer, at + 2 * n, n);
      this.classes = new Uint8Array(buffer, at + 4 * n, n);
    }

    endOf(chunk) {
      return chunk + 1 < this.k ? this.chunks[3 * chunk + 5] : this.n;
    }

    /** Calls `call(from, to, x0, y0, step)` for the chunks that meet a box of the frame; px are CSS px times `ratio`. */
    each(frame, ratio, [west, north, east, south], call) {
      const side = (frame.scale * ratio) / this.tiles;
      for (let i = 0; i < this.k; i += 1) {
        const x0 = this.chunks[3 * i] * side - frame.left * ratio;
        const y0 = this.chunks[3 * i + 1] * side - frame.top * ratio;
        if (x0 <= east && y0 <= south && x0 + side >= west && y0 + side >= north) call(this.chunks[3 * i + 2], this.endOf(i), x0, y0, side / STEPS);
      }
    }

    /** About how many points a frame shows: those of a chunk are taken as spread evenly over it. */
    inView(frame) {
      let found = 0;
      this.each(frame, 1, [0, 0, frame.width, frame.height], (from, to, x0, y0, step) => {
        const side = step * STEPS;
        const wide = Math.min(frame.width, x0 + side) - Math.max(0, x0);
        const high = Math.min(frame.height, y0 + side) - Math.max(0, y0);
        found += ((to - from) * wide * high) / (side * side);
      });
      return found;
    }

    paint({ words, width, height }, frame, bits, colours, side) {
      const shape = side >= ROUND_FROM ? disc(side, width) : square(side, width);
      const chosen = bits || this.all();
      this.each(frame, frame.ratio, [0, 0, width, height], (from, to, x0, y0, step) => this.dots(from, to, chosen, x0 + step / 2, y0 + step / 2, step, words, width, height, colours, side, shape));
    }

    /** Bits of all rows: with and without a filter the same loop runs, which the browser has compiled by the time of the first filter. */
    all() {
      return (this.ones = this.ones || new Uint8Array(Math.ceil(this.n / 8)).fill(255));
    }

    dots(from, to, bits, ax, ay, step, words, width, height, colours, side, { reach, inner, rim }) {
      const { xs, ys, classes } = this;
      const [right, bottom] = [width - reach, height - reach];
      for (let i = from; i < to; i += 1) {
        if (!(bits[i >> 3] & (1 << (i & 7)))) continue;
        const px = ax + xs[i] * step;
        const py = ay + ys[i] * step;
        if (px < reach || py < reach || px >= right || py >= bottom) continue;
        const at = (py | 0) * width + (px | 0);
        const value = colours[classes[i]];
        if (side === 1) {
          words[at] = value;
          continue;
        }
        for (let j = 0; j < rim.length; j += 1) if (words[at + rim[j]] === 0) words[at + rim[j]] = RIM;
        for (let j = 0; j < inner.length; j += 1) words[at + inner[j]] = value;
      }
    }

    /** [{row, x, y}] of those in view that answer; null where they are more than `most`. */
    inside(frame, bits, most) {
      const found = [];
      this.each(frame, 1, [0, 0, frame.width, frame.height], (from, to, x0, y0, step) => {
        for (let i = from; i < to && found.length <= most; i += 1) {
          const [x, y] = [x0 + (this.xs[i] + 0.5) * step, y0 + (this.ys[i] + 0.5) * step];
          if ((bits === null || bits[i >> 3] & (1 << (i & 7))) && frame.holds(x, y, 0)) found.push({ row: i, x, y });
        }
      });
      return found.length > most ? null : found;
    }

    nearest(frame, x, y, reach, bits) {
      const { xs, ys } = this;
      let best = null;
      let least = reach * reach;
      this.each(frame, 1, [x - reach, y - reach, x + reach, y + reach], (from, to, x0, y0, step) => {
        const [west, east] = [(x - reach - x0) / step, (x + reach - x0) / step];
        const [north, south] = [(y - reach - y0) / step, (y + reach - y0) / step];
        for (const [first, end] of this.ranges(from, to, west, north, east, south)) {
          for (let i = first; i < end; i += 1) {
            if (xs[i] < west || xs[i] > east || (bits !== null && !(bits[i >> 3] & (1 << (i & 7))))) continue;
            const px = x0 + (xs[i] + 0.5) * step;
            const py = y0 + (ys[i] + 0.5) * step;
            const d = (px - x) ** 2 + (py - y) ** 2;
            if (d <= least) [best, least] = [{ row: i, x: px, y: py }, d];
          }
        }
      });
      return best;
    }

    /** Rows of a chunk that may lie in a box of its tile: at most four runs, since rows lie along a Z-curve. [[from, to], ...], ascending. */
    ranges(from, to, west, north, east, south) {
      const inside = (value) => Math.max(0, Math.min(STEPS - 1, Math.floor(value)));
      const [x0, y0, x1, y1] = [inside(west), inside(north), inside(east), inside(south)];
      let shift = 0; // squares of 2 ** shift steps
      while (2 ** shift < Math.max(x1 - x0, y1 - y0)) shift += 1;
      const runs = [];
      for (let i = x0 >> shift; i <= x1 >> shift; i += 1) {
        for (let j = y0 >> shift; j <= y1 >> shift; j += 1) {
          const code = (spread(i) + 2 * spread(j)) * 4 ** shift;
          runs.push([this.firstOf(from, to, code), this.firstOf(from, to, code + 4 ** shift)]);
        }
      }
      return runs.sort((a, b) => a[0] - b[0]);
    }

    /** The first row of a chunk whose place on the Z-curve is `code` or further. */
    firstOf(from, to, code) {
      while (from < to) {
        const middle = (from + to) >>> 1;
        if (spread(this.xs[middle]) + 2 * spread(this.ys[middle]) < code) from = middle + 1;
        else to = middle;
      }
      return from;
    }

    /** The box [[south, west], [north, east]] of the rows that answer; null for none. */
    bounds(bits) {
      let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let c = 0; c < this.k; c += 1) {
        const [cx, cy] = [this.chunks[3 * c] * STEPS, this.chunks[3 * c + 1] * STEPS];
        for (let i = this.chunks[3 * c + 2]; i < this.endOf(c); i += 1) {
          if (bits !== null && !(bits[i >> 3] & (1 << (i & 7)))) continue;
          const [x, y] = [cx + this.xs[i], cy + this.ys[i]];
          if (x < west) west = x;
          if (x > east) east = x;
          if (y < north) north = y;
          if (y > south) south = y;
        }
      }
      if (west === Infinity) return null;
      const unit = this.tiles * STEPS;
      return [[citymap.latitude((south + 0.5) / unit), citymap.longitude((west + 0.5) / unit)],
        [citymap.latitude((north + 0.5) / unit), citymap.longitude((east + 0.5) / unit)]];
    }
  };
})();

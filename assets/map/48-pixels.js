/* Many small symbols at once, written pixel by pixel: 5,000 of them cost about a millisecond where drawImage takes twenty.
 *
 * hall.citymap.pixels(width, height)   {image, words}, empty: for whoever writes pixels and puts them on a canvas at once
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const BAND = 128; // px high
  const COLUMN = 64; // px wide
  const FAINT = 40; // alpha below which a pixel of a symbol is left out

  /** The pixels of a sprite that can be seen: [dx, dy, value] each, from the symbol's centre. */
  function pixelsOf(sprite, ratio) {
    const side = sprite.canvas.width;
    const data = sprite.canvas.getContext("2d").getImageData(0, 0, side, side).data;
    const values = new Uint32Array(data.buffer);
    const centre = Math.round(sprite.half * ratio);
    const found = [];
    let reach = 0;
    for (let i = 0; i < values.length; i += 1) {
      if (data[4 * i + 3] < FAINT) continue;
      const [dx, dy] = [(i % side) - centre, Math.floor(i / side) - centre];
      found.push(dx, dy, values[i]);
      reach = Math.max(reach, Math.abs(dx), Math.abs(dy));
    }
    return { found, reach: reach + 1 };
  }

  const KEPT = 2; // sizes: of a band of the whole picture, of a piece of a drag
  const buffers = []; // the last used first

  citymap.pixels = function (width, height) {
    const at = buffers.findIndex(({ image }) => image.width === width && image.height === height);
    const [found] = at < 0 ? [] : buffers.splice(at, 1);
    const image = found ? found.image : new ImageData(width, height);
    const one = found || { image, words: new Uint32Array(image.data.buffer) };
    if (found) one.words.fill(0);
    buffers.unshift(one);
    buffers.length = Math.min(buffers.length, KEPT);
    return one;
  };

  /** Symbols of one canvas: `add(compile(sprite, ratio), x, y)` in device pixels, `show(context)` writes them over all that is on it. */
  citymap.Pixels = class {
    constructor(width, height) {
      this.width = width;
      this.height = height;
      this.list = []; // symbol, x, y, ...
      this.compiled = new Map(); // sprite -> its pixels as offsets in a picture of this width
    }

    compile(sprite, ratio) {
      let made = this.compiled.get(sprite);
      if (made) return made;
      const { found, reach } = pixelsOf(sprite, ratio);
      const count = found.length / 3;
      made = { reach, count, offsets: new Int32Array(count), values: new Uint32Array(count) };
      for (let i = 0; i < count; i += 1) {
        made.offsets[i] = found[3 * i + 1] * this.width + found[3 * i];
        made.values[i] = found[3 * i + 2];
      }
      if (this.compiled.size > 1000) this.compiled.clear();
      this.compiled.set(sprite, made);
      return made;
    }

    /** One that reaches over the edge is left out (the sheet is larger than the view). */
    add(symbol, x, y) {
      const { reach } = symbol;
      if (x >= reach && y >= reach && x < this.width - reach && y < this.height - reach) this.list.push(symbol, x, y);
    }

    /**
     * Band by band: one fits into the processor's cache, and is written in half the time. Bands overlap by a symbol's reach. Of a band only the
     * columns with symbols are handed over: the browser multiplies every pixel that it is given by its alpha.
     */
    show(context) {
      const { list, width, height } = this;
      const bands = Array.from({ length: Math.ceil(height / BAND) }, () => []);
      let pad = 0;
      for (let i = 0; i < list.length; i += 3) {
        const { reach } = list[i];
        if (reach > pad) pad = reach;
        const last = Math.min(bands.length - 1, Math.floor((list[i + 2] + reach) / BAND));
        for (let k = Math.floor((list[i + 2] - reach) / BAND); k <= last; k += 1) bands[k].push(i);
      }
      pad *= 2; // a symbol of the next band lies in this one's picture as a whole
      const { image, words } = this.band(BAND + 2 * pad);
      bands.forEach((band, k) => {
        const top = k * BAND - pad;
        const columns = new Uint8Array(Math.ceil(width / COLUMN) + 1);
        for (const i of band) {
          const [{ reach }, x, y] = [list[i], list[i + 1], list[i + 2]];
          stamp(words, list[i], (y - top) * width + x);
          columns.fill(1, Math.floor((x - reach) / COLUMN), Math.floor((x + reach) / COLUMN) + 1);
        }
        for (let from = columns.indexOf(1); from >= 0; ) {
          const to = columns.indexOf(0, from); // the last one is always 0
          const [left, right] = [from * COLUMN, Math.min(width, to * COLUMN)];
          context.putImageData(image, 0, top, left, pad, right - left, Math.min(BAND, height - k * BAND));
          for (let at = left; at < words.length; at += width) words.fill(0, at, at + right - left);
          from = columns.indexOf(1, to);
        }
      });
      this.list = [];
    }

    /** An empty picture of a band; whoever writes on it empties it again. */
    band(high) {
      if (!this.own || this.own.image.height !== high) {
        const image = new ImageData(this.width, high);
        this.own = { image, words: new Uint32Array(image.data.buffer) };
      }
      return this.own;
    }
  };

  /** Writes a symbol at whole pixels. */
  function stamp(words, { count, offsets, values }, at) {
    for (let i = 0; i < count; i += 1) {
      const to = at + offsets[i];
      // a soft edge never takes away from a symbol below it
      if (values[i] >>> 24 >= words[to] >>> 24) words[to] = values[i];
    }
  }
})();

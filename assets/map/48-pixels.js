/* Many small symbols at once, written pixel by pixel: 5,000 of them cost about a millisecond where drawImage takes twenty.
 *
 * hall.citymap.pixels(width, height)   {image, words}, empty: for whoever writes pixels and puts them on a canvas at once
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const [WIDE, HIGH] = [512, 128]; // px of a tile: with the symbols that reach into it, it fits into the processor's cache
  const COLUMN = 64; // px wide
  const FAINT = 40; // alpha below which a pixel of a symbol is left out

  const reader = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** The pixels of a sprite that can be seen: [dx, dy, value] each, from the symbol's centre. */
  function pixelsOf(sprite, ratio) {
    const side = (reader.canvas.width = reader.canvas.height = sprite.canvas.width);
    reader.drawImage(sprite.canvas, 0, 0);
    const { data } = reader.getImageData(0, 0, side, side);
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

  let memory = new Uint8ClampedArray(0); // as large as the largest picture so far: thrown-away ones stay with the browser for a minute
  let last = null;

  citymap.pixels = function (width, height) {
    const size = 4 * width * height;
    if (memory.length < size) memory = new Uint8ClampedArray(size);
    else memory.fill(0, 0, size);
    if (!last || last.image.width !== width || last.image.height !== height || last.words.buffer !== memory.buffer) {
      last = { image: new ImageData(memory.subarray(0, size), width, height), words: new Uint32Array(memory.buffer, 0, width * height) };
    }
    return last;
  };

  /** Symbols of a canvas: `begin(width, height)`, `add(compile(sprite, ratio), x, y)` in device pixels, `show(context)` writes them over all that is on it. */
  citymap.Pixels = class {
    constructor() {
      this.list = []; // symbol, x, y, ...
      this.compiled = new Map(); // sprite -> its pixels
      this.pad = 0; // px around a tile, in which there are whole symbols that reach into it
    }

    begin(width, height) {
      this.width = width;
      this.height = height;
      this.list = [];
    }

    compile(sprite, ratio) {
      let made = this.compiled.get(sprite);
      if (made) return made;
      const { found, reach } = pixelsOf(sprite, ratio);
      const count = found.length / 3;
      const every = (Kind, at) => Kind.from({ length: count }, (_, i) => found[3 * i + at]);
      made = { reach, count, dx: every(Int16Array, 0), dy: every(Int16Array, 1), values: every(Uint32Array, 2), offsets: new Int32Array(count), across: 0 };
      if (this.compiled.size > 1000) this.compiled.clear();
      this.compiled.set(sprite, made);
      this.pad = Math.max(this.pad, 2 * reach);
      return made;
    }

    /** One that reaches over the edge is left out (the sheet is larger than the view). */
    add(symbol, x, y) {
      const { reach } = symbol;
      if (x >= reach && y >= reach && x < this.width - reach && y < this.height - reach) this.list.push(symbol, x, y);
    }

    /** Where each symbol of the list that reaches into a tile is in it, tile by tile. */
    tiles() {
      const { list, width, height } = this;
      const columns = Math.ceil(width / WIDE);
      const tiles = Array.from({ length: columns * Math.ceil(height / HIGH) }, () => []);
      for (let i = 0; i < list.length; i += 3) {
        const [{ reach }, x, y] = [list[i], list[i + 1], list[i + 2]];
        const [right, bottom] = [Math.floor((x + reach) / WIDE), Math.floor((y + reach) / HIGH)];
        for (let row = Math.floor((y - reach) / HIGH); row <= bottom; row += 1) {
          for (let column = Math.floor((x - reach) / WIDE); column <= right; column += 1) tiles[row * columns + column].push(i);
        }
      }
      return { columns, tiles };
    }

    /** Of a tile only the columns with symbols are handed over: the browser multiplies every pixel that it is given by its alpha. */
    show(context) {
      const { list, width, height, pad } = this;
      const across = WIDE + 2 * pad;
      const { image, words } = citymap.pixels(across, HIGH + 2 * pad);
      const { columns, tiles } = this.tiles();
      const used = new Uint8Array(WIDE / COLUMN + 1);
      tiles.forEach((tile, n) => {
        if (!tile.length) return;
        const [left, top] = [(n % columns) * WIDE - pad, Math.floor(n / columns) * HIGH - pad];
        used.fill(0);
        for (const i of tile) {
          const [symbol, x, y] = [list[i], list[i + 1] - left, list[i + 2] - top];
          stamp(words, aimed(symbol, across), y * across + x);
          used.fill(1, Math.max(0, Math.floor((x - pad - symbol.reach) / COLUMN)), Math.min(WIDE, x - pad + symbol.reach) / COLUMN + 1);
        }
        used[WIDE / COLUMN] = 0;
        for (let from = used.indexOf(1); from >= 0; ) {
          const to = used.indexOf(0, from); // the last one is always 0
          const wide = Math.min(to * COLUMN, width - left - pad) - from * COLUMN;
          context.putImageData(image, left, top, pad + from * COLUMN, pad, wide, Math.min(HIGH, height - top - pad));
          from = used.indexOf(1, to);
        }
        words.fill(0);
      });
      this.list = [];
    }
  };

  /** The symbol with its pixels as offsets in a picture that is `across` px wide. */
  function aimed(symbol, across) {
    if (symbol.across === across) return symbol;
    const { dx, dy, offsets, count } = symbol;
    for (let i = 0; i < count; i += 1) offsets[i] = dy[i] * across + dx[i];
    symbol.across = across;
    return symbol;
  }

  /** Writes a symbol at whole pixels. */
  function stamp(words, { count, offsets, values }, at) {
    for (let i = 0; i < count; i += 1) {
      const to = at + offsets[i];
      // a soft edge never takes away from a symbol below it
      if (values[i] >>> 24 >= words[to] >>> 24) words[to] = values[i];
    }
  }
})();

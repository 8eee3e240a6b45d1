/* Pictures that are drawn once and then stamped: kept while they are used, freed when they are not.
 *
 * new hall.citymap.Kept(seconds)   `seconds` after its last use a picture goes
 * kept.get(key, make)              the picture of a key: {canvas: an ImageBitmap, …}, made when it is not there
 * kept.clear()
 * hall.citymap.pictured(size, paint)   an ImageBitmap: `size(context)` says [width, height] in device px, `paint(context)` draws it
 *
 * The pixels are given up by hand: what is only forgotten keeps them until the browser collects, a minute later on a quiet wall. A canvas for each
 * picture would keep its pen, and the browser for each pen how its texts are shaped: 20 kB a picture.
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});

  const board = new OffscreenCanvas(1, 1);
  const pen = board.getContext("2d");

  citymap.pictured = function (size, paint) {
    [board.width, board.height] = size(pen).map((side) => Math.max(1, Math.ceil(side))); // which forgets what the pen was set to
    paint(pen);
    return board.transferToImageBitmap();
  };

  citymap.Kept = class {
    constructor(seconds) {
      this.ms = seconds * 1000;
      this.all = new Map(); // key -> {picture, used}
      this.swept = 0;
    }

    get(key, make) {
      const now = performance.now();
      let one = this.all.get(key);
      if (!one) this.all.set(key, (one = { picture: make(), used: now }));
      one.used = now;
      if (now - this.swept > this.ms) this.sweep(now);
      return one.picture;
    }

    /** Whoever was given a picture stamps it at once: one that was used lately is never freed. */
    sweep(now) {
      this.swept = now;
      for (const [key, { picture, used }] of this.all) {
        if (now - used <= this.ms) continue;
        picture.canvas.close();
        this.all.delete(key);
      }
    }

    clear() {
      this.sweep(Infinity);
      this.swept = 0;
    }
  };
})();

/* Pieces of the lower glass that come in while the map moves: small canvases beside what is drawn already.
 *
 * new hall.citymap.Pieces(pane, glass)   they continue glass.frame
 * pieces.draw(view, ahead, count, ms)    view {left, top, right, bottom} in px of that frame: draws what it wants, the nearest first; true when
 *                                        more are wanted. `ahead` as a share of the view, `count` of its longer side make a piece
 * pieces.age()     what they show has changed: they are drawn again, one after the other
 * pieces.clear()
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const MOST = 80;

  /** Where the band `k` of a side `whole` px long lies: bands of `step` px before it, in it (the last cut off at its end) and behind it. */
  function bandAt(k, whole, step) {
    const inside = Math.ceil(whole / step);
    if (k < 0) return [k * step, (k + 1) * step];
    return k < inside ? [k * step, Math.min(whole, (k + 1) * step)] : [whole + (k - inside) * step, whole + (k - inside + 1) * step];
  }

  function bandOf(place, whole, step) {
    return place < whole ? Math.floor(place / step) : Math.ceil(whole / step) + Math.floor((place - whole) / step);
  }

  citymap.Pieces = class {
    constructor(pane, glass) {
      this.pane = pane;
      this.glass = glass;
      this.all = new Map(); // "column row" -> {canvas, frame, stale}
      this.scratch = document.createElement("canvas"); // for sheets that write pixels
      this.step = 0;
    }

    /** Those that a view wants: {key, box: [left, top, right, bottom], far} in px of the glass' frame. */
    wanted(view, ahead) {
      const { width, height, ratio } = this.glass.frame;
      const [wide, high] = [Math.round(width * ratio) / ratio, Math.round(height * ratio) / ratio];
      const [aheadX, aheadY] = [(view.right - view.left) * ahead, (view.bottom - view.top) * ahead];
      const [middleX, middleY] = [(view.left + view.right) / 2, (view.top + view.bottom) / 2];
      const { step } = this;
      const found = [];
      const last = [bandOf(view.right + aheadX, wide, step), bandOf(view.bottom + aheadY, high, step)];
      for (let i = bandOf(view.left - aheadX, wide, step); i <= last[0]; i += 1) {
        for (let j = bandOf(view.top - aheadY, high, step); j <= last[1]; j += 1) {
          const [left, right] = bandAt(i, wide, step);
          const [top, bottom] = bandAt(j, high, step);
          if (left >= 0 && right <= wide && top >= 0 && bottom <= high) continue; // drawn already
          const outX = Math.max(left - view.right, view.left - right, 0);
          const outY = Math.max(top - view.bottom, view.top - bottom, 0);
          const far = Math.max(outX, outY) * 1000 + Math.abs((left + right) / 2 - middleX) + Math.abs((top + bottom) / 2 - middleY);
          found.push({ key: `${i} ${j}`, box: [left, top, right, bottom], far });
        }
      }
      return found.sort((a, b) => a.far - b.far);
    }

    draw(view, ahead, count, ms) {
      const { ratio } = this.glass.frame;
      if (!this.all.size) this.step = Math.ceil((Math.max(view.right - view.left, view.bottom - view.top) / count) * ratio) / ratio;
      const until = performance.now() + ms;
      const wanted = this.wanted(view, ahead);
      const due = wanted.filter(({ key }) => !this.all.has(key));
      if (!due.length) due.push(...wanted.filter(({ key }) => this.all.get(key).stale));
      let drawn = 0;
      for (const { key, box } of due) {
        if (drawn && performance.now() > until) break;
        this.one(key, box);
        drawn += 1;
      }
      if (this.all.size > MOST) this.forget(new Set(wanted.map(({ key }) => key)));
      return drawn < due.length || wanted.some(({ key }) => this.all.get(key).stale);
    }

    one(key, [left, top, right, bottom]) {
      const known = this.all.get(key);
      const frame = this.glass.frame.cut(left, top, right - left, bottom - top);
      const canvas = known ? known.canvas : document.createElement("canvas");
      if (!known) {
        canvas.className = "leaflet-zoom-animated hall-sheet";
        this.pane.insertBefore(canvas, this.glass.canvas);
        citymap.fit(canvas, frame);
      }
      const context = canvas.getContext("2d", { alpha: false });
      for (const sheet of this.glass.sheets) {
        context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
        if (!sheet.kept) sheet.draw(context, frame);
        else this.through(context, sheet, frame);
      }
      this.all.set(key, { canvas, frame, stale: false });
    }

    through(context, sheet, frame) {
      const { scratch } = this;
      scratch.width = context.canvas.width; // empties it, too
      scratch.height = context.canvas.height;
      const own = scratch.getContext("2d");
      own.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
      sheet.draw(own, frame);
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(scratch, 0, 0);
    }

    age() {
      for (const piece of this.all.values()) piece.stale = true;
    }

    forget(wanted) {
      for (const [key, { canvas }] of this.all) {
        if (this.all.size <= MOST / 2) return;
        if (!wanted.has(key)) this.drop(key, canvas);
      }
    }

    drop(key, canvas) {
      this.all.delete(key);
      canvas.width = canvas.height = 0; // frees the pixels at once
      canvas.remove();
    }

    clear() {
      for (const [key, { canvas }] of this.all) this.drop(key, canvas);
    }
  };
})();

/* Pieces of the lower glass that come in while the map moves: small canvases beside what is drawn already.
 *
 * new hall.citymap.Pieces(pane, glass)   they continue glass.frame
 * pieces.draw(view, ahead, ms)   view {left, top, right, bottom} in px of that frame: draws what it wants, the nearest first, for about so long;
 *                                true when more are wanted. `ahead` {left, top, right, bottom} as shares of the view
 * pieces.age()   what they show has changed: they are drawn again, one after the other
 * pieces.clear()
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const MOST = 56; // held, of which a view of 16:9 and what lies ahead of it want 54
  const ACROSS = 6; // of the view's longer side make a piece

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
      this.all = new Map(); // "column row" -> {seen, shown, frame, stale}
      this.spare = []; // that show nothing: the browser gives the pixels of a thrown-away canvas back when it collects, seconds later
      this.back = document.createElement("canvas"); // they are drawn on it, one after the other
      this.step = 0;
      this.across = ACROSS;
    }

    /** Those that a view wants: {key, box: [left, top, right, bottom], far} in px of the glass' frame. */
    wanted(view, ahead) {
      const { width, height, ratio } = this.glass.frame;
      const [wide, high] = [Math.round(width * ratio) / ratio, Math.round(height * ratio) / ratio];
      const [wideView, highView] = [view.right - view.left, view.bottom - view.top];
      const reach = { left: view.left - ahead.left * wideView, right: view.right + ahead.right * wideView, top: view.top - ahead.top * highView, bottom: view.bottom + ahead.bottom * highView };
      const [middleX, middleY] = [(view.left + view.right) / 2, (view.top + view.bottom) / 2];
      const { step } = this;
      const found = [];
      const last = [bandOf(reach.right, wide, step), bandOf(reach.bottom, high, step)];
      for (let i = bandOf(reach.left, wide, step); i <= last[0]; i += 1) {
        for (let j = bandOf(reach.top, high, step); j <= last[1]; j += 1) {
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

    draw(view, ahead, ms) {
      const { ratio } = this.glass.frame;
      if (!this.all.size) this.step = Math.ceil((Math.max(view.right - view.left, view.bottom - view.top) / this.across) * ratio) / ratio;
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
      if (this.all.size > MOST) this.forget(view, new Set(wanted.map(({ key }) => key)));
      return drawn > 0 || wanted.some(({ key }) => this.all.get(key).stale);
    }

    one(key, [left, top, right, bottom]) {
      const known = this.all.get(key);
      const frame = this.glass.frame.cut(left, top, right - left, bottom - top);
      const piece = known || this.made(key);
      citymap.sized(this.back, frame);
      const context = this.back.getContext("2d", { alpha: false });
      for (const sheet of this.glass.sheets) {
        context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
        sheet.draw(context, frame);
      }
      Object.assign(piece, { frame, stale: false });
      this.all.set(key, piece);
      const show = () => {
        piece.seen.style.display = "";
        citymap.placed(piece.seen, piece.seen, frame);
      };
      citymap.pictureOf(this.back, piece.shown, show, () => piece.frame === frame);
    }

    /** A finished picture: the browser does not copy it in every frame, as it does a canvas that can be drawn on. */
    made(key) {
      const piece = this.spare.pop() || this.element();
      piece.seen.dataset.piece = key;
      this.pane.insertBefore(piece.seen, this.glass.seen);
      return piece;
    }

    element() {
      const seen = document.createElement("canvas");
      seen.className = "leaflet-zoom-animated hall-sheet";
      return { seen, shown: seen.getContext("bitmaprenderer", { alpha: false }) };
    }

    age() {
      for (const piece of this.all.values()) piece.stale = true;
    }

    /** Of those that are not wanted the farthest from the view; the next ones take their pixels. */
    forget({ left, top, right, bottom }, wanted) {
      const { frame: from } = this.glass;
      const [x, y] = [from.left + (left + right) / 2, from.top + (top + bottom) / 2];
      const far = ({ frame }) => Math.abs(frame.left + frame.width / 2 - x) + Math.abs(frame.top + frame.height / 2 - y);
      const others = [...this.all.keys()].filter((key) => !wanted.has(key)).sort((a, b) => far(this.all.get(b)) - far(this.all.get(a)));
      for (const key of others.slice(0, this.all.size - MOST)) this.drop(key).seen.style.display = "none";
    }

    drop(key) {
      const piece = this.all.get(key);
      this.all.delete(key);
      this.spare.push(piece);
      piece.frame = null;
      return piece;
    }

    clear() {
      for (const key of this.all.keys()) this.drop(key);
      for (const piece of this.spare) {
        if (piece.seen.width <= 1 || !piece.seen.parentNode) continue;
        delete piece.seen.dataset.piece;
        citymap.freed(piece.shown, () => !piece.frame && piece.seen.remove());
      }
      this.back.width = this.back.height = 0;
    }
  };
})();

/* A glass: a canvas that people see, with the sheets that are painted on it (10-stage.js); canvases in the size of a frame.
 *
 * glass.context(frame, moving)   to draw all of it anew for a frame; glass.show() when that is done: people see it from this frame on
 * glass.canvas, .frame   where its pixels are, and what they show
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const STRIP = 32; // px high, and wide around a place: what is read at once
  const [CLOSE_MS, PAUSE_MS] = [300, 500]; // between two pictures at rest: close on each other; a pause
  const [BACK, TRIES] = [2, 2]; // frames until the screen has given back what it showed; on a busy machine it takes twice as long

  /**
   * While the map moves, people see a finished picture: a canvas that can be drawn on is copied by the browser in every frame, 6 ms at 3840 x 2160.
   * The lower glass is drawn behind, and its canvas given up for the picture of it (what an OffscreenCanvas hands over is blended although nothing of
   * it is transparent: twice as long to composite). The upper one hands over its very pixels. At rest, where vehicles move each second, its canvas is
   * seen itself: new pixels cost 16 ms.
   */
  citymap.Glass = class {
    constructor(pane, name) {
      this.sheets = [];
      this.frame = null;
      this.name = name;
      this.still = this.element(); // drawn on, and of an upper glass seen while the map rests
      this.seen = null; // shows a finished picture
      this.canvas = this.still;
      this.pane = pane;
    }

    element() {
      const canvas = document.createElement("canvas");
      canvas.className = "leaflet-zoom-animated hall-sheet";
      canvas.dataset.sheet = this.name;
      return canvas;
    }

    /**
     * Pictures that follow each other before the screen has given the last one back take pixels of their own, up to four times, and the browser
     * keeps them as long as the canvas has its size. It begins with new ones after a pause, and (not `again`) at another place.
     */
    spare(again) {
      const now = performance.now();
      const since = now - (this.drawn || 0);
      this.drawn = now;
      if (since < CLOSE_MS) this.crowded = true;
      if (!this.crowded || (again && since < PAUSE_MS)) return;
      this.crowded = false;
      this.still.width = this.still.height = 0;
    }

    /** {seen, shown}: what shows a finished picture. */
    window() {
      const seen = this.element();
      return { seen, shown: seen.getContext("bitmaprenderer", { alpha: !this.opaque }) };
    }

    /** To draw on for a frame; what people see stays until it is shown. */
    context(frame, moving) {
      const again = this.frame === frame;
      this.frame = frame;
      this.opaque = !!this.sheets[0].opaque;
      if (!this.opaque && !this.still.parentNode) this.pane.append(this.still);
      if (!this.seen && (this.opaque || moving)) {
        Object.assign(this, this.window());
        if (this.opaque) this.pane.prepend(this.seen); // below an upper one, which is drawn first
        else this.pane.append(this.seen);
        this.moved = this.opaque ? null : new OffscreenCanvas(1, 1);
      }
      this.board = moving && !this.opaque ? this.moved : this.still;
      if (this.board === this.still && !this.opaque) this.spare(again);
      const fresh = citymap.sized(this.board, frame) || (this.board === this.moved && this.fresh);
      const context = this.board.getContext("2d", { alpha: !this.opaque });
      context.setTransform(1, 0, 0, 1, 0, 0);
      if (!this.opaque && !fresh) context.clearRect(0, 0, this.board.width, this.board.height);
      return context;
    }

    show() {
      const { board, still, seen, frame } = this;
      if (this.opaque) return this.hand();
      const resting = board === still;
      citymap.placed(resting ? still : seen, board, frame);
      still.style.display = resting ? "" : "none";
      this.canvas = resting ? still : seen;
      if (resting) return this.land();
      still.width = still.height = 0; // frees its pixels at once
      const bare = this.empty(); // nothing on it: it would be blended into every frame
      seen.style.display = bare ? "none" : "";
      this.fresh = !bare; // new pixels the next time
      if (bare) this.shown.transferFromImageBitmap(null);
      else citymap.pass(this.shown, board.transferToImageBitmap());
    }

    /**
     * What is drawn becomes the picture that people see: at another place on another element than the last, which keeps the pixels of up to three
     * pictures until it is freed. At the same place (a filter, a live change) they are used again.
     */
    hand() {
      const { board, frame } = this;
      const turn = (this.turn = (this.turn || 0) + 1);
      const next = this.handed === frame ? this : this.other && this.other.seen.width <= 1 ? this.other : this.window();
      this.canvas = board;
      citymap.pictureOf(board, next.shown, () => {
        const { seen, shown } = this;
        citymap.placed(next.seen, next.seen, frame);
        this.handed = frame;
        if (next !== this) {
          next.seen.style.display = "";
          seen.after(next.seen); // on the last one, which goes in the same frame
          this.other = { seen, shown };
          this.seen = next.seen;
          this.shown = next.shown;
          if (seen.width > 1) citymap.freed(shown, () => seen.remove());
          else seen.remove();
        }
        this.canvas = this.seen;
        board.width = board.height = 0; // its pixels are the picture's now: to draw on it again would copy them
        if (this.onshown) this.onshown();
      }, () => this.turn === turn);
    }

    /** Puts away what showed it in motion. */
    land() {
      if (!this.seen || this.seen.width <= 1) return;
      this.seen.style.display = "";
      citymap.freed(this.shown);
      if (this.moved) this.moved.width = this.moved.height = 0;
    }

    /** Whether nothing is drawn; looks first around where something was the last time: what is read is thrown away. */
    empty() {
      const { width, height } = this.board;
      const context = this.board.getContext("2d");
      /** The first that is drawn in a box, counted along its rows; -1 for none. */
      const first = (left, top, wide, high) => {
        const words = new Uint32Array(context.getImageData(left, top, wide, high).data.buffer);
        let i = 0;
        while (i < words.length && words[i] === 0) i += 1; // a call for each of 8 million is 40 ms
        return i < words.length ? i : -1;
      };
      if (this.found && first(...this.found, STRIP, STRIP) >= 0) return false;
      const from = this.found ? Math.floor(this.found[1] / STRIP) : 0;
      const strips = Math.ceil(height / STRIP);
      for (let k = 0; k < strips; k += 1) {
        const top = ((from + k) % strips) * STRIP;
        const at = first(0, top, width, STRIP);
        if (at < 0) continue;
        this.found = [Math.max(0, (at % width) - STRIP / 2), top];
        return false;
      }
      return true;
    }

    remove() {
      this.land();
      this.turn = NaN; // nothing under way is wanted
      for (const seen of [this.seen, this.other && this.other.seen]) {
        if (!seen) continue;
        seen.turn = NaN; // nothing more is given back to it
        seen.width = seen.height = 0;
        seen.remove();
      }
      this.still.width = this.still.height = 0;
      this.still.remove();
      this.frame = null;
    }
  };

  /** Shows what is on a canvas now by a bitmaprenderer, still within this frame, and calls `done()`; unless it is not `wanted()` any more. */
  citymap.pictureOf = function (canvas, shown, done, wanted) {
    createImageBitmap(canvas).then((picture) => {
      if (!wanted()) return picture.close();
      citymap.pass(shown, picture);
      done();
    });
  };

  const none = new OffscreenCanvas(1, 1);
  none.getContext("2d");

  /**
   * Frees the pixels that a bitmaprenderer shows, and those that the browser keeps for its next picture: it drops them with one of another size,
   * and what is on the screen now comes back to it some frames later. Then calls `after()`, unless something else is shown by then.
   */
  citymap.freed = function (shown, after = () => {}) {
    const { canvas } = shown;
    const turn = (canvas.turn = (canvas.turn || 0) + 1);
    const give = () => {
      citymap.pass(shown, none.transferToImageBitmap());
      canvas.style.width = canvas.style.height = "1px";
      canvas.style.display = "";
    };
    const later = (frames, work) => requestAnimationFrame(() => {
      if (canvas.width > 1 || canvas.turn !== turn) return;
      if (frames) later(frames - 1, work);
      else work();
    });
    const again = (tries) => later(BACK, () => {
      give();
      if (tries > 1) again(tries - 1);
      else later(1, after);
    });
    give();
    again(TRIES);
  };

  citymap.pass = function (shown, picture) {
    if (shown.canvas.width !== picture.width) shown.canvas.width = picture.width;
    if (shown.canvas.height !== picture.height) shown.canvas.height = picture.height;
    shown.transferFromImageBitmap(picture);
  };

  /** Gives a canvas the size of a frame in device px; true when it is empty now. */
  citymap.sized = function (canvas, frame) {
    const [width, height] = [Math.round(frame.width * frame.ratio), Math.round(frame.height * frame.ratio)];
    if (canvas.width === width && canvas.height === height) return false;
    canvas.width = width;
    canvas.height = height;
    return true;
  };

  /** Lays an element that shows the pixels of a canvas where its frame is. */
  citymap.placed = function (element, { width, height }, frame) {
    element.style.width = `${width / frame.ratio}px`;
    element.style.height = `${height / frame.ratio}px`;
    L.DomUtil.setPosition(element, frame.corner);
  };
})();

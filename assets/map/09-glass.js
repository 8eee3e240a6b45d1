/* A glass: a canvas that people see, with the sheets that are painted on it (10-stage.js); canvases in the size of a frame.
 *
 * glass.context(frame)   to draw all of it anew for a frame; glass.show() when that is done: people see it from this frame on
 * glass.canvas, .frame   its pixels and what they show; glass.seen: the element
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const STRIP = 32; // px high: what is read at once

  /**
   * What people see is a finished picture: a canvas that can be drawn on is copied by the browser in every frame, 6 ms at 3840 x 2160. So it is
   * drawn behind, and its picture taken. (That of an OffscreenCanvas is blended although nothing of it is transparent: twice as long to composite.)
   */
  citymap.Glass = class {
    constructor(pane, name) {
      this.sheets = [];
      this.frame = null;
      this.seen = document.createElement("canvas");
      this.seen.className = "leaflet-zoom-animated hall-sheet";
      this.seen.dataset.sheet = name;
      this.canvas = document.createElement("canvas");
      pane.append(this.seen);
    }

    /** To draw on for a frame; what people see stays until it is shown. */
    context(frame) {
      const alpha = !(this.sheets[0] && this.sheets[0].opaque);
      this.frame = frame;
      citymap.sized(this.canvas, frame);
      this.shown = this.shown || this.seen.getContext("bitmaprenderer", { alpha });
      const context = this.canvas.getContext("2d", { alpha });
      context.setTransform(1, 0, 0, 1, 0, 0);
      return context;
    }

    /** One with nothing on it is taken away: it would be blended into every frame. */
    show() {
      this.bare = !(this.sheets[0] && this.sheets[0].opaque) && this.empty();
      this.seen.style.display = this.bare ? "none" : "";
      if (this.bare) return void this.shown.transferFromImageBitmap(null);
      const { canvas, frame } = this;
      citymap.pictureOf(canvas, this.shown, () => citymap.placed(this.seen, canvas, frame), () => this.canvas === canvas && this.frame === frame);
    }

    /** Whether nothing is drawn; begins where something was the last time. */
    empty() {
      const { width, height } = this.canvas;
      const context = this.canvas.getContext("2d");
      const strips = Math.ceil(height / STRIP);
      for (let k = 0; k < strips; k += 1) {
        const at = ((this.found || 0) + k) % strips;
        const words = new Uint32Array(context.getImageData(0, at * STRIP, width, STRIP).data.buffer);
        let i = 0;
        while (i < words.length && words[i] === 0) i += 1;
        if (i === words.length) continue;
        this.found = at;
        return false;
      }
      return true;
    }

    remove() {
      this.canvas.width = this.canvas.height = 0; // frees the pixels at once
      if (this.shown) this.shown.transferFromImageBitmap(null);
      this.seen.width = this.seen.height = 0;
      this.canvas = null;
      this.seen.remove();
    }
  };

  /** Shows what is on a canvas now by a bitmaprenderer, still within this frame, and calls `done()`; unless it is not `wanted()` any more. */
  citymap.pictureOf = function (canvas, shown, done, wanted) {
    createImageBitmap(canvas).then((picture) => {
      if (!wanted()) return picture.close();
      if (shown.canvas.width !== picture.width) shown.canvas.width = picture.width;
      if (shown.canvas.height !== picture.height) shown.canvas.height = picture.height;
      shown.transferFromImageBitmap(picture);
      done();
    });
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

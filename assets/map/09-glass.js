/* A glass: a canvas that people see, with the sheets that are painted on it (10-stage.js); canvases in the size of a frame. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});

  /**
   * What people see: one canvas, and the sheets on it. (A canvas is copied by the browser in every frame, 5 ms at 3840 x 2160. A bitmaprenderer's
   * is not, but compositing it takes twice as long, and compositing is what limits a drag.)
   */
  citymap.Glass = class {
    constructor(pane, name) {
      this.sheets = [];
      this.frame = null;
      this.canvas = document.createElement("canvas");
      this.canvas.className = "leaflet-zoom-animated hall-sheet";
      this.canvas.dataset.sheet = name;
      pane.append(this.canvas);
    }

    /** To draw on for a frame; what is on it stays where the size does. */
    context(frame) {
      this.frame = frame;
      citymap.fit(this.canvas, frame);
      this.drawn = this.drawn || this.canvas.getContext("2d", { alpha: !(this.sheets[0] && this.sheets[0].opaque) });
      this.drawn.setTransform(1, 0, 0, 1, 0, 0);
      return this.drawn;
    }

    /** Whether a sheet has its own canvas: where it lies under another, it is copied instead of drawn anew. */
    keeps(sheet) {
      return sheet.kept || (sheet.opaque && this.sheets.length > 1);
    }

    remove() {
      this.canvas.width = this.canvas.height = 0; // frees the pixels at once
      this.canvas.remove();
    }
  };

  /** Gives a canvas the size of a frame in device px; true when it is empty now. */
  citymap.sized = function (canvas, frame) {
    const [width, height] = [Math.round(frame.width * frame.ratio), Math.round(frame.height * frame.ratio)];
    if (canvas.width === width && canvas.height === height) return false;
    canvas.width = width;
    canvas.height = height;
    return true;
  };

  /** The same for one that is seen: so large that a pixel of it is a pixel of the screen, and in its place. */
  citymap.fit = function (canvas, frame) {
    citymap.sized(canvas, frame);
    canvas.style.width = `${canvas.width / frame.ratio}px`;
    canvas.style.height = `${canvas.height / frame.ratio}px`;
    L.DomUtil.setPosition(canvas, frame.corner);
  };
})();

/* The backdrop: a small picture of the widest ground that was shown, behind the map while it zooms out; without it the edges are bare until they are drawn.
 *
 * new hall.citymap.Backdrop(map, pane, glass)   of this lower glass
 * backdrop.consider(busy)       the glass shows something new: a copy is taken when the browser is idle, unless it is `busy()`
 * backdrop.follow(centre, zoom) the map goes there; shown where that is farther out than what is drawn
 * backdrop.hide(), remove()
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const WIDE = 960; // px of the copy: 2 MB
  const AGAIN_MS = 60000; // after which a picture of the same place is taken again
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 0));

  citymap.Backdrop = class {
    constructor(map, pane, glass) {
      this.map = map;
      this.pane = pane;
      this.glass = glass;
      this.seen = null;
      this.frame = null;
      this.taken = 0;
      this.waiting = false;
      glass.onshown = () => this.hide();
    }

    consider(busy) {
      const { frame } = this.glass;
      if (this.waiting || !frame || (this.frame && !this.wider(frame))) return;
      this.waiting = true;
      idle(() => {
        this.waiting = false;
        if (this.glass.frame === frame && this.glass.canvas === this.glass.seen && !busy()) this.take(frame);
      }, { timeout: 2000 });
    }

    /** Whether a frame shows more of the ground than the copy, or the same later. */
    wider(frame) {
      if (frame.zoom !== this.frame.zoom) return frame.zoom < this.frame.zoom;
      return performance.now() - this.taken > AGAIN_MS;
    }

    take(frame) {
      this.seen = this.seen || this.element();
      const shrink = Math.min(1, WIDE / frame.width);
      [this.seen.width, this.seen.height] = [Math.ceil(frame.width * shrink), Math.ceil(frame.height * shrink)];
      this.seen.getContext("2d", { alpha: false }).drawImage(this.glass.canvas, 0, 0, this.seen.width, this.seen.height);
      this.seen.style.width = `${frame.width}px`;
      this.seen.style.height = `${frame.height}px`;
      this.frame = frame;
      this.taken = performance.now();
    }

    element() {
      const canvas = document.createElement("canvas");
      canvas.className = "leaflet-zoom-animated hall-backdrop";
      canvas.style.display = "none";
      this.pane.prepend(canvas);
      return canvas;
    }

    follow(centre, zoom) {
      if (!this.frame || zoom >= this.glass.frame.zoom || this.frame.zoom >= this.glass.frame.zoom) return;
      if (this.seen.style.display) {
        this.pane.prepend(this.seen); // below pictures that came meanwhile
        this.seen.style.display = "";
        this.place(this.map.getCenter(), this.map.getZoom());
        this.seen.getBoundingClientRect(); // it glides from where it lies now
      }
      this.place(centre, zoom);
    }

    place(centre, zoom) {
      const scale = this.map.getZoomScale(zoom, this.frame.zoom);
      L.DomUtil.setTransform(this.seen, L.point(this.frame.left, this.frame.top).multiplyBy(scale).subtract(this.map._getNewPixelOrigin(centre, zoom)), scale);
    }

    hide() {
      if (this.seen) this.seen.style.display = "none";
    }

    remove() {
      this.glass.onshown = null;
      this.frame = null;
      if (!this.seen) return;
      this.seen.width = this.seen.height = 0;
      this.seen.remove();
    }
  };
})();

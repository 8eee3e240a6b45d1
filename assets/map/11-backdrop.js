/* The backdrop: a small picture of the widest ground that was shown lately, behind the map while it zooms out; without it the edges are bare until they are drawn.
 *
 * new hall.citymap.Backdrop(map, pane, glass, busy)   of this lower glass: a copy of what it shows is taken when the browser is idle and it is not `busy()`
 * backdrop.follow(centre, zoom) the map goes there; shown where that is farther out than what is drawn
 * backdrop.hide(), remove()
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const WIDE = 960; // px of the copy: 2 MB
  const ABOUT = 0.3; // zoom levels
  const AGAIN_MS = 60000; // after which a picture of the same place is taken again
  const LATER_MS = 300; // where it is busy
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 0));

  citymap.Backdrop = class {
    constructor(map, pane, glass, busy) {
      this.map = map;
      this.pane = pane;
      this.glass = glass;
      this.busy = busy;
      this.seen = null;
      this.frame = null;
      this.taken = 0;
      this.waiting = false;
      glass.onshown = () => {
        if (!map._animatingZoom) this.hide(); // news of the ground may be drawn while it zooms
        this.consider();
      };
    }

    consider() {
      clearTimeout(this.later);
      if (this.waiting || (this.frame && !this.wider(this.glass.frame))) return;
      this.waiting = true;
      idle(() => {
        this.waiting = false;
        const { frame, canvas, seen } = this.glass;
        if (!frame || (this.frame && !this.wider(frame))) return;
        if (canvas === seen && !this.busy()) this.take(frame);
        else this.later = setTimeout(() => this.consider(), LATER_MS);
      }, { timeout: 2000 });
    }

    /** Whether a frame shows more of the ground than the copy, or about as much elsewhere, or the same later. */
    wider(frame) {
      const { zoom, left, top } = this.frame;
      if (frame.zoom === zoom && frame.left === left && frame.top === top) return performance.now() - this.taken > AGAIN_MS;
      return frame.zoom < zoom + ABOUT;
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
      clearTimeout(this.later);
      this.busy = () => true;
      this.frame = null;
      if (!this.seen) return;
      this.seen.width = this.seen.height = 0;
      this.seen.remove();
    }
  };
})();

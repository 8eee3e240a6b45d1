/* The stage: canvases in a Leaflet map that are drawn for one frame (what is seen plus a margin) and move with the map.
 *
 * new hall.citymap.Stage(map, [{name, draw(context, frame)}])  one canvas per sheet, lowest first
 * stage.add(sheet, before), stage.drop(name)   a sheet that is there for a while
 * stage.dirty(name)   redraw one sheet at the end of this turn; stage.redraw() all of them for the present view
 * Sheets are redrawn for a new frame when a move leaves the margin, and at the end of every move or zoom.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const MARGIN = 0.08; // of the view, drawn beyond each edge once somebody drags, so that no bare ground shows at once
  const RATIO_MAX = 2;

  // -- every Leaflet map of the page, by the id of its element --------------------------------------------------------

  const waiting = new Set();
  hall.maps = hall.maps || {};
  if (window.L) {
    L.Map.addInitHook(function () {
      const map = this;
      map.whenReady(() => {
        hall.maps[map.getContainer().id] = map;
        map.on("unload", () => {
          if (hall.maps[map.getContainer().id] === map) delete hall.maps[map.getContainer().id];
        });
        for (const call of [...waiting]) call(map);
      });
    });
  }
  /** Calls `call(map)` for the map inside `element`, now or when it comes; returns a function that stops waiting. */
  citymap.whenMap = function (element, call) {
    const take = (map) => {
      if (!element.contains(map.getContainer())) return false;
      waiting.delete(take);
      call(map);
      return true;
    };
    waiting.add(take);
    for (const map of Object.values(hall.maps)) if (take(map)) break;
    return () => waiting.delete(take);
  };

  citymap.Stage = class {
    constructor(map, sheets, glyph) {
      this.map = map;
      this.glyph = glyph;
      this.pane = map.getPane("hall") || map.createPane("hall");
      this.pane.style.zIndex = 450;
      this.pane.style.pointerEvents = "none";
      this.sheets = new Map();
      this.marked = new Set();
      this.frame = null;
      for (const sheet of sheets) this.add(sheet);
      this.margin = 0; // a wall that nobody touches draws what is seen and no more
      this.pending = 0;
      this.painted = 0; // sheets drawn so far
      this.handlers = {
        dragstart: () => this.touched(),
        move: () => this.moved(),
        moveend: () => this.redraw(),
        viewreset: () => this.redraw(),
        resize: () => this.redraw(),
        zoom: () => this.follow(map.getCenter(), map.getZoom()),
        zoomanim: (event) => this.follow(event.center, event.zoom),
      };
      map.on(this.handlers);
      this.onWindow = () => this.moved();
      window.addEventListener("resize", this.onWindow);
      window.addEventListener("scroll", this.onWindow, { passive: true });
      this.redraw();
    }

    /** Lies below the sheet `before`, else above all; drawn with the next paint. */
    add(sheet, before) {
      const canvas = document.createElement("canvas");
      canvas.className = "leaflet-zoom-animated hall-sheet";
      canvas.dataset.sheet = sheet.name;
      const upper = this.sheets.get(before);
      this.pane.insertBefore(canvas, upper ? upper.canvas : null);
      this.sheets.set(sheet.name, { ...sheet, canvas, context: canvas.getContext("2d", { alpha: !sheet.opaque }) });
      if (!this.frame) return;
      this.fit(canvas);
      this.marked.add(sheet.name);
    }

    /** Gives a canvas the size and place of the present frame. */
    fit(canvas) {
      const { frame } = this;
      const width = Math.round(frame.width * frame.ratio);
      const height = Math.round(frame.height * frame.ratio);
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
        canvas.style.width = `${frame.width}px`;
        canvas.style.height = `${frame.height}px`;
      }
      L.DomUtil.setPosition(canvas, frame.corner);
    }

    drop(name) {
      const { canvas } = this.sheets.get(name);
      this.sheets.delete(name);
      canvas.width = canvas.height = 0; // frees the pixels at once
      canvas.remove();
    }

    /** The part of the map that this window shows, in container px (one wall may span several browsers). */
    seen() {
      const box = this.map.getContainer().getBoundingClientRect();
      const size = this.map.getSize();
      const fit = size.x ? box.width / size.x || 1 : 1; // the page may be scaled
      return {
        left: Math.max(0, -box.left / fit),
        top: Math.max(0, -box.top / fit),
        right: Math.min(size.x, (window.innerWidth - box.left) / fit),
        bottom: Math.min(size.y, (window.innerHeight - box.top) / fit),
        fit,
      };
    }

    frameFor(seen) {
      const size = this.map.getSize();
      const marginX = Math.ceil((seen.right - seen.left) * this.margin);
      const marginY = Math.ceil((seen.bottom - seen.top) * this.margin);
      const corner = this.map.containerPointToLayerPoint([Math.max(-marginX, Math.floor(seen.left - marginX)),
        Math.max(-marginY, Math.floor(seen.top - marginY))]);
      const width = Math.min(size.x + 2 * marginX, Math.ceil(seen.right - seen.left) + 2 * marginX);
      const height = Math.min(size.y + 2 * marginY, Math.ceil(seen.bottom - seen.top) + 2 * marginY);
      const origin = this.map.getPixelOrigin();
      const ratio = Math.min(RATIO_MAX, (window.devicePixelRatio || 1) * Math.min(1, seen.fit));
      const frame = new citymap.Frame(this.map.getZoom(), origin.x + corner.x, origin.y + corner.y, width, height, ratio,
        this.glyph());
      frame.corner = corner;
      return frame;
    }

    redraw() {
      const seen = this.seen();
      if (seen.right <= seen.left || seen.bottom <= seen.top) return;
      this.frame = this.frameFor(seen);
      for (const [name, { canvas }] of this.sheets) {
        this.fit(canvas);
        this.marked.add(name);
      }
      this.paint();
    }

    touched() {
      if (this.margin) return;
      this.margin = MARGIN;
      this.redraw();
    }

    /** During a drag: a new frame only when the view has left what is drawn. */
    moved() {
      if (!this.frame || this.pending) return;
      const { frame } = this;
      const seen = this.seen();
      const corner = this.map.layerPointToContainerPoint(frame.corner);
      const inside = corner.x <= seen.left && corner.y <= seen.top && corner.x + frame.width >= seen.right &&
        corner.y + frame.height >= seen.bottom;
      if (inside && frame.zoom === this.map.getZoom()) return;
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        this.redraw();
      });
    }

    /** Zooming: the drawn sheets are stretched until the zoom has ended. */
    follow(centre, zoom) {
      if (!this.frame) return;
      const scale = this.map.getZoomScale(zoom, this.frame.zoom);
      const corner = L.point(this.frame.left, this.frame.top).multiplyBy(scale)
        .subtract(this.map._getNewPixelOrigin(centre, zoom));
      for (const { canvas } of this.sheets.values()) L.DomUtil.setTransform(canvas, corner, scale);
    }

    dirty(...names) {
      for (const name of names) this.marked.add(name);
    }

    /** Draws the marked sheets now: call it inside an animation frame. */
    paint() {
      if (!this.frame) return;
      for (const [name, { context, canvas, draw }] of this.sheets) { // lowest first: a sheet may show what a lower one laid out
        if (!this.marked.has(name)) continue;
        const { ratio } = this.frame;
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, canvas.width, canvas.height);
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        draw(context, this.frame);
        this.painted += 1;
      }
      this.marked.clear();
    }

    remove() {
      this.map.off(this.handlers);
      window.removeEventListener("resize", this.onWindow);
      window.removeEventListener("scroll", this.onWindow);
      if (this.pending) cancelAnimationFrame(this.pending);
      for (const name of [...this.sheets.keys()]) this.drop(name);
    }
  };
})();

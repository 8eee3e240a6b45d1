/* The stage: what is drawn of a map, for one frame (what is seen plus a margin), on canvases that move with the map.
 *
 * new hall.citymap.Stage(map, [{name, draw(context, frame), opaque, upper}], glyph)   sheets, lowest first
 *   upper   lies on the upper of two glasses. A glass is what people see: it costs a software-rendered wall 5 to 10 ms of every frame
 *           at 3840 x 2160, whatever is on it, so there are two of them for all sheets. The lower one is opaque, the upper there while it holds something.
 * stage.add(sheet, before), stage.drop(name)   a sheet that is there for a while
 * stage.dirty(name), stage.paint()   draws the marked sheets; stage.redraw() all of them for the present view
 * stage.frame   of the upper glass: what people point at
 *
 * While the map moves, the upper glass is drawn anew when the view leaves it. The lower glass stays, and pieces beside it are drawn ahead of
 * the view, at most some ms a frame: `draw` then gets a small frame whose `part` is the whole one. It paints, and remembers nothing of it.
 * When the hand rests, and at the end, all is drawn for the place. The pieces are in 12-pieces.js,
 * what fills the edges of a zoom out in 11-backdrop.js.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const MARGIN = 0.05; // of the view, drawn beyond each edge once somebody drags
  const AHEAD = 0.1; // of the view: pieces of the lower glass are drawn that far ahead of a drag
  const PIECE_MS = 7; // of a frame for pieces; one is drawn in any case
  const FIRST_MS = 30; // of the frame in which the map begins to move: the pieces of an edge; the symbols follow in the next
  const REST_MS = 700; // a hand that holds the map and rests this long gets all of it drawn for the place: 0.2 s in which it cannot go on
  const FORWARD = 0.8; // of the margin behind, that lies ahead of a drag
  const RATIO_MAX = 2;
  const WHOLE = 0.005; // a scale as close to 1 is 1: a canvas drawn at 0.9998 would be resampled in every frame

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
      this.lower = new citymap.Glass(this.pane, sheets[0].name);
      this.pieces = new citymap.Pieces(this.pane, this.lower);
      this.backdrop = new citymap.Backdrop(map, this.pane, this.lower, () => !this.steady());
      this.upper = null; // comes with its first sheet
      for (const sheet of sheets) this.add(sheet);
      this.margin = 0; // a map at rest draws what is seen and no more: at 3840 x 2160 a margin is 41 MB of canvases and the browser's copies
      this.pending = this.rest = 0;
      this.moving = this.settling = false; // settling: it has come to rest, and is drawn for its place in the next frames
      this.painted = 0; // sheets drawn so far
      this.handlers = {
        move: () => this.moved(),
        moveend: () => (this.moving ? this.settle() : this.redraw()),
        viewreset: () => this.redraw(true),
        resize: () => this.redraw(true),
        zoom: () => this.follow(map.getCenter(), map.getZoom()),
        zoomanim: (event) => this.follow(event.center, event.zoom),
      };
      map.on(this.handlers);
      this.onWindow = () => this.frame && !this.covers(this.frame, this.seen()) && this.moved();
      window.addEventListener("resize", this.onWindow);
      window.addEventListener("scroll", this.onWindow, { passive: true });
      this.redraw();
    }

    /** Lies below the sheet `before`, else above all of its glass; drawn with the next paint. */
    add(sheet, before) {
      if (sheet.upper && !this.upper) this.upper = new citymap.Glass(this.pane, sheet.name);
      const glass = sheet.upper ? this.upper : this.lower;
      const made = { ...sheet, glass };
      const at = glass.sheets.findIndex((other) => other.name === before);
      glass.sheets.splice(at < 0 ? glass.sheets.length : at, 0, made);
      if (sheet.upper) glass.name = glass.still.dataset.sheet = glass.sheets[glass.sheets.length - 1].name;
      this.sheets.set(sheet.name, made);
      this.again(glass);
    }

    drop(name) {
      const sheet = this.sheets.get(name);
      this.sheets.delete(name);
      const { glass } = sheet;
      glass.sheets.splice(glass.sheets.indexOf(sheet), 1);
      this.again(glass);
    }

    again(glass) {
      for (const { name } of glass.sheets) this.marked.add(name);
    }

    /** The canvas with a sheet's pixels and those of its glass (draw it on another to read them), and the frame it is drawn for. */
    on(name) {
      const { glass } = this.sheets.get(name);
      return { canvas: glass.canvas, frame: glass.frame };
    }

    glasses() {
      return this.upper ? [this.lower, this.upper] : [this.lower];
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

    /** `way`: where the view goes; the most of the margin lies there then. */
    frameFor(seen, way) {
      const size = this.map.getSize();
      const marginX = Math.ceil((seen.right - seen.left) * this.margin);
      const marginY = Math.ceil((seen.bottom - seen.top) * this.margin);
      const before = (margin, low, high) => (way ? Math.round(margin * (1 + FORWARD * (Math.sign(way[low]) - Math.sign(way[high])))) : margin);
      const [left, top] = [before(marginX, "left", "right"), before(marginY, "top", "bottom")];
      const corner = this.map.containerPointToLayerPoint([Math.max(-left, Math.floor(seen.left - left)), Math.max(-top, Math.floor(seen.top - top))]);
      const width = Math.min(size.x + 2 * marginX, Math.ceil(seen.right - seen.left) + 2 * marginX);
      const height = Math.min(size.y + 2 * marginY, Math.ceil(seen.bottom - seen.top) + 2 * marginY);
      const origin = this.map.getPixelOrigin();
      const fit = Math.abs(seen.fit - 1) < WHOLE ? 1 : Math.min(1, seen.fit);
      const ratio = Math.min(RATIO_MAX, (window.devicePixelRatio || 1) * fit);
      const frame = new citymap.Frame(this.map.getZoom(), origin.x + corner.x, origin.y + corner.y, width, height, ratio,
        this.glyph());
      frame.corner = corner;
      return frame;
    }

    /** All of it for the present view; `changed`: only where that is another than what is drawn. */
    redraw(changed) {
      const frame = this.present();
      if (!frame || (changed && this.frame && frame.same(this.frame))) return;
      this.still();
      this.frame = frame;
      this.paint();
      this.settled();
    }

    /** Labels keep off the ground's names, which have been laid out only now: in the next frame the upper glass is drawn again. */
    settled() {
      if (!this.upper || this.pending || this.moving) return; // it comes anyway
      this.settling = true;
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        this.settling = false;
        this.again(this.upper);
        this.paint();
      });
    }

    present(way) {
      const seen = this.seen();
      return seen.right <= seen.left || seen.bottom <= seen.top ? null : this.frameFor(seen, way);
    }

    // -- while the map moves ---------------------------------------------------------------------------------------------

    moved() {
      if (!this.frame || (this.pending && !this.settling)) return;
      if (this.settling) { // it goes on: what is drawn already will do
        this.still();
        this.moving = !!this.map.dragging && this.map.dragging.moving();
      }
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        if (this.frame.zoom === this.map.getZoom()) this.glide();
        else if (!this.map._animatingZoom) this.redraw();
      });
    }

    glide() {
      const seen = this.seen();
      if (seen.right <= seen.left || seen.bottom <= seen.top) return;
      this.moving = true;
      this.margin = MARGIN;
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.settle(), REST_MS);
      const corner = this.map.layerPointToContainerPoint(this.lower.frame.corner);
      const view = { left: seen.left - corner.x, top: seen.top - corner.y, right: seen.right - corner.x, bottom: seen.bottom - corner.y };
      const way = this.ahead(this.lower.frame, view);
      if (!this.pieces.all.size && this.pieces.draw(view, way, FIRST_MS)) return this.moved();
      const left = !!this.upper && !this.covers(this.upper.frame, seen);
      if (left) {
        this.frame = this.frameFor(seen, way);
        this.paintGlass(this.upper, this.frame);
      }
      if (this.pieces.draw(view, way, left ? 0 : PIECE_MS)) this.moved(); // more are wanted
    }

    /** Which way the view goes: pieces are drawn ahead of it there. */
    ahead({ left, top }, view) {
      const at = [left + view.left, top + view.top];
      const [dx, dy] = this.at ? [at[0] - this.at[0], at[1] - this.at[1]] : [0, 0];
      this.at = at;
      this.way = dx || dy || !this.way ? { left: dx < 0 ? AHEAD : 0, right: dx > 0 ? AHEAD : 0, top: dy < 0 ? AHEAD : 0, bottom: dy > 0 ? AHEAD : 0 } : this.way;
      return this.way;
    }

    /** Whether what is drawn is what the map shows: else nobody can point at it. */
    steady() {
      return !!this.frame && !this.moving && !this.map._animatingZoom && this.frame.zoom === this.map.getZoom();
    }

    covers(frame, seen) {
      const corner = this.map.layerPointToContainerPoint(frame.corner);
      return corner.x <= seen.left && corner.y <= seen.top && corner.x + frame.width >= seen.right && corner.y + frame.height >= seen.bottom;
    }

    /** The map rests: all is drawn for its place, a glass a frame. */
    settle() {
      this.still();
      this.settling = true;
      const soon = (work) => (this.pending = requestAnimationFrame(() => ((this.pending = 0), work())));
      soon(() => {
        const frame = this.present();
        this.settling = !!frame && !!this.upper;
        if (!frame) return;
        this.frame = frame;
        if (!this.upper) return this.paint();
        this.paintGlass(this.upper, frame);
        soon(() => {
          this.paint();
          this.settled();
        });
      });
    }

    still() {
      this.moving = this.settling = false;
      this.margin = 0;
      clearTimeout(this.rest);
      cancelAnimationFrame(this.pending);
      this.pending = 0;
    }

    /** Zooming: what is drawn is stretched until the zoom has ended. */
    follow(centre, zoom) {
      if (!this.frame) return;
      this.backdrop.follow(centre, zoom);
      const origin = this.map._getNewPixelOrigin(centre, zoom);
      const drawn = [...this.glasses(), ...this.pieces.all.values()];
      for (const { canvas, seen, frame } of drawn) {
        const scale = this.map.getZoomScale(zoom, frame.zoom);
        L.DomUtil.setTransform(this.pane.contains(canvas) ? canvas : seen, L.point(frame.left, frame.top).multiplyBy(scale).subtract(origin), scale);
      }
    }

    // -- drawing -----------------------------------------------------------------------------------------------------------

    dirty(...names) {
      for (const name of names) this.marked.add(name);
    }

    // Draws the marked sheets now: call it inside an animation frame. While the map moves, the lower glass waits for its rest; a zoom draws all at its end.
    // `hurried`: the lower glass alone, if something is marked there. True: the upper one is left to be drawn.
    paint(hurried) {
      if (!this.frame || this.map._animatingZoom) return false;
      const left = !!hurried && !!this.upper && this.upper.frame === this.frame && !this.moving && this.stirred(this.lower);
      if (this.upper && !left) {
        if (this.moving && this.stirred(this.upper)) this.frame = this.present(this.way) || this.frame;
        this.paintGlass(this.upper, this.frame); // first: the ground's names keep off symbols and their labels
      }
      if (!this.moving) {
        this.paintGlass(this.lower, this.frame);
        this.pieces.clear();
      } else if (this.stirred(this.lower)) this.pieces.age();
      return left && this.stirred(this.upper);
    }

    stirred(glass) {
      return glass.sheets.some(({ name }) => this.marked.has(name));
    }

    paintGlass(glass, frame) {
      if (glass.frame !== frame) this.again(glass);
      if (!this.stirred(glass)) return;
      const context = glass.context(frame, this.moving);
      for (const sheet of glass.sheets) { // lowest first: a sheet may show what a lower one laid out
        context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
        sheet.draw(context, frame);
        this.painted += 1;
        this.marked.delete(sheet.name);
      }
      glass.show();
    }

    remove() {
      this.map.off(this.handlers);
      window.removeEventListener("resize", this.onWindow);
      window.removeEventListener("scroll", this.onWindow);
      this.still();
      this.pieces.clear();
      for (const name of [...this.sheets.keys()]) this.drop(name);
      this.backdrop.remove();
      for (const glass of this.glasses()) glass.remove();
      this.frame = null;
    }
  };
})();

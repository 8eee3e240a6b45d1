/* Drawing outlines on any Leaflet map, by mouse or by keys alone.
 *
 * const draw = new hall.citymap.Draw(map, {most: 20})
 * draw.set([[[lon, lat], ...], ...])   shows these; draw.get() -> [{id, points}] of those that are closed
 * draw.listen(call)                    after every change and refusal: call(draw); draw.words says what was done or why not
 * draw.begin() .close() .cancel() .undo() .redo() .drop(id) .pick(id) .fault() -> null | {reason, number, ...} .remove()
 *
 * Mouse: click = a corner, click on the first or double click = closed; drag a corner; a small handle in the middle of a side makes a new one.
 * Keys (map focused, drawing): arrows move the map under the crosshair (Shift: further), Space a corner, Enter closes, Backspace takes the last
 * back, Esc gives up. On a corner: arrows move it (Shift: further), Delete removes it. Always: Ctrl+Z, Ctrl+Y.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const KEPT = 100; // steps that can be taken back
  const PAN = [20, 100]; // px of an arrow key, without and with Shift
  const NUDGE = [2, 20];
  const NEAR = 4; // px within which a second click is the same corner
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const outline = citymap.rings;

  citymap.Draw = class {
    constructor(map, { most = 20 } = {}) {
      Object.assign(this, { map, most, shapes: [], open: null, picked: 0, past: [], future: [], words: "", serial: 0, byKeys: false, listeners: [] });
      if (!map.getPane("draw")) map.createPane("draw").style.zIndex = 460;
      this.layers = L.layerGroup().addTo(map);
      this.pens = L.svg({ pane: "draw" });
      this.rubber = L.polyline([], { pane: "draw", renderer: this.pens, className: "map-draw-rubber", interactive: false }).addTo(map);
      this.node = map.getContainer();
      this.cross = hall.make("i.map-draw-cross", { "aria-hidden": "true" });
      this.node.append(this.cross);
      this.onKey = (event) => this.key(event);
      this.node.addEventListener("keydown", this.onKey, true);
      this.on = {
        click: (event) => this.open && !this.held && this.add(this.placeOf(event.latlng), event.containerPoint),
        dblclick: () => this.open && this.close(),
        mousemove: (event) => ((this.byKeys = false), this.stretch(event.latlng)),
        move: () => this.byKeys && this.stretch(map.getCenter()),
      };
      map.on(this.on);
    }

    placeOf({ lng, lat }) {
      return outline.rounded([lng, lat]);
    }

    get() {
      return this.shapes.map(({ id, points }) => ({ id, points: points.map((point) => [...point]) }));
    }

    set(rings) {
      this.open = null;
      this.shapes = rings.map((ring) => ({ id: (this.serial += 1), points: (outline.same(ring[0], ring[ring.length - 1]) ? ring.slice(0, -1) : ring).map(outline.rounded) }));
      this.picked = 0;
      [this.past, this.future] = [[], []];
      this.say("");
    }

    listen(call) {
      this.listeners.push(call);
    }

    // -- taking back ---------------------------------------------------------------------------------------------------

    state() {
      return JSON.stringify({ shapes: this.shapes, open: this.open, picked: this.picked });
    }

    kept() {
      this.past.push(this.state());
      if (this.past.length > KEPT) this.past.shift();
      this.future = [];
    }

    step(from, to, key) {
      if (!from.length) return this.say(`${key}-none`);
      to.push(this.state());
      Object.assign(this, JSON.parse(from.pop()));
      this.say(key);
    }

    undo() {
      this.step(this.past, this.future, "undone");
    }

    redo() {
      this.step(this.future, this.past, "redone");
    }

    // -- what people do --------------------------------------------------------------------------------------------------

    begin() {
      if (this.open) return;
      if (this.shapes.length >= this.most) return this.say("most", { n: this.most });
      this.kept();
      this.open = [];
      this.picked = 0;
      this.node.focus({ preventScroll: true });
      this.say("begun");
    }

    add(place, at) {
      const last = this.open[this.open.length - 1];
      if (last && (outline.same(last, place) || (at && this.map.latLngToContainerPoint([last[1], last[0]]).distanceTo(at) < NEAR))) return;
      if (this.open.length >= outline.MOST) return this.say("many", { n: outline.MOST });
      const sides = this.simple() && outline.crossing([...this.open, place], false);
      if (sides) return this.say("would-cross", { n: sides[0] + 1 });
      this.kept();
      this.open.push(place);
      this.say("corner", { n: this.open.length });
    }

    close() {
      const fault = this.faultOf(this.open);
      if (fault) return this.say(`fault.${fault.reason}`, { n: fault.n, a: fault.a + 1, b: fault.b + 1, most: outline.MOST });
      this.kept();
      const id = (this.serial += 1);
      this.shapes.push(this.made(id, this.open));
      this.open = null;
      this.picked = id;
      this.node.focus({ preventScroll: true });
      this.say("closed", { n: this.shapes[this.shapes.length - 1].points.length });
    }

    cancel() {
      if (!this.open) return;
      this.kept();
      this.open = null;
      this.node.focus({ preventScroll: true }); // the button that was pressed goes away
      this.say("cancelled");
    }

    drop(id) {
      this.kept();
      this.shapes = this.shapes.filter((shape) => shape.id !== id);
      this.say("dropped");
    }

    pick(id) {
      if (this.picked === id || this.open) return;
      this.picked = id;
      this.say("");
    }

    // what other kinds than areas change (77-sketch.js): whether sides may cross, what is wrong, fewest corners, what is kept
    simple() {
      return true;
    }
    faultOf(points) {
      return outline.fault(points);
    }
    least() {
      return 3;
    }
    made(id, points) {
      return { id, points };
    }

    /** `points`: those of the outline that is worked on; `change` alters them; refused where no area would be left. */
    alter(points, change, key, values) {
      if (key === "less" && !this.open && points.length <= this.least()) return this.say("fault.few", { n: points.length - 1 });
      if (key === "more" && points.length >= outline.MOST) return this.say("many", { n: outline.MOST });
      this.kept();
      change();
      const fault = !this.open && this.faultOf(points);
      this.say(fault ? `fault.${fault.reason}` : key, fault ? { n: fault.n, a: fault.a + 1, b: fault.b + 1, most: outline.MOST } : values);
    }

    /** Why what is drawn cannot be used: {reason, number (of the outline, from 1), n, a, b}; sides are counted from 0. */
    fault() {
      if (this.open) return { reason: "open", number: this.shapes.length + 1 };
      for (const [at, { points }] of this.shapes.entries()) {
        const fault = this.faultOf(points);
        if (fault) return { ...fault, number: at + 1 };
      }
      return null;
    }

    faultText() {
      const fault = this.fault();
      return fault ? hall.t("map.draw.in", { number: fault.number, why: hall.t(`map.draw.fault.${fault.reason}`, { n: fault.n, a: fault.a + 1, b: fault.b + 1, most: outline.MOST }) }) : "";
    }

    say(key, values) {
      this.words = key ? hall.t(`map.draw.${key}`, values) : "";
      this.refused = /^(fault|most|many|would|.*none$)/.test(key);
      this.paint();
      for (const call of this.listeners) call(this);
    }

    // -- keys --------------------------------------------------------------------------------------------------------------

    key(event) {
      const taken = () => (event.preventDefault(), event.stopPropagation());
      const { key } = event;
      if ((event.ctrlKey || event.metaKey) && /^[zy]$/i.test(key)) {
        taken();
        return /y/i.test(key) || event.shiftKey ? this.redo() : this.undo();
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const corner = event.target.closest && event.target.closest("[data-corner]");
      if (corner) return this.cornerKey(event, corner, taken);
      if (!this.open || event.target !== this.node) return;
      const far = event.shiftKey ? 1 : 0;
      if (ARROWS[key]) {
        taken();
        this.byKeys = true;
        this.map.panBy(ARROWS[key].map((n) => n * PAN[far]), { animate: false });
      } else if (key === " ") (taken(), (this.byKeys = true), this.add(this.placeOf(this.map.getCenter())));
      else if (key === "Enter") (taken(), this.close());
      else if (key === "Backspace" || key === "Delete") (taken(), this.open.length && this.alter(this.open, () => this.open.pop(), "less"));
      else if (key === "Escape") (taken(), this.cancel());
    }

    cornerKey(event, node, taken) {
      const points = this.worked();
      const at = Number(node.dataset.corner);
      const { key } = event;
      if (node.dataset.middle) {
        if (key === "Enter" || key === " ") (taken(), this.insert(points, at, this.middle(points, at)));
      } else if (ARROWS[key]) {
        taken();
        const [x, y] = ARROWS[key].map((n) => n * NUDGE[event.shiftKey ? 1 : 0]);
        const px = this.map.latLngToContainerPoint([points[at][1], points[at][0]]).add([x, y]);
        this.alter(points, () => (points[at] = this.placeOf(this.map.containerPointToLatLng(px))), "moved", { n: at + 1 });
      } else if (key === "Delete" || key === "Backspace") (taken(), this.alter(points, () => points.splice(at, 1), "less"));
      else if ((key === "Enter" || key === " ") && this.open && at === 0) (taken(), this.close());
      else if (key === "Escape") (taken(), this.node.focus());
    }

    insert(points, at, place) {
      this.alter(points, () => points.splice(at + 1, 0, place), "more");
    }

    middle(points, at) {
      const [a, b] = [points[at], points[(at + 1) % points.length]];
      return outline.rounded([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
    }

    /** The corners that have handles: of what is being drawn, else of the outline that was picked. */
    worked() {
      return this.open || (this.shapes.find((shape) => shape.id === this.picked) || {}).points || null;
    }

    remove() {
      this.node.removeEventListener("keydown", this.onKey, true);
      this.map.off(this.on);
      this.map.hallDrawing = false;
      this.node.classList.remove("is-drawing");
      for (const layer of [this.layers, this.rubber, this.pens]) layer.remove();
      this.cross.remove();
    }
  };
})();

/* Drawing of every kind: points, lines, areas, circles, arrows, texts and free-hand loops, by mouse or by keys alone.
 *
 * const sketch = new hall.citymap.Sketch(map, {most, ghost})   as citymap.Draw (74-draw.js), of which it is one
 * sketch.start(kind)      begins one: point line polygon circle arrow text lasso (a polygon, drawn with the button held)
 * sketch.load(kind, points)  one that is there already, to be changed
 * sketch.last()           the newest, {id, kind, points}, or null; sketch.clear()
 * sketch.heed(call)       call(points or null) while a place is pointed at: those of the one being drawn with that place last
 * hall.citymap.sketched(kind, points) -> {geometry, radius_m}; hall.citymap.pointsOf(data) -> its points again
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const outline = citymap.rings;
  const LEAST = { point: 1, text: 1, line: 2, arrow: 2, circle: 2, polygon: 3 };
  const MOST = { point: 1, text: 1, arrow: 2, circle: 2 };
  const STRAY = 3; // px that a free-hand line may lie beside its corners
  const STEP = 4; // px between two places of it
  const swap = ([lon, lat]) => [lat, lon];

  citymap.sketched = function (kind, points) {
    if (kind === "circle") return { geometry: { type: "Point", coordinates: points[0] }, radius_m: Math.max(1, Math.round(citymap.geodesic.inverse(points[0], points[1]).metres * 10) / 10) };
    if (kind === "point" || kind === "text") return { geometry: { type: "Point", coordinates: points[0] } };
    if (kind === "polygon") return { geometry: { type: "Polygon", coordinates: [[...points, points[0]]] } };
    return { geometry: { type: "LineString", coordinates: points } };
  };
  citymap.pointsOf = function ({ kind, geometry, radius_m: radius }) {
    const { coordinates } = geometry;
    if (kind === "circle") return [coordinates, citymap.geodesic.direct(coordinates, 90, radius)];
    return geometry.type === "Point" ? [coordinates] : geometry.type === "Polygon" ? coordinates[0].slice(0, -1) : coordinates;
  };

  /** Leaves out what lies within `stray` of the line between its neighbours (Douglas and Peucker); places in px. */
  function thinned(places, stray) {
    if (places.length < 3) return places;
    const [a, b] = [places[0], places[places.length - 1]];
    let [far, at] = [0, 0];
    for (let i = 1; i < places.length - 1; i += 1) {
      const d = L.LineUtil.pointToSegmentDistance(places[i], a, b);
      if (d > far) [far, at] = [d, i];
    }
    return far <= stray ? [a, b] : [...thinned(places.slice(0, at + 1), stray).slice(0, -1), ...thinned(places.slice(at), stray)];
  }

  /** The outline that a hand drew: where its ends overshoot each other, the larger loop without them. */
  function loop(points) {
    let ring = outline.same(points[0], points[points.length - 1]) ? points.slice(0, -1) : points;
    for (let tries = 0; tries < ring.length && ring.length > 3; tries += 1) {
      const sides = outline.crossing(ring);
      if (!sides) break;
      const [inner, outer] = [ring.slice(sides[0] + 1, sides[1] + 1), [...ring.slice(0, sides[0] + 1), ...ring.slice(sides[1] + 1)]];
      ring = outline.area(inner) > outline.area(outer) ? inner : outer;
    }
    return ring;
  }

  citymap.Sketch = class extends citymap.Draw {
    constructor(map, options) {
      super(map, options);
      this.kind = "polygon";
      this.onDown = (event) => this.free && this.open && event.button === 0 && this.hold(event);
      this.node.addEventListener("pointerdown", this.onDown, true);
    }

    start(kind) {
      if (this.open) super.cancel();
      this.free = kind === "lasso";
      this.kind = this.free ? "polygon" : kind;
      if (this.most === 1 && this.shapes.length) {
        this.kept();
        this.shapes = [];
      }
      this.begin();
    }

    load(kind, points) {
      this.free = false;
      this.set([]);
      this.kind = kind;
      this.shapes = [{ id: (this.serial += 1), kind, points: points.map((point) => [...point]) }];
      this.picked = this.serial;
      this.say("");
    }

    last() {
      return this.shapes[this.shapes.length - 1] || null;
    }

    clear() {
      this.open = null;
      this.set([]);
    }

    heed(call) {
      this.heeding = call;
    }

    // -- what a kind is like -------------------------------------------------------------------------------------------

    kindNow() {
      return this.open ? this.kind : (this.shapes.find((shape) => shape.id === this.picked) || {}).kind || this.kind;
    }
    simple() {
      return this.kindNow() === "polygon";
    }
    least() {
      return LEAST[this.kindNow()];
    }
    made(id, points) {
      return { id, kind: this.kind, points };
    }
    faultOf(points) {
      if (this.kindNow() === "polygon") return outline.fault(points);
      return points.length < this.least() ? { reason: "few", n: points.length } : null;
    }
    placeOf({ lng, lat }) {
      return [Math.round(lng * 1e6) / 1e6, Math.round(lat * 1e6) / 1e6];
    }

    add(place, at) {
      const before = this.open.length;
      super.add(place, at);
      if (this.open && this.open.length > before && this.open.length === MOST[this.kind]) this.close();
    }

    close() {
      super.close();
      if (!this.open && this.heeding) this.heeding(null);
    }

    say(key, values) {
      const own = `map.sketch.${this.kindNow()}.${key}`;
      super.say(key, values);
      if (!key || !hall.knows(own)) return;
      this.words = hall.t(own, values);
      for (const call of this.listeners) call(this);
    }

    // -- free hand -------------------------------------------------------------------------------------------------------

    hold(event) {
      if (event.target.closest && event.target.closest("[data-corner]")) return;
      event.preventDefault();
      event.stopPropagation();
      const { map, node } = this;
      const dragging = map.dragging && map.dragging.enabled();
      if (dragging) map.dragging.disable();
      const places = [map.mouseEventToContainerPoint(event)];
      this.held = true;
      const move = (moved) => {
        const place = map.mouseEventToContainerPoint(moved);
        if (place.distanceTo(places[places.length - 1]) < STEP) return;
        places.push(place);
        this.rubber.setLatLngs(places.map((one) => map.containerPointToLatLng(one)));
      };
      const end = () => {
        node.removeEventListener("pointermove", move, true);
        window.removeEventListener("pointerup", end, true);
        if (dragging) map.dragging.enable();
        setTimeout(() => (this.held = false));
        let stray = STRAY;
        let found = places;
        do found = thinned(places, stray); while (found.length > outline.MOST && (stray *= 1.5));
        this.kept();
        this.open = loop(found.map((one) => this.placeOf(map.containerPointToLatLng(one))));
        this.close();
        if (this.open) (this.open = []), this.paint(); // too small to be an area: the words say so, another try begins
      };
      node.addEventListener("pointermove", move, true);
      window.addEventListener("pointerup", end, true);
    }

    // -- how it looks ----------------------------------------------------------------------------------------------------

    shape({ id, kind, points }) {
      const options = { pane: "draw", renderer: this.pens, interactive: !this.open, className: `map-draw-shape is-${kind}${id === this.picked ? " is-picked" : ""}` };
      const made = kind === "polygon" ? L.polygon(points.map(swap), options) : kind === "circle" ? L.polygon(this.round(points).map(swap), options)
        : points.length > 1 ? L.polyline(points.map(swap), options) : L.circleMarker(swap(points[0]), { ...options, radius: 6 });
      made.on("click", (event) => (L.DomEvent.stop(event), this.pick(id))).addTo(this.layers);
      const wrong = kind === "polygon" && outline.crossing(points);
      for (const side of wrong || []) this.line([points[side], points[(side + 1) % points.length]], "map-draw-wrong");
    }

    round([centre, edge]) {
      return citymap.geodesic.circle(centre, citymap.geodesic.inverse(centre, edge).metres);
    }

    stretch(to) {
      const place = to && this.placeOf(to);
      const [last] = (this.open || []).slice(-1);
      if (this.held) return;
      this.rubber.setLatLngs(!last || !place ? [] : this.kind === "circle" ? [...this.round([last, place]), this.round([last, place])[0]].map(swap) : [swap(last), swap(place)]);
      if (this.heeding && this.open) this.heeding(place ? [...this.open, place] : [...this.open], this.kind);
    }

    handles(points) {
      const kind = this.kindNow();
      points.forEach((place, at) => this.handle(points, at, place, false));
      if (this.open || MOST[kind] || points.length >= outline.MOST) return;
      const sides = kind === "polygon" ? points.length : points.length - 1;
      for (let at = 0; at < sides; at += 1) this.handle(points, at, this.middle(points, at), true);
    }

    follow() {
      const points = this.worked();
      const shown = this.kindNow() === "circle" && points.length > 1 ? this.round(points) : points;
      this.layers.eachLayer((layer) => {
        const name = (layer.options && layer.options.className) || "";
        if (!name.includes(this.open ? "map-draw-line" : "is-picked") || !layer.setLatLngs) return;
        layer.setLatLngs(shown.map(swap));
      });
      if (this.heeding && !this.open) this.heeding(points, this.kindNow());
    }

    remove() {
      this.node.removeEventListener("pointerdown", this.onDown, true);
      super.remove();
    }
  };
})();

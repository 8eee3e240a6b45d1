/* How outlines that are being drawn look: their sides, the handles of the one that is worked on, sides that cross in red; the buttons beside it.
 *
 * hall.citymap.drawBar(draw) -> node   buttons and what was done or refused (74-draw.js)
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const outline = citymap.rings;

  Object.assign(citymap.Draw.prototype, {
    paint() {
      const focused = document.activeElement && this.node.contains(document.activeElement) ? document.activeElement.dataset.corner : undefined;
      this.layers.clearLayers();
      this.node.classList.toggle("is-drawing", !!this.open);
      this.map.hallDrawing = !!this.open; // painters that answer clicks of their own keep still
      this.map.doubleClickZoom[this.open ? "disable" : "enable"]();
      for (const shape of this.shapes) this.shape(shape);
      if (this.open) this.line(this.open, "map-draw-line");
      this.stretch(this.open && this.byKeys ? this.map.getCenter() : null);
      const points = this.worked();
      if (points) this.handles(points);
      if (focused !== undefined) (this.node.querySelector(`[data-corner="${focused}"]:not([data-middle])`) || this.node).focus({ preventScroll: true });
    },

    line(points, className) {
      L.polyline(points.map(([lon, lat]) => [lat, lon]), { pane: "draw", renderer: this.pens, className, interactive: false }).addTo(this.layers);
    },

    shape({ id, points }) {
      const picked = id === this.picked;
      const made = L.polygon(points.map(([lon, lat]) => [lat, lon]), { pane: "draw", renderer: this.pens, className: `map-draw-shape${picked ? " is-picked" : ""}`, interactive: !this.open });
      made.on("click", (event) => (L.DomEvent.stop(event), this.pick(id))).addTo(this.layers);
      const wrong = outline.crossing(points);
      for (const side of wrong || []) this.line([points[side], points[(side + 1) % points.length]], "map-draw-wrong");
    },

    stretch(to) {
      const last = this.open && this.open[this.open.length - 1];
      this.rubber.setLatLngs(last && to ? [[last[1], last[0]], to] : []);
    },

    handles(points) {
      const shown = points.length;
      points.forEach((place, at) => this.handle(points, at, place, false));
      if (!this.open && shown < outline.MOST) points.forEach((_, at) => this.handle(points, at, this.middle(points, at), true));
    },

    handle(points, at, [lon, lat], middle) {
      const first = this.open && at === 0 ? " is-first" : "";
      const icon = L.divIcon({ className: `map-corner${middle ? " is-middle" : ""}${first}`, iconSize: null });
      const title = hall.t(middle ? "map.draw.handle-middle" : first ? "map.draw.handle-first" : "map.draw.handle", { n: at + 1 });
      const marker = L.marker([lat, lon], { icon, draggable: true, keyboard: true, title, alt: title, autoPanOnFocus: false }).addTo(this.layers);
      const node = marker.getElement();
      node.dataset.corner = String(at);
      node.setAttribute("aria-label", title);
      if (middle) node.dataset.middle = "1";
      let index = at;
      marker.on("click", (event) => {
        L.DomEvent.stop(event);
        if (first) this.close();
        else if (middle) this.insert(points, at, [lon, lat]);
        else node.focus();
      });
      marker.on("dragstart", () => {
        this.held = true;
        this.before = this.state();
        if (middle) points.splice((index = at + 1), 0, [lon, lat]);
      });
      marker.on("drag", () => {
        points[index] = this.placeOf(marker.getLatLng());
        this.follow();
      });
      marker.on("dragend", () => this.dropped(points, index));
    },

    /** While a corner is dragged only the line follows it: the handle that is held stays what it is. */
    follow() {
      const places = this.worked().map(([lon, lat]) => [lat, lon]);
      this.layers.eachLayer((layer) => {
        const name = (layer.options && layer.options.className) || "";
        if (name.includes(this.open ? "map-draw-line" : "is-picked")) layer.setLatLngs(places);
      });
    },

    dropped(points, index) {
      this.past.push(this.before);
      this.future = [];
      const fault = !this.open && this.faultOf(points);
      this.say(fault ? `fault.${fault.reason}` : "moved", fault ? { n: fault.n, a: fault.a + 1, b: fault.b + 1, most: outline.MOST } : { n: index + 1 });
      setTimeout(() => (this.held = false)); // the click that ends a drag sets no corner
    },
  });

  /** Its buttons and what it says, for beside the map. */
  citymap.drawBar = function (draw) {
    const button = (key, keys, act) => {
      const made = hall.make("button.desk-chip", { type: "button", "data-draw": key }, [hall.t(`map.draw.do.${key}`), keys ? hall.make("kbd", {}, keys) : ""]);
      made.onclick = act;
      return made;
    };
    const buttons = {
      begin: button("begin", "", () => draw.begin()), close: button("close", "Enter", () => draw.close()), cancel: button("cancel", "Esc", () => draw.cancel()),
      undo: button("undo", "Ctrl+Z", () => draw.undo()), redo: button("redo", "Ctrl+Y", () => draw.redo()),
    };
    const words = hall.make("span.map-draw-words", { role: "status" });
    const show = () => {
      for (const name of ["close", "cancel"]) buttons[name].hidden = !draw.open;
      buttons.begin.hidden = !!draw.open;
      buttons.undo.disabled = !draw.past.length;
      buttons.redo.disabled = !draw.future.length;
      hall.setText(words, draw.words || draw.faultText() || hall.t("map.draw.hint"));
      words.dataset.refused = draw.refused || (!draw.words && draw.fault()) ? "1" : "";
    };
    draw.listen(show);
    show();
    return hall.make("div.map-draw-bar", { role: "toolbar" }, [...Object.values(buttons), words]);
  };
})();

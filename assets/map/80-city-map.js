/* The city map's painter: brings documents, sheets, legend and card together on the Leaflet map that dash-leaflet made.
 *
 * hall.map.focus(lon, lat, zoom)  shows a place on every map of the page; zoom as for a map 1920 px wide
 * hall.map.home()                 back to the city
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const AGE_EVERY = 3; // ticks (seconds) between two looks at the age of positions
  const NEW_MS = 10 * 60 * 1000;

  const REFERENCE_WIDTH = 1920; // the zoom of a configuration is meant for a map this wide
  const zoomFor = (map, zoom) => zoom + Math.log2(Math.max(200, map.getSize().x) / REFERENCE_WIDTH);

  hall.map = {
    focus: (lon, lat, zoom = 15) => live.forEach((panel) => panel.focus(lon, lat, zoom)),
    home: () => live.forEach((panel) => panel.home()),
  };
  const live = (citymap.live = new Set());

  class CityMap {
    constructor(element, context) {
      this.element = element;
      this.topics = context.topics;
      this.root = element.querySelector(".map-overlay") || context.body;
      this.ground = new citymap.Ground();
      this.things = new citymap.Things();
      this.things.reserve = (c, frame, boxes) => citymap.reserve(this, c, frame, boxes);
      this.pulses = new citymap.Pulses();
      this.movers = new citymap.Movers((frame) => citymap.obstacles(this, frame));
      this.stage = null;
      this.pace = new citymap.Pace((hurried) => this.stage && this.stage.paint(hurried));
      this.seconds = 0;
      this.touched = false; // whether somebody moved the map away from the city
      this.first = true;
      citymap.readColours(element);
      this.legend = new citymap.Legend(this.root, element, (name, shown) => this.toggle(name, shown));
      this.legend.paint(this.glyph());
      this.radar = this.ground.radar = new citymap.Radar(() => this.render("ground"), () => this.radarKey.show());
      this.radarKey = new citymap.RadarKey(this.root, this.legend.rows.get("radar"), this.radar);
      this.radarKey.show();
      this.card = new citymap.Card(this.root, (subject) => this.choose(subject));
      this.scale = new citymap.Scale(this.root);
      this.components = new citymap.Components(this);
      this.layers = new citymap.Layers(this);
      this.layers.make();
      this.ground.layers = this.layers;
      this.note = hall.make("div.map-note", { role: "status" });
      this.root.append(this.note);
      this.cameras = new hall.cameras.View(() => this.inView(), (events) => this.update(events));
      this.stop = citymap.whenMap(element, (map) => this.attach(map));
      for (const name of ["basemap", "districts", "cells"]) {
        citymap.geography(name).then((features) => {
          this.ground.take(name, features);
          if (name === "cells" && !this.touched) this.home();
          this.count();
          this.render("ground");
        });
      }
      Promise.all(["basemap", "districts", "cells"].map(citymap.geography)).then(() => {
        this.grounded = true; // what the city has of ground is known
        if (!this.touched) this.home();
      });
      live.add(this);
    }

    glyph() {
      return hall.glyph(this.element);
    }

    attach(map) {
      this.map = map;
      this.home();
      this.stage = new citymap.Stage(map, [
        { name: "ground", opaque: true, draw: (c, frame) => this.drawGround(c, frame) },
        { name: "movers", upper: true, draw: (c, frame) => this.movers.draw(c, frame) },
        { name: "things", upper: true, draw: (c, frame) => this.drawThings(c, frame) },
      ], () => this.glyph());
      map.on("mousemove", (event) => this.point(event, false)).on("click", (event) => this.point(event, true));
      map.on("contextmenu", (event) => this.around(event));
      map.on("mouseout", () => !this.card.pinned && this.card.show(null)).on("movestart zoomstart", () => this.card.show(null));
      // the wheel scrolls the page until the map was clicked, so a console's page is never trapped
      map.on("moveend", () => {
        this.cameras.tick();
        this.layers.each("changed");
      });
      map.on("dragstart boxzoomend", () => (this.touched = true));
      map.getContainer().addEventListener("wheel", () => (this.touched = this.touched || map.scrollWheelZoom.enabled()), { passive: true });
      map.scrollWheelZoom.disable();
      map.on("click focus", () => map.scrollWheelZoom.enable()).on("blur", () => map.scrollWheelZoom.disable());
      this.layers.each("attach", map);
      if (hall.page.wall) this.legend.begin(this.element.querySelector(".map-home").dataset.wallsShow);
      if (document.fonts) document.fonts.ready.then(() => this.render("ground", "things", "movers"));
    }

    /** Degrees: west, south, east, north; nothing before the map is there. */
    inView() {
      if (!this.map) return null;
      const box = this.map.getBounds();
      const within = (degrees, most) => Math.max(-most, Math.min(most, degrees));
      return [within(box.getWest(), 180), within(box.getSouth(), 90), within(box.getEast(), 180), within(box.getNorth(), 90)];
    }

    drawGround(context, frame) {
      this.ground.draw(context, frame, citymap.taken(this, frame));
      if (frame.part) return;
      this.covered = false; // whether a symbol has come to lie on a name
      this.scale.show(frame);
      const said = (this.ground.named || []).map(({ key, x, y }) => `${key} ${x} ${y}`).join();
      if (this.ground.tiled && !this.ground.tiles.store.whole) return; // more names come with more tiles
      const before = this.named;
      this.named = { frame, said };
      if (before && before.frame === frame && before.said !== said) queueMicrotask(() => this.stage && this.stage.settled()); // written anew in the same frame
    }

    drawThings(context, frame) {
      this.things.draw(context, frame);
      this.things.boxes.frame = frame;
      this.layers.each("things", context, frame);
      citymap.drawPlates(this.ground, context);
      this.covered = this.ground.namedFrame === frame && citymap.namesHidden(this.ground, this.things.boxes);
    }

    /** `own`: whoever sits at this map wants it; others ask where the view is locked (85-lock.js). */
    focus(lon, lat, zoom, { own = false } = {}) {
      if (!this.map || (!own && this.asked && this.asked(lon, lat, zoom))) return;
      this.touched = true; // no return to the city by itself when the window's size changes
      this.map.setView([lat, lon], zoomFor(this.map, zoom), { animate: false });
    }

    /** Shows the city: its grid cells, else (with no ground at all) where its cases are, else the configured view. */
    home() {
      if (!this.map) return;
      this.touched = false;
      const { lon, lat, zoom, fixed } = this.element.querySelector(".map-home").dataset;
      const bare = this.grounded && !this.ground.districts.length && !this.ground.basemap.length;
      const box = fixed ? null : this.ground.core() || (bare ? this.things.core() : null); // fixed: a view somebody asked for
      const view = box ? this.map._getBoundsCenterZoom(box, { padding: [this.glyph(), this.glyph()] }) : { center: L.latLng(lat, lon), zoom: zoomFor(this.map, Number(zoom)) };
      if (!citymap.rests(this.map, view)) this.map.setView(view.center, view.zoom, { animate: false });
    }

    // -- documents -------------------------------------------------------------------------------------------------------

    update(changes) {
      const touched = new Set();
      for (const event of changes) {
        const topic = event.subject.slice(0, event.subject.indexOf("/"));
        const sheet = citymap.TAKE[topic] && citymap.TAKE[topic](this, event);
        if (sheet) touched.add(sheet);
        for (const other of this.layers.take(topic, event)) touched.add(other);
      }
      if (this.first && !this.touched) this.home();
      this.first = false;
      if (touched.has("movers")) this.movers.ageAll();
      if (touched.has("ground") && this.renew()) touched.add("things");
      this.count();
      this.render(...touched);
    }

    /** Which warnings are in force now; true when that has changed. */
    renew() {
      const before = this.ground.holding;
      this.ground.holding = citymap.warningsNow(this.ground.warnings, citymap.now());
      return before.length !== this.ground.holding.length || before.some((one, i) => one !== this.ground.holding[i]);
    }

    /** Before the first picture, or while it is on its way to this panel, nothing is known of any layer: no number then, not even 0. */
    count() {
      if (!hall.store.ready || (this.first && hall.store.due(this.topics))) return;
      this.counted = true;
      this.legend.show({ ...this.things.counts(), ...this.movers.counts(), ...this.ground.counts(), ...this.cameras.counts(), ...this.components.counts(), ...this.layers.counts() });
    }

    /** The city's time that this map shows, in ms. */
    now() {
      return citymap.now();
    }

    /** Draws a slot of the layers again: see 79-layers.js. */
    draw(slot) {
      this.render(this.layers.sheetOf(slot));
    }

    render(...sheets) {
      if (!this.stage || !sheets.length) return;
      this.stage.dirty(...sheets);
      this.pace.plan();
    }

    /** As render(), for what somebody asked for: at once, and a glass that it is not on later. */
    hurry(...sheets) {
      if (!this.stage) return;
      this.stage.dirty(...sheets);
      this.pace.hurry();
    }

    pulse(entry) {
      if (this.map && entry.known && citymap.now() - entry.time <= NEW_MS) this.pulses.show(this.map, entry, this.glyph());
    }

    // -- people ------------------------------------------------------------------------------------------------------------

    toggle(name, shown) {
      const part = name === "radar" || name === "components" ? this[name] : this.layers.get(name);
      if (part) return part.choose(shown);
      const sheet = { cases: "things", gauges: "things", closures: "things", depots: "things", incidents: "things", cameras: "things", vehicles: "movers" }[name] || "ground";
      this[sheet].shown[name] = shown;
      this.hurry(sheet, "ground", "things"); // the warnings' plates lie on the uppermost, names keep off what is shown
    }

    hitAt(x, y, pressed) {
      let best = null;
      let least = Infinity;
      for (const hit of this.things.hits) {
        const d = Math.hypot(hit.x - x, hit.y - y) - hit.r;
        if (d <= Math.max(0, least === Infinity ? 4 : least)) {
          best = hit; // of those that are hit squarely, the topmost
          least = d;
        }
      }
      return this.layers.hit(x, y, pressed) || best || this.movers.nearest(x, y) || this.components.nearest(x, y, pressed) || this.layers.hit(x, y, pressed, "under");
    }

    point(event, pin) {
      if (!this.stage || !this.stage.steady() || this.map.hallDrawing || (this.card.pinned && !pin)) return;
      const { corner } = this.stage.frame;
      const layer = this.map.containerPointToLayerPoint(event.containerPoint);
      const hit = this.hitAt(layer.x - corner.x, layer.y - corner.y, pin);
      this.map.getContainer().style.cursor = hit ? "pointer" : "";
      if (!hit) return this.card.show(null);
      const at = this.map.layerPointToContainerPoint(L.point(hit.x + corner.x, hit.y + corner.y));
      if (pin && this.card.large(hit)) return;
      this.card.show(hit, { x: at.x, y: at.y, r: hit.r }, pin);
      if (pin && hit.entry.open) hit.entry.open();
    }

    /** The camera that is pointed at shows its sector. */
    choose(subject) {
      if ((this.things.chosen || "") === subject) return;
      this.things.chosen = subject;
      this.render("things");
    }

    /** A place that is pointed at with the second button: the cameras around it. */
    around(event) {
      const { lng, lat } = event.latlng;
      const place = `${lat.toFixed(5)}, ${lng.toFixed(5)}`;
      if (hall.page.wall && hall.acting.who()) hall.video.around({ lon: lng, lat }, { title: hall.t("map.here-cameras"), why: `map ${place}` });
    }

    // -- the life of a panel -------------------------------------------------------------------------------------------------

    tick() {
      this.seconds += 1;
      if (this.seconds % AGE_EVERY === 0 && this.movers.ageAll()) this.render("movers");
      if (this.seconds % 10 === 0) this.render("things", ...(this.movers.crews.size ? ["movers"] : [])); // what became overdue or silent, minutes left
      const renewed = this.renew();
      if (renewed || !this.counted) this.count();
      if (renewed || this.covered) this.render("ground", "things");
      this.radar.tick();
      this.components.tick();
      this.layers.each("tick");
      this.card.tick();
      this.cameras.tick();
      hall.setText(this.note, [citymap.fault ? hall.t("map.no-ground", { why: citymap.fault }) : "", ...this.layers.notes(), this.cameras.words()].filter(Boolean).join(" · "));
    }

    locale() {
      this.legend.locale();
      this.radarKey.locale();
      this.components.locale();
      this.layers.each("locale");
      this.count();
      this.card.show(null);
      this.render("ground", "things");
    }

    resize() {
      if (!this.map) return;
      citymap.readColours(this.element);
      this.map.invalidateSize({ animate: false });
      this.legend.paint(this.glyph());
      if (!this.touched) this.home();
      this.stage.redraw();
    }

    unmount() {
      this.stop();
      live.delete(this);
      if (this.stage) this.stage.remove();
      this.stage = this.map = null; // answers that are still under way find nothing to paint on
      for (const part of [this.radar, this.radarKey, this.components, this.layers, this.legend, this.card, this.scale, this.note]) part.remove();
    }
  }

  hall.panel("city_map", (element, context) => new CityMap(element, context));
})();

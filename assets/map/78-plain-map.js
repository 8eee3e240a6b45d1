/* A map with nothing but the city's ground and areas on it, for forms and previews.
 *
 * const plain = new hall.citymap.PlainMap(node, label)   `node` empty and in the page; `label`: what a screen reader is told
 * plain.map                          the Leaflet map
 * plain.show([{severity, exercise, text, rings}])        areas as walls draw warnings; rings closed, [lon, lat]
 * plain.fit(rings), plain.home(), plain.remove()
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const NAMES = ["basemap", "districts", "cells"];
  const CLOSEST = 15; // zoom that a small area is shown at

  citymap.PlainMap = class {
    constructor(node, label) {
      this.node = node;
      node.classList.add("plain-map");
      const { lon = 0, lat = 0, zoom = 11 } = hall.page.home || {};
      citymap.readColours(node);
      this.map = L.map(node, { center: [lat, lon], zoom: zoom - 1.5, minZoom: 5, maxZoom: 19, zoomSnap: 0.25, attributionControl: false, zoomControl: false, boxZoom: false });
      L.control.zoom({ zoomInTitle: hall.t("map.zoom-in"), zoomOutTitle: hall.t("map.zoom-out") }).addTo(this.map);
      node.setAttribute("aria-label", label);
      node.setAttribute("role", "application");
      this.ground = new citymap.Ground();
      this.stage = new citymap.Stage(this.map, [{ name: "ground", opaque: true, draw: (c, frame) => this.draw(c, frame) }], () => hall.glyph(node));
      this.tiles = citymap.tilesOn(this.ground, () => this.render());
      this.ground.layers = { each: (slot, c, frame) => slot === "still" && this.tiles.still(c, frame) };
      this.watch = new ResizeObserver(() => this.map.invalidateSize({ animate: false }));
      this.watch.observe(node);
      for (const name of NAMES) citymap.geography(name).then((features) => this.take(name, features));
      Promise.all(NAMES.map(citymap.geography)).then(() => !this.fitted && this.home());
    }

    draw(c, frame) {
      if (frame.part) return this.ground.draw(c, frame);
      const boxes = new citymap.Boxes(64);
      citymap.layPlates(this.ground, c, frame, boxes);
      this.ground.draw(c, frame, boxes);
      citymap.drawPlates(this.ground, c);
    }

    take(name, features) {
      if (!this.stage) return; // the answer came when nobody looks any more
      this.ground.take(name, features);
      this.render();
    }

    render() {
      if (!this.stage) return;
      this.stage.dirty("ground");
      this.stage.paint();
    }

    show(areas) {
      this.ground.holding = areas.map(({ severity, exercise, text, rings, shapes }) => ({
        severity: Math.max(0, Math.min(4, severity | 0)), exercise: !!exercise, text: () => text || "",
        shapes: shapes || rings.filter((ring) => ring.length > 2).map((ring) => citymap.shapeOf({ type: "Polygon", coordinates: [ring] })),
      }));
      this.render();
    }

    /** Shapes of the districts called `names`, for `show`. */
    districts(names) {
      return this.ground.districts.filter((district) => names.includes(district.properties.name));
    }

    home() {
      const box = this.stage && this.ground.core();
      if (box) this.map.fitBounds(box, { animate: false, padding: [12, 12] });
    }

    fit(rings) {
      const places = rings.flat().map(([lon, lat]) => [lat, lon]);
      if (!places.length) return;
      this.fitted = true;
      this.map.fitBounds(places, { animate: false, padding: [40, 40], maxZoom: CLOSEST });
    }

    remove() {
      this.watch.disconnect();
      this.tiles.remove();
      this.stage.remove();
      this.stage = null;
      this.map.remove();
    }
  };
})();

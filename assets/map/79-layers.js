/* Layers: how one file joins the map, without an edit of the map itself.
 *
 * hall.citymap.layer({name, legend, topics, make(host)})   once, when the file is read; files are read in the order of their names
 *   name     what `host.layers.get(name)` answers with; the legend's row is called `map.layer.NAME` in the catalogue
 *   legend   {before: "cells", swatch(context, r), off} a row of the legend: above which row (else last), its symbol drawn around 0,0
 *            with r half its height; `off`: not shown before somebody asks. Without it: no row
 *   topics   documents it takes; layouts/panels/city_map.py must name them, too (tests/browser/map/test_fields.py compares)
 *   make     for each map, before it is attached: the part, of which every member may be left out
 *     take(event)             a document came: true, or the slot's name, when something must be drawn again
 *     still(c, frame)         paints into the picture of the ground that is kept per frame (basemaps); first of all layers
 *     ground(c, frame)        paints above the basemap and radar, below cells, districts, warnings and names
 *     over(c, frame)          paints above those, below the names
 *     things(c, frame)        paints above all symbols
 *     hit(x, y, pressed)      what lies at a place of the frame: {x, y, r, what, entry} as citymap.Card takes it, or null
 *     under(x, y, pressed)    what lies there below everything else (areas, fields); asked last
 *     steps(frame, give)      gives [{x, y, r, what, entry, enter, outline}]: what the key n goes through (80-steps.js)
 *     counts()                {NAME: number} for the legend
 *     choose(shown)           the legend's switch
 *     printed()               what its colours mean, for a sheet of paper (87-sheet-legend.js); its `key` may have it instead
 *     note()                  what people must know of it, for the map's note; "" when there is nothing to say
 *     attach(map) tick() changed() locale() remove()   Leaflet is there; each second; the view rests after a move; language; the end
 *
 * host: {map, stage, root, element, legend, card, ground, things, movers, layers, count(), focus(), touched}
 * host.draw(slot)   draw again: "still", "ground", "over", "things" or "movers"; as often as one likes, it is done once
 * host.now()        the city's time that the map shows, in ms: use it, not hall.clock.city(), for whatever is drawn
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const declared = [];
  const SHEETS = { still: "ground", ground: "ground", over: "ground", things: "things", movers: "movers" };

  citymap.layer = (layer) => declared.push(layer);
  citymap.declared = declared;
  /** Topics that a map takes documents of, its own parts' and the layers'. */
  citymap.topics = () => [...new Set([...Object.keys(citymap.TAKE), ...declared.flatMap(({ topics = [] }) => topics)])];

  /** The parts of one map, and what they do together. */
  citymap.Layers = class {
    constructor(host) {
      this.host = host;
      this.parts = new Map();
      this.takers = new Map(); // topic -> parts
    }

    make() {
      const { host } = this;
      for (const { name, legend, topics = [], make } of declared) {
        const part = make(host);
        this.parts.set(name, part);
        if (legend) host.legend.row(name, legend);
        for (const topic of topics) this.takers.set(topic, [...(this.takers.get(topic) || []), part]);
      }
    }

    get(name) {
      return this.parts.get(name);
    }

    /** Calls `method` of every part that has it. */
    each(method, ...values) {
      for (const part of this.parts.values()) if (part[method]) part[method](...values);
    }

    has(slot) {
      for (const part of this.parts.values()) if (part[slot]) return true;
      return false;
    }

    /** Sheets that must be drawn again after a document. */
    take(topic, event) {
      const parts = this.takers.get(topic);
      if (!parts) return [];
      const sheets = [];
      for (const part of parts) {
        const slot = part.take(event);
        if (slot) sheets.push(this.sheetOf(slot === true ? "things" : slot));
      }
      return sheets;
    }

    sheetOf(slot) {
      if (slot === "still") this.host.ground.renew(null);
      return SHEETS[slot];
    }

    hit(x, y, pressed, how = "hit") {
      for (const part of [...this.parts.values()].reverse()) {
        const found = part[how] && part[how](x, y, pressed);
        if (found) return found;
      }
      return null;
    }

    counts() {
      return Object.assign({}, ...[...this.parts.values()].map((part) => (part.counts ? part.counts() : {})));
    }

    notes() {
      return [...this.parts.values()].map((part) => (part.note ? part.note() : ""));
    }

    remove() {
      this.each("remove");
      this.parts.clear();
      this.takers.clear();
    }
  };
})();

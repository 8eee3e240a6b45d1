/* Boundaries of administrative levels: which there are, how a level is drawn, from which zoom, and where its areas are named.
 *
 * new citymap.Boundaries(host)   drawn above cells and measures, below the names; the city's own districts and cells are not among them
 *   levels                       [{name, level, label, areas, error}], coarsest first, of `[map.boundaries.NAME]`
 *   draw(c, frame), names(frame) lines; candidates for 35-names.js
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const RETRY_TICKS = 10;
  const OWN = new Set(["districts", "cells"]); // drawn by the ground itself
  // up to which level -> from which `wide` zoom, line in units of u and how strong, size of a name in text sizes, its zooms, its rank
  const STYLE = [
    [4, { from: 0, width: 2.2, alpha: 0.9, size: 1.35, named: [4, 8.5], rank: -0.6 }],
    [5, { from: 5, width: 1.8, alpha: 0.8, size: 1.25, named: [5.8, 10.5], rank: -0.5 }],
    [7, { from: 8, width: 1.3, alpha: 0.65, size: 1.12, named: [8.8, 13], rank: -0.4 }],
    [8, { from: 11, width: 1, alpha: 0.55, size: 1, named: [12.2, 15.5], rank: 1.5 }],
    [11, { from: 13.5, width: 0.8, alpha: 0.45, size: 0.95, named: [14.5, 99], rank: 1.6 }],
    [99, { from: 15, width: 0.6, alpha: 0.4, size: 0.9, named: [16, 99], rank: 1.7 }],
  ];
  const LINE = "#8fa9c9";
  const NAME = "#a9bdd4";

  const styleOf = (level) => STYLE.find(([most]) => level <= most)[1];

  let listing = null; // asked once for all maps of the page
  function list() {
    if (!listing) {
      listing = fetch("/api/v1/boundaries", { credentials: "same-origin", signal: AbortSignal.timeout(60000) }).then(async (answer) => {
        const told = await answer.json();
        if (!answer.ok) throw new Error(told.detail || told.reason);
        return told.levels.filter(({ name }) => !OWN.has(name));
      });
      listing.catch(() => (listing = null));
    }
    return listing;
  }

  citymap.Boundaries = class {
    constructor(host) {
      this.host = host;
      this.shown = true;
      this.levels = [];
      this.areas = new Map(); // level -> its areas, once they are there
      this.asked = new Map(); // level -> ticks until it is asked for again; Infinity: under way
      this.fault = "";
      this.wait = 1;
      this.version = 0; // another one when names are others
    }

    get row() {
      return this.host.legend.rows.get("boundaries");
    }

    async look() {
      this.wait = Infinity;
      try {
        this.levels = await list();
        this.fault = "";
      } catch (error) {
        this.fault = error.message;
        this.wait = RETRY_TICKS;
      }
      this.row.button.hidden = !this.levels.length;
      this.host.draw("over");
      this.host.count();
    }

    /** Levels that a zoom shows; what is not there yet is asked for. */
    visible(wide) {
      if (!this.shown) return [];
      const found = this.levels.filter((one) => !one.error && wide >= styleOf(one.level).from);
      for (const { name } of found) if (!this.areas.has(name) && !this.asked.has(name)) this.ask(name);
      return found.filter(({ name }) => this.areas.has(name));
    }

    async ask(name) {
      this.asked.set(name, Infinity);
      try {
        this.areas.set(name, await citymap.areas(name));
        this.version += 1;
        this.fault = "";
        this.host.draw("over");
        this.host.count();
      } catch (error) {
        this.fault = error.message;
        this.asked.set(name, RETRY_TICKS);
      }
    }

    draw(c, frame) {
      for (const { name, level } of this.visible(frame.wide)) {
        const { width, alpha } = styleOf(level);
        c.beginPath();
        for (const area of this.areas.get(name)) if (frame.sees(area.box, width * frame.u)) citymap.trace(c, frame, area);
        c.lineJoin = "round";
        c.lineWidth = width * frame.u;
        c.strokeStyle = LINE;
        c.globalAlpha = alpha;
        c.stroke();
        c.globalAlpha = 1;
      }
    }

    names(frame) {
      const found = [];
      for (const { name: boundary, level } of this.visible(frame.wide)) {
        const { named: [from, to], size: sizes, rank } = styleOf(level);
        if (frame.wide < from || frame.wide >= to) continue;
        for (const { name, code, label, box, km2 } of this.areas.get(boundary)) {
          if (!label || !frame.sees(box)) continue;
          const [x, y] = [frame.px(label[0]), frame.py(label[1])];
          const size = Math.round(frame.font * sizes * 10) / 10;
          if (frame.holds(x, y, 0)) found.push({ text: name, x, y, size, weight: 500, colour: NAME, rank, order: km2 - level * 1e6, key: `boundary ${boundary} ${code}` });
        }
      }
      return found;
    }

    choose(shown) {
      this.shown = shown;
      this.version += 1;
    }

    counts() {
      let boundaries = 0;
      for (const areas of this.areas.values()) boundaries += areas.length;
      return this.levels.length ? { boundaries } : {};
    }

    tick() {
      this.wait -= 1;
      if (this.wait <= 0) this.look();
      for (const [name, ticks] of this.asked) {
        if (ticks <= 1) this.asked.delete(name);
        else this.asked.set(name, ticks - 1);
      }
    }

    note() {
      const broken = this.levels.filter(({ error }) => error);
      if (broken.length) return hall.t("boundaries.broken", { names: broken.map(({ name }) => name).join(" ") });
      return this.fault && this.shown ? hall.t("boundaries.missing", { why: this.fault }) : "";
    }
  };
})();

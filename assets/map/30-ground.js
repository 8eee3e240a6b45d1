/* The ground sheet: basemap, districts, grid cells coloured live, warning areas, and the names on all of it.
 *
 * The still part (basemap, and the layers' `still`) is kept as a picture, so a live change costs one copy and what lies above it.
 * ground.renew(box) paints a box of it anew.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  // layer -> how it is drawn: fill, line colour, line width in units of u by `wide` zoom, from which zoom it shows
  const STYLE = {
    water: { fill: "#10273a", line: "#17374f", width: 1.6, from: 0 },
    park: { fill: "#0f2220", from: 9 },
    building: { fill: "#16212f", from: 14 },
    rail: { line: "#34404f", width: 1.2, from: 9, dash: [7, 5] },
    road_minor: { line: "#233044", width: 1, from: 12.5 },
    road_medium: { line: "#2c3d54", width: 1.3, from: 10.5 },
    road_major: { line: "#3d5473", width: 1.9, from: 0 },
  };
  citymap.STYLE = STYLE;
  const growth = (wide) => Math.min(6, Math.max(0.7, 2 ** ((wide - 11.5) * 0.45)));

  citymap.Ground = class {
    constructor() {
      this.radar = null; // a citymap.Radar
      this.layers = null; // a citymap.Layers
      this.basemap = [];
      this.districts = [];
      this.cells = new Map();
      this.rows = {}; // cell code -> [open, worst severity]
      this.warnings = new Map(); // subject -> {severity, exercise, text, shapes}
      this.holding = []; // those of them in force, mildest first
      this.plates = []; // their texts, laid out before all labels
      this.tiled = false; // whether a layer's tiles are the whole basemap, and the GeoJSON is not drawn
      this.shown = { cells: true, districts: true, warnings: true, basemap: true };
      this.still = document.createElement("canvas");
      this.stillFrame = null;
    }

    take(name, features) {
      if (name === "cells") this.cells = new Map(features.map((f) => [f.properties.code, f]));
      else this[name] = features;
      this.stillFrame = null;
    }

    /** The box [[south, west], [north, east]] of all but the outermost cells; null where the city has none. */
    core() {
      const boxes = [...this.cells.values()].map((cell) => cell.box);
      return citymap.middle(boxes.map((b) => (b.west + b.east) / 2), boxes.map((b) => (b.north + b.south) / 2));
    }

    /** How many of the cells that this map can draw have open cases. */
    counts() {
      let cells = 0;
      for (const [code, [open]] of Object.entries(this.rows)) if (open > 0 && this.cells.has(code)) cells += 1;
      return { cells, warnings: this.holding.length };
    }

    /** `taken`: citymap.Boxes of what the names must not cover. A piece (frame.part) is painted on its own, without names: they are laid out for a whole frame. */
    draw(context, frame, taken) {
      if (frame.part) this.paintStill(context, frame);
      else {
        this.drawStill(frame);
        context.drawImage(this.still, 0, 0, frame.width, frame.height);
      }
      if (this.radar) this.radar.draw(context, frame);
      if (this.layers) this.layers.each("ground", context, frame);
      if (!frame.part) this.numbers = [];
      if (this.shown.cells) this.drawCells(context, frame);
      if (this.shown.districts) this.drawDistricts(context, frame);
      if (this.shown.warnings) this.drawWarnings(context, frame);
      if (this.layers) this.layers.each("over", context, frame);
      if (!frame.part) citymap.drawNames(this, context, frame, taken);
    }

    /** The still part is another in a box {west, north, east, south} of the unit square, or (null) everywhere; draw the sheet then. */
    renew(box) {
      const frame = this.stillFrame;
      if (!frame || !box) return void (this.stillFrame = null);
      const [left, top] = [Math.max(0, Math.floor(frame.px(box.west))), Math.max(0, Math.floor(frame.py(box.north)))];
      const [right, bottom] = [Math.min(frame.width, Math.ceil(frame.px(box.east))), Math.min(frame.height, Math.ceil(frame.py(box.south)))];
      if (right > left && bottom > top) this.paintPiece(frame, left, top, right - left, bottom - top);
    }

    /** Keeps the picture of the still part. After a move all of it is painted: to shift it and paint what came in takes as long, and its seams differ. */
    drawStill(frame) {
      if (this.stillFrame === frame) return;
      this.stillFrame = frame;
      const [width, height] = [Math.round(frame.width * frame.ratio), Math.round(frame.height * frame.ratio)];
      if (this.still.width !== width) this.still.width = width;
      if (this.still.height !== height) this.still.height = height;
      this.paintPiece(frame, 0, 0, frame.width, frame.height);
    }

    paintPiece(frame, left, top, width, height) {
      const c = this.still.getContext("2d", { alpha: false });
      c.save();
      c.setTransform(frame.ratio, 0, 0, frame.ratio, left * frame.ratio, top * frame.ratio);
      c.beginPath();
      c.rect(0, 0, width, height);
      c.clip();
      this.paintStill(c, frame.cut(left, top, width, height));
      c.restore();
    }

    paintStill(c, frame) {
      c.fillStyle = citymap.ink.ground;
      c.fillRect(0, 0, frame.width, frame.height);
      this.drawLand(c, frame);
      if (!this.districts.length && !this.basemap.length) this.drawGrid(c, frame);
      if (this.layers) this.layers.each("still", c, frame);
      if (!this.shown.basemap || this.tiled) return;
      c.lineJoin = c.lineCap = "round";
      for (const [layer, style] of Object.entries(STYLE)) if (frame.wide >= style.from) this.drawLayer(c, frame, layer, style);
    }

    drawLand(c, frame) {
      c.fillStyle = "#0e1827";
      c.beginPath();
      for (const district of this.districts) if (frame.sees(district.box)) citymap.trace(c, frame, district);
      c.fill();
    }

    /** Where a city has given no ground at all: faint lines of longitude and latitude, about five to a screen. */
    drawGrid(c, frame) {
      const wanted = (((frame.part || frame).width / frame.scale) * 360) / 5;
      const power = 10 ** Math.floor(Math.log10(wanted));
      const step = [5, 2, 1].find((n) => n * power <= wanted) * power;
      const [west, east] = [citymap.longitude(frame.left / frame.scale), citymap.longitude((frame.left + frame.width) / frame.scale)];
      const [north, south] = [citymap.latitude(frame.top / frame.scale), citymap.latitude((frame.top + frame.height) / frame.scale)];
      c.beginPath();
      for (let k = Math.ceil(west / step); k * step < east; k += 1) {
        const x = frame.px(citymap.projectX(k * step));
        c.moveTo(x, 0);
        c.lineTo(x, frame.height);
      }
      for (let k = Math.ceil(south / step); k * step < north; k += 1) {
        const y = frame.py(citymap.projectY(k * step));
        c.moveTo(0, y);
        c.lineTo(frame.width, y);
      }
      c.lineWidth = frame.u * 0.8;
      c.strokeStyle = "#182436";
      c.stroke();
    }

    drawLayer(c, frame, layer, style) {
      const lines = [];
      const width = (style.width || 0) * frame.u * growth(frame.wide);
      c.beginPath();
      for (const feature of this.basemap) {
        if (feature.properties.layer !== layer || !frame.sees(feature.box, width)) continue;
        if (feature.area) citymap.trace(c, frame, feature);
        else lines.push(feature);
      }
      if (style.fill) {
        c.fillStyle = style.fill;
        c.fill("evenodd");
      }
      if (!style.line || !lines.length) return;
      c.beginPath();
      for (const feature of lines) citymap.trace(c, frame, feature);
      c.setLineDash((style.dash || []).map((n) => n * frame.u));
      c.lineWidth = width;
      c.strokeStyle = style.line;
      c.stroke();
      c.setLineDash([]);
    }

    drawDistricts(c, frame) {
      c.beginPath();
      for (const district of this.districts) if (frame.sees(district.box, 2 * frame.u)) citymap.trace(c, frame, district);
      c.lineJoin = "round";
      c.lineWidth = 1.3 * frame.u;
      c.strokeStyle = "#55708f";
      c.setLineDash([9 * frame.u, 4 * frame.u]);
      c.stroke();
      c.setLineDash([]);
    }

    /** Cells with open cases: the worst severity as colour, frame thickness and (where it fits) the number of cases. */
    drawCells(c, frame) {
      const seen = [];
      for (const [code, [open, worst]] of Object.entries(this.rows)) {
        const cell = this.cells.get(code);
        if (cell && open > 0 && frame.sees(cell.box, 3 * frame.u)) seen.push({ cell, open, worst });
      }
      seen.sort((a, b) => a.worst - b.worst);
      for (const { cell, open, worst } of seen) {
        c.beginPath();
        citymap.trace(c, frame, cell);
        c.fillStyle = citymap.colours[worst];
        c.globalAlpha = (worst ? 0.13 : 0.05) + Math.min(0.16, open * 0.02);
        c.fill("evenodd");
        c.globalAlpha = worst ? 0.75 : 0.3;
        c.strokeStyle = citymap.colours[worst];
        c.lineWidth = (0.5 + worst * 0.4) * frame.u;
        c.stroke();
      }
      c.globalAlpha = 1;
      if (!frame.part) this.numbers = this.numbersOf(frame, seen);
    }

    /** How many, at the lower right corner of each cell with room for it: placed with the names. */
    numbersOf(frame, seen) {
      const found = [];
      for (const { cell, open } of seen) {
        const { box } = cell;
        if ((box.east - box.west) * frame.scale < frame.glyph * 5 || (box.south - box.north) * frame.scale < frame.glyph * 4) continue;
        const text = String(open);
        const x = frame.px(box.east) - frame.u * 6 - frame.font * 0.28 * text.length;
        found.push({ text, x, y: frame.py(box.south) - frame.u * 3 - frame.font * 0.5, colour: citymap.ink.dim });
      }
      return found;
    }

    /** Warning areas: severity colour, hatching that is denser for worse, a dashed edge for exercises and tests. */
    drawWarnings(c, frame) {
      for (const warning of this.holding) {
        c.beginPath();
        for (const shape of warning.shapes) if (frame.sees(shape.box, 3 * frame.u)) citymap.trace(c, frame, shape);
        c.strokeStyle = citymap.colours[warning.severity];
        c.lineWidth = 2.4 * frame.u;
        c.setLineDash(warning.exercise ? [4 * frame.u, 7 * frame.u] : []);
        c.stroke();
        c.setLineDash([]);
        c.fillStyle = this.hatch(c, warning, frame);
        c.fill("evenodd");
      }
    }

    hatch(c, { severity, exercise }, frame) {
      const step = Math.round(((22 - severity * 3) * frame.u) / 2) * 2;
      const tile = document.createElement("canvas");
      tile.width = tile.height = step;
      const t = tile.getContext("2d");
      t.strokeStyle = citymap.colours[severity];
      t.globalAlpha = exercise ? 0.14 : 0.24;
      t.lineWidth = Math.max(1, frame.u * 0.8);
      t.beginPath();
      t.moveTo(-step, step);
      t.lineTo(step, -step);
      t.moveTo(0, 2 * step);
      t.lineTo(2 * step, 0);
      t.moveTo(0, step);
      t.lineTo(step, 0);
      t.stroke();
      const pattern = c.createPattern(tile, "repeat");
      pattern.setTransform(new DOMMatrix().translate(-(frame.left % step), -(frame.top % step))); // fixed to the ground, piece by piece
      return pattern;
    }
  };
})();

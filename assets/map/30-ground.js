/* The ground sheet: basemap, districts, grid cells coloured live, warning areas, and the names on all of it.
 *
 * The still part (basemap) is kept as a picture per frame, so a live change costs one copy and what lies above it.
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
  const PLACES_FROM = 13.6; // parks and places are named from here on: further out there is no room for them
  const growth = (wide) => Math.min(6, Math.max(0.7, 2 ** ((wide - 11.5) * 0.45)));

  citymap.Ground = class {
    constructor() {
      this.basemap = [];
      this.districts = [];
      this.cells = new Map();
      this.rows = {}; // cell code -> [open, worst severity]
      this.warnings = new Map(); // subject -> {severity, exercise, text, shapes}
      this.holding = []; // those of them in force, mildest first
      this.shown = { cells: true, districts: true, warnings: true, basemap: true };
      this.still = document.createElement("canvas");
      this.stillFrame = null;
    }

    take(name, features) {
      if (name === "cells") this.cells = new Map(features.map((f) => [f.properties.code, f]));
      else this[name] = features;
      this.stillFrame = null;
    }

    draw(context, frame) {
      if (this.stillFrame !== frame) this.drawStill(frame);
      context.drawImage(this.still, 0, 0, frame.width, frame.height);
      if (this.shown.cells) this.drawCells(context, frame);
      if (this.shown.districts) this.drawDistricts(context, frame);
      if (this.shown.warnings) this.drawWarnings(context, frame);
      this.drawNames(context, frame);
    }

    drawStill(frame) {
      const { still } = this;
      still.width = Math.round(frame.width * frame.ratio);
      still.height = Math.round(frame.height * frame.ratio);
      const c = still.getContext("2d");
      c.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
      this.stillFrame = frame;
      c.fillStyle = citymap.ink.ground;
      c.fillRect(0, 0, frame.width, frame.height);
      this.drawLand(c, frame);
      if (!this.shown.basemap) return;
      c.lineJoin = c.lineCap = "round";
      for (const [layer, style] of Object.entries(STYLE)) if (frame.wide >= style.from) this.drawLayer(c, frame, layer, style);
    }

    drawLand(c, frame) {
      c.fillStyle = "#0e1827";
      c.beginPath();
      for (const district of this.districts) if (frame.sees(district.box)) citymap.trace(c, frame, district);
      c.fill();
    }

    drawLayer(c, frame, layer, style) {
      const lines = [];
      c.beginPath();
      for (const feature of this.basemap) {
        if (feature.properties.layer !== layer || !frame.sees(feature.box)) continue;
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
      c.lineWidth = style.width * frame.u * growth(frame.wide);
      c.strokeStyle = style.line;
      c.stroke();
      c.setLineDash([]);
    }

    drawDistricts(c, frame) {
      c.beginPath();
      for (const district of this.districts) if (frame.sees(district.box)) citymap.trace(c, frame, district);
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
        if (cell && open > 0 && frame.sees(cell.box)) seen.push({ cell, open, worst });
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
      this.drawCellNumbers(c, frame, seen);
    }

    drawCellNumbers(c, frame, seen) {
      c.font = `600 ${frame.font}px ${citymap.family}`;
      c.textAlign = "right";
      c.textBaseline = "bottom";
      c.lineWidth = frame.u * 3;
      for (const { cell, open } of seen) {
        const { box } = cell;
        const width = (box.east - box.west) * frame.scale;
        const height = (box.south - box.north) * frame.scale;
        if (width < frame.glyph * 5 || height < frame.glyph * 4) continue;
        citymap.write(c, String(open), frame.px(box.east) - frame.u * 6, frame.py(box.south) - frame.u * 3, citymap.ink.dim);
      }
    }

    /** Warning areas: severity colour, hatching that is denser for worse, a dashed edge for exercises and tests. */
    drawWarnings(c, frame) {
      for (const warning of this.holding) {
        c.beginPath();
        for (const shape of warning.shapes) if (frame.sees(shape.box)) citymap.trace(c, frame, shape);
        c.strokeStyle = citymap.colours[warning.severity];
        c.lineWidth = 2.4 * frame.u;
        c.setLineDash(warning.exercise ? [4 * frame.u, 7 * frame.u] : []);
        c.stroke();
        c.setLineDash([]);
        c.fillStyle = this.hatch(c, warning.severity, frame);
        c.fill("evenodd");
      }
    }

    hatch(c, severity, frame) {
      const step = Math.round(((22 - severity * 3) * frame.u) / 2) * 2;
      const tile = document.createElement("canvas");
      tile.width = tile.height = step;
      const t = tile.getContext("2d");
      t.strokeStyle = citymap.colours[severity];
      t.globalAlpha = 0.28;
      t.lineWidth = Math.max(1, frame.u * 0.8);
      t.beginPath();
      t.moveTo(-step, step);
      t.lineTo(step, -step);
      t.moveTo(0, 2 * step);
      t.lineTo(2 * step, 0);
      t.moveTo(0, step);
      t.lineTo(step, 0);
      t.stroke();
      return c.createPattern(tile, "repeat");
    }

    // -- names --------------------------------------------------------------------------------------------------------

    drawNames(c, frame) {
      const boxes = new citymap.Boxes();
      c.textBaseline = "middle";
      c.textAlign = "center";
      if (this.shown.warnings) this.nameWarnings(c, frame, boxes);
      if (this.shown.districts) this.nameDistricts(c, frame, boxes);
      if (this.shown.basemap) this.nameStreets(c, frame, boxes);
    }

    put(c, frame, boxes, text, x, y, size, colour, gap = 0.4) {
      c.font = `500 ${size}px ${citymap.family}`;
      const half = c.measureText(text).width / 2 + gap * size;
      if (!boxes.take(x - half, y - size * (0.5 + gap), x + half, y + size * (0.5 + gap))) return false;
      c.lineWidth = size * 0.16;
      citymap.write(c, text, x, y, colour);
      return true;
    }

    nameWarnings(c, frame, boxes) {
      for (const warning of [...this.holding].reverse()) {
        const shape = warning.shapes.find((s) => frame.sees(s.box));
        if (!shape) continue;
        const x = frame.px((shape.box.west + shape.box.east) / 2);
        const y = Math.max(frame.font * 2, frame.py(shape.box.north) + frame.font);
        this.put(c, frame, boxes, warning.text(), x, y, frame.font, citymap.colours[warning.severity]);
      }
    }

    nameDistricts(c, frame, boxes) {
      const size = (d) => (d.box.east - d.box.west) * (d.box.south - d.box.north);
      for (const district of [...this.districts].sort((a, b) => size(b) - size(a))) {
        const { name, label } = district.properties;
        if (!name || !label || !frame.sees(district.box)) continue;
        const x = frame.px(citymap.projectX(label[0]));
        const y = frame.py(citymap.projectY(label[1]));
        if (frame.holds(x, y, 0)) this.put(c, frame, boxes, name, x, y, frame.font * 1.12, "#a9bdd4", 0.25);
      }
    }

    /** Names of places, waters and roads; a road's name lies along its longest straight piece on the screen. */
    nameStreets(c, frame, boxes) {
      const far = new Map(); // name -> places it already stands at
      const size = frame.font;
      const plain = this.basemap.filter((f) => f.properties.name && frame.sees(f.box));
      const rank = { label: 0, water: 1, road_major: 2, road_medium: 3, road_minor: 4 };
      plain.sort((a, b) => (rank[a.properties.layer] ?? 9) - (rank[b.properties.layer] ?? 9));
      const districts = new Set(this.shown.districts ? this.districts.map((d) => d.properties.name) : []);
      for (const feature of plain) {
        const { layer, name } = feature.properties;
        if (layer === "label") {
          if (frame.wide < PLACES_FROM || districts.has(name)) continue;
          const [x, y] = [frame.px(feature.lines[0][0]), frame.py(feature.lines[0][1])];
          if (frame.holds(x, y, 0)) this.put(c, frame, boxes, name, x, y, size, "#93a6bd");
        } else if (STYLE[layer] && STYLE[layer].line && frame.wide >= STYLE[layer].from + 1) {
          this.nameLine(c, frame, boxes, feature, name, size, far);
        }
      }
    }

    nameLine(c, frame, boxes, feature, name, size, far) {
      c.font = `400 ${size}px ${citymap.family}`;
      const width = c.measureText(name).width;
      const place = longestPiece(feature, frame, width * 1.25);
      if (!place) return;
      const near = (p) => Math.hypot(p.x - place.x, p.y - place.y) < size * 22;
      if ((far.get(name) || []).some(near)) return;
      const reachX = (Math.abs(Math.cos(place.angle)) * width + Math.abs(Math.sin(place.angle)) * size) / 2 + size * 0.3;
      const reachY = (Math.abs(Math.sin(place.angle)) * width + Math.abs(Math.cos(place.angle)) * size) / 2 + size * 0.3;
      if (!boxes.take(place.x - reachX, place.y - reachY, place.x + reachX, place.y + reachY)) return;
      far.set(name, [...(far.get(name) || []), place]);
      c.lineWidth = size * 0.18;
      const colour = feature.properties.layer === "water" ? "#6d9cc0" : "#8fa3bc";
      if (Math.abs(place.angle) > STEEP && HAN.test(name)) return writeDown(c, name, place, size, colour);
      c.save();
      c.translate(place.x, place.y);
      c.rotate(place.angle);
      citymap.write(c, name, 0, 0, colour);
      c.restore();
    }
  };

  const STEEP = 1.0; // radians: Chinese along a steeper road stands upright, one character below the other
  const HAN = /^[\u3400-\u9fff]+$/;

  function writeDown(c, name, place, size, colour) {
    const lean = (place.angle > 0 ? 1 : -1) * Math.cos(place.angle);
    [...name].forEach((character, i) => {
      const along = (i - (name.length - 1) / 2) * size * 1.05;
      citymap.write(c, character, place.x + along * lean, place.y + along * Math.sin(Math.abs(place.angle)), colour);
    });
  }

  /** Middle and angle of the longest nearly straight run of a line on the frame, at least `least` px long. */
  function longestPiece(feature, frame, least) {
    let best = null;
    for (const line of feature.area ? [] : feature.lines) {
      let start = null;
      let heading = 0;
      for (let i = 0; i + 3 < line.length; i += 2) {
        const a = { x: frame.px(line[i]), y: frame.py(line[i + 1]) };
        const b = { x: frame.px(line[i + 2]), y: frame.py(line[i + 3]) };
        const angle = Math.atan2(b.y - a.y, b.x - a.x);
        const bend = Math.abs(Math.atan2(Math.sin(angle - heading), Math.cos(angle - heading)));
        if (start === null || bend > 0.22) {
          start = a;
          heading = angle;
        }
        const middle = { x: (start.x + b.x) / 2, y: (start.y + b.y) / 2 };
        const length = Math.hypot(b.x - start.x, b.y - start.y);
        if (length < least || (best && length <= best.length) || !frame.holds(middle.x, middle.y, -least / 2)) continue;
        let turned = Math.atan2(b.y - start.y, b.x - start.x);
        if (turned > Math.PI / 2) turned -= Math.PI;
        else if (turned < -Math.PI / 2) turned += Math.PI;
        best = { ...middle, angle: turned, length };
      }
    }
    return best;
  }
})();

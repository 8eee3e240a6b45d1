/* Plane geometry of the city map: Mercator, features as flat arrays, the frame that canvases are drawn in, label boxes.
 *
 * Places are kept in the unit square of Web Mercator ([0,1] x [0,1], y downwards), projected once when they arrive; on a
 * frame, px = x * frame.scale - frame.left. All sizes are multiples of frame.u = glyph / 16, so a wall and its small
 * preview are the same picture.
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const RADIANS = Math.PI / 180;

  citymap.projectX = (lon) => lon / 360 + 0.5;
  citymap.projectY = function (lat) {
    const s = Math.sin(Math.max(-85.05, Math.min(85.05, lat)) * RADIANS);
    return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
  };
  citymap.longitude = (x) => (x - 0.5) * 360;
  citymap.latitude = (y) => Math.atan(Math.sinh((1 - 2 * y) * Math.PI)) / RADIANS;
  /** The box [[south, west], [north, east]] of all but the outermost places of the unit square; null for none. */
  citymap.middle = function (xs, ys) {
    if (!xs.length) return null;
    const at = (values, part) => [...values].sort((a, b) => a - b)[Math.round(part * (values.length - 1))];
    const low = [citymap.latitude(at(ys, 0.98)), citymap.longitude(at(xs, 0.02))];
    return [low, [citymap.latitude(at(ys, 0.02)), citymap.longitude(at(xs, 0.98))]];
  };
  /** Unit-square lengths per metre at a unit y. */
  citymap.perMetre = (y) => Math.cosh((0.5 - y) * 2 * Math.PI) / 40075016.686;

  function flat(points) {
    const line = new Float64Array(points.length * 2);
    for (let i = 0; i < points.length; i += 1) {
      line[2 * i] = citymap.projectX(points[i][0]);
      line[2 * i + 1] = citymap.projectY(points[i][1]);
    }
    return line;
  }

  const LINES = {
    Point: (c) => [[c]],
    MultiPoint: (c) => c.map((p) => [p]),
    LineString: (c) => [c],
    MultiLineString: (c) => c,
    Polygon: (c) => c,
    MultiPolygon: (c) => c.flat(),
  };

  /** The lines of a GeoJSON geometry as flat arrays of x, y, with their box. */
  citymap.shapeOf = function (geometry) {
    const lines = geometry.type === "GeometryCollection"
      ? geometry.geometries.flatMap((g) => citymap.shapeOf(g).lines)
      : (LINES[geometry.type] || (() => []))(geometry.coordinates).map(flat);
    return { lines, area: geometry.type.endsWith("Polygon"), box: boxOf(lines) };
  };

  function boxOf(lines) {
    const box = { west: Infinity, north: Infinity, east: -Infinity, south: -Infinity };
    for (const line of lines) {
      for (let i = 0; i < line.length; i += 2) {
        if (line[i] < box.west) box.west = line[i];
        if (line[i] > box.east) box.east = line[i];
        if (line[i + 1] < box.north) box.north = line[i + 1];
        if (line[i + 1] > box.south) box.south = line[i + 1];
      }
    }
    return box;
  }

  /** What one drawing covers: `width` x `height` CSS px whose top left is world pixel (left, top) at `zoom`. */
  citymap.Frame = class {
    constructor(zoom, left, top, width, height, ratio, glyph) {
      Object.assign(this, { zoom, left, top, width, height, ratio, glyph });
      this.scale = 256 * 2 ** zoom;
      this.u = glyph / 16;
      this.font = glyph / 0.92; // font size whose CJK glyphs are `glyph` high
      this.wide = zoom - Math.log2(this.u); // the zoom that a 16 px glyph would see: what styles go by
    }
    /** Whether anything of a box is on it, or within `reach` px of it. */
    sees(box, reach = 0) {
      return box.east * this.scale >= this.left - reach && box.west * this.scale <= this.left + this.width + reach &&
        box.south * this.scale >= this.top - reach && box.north * this.scale <= this.top + this.height + reach;
    }
    same(other) {
      return ["zoom", "left", "top", "width", "height", "ratio", "glyph"].every((key) => this[key] === other[key]) && this.corner.equals(other.corner);
    }
    /** A piece of it as a frame: the same picture, its own top left; `part` is the whole frame. */
    cut(left, top, width, height) {
      const piece = new citymap.Frame(this.zoom, this.left + left, this.top + top, width, height, this.ratio, this.glyph);
      piece.part = this;
      if (this.corner) piece.corner = this.corner.add([left, top]);
      return piece;
    }
    holds(px, py, margin) {
      return px >= -margin && py >= -margin && px <= this.width + margin && py <= this.height + margin;
    }
    px(x) {
      return x * this.scale - this.left;
    }
    py(y) {
      return y * this.scale - this.top;
    }
  };

  /** Adds lines to the current path, leaving out points closer than `step` px to the one before. */
  citymap.trace = function (context, frame, shape, step = 0.8) {
    const { scale, left, top } = frame;
    for (const line of shape.lines) {
      let lastX = line[0] * scale - left;
      let lastY = line[1] * scale - top;
      context.moveTo(lastX, lastY);
      const end = line.length - 2;
      for (let i = 2; i <= end; i += 2) {
        const x = line[i] * scale - left;
        const y = line[i + 1] * scale - top;
        if (i < end && Math.abs(x - lastX) < step && Math.abs(y - lastY) < step) continue;
        context.lineTo(x, y);
        lastX = x;
        lastY = y;
      }
      if (shape.area) context.closePath();
    }
  };

  function holds({ lines }, x, y) {
    let inside = false;
    for (const line of lines) {
      for (let i = 0, j = line.length - 2; i < line.length; j = i, i += 2) {
        if (line[i + 1] > y !== line[j + 1] > y && x < ((line[j] - line[i]) * (y - line[i + 1])) / (line[j + 1] - line[i + 1]) + line[i]) inside = !inside;
      }
    }
    return inside;
  }

  /** The first of some areas {lines, box} that holds a place of the unit square; null for none. The city's own have the smallest first. */
  citymap.areaAt = (areas, x, y) =>
    areas.find((one) => x >= one.box.west && x <= one.box.east && y >= one.box.north && y <= one.box.south && holds(one, x, y)) || null;

  /** Boxes already taken by labels; `take` refuses a box that would touch one of them. */
  citymap.Boxes = class {
    constructor(step = 128) {
      this.step = step;
      this.cells = new Map();
    }
    *keys(left, top, right, bottom) {
      for (let i = Math.floor(left / this.step); i <= Math.floor(right / this.step); i += 1) {
        for (let j = Math.floor(top / this.step); j <= Math.floor(bottom / this.step); j += 1) yield i * 65536 + j;
      }
    }
    free(left, top, right, bottom) {
      for (const key of this.keys(left, top, right, bottom)) {
        for (const box of this.cells.get(key) || []) {
          if (left < box[2] && right > box[0] && top < box[3] && bottom > box[1]) return false;
        }
      }
      return true;
    }
    put(left, top, right, bottom) {
      const box = [left, top, right, bottom];
      for (const key of this.keys(left, top, right, bottom)) {
        if (!this.cells.has(key)) this.cells.set(key, []);
        this.cells.get(key).push(box);
      }
    }
    take(left, top, right, bottom) {
      const free = this.free(left, top, right, bottom);
      if (free) this.put(left, top, right, bottom);
      return free;
    }
  };

  // -- the city's geography, fetched once per page --------------------------------------------------------------------

  const asked = new Map();
  const RETRY_MS = 5000;

  async function ask(name) {
    for (;;) {
      try {
        const answer = await fetch(`/api/v1/geography/${name}.json`, { credentials: "same-origin" });
        const data = await answer.json();
        if (answer.ok) {
          citymap.fault = "";
          citymap.attribution = data.attribution || citymap.attribution || "";
          return data;
        }
        citymap.fault = data.detail || data.reason || String(answer.status);
      } catch (error) {
        citymap.fault = error.message;
      }
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }

  /** Features of basemap, districts or cells: [{properties, lines, area, box}]; asks until it is answered. */
  citymap.geography = function (name) {
    if (!asked.has(name)) {
      asked.set(name, ask(name).then((data) => data.features.map((feature) => ({
        properties: feature.properties || {},
        ...citymap.shapeOf(feature.geometry),
      }))));
    }
    return asked.get(name);
  };
})();

/* A vector tile made ready to paint: shapes in flat arrays by layer and class, and where its names may stand.
 *
 * The same file is the page's script and the worker's: decoding never holds a frame.
 * citymap.decodeTile(bytes) -> Promise<{shapes, names, bytes}>   rejects with an Error that says what is wrong with the tile
 *   shapes: Map "layer/class" -> {area, points: Int16Array x, y …, ends: Uint32Array (past each line), boxes: Int16Array 4 a line}
 *   names: [{layer, kind, name, en, ref, spots: [x, y, room], runs: [x0, y0, x1, y1, …]}], the layer's most telling first
 * Units: 4096 a tile, x to the east, y to the south; a tile's geometry may overhang it by its buffer.
 */
"use strict";

(function (scope) {
  const UNITS = 4096;
  const MOST = 32767; // of an Int16
  const BEND = 0.22; // radians that a road may turn under its name
  const RUN_LEAST = 90; // units: a shorter run has no room for a name even eight times enlarged
  const JOIN = 3; // units between two ends that are one road
  const NAMED = new Set(["transportation_name", "waterway", "water", "park", "place", "poi"]);

  function decode(bytes) {
    const tile = scope.hallVectorTile(new Uint8Array(bytes));
    const groups = new Map();
    const names = [];
    for (const [layer, content] of Object.entries(tile.layers)) {
      const unit = UNITS / content.extent;
      for (let i = 0; i < content.length; i += 1) take(layer, content.feature(i), unit, groups, names);
    }
    const shapes = new Map();
    for (const [key, group] of groups) shapes.set(key, packed(group));
    return { shapes, names: placed(names) };
  }

  function take(layer, feature, unit, groups, names) {
    const { properties, type } = feature;
    const lines = feature.loadGeometry().map((points) => {
      const line = new Int16Array(points.length * 2);
      points.forEach(({ x, y }, i) => {
        line[2 * i] = Math.max(-MOST, Math.min(MOST, Math.round(x * unit)));
        line[2 * i + 1] = Math.max(-MOST, Math.min(MOST, Math.round(y * unit)));
      });
      return line;
    });
    if (NAMED.has(layer) && (properties.name || properties.ref)) names.push({ layer, properties, type, lines });
    if (layer === "transportation_name" || type < 2) return;
    const key = keyOf(layer, properties);
    if (!key) return;
    if (!groups.has(key)) groups.set(key, { area: type === 3, lines: [] });
    const group = groups.get(key);
    if (group.area === (type === 3)) for (const line of lines) if (line.length > 2) group.lines.push(line);
  }

  function keyOf(layer, properties) {
    if (layer === "boundary") return properties.maritime ? "" : `boundary/${properties.admin_level}`;
    if (layer === "transportation" && properties.ramp) return "transportation/ramp";
    return `${layer}/${properties.class || ""}`;
  }

  function packed({ area, lines }) {
    const points = new Int16Array(lines.reduce((sum, line) => sum + line.length, 0));
    const ends = new Uint32Array(lines.length);
    const boxes = new Int16Array(lines.length * 4);
    let at = 0;
    lines.forEach((line, n) => {
      points.set(line, at);
      ends[n] = at += line.length;
      boxes.set(boxOf(line), n * 4);
    });
    return { area, points, ends, boxes };
  }

  function boxOf(line) {
    let [west, north, east, south] = [MOST, MOST, -MOST, -MOST];
    for (let i = 0; i < line.length; i += 2) {
      west = Math.min(west, line[i]);
      east = Math.max(east, line[i]);
      north = Math.min(north, line[i + 1]);
      south = Math.max(south, line[i + 1]);
    }
    return [west, north, east, south];
  }

  // -- where names may stand: worked out in the tile, so that they stay on the ground while the view moves ---------------

  function placed(found) {
    const made = [];
    const roads = new Map();
    for (const { layer, properties, type, lines } of found) {
      const { name = "", ref = "" } = properties;
      const row = { layer, kind: String(properties.class || ""), name: String(name), en: String(properties["name:en"] || name), ref: String(ref), spots: [], runs: [] };
      if (type === 1) {
        // a point belongs to one tile, though its neighbours have it in their buffer
        for (const [x, y] of lines) if (x >= 0 && y >= 0 && x < UNITS && y < UNITS) row.spots.push(x, y, 0);
        if (row.spots.length) made.push(row);
      } else if (type === 2) {
        const key = `${layer}|${row.kind}|${row.name}|${row.ref}`;
        if (!roads.has(key)) roads.set(key, { row, lines: [] });
        roads.get(key).lines.push(...lines.filter((line) => line.length > 2));
      } else made.push(areaName(row, lines));
    }
    for (const { row, lines } of roads.values()) {
      for (const line of joined(lines)) runsOf(line, row.runs);
      if (row.runs.length) made.push(row);
    }
    return made;
  }

  const near = (a, i, b, j) => Math.abs(a[i] - b[j]) <= JOIN && Math.abs(a[i + 1] - b[j + 1]) <= JOIN;
  const turned = (line) => {
    const back = new Int16Array(line.length);
    for (let i = 0; i < line.length; i += 2) [back[line.length - 2 - i], back[line.length - 1 - i]] = [line[i], line[i + 1]];
    return back;
  };
  function glued(a, b) {
    const both = new Int16Array(a.length + b.length - 2);
    both.set(a);
    both.set(b.subarray(2), a.length);
    return both;
  }

  /** Pieces of one road put together where their ends meet. */
  function joined(lines) {
    const left = [...lines];
    const done = [];
    while (left.length && left.length < 400) {
      let line = left.pop();
      for (let i = left.length - 1; i >= 0; i -= 1) {
        const other = left[i];
        const [a, b] = [line.length - 2, other.length - 2];
        if (near(line, a, other, 0)) line = glued(line, other);
        else if (near(line, a, other, b)) line = glued(line, turned(other));
        else if (near(line, 0, other, b)) line = glued(other, line);
        else if (near(line, 0, other, 0)) line = glued(turned(other), line);
        else continue;
        left.splice(i, 1);
        i = left.length;
      }
      done.push(line);
    }
    return done.concat(left);
  }

  /** The nearly straight runs of a line, those only whose middle lies in this tile. */
  function runsOf(line, runs) {
    const close = (from, to) => {
      const [x0, y0, x1, y1] = [line[from], line[from + 1], line[to], line[to + 1]];
      const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
      if (Math.hypot(x1 - x0, y1 - y0) >= RUN_LEAST && x >= 0 && y >= 0 && x < UNITS && y < UNITS) runs.push(x0, y0, x1, y1);
    };
    let start = 0;
    let heading = null;
    for (let i = 0; i + 3 < line.length; i += 2) {
      const angle = Math.atan2(line[i + 3] - line[i + 1], line[i + 2] - line[i]);
      const bend = heading === null ? 0 : Math.abs(Math.atan2(Math.sin(angle - heading), Math.cos(angle - heading)));
      if (heading === null) heading = angle;
      else if (bend > BEND) {
        close(start, i);
        start = i;
        heading = angle;
      }
    }
    close(start, line.length - 2);
  }

  /** An area's name: in the middle of its widest part; a long narrow one (a river) has its runs, too, moved into its middle. */
  function areaName(row, rings) {
    let widest = null;
    const [, north, , south] = boxOf(rings.reduce((most, ring) => (ring.length > most.length ? ring : most), rings[0]));
    for (const part of [0.5, 0.35, 0.65, 0.2, 0.8]) {
      const y = Math.min(UNITS - 1, Math.max(0, north)) + part * (Math.min(UNITS, Math.max(0, south)) - Math.min(UNITS - 1, Math.max(0, north)));
      const xs = crossings(rings, y).map((x) => Math.max(0, Math.min(UNITS, x)));
      for (let i = 0; i + 1 < xs.length; i += 2) if (!widest || xs[i + 1] - xs[i] > widest[2] * 1.15) widest = [(xs[i] + xs[i + 1]) / 2, y, xs[i + 1] - xs[i]];
    }
    if (widest && widest[2] > 0) row.spots.push(...widest);
    if (row.layer !== "water") return row;
    const edge = [];
    for (const ring of rings) runsOf(ring, edge);
    for (let i = 0; i < edge.length; i += 4) {
      const [x0, y0, x1, y1] = edge.slice(i, i + 4);
      const length = Math.hypot(x1 - x0, y1 - y0);
      const width = length > 3 * RUN_LEAST ? across(rings, (x0 + x1) / 2, (y0 + y1) / 2, -(y1 - y0) / length, (x1 - x0) / length) : null;
      if (width === null || width > length / 3) continue;
      const [dx, dy] = [(-(y1 - y0) / length) * (width / 2), ((x1 - x0) / length) * (width / 2)];
      row.runs.push(x0 + dx, y0 + dy, x1 + dx, y1 + dy);
    }
    return row;
  }

  function crossings(rings, y) {
    const xs = [];
    for (const ring of rings) {
      for (let i = 0; i + 3 < ring.length; i += 2) {
        const [y0, y1] = [ring[i + 1], ring[i + 3]];
        if (y0 <= y !== y1 <= y) xs.push(ring[i] + ((y - y0) / (y1 - y0)) * (ring[i + 2] - ring[i]));
      }
    }
    return xs.sort((a, b) => a - b);
  }

  /** How far the other bank is from a place on this one, along a unit vector into the area (exterior rings are clockwise). */
  function across(rings, x, y, dx, dy) {
    let least = null;
    for (const ring of rings) {
      for (let i = 0; i + 3 < ring.length; i += 2) {
        const [ex, ey] = [ring[i + 2] - ring[i], ring[i + 3] - ring[i + 1]];
        const turn = dx * ey - dy * ex;
        if (!turn) continue;
        const along = ((ring[i] - x) * ey - (ring[i + 1] - y) * ex) / turn;
        const part = ((ring[i] - x) * dy - (ring[i + 1] - y) * dx) / turn;
        if (part >= 0 && part <= 1 && along > 4 && (least === null || along < least)) least = along;
      }
    }
    return least;
  }

  const weigh = (made) => {
    let bytes = 400;
    for (const { points, ends, boxes } of made.shapes.values()) bytes += points.byteLength + ends.byteLength + boxes.byteLength + 300;
    for (const { name, en, spots, runs } of made.names) bytes += 200 + 2 * (name.length + en.length) + 8 * (spots.length + runs.length);
    return bytes;
  };

  // -- in the worker ----------------------------------------------------------------------------------------------------

  if (!scope.document) {
    scope.onmessage = ({ data: { id, bytes, library } }) => {
      if (library) return scope.importScripts(library);
      try {
        const made = decode(bytes);
        const held = [...made.shapes.values()].flatMap(({ points, ends, boxes }) => [points.buffer, ends.buffer, boxes.buffer]);
        scope.postMessage({ id, made }, held);
      } catch (error) {
        scope.postMessage({ id, fault: error.message });
      }
    };
    return;
  }

  // -- on the page ------------------------------------------------------------------------------------------------------

  const citymap = (scope.hall.citymap = scope.hall.citymap || {});
  const FOLDER = "/assets/map/"; // the page's scripts are one bundle (hall/app/bundle.py): a worker takes these two files of it alone
  const waiting = new Map();
  let worker = null;
  let asked = 0;

  function begin() {
    try {
      worker = new Worker(`${FOLDER}31-tile-decode.js`);
      worker.postMessage({ library: `${FOLDER}31-mvt.js` });
      worker.onmessage = ({ data: { id, made, fault } }) => {
        const [done, failed] = waiting.get(id);
        waiting.delete(id);
        if (made) done(made);
        else failed(new Error(fault));
      };
      worker.onerror = (event) => { // no worker here: the page decodes itself
        event.preventDefault();
        worker = false;
        for (const [, failed] of waiting.values()) failed(new Error(event.message || "worker"));
        waiting.clear();
      };
    } catch {
      worker = false;
    }
  }

  /** Begins the worker before there is a tile: a page that starts is too busy to do it when the first one comes. */
  citymap.expectTiles = () => worker === null && begin();

  citymap.decodeTile = async function (bytes) {
    citymap.expectTiles();
    let made;
    if (!worker) made = decode(bytes);
    else {
      const id = (asked += 1);
      made = await new Promise((done, failed) => {
        waiting.set(id, [done, failed]);
        worker.postMessage({ id, bytes }, [bytes]);
      });
    }
    made.bytes = weigh(made);
    return made;
  };
})(self);

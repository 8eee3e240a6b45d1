/* The city's areas by level (docs/MAP.md, boundaries): fetched once per page, in the unit square of the map.
 *
 * hall.citymap.areas(level) -> Promise<[{code, name, parent, km2, label: [x, y], lines, area, box}]>   rejects where they cannot be had
 * hall.citymap.colouring(host, name, shown)   areas or heat were switched: the other one and the radar make room, else colours would mix
 * hall.citymap.hatch(c, frame)       a pattern for areas of which nothing is known
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const asked = new Map();

  async function ask(level) {
    const answer = await fetch(`/api/v1/boundaries/${encodeURIComponent(level)}`, { credentials: "same-origin", signal: AbortSignal.timeout(30000) });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || `HTTP ${answer.status}`);
    const { features } = await answer.json();
    const found = features.map(({ properties: p, geometry }) => ({
      code: p.code, name: p.name || p.code, parent: p.parent || "", km2: (p.square_metres || 0) / 1e6,
      label: p.label ? [citymap.projectX(p.label[0]), citymap.projectY(p.label[1])] : null, ...citymap.shapeOf(geometry),
    }));
    return found.sort((a, b) => a.km2 - b.km2);
  }

  citymap.areas = function (level) {
    if (!asked.has(level)) {
      const asking = ask(level);
      asking.catch(() => asked.delete(level)); // asked again next time
      asked.set(level, asking);
    }
    return asked.get(level);
  };

  /** Whether an area's middle lies in a box. */
  citymap.areaInBox = function ({ box }, outer) {
    const [x, y] = [(box.west + box.east) / 2, (box.north + box.south) / 2];
    return x >= outer.west && x <= outer.east && y >= outer.north && y <= outer.south;
  };

  const COLOURINGS = ["measures", "heat"];

  /** One colouring of the ground at a time: what is shown takes the place of the others, of the radar and of the cells' own; those come back. */
  citymap.colouring = function (host, name, shown) {
    const { ground, legend } = host;
    const cells = (on) => {
      ground.shown.cells = on;
      legend.press("cells", on);
    };
    if (!shown) {
      if (host.radarWaits) host.radar.choose(host.radarWaits.wanted);
      if (host.cellsWait) cells(true);
      host.radarWaits = host.cellsWait = null;
      return;
    }
    for (const other of COLOURINGS) {
      const part = other !== name && host.layers.get(other);
      if (!part || !part.shown) continue;
      legend.press(other, false);
      part.choose(false);
    }
    if (ground.shown.cells) {
      host.cellsWait = true;
      cells(false);
    }
    if (host.radar.doc ? !host.radar.shown : host.radar.wanted === false) return; // without a document: one may come
    host.radarWaits = { wanted: host.radar.wanted };
    host.radar.choose(false);
  };

  /** The cells' own colouring was switched on by hand: the others go. */
  citymap.cellsChosen = function (host) {
    if (!host.ground.shown.cells) return;
    host.cellsWait = false;
    for (const name of COLOURINGS) {
      const part = host.layers.get(name);
      if (!part || !part.shown) continue;
      host.legend.press(name, false);
      part.choose(false);
    }
  };

  const tiles = new Map(); // step -> canvas
  citymap.hatch = function (c, frame) {
    const step = Math.max(4, Math.round(6 * frame.u * frame.ratio));
    if (!tiles.has(step)) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = step;
      const t = tile.getContext("2d");
      t.strokeStyle = "rgba(150,166,186,.42)";
      t.lineWidth = Math.max(1, step / 9);
      for (const shift of [-step, 0, step]) {
        t.moveTo(shift - 1, -1);
        t.lineTo(shift + step + 1, step + 1);
      }
      t.stroke();
      tiles.set(step, tile);
    }
    const made = c.createPattern(tiles.get(step), "repeat");
    // in device px, fixed to the ground: pieces of a drag meet without a seam
    const at = (n) => -(((n * frame.ratio) % step) + step) % step;
    made.setTransform(new DOMMatrix().scale(1 / frame.ratio).translate(at(frame.left), at(frame.top)));
    return made;
  };
})();

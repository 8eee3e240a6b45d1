/* What the alignment test runs on the page: each layer alone on a bare map, and where what it paints lies. `window.part` is the map. */
(() => {
  "use strict";
  const { part } = window;
  const { hall } = window;
  const { citymap } = hall;
  const { ground, things, movers, layers, components } = part;
  const [marks, live, shapes, heat, measures, depth, boundaries, pictures] = ["marks", "live", "shapes", "heat", "measures", "depth", "boundaries", "pictures"].map((name) => layers.get(name));
  const SEEN = 60; // of 1,020: what a pixel must differ by to belong to a symbol's box
  const kept = { stamp: citymap.stamp, markOf: citymap.markOf, drawPlate: citymap.drawPlate };
  const { still } = pictures;
  let other = true; // whether the ground's still part may have something on it
  let all = null; // what the map holds at the zoom
  let at = null; // {zoom, place: [lon, lat], ring, metres}: the square's place and corners; half its side

  // -- one layer alone -----------------------------------------------------------------------------------------------------

  const only = (entries, name) => new Map([...entries].filter(([subject]) => subject.endsWith(name + at.zoom)));
  const thing = (kind, name) => ((things[kind] = only(all[kind], name)), (things.shown[kind] = true));
  const unit = (name) => ((movers.units = only(all.units, name)), (movers.shown.vehicles = true));
  const shape = (name) => (shapes.list = all.shapes.filter(({ subject }) => subject === `shape/${name}${at.zoom}`));
  const water = (product) => ((depth.field.docs = new Map([...all.depths].filter(([subject]) => subject.endsWith(product)))), (depth.field.wanted = true));
  const coloured = (level) => Object.assign(measures, all.measured[level], { shown: true });
  const here = () => ({ lon: at.place[0], lat: at.place[1] });
  const area = () => citymap.shapeOf({ type: "Polygon", coordinates: [at.ring] });
  /** It was west of the place, then east of it, and is there now. */
  const trail = () => {
    const [subject] = movers.units.keys();
    const [x, y, now] = [citymap.projectX(at.place[0]), citymap.projectY(at.place[1]), citymap.now()];
    movers.trails.span = 600000;
    movers.trails.forget(subject);
    for (const [px, seconds] of [[-24, 190], [24, 60], [0, 0]]) movers.trails.add(subject, x + px / part.stage.frame.scale, y, now - seconds * 1000);
  };
  const unstamped = () => (citymap.stamp = () => {}); // what lies below a symbol
  const counted = () => [{ id: "cell", what: "camera", x: citymap.projectX(at.place[0]), y: citymap.projectY(at.place[1]), ...here(), count: 9, online: 9, offline: 0 }];

  /** name -> [sheet, show(), how it is measured, what is pointed at where it is painted]; a name's first word is what the map calls it. */
  const LAYERS = {
    "basemap-tiles": ["ground", () => (ground.shown.basemap = true), { still: true }],
    basemap: ["ground", () => Object.assign(ground, { layers: null, tiled: false }).shown.basemap = true, { still: true }],
    pictures: ["ground", () => (pictures.still = still), { still: true }],
    districts: ["ground", () => (ground.shown.districts = true)],
    cells: ["ground", () => (ground.shown.cells = true)],
    warnings: ["ground", () => (ground.shown.warnings = true)],
    boundaries: ["ground", () => boundaries.choose(true)],
    "measures of cells": ["ground", () => coloured("cells"), {}, "area"],
    "measures of districts": ["ground", () => coloured("districts"), {}, "area"],
    heat: ["ground", () => (heat.shown = true)],
    radar: ["ground", () => (part.radar.wanted = true)],
    "depth told as areas": ["ground", () => water("areas"), {}, "depth"],
    "depth told as a grid": ["ground", () => water("grid"), {}, "depth"],
    components: ["components", () => (components.shown = true), {}, "component"],
    "shapes area": ["ground", () => shape("area"), {}, "shape"],
    "shapes line": ["ground", () => shape("line"), {}, "shape"],
    "shapes circle": ["ground", () => shape("circle"), {}, "shape"],
    "shapes arrow": ["things", () => shape("arrow"), { foot: true, below: 0.27 }],
    "shapes point": ["things", () => shape("point"), { foot: true, below: 0.1 }, "shape"],
    cases: ["things", () => thing("cases", "cases/"), { box: true }, "case"],
    "cases as one": ["things", () => ((citymap.drawPlate = () => [0, 0, 0, 0]), thing("cases", "")), { box: true }, "cluster"],
    gauges: ["things", () => thing("gauges", "/g"), { box: true }, "gauge"],
    "gauges as tubes": ["things", () => thing("gauges", "tube"), { box: true, aside: 0.27 }, "gauge"],
    "gauges of an alarm": ["things", () => ((citymap.markOf = () => {}), thing("gauges", "alarm")), { box: true }, "gauge"],
    cameras: ["things", () => thing("cameras", "/blind"), { box: true }, "camera"],
    "cameras counted": ["things", () => ((things.cameraCells = counted), (things.shown.cameras = true)), { box: true }, "cluster"],
    "cameras sector": ["things", () => (thing("cameras", "/sees"), ([things.chosen] = things.cameras.keys()), unstamped()), { foot: true, below: 0.07 }],
    depots: ["things", () => (things.shown.depots = true), { box: true }, "depot"],
    closures: ["things", () => (things.shown.closures = true), { box: true, aside: -1.35 }, "closure"],
    incidents: ["things", () => (things.shown.incidents = true), { foot: true, below: 0.19 }, "incident"],
    vehicles: ["movers", () => unit("still"), { box: true }, "unit"],
    "vehicles crew": ["movers", () => unit("crew"), { box: true }, "unit"],
    "vehicles crew's heading": ["movers", () => unit("foot"), { box: true, aside: 0.273 }, "unit"], // its tip reaches east
    "vehicles north": ["movers", () => unit("north"), { box: true, below: -0.046 }, "unit"],
    "vehicles east": ["movers", () => unit("east"), { box: true, aside: 0.046 }, "unit"],
    "vehicles accuracy": ["movers", () => (unit("about"), unstamped())],
    "vehicles trail": ["movers", () => (unit("trail"), trail(), unstamped())],
    "marks pin": ["things", () => (marks.marked = { ...here(), text: "" })],
    "marks circle": ["things", () => (marks.round = { ...here(), metres: at.metres })],
    "marks outline": ["things", () => (marks.outline = area())],
    "live outline": ["things", () => ((live.at = { outline: area(), entry: area }), (part.card.hit = { entry: area }))],
  };

  /** Nothing but the ground's own colour. */
  function bare() {
    Object.assign(citymap, kept);
    ground.layers = layers;
    for (const { shown } of [ground, things, movers]) for (const name of Object.keys(shown)) shown[name] = false;
    Object.assign(things, { gauges: all.gauges, cases: all.cases, cameras: all.cameras, chosen: "", cameraCells: () => null });
    for (const one of ["clusters", "quietClusters", "cameraClusters"]) things[one].touch();
    part.radar.wanted = depth.field.wanted = measures.shown = heat.shown = false;
    movers.units = all.units;
    movers.trails.span = 0;
    boundaries.choose(false);
    pictures.still = () => {};
    components.shown = false;
    shapes.list = shapes.labels = [];
    Object.assign(things, { hits: [] }), (movers.seen = null), (ground.plates = []); // of what is not painted now
    marks.marked = marks.round = marks.outline = live.at = part.card.hit = null;
  }

  /** All that has to be brought is shown, so that it comes. */
  function view(told, [lon, lat]) {
    at = told;
    part.radar.choose(true);
    things.shown.cameras = movers.shown.vehicles = heat.shown = true;
    boundaries.choose(true);
    pictures.still = still;
    part.map.setView([lat, lon], at.zoom, { animate: false });
  }

  const has = (map, ...subjects) => subjects.every((subject) => map.has(subject + at.zoom));

  /** What has not come yet. */
  function missing() {
    const { stage } = part;
    const { zoom } = at;
    const waters = [...depth.field.docs.values()].flatMap((doc) => doc.frames.map((frame) => (depth.field.fetch(doc, frame), frame.version)));
    const found = {
      tiles: ground.tiles.store.whole, pictures: part.groundChoice.pictures.sheets.every(({ store }) => store.whole), rain: part.radar.codes.has(`rain${zoom}`),
      cells: ground.rows[zoom], units: has(movers.units, "position/crews/trail", "position/crews/about"), depots: has(things.depots, "depot/d"),
      depths: ["areas", "grid"].every((name) => waters.includes(name + zoom) && depth.field.codes.has(name + zoom)), heat: heat.field && !heat.asking,
      areas: ground.districts.length && ground.basemap.length && ground.cells.size && part.layers.get("boundaries").counts().boundaries,
      view: stage.frame.zoom === zoom && stage.lower.frame.zoom === zoom,
    };
    return Object.keys(found).filter((name) => !found[name]);
  }

  function paint(sheet, anew) {
    if (anew) ground.stillFrame = null;
    part.stage.dirty(sheet);
    part.stage.paint();
  }

  function read(sheet) {
    const { canvas, frame } = part.stage.on(sheet);
    const { ratio } = frame;
    const { x, y } = part.map.project([at.place[1], at.place[0]]).subtract(part.map.getPixelOrigin()).subtract(frame.corner);
    const reach = Math.round(52 * ratio);
    const [left, top, size] = [Math.round(x * ratio) - reach, Math.round(y * ratio) - reach, 2 * reach];
    const copy = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, -left, -top);
    return { x, y, ratio, left, top, size, glyph: frame.glyph, data: copy.getImageData(0, 0, size, size).data };
  }

  /** [painted, how far its middle, its box's middle or its lowest point lies from its place (CSS px right, down), what is pointed at there]. */
  function beside([sheet, show, { still: anew, box, foot, aside = 0, below = 0 } = {}]) {
    bare();
    paint(sheet, anew || other);
    other = anew;
    const { data: then } = read(sheet);
    show();
    paint(sheet, anew);
    const { x, y, ratio, left, top, size, glyph, data } = read(sheet);
    const weights = Float64Array.from({ length: size * size }, (_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + Math.abs(data[4 * i + k] - then[4 * i + k]), 0));
    const edge = { left: size, right: 0, top: size, bottom: 0 };
    let [sum, across, down] = [0, 0, 0];
    const add = (i) => {
      const [column, row] = [i % size, Math.floor(i / size)];
      [sum, across, down] = [sum + weights[i], across + weights[i] * (column + 0.5), down + weights[i] * (row + 0.5)];
      if (weights[i] > SEEN) Object.assign(edge, { left: Math.min(edge.left, column), right: Math.max(edge.right, column + 1), top: Math.min(edge.top, row), bottom: Math.max(edge.bottom, row + 1) });
    };
    weights.forEach((_, i) => add(i));
    const painted = sum;
    if (foot) {
      [sum, across, down] = [0, 0, 0];
      for (let i = size * Math.max(0, edge.bottom - 2 * ratio); i < size * edge.bottom; i += 1) add(i);
    }
    const px = (left + (box ? (edge.left + edge.right) / 2 : across / sum)) / ratio;
    const py = (top + (foot ? edge.bottom : box ? (edge.top + edge.bottom) / 2 : down / sum)) / ratio;
    const hit = part.hitAt(px, py - (foot ? glyph : 0), true);
    return [painted, px - x - aside * glyph, py - y - below * glyph, hit ? hit.what : ""];
  }

  /** Drawn by hand (measuring, selecting, drawing: one tool) and the ring about what is new: in panes of Leaflet's own. */
  function byHand() {
    const { map } = part;
    const node = map.getContainer();
    const box = node.getBoundingClientRect();
    const found = {};
    const about = (name, what, [lon, lat]) => {
      const seen = (what.nodeType ? what : node.querySelector(what)).getBoundingClientRect();
      const { x, y } = map.latLngToContainerPoint([lat, lon]);
      found[name] = [seen.left + seen.width / 2 - box.left - x, seen.top + seen.height / 2 - box.top - y];
    };
    const sketch = new citymap.Sketch(map, { most: 1 });
    const { ring, place } = at;
    const panes = Object.keys(map.getPanes());
    for (const [kind, points] of [["polygon", ring.slice(0, 4)], ["line", [ring[0], ring[2]]], ["circle", [place, [ring[1][0], place[1]]]], ["point", [place]]]) {
      sketch.load(kind, points);
      about(`drawn ${kind}`, ".map-draw-shape", place);
      points.forEach((point, n) => about(`drawn ${kind}'s corner ${n}`, `[data-corner="${n}"]:not([data-middle])`, point));
    }
    sketch.remove();
    part.pulses.show(map, { ...here(), severity: 1 }, 16);
    about("pulse", part.pulses.markers.at(-1).getElement(), place);
    return { found, panes };
  }

  function measure() {
    all = { gauges: things.gauges, cases: things.cases, cameras: things.cameras, units: movers.units, depths: depth.field.docs, shapes: citymap.shapes.all(), measured: window.measured };
    const found = Object.fromEntries(Object.entries(LAYERS).map(([name, layer]) => [name, [...beside(layer), layer[3] || ""]]));
    bare();
    components.shown = true;
    return found;
  }

  /** Names of all that a map can show, and of all that is measured. */
  function names() {
    const slots = ["still", "ground", "over", "things"];
    const painting = citymap.declared.map(({ name }) => name).filter((name) => slots.some((slot) => layers.get(name)[slot]));
    return {
      known: [...new Set([...part.legend.rows.keys(), ...[ground, things, movers].flatMap(({ shown }) => Object.keys(shown)), ...painting])],
      measured: [...new Set(Object.keys(LAYERS).map((name) => name.split(" ")[0]))],
      sheets: [...part.stage.sheets.keys()], painted: [...new Set(Object.values(LAYERS).map(([sheet]) => sheet))],
    };
  }

  all = { gauges: things.gauges, cases: things.cases, cameras: things.cameras, units: movers.units };
  window.alignment = { view, missing, measure, byHand, names };
})();

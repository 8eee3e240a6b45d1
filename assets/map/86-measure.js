/* Measuring on the page /map: distances with bearings, areas with perimeters, circles; live while drawing, kept until cleared.
 *
 * hall.citymap.sizesOf(kind, points) -> [{key, text}] what a sketch measures (key of map.measure.*)
 * hall.citymap.longText(metres), areaText(square metres), bearingText(degrees)
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const { format } = hall;
  const KINDS = ["line", "polygon", "circle"];
  const MOST = 20;

  citymap.longText = (metres) => (metres < 1000 ? `${format.number(metres, 1)} m` : `${format.number(metres / 1000, metres < 1e5 ? 3 : 1)} km`);
  citymap.areaText = (m2) => (m2 < 1e4 ? `${format.number(m2, 1)} m²` : m2 < 1e6 ? hall.t("map.measure.hectares", { n: format.number(m2 / 1e4, 3) }) : `${format.number(m2 / 1e6, 3)} km²`);
  citymap.bearingText = (degrees) => `${format.number(degrees, 1).padStart(5, "0")}°`;
  const placeText = ([lon, lat]) => `${lat.toFixed(6)}, ${lon.toFixed(6)}`;

  citymap.sizesOf = function (kind, points) {
    const { inverse, length, area } = citymap.geodesic;
    const long = (key, metres) => ({ key, text: citymap.longText(metres) });
    if (kind === "point" || kind === "text") return [{ key: "place", text: placeText(points[0]) }];
    if (points.length < 2) return [];
    if (kind === "circle") {
      const { metres, bearing } = inverse(points[0], points[1]);
      const round = citymap.geodesic.circle(points[0], metres, 360);
      return [long("radius", metres), { key: "bearing", text: citymap.bearingText(bearing) }, { key: "area", text: citymap.areaText(area(round)) }, long("perimeter", length(round, true))];
    }
    const [a, b] = points.slice(-2);
    const side = inverse(a, b);
    const last = [long("side", side.metres), { key: "bearing", text: citymap.bearingText(side.bearing) }];
    if (kind === "polygon") return points.length < 3 ? last : [{ key: "area", text: citymap.areaText(area(points)) }, long("perimeter", length(points, true))];
    return [long("distance", length(points)), ...(points.length > 2 ? last : last.slice(1))];
  };
  const rows = (found) => make("dl.map-measured", {}, found.flatMap(({ key, text }) => [make("dt", {}, hall.t(`map.measure.${key}`)), make("dd", {}, text)]));

  class Measure {
    constructor(view) {
      this.view = view;
      this.sketch = new citymap.Sketch(view.map, { most: MOST });
      this.labels = L.layerGroup().addTo(view.map);
      this.live = make("div.map-measure-live", { role: "status" });
      this.words = make("p.map-draw-words", { role: "status" });
      this.list = make("ol.map-measure-list");
      this.buttons = KINDS.map((kind) => {
        const button = said("button.desk-chip", `map.measure.do.${kind}`, null, { type: "button", "data-measure": kind });
        button.onclick = () => (view.card.show(null), this.sketch.start(kind));
        return button;
      });
      const undo = make("button.desk-chip", { type: "button" }, [said("span", "map.draw.do.undo"), make("kbd", {}, "Ctrl+Z")]);
      undo.onclick = () => this.sketch.undo();
      this.wipe = said("button.desk-chip", "map.measure.clear", null, { type: "button", "data-measure": "clear" });
      this.wipe.onclick = () => (this.sketch.clear(), this.show());
      this.node = make("div.map-measure", {}, [make("div.map-draw-bar", {}, [...this.buttons, undo, this.wipe]), this.words, this.live, this.list, said("p.desk-hint", "map.measure.hint")]);
      this.sketch.listen(() => this.show());
      this.sketch.heed((points, kind) => this.stretch(points, kind));
      this.show();
    }

    get shapes() {
      return this.sketch.shapes;
    }

    stretch(points, kind) {
      hall.fill(this.live, points ? rows(citymap.sizesOf(kind || this.sketch.kindNow(), points)) : "");
    }

    show() {
      const { sketch } = this;
      hall.setText(this.words, sketch.words);
      this.words.dataset.refused = sketch.refused ? "1" : "";
      if (!sketch.open) hall.fill(this.live, "");
      else if (sketch.open.length > 1) this.stretch(sketch.open, sketch.kind);
      this.wipe.disabled = !sketch.shapes.length && !sketch.open;
      for (const button of this.buttons) button.setAttribute("aria-pressed", String(!!sketch.open && sketch.kind === button.dataset.measure));
      hall.fill(this.list, sketch.shapes.map(({ id, kind, points }, i) => {
        const drop = make("button.desk-button.is-quiet", { type: "button", "aria-label": hall.t("map.measure.drop", { n: i + 1 }) }, "✕");
        drop.onclick = () => sketch.drop(id);
        const row = make("li", { "data-kind": kind }, [make("b", {}, `${i + 1}`), rows(citymap.sizesOf(kind, points)), drop]);
        row.onclick = () => sketch.pick(id);
        return row;
      }));
      this.labels.clearLayers();
      sketch.shapes.forEach(({ kind, points }, i) => {
        const [first] = citymap.sizesOf(kind, points);
        const [lon, lat] = kind === "polygon" ? points[0] : points[points.length - 1];
        const text = make("span", {}, `${i + 1} · ${first ? first.text : ""}`);
        L.marker([lat, lon], { pane: "draw", interactive: false, keyboard: false, icon: L.divIcon({ className: "map-measure-label", iconSize: null, html: text }) }).addTo(this.labels);
      });
    }

    /** What is measured, for the printed sheet: [{kind, points, text}]. */
    printed() {
      return this.sketch.shapes.map(({ kind, points }, i) => ({ kind, points: kind === "circle" ? citymap.geodesic.circle(points[0], citymap.geodesic.inverse(points[0], points[1]).metres) : points, closed: kind !== "line", text: `${i + 1} · ${(citymap.sizesOf(kind, points)[0] || {}).text || ""}` }));
    }

    remove() {
      this.labels.remove();
      this.sketch.remove();
    }
  }

  let tool = null;
  const opened = () => !!citymap.page && citymap.page.side.name === "measure";
  function close() {
    if (tool && tool.sketch.open) tool.sketch.cancel();
    if (tool && !tool.sketch.shapes.length) (tool.remove(), (tool = null)); // nothing is kept of an empty one
  }
  citymap.measured = () => (tool ? tool.printed() : []);

  citymap.tool({
    name: "measure", order: 210, key: "m", mode: true,
    state: () => ({ on: opened() || !!(tool && tool.sketch.open) }),
    act(view, page) {
      if (tool && tool.view !== view) (tool.remove(), (tool = null));
      if (opened()) return void page.side.close(true);
      tool = tool || new Measure(view);
      page.side.open({ name: "measure", title: "maptool.measure", node: tool.node, onClose: close });
      view.card.show(null);
      tool.sketch.start("line");
    },
    end: (view, page) => (opened() ? page.side.close(true) : close()),
  });
})();

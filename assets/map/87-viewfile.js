/* A view as data: what the hall is asked for, and what the file will hold, before anybody takes it.
 *
 * hall.citymap.viewAsked(view, title)  -> body of POST /api/v1/map/exports/view and …/geojson
 * hall.citymap.fileMarks(), .fileView(view), .featureFile(head, kind, features, times)   what files say of themselves
 * hall.citymap.viewCounts(view, title) -> Promise of a node: how many of each kind, what is cut, what is not in the file
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const WITHIN_MS = 30000;
  /** Layer -> kind of the file; of vehicles the crews, and beside them those that belong to none. */
  const KIND = { cases: "cases", vehicles: "crews", cameras: "cameras", gauges: "gauges", components: "components", shapes: "shapes", warnings: "warnings", closures: "closures",
    depots: "depots", incidents: "incidents", measures: "measures", cells: "cells", heat: "heat", depth: "depth", radar: "rain" };

  function frameOf(field) {
    const state = field && field.shown && field.state;
    return state && !state.gone ? { feed: state.doc.feed, product: state.doc.product, version: state.frame.version } : null;
  }

  /** What is chosen of the layers that show a part or a moment of something. */
  const CHOSEN = {
    components: (view) => view.components.asked || {},
    measures(view) {
      const part = view.layers.get("measures");
      if (!part.table || !part.measure) return null;
      const last = part.path[part.path.length - 1];
      return { measure: part.measure.name, level: part.level, parent: last ? last.code : "" };
    },
    heat(view) {
      const part = view.layers.get("heat");
      const span = part.span();
      return span && { from: span[0], to: span[1], zoom: Math.max(0, Math.min(22, Math.round(view.map.getZoom()))), classes: part.asked.classes };
    },
    depth: (view) => frameOf(view.layers.get("depth").field),
    rain: (view) => frameOf(view.radar),
  };

  citymap.fileMarks = () => [(hall.exercise || []).length ? "exercise" : "", hall.page.demo ? "demo" : "", citymap.past ? "replay" : ""].filter(Boolean);

  /** The view that a file is of: `{box, zoom, marks}`. */
  citymap.fileView = (view) => ({ box: view.inView(), zoom: Math.max(0, Math.min(24, view.map.getZoom())), marks: citymap.fileMarks() });

  /** A FeatureCollection made here, with the head that the hall gave (hall/app/filehead.py). `times`: ms of what is in it. */
  citymap.featureFile = function (head, kind, features, times) {
    const corners = features.flatMap(({ geometry }) => pairs(geometry.coordinates));
    const ends = (values) => values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
    const [[west, east], [south, north], span] = [ends(corners.map(([lon]) => lon)), ends(corners.map(([, lat]) => lat)), ends(times)];
    const iso = (ms) => new Date(ms).toISOString();
    const made = { ...head, ...(corners.length ? { bbox: [west, south, east, north] } : {}), as_of: times.length ? { [kind]: { oldest: iso(span[0]), newest: iso(span[1]) } } : {} };
    return { ...made, ...(citymap.past ? { moment: iso(citymap.now()) } : {}), features };
  };
  const pairs = (given) => (typeof given[0] === "number" ? [given] : given.flatMap(pairs));

  citymap.viewAsked = function (view, title) {
    const body = { ...citymap.fileView(view), kinds: [], title };
    for (const { name } of citymap.layersShown(view)) {
      const kind = KIND[name];
      if (!kind) continue;
      const chosen = CHOSEN[kind] ? CHOSEN[kind](view) : {};
      if (!chosen) continue; // switched on, and nothing is there yet
      body.kinds.push(kind);
      if (name === "vehicles") body.kinds.push("vehicles");
      if (CHOSEN[kind]) body[kind] = chosen;
    }
    return body;
  };

  const layerOf = (kind) => kind === "crews" || kind === "vehicles" ? hall.t(`map.select.kind.${kind}`) : hall.t(`map.layer.${Object.keys(KIND).find((name) => KIND[name] === kind)}`);

  citymap.viewCounts = async function (view, title) {
    const asked = citymap.viewAsked(view, title);
    const found = await hall.ask("/api/v1/map/exports/view", { method: "POST", body: asked, within: WITHIN_MS });
    const rows = asked.kinds.filter((kind) => found.kinds[kind]).map((kind) => {
      const { total, taken } = found.kinds[kind];
      const cut = total > taken ? make("span.map-cut", {}, hall.t(`map.print.cut-${CUT[kind] || "first"}`, { taken: hall.format.number(taken) })) : "";
      const surface = kind === "depth" || kind === "rain"; // areas, not things: a number of pixels says nothing
      return make("tr", { "data-kind": kind }, [make("th", { scope: "row" }, layerOf(kind)), make("td", {}, surface ? hall.t(total ? "map.print.areas" : "map.print.none") : hall.format.number(total)), make("td", {}, cut)]);
    });
    const missing = Object.entries(found.missing).map(([kind, why]) => make("p.form-status", { "data-failed": "1" }, hall.t("map.select.missing", { kind: layerOf(kind), why })));
    const left = citymap.layersShown(view).filter(({ name }) => !KIND[name] || !asked.kinds.includes(KIND[name])).map(({ label }) => label);
    return make("div.map-viewfile", {}, [make("table.map-file-counts", {}, [make("caption", {}, hall.t("map.print.holds")), make("tbody", {}, rows)]), rows.length ? "" : said("p.desk-empty", "map.print.empty"), ...missing,
      make("p.map-soft", {}, [left.length ? hall.t("map.print.not-in", { layers: left.join(hall.t("rows.comma")) }) : "", hall.t("map.print.most", { n: hall.format.number(found.most) })].filter(Boolean).join(" "))]);
  };

  /** Which of too many are taken. */
  const CUT = { cases: "severe", heat: "dense", depth: "deep", rain: "deep" };
})();

/* 一物一档: what the map's card says of a component: its class while it is only pointed at, pressed the whole record and its cases. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make } = hall;
  const LISTED = 8; // cases
  const plain = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value ?? ""));
  const metres = (n) => (n == null ? "" : `±${hall.format.number(n, n < 10 && !Number.isInteger(n) ? 1 : 0)} m`);

  /** The card's entry of a row of the layer's present pack; `kind`: its class, where it is known. */
  citymap.componentEntry = function (layer, row, kind) {
    const subject = `component/${row}`;
    const entry = { subject, kind: kind || {}, event: { subject, time: null, data: {} } };
    const say = (data) => {
      entry.event = { subject, time: null, data };
      if (data.component && data.component.geometry) entry.outline = citymap.shapeOf(data.component.geometry);
      layer.host.card.tick();
      layer.host.layers.get("marks").look();
    };
    entry.open = async () => {
      if (entry.event.data.loading || entry.event.data.component) return;
      const { version } = layer;
      say({ loading: true });
      try {
        say(await hall.acting.ask(`/api/v1/components/at/${row}?version=${encodeURIComponent(version)}`));
      } catch (error) {
        if (error.reason === "components-changed") layer.load();
        say({ fault: error.reason === "components-changed" ? hall.t("component.changed") : error.message || error.reason });
      }
    };
    entry.said = () => {
      const { loading, fault, component } = entry.event.data;
      if (fault) return hall.t("component.record-fault", { why: fault });
      if (loading) return hall.t("component.record-loading");
      if (!component) return hall.t("component.press");
      const at = component.updated || component.imported_at;
      return at ? hall.t(component.updated ? "component.updated" : "component.imported", { age: hall.format.duration(hall.clock.real() - at) }) : "";
    };
    entry.tail = () => (entry.event.data.component ? tail(entry.event.data) : null);
    return entry;
  };

  /** Rows of what a line's length or an area's size is, on the ellipsoid; [] for points. */
  function sizes(geometry) {
    const parts = geometry ? (geometry.type === "GeometryCollection" ? geometry.geometries : [geometry]) : [];
    const sum = (type, of) => parts.flatMap((one) => (one.type === type ? [one.coordinates] : one.type === `Multi${type}` ? one.coordinates : [])).reduce((all, one) => all + of(one), 0);
    const ring = (points) => citymap.geodesic.area(points.slice(0, -1));
    const [long, wide] = [sum("LineString", (points) => citymap.geodesic.length(points)), sum("Polygon", ([outer, ...holes]) => holes.reduce((left, hole) => left - ring(hole), ring(outer)))];
    return [["length", long ? citymap.longText(long) : ""], ["km2", wide ? citymap.areaText(wide) : ""]];
  }

  /** What its card says. */
  citymap.componentCard = function ({ kind, event }) {
    const d = event.data.component;
    if (!d) return { title: kind.sub || kind.main || hall.t("component.unnamed"), severity: null, rows: [["class", kind.sub ? kind.main : ""]] };
    const state = d.state ? hall.word("component.state", d.state) : d.state_label || hall.t("component.state-unknown");
    return {
      title: hall.nameOf(d) || d.subclass_name || d.class_name || d.component_id,
      severity: null,
      rows: [["component", d.component_id], ["class", [d.class_name, d.subclass_name].filter(Boolean).join(" · ") || d.class_code], ["state", state],
        ["department", d.department], ["owner", d.owner], ["maintainer", d.maintainer], ["district", d.district], ["cell", d.cell],
        ["address", d.address], ["place", `${d.lat.toFixed(6)}, ${d.lon.toFixed(6)}`], ["surveyed", d.x == null ? d.crs : `${d.crs} ${d.x}, ${d.y}`],
        ...sizes(d.geometry), ["accuracy", metres(d.accuracy_m)], ["doubt", (d.marks || []).map((mark) => hall.word("component.mark", mark)).join(hall.t("rows.comma"))],
        ["source", d.source]],
    };
  };

  /** Fields of the source's own, and the cases. */
  function tail({ component, cases, place_metres: around }) {
    const node = make("div.map-component-tail");
    const extra = Object.entries(component.extra || {}).filter(([, value]) => value !== "" && value != null);
    if (extra.length) node.append(make("dl", {}, extra.flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, plain(value))])));
    const head = cases === null ? hall.t("component.cases-hidden") : cases.length ? hall.t("component.cases", { n: cases.length }) : hall.t("component.no-cases", { n: hall.format.number(around) });
    node.append(make("div.map-component-cases", {}, head));
    if (cases && cases.length) node.append(make("ul.map-component-list", {}, cases.slice(0, LISTED).map(caseRow)));
    if (cases && cases.length > LISTED) node.append(make("div", {}, hall.t("map.more", { n: cases.length - LISTED })));
    return node;
  }

  function caseRow(found) {
    const at = (found.stages && found.stages.reported) || found.time;
    const what = [hall.format.date(at), [found.class_name, found.subclass_name].filter(Boolean).join(" · "), hall.word("case", found.state || "reported"), found.case_id];
    const how = found.names ? hall.t("component.names-it") : hall.t("component.near-it", { n: hall.format.number(found.distance_m || 0) });
    const text = [...what, how].filter(Boolean).join(" · ");
    if (!(hall.desk && hall.desk.choose && document.querySelector(".console-desk"))) return make("li", {}, text);
    const link = make("button", { type: "button" }, text);
    link.addEventListener("click", () => hall.desk.choose(found.subject));
    return make("li", {}, link);
  }
})();

/* The card of an area: its value, how it moved within the hour, its rank, what it rests on; going into it, its cases. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make } = hall;
  const CASES = { open: { only: "open" }, overdue: { only: "overdue" }, new: {} }; // a measure's `cases` as the desk's filters
  const FILTER = { districts: "district", cells: "cell" }; // levels that the case list can be narrowed to

  citymap.areaEntry = function (part, area) {
    const subject = `area/${part.level}/${area.code}`;
    const entry = { subject, part, area, event: null };
    entry.refresh = () => (entry.event = { subject, time: null, data: {} }); // the card looks whether this is another one
    entry.refresh();
    entry.said = () => (part.table ? hall.t("map.age", { age: hall.format.duration(Math.max(0, citymap.now() - part.asOf())) }) : "");
    entry.tail = () => tail(part, area);
    return entry;
  };

  citymap.areaCard = function ({ part, area }) {
    const { measure, table } = part;
    const row = part.row(area);
    const unit = hall.label(measure.unit);
    const value = row ? `${part.number(row[0])} ${unit}` : hall.t(table && table.left_out ? "measures.beyond" : "measures.unknown");
    const [now, before, n, near] = row || [];
    return {
      title: area.name,
      severity: null,
      rows: [["measure", hall.label(measure.label)], ["value", value], ["hour-ago", row ? trend(part, measure, now, before) : ""],
        ["rank", row ? rank(part, now) : ""], ["rests-on", basis(measure, n, near)], ["km2", area.km2 ? hall.format.number(area.km2, area.km2 < 10 ? 2 : 0) + " km²" : ""],
        ["code", area.code === area.name ? "" : area.code]],
    };
  };

  function trend(part, measure, now, before) {
    if (before == null) return hall.t("measures.before-unknown");
    const by = now - before;
    if (!by) return hall.t("measures.same", { value: part.number(before) });
    const key = by > 0 === (measure.higher === "worse") ? "measures.got-worse" : "measures.got-better";
    return hall.t(key, { sign: by > 0 ? "▲" : "▼", by: part.number(Math.abs(by)), value: part.number(before) });
  }

  function rank(part, now) {
    const values = part.within().map((area) => part.row(area)).filter(Boolean).map((row) => row[0]);
    return hall.t("measures.rank", { n: 1 + values.filter((value) => value > now).length, of: values.length });
  }

  function basis(measure, n, near) {
    if (near) return hall.t("measures.nearest", { name: near[0], metres: hall.format.number(near[1]) });
    if (n == null) return "";
    return hall.word(`measures.on.${measure.name}`, "n") === "n" ? hall.format.number(n) : hall.t(`measures.on.${measure.name}.n`, { n: hall.format.number(n) });
  }

  function tail(part, area) {
    const made = [];
    const button = (key, act) => {
      const node = make("button", { type: "button", "data-act": key }, hall.t(`measures.${key}`));
      node.onclick = act;
      made.push(node);
    };
    button(part.finer() ? "into" : "closer", () => part.into(area));
    if (part.path.length) button("out", () => (part.host.card.show(null), part.out()));
    const query = casesOf(part, area);
    if (query && !hall.page.wall && hall.may("see-desk")) {
      const link = make("a", { href: `/desk?${query}`, "data-act": "cases" }, hall.t("measures.cases"));
      made.push(link);
    }
    return make("div.map-area-tail", {}, made);
  }

  /** The case list of what an area's value counts, as the desk's address takes it; null where it counts no cases. */
  function casesOf(part, area) {
    const filter = CASES[part.measure.cases];
    if (!filter || !FILTER[part.level]) return null;
    return new URLSearchParams({ view: "all", ...filter, [FILTER[part.level]]: area.code });
  }
})();

/* 告警健康: the load on the operators against the targets, a day of it as columns, and everything that is put away with why. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said, alarms } = hall;
  const E = hall.emergency;
  const HIGH = 60; // px of the drawing's own measure

  const named = (row) => row.name || row.label || row.site;
  const link = (row) => E.link(`alarm/${row.site}`, named(row));

  /** Announcements per window over a day; those at which a flood begins are hatched by their mark, and said in the title. */
  function columns(load) {
    const { values, start, step } = load.buckets;
    const top = Math.max(load.flood.begins, ...values);
    const bars = values.map((n, index) => `<rect class="${n >= load.flood.begins ? "is-flood" : ""}" x="${index}" y="${HIGH - (HIGH * n) / top}" width="0.8" height="${(HIGH * n) / top}"><title>${hall.format.time(start + index * step)} · ${n}</title></rect>`);
    const line = HIGH - (HIGH * load.flood.begins) / top;
    const box = make("div.load-chart", { role: "img", "aria-label": hall.t("alarms.load.chart", { n: load.rate.day, peak: load.rate.peak }) });
    box.innerHTML = `<svg viewBox="0 0 ${values.length} ${HIGH}" preserveAspectRatio="none">${bars.join("")}<line x1="0" x2="${values.length}" y1="${line}" y2="${line}"/></svg>`;
    return make("figure.load-figure", {}, [make("figcaption", {}, hall.t("alarms.load.chart-title", { minutes: load.rate.window_minutes, begins: load.flood.begins })), box]);
  }

  function figures(load) {
    const rows = alarms.loadLines(load).map((line) => make("tr", { "data-key": line.key, "data-met": line.met == null ? "" : line.met ? "1" : "0" }, [
      make("th", { scope: "row" }, line.name), make("td.num", {}, make("b", {}, line.value)), make("td.num", {}, line.target), make("td", {}, alarms.metText(line.met)), make("td.faint", {}, line.more),
    ]));
    const head = ["alarms.load.what", "alarms.load.value", "alarms.load.target", "alarms.load.is", ""].map((key) => (key ? said("th", key, null, { scope: "col" }) : make("th")));
    return make("table.console-table.load-table", {}, [make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)]);
  }

  const listOf = (title, rows, tell) => (rows.length ? [said("h3.tab-title", title), make("ol.load-list", {}, rows.map((row) => make("li", {}, [link(row), make("span.faint", {}, ` ${tell(row)}`)])))] : []);

  function away(load) {
    const rows = load.away.map((row) => make("tr", {}, [make("td", {}, link(row)), make("td", {}, hall.t(`alarms.how.${row.how}`)), make("td", {}, whyOf(row)), make("td.num", {}, E.since(row.since))]));
    const all = alarms.AWAY.reduce((sum, how) => sum + (load.counts[how] || 0), 0);
    const rest = all > rows.length ? make("p.faint", {}, hall.t("rows.more", { n: all - rows.length })) : "";
    return [said("h3.tab-title", "alarms.load.away-title"), rows.length ? make("table.console-table", {}, make("tbody", {}, rows)) : said("p.desk-empty", "alarms.none.away"), rest];
  }
  function whyOf(row) {
    const known = (hall.store.get(`alarm/${row.site}`) || {}).data;
    if (known && alarms.away(known) === row.how) return alarms.why(known);
    const values = (row.why || {}).values || {};
    return [values.by, values.reason, values.site].filter(Boolean).join(" · ");
  }

  E.tab({
    name: "alarm-health", order: 12, title: "alarms.health-tab", topics: ["kpi", "alarm"], owns: [],
    badge() {
      const load = alarms.load();
      const missed = load ? alarms.loadLines(load).filter((line) => line.met === false).length : 0;
      return { n: missed, alert: false };
    },
    mount(node) {
      const page = make("div.load-page", { tabindex: "0" });
      hall.fill(node, page);
      let key = "";
      function paint() {
        const load = alarms.load();
        if (!load) return hall.fill(page, said("p.desk-empty", "rows.waiting"));
        const now = JSON.stringify([{ ...load, as_of: 0 }, hall.locale, Math.floor(hall.clock.city() / 60000)]);
        if (now === key) return;
        key = now;
        const most = (row) => hall.t("alarms.load.times", { n: row.times });
        hall.fill(page, [
          make("div.load-left", {}, [figures(load), columns(load)]),
          make("div.load-right", {}, [...away(load), ...listOf("alarms.load.top-title", load.top.rows, most), ...listOf("alarms.load.chattering-title", load.chattering.rows, most), ...listOf("alarms.load.stale-title", load.stale.rows, (row) => E.since(row.since))]),
        ]);
      }
      const soon = hall.paced(paint, 500);
      return { show: paint, update: soon, tick: soon, locale: () => ((key = ""), paint()), key: (event) => event.key === "j" || event.key === "k" ? page.scrollBy({ top: event.key === "j" ? 80 : -80 }) : undefined };
    },
  });
})();

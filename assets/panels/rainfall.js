/* Rain gauges, heaviest first: what fell in 10 minutes, 1, 3, 6 and 24 hours, as the hall added it up (kpi/rain); while it has not,
 * what the gauges themselves say. A sum of more than was heard of is a lower bound and says so: ≥. */
"use strict";

hall.panel("rainfall", function (element, { body, note }) {
  const { make, setText, format } = hall;
  const SPANS = ["10", "60", "180", "360", "1440"];
  const SAID = { rain_10min: "10", rain_1h: "60", rain_24h: "1440" };
  const head = make("div.rain-head", {}, [make("span"), ...SPANS.map(() => make("span"))]);
  const room = make("div.rain-room");
  body.append(head, room);

  function build() {
    const parts = { name: make("span"), ...Object.fromEntries(SPANS.map((span) => [`mm${span}`, make("span.num")])) };
    const row = make("div.rain-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }

  function fill(row, gauge) {
    setText(row.parts.name, gauge.name);
    for (const span of SPANS) {
      const cell = row.parts[`mm${span}`];
      const value = gauge.mm[span];
      const least = gauge.covers != null && gauge.covers < Number(span);
      setText(cell, value == null ? "–" : `${least && value > 0 ? "≥" : ""}${format.number(value, value < 100 ? 1 : 0)}`);
      cell.dataset.severity = value == null ? 0 : hall.severityOf(gauge.lines[span] || [], value);
    }
    row.dataset.subject = gauge.subject;
    row.dataset.value = gauge.mm["60"] ?? "";
  }

  const sensorOf = (site) => (hall.store.get(`sensor/${site}`) || {}).data;
  const linesOf = (sensor) => Object.fromEntries(Object.entries(SAID).map(([quantity, span]) => [span, hall.linesOf(sensor, quantity)]));

  function said() {
    const sites = new Map();
    for (const event of hall.store.docs("observation").values()) {
      const span = event.data && SAID[event.data.quantity];
      if (!span) continue;
      const site = hall.site(event.subject);
      if (!sites.has(site)) sites.set(site, { site, mm: {} });
      sites.get(site).mm[span] = event.data.value;
    }
    return [...sites.values()];
  }

  const rows = hall.rows(room, build, fill);
  const show = hall.paced(() => {
    const told = (hall.store.get("kpi/rain") || {}).data;
    const gauges = told && told.gauges.length ? told.gauges : said();
    const all = gauges.map((one) => {
      const sensor = sensorOf(one.site);
      return { ...one, subject: `sensor/${one.site}`, name: hall.nameOf(sensor) || one.name || one.site.split("/")[1], lines: linesOf(sensor) };
    });
    all.sort((a, b) => (b.mm["60"] ?? -1) - (a.mm["60"] ?? -1) || (b.mm["10"] ?? -1) - (a.mm["10"] ?? -1) || (a.name < b.name ? -1 : 1));
    [...head.children].forEach((cell, index) => setText(cell, index ? hall.t(`flood.rain.${SPANS[index - 1]}`) : ""));
    head.hidden = !all.length;
    rows.show(all, "rain.none");
    const most = told ? told.most["60"] : Math.max(0, ...all.map((one) => one.mm["60"] || 0));
    note(all.length ? hall.t("flood.rain.note", { n: told ? told.count : all.length, most: format.number(most, 1) }) : "");
  }, 500);
  show();
  return { update: show, tick: show, locale: show, resize: show, unmount: show.cancel };
});

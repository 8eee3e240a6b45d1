/* Rain gauges, heaviest first: the quantities that the suppliers send, and how it fell. */
"use strict";

hall.panel("rainfall", function (element, { body, note }) {
  const { make, setText, format } = hall;
  const ORDER = ["rain_1h", "rain_10min", "rain_rate", "rain_24h"];

  function build() {
    const parts = { name: make("span"), spark: make("canvas.spark"), now: make("span.num"), day: make("span.num.soft") };
    const row = make("div.rain-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }

  const shown = (reading) => (reading ? `${format.number(reading.value, 1)} ${hall.t(`unit.${reading.unit || "mm"}`)}` : "");

  function fill(row, gauge) {
    const { name, spark, now, day } = row.parts;
    setText(name, gauge.name);
    setText(now, shown(gauge.main));
    setText(day, gauge.other ? `${hall.t(`short.${gauge.other.quantity}`)} ${format.number(gauge.other.value, 1)}` : "");
    now.dataset.severity = gauge.severity;
    row.dataset.subject = gauge.main.subject;
    row.dataset.value = gauge.main.value ?? "";
    hall.sparkline(spark, gauge.series, []);
  }

  function collect() {
    const sites = new Map();
    for (const event of hall.store.docs("observation").values()) {
      const { quantity, value, unit } = event.data;
      if (!quantity.startsWith("rain_")) continue;
      const site = hall.site(event.subject);
      if (!sites.has(site)) sites.set(site, {});
      sites.get(site)[quantity] = { quantity, value, unit, subject: event.subject, time: event.time };
    }
    return sites;
  }

  const rows = hall.rows(body, build, fill);
  const show = hall.paced(() => {
    const sites = collect();
    const readings = [...sites.values()];
    const main = ORDER.find((quantity) => readings.some((reading) => reading[quantity]));
    const all = [];
    for (const [site, reading] of sites) {
      if (!reading[main]) continue;
      const sensor = (hall.store.get(`sensor/${site}`) || {}).data;
      const other = ORDER.filter((quantity) => quantity !== main).map((quantity) => reading[quantity]).find(Boolean);
      const lines = hall.linesOf(sensor, main);
      all.push({
        name: (sensor && sensor.name) || site.split("/")[1], main: reading[main], other,
        series: (hall.store.get(`series/${site}/${main}`) || {}).data, severity: hall.severityOf(lines, reading[main].value),
      });
    }
    all.sort((a, b) => (b.main.value ?? -1) - (a.main.value ?? -1) || (a.name < b.name ? -1 : 1));
    rows.show(all, "rain.none");
    const mean = all.length ? all.reduce((sum, g) => sum + (g.main.value || 0), 0) / all.length : 0;
    note(all.length ? hall.t("rain.note", { what: hall.t(`short.${main}`), mean: format.number(mean, 1) }) : "");
  }, 500);
  show();
  return { update: show, tick: show, locale: show, resize: show, unmount: show.cancel };
});

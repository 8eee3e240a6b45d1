/* Water gauges, most severe first: level, rate, the last hours as a line with the thresholds that matter. */
"use strict";

hall.panel("gauges", function (element, { body, note }) {
  const { make, setText, format } = hall;
  const QUANTITIES = new Set(["water_depth", "water_level"]);
  const RATE_MINUTES = 10;

  function build() {
    const parts = {
      severity: make("span.gauge-severity"), name: make("span.gauge-name"), spark: make("canvas.spark"),
      value: make("span.gauge-value.num"), rate: make("span.gauge-rate.num.soft"), age: make("span.faint.num"),
    };
    const row = make("div.gauge-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }

  function fill(row, gauge) {
    const { severity, name, spark, value, rate, age } = row.parts;
    hall.severity.mark(severity, gauge.severity);
    if (!gauge.severity) setText(severity, "○");
    setText(name, gauge.name);
    setText(value, gauge.value == null ? "–" : `${format.number(gauge.value, 2)} ${gauge.unit}`);
    value.dataset.severity = gauge.severity;
    setText(rate, rateText(gauge.rate));
    setText(age, gauge.time == null ? "–" : format.age(gauge.time));
    row.dataset.subject = gauge.subject;
    row.dataset.value = gauge.value ?? "";
    row.title = gauge.lines.map((line) => `${hall.severity.word(line.severity)} ≥ ${line.value} ${gauge.unit} ${hall.label(line.label)}`).join("\n");
    hall.sparkline(spark, gauge.series, gauge.lines);
  }

  /** cm per 10 minutes, the unit duty officers speak in; below 1 cm the water counts as standing. */
  function rateText(perHour) {
    if (perHour == null) return "";
    const centimetres = (perHour * 100 * RATE_MINUTES) / 60;
    if (Math.abs(centimetres) < 1) return "→";
    return `${centimetres > 0 ? "↑" : "↓"}${format.number(Math.abs(centimetres))}`;
  }

  function gauge(event) {
    const doc = event.data;
    const site = hall.site(event.subject);
    const sensor = (hall.store.get(`sensor/${site}`) || {}).data;
    const alarm = (hall.store.get(`alarm/${site}`) || {}).data;
    const series = (hall.store.get(`series/${site}/${doc.quantity}`) || {}).data;
    const lines = hall.linesOf(sensor, doc.quantity);
    const judged = Math.max(hall.severityOf(lines, doc.value), doc.severity || 0, alarm && alarm.active !== false ? alarm.severity || 0 : 0);
    return {
      subject: event.subject, name: (sensor && sensor.name) || doc.sensor_id, unit: hall.word("unit", doc.unit || (sensor && sensor.unit) || ""),
      value: doc.value, time: event.time, severity: judged, series, lines, rate: hall.rateOf(series, RATE_MINUTES),
    };
  }

  const rows = hall.rows(body, build, fill, { em: 1.62 });
  const show = hall.paced(() => {
    const all = [];
    for (const event of hall.store.docs("observation").values()) if (QUANTITIES.has(event.data.quantity)) all.push(gauge(event));
    all.sort((a, b) => b.severity - a.severity || (b.value ?? -1) - (a.value ?? -1) || (a.name < b.name ? -1 : 1));
    rows.show(all, "gauges.none");
    const wet = all.filter((g) => g.severity > 0).length;
    note(all.length ? hall.t("gauges.note", { wet, all: all.length }) : "");
  }, 500);
  show();
  return { update: show, tick: show, locale: show, resize: show, unmount: show.cancel };
});

/* The leaders' questions, answered from live documents only. Where the hall has no data the line says so. */
"use strict";

(function () {
  const { make, setText, format } = hall;

  /** Registers a brief: `answer()` -> [{label, value, severity, detail}], `note` for the header. */
  function brief(name, answer) {
    hall.panel(name, function (element, { body, note }) {
      function build() {
        const parts = { label: make("span.brief-label.soft"), value: make("span.brief-value"), detail: make("span.brief-detail.faint") };
        const row = make("div.brief-row", {}, Object.values(parts));
        row.parts = parts;
        return row;
      }
      function fill(row, line) {
        setText(row.parts.label, line.label);
        setText(row.parts.value, line.severity ? `${hall.severity.shape(line.severity)} ${line.value}` : line.value);
        row.parts.value.dataset.severity = line.severity || 0;
        setText(row.parts.detail, line.detail || "");
        row.classList.toggle("brief-plain", !line.detail);
      }
      const rows = hall.rows(body, build, fill, { em: 2.75, stretch: 1.6 });
      const show = hall.paced(() => {
        const { lines, head } = hall.store.ready ? answer() : { lines: [] };
        rows.show(lines, "brief.nothing");
        note(head || "");
      }, 1000);
      show();
      return { update: show, tick: show, locale: show, resize: show, unmount: show.cancel };
    });
  }

  const t = hall.t;
  const documents = (topic) => [...hall.store.docs(topic).values()];
  const worst = (items) => items.reduce((found, item) => Math.max(found, item.severity || 0), 0);
  const list = (names, most) => names.slice(0, most).join(t("rows.comma")) + (names.length > most ? t("rows.and", { n: names.length - most }) : "");

  const GRADES = ["I", "II", "III", "IV"]; // worst first
  /** Rhythms of reports that run, a real one before an exercise, the next due first. */
  const hourly = () => documents("reporting").map((event) => event.data).filter((data) => data && data.due).sort((a, b) => !!a.exercise - !!b.exercise || a.due - b.due);

  function counted(items, key) {
    const counts = new Map();
    for (const item of items) counts.set(key(item), (counts.get(key(item)) || 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]);
  }

  function names(counts, most, word) {
    return counts.slice(0, most).map(([name, n]) => `${word ? word(name) : name || t("case.nowhere")} ${format.number(n)}`).join("　");
  }

  const nameOfAlarm = (event) => {
    return hall.alarms.name(event.subject, event.data);
  };

  brief("brief_event", function () {
    const now = hall.clock.city();
    const warnings = hall.warningsInForce(now);
    const alarms = documents("alarm").filter((event) => event.data.active !== false && !hall.alarms.away(event.data));
    alarms.sort((a, b) => (b.data.severity || 0) - (a.data.severity || 0));
    const reported = (event) => (event.data.stages && event.data.stages.reported) || event.time;
    const hour = documents("case").filter((event) => now - reported(event) <= 3600000 && reported(event) <= now).map((event) => event.data);
    const top = warnings[0];
    const incidents = documents("incident").map((event) => event.data).filter((data) => data && data.state === "open");
    incidents.sort((a, b) => GRADES.indexOf(a.grade) - GRADES.indexOf(b.grade) || a.since - b.since);
    const named = incidents.map((data) => `${t(`emergency.choice.incident.grade.${data.grade}`)} ${data.title}${data.exercise ? ` ${t("emergency.exercise")}` : ""}`);
    return {
      lines: [
        ...(named.length ? [{ label: t("incident.tab"), value: named[0], severity: Math.max(1, 4 - GRADES.indexOf(incidents[0].grade)), detail: list([...named.slice(1)], 2) || incidents[0].commander || "" }] : []),
        { label: t("brief.warning"), value: top ? hall.label(top.headline) || top.event : t("warning.none"), severity: top ? top.severity : 0, detail: top && top.status && top.status !== "Actual" ? t(`warning.status.${top.status}`) : "" },
        { label: t("brief.alarms"), value: t("brief.count.alarms", { n: alarms.length }), severity: worst(alarms.map((event) => event.data)), detail: list(alarms.map(nameOfAlarm), 3) },
        { label: t("brief.newcases"), value: t("brief.count.cases", { n: format.number(hour.length) }), detail: names(counted(hour, (c) => c.subclass_name || c.class_name), 3) },
        { label: t("brief.where"), value: names(counted(hour, (c) => c.district), 2) || "–", detail: names(counted(hour, (c) => c.district).slice(2), 3) },
      ],
    };
  });

  function gaugesNow() {
    const depth = documents("observation").filter((event) => ["water_depth", "water_level"].includes(event.data.quantity));
    return depth.map((event) => {
      const site = hall.site(event.subject);
      const sensor = (hall.store.get(`sensor/${site}`) || {}).data;
      const alarm = (hall.store.get(`alarm/${site}`) || {}).data;
      const series = (hall.store.get(`series/${site}/${event.data.quantity}`) || {}).data;
      const own = hall.severityOf(hall.linesOf(sensor, event.data.quantity), event.data.value);
      return { site, name: hall.nameOf(sensor) || event.data.sensor_id, kind: sensor && sensor.kind, value: event.data.value, rate: hall.rateOf(series, 30), severity: Math.max(own, alarm && alarm.active !== false ? alarm.severity || 0 : 0) };
    });
  }

  /** Cases of the running hour and the hour before, and what the same hour was a week ago. */
  function caseDirection() {
    const event = hall.store.get("kpi/trend");
    if (!event) return { label: t("brief.cases"), value: t("kpi.none") };
    const { today, reference } = event.data;
    const last = today.reduce((found, value, index) => (value == null ? found : index), -1);
    const before = last > 0 ? today[last - 1] : null;
    const value = t("brief.hour", { now: format.number(last < 0 ? null : today[last]), before: format.number(before) });
    return { label: t("brief.cases"), value, detail: t("brief.reference", { n: format.number(last > 0 ? reference[last - 1] : null) }) };
  }

  brief("brief_direction", function () {
    const gauges = gaugesNow();
    const STILL = 0.02; // m/h: less is standing water
    const rising = gauges.filter((g) => g.rate != null && g.rate > STILL && g.value > 0);
    const falling = gauges.filter((g) => g.rate != null && g.rate < -STILL);
    const wet = gauges.filter((g) => g.severity > 0).sort((a, b) => b.severity - a.severity || b.value - a.value);
    const rain = documents("observation").filter((event) => event.data.quantity === "rain_1h" && event.data.value != null);
    rain.sort((a, b) => b.data.value - a.data.value);
    const most = rain[0];
    const station = most && hall.nameOf((hall.store.get(`sensor/${hall.site(most.subject)}`) || {}).data);
    rising.sort((a, b) => b.rate - a.rate);
    return {
      lines: [
        { label: t("brief.over"), value: t("brief.of", { n: wet.length, all: gauges.length }), severity: worst(wet), detail: list(wet.map((g) => `${g.name} ${format.number(g.value, 2)} m`), 2) },
        { label: t("brief.moving"), value: `↑ ${rising.length}　↓ ${falling.length}`, detail: list(rising.map((g) => g.name), 3) },
        most ? { label: t("brief.rain"), value: `${format.number(most.data.value, 1)} mm`, detail: station || "" } : { label: t("brief.rain"), value: t("rain.none") },
        caseDirection(),
      ],
    };
  });

  brief("brief_people", function () {
    const units = documents("position").map((event) => ({ ...event.data, time: event.time }));
    const now = hall.clock.city();
    const recent = units.filter((unit) => now - unit.time <= 600000);
    const byState = counted(recent, (unit) => unit.state || "unknown");
    const onScene = recent.filter((unit) => unit.state === "on_scene");
    const going = recent.filter((unit) => unit.state === "en_route");
    const lines = !units.length ? [] : [
      { label: t("brief.units"), value: t("brief.of", { n: recent.length, all: units.length }), detail: names(counted(recent, (unit) => unit.kind || "vehicle"), 4, (kind) => hall.word("unitkind", kind)) },
      { label: t("brief.states"), value: names(byState, 2, (state) => hall.word("unitstate", state)) || "–", detail: names(byState.slice(2), 3, (state) => hall.word("unitstate", state)) },
      { label: t("brief.onscene"), value: String(onScene.length), detail: list(onScene.map((unit) => unit.name || unit.unit_id), 3) },
      { label: t("brief.enroute"), value: String(going.length), detail: list(going.map((unit) => unit.name || unit.unit_id), 3) },
    ];
    return { lines };
  });

  brief("brief_closed", function () {
    const flood = hall.flood;
    const all = flood.closures();
    const name = (one) => `${one.exercise ? `${t("emergency.exercise")} ` : ""}${hall.label(one.label) || one.name || one.closure_id}`;
    const by = (act) => (act && act.at ? ` ${act.by === "system" ? t("flood.by-hall") : act.by || ""} ${format.time(act.at)}` : "");
    const [shut, ordered, waiting] = [["confirmed", "reopening_proposed"], ["ordered"], ["proposed", "reopening_proposed"]].map((states) => all.filter((one) => states.includes(one.state)));
    const known = new Set(all.map((one) => one.site));
    // places at the highest line that nobody decided about: what the hall can only name
    const open = gaugesNow().filter((g) => g.severity >= 4 && !known.has(g.site)).sort((a, b) => b.value - a.value);
    return {
      lines: [
        { label: t("brief.closures"), value: shut.length ? String(shut.length) : t("brief.closures.none"), severity: shut.length ? 4 : 0, detail: list(shut.map((one) => name(one) + by(one.ordered)), 3) },
        { label: t("brief.ordered"), value: String(ordered.length), severity: ordered.length ? 3 : 0, detail: list(ordered.map((one) => name(one) + by(one.ordered)), 2) },
        { label: t("brief.waiting"), value: String(waiting.length), detail: list(waiting.map((one) => `${name(one)} ${flood.closureText(one.state)}`), 2) },
        { label: t("brief.shouldclose"), value: String(open.length), severity: open.length ? 4 : 0, detail: list(open.map((g) => `${g.name} ${format.number(g.value, 2)} m`), 3) },
      ],
    };
  });

  /** The districts that owe the hour's report: first of all that is silent. */
  function reportsLine() {
    const [data] = hourly();
    const keeper = (hall.store.get("process/dispatch") || {}).data;
    if (keeper && hall.clock.real() - keeper.beat > hall.freshness.PROCESS_MS) return { label: t("brief.reports"), value: t("brief.nodata") };
    if (!data) return { label: t("brief.reports"), value: t("brief.reports.none") };
    const n = data.missing.length;
    const value = n ? t("reporting.wall.missing", { n }) : (data.waiting || []).length ? `${t("reporting.how.waiting")} ${data.waiting.length}` : t("reporting.wall.complete");
    return { label: t("brief.reports"), value, severity: n ? 4 : 0, detail: list(n ? data.missing : data.waiting || [], 4) };
  }

  brief("brief_silent", function () {
    const now = hall.clock.city();
    const real = hall.clock.real();
    const feeds = documents("feed").map((event) => event.data).filter((feed) => feed.state !== "off");
    const silent = feeds.filter((feed) => feed.state === "stale" || feed.state === "lost");
    const processes = documents("process").map((event) => event.data);
    const still = processes.filter((process) => real - process.beat > hall.freshness.PROCESS_MS);
    const cameras = documents("channel").map((event) => event.data);
    const counted = hall.cameras.leftOut() ? hall.cameras.totals() : null; // a city too large for the stream is asked for its sums
    const dark = counted ? { length: counted.offline, map: (name) => counted.dark.map(name) } : cameras.filter((camera) => camera.state === "offline");
    const units = documents("position");
    const quiet = units.filter((event) => now - event.time > 600000);
    const line = (key, bad, all, detail) => ({ label: t(key), value: all ? t("brief.of", { n: bad.length, all }) : t("brief.nodata"), detail });
    return {
      lines: [
        reportsLine(),
        line("brief.feeds", silent, feeds.length, list(silent.map((feed) => hall.label(feed.label) || feed.name), 3)),
        line("brief.crews", quiet, units.length, list(quiet.map((event) => event.data.name || event.data.unit_id), 3)),
        line("brief.cameras", dark, counted ? counted.total : cameras.length, list(dark.map((camera) => camera.name), 2)),
        line("brief.processes", still, processes.length, list(still.map((process) => hall.word("process-name", process.name)), 3)),
      ],
    };
  });

  /** The level in force with its signature; without one, what waits for a signature. */
  function levelLine() {
    const all = hall.flood.responses();
    const one = all.find((response) => response.state === "in_force");
    const asked = all.find((response) => response.proposed && response.proposed.at);
    const waits = asked ? t("brief.level.asked", { level: asked.proposed.level || "–", age: format.age(asked.proposed.at) }) : "";
    if (!one) return { label: t("brief.level"), value: t("brief.level.none"), detail: waits };
    const who = [one.signed_by || t("flood.signed.auto"), one.signed_role && hall.word("desk.role", one.signed_role)].filter(Boolean).join(" · ");
    const value = `${one.exercise ? `${t("emergency.exercise")} ` : ""}${hall.flood.levelText(one.level, one)}`;
    return { label: t("brief.level"), value, severity: one.severity, detail: [t("brief.level.since", { who, time: format.time(one.since) }), waits].filter(Boolean).join(" · ") };
  }

  brief("brief_warning", function () {
    const warnings = hall.warningsInForce(hall.clock.city());
    const lines = warnings.slice(0, 2).map((warning) => ({
      label: warning.status && warning.status !== "Actual" ? t(`warning.status.${warning.status}`) : t("brief.warning"),
      value: hall.label(warning.headline) || warning.event, severity: warning.severity,
      detail: warning.expires == null ? warning.sender : t("warning.until", { time: format.time(warning.expires), left: format.duration(warning.expires - hall.clock.city()) }),
    }));
    if (!lines.length) lines.push({ label: t("brief.warning"), value: t("warning.none") });
    lines.push(levelLine());
    const [due] = hourly();
    lines.push({ label: t("brief.nextreport"), value: due ? format.time(due.due) : t("brief.nextreport.none"), detail: due ? hall.label(due.label) || due.plan : "" });
    return { lines };
  });
})();

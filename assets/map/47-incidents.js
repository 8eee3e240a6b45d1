/* Incidents on the map: a flag in the colour of the grade that stands beside its place and covers nothing there; its name, who commands.
 * Where nobody has said where it is, it stands at the first of its members that has a place. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const GRADES = ["", "IV", "III", "II", "I"]; // by severity
  const RANK = 9.5; // of its name among the labels; that of a grade I is written in any case
  const LONGEST = 12; // characters of its name on the map
  const SIZE = 0.95; // of a glyph

  citymap.gradeSeverity = (grade) => Math.max(0, GRADES.indexOf(grade || ""));

  citymap.symbols.incident = function (c, r, { severity, closed }) {
    const flag = () => {
      c.beginPath();
      c.moveTo(0, -r * 1.65);
      c.lineTo(r * 1.6, -r * 1.65);
      c.lineTo(r * 1.25, -r * 1.15);
      c.lineTo(r * 1.6, -r * 0.65);
      c.lineTo(0, -r * 0.65);
      c.closePath();
    };
    const pole = () => {
      c.beginPath();
      c.moveTo(0, 0);
      c.lineTo(0, -r * 1.65);
    };
    c.lineJoin = c.lineCap = "round";
    for (const [width, colour] of [[0.4, citymap.ink.halo], [0.16, citymap.colours[severity]]]) {
      c.lineWidth = r * width;
      c.strokeStyle = colour;
      pole();
      c.stroke();
      flag();
      c.stroke();
    }
    c.fillStyle = closed ? citymap.ink.ground : citymap.colours[severity];
    c.fill();
    c.translate(r * 0.62, -r * 1.13);
    citymap.outline(c, severity, r * 0.34); // the grade by its shape, too
    c.fillStyle = closed ? citymap.colours[severity] : citymap.ink.ground;
    c.fill();
  };

  /** Takes an incident's document into `incidents` (subject -> {event, severity, lon, lat ...}); what was merged or put away is gone. */
  citymap.takeIncident = function (incidents, event) {
    const { subject, data } = event;
    if (!data || (data.state !== "open" && data.state !== "closed")) return void incidents.delete(subject);
    const entry = incidents.get(subject) || { subject, lon: NaN, lat: NaN };
    entry.event = event;
    entry.severity = citymap.gradeSeverity(data.grade);
    incidents.set(subject, entry);
  };

  const placed = (data) => data && Number.isFinite(data.lon) && Number.isFinite(data.lat);
  function placeOf(data) {
    if (placed(data)) return data;
    for (const member of data.members || []) {
      const found = (citymap.doc(member.replace(/^file\//, "case/")) || {}).data;
      if (placed(found)) return found;
    }
    return {};
  }

  const named = (data) => (data.exercise ? `${hall.t("emergency.exercise")} ` : "") + (data.title || data.incident_id);
  function shortened(text) {
    const letters = [...text];
    return letters.length > LONGEST + 1 && /[\u3400-\u9fff]/.test(text) ? `${letters.slice(0, LONGEST).join("")}…` : letters.length > 2 * LONGEST + 1 ? `${letters.slice(0, 2 * LONGEST).join("")}…` : text;
  }

  /** Adds them to what is due to be stamped: in one order with cases and gauges, the most severe on top. */
  citymap.drawIncidents = function (things, frame) {
    const r = Math.round(frame.glyph * SIZE);
    for (const entry of things.incidents.values()) citymap.place(entry, placeOf(entry.event.data));
    for (const { entry, px, py } of things.inView(things.incidents.values(), frame, frame.glyph * 3)) {
      const { data } = entry.event;
      const options = { severity: entry.severity, closed: data.state === "closed" };
      const sprite = citymap.sprite("incident", `${options.severity}${options.closed}`, r, frame.ratio, options);
      things.due.push({ severity: entry.severity, sprite, px, py, hit: [r * 0.8, "incident", entry], hitX: px + r * 0.75, hitY: py - r * 1.15 });
      const text = [`${citymap.SHAPES[entry.severity]}${shortened(named(data))}`, data.commander].filter(Boolean).join(" · ");
      things.label({ px: px + r * 0.75, py: py - r * 1.15 }, r * 0.95, text, citymap.colours[entry.severity], RANK + entry.severity);
    }
  };

  /** What its card says. */
  citymap.incidentCard = function ({ event }) {
    const { data } = event;
    const linked = Object.entries(data.counts || {}).map(([topic, n]) => `${hall.t(`incident.member.${topic}`)} ${n}`).join(hall.t("rows.comma"));
    const due = data.report_due && `${hall.t(`incident.report.${data.report_due.kind}`)} ${hall.format.time(data.report_due.due)}`;
    return {
      title: named(data),
      severity: citymap.gradeSeverity(data.grade),
      rows: [["grade", data.grade ? hall.t(`emergency.choice.incident.grade.${data.grade}`) : ""], ["state", hall.t(`emergency.state.incident.${data.state}`)],
        ["commander", data.commander || hall.t("map.no-commander")], ["linked", linked || hall.t("map.nothing-linked")], ["district", data.district],
        ["since", data.since ? citymap.age(data.since) : ""], ["report", due]],
    };
  };
})();

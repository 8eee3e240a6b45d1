/* Cases and gauges on the things sheet: alone where they have room, else as one plate led by the most severe (43-clusters.js). */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const CASE_RADIUS = [0.4, 0.5, 0.56, 0.6, 0.64]; // of a glyph, by severity
  const QUIET = { w: 1.2, h: 1.2 }; // glyphs within which quiet gauges are one
  const QUIET_SMALL = { w: 0.8, h: 0.8 };
  const CROWDED = 120; // quiet gauges in view from which they are drawn small

  // -- the state of an alarm, at its symbol's shoulder --------------------------------------------------------------------------

  /** unanswered: a white lamp; acknowledged: a tick; put away (shelved, hidden, out of service): two bars. */
  citymap.symbols.alarmmark = function (c, r, { state }) {
    c.beginPath();
    c.arc(0, 0, r, 0, 2 * Math.PI);
    c.fillStyle = citymap.ink.ground;
    c.fill();
    c.lineWidth = r * 0.24;
    c.strokeStyle = c.fillStyle = citymap.ink.text;
    c.stroke();
    c.lineCap = c.lineJoin = "round";
    c.lineWidth = r * 0.34;
    c.beginPath();
    if (state === "unanswered") {
      c.arc(0, 0, r * 0.55, 0, 2 * Math.PI);
      c.fill();
    } else if (state === "acknowledged") {
      c.moveTo(-r * 0.45, 0);
      c.lineTo(-r * 0.1, r * 0.38);
      c.lineTo(r * 0.48, -r * 0.38);
      c.stroke();
    } else {
      c.fillRect(-r * 0.45, -r * 0.5, r * 0.3, r);
      c.fillRect(r * 0.15, -r * 0.5, r * 0.3, r);
    }
  };

  /** What is marked at an alarm: "", unanswered, acknowledged or away. */
  citymap.alarmMark = function ({ alarm }) {
    if (!alarm) return "";
    if (hall.alarms.away(alarm.data)) return "away";
    return hall.alarms.asking(alarm.data) ? "unanswered" : "acknowledged";
  };

  /** The mark's sprite and its place beside a symbol of radius `r`; undefined for none. */
  citymap.markOf = function (state, r, frame) {
    if (!state) return undefined;
    const sprite = citymap.sprite("alarmmark", state, Math.max(4, Math.round(frame.glyph * 0.3)), frame.ratio, { state });
    return { sprite, dx: r * 0.85, dy: -r * 0.85 };
  };

  // -- one symbol ------------------------------------------------------------------------------------------------------------------

  function caseSprite(entry, frame, overdue, small) {
    const { severity, event } = entry;
    const r = Math.round(frame.glyph * CASE_RADIUS[severity] * (small ? 0.92 : 1));
    const options = { severity, kind: event.data.kind || "occurrence", overdue };
    return { r, sprite: citymap.sprite("case", `${severity}|${options.kind}|${overdue}`, r, frame.ratio, options) };
  }

  function gaugeSprite(entry, frame, now, crowded) {
    const { severity, event, quantity, top } = entry;
    const value = event ? event.data.value : null;
    const r = Math.round(frame.glyph * (severity < 1 ? (crowded ? 0.3 : 0.46) : 0.54 + severity * 0.07));
    const level = value == null ? 0 : Math.max(1, Math.min(12, Math.round((12 * value) / (top || Math.max(value, 1)))));
    const options = { severity, level, rain: (quantity || "").startsWith("rain"), stale: citymap.isOld(event, now) };
    return { r, sprite: citymap.sprite("gauge", `${severity}|${level}|${options.rain}|${options.stale}`, r, frame.ratio, options) };
  }

  /** "▲0.31 m ↑ 4 cm/10 min": the reading of a gauge with how fast it changes. */
  function gaugeText(entry) {
    const series = entry.event && citymap.doc(`series/${hall.site(entry.event.subject)}/${entry.quantity}`);
    const rate = hall.flood.rateText(hall.rateOf(series && series.data, 10));
    return `${citymap.SHAPES[entry.severity]}${citymap.reading(entry)} ${rate}`.trim();
  }

  // -- all of them -------------------------------------------------------------------------------------------------------------------

  citymap.drawEvents = function (things, c, frame) {
    const now = citymap.now();
    const { shown } = things;
    const gauges = shown.gauges ? things.inView(things.gauges.values(), frame, frame.glyph).sort((a, b) => a.entry.severity - b.entry.severity) : [];
    const rest = new Set(citymap.drawTubes(things, gauges, frame, now).map(({ entry }) => entry)); // the worst stand as tubes that are read from afar
    const tubes = new Set(gauges.map(({ entry }) => entry).filter((entry) => !rest.has(entry)));
    if (shown.gauges) drawQuiet(things, gauges, frame, now);
    const groups = things.clusters.ofEvents(frame, now, `${shown.cases}${shown.gauges}`, () => everything(things));
    for (const group of groups) {
      const members = tubes.size ? group.members.filter((entry) => !tubes.has(entry)) : group.members;
      if (!members.length) continue;
      const [lead] = members;
      const px = lead.x * frame.scale - frame.left;
      const py = lead.y * frame.scale - frame.top;
      if (!frame.holds(px, py, frame.glyph * 4)) continue;
      if (members.length === 1) drawOne(things, lead, px, py, frame, now);
      else drawGroup(things, group, members, px, py, frame, now);
    }
  };

  /** What is grouped: cases that no gauge speaks for, and gauges that something is wrong with. */
  function everything(things) {
    const merged = things.shown.gauges ? citymap.mergedCases(things) : new Set(); // shown by the gauge that saw the same water
    const found = [];
    if (things.shown.cases) for (const entry of things.cases.values()) if (entry.known && !merged.has(entry.subject)) found.push(entry);
    if (things.shown.gauges) for (const entry of things.gauges.values()) if (entry.known && (entry.severity > 0 || entry.alarm)) found.push(entry);
    return found;
  }

  function drawOne(things, entry, px, py, frame, now) {
    const isCase = entry.what === "case";
    const { r, sprite } = isCase ? caseSprite(entry, frame, citymap.overdue(entry, now)) : gaugeSprite(entry, frame, now, false);
    const mark = isCase ? undefined : citymap.markOf(citymap.alarmMark(entry), r, frame);
    things.due.push({ severity: entry.severity, sprite, px, py, mark, hit: [r * 1.4, entry.what, entry] });
    if (isCase || entry.severity < 2 || !entry.event || entry.event.data.value == null) return;
    things.label({ px, py }, r, gaugeText(entry), citymap.colours[entry.severity], 10 + entry.severity);
  }

  function drawGroup(things, group, members, px, py, frame, now) {
    const [lead] = members;
    // marked overdue when its lead is, or half of it: where there are many, some always are
    const overdue = citymap.overdue(lead, now) || 2 * members.filter((one) => citymap.overdue(one, now)).length >= members.length;
    const { r, sprite } = lead.what === "case" ? caseSprite(lead, frame, overdue, true) : gaugeSprite(lead, frame, now, false);
    const unanswered = members.some((one) => citymap.alarmMark(one) === "unanswered");
    const mark = citymap.markOf(unanswered ? "unanswered" : citymap.alarmMark(lead), r, frame);
    const plate = (c) => citymap.drawPlate(c, frame, lead.severity, members, px, py);
    const hit = [frame.glyph * 1.1, "cluster", group.only(members), members.map((entry) => ({ entry }))];
    things.due.push({ severity: lead.severity, sprite, px, py, mark, plate, hit, hitX: px + frame.glyph * 0.45 });
  }

  const isQuiet = ({ severity, alarm }) => severity < 1 && !alarm;

  /** Gauges that nothing is wrong with: small where there are many, one where they would lie on each other. */
  function drawQuiet(things, seen, frame, now) {
    const crowded = seen.length > CROWDED && frame.wide < 14;
    const groups = things.quietClusters.of(frame, crowded ? QUIET_SMALL : QUIET, "", () => [...things.gauges.values()].filter((entry) => entry.known && isQuiet(entry)));
    for (const group of groups) {
      const { lead, members } = group;
      const [px, py] = [lead.x * frame.scale - frame.left, lead.y * frame.scale - frame.top];
      if (!frame.holds(px, py, frame.glyph)) continue;
      const { r, sprite } = gaugeSprite(lead, frame, now, crowded);
      const many = members.length > 1;
      things.due.push({ severity: 0, sprite, px, py, hit: [r * 1.4, many ? "cluster" : "gauge", many ? group : lead] });
      if (many) things.label({ px, py }, r, String(members.length), citymap.ink.dim, 1);
    }
  }
})();

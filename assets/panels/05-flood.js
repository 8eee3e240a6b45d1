/* What several panels, the map and the leaders' wall ask of a flood, worked out of the documents. Pure over the store and `now`.
 *
 * hall.flood.responses()        in force or proposed, gravest first: response documents with `subject`, `severity`
 * hall.flood.redSince(now)      {at, exercise} first red signal still in force, or null
 * hall.flood.closures()         those that are not over, what waits for a decision first
 * hall.flood.tasks(now)         open ones, most urgent first, with `late`: "" | "ack" | "due"
 * hall.flood.spots(now)         wet places, worst first: {subject, site, name, value, unit, severity, rate, forecast, lines, closure, alarm, cases, crew, camera ...}
 * hall.flood.eta(from, to)      seconds by the straight line and the city's own figures (hall.page.wall.approach); null where unknown
 * hall.flood.arrival(crew, now) {seconds, road, why, late} of a crew's document that is called, as the dispatch process worked it out (kpi/arrivals); null
 *                               where it has not
 * hall.flood.reports()          rhythms of reports that run: reporting documents with `subject`
 * Hidden, doubtful and out-of-service alarms stay visible and say what they are; nothing here hides a reading.
 */
"use strict";

(function () {
  const hall = window.hall;
  const LEVELS = ["", "IV", "III", "II", "I"]; // by severity
  const WATER = new Set(["water_depth", "water_level"]);
  const RATE_MINUTES = 10;
  const CAMERA_M = 500; // further away a camera does not show the place
  const OVER = new Set(["reopened", "declined", "cancelled"]);
  const CLOSURE_RANK = ["proposed", "reopening_proposed", "ordered", "confirmed"];
  const GOING = ["en_route", "mustered", "acknowledged", "assigned"];

  const data = (topic) => [...hall.store.docs(topic)].filter(([, event]) => event.data).map(([subject, event]) => ({ subject, time: event.time, ...event.data }));
  const doc = (subject) => (subject ? (hall.store.get(subject) || {}).data : null) || null;
  const metres = (a, b) => {
    const k = Math.cos(((a.lat + b.lat) / 2) * (Math.PI / 180));
    return Math.hypot((a.lon - b.lon) * k, a.lat - b.lat) * 111195;
  };
  const placed = (one) => one && Number.isFinite(one.lon) && Number.isFinite(one.lat);

  // -- decisions -----------------------------------------------------------------------------------------------------------

  const severityOfLevel = (level) => Math.max(0, LEVELS.indexOf(level || ""));
  function responses() {
    const all = data("response").filter((one) => one.state === "in_force" || one.state === "proposed" || (one.proposed && one.proposed.level));
    return all.map((one) => ({ ...one, severity: severityOfLevel(one.level) }))
      .sort((a, b) => Number(!!a.exercise) - Number(!!b.exercise) || b.severity - a.severity || severityOfLevel((b.proposed || {}).level) - severityOfLevel((a.proposed || {}).level));
  }
  /** The response tells the first red signal itself; without one the warnings in force do. */
  function redSince(now) {
    const told = responses().filter((one) => one.red_since).map((one) => ({ at: one.red_since, exercise: !!(one.exercise || (one.signal && one.signal.exercise)) }));
    const red = hall.warningsInForce(now).filter((one) => one.severity === 4 && ["Actual", "Exercise"].includes(one.status || "Actual"))
      .map((one) => ({ at: one.onset ?? one.time, exercise: one.status === "Exercise" }));
    const all = told.length ? told : red;
    return all.sort((a, b) => Number(a.exercise) - Number(b.exercise) || a.at - b.at)[0] || null;
  }
  const closures = () => data("closure").filter((one) => one.state && !OVER.has(one.state))
    .sort((a, b) => CLOSURE_RANK.indexOf(a.state) - CLOSURE_RANK.indexOf(b.state) || Number(!!b.urgent) - Number(!!a.urgent) || (b.since || 0) - (a.since || 0));
  function tasks(now) {
    const open = data("task").filter((one) => one.state === "open" || one.state === "acknowledged");
    const late = (one) => (one.due != null && one.due < now ? "due" : one.state === "open" && one.ack_due != null && one.ack_due < now ? "ack" : "");
    const next = (one) => Math.min(one.state === "open" && one.ack_due != null ? one.ack_due : Infinity, one.due ?? Infinity);
    return open.map((one) => ({ ...one, late: late(one), next: next(one) })).sort((a, b) => a.next - b.next || (a.made || 0) - (b.made || 0));
  }
  const reports = () => data("reporting").filter((one) => one.due != null || (one.missing || []).length);

  // -- who is near -----------------------------------------------------------------------------------------------------------

  function eta(from, to) {
    const { factor, kmh } = (hall.page.wall && hall.page.wall.approach) || {};
    if (!factor || !kmh || !placed(from) || !placed(to)) return null;
    return (metres(from, to) * factor) / (kmh / 3.6);
  }
  /** The dispatch process asks the roads; between two answers a crew that moves is counted down here. */
  function arrival(crew, now) {
    const found = ((doc("kpi/arrivals") || {}).crews || {})[crew.crew_id];
    if (!found || found.to !== crew.assignment) return null;
    const left = crew.state === "en_route" ? (found.at - now) / 1000 : found.seconds;
    return { seconds: Math.max(0, left), road: !!found.road && !found.why, why: found.why || "", late: left < 0 };
  }
  const placeOf = (crew) => {
    const live = doc(crew.position);
    return placed(live) ? live : placed(crew.base) ? crew.base : null;
  };
  const nameOf = (crew) => hall.label(crew.label) || crew.name || crew.crew_id;

  /** Crews by the case files they are on, and those that are free, with places. */
  function crewsNow() {
    const byFile = new Map(), free = [];
    for (const crew of data("crew")) {
      for (const work of crew.assignments || []) {
        if (!byFile.has(work.subject)) byFile.set(work.subject, []);
        byFile.get(work.subject).push({ crew, state: work.state });
      }
      if (crew.state === "available" && placeOf(crew)) free.push({ crew, place: placeOf(crew) });
    }
    // whom the city sends to ponding; where nobody has the skill, whoever is near
    const { skills = [] } = (hall.page.wall && hall.page.wall.approach) || {};
    const able = free.filter(({ crew }) => skills.every((skill) => (crew.skills || []).includes(skill)));
    return { byFile, free: able.length ? able : free };
  }
  const fileOf = (subject) => (subject || "").replace(/^case\//, "file/");

  /** Who is there or on the way; else who is nearest: {name, state, seconds, sent}. */
  function crewFor(place, files, now) {
    const on = files.flatMap((file) => now.byFile.get(file) || []);
    const there = on.find((one) => one.state === "on_scene");
    const going = GOING.map((state) => on.find((one) => one.state === state)).find(Boolean);
    const best = there || going;
    const told = best && !there ? arrival(best.crew, hall.clock.city()) : null;
    if (best) return { name: nameOf(best.crew), state: best.state, seconds: there ? 0 : eta(placeOf(best.crew), place), ...told, sent: true, more: on.length - 1 };
    if (!placed(place)) return null;
    let nearest = null;
    for (const one of now.free) {
      const seconds = eta(one.place, place);
      if (seconds != null && (!nearest || seconds < nearest.seconds)) nearest = { name: nameOf(one.crew), state: "available", seconds, sent: false, more: 0 };
    }
    return nearest;
  }

  function cameraFor(place, closure) {
    const named = ((closure && closure.cameras) || []).map((subject) => ({ subject, ...doc(subject) })).find((one) => one.channel_id);
    if (named) return { subject: named.subject, name: named.name || named.channel_id, metres: placed(named) && placed(place) ? metres(named, place) : null, state: named.state };
    if (!placed(place)) return null;
    const reach = CAMERA_M / 111195;
    let best = null;
    for (const [subject, event] of hall.store.docs("channel")) {
      const one = event.data;
      if (!one || one.lat == null || Math.abs(one.lat - place.lat) > reach || one.state === "offline") continue;
      const far = metres(one, place);
      if (far <= CAMERA_M && (!best || far < best.metres)) best = { subject, name: one.name || one.channel_id, metres: far, state: one.state };
    }
    return best;
  }

  // -- wet places --------------------------------------------------------------------------------------------------------------

  /** Alarms by the measuring point that raised them: the subject says the site, `cause` the reading. */
  function alarmsByGauge() {
    const found = new Map();
    for (const alarm of data("alarm")) {
      const site = alarm.subject.slice("alarm/".length);
      for (const key of [site, alarm.cause && hall.site(alarm.cause)]) {
        const known = key && found.get(key);
        if (key && (!known || (alarm.active !== false && (alarm.severity || 0) > (known.severity || 0)))) found.set(key, alarm);
      }
    }
    return found;
  }
  const RATE_ENOUGH_M = 0.01; // per 10 minutes: less is standing water
  const arrowOf = (perHour) => (perHour == null ? "" : Math.abs(perHour * RATE_MINUTES) / 60 < RATE_ENOUGH_M ? "→" : perHour > 0 ? "↑" : "↓");

  function gauge(event, alarms, shut) {
    const site = hall.site(event.subject);
    const sensor = doc(`sensor/${site}`);
    const alarm = alarms.get((sensor && sensor.site) || site) || alarms.get(site) || null;
    const lines = hall.linesOf(sensor, event.data.quantity);
    const active = alarm && alarm.active !== false ? alarm.severity || 0 : 0;
    const place = placed(sensor) ? sensor : placed(event.data) ? event.data : alarm && placed(alarm) ? alarm : null;
    const closure = shut.find((one) => [site, sensor && sensor.site].includes(one.site)) || doc(alarm && alarm.closure);
    return {
      subject: event.subject, site, quantity: event.data.quantity, time: event.time, value: event.data.value, lines, alarm, closure: closure && OVER.has(closure.state) ? null : closure || null,
      unit: event.data.unit || (sensor && sensor.unit) || "", kind: (sensor && sensor.kind) || "", district: (sensor && sensor.district) || event.data.district || "",
      name: hall.nameOf(sensor) || event.data.sensor_id, lon: place && place.lon, lat: place && place.lat,
      severity: Math.max(hall.severityOf(lines, event.data.value), event.data.severity || 0, active), forecast: (alarm && alarm.active !== false && alarm.forecast) || null,
      doubtful: !!(alarm && alarm.doubtful), rate: hall.rateOf(doc(`series/${site}/${event.data.quantity}`), RATE_MINUTES),
      cases: [...new Set([...((alarm && alarm.cases) || []), alarm && alarm.case, closure && closure.case].filter(Boolean))],
    };
  }

  /** `most`: of how many the crew and the camera are looked for. */
  function spots(now, most = 12) {
    const [alarms, shut, crews] = [alarmsByGauge(), closures(), crewsNow()];
    const all = [];
    for (const event of hall.store.docs("observation").values()) if (event.data && WATER.has(event.data.quantity)) all.push(gauge(event, alarms, shut));
    const wet = all.filter((one) => one.severity > 0 || one.forecast || one.closure);
    const soon = (one) => (one.forecast && one.forecast.at ? one.forecast.at : Infinity);
    wet.sort((a, b) => Number(a.doubtful) - Number(b.doubtful) || b.severity - a.severity || soon(a) - soon(b) || (b.value ?? -1) - (a.value ?? -1) || (a.name < b.name ? -1 : 1));
    wet.slice(0, most).forEach((one) => {
      one.crew = crewFor(one, one.cases.map(fileOf), crews);
      one.camera = cameraFor(one, one.closure);
    });
    return { wet, all };
  }

  /** "0.42 m ↑3": centimetres in ten minutes, the unit duty officers speak in. */
  function rateText(perHour) {
    if (perHour == null) return "";
    const arrow = arrowOf(perHour);
    return arrow === "→" ? arrow : `${arrow}${hall.format.number(Math.abs((perHour * 100 * RATE_MINUTES) / 60))}`;
  }
  /** "11 分后 0.25 m (8–15 分)": when it reaches its next line at this rate, with the spread. */
  function forecastText(one, now) {
    const { forecast } = one;
    if (!forecast || forecast.at == null) return "";
    const left = (ms) => Math.max(0, Math.round((ms - now) / 60000));
    const spread = forecast.low != null && forecast.high != null && left(forecast.low) !== left(forecast.high) ? hall.t("flood.spread", { low: left(forecast.low), high: left(forecast.high) }) : "";
    return hall.t("flood.reaches", { n: left(forecast.at), value: hall.format.number(forecast.value, 2), unit: hall.word("unit", forecast.unit || one.unit) }) + spread;
  }
  /** By road "12 分到", by the straight line or from an uncertain place "约 12 分"; who should be there already: "应已到达". */
  const etaText = (seconds, how) => {
    if (seconds == null) return "";
    if (how && how.late) return hall.t("flood.eta-late");
    return hall.t(how && how.road ? "flood.eta-road" : "flood.eta", { n: Math.max(1, Math.round(seconds / 60)) });
  };
  function crewText(crew) {
    if (!crew) return hall.t("flood.no-crew");
    const rest = crew.more > 0 ? hall.t("rows.and", { n: crew.more }) : "";
    const when = crew.state === "on_scene" ? "" : etaText(crew.seconds, crew);
    return [crew.name + rest, crew.sent ? hall.word("crew.state", crew.state) : hall.t("flood.nearest"), when].filter(Boolean).join(" ");
  }

  hall.flood = {
    LEVELS, severityOfLevel, responses, redSince, closures, tasks, reports, spots, eta, arrival, metres, arrowOf, rateText, forecastText, crewText, etaText, data, doc,
    /** A level as the plan calls it. */
    levelText: (level, response) => (level ? hall.label((((response || {}).levels || {})[level] || {}).label) || hall.t("flood.level", { level }) : ""),
    /** Who did it: a crew by its name. */
    whoText(who) {
      if (who === "system") return hall.t("flood.by-hall");
      const crew = String(who || "").startsWith("crew:") ? doc(`crew/${who.slice(5)}`) : null;
      return (crew && (hall.label(crew.label) || crew.name)) || String(who || "").replace(/^crew:/, "");
    },
    closureText: (state) => hall.t(`flood.closure.${state}`),
  };
})();

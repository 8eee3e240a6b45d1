/* The flood wall's own panels: response strip, wet places, closures, tasks that are due, resources. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, setText, format } = hall;
  const t = hall.t;
  const flood = hall.flood;
  const PACE_MS = 500;

  /** A panel of rows: `parts()` names the cells, `fill(row, item)` writes, `items(note)` collects. */
  function listing(name, { parts, spec, fill, items, em, stretch, empty }) {
    hall.panel(name, function (element, { body, note }) {
      function build() {
        const made = parts();
        const row = make(spec, {}, Object.values(made));
        row.parts = made;
        return row;
      }
      const rows = hall.rows(body, build, fill, { em, stretch: stretch || 1.25 });
      const show = hall.paced(() => rows.show(items(note, element), empty), PACE_MS);
      show();
      return { update: show, tick: show, locale: show, resize: show, unmount: show.cancel };
    });
  }

  // -- the response: level, who signed, since when, what waits, who has not reported -----------------------------------------

  const since = (ms) => t("flood.since", { time: format.time(ms), age: format.age(ms) });
  const list = (names, most) => names.slice(0, most).join(t("rows.comma")) + (names.length > most ? t("rows.and", { n: names.length - most }) : "");

  /** Who may sign what is proposed, in words. */
  function signers(response) {
    const { level, direction } = response.proposed || {};
    const asked = direction === "up" || !response.level ? level : response.level; // stepping down is signed by who may sign what is in force
    const roles = ((response.levels || {})[asked] || {}).sign || [];
    const named = roles.length > 1 ? roles.filter((role) => role !== "admin") : roles;
    return named.map((role) => hall.word("desk.role", role)).join(t("flood.or")) || t("flood.signer");
  }

  function levelCell(response) {
    if (!response || response.state !== "in_force") return { label: t("flood.response"), value: t("flood.level.none"), severity: 0, detail: "" };
    const name = hall.label(response.label);
    return { label: t("flood.response"), value: flood.levelText(response.level, response), severity: response.severity, detail: name, exercise: response.exercise };
  }
  function signedCell(response) {
    if (!response || response.state !== "in_force") return { label: t("flood.signed"), value: "–", detail: "" };
    const who = [response.signed_by, response.signed_role && hall.word("desk.role", response.signed_role)].filter(Boolean).join(" · ");
    return { label: t("flood.signed"), value: who || t("flood.signed.auto"), detail: response.since ? since(response.since) : "", plain: true };
  }
  function redCell(red) {
    if (!red) return { label: t("flood.red"), value: t("flood.red.none"), detail: "" };
    return { label: t("flood.red"), value: format.age(red.at), severity: 4, detail: t("flood.red.at", { time: format.time(red.at) }), exercise: red.exercise };
  }
  function waitingCell(all) {
    const one = all.find((response) => response.proposed && response.proposed.level !== undefined && response.proposed.at);
    if (!one) return { label: t("flood.proposal"), value: t("flood.proposal.none"), detail: "" };
    const { level, direction, at } = one.proposed;
    const what = direction === "end" || !level ? t("flood.proposal.end") : direction === "down" ? t("flood.proposal.down", { level }) : flood.levelText(level, one);
    return { label: t("flood.proposal"), value: what, severity: direction === "down" || direction === "end" ? 0 : flood.severityOfLevel(level), waits: true, detail: t("flood.proposal.waits", { who: signers(one), age: format.age(at) }), exercise: one.exercise || one.proposed.exercise };
  }
  function dueCell(reports) {
    const next = reports.filter((one) => one.due != null).sort((a, b) => a.due - b.due)[0];
    if (!next) return { label: t("flood.due"), value: t("flood.due.none"), detail: "" };
    const left = next.due - hall.clock.city();
    return { label: t("flood.due"), value: format.time(next.due), detail: left >= 0 ? t("emergency.left", { time: format.duration(left) }) : `▲ ${t("emergency.over", { time: format.duration(-left) })}` };
  }
  function missingCell(reports) {
    if (!reports.length) return { label: t("flood.missing"), value: t("flood.due.none"), detail: "" };
    const missing = [...new Set(reports.flatMap((one) => one.missing || []))];
    const units = reports.reduce((sum, one) => sum + Object.keys(one.units || {}).length, 0);
    const waiting = [...new Set(reports.flatMap((one) => one.waiting || []))];
    if (!missing.length && waiting.length) return { label: t("flood.missing"), value: t("flood.missing.waiting", { n: waiting.length, all: units }), detail: list(waiting, 6) };
    if (!missing.length) return { label: t("flood.missing"), value: t("flood.missing.none"), detail: units ? t("flood.missing.of", { n: units }) : "" };
    return { label: t("flood.missing"), value: t("flood.missing.n", { n: missing.length }), severity: 4, detail: list(missing, 6), missing };
  }

  hall.panel("response_strip", function (element, { body }) {
    const NAMES = ["level", "signed", "red", "proposal", "due", "missing"];
    const WEIGHTS = [1.15, 1.1, 0.8, 1.25, 0.8, 1.4];
    const cells = Object.fromEntries(NAMES.map((name) => {
      const parts = { label: make("span.strip-label"), value: make("strong.strip-value"), detail: make("span.strip-detail") };
      const node = make("div.strip-cell", { "data-strip": name }, [make("span.strip-head", {}, [parts.label, (parts.tag = make("b.strip-exercise"))]), parts.value, parts.detail]);
      return [name, { node, ...parts }];
    }));
    const waits = make("div.strip-wait");
    const strip = make("div.strip", {}, Object.values(cells).map((cell) => cell.node));
    body.append(strip, waits);
    const place = () => hall.wall.tracks(strip, WEIGHTS);

    function paint(name, { label, value, detail, severity, exercise, waits: open, missing }) {
      const cell = cells[name];
      setText(cell.label, label);
      setText(cell.value, severity ? `${hall.severity.shape(severity)} ${value}` : value);
      setText(cell.detail, detail || "");
      setText(cell.tag, exercise ? t("emergency.exercise") : "");
      cell.tag.hidden = !exercise;
      cell.value.dataset.severity = severity || 0;
      cell.node.dataset.severityEdge = severity || 0;
      cell.node.dataset.waits = open ? "1" : "";
      cell.node.dataset.count = missing ? missing.length : "";
    }
    const show = hall.paced(() => {
      const known = hall.store.ready;
      waits.hidden = known;
      setText(waits, known ? "" : t("rows.waiting"));
      strip.hidden = !known;
      if (!known) return;
      place();
      const now = hall.clock.city();
      const [responses, reports] = [flood.responses(), flood.reports()];
      const first = responses.find((one) => one.state === "in_force");
      paint("level", levelCell(first));
      paint("signed", signedCell(first));
      paint("red", redCell(flood.redSince(now)));
      paint("proposal", waitingCell(responses));
      paint("due", dueCell(reports));
      paint("missing", missingCell(reports));
      element.dataset.level = first ? first.level : "";
    }, PACE_MS);
    show();
    return { update: show, tick: show, locale: show, resize: place, unmount: show.cancel };
  });

  // -- wet places ----------------------------------------------------------------------------------------------------------------

  listing("wet_spots", {
    spec: "div.spot-row", em: 4.15, stretch: 1.15, empty: "flood.spots.none",
    parts: () => ({ tube: make("canvas.spot-tube"), name: make("span.spot-name"), value: make("span.spot-value.num"), forecast: make("span.spot-forecast"), rate: make("span.spot-rate.num"), who: make("span.spot-who.soft"), shut: make("span.spot-shut") }),
    fill(row, one) {
      const { tube, name, value, rate, forecast, who, shut } = row.parts;
      setText(name, `${one.severity ? `${hall.severity.shape(one.severity)} ` : ""}${one.name}`);
      setText(value, one.value == null ? "–" : `${format.number(one.value, 2)} ${hall.word("unit", one.unit)}`);
      for (const node of [name, value]) node.dataset.severity = one.severity;
      setText(rate, flood.rateText(one.rate));
      setText(forecast, [one.doubtful ? t("flood.doubtful") : "", flood.forecastText(one, hall.clock.city())].filter(Boolean).join(" · ") || lineText(one));
      const camera = one.camera ? `◉ ${one.camera.name}${one.camera.metres == null ? "" : ` ${format.number(one.camera.metres)} m`}` : t("flood.no-camera");
      setText(who, [flood.crewText(one.crew), camera, one.cases.length ? t("flood.cases", { n: one.cases.length }) : ""].filter(Boolean).join(" · "));
      setText(shut, one.closure ? flood.closureText(one.closure.state) : "");
      shut.hidden = !one.closure;
      shut.dataset.closure = one.closure ? one.closure.state : "";
      row.dataset.subject = one.subject;
      row.dataset.value = one.value ?? "";
      hall.citymap.paintTube(tube, one);
    },
    items(note) {
      const { wet, all } = flood.spots(hall.clock.city());
      note(all.length ? t("flood.spots.note", { wet: wet.length, all: all.length }) : "");
      return wet;
    },
  });

  /** "红 ≥ 0.27 m": the line it stands over, else the next one. */
  function lineText(one) {
    const over = [...one.lines].reverse().find((line) => one.value >= line.value);
    const line = over || one.lines[0];
    return line ? `${hall.severity.word(line.severity)} ${over ? "≥" : "<"} ${format.number(line.value, 2)} ${hall.word("unit", one.unit)}` : "";
  }

  // -- closures ------------------------------------------------------------------------------------------------------------------

  function closureDetail(one) {
    const at = (act) => act && act.at && `${flood.whoText(act.by)} ${format.time(act.at)}`;
    const facts = [one.on_site && one.on_site.at && t("flood.closure.on-site", { by: at(one.on_site) }), one.by_video && one.by_video.at && t("flood.closure.by-video", { by: at(one.by_video) })].filter(Boolean);
    const open = one.state === "ordered" ? (one.missing || []).map((fact) => t(`flood.closure.missing.${fact}`)).join(t("flood.or")) : "";
    const act = { proposed: one.proposed, ordered: one.ordered, confirmed: one.ordered, reopening_proposed: one.reopening }[one.state];
    const waits = one.state === "proposed" || one.state === "reopening_proposed" ? t("flood.waits", { age: format.age(one.since || (act || {}).at) }) : "";
    const doubt = one.state === "proposed" && (one.doubt || []).length && !one.verified ? `▲ ${t("flood.closure.check")}` : "";
    const seen = one.state === "proposed" && one.verified ? t("flood.closure.verified", { found: t(`flood.closure.found.${one.verified.found}`), by: at(one.verified) }) : "";
    const cannot = one.cannot ? t("flood.closure.cannot", { reason: one.cannot.reason || "" }) : "";
    const crews = (one.crews || []).map(({ crew }) => flood.whoText(`crew:${crew}`)).join(t("rows.comma"));
    const sent = crews && !one.on_site ? t("flood.closure.crews", { crews }) : "";
    return [cannot, doubt, seen, waits || at(act), sent, ...facts, open, one.depth != null ? `${format.number(one.depth, 2)} m` : ""].filter(Boolean).join(" · ");
  }
  /** The newest photo that somebody sent from the place. */
  function showPhoto(image, one) {
    const shot = [one.on_site, one.cannot, one.verified].filter((act) => act && (act.photos || []).length).sort((a, b) => b.at - a.at)[0];
    const media = shot ? shot.photos[0].media : "";
    image.hidden = !media;
    if (image.dataset.media === media) return;
    image.dataset.media = media;
    image.onerror = () => (image.hidden = true);
    if (media) image.src = `/api/v1/media/${encodeURIComponent(media)}`;
  }
  listing("closures", {
    spec: "div.closure-row", em: 2.72, empty: "flood.closures.none",
    parts: () => ({ state: make("span.closure-state"), name: make("span.closure-name"), detail: make("span.closure-detail.soft"), photo: make("img.closure-shot", { alt: "", hidden: "" }) }),
    fill(row, one) {
      setText(row.parts.state, flood.closureText(one.state));
      row.parts.state.dataset.closure = one.state;
      setText(row.parts.name, `${one.exercise ? `${t("emergency.exercise")} ` : ""}${hall.label(one.label) || one.name || one.closure_id}`);
      setText(row.parts.detail, closureDetail(one));
      showPhoto(row.parts.photo, one);
      row.dataset.subject = one.subject;
    },
    items(note, element) {
      const all = flood.closures();
      const shut = all.filter((one) => one.state === "confirmed" || one.state === "reopening_proposed").length;
      element.dataset.waiting = all.filter((one) => one.state === "proposed" || one.state === "reopening_proposed").length;
      note(all.length ? t("flood.closures.note", { shut, ordered: all.filter((one) => one.state === "ordered").length, waiting: element.dataset.waiting }) : "");
      return all;
    },
  });

  // -- tasks ---------------------------------------------------------------------------------------------------------------------

  listing("tasks_due", {
    spec: "div.task-row", em: 2.72, empty: "flood.tasks.none",
    parts: () => ({ what: make("span.task-what"), due: make("span.task-due.num"), who: make("span.task-who.soft"), state: make("span.task-state") }),
    fill(row, one) {
      setText(row.parts.what, `${one.exercise ? `${t("emergency.exercise")} ` : ""}${[hall.label(one.label), typeof one.place === "string" ? one.place : one.place && hall.label(one.place.name || one.place.label)].filter(Boolean).join(" · ")}`);
      const left = one.next - hall.clock.city();
      setText(row.parts.due, !Number.isFinite(one.next) ? "" : left >= 0 ? t("emergency.left", { time: format.duration(left) }) : `▲ ${t("emergency.over", { time: format.duration(-left) })}`);
      setText(row.parts.who, [one.unit || (one.role && hall.word("desk.role", one.role)), one.district].filter(Boolean).join(" · "));
      setText(row.parts.state, one.late === "ack" ? t("flood.task.unanswered") : one.state === "open" ? t("flood.task.open") : t("flood.task.acknowledged", { by: one.acked_by || "" }));
      row.dataset.late = one.late;
      row.dataset.subject = one.subject;
    },
    items(note) {
      const all = flood.tasks(hall.clock.city());
      note(all.length ? t("flood.tasks.note", { n: all.length, late: all.filter((one) => one.late).length }) : "");
      return all;
    },
  });

  // -- resources -----------------------------------------------------------------------------------------------------------------

  /** kpi/resources of dispatch/depots: per item what there is, what is out, what is asked for and missing. */
  function resourceCells() {
    const found = flood.doc("kpi/resources");
    const items = found ? (Array.isArray(found.items) ? found.items : Object.entries(found.items || {}).map(([name, value]) => ({ item: name, ...value }))) : [];
    const cells = items.map((one) => ({ name: hall.knows(`emergency.item.${one.item || one.name}`) ? t(`emergency.item.${one.item || one.name}`) : hall.label(one.label) || one.item || one.name, free: one.free ?? (one.have ?? 0) - (one.out ?? 0), have: one.have ?? 0, missing: one.missing || 0, unit: one.unit || "" }));
    return cells.sort((a, b) => b.missing - a.missing || b.have - a.have);
  }
  hall.panel("resources", function (element, { body }) {
    const line = make("div.resource-line");
    body.append(line);
    const show = hall.paced(() => {
      const found = flood.doc("kpi/resources");
      const pumping = found && found.pumping;
      const cells = resourceCells();
      const nodes = cells.map((one) => make("span.resource", { "data-missing": one.missing ? "1" : null, "data-item": one.name }, [make("span.soft", {}, `${one.name} `), make("b", {}, `${format.number(one.free)}/${format.number(one.have)}`), one.unit ? ` ${hall.word("unit", one.unit)}` : "", one.missing ? make("b.resource-missing", {}, ` ■ ${t("flood.short-of", { n: format.number(one.missing) })}`) : ""]));
      if (pumping && pumping.have) nodes.unshift(make("span.resource", {}, [make("span.soft", {}, `${t("flood.pumping")} `), make("b", {}, `${format.number(pumping.in_use || 0)}/${format.number(pumping.have || 0)}`), ` ${hall.word("unit", "m3/h")}`]));
        hall.fill(line, [make("span.resource-title", {}, t("panel.resources")), ...(nodes.length ? nodes : [make("span.soft", {}, hall.store.ready ? t("flood.resources.none") : t("rows.waiting"))])]);
      // what does not fit is counted, not cut
      const rest = [...line.children].slice(1).filter((node) => node.offsetLeft + node.offsetWidth > line.clientWidth - 1);
      rest.forEach((node) => node.remove());
      if (rest.length) line.append(make("span.resource.soft", {}, t("rows.and", { n: rest.length })));
    }, 1000);
    show();
    return { update: show, tick: show, locale: show, resize: show, unmount: show.cancel };
  });
})();

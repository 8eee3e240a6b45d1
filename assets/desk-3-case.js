/* The detail pane of the desk: every field of the chosen case, its stages as a time-line, its versions, its place. */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const STAGES = ["reported", "accepted", "registered", "dispatched", "handled", "checked", "closed"];
  const FIELDS = ["case_id", "feed", "kind", "class_name", "subclass_name", "class_code", "description", "address", "district", "cell",
    "report_source", "unit", "closing_note"];
  const ENDED = new Set(["closed", "forced_close", "not_accepted", "cancelled"]);
  const ZOOM = 16;
  const RETRY_MS = 4000;
  const PASSING = new Set(["timeout", "unreachable", "bus-lost", "busy", "casebook-fault"]); // faults that may be over soon
  const RING = { className: "case-ring", iconSize: [48, 48] };

  const moment = (ms) => (ms == null ? "" : `${hall.format.date(ms)} ${hall.format.seconds(ms)}`);

  function row(label, value, spec) {
    return [hall.make("dt", {}, label), hall.make(spec || "dd", {}, value)];
  }

  /** How long is left, or by how much it is over: counts on while one looks. */
  function paintDue(node, doc) {
    const over = !ENDED.has(doc.state) && doc.due < hall.clock.city();
    const left = hall.format.duration(Math.abs(doc.due - hall.clock.city()));
    const text = ENDED.has(doc.state) ? moment(doc.due) : hall.t(over ? "desk.due.over" : "desk.due.left", { n: left });
    node.dataset.over = over ? "1" : "";
    hall.setText(node, `${hall.t("desk.column.due")} ${text}`);
  }

  function head(doc) {
    const state = hall.make("span.case-state", { "data-ended": ENDED.has(doc.state) ? "1" : "" }, hall.word("desk.state", doc.state || "reported"));
    const severity = hall.make("span.severity", { "data-severity": doc.severity || 0 }, hall.severityText(doc.severity || 0));
    const parts = [hall.make("strong.case-number", {}, doc.case_id), state, severity];
    if (doc.due != null) {
      const due = hall.make("span.case-due");
      paintDue(due, doc);
      parts.push(due);
    }
    return hall.make("header.case-head", {}, parts);
  }

  function timeline(doc) {
    const stages = doc.stages || {};
    const last = STAGES.reduce((found, name, index) => (stages[name] != null ? index : found), -1);
    let before = null;
    const items = STAGES.map((name, index) => {
      const at = stages[name];
      const phase = at != null ? "done" : index < last ? "skipped" : "ahead";
      const took = at != null && before != null ? ` (+${hall.format.duration(at - before)})` : "";
      if (at != null) before = at;
      const when = at != null ? `${hall.format.day(at)} ${hall.format.seconds(at)}${took}` : hall.t(`desk.stage.${phase}`);
      return hall.make("li", { "data-phase": phase }, [hall.make("b", {}, hall.t(`desk.stage.${name}`)), hall.make("span", {}, when)]);
    });
    return hall.make("ol.case-stages", {}, items);
  }

  function fields(doc) {
    const rows = FIELDS.filter((name) => doc[name]).flatMap((name) => row(hall.t(`desk.field.${name}`), fieldText(name, doc[name])));
    const place = doc.lon == null ? hall.t("desk.place.unknown") : `${doc.lon.toFixed(6)}, ${doc.lat.toFixed(6)}`;
    rows.push(...row(hall.t("desk.field.place"), place));
    if (doc.due != null) rows.push(...row(hall.t("desk.column.due"), moment(doc.due)));
    for (const [name, value] of Object.entries(doc.extra || {})) {
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      rows.push(...row(hall.word("desk.extra", name), text, "dd.case-extra"));
    }
    return hall.make("dl.case-fields", {}, rows);
  }

  function feedText(name) {
    const event = hall.store.get(`feed/${name}`);
    const label = event && hall.label(event.data.label);
    return label && label !== name ? `${label} (${name})` : name;
  }
  function fieldText(name, value) {
    if (name === "kind") return hall.word("desk.kind", value);
    return name === "feed" ? feedText(value) : value;
  }

  function versions(history) {
    if (!history || history.length < 2) return [];
    const items = history.slice(-30).reverse().map((event) => {
      const state = event.data ? hall.word("desk.state", event.data.state || "reported") : hall.t("desk.gone");
      return hall.make("li", {}, `${moment(event.time)} · ${state} · ${hall.t("desk.learnt", { at: moment(event.recordedtime) })}`);
    });
    const summary = hall.said("summary", "desk.versions", { n: history.length });
    return [hall.make("details.case-versions", {}, [summary, hall.make("ol", {}, items)])];
  }

  hall.panel("desk-case", function (element, context) {
    let shown = null; // {case: event, history: [event]}
    let fault = null; // why the casebook did not tell about the chosen case
    let reading = false;
    let asked = null;
    let retry = 0;
    let ring = null;

    function notice() {
      if (!fault) return [];
      const again = hall.said("button.desk-button", "desk.retry", null, { type: "button" });
      again.onclick = () => open(desk.chosen, true);
      const why = shown ? hall.t("desk.history-failed", { why: hall.why(fault) }) : hall.failed(fault);
      return [hall.make("p.case-fault", { role: "status" }, [`✕ ${why} `, again])];
    }

    function paintEmpty() {
      const key = reading ? "desk.reading" : "desk.none-chosen";
      hall.fill(context.body, fault ? notice() : hall.said("p.desk-empty", key, null, { role: "status" }));
    }

    function paint() {
      if (!shown) return paintEmpty();
      const doc = shown.case.data;
      const keep = context.body.scrollTop;
      const readOnly = hall.said("p.desk-readonly", "desk.read-only");
      context.note(hall.t("desk.read-only-mark"));
      const learnt = hall.make("p.case-learnt", {}, hall.t("desk.as-of", { at: moment(shown.case.time), learnt: moment(shown.case.recordedtime) }));
      hall.fill(context.body, [head(doc), timeline(doc), fields(doc), learnt, ...versions(shown.history), ...notice(), readOnly]);
      context.body.scrollTop = keep;
    }

    /** `again`: the same case once more, after its versions could not be read. */
    async function open(subject, again) {
      if (asked) asked.abort();
      clearTimeout(retry);
      asked = new AbortController();
      const mine = asked;
      const live = hall.store.get(subject);
      if (!again) {
        shown = live ? { case: live, history: [] } : null;
        fault = null;
        reading = true;
        paint();
        if (live) focus(live.data);
      }
      try {
        const path = subject.split("/").map(encodeURIComponent).join("/");
        const found = await hall.ask(`/api/v1/cases/${path}`, { signal: asked.signal });
        if (asked !== mine) return;
        shown = found;
        fault = null;
        if (!live) focus(found.case.data);
      } catch (error) {
        if (asked !== mine) return;
        fault = error;
        if (PASSING.has(error.reason)) retry = setTimeout(open, RETRY_MS, subject, true);
      }
      reading = false;
      paint();
    }

    /** Brings the case's place into the map's middle and rings it. */
    function focus(doc) {
      if (ring) ring.remove(), (ring = null);
      if (doc.lon == null) return;
      if (hall.map && hall.map.focus) hall.map.focus(doc.lon, doc.lat, ZOOM);
      const map = Object.values(hall.maps)[0];
      if (map) ring = window.L.marker([doc.lat, doc.lon], { icon: window.L.divIcon(RING), interactive: false, keyboard: false }).addTo(map);
    }

    paintEmpty();
    context.note(hall.t("desk.read-only-mark"));
    const offs = [
      desk.on("chosen", open),
      desk.on("changed", (event) => {
        if (!shown || shown.case.subject !== event.subject || !event.data) return;
        shown = { case: event, history: [...shown.history, event] };
        paint();
      }),
    ];
    if (desk.kept) desk.choose(desk.kept); // as it was before this tab was reloaded
    function tick() {
      const due = shown && context.body.querySelector(".case-due");
      if (due) paintDue(due, shown.case.data);
    }
    return { locale: paint, tick, unmount: () => (clearTimeout(retry), offs.forEach((off) => off())) };
  });
})();

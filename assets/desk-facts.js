/* The facts of a case as nodes: its stages as a time-line, its fields, its versions; texts that other parts of the desk use.
 *
 * desk.facts.timeline(doc), .fields(doc, file), .versions(history); desk.moment(ms)
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const STAGES = ["reported", "accepted", "registered", "dispatched", "handled", "checked", "closed"];
  const FIELDS = ["description", "address", "class_name", "subclass_name", "district", "cell", "unit", "report_source", "kind", "class_code",
    "feed", "case_id", "closing_note"];
  const SHOWN_VERSIONS = 30;

  const moment = (ms) => (ms == null ? "" : `${hall.format.date(ms)} ${hall.format.seconds(ms)}`);
  desk.moment = moment;
  /** 11/20 14:03:07, short: for lists. */
  desk.shortMoment = (ms) => (ms == null ? "" : `${hall.format.day(ms)} ${hall.format.seconds(ms)}`);

  const row = (label, value, spec) => [hall.make("dt", {}, label), hall.make(spec || "dd", {}, value)];

  function timeline(doc) {
    const stages = doc.stages || {};
    const last = STAGES.reduce((found, name, index) => (stages[name] != null ? index : found), -1);
    let before = null;
    const items = STAGES.map((name, index) => {
      const at = stages[name];
      const phase = at != null ? "done" : index < last ? "skipped" : "ahead";
      const took = at != null && before != null ? `+${hall.format.duration(at - before)}` : "";
      if (at != null) before = at;
      const when = at != null ? `${hall.format.day(at)} ${hall.format.seconds(at)}` : hall.t(`desk.stage.${phase}`);
      return hall.make("li", { "data-phase": phase }, [hall.make("b", {}, hall.t(`desk.stage.${name}`)), hall.make("span", {}, when), hall.make("span", {}, took)]);
    });
    return hall.make("ol.case-stages", {}, items);
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

  /** The incident that a case is under: a link where the hall keeps one of that name. */
  function incidentNode(name) {
    const subject = `incident/${name.replace(/^incident\//, "")}`;
    const event = hall.store.get(subject);
    return event && event.data ? hall.make("a", { href: `/emergency?lang=${hall.locale}#${encodeURI(subject)}` }, event.data.title) : name;
  }

  /** What the hall's file adds to the case's own fields. */
  function ofFile(file) {
    const clock = file.clock;
    const found = [];
    if (clock) found.push(...row(hall.t("desk.field.limit"), `${clock.label} · ${hall.t("desk.field.limit-due", { at: moment(clock.due) })}`));
    if (file.stage_due != null) found.push(...row(hall.t("desk.field.stage_due"), moment(file.stage_due)));
    if (file.incident) found.push(...row(hall.t("emergency.field.incident"), incidentNode(file.incident)));
    if (file.opinion) found.push(...row(hall.t("desk.field.opinion"), file.opinion));
    for (const which of ["before", "after"]) {
      const check = (file.check || {})[which];
      if (check) found.push(...row(hall.t(`desk.field.check-${which}`), `${hall.t(check.passed ?? check.found ? "desk.yes" : "desk.no")}${check.text ? ` · ${check.text}` : ""} · ${check.who || ""}`));
    }
    for (const name of ["reworks", "returns", "suspensions"]) if (file[name]) found.push(...row(hall.t(`desk.field.${name}`), String(file[name])));
    if (file.supplier_state && file.supplier_state !== file.state) found.push(...row(hall.t("desk.field.supplier_state"), hall.word("desk.state", file.supplier_state)));
    if (file.end_reason) found.push(...row(hall.t("desk.field.end_reason"), file.end_reason));
    return found;
  }

  function fields(doc, file) {
    const rows = FIELDS.filter((name) => doc[name]).flatMap((name) => row(hall.t(`desk.field.${name}`), fieldText(name, doc[name])));
    const place = doc.lon == null ? hall.t("desk.place.unknown") : `${doc.lon.toFixed(6)}, ${doc.lat.toFixed(6)}`;
    rows.push(...row(hall.t("desk.field.place"), doc.lon == null ? place : hall.make("span", {}, [place, " ", hall.citymap.linkTo(doc)])));
    if (doc.due != null && !(file && file.clock)) rows.push(...row(hall.t("desk.column.due"), moment(doc.due)));
    if (file) rows.push(...ofFile(file));
    for (const [name, value] of Object.entries(doc.extra || {})) {
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      rows.push(...row(hall.word("desk.extra", name), text, "dd.case-extra"));
    }
    return hall.make("dl.case-fields", {}, rows);
  }

  function versions(history) {
    if (!history || history.length < 2) return [];
    const items = history.slice(-SHOWN_VERSIONS).reverse().map((event) => {
      const state = event.data ? hall.word("desk.state", event.data.state || "reported") : hall.t("desk.gone");
      return hall.make("li", {}, `${moment(event.time)} · ${state} · ${hall.t("desk.learnt", { at: moment(event.recordedtime) })}`);
    });
    const summary = hall.said("summary", "desk.versions", { n: history.length });
    return [hall.make("details.case-versions", {}, [summary, hall.make("ol", {}, items)])];
  }

  desk.facts = { timeline, fields, versions };
})();

/* An alarm becomes a case: the report with what the alarm knows, filed once, and the two linked.
 *
 * hall.emergency.alarmToCase(subject, data)   opens the form
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, alarms } = hall;
  const desk = hall.desk;
  const E = hall.emergency;

  const classesKnown = () => {
    const rows = ((hall.store.get("kpi/by_class") || {}).data || {}).rows || [];
    const offered = Object.values(((alarms.load() || {}).desk || {}).case_classes || {});
    return [...new Set([...offered, ...rows.map((row) => row.name).filter(Boolean)])];
  };

  function wordsOf(subject, data) {
    const name = alarms.name(subject, data);
    return hall.t("alarms.case-text", { name, reading: [alarms.reading(data), alarms.label(subject, data)].filter(Boolean).join(" · "), at: E.moment(data.since), place: data.district || "" }).trim();
  }

  E.alarmToCase = function (subject, data) {
    if (!hall.may("report")) return void desk.announce(hall.t("emergency.not-allowed"), "refused");
    const id = `alarm-${data.alarm_id}-${[...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`.slice(-150);
    const fields = {
      subclass_name: make("input.desk-input", { type: "text", maxlength: "128", list: "alarm-case-classes", value: (((alarms.load() || {}).desk || {}).case_classes || {})[data.quantity] || "" }),
      description: make("textarea.desk-input", { rows: "4", maxlength: "4000" }, wordsOf(subject, data)),
      address: make("input.desk-input", { type: "text", maxlength: "500", value: alarms.name(subject, data) }),
      severity: make("select.desk-select", {}, [1, 2, 3, 4].map((level) => make("option", { value: level, ...(level === (data.severity || 2) ? { selected: "" } : {}) }, `${hall.severity.shape(level)} ${hall.severity.word(level)}`))),
    };
    const offers = make("datalist", { id: "alarm-case-classes" }, classesKnown().map((value) => make("option", { value })));
    const status = make("p.form-status", { role: "status" });
    const go = make("button.desk-button.is-primary", { type: "button" }, hall.t("alarms.case-go"));

    async function file() {
      go.disabled = true;
      const report = { description: fields.description.value.trim(), subclass_name: fields.subclass_name.value.trim(), address: fields.address.value.trim(), severity: Number(fields.severity.value), district: data.district || "", report_source: hall.t("alarms.case-source"), ...(data.lon != null ? { lon: data.lon, lat: data.lat } : {}) };
      try {
        const answer = await hall.ask("/api/v1/cases", { method: "POST", body: { id, case: report } });
        E.send(subject, "link_case", { alarm_id: data.alarm_id, case: answer.case.replace(/^case\//, "file/") });
        box.close();
        desk.announce(hall.t("alarms.case-done", { number: answer.case.split("/").pop() }), "done");
      } catch (error) {
        hall.setText(status, hall.failed(error)); // the same id goes again: it is one case however often it is sent
        status.dataset.failed = "1";
        go.disabled = false;
      }
    }
    go.onclick = file;
    const rows = Object.entries(fields).map(([name, control]) => make("label.field", { "data-field": name }, [make("span.field-name", {}, hall.t(`alarms.case.${name}`)), control]));
    const linked = (data.cases || []).length ? make("p", {}, hall.t("alarms.case-linked", { n: data.cases.length })) : "";
    const box = desk.dialog({ title: hall.t("alarms.to-case"), wide: true, kind: "alarm-case", body: [linked, make("div.case-form", {}, rows), offers, status, go] });
    go.focus();
  };
})();

/* Which of a selection's open cases are acted on: all of them, or as many as the act can take, told beforehand and narrowed by hand.
 *
 * hall.citymap.casesToActOn(asked, {most, act}) -> Promise of [subject, ...], most severe first; null: somebody thought better of it
 *   asked   body of POST /api/v1/map/selection; most: what the act takes at once; act: its name, for the dialog's title
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make } = hall;
  const WITHIN_MS = 30000;
  const FEW = 200; // of so many nobody is asked
  const [, CLASS, SEVERITY, DISTRICT] = [0, 1, 2, 3];

  function choice(key, values, labelOf) {
    const node = make("select.desk-select.is-wide", {}, [make("option", { value: "" }, hall.t("map.narrow.all")), ...values.map((value) => make("option", { value: String(value) }, labelOf(value)))]);
    return { node, row: make("label.field", {}, [make("span.field-name", {}, hall.t(`map.narrow.${key}`)), node]), get: () => node.value };
  }

  const commonest = (rows, column) => {
    const counts = new Map();
    for (const row of rows) if (row[column]) counts.set(row[column], (counts.get(row[column]) || 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]);
  };

  citymap.casesToActOn = async function (asked, { most, act }) {
    const { total, rows } = await hall.ask("/api/v1/map/selection/cases", { method: "POST", body: asked, within: WITHIN_MS });
    if (total <= Math.min(FEW, most)) return rows.map(([subject]) => subject);
    return new Promise((done) => {
      let answer = null;
      const counted = (column) => new Map(commonest(rows, column));
      const [classes, districts] = [counted(CLASS), counted(DISTRICT)];
      const fields = [choice("class", [...classes.keys()], (name) => `${name} (${hall.format.number(classes.get(name))})`),
        choice("district", [...districts.keys()], (name) => `${name} (${hall.format.number(districts.get(name))})`),
        choice("severity", [4, 3, 2, 1].filter((n) => rows.some((row) => row[SEVERITY] >= n)), (n) => hall.t("map.narrow.at-least", { severity: hall.severityText(n) }))];
      const words = make("p", { role: "status", "data-narrowed": "" });
      const go = make("button.desk-button.is-primary", { type: "button" });
      const chosen = () => {
        const [kind, district, severity] = fields.map((field) => field.get());
        return rows.filter((row) => (!kind || row[CLASS] === kind) && (!district || row[DISTRICT] === district) && (!severity || row[SEVERITY] >= Number(severity)));
      };
      const paint = () => {
        const n = chosen().length;
        hall.setText(words, hall.t(n > most ? "map.narrow.cut" : "map.narrow.whole", { n: hall.format.number(n), most: hall.format.number(most) }));
        words.dataset.cut = n > most ? "1" : "";
        hall.setText(go, hall.t("map.narrow.go", { n: hall.format.number(Math.min(n, most)) }));
        go.disabled = !n;
      };
      go.onclick = () => ((answer = chosen().slice(0, most).map(([subject]) => subject)), box.close());
      const box = hall.desk.dialog({ title: `${act}: ${hall.t("map.narrow.title", { n: hall.format.number(total) })}`, kind: "narrow",
        body: [total > rows.length ? make("p", {}, hall.t("map.narrow.read", { n: hall.format.number(rows.length) })) : "", ...fields.map(({ row }) => row), words, go], onClose: () => done(answer) });
      for (const { node } of fields) node.onchange = paint;
      paint();
      go.focus();
    });
  };
})();

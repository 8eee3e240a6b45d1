/* The same move for many cases at once: what the server allows for each of them is asked first; each stands for itself. */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const AT_ONCE = 4;
  const SINGLE = new Set(["ask", "urge", "into", "tasks", "fields", "photos", "crews", "incident"]); // needs that differ from case to case
  const LEFT_OUT = new Set(["crews", "override", "photos"]);
  const FIRST = ["dispatch", "give", "claim"];

  /** Views of the chosen cases, a few at a time, while they are wanted. */
  async function views(subjects, progress, wanted) {
    const found = [];
    const left = [...subjects];
    async function one() {
      for (let subject = left.shift(); subject && wanted(); subject = left.shift()) {
        const view = await hall.ask(`/api/v1/files/${desk.address(desk.rows.fileOf(subject))}`).catch(() => null);
        found.push({ subject, view });
        progress(found.length);
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    return found;
  }

  function movesOf(found) {
    const moves = new Map();
    for (const { view } of found) {
      for (const move of view ? view.allowed : []) {
        if (move.move === "undo" || move.needs.some((name) => SINGLE.has(name))) continue;
        const known = moves.get(move.move) || { move, views: [] };
        known.views.push(view);
        moves.set(move.move, known);
      }
    }
    const rank = (name) => (FIRST.indexOf(name) + 1 || 99);
    return [...moves.values()].sort((a, b) => rank(a.move.move) - rank(b.move.move) || b.views.length - a.views.length);
  }

  const ownUnit = (view) => view.case.unit || view.file.unit || "";

  /** What a form of one case would begin with, as far as all of these agree: one case's facts are never put upon another. */
  function together(cases) {
    const agreed = (read) => {
      const value = read(cases[0]);
      return cases.every((view) => read(view) === value) ? { value, all: true } : { value: undefined, all: false };
    };
    const unit = agreed(ownUnit);
    const emergency = agreed((view) => !!view.file.emergency);
    const kind = agreed((view) => `${view.case.class_name} ${view.case.subclass_name}`);
    const [first] = cases;
    return {
      view: { ...first, case: { ...first.case, unit: unit.value }, file: { ...first.file, unit: undefined, emergency: emergency.value } },
      kinds: kind.all && unit.all, units: unit.all, emergency: emergency.all,
    };
  }

  /** A department left empty: each case goes to its own, where each has one. */
  function ownUnits(field, cases) {
    const without = cases.filter((view) => !ownUnit(view)).length;
    const hint = make("small.field-hint", {}, hall.t(without ? "desk.batch-units-some" : "desk.batch-units-own", { n: without }));
    return { ...field, node: make("span.field-group", {}, [field.node, hint]), own: !without };
  }

  function undecided(field) {
    const input = field.node.querySelector("input");
    input.indeterminate = true;
    const node = make("span.field-group", {}, [field.node, make("small.field-hint", {}, hall.t("desk.batch-as-is"))]);
    return { ...field, node, get: () => (input.indeterminate ? undefined : input.checked) };
  }

  function formOf({ move, views: cases }) {
    const fields = new Map();
    const form = { field: (name) => fields.get(name) };
    const all = together(cases);
    const names = [...move.needs, ...move.takes.filter((name) => !LEFT_OUT.has(name) && (name !== "condition" || all.kinds))];
    for (const name of names) {
      const field = desk.fields.make(name, { view: all.view, move, needed: move.needs.includes(name), form });
      fields.set(name, name === "unit" && !all.units ? ownUnits(field, cases) : name === "emergency" && !all.emergency ? undecided(field) : field);
    }
    if (move.reason) {
      const area = make("textarea.desk-input", { rows: "2", maxlength: "500" });
      fields.set("reason", { node: area, get: () => area.value.trim() || undefined });
    }
    const rows = [...fields].map(([name, field]) => make("label.field", {}, [make("span.field-name", {}, hall.word("desk.data", name) + (move.needs.includes(name) || name === "reason" ? " *" : "")), field.node]));
    const values = () => Object.fromEntries([...fields].map(([name, field]) => [name, field.get()]).filter(([, value]) => value !== undefined));
    const missing = () => [...move.needs, ...(move.reason ? ["reason"] : [])].filter((name) => fields.get(name).get() === undefined && !fields.get(name).own);
    return { rows, values, missing, own: names.includes("unit") && !all.units };
  }

  function send(chosen, form) {
    const { reason, ...data } = form.values();
    if (desk.list) desk.list.clear();
    const dataOf = (view) => (form.own && data.unit === undefined && ownUnit(view) ? { ...data, unit: ownUnit(view) } : data);
    desk.run(chosen.views.map((view) => ({ subject: view.subject, move: chosen.move.move, revision: view.revision, reason, data: dataOf(view) })));
  }

  function choose(found) {
    const moves = movesOf(found);
    if (!moves.length) return void desk.announce(hall.t("desk.batch-nothing"), "refused");
    const select = make("select.desk-select.is-wide", {}, moves.map(({ move, views: cases }, index) => make("option", { value: index }, hall.t("desk.batch-move", { move: desk.moveName(move.move), n: cases.length, all: found.length }))));
    const rows = make("div.field-group");
    const status = make("p.form-status", { role: "alert" });
    const button = make("button.desk-button.is-primary", { type: "button" });
    let form = null;
    function paint() {
      form = formOf(moves[select.value]);
      hall.fill(rows, form.rows);
      hall.setText(button, hall.t("desk.batch-send", { n: moves[select.value].views.length }));
      hall.setText(status, "");
    }
    select.onchange = paint;
    button.onclick = () => {
      const absent = form.missing();
      if (absent.length) return void hall.setText(status, hall.t("desk.missing", { names: absent.map((name) => hall.word("desk.data", name)).join(hall.t("rows.comma")) }));
      box.close();
      send(moves[select.value], form);
    };
    const box = desk.dialog({ title: hall.t("desk.batch-title", { n: found.length }), kind: "batch", body: [make("label.field", {}, [said("span.field-name", "desk.batch-what"), select]), rows, status, button] });
    paint();
    select.focus();
  }

  /** Of the list's chosen cases, or of `subjects` (case/...): whoever selected them elsewhere, on the map say. */
  desk.batch = async function (given) {
    const subjects = given || [...desk.selected];
    if (!subjects.length) return void desk.announce(hall.t("desk.batch-none"));
    const words = make("p", { role: "status" }, hall.t("desk.reading"));
    const bar = make("progress.batch-progress", { max: String(subjects.length), value: "0" });
    const waiting = desk.dialog({ title: hall.t("desk.batch-title", { n: subjects.length }), body: [words, bar], actions: [{ text: hall.t("desk.batch-stop") }] });
    const found = await views(subjects, (n) => (hall.setText(words, hall.t("desk.batch-reading", { n, all: subjects.length })), (bar.value = n)), () => waiting.isConnected);
    if (!waiting.isConnected) return;
    waiting.close();
    choose(found);
  };

  const bar = make("div.batch-bar", { hidden: "", role: "status" });
  desk.on("selected", (selected) => {
    const table = document.querySelector(".panel-desk-queue");
    if (table && !bar.isConnected) table.append(bar);
    bar.hidden = !selected.size;
    const act = make("button.desk-button.is-primary", { type: "button" }, [hall.t("desk.key.batch"), make("kbd", {}, "b")]);
    act.onclick = () => desk.batch();
    const clear = said("button.desk-button", "desk.batch-clear", null, { type: "button" });
    clear.onclick = () => desk.list.clear();
    hall.fill(bar, [make("span", {}, hall.t("desk.batch-chosen", { n: selected.size })), act, clear]);
  });
})();

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

  function formOf({ move, views: cases }) {
    const fields = new Map();
    const form = { field: (name) => fields.get(name) };
    const names = [...move.needs, ...move.takes.filter((name) => !LEFT_OUT.has(name))];
    for (const name of names) fields.set(name, desk.fields.make(name, { view: cases[0], move, needed: move.needs.includes(name), form }));
    if (move.reason) {
      const area = make("textarea.desk-input", { rows: "2", maxlength: "500" });
      fields.set("reason", { node: area, get: () => area.value.trim() || undefined });
    }
    const rows = [...fields].map(([name, field]) => make("label.field", {}, [make("span.field-name", {}, hall.word("desk.data", name) + (move.needs.includes(name) || name === "reason" ? " *" : "")), field.node]));
    const values = () => Object.fromEntries([...fields].map(([name, field]) => [name, field.get()]).filter(([, value]) => value !== undefined));
    return { rows, values, missing: () => [...move.needs, ...(move.reason ? ["reason"] : [])].filter((name) => fields.get(name).get() === undefined) };
  }

  function send(chosen, form) {
    const { reason, ...data } = form.values();
    if (desk.list) desk.list.clear();
    desk.run(chosen.views.map((view) => ({ subject: view.subject, move: chosen.move.move, revision: view.revision, reason, data })));
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

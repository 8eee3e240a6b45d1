/* 响应: the plans of the city, what is proposed and why, the one signature that puts a level into force, and taking it back.
 *
 * Before anybody signs he sees what will happen, from the server's own words (`preview` of each move): tasks, walls, messages,
 * rhythm of reports, deadlines. Nothing here knows a rule of a plan.
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const ACTS = ["sign", "change", "step_down", "end"];
  const ORDER = ["in_force", "proposed", "ended", "idle"];
  const LEVELS = ["", "IV", "III", "II", "I"];
  const MINUTE_MS = 60000;

  const levelText = (state, level) => (level ? hall.label(((state.levels || {})[level] || {}).label) || level : "");
  const roleText = (role) => hall.t(`desk.role.${role}`);
  const signers = (state, level) => (((state.levels || {})[level] || {}).sign || []).map(roleText).join(hall.t("rows.comma"));
  const lines = (list, tag = "ul.response-lines") => make(tag, {}, list.map((one) => make("li", {}, one)));
  const whyOf = (list) => E.why([].concat(list || []).filter(Boolean).map((one) => (one.code === "signal" ? { ...one, values: { ...one.values, colour: hall.word("plans.colour", one.values.colour) } } : one)));
  /** A text with a running clock in it: said again each second without touching what stands around it. */
  function ticking(tag, text) {
    const node = make(tag, { "data-ticking": "1" }, text());
    node.said = text;
    return node;
  }
  const directionText = (said) => hall.t(`plans.direction.${said.direction || "up"}`);

  // -- what a signature will do ------------------------------------------------------------------------------------------------

  function taskRow(task) {
    const who = task.unit || roleText(task.role);
    const pumps = (task.equipment || []).map((item) => `${item.name} × ${item.count || 1}`).join(hall.t("rows.comma"));
    return [who, hall.label(task.label), [hall.label(task.place), pumps].filter(Boolean).join(" · "), hall.t("plans.minutes", { n: Math.round(task.ack_due / MINUTE_MS) }), hall.t("plans.minutes", { n: Math.round(task.due / MINUTE_MS) })];
  }
  function tasksTable(tasks) {
    const head = ["plans.task.who", "plans.task.what", "plans.task.where", "plans.task.ack", "plans.task.due"].map((key) => said("th", key, null, { scope: "col" }));
    return make("table.console-table.response-preview", {}, [make("thead", {}, make("tr", {}, head)), make("tbody", {}, tasks.map((task) => make("tr", {}, taskRow(task).map((cell) => make("td", {}, cell)))))]);
  }
  function scenesOf(scenes) {
    return Object.entries(scenes).map(([wall, layout]) => (layout ? hall.t("plans.scene", { wall: hall.word("wall", wall), layout: hall.word("wall", layout) }) : hall.t("plans.scene-back", { wall: hall.word("wall", wall) })));
  }
  /** Alarm rules that have other figures at this level, each with what it was and what it will be. */
  function linesOf(preview) {
    if (!preview.lines.length) return [hall.t("plans.preview.no-lines")];
    const figure = (value, unit) => (typeof value === "number" ? E.amount(value, unit) : String(value ?? "–"));
    return preview.lines.map((line) => hall.t("plans.preview.line", { rule: hall.label(line.label) || line.rule, figures: Object.values(line.figures).map(([was, is]) => `${figure(was, line.unit)} → ${figure(is, line.unit)}`).join(hall.t("rows.comma")) }));
  }
  /** Everything that the server says this act will do, section by section; what it leaves alone is said, too. */
  function previewOf(preview) {
    const section = (key, values, body) => make("section.response-section", { "data-part": key.split(".").pop() }, [make("h3.tab-title", {}, hall.t(key, values)), ...[].concat(body)]);
    const none = () => said("p.desk-empty", "plans.preview.nothing");
    const messages = preview.messages.map((one) => hall.t("plans.message", { kind: hall.t(`plans.message.${one.kind}`), headline: hall.label(one.headline), to: (one.audience || []).map((name) => hall.word("plans.audience", name)).join(hall.t("rows.comma")) }));
    const scenes = scenesOf(preview.scenes);
    const reports = preview.report_minutes ? hall.t("plans.preview.every", { n: preview.report_minutes }) : hall.t("plans.preview.no-reports");
    return [
      section("plans.preview.scenes", {}, scenes.length ? lines(scenes) : none()),
      section("plans.preview.messages", {}, messages.length ? [lines(messages), said("p.response-hint", "plans.preview.drafts")] : none()),
      section("plans.preview.limits", {}, lines([reports, preview.emergency_classes.length ? hall.t("plans.preview.emergencies", { classes: preview.emergency_classes.join(hall.t("rows.comma")) }) : hall.t("plans.preview.no-emergencies"), ...linesOf(preview)])),
      preview.cancelled ? section("plans.preview.cancelled", { n: preview.cancelled }, []) : "",
      section("plans.preview.tasks", { n: preview.tasks.length }, preview.tasks.length ? tasksTable(preview.tasks) : none()),
    ];
  }

  /** Every level that this person may go to, with the move that goes there: [{move, level, preview}], as the server offers them. */
  function choices(view) {
    const found = [];
    for (const row of view.allowed) if (row.preview) for (const [level, preview] of Object.entries(row.preview)) found.push({ move: row.move, level, preview, exercise: row.exercise });
    return found.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  }

  function signDialog(view, wanted) {
    const state = view.state;
    const all = choices(view);
    if (!all.length) return;
    let chosen = all.find((one) => one.level === wanted) || all[0];
    const why = (state.proposed || {}).why ? whyOf(state.proposed.why).join(hall.t("rows.comma")) : "";
    const reason = make("textarea.desk-input", { rows: "2", maxlength: "500", "aria-label": E.fieldName("response", "reason") });
    reason.value = why;
    const exercise = make("input", { type: "checkbox" });
    const fixed = state.state === "in_force";
    exercise.checked = fixed ? !!state.exercise : !!chosen.exercise;
    exercise.disabled = fixed;
    const room = make("div.response-room");
    const status = make("p.form-status", { role: "alert" });
    const textOf = (one) => (one.level ? `${E.moveName(view.subject, one.move)} ${levelText(state, one.level)}` : E.moveName(view.subject, one.move));
    const radios = all.map((one) => {
      const input = make("input", { type: "radio", name: "response-level", value: one.level });
      input.checked = one === chosen;
      input.onchange = () => ((chosen = one), paint());
      return make("label.field-radio", { "data-level": one.level }, [input, textOf(one)]);
    });
    const button = make("button.desk-button.is-primary.response-sign", { type: "button" });
    function paint() {
      hall.fill(room, previewOf(chosen.preview));
      hall.fill(button, [`✎ ${textOf(chosen)}`, exercise.checked ? ` · ${hall.t("emergency.exercise")}` : ""]);
      box.dataset.exercise = exercise.checked ? "1" : "";
    }
    exercise.onchange = () => paint();
    button.onclick = () => {
      if (!reason.value.trim()) return void (hall.setText(status, `✕ ${hall.t("emergency.refused.reason-missing")}`), reason.focus());
      const data = chosen.move === "end" ? {} : { level: chosen.level };
      if (chosen.move === "sign") data.exercise = exercise.checked;
      E.send(view.subject, chosen.move, data, { reason: reason.value.trim() });
      box.close();
    };
    const body = [
      make("div.field-radios", { role: "radiogroup", "aria-label": hall.t("plans.which-level") }, radios),
      make("label.response-exercise", {}, [exercise, said("span", fixed ? "plans.exercise-fixed" : "plans.exercise-choose")]),
      room,
      make("div.field", {}, [said("span.field-name", "emergency.field.reason"), reason]),
      said("p.response-hint", "plans.one-signature"), status, make("div.form-actions", {}, button),
    ];
    const box = hall.desk.dialog({ title: hall.t("plans.sign-title", { plan: hall.label(state.label) }), body, wide: true, kind: "response-sign" });
    paint();
    reason.focus();
  }

  // -- the card ------------------------------------------------------------------------------------------------------------------

  function proposal(state, view) {
    const what = state.proposed;
    if (!what || !what.at) return "";
    const may = choices(view).some((one) => one.level === (what.level || ""));
    const clash = state.state === "in_force" && state.exercise && !what.exercise;
    const by = what.by === "system" ? hall.t("plans.by-hall") : what.by;
    const text = what.direction === "end" ? hall.t("plans.propose-end") : `${directionText(what)} ${levelText(state, what.level)}`;
    const button = make("button.desk-button.is-primary", { type: "button", "data-act": "sign-proposal" }, `✎ ${hall.t("plans.look-and-sign")}`);
    button.onclick = () => signDialog(view, what.level || "");
    return make("section.response-proposal", { "data-level": what.level || "" }, [
      make("h3", {}, [`▲ ${hall.t("plans.proposed", { what: text })} `, what.exercise ? said("b.emergency-exercise", "emergency.exercise") : ""]),
      ticking("p", () => hall.t("plans.proposed-by", { by, time: E.since(what.at) })),
      lines(whyOf(what.why)), what.reason ? make("p", {}, what.reason) : "",
      clash ? said("p.case-fault", "plans.real-in-exercise") : "",
      may ? button : make("p.response-hint", {}, hall.t("plans.waits-for", { who: signers(state, what.level || state.level) })),
    ]);
  }
  function level(state) {
    const none = state.state !== "in_force";
    return make("div.response-level", { "data-level": none ? "" : state.level, "data-exercise": state.exercise && !none ? "1" : "" }, [
      make("b", {}, none ? E.stateText("response", state.state) : levelText(state, state.level)),
      none ? "" : ticking("span", () => hall.t("plans.in-force-since", { who: state.signed_by === "system" ? hall.t("plans.by-hall") : state.signed_by, role: roleText(state.signed_role), time: E.since(state.since) })),
      state.red_since ? ticking("span.response-red", () => hall.t("plans.red-since", { time: E.since(state.red_since) })) : "",
    ]);
  }
  function tools(state, view) {
    const all = choices(view);
    const made = [];
    if (all.length) {
      const button = make("button.desk-button.move", { type: "button", "data-act": "sign" }, [hall.t(state.state === "in_force" ? "plans.change" : "plans.sign"), make("kbd", {}, "s")]);
      button.onclick = () => signDialog(view, (state.proposed || {}).level);
      made.push(button);
    }
    if (state.can_undo && state.undo_until > hall.clock.city()) made.push(ticking("span.response-undo", () => hall.t("plans.undo-left", { time: hall.format.duration(Math.max(0, state.undo_until - hall.clock.city())) })));
    return made.length ? make("div.case-moves", {}, made) : "";
  }
  function tasksOf(subject) {
    const mine = [...hall.store.docs("task").values()].map((event) => event.data).filter((task) => task && task.response === subject);
    const count = (state) => mine.filter((task) => task.state === state).length;
    const late = mine.filter((task) => (task.state === "open" || task.state === "acknowledged") && task.due <= hall.clock.city()).length;
    return mine.length ? hall.t("plans.tasks-count", { open: count("open"), acknowledged: count("acknowledged"), done: count("done"), late }) : "";
  }

  // how its history is told: in numbers what the streams beside it tell in full
  const count = (key) => (list) => (Object.keys(list || {}).length ? hall.t(key, { n: Object.keys(list).length }) : "");
  const silent = () => "";
  E.words("response", {
    direction: silent, gone: (levels) => Object.entries(levels).map(([level, at]) => `${level} ${hall.format.seconds(at)}`).join(hall.t("rows.comma")), label: silent, levels: silent, undo_until: silent, report_before: silent, run: silent, automatic: silent,
    why: (list) => whyOf(list).join(hall.t("rows.comma")), signal: (one) => (one.colour ? whyOf([{ code: "signal", values: one }])[0] : ""),
    told: silent, opened: count("plans.said.opened"), cancelled: count("plans.said.cancelled"), bulletins: count("plans.said.bulletins"),
    scenes: (scenes) => scenesOf(Object.fromEntries(Object.entries(scenes || {}).map(([wall, one]) => [wall, one.set]))).join(hall.t("rows.comma")),
    report_minutes: (n) => (n ? hall.t("plans.preview.every", { n }) : ""),
  });
  E.words("task", { label: hall.label, place: (one) => (typeof one === "string" ? one : hall.label(one)), told: silent, made: silent, task_id: silent, key: silent, lon: silent, lat: silent, step: (step) => hall.t(`shift.notice-kind.${step}`), why: (why) => hall.word("plans.task.why", why) });

  const card = {
    title: (state) => hall.label(state.label),
    mark: (state) => make("b.case-state", { "data-state": state.state }, E.stateText("response", state.state)),
    hide: [...ACTS, "propose"],
    keys: { decline: "d", undo: "u", set_commander: "c", appoint: "a" },
    facts: (state, view) => [make("div.response-top", {}, [level(state), proposal(state, view), tools(state, view)]), E.facts([
      ["plans.commander", state.commander], ["plans.roles", Object.entries(state.roles || {}).map(([role, who]) => `${role}：${who}`).join(hall.t("rows.comma"))],
      ["plans.signal", state.signal && state.signal.colour ? whyOf([{ code: "signal", values: state.signal }]) : ""],
      ["plans.tasks", tasksOf(view.subject)],
      ["plans.reports", state.report_minutes ? hall.t("plans.preview.every", { n: state.report_minutes }) : ""],
      ["plans.emergencies", (state.emergency_classes || []).join(hall.t("rows.comma"))],
      ["plans.walls", Object.keys(state.scenes || {}).length ? lines(scenesOf(Object.fromEntries(Object.entries(state.scenes).map(([wall, one]) => [wall, one.set])))) : ""],
      ["plans.declined", state.declined && state.declined.at ? hall.t("plans.declined-by", { level: levelText(state, state.declined.level), by: state.declined.by, time: E.since(state.declined.at), reason: state.declined.reason || "" }) : ""],
      ["plans.automatic", (state.automatic || []).map((name) => levelText(state, name)).join(hall.t("rows.comma"))],
    ])],
  };

  E.tab({
    name: "responses", order: 20, title: "plans.tab", topics: ["response", "task"], owns: ["response"],
    badge() {
      const all = [...hall.store.docs("response").values()].map((event) => event.data).filter(Boolean);
      const waiting = all.filter((one) => one.proposed && one.proposed.at).length;
      return { n: waiting || all.filter((one) => one.state === "in_force").length, alert: waiting > 0 };
    },
    mount(node, given) {
      let first = true;
      node.classList.add("response-tab");
      const split = given.split(node, {
        items: E.items("response", (a, b) => ORDER.indexOf(a.data.state) - ORDER.indexOf(b.data.state)),
        columns: ["plans.plan", "plans.state", "plans.level", "plans.since"],
        row: ({ data }) => [hall.label(data.label), E.stateText("response", data.state), levelText(data, data.level), data.state === "in_force" ? E.since(data.since) : ""],
        empty: "plans.none", card,
      });
      /** Most cities have one plan: it is open without anybody choosing it. */
      function open() {
        const subjects = [...hall.store.docs("response").keys()];
        if (first && !split.open() && subjects.length) (first = false), split.show(subjects[0]);
      }
      return {
        ...split,
        update(changes) {
          split.update(changes);
          open();
        },
        tick() {
          split.tick();
          for (const one of node.querySelectorAll("[data-ticking]")) hall.setText(one, one.said());
        },
        key(event) {
          const view = split.card() && split.card().view && split.card().view();
          if (event.key === "s" && view && choices(view).length) return event.preventDefault(), signDialog(view, (view.state.proposed || {}).level), true;
          return split.key(event);
        },
      };
    },
  });
})();

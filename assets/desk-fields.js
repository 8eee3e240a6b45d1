/* One control for each name that the data of a move may hold; the moves themselves are the server's (`allowed`).
 *
 * desk.fields.make(name, context) -> {node, get(), set(value), focus(), ready?}   get() gives undefined for "not said"
 *     context {view, move, needed, form}; `ready` settles when what the server offers is in
 * A name that is not known here becomes a line of text: a move that the city adds is usable at once.
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const ROLES = ["operator", "dispatcher", "supervisor", "department", "inspector"];
  let serial = 0;

  const field = (control, more) => ({ node: control, get: () => control.value.trim() || undefined, set: (value) => (control.value = value ?? ""), focus: () => control.focus(), ...more });
  const area = (rows) => field(make("textarea.desk-input", { rows: String(rows), maxlength: "4000" }));
  const line = (attributes) => field(make("input.desk-input", { type: "text", maxlength: "500", autocomplete: "off", ...attributes }));

  /** A line of text with offers; an offer may bring its own words beside the value. */
  function offered(load, attributes) {
    const id = `desk-offers-${(serial += 1)}`;
    const list = make("datalist", { id });
    const made = line({ list: id, ...attributes });
    const fill = (offers) => hall.fill(list, offers.map(({ value, label }) => make("option", { value }, label || "")));
    const ready = Promise.resolve(load()).then(fill).catch(() => {});
    return { ...made, node: make("span.field-offered", {}, [made.node, list]), ready };
  }

  /** Incidents that are open: a case is linked to one by its id. */
  const incidents = () => [...hall.store.docs("incident").values()].filter(({ data }) => data && data.state === "open").map(({ data }) => ({ value: data.incident_id, label: data.title }));

  function choice(options, text) {
    const select = make("select.desk-select", {}, options.map((value) => make("option", { value }, text(value))));
    return field(select);
  }

  /** Yes and no are two buttons: neither is chosen for the person. */
  function yesNo() {
    const name = `desk-yes-${(serial += 1)}`;
    const buttons = [true, false].map((value) => {
      const input = make("input", { type: "radio", name, value: String(value) });
      return { input, label: make("label.field-radio", {}, [input, said("span", value ? "desk.yes" : "desk.no")]) };
    });
    return {
      node: make("span.field-radios", { role: "radiogroup" }, buttons.map((button) => button.label)),
      get: () => { const on = buttons.find(({ input }) => input.checked); return on && on.input.value === "true" ? true : on ? false : undefined; },
      set: (value) => buttons.forEach(({ input }) => (input.checked = value != null && input.value === String(value))),
      focus: () => buttons[0].input.focus(),
    };
  }

  function tick(context) {
    const input = make("input", { type: "checkbox" });
    const was = !!context.view.file.emergency;
    input.checked = context.needed ? !was : was;
    return {
      node: make("label.field-radio", {}, [input, said("span", "desk.emergency-is")]),
      get: () => (context.needed || input.checked !== was ? input.checked : undefined),
      set: (value) => (input.checked = !!value), focus: () => input.focus(),
    };
  }

  function numeric(attributes, unit) {
    const input = make("input.desk-input.is-short", { type: "number", step: "any", ...attributes });
    return { node: make("span.field-number", {}, [input, make("span", {}, unit || "")]), get: () => (input.value === "" ? undefined : Number(input.value)), set: (value) => (input.value = value ?? ""), focus: () => input.focus() };
  }

  const HOUR = 3600000;
  /** A moment by the city's own wall clock, whatever zone this computer is set to. */
  function moment() {
    const input = make("input.desk-input", { type: "datetime-local" });
    const wall = (ms) => new Date(ms).toLocaleString("sv-SE", { timeZone: hall.page.timezone || undefined }).replace(" ", "T").slice(0, 16);
    function toMs(text) {
      let guess = Date.parse(`${text}Z`);
      for (let turn = 0; turn < 3; turn += 1) guess += Date.parse(`${text}Z`) - Date.parse(`${wall(guess)}Z`);
      return guess;
    }
    const quick = [["desk.in-day", 24], ["desk.in-week", 168], ["desk.in-month", 720]].map(([key, hours]) => {
      const button = said("button.desk-chip", key, null, { type: "button" });
      button.onclick = () => { input.value = wall(hall.clock.city() + hours * HOUR); input.dispatchEvent(new Event("input", { bubbles: true })); };
      return button;
    });
    return { node: make("span.field-moment", {}, [input, ...quick]), get: () => (input.value ? toMs(input.value) : undefined), set: (ms) => (input.value = ms ? wall(ms) : ""), focus: () => input.focus() };
  }

  function pick(numbers, text) {
    const made = choice(numbers.map(String), (value) => text(Number(value)));
    return { ...made, get: () => (made.node.value === "" ? undefined : Number(made.node.value)) };
  }
  const askText = (view) => (number) => {
    const ask = (view.file.asks || []).find((one) => one.number === number) || {};
    return `${hall.word("desk.ask", ask.what)} · ${ask.who || ""}${ask.reason ? ` · ${ask.reason}` : ""}`;
  };
  const urgeText = (view) => (number) => {
    const urge = (view.file.urges || []).find((one) => one.number === number) || {};
    return `${hall.t("desk.urge-level", { n: urge.level || 1 })} · ${urge.who || ""} · ${urge.reason || ""}`;
  };

  /** Who is known here: who signed in on a screen, who did something with this case. */
  function persons(view) {
    const found = new Set(view.entries.filter((entry) => entry.kind !== "system").map((entry) => entry.who));
    for (const event of hall.store.docs("screen").values()) if (event.data && event.data.who && event.data.role !== "wall") found.add(event.data.who);
    found.delete((hall.page.who || {}).name);
    return [...found].filter((who) => who && who !== "system").map((value) => ({ value }));
  }

  const once = new Map();
  /** What seldom changes is asked once a minute. */
  function shared(path, read) {
    const known = once.get(path);
    if (known && performance.now() - known.at < 60000) return known.answer;
    const answer = hall.ask(path).then(read);
    answer.catch(() => once.delete(path));
    once.set(path, { at: performance.now(), answer });
    return answer;
  }
  const unitText = (unit) => (typeof unit === "string" ? { value: unit } : { value: unit.name || unit.unit, label: unit.open == null ? "" : hall.t("desk.unit-load", { n: unit.open }) });
  const units = () => shared("/api/v1/units", (answer) => (answer.units || []).map(unitText));

  function unit(context) {
    const made = offered(units);
    const known = context.view.case.unit || context.view.file.unit;
    if (known) made.set(known);
    return made;
  }

  /** Limits offered for the class of the case; choosing one brings its department along, unless one was written. */
  function condition(context) {
    const select = make("select.desk-select.is-wide", {}, [make("option", { value: "" }, hall.t("desk.condition-none"))]);
    const made = field(select);
    let offers = [];
    let wish = (context.view.case.extra || {}).condition || "";
    function takeUnit() {
      const other = context.form.field("unit");
      const chosen = offers.find((offer) => offer.condition === select.value);
      const brings = chosen && (chosen.unit || chosen.department);
      if (brings && other && (!other.get() || other.brought === other.get())) other.set((other.brought = brings));
    }
    select.onchange = takeUnit;
    const ready = hall.ask(`/api/v1/files/${desk.address(context.view.subject)}/conditions`).then((answer) => {
      offers = Array.isArray(answer) ? answer : answer.conditions || [];
      select.append(...offers.map((offer) => make("option", { value: offer.condition }, [offer.condition || hall.t("desk.condition-any"), offer.label, offer.unit || offer.department].filter(Boolean).join(" · "))));
      if (!wish && offers.length === 1) wish = offers[0].condition;
      select.value = wish;
      takeUnit();
    }).catch(() => {});
    return { ...made, set: (value) => (select.value = wish = value ?? ""), ready };
  }

  function corrections(context) {
    const NAMES = ["description", "address", "class_name", "subclass_name", "district", "severity"];
    const inputs = NAMES.map((name) => {
      const was = context.view.case[name] ?? "";
      const input = name === "severity" ? make("select.desk-select", {}, [0, 1, 2, 3, 4].map((level) => make("option", { value: level }, hall.severityText(level)))) : make(name === "description" ? "textarea.desk-input" : "input.desk-input", { maxlength: "4000" });
      input.value = was === "" && name === "severity" ? "0" : was;
      return { name, input, was: input.value };
    });
    const rows = inputs.map(({ name, input }) => make("label.form-field", {}, [make("span", {}, hall.t(name === "severity" ? "desk.column.severity" : `desk.field.${name}`)), input]));
    const value = ({ name, input }) => (name === "severity" ? Number(input.value) : input.value.trim());
    return {
      node: make("div.field-group", {}, rows),
      get: () => { const found = Object.fromEntries(inputs.filter(({ input, was }) => input.value !== was).map((one) => [one.name, value(one)])); return Object.keys(found).length ? found : undefined; },
      set: (given) => inputs.forEach((one) => given && given[one.name] != null && (one.input.value = given[one.name])),
      focus: () => inputs[0].input.focus(),
    };
  }

  function tasks() {
    const box = make("div.field-group");
    function add(task) {
      const own = offered(units, { placeholder: hall.t("desk.data.unit"), "aria-label": hall.t("desk.data.unit") });
      const text = make("input.desk-input", { maxlength: "500", placeholder: hall.t("desk.data.text"), "aria-label": hall.t("desk.data.text"), value: (task && task.text) || "" });
      if (task) own.set(task.unit);
      const row = make("div.field-task", {}, [own.node, text]);
      row.read = () => ({ unit: own.get() || "", text: text.value.trim() });
      box.insertBefore(row, more);
      return text;
    }
    const more = said("button.desk-chip", "desk.task-add", null, { type: "button" });
    more.onclick = () => add().focus();
    box.append(more);
    add(); add();
    const rows = () => [...box.querySelectorAll(".field-task")];
    return {
      node: box,
      get: () => { const found = rows().map((row) => row.read()).filter((task) => task.text); return found.length ? found : undefined; },
      set: (given) => { rows().forEach((row) => row.remove()); (given || []).forEach(add); if (!rows().length) add(); },
      focus: () => box.querySelector("input").focus(),
    };
  }

  const MAKERS = {
    text: () => area(2), opinion: () => area(3), override: () => line({ maxlength: "500" }), incident: () => offered(incidents), unit, condition, fields: corrections, tasks,
    whom: ({ view }) => offered(() => persons(view)), whom_role: () => choice(["", ...ROLES], (role) => (role ? hall.t(`desk.role.${role}`) : "–")),
    emergency: tick, found: yesNo, passed: yesNo, reached: yesNo, satisfied: yesNo,
    amount: ({ view }) => numeric({ min: "0" }, view.file.clock ? hall.word("desk.clock-kind", view.file.clock.kind) : ""),
    kind: ({ move }) => choice(["", ...(move.kinds || [])], (value) => hall.word("desk.kind-of", value || "plain")),
    until: moment,
    level: ({ move }) => pick(Array.from({ length: move.levels || 1 }, (_, index) => index + 1), (n) => hall.t("desk.urge-level", { n })),
    ask: ({ view, move }) => pick(move.answers || [], askText(view)),
    urge: ({ view, move }) => pick(move.urges || [], urgeText(view)),
  };
  desk.fields = { make: (name, context) => (MAKERS[name] || (() => line()))(context), makers: MAKERS, offered, units };
})();

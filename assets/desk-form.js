/* The form of one move, inside the case: fields from the move's `needs` and `takes`, reasons with the city's templates.
 *
 * desk.form.start(move, view, {prefill, onEnd})   moves that ask for nothing are sent at once
 * desk.form.node       where it stands; .open() the move's name or ""; .close(); .renew(view) after the case changed
 * Typed text is a draft (desk.drafts) until it is sent. Enter sends, in a long text Ctrl+Enter does.
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const node = make("section.case-form", { hidden: "" });
  let now = null; // the form under way

  const nothingAsked = (move) => !move.reason && !move.needs.length && !move.takes.length;

  /** Templates are the city's: each a text, or one for each language. */
  function reasonField(move) {
    const area = make("textarea.desk-input", { rows: "2", maxlength: "500" });
    const chips = (move.reasons || []).map(hall.label).map((text) => {
      const chip = make("button.desk-chip", { type: "button" }, text);
      chip.onclick = () => {
        area.value = area.value.trim() ? `${area.value.trim()} ${text}` : text;
        area.dispatchEvent(new Event("input", { bubbles: true }));
        area.focus();
      };
      return chip;
    });
    return { node: make("div.field-group", {}, [area, make("div.field-chips", {}, chips)]), get: () => area.value.trim() || undefined, set: (value) => (area.value = value ?? ""), focus: () => area.focus() };
  }

  function rowOf(name, made, needed) {
    const id = `field-${name}`;
    const label = make("span.field-name", { id }, [hall.word("desk.data", name), needed ? make("em", { title: hall.t("desk.needed") }, " *") : ""]);
    const control = made.node.matches("input, textarea, select") ? made.node : made.node.querySelector("input, textarea, select");
    if (control && !control.closest("label")) control.setAttribute("aria-labelledby", id);
    if (control && needed) control.setAttribute("aria-required", "true");
    return make("div.field", { "data-field": name }, [label, made.node]);
  }

  function build(move, view) {
    const fields = new Map();
    const form = { move, view, fields, revision: view.revision, field: (name) => fields.get(name) };
    for (const name of [...move.needs, ...move.takes]) {
      const needed = move.needs.includes(name);
      const made = desk.fields.make(name, { view, move, needed, form });
      fields.set(name, { ...made, name, needed, row: rowOf(name, made, needed) });
    }
    if (move.reason) {
      const made = reasonField(move);
      fields.set("reason", { ...made, name: "reason", needed: true, row: rowOf("reason", made, true) });
    }
    if (fields.get("override")) fields.get("override").row.hidden = true;
    form.ready = Promise.all([...fields.values()].map((field) => field.ready)).then(() => suggestUnit(form));
    return form;
  }

  /** Nobody named a unit yet: that of the recommended crew, where it is the kind of unit that the condition asks for. */
  function suggestUnit(form) {
    const [unit, crews] = [fieldsOf(form, "unit"), fieldsOf(form, "crews")];
    const crew = crews && crews.first && crews.first();
    if (!unit || !crew || !crew.unit) return;
    const said = unit.get();
    if (!said || (said === unit.brought && crew.unit.includes(said))) unit.set((unit.brought = crew.unit));
  }
  const fieldsOf = (form, name) => form.fields.get(name);

  const values = (form) => Object.fromEntries([...form.fields.values()].map((field) => [field.name, field.get()]));
  const keepDraft = () => now && desk.drafts.put(now.view.subject, now.move.move, values(now));

  function missing(form) {
    return [...form.fields.values()].filter((field) => field.needed && field.get() === undefined);
  }

  function complain(form, text) {
    form.status.textContent = text;
    form.status.dataset.failed = "1";
  }

  /** Sends what the form says once everything that was being fetched for it is in. */
  async function send(form) {
    if (form.sending) return;
    form.sending = true;
    form.button.disabled = true;
    await form.ready;
    form.sending = false;
    form.button.disabled = false;
    if (now !== form) return;
    const absent = missing(form);
    for (const field of form.fields.values()) field.row.dataset.missing = absent.includes(field) ? "1" : "";
    if (absent.length) {
      complain(form, hall.t("desk.missing", { names: absent.map((field) => hall.word("desk.data", field.name)).join(hall.t("rows.comma")) }));
      return absent[0].focus();
    }
    if ([...form.fields.values()].some((field) => field.busy && field.busy())) return complain(form, hall.t("desk.photos-under-way"));
    const data = Object.fromEntries(Object.entries(values(form)).filter(([name, value]) => name !== "reason" && value !== undefined));
    const reason = form.fields.get("reason");
    const { subject } = form.view;
    close();
    desk.drafts.drop(subject, form.move.move);
    hall.commands.send({ subject, move: form.move.move, revision: form.revision, reason: reason ? reason.get() : "", data });
  }

  function head(form) {
    const cross = make("button.desk-button.is-quiet", { type: "button", "aria-label": hall.t("desk.form-close") }, "✕");
    cross.onclick = close;
    return make("header.form-head", {}, [make("h3", { id: "case-form-title" }, desk.moveName(form.move.move)), make("span", {}, desk.numberOf(form.view.subject)), cross]);
  }

  function show(form) {
    form.status = make("p.form-status", { role: "alert" });
    form.changed = make("p.form-changed", { role: "status", hidden: "" });
    form.button = make("button.desk-button.is-primary", { type: "button" }, [hall.t("desk.form-send", { move: desk.moveName(form.move.move) }), make("kbd", {}, "Enter")]);
    form.button.onclick = () => send(form);
    const cancel = said("button.desk-button", "desk.form-leave", null, { type: "button" });
    cancel.onclick = close;
    const rows = [...form.fields.values()].map((field) => field.row);
    hall.fill(node, [head(form), ...rows, form.changed, form.status, make("div.form-actions", {}, [form.button, cancel])]);
    node.setAttribute("role", "group");
    node.setAttribute("aria-labelledby", "case-form-title");
    node.hidden = false;
    node.scrollIntoView({ block: "start" });
  }

  function prefill(form, given) {
    const draft = desk.drafts.get(form.view.subject, form.move.move);
    for (const [name, value] of Object.entries({ ...given, ...draft })) if (form.fields.has(name)) form.fields.get(name).set(value);
    form.drafted = !!draft;
    if (draft) form.changed.hidden = false, hall.setText(form.changed, hall.t("desk.draft-restored"));
  }

  /** To the first thing that must still be said; with nothing missing, to the button: Enter sends. */
  function focusFirst(form) {
    const fetched = (field) => field.ready && field.needed && field.get() === undefined;
    const open = missing(form).filter((field) => !fetched(field));
    const text = ["note", "reply_urge"].includes(form.move.move) ? form.fields.get("text") : null;
    if (text) text.focus();
    else if (open.length) open[0].focus();
    else form.button.focus();
  }

  function close() {
    if (!now) return;
    const { onEnd } = now;
    keepDraft();
    now = null;
    node.hidden = true;
    node.replaceChildren();
    desk.tell("form", "");
    if (onEnd) onEnd();
  }

  // the ranking was another one when the hall looked: what was chosen stays, and the form asks why
  desk.on("command", (command) => {
    if (command.state === "refused" && command.why === "override-missing") desk.drafts.put(command.subject, command.move, { ...command.data, reason: command.reason });
  });
  node.addEventListener("input", keepDraft);
  node.addEventListener("change", keepDraft);
  node.addEventListener("focusin", (event) => now && hall.setText(now.button.querySelector("kbd"), event.target.matches("textarea") ? "Ctrl+Enter" : "Enter"));
  node.addEventListener("keydown", (event) => {
    if (!now || event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") return event.stopPropagation(), event.preventDefault(), close();
    if (event.key !== "Enter") return;
    const long = event.target.matches("textarea");
    const other = event.target.matches("button") && event.target !== now.button;
    if (other || (long && !event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    send(now);
  });

  desk.form = {
    node,
    open: () => (now ? now.move.move : ""),
    subject: () => (now ? now.view.subject : ""),
    close,
    start(move, view, { given, onEnd } = {}) {
      if (now) close();
      if (nothingAsked(move)) return void hall.commands.send({ subject: view.subject, move: move.move, revision: view.revision });
      const form = build(move, view);
      form.onEnd = onEnd;
      now = form;
      show(form);
      prefill(form, given);
      desk.tell("form", move.move);
      focusFirst(form);
    },
    /** The case changed while the form is open: its text stays; what it was made on is only lifted by the person. */
    renew(view) {
      if (!now || now.view.subject !== view.subject || view.revision === now.revision) return;
      const since = view.entries.filter((entry) => entry.revision > now.revision);
      if (!since.length) return;
      const button = said("button.desk-chip", "desk.form-lift", null, { type: "button" });
      const form = now;
      button.onclick = () => ((form.revision = view.revision), (form.view = view), (form.changed.hidden = true), form.button.focus());
      hall.fill(form.changed, [make("b", {}, `▲ ${hall.t("desk.form-changed")} `), since.map(desk.saidOf).join("; "), " ", button]);
      form.changed.hidden = false;
    },
    photos: () => now && now.fields.get("photos"),
  };
})();

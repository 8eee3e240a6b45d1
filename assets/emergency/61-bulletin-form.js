/* Drafting a bulletin: what is said in each language, to whom, where, until when. One dialog for a new draft and for an open one.
 *
 * hall.bulletins.edit(subject, view | null)   `view` of a draft that is changed; null: a new one
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const desk = hall.desk;
  const E = hall.emergency;
  const bulletins = hall.bulletins;
  const TEXTS = [["headline", "line", 120], ["text", "text", 2000], ["instruction", "text", 2000], ["event", "line", 60]];
  const DONE = new Set(["done", "refused", "stale", "dropped"]);

  const row = (key, node, needed) => make("div.field", {}, [make("span.field-name", {}, [hall.t(key), needed ? make("em", { title: hall.t("desk.needed") }, " *") : ""]), node]);
  const filled = (texts) => Object.fromEntries(Object.entries(texts).filter(([, text]) => text));

  function select(options, value) {
    const made = make("select.desk-select", {}, options.map(([name, text]) => make("option", { value: name }, text)));
    made.value = value ?? "";
    return made;
  }
  function ticks(names, textOf) {
    const boxes = names.map((value) => make("input", { type: "checkbox", value }));
    return {
      node: make("div.emergency-ticks", {}, boxes.map((input) => make("label.field-radio", {}, [input, textOf(input.value)]))),
      get: () => boxes.filter((one) => one.checked).map((one) => one.value),
      set: (values) => boxes.forEach((one) => (one.checked = (values || []).includes(one.value))),
    };
  }

  /** One box per language and text. */
  function texts(languages) {
    const found = new Map();
    const blocks = languages.map((tag) => {
      const rows = TEXTS.map(([name, kind, longest]) => {
        const made = kind === "line" ? make("input.desk-input", { type: "text", maxlength: String(longest), lang: tag }) : make("textarea.desk-input", { rows: name === "text" ? "4" : "2", maxlength: String(longest), lang: tag });
        made.setAttribute("aria-label", `${hall.t(`bulletins.${name}`)} ${tag}`);
        found.set(`${name} ${tag}`, made);
        return row(`bulletins.${name}`, made, tag === languages[0] && (name === "headline" || name === "text"));
      });
      return make("fieldset.bulletin-language", {}, [make("legend", {}, hall.t(`bulletins.language.${tag}`) || tag), ...rows]);
    });
    return {
      node: make("div.bulletin-languages", {}, blocks),
      get: (name) => filled(Object.fromEntries(languages.map((tag) => [tag, found.get(`${name} ${tag}`).value.trim()]))),
      set: (name, values) => languages.forEach((tag) => (found.get(`${name} ${tag}`).value = (values || {})[tag] || "")),
      empty: (name) => languages.every((tag) => !found.get(`${name} ${tag}`).value.trim()),
      first: () => found.get(`headline ${languages[0]}`),
    };
  }

  function build(offered, state) {
    const languages = offered.languages;
    const parts = {
      template: select([["", "–"], ...Object.entries(offered.templates).map(([name, one]) => [name, hall.label(one.label) || name])], ""),
      kind: select(["warning", "message"].map((name) => [name, hall.t(`bulletins.kind.${name}`)]), (state || {}).kind || "warning"),
      severity: select([0, 1, 2, 3, 4].map((n) => [String(n), n ? hall.severityText(n) : "–"]), String((state || {}).severity || 0)),
      exercise: make("input", { type: "checkbox" }),
      hours: make("input.desk-input.is-short", { type: "number", min: "0.1", max: String(offered.longest_hours), step: "any", placeholder: String(offered.expires_hours) }),
      texts: texts(languages), audience: ticks(Object.keys(offered.audiences), bulletins.audienceText),
    };
    parts.areas = bulletins.areas(offered, () => ({ severity: Number(parts.severity.value), exercise: parts.exercise.checked }));
    parts.severity.addEventListener("change", parts.areas.repaint);
    let more = {}; // what a template says that has no box of its own
    parts.template.onchange = () => {
      const chosen = offered.templates[parts.template.value];
      if (!chosen) return;
      parts.kind.value = chosen.kind;
      if (chosen.severity) parts.severity.value = String(chosen.severity);
      for (const [name] of TEXTS) parts.texts.set(name, chosen[name]);
      if ((chosen.audience || []).length) parts.audience.set(chosen.audience);
      more = filled({ category: (chosen.category || []).length && chosen.category, responses: (chosen.responses || []).length && chosen.responses });
    };
    if (state) {
      for (const [name] of TEXTS) parts.texts.set(name, state[name]);
      parts.audience.set(state.audience);
      parts.areas.set(state.areas);
      parts.exercise.checked = !!state.exercise;
      parts.exercise.disabled = !!state.exercise; // an exercise never turns real
    }
    if (offered.exercise) (parts.exercise.checked = true), (parts.exercise.disabled = true); // the whole hall is one
    parts.get = () => ({
      ...more,
      kind: parts.kind.value, severity: Number(parts.severity.value), audience: parts.audience.get(), areas: parts.areas.get(),
      ...Object.fromEntries(TEXTS.map(([name]) => [name, parts.texts.get(name)])),
      ...(parts.exercise.checked ? { exercise: true } : {}),
      ...(parts.hours.value ? { expires_minutes: Math.round(Number(parts.hours.value) * 60) } : {}),
      ...(!state && parts.template.value ? { template: parts.template.value } : {}),
    });
    return parts;
  }

  bulletins.edit = async function (subject, view) {
    let offered;
    try {
      offered = await bulletins.options();
    } catch (error) {
      return void desk.announce(hall.failed(error), "refused");
    }
    const parts = build(offered, view && view.state);
    const status = make("p.form-status", { role: "alert" });
    const save = make("button.desk-button.is-primary", { type: "button" }, [hall.t("bulletins.save"), make("kbd", {}, "Ctrl+Enter")]);
    const drill = make("label.field-radio.bulletin-drill", {}, [parts.exercise, hall.t("bulletins.exercise")]);
    const body = make("section.case-form.emergency-form.bulletin-form", {}, [
      make("div.bulletin-heads", {}, [row("bulletins.template", parts.template), row("bulletins.kind", parts.kind), row("bulletins.severity", parts.severity), row("bulletins.hours", parts.hours), drill]),
      parts.texts.node, row("bulletins.audience", parts.audience.node, true), row("bulletins.areas", parts.areas.node), status, make("div.form-actions", {}, [save]),
    ]);
    const drilled = () => ((body.dataset.exercise = parts.exercise.checked ? "1" : ""), parts.areas.repaint());
    parts.exercise.onchange = drilled;
    drilled();
    const move = view ? "edit" : "draft";
    let sent = null;
    const off = desk.on("command", (command) => {
      if (!sent || command.id !== sent.id || !DONE.has(command.state)) return;
      if (command.state === "done" || command.state === "stale") return box.close(), void (command.state === "done" && E.go(subject));
      sent = null;
      save.disabled = false;
      hall.setText(status, `✕ ${hall.why({ reason: command.why, message: command.detail || "", status: command.status || 0 })}`);
      status.dataset.failed = "1";
      if (command.state === "refused") hall.commands.drop(command.id);
    });
    save.onclick = () => {
      if (sent) return;
      const wrong = parts.areas.fault();
      if (wrong) return hall.setText(status, `✕ ${wrong}`), void (status.dataset.failed = "1");
      save.disabled = true;
      hall.setText(status, hall.t("emergency.sending"));
      status.dataset.failed = "";
      sent = E.send(subject, move, parts.get(), { revision: view ? view.revision : undefined });
    };
    body.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.preventDefault(), event.stopPropagation(), save.click();
    });
    const box = desk.dialog({ title: hall.t(view ? "bulletins.edit" : "bulletins.new"), body: [body], wide: true, kind: "bulletin", onClose: () => (off(), parts.areas.remove()) });
    parts.areas.open();
    parts.texts.first().focus();
  };
})();

/* The form of one move, made from the fields that the server offers with it; and the sending of moves.
 *
 * hall.emergency.form(move, view, {given, onEnd(outcome | null)}) -> {node, focus(), renew(view), close(), move}
 *     `move` as in `allowed`: {move, reason, revision, fields}; `view` {subject, revision, state, entries}
 * hall.emergency.send(subject, move, data, {reason, revision, quiet})   by hall.commands: queued, sent again, told as the desk does
 * hall.emergency.create(topic, {move, id, given})   a dialog with the form of a move that makes a new thing; `id` or id() names it
 * What is typed is a draft until the hall has taken it; a refusal is said inside the form and nothing typed is lost.
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const desk = hall.desk;
  const emergency = hall.emergency;
  const DONE = new Set(["done", "refused", "stale", "dropped"]);

  emergency.send = (subject, move, data, { reason, revision, quiet, inForm } = {}) => hall.commands.send({ subject, move, data, reason, revision, quiet, inForm });
  emergency.asksNothing = (move) => !move.reason && !(move.fields || []).length;

  function reasonField() {
    const area = make("textarea.desk-input", { rows: "2", maxlength: "500" });
    return { node: area, get: () => area.value.trim() || undefined, set: (value) => (area.value = value ?? ""), focus: () => area.focus() };
  }

  function rowOf(name, label, made, needed) {
    const id = `emergency-field-${name}`;
    const control = made.node.matches("input, textarea, select") ? made.node : made.node.querySelector("input, textarea, select");
    if (control && !control.closest("label") && !control.getAttribute("aria-label")) control.setAttribute("aria-labelledby", id);
    if (control && needed) control.setAttribute("aria-required", "true");
    return make("div.field", { "data-field": name }, [make("span.field-name", { id }, [label, needed ? make("em", { title: hall.t("desk.needed") }, " *") : ""]), made.node]);
  }

  function build(move, view, given) {
    const topic = emergency.topicOf(view.subject);
    const fields = new Map();
    for (const field of move.fields || []) {
      const made = emergency.fields.make(field, { topic, view, move, given });
      const row = rowOf(field.name, emergency.fieldName(topic, field.name), made, field.must);
      row.hidden = !!made.hidden;
      fields.set(field.name, { ...made, name: field.name, label: emergency.fieldName(topic, field.name), needed: !!field.must, row });
    }
    if (move.reason) {
      const made = reasonField();
      fields.set("reason", { ...made, name: "reason", label: emergency.fieldName(topic, "reason"), needed: true, row: rowOf("reason", emergency.fieldName(topic, "reason"), made, true) });
    }
    return fields;
  }

  emergency.form = function (move, view, { given, onEnd } = {}) {
    const fields = build(move, view, given);
    const name = emergency.moveName(view.subject, move.move);
    const node = make("section.case-form.emergency-form", { role: "group", "aria-label": name, "data-move": move.move });
    const status = make("p.form-status", { role: "alert" });
    const changed = make("p.form-changed", { role: "status", hidden: "" });
    const button = make("button.desk-button.is-primary", { type: "button" }, [name, " ", make("kbd", {}, "Enter")]);
    const leave = said("button.desk-button", "desk.form-leave", null, { type: "button" });
    let revision = view.revision, sent = null, sending = false, ended = false;

    const values = () => Object.fromEntries([...fields.values()].map((field) => [field.name, field.get()]));
    const keep = () => !ended && desk.drafts.put(view.subject, move.move, values());
    function complain(text) {
      hall.setText(status, text ? `✕ ${text}` : "");
      status.dataset.failed = text ? "1" : "";
    }
    function end(outcome) {
      if (ended) return;
      if (sent) sent.inForm = false; // a refusal that comes later is told as any other
      if (outcome) desk.drafts.drop(view.subject, move.move);
      else keep();
      ended = true;
      off();
      node.remove();
      if (onEnd) onEnd(outcome || null);
    }
    async function send() {
      if (sent || sending) return;
      button.disabled = sending = true;
      await Promise.all([...fields.values()].map((field) => field.ready));
      button.disabled = sending = false;
      if (ended) return; // left while something was still being fetched for it
      const absent = [...fields.values()].filter((field) => field.needed && field.get() === undefined);
      for (const field of fields.values()) field.row.dataset.missing = absent.includes(field) ? "1" : "";
      if (absent.length) return complain(hall.t("desk.missing", { names: absent.map((field) => field.label).join(hall.t("rows.comma")) })), absent[0].focus();
      const { reason, ...data } = Object.fromEntries(Object.entries(values()).filter(([, value]) => value !== undefined));
      if (!move.reason && reason !== undefined) data.reason = reason; // a field of that name is the move's own
      keep();
      button.disabled = true;
      complain("");
      hall.setText(status, hall.t("emergency.sending"));
      sent = emergency.send(view.subject, move.move, data, { reason: move.reason ? reason : "", revision: move.revision === false ? undefined : revision, inForm: true });
    }
    const off = desk.on("command", (command) => {
      if (!sent || command.id !== sent.id) return;
      if (command.state === "queued" && command.why) hall.setText(status, hall.t("emergency.waiting", { why: hall.why({ reason: command.why, message: command.detail || "" }) }));
      if (!DONE.has(command.state)) return;
      if (command.state === "done") return end(command);
      if (command.state === "stale") return end(null); // the desk's dialog tells what changed; the text stays as a draft
      sent = null;
      button.disabled = false;
      complain(hall.why({ reason: command.why, message: command.detail || "", status: command.status || 0 }));
      if (command.state === "refused") hall.commands.drop(command.id);
    });

    button.onclick = send;
    leave.onclick = () => end(null);
    node.addEventListener("input", keep);
    node.addEventListener("change", keep);
    node.addEventListener("focusin", (event) => hall.setText(button.querySelector("kbd"), event.target.matches("textarea") ? "Ctrl+Enter" : "Enter"));
    node.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Escape") return event.stopPropagation(), event.preventDefault(), end(null);
      const long = event.target.matches("textarea") && !event.ctrlKey && !event.metaKey;
      if (event.key !== "Enter" || long || (event.target.matches("button") && event.target !== button)) return;
      event.preventDefault();
      event.stopPropagation();
      send();
    });
    const draft = desk.drafts.get(view.subject, move.move);
    for (const [key, value] of Object.entries({ ...given, ...draft })) if (fields.has(key)) fields.get(key).set(value);
    if (draft) (changed.hidden = false), hall.setText(changed, hall.t("desk.draft-restored"));
    hall.fill(node, [make("header.form-head", {}, [make("h3", {}, name), make("span", {}, view.revision == null ? "" : emergency.nameOf(view.subject, view.state))]), ...[...fields.values()].map((field) => field.row), changed, status, make("div.form-actions", {}, [button, leave])]);

    return {
      node, move: move.move, close: () => end(null),
      focus() {
        const open = [...fields.values()].find((field) => field.needed && !field.row.hidden && field.get() === undefined) || [...fields.values()].find((field) => !field.row.hidden);
        node.scrollIntoView({ block: "nearest" });
        if (open) open.focus();
        else button.focus();
      },
      /** The thing changed while the form is open: its text stays; only the person lifts it onto the newest state. */
      renew(next) {
        if (ended || sent || next.revision === revision) return;
        const since = (next.entries || []).filter((entry) => entry.revision > revision);
        if (!since.length || move.revision === false) return void (revision = next.revision);
        const lift = said("button.desk-chip", "desk.form-lift", null, { type: "button" });
        lift.onclick = () => ((revision = next.revision), (changed.hidden = true), button.focus());
        hall.fill(changed, [make("b", {}, `▲ ${hall.t("desk.form-changed")} `), since.map(desk.saidOf).join("; "), " ", lift]);
        changed.hidden = false;
      },
    };
  };

  // -- new things -----------------------------------------------------------------------------------------------------------

  /** `20210720-1611-k3f9`: readable on the radio, unique enough for one city. */
  emergency.newId = function () {
    const [date, time] = new Date(hall.clock.city()).toLocaleString("sv-SE", { timeZone: hall.page.timezone || undefined }).split(" ");
    const letters = "abcdefghjkmnpqrstuvwxyz23456789";
    const tail = [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => letters[byte % letters.length]).join("");
    return `${date.replaceAll("-", "")}-${time.slice(0, 5).replace(":", "")}-${tail}`;
  };
  /** Moves that make a new thing of `topic`, as this person may make them. */
  emergency.newMoves = (topic) => hall.ask(`/api/v1/streams/${topic}`).then((answer) => answer.new || []);

  let opening = false; // pressed twice while the hall is asked, it is still one form
  emergency.create = async function (topic, { move, id, given } = {}) {
    if (opening) return;
    opening = true;
    let moves;
    try {
      moves = await emergency.newMoves(topic);
    } catch (error) {
      return void desk.announce(hall.failed(error), "refused");
    } finally {
      opening = false;
    }
    const made = moves.find((one) => !move || one.move === move);
    if (!made) return void desk.announce(hall.t("emergency.not-allowed"), "refused");
    const subject = `${topic}/${(typeof id === "function" ? id() : id) || emergency.newId()}`;
    if (emergency.asksNothing(made)) return void emergency.send(subject, made.move, {});
    const form = emergency.form(made, { subject, revision: undefined, state: null, entries: [] }, {
      given,
      onEnd(outcome) {
        box.close();
        if (outcome) emergency.go(subject);
      },
    });
    const box = desk.dialog({ title: emergency.moveName(subject, made.move), body: [form.node], wide: true, kind: "emergency-new" });
    form.focus();
  };
})();

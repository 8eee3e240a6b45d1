/* The form of a drawn shape: title, note, colour, who sees it, until when, what it belongs to; said inside when the hall refuses.
 *
 * hall.citymap.drawingForm({subject, data, revision, kind, points(), done(view), leave()}) -> {node, focus(), sized()}
 *   `data` null: a new one. What is typed stays until the hall has taken it; the same command is asked again under the same id.
 * hall.citymap.shapeMove(subject, move, {revision, data, id}) -> the hall's answer, and the map knows of it
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  citymap.newId = newId;

  citymap.shapeMove = async function (subject, move, { revision, data = {}, id } = {}) {
    const body = { id: id || newId(), move, data, ...(revision == null ? {} : { revision }) };
    const answer = await hall.ask(`/api/v1/streams/${subject}/commands`, { method: "POST", body });
    citymap.shapes.answered(answer.view);
    return answer;
  };
  citymap.shapeWhy = (error) => (hall.knows(`map.shape.reason.${error.reason}`) ? hall.t(`map.shape.reason.${error.reason}`) : hall.why(error));

  function colours(value) {
    let chosen = value || "aqua";
    const node = make("div.map-colours", { role: "radiogroup", "aria-label": hall.t("map.shape.colour") });
    const paint = () => [...node.children].forEach((button) => (button.setAttribute("aria-checked", String(button.dataset.colour === chosen)), (button.tabIndex = button.dataset.colour === chosen ? 0 : -1)));
    for (const [name, ink] of Object.entries(citymap.SHAPE_COLOURS)) {
      const button = make("button.map-colour", { type: "button", role: "radio", "data-colour": name, title: hall.t(`map.shape.colour.${name}`), "aria-label": hall.t(`map.shape.colour.${name}`) });
      button.style.setProperty("--ink-of", ink);
      button.onclick = () => ((chosen = name), paint());
      node.append(button);
    }
    node.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const all = [...node.children];
      const next = all[(all.findIndex((one) => one.dataset.colour === chosen) + step + all.length) % all.length];
      next.click();
      next.focus();
    });
    paint();
    return { node, get: () => chosen };
  }

  /** What it can belong to: open incidents, the case whose card stands open, and what it belongs to already. */
  function belongs(value) {
    const found = new Map([["", hall.t("map.shape.about.none")]]);
    for (const [subject, { data }] of hall.store.docs("incident")) if (data) found.set(subject, data.title || data.incident_id);
    const view = citymap.page && citymap.page.view;
    const hit = view && view.card.pinned && view.card.hit;
    if (hit && hit.what === "case") found.set(hit.entry.event.subject.replace(/^case\//, "file/"), `${hall.t("map.field.number")} ${hit.entry.event.data.case_id}`);
    if (value && !found.has(value)) found.set(value, value);
    const node = make("select.desk-select.is-wide", {}, [...found].map(([key, text]) => make("option", { value: key }, text)));
    node.value = value || "";
    return { node, get: () => node.value || undefined };
  }

  citymap.drawingForm = function ({ subject, data, revision, kind, points, done, leave }) {
    const old = data || {};
    const title = make("input.desk-input", { type: "text", maxlength: "60", required: "", value: old.title || "", "data-field": "title" });
    const note = make("textarea.desk-input", { rows: "2", maxlength: "1000", "data-field": "note" }, old.note || "");
    const colour = colours(old.colour);
    const unit = (hall.page.who && hall.page.who.unit) || old.unit;
    const share = make("select.desk-select.is-wide", { "data-field": "share" }, citymap.SHAPE_SHARES.filter((name) => name !== "unit" || unit).map((name) => make("option", { value: name }, hall.t(`map.shape.share.${name}`))));
    share.value = old.share || "room";
    const expires = hall.emergency.fields.make({ name: "expires", kind: "moment" }, { topic: "shape", view: null });
    if (old.expires) expires.set(old.expires);
    const about = belongs(old.about);
    const drill = make("input", { type: "checkbox" });
    drill.checked = data ? !!old.exercise : (hall.exercise || []).length > 0;
    const status = make("p.form-status", { role: "alert" });
    const save = make("button.desk-button.is-primary", { type: "submit" }, hall.t("map.shape.save"));
    const drop = said("button.desk-button", "map.shape.discard", null, { type: "button" });
    const field = (key, node) => make("label.map-field", {}, [said("span", `map.shape.${key}`), node]);
    const sized = make("div");
    const node = make("form.map-form", { "data-kind": kind }, [
      field(kind === "text" ? "text" : "title", title), sized, field("note", note), make("div.map-field", {}, [said("span", "map.shape.colour"), colour.node]), field("share", share),
      make("div.map-field", {}, [said("span", "map.shape.expires"), expires.node]), field("about", about.node), make("label.map-check", {}, [drill, said("span", "map.shape.exercise")]), status, make("div.map-form-do", {}, [save, drop]),
    ]);
    let at = revision;
    let sent = null;
    const say = (text, failed) => (hall.setText(status, text), (status.dataset.failed = failed ? "1" : ""));

    async function send(event) {
      event.preventDefault();
      if (!title.value.trim()) return say(hall.t("map.shape.no-title"), true), title.focus();
      const until = expires.get();
      if (until !== undefined && until <= hall.clock.city() && until !== old.expires) return say(hall.t("map.shape.bad-end"), true);
      let drawn;
      try {
        drawn = points();
      } catch (error) {
        return say(error.message, true); // its sides cross, say: nothing was sent
      }
      const content = { kind, title: title.value.trim(), colour: colour.get(), share: share.value, ...drawn };
      for (const [name, value] of [["note", note.value.trim()], ["expires", until], ["about", about.get()], ["exercise", drill.checked]]) if (value) content[name] = value;
      const told = JSON.stringify([content, at]);
      if (!sent || sent.told !== told) sent = { told, id: newId() };
      save.disabled = true;
      say(hall.t("map.shape.saving"));
      try {
        const answer = await citymap.shapeMove(subject, data ? "change" : "draw", { revision: data ? at : undefined, data: content, id: sent.id });
        done(answer.view);
      } catch (error) {
        const last = error.reason === "stale" && (error.answer.changed || []).slice(-1)[0];
        if (last) {
          at = error.answer.revision;
          say(hall.t("map.shape.stale", { who: last.who, move: hall.t(`map.shape.move.${last.move}`, { to: (last.data || {}).to }), age: hall.format.age(last.time) }), true);
        } else say(citymap.shapeWhy(error), true);
      }
      save.disabled = false;
    }
    node.onsubmit = send;
    drop.onclick = leave;
    node.addEventListener("keydown", (event) => event.key === "Escape" && (event.preventDefault(), event.stopPropagation(), leave()));
    return { node, focus: () => title.focus(), sized: (found) => hall.fill(sized, make("dl.map-measured", {}, found.flatMap(({ key, text }) => [make("dt", {}, hall.t(`map.measure.${key}`)), make("dd", {}, text)]))) };
  };
})();

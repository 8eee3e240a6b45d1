/* The head of the open case: number, state, clock, owner, unit, crews with their stamps; who else looks; what waits for an answer; the moves.
 *
 * desk.head.paint(node, doc, file), .clock(node)   desk.head.moves(node, view, start), .waiting(node, view, start), .presence(node, subject)
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const STAMPS = ["assigned", "acknowledged", "mustered", "en_route", "on_scene", "clear"];
  const CREW_MARKS = { assigned: "○", acknowledged: "◔", mustered: "◑", en_route: "➤", on_scene: "◉", clear: "✓", available: "●", out_of_service: "✕" };
  /** Which key makes which move; the rest is reached by the palette. Shown on the buttons, used by assets/desk-keys.js. */
  desk.MOVE_KEYS = { claim: "c", accept: "a", register: "r", dispatch: "d", urge: "u", note: "n" };

  function crewNode(work) {
    const stamps = STAMPS.filter((state) => (work.stamps || {})[state] != null).map((state) => `${hall.word("crew.state", state)} ${hall.format.seconds(work.stamps[state])}`);
    const at = (work.stamps || {})[work.state] ?? work.at;
    return make("li.case-crew", { "data-crew-state": work.state, title: stamps.join(" → ") }, [
      make("b", {}, desk.crewName(work.crew)), ` ${CREW_MARKS[work.state] || "○"} ${hall.word("crew.state", work.state)} `, make("time", {}, hall.format.seconds(at)),
      make("span.unseen", {}, stamps.join(", ")),
    ]);
  }

  const fact = (key, value, spec) => make(spec || "span.head-fact", {}, [make("i", {}, `${hall.t(key)} `), make("b", {}, value || "–")]);

  function paint(node, doc, file, row) {
    const ended = desk.rows.ENDED.has(doc.state);
    const state = make("span.case-state", { "data-ended": ended ? "1" : "" }, hall.word("desk.state", doc.state || "reported"));
    const severity = make("span.severity", { "data-severity": doc.severity || 0 }, hall.severityText(doc.severity || 0));
    const line = [make("h2.case-number", { tabindex: "-1" }, doc.case_id), state, severity];
    if (file && file.emergency) line.push(make("span.case-emergency", {}, `‼ ${hall.t("desk.emergency")}`));
    const due = make("span.case-due");
    line.push(due);
    const second = [fact("desk.column.owner", file ? file.owner || hall.t("desk.nobody") : ""), fact("desk.column.unit", (file && file.unit) || doc.unit), fact("desk.column.class_name", [doc.class_name, doc.subclass_name].filter(Boolean).join(" / "))];
    if (file && file.barred && file.barred.length) second.push(fact("desk.barred", file.barred.join(", ")));
    const crews = file ? (file.crews || []).filter((work) => work.state !== "clear" || ended) : [];
    const parts = [make("div.case-line", {}, line), make("p.case-what", {}, doc.description || doc.address || ""), make("div.case-second", {}, second)];
    if (crews.length) parts.push(make("ul.case-crews", { "aria-label": hall.t("desk.column.crews") }, crews.map(crewNode)));
    hall.fill(node, parts);
    node.row = row || { ...doc, due: ended ? null : doc.due ?? null, near: null, still: null };
    clock(node);
  }

  /** How long is left, or by how much it is over: counts on while one looks. */
  function clock(node) {
    const due = node.querySelector(".case-due");
    if (!due || !node.row) return;
    const found = desk.rows.clock(node.row);
    due.dataset.clock = found.state;
    due.dataset.over = found.state === "over" ? "1" : "";
    const words = found.left == null ? "" : `${hall.t(found.state === "still" ? "desk.clock-still" : found.state === "over" ? "desk.clock-over" : found.state === "near" ? "desk.clock-near" : "desk.clock-left")} ${desk.countdown(found.left)}`;
    const mark = { over: "▲ ", near: "◆ ", still: "❚❚ " }[found.state] || "";
    hall.setText(due, words && mark + words);
    const at = found.due == null ? "" : desk.moment(found.due);
    if (due.title !== at) due.title = at;
  }

  // -- moves ------------------------------------------------------------------------------------------------------------

  const SHOWN_MOVES = 9; // the others stand behind "more": a row of buttons one can take in at a glance
  let all = false;
  const rank = (move) => (move.forward ? 0 : desk.MOVE_KEYS[move.move] ? 1 : 2);
  function moreButton(node, rest) {
    const more = make("button.desk-button.move-more", { type: "button", "aria-expanded": String(all) });
    const paintMore = () => (rest.forEach((button) => (button.hidden = !all)), more.setAttribute("aria-expanded", String(all)), hall.setText(more, all ? hall.t("desk.moves-fewer") : hall.t("desk.moves-more", { n: rest.length })));
    more.onclick = () => ((all = !all), paintMore(), all && rest[0].focus());
    paintMore();
    return more;
  }

  /** Buttons strictly from `allowed`; nodes stay while the moves stay, so that the focus does too. */
  function moves(node, view, start) {
    const list = view ? view.allowed.filter((move) => !["undo", "grant", "refuse", "reply_urge", "attach"].includes(move.move)) : [];
    const key = `${hall.locale}|${list.map((move) => move.move).join("|")}`;
    if (node.built !== key) {
      node.built = key;
      const ordered = [...list].sort((a, b) => rank(a) - rank(b));
      const buttons = ordered.map((move) => {
        const letter = desk.MOVE_KEYS[move.move];
        const button = make(`button.desk-button.move${move.forward ? ".is-forward" : ""}`, { type: "button", "data-move": move.move, "aria-keyshortcuts": letter || null }, [hall.word("desk.move", move.move)]);
        if (letter) button.append(make("kbd", { "aria-hidden": "true" }, letter));
        button.onclick = () => start(move.move);
        return button;
      });
      if (buttons.length > SHOWN_MOVES + 1) buttons.push(moreButton(node, buttons.slice(SHOWN_MOVES)));
      hall.fill(node, buttons.length ? buttons : view ? said("span.desk-empty", "desk.moves-none") : []);
    }
    const open = desk.form.open();
    for (const button of node.querySelectorAll("button[data-move]")) button.setAttribute("aria-expanded", String(button.dataset.move === open));
  }

  const askWords = (ask) => [hall.t("desk.ask-from", { who: ask.who, what: hall.word("desk.ask", ask.what) }), ask.reason, ask.data && ask.data.until ? desk.moment(ask.data.until) : "", ask.data && ask.data.amount ? hall.format.number(ask.data.amount, 0) : "", (ask.data && ask.data.text) || ""].filter(Boolean).join(" · ");

  function answerButtons(view, number, start) {
    return ["grant", "refuse"].map((name) => {
      const move = view.allowed.find((one) => one.move === name);
      if (!move || !(move.answers || []).includes(number)) return "";
      const button = make(`button.desk-button${name === "grant" ? ".is-forward" : ""}`, { type: "button", "data-move": name }, hall.word("desk.move", name));
      button.onclick = () => start(name, { ask: String(number) });
      return button;
    });
  }

  function waiting(node, view, start) {
    if (!view) return void node.replaceChildren();
    const asks = (view.file.asks || []).map((ask) => make("li.wait", { "data-wait": "ask" }, [make("span", {}, `? ${askWords(ask)}`), ...answerButtons(view, ask.number, start)]));
    const reply = view.allowed.find((one) => one.move === "reply_urge");
    const urges = (view.file.urges || []).filter((urge) => urge.replied_at == null).map((urge) => {
      const button = reply && (reply.urges || []).includes(urge.number) ? make("button.desk-button.is-forward", { type: "button", "data-move": "reply_urge" }, hall.word("desk.move", "reply_urge")) : "";
      if (button) button.onclick = () => start("reply_urge", { urge: String(urge.number) });
      return make("li.wait", { "data-wait": "urge" }, [make("span", {}, `! ${hall.t("desk.urged-by", { who: urge.who === "system" ? hall.t("desk.who-system") : urge.who, n: urge.level })} · ${urge.reason || ""} · ${desk.shortMoment(urge.at)}`), button]);
    });
    const sent = hall.commands.waiting(view.subject).map((command) => make("li.wait", { "data-wait": "command" }, `${desk.commandText(command)} · ${desk.moveName(command.move)}${command.why ? ` · ${desk.refusalText(command)}` : ""}`));
    const items = [...sent, ...asks, ...urges];
    hall.fill(node, items.length ? make("ul.waits", { "aria-label": hall.t("desk.waits") }, items) : []);
  }

  // -- who else ---------------------------------------------------------------------------------------------------------

  /** What this screen says of itself goes out with its report; `part` is the case it shows, "typing" while a form is open. */
  const report = hall.screen.report;
  hall.screen.report = function () {
    const part = desk.chosen && !desk.lock.locked ? desk.chosen + (desk.form && desk.form.open() ? " typing" : "") : "";
    return { ...report(), ...(document.querySelector(".console-desk") && part.length < 180 ? { part } : {}) };
  };

  const presence = (node, subject) => desk.presence.paint(node, subject); // assets/desk-14-presence.js

  desk.head = { paint, clock, moves, waiting, presence };
})();

/* The moves of a case at a wall: exactly those the hall allows to who acts there, filled in by touch, without a keyboard. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, setText } = hall;
  const UNITS = 8;
  const CREWS = 6;
  const PHRASES = ["1", "2", "3", "4"];
  const TRIES = 3;
  const shown = new WeakMap(); // holder -> {told: the moves it shows, as text; buttons: text of a move -> its button}

  // -- fields by touch: name -> (card, move) -> [[value, label]] ----------------------------------------------------------

  const yesNo = () => [[true, hall.t("card.yes")], [false, hall.t("card.no")]];
  const phrases = (kind) => () => PHRASES.map((n) => hall.t(`card.phrase.${kind}.${n}`)).map((text) => [text, text]);

  function units(card) {
    const counts = new Map();
    const add = (unit, n) => unit && counts.set(unit, (counts.get(unit) || 0) + n);
    add((card.file() || {}).unit, 1e6);
    for (const event of hall.store.docs("crew").values()) add(event.data.unit, 10);
    for (const event of hall.store.docs("case").values()) add(event.data.unit, 1);
    return [...counts].sort((a, b) => b[1] - a[1]).slice(0, UNITS).map(([unit]) => [unit, unit]);
  }

  function crews() {
    const free = [...hall.store.docs("crew").values()].filter((event) => event.data.state === "available");
    return free.slice(0, CREWS).map((event) => [event.data.crew_id || event.subject.slice(5), hall.label(event.data.label) || event.data.name || event.data.crew_id]);
  }

  const DAY = 86400000;
  const FIELDS = {
    unit: { choices: units },
    crews: { choices: crews, many: true },
    passed: { choices: yesNo }, found: { choices: yesNo }, reached: { choices: yesNo }, satisfied: { choices: yesNo }, emergency: { choices: yesNo },
    opinion: { choices: phrases("opinion") },
    text: { choices: phrases("text") },
    amount: { choices: () => [1, 2, 4, 8].map((n) => [n, String(n)]) },
    level: { choices: () => [1, 2, 3].map((n) => [n, String(n)]) },
    until: { choices: () => [1, 3, 7, 30].map((n) => [Math.round(hall.clock.city()) + n * DAY, hall.t("age.days", { n })]) },
    ask: { choices: (card, move) => (move.answers || []).map((n) => [n, askText(card, n)]) },
    urge: { choices: (card, move) => (move.urges || []).map((n) => [n, `#${n}`]) },
  };
  const OFFERED = ["crews", "level"]; // of what a move may take, what is offered here

  function askText(card, number) {
    const found = ((card.view.file || {}).asks || []).find((one) => one.number === number);
    return found ? `${hall.word(hall.knows(`case.ask.${found.what}`) ? "case.ask" : "desk.ask", found.what)} · ${found.who}` : `#${number}`;
  }

  const possible = (move) => move.needs.every((name) => FIELDS[name]);

  function reasonsOf(move) {
    const own = (move.reasons || []).map((text) => hall.label(text)).filter(Boolean);
    return (own.length ? own : PHRASES.map((n) => hall.t(`card.phrase.reason.${n}`))).map((text) => [text, text]);
  }

  // -- one command ----------------------------------------------------------------------------------------------------------

  /** Made here: a page that is not on https has no randomUUID. */
  const newId = () => `wall-${Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("")}`;

  async function send(card, body) {
    const path = `/api/v1/cases/${card.subject.split("/").slice(1).map(encodeURIComponent).join("/")}/commands`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await hall.acting.ask(path, { method: "POST", body });
      } catch (error) {
        if (error.status !== 0 || attempt >= TRIES) throw error; // asked again under the same id: done once at most
      }
    }
  }

  // -- the form -------------------------------------------------------------------------------------------------------------

  function field(name, choices, many) {
    const chosen = new Set();
    const buttons = choices.map(([value, label]) => {
      const button = make("button.card-choice", { type: "button", "aria-pressed": "false" }, label);
      button.onclick = () => {
        const was = chosen.has(value);
        if (!many) chosen.clear();
        if (was) chosen.delete(value);
        else chosen.add(value);
        buttons.forEach((one, index) => one.setAttribute("aria-pressed", String(chosen.has(choices[index][0]))));
      };
      return button;
    });
    if (choices.length === 1 && !many) buttons[0].click();
    const node = make("fieldset.card-field", { "data-field": name }, [make("legend", {}, hall.word("card.field", name)), ...(buttons.length ? buttons : [make("span.faint", {}, hall.t("card.nothing-to-choose"))])]);
    return { name, node, value: () => (many ? [...chosen] : [...chosen][0]) };
  }

  function form(card, holder, move) {
    const fields = move.needs.map((name) => field(name, FIELDS[name].choices(card, move), FIELDS[name].many));
    const offered = move.takes.filter((name) => OFFERED.includes(name)).map((name) => field(name, FIELDS[name].choices(card, move), FIELDS[name].many));
    const reason = move.reason ? field("reason", reasonsOf(move)) : null;
    const status = make("p.card-status", { role: "status" });
    const back = make("button.card-move", { type: "button" }, `‹ ${hall.t("card.back")}`);
    const go = make("button.card-move.is-go", { type: "button" }, `✓ ${hall.moveText(move.move)}`);
    const body = { id: newId(), move: move.move, revision: card.view.revision, reason: "", data: {} };
    back.onclick = () => leave(card, holder);
    go.onclick = () => {
      const missing = [...fields, ...(reason ? [reason] : [])].find((one) => one.value() === undefined || (Array.isArray(one.value()) && !one.value().length));
      if (missing) return setText(status, hall.t("card.missing", { what: hall.word("card.field", missing.name) }));
      for (const one of [...fields, ...offered]) {
        const value = one.value();
        if (value !== undefined && !(Array.isArray(value) && !value.length)) body.data[one.name] = value;
        else delete body.data[one.name];
      }
      body.reason = reason ? reason.value() : "";
      return submit(card, holder, body, status, go);
    };
    const all = [...fields, ...offered, ...(reason ? [reason] : [])].map((one) => one.node);
    holder.dataset.form = move.move;
    shown.delete(holder);
    hall.fill(holder, make("div.card-form", {}, [make("div.card-fields", {}, all), make("div.card-buttons", {}, [back, go, status])]));
    if (!all.length) setText(status, hall.t("card.sure"));
  }

  async function submit(card, holder, body, status, go) {
    go.disabled = true;
    setText(status, hall.t("card.sending"));
    try {
      await send(card, body);
      leave(card, holder);
      card.refresh();
    } catch (error) {
      go.disabled = false;
      setText(status, `✕ ${error.reason === "stale" ? changedText(error) : hall.acting.why(error)}`);
      if (error.reason === "stale") body.revision = error.data.revision; // pressed again it is done on top of what changed
      if (error.status !== 0) body.id = newId(); // a refused command did nothing; the next is another one
    }
  }

  function changedText(error) {
    const last = (error.data.changed || []).at(-1);
    return hall.t("card.changed", { who: last ? last.who : "–", what: last ? hall.moveText(last.move, true) : "–" });
  }

  function leave(card, holder) {
    delete holder.dataset.form;
    paint(card, holder);
  }

  /** The moves of a card. An open form stays as it is, and so does the button of a move that is the same (whoever is on it with the keyboard stays there). */
  function paint(card, holder) {
    const who = hall.acting.who();
    if (holder.dataset.form && who) return;
    delete holder.dataset.form;
    const allowed = (who && card.view && card.view.allowed) || [];
    const told = JSON.stringify([hall.locale, Boolean(who), allowed]);
    const before = shown.get(holder) || { buttons: new Map() };
    if (before.told === told) return;
    if (!who) {
      shown.set(holder, { told, buttons: new Map() });
      const enter = make("button.card-move", { type: "button" }, hall.t("acting.sign-in"));
      enter.onclick = () => hall.acting.open();
      return hall.fill(holder, [make("span.soft", {}, hall.t("card.read-only")), enter]);
    }
    const here = allowed.filter(possible).sort((a, b) => b.forward - a.forward);
    const buttons = new Map(here.map((move) => {
      const key = JSON.stringify([hall.locale, move]);
      return [key, before.buttons.get(key) || button(card, holder, move)];
    }));
    const rest = allowed.length - here.length;
    const note = !allowed.length ? hall.t("card.no-moves") : rest ? hall.t("card.more-at-desk", { n: rest }) : "";
    const at = document.activeElement;
    shown.set(holder, { told, buttons });
    hall.fill(holder, [...buttons.values(), make("span.soft", {}, note)]);
    if (at !== document.activeElement && holder.contains(at)) at.focus();
  }

  function button(card, holder, move) {
    const node = make(move.forward ? "button.card-move.is-forward" : "button.card-move", { type: "button", "data-move": move.move }, hall.moveText(move.move));
    node.onclick = () => form(card, holder, move);
    return node;
  }

  hall.cardMoves = { paint };
})();

/* One thing of the emergency side: its name and state, the moves open to this person, its facts, its history.
 *
 * hall.emergency.card(node, subject, {title(state), mark(state), facts(state, view), more(state, view), keys, hide}) ->
 *     {subject, view(), reload(), start(move, given), key(event), tick(), locale(), close()}
 *     reads /api/v1/streams/<subject> and follows it; `facts` -> nodes or [[key, value]]; `more`: nodes under the moves (map, pictures);
 *     `keys` {move: letter} where the letters that the card chooses are not wanted; `hide`: moves that this card offers elsewhere
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const desk = hall.desk;
  const emergency = hall.emergency;
  const RETRY_MS = 4000;
  const SOON_MS = 60; // several changes of one act are one reading
  const TAKEN = new Set(["j", "k", "n", "q"]);

  /** A letter for each move, always the same ones for the same list: the first letter of its name that is free. */
  function lettersOf(moves, wanted) {
    const found = new Map();
    const used = new Set(TAKEN);
    for (const { move } of moves) if (wanted && wanted[move]) found.set(move, wanted[move]), used.add(wanted[move]);
    for (const { move } of moves) {
      const letter = found.has(move) ? null : [...move].find((one) => /[a-z]/.test(one) && !used.has(one));
      if (letter) found.set(move, letter), used.add(letter);
    }
    return found;
  }

  emergency.card = function (node, subject, options = {}) {
    const path = `/api/v1/streams/${subject.split("/").map(encodeURIComponent).join("/")}`;
    const box = { head: make("header.case-head"), note: make("div"), moves: make("div.case-moves", { role: "toolbar", "aria-label": hall.t("emergency.moves") }), form: make("div.emergency-form-place"), more: make("div.emergency-more"), facts: make("div.emergency-facts"), history: make("div.emergency-history") };
    const whole = make("article.emergency-card", { "data-subject": subject }, [box.head, box.note, box.moves, box.form, box.more, box.facts, box.history]);
    hall.fill(node, whole);
    let view = null, fault = null, form = null, asked = null, retry = 0, soon = 0, letters = new Map(), closed = false;

    const part = (call, ...rest) => {
      try {
        const made = call ? call(...rest) : [];
        return Array.isArray(made) && made.length && Array.isArray(made[0]) ? [emergency.facts(made)] : made;
      } catch (error) {
        hall.store.faults += 1;
        console.error(`hall: card of ${subject} failed`, error);
        return [make("p.desk-empty", {}, String(error.message || error))];
      }
    };

    function paintHead() {
      const state = view.state;
      const marks = options.mark ? [].concat(part(options.mark, state)) : [make("b.case-state", { "data-state": state.state || "" }, emergency.stateText(emergency.topicOf(subject), state.state))];
      hall.fill(box.head, [make("h2.case-number", {}, options.title ? part(options.title, state) : emergency.nameOf(subject, state)), ...(state.state || options.mark ? marks : []), emergency.exercise(state)]);
    }
    function paintMoves() {
      const moves = view.allowed.filter(({ move }) => !(options.hide || []).includes(move));
      letters = lettersOf(moves, options.keys);
      // buttons that stay the same stay: one that is renewed in the middle of a click loses it
      const same = JSON.stringify([hall.locale, form && form.move, moves.map(({ move }) => [move, letters.get(move)]), moves.map((move) => emergency.asksNothing(move))]);
      if (box.moves.same === same) return;
      box.moves.same = same;
      hall.fill(box.moves, moves.map((move) => {
        const key = letters.get(move.move);
        const open = form && form.move === move.move;
        const button = make("button.desk-button.move", { type: "button", "data-move": move.move, "aria-expanded": emergency.asksNothing(move) ? null : String(!!open) }, [emergency.moveName(subject, move.move), emergency.asksNothing(move) ? "" : "…", key ? make("kbd", {}, key) : ""]);
        button.onclick = () => start(move.move);
        return button;
      }));
    }
    const waiting = () => hall.commands.waiting(subject).map((command) => make("p.wait", {}, `${desk.commandText(command)} · ${emergency.moveName(subject, command.move)}${command.why ? ` · ${desk.refusalText(command)}` : ""}`));
    function paintNote() {
      if (!fault) return hall.fill(box.note, waiting());
      const again = said("button.desk-button", "desk.retry", null, { type: "button" });
      again.onclick = reload;
      hall.fill(box.note, [make("p.case-fault", { role: "status" }, [`✕ ${hall.failed(fault)} `, again]), ...waiting()]);
    }
    function paint() {
      paintNote();
      if (!view) return;
      paintHead();
      paintMoves();
      hall.fill(box.facts, part(options.facts, view.state, view));
      hall.fill(box.more, part(options.more, view.state, view));
      hall.fill(box.history, [said("h3.tab-title", "emergency.history"), emergency.history(view)]);
    }

    function take(next) {
      if (closed || (view && next.revision < view.revision)) return;
      view = next;
      fault = null;
      paint();
      if (form) form.renew(view);
    }
    async function reload() {
      if (asked) asked.abort();
      clearTimeout(retry);
      const mine = (asked = new AbortController());
      try {
        const found = await hall.ask(path, { signal: mine.signal });
        if (asked === mine) take(found);
      } catch (error) {
        if (asked !== mine || closed || error.name === "AbortError") return;
        fault = error;
        if (!error.status || error.status >= 500) retry = setTimeout(reload, RETRY_MS);
        paintNote();
      }
    }
    function changed(changes) {
      const heard = changes.some((event) => event.subject === subject || (event.data && event.data.subject === subject && event.data.revision > (view ? view.revision : 0)));
      if (!heard) return;
      clearTimeout(soon);
      soon = setTimeout(reload, SOON_MS);
    }

    function start(name, given) {
      const move = view && view.allowed.find((one) => one.move === name);
      if (!move) return void desk.announce(hall.t("emergency.not-allowed"), "refused");
      if (form) form.close();
      if (emergency.asksNothing(move) && !given) return void emergency.send(subject, name, {}, { revision: move.revision === false ? undefined : view.revision });
      const from = document.activeElement;
      form = emergency.form(move, view, {
        given,
        onEnd() {
          form = null;
          if (closed) return;
          paintMoves();
          if (from && from.isConnected) from.focus({ preventScroll: true });
        },
      });
      hall.fill(box.form, form.node);
      paintMoves();
      form.focus();
    }
    const offs = [
      hall.store.on([emergency.topicOf(subject), "log"], changed),
      desk.on("outcome", ({ command, view: next }) => command.subject === subject && next && take(next)),
      desk.on("command", (command) => command.subject === subject && paintNote()),
    ];
    paint();
    reload();
    return {
      subject, reload, start,
      view: () => view,
      busy: () => !!form,
      key(event) {
        const move = [...letters].find(([, letter]) => letter === event.key);
        if (!move || form) return false;
        event.preventDefault();
        start(move[0]);
        return true;
      },
      focus: () => (box.moves.querySelector("button") || node).focus(),
      tick: () => view && !form && options.live && paint(),
      locale: paint,
      close() {
        closed = true;
        if (form) form.close();
        if (asked) asked.abort();
        clearTimeout(retry), clearTimeout(soon);
        offs.forEach((off) => off());
        whole.remove();
      },
    };
  };
})();

/* Acting at a wall: a person signs in there by PIN or by phone, for minutes; the wall alone is read-only.
 *
 * hall.acting.who()    {name, display, role, until, csrf} of who acts here, null when nobody; `own`: a person's own session
 * hall.acting.on(call) call() whenever that changes
 * hall.acting.ask(path, {method, body})   a call to the API in his name; throws an Error with .reason, .status and .data
 * hall.acting.open()   the sign-in over the wall
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, setText } = hall;
  const ANSWER_MS = 8000;
  const POLL_MS = 1000;
  const DIALOG_MS = 120000; // an abandoned sign-in goes away
  const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "⌫", "0", "✓"];
  const listeners = new Set();
  let person = null;
  let dialog = null;
  let chip = null;

  const own = () => {
    const who = hall.page.who;
    return who && who.role && who.role !== "wall" && hall.page.csrf ? { ...who, own: true, csrf: hall.page.csrf } : null;
  };
  const tell = () => listeners.forEach((call) => call());

  function take(found) {
    person = found && found.name ? found : null;
    paintChip();
    tell();
  }

  async function ask(path, options) {
    const { method = "GET", body } = options || {};
    const who = acting.who();
    const headers = { accept: "application/json" };
    if (method !== "GET") headers["x-hall-csrf"] = (who && who.csrf) || "";
    if (body !== undefined) headers["content-type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) });
    } catch (error) {
      throw Object.assign(new Error(error.message), { reason: error.name === "TimeoutError" ? "timeout" : "unreachable", status: 0, data: {} });
    }
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(data.detail || data.reason || ""), { reason: data.reason || "http", status: answer.status, data });
    if (person && answer.headers.get("x-hall-acting-until")) person.until = Number(answer.headers.get("x-hall-acting-until"));
    return data;
  }

  // -- who acts, how long still; one touch ends it ----------------------------------------------------------------------

  function paintChip() {
    if (!chip) return;
    chip.hidden = !person;
    if (!person) return;
    setText(chip.firstChild, hall.t("acting.chip", { who: person.display || person.name, role: hall.word("desk.role", person.role), n: hall.show.clockText(person.until - hall.clock.real()) }));
    setText(chip.lastChild, `✕ ${hall.t("acting.end")}`);
  }

  async function end() {
    const who = person;
    take(null);
    if (who) await fetch("/api/v1/acting/end", { method: "POST", headers: { "x-hall-csrf": who.csrf } }).catch(() => {});
  }

  function tick() {
    if (person && hall.clock.real() >= person.until) take(null); // the server has ended it, too
    else paintChip();
  }

  // -- the sign-in -------------------------------------------------------------------------------------------------------

  function close() {
    if (!dialog) return;
    clearInterval(dialog.poll);
    clearTimeout(dialog.timer);
    dialog.node.remove();
    dialog = null;
  }

  function stay() {
    clearTimeout(dialog.timer);
    dialog.timer = setTimeout(close, DIALOG_MS);
  }

  function welcomed(found) {
    close();
    take(found);
  }

  function why(error) {
    return hall.knows(`acting.refused.${error.reason}`) ? hall.t(`acting.refused.${error.reason}`, { n: error.message }) : hall.why(error);
  }

  function pinPad(name, status) {
    let pin = "";
    const dots = make("output.acting-dots", { "aria-label": hall.t("acting.pin") });
    const paint = () => setText(dots, pin ? "●".repeat(pin.length) : hall.t("acting.pin"));
    async function submit() {
      if (!pin) return;
      const sent = pin;
      pin = "";
      paint();
      setText(status, hall.t("acting.checking"));
      try {
        welcomed(await ask("/api/v1/acting/pin", { method: "POST", body: { name, pin: sent, wall: hall.page.wall.name } }));
      } catch (error) {
        setText(status, `✕ ${why(error)}`);
      }
    }
    function press(key) {
      stay();
      if (key === "✓") return submit();
      pin = key === "⌫" ? pin.slice(0, -1) : (pin + key).slice(0, 8);
      paint();
    }
    const keys = DIGITS.map((key) => {
      const label = { "⌫": hall.t("acting.erase"), "✓": hall.t("acting.enter") }[key];
      const button = make("button.acting-key", { type: "button", "aria-label": label, "data-key": key }, key);
      button.onclick = () => press(key);
      return button;
    });
    paint();
    const typed = (event) => {
      const key = { Enter: "✓", Backspace: "⌫" }[event.key] || event.key;
      if (DIGITS.includes(key)) press(key);
    };
    return { node: make("div.acting-pad", {}, [dots, make("div.acting-keys", {}, keys)]), typed };
  }

  function people(found, choose) {
    if (!found.length) return [make("p.faint", {}, hall.t("acting.no-pins"))];
    return found.map((one) => {
      const button = make("button.acting-name", { type: "button" }, [make("b", {}, one.display || one.name), make("span", {}, hall.word("desk.role", one.role))]);
      button.onclick = () => choose(one, button);
      return button;
    });
  }

  /** The wall shows a code and its picture; who is signed in on a phone or console confirms it there. */
  async function pairing(holder, status) {
    const mine = dialog;
    const made = await ask("/api/v1/acting/pairing", { method: "POST", body: { wall: hall.page.wall.name } });
    if (dialog !== mine) return; // shut meanwhile, or another one
    const code = make("output.acting-code", {}, made.code.replace(/(.{4})/, "$1 "));
    holder.replaceChildren(make("img.acting-qr", { src: made.picture, alt: made.address }), code, make("p", {}, hall.t("acting.phone.how", { address: made.address.replace(/\?.*/, "") })));
    mine.poll = setInterval(async () => {
      const found = await ask(`/api/v1/acting/pairing?wall=${encodeURIComponent(hall.page.wall.name)}`).catch(() => null);
      if (dialog !== mine || !found) return;
      if (found.name) return welcomed(found);
      if (found.state !== "over") return;
      clearInterval(mine.poll);
      setText(status, hall.t("acting.phone.over"));
      holder.replaceChildren();
    }, POLL_MS);
  }

  async function open() {
    if (dialog || !hall.show.layer()) return;
    const status = make("p.acting-status", { role: "status" });
    const [names, pad, phone] = [make("div.acting-names"), make("div.acting-pad-holder", {}, make("p.faint", {}, hall.t("acting.choose"))), make("div.acting-phone")];
    const shut = make("button.card-close", { type: "button" }, `✕ ${hall.t("card.close")}`);
    shut.onclick = close;
    const head = make("header.card-head", {}, [make("strong", {}, hall.t("acting.title", { wall: hall.page.wall.name })), shut]);
    const columns = make("div.acting-columns", {}, [
      make("section", {}, [make("h3", {}, hall.t("acting.by-pin")), names]), make("section", {}, [pad]), make("section", {}, [make("h3", {}, hall.t("acting.by-phone")), phone])]);
    const node = make("section.show-frame.acting-dialog", { role: "dialog", "aria-modal": "true", "aria-label": hall.t("acting.title", { wall: hall.page.wall.name }) }, make("div.show-body", {}, make("div.acting-card", {}, [head, columns, status])));
    const box = hall.wall.block(hall.wall.part);
    for (const side of ["left", "top", "width", "height"]) node.style[side] = `${box[side]}px`;
    dialog = { node, poll: 0, timer: 0, typed: null };
    stay();
    hall.show.layer().append(node);
    pairing(phone, status).catch((error) => phone.replaceChildren(make("p.faint", {}, why(error))));
    try {
      const { people: found } = await ask("/api/v1/acting/people");
      names.replaceChildren(...people(found, (one, button) => {
        for (const other of names.children) other.classList.toggle("is-chosen", other === button);
        const made = pinPad(one.name, status);
        setText(status, "");
        pad.replaceChildren(made.node);
        dialog.typed = made.typed;
      }));
    } catch (error) {
      setText(status, `✕ ${why(error)}`);
    }
  }
  document.addEventListener("keydown", (event) => {
    if (!dialog) return;
    if (event.key === "Escape") close();
    else if (dialog.typed) dialog.typed(event);
  });

  const acting = (hall.acting = { who: () => person || own(), on: (call) => (listeners.add(call), () => listeners.delete(call)), ask, open, end, why });

  hall.wall.onAdopt(() => {
    chip = make("div.acting-chip", { role: "status", hidden: "" }, [make("span"), make("button.acting-end", { type: "button" })]);
    chip.lastChild.onclick = end;
    hall.show.layer().append(chip);
    if (!own()) ask("/api/v1/acting").then((found) => found.name && take(found)).catch(() => {});
    setInterval(tick, 1000);
    hall.onLocale(paintChip);
  });
})();

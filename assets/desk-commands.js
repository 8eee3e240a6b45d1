/* Commands of this operator: kept in the browser until the hall has answered, sent once each, in order for each case.
 *
 * hall.commands.send({subject, move, revision, reason, data})   returns the command; its `id` is made here, once
 *     state   queued | sending | done | refused | stale; `quiet`: no toast, no dialog; `inForm`: a form that is open says a refusal; `subject` is file/<feed>/<case id> or
 *     any other stream that docs/DISPATCH.md names (closure/<id>, task/<id> ...)
 * hall.commands.list()   all that is known, oldest first; hall.commands.waiting(subject): those not answered yet
 * hall.commands.drop(id) forgets one that was refused; hall.commands.redo(id, revision): asks the same again, on top of `revision`
 * tells "command" with the command at each change, "outcome" {command, view} when one was done
 *
 * What was not answered is kept in localStorage: a reload or a lost connection loses nothing. A second try carries the same
 * id, so the hall does it once, however often it was heard.
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const ALL = `hall-commands-${(hall.page.who || {}).name || ""}/`;
  const KEPT = ALL + hall.screen.id; // each tab keeps its own; those of a tab that is gone are taken over
  const BOUND = 300;
  const SHOWN_MS = 30000; // done ones stay in the list so long
  const RETRY_FIRST_MS = 400;
  const RETRY_MAX_MS = 8000;
  const ATTEMPT_MS = 10000;
  const PASSING = new Set(["timeout", "unreachable", "bus-lost", "busy", "casebook-fault", "ledger-busy", "http"]);
  const WAITING = new Set(["queued", "sending"]);

  const busy = new Set(); // subjects with a command under way
  let commands = takeOver();

  function readOne(key) {
    try {
      const found = JSON.parse(localStorage.getItem(key) || "[]");
      return Array.isArray(found) ? found.filter((command) => command && command.id && command.subject) : [];
    } catch (_) {
      return [];
    }
  }

  /** What this tab had, and what other tabs of the same person left unanswered: sent twice it is still done once. */
  function takeOver() {
    const found = new Map();
    try {
      for (const key of Object.keys(localStorage).filter((name) => name.startsWith(ALL))) {
        for (const command of readOne(key)) if (key === KEPT || WAITING.has(command.state)) found.set(command.id, command);
        if (key !== KEPT) localStorage.removeItem(key);
      }
    } catch (_) {
      // a browser that keeps nothing has nothing to take over
    }
    // one that was under way when the page went may have arrived or not: the same id settles it
    const made = [...found.values()].map((command) => (command.state === "sending" ? { ...command, state: "queued" } : command));
    return made.sort((a, b) => a.made - b.made);
  }

  function keep() {
    const lasting = commands.filter((command) => command.state !== "done");
    try {
      if (lasting.length) localStorage.setItem(KEPT, JSON.stringify(lasting));
      else localStorage.removeItem(KEPT);
    } catch (_) {
      // a browser that keeps nothing still sends
    }
  }

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function change(command, state, more) {
    Object.assign(command, { state, changed: hall.clock.real() }, more);
    keep();
    desk.tell("command", command);
  }

  const address = (subject) => subject.split("/").slice(1).map(encodeURIComponent).join("/");
  desk.address = address;
  const topic = (subject) => subject.slice(0, subject.indexOf("/"));
  /** Where a subject's commands go: case files at their cases, the emergency side's at its one address. */
  const pathOf = (subject) => `/api/v1/${topic(subject) === "file" ? "cases" : `streams/${topic(subject)}`}/${address(subject)}/commands`;

  function body(command) {
    const sent = { id: command.id, move: command.move, reason: command.reason || "", data: command.data || {} };
    return command.revision == null ? sent : { ...sent, revision: command.revision };
  }

  /** Whether a refusal may be over soon, so that the same command is sent again. */
  const passing = (error) => PASSING.has(error.reason) && (error.status === 0 || error.status >= 500) || error.status === 429 || error.status === 401;

  /** Later commands made on the same revision were made on top of this one: they follow the revision it led to. */
  function lift(command, view) {
    if (command.revision == null || !view) return;
    const between = (view.entries || []).filter((entry) => entry.revision > command.revision && entry.revision <= view.revision);
    if (between.some((entry) => entry.command !== command.id)) return;
    for (const other of commands) {
      if (other.subject === command.subject && other.state === "queued" && other.revision === command.revision) other.revision = view.revision;
    }
  }

  async function attempt(command) {
    change(command, "sending", { tries: (command.tries || 0) + 1, why: "" });
    try {
      const answer = await hall.ask(pathOf(command.subject), { method: "POST", body: body(command), within: ATTEMPT_MS });
      lift(command, answer.view);
      change(command, "done", { revision_after: answer.outcome.revision });
      desk.tell("outcome", { command, view: answer.view, outcome: answer.outcome });
      return true;
    } catch (error) {
      if (passing(error)) {
        change(command, "queued", { why: error.reason, detail: error.message });
        return false;
      }
      const { revision, changed } = error.answer || {};
      change(command, error.reason === "stale" ? "stale" : "refused", { why: error.reason, detail: error.message, status: error.status, now: revision, meanwhile: changed });
      return true;
    }
  }

  /** Sends what waits for one subject, one after the other; a failure that may pass is tried again, later each time. */
  async function work(subject) {
    if (busy.has(subject)) return;
    busy.add(subject);
    try {
      for (;;) {
        const next = commands.find((command) => command.subject === subject && command.state === "queued");
        if (!next) break;
        if (await attempt(next)) continue;
        await pause(Math.min(RETRY_FIRST_MS * 2 ** Math.min(next.tries - 1, 8), RETRY_MAX_MS) * (0.5 + Math.random() / 2));
      }
    } finally {
      busy.delete(subject);
    }
  }

  const wakers = new Set();
  function pause(ms) {
    return new Promise((done) => {
      const wake = () => (clearTimeout(timer), wakers.delete(wake), done());
      const timer = setTimeout(wake, ms);
      wakers.add(wake);
    });
  }
  /** The network is back: nobody waits out his pause. */
  const hurry = () => [...wakers].forEach((wake) => wake());

  function workAll() {
    for (const subject of new Set(commands.filter((c) => c.state === "queued").map((c) => c.subject))) work(subject);
  }

  function tidy() {
    const old = hall.clock.real() - SHOWN_MS;
    const before = commands.length;
    commands = commands.filter((command) => command.state !== "done" || command.changed > old);
    while (commands.length > BOUND && commands.some((c) => !WAITING.has(c.state))) commands.splice(commands.findIndex((c) => !WAITING.has(c.state)), 1);
    if (before !== commands.length) keep();
  }

  hall.commands = {
    send({ subject, move, revision, reason, data, quiet, inForm }) {
      if (commands.filter((c) => WAITING.has(c.state)).length >= BOUND) throw new Error(hall.t("desk.commands-full"));
      const command = { id: newId(), subject, move, revision: revision ?? null, reason: reason || "", data: data || {}, made: hall.clock.real(), tries: 0, quiet: !!quiet, inForm: !!inForm };
      commands.push(command);
      change(command, "queued");
      tidy();
      work(subject);
      return command;
    },
    list: () => commands,
    waiting: (subject) => commands.filter((c) => WAITING.has(c.state) && (!subject || c.subject === subject)),
    drop(id) {
      const gone = commands.find((command) => command.id === id);
      if (!gone || WAITING.has(gone.state)) return;
      commands = commands.filter((command) => command !== gone);
      keep();
      desk.tell("command", { ...gone, state: "dropped" });
    },
    redo(id, revision) {
      const old = commands.find((command) => command.id === id);
      if (!old) return null;
      this.drop(id);
      return this.send({ ...old, revision: revision ?? old.now, inForm: false });
    },
    tidy,
  };

  window.addEventListener("online", hurry);
  hall.link.onState((state) => state === "live" && hurry());
  keep();
  setTimeout(workAll, 0); // once every part listens
})();

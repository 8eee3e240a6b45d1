/* What all consoles share: calls to the API, the bar at the top, small tools.
 *
 * hall.ask(path, {method, body, signal})   JSON of the API; throws an Error with .reason, .status and .answer when it is refused
 * hall.why(error)   the reason of such an error in the reader's language
 * hall.desk   state shared by the desk's parts; hall.desk.on(name, call), hall.desk.tell(name, value)
 * hall.desk.name()   what people call this console, kept in this browser; the ledger writes it beside who acts
 * hall.desk.addTool(node)   a control of the bar, before the link's state (sound, shift, lock ... add theirs here)
 */
"use strict";

(function () {
  const hall = window.hall;
  const SESSION_MS = 15000;
  const ANSWER_MS = 8000; // longer than any answer of a hall that lives
  const listeners = new Map();

  hall.desk = {
    on(name, call) {
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name).add(call);
      return () => listeners.get(name).delete(call);
    },
    tell(name, value) {
      for (const call of listeners.get(name) || []) {
        try {
          call(value);
        } catch (error) {
          reportError(error); // one part that fails stops no other: a command is sent, and sent again, whoever cannot show it
        }
      }
    },
  };

  hall.desk.name = function (name) {
    try {
      if (name !== undefined) localStorage.setItem("hall-desk-name", name.trim().slice(0, 40));
      return hall.desk.named() || hall.screen.id;
    } catch (_) {
      return hall.screen.id; // a browser that keeps nothing has no name of its own
    }
  };
  hall.desk.named = () => { try { return localStorage.getItem("hall-desk-name"); } catch (_) { return null; } };

  const tools = hall.make("span.bar-tools");
  hall.desk.addTool = (node) => tools.append(node);

  /** In the demo a browser whose session ended is a mere wall: refused, but not unknown. */
  async function sessionIsOver() {
    const signedIn = hall.page.who && hall.page.who.role !== "wall";
    return signedIn && (await fetch("/api/v1/me")).status !== 200;
  }

  function refusal(reason, detail, status, answer) {
    const error = new Error(detail || reason);
    return Object.assign(error, { reason, status: status || 0, answer: answer || {} });
  }

  /** Fetches within a bounded time; no answer becomes an error with a reason, a caller's own abort stays an AbortError. */
  async function fetchInTime(path, options, signal, within) {
    const limit = AbortSignal.timeout(within || ANSWER_MS);
    try {
      return await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    } catch (error) {
      if (signal && signal.aborted) throw error;
      throw refusal(limit.aborted ? "timeout" : "unreachable", error.message);
    }
  }

  hall.why = function (error) {
    const known = ["desk", "crew", "shift", "emergency"].map((part) => `${part}.refused.${error.reason}`).find(hall.knows);
    return known ? hall.t(known, { detail: error.message, status: error.status }) : error.message;
  };
  hall.failed = (error) => hall.t("desk.failed", { why: hall.why(error) });

  hall.ask = async function (path, options) {
    const { method = "GET", body, signal, within } = options || {};
    const lock = hall.desk.lock; // assets/desk-13-lock.js
    if (lock && !path.startsWith("/api/v1/lock")) await lock.opened(signal); // a locked console asks nothing, and loses nothing
    const headers = { accept: "application/json", "x-hall-desk": encodeURIComponent(hall.desk.name()) };
    if (method !== "GET") headers["x-hall-csrf"] = hall.page.csrf || "";
    if (body !== undefined) headers["content-type"] = "application/json";
    const sent = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    const answer = await fetchInTime(path, sent, signal, within);
    if (answer.status === 401 || (answer.status === 403 && (await sessionIsOver()))) {
      const here = encodeURIComponent(location.pathname + location.search);
      location.assign(`/sign-in?next=${here}&lang=${hall.locale}`);
    }
    let whole = true;
    const data = await answer.json().catch(() => ((whole = false), {}));
    if (answer.ok && method === "GET" && !whole && answer.status !== 204) throw refusal("broken-answer", "", answer.status); // it broke off: not an empty one
    if (answer.status === 423 && lock) return lock.shut(), hall.ask(path, options); // locked elsewhere: asked again when it is open
    if (answer.ok) return data;
    throw refusal(data.reason || "http", data.detail, answer.status, data);
  };

  /** A text of the catalogue in a node that follows the language. */
  hall.said = (spec, key, values, attributes) =>
    hall.make(spec, { "data-t": key, "data-t-values": values ? JSON.stringify(values) : null, ...attributes }, hall.t(key, values));

  /** Says in `node` what `text()` makes, again whenever the language changes; `failed` marks a refusal. */
  hall.say = function (node, text, failed) {
    node.said = text;
    node.dataset.failed = failed ? "1" : "";
    hall.setText(node, text ? text() : "");
  };
  hall.sayAgain = (node) => node.said && hall.setText(node, node.said());

  hall.may = (act) => (hall.page.may || []).includes(act);

  const MARKS = ["○", "●", "▲", "◆", "■"];
  /** Severity as shape and word: colour is never the only cue. */
  hall.severityText = (value) => `${MARKS[value] || MARKS[0]} ${hall.t(`desk.severity.${value || 0}`)}`;

  async function signOut(button) {
    const body = new URLSearchParams({ csrf: hall.page.csrf || "" });
    button.disabled = true;
    try {
      await fetchInTime("/sign-out", { method: "POST", body, redirect: "manual" });
      location.assign(`/sign-in?why=signed-out&lang=${hall.locale}`);
    } catch (error) {
      button.disabled = false;
      button.textContent = hall.t("desk.sign-out-failed", { why: hall.why(error) });
    }
  }

  const PAGES = [
    ["/desk", "desk.nav.desk", "see-desk"],
    ["/map", "mappage.nav", "see-desk"],
    ["/crews", "crewboard.nav", "see-crews"],
    ["/emergency", "emergency.nav", "see-emergency"],
    ["/evaluation", "desk.nav.evaluation", "see-evaluation"],
    ["/admin/feeds", "desk.nav.feeds", "see-system"],
    ["/admin/screens", "desk.nav.screens", "see-system"],
    ["/admin/users", "desk.nav.users", "manage-users"],
    ["/walls", "desk.nav.walls", "see-wall"],
  ];

  /** Consoles and the chooser keep the language that was switched to. */
  const withLanguage = (path) => (hall.locale === hall.page.languages[0] ? path : `${path}?lang=${hall.locale}`);

  function nav() {
    const links = PAGES.filter(([, , act]) => hall.may(act)).map(([path, key]) => {
      const here = location.pathname === path || (path === "/walls" && location.pathname === "/");
      return hall.said("a.bar-link", key, null, { href: withLanguage(path), "data-path": path, "aria-current": here ? "page" : null });
    });
    return hall.make("nav.bar-nav", {}, links);
  }

  function languageButton() {
    const other = () => (hall.locale === "zh-CN" ? "en" : "zh-CN");
    const button = hall.make("button.bar-button", { type: "button" }, hall.t(`language.${other()}`));
    button.onclick = () => {
      hall.setLocale(other());
      const address = new URL(location.href);
      address.searchParams.set("lang", hall.locale);
      history.replaceState(history.state, "", address);
    };
    return { button, locale: () => hall.setText(button, hall.t(`language.${other()}`)) };
  }

  hall.panel("console-bar", function (element, context) {
    const language = languageButton();
    const [date, time] = [hall.make("span.bar-date"), hall.make("span")];
    const clock = hall.make("time.bar-clock", {}, [date, " ", time]);
    const link = hall.make("span.bar-link-state", { role: "status" });
    const who = hall.page.who || {};
    const city = hall.make("strong.bar-city");
    const parts = [city, nav(), hall.make("span.bar-space")];
    if (hall.page.demo) parts.push(hall.said("span.bar-demo", "desk.demo"));
    parts.push(tools, link, clock, language.button);
    if (who.role && who.role !== "wall") {
      const out = hall.said("button.bar-button", "desk.sign-out", null, { type: "button" });
      out.onclick = () => signOut(out);
      parts.push(hall.make("span.bar-who", {}, [who.name, " · ", hall.said("span", `desk.role.${who.role}`)]), out);
    }
    if (who.name === "demo-screen") parts.push(hall.said("a.bar-button", "signin.title", null, { href: withLanguage("/sign-in"), "data-path": "/sign-in" }));
    hall.fill(context.body, parts);

    function paint() {
      hall.setText(city, hall.label(hall.page.city));
      const now = hall.clock.city();
      hall.setText(date, hall.format.date(now));
      hall.setText(time, `${hall.format.seconds(now)}${hall.clock.replay() ? ` · ${hall.t("desk.replay")}` : ""}`);
      link.dataset.link = hall.link.state;
      const mark = { live: "●", connecting: "◌", lost: "✕" }[hall.link.state];
      const past = hall.replay && hall.replay.active && hall.link.state === "live"; // the map shows another moment than the link brings
      hall.setText(link, `${mark} ${hall.t(past ? "desk.link.connected" : `desk.link.${hall.link.state}`)}`);
    }

    let asked = -Infinity;
    /** The gate refused this browser: when its session is over, `ask` leads to the sign-in. */
    function checkSession() {
      if (!hall.link.refusal || performance.now() - asked < SESSION_MS) return;
      asked = performance.now();
      hall.ask("/api/v1/me").catch(() => {});
    }
    function locale() {
      language.locale();
      for (const anchor of context.body.querySelectorAll("a[data-path]")) anchor.href = withLanguage(anchor.dataset.path);
      paint();
    }
    const off = hall.link.onState(() => (paint(), checkSession()));
    return { tick: paint, locale, unmount: off };
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("[data-search]");
      if (search && search.checkVisibility()) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  });
})();

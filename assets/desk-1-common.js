/* What all consoles share: calls to the API, the bar at the top, small tools.
 *
 * hall.ask(path, {method, body, signal})   JSON of the API; throws an Error with .reason and .status when it is refused
 * hall.desk   state shared by the desk's parts; hall.desk.on(name, call), hall.desk.tell(name, value)
 */
"use strict";

(function () {
  const hall = window.hall;
  const SESSION_MS = 15000;
  const listeners = new Map();

  hall.desk = {
    on(name, call) {
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name).add(call);
      return () => listeners.get(name).delete(call);
    },
    tell(name, value) {
      for (const call of listeners.get(name) || []) call(value);
    },
  };

  /** In the demo a browser whose session ended is a mere wall: refused, but not unknown. */
  async function sessionIsOver() {
    const signedIn = hall.page.who && hall.page.who.role !== "wall";
    return signedIn && (await fetch("/api/v1/me")).status !== 200;
  }

  hall.ask = async function (path, options) {
    const { method = "GET", body, signal } = options || {};
    const headers = { accept: "application/json" };
    if (method !== "GET") headers["x-hall-csrf"] = hall.page.csrf || "";
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
    if (answer.status === 401 || (answer.status === 403 && (await sessionIsOver()))) {
      const here = encodeURIComponent(location.pathname + location.search);
      location.assign(`/sign-in?next=${here}`);
    }
    const data = await answer.json().catch(() => ({}));
    if (answer.ok) return data;
    const error = new Error(data.detail || `HTTP ${answer.status}`);
    error.reason = data.reason || "http";
    error.status = answer.status;
    throw error;
  };

  /** A text of the catalogue in a node that follows the language. */
  hall.said = (spec, key, values, attributes) =>
    hall.make(spec, { "data-t": key, "data-t-values": values ? JSON.stringify(values) : null, ...attributes }, hall.t(key, values));

  hall.may = (act) => (hall.page.may || []).includes(act);

  const MARKS = ["○", "●", "▲", "◆", "■"];
  /** Severity as shape and word: colour is never the only cue. */
  hall.severityText = (value) => `${MARKS[value] || MARKS[0]} ${hall.t(`desk.severity.${value || 0}`)}`;

  /** Replaces what `node` holds only when the content differs: keeps selection and focus. */
  hall.fill = function (node, children) {
    node.replaceChildren(...[].concat(children));
  };

  async function signOut() {
    const body = new URLSearchParams({ csrf: hall.page.csrf || "" });
    await fetch("/sign-out", { method: "POST", body, redirect: "manual" });
    location.assign("/sign-in?why=signed-out");
  }

  const PAGES = [
    ["/desk", "desk.nav.desk", "see-desk"],
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
    const clock = hall.make("time.bar-clock");
    const link = hall.make("span.bar-link-state", { role: "status" });
    const who = hall.page.who || {};
    const city = hall.make("strong.bar-city");
    const parts = [city, nav(), hall.make("span.bar-space")];
    if (hall.page.demo) parts.push(hall.said("span.bar-demo", "desk.demo"));
    parts.push(link, clock, language.button);
    if (who.role && who.role !== "wall") {
      const out = hall.said("button.bar-button", "desk.sign-out", null, { type: "button" });
      out.onclick = signOut;
      parts.push(hall.make("span.bar-who", {}, [who.name, " · ", hall.said("span", `desk.role.${who.role}`)]), out);
    }
    if (who.name === "demo-screen") parts.push(hall.said("a.bar-button", "signin.title", null, { href: "/sign-in" }));
    hall.fill(context.body, parts);

    function paint() {
      hall.setText(city, hall.label(hall.page.city));
      const now = hall.clock.city();
      hall.setText(clock, `${hall.format.date(now)} ${hall.format.seconds(now)}${hall.clock.replay() ? ` · ${hall.t("desk.replay")}` : ""}`);
      link.dataset.link = hall.link.state;
      const mark = { live: "●", connecting: "◌", lost: "✕" }[hall.link.state];
      hall.setText(link, `${mark} ${hall.t(`desk.link.${hall.link.state}`)}`);
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
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  });
})();

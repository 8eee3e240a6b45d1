/* The phone's page: signs in by its link, asks for its tasks every few seconds, shows the last ones when there is no network. */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const root = document.getElementById("field");
  const [OFTEN_MS, HIDDEN_MS, SLOWEST_MS, ANSWER_MS] = [5000, 30000, 40000, 12000];
  const state = { doc: null, heard: 0, online: true, entered: Boolean(field.stored("field-crew")), fault: "", tag: "" };
  let timer = 0;
  let failures = 0;
  let asking = null;
  field.crew = field.stored("field-crew") || "";
  field.csrf = "";

  // -- signing in ---------------------------------------------------------------------------------------------------

  const secretOf = (text) => (/[#&]k=([\w-]{20,200})/.exec(text) || /^([\w-]{40,200})$/.exec(text.trim()) || [])[1] || "";

  async function enter(secret) {
    state.fault = "";
    let answer;
    try {
      answer = await fetch("/api/v1/field/session", {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ secret }), signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch (_) {
      state.fault = field.t("field.offline");
      return paint();
    }
    if (answer.ok) {
      const said = await answer.json();
      field.crew = said.crew;
      field.csrf = said.csrf;
      field.store("field-crew", said.crew);
      Object.assign(state, { entered: true, doc: null, tag: "" });
      await refresh();
    } else {
      const said = await answer.json().catch(() => ({}));
      state.fault = answer.status === 401 ? field.t("field.enter.bad") : field.why(said.reason, said.detail);
      paint();
    }
  }

  field.signedOut = function () {
    field.csrf = "";
    Object.assign(state, { entered: false, doc: null, tag: "" });
    field.keep("tasks", null);
    field.keep("components", null);
    paint();
  };

  async function leave() {
    const count = field.queue.waiting().length;
    if (count && !window.confirm(field.t("field.leave.unsent", { count }))) return;
    await fetch("/api/v1/field/session", { method: "DELETE", headers: { "x-hall-csrf": field.csrf } }).catch(() => {});
    field.store("field-crew", null);
    field.signedOut();
  }

  // -- asking -------------------------------------------------------------------------------------------------------

  async function ask() {
    const headers = state.tag && state.doc ? { "if-none-match": state.tag } : {};
    const answer = await fetch("/api/v1/field/tasks", { headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.status === 401 || answer.status === 403) return field.signedOut();
    if (answer.status !== 304 && !answer.ok) throw new Error(String(answer.status));
    field.heardTime(Number(answer.headers.get("x-hall-now")));
    if (answer.status !== 304) await take(await answer.json(), answer.headers.get("etag") || "");
    state.heard = field.now();
    field.keep("heard", { crew: field.crew, at: state.heard });
  }

  field.doc = () => state.doc;

  /** Everything that has a card. */
  const works = (doc) => (doc ? [...(doc.closures || []), ...(doc.tasks_given || []), ...doc.tasks] : []);
  const cards = (doc) => (doc ? [...(doc.messages || []), ...works(doc)] : []);

  async function take(doc, tag) {
    const newness = (task) => `${task.subject} ${task.urged ? task.urged.times : 0} ${task.withdrawn || 0}`;
    const known = new Set(cards(state.doc).map(newness));
    const fresh = cards(doc).some((task) => !known.has(newness(task))) && state.doc;
    Object.assign(state, { doc, tag, entered: true });
    field.csrf = doc.csrf;
    field.crew = doc.crew.crew_id;
    field.store("field-crew", field.crew);
    await field.keep("tasks", { ...doc, csrf: "" });
    if (fresh && navigator.vibrate) navigator.vibrate([300, 150, 300]);
    const messages = (doc.messages || []).filter((one) => !one.received).map((one) => one.subject.slice("message/".length));
    tell({ received: doc.notices.map((notice) => notice.id), messages });
    field.queue.wake();
  }

  /** Stamps notices; lost ones are stamped at the next look. */
  const stamped = new Set();
  async function tell(what) {
    const unstamped = (ids) => (ids || []).filter((id) => !stamped.has(id));
    const fresh = { received: unstamped(what.received), read: what.read || [], messages: unstamped(what.messages) };
    if (!fresh.received.length && !fresh.read.length && !fresh.messages.length) return;
    try {
      const answer = await fetch("/api/v1/field/notices", {
        method: "POST", body: JSON.stringify(fresh), signal: AbortSignal.timeout(ANSWER_MS),
        headers: { "content-type": "application/json", "x-hall-csrf": field.csrf },
      });
      if (answer.ok) [...fresh.received, ...fresh.messages].forEach((id) => stamped.add(id));
    } catch (_) {
      /* no network: the notice stays where it is */
    }
  }

  async function refresh() {
    if (!state.entered || asking) return asking;
    clearTimeout(timer);
    asking = ask().then(
      () => ((failures = 0), (state.online = true)),
      () => ((failures += 1), (state.online = false)),
    );
    await asking;
    asking = null;
    paint();
    const pace = document.visibilityState === "hidden" ? HIDDEN_MS : OFTEN_MS;
    timer = setTimeout(refresh, failures ? Math.min(SLOWEST_MS, pace * 1.6 ** Math.min(failures, 6)) * (0.8 + Math.random() * 0.4) : pace);
  }
  field.refresh = refresh;

  // -- showing ------------------------------------------------------------------------------------------------------

  field.act = async function (task, move) {
    if (navigator.vibrate) navigator.vibrate(40);
    try {
      await field.queue.tap({ task: task.subject, move });
    } catch (_) {
      state.fault = field.t("field.queue.full");
      paint();
    }
  };

  function bar() {
    const waiting = field.queue.waiting().length;
    const other = field.otherLocale();
    const known = state.doc ? state.doc.crew : null;
    const name = known ? (known.label && known.label[field.locale]) || known.name : field.t("field.title");
    const link = state.online ? `● ${field.t("field.online")}` : `✕ ${field.t("field.offline")}`;
    return make("header.bar", {}, [
      make("strong.bar-name", {}, name),
      make("span.bar-link", { role: "status", "data-online": String(state.online) }, link),
      waiting ? make("span.bar-queue", { role: "status" }, `↑ ${field.t("field.queue", { count: waiting })}`) : "",
      known ? make("button.plain", { type: "button", "data-do": "open-map", onclick: () => field.openMap() }, field.t("field.map")) : "",
      other ? make("button.plain", { type: "button", lang: other, onclick: () => (field.setLocale(other), paint()) }, field.t(`language.${other}`)) : "",
    ]);
  }

  function entrance() {
    const input = make("input", { type: "text", id: "link", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    const form = make("form.entrance", { novalidate: true }, [
      make("h1", {}, field.t("field.enter.title")), make("p", {}, field.t("field.enter.hint")),
      make("label.field", { for: "link" }, [field.t("field.enter.paste"), input]),
      make("button.primary", { type: "submit" }, field.t("field.enter.go")),
      make("p.fault", { role: "alert" }, state.fault),
      field.queue.waiting().length ? make("p.kept", {}, field.t("field.enter.kept", { count: field.queue.waiting().length })) : "",
    ]);
    form.onsubmit = (event) => {
      event.preventDefault();
      const secret = secretOf(input.value);
      if (secret) return void enter(secret);
      state.fault = field.t("field.enter.bad");
      paint();
    };
    return form;
  }

  function notices() {
    const own = state.doc.notices.filter((notice) => !SHOWN_BY_CARD.has(notice.key));
    if (!own.length) return "";
    const row = (notice) =>
      make("li.notice", { "data-urgency": notice.urgency }, [
        make("span", {}, `${field.time(notice.made)} ${field.t(notice.key, notice.values)}`),
        make("button.plain", { type: "button", onclick: () => dismiss([notice.id]) }, field.t("field.notices.read")),
      ]);
    return make("section.notices", { "aria-label": field.t("field.notices") }, make("ul", {}, own.map(row)));
  }

  /** Notices that only say what a card says. */
  const SHOWN_BY_CARD = new Set(["notice.assigned", "notice.closure_sent", "notice.closure_ordered", "notice.closure_reopened", "notice.task_given", "notice.exercise_task_given"]);

  async function dismiss(ids) {
    state.doc.notices = state.doc.notices.filter((notice) => !ids.includes(notice.id));
    paint();
    await tell({ read: ids });
    void refresh();
  }

  /** A task that is on the screen was read: its notice is done with. */
  function readShown() {
    if (document.visibilityState !== "visible" || !state.online || !state.doc) return;
    const shown = state.doc.notices.filter((n) => SHOWN_BY_CARD.has(n.key) && cards(state.doc).some((task) => task.subject === n.about));
    if (shown.length) void dismiss(shown.map((notice) => notice.id));
  }

  function sorted(tasks) {
    const here = field.position.here;
    const far = (task) => (here && task.lon !== undefined ? field.metres(here, task) : 0);
    return [...tasks].sort((a, b) => b.emergency - a.emergency || (a.due ?? Infinity) - (b.due ?? Infinity) || far(a) - far(b));
  }

  function foot() {
    const shared = field.position.state;
    const here = field.position.here;
    const key = shared === "on" && here ? "field.position.on" : shared === "searching" ? "field.position.searching" : `field.position.${shared === "on" ? "searching" : shared}`;
    const strangers = field.queue.items.filter((item) => item.state !== "sent" && !cards(state.doc).some((task) => task.subject === item.task));
    return make("footer.foot", {}, [
      strangers.length ? make("ul.items", {}, strangers.map(field.itemRow)) : "",
      make("button.small", { type: "button", "data-do": "position", "aria-pressed": String(shared === "on"), onclick: field.position.toggle }, [
        field.icon("on_scene"), make("span", {}, field.t(key, here ? { metres: Math.round(here.accuracy) } : {})),
      ]),
      make("p.as-of", {}, state.heard ? field.t("field.as-of", { time: field.moment(state.heard) }) : ""),
      make("button.plain", { type: "button", onclick: leave }, field.t("field.leave")),
    ]);
  }

  function main() {
    if (!state.doc) return make("p.empty", {}, field.t(state.online ? "field.loading" : "field.offline"));
    const tasks = sorted(state.doc.tasks);
    const empty = make("div.empty", {}, [make("h2", {}, field.t("field.none")), make("p", {}, field.t("field.none-hint"))]);
    return make("div.tasks", {}, [field.messages(state.doc.messages || []), notices(), state.fault ? make("p.fault", { role: "alert" }, state.fault) : "", ...(state.doc.closures || []).map(field.placeCard), ...(state.doc.tasks_given || []).map(field.givenCard), ...tasks.map(field.card), works(state.doc).length ? "" : empty, foot()]);
  }

  let painted = 0;
  let shown = "";
  let held = false; // a finger is on the screen: a button that is replaced under it would lose the tap

  /** What the screen depends on: the same again needs no new elements. */
  function picture() {
    const here = field.position.here;
    const items = field.queue.items.map((item) => [item.order, item.state, item.why, item.uploading]);
    const place = here ? [here.lon.toFixed(4), here.lat.toFixed(4), Math.round(here.accuracy)] : field.position.state;
    return JSON.stringify([state.doc, state.online, state.entered, state.fault, Math.floor(state.heard / 60000), field.locale, items, place, navigator.onLine]);
  }

  function paint() {
    cancelAnimationFrame(painted);
    painted = requestAnimationFrame(() => {
      const now = picture();
      if (held || now === shown) return;
      shown = now;
      replace();
      readShown();
    });
  }

  function replace() {
    const active = document.activeElement;
    const typed = active && active.id === "link" ? active.value : null;
    const task = active && active.closest ? active.closest("[data-task]") : null;
    const step = active && active.dataset ? active.dataset.step : "";
    root.replaceChildren(bar(), state.entered ? main() : entrance());
    if (typed !== null && document.getElementById("link")) {
      document.getElementById("link").value = typed;
      document.getElementById("link").focus();
    }
    if (task && step) root.querySelector(`[data-task="${CSS.escape(task.dataset.task)}"] [data-step="${step}"]`)?.focus();
  }

  window.addEventListener("pointerdown", () => (held = true), true);
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => ((held = false), setTimeout(paint, 0)), true);
  field.paint = paint;

  async function start() {
    field.keepPage();
    await field.queue.ready;
    const secret = secretOf(location.hash);
    if (secret) {
      history.replaceState(null, "", location.pathname + location.search);
      await enter(secret);
    } else {
      const [kept, heard] = [await field.kept("tasks"), await field.kept("heard")];
      if (kept && field.crew === kept.crew.crew_id) Object.assign(state, { doc: kept, heard: heard ? heard.at : 0 });
      state.entered = true; // the cookie may hold although this page remembers nothing: the hall says
      paint();
      await refresh();
    }
    field.position.changed = paint;
    field.position.resume();
  }

  field.queue.on(paint);
  window.addEventListener("online", () => ((failures = 0), void refresh()));
  window.addEventListener("offline", () => ((state.online = false), paint()));
  window.addEventListener("hashchange", () => {
    const secret = secretOf(location.hash);
    if (secret) history.replaceState(null, "", location.pathname + location.search), void enter(secret);
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void refresh());
  setInterval(() => root.querySelectorAll(".clock").forEach((node) => node.tick && node.tick()), 5000);
  void start();
})();

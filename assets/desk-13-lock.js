/* The lock of a console that nobody works at: covers everything, keeps everything, opens for the same person only.
 *
 * hall.desk.lock.locked          whether this console is locked
 * hall.desk.lock.now(why)        locks it: "hand" (Ctrl+Alt+L, the bar) or "idle"
 * hall.desk.lock.opened(signal)  a promise that is kept once it is not locked; hall.desk.lock.shut(): it was locked elsewhere
 * hall.desk.lock.left()          ms until it locks itself, null when it never does
 *
 * The session is locked by the hall, on all pages of this browser; this file hides what the page shows. Nothing of the page is
 * taken down: what was typed is still there, commands wait and go out afterwards.
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const who = hall.page.who || {};
  const CONSOLE = !!who.name && !["wall", "crew"].includes(who.role) && !location.pathname.startsWith("/wall");
  const TOLD_MS = 60000; // the hall hears that somebody works here
  const SHARED = "hall-worked-at"; // when somebody last did something on any page of this browser
  const waiting = new Set();
  const channel = window.BroadcastChannel ? new BroadcastChannel(`hall-lock-${who.name}`) : null;
  let settings = { limit_ms: 0, warning_ms: 0, can: false, pin: false };
  let worked = Date.now(), told = 0, shared = 0;
  let acknowledged = true; // the hall knows that it is locked
  let blind = false; // this page came while the session was locked: it has to be loaded anew

  const lock = (desk.lock = {
    locked: false,
    opened(signal) {
      if (!lock.locked) return Promise.resolve();
      return new Promise((done, fail) => {
        const entry = { done };
        waiting.add(entry);
        if (signal) signal.addEventListener("abort", () => (waiting.delete(entry), fail(signal.reason)), { once: true });
      });
    },
    shut: () => CONSOLE && cover(),
    now,
    left: () => (settings.limit_ms ? worked + settings.limit_ms - Date.now() : null),
  });

  // -- the cover ----------------------------------------------------------------------------------------------------------

  const password = make("input.desk-input.is-wide", { type: "password", autocomplete: "current-password", maxlength: "200", "aria-labelledby": "lock-label" });
  const why = make("p.form-status", { role: "alert" });
  const open = make("button.desk-button.is-primary", { type: "submit" });
  const title = make("h2", { id: "lock-title" });
  const label = make("span", { id: "lock-label" });
  const other = make("a.lock-other");
  const since = make("p.lock-since");
  const form = make("form", {}, [title, since, make("label.form-field", {}, [label, password]), open, why, other]);
  const box = make("dialog.lock-cover", { "aria-labelledby": "lock-title", closedby: "none" }, [form]);

  function words() {
    hall.setText(title, `▣ ${hall.t("shift.lock-title", { who: who.name })}`);
    hall.setText(label, hall.t(settings.pin ? "shift.lock-secret-pin" : "shift.lock-secret"));
    hall.setText(open, hall.t("shift.lock-open"));
    hall.setText(other, hall.t("shift.lock-other"));
    hall.setText(since, lock.since ? hall.t("shift.lock-since", { time: hall.format.time(lock.since) }) : "");
    other.href = `/sign-in?next=${encodeURIComponent(location.pathname)}&lang=${hall.locale}`;
    hall.sayAgain(why);
  }

  function cover() {
    if (lock.locked) return;
    lock.locked = true;
    lock.since = hall.clock.real();
    warning.hidden = true;
    document.documentElement.dataset.locked = "1";
    if (!box.isConnected) document.body.append(box);
    words();
    hall.say(why, null);
    password.value = "";
    box.showModal();
    password.focus();
    desk.tell("locked", true);
  }

  function uncover() {
    if (!lock.locked) return;
    if (blind) return void location.reload();
    lock.locked = false;
    worked = Date.now();
    delete document.documentElement.dataset.locked;
    box.close(); // gives the focus back to where it was
    hall.link.retry(); // a locked console is told no more than a wall
    password.value = "";
    for (const entry of waiting) entry.done();
    waiting.clear();
    desk.tell("locked", false);
  }

  box.addEventListener("cancel", (event) => event.preventDefault());
  box.addEventListener("close", () => lock.locked && box.showModal());
  box.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());

  async function now(reason) {
    if (!CONSOLE || lock.locked) return;
    if (!settings.can) return void (reason !== "idle" && desk.announce && desk.announce(hall.t("shift.refused.cannot-unlock")));
    acknowledged = false;
    cover();
    if (channel) channel.postMessage("shut");
    await tellLocked(reason);
  }

  async function tellLocked(reason) {
    try {
      await hall.ask("/api/v1/lock", { method: "POST", body: { why: reason || "hand" } });
      acknowledged = true;
    } catch (_) {
      acknowledged = false; // told again as soon as the hall answers
    }
  }

  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!password.value || open.disabled) return;
    open.disabled = true;
    hall.say(why, () => hall.t("shift.lock-asking"));
    try {
      const secret = /^\d{4,8}$/.test(password.value) && settings.pin ? { pin: password.value } : { password: password.value };
      await hall.ask("/api/v1/lock/open", { method: "POST", body: secret });
      if (channel) channel.postMessage("open");
      uncover();
    } catch (error) {
      hall.say(why, () => hall.why(error), true);
      password.select();
    } finally {
      open.disabled = false;
    }
  };

  if (channel) channel.onmessage = ({ data }) => (data === "shut" ? cover() : data === "open" && uncover());

  // -- idle ---------------------------------------------------------------------------------------------------------------

  const stay = make("button.desk-button.is-primary", { type: "button" });
  const counted = make("span", { role: "timer" });
  const warning = make("div.lock-warning", { role: "alert", hidden: "" }, [counted, stay]);
  stay.onclick = () => work();

  function work() {
    worked = Date.now();
    if (worked - shared < 2000) return;
    shared = worked;
    try { localStorage.setItem(SHARED, String(worked)); } catch (_) { /* one page's own count will do */ }
  }
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(name, () => !lock.locked && work(), { passive: true, capture: true });
  }
  window.addEventListener("storage", (event) => event.key === SHARED && (worked = Math.max(worked, Number(event.newValue) || 0)));

  async function tellActive() {
    told = Date.now();
    try {
      await hall.ask("/api/v1/lock/active", { method: "POST" });
    } catch (_) {
      told = 0;
    }
  }

  function tick() {
    if (lock.locked || !settings.limit_ms) return;
    const left = lock.left();
    if (left <= 0) return void now("idle");
    warning.hidden = left > settings.warning_ms;
    if (!warning.hidden) {
      if (!warning.isConnected) document.body.append(warning);
      hall.setText(counted, `▣ ${hall.t("shift.lock-warning", { n: Math.ceil(left / 1000) })}`);
      hall.setText(stay, hall.t("shift.lock-stay"));
    }
    if (worked > told && Date.now() - told > Math.min(TOLD_MS, settings.limit_ms / 2)) tellActive();
  }

  document.addEventListener("keydown", (event) => {
    if (!event.ctrlKey || !event.altKey || event.code !== "KeyL") return;
    event.preventDefault();
    now("hand");
  }, true);

  async function learn() {
    try {
      const found = await hall.ask("/api/v1/lock");
      settings = found;
      tool.hidden = !found.can;
      if (found.locked) cover();
      words();
      if (!found.locked && found.limit_ms) tellActive();
    } catch (_) {
      setTimeout(learn, 3000);
    }
  }

  const tool = make("button.bar-button.bar-lock", { type: "button", hidden: "", "aria-keyshortcuts": "Control+Alt+L" });
  tool.onclick = () => now("hand");
  function paintTool() {
    hall.setText(tool, `▣ ${hall.t("shift.lock")}`);
    tool.title = `${hall.t("shift.lock-now")} (Ctrl+Alt+L)`;
  }

  if (CONSOLE) {
    desk.addTool(tool);
    paintTool();
    hall.onLocale(() => (paintTool(), words()));
    if (hall.page.locked) (blind = true), cover();
    setInterval(tick, 500);
    hall.link.onState((state) => state === "live" && lock.locked && !acknowledged && tellLocked("hand"));
    learn();
  }
})();

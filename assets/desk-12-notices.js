/* Notices: what the hall told this person. A drawer, a count in the bar and in the title, a sound, and word back that it came.
 *
 * desk.notices.list()   unread ones, the most urgent first; .show() opens the drawer; .counts {asked, received, read}
 *
 * The hall says which notices are mine (GET /api/v1/notices); the stream only says when to ask.
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const who = hall.page.who || {};
  const SOON_MS = 120;
  const EVERY_MS = 30000; // also without a word of the stream
  const GROUP = 3; // so many of one kind become one line
  const SHOWN = 60;
  const SAID = 40; // receipts at once; more are told with the next look
  const MARKS = { normal: "●", urgent: "▲", emergency: "‼" };
  const counts = { asked: 0, received: 0, read: 0 };
  const known = new Set(); // ids that were alerted
  const told = new Set(); // ids whose receipt the hall has from this console
  const opened = new Set(); // groups the reader opened
  let list = [];
  let soon = 0, first = true, asking = false, again = false, receiving = false;
  const base = document.title;

  /** Whether a notice of the stream may be mine; the hall decides. */
  function maybeMine(event) {
    const data = event.data;
    if (!data) return list.some((notice) => notice.subject === event.subject);
    const [kind, name] = Object.entries(data.to || {})[0] || [];
    if (kind === "person") return name === who.name;
    if (kind === "role") return name === who.role;
    if (kind === "desk") return name === desk.name();
    return kind === "unit";
  }

  const reader = (notice) => (notice.readers || {})[who.name] || {};

  async function look() {
    clearTimeout(soon);
    soon = 0;
    if (asking) return void (again = true);
    asking = true;
    counts.asked += 1;
    try {
      const found = await hall.ask("/api/v1/notices");
      take(found.notices);
    } catch (_) {
      lookSoon(5000);
    } finally {
      asking = false;
      if (again) (again = false), lookSoon();
    }
  }
  function lookSoon(ms) {
    if (!soon) soon = setTimeout(look, ms || SOON_MS);
  }

  function take(found) {
    list = found;
    const news = found.filter((notice) => !known.has(notice.subject));
    for (const notice of news) known.add(notice.subject);
    const unheard = news.filter((notice) => reader(notice).received == null);
    const untold = found.filter((notice) => reader(notice).received == null && !told.has(notice.subject));
    // after a reload what was received before is not new; what came while nobody sat here is told as one
    const loud = first ? unheard : news;
    first = false;
    if (loud.length) alert(loud);
    receive(untold);
    paint();
  }

  function alert(news) {
    hall.alerts.take(news.map((notice) => notice.urgency || "normal"));
    const worst = news.reduce((a, b) => (order(a) <= order(b) ? a : b));
    const more = news.length > 1 ? ` ${hall.t("shift.notices-more", { n: news.length - 1 })}` : "";
    hall.alerts.notify(hall.t("shift.notices-new", { n: news.length }), `${textOf(worst)}${more}`);
    if (desk.announce && !(desk.lock && desk.lock.locked)) desk.announce(`${MARKS[worst.urgency || "normal"]} ${textOf(worst)}${more}`, "notice");
  }
  const order = (notice) => ["emergency", "urgent", "normal"].indexOf(notice.urgency || "normal");

  const idOf = (notice) => notice.subject.split("/")[1];
  const tell = (notice, what) => hall.ask(`/api/v1/notices/${idOf(notice)}/${what}`, { method: "POST", body: { way: "console" } });

  /** The delivery ledger hears that this console shows them; one after the other, so that a burst of notices is none of requests. */
  async function receive(notices) {
    if (receiving) return; // what is left is told with the next look
    receiving = true;
    for (const notice of notices.slice(0, SAID)) {
      try {
        await tell(notice, "received");
        told.add(notice.subject);
        counts.received += 1;
      } catch (_) {
        break; // told with the next look: nothing here is lost
      }
    }
    receiving = false;
  }

  async function read(notices) {
    const gone = new Set(notices.map((notice) => notice.subject));
    list = list.filter((notice) => !gone.has(notice.subject));
    paint();
    for (const notice of notices) {
      try {
        await tell(notice, "read");
        counts.read += 1;
      } catch (error) {
        if (error.status !== 404 && error.status !== 403) return void lookSoon(1000);
      }
    }
    lookSoon();
  }

  // -- words --------------------------------------------------------------------------------------------------------------

  function textOf(notice) {
    const values = { ...(notice.values || {}) };
    const key = hall.knows(notice.key) ? notice.key : `shift.${notice.key}`;
    if (hall.knows(key)) return hall.t(key, values).replace(/\{\w+\}/g, "").replace(/\s+/g, " ").trim();
    return [notice.key.split(".").pop(), values.number, values.place, values.text].filter(Boolean).join(" · ");
  }
  function detailOf(notice) {
    const values = notice.values || {};
    return [values.class, values.place, values.text || values.reason, values.who && values.who !== "system" ? values.who : ""].filter(Boolean).join(" · ");
  }

  // -- the drawer -----------------------------------------------------------------------------------------------------------

  const tool = make("button.bar-button.bar-notices", { type: "button", "aria-haspopup": "dialog" });
  const sound = make("button.bar-button.bar-sound", { type: "button" });
  const body = make("div.notices");
  const settings = make("div.notice-settings");
  let box = null;

  function go(notice) {
    read([notice]);
    if (box) box.close();
    const subject = `case/${notice.about.slice(notice.about.indexOf("/") + 1)}`;
    if (!notice.about.startsWith("file/")) {
      const address = `/emergency?lang=${hall.locale}#${encodeURI(notice.about)}`;
      if (hall.emergency && hall.emergency.here && hall.emergency.here()) hall.emergency.go(notice.about);
      else location.assign(address);
      return;
    }
    if (document.querySelector(".console-desk")) desk.choose(subject);
    else location.assign(`/desk?case=${encodeURIComponent(subject)}&lang=${hall.locale}`);
  }

  function line(notice) {
    const urgency = notice.urgency || "normal";
    const look = make("button.notice-open", { type: "button" }, [
      make("b", {}, `${MARKS[urgency]} ${textOf(notice)}`), make("span", {}, detailOf(notice)), make("time", {}, desk.shortMoment ? desk.shortMoment(notice.made) : hall.format.time(notice.made)),
    ]);
    look.onclick = () => go(notice);
    const done = make("button.desk-chip", { type: "button", "aria-label": `${hall.t("shift.notice-read")}: ${textOf(notice)}` }, `✓ ${hall.t("shift.notice-read")}`);
    done.onclick = () => read([notice]);
    return make("li.notice", { "data-urgency": urgency, "data-notice": idOf(notice) }, [look, done]);
  }

  function group(key, notices) {
    if (notices.length < GROUP) return notices.map(line);
    const urgency = notices[0].urgency || "normal";
    const all = make("button.desk-chip", { type: "button" }, `✓ ${hall.t("shift.notices-read-all", { n: notices.length })}`);
    all.onclick = (event) => (event.preventDefault(), read(notices));
    const head = make("summary", {}, [make("b", {}, `${MARKS[urgency]} ${hall.word("shift.notice-kind", notices[0].key.replace(/^notice\./, ""))} × ${notices.length}`), make("span", {}, hall.t("shift.notices-newest", { time: hall.format.time(Math.max(...notices.map((n) => n.made))) })), all]);
    const whole = make("details.notice-group", opened.has(key) ? { open: "" } : {}, [head, make("ol", {}, notices.slice(0, SHOWN).map(line))]);
    whole.addEventListener("toggle", () => (whole.open ? opened.add(key) : opened.delete(key)));
    return [make("li", { "data-urgency": urgency }, [whole])];
  }

  function paintBody() {
    const groups = new Map();
    for (const notice of list) {
      const key = `${notice.urgency || "normal"} ${notice.key}`;
      groups.set(key, [...(groups.get(key) || []), notice]);
    }
    const all = said("button.desk-button", "shift.notices-read-everything", null, { type: "button" });
    all.onclick = () => read(list);
    const parts = list.length ? [make("ol.notice-list", {}, [...groups].flatMap(([key, notices]) => group(key, notices))), all] : said("p.desk-empty", "shift.notices-none");
    hall.fill(body, parts);
  }

  function paintSettings() {
    const { settings: now } = hall.alerts;
    const volume = make("input", { type: "range", min: "0", max: "1", step: "0.1", "aria-label": hall.t("shift.sound-volume") });
    volume.value = now.volume;
    volume.onchange = () => (hall.alerts.keep({ volume: Number(volume.value) }), hall.alerts.test("normal"));
    const boxes = Object.keys(MARKS).map((urgency) => {
      const tick = make("input", { type: "checkbox" });
      tick.checked = now.sounds[urgency] !== false;
      tick.onchange = () => (hall.alerts.keep({ sounds: { [urgency]: tick.checked } }), tick.checked && hall.alerts.test(urgency));
      return make("label.field-radio", {}, [tick, `${MARKS[urgency]} ${hall.t(`shift.urgency.${urgency}`)}`]);
    });
    const quiet = hall.alerts.settings.quiet_until > Date.now()
      ? [button("shift.sound-on", () => hall.alerts.quiet(0))]
      : [5, 15, 30].map((minutes) => button("shift.sound-off-for", () => hall.alerts.quiet(minutes), { n: minutes }));
    const permission = hall.alerts.permission();
    const notify = permission === "default" ? button("shift.notify-allow", () => hall.alerts.ask()) : said("span", `shift.notify-${permission}`);
    hall.fill(settings, [make("label.form-field", {}, [hall.t("shift.sound-volume"), volume]), ...boxes, make("span.notice-quiet", {}, quiet), notify]);
  }
  function button(key, act, values) {
    const made = said("button.desk-chip", key, values, { type: "button" });
    made.onclick = act;
    return made;
  }

  function show() {
    if (box) return;
    paintBody();
    paintSettings();
    box = desk.dialog({ title: hall.t("shift.notices"), body: [body, settings], wide: true, kind: "notices", onClose: () => (box = null) });
  }

  // -- the bar ----------------------------------------------------------------------------------------------------------------

  function paintSound() {
    const until = hall.alerts.settings.quiet_until;
    const quiet = until > Date.now();
    const state = quiet ? "quiet" : hall.alerts.settings.volume === 0 ? "silent" : hall.alerts.blocked() ? "blocked" : "on";
    sound.dataset.sound = state;
    const words = { quiet: `✕♪ ${hall.t("shift.sound-quiet", { left: leftOf(until - Date.now()) })}`, silent: `✕♪ ${hall.t("shift.sound-silent")}`, blocked: "♪ ?", on: "♪" };
    hall.setText(sound, words[state]);
    const meaning = { on: hall.t("shift.sound-is-on"), blocked: hall.t("shift.sound-blocked") }[state] || words[state];
    sound.setAttribute("aria-label", meaning);
    sound.title = meaning;
  }
  const leftOf = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

  function paint() {
    const worst = list.length ? list.reduce((a, b) => (order(a) <= order(b) ? a : b)).urgency || "normal" : "";
    tool.dataset.urgency = worst;
    hall.setText(tool, `${worst ? MARKS[worst] : "○"} ${hall.t("shift.notices")} ${list.length}`);
    const locked = desk.lock && desk.lock.locked;
    const title = locked ? hall.t("shift.lock-page") : list.length ? `(${list.length}) ${base}` : base;
    if (document.title !== title) document.title = title;
    if (box) paintBody();
    paintSound();
  }

  desk.notices = { list: () => list, show, counts, look };

  if (hall.may("see-notices") && who.name && who.role !== "wall" && !location.pathname.startsWith("/wall")) {
    tool.onclick = show;
    sound.onclick = () => (hall.alerts.settings.quiet_until > Date.now() ? hall.alerts.quiet(0) : hall.alerts.quiet(15));
    desk.addTool(tool);
    desk.addTool(sound);
    desk.on("alerts", () => (paintSound(), box && paintSettings()));
    desk.on("locked", paint);
    hall.onLocale(() => (paint(), box && paintSettings()));
    hall.link.want(["notice"]);
    hall.store.on(["notice"], (changes) => changes.some(maybeMine) && lookSoon());
    hall.link.onState((state) => state === "live" && lookSoon());
    setInterval(paintSound, 1000);
    setInterval(look, EVERY_MS);
    hall.alerts.load();
    paint();
    look();
  }
})();

/* The open case: its head stays, what one types stays, the rest follows every change of the case.
 *
 * desk.current()   the view of docs/DISPATCH.md of the open case, or null while it is read or has no file
 * desk.act(move, given)   starts a move on the case under the cursor (opens it first); says so when it is not allowed
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const ZOOM = 16;
  const RETRY_MS = 4000;
  const SOON_MS = 60; // several changes of one act are one reading
  const NEWS_MS = 20000;
  const PASSING = new Set(["timeout", "unreachable", "bus-lost", "busy", "casebook-fault", "ledger-busy"]); // faults that may be over soon
  const RING = { className: "case-ring", iconSize: [48, 48] };
  const KEPT_TAB = "hall-desk-tab";
  const KEPT_FORM = "hall-desk-form"; // the form that was open when this tab was reloaded

  hall.panel("desk-case", function (element, context) {
    const it = { subject: null, view: null, old: null, fault: null, reading: false, tab: sessionStorage.getItem(KEPT_TAB) || "facts", tabNode: null };
    const node = { head: make("header.case-head"), news: make("p.case-news", { role: "status" }), presence: make("p.case-presence", { role: "status", hidden: "" }), waits: make("div"), moves: make("div.case-moves", { role: "toolbar" }), tabs: make("div.case-tabs", { role: "tablist" }), body: make("div.case-body", { role: "tabpanel", tabindex: "0", id: "case-tab" }), notice: make("div") };
    const middle = make("div.case-middle", {}, [node.presence, node.news, node.notice, node.waits, node.moves, desk.form.node]);
    const whole = make("div.case-whole", { hidden: "" }, [node.head, middle, node.tabs, node.body]);
    const none = make("p.desk-empty", { role: "status" });
    hall.fill(context.body, [none, whole]);
    let asked = null, retry = 0, soon = 0, filling = null, waiters = [];

    // -- painting -------------------------------------------------------------------------------------------------------

    const doc = () => (it.view ? it.view.case : it.old ? it.old.case.data : (hall.store.get(it.subject) || {}).data);
    function paint() {
      const known = it.subject && doc();
      whole.hidden = !known;
      none.hidden = !!known;
      if (!known) return paintEmpty();
      const row = desk.rows.open.get(it.subject);
      desk.head.paint(node.head, known, it.view ? it.view.file : row && row.file, row);
      desk.head.moves(node.moves, it.view, start);
      desk.head.waiting(node.waits, it.view, start);
      desk.head.presence(node.presence, it.subject);
      node.moves.setAttribute("aria-label", hall.t("desk.moves"));
      context.note(it.old ? hall.t("desk.read-only-mark") : "");
      hall.fill(node.notice, notices());
      paintTabs();
    }
    function paintEmpty() {
      if (it.fault) hall.fill(none, notices());
      else hall.setText(none, hall.t(it.reading ? "desk.reading" : "desk.none-chosen"));
    }
    function notices() {
      if (it.old && !it.fault) return [said("p.desk-readonly", "desk.read-only")];
      if (!it.fault) return [];
      const again = said("button.desk-button", "desk.retry", null, { type: "button" });
      again.onclick = () => read();
      const why = doc() ? hall.t("desk.history-failed", { why: hall.why(it.fault) }) : hall.failed(it.fault);
      return [make("p.case-fault", { role: "status" }, [`✕ ${why} `, again])];
    }

    const tabsNow = () => (it.view ? desk.tabs : desk.tabs.slice(0, 1));
    function paintTabs() {
      const tabs = tabsNow();
      if (!tabs.some((tab) => tab.name === it.tab)) it.tab = it.view ? it.tab : "facts";
      const shown = tabs.some((tab) => tab.name === it.tab) ? it.tab : "facts";
      const key = `${hall.locale}|${tabs.length}`;
      if (node.tabs.built !== key) {
        node.tabs.built = key;
        hall.fill(node.tabs, tabs.map((tab) => {
          const button = make("button.case-tab", { type: "button", role: "tab", id: `tab-${tab.name}`, "aria-controls": "case-tab", "data-tab": tab.name }, [said("span", `desk.tab.${tab.name}`), make("b")]);
          button.onclick = () => showTab(tab.name);
          return button;
        }));
      }
      for (const button of node.tabs.children) {
        const tab = tabs.find((one) => one.name === button.dataset.tab);
        const on = tab.name === shown;
        button.setAttribute("aria-selected", String(on));
        button.tabIndex = on ? 0 : -1;
        const n = tab.count && it.view ? tab.count(it.view) : 0;
        hall.setText(button.lastChild, n ? String(n) : "");
      }
      node.body.setAttribute("aria-labelledby", `tab-${shown}`);
      fillTab(tabs.find((tab) => tab.name === shown));
    }

    /** Fills the open tab; what takes a while to come leaves the old content standing. */
    async function fillTab(tab) {
      if (filling) filling.abort();
      const mine = (filling = new AbortController());
      const known = it.view || { case: doc(), file: null };
      const before = node.body.dataset.of;
      const of = `${it.subject} ${tab.name}`;
      if (before !== of) node.body.replaceChildren(), (node.body.scrollTop = 0), (node.body.dataset.of = of);
      try {
        const made = tab.fill(known, { signal: mine.signal, again: () => fillTab(tab) });
        if (made instanceof Promise && before !== of) hall.fill(node.body, said("p.desk-empty", "desk.reading"));
        const nodes = await made;
        if (filling !== mine) return;
        const top = node.body.scrollTop;
        hall.fill(node.body, it.old && tab.name === "facts" ? [...nodes, ...desk.facts.versions(it.old.history)] : nodes);
        node.body.scrollTop = top;
      } catch (error) {
        if (filling === mine && error.name !== "AbortError") hall.fill(node.body, make("p.desk-empty", { role: "status" }, hall.failed(error)));
      }
    }
    function showTab(name) {
      it.tab = name;
      sessionStorage.setItem(KEPT_TAB, name);
      paintTabs();
    }
    desk.showTab = (index) => { const tab = tabsNow()[index]; if (tab && it.subject) showTab(tab.name); };
    node.tabs.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const tabs = tabsNow();
      const at = (tabs.findIndex((tab) => tab.name === it.tab) + step + tabs.length) % tabs.length;
      event.preventDefault();
      event.stopPropagation();
      showTab(tabs[at].name);
      node.tabs.children[at].focus();
    });

    // -- reading --------------------------------------------------------------------------------------------------------

    function take(view) {
      if (desk.rows.caseOf(view.subject) !== it.subject || (it.view && view.revision < it.view.revision)) return;
      Object.assign(it, { view, old: null, fault: null, reading: false });
      paint();
      desk.form.renew(view);
      reopen();
      const done = waiters;
      waiters = [];
      done.forEach((go) => go(view));
    }

    let reopened = sessionStorage.getItem(KEPT_FORM) || "";
    function reopen() {
      const cut = reopened.lastIndexOf(" ");
      const [subject, name] = [reopened.slice(0, cut), reopened.slice(cut + 1)];
      reopened = "";
      if (name && it.view.subject === subject && desk.drafts.get(subject, name) && it.view.allowed.some((move) => move.move === name)) start(name);
    }

    /** A case without a file (ended long ago, or not taken up yet) is only looked at. */
    async function readOld(signal) {
      const path = it.subject.split("/").map(encodeURIComponent).join("/");
      return hall.ask(`/api/v1/cases/${path}`, { signal });
    }

    async function read() {
      if (asked) asked.abort();
      clearTimeout(retry);
      const mine = (asked = new AbortController());
      const file = desk.rows.fileOf(it.subject);
      it.reading = true;
      try {
        let view = null, old = null;
        try {
          view = await hall.ask(`/api/v1/files/${desk.address(file)}`, { signal: mine.signal });
        } catch (error) {
          if (error.status !== 404 && error.status !== 405 && error.reason !== "unknown-case") throw error;
          old = await readOld(mine.signal);
        }
        if (asked !== mine) return;
        if (view) return void take(view);
        Object.assign(it, { old, view: null, fault: null });
      } catch (error) {
        if (asked !== mine) return;
        it.fault = error;
        if (PASSING.has(error.reason)) retry = setTimeout(read, RETRY_MS);
      }
      it.reading = false;
      waiters = [];
      paint();
      if (it.old) focusMap(it.old.case.data);
    }

    function open(subject) {
      if (it.subject === subject && (it.view || it.reading)) return;
      if (desk.form.open() && desk.form.subject() !== desk.rows.fileOf(subject || "")) desk.form.close();
      Object.assign(it, { subject, view: null, old: null, fault: null, news: null });
      hall.setText(node.news, "");
      waiters = [];
      if (!subject) return paint();
      it.reading = true;
      paint();
      if (doc()) focusMap(doc());
      read();
    }

    let ring = null;
    /** Brings the case's place into the map's middle and rings it. */
    function focusMap(found) {
      if (ring) ring.remove(), (ring = null);
      if (!found || found.lon == null) return;
      if (hall.map && hall.map.focus) hall.map.focus(found.lon, found.lat, ZOOM);
      const map = Object.values(hall.maps)[0];
      if (map) ring = window.L.marker([found.lat, found.lon], { icon: window.L.divIcon(RING), interactive: false, keyboard: false }).addTo(map);
    }

    // -- acting ---------------------------------------------------------------------------------------------------------

    function start(name, given) {
      const move = it.view && it.view.allowed.find((one) => one.move === name);
      if (!move) return void desk.announce(hall.t("desk.not-allowed", { move: desk.moveName(name) }), "refused");
      const from = document.activeElement;
      const onEnd = () => (from && from.isConnected && from !== document.body && !whole.hidden ? from.focus({ preventScroll: true }) : desk.list.focus());
      desk.form.start(move, it.view, { given, onEnd });
    }
    const ready = (subject) => new Promise((done) => {
      if (desk.chosen !== subject) desk.choose(subject);
      if (it.view && it.subject === subject) return done(it.view);
      waiters.push(done);
    });
    desk.current = () => it.view;
    desk.act = async function (name, given) {
      const subject = desk.list.holdsFocus() || !desk.chosen ? desk.list.active() || desk.chosen : desk.chosen;
      if (!subject) return void desk.announce(hall.t("desk.none-chosen"));
      await ready(subject);
      if (it.subject === subject) start(name, given);
    };
    desk.photosTarget = function (files) {
      const field = desk.form.photos();
      if (field && field.add) return field.add(files), true;
      if (!it.view || !it.view.allowed.some((move) => move.move === "attach")) return false;
      showTab("photos");
      const box = node.body.querySelector(".photo-add");
      if (box) box.add(files);
      return !!box;
    };
    desk.photosInto(whole, desk.photosTarget);

    // -- what changes ---------------------------------------------------------------------------------------------------

    function again() {
      clearTimeout(soon);
      soon = setTimeout(() => it.subject && read(), SOON_MS);
    }
    function takeLog(event) {
      const entry = event.data;
      if (!entry || !it.view || entry.subject !== it.view.subject || entry.revision <= it.view.revision) return;
      again();
      if (entry.who === (hall.page.who || {}).name) return;
      it.news = performance.now();
      hall.setText(node.news, `▲ ${hall.t("desk.changed-now")} ${desk.saidOf(entry)}`);
    }
    function update(changes) {
      for (const event of changes) {
        const topic = hall.store.topicOf(event.subject);
        if (topic === "log") takeLog(event);
        else if (!it.subject) continue;
        else if (topic === "file" && desk.rows.caseOf(event.subject) === it.subject) { if (!event.data || !it.view || event.data.revision > it.view.revision) again(); }
        else if (topic === "case" && event.subject === it.subject && it.old) again();
        else if (topic === "screen") desk.head.presence(node.presence, it.subject);
      }
    }

    const offs = [
      desk.on("chosen", open),
      desk.on("outcome", ({ view }) => view && take(view)),
      desk.on("command", () => it.view && desk.head.waiting(node.waits, it.view, start)),
      desk.on("form", (name) => sessionStorage.setItem(KEPT_FORM, name ? `${desk.form.subject()} ${name}` : "")),
      desk.on("form", () => it.view && desk.head.moves(node.moves, it.view, start)),
    ];
    paint();
    if (desk.kept) desk.choose(desk.kept); // as it was before this tab was reloaded
    const begun = desk.kept && hall.query.get("move"); // a link from the map that begins a move: once, not at every reload
    if (begun) {
      const address = new URL(location.href);
      address.searchParams.delete("move");
      history.replaceState(history.state, "", address);
      ready(desk.kept).then(() => it.subject === desk.kept && start(begun));
    }
    function tick() {
      desk.head.clock(node.head);
      if (it.subject) desk.head.presence(node.presence, it.subject);
      if (it.news && performance.now() - it.news > NEWS_MS) (it.news = null), hall.setText(node.news, "");
    }
    return { update, locale: paint, tick, unmount: () => (clearTimeout(retry), offs.forEach((off) => off())) };
  });
})();

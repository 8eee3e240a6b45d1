/* The bar over the list: the queue's views with their counts, search, quick and saved filters, how many were found and when.
 *
 * The same filters hold in the queue (of open cases, in the browser) and in the table of all cases (on the server).
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const TYPING_MS = 250;
  const LONG_MS = 1500;
  const SAVED = "hall-desk-filters"; // this browser's copy of the person's own views
  const PREFERENCE = "/api/v1/preferences/views";
  const SAVED_BOUND = 12;
  const UNSEEN_BOUND = 1000;
  const QUICK = ["open", "overdue", "today", ""];
  const STATES = ["reported", "pending_verify", "pending_register", "pending_dispatch", "pending_handle", "handling", "handle_finish",
    "pending_check", "returned", "suspended", "closed", "forced_close", "not_accepted", "cancelled"];

  const kpiNames = (subject) => {
    const event = hall.store.get(subject);
    return event ? event.data.rows.map((row) => row.name).filter(Boolean) : [];
  };
  const OFFERS = {
    state: [() => STATES, (value) => hall.word("desk.state", value)],
    severity: [() => ["1", "2", "3", "4"], (value) => hall.severityText(Number(value))],
    district: [() => [...kpiNames("kpi/by_district"), ...desk.seen.district], String],
    cell: [() => [], String], // a map's card narrows the list to one
    class_name: [() => [...kpiNames("kpi/by_class"), ...desk.seen.class_name], String],
    report_source: [() => [...kpiNames("kpi/by_source"), ...desk.seen.report_source], String],
  };

  /** Offers the values of a filter; the chosen one stays even when it is not among them. */
  function offer(node) {
    const name = node.name;
    const [values, text] = OFFERS[name];
    const chosen = desk.filters[name];
    const all = [...new Set(["", ...values(), chosen])];
    const key = `${hall.locale}|${all.join("|")}`;
    if (node.dataset.offered !== key) {
      node.dataset.offered = key;
      node.setAttribute("aria-label", hall.t(`desk.column.${name}`));
      hall.fill(node, all.map((value) => hall.make("option", { value }, value === "" ? hall.t(`desk.any.${name}`) : text(value))));
    }
    if (node.value !== chosen) node.value = chosen;
    node.hidden = name === "cell" && !chosen;
  }

  // -- saved filters ----------------------------------------------------------------------------------------------------

  function readSaved() {
    try {
      const found = JSON.parse(localStorage.getItem(SAVED) || "[]");
      return Array.isArray(found) ? found.filter((entry) => entry && entry.filters).slice(0, SAVED_BOUND) : [];
    } catch (_) {
      return [];
    }
  }
  const store = (views) => localStorage.setItem(SAVED, JSON.stringify(views.slice(-SAVED_BOUND)));
  /** As the hall has them, null where it keeps none. */
  async function fetched() {
    const found = await hall.ask(PREFERENCE);
    const views = found && (found.value || found).views;
    return Array.isArray(views) ? views.filter((entry) => entry && entry.filters) : null;
  }

  let asking = Promise.resolve(); // one question to the hall after the other
  /** The views a person saved follow him to every desk. `change(views)`: what he does to them is done to those that the hall has now, whatever
   * this browser knows; while the hall is not heard it is done to this browser's copy. */
  function saved(change, paint) {
    if (change) store(change(readSaved())), paint();
    asking = asking.then(async () => {
      const found = await fetched();
      if (!change) return found && (store(found), paint());
      store(change(found || readSaved()));
      await hall.ask(PREFERENCE, { method: "PUT", body: { views: readSaved() } });
      paint();
    }).catch(() => {}); // this browser's copy holds
  }
  const sameFilters = (a, b) => JSON.stringify({ ...desk.EMPTY, ...a }) === JSON.stringify({ ...desk.EMPTY, ...b });

  /** What a filter is called, in the reader's language. */
  function nameOf(filters, view) {
    const words = Object.entries(OFFERS).map(([name, [, text]]) => filters[name] && text(filters[name]));
    const first = view && view !== "all" ? hall.t(`desk.view.${view}`) : filters.only && hall.t(`desk.quick.${filters.only}`);
    const all = [first, filters.q, ...words];
    return all.filter(Boolean).join(" · ") || hall.t("desk.quick.all");
  }

  /** Chips of the quick and the saved filters. Nodes stay while their set stays, so that the focus does too. */
  function quickFilters(use, change) {
    const box = hall.make("div.desk-quick", { role: "group" });
    let built = "";

    function chip(name, filters, act) {
      const node = hall.make("button.desk-chip", { type: "button" }, name);
      node.onclick = act;
      node.pressed = () => (filters ? sameFilters(filters, desk.filters) : false);
      return node;
    }
    const same = (a, b) => sameFilters(a.filters, b.filters) && (a.view || "all") === (b.view || "all");
    function drop(entry) {
      saved((views) => views.filter((kept) => !same(kept, entry)), paint);
      (box.querySelector(".desk-chip") || document.querySelector(".desk-view")).focus();
    }
    function savedChip(entry) {
      const { filters } = entry;
      const name = nameOf(filters, entry.view);
      const node = chip(`★ ${name}`, filters, () => use(filters, entry));
      node.pressed = () => sameFilters(filters, desk.filters) && (entry.view || "all") === desk.view;
      node.title = hall.t("desk.saved-hint");
      const label = hall.t("desk.saved-drop", { name });
      const cross = hall.make("button.desk-chip.is-drop", { type: "button", "aria-label": label, title: label }, "✕");
      cross.onclick = () => drop(entry);
      return hall.make("span.desk-saved", {}, [node, cross]);
    }
    function paint() {
      const views = readSaved();
      const key = hall.locale + desk.view + JSON.stringify(views);
      if (built !== key) {
        built = key;
        box.setAttribute("aria-label", hall.t("desk.quick-group"));
        const plain = (desk.view === "all" ? QUICK : []).map((only) => {
          const node = chip(hall.t(`desk.quick.${only || "all"}`), null, () => change("only", only));
          node.pressed = () => desk.filters.only === only;
          return node;
        });
        hall.fill(box, [...plain, ...views.map(savedChip)]);
      }
      for (const node of box.querySelectorAll(".desk-chip:not(.is-drop)")) node.setAttribute("aria-pressed", String(node.pressed()));
    }
    function save() {
      const entry = { filters: { ...desk.filters }, view: desk.view, sort: desk.view === "all" ? undefined : desk.queue.sort };
      saved((views) => [...views.filter((kept) => !same(kept, entry)), entry], paint);
    }
    return { box, paint, save };
  }

  // -- how the search stands ----------------------------------------------------------------------------------------------

  /** Says how many were found and when, that one is waiting, or why not; `cover` lies over an empty table. */
  function outcome(total, stamp, cover) {
    let answer = { waiting: true, since: performance.now() };
    function words() {
      if (answer.error) return hall.failed(answer.error);
      if (answer.waiting) {
        const waited = performance.now() - answer.since;
        return waited > LONG_MS ? hall.t("desk.searching-long", { n: hall.format.duration(waited) }) : hall.t("desk.searching");
      }
      const n = hall.format.number(answer.page.total);
      return hall.t(answer.page.exact ? "desk.total" : "desk.total-more", { n });
    }
    function paint() {
      total.dataset.failed = answer.error ? "1" : "";
      hall.setText(total, (answer.error ? "✕ " : "") + words());
      hall.setText(stamp, answer.page ? hall.t("desk.total-at", { at: hall.format.seconds(answer.at) }) : "");
      const none = answer.page && !answer.page.total;
      const long = answer.waiting && performance.now() - answer.since > LONG_MS;
      if (cover) {
        cover.hidden = !(none || long || answer.error);
        const failed = answer.error && hall.t("desk.list-failed", { why: hall.why(answer.error) });
        hall.setText(cover, failed || (none ? hall.t("desk.none-found") : hall.t("desk.searching")));
      }
    }
    function take(next) {
      // asked while another waits: the time of the first goes on counting; asked again after a failure: that stays told
      answer = next.waiting && !answer.page ? answer : next;
      paint();
    }
    return { paint, take };
  }

  hall.panel("desk-list", function (element, context) {
    const search = hall.make("input.desk-search", { type: "search", "data-search": "", maxlength: 100, autocomplete: "off", spellcheck: "false" });
    const quick = quickFilters(use, change);
    const selects = Object.keys(OFFERS).map((name) => hall.make("select.desk-select", { name }));
    const save = hall.said("button.desk-button", "desk.save-filter", null, { type: "button" });
    const clear = hall.said("button.desk-button", "desk.clear-filter", null, { type: "button" });
    const total = hall.make("span.desk-total", { role: "status", "data-total": "" });
    const fresh = hall.make("button.desk-fresh", { type: "button", hidden: "" });
    const tabs = desk.viewTabs();
    const stamp = hall.make("span.desk-stamp");
    const found = outcome(total, stamp, document.querySelector("[data-cover]"));
    const unseen = new Set(); // subjects that changed and are not among the rows shown
    const more = hall.said("button.desk-button.desk-more", "desk.filters", null, { type: "button", "aria-expanded": "false" });
    const choices = hall.make("div.desk-choices", {}, [...selects, save, clear]);
    more.onclick = () => more.setAttribute("aria-expanded", String(choices.toggleAttribute("data-open")));
    const rows = [[tabs.box, total, stamp], [search, more, quick.box, choices, fresh]].map((parts) => hall.make("div.desk-row", {}, parts));
    context.body.replaceChildren(hall.make("div.desk-filters", { role: "search" }, rows));
    search.value = desk.filters.q;
    let typing = 0;

    function change(name, value) {
      if (desk.filters[name] === value) return;
      desk.filters[name] = value;
      quick.paint();
      again();
    }
    function again() {
      desk.reload();
      desk.queue.refresh(true);
      paintTotal();
    }
    function use(filters, entry) {
      desk.filters = { ...desk.EMPTY, ...filters };
      search.value = desk.filters.q;
      if (entry && entry.sort) desk.queue.sort = entry.sort;
      if (entry && (entry.view || "all") !== desk.view) desk.queue.use(entry.view || "all");
      paint();
      again();
    }
    /** In the queue the browser counts; in the table of all cases the server does, and says how its search stands. */
    function paintTotal() {
      if (desk.view === "all") return found.paint();
      hall.say(total, () => hall.t("desk.total", { n: hall.format.number(desk.queue.order.length) }));
      hall.setText(stamp, "");
    }
    function show(view) {
      const all = view.name === "all";
      document.querySelector(".desk-table").dataset.mode = all ? "all" : "queue";
      if (all && !desk.grid()) desk.attach();
      if (all) desk.reload();
      desk.keep();
      paint();
    }
    function paintFresh() {
      fresh.hidden = !unseen.size || desk.view !== "all";
      const n = hall.format.number(unseen.size) + (unseen.size >= UNSEEN_BOUND ? "+" : "");
      hall.setText(fresh, hall.t("desk.fresh", { n }));
    }
    function paint() {
      search.placeholder = hall.t("desk.search");
      search.setAttribute("aria-label", hall.t("desk.search"));
      selects.forEach(offer);
      quick.paint();
      tabs.paint();
      paintTotal();
      paintFresh();
    }

    search.oninput = () => {
      clearTimeout(typing);
      typing = setTimeout(() => change("q", search.value), TYPING_MS);
    };
    search.onkeydown = (event) => {
      const grid = desk.view === "all" && desk.grid();
      if (event.isComposing) return; // Enter ends a word of the input method, not the search
      if (event.key === "Escape") clearTimeout(typing), (search.value = ""), change("q", "");
      if (event.key === "Enter") clearTimeout(typing), change("q", search.value);
      if ((event.key === "ArrowDown" || event.key === "Enter") && desk.view !== "all" && desk.queue.order.length) {
        event.preventDefault();
        desk.list.focus();
        desk.list.to(0);
      }
      if (event.key === "ArrowDown" && grid && grid.getDisplayedRowCount()) {
        event.preventDefault();
        grid.ensureIndexVisible(0);
        grid.setFocusedCell(0, grid.getAllDisplayedColumns()[0]);
      }
    };
    for (const node of selects) node.onchange = () => change(node.name, node.value);
    save.onclick = quick.save;
    clear.onclick = () => use({});
    fresh.onclick = desk.reload;
    const offs = [
      desk.on("answer", (next) => (found.take(next), paintTotal(), selects.forEach(offer))),
      desk.on("view", show),
      desk.on("order", () => (tabs.paint(), paintTotal())),
      desk.on("fresh", () => (unseen.clear(), paintFresh())),
    ];
    saved(null, () => paint());
    if (desk.queue.view) show(desk.queue.view);
    else paint();

    let first = true;
    function update(changes) {
      selects.forEach(offer);
      if (first) return void (first = false); // the snapshot is what the list was read from
      for (const event of changes) {
        if (!event.subject.startsWith("case/") || !event.data) continue;
        desk.changedAt.set(event.subject, performance.now());
        if (desk.view !== "all") continue;
        const node = desk.grid() && desk.grid().getRowNode(event.subject);
        if (node && node.data) node.setData({ ...node.data, ...desk.rowOf(event) });
        else if (unseen.size < UNSEEN_BOUND) unseen.add(event.subject);
      }
      if (desk.view === "all") desk.redraw(changes.map((event) => event.subject));
      paintFresh();
    }
    /** Why the list is not live stands in its header: nobody should have to hover for it. */
    const tick = () => (desk.view === "all" && (desk.tick(), found.paint()), context.note(element.dataset.state === "live" ? "" : element.title));
    function locale() {
      paint();
      const grid = desk.grid();
      if (grid) grid.refreshHeader(), grid.refreshCells({ force: true });
    }
    return { update, tick, locale, unmount: () => (offs.forEach((off) => off()), desk.detach()) };
  });
})();

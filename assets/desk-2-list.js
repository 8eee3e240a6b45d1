/* The case list of the desk: filters, the rows of the casebook page by page, and marks on rows that change while one looks.
 *
 * Rows come from GET /api/v1/cases (the server searches, filters and sorts); the socket only tells what changed since.
 */
"use strict";

(function () {
  const hall = window.hall;
  const GRID = "desk-cases";
  const MARK_MS = 8000;
  const TYPING_MS = 250;
  const SAVED = "hall-desk-filters";
  const SAVED_BOUND = 12;

  const EMPTY = { q: "", state: "", district: "", class_name: "", report_source: "", severity: "", only: "" };
  const desk = hall.desk;
  desk.filters = { ...EMPTY, only: "open" };
  desk.changedAt = new Map(); // subject -> performance.now()
  let grid = null;

  // -- what the grid's columns ask for (named in layouts/desk.py) ---------------------------------------------------

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.hallHeader = (params) => hall.t(`desk.column.${params.colDef.colId}`);
  functions.hallTime = (ms) => (ms == null ? "" : `${hall.format.day(ms)} ${hall.format.time(ms)}`);
  functions.hallSeverity = (params) => (params.data ? hall.severityText(params.value) : "");
  functions.hallState = (params) => (params.data ? hall.word("desk.state", params.value || "reported") : "");
  functions.hallDue = (params) => dueText(params.data);
  functions.hallOverdue = (params) => isOverdue(params.data);
  functions.hallChanged = (params) => !!params.data && performance.now() - (desk.changedAt.get(params.data.subject) || -Infinity) < MARK_MS;
  functions.hallChosen = (params) => !!params.data && params.data.subject === desk.chosen;

  functions.hallTheme = (quartz) =>
    quartz.withParams({
      browserColorScheme: "dark", chromeBackgroundColor: "#0b1422", menuBackgroundColor: "#101d31", subtleTextColor: "#a9b9d0",
      backgroundColor: "#0b1422", foregroundColor: "#e6edf7", headerBackgroundColor: "#101d31", headerTextColor: "#a9b9d0",
      oddRowBackgroundColor: "#0d1728", rowHoverColor: "#7db5ff1f", borderColor: "#1a2940", accentColor: "#7db5ff",
      fontFamily: "inherit", fontSize: 15, headerFontSize: 15, wrapperBorder: false, wrapperBorderRadius: 0, spacing: 7,
    });

  const ENDED = new Set(["closed", "forced_close", "not_accepted", "cancelled"]);
  const isOverdue = (row) => !!row && row.due != null && !ENDED.has(row.state) && row.due < hall.clock.city();

  function dueText(row) {
    if (!row || row.due == null) return "";
    if (ENDED.has(row.state)) return functions.hallTime(row.due);
    const left = row.due - hall.clock.city();
    return hall.t(left < 0 ? "desk.due.over" : "desk.due.left", { n: hall.format.duration(Math.abs(left)) });
  }

  /** A row of the list out of an event of the stream: the same fields as the API's rows. */
  function rowOf(event) {
    const stages = event.data.stages || {};
    return { ...event.data, subject: event.subject, time: event.time, reported: stages.reported, closed: stages.closed };
  }
  desk.rowOf = rowOf;

  // -- rows ---------------------------------------------------------------------------------------------------------

  function query(params) {
    const f = desk.filters;
    const found = new URLSearchParams({ offset: params.startRow, limit: params.endRow - params.startRow });
    if (f.q.trim()) found.set("q", f.q.trim());
    for (const name of ["state", "district", "class_name", "report_source", "severity"]) if (f[name]) found.set(name, f[name]);
    if (f.only === "open" || f.only === "overdue") found.set(f.only, "true");
    if (f.only === "today") found.set("today", "true");
    const [sort] = params.sortModel;
    found.set("sort", sort ? `${sort.colId} ${sort.sort}` : "reported desc");
    return found;
  }

  const source = {
    rowCount: undefined,
    async getRows(params) {
      try {
        const page = await hall.ask(`/api/v1/cases?${query(params)}`);
        const short = page.rows.length < params.endRow - params.startRow;
        const last = page.exact || short ? Math.max(page.exact ? page.total : 0, params.startRow + page.rows.length) : -1;
        params.successCallback(page.rows, short ? params.startRow + page.rows.length : last);
        desk.tell("total", page);
      } catch (error) {
        params.failCallback();
        desk.tell("total", { error });
      }
    },
  };

  function choose(subject) {
    const before = desk.chosen;
    desk.chosen = subject;
    redraw([before, subject]);
    desk.tell("chosen", subject);
  }

  function redraw(subjects) {
    if (!grid) return;
    const nodes = subjects.map((subject) => subject && grid.getRowNode(subject)).filter(Boolean);
    if (nodes.length) grid.redrawRows({ rowNodes: nodes });
  }

  function adopt(api) {
    if (grid === api) return;
    // the component sets a source of its own once it is ready, at times after it has given us its API
    if (!api.getGridOption("datasource")) return void setTimeout(adopt, 10, api);
    grid = api;
    api.setGridOption("datasource", source);
    api.addEventListener("rowClicked", (event) => event.data && choose(event.data.subject));
    api.addEventListener("cellKeyDown", (event) => {
      if (event.event.key === "Enter" && event.data) choose(event.data.subject);
    });
  }

  function reload() {
    if (grid) grid.purgeInfiniteCache();
    desk.tell("fresh", 0);
  }

  // -- the bar over the list -------------------------------------------------------------------------------------------

  const QUICK = ["open", "overdue", "today", ""];

  function readSaved() {
    try {
      const found = JSON.parse(localStorage.getItem(SAVED) || "[]");
      return Array.isArray(found) ? found.filter((entry) => entry && entry.name && entry.filters).slice(0, SAVED_BOUND) : [];
    } catch (_) {
      return [];
    }
  }

  function select(name, onChange) {
    const node = hall.make("select.desk-select", { name, "aria-label": hall.t(`desk.column.${name}`) });
    node.onchange = () => onChange(name, node.value);
    return node;
  }

  /** Offers the values of a filter; the chosen one stays even when it is not among them. */
  function offer(node, name, values, text) {
    const chosen = desk.filters[name];
    const all = [...new Set(["", ...values, chosen])];
    const key = `${hall.locale}|${all.join("|")}`;
    if (node.dataset.offered !== key) {
      node.dataset.offered = key;
      hall.fill(node, all.map((value) => hall.make("option", { value }, value === "" ? hall.t(`desk.any.${name}`) : text(value))));
    }
    node.value = chosen;
  }

  const kpiNames = (subject) => {
    const event = hall.store.get(subject);
    return event ? event.data.rows.map((row) => row.name).filter(Boolean) : [];
  };
  const STATES = ["reported", "pending_verify", "pending_register", "pending_dispatch", "pending_handle", "handling", "handle_finish",
    "pending_check", "returned", "suspended", "closed", "forced_close", "not_accepted", "cancelled"];
  const OFFERS = {
    state: [() => STATES, (value) => hall.word("desk.state", value)],
    severity: [() => ["1", "2", "3", "4"], (value) => hall.severityText(Number(value))],
    district: [() => kpiNames("kpi/by_district"), String],
    class_name: [() => kpiNames("kpi/by_class"), String],
    report_source: [() => kpiNames("kpi/by_source"), String],
  };

  hall.panel("desk-list", function (element, context) {
    const head = hall.make("div.desk-filters", { role: "search" });
    const search = hall.make("input.desk-search", { type: "search", "data-search": "", maxlength: 100, autocomplete: "off", spellcheck: "false" });
    const quick = hall.make("div.desk-quick", { role: "group" });
    const selects = Object.keys(OFFERS).map((name) => select(name, change));
    const save = hall.said("button.desk-button", "desk.save-filter", null, { type: "button" });
    const clear = hall.said("button.desk-button", "desk.clear-filter", null, { type: "button" });
    const total = hall.make("span.desk-total", { role: "status", "data-total": "" });
    const fresh = hall.make("button.desk-fresh", { type: "button", hidden: "" });
    const rowOne = hall.make("div.desk-row", {}, [search, quick, fresh]);
    hall.fill(head, [rowOne, hall.make("div.desk-row", {}, [...selects, save, clear, total])]);
    context.body.replaceChildren(head);
    let typing = 0;
    let answer = null;
    let waiting = 0;

    function change(name, value) {
      if (desk.filters[name] === value) return;
      desk.filters[name] = value;
      paintQuick();
      reload();
    }

    function use(filters) {
      desk.filters = { ...EMPTY, ...filters };
      search.value = desk.filters.q;
      paint();
      reload();
    }

    function chip(text, pressed, act, remove) {
      const node = hall.make("button.desk-chip", { type: "button", "aria-pressed": String(pressed) }, text);
      node.onclick = act;
      if (remove) node.oncontextmenu = (event) => (event.preventDefault(), remove());
      return node;
    }

    function paintQuick() {
      const chips = QUICK.map((only) => chip(hall.t(`desk.quick.${only || "all"}`), desk.filters.only === only, () => change("only", only)));
      const now = JSON.stringify(desk.filters);
      for (const saved of readSaved()) {
        const drop = () => keep(readSaved().filter((entry) => entry.name !== saved.name));
        const node = chip(`★ ${saved.name}`, now === JSON.stringify({ ...EMPTY, ...saved.filters }), () => use(saved.filters), drop);
        node.title = hall.t("desk.saved-hint");
        chips.push(node);
      }
      hall.fill(quick, chips);
    }

    function keep(saved) {
      localStorage.setItem(SAVED, JSON.stringify(saved.slice(-SAVED_BOUND)));
      paintQuick();
    }

    function saveNow() {
      const f = desk.filters;
      const words = [f.only && hall.t(`desk.quick.${f.only}`), f.q, ...Object.entries(OFFERS).map(([name, [, text]]) => f[name] && text(f[name]))];
      const name = words.filter(Boolean).join(" · ") || hall.t("desk.quick.all");
      keep([...readSaved().filter((entry) => entry.name !== name), { name, filters: { ...f } }]);
    }

    function paintTotal() {
      if (!answer) return;
      const failed = answer.error;
      total.dataset.failed = failed ? "1" : "";
      const number = failed ? "" : hall.format.number(answer.total) + (answer.exact ? "" : "+");
      hall.setText(total, failed ? `✕ ${hall.t("desk.failed", { why: failed.message })}` : hall.t("desk.total", { n: number }));
    }

    function paintFresh(count) {
      waiting = count;
      fresh.hidden = !count;
      hall.setText(fresh, hall.t("desk.fresh", { n: count }));
    }

    function paint() {
      search.placeholder = hall.t("desk.search");
      search.setAttribute("aria-label", hall.t("desk.search"));
      for (const node of selects) offer(node, node.name, OFFERS[node.name][0](), OFFERS[node.name][1]);
      paintQuick();
      paintTotal();
      paintFresh(waiting);
    }

    search.oninput = () => {
      clearTimeout(typing);
      typing = setTimeout(() => change("q", search.value), TYPING_MS);
    };
    search.onkeydown = (event) => {
      if (event.key === "Escape") (search.value = ""), change("q", "");
      if (event.key === "Enter") clearTimeout(typing), change("q", search.value);
      if (event.key === "ArrowDown" && grid && grid.getDisplayedRowCount()) {
        event.preventDefault();
        grid.ensureIndexVisible(0);
        grid.setFocusedCell(0, grid.getAllDisplayedColumns()[0]);
      }
    };
    save.onclick = saveNow;
    clear.onclick = () => use({});
    fresh.onclick = reload;
    const offs = [desk.on("total", (page) => ((answer = page), paintTotal())), desk.on("fresh", paintFresh)];
    window.dash_ag_grid.getApiAsync(GRID).then(adopt);
    paint();

    let first = true;
    function update(changes) {
      for (const node of selects) offer(node, node.name, OFFERS[node.name][0](), OFFERS[node.name][1]);
      if (first) return void (first = false); // the snapshot is what the list was read from
      let unseen = 0;
      for (const event of changes) {
        if (!event.subject.startsWith("case/") || !event.data) continue;
        desk.changedAt.set(event.subject, performance.now());
        const node = grid && grid.getRowNode(event.subject);
        if (node && node.data) node.setData({ ...node.data, ...rowOf(event) });
        else unseen += 1;
        if (event.subject === desk.chosen) desk.tell("changed", event);
      }
      redraw(changes.map((event) => event.subject));
      if (unseen) paintFresh(waiting + unseen);
    }

    function tick() {
      if (grid && grid.getGridOption("datasource") !== source) grid.setGridOption("datasource", source);
      const now = performance.now();
      const over = [...desk.changedAt].filter(([, at]) => now - at > MARK_MS).map(([subject]) => subject);
      for (const subject of over) desk.changedAt.delete(subject);
      redraw(over);
      if (grid) grid.refreshCells({ columns: ["due"] });
    }

    function locale() {
      paint();
      if (grid) grid.refreshHeader(), grid.refreshCells({ force: true });
    }
    return { update, tick, locale, unmount: () => (offs.forEach((off) => off()), (grid = null)) };
  });
})();

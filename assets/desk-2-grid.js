/* The rows of the case list: they come from GET /api/v1/cases page by page (the server searches, filters and sorts).
 *
 * hall.desk.filters        what is asked for; hall.desk.reload() asks again
 * hall.desk.grid()         the table's API once it is there; hall.desk.redraw(subjects) repaints rows
 * tells "answer"           {waiting, since} | {page, at} | {error}: how the newest question stands
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const GRID = "desk-cases";
  const MARK_MS = 8000;
  const RETRY_MS = 3000;
  const KEPT = "hall-desk-now"; // filters and chosen case survive a reload of this tab
  const SEEN_BOUND = 100;
  const NAMED = ["state", "district", "cell", "class_name", "report_source", "severity"];

  desk.EMPTY = { q: "", state: "", district: "", cell: "", class_name: "", report_source: "", severity: "", only: "" };
  const kept = readKept();
  const linked = Object.keys(desk.EMPTY).filter((name) => hall.query.has(name)); // a link from elsewhere says what it wants listed
  desk.filters = { ...desk.EMPTY, ...(linked.length ? Object.fromEntries(linked.map((name) => [name, hall.query.get(name).slice(0, 100)])) : { only: "open", ...kept.filters }) };
  desk.kept = hall.query.get("case") || kept.chosen || null; // a link from elsewhere names its case
  desk.view = hall.query.get("view") || kept.view || ""; // of the queue; `all` is this table
  desk.keep = keep;
  desk.changedAt = new Map(); // subject -> performance.now()
  desk.seen = { district: new Set(), class_name: new Set(), report_source: new Set() }; // values met in rows, bounded
  desk.grid = () => grid;
  let grid = null;
  let asking = new AbortController(); // ended by the next question
  let retry = 0;

  function readKept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) || "{}") || {};
    } catch (_) {
      return {};
    }
  }

  function keep() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ filters: desk.filters, chosen: desk.chosen || null, view: desk.view }));
    } catch (_) {
      // a browser that keeps nothing still works
    }
  }

  // -- what the table's columns ask for (named in layouts/desk.py) ----------------------------------------------------

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
      fontFamily: "inherit", fontSize: "var(--desk-text)", headerFontSize: "var(--desk-text)", wrapperBorder: false, wrapperBorderRadius: 0, spacing: 7, cellHorizontalPadding: 11,
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
  desk.rowOf = function (event) {
    const stages = event.data.stages || {};
    return { ...event.data, subject: event.subject, time: event.time, reported: stages.reported, closed: stages.closed };
  };

  // -- asking ---------------------------------------------------------------------------------------------------------

  function query(params) {
    const f = desk.filters;
    const found = new URLSearchParams({ offset: params.startRow, limit: params.endRow - params.startRow });
    if (f.q.trim()) found.set("q", f.q.trim());
    for (const name of NAMED) if (f[name]) found.set(name, f[name]);
    if (f.only === "open" || f.only === "overdue") found.set(f.only, "true");
    if (f.only === "today") found.set("today", "true");
    const [sort] = params.sortModel;
    found.set("sort", sort ? `${sort.colId} ${sort.sort}` : "reported desc");
    return found;
  }

  function learn(rows) {
    for (const row of rows) {
      for (const [name, values] of Object.entries(desk.seen)) if (row[name] && values.size < SEEN_BOUND) values.add(row[name]);
    }
  }

  function deliver(params, page) {
    const wanted = params.endRow - params.startRow;
    const end = params.startRow + page.rows.length;
    if (page.rows.length < wanted) return params.successCallback(page.rows, end);
    if (page.exact) return params.successCallback(page.rows, Math.max(page.total, end));
    params.successCallback(page.rows, -1);
    // not counted to the end: the scroll bar reaches what was counted, and grows as one goes beyond
    if (grid && grid.getDisplayedRowCount() < page.total) grid.setRowCount(page.total, false);
  }

  const source = {
    rowCount: undefined,
    async getRows(params) {
      const { signal } = asking;
      desk.tell("answer", { waiting: true, since: performance.now() });
      try {
        const page = await hall.ask(`/api/v1/cases?${query(params)}`, { signal });
        learn(page.rows);
        deliver(params, page);
        desk.tell("answer", { page, at: page.as_of });
      } catch (error) {
        params.failCallback(); // also of a question given up: the table counts what is under way, and asks no more at two
        if (signal.aborted) return;
        desk.tell("answer", { error });
        clearTimeout(retry);
        retry = setTimeout(() => !signal.aborted && grid && grid.refreshInfiniteCache(), RETRY_MS);
      }
    },
  };

  desk.reload = function () {
    if (desk.view !== "all" || !grid) return keep();
    asking.abort();
    asking = new AbortController();
    clearTimeout(retry);
    keep();
    if (grid.getDisplayedRowCount()) grid.ensureIndexVisible(0, "top"); // a new question is read from its beginning
    grid.purgeInfiniteCache();
    desk.tell("fresh", null);
  };

  desk.redraw = function (subjects) {
    if (!grid) return;
    const nodes = subjects.map((subject) => subject && grid.getRowNode(subject)).filter(Boolean);
    if (nodes.length) grid.redrawRows({ rowNodes: nodes });
  };

  desk.choose = function (subject) {
    const before = desk.chosen;
    desk.chosen = subject;
    keep();
    desk.redraw([before, subject]);
    desk.tell("chosen", subject);
  };

  /** Tab back into the table: to the cell one was at, not to the last row of all. */
  function comeBack(api) {
    const at = api.getFocusedCell();
    const column = at ? at.column : api.getAllDisplayedColumns()[0];
    api.setFocusedCell(at ? at.rowIndex : api.getFirstDisplayedRowIndex(), column);
    return true;
  }

  /** Columns were measured for type of 15 px; a console on a large screen has larger type. */
  function widen(api) {
    const scale = parseFloat(getComputedStyle(document.querySelector(".console")).fontSize) / 15;
    if (scale === 1) return;
    const wider = (column) => ({ ...column, width: Math.round(column.width * scale), minWidth: Math.round(column.minWidth * scale) });
    api.setGridOption("columnDefs", api.getColumnDefs().map((column) => (column.flex ? column : wider(column))));
  }

  function adopt(api) {
    if (grid === api) return;
    // the component sets a source of its own once it is ready, at times after it has given us its API
    if (!api.getGridOption("datasource")) return void setTimeout(adopt, 10, api);
    grid = api;
    api.setGridOption("tabToNextCell", () => false); // arrows move in the table, Tab leaves it
    api.setGridOption("focusGridInnerElement", ({ fromBottom }) => fromBottom && comeBack(api));
    api.setGridOption("datasource", source);
    widen(api);
    api.addEventListener("rowClicked", (event) => event.data && desk.choose(event.data.subject));
    api.addEventListener("cellKeyDown", (event) => {
      if (event.event.key === "Enter" && event.data) desk.choose(event.data.subject);
    });
  }

  desk.attach = () => window.dash_ag_grid.getApiAsync(GRID).then(adopt);
  desk.detach = () => (grid = null);
  /** The component may set its own source again; marks of changes end after a while; what is due goes on counting. */
  desk.tick = function () {
    if (grid && grid.getGridOption("datasource") !== source) grid.setGridOption("datasource", source);
    const now = performance.now();
    const over = [...desk.changedAt].filter(([, at]) => now - at > MARK_MS).map(([subject]) => subject);
    for (const subject of over) desk.changedAt.delete(subject);
    desk.redraw(over);
    if (grid) grid.refreshCells({ columns: ["due"] });
  };
})();

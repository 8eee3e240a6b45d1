/* Which rows the queue shows and in what order; how many each view holds; what is new and waits because somebody points at the list.
 *
 * desk.queue.order     subjects as shown; desk.queue.news: subjects that came and were not seen yet; .gone: shown, but no more in the view
 * desk.queue.counts    Map(view name -> how many)
 * desk.queue.refresh(force)   looks again; what would move rows under a pointer waits, unless forced
 * desk.queue.use(view), .sortBy(column)   tells "view", "order"
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const HOLD_MS = 15000; // a pointer that rests longer holds nothing
  const SORTS = {
    number: (row) => row.number,
    severity: (row) => -row.severity,
    state: (row) => hall.word("desk.state", row.state),
    class_name: (row) => row.class_name || "",
    district: (row) => row.district || "",
    unit: (row) => row.unit || "",
    crews: (row) => (row.crews.length ? row.crews[0].state : "~"),
    owner: (row) => row.owner || "~",
    reported: (row) => -row.reported,
    clock: (row) => row.due ?? Infinity,
  };
  const FILTERED = ["state", "district", "cell", "class_name", "report_source"];

  let views = [];
  let pointed = -Infinity; // when a pointer last moved over the list
  const queue = (desk.queue = { order: [], news: new Set(), gone: new Set(), counts: new Map(), view: null, sort: { column: "clock", down: false }, sorts: SORTS });

  const isText = (value) => typeof value === "string";
  function compare(a, b) {
    if (a === b) return 0;
    if (isText(a) && isText(b)) return a.localeCompare(b, hall.locale, { numeric: true });
    return a < b ? -1 : 1;
  }

  function matches(row) {
    const f = desk.filters;
    if (FILTERED.some((name) => f[name] && row[name] !== f[name])) return false;
    if (f.severity && String(row.severity) !== f.severity) return false;
    if (f.feed && row.feed !== f.feed) return false;
    return queue.words.every((word) => row.text.includes(word));
  }

  /** Emergencies stand first whatever the column; what is equal is in the order of its clock, then of its number. */
  function wanted() {
    const view = queue.view;
    if (!view || view.name === "all") return [];
    queue.words = desk.filters.q.toLowerCase().split(/\s+/).filter(Boolean);
    const by = SORTS[queue.sort.column] || SORTS.clock;
    const sign = queue.sort.down ? -1 : 1;
    const rows = [...desk.rows.open.values()].filter((row) => desk.rows.holds(view, row) && matches(row));
    const keyed = rows.map((row) => ({ row, key: by(row), due: SORTS.clock(row) }));
    keyed.sort((a, b) => b.row.emergency - a.row.emergency || sign * compare(a.key, b.key) || compare(a.due, b.due) || compare(a.row.subject, b.row.subject));
    return keyed.map(({ row }) => row.subject);
  }

  function count() {
    const found = new Map(views.map((view) => [view.name, 0]));
    for (const row of desk.rows.open.values()) for (const view of views) if (desk.rows.holds(view, row)) found.set(view.name, found.get(view.name) + 1);
    queue.counts = found;
  }

  const held = () => performance.now() - pointed < HOLD_MS;

  queue.refresh = function (force) {
    count();
    const next = wanted();
    const before = new Set(queue.order);
    const after = new Set(next);
    const came = next.filter((subject) => !before.has(subject));
    if (!force && queue.known) came.forEach((subject) => queue.news.add(subject));
    for (const subject of queue.news) if (!after.has(subject)) queue.news.delete(subject);
    const waits = queue.known && !force && held();
    queue.gone = waits ? new Set(queue.order.filter((subject) => !after.has(subject))) : new Set();
    queue.known = true;
    if (!waits && (next.length !== queue.order.length || next.some((subject, index) => subject !== queue.order[index]))) queue.order = next;
    if (force) queue.news.clear();
    desk.tell("order", { force: !!force });
  };

  queue.point = (over) => (pointed = over ? performance.now() : -Infinity);

  queue.use = function (name) {
    const found = views.find((view) => view.name === name) || views[0];
    if (!found) return;
    queue.view = found;
    desk.view = found.name;
    queue.refresh(true);
    desk.tell("view", found);
  };

  queue.sortBy = function (column, down) {
    const same = queue.sort.column === column;
    queue.sort = { column, down: down ?? (same ? !queue.sort.down : false) };
    queue.refresh(true);
    desk.tell("view", queue.view);
  };

  queue.declare = function (declared) {
    views = declared.views || [];
    queue.views = views;
    desk.rows.declare(declared.steps);
  };

  /** One button for each view with how many it holds; `g` and the letter reach it too. */
  desk.viewTabs = function () {
    const box = hall.make("div.desk-views", { role: "group" });
    let nodes = [];
    function build() {
      nodes = views.map((view) => {
        const [name, n] = [hall.make("span"), hall.make("b.desk-count")];
        const node = hall.make("button.desk-view", { type: "button", "data-view": view.name }, [name, n]);
        node.onclick = () => (queue.use(view.name), view.name !== "all" && desk.list.focus());
        return { view, node, name, n };
      });
      hall.fill(box, nodes.map(({ node }) => node));
    }
    function paint() {
      if (nodes.length !== views.length) build();
      box.setAttribute("aria-label", hall.t("desk.views"));
      for (const { view, node, name, n } of nodes) {
        const count = queue.counts.get(view.name) || 0;
        hall.setText(name, hall.t(`desk.view.${view.name}`));
        hall.setText(n, view.name === "all" ? "" : hall.format.number(count));
        node.dataset.holds = count ? "1" : "";
        node.setAttribute("aria-pressed", String(desk.view === view.name));
        node.title = hall.t("desk.view-key", { key: `g ${view.key}` });
      }
    }
    return { box, paint };
  };

  let scheduled = 0;
  const LOOK_MS = 200; // how often the order is looked at in a storm of changes
  desk.on("rows", () => {
    if (!scheduled) scheduled = setTimeout(() => ((scheduled = 0), queue.refresh()), LOOK_MS);
  });
})();

/* The queue: a list of any length of which only the visible rows exist; a grid to screen readers, one focus for the keyboard.
 *
 * desk.list.active()   the subject under the keyboard's cursor; .move(by), .to(index), .select(subject?), .focus()
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const SPARE = 4; // rows drawn beyond the visible ones
  const MARK_MS = 8000;
  const BOUND_SELECTED = 200;
  const TODAY_MS = 18 * 3600000; // a time of day says when something was reported; longer ago it needs the date
  const MOST_CHARS = 20; // of a number; a longer one is cut and shown whole beside the pointer
  const GUARD_MS = 300; // so soon after the order changed a click may have been meant for another row

  const COLUMNS = ["select", "number", "severity", "state", "class_name", "description", "district", "unit", "crews", "owner", "clock", "reported"];
  const CLOCK_MARK = { over: "▲", near: "◆", still: "❚❚", "": "" };
  const two = (n) => String(n).padStart(2, "0");

  /** 12:05, 5:12:40 or "4 d": how long, to the second where it matters. */
  desk.countdown = function (ms) {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    if (seconds >= 100 * 3600) return hall.format.duration(Math.abs(ms));
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    return h ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
  };
  desk.clockText = function ({ state, left }) {
    if (left == null) return "–";
    return `${CLOCK_MARK[state]} ${state === "over" ? "+" : ""}${desk.countdown(left)}`.trim();
  };
  desk.crewName = function (id) {
    const event = hall.store.get(`crew/${id}`);
    return event && event.data ? hall.label(event.data.label) || event.data.name || id : id;
  };
  /** Who did it, as people call him: a crew by its name. */
  desk.personName = (who) => (String(who).startsWith("crew:") ? desk.crewName(who.slice("crew:".length)) : who);

  const PAINT = {
    number: (row) => (row.emergency ? `‼ ${row.number}` : row.number),
    severity: (row) => hall.severityText(row.severity),
    state: (row) => hall.word("desk.state", row.state),
    class_name: (row) => row.subclass_name || row.class_name || "",
    description: (row) => row.description || row.address || "",
    district: (row) => row.district || "",
    unit: (row) => row.unit || "",
    crews: (row) => row.crews.map((work) => `${desk.crewName(work.crew)} ${hall.word("crew.state", work.state)}`).join(", "),
    owner: (row) => [row.owner, desk.presence.mark(row.subject)].filter(Boolean).join(" "), // whose it is, and who else looks at it
    clock: (row) => desk.clockText(desk.rows.clock(row)),
    reported: (row) => (hall.clock.city() - row.reported < TODAY_MS ? hall.format.time : hall.format.day)(row.reported),
  };

  function header() {
    const cells = COLUMNS.map((name) => {
      const cell = hall.make(`div.queue-cell.col-${name}`, { role: "columnheader" });
      if (name === "select") return cell.append(hall.said("span.unseen", "desk.select")), cell;
      const button = hall.said("button", `desk.column.${name}`, null, { type: "button", tabindex: "-1" });
      if (desk.queue.sorts[name]) button.onclick = () => desk.queue.sortBy(name);
      else button.disabled = true;
      cell.append(button);
      return cell;
    });
    return hall.make("div.queue-head", { role: "row", "aria-rowindex": "1" }, cells);
  }

  function buildRow() {
    const node = hall.make("div.queue-row", { role: "row" });
    node.cells = Object.fromEntries(COLUMNS.map((name) => [name, hall.make(`div.queue-cell.col-${name}`, { role: "gridcell" })]));
    node.box = hall.make("span.queue-box", { "aria-hidden": "true" });
    node.cells.select.append(node.box);
    node.append(...Object.values(node.cells));
    return node;
  }

  function set(node, name, value) {
    if (value == null || value === false) return void (node.hasAttribute(name) && node.removeAttribute(name));
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }

  function paintRow(node, subject, index, state) {
    const row = desk.rows.open.get(subject) || node.row;
    if (!row) return;
    node.row = row;
    node.subject = subject;
    for (const [name, text] of Object.entries(PAINT)) hall.setText(node.cells[name], text(row));
    for (const name of ["description", "unit", "crews", "class_name", "number", "owner"]) set(node.cells[name], "title", node.cells[name].textContent || null);
    set(node.cells.reported, "title", desk.moment(row.reported));
    set(node, "id", `queue-row-${index}`);
    set(node, "aria-rowindex", index + 2);
    set(node, "aria-selected", String(desk.selected.has(subject)));
    set(node, "data-subject", subject);
    set(node, "data-active", state.active === subject ? "1" : null);
    set(node, "data-chosen", desk.chosen === subject ? "1" : null);
    set(node, "data-gone", desk.queue.gone.has(subject) || !desk.rows.open.has(subject) ? "1" : null);
    set(node, "data-new", desk.queue.news.has(subject) ? "1" : null);
    set(node, "data-changed", performance.now() - (desk.changedAt.get(subject) || -Infinity) < MARK_MS ? "1" : null);
    set(node, "data-clock", desk.rows.clock(row).state);
    set(node, "data-level", row.severity);
    set(node, "data-emergency", row.emergency ? "1" : null);
    set(node, "data-waiting", hall.commands.waiting(desk.rows.fileOf(subject)).length ? "1" : null);
    hall.setText(node.box, desk.selected.has(subject) ? "☑" : "☐");
    node.style.transform = `translateY(${index * state.height}px)`;
  }

  desk.selected = new Set();

  hall.panel("desk-queue", function (element, context) {
    const space = hall.make("div.queue-space", { role: "rowgroup" });
    const scroll = hall.make("div.queue-scroll", {}, [space]);
    const head = hall.make("div", { role: "rowgroup" }, [header()]);
    const grid = hall.make("div.queue", { role: "grid", tabindex: "0", "data-queue": "", "aria-multiselectable": "true" }, [head, scroll]);
    const empty = hall.make("p.desk-cover.queue-empty", { hidden: "" });
    const pill = hall.make("button.desk-fresh.queue-pill", { type: "button", hidden: "", tabindex: "-1" });
    const state = { active: desk.kept || null, height: 36, painted: -Infinity };
    const pool = [];
    desk.queue.declare(JSON.parse(element.dataset.declared || "{}"));
    hall.fill(context.body, [grid, empty, pill]);

    const indexOf = (subject) => desk.queue.order.indexOf(subject);

    function paint() {
      const order = desk.queue.order;
      state.height = parseFloat(getComputedStyle(grid).getPropertyValue("--row")) || 36;
      space.style.height = `${order.length * state.height}px`;
      const first = Math.max(0, Math.floor(scroll.scrollTop / state.height) - SPARE);
      const last = Math.min(order.length, Math.ceil((scroll.scrollTop + scroll.clientHeight) / state.height) + SPARE);
      while (pool.length < last - first) pool.push(space.appendChild(buildRow()));
      while (pool.length > last - first) pool.pop().remove();
      pool.forEach((node, place) => paintRow(node, order[first + place], first + place, state));
      const at = indexOf(state.active);
      set(grid, "aria-rowcount", order.length + 1);
      set(grid, "aria-activedescendant", at >= first && at < last ? `queue-row-${at}` : null);
      see(first, last);
      paintEdges();
    }

    /** What was drawn inside the window has been seen. */
    function see(first, last) {
      const order = desk.queue.order;
      for (let index = first + SPARE; index < last - SPARE; index += 1) if (desk.queue.news.size && !document.hidden) desk.queue.news.delete(order[index]);
    }

    function paintEdges() {
      const { news, gone, order, view } = desk.queue;
      pill.hidden = !news.size && !gone.size;
      const parts = [news.size && hall.t("desk.queue-new", { n: news.size }), gone.size && hall.t("desk.queue-gone", { n: gone.size })];
      hall.setText(pill, `${parts.filter(Boolean).join(" · ")} · ${hall.t("desk.queue-show")}`);
      empty.hidden = order.length > 0 || !hall.store.ready;
      hall.setText(empty, view ? hall.t("desk.queue-empty", { view: hall.t(`desk.view.${view.name}`) }) : "");
      for (const name of Object.keys(desk.queue.sorts)) {
        const cell = head.querySelector(`.col-${name}`);
        const on = desk.queue.sort.column === name;
        set(cell, "aria-sort", on ? (desk.queue.sort.down ? "descending" : "ascending") : null);
      }
      grid.setAttribute("aria-label", hall.t("desk.queue-label", { view: view ? hall.t(`desk.view.${view.name}`) : "", n: order.length }));
    }

    function reveal(index) {
      const top = index * state.height;
      if (top < scroll.scrollTop) scroll.scrollTop = top;
      else if (top + state.height > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = top + state.height - scroll.clientHeight;
    }

    /** After the order changed: the row under the cursor, else the first one seen, stays where it is on the screen. */
    function settle({ force }) {
      const order = desk.queue.order;
      if (force) state.before = null; // somebody asked for another list: what moved in the one before no longer matters
      else if (state.order !== order) state.before = { order: state.order || [], top: scroll.scrollTop, at: performance.now() };
      state.order = order;
      const anchor = state.shown ? indexOf(state.shown.subject) : -1;
      if (indexOf(state.active) < 0) state.active = order[Math.min(state.index || 0, order.length - 1)] || null;
      const at = indexOf(state.active);
      const chars = order.reduce((most, subject) => Math.max(most, (desk.rows.open.get(subject) || { number: "" }).number.length), 8);
      grid.style.setProperty("--chars", Math.min(chars, MOST_CHARS));
      if (force) scroll.scrollTop = 0;
      else if (anchor >= 0) scroll.scrollTop = anchor * state.height - state.shown.offset;
      remember();
      paint();
    }

    /** Where the cursor's row stands, or the first row seen while it is out of the window: for `settle`. */
    function remember() {
      const at = indexOf(state.active);
      if (at >= 0) state.index = at;
      const inside = (index) => index * state.height > scroll.scrollTop - state.height && index * state.height < scroll.scrollTop + scroll.clientHeight;
      const index = at >= 0 && inside(at) ? at : Math.floor(scroll.scrollTop / state.height);
      const subject = desk.queue.order[index];
      state.shown = subject ? { subject, offset: index * state.height - scroll.scrollTop } : null;
    }

    function go(index) {
      const order = desk.queue.order;
      if (!order.length) return;
      const at = Math.max(0, Math.min(order.length - 1, index));
      state.active = order[at];
      reveal(at);
      remember();
      paint();
    }

    function toggle(subject) {
      if (desk.selected.has(subject)) desk.selected.delete(subject);
      else if (desk.selected.size < BOUND_SELECTED) desk.selected.add(subject);
      desk.tell("selected", desk.selected);
      paint();
    }

    desk.list = {
      active: () => (indexOf(state.active) < 0 ? null : state.active),
      row: () => desk.rows.open.get(state.active) || null,
      move: (by) => go((indexOf(state.active) < 0 ? -1 : indexOf(state.active)) + by),
      to: (index) => go(index < 0 ? desk.queue.order.length + index : index),
      page: () => Math.max(1, Math.floor(scroll.clientHeight / state.height) - 1),
      select: () => state.active && toggle(state.active),
      selectAll: () => (desk.queue.order.slice(0, BOUND_SELECTED).forEach((subject) => desk.selected.add(subject)), desk.tell("selected", desk.selected), paint()),
      clear: () => (desk.selected.clear(), desk.tell("selected", desk.selected), paint()),
      focus: () => grid.focus({ preventScroll: true }),
      holdsFocus: () => element.contains(document.activeElement),
      showNew: () => (desk.queue.refresh(true), go(0)),
      paint,
    };

    /** Another row has just come under the pointer: the click was meant for the one before. */
    function slipped(node) {
      const { before } = state;
      if (!before || performance.now() - before.at > GUARD_MS) return false;
      const y = indexOf(node.subject) * state.height - scroll.scrollTop;
      const was = before.order[Math.round((y + before.top) / state.height)];
      return !!was && was !== node.subject;
    }

    grid.addEventListener("click", (event) => {
      const node = event.target.closest(".queue-row");
      if (!node || slipped(node)) return;
      state.active = node.subject;
      remember();
      if (event.target.closest(".col-select") || event.ctrlKey || event.metaKey) return toggle(node.subject);
      desk.choose(node.subject);
      paint();
    });
    scroll.addEventListener("scroll", () => requestAnimationFrame(() => (remember(), paint())), { passive: true });
    grid.addEventListener("pointermove", (event) => event.pointerType !== "touch" && desk.queue.point(true));
    grid.addEventListener("pointerleave", () => (desk.queue.point(false), desk.queue.refresh()));
    pill.onclick = () => (desk.list.showNew(), desk.list.focus());

    const offs = [desk.on("order", settle), desk.on("chosen", paint), desk.on("command", paint)];
    desk.queue.use(desk.view || hall.query.get("view") || "todo");

    let first = true;
    function update(changes) {
      const touched = desk.rows.take(changes);
      const topics = new Set(changes.map((event) => hall.store.topicOf(event.subject)));
      if (first) return void ((first = false), desk.queue.refresh(true));
      for (const subject of touched) desk.changedAt.set(subject, performance.now());
      if (touched.size || topics.has("crew")) requestAnimationFrame(paint);
    }
    return { update, tick: () => desk.queue.refresh(), locale: paint, resize: paint, unmount: () => offs.forEach((off) => off()) };
  });
})();

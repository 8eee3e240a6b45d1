/* List on the left, the open thing on the right: what most tabs are. Made by `tools.split(node, options)`, returned by `mount`.
 *
 * options  items() -> [{subject, data, severity?}] in the order shown; row(item) -> cells (texts or nodes); columns: keys of the headers;
 *          empty: key said when there are none; head(): nodes above the list (strip, filters); create: topic or [topics] of the button "new"
 *          (newId(topic) names it); card: options of hall.emergency.card, or card(subject, state) -> them; group(item) -> heading text
 * returns  {show(subject), hide(), update(), tick(), locale(), key(event), open(), choose(subject), paint(), card()}
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const emergency = hall.emergency;
  const PACE_MS = 120;
  const SHOWN = 300; // rows; the rest is counted
  const RETRY_MS = 4000;

  emergency.split = function (node, options) {
    const head = make("div.emergency-head");
    const table = { head: make("thead"), body: make("tbody") };
    const empty = make("p.desk-empty", { role: "status" });
    const list = make("div.emergency-scroll", { tabindex: "0", role: "listbox", "aria-label": hall.t("emergency.list") }, [make("table.console-table.emergency-table", {}, [table.head, table.body]), empty]);
    const aside = make("aside.emergency-aside");
    hall.fill(node, make("div.emergency-split", {}, [make("div.emergency-left", {}, [head, list]), aside]));
    const rows = new Map(); // subject -> <tr>
    let order = [], active = "", card = null, news = [];

    // -- list -----------------------------------------------------------------------------------------------------------------

    const same = (a, b) => a.length === b.length && a.every((cell, index) => cell === b[index]);
    function paintRow(row, item) {
      const cells = options.row(item);
      const texts = cells.map((cell) => (cell instanceof Node ? cell.outerHTML : String(cell ?? "")));
      row.dataset.severity = item.severity ?? "";
      row.dataset.exercise = item.data && item.data.exercise ? "1" : "";
      row.setAttribute("aria-selected", String(item.subject === active));
      if (card && card.subject === item.subject) row.dataset.chosen = "1";
      else delete row.dataset.chosen;
      row.dataset.active = item.subject === active ? "1" : "";
      if (row.texts && same(row.texts, texts)) return;
      row.texts = texts;
      hall.fill(row, cells.map((cell) => make("td", {}, cell instanceof Node ? cell : String(cell ?? ""))));
    }
    function rowOf(subject) {
      const row = make("tr", { "data-subject": subject, role: "option" });
      row.onclick = (event) => !event.target.closest("a, button") && choose(subject);
      return row;
    }
    function groupRow(text) {
      return make("tr.emergency-group", {}, [make("th", { colspan: String((options.columns || []).length || 1), scope: "rowgroup" }, text)]);
    }
    function paint() {
      const items = options.items();
      const shown = items.slice(0, SHOWN);
      order = shown.map((item) => item.subject);
      const keep = new Set(order);
      for (const [subject, row] of rows) if (!keep.has(subject)) row.remove(), rows.delete(subject);
      const wanted = [];
      let heading = null;
      for (const item of shown) {
        const text = options.group ? options.group(item) : null;
        if (text && text !== heading) wanted.push(groupRow((heading = text)));
        if (!rows.has(item.subject)) rows.set(item.subject, rowOf(item.subject));
        paintRow(rows.get(item.subject), item);
        wanted.push(rows.get(item.subject));
      }
      for (const old of table.body.querySelectorAll(".emergency-group")) old.remove();
      wanted.forEach((row, index) => table.body.children[index] !== row && table.body.insertBefore(row, table.body.children[index] || null));
      hall.setText(empty, !items.length ? (hall.store.ready ? hall.t(options.empty || "emergency.none") : hall.t("desk.reading")) : items.length > SHOWN ? hall.t("rows.more", { n: items.length - SHOWN }) : "");
      empty.hidden = !empty.textContent;
      if (card && !card.view() && !keep.has(card.subject)) return; // opened by its address, still being read
    }
    const soon = hall.paced(() => !options.away() && paint(), PACE_MS);

    function paintHead() {
      hall.fill(table.head, options.columns ? make("tr", {}, options.columns.map((key) => (key ? said("th", key, null, { scope: "col" }) : make("th")))) : []);
      const own = options.head ? [].concat(options.head()) : [];
      hall.fill(head, [...own, ...news.map((button) => button())]);
      head.hidden = !head.childNodes.length;
    }
    /** A button for each move that makes something new here and that this person may make. */
    async function offerNew() {
      const topics = [].concat(options.create || []);
      let again = false; // the hall was not heard: it is asked until it is
      const none = (error) => ((again = again || !error.status || error.status >= 500), []);
      const found = await Promise.all(topics.map((topic) => emergency.newMoves(topic).then((moves) => moves.map((move) => [topic, move.move])).catch(none)));
      if (again && node.isConnected) setTimeout(offerNew, RETRY_MS);
      news = found.flat().map(([topic, move], index) => () => {
        const button = make("button.desk-button", { type: "button", "data-new": move }, [`＋ ${emergency.moveName(`${topic}/`, move)}`, index ? "" : make("kbd", {}, "n")]);
        button.onclick = () => emergency.create(topic, { move, id: options.newId && (() => options.newId(topic)) });
        return button;
      });
      paintHead();
    }

    // -- the open thing -------------------------------------------------------------------------------------------------------

    function choose(subject) {
      if (card && card.subject === subject) return;
      if (card) card.close(), (card = null);
      active = subject || active;
      if (subject) {
        const made = typeof options.card === "function" ? options.card(subject, (hall.store.get(subject) || {}).data) : options.card;
        card = emergency.card(aside, subject, made || {});
      } else {
        hall.fill(aside, said("p.desk-empty", "emergency.choose"));
      }
      options.write(subject);
      paint();
    }
    function move(step) {
      if (!order.length) return;
      const at = order.indexOf(active);
      active = order[Math.max(0, Math.min(order.length - 1, at < 0 ? (step > 0 ? 0 : order.length - 1) : at + step))];
      paint();
      rows.get(active).scrollIntoView({ block: "nearest" });
      list.focus({ preventScroll: true });
    }
    function key(event) {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      const inCard = aside.contains(document.activeElement);
      if (event.key === "Escape") return event.preventDefault(), inCard || !card ? list.focus() : choose("");
      if (step && !(inCard && event.key.startsWith("Arrow"))) return event.preventDefault(), move(step);
      if (event.key === "Enter" && active && !(event.target.closest && event.target.closest("a, button"))) return event.preventDefault(), card && card.subject === active ? card.focus() : choose(active);
      if (event.key === "n" && news.length) return event.preventDefault(), head.querySelector("[data-new]").click();
      if (card) card.key(event);
    }

    const off = hall.desk.on("outcome", () => soon());
    paintHead();
    hall.fill(aside, said("p.desk-empty", "emergency.choose"));
    offerNew();
    return {
      show: (subject) => (subject ? choose(subject) : paint()),
      hide() {},
      update: soon,
      tick() { soon(); if (card) card.tick(); },
      locale() { for (const row of rows.values()) row.texts = null; paintHead(); paint(); if (card) card.locale(); },
      unmount: off,
      open: () => (card ? card.subject : ""),
      card: () => card,
      key, choose, paint, paintHead,
    };
  };

  /** Rows of a topic's documents: `items: hall.emergency.items("closure", (a, b) => ...)`; a and b are {subject, data}. */
  emergency.items = (topic, compare) => () => {
    const found = [...hall.store.docs(topic)].filter(([, event]) => event.data).map(([subject, event]) => ({ subject, data: event.data, severity: event.data.severity }));
    return compare ? found.sort(compare) : found;
  };
})();

/* /evaluation, right side: the cases behind the figure that was clicked, page by page, each leading to the desk. */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const PAGE = 100;
  const COLUMNS = ["number", "class", "unit", "state", "reported", "due", "handled", "closed"];

  const moment = (ms) => (ms == null ? "–" : `${hall.format.day(ms)} ${hall.format.time(ms)}`);

  hall.panel("evaluation-cases", function (element, context) {
    let figure = null; // {query, title(), missed}
    let found = null;
    let failed = null;
    let asking = new AbortController();
    const title = hall.make("strong.evaluation-list-title");
    const total = hall.make("span.desk-total", { role: "status" });
    const missed = hall.make("button.desk-button", { type: "button" });
    const more = hall.make("button.desk-button", { type: "button" });
    const head = hall.make("tr");
    const body = hall.make("tbody");
    const table = hall.make("table.console-table.evaluation-list", {}, [hall.make("thead", {}, head), body]);
    context.body.replaceChildren(hall.make("div.desk-row", {}, [title, missed, total]), table, more);
    head.append(...COLUMNS.map((name) => hall.said("th", `evaluation.list.${name}`, null, { scope: "col" })));

    async function ask(offset) {
      asking.abort();
      asking = new AbortController();
      const query = new URLSearchParams(figure.query);
      query.set("offset", offset);
      query.set("limit", PAGE);
      try {
        const page = await hall.ask(`/api/v1/evaluation/cases?${query}`, { signal: asking.signal, within: 15000 });
        found = { total: page.total, rows: offset ? [...found.rows, ...page.rows] : page.rows };
        failed = null;
      } catch (error) {
        if (error.name === "AbortError") return;
        failed = error;
      }
      paint();
    }

    function rowOf(row) {
      const address = `/desk?${new URLSearchParams({ case: row.subject, lang: hall.locale })}`;
      const link = hall.make("a.evaluation-case", { href: address }, row.number);
      link.onclick = () => desk.choose(row.subject); // the desk opens with the case that was chosen last
      const late = row.handled == null ? row.due != null && row.closed == null && row.due < hall.clock.city() : row.due != null && row.handled > row.due;
      const kind = [row.class_name, row.subclass_name].filter(Boolean).join(" · ");
      const cells = [link, kind, row.unit, hall.word("desk.state", row.state), moment(row.reported), moment(row.due), moment(row.handled), moment(row.closed)];
      return hall.make("tr", { "data-late": late ? "1" : null }, cells.map((cell) => hall.make("td", {}, cell)));
    }

    function paint() {
      title.textContent = figure ? figure.title() : hall.t("evaluation.none-chosen");
      table.hidden = !figure;
      total.dataset.failed = failed ? "1" : "";
      total.textContent = failed ? hall.failed(failed) : found ? hall.t("evaluation.list.total", { n: hall.format.number(found.total) }) : "";
      const left = found ? found.total - found.rows.length : 0;
      more.hidden = left <= 0;
      more.textContent = hall.t("evaluation.list.more", { n: Math.min(PAGE, left) });
      const others = figure && figure.missed;
      missed.hidden = !others || !others.n;
      if (others) missed.textContent = hall.t("evaluation.list.missed", { n: hall.format.number(others.n) });
      hall.fill(body, found ? found.rows.map(rowOf) : []);
    }

    function show(chosen) {
      figure = chosen;
      found = failed = null;
      paint();
      if (figure) ask(0);
    }

    more.onclick = () => ask(found.rows.length);
    missed.onclick = () => desk.tell("figure", figure.missed.figure);
    const off = desk.on("figure", show);
    paint();
    return { locale: paint, unmount: off };
  });
})();

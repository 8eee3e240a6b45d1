/* Bars of today's cases by class, district or source; how many open ones are overdue, of any day, stands beside. */
"use strict";

(function () {
  const { make, setText, format } = hall;

  function mount(element, { body, note }) {
    const subject = element.dataset.rows;
    const pools = hall.rows(body, build, fill);
    let highest = 1;

    function build() {
      const row = make("div.bar-row", {}, [
        make("span.bar-name"),
        make("span.bar-track", {}, [make("i.bar-fill")]),
        make("span.bar-value.num"),
        make("span.bar-overdue.num", { "data-severity": "0" }),
      ]);
      row.parts = [...row.querySelectorAll(".bar-name, .bar-fill, .bar-value, .bar-overdue")];
      return row;
    }

    function fill(row, item) {
      const [name, bar, value, overdue] = row.parts;
      const text = item.name ? hall.word("source", item.name) : hall.t("rows.other");
      setText(name, text);
      row.dataset.name = item.name;
      row.dataset.today = item.today;
      row.dataset.overdue = item.overdue;
      row.title = hall.t("bars.title", { name: text, today: item.today, open: item.open, overdue: item.overdue, closed: item.closed });
      bar.style.width = `${(100 * item.today) / highest}%`;
      setText(value, format.number(item.today));
      overdue.dataset.severity = item.overdue ? 4 : 0;
      setText(overdue, item.overdue ? `▲${format.number(item.overdue)}` : "");
    }

    function show() {
      const event = hall.store.get(subject);
      const rows = event ? event.data.rows.filter((row) => row.today || row.open) : [];
      highest = Math.max(1, ...rows.map((row) => row.today));
      pools.show(rows, event ? "bars.none" : "kpi.none");
      note(rows.length ? hall.t("bars.note") : "");
    }
    show();
    return { update: (changes) => changes.some((event) => event.subject === subject) && show(), locale: show, resize: show };
  }

  for (const name of ["cases_by_class", "cases_by_district", "cases_by_source"]) hall.panel(name, mount);
})();

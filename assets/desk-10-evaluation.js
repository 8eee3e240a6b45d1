/* /evaluation: rates with numerator and denominator, late counts, what changed since the period before and a year before.
 *
 * What is asked stands in the page's address, so that a view can be sent to somebody. tells "figure" {query, title, missed}
 * when a figure is clicked (desk-10-evaluation-cases.js lists its cases).
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const PERIODS = ["day", "week", "month", "year", "custom"];
  const TABS = ["district", "unit", "class", "subclass", "source", "person", "day", "week", "month"];
  const STAGES = ["handler", "dispatcher", "registrar", "acceptor", "reporter", "verifier", "checker", "closer"];
  const BASES = ["reported", "registered", "due", "closed"];
  const MAIN = ["register_rate", "intime_register_rate", "intime_dispatch_rate", "dispose_rate", "intime_dispose_rate", "close_rate",
    "intime_close_rate", "rework_rate", "postpone_rate"];
  const SETS = ["main", "all"];
  const KEPT = ["by", "stage", "period", "date", "to", "basis", "set"];
  const AGAIN_MS = 60000;
  const DAY_MS = 86400000;

  // -- what is asked ------------------------------------------------------------------------------------------------

  const state = { by: "unit", stage: "handler", period: "month", date: "", to: "", basis: "", set: "main" };
  for (const name of KEPT) if (hall.query.get(name)) state[name] = hall.query.get(name);

  function remember() {
    const address = new URL(location.href);
    for (const name of KEPT) state[name] ? address.searchParams.set(name, state[name]) : address.searchParams.delete(name);
    history.replaceState(history.state, "", address);
  }

  function question() {
    const query = new URLSearchParams({ by: state.by === "person" ? state.stage : state.by, period: state.period });
    for (const name of ["date", "to", "basis"]) if (state[name]) query.set(name, state[name]);
    if (state.period !== "custom") query.delete("to");
    if (state.set === "main") query.set("kpis", MAIN.filter((name) => known.has(name)).join(","));
    return query;
  }
  let known = new Set(); // indicators of this city: a hidden one is not asked for

  // -- calendar dates, without a time zone --------------------------------------------------------------------------

  const asDate = (text) => new Date(`${text}T00:00:00Z`);
  const asText = (date) => date.toISOString().slice(0, 10);
  /** The date in the city's own time zone. */
  const cityDate = (ms) => new Intl.DateTimeFormat("en-CA", { timeZone: hall.page.timezone || "UTC" }).format(ms);

  function moved(text, kind, steps) {
    const date = asDate(text);
    if (kind === "day" || kind === "week") return asText(new Date(date.getTime() + steps * (kind === "day" ? 1 : 7) * DAY_MS));
    date.setUTCDate(15); // every month has one, whatever day a working month begins on
    kind === "month" ? date.setUTCMonth(date.getUTCMonth() + steps) : date.setUTCFullYear(date.getUTCFullYear() + steps);
    return asText(date);
  }

  // -- figures --------------------------------------------------------------------------------------------------------

  const percent = (rate) => (rate == null ? "–" : `${hall.format.number(rate * 100, 2)} %`);
  const column = (name) => hall.t(`evaluation.column.${name}`);

  const points = (change) => hall.t("evaluation.points", { n: hall.format.number(change * 100, 2) });

  /** ▲ or ▼ with by how much, against `name` (before | year); nothing where there is nothing to compare with.
   * kind: {high: more of it is better, text(change), key, values} */
  function arrow(name, now, then, kind) {
    if (now == null || then == null || now === then) return "";
    const up = now > then;
    const text = `${hall.t(`evaluation.${name}`)} ${up ? "▲" : "▼"} ${kind.text(Math.abs(now - then))}`;
    return hall.make("span.evaluation-arrow", { title: hall.t(kind.key, kind.values), "data-worse": up === kind.high ? null : "1" }, text);
  }

  function formula(kpi) {
    const excluded = (kpi.exclusions || []).map(column).join(" + ");
    const values = { numerator: column(kpi.numerator), denominator: column(kpi.denominator), excluded };
    const text = hall.t(excluded ? "evaluation.formula-less" : "evaluation.formula", values);
    return kpi.target == null ? text : `${text} · ${hall.t("evaluation.target", { n: percent(kpi.target) })}`;
  }

  hall.panel("evaluation-table", function (element, context) {
    let answer = null;
    let asking = new AbortController();
    let again = 0;
    const said = hall.make("span.desk-total", { role: "status" });
    const range = hall.make("strong.evaluation-range");
    const tabs = hall.make("div.desk-quick", { role: "group" });
    const periods = hall.make("div.desk-quick", { role: "group" });
    const stage = select("stage", STAGES, (name) => hall.t(`evaluation.by.${name}`));
    const basis = select("basis", BASES, (name) => hall.t(`evaluation.basis.${name}`));
    const set = select("set", SETS, (name) => hall.t(`evaluation.set.${name}`));
    const [date, to] = [dateInput("date", "evaluation.from"), dateInput("to", "evaluation.until")];
    const [earlier, later] = [step("◀", "evaluation.earlier", -1), step("▶", "evaluation.later", 1)];
    const exports = hall.make("span.evaluation-exports");
    const table = hall.make("table.console-table.evaluation-table");
    const holder = hall.make("div.evaluation-scroll", { tabindex: "0" }, table);
    const first = hall.make("div.desk-row.evaluation-controls", {}, [periods, earlier, date, to, later, range, said]);
    const second = hall.make("div.desk-row.evaluation-controls", {}, [tabs, stage, basis, set, exports]);
    context.body.replaceChildren(first, second, holder);

    function select(name, values, text) {
      const node = hall.make("select.desk-select", { "data-name": name });
      node.fill = () => {
        node.replaceChildren(...values.map((value) => hall.make("option", { value }, text(value))));
        node.value = state[name] || values[0];
        node.setAttribute("aria-label", hall.t(`evaluation.${name}`));
      };
      node.onchange = () => change({ [name]: node.value });
      return node;
    }
    function dateInput(name, key) {
      const node = hall.make("input.desk-input", { type: "date", "data-name": name, min: "1971-01-01", max: "2099-12-31" });
      node.fill = () => node.setAttribute("aria-label", hall.t(key));
      node.onchange = () => node.value && node.checkValidity() && change({ [name]: node.value });
      return node;
    }
    function step(mark, key, steps) {
      const node = hall.make("button.desk-button", { type: "button" }, mark);
      node.fill = () => (node.setAttribute("aria-label", hall.t(key)), (node.title = hall.t(key)));
      node.onclick = () => change({ date: moved(state.date || shownDate(), state.period, steps) });
      return node;
    }
    /** A date inside what is shown: the middle, so that a working month is named right. */
    const shownDate = () => (answer ? cityDate((answer.period.from + answer.period.until) / 2) : cityDate(hall.clock.city()));

    function change(what) {
      if (what.period === "custom" && answer) {
        what = { ...what, date: cityDate(answer.period.from), to: cityDate(answer.period.until - 1) };
      } else if (what.period) what = { ...what, date: "", to: "" };
      Object.assign(state, what);
      remember();
      desk.tell("figure", null);
      ask();
    }

    async function ask() {
      asking.abort();
      asking = new AbortController();
      clearTimeout(again);
      const query = question();
      query.set("compare", "1");
      element.dataset.asking = "1";
      try {
        const found = await hall.ask(`/api/v1/evaluation?${query}`, { signal: asking.signal, within: 30000 });
        const all = state.set === "all" || !known.size;
        if (all) known = new Set(found.kpis.map((kpi) => kpi.name));
        answer = all && state.set === "main" ? { ...found, kpis: found.kpis.filter((kpi) => MAIN.includes(kpi.name)) } : found;
        hall.say(said, news);
      } catch (error) {
        if (error.name === "AbortError") return;
        hall.say(said, () => hall.failed(error), true);
      }
      element.dataset.asking = "";
      paint();
      again = setTimeout(ask, AGAIN_MS);
    }

    function news() {
      const parts = [hall.t("evaluation.data", { at: `${hall.format.day(answer.data.as_of)} ${hall.format.seconds(answer.data.as_of)}` })];
      if (answer.data.behind) parts.push(hall.t("evaluation.waiting", { n: hall.format.number(answer.data.behind) }));
      if (answer.left_out) parts.push(hall.t("evaluation.left-out", { n: hall.format.number(answer.left_out) }));
      return parts.join(" · ");
    }

    // -- the table --------------------------------------------------------------------------------------------------

    const nameOf = (row) => (row === answer.total ? hall.t("evaluation.total") : row.value || hall.t("evaluation.unnamed"));

    /** A figure as a button that lists its cases. */
    function figure(text, row, what, title, missed) {
      const query = question();
      query.set("at", answer.as_of);
      if (row !== answer.total) query.set("value", row.value);
      for (const [name, value] of Object.entries(what)) query.set(name, value);
      const made = { query: query.toString(), title: () => hall.t("evaluation.list.of", { row: nameOf(row), what: title() }), missed };
      const button = hall.make("button.evaluation-figure", { type: "button" }, text);
      button.onclick = () => desk.tell("figure", made);
      button.figure = made;
      return button;
    }

    function lateCell(row) {
      const late = figure(hall.format.number(row.late), row, { column: answer.ranking }, () => column(answer.ranking));
      const parts = [late];
      if (row.late_raw !== row.late) {
        const raw = () => `${column(answer.ranking)} · ${hall.t("evaluation.raw")}`;
        parts.push(figure(`${hall.t("evaluation.raw")} ${hall.format.number(row.late_raw)}`, row, { column: `${answer.ranking}_raw` }, raw));
      }
      for (const name of ["before", "year"]) {
        const then = row[name];
        const kind = { high: false, text: (n) => hall.format.number(n), key: `evaluation.late-${name}-title`, values: then && { n: then.late } };
        if (then && then.cases) parts.push(arrow(name, row.late, then.late, kind));
      }
      return parts;
    }

    function rateCell(row, kpi) {
      const rate = row.kpis[kpi.name];
      const title = (part) => () => `${hall.label(kpi.label)} · ${hall.t(`evaluation.part.${part}`)}`;
      const missing = figure("", row, { kpi: kpi.name, part: "missed" }, title("missed"));
      const missed = { n: rate.denominator - rate.numerator, figure: missing.figure };
      const share = hall.make("span.evaluation-rate", {}, percent(rate.rate));
      if (rate.passed !== undefined) {
        share.dataset.passed = rate.passed ? "1" : "0";
        share.append(` ${rate.passed ? "✓" : "✕"}`);
        share.title = hall.t(rate.passed ? "evaluation.passed" : "evaluation.failed");
      }
      const counts = hall.make("span.evaluation-of", {}, [
        figure(hall.format.number(rate.numerator), row, { kpi: kpi.name, part: "numerator" }, title("numerator"), missed), " / ",
        figure(hall.format.number(rate.denominator), row, { kpi: kpi.name, part: "denominator" }, title("denominator"), missed),
      ]);
      const parts = [share, counts];
      if (rate.raw) {
        const values = { rate: percent(rate.raw.rate), n: rate.raw.numerator, of: rate.raw.denominator };
        parts.push(hall.make("span.evaluation-raw", { title: hall.t("evaluation.raw-title", values) }, `${hall.t("evaluation.raw")} ${values.rate}`));
      }
      for (const name of ["before", "year"]) {
        const then = row[name] && row[name].kpis[kpi.name];
        if (!then) continue;
        const values = { rate: percent(then.rate), n: then.numerator, of: then.denominator };
        parts.push(arrow(name, rate.rate, then.rate, { high: kpi.better === "high", text: points, key: `evaluation.${name}-title`, values }));
      }
      return parts;
    }

    function rowOf(row) {
      const cases = figure(hall.format.number(row.cases), row, { column: "cases" }, () => hall.t("evaluation.cases"));
      const cells = [hall.make("td.number", {}, String(row.rank ?? "")), hall.make("th", { scope: "row" }, nameOf(row)), hall.make("td.number", {}, cases)];
      cells.push(hall.make("td.number.evaluation-late", {}, lateCell(row)));
      cells.push(...answer.kpis.map((kpi) => hall.make("td.number", { "data-kpi": kpi.name }, rateCell(row, kpi))));
      return hall.make("tr", { "data-total": row === answer.total ? "1" : null }, cells);
    }

    function headRow() {
      const heads = [hall.t("evaluation.rank"), hall.t(`evaluation.by.${answer.by}`), hall.t("evaluation.cases"), column(answer.ranking)];
      const made = heads.map((text, place) => hall.make(`th${place === 1 ? "" : ".number"}`, { scope: "col" }, text));
      for (const kpi of answer.kpis) {
        const small = hall.make("small", {}, formula(kpi));
        made.push(hall.make("th.number", { scope: "col" }, [hall.label(kpi.label), small]));
      }
      return hall.make("tr", {}, made);
    }

    function chips(group, values, chosen, prefix, name) {
      const text = (value) => hall.t(`${prefix}.${value}`);
      group.setAttribute("aria-label", hall.t(name === "by" ? "evaluation.by" : "evaluation.period"));
      hall.fill(group, values.map((value) => {
        const chip = hall.make("button.desk-chip", { type: "button", "aria-pressed": String(value === chosen), "data-value": value }, text(value));
        chip.onclick = () => change({ [name]: value });
        return chip;
      }));
    }

    function paintControls() {
      const held = document.activeElement && document.activeElement.dataset.value;
      const group = document.activeElement && document.activeElement.parentElement;
      chips(periods, PERIODS, state.period, "evaluation.period", "period");
      chips(tabs, TABS, state.by, "evaluation.by", "by");
      if (held && group && group.isConnected) group.querySelector(`[data-value="${held}"]`)?.focus();
      for (const node of [stage, basis, set, date, to, earlier, later]) node.fill();
      stage.hidden = state.by !== "person";
      to.hidden = state.period !== "custom";
      earlier.hidden = later.hidden = state.period === "custom";
      date.value = state.date || shownDate();
      to.value = state.to;
      if (answer) basis.value = answer.basis;
      const links = ["xlsx", "csv"].map((kind) => {
        const query = question();
        if (state.set === "main") query.delete("kpis"); // a file has all of them
        query.set("lang", hall.locale);
        return hall.said("a.desk-button", `evaluation.export.${kind}-button`, null, { href: `/api/v1/evaluation/export.${kind}?${query}`, download: "" });
      });
      const print = hall.said("button.desk-button", "evaluation.print", null, { type: "button" });
      print.onclick = () => window.print();
      hall.fill(exports, [...links, print]);
    }

    function paint() {
      paintControls();
      if (!answer) return;
      range.textContent = `${hall.format.date(answer.period.from)} – ${hall.format.date(answer.period.until - 1)}`;
      const none = hall.make("tr", {}, hall.make("td.desk-empty", { colspan: 4 + answer.kpis.length }, hall.t("evaluation.none")));
      const rows = answer.rows.length ? [...answer.rows.map(rowOf), rowOf(answer.total)] : [none];
      hall.fill(table, [hall.make("caption", {}, `${hall.t("evaluation.title")} · ${hall.label(hall.page.city)}`), hall.make("thead", {}, headRow()), hall.make("tbody", {}, rows)]);
      hall.sayAgain(said);
      context.note(hall.t("evaluation.as-of", { at: `${hall.format.day(answer.as_of)} ${hall.format.seconds(answer.as_of)}` }));
    }

    ask();
    paintControls();
    return { locale: paint, unmount: () => (clearTimeout(again), asking.abort()) };
  });
})();

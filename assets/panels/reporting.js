/* Hourly reports on a wall: which units have not reported (red, first), when the next ones are due, what the figures add up to.
 *
 * hall.reporting.standing(data, unit)   how a unit stands in a reporting document: one of the keys of hall.reporting.MARKS
 */
"use strict";

hall.reporting = {
  MARKS: { missing: "■", waiting: "○", late: "▲", reported: "●", excused: "–" },
  standing(data, unit) {
    if (data.missing.includes(unit)) return "missing";
    if ((data.waiting || []).includes(unit)) return "waiting";
    const excuse = (data.excused || {})[unit];
    if (excuse && (excuse.until == null || excuse.until > hall.clock.city())) return "excused";
    return (data.units[unit] || {}).late ? "late" : "reported";
  },
};

hall.panel("reporting", function (element, { body, note }) {
  const { make, setText, format } = hall;
  const SUMS = 6;
  const HOW_EM = 9; // the first column, as in reporting.css
  const REST_EM = 5; // room for how many more there are

  const parts = { due: make("b.num"), left: make("span.num"), silent: make("span.reporting-silent"), exercise: make("b.reporting-exercise"), rows: make("div.reporting-rows"), sums: make("div.reporting-sums") };
  const head = make("div.reporting-line", {}, [parts.exercise, parts.due, parts.left, parts.silent]);
  body.append(make("div.reporting-wall", {}, [head, parts.rows, parts.sums]));

  const { MARKS, standing } = hall.reporting;
  const RANK = Object.keys(MARKS);

  /** One row for all units that stand alike: a wall shows who is missing, not a list of everybody. */
  function build() {
    const cells = { how: make("span.reporting-how"), units: make("span.reporting-units") };
    const row = make("div.reporting-row", {}, Object.values(cells));
    row.parts = cells;
    return row;
  }
  function fill(row, item) {
    row.dataset.how = item.how;
    setText(row.parts.how, `${MARKS[item.how]} ${hall.t(`reporting.how.${item.how}`)} ${item.units.length}`);
    const text = parseFloat(getComputedStyle(body).fontSize) || 1;
    const room = body.clientWidth / text - HOW_EM;
    const ends = item.units.map((unit, index) => item.units.slice(0, index + 1).reduce((sum, one) => sum + [...one].length + 1, 0));
    const all = ends[ends.length - 1] - 1 <= room;
    const most = all ? item.units.length : Math.max(1, ends.filter((end) => end <= room - REST_EM).length);
    const rest = item.units.length - most;
    setText(row.parts.units, item.units.slice(0, most).join(hall.t("rows.comma")) + (rest ? hall.t("reporting.rest", { n: rest }) : ""));
  }
  const rows = hall.rows(parts.rows, build, fill, { em: 1.5 });

  /** The rhythm that matters most: a real one before an exercise, then the one with most missing. */
  function chosen() {
    const all = [...hall.store.docs("reporting").values()].map((event) => event.data).filter((data) => data && data.units);
    return all.sort((a, b) => !!a.exercise - !!b.exercise || b.missing.length - a.missing.length || a.due - b.due)[0];
  }

  function show() {
    const data = chosen();
    head.hidden = parts.sums.hidden = !data;
    element.dataset.missing = data ? data.missing.length : 0;
    if (!data) {
      rows.show([], "reporting.none");
      return note("");
    }
    const left = data.due - hall.clock.city();
    setText(parts.exercise, data.exercise ? hall.t("emergency.exercise") : "");
    parts.exercise.hidden = !data.exercise;
    setText(parts.due, hall.t("reporting.wall.due", { at: format.time(data.due) }));
    setText(parts.left, hall.t(left >= 0 ? "reporting.wall.left" : "reporting.wall.over", { left: format.duration(Math.abs(left)) }));
    const n = data.missing.length;
    setText(parts.silent, n ? `■ ${hall.t("reporting.wall.missing", { n })}` : (data.waiting || []).length ? `○ ${hall.t("reporting.how.waiting")} ${data.waiting.length}` : `● ${hall.t("reporting.wall.complete")}`);
    parts.silent.dataset.severity = n ? 4 : 0;
    const units = Object.keys(data.units);
    const items = RANK.map((how) => ({ how, units: units.filter((unit) => standing(data, unit) === how) }));
    rows.show(items.filter((item) => item.units.length), "reporting.none");
    const sums = (data.figures || []).filter((one) => one.value != null).slice(0, SUMS);
    const texts = sums.map((one) => `${hall.label(one.label)} ${format.number(one.value)} ${hall.label(one.unit)}`);
    if (parts.sums.dataset.texts !== texts.join("|")) {
      parts.sums.dataset.texts = texts.join("|");
      parts.sums.replaceChildren(...texts.map((text) => make("span.num", {}, text)));
    }
    note(hall.label(data.label) || data.plan);
  }
  const soon = hall.paced(show, 500);
  show();
  return { update: soon, tick: show, locale: show, resize: show, unmount: soon.cancel };
});

/* What every screen says of alarms in the same way: state, name, value now with its age, why one is put away, groups, flood.
 *
 * hall.alarms.all()         [{subject, data}] that stand, the most urgent first; .away(data) "" | hidden | out_of_service | shelved
 * hall.alarms.title(group) · .cause(group)   the words of a group; the groups themselves: 48-alarm-groups.js
 * hall.alarms.load()        `kpi/alarms` or null; .flood() since when there is a flood, null; .put() {hidden, shelved, out_of_service}
 * hall.alarms.state(data) · .name(subject, data) · .label(data) · .now(data) {value, unit, at} · .reading(data) · .why(data) · .marks(data)
 */
"use strict";

(function () {
  const hall = window.hall;
  const AWAY = ["hidden", "out_of_service", "shelved"];
  const PRIORITIES = ["high", "medium", "low"];

  function state(alarm) {
    if (alarm.state) return alarm.state;
    if (alarm.active === false) return alarm.acknowledged ? "over" : "returned";
    return alarm.acknowledged ? "acknowledged" : "unanswered";
  }
  const away = (alarm) => (alarm.hidden_by ? "hidden" : alarm.out_of_service ? "out_of_service" : alarm.shelved ? "shelved" : "");
  const asking = (alarm) => !alarm.acknowledged && state(alarm) !== "over" && !away(alarm);
  const rank = (alarm) => (alarm.active === false && state(alarm) !== "latched" ? 2 : alarm.acknowledged ? 1 : 0);
  const urgency = (alarm) => alarm.announced || alarm.since || 0;

  function name(subject, alarm) {
    const sensor = (hall.store.get(`sensor/${hall.site(subject)}`) || {}).data;
    const own = hall.nameOf(sensor); // in the reader's language, where there is one
    return (own !== ((sensor || {}).name || "") && own) || alarm.name || own || hall.label(alarm.labels) || alarm.label || alarm.alarm_id || subject.slice(subject.indexOf("/") + 1);
  }
  /** What the line that was crossed means; the name of the place stands elsewhere. */
  function label(subject, alarm) {
    const sensor = (hall.store.get(`sensor/${hall.site(subject)}`) || {}).data;
    const known = new Set([name(subject, alarm), alarm.name, (sensor || {}).name]); // the place, in whatever language
    return (hall.label(alarm.labels) || alarm.label || "").split(" · ").filter((part) => part && !known.has(part)).join(" · ");
  }
  const digits = (unit) => (unit === "%" || unit === "mm" ? 0 : 2);
  const amount = (value, unit) => `${hall.format.number(value, digits(unit))} ${hall.word("unit", unit || "")}`.trim();

  /** The newest reading of what raised it, which the ledger does not follow; else the value of the last change. */
  function now(alarm) {
    const reading = hall.store.get(alarm.cause || "");
    if (reading && reading.data && reading.data.value != null) return { value: reading.data.value, unit: reading.data.unit || alarm.unit, at: reading.time };
    return { value: alarm.value, unit: alarm.unit, at: null };
  }
  function reading(alarm) {
    const { value, unit } = now(alarm);
    if (value == null) return "";
    const line = alarm.threshold == null ? "" : ` / ${hall.t("alarm.line", { n: hall.format.number(alarm.threshold, digits(alarm.unit)) })}`;
    return `${amount(value, unit)}${line}`;
  }
  /** "达 0.25 m 还有 11 分钟（8–19）": the moment at which the next line is reached at this rate, with its spread. */
  function forecast(alarm) {
    const told = alarm.forecast;
    if (!told || told.at == null || alarm.active === false) return "";
    const minutes = (at) => Math.max(0, Math.round((at - hall.clock.city()) / 60000));
    const what = { value: amount(told.value, told.unit), n: minutes(told.at) };
    return told.low == null || told.high == null ? hall.t("alarms.forecast", what) : hall.t("alarms.forecast-spread", { ...what, low: minutes(told.low), high: minutes(told.high) });
  }
  /** Why it is not on the list, in a sentence; "" where it is. */
  function why(alarm) {
    const how = away(alarm);
    if (how === "hidden") {
      const { code, values = {} } = alarm.hidden_why || {};
      const cause = hall.store.get(`alarm/${alarm.hidden_by}`);
      const words = { ...values, cause: cause && cause.data ? name(cause.subject, cause.data) : values.name || alarm.hidden_by };
      return hall.t(hall.knows(`alarms.hidden.${code}`) ? `alarms.hidden.${code}` : "alarms.hidden.explained", words);
    }
    const put = alarm[how];
    return put ? hall.t(`alarms.why.${how}`, { by: put.by, reason: put.reason, until: hall.format.time(put.until) }) : "";
  }
  /** Further marks, each a word: chattering, doubtful with why, fleeting, latched. */
  const marks = (alarm) => [
    alarm.chattering && hall.t("alarms.mark.chattering"), alarm.fleeting && hall.t("alarms.mark.fleeting"), alarm.latched && hall.t("alarms.mark.latched"),
    alarm.doubtful && hall.t("alarms.mark.doubtful", { why: (alarm.doubts || []).map((code) => hall.word("alarms.doubt", code)).join(hall.t("rows.comma")) }),
    alarm.disposition && hall.t(`alarms.found.${alarm.disposition}`),
  ].filter(Boolean);

  const documents = (topic) => [...hall.store.docs(topic)].filter(([, event]) => event.data).map(([subject, event]) => ({ subject, data: event.data }));
  const compare = ({ data: a, subject: one }, { data: b, subject: other }) =>
    rank(a) - rank(b) || (b.severity || 0) - (a.severity || 0) || (a.priority || 3) - (b.priority || 3) || urgency(b) - urgency(a) || one.localeCompare(other);
  /** "道路积水": what is measured where; what is no matter of one quantity by what it is gathered with. */
  const kindOf = (data) => {
    const where = data.kind ? hall.word(hall.knows(`gaugekind.${data.kind}`) ? "gaugekind" : "alarms.kind", data.kind) : "";
    const { family } = data;
    if (family && hall.knows(`alarms.family.${family}`)) return where && family === "ponding" ? hall.t("alarms.kind.of", { where, what: hall.t("alarms.family.ponding") }) : hall.t(`alarms.family.${family}`);
    const what = data.quantity ? hall.word(hall.knows(`alarms.about.${data.quantity}`) ? "alarms.about" : "quantity", data.quantity) : "";
    return where && what ? hall.t("alarms.kind.of", { where, what }) : where || what || hall.t("alarms.kind.other");
  };

  hall.alarms = {
    AWAY, PRIORITIES, state, away, asking, name, label, amount, now, reading, forecast, why, marks, compare, kindOf,
    all: () => documents("alarm").filter(({ data }) => state(data) !== "over").sort(compare),
    title(group) {
      const places = group.districts || [];
      const where = places.length > 3 ? hall.t("alarms.districts", { first: places.slice(0, 2).join(hall.t("rows.comma")), n: places.length }) : places.join(hall.t("rows.comma"));
      return [kindOf(group), where].filter(Boolean).join(" · ");
    },
    /** What it comes from: the alarm that explains the others, or the first one. */
    cause(group) {
      if (group.merged) return hall.t("alarms.cause.merged", { n: group.merged });
      const [first] = group.cause || [];
      if (!first) return "";
      const words = { name: hall.nameOf({ ...(hall.store.get(`sensor/${first.site}`) || {}).data, ...(first.name && { name: first.name }) }) || first.label || first.site, n: first.explains };
      return hall.t(first.explains ? "alarms.cause.explains" : "alarms.cause.first", words);
    },
    load: () => (hall.store.get("kpi/alarms") || {}).data || null,
    flood: () => { const load = hall.alarms.load(); return load && load.flood ? load.flood.since ?? null : null; },
    put() {
      const counts = Object.fromEntries(AWAY.map((how) => [how, 0]));
      for (const { data } of documents("alarm")) if (away(data)) counts[away(data)] += 1;
      return counts;
    },
    putText(counts) {
      const told = AWAY.filter((how) => counts[how]).map((how) => hall.t(`alarms.put.${how}`, { n: counts[how] }));
      return told.length ? hall.t("alarms.put", { all: AWAY.reduce((sum, how) => sum + counts[how], 0), parts: told.join(" · ") }) : "";
    },
  };
})();

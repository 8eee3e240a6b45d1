/* Words of the emergency side: names of things, moves, states, reasons, entries; facts as a list.
 *
 * hall.emergency.nameOf(subject, state?)   what people call it: its label, name or title, else its id
 * .named(topic, state => text)   teaches it the name of things that have none of these
 * .moveName(subject, move)  .stateText(topic, state)  .fieldName(topic, name)  .choiceText(topic, name, value)
 * .why(list)   `[{code, values}]` -> texts by `emergency.why.<code>`
 * .facts([[key, text | node | subject list, ...]])   a <dl>; rows without a value are left out
 * .history(view)   newest first; .words(topic, {field: (value, entry) => text}) teaches it how a field of an entry is said
 * .moment(ms)  .since(ms) "14:03:10 · 3 min"  .left(ms) "3 min" / "▲ 2 min over"  .amount(value, unit)  .exercise(state)
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const emergency = hall.emergency;
  const taught = new Map(); // topic -> {field: say}
  const MOMENTS = /(^|_)(at|due|until|since|onset|expires|start|from|begin)$/;
  const LEAST_MOMENT = 1e12; // ms; anything smaller under such a name is no moment
  const LANGUAGE = /^[a-z]{2}(-[A-Z][A-Za-z]{1,3})?$/;
  const LONGEST = 300;

  /** The first of the keys that the catalogue knows, else `otherwise`. */
  function first(keys, otherwise, values) {
    const key = keys.find(hall.knows);
    return key ? hall.t(key, values) : otherwise;
  }

  const namers = {}; // topic -> (state) => what people call it, where it has neither label nor name
  const doc = (subject) => (hall.store.get(subject) || {}).data;
  Object.assign(emergency, {
    nameOf(subject, state) {
      const found = state || doc(subject) || {};
      const own = namers[emergency.topicOf(subject)];
      if (own && Object.keys(found).length) return own(found);
      const id = String(subject).split("/").slice(1).join("/");
      return hall.label(found.labels || found.label) || hall.label(found.headline) || found.name || hall.label(found.title) || id;
    },
    moveName: (subject, move) => first([`emergency.move.${emergency.topicOf(subject)}.${move}`, `emergency.move.${move}`], move),
    stateText: (topic, state) => first([`emergency.state.${topic}.${state}`, `emergency.state.${state}`], String(state ?? "")),
    fieldName: (topic, name) => first([`emergency.field.${topic}.${name}`, `emergency.field.${name}`], name),
    choiceText: (topic, name, value) => first([`emergency.choice.${topic}.${name}.${value}`, `emergency.choice.${name}.${value}`, `emergency.choice.${value}`, `emergency.state.${topic}.${value}`], String(value)),
    unitText: (unit) => (unit ? hall.word("unit", unit) : ""),
    moment: (ms) => (ms == null ? "–" : `${hall.format.day(ms)} ${hall.format.seconds(ms)}`),
    since: (ms) => (ms == null ? "–" : `${hall.format.seconds(ms)} · ${hall.format.age(ms)}`),
    left(ms) {
      if (ms == null) return "–";
      const rest = ms - hall.clock.city();
      return rest >= 0 ? hall.t("emergency.left", { time: hall.format.duration(rest) }) : `▲ ${hall.t("emergency.over", { time: hall.format.duration(-rest) })}`;
    },
    amount: (value, unit) => (value == null ? "–" : `${hall.format.number(value, Number.isInteger(value) ? 0 : 2)}${unit ? ` ${emergency.unitText(unit)}` : ""}`),
    exercise: (state) => (state && state.exercise ? said("b.emergency-exercise", "emergency.exercise") : ""),
    named: (topic, namer) => (namers[topic] = namer),
    words: (topic, fields) => taught.set(topic, { ...taught.get(topic), ...fields }),
  });

  function flat(values) {
    const text = (value, name) => {
      if (Array.isArray(value)) return value.map((one) => text(one, name)).join(hall.t("rows.comma"));
      if (typeof value === "number" && MOMENTS.test(name) && value > LEAST_MOMENT) return hall.format.seconds(value);
      if (typeof value === "number") return hall.format.number(value, Number.isInteger(value) ? 0 : 2);
      return value && typeof value === "object" ? hall.label(value) : value ?? "";
    };
    return Object.fromEntries(Object.entries(values || {}).map(([name, value]) => [name, text(value, name)]));
  }
  emergency.why = (list) => [].concat(list || []).filter(Boolean).map((why) => {
    if (typeof why === "string") return first([`emergency.why.${why}`], why);
    const rest = Object.entries(flat(why.values)).map(([name, value]) => `${name} ${value}`).join(" ");
    return first([`emergency.why.${why.code}`], `${why.code} ${rest}`.trim(), flat(why.values));
  });

  // -- facts --------------------------------------------------------------------------------------------------------------

  const isSubject = (value) => typeof value === "string" && /^[a-z]{2,32}\/\S+$/.test(value) && emergency.tabs.some((tab) => tab.owns.includes(emergency.topicOf(value)));
  function shown(value) {
    if (value instanceof Node) return value;
    if (Array.isArray(value)) return make("span.emergency-many", {}, value.map((one) => (one instanceof Node ? one : make("span", {}, shown(one)))));
    if (typeof value === "string" && /^(file|case)\/[^/]+\/./.test(value)) return make("a", { href: `/desk?case=${encodeURIComponent(value.replace(/^file/, "case"))}&lang=${hall.locale}` }, value.split("/").slice(2).join("/"));
    return isSubject(value) ? emergency.link(value) : String(value);
  }
  emergency.facts = (rows) => make("dl.case-fields", {}, rows
    .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== "–" && !(Array.isArray(value) && !value.length))
    .flatMap(([key, value]) => [said("dt", key), make("dd", {}, shown(value))]));

  // -- history ------------------------------------------------------------------------------------------------------------

  function tell(topic, name, value, entry) {
    const own = (taught.get(topic) || {})[name];
    if (own) return own(value, entry);
    if (value === null || value === undefined || value === "") return "";
    if (typeof value === "boolean") return hall.t(value ? "desk.yes" : "desk.no");
    if (typeof value === "number") return MOMENTS.test(name) && value > LEAST_MOMENT ? emergency.moment(value) : hall.format.number(value, Number.isInteger(value) ? 0 : 2);
    if (Array.isArray(value)) return value.every((one) => one && one.code) ? emergency.why(value).join(hall.t("rows.comma")) : value.filter((one) => typeof one !== "object").map((one) => tell(topic, name, one, entry)).join(hall.t("rows.comma"));
    if (typeof value === "object") {
      if (value.lon != null && value.lat != null) return `${value.lon.toFixed(5)}, ${value.lat.toFixed(5)}`;
      const entries = Object.entries(value);
      if (entries.length && entries.every(([key, one]) => LANGUAGE.test(key) && typeof one === "string")) return hall.label(value);
      const amounts = entries.filter(([, one]) => typeof one === "number" || typeof one === "string");
      return amounts.map(([key, one]) => `${first([`emergency.item.${key}`], key)} ${one}`).join(hall.t("rows.comma"));
    }
    return isSubject(value) ? emergency.nameOf(value) : emergency.choiceText(topic, name, value);
  }

  /** The data of an entry in words: [[name, text]]. */
  emergency.told = (entry) => {
    const topic = emergency.topicOf(entry.subject);
    return Object.entries(entry.data || {}).map(([name, value]) => [name, tell(topic, name, value, entry)]).filter(([, text]) => text)
      .map(([name, text]) => [emergency.fieldName(topic, name), String(text).slice(0, LONGEST)]);
  };

  function entryNode(entry) {
    const when = make("time", { title: hall.t("desk.learnt", { at: emergency.moment(entry.recorded) }) }, emergency.moment(entry.time));
    const parts = [make("p.entry-head", {}, [when, make("b", {}, emergency.moveName(entry.subject, entry.move)), make("span.entry-who", {}, hall.desk.whoOf(entry))])];
    if (entry.reason) parts.push(make("p.entry-reason", {}, hall.t("desk.because", { reason: entry.reason })));
    const told = emergency.told(entry);
    if (told.length) parts.push(make("p.entry-data", {}, told.map(([name, text]) => make("span", {}, [make("i", {}, `${name} `), text]))));
    return make("li.entry", { "data-move": entry.move, "data-kind": entry.kind || "person" }, parts);
  }
  emergency.history = (view) => make("ol.history", {}, [...(view.entries || [])].reverse().map(entryNode));
})();

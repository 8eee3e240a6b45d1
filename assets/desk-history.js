/* The history of a case in words: what was done, by whom, in which role, when and why; what the supplier said in between.
 *
 * desk.historyNode(view, versions)   newest first; versions are the supplier's ({time, recordedtime, data}), or []
 * desk.saidOf(entry)   one entry in one line, for notices and the dialog of a changed case
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;

  const yes = (value) => hall.t(value ? "desk.yes" : "desk.no");
  const names = (crews) => crews.map(desk.crewName).join(", ");
  const isFile = (subject) => !subject || String(subject).startsWith("file/");
  /** What people call a thing: a case its number, what the emergency side keeps its name. */
  const number = (subject, state) => (isFile(subject) || !hall.emergency ? String(subject).split("/").slice(2).join("/") || subject : hall.emergency.nameOf(subject, state));
  /** data of an entry -> its words; what is not here is not shown (states for folds, hashes ...) */
  const WORDS = {
    to: (value) => hall.t("desk.became", { state: hall.word("desk.state", value) }),
    unit: String,
    crews: names,
    crew: desk.crewName,
    state: (value, entry) => (entry.move === "crew_state" ? hall.word("crew.state", value) : hall.word("desk.state", value)),
    condition: String,
    emergency: (value, entry) => (value || entry.move === "emergency" ? yes(value) : ""),
    opinion: String,
    text: String,
    whom: String,
    owner: String,
    amount: (value) => hall.format.number(value, Number.isInteger(value) ? 0 : 1),
    kind: (value) => hall.word("desk.kind-of", value),
    until: (value) => desk.moment(value),
    override: String,
    into: number,
    from: number,
    incident: String,
    level: String,
    rung: (value) => hall.word("desk.rung", value),
    reached: yes,
    satisfied: yes,
    ask: (value) => (typeof value === "string" ? hall.word("desk.ask", value) : ""),
    what: (value) => hall.word("desk.ask", value),
    tasks: (value) => value.map((task) => [task.unit, task.text].filter(Boolean).join(": ")).join("; "),
    photos: (value) => hall.t("desk.photo-count", { n: value.length }),
    check: (value) => [yes(value.passed ?? value.found), value.text].filter(Boolean).join(" · "),
    fields: (value) => Object.entries(value).map(([name, text]) => `${hall.word("desk.field", name)} → ${text}`).join("; "),
    children: (value) => value.map(number).join(", "),
  };
  const SKIPPED = { supplied: ["unit", "condition"], open: ["unit"] };

  function details(entry) {
    const data = entry.data || {};
    const skipped = SKIPPED[entry.move] || [];
    const asked = entry.move.startsWith("ask_") && data.data ? { ...data, ...data.data } : data;
    return Object.keys(WORDS).filter((name) => asked[name] != null && asked[name] !== "" && !skipped.includes(name) && !(Array.isArray(asked[name]) && !asked[name].length))
      .map((name) => [name, WORDS[name](asked[name], entry)]).filter(([, text]) => text);
  }

  const moveName = (move, subject) => (isFile(subject) || !hall.emergency ? hall.word("desk.move", move) : hall.emergency.moveName(subject, move));
  const whoOf = (entry) => (entry.kind === "system" ? [hall.t("desk.who-system")] : [desk.personName(entry.who), hall.word("desk.role", entry.role), String(entry.desk || "").startsWith("field:") ? hall.t("desk.by-phone") : entry.desk]).filter(Boolean).join(" · ");
  desk.moveName = moveName;
  desk.whoOf = whoOf;
  desk.numberOf = number;

  desk.saidOf = (entry) => `${hall.format.seconds(entry.time)} ${entry.who === "system" ? hall.t("desk.who-system") : desk.personName(entry.who)} (${hall.word("desk.role", entry.role)}): ${moveName(entry.move, entry.subject)}${entry.reason ? ` · ${entry.reason}` : ""}`;

  function entryNode(entry) {
    const when = hall.make("time", { title: hall.t("desk.learnt", { at: desk.moment(entry.recorded) }) }, desk.shortMoment(entry.time));
    const head = hall.make("p.entry-head", {}, [when, hall.make("b", {}, moveName(entry.move)), hall.make("span.entry-who", {}, whoOf(entry))]);
    const parts = [head];
    if (entry.reason) parts.push(hall.make("p.entry-reason", {}, hall.t("desk.because", { reason: entry.reason })));
    const told = details(entry);
    if (told.length) parts.push(hall.make("p.entry-data", {}, told.map(([name, text]) => hall.make("span", {}, [hall.make("i", {}, `${hall.word("desk.data", name)} `), text]))));
    return hall.make("li.entry", { "data-move": entry.move, "data-kind": entry.kind || "person" }, parts);
  }

  function versionNode(version) {
    const state = version.data ? hall.word("desk.state", version.data.state || "reported") : hall.t("desk.gone");
    const when = hall.make("time", { title: hall.t("desk.learnt", { at: desk.moment(version.recordedtime) }) }, desk.shortMoment(version.time));
    return hall.make("li.entry", { "data-kind": "supplier" }, [hall.make("p.entry-head", {}, [when, hall.make("b", {}, hall.t("desk.supplier-said")), hall.make("span", {}, state)])]);
  }

  desk.historyNode = function (view, versions) {
    const known = view.entries.map((entry) => ({ at: entry.time, order: entry.revision, node: () => entryNode(entry) }));
    // once the hall has a file, what the supplier says is in its entries
    const since = view.entries.length ? view.entries[0].recorded : Infinity;
    const told = versions.filter((version) => version.recordedtime < since).map((version, index) => ({ at: version.time, order: index - versions.length, node: () => versionNode(version) }));
    const all = [...known, ...told].sort((a, b) => b.at - a.at || b.order - a.order);
    return hall.make("ol.history", {}, all.map((item) => item.node()));
  };
})();

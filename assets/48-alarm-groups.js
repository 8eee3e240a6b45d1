/* Groups of alarms as a person reads them: many small ones of a kind are one line, so that the few causes of a flood stay few.
 *
 * hall.alarms.groups()      [{subject, data}] of `group/...`, the most urgent first; those that were put together are `group/~<kind>`
 * hall.alarms.groupOf(data) the subject under which an alarm stands in that list; .lineOf(subject) that of a group
 */
"use strict";

(function () {
  const hall = window.hall;
  const { alarms } = hall;
  const FEW = 7; // so many lines are taken in at a glance (operators' displays: 7 +/- 2)
  const SMALL = 3; // sites; a larger group is an event of its own
  const SUMS = ["active", "unacknowledged", "total", "hidden", "shelved", "out_of_service", "chattering", "doubtful", "cases"];
  let together = new Map(); // subject of a small group -> subject of the line it is in

  const byRank = (a, b) => {
    const [one, other] = [a.data.rank || [], b.data.rank || []];
    const at = one.findIndex((value, index) => value !== other[index]);
    return at < 0 ? a.subject.localeCompare(b.subject) : one[at] - (other[at] ?? 0);
  };

  /** One line for groups of a kind, the most urgent of them first. */
  function merged(subject, groups) {
    const all = groups.map(({ data }) => data);
    const sums = Object.fromEntries(SUMS.map((name) => [name, all.reduce((sum, data) => sum + (data[name] || 0), 0)]));
    const least = (name) => Math.min(...all.map((data) => data[name] ?? Infinity));
    const districts = [...new Set(all.flatMap((data) => data.districts || []))].sort();
    return { subject, data: { ...all[0], ...sums, districts, severity: Math.max(...all.map((data) => data.severity || 0)), priority: least("priority"), since: least("since"), last: Math.max(...all.map((data) => data.last || 0)), merged: groups.length } };
  }

  function groups() {
    const all = [...hall.store.docs("group")].filter(([, event]) => event.data).map(([subject, event]) => ({ subject, data: event.data })).sort(byRank);
    together = new Map();
    if (all.length <= FEW) return all;
    const kinds = Map.groupBy(all.filter(({ data }) => data.total <= SMALL), ({ data }) => alarms.kindOf(data));
    const lines = [];
    for (const [kind, small] of kinds) {
      if (small.length < 2) continue;
      const subject = `group/~${kind}`;
      for (const one of small) together.set(one.subject, subject);
      lines.push(merged(subject, small));
    }
    return [...all.filter(({ subject }) => !together.has(subject)), ...lines].sort(byRank);
  }

  /** Made as dispatch/alarmlife/stages.py makes it where the engine names none. */
  function groupOf(alarm) {
    const own = `group/${alarm.group || `${alarm.kind || alarm.quantity || "other"}-${alarm.district || "city"}`}`;
    return together.get(own) || own;
  }

  /** The line in which a group stands, itself or with others. */
  const lineOf = (subject) => (groups(), together.get(subject) || subject);

  Object.assign(alarms, { groups, groupOf, lineOf });
})();

/* Groups of alarms as the hall has put them together (dispatch/alarmlife): which lines a screen shows is decided there.
 *
 * hall.alarms.groups()      [{subject, data}] of the lines: groups, and `group/~<kind>` for many small ones; the most urgent first
 * hall.alarms.groupOf(data) the subject under which an alarm stands in that list; .lineOf(subject) that of a group, also of one
 *                           that went into another
 * hall.alarms.own           what an operator answers for: .districts(), .mine(data), .load() his line of `kpi/alarms`, .flood() since
 *                           when there is one for him; .whole: he looks at the whole city; .bound(), .shown(data) by that
 */
"use strict";

(function () {
  const hall = window.hall;
  const { alarms } = hall;

  const byRank = (a, b) => {
    const [one, other] = [a.data.rank || [], b.data.rank || []];
    const at = one.findIndex((value, index) => value !== other[index]);
    return at < 0 ? a.subject.localeCompare(b.subject) : one[at] - (other[at] ?? 0);
  };
  const documentOf = (subject) => (hall.store.get(subject) || {}).data;

  const groups = () => [...hall.store.docs("group")].filter(([, { data }]) => data && !data.line && !data.into).map(([subject, event]) => ({ subject, data: event.data })).sort(byRank);

  function lineOf(subject) {
    const into = (documentOf(subject) || {}).into;
    const group = into ? `group/${into}` : subject;
    const line = (documentOf(group) || {}).line;
    return line ? `group/${line}` : group;
  }

  /** Made as dispatch/alarmlife/stages.py makes it where the engine names none. */
  const groupOf = (alarm) => lineOf(`group/${alarm.group || `${alarm.kind || alarm.quantity || "other"}-${alarm.district || "city"}`}`);

  // -- an operator's own districts ---------------------------------------------------------------------------------------

  const districts = () => (hall.page.who || {}).districts || [];
  const mine = (data) => !districts().length || !data.district || districts().includes(data.district);
  /** {districts, since, share, rate, active, unacknowledged}; null: he answers for the whole city, or the hall has not said. */
  function load() {
    const key = JSON.stringify([...new Set(districts())].sort());
    return ((alarms.load() || {}).scopes || []).find((one) => JSON.stringify([...one.districts].sort()) === key) || null;
  }
  const own = {
    districts, mine, load,
    whole: false, // somebody who answers for some districts looks at the whole city
    bound: () => districts().length > 0 && !own.whole,
    shown: (data) => !own.bound() || mine(data),
    flood: () => (districts().length ? (load() || {}).since ?? null : alarms.flood()),
  };
  Object.assign(alarms, { groups, groupOf, lineOf, own });
})();

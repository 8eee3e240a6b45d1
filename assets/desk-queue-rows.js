/* The open cases as rows of the queue, kept in step with the store, and which of them each view holds.
 *
 * desk.rows.open       Map(subject -> row); a row is what the list shows: the case, the hall's file over it, its clock
 * desk.rows.clock(row) {left, state: "" | near | over | still, due}   at the city's now
 * desk.rows.holds(view, row)   whether a view (layouts/desk_views.py) holds it
 * tells "rows" with a Set of subjects that changed (null: all)
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const ENDED = new Set(["closed", "forced_close", "not_accepted", "cancelled"]);
  const open = new Map();
  let steps = {};

  const fileOf = (subject) => `file/${subject.slice(subject.indexOf("/") + 1)}`;
  const caseOf = (subject) => `case/${subject.slice(subject.indexOf("/") + 1)}`;

  /** The case as the hall sees it: its decisions lie over what the supplier says. */
  function effective(data, file) {
    const over = (file && file.over) || {};
    const stages = over.stages ? { ...data.stages, ...over.stages } : data.stages;
    return { ...data, ...over, stages: stages || {} };
  }

  function make(subject) {
    const event = hall.store.get(subject);
    if (!event || !event.data) return null;
    const held = hall.store.get(fileOf(subject));
    const file = (held && held.data) || null;
    const doc = effective(event.data, file);
    if (ENDED.has(doc.state)) return null;
    const own = file || {};
    const clock = own.clock && own.clock.stopped_at == null ? own.clock : null;
    return {
      ...doc, subject, file, state: doc.state || "reported", severity: doc.severity || 0, number: doc.case_id,
      owner: own.owner || "", emergency: !!own.emergency, urges: own.urges || [], asks: own.asks || [], crews: own.crews || [],
      due: clock ? clock.due : own.stage_due != null ? own.stage_due : own.clock ? null : doc.due ?? null, near: clock ? clock.near : null,
      still: own.suspended_until ?? null, reported: doc.stages.reported ?? event.time, revision: own.revision || 0,
      text: [doc.case_id, doc.description, doc.address, doc.class_name, doc.subclass_name, doc.unit, own.owner].join(" ").toLowerCase(),
    };
  }

  function renew(subject) {
    const made = make(subject);
    if (made) open.set(subject, made);
    else open.delete(subject);
  }

  function clock(row) {
    if (row.still != null) return { state: "still", due: row.still, left: row.still - hall.clock.city() };
    if (row.due == null) return { state: "", due: null, left: null };
    const now = hall.clock.city();
    return { state: row.due < now ? "over" : row.near != null && row.near <= now ? "near" : "", due: row.due, left: row.due - now };
  }

  const me = () => hall.page.who || {};
  const mine = (ask) => ask.who !== me().name && (ask.level || []).includes(me().role);
  const OWNER = {
    me: (row) => row.owner === me().name,
    none: (row) => !row.owner,
    free: (row) => !row.owner || row.owner === me().name,
  };
  const FLAG = { urged: (row) => row.urges.length > 0, emergency: (row) => row.emergency };
  const TESTS = {
    states: (row, states) => states.includes(row.state),
    owner: (row, whose) => OWNER[whose](row),
    clock: (row, state) => clock(row).state === state,
    flag: (row, name) => FLAG[name](row),
    asked: (row) => row.asks.some((ask) => mine(ask) || (ask.what === "takeover" && row.owner === me().name)),
    steps: (row) => (steps[me().role] || []).includes(row.state) && (me().role !== "department" || !me().unit || row.unit === me().unit),
  };

  desk.rows = {
    open, clock, fileOf, caseOf, effective, ENDED,
    holds: (view, row) => Object.entries(view.where).every(([name, value]) => TESTS[name](row, value)),
    declare: (found) => (steps = found || {}),
    /** Takes events of `case` and `file`; returns the subjects of the cases they speak of. */
    take(changes) {
      const touched = new Set();
      for (const event of changes) {
        const topic = hall.store.topicOf(event.subject);
        if (topic === "case" || topic === "file") touched.add(topic === "case" ? event.subject : caseOf(event.subject));
      }
      touched.forEach(renew);
      if (touched.size) desk.tell("rows", touched);
      return touched;
    },
  };
})();

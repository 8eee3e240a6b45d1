/* The newest cases, two lines each: when, what, where, how far. Severity by shape and word. */
"use strict";

hall.panel("case_ticker", function (element, { body, note }) {
  const { make, setText, format } = hall;
  const KEEP = 80;
  const FRESH_MS = 5000;
  const seen = new Map(); // subject -> performance.now() when this screen first had it
  let first = true;
  let newest = [];

  function build() {
    const parts = { time: make("span.ticker-time"), severity: make("span"), what: make("span.ticker-what"), state: make("span.soft.num"), where: make("span.ticker-where.faint") };
    const row = make("div.ticker-row", {}, [parts.time, make("span.ticker-line", {}, [parts.severity, parts.what]), parts.state, parts.where]);
    row.parts = parts;
    return row;
  }

  /** Address after its district, the district not told twice. */
  function placeOf(doc) {
    const address = doc.address || "";
    const parts = address.includes(doc.district || " ") ? [address] : [doc.district, address];
    return parts.filter(Boolean).join(" · ") || hall.t("case.nowhere");
  }

  const reportedAt = (event) => (event.data.stages && event.data.stages.reported) || event.time;

  function fill(row, event) {
    const doc = event.data;
    const { time, severity, what, state, where } = row.parts;
    setText(time, format.time(reportedAt(event)));
    hall.severity.mark(severity, doc.severity || 0);
    setText(what, doc.subclass_name || doc.class_name || doc.description || doc.case_id);
    setText(state, hall.word("case", doc.state || "reported"));
    setText(where, placeOf(doc));
    row.dataset.subject = event.subject;
    row.classList.toggle("is-new", performance.now() - (seen.get(event.subject) ?? -Infinity) < FRESH_MS);
  }

  const rows = hall.rows(body, build, fill, { em: 2.78 });

  const show = hall.paced(() => {
    const docs = hall.store.docs("case");
    const top = [];
    let least = -Infinity;
    for (const event of docs.values()) {
      const at = reportedAt(event);
      if (top.length >= KEEP && at <= least) continue;
      top.push(event);
      if (top.length >= 2 * KEEP) {
        top.sort((a, b) => reportedAt(b) - reportedAt(a));
        top.length = KEEP;
        least = reportedAt(top[KEEP - 1]);
      }
    }
    newest = top.sort((a, b) => reportedAt(b) - reportedAt(a) || (a.subject < b.subject ? 1 : -1)).slice(0, KEEP);
    const now = performance.now();
    const subjects = new Set(newest.map((event) => event.subject));
    for (const subject of seen.keys()) if (!subjects.has(subject)) seen.delete(subject);
    for (const subject of subjects) if (!seen.has(subject)) seen.set(subject, first ? -Infinity : now);
    first = first && !docs.size;
    rows.show(newest, "case.none");
    note(docs.size ? hall.t("case.note", { n: format.number(docs.size) }) : "");
  }, 200);
  show();
  return { update: show, tick: show, locale: show, resize: rows.again, unmount: show.cancel };
});

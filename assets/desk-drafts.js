/* Typed text outlives a reload, a closed form and a lost connection: kept per person, case and form in localStorage.
 *
 * desk.drafts.get(subject, form) -> {field: value} | null, .put(subject, form, values), .drop(subject, form), .of(subject) -> [form]
 */
"use strict";

(function () {
  const hall = window.hall;
  const KEPT = `hall-drafts-${(hall.page.who || {}).name || ""}`;
  const BOUND = 200;
  const OLD_MS = 14 * 86400000;

  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(KEPT) || "{}");
      return found && typeof found === "object" ? found : {};
    } catch (_) {
      return {};
    }
  }

  function write(all) {
    const now = hall.clock.real();
    const fresh = Object.entries(all).filter(([, draft]) => now - draft.at < OLD_MS).sort(([, a], [, b]) => b.at - a.at).slice(0, BOUND);
    try {
      localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(fresh)));
    } catch (_) {
      // a browser that keeps nothing still works
    }
  }

  const key = (subject, form) => `${subject} ${form}`;
  const empty = (value) => value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length);

  hall.desk.drafts = {
    get: (subject, form) => (read()[key(subject, form)] || {}).values || null,
    put(subject, form, values) {
      const kept = Object.fromEntries(Object.entries(values).filter(([, value]) => !empty(value)));
      if (!Object.keys(kept).length) return this.drop(subject, form);
      write({ ...read(), [key(subject, form)]: { values: kept, at: hall.clock.real() } });
    },
    drop(subject, form) {
      const all = read();
      if (!(key(subject, form) in all)) return;
      delete all[key(subject, form)];
      write(all);
    },
    of: (subject) => Object.keys(read()).filter((name) => name.startsWith(`${subject} `)).map((name) => name.slice(subject.length + 1)),
  };
})();

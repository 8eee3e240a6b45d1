/* Who looks at a case, and who has a form open on it: told by every console with its report, shown to the others at once.
 *
 * desk.presence.of(subject)     [{who, role, typing}] of the others, one line for each person
 * desk.presence.mark(subject)   "✎ li ◉ zhao" for a row of the queue, "" for nobody
 * desk.presence.paint(node, subject)   the line in the open case; it warns when two write at once
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const GONE_MS = 10000; // a console reports every two seconds; one that died is not shown for longer
  const GAP_MS = 150; // between two reports: the gate tells changes of less than a tenth of a second once
  const TYPING = " typing";
  let bySubject = new Map();
  let reported = -Infinity, timer = 0;
  const warned = new Set();

  function gather() {
    const now = hall.clock.real();
    const found = new Map();
    for (const event of hall.store.docs("screen").values()) {
      const screen = event.data;
      if (!screen || screen.id === hall.screen.id || screen.state !== "live" || now - screen.at > GONE_MS) continue;
      if (typeof screen.part !== "string" || !screen.part.startsWith("case/")) continue;
      const subject = screen.part.split(TYPING)[0];
      const people = found.get(subject) || new Map();
      const known = people.get(screen.who);
      people.set(screen.who, { who: screen.who, role: screen.role, typing: screen.part.endsWith(TYPING) || !!(known && known.typing) });
      found.set(subject, people);
    }
    const before = [...bySubject.keys(), ...found.keys()];
    const changed = before.some((subject) => mark(subject) !== said(found.get(subject)));
    bySubject = found;
    return changed;
  }

  const said = (people) => [...(people ? people.values() : [])].sort((a, b) => b.typing - a.typing).map((one) => `${one.typing ? "✎" : "◉"} ${one.who}`).join(" ");
  const mark = (subject) => said(bySubject.get(subject));
  const of = (subject) => [...(bySubject.get(subject) || new Map()).values()];

  function paint(node, subject) {
    const people = of(subject);
    const writers = people.filter((one) => one.typing);
    const mine = desk.form && desk.form.open() && desk.chosen === subject;
    const both = !!mine && writers.length > 0;
    const words = people.map((one) => hall.t(one.typing ? "desk.present-typing" : "desk.present", { who: one.who, role: hall.word("desk.role", one.role) }));
    hall.setText(node, both ? `▲ ${hall.t("shift.both-write", { who: writers.map((one) => one.who).join(", ") })}` : words.length ? `◉ ${words.join(" · ")}` : "");
    node.hidden = !people.length;
    node.dataset.warns = both ? "1" : "";
    const key = `${subject} ${writers.map((one) => one.who)}`;
    if (both && !warned.has(key)) desk.announce(`▲ ${hall.t("shift.both-write", { who: writers.map((one) => one.who).join(", ") })}`, "warns");
    if (both) warned.add(key);
    else for (const old of [...warned]) if (old.startsWith(`${subject} `)) warned.delete(old);
  }

  /** Says now what this console shows; once more after the gap, when several changes come together. */
  function report() {
    const rest = GAP_MS - (performance.now() - reported);
    if (timer) return;
    if (rest > 0) return void (timer = setTimeout(() => ((timer = 0), report()), rest));
    reported = performance.now();
    hall.link.report();
  }

  function look() {
    if (gather() && desk.list) desk.list.paint();
  }

  desk.presence = { of, mark, paint };
  desk.on("chosen", report);
  desk.on("form", report);
  desk.on("locked", report); // nobody looks at a locked console
  hall.store.on(["screen"], look);
  setInterval(look, 1000); // the silent ones go by themselves
})();

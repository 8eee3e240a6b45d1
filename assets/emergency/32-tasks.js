/* 任务: what a response asks of whom, with the clocks of acknowledging and doing; late ones first, one's own marked. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const who = hall.page.who || {};
  const OPEN = ["open", "acknowledged"];
  const RANK = { open: 0, acknowledged: 1, done: 2, cancelled: 3 };
  let filter = "open";

  const isOpen = (task) => OPEN.includes(task.state);
  const isLate = (task) => (task.state === "open" && task.ack_due <= hall.clock.city()) || (isOpen(task) && task.due <= hall.clock.city());
  // a department's seat is told of its own tasks only (hall/roles.py)
  const isMine = (task) => (task.unit ? who.role === "department" : task.role === who.role);
  const ownerOf = (task) => task.unit || (task.role ? hall.t(`desk.role.${task.role}`) : "–");
  const labelOf = (task) => [hall.label(task.label), hall.label(task.place)].filter(Boolean).join(" · ");
  const byTime = (a, b) => Number(isLate(b.data)) - Number(isLate(a.data)) || RANK[a.data.state] - RANK[b.data.state] || (a.data.due || 0) - (b.data.due || 0) || a.subject.localeCompare(b.subject);
  const FILTERS = { open: isOpen, late: isLate, mine: (task) => isOpen(task) && isMine(task), all: () => true };
  const tasks = () => [...hall.store.docs("task").values()].filter((event) => event.data);

  /** What runs now: acknowledging first, then doing; over time it says so with a mark, not by colour alone. */
  function clock(task) {
    if (task.state === "open" && task.ack_due != null) return hall.t("plans.task.ack-left", { left: E.left(task.ack_due) });
    return isOpen(task) ? E.left(task.due) : "";
  }

  const card = {
    title: (task) => hall.label(task.label),
    keys: { acknowledge: "a", done: "d", hand: "h", cannot: "n", note: "o", to_case: "c", reassign: "r", cancel: "x", extend: "e" },
    facts: (task) => [
      ["plans.task.who", ownerOf(task)], ["plans.task.where", [hall.label(task.place), task.district].filter(Boolean).join(" · ")],
      ["plans.task.wanted", [...(task.kinds || []), ...(task.equipment || []).map((item) => `${item.name} × ${item.count || 1}`), task.crews ? hall.t("plans.task.crews", { n: task.crews }) : ""].filter(Boolean).join(hall.t("rows.comma"))],
      ["plans.task.crew", task.crew && hall.desk.crewName(task.crew)],
      ["plans.task.cannot", task.cannot && `✕ ${hall.desk.personName(task.cannot.by)} · ${E.moment(task.cannot.at)} · ${task.cannot.reason}`],
      ["plans.task.ack", task.acked_at ? `${hall.desk.personName(task.acked_by)} · ${E.moment(task.acked_at)}` : task.state === "open" ? E.left(task.ack_due) : ""],
      ["plans.task.due", isOpen(task) ? `${E.moment(task.due)} · ${E.left(task.due)}` : E.moment(task.due)],
      ["plans.task.done", task.done_at ? `${hall.desk.personName(task.done_by)} · ${E.moment(task.done_at)}` : ""],
      ["plans.task.why", task.why ? hall.word("plans.task.why", task.why) : ""],
      ["plans.task.notes", (task.notes || []).length ? make("ul.response-lines", {}, task.notes.map((note) => make("li", {}, `${hall.format.seconds(note.at)} ${hall.desk.personName(note.who)}：${note.text}`))) : ""],
      ["plans.task.response", task.response], ["emergency.field.incident", task.incident ? (task.incident.includes("/") ? task.incident : `incident/${task.incident}`) : ""],
      ["plans.task.case", task.case ? caseLink(task.case) : task.wanted_case ? hall.t("plans.task.case-coming") : ""],
    ],
  };
  function caseLink(file) {
    const subject = `case/${file.slice("file/".length)}`;
    return make("a.emergency-link", { href: `/desk?case=${encodeURIComponent(subject)}&lang=${hall.locale}` }, subject.split("/").pop());
  }

  E.tab({
    name: "tasks", order: 30, title: "plans.tasks", topics: ["task", "response"], owns: ["task"],
    badge() {
      const open = tasks().map((event) => event.data).filter(isOpen);
      const late = open.filter(isLate).length;
      return { n: late || open.length, alert: late > 0 };
    },
    mount(node, tools) {
      let split = null;
      function chip(name) {
        const count = tasks().filter((event) => FILTERS[name](event.data)).length;
        const button = make("button.desk-chip", { type: "button", "aria-pressed": String(filter === name), "data-filter": name }, `${hall.t(`plans.filter.${name}`)} ${count}`);
        button.onclick = () => ((filter = name), split.locale());
        return button;
      }
      /** A signature gives a department many tasks at once: one press says that all of them came. */
      function acknowledgeAll() {
        const mine = tasks().filter(({ data }) => data.state === "open" && isMine(data));
        if (mine.length < 2 || !E.mayAct()) return [];
        const button = make("button.desk-button", { type: "button", "data-act": "acknowledge-all" }, hall.t("plans.acknowledge-all", { n: mine.length }));
        button.onclick = () => {
          button.disabled = true;
          for (const { subject } of mine) E.send(subject, "acknowledge", {}, { quiet: true });
        };
        return [button];
      }
      split = tools.split(node, {
        items: () => E.items("task", byTime)().filter((item) => FILTERS[filter](item.data)).map((item) => ({ ...item, severity: isLate(item.data) ? 3 : 0 })),
        columns: ["plans.task.what", "plans.task.who", "plans.state", "plans.task.clock", "plans.task.due"],
        row: ({ data }) => [`${isLate(data) ? "▲ " : ""}${labelOf(data)}${data.cannot ? ` · ✕ ${hall.t("plans.task.cannot")}` : ""}`, `${ownerOf(data)}${isMine(data) ? ` · ${hall.t("plans.mine")}` : ""}`, make("span", {}, [E.stateText("task", data.state), data.exercise ? said("b.emergency-exercise", "emergency.exercise") : ""]), clock(data), data.due ? hall.format.time(data.due) : ""],
        head: () => [...Object.keys(FILTERS).map(chip), ...acknowledgeAll()],
        empty: "plans.task.none", create: "task", card,
      });
      let painted = 0;
      return {
        ...split,
        update(changes) {
          split.update(changes);
          if (changes && changes.some((event) => event.subject.startsWith("task/"))) split.locale();
        },
        tick() {
          split.tick();
          if ((painted = (painted + 1) % 5) === 0) split.paint(); // clocks of the list
        },
      };
    },
  });
})();

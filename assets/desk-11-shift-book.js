/* The shift book: begin a shift, write its log, hand over, sign, end somebody's shift; print and export. desk.shift.show() */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const who = hall.page.who || {};
  const LEAD = () => hall.may("see-audit"); // a supervisor; the hall decides anyway
  const MARKS = { emergency: "‼", overdue: "▲", urge: "!", ask: "?", incident: "◇", owned: "●" };
  const DRAFT = `hall-shift-${who.name || ""}`;
  let state = null; // {shifts, people}
  let items = null;
  let full = null; // my group with the lists of its handovers
  let group = "";
  let box = null, status = null, node = null, busy = false, soon = 0, reads = 0;

  function draft(name, value) {
    try {
      const all = JSON.parse(localStorage.getItem(DRAFT) || "{}");
      if (value === undefined) return all[name] || "";
      all[name] = value;
      localStorage.setItem(DRAFT, JSON.stringify(all));
    } catch (_) { /* a browser that keeps nothing still signs */ }
    return value || "";
  }

  const moment = (ms) => (ms == null ? "" : `${hall.format.day(ms)} ${hall.format.time(ms)}`);

  /** The newest question counts: an answer that comes late does not stand for what was asked after it. */
  async function read() {
    const mine = (reads += 1);
    try {
      const found = await hall.ask("/api/v1/shifts");
      if (mine !== reads) return;
      state = found;
      const own = desk.shift.mine();
      group = group || (own && own.group) || (desk.shift.forMe()[0] || {}).group || (state.shifts[0] || {}).group || "";
      const answers = await Promise.all([
        group ? hall.ask(`/api/v1/shifts/${encodeURIComponent(group)}`) : null,
        hall.may("hand-over") ? hall.ask("/api/v1/shifts/items").then((listed) => listed.items) : [],
      ]);
      if (mine !== reads) return;
      [full, items] = answers;
      paint();
    } catch (error) {
      if (mine === reads && status) hall.say(status, () => hall.failed(error), true);
    }
  }

  async function act(move, more, after) {
    if (busy) return;
    busy = true;
    hall.say(status, () => hall.t("shift.asking"));
    try {
      await desk.shift.send(group, move, more);
      if (after) after();
      hall.say(status, () => hall.t(`shift.done.${move}`));
    } catch (error) {
      hall.say(status, () => hall.failed(error), true);
    } finally {
      busy = false;
      await read();
    }
  }

  const button = (key, run, primary, values) => {
    const made = said(`button.desk-button${primary ? ".is-primary" : ""}`, key, values, { type: "button" });
    made.onclick = run;
    return made;
  };
  const field = (key, control) => make("label.form-field", {}, [said("span", key), control]);

  function typed(spec, name, attributes) {
    const control = make(spec, attributes);
    control.value = draft(name);
    control.oninput = () => draft(name, control.value);
    return control;
  }

  // -- parts --------------------------------------------------------------------------------------------------------------

  function chooseGroup() {
    const select = make("select.desk-select", {}, state.shifts.map((shift) => make("option", { value: shift.group }, desk.shift.groupName(shift.group))));
    select.value = group;
    select.onchange = () => ((group = select.value), read());
    return field("shift.group", select);
  }

  function begin() {
    const name = make("input.desk-input", { maxlength: "40", required: "", placeholder: hall.t("shift.desk-example") });
    name.value = desk.named() || "";
    name.onchange = () => name.value.trim() && desk.name(name.value);
    const start = button("shift.start", () => {
      if (!name.value.trim()) return hall.say(status, () => hall.t("shift.desk-missing"), true), name.focus();
      desk.name(name.value);
      act("start");
    }, true);
    return make("section.shift-begin", {}, [chooseGroup(), field("shift.desk", name), make("span.shift-who", {}, `${who.name} · ${hall.t(`desk.role.${who.role}`)}`), start]);
  }

  function onDuty() {
    const rows = full.on_duty.map((duty) => {
      const line = make("li", {}, [make("b", {}, duty.who), ` · ${hall.word("desk.role", duty.role)} · ${duty.desk || "–"} · ${hall.t("shift.since", { time: moment(duty.since) })} `]);
      if (LEAD()) line.append(endButton(duty));
      return line;
    });
    return make("section", {}, [said("h3", "shift.on-duty"), rows.length ? make("ul.shift-duty", {}, rows) : said("p.desk-empty", "shift.nobody")]);
  }

  /** Without a handover: a supervisor's, with a reason. */
  function endButton(duty) {
    const holder = make("span.shift-end");
    const ask = said("button.desk-chip", "shift.leave", null, { type: "button" });
    ask.onclick = () => {
      const reason = make("input.desk-input", { maxlength: "500", "aria-label": hall.t("shift.reason"), placeholder: hall.t("shift.leave-why") });
      hall.fill(holder, [reason, button("shift.leave", () => act("leave", { reason: reason.value, data: { who: duty.who } }), true)]);
      reason.focus();
    };
    holder.append(ask);
    return holder;
  }

  function itemRow(item) {
    const kinds = item.kinds.map((kind) => `${MARKS[kind]} ${hall.t(`shift.kind.${kind}`)}`).join(" ");
    const cells = [item.number, kinds, hall.word("desk.state", item.state), [item.class, item.place].filter(Boolean).join(" · "), item.unit || "", item.due ? moment(item.due) : ""];
    return make("tr", { "data-item": item.subject }, cells.map((text) => make("td", {}, text)));
  }
  function itemTable(list) {
    if (!list.length) return said("p.desk-empty", "shift.items-none");
    const heads = ["number", "kinds", "state", "what", "unit", "due"].map((name) => said("th", `shift.item.${name}`, null, { scope: "col" }));
    return make("div.shift-scroll", { tabindex: "0" }, [make("table.console-table.shift-items", {}, [make("thead", {}, [make("tr", {}, heads)]), make("tbody", {}, list.map(itemRow))])]);
  }
  function summary(list) {
    const counts = Object.keys(MARKS).map((kind) => [kind, list.filter((item) => item.kinds.includes(kind)).length]).filter(([, n]) => n);
    return make("p.shift-summary", {}, counts.map(([kind, n]) => `${MARKS[kind]} ${hall.t(`shift.kind.${kind}`)} ${n}`).join("   "));
  }

  function give() {
    const select = make("select.desk-select", { "aria-label": hall.t("shift.to") }, [make("option", { value: "" }, hall.t("shift.to-choose"))]);
    for (const person of state.people) if (person.name !== who.name) select.append(make("option", { value: person.name }, `${person.display || person.name} · ${hall.word("desk.role", person.role)}`));
    select.value = draft("to");
    select.onchange = () => draft("to", select.value);
    const notes = typed("textarea.desk-input", "notes", { rows: "4", maxlength: "4000" });
    const sign = button("shift.sign-give", () => {
      if (!select.value) return void hall.say(status, () => hall.t("shift.to-missing"), true);
      act("hand_over", { data: { to: select.value, notes: notes.value } }, () => (draft("notes", ""), draft("to", "")));
    }, true);
    return make("section.shift-give", {}, [said("h3", "shift.hand-over"), summary(items), itemTable(items), field("shift.notes", notes), make("div.shift-row", {}, [field("shift.to", select), sign])]);
  }

  function signatures(handover) {
    const taker = handover.outcome === "taken" ? `✓ ${handover.to} · ${hall.word("desk.role", handover.taker_role)} · ${handover.taker_desk || "–"} · ${moment(handover.ended)}` : `◌ ${handover.to}`;
    return make("dl.shift-signatures", {}, [
      said("dt", "shift.signed-give"), make("dd", {}, `✓ ${handover.giver} · ${hall.word("desk.role", handover.giver_role)} · ${handover.desk || "–"} · ${moment(handover.at)}`),
      said("dt", "shift.signed-take"), make("dd", {}, taker),
    ]);
  }
  function sheet(handover) {
    const parts = [signatures(handover), handover.notes ? make("p.shift-notes", {}, handover.notes) : ""];
    if (handover.items) parts.push(summary(handover.items), itemTable(handover.items));
    if ((handover.left || []).length) parts.push(make("p.shift-left", {}, `▲ ${hall.t("shift.left", { n: handover.left.length })} ${handover.left.map((one) => `${one.subject.split("/").pop()} (${hall.word("shift.left", one.why)})`).join(", ")}`));
    return parts;
  }

  function take(handover) {
    const reason = make("input.desk-input", { maxlength: "500", "aria-label": hall.t("shift.reason"), placeholder: hall.t("shift.decline-why") });
    const data = { number: handover.number };
    const actions = make("div.shift-row", {}, [
      button("shift.sign-take", () => act("take_over", { data }), true), reason, button("shift.decline", () => act("decline", { data, reason: reason.value })),
    ]);
    return make("section.shift-take", { "data-handover": handover.number }, [make("h3", {}, `▲ ${hall.t("shift.to-sign", { who: handover.giver })}`), ...sheet(handover), actions]);
  }
  function awaited(handover) {
    return make("section", { "data-handover": handover.number }, [make("h3", {}, `◌ ${hall.t("shift.awaits", { who: handover.to })}`), ...sheet(handover), button("shift.recall", () => act("recall", { data: { number: handover.number } }))]);
  }
  function earlier(handover) {
    const head = `${moment(handover.at)} · ${handover.giver} → ${handover.to} · ${hall.t(`shift.outcome.${handover.outcome}`)} · ${hall.t("shift.items-count", { n: handover.count })}`;
    return make("details.shift-earlier", {}, [make("summary", {}, head), ...sheet(handover), handover.reason ? make("p", {}, handover.reason) : ""]);
  }

  function log() {
    const lines = full.lines.map((line) => make("li", {}, [make("time", {}, moment(line.at)), ` ${line.who} · ${hall.word("desk.role", line.role)} `, make("span", {}, line.text)]));
    const text = typed("textarea.desk-input", "line", { rows: "2", maxlength: "1000", "aria-label": hall.t("shift.line") });
    const add = button("shift.line-add", () => text.value.trim() && act("note", { data: { text: text.value } }, () => draft("line", "")));
    text.onkeydown = (event) => void (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing && add.click()); // false would swallow every other key
    const mayWrite = hall.may("hand-over") && (LEAD() || full.on_duty.some((duty) => duty.who === who.name));
    return make("section.shift-log", {}, [said("h3", "shift.log"), lines.length ? make("ol", {}, lines) : said("p.desk-empty", "shift.log-empty"), mayWrite ? make("div.shift-row", {}, [text, add]) : ""]);
  }

  // -- the whole ------------------------------------------------------------------------------------------------------------

  function paint() {
    if (!node || !state || !full) return;
    const focus = node.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
    if (focus) return void (soon = soon || setTimeout(() => ((soon = 0), paint()), 1500)); // not under somebody's hands
    const mine = desk.shift.mine();
    const open = full.handovers.filter((handover) => !handover.outcome);
    const onDutyHere = full.on_duty.some((duty) => duty.who === who.name);
    const parts = [];
    for (const handover of open) if (handover.to === who.name) parts.push(take(handover));
    if (!mine && !onDutyHere && hall.may("hand-over")) parts.push(begin());
    else parts.push(make("section", {}, [chooseGroup()]));
    parts.push(onDuty());
    const own = open.find((handover) => handover.giver === who.name);
    if (own) parts.push(awaited(own));
    else if (onDutyHere) parts.push(give());
    parts.push(log());
    const past = full.handovers.filter((handover) => handover.outcome).reverse();
    if (past.length) parts.push(make("section", {}, [said("h3", "shift.earlier"), ...past.map(earlier)]));
    hall.fill(node, parts);
  }

  function paper() {
    const sheetNode = make("div.shift-paper", {}, [make("h1", {}, `${hall.label(hall.page.city)} · ${hall.t("shift.title")} · ${desk.shift.groupName(group)}`), make("p", {}, hall.format.date(hall.clock.city())), node.cloneNode(true)]);
    sheetNode.querySelectorAll("details").forEach((one) => (one.open = true));
    document.body.append(sheetNode);
    document.documentElement.dataset.paper = "1";
    const done = () => (sheetNode.remove(), delete document.documentElement.dataset.paper);
    window.addEventListener("afterprint", done, { once: true });
    window.print();
  }

  (desk.shift = desk.shift || {}).show = function () {
    if (box) return;
    node = make("div.shift-book");
    status = make("p.form-status", { role: "status" });
    const save = make("a.desk-button", { href: "#", download: "" }, hall.t("shift.export"));
    save.onclick = () => (save.href = `/api/v1/shifts/${encodeURIComponent(group)}/log?format=csv`);
    const tools = make("div.shift-row.shift-tools", {}, [button("shift.print", paper), save]);
    const offs = [desk.on("shift", () => !busy && read())];
    box = desk.dialog({ title: hall.t("shift.title"), body: [status, node, tools], wide: true, kind: "shift", onClose: () => (offs.forEach((off) => off()), (box = node = status = null), (group = "")) });
    read();
  };
})();

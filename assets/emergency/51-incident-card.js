/* The card of one incident: facts, objectives, figures, transfer of command, reports, members, timeline. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  /** Moves that stand beside what they are about, not in the row of buttons. */
  const HIDDEN = ["objective_done", "objective_dropped", "edit_brief", "edit_report", "unlink", "figures"];
  const allowed = (view, move) => view.allowed.some((one) => one.move === move);
  const section = (key, children, extra) => make("section.incident-section", {}, [make("h3.tab-title", {}, [said("span", key), extra || ""]), ...children]);
  function button(key, call, values) {
    const made = said("button.desk-chip", key, values, { type: "button" });
    made.onclick = call;
    return made;
  }

  function facts(state) {
    const I = hall.incidents;
    const roles = Object.entries(state.roles || {}).map(([role, person]) => `${I.word("roles", role)}：${person}`);
    const advice = state.advice && `▲ ${hall.t("incident.advised", { grade: I.grade(state.advice.grade) })} ${state.advice.why.map((why) => `${I.word("figures", why.values.figure)} ${why.values.value}`).join(" ")}`;
    const said_ = state.facts || {};
    return [
      ["incident.grade", [`${I.grade(state.grade)}`, ...(advice ? [advice] : [])]], ["incident.kind", I.word("kinds", state.kind)],
      ["incident.started", E.moment(state.started)], ["incident.since", E.since(state.since)],
      ["incident.place", said_.place], ["incident.district", state.district], ["incident.source", said_.source],
      ["incident.cause", said_.cause], ["incident.trend", said_.trend], ["incident.measures", said_.measures], ["incident.officer", said_.officer],
      ["incident.commander", state.commander && `${state.commander} · ${E.since(state.commander_since)}`], ["incident.roles", roles],
      ["incident.due", state.report_due && `${hall.t(`incident.report.${state.report_due.kind}`)} ${E.left(state.report_due.due)}`],
      ["incident.merged", state.merged_into && `incident/${state.merged_into}`], ["incident.absorbed", (state.absorbed || []).join(" ")],
    ];
  }

  function objectives(state, view, subject, card) {
    const rows = (state.objectives || []).filter((one) => one.state !== "dropped").sort((a, b) => (a.state === "done") - (b.state === "done") || a.priority - b.priority);
    if (!rows.length) return [];
    return [section("incident.objectives", [make("ol.incident-list", {}, rows.map((one) => {
      const parts = [make("span", { "data-done": one.state === "done" ? "1" : "" }, `${one.state === "done" ? "✓" : "○"} ${one.priority}. ${one.text}`)];
      if (one.state === "open" && allowed(view, "objective_done")) parts.push(button("incident.done", () => E.send(subject, "objective_done", { number: one.number })));
      if (one.state === "open" && allowed(view, "objective_dropped")) parts.push(button("incident.drop", () => card().start("objective_dropped", { number: one.number })));
      return make("li", {}, parts);
    }))])];
  }

  // -- figures: one line each, typed over, sent together with their source ------------------------------------------------------

  function figureEditor(subject) {
    const inputs = new Map();
    const source = make("input.desk-input", { type: "text", maxlength: "200", "aria-label": hall.t("emergency.field.incident.source") });
    const send = said("button.desk-button", "incident.figures-send", null, { type: "button" });
    const status = make("p.form-status", { role: "status" });
    const table = make("div.incident-figures");
    send.onclick = () => {
      const found = [...inputs].filter(([, input]) => input.value !== "").map(([name, input]) => [name, Number(input.value)]);
      if (!found.length || !source.value.trim()) return hall.setText(status, hall.t("incident.figures-need"));
      hall.setText(status, "");
      E.send(subject, "figures", { figures: Object.fromEntries(found), source: source.value.trim() });
      for (const [, input] of inputs) input.value = "";
    };
    function paint(state, may) {
      const names = ((hall.incidents.settings() || {}).figures || []).map((one) => one.name);
      const rows = names.map((name) => {
        const known = (state.figures || {})[name];
        if (!inputs.has(name)) inputs.set(name, make("input.desk-input.is-short", { type: "number", min: "0", step: "any", "aria-label": hall.incidents.word("figures", name) }));
        const now = known ? `${hall.format.number(known.value)} ${hall.incidents.unit("figures", name)}` : "–";
        return [make("span", {}, hall.incidents.word("figures", name)), make("b", {}, now), make("span.soft", {}, known ? `${known.source} ${hall.format.seconds(known.at)}` : ""), may ? inputs.get(name) : ""];
      });
      hall.fill(table, rows.flat());
      return [table, ...(may ? [make("div.incident-figures-send", {}, [said("span", "emergency.field.incident.source"), source, send]), status] : [])];
    }
    return { paint };
  }

  function transfer(state, view, card) {
    const rows = state.transfers || [];
    const open = rows.find((one) => !one.outcome);
    const past = rows.filter((one) => one.outcome).map((one) => make("li", {}, `${one.giver} → ${one.to} · ${hall.t(`incident.transfer.${one.outcome}`)} · ${E.moment(one.taken_at || one.drafted_at)}${one.reason ? ` · ${one.reason}` : ""}`));
    const made = [];
    if (open) {
      const brief = ["situation", "organisation", "resources", "objectives"].flatMap((name) => [said("dt", `emergency.field.incident.${name}`), make("dd.incident-text", {}, open.brief[name] || "–")]);
      const signed = open.handed_at ? hall.t("incident.signed-first", { who: open.giver, at: hall.format.seconds(open.handed_at) }) : hall.t("incident.unsigned", { who: open.giver });
      made.push(make("p.incident-transfer", { role: "status" }, `▲ ${open.giver} → ${open.to} · ${signed}`), make("dl.case-fields", {}, brief));
      if (allowed(view, "edit_brief")) made.push(button("incident.edit-brief", () => card().start("edit_brief", { ...open.brief })));
    }
    if (past.length) made.push(make("ol.incident-list", {}, past.reverse()));
    return made.length ? [section("incident.transfers", made)] : [];
  }

  function reports(state, view, subject, card) {
    const id = subject.slice("incident/".length);
    const rows = (state.papers || []).map((one) => {
      const page = `/api/v1/incidents/${encodeURIComponent(id)}/reports/${one.number}`;
      const stamps = [hall.t(`incident.paper.${one.state}`), one.signed_by && `${hall.t("incident.signed-by")} ${one.signed_by} ${hall.format.seconds(one.signed_at)}`, ...(one.phones || []).map((call) => `☎ ${call.to} ${hall.format.seconds(call.at)}`), one.sent_at && `→ ${one.sent_to} ${hall.format.seconds(one.sent_at)}`];
      const links = [said("a.emergency-link", "incident.print", null, { href: page, target: "_blank", rel: "noopener" }), said("a.emergency-link", "incident.plain", null, { href: `${page}?format=text`, target: "_blank", rel: "noopener" })];
      const live = one.state === "draft" || one.state === "signed";
      const edit = one.state === "draft" && allowed(view, "edit_report") ? [button("incident.edit-report", () => card().start("edit_report", { text: one.text }))] : [];
      const text = make("details", live ? { open: "" } : {}, [make("summary", {}, `${one.title} · ${stamps.filter(Boolean).join(" · ")}`), make("pre.incident-text", {}, one.text), make("p.incident-links", {}, [...links, ...edit])]);
      return make("li", { "data-state": one.state }, text);
    });
    return rows.length ? [section("incident.reports", [make("ol.incident-list", {}, rows.reverse())])] : [];
  }

  /** A case is called by what and where it is. */
  function nameOf(name) {
    if (!name.startsWith("file/")) return E.nameOf(name);
    const found = (hall.store.get(name.replace(/^file\//, "case/")) || {}).data || {};
    return [found.subclass_name || found.class_name, found.address || name.slice(5)].filter(Boolean).join(" ");
  }

  function members(state, view, subject, card) {
    const byTopic = new Map();
    for (const name of state.members || []) byTopic.set(E.topicOf(name), [...(byTopic.get(E.topicOf(name)) || []), name]);
    const link = (name) => (name.startsWith("file/") ? make("a.emergency-link", { href: `/desk?case=${encodeURIComponent(name.replace(/^file/, "case"))}&lang=${hall.locale}` }, nameOf(name)) : E.link(name, nameOf(name)));
    const stateOf = (name) => {
      const data = (hall.store.get(name) || hall.store.get(name.replace(/^file\//, "case/")) || {}).data;
      return data && data.state ? ` · ${name.startsWith("file/") ? hall.word("desk.state", data.state) : E.stateText(E.topicOf(name), data.state)}` : "";
    };
    const groups = [...byTopic].map(([topic, names]) => make("div.incident-members", {}, [make("b", {}, `${hall.t(`incident.member.${topic}`)} ${names.length}`), make("ul", {}, names.slice(0, 60).map((name) => {
      const off = allowed(view, "unlink") ? [button("incident.unlink", () => card().start("unlink", { members: [name] }))] : [];
      return make("li", {}, [link(name), stateOf(name), " ", ...off]);
    })), names.length > 60 ? make("p", {}, hall.t("rows.more", { n: names.length - 60 })) : ""]));
    return groups.length ? [section("incident.members", groups)] : [];
  }

  function timeline(subject) {
    const path = `/api/v1/incidents/${encodeURIComponent(subject.slice("incident/".length))}/timeline`;
    const list = make("ol.history");
    const line = (entry) => make("li.entry", {}, make("p.entry-head", {}, [make("time", {}, E.moment(entry.time)), make("b", {}, hall.desk.moveName(entry.move, entry.subject)), make("span", {}, entry.subject === subject ? "" : nameOf(entry.subject)), make("span.entry-who", {}, hall.desk.whoOf(entry)), entry.reason ? make("i", {}, entry.reason) : ""]));
    const show = button("incident.timeline-show", async () => {
      try {
        const found = await hall.ask(path);
        const head = found.left_out ? [make("li", {}, hall.t("incident.left-out", { n: found.left_out }))] : [];
        hall.fill(list, [...[...found.lines].reverse().map(line), ...head]);
      } catch (error) {
        hall.fill(list, make("li", {}, hall.failed(error)));
      }
    });
    const csv = said("a.emergency-link", "incident.timeline-csv", null, { href: `${path}?format=csv`, download: "" });
    return make("section.incident-section", {}, [make("h3.tab-title", {}, [said("span", "incident.timeline"), " ", show, " ", csv]), list]);
  }

  const notes = (state) => ((state.notes || []).length ? [section("incident.notes", [make("ol.incident-list", {}, [...state.notes].reverse().map((one) => make("li", {}, `${E.moment(one.at)} ${one.by}：${one.text}`)))])] : []);

  /** Options of hall.emergency.card for one incident; `card()` gives the card itself. */
  hall.incidents.card = function (subject, card) {
    const editor = figureEditor(subject);
    const line = timeline(subject);
    return {
      title: (state) => `${hall.incidents.grade(state.grade)} · ${state.title}`,
      hide: HIDDEN,
      keys: { link: "l", note: "m", draft_report: "r", take_command: "t" },
      facts,
      more: (state, view) => [
        ...transfer(state, view, card), ...reports(state, view, subject, card), ...objectives(state, view, subject, card),
        section("incident.figures", editor.paint(state, allowed(view, "figures"))), ...members(state, view, subject, card), ...notes(state), line,
      ],
    };
  };

  E.words("incident", {
    facts: () => "", brief: () => "", text: (value, entry) => (entry.move === "note" || entry.move === "objective" ? value : ""),
    members: (value) => [].concat(value).map(nameOf).join(hall.t("rows.comma")),
    grade: (value) => hall.incidents.grade(value), role: (value) => hall.incidents.word("roles", value),
    figures: (value) => Object.entries(value).map(([name, many]) => `${hall.incidents.word("figures", name)} ${many}`).join(hall.t("rows.comma")),
    kind: (value, entry) => (entry.move === "draft_report" ? hall.t(`incident.report.${value}`) : hall.incidents.word("kinds", value)), ends: () => "",
  });
})();

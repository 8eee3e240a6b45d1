/* /crews: every crew with its state (shape, colour, word), what it is on and since when, how old its position is, its shift;
 * filters by unit, skill, state and words; and moves for a crew that calls by radio, as the hall allows them. */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const DUTY_MS = 60000;
  const SHOWN = 250; // rows; the filters narrow the rest
  const OLD_MS = 120000; // a position older than this is marked
  const STATES = ["on_scene", "en_route", "mustered", "acknowledged", "assigned", "available", "clear", "out_of_service"];
  const MARKS = { available: "●", assigned: "○", acknowledged: "◔", mustered: "◑", en_route: "➤", on_scene: "◉", clear: "✓", out_of_service: "✕" };
  const COLUMNS = ["crew", "unit", "state", "since", "case", "position", "shift", "skills"];
  const KEPT = "hall-crews-filter";
  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  function kept() {
    try { return JSON.parse(sessionStorage.getItem(KEPT) || "{}"); } catch (_) { return {}; }
  }

  hall.panel("crew-board", function (element, context) {
    const filter = { unit: "", skill: "", state: "", words: "", ...kept() };
    const nodes = { tools: make("div.desk-row.crew-tools"), chips: make("div.desk-quick", { role: "group" }), body: make("tbody"), head: make("thead"), more: make("p.desk-empty") };
    const aside = make("aside.crew-detail", { "aria-live": "polite" });
    const table = make("table.console-table.crew-table", {}, [nodes.head, nodes.body]);
    const left = make("div.crew-list", {}, [nodes.tools, nodes.chips, make("div.crew-scroll", { tabindex: "0" }, [table, nodes.more])]);
    const rows = new Map(); // crew id -> row
    const reasons = new Map(); // crew id -> what is typed: it outlives a repaint
    let duty = {}, chosen = "", open = null, dirty = true;
    hall.fill(context.body, make("div.crew-split", {}, [left, aside]));

    const crews = () => [...hall.store.docs("crew").values()].map((event) => event.data).filter(Boolean);
    const nameOf = (crew) => hall.label(crew.label) || crew.name || crew.crew_id;
    const stateText = (state) => `${MARKS[state] || "○"} ${hall.word("crew.state", state)}`;

    // -- filters ------------------------------------------------------------------------------------------------------------

    function fits(crew) {
      const text = `${crew.crew_id} ${nameOf(crew)} ${crew.unit || ""} ${(crew.skills || []).join(" ")} ${crew.assignment || ""}`.toLowerCase();
      return (!filter.unit || crew.unit === filter.unit) && (!filter.skill || (crew.skills || []).includes(filter.skill)) && (!filter.state || crew.state === filter.state) && filter.words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
    }
    function set(name, value) {
      filter[name] = value;
      try { sessionStorage.setItem(KEPT, JSON.stringify(filter)); } catch (_) { /* kept for this page only */ }
      paint();
    }
    const search = make("input.desk-search", { type: "search", "data-search": "" });
    const selects = { unit: make("select.desk-select"), skill: make("select.desk-select") };
    search.value = filter.words;
    search.oninput = () => set("words", search.value);
    for (const [name, select] of Object.entries(selects)) select.onchange = () => set(name, select.value);
    const told = said("button.desk-button", "message.title", null, { type: "button", "data-do": "messages" });
    told.onclick = () => hall.messages.open();
    hall.fill(nodes.tools, [search, selects.unit, selects.skill, hall.may("push-to-wall") ? told : ""]);

    function paintTools(all) {
      const values = { unit: new Set(all.map((crew) => crew.unit).filter(Boolean)), skill: new Set(all.flatMap((crew) => crew.skills || [])) };
      for (const [name, select] of Object.entries(selects)) {
        const wanted = ["", ...[...values[name]].sort()];
        const key = `${hall.locale} ${wanted.join("|")}`;
        if (select.built !== key) hall.fill(select, wanted.map((value) => make("option", { value }, value || hall.t(`crewboard.all-${name}s`)))), (select.built = key);
        select.value = filter[name];
        select.setAttribute("aria-label", hall.t(`crewboard.${name}`));
      }
      search.placeholder = hall.t("crewboard.search");
      search.setAttribute("aria-label", hall.t("crewboard.search"));
      const counts = {};
      for (const crew of all) counts[crew.state] = (counts[crew.state] || 0) + 1;
      const chips = ["", ...STATES.filter((state) => counts[state])].map((state) => {
        const chip = make("button.desk-chip", { type: "button", "aria-pressed": String(filter.state === state), "data-crew-state": state }, state ? `${stateText(state)} ${counts[state]}` : `${hall.t("crewboard.all-states")} ${all.length}`);
        chip.onclick = () => set("state", state);
        return chip;
      });
      const key = chips.map((chip) => chip.textContent + chip.getAttribute("aria-pressed")).join("|");
      if (nodes.chips.built !== key) hall.fill(nodes.chips, chips), (nodes.chips.built = key);
    }

    // -- rows ---------------------------------------------------------------------------------------------------------------

    function positionText(crew) {
      const event = crew.position && hall.store.get(crew.position);
      if (!event || !event.data || event.data.lon == null) return { text: hall.t("crewboard.no-position"), old: true };
      const age = Math.max(0, hall.clock.city() - event.time);
      return { text: hall.format.duration(age), old: age > OLD_MS };
    }
    function dutyText(crew) {
      const found = duty[crew.crew_id];
      if (!found) return "";
      if (!found.on) return `○ ${hall.t("crewboard.off-shift")}`;
      return `◔ ${found.name || hall.t("crewboard.on-shift")}${found.end ? ` → ${hall.format.time(found.end)}` : ""}`;
    }
    const caseText = (crew) => (crew.assignments || []).map((one) => one.subject.split("/").pop()).join(", ");

    function buildRow(id) {
      const row = make("tr", { "data-crew": id, tabindex: "-1" });
      row.at = Object.fromEntries(COLUMNS.map((name) => [name, make("td", { "data-column": name })]));
      row.name = make("button.crew-open", { type: "button" });
      row.at.crew.append(row.name);
      row.append(...Object.values(row.at));
      row.onclick = () => choose(id);
      return row;
    }
    function paintRow(row, crew) {
      hall.setText(row.name, nameOf(crew));
      hall.setText(row.at.unit, crew.unit || "");
      const told = crew.state === "on_scene" ? null : hall.flood.arrival(crew, hall.clock.city());
      hall.setText(row.at.state, [stateText(crew.state), told && hall.flood.etaText(told.seconds, told)].filter(Boolean).join(" · "));
      row.at.state.title = told && told.why ? hall.t(`crewboard.eta-why.${told.why}`) : "";
      row.dataset.crewState = crew.state;
      hall.setText(row.at.since, crew.since ? hall.format.age(crew.since) : "–");
      hall.setText(row.at.case, caseText(crew) || (crew.reason && crew.state === "out_of_service" ? crew.reason : "–"));
      const fix = positionText(crew);
      hall.setText(row.at.position, `${fix.old ? "▲ " : ""}${fix.text}`);
      row.at.position.dataset.old = fix.old ? "1" : "";
      hall.setText(row.at.shift, dutyText(crew));
      hall.setText(row.at.skills, (crew.skills || []).join(" "));
      if (crew.crew_id === chosen) row.dataset.chosen = "1";
      else delete row.dataset.chosen;
    }

    const byState = (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || (a.since || 0) - (b.since || 0) || a.crew_id.localeCompare(b.crew_id);

    function paint() {
      dirty = false;
      const all = crews();
      paintTools(all);
      const found = all.filter(fits).sort(byState);
      const shown = found.slice(0, SHOWN);
      const wanted = new Set(shown.map((crew) => crew.crew_id));
      for (const [id, row] of rows) if (!wanted.has(id)) row.remove(), rows.delete(id);
      shown.forEach((crew, index) => {
        let row = rows.get(crew.crew_id);
        if (!row) rows.set(crew.crew_id, (row = buildRow(crew.crew_id)));
        paintRow(row, crew);
        if (nodes.body.children[index] !== row) nodes.body.insertBefore(row, nodes.body.children[index] || null);
      });
      hall.setText(nodes.more, !all.length ? hall.t("crewboard.none") : !found.length ? hall.t("crewboard.none-fits") : found.length > SHOWN ? hall.t("crewboard.more", { n: found.length - SHOWN }) : "");
      context.note(hall.t("crewboard.count", { n: found.length, of: all.length }));
    }
    function paintHead() {
      hall.fill(nodes.head, make("tr", {}, COLUMNS.map((name) => said("th", `crewboard.column.${name}`, null, { scope: "col" }))));
    }

    // -- one crew -------------------------------------------------------------------------------------------------------------

    async function choose(id) {
      chosen = id;
      paint();
      await look();
    }
    async function look() {
      const id = chosen;
      if (!id) return;
      try {
        const found = await hall.ask(`/api/v1/crews/${encodeURIComponent(id)}`);
        const older = open && open.crew.crew_id === id && found.crew.revision < open.crew.revision;
        if (id === chosen && !older) (open = found), paintDetail();
      } catch (error) {
        if (id === chosen) hall.fill(aside, make("p.form-status", { "data-failed": "1" }, hall.failed(error)));
      }
    }

    function stamps(one) {
      const done = STATES.slice(0, 5).reverse().concat(["clear"]).filter((state) => (one.stamps || {})[state] != null);
      return done.map((state) => `${hall.word("crew.state", state)} ${hall.format.seconds(one.stamps[state])}${(one.implied || []).includes(state) ? ` (${hall.t("crewboard.implied")})` : ""}`).join(" → ");
    }
    function assignmentNode(one) {
      const link = make("a", { href: `/desk?case=${encodeURIComponent(one.subject.replace(/^file/, "case"))}&lang=${hall.locale}` }, one.subject.split("/").pop());
      return make("li", {}, [make("b", {}, stateText(one.state)), " ", link, make("p", {}, stamps(one)), one.by ? make("p", {}, hall.t("crewboard.by", { who: one.by })) : ""]);
    }

    async function send(move, subject, reason, status) {
      const { crew_id: id, revision } = open.crew; // the crew that is shown: another one may be chosen and not here yet
      const body = { id: newId(), move, reason, revision, data: subject ? { subject } : {} };
      hall.say(status, () => hall.t("shift.asking"));
      try {
        await hall.ask(`/api/v1/crews/${encodeURIComponent(id)}/commands`, { method: "POST", body });
        reasons.delete(id);
        aside.said = { move, crew: id, at: hall.clock.city() };
      } catch (error) {
        return void hall.say(status, () => hall.failed(error), true);
      }
      await look();
    }

    function moves(status) {
      const crew = open.crew;
      const list = crew.assignments || [];
      const which = make("select.desk-select", { "aria-label": hall.t("crewboard.column.case") }, list.map((one) => make("option", { value: one.subject }, `${one.subject.split("/").pop()} · ${hall.word("crew.state", one.state)}`)));
      which.value = crew.assignment || (list[0] || {}).subject || "";
      const reason = make("input.desk-input.is-wide", { maxlength: "500", placeholder: hall.t("crewboard.reason"), "aria-label": hall.t("crewboard.reason") });
      reason.value = reasons.get(crew.crew_id) || "";
      reason.oninput = () => reasons.set(crew.crew_id, reason.value);
      const buttons = open.allowed.map(({ move, reason: needed }) => {
        const button = make("button.desk-button", { type: "button", "data-move": move }, `${hall.word("crew.move", move)}${needed ? " *" : ""}`);
        button.onclick = () => {
          if (needed && !reason.value.trim()) return hall.say(status, () => hall.t("crewboard.reason-missing"), true), reason.focus();
          send(move, ["out_of_service", "in_service"].includes(move) ? "" : which.value, reason.value.trim(), status);
        };
        return button;
      });
      if (!buttons.length) return [said("p.desk-empty", "crewboard.no-moves")];
      return [said("h3", "crewboard.by-radio"), list.length > 1 ? which : "", make("div.crew-moves", {}, buttons), reason];
    }

    function messageButton(crew) {
      const button = said("button.desk-button", "message.to-one", null, { type: "button", "data-do": "message" });
      button.onclick = () => hall.messages.write({ crews: [crew.crew_id] });
      return button;
    }
    function paintDetail() {
      if (!open) return;
      const crew = open.crew;
      const status = make("p.form-status", { role: "status" });
      const typing = aside.contains(document.activeElement) && document.activeElement.matches("input.desk-input");
      if (aside.said && aside.said.crew === crew.crew_id && hall.clock.city() - aside.said.at < 8000) hall.say(status, () => `✓ ${hall.word("crew.move", aside.said.move)}`);
      const fact = (key, value) => (value ? [said("dt", key), make("dd", {}, value)] : []);
      const members = (crew.present || crew.members || []).map((one) => [one.name, one.role, one.phone].filter(Boolean).join(" ")).join(", ");
      const equipment = (crew.equipment || []).map((item) => `${item.name}${item.count != null && item.count !== 1 ? ` × ${item.count}` : ""}`).join(", ");
      hall.fill(aside, [
        make("h2", {}, nameOf(crew)), make("p.crew-state", { "data-crew-state": crew.state }, `${stateText(crew.state)} · ${crew.since ? hall.t("shift.since", { time: hall.format.seconds(crew.since) }) : ""}`), status,
        hall.messages.may() ? messageButton(crew) : "",
        make("ul.crew-assignments", {}, (crew.assignments || []).map(assignmentNode)), ...moves(status),
        make("dl.case-fields", {}, [...fact("crewboard.unit", crew.unit), ...fact("crewboard.column.skills", (crew.skills || []).join(" ")), ...fact("crewboard.members", members), ...fact("crewboard.equipment", equipment), ...fact("crewboard.column.position", positionText(crew).text), ...fact("crewboard.column.shift", dutyText(crew)), ...fact("crewboard.reason", crew.state === "out_of_service" ? crew.reason : ""), ...fact("crewboard.note", crew.note)]),
      ]);
      if (typing) aside.querySelector("input.desk-input")?.focus();
    }

    // -- life -----------------------------------------------------------------------------------------------------------------

    async function readDuty() {
      const found = await hall.ask("/api/v1/crew-duty").catch(() => null);
      if (found) (duty = found.crews), (dirty = true);
    }
    paintHead();
    hall.fill(aside, said("p.desk-empty", "crewboard.choose"));
    readDuty();
    const timer = setInterval(readDuty, DUTY_MS);
    let soon = 0;
    function update(changes) {
      dirty = true;
      if (!soon) soon = setTimeout(() => ((soon = 0), dirty && paint()), 100);
      const event = changes.find((one) => one.subject === `crew/${chosen}`);
      if (event && event.data && open && event.data.revision !== open.crew.revision) look();
    }
    function locale() {
      paintHead();
      nodes.chips.built = "";
      paint();
      paintDetail();
    }
    return { update, tick: paint, locale, unmount: () => (clearInterval(timer), clearTimeout(soon)) };
  });
})();

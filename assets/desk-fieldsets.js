/* Controls of the forms that show a list of their own: crews by rank, the case to merge into, photos. */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const FIRST = 4; // crews shown before "more"

  desk.metres = (m) => (m < 1000 ? `${hall.format.number(m)} m` : `${hall.format.number(m / 1000, 1)} km`);

  /** Values of a reason as text: lists are joined, amounts by name are written out. */
  function flat(values) {
    const text = (value) => (Array.isArray(value) ? value.join(", ") : value && typeof value === "object" ? Object.entries(value).map(([name, n]) => `${name} ${n}`).join(", ") : value ?? "");
    return Object.fromEntries(Object.entries(values || {}).map(([name, value]) => [name, text(value)]));
  }
  /** A reason: {code, values, seconds}; the seconds that it adds to the travel time are said where there are any. */
  desk.whyText = function (why) {
    if (typeof why === "string") return hall.word("desk.why", why);
    const key = [`crew.why.${why.code}`, `desk.why.${why.code}`].find(hall.knows);
    const said = (key ? hall.t(key, flat(why.values || why)) : String(why.code)).replace(/\s*\{\w+\}/g, ""); // what has no value is not said
    const minutes = (why.seconds || 0) / 60;
    return ["road", "no_network"].includes(why.code) || Math.abs(minutes) < 0.5 ? said : `${said} (${minutes > 0 ? "+" : "−"}${hall.format.number(Math.abs(minutes), 0)} ${hall.t("desk.minutes")})`;
  };
  /** Why a crew stands where it stands in the ranking, or why it is not in it. */
  desk.crewWhy = function (found) {
    if (!found.excluded) return (found.why || []).map(desk.whyText).filter(Boolean);
    const key = `crew.excluded.${found.excluded}`;
    return [`✕ ${hall.knows(key) ? hall.t(key, flat(found.values)) : found.excluded}`];
  };
  desk.rankedCrews = (subject, signal) => hall.ask(`/api/v1/files/${desk.address(subject)}/crews`, { signal }).then((answer) => Object.assign([...(answer.ranked || []), ...(answer.excluded || [])], { first: answer.first || 0 }));

  function crewOption(found, index, checked) {
    const id = found.crew || found.crew_id || found.id;
    const input = make("input", { type: "checkbox", value: id });
    input.checked = checked;
    const name = found.name || hall.label(found.label) || desk.crewName(id);
    const state = found.state ? hall.word("crew.state", found.state) : "";
    const words = make("span.crew-words", {}, [make("b", {}, name), make("span", {}, [state, ...desk.crewWhy(found)].filter(Boolean).join(" · "))]);
    const label = make("label.crew-option", { "data-rank": index + 1, "data-excluded": found.excluded ? "1" : null }, [input, make("span.crew-rank", {}, found.excluded ? "–" : String(index + 1)), words]);
    return { input, label, id };
  }

  function crews({ view, move, form, needed }) {
    const box = make("div.field-crews", { role: "group", "aria-label": hall.t("desk.data.crews") });
    let options = [];
    let found = [];
    let wish = null;
    const chosen = () => options.filter(({ input }) => input.checked).map(({ id }) => id);
    /** Whoever sends a crew beyond the first of the ranking says why; the hall asks for it too (hall/app/overriding.py). */
    function override() {
      const other = form.field("override");
      if (!other) return;
      const sent = chosen();
      const ranked = found.filter((one) => !one.excluded).map((one) => one.crew);
      const first = ranked.slice(0, Math.max(found.first || 0, sent.length));
      const own = (hall.page.who || {}).role === "department"; // a department sends its own crews as it likes
      const advised = first.length > 0 || found.some((one) => one.excluded !== "position_unknown");
      other.needed = !own && advised && sent.some((id) => !first.includes(id));
      other.row.hidden = !other.needed;
    }
    function show(ranked, first) {
      found = ranked;
      options = found.map((one, index) => crewOption(one, index, wish ? wish.includes(one.crew || one.crew_id || one.id) : first && index === 0 && !one.excluded));
      const nodes = options.map(({ label }) => label);
      nodes.slice(FIRST).forEach((node) => (node.hidden = true));
      if (nodes.length > FIRST) {
        const more = said("button.desk-chip", "desk.crews-more", { n: nodes.length - FIRST }, { type: "button" });
        more.onclick = () => (nodes.forEach((node) => (node.hidden = false)), more.remove());
        nodes.push(more);
      }
      hall.fill(box, nodes.length ? nodes : said("span.desk-empty", "desk.crews-none"));
      override();
    }
    box.onchange = override;
    let ready;
    if (move.move === "unassign") {
      const at = (view.file.crews || []).filter((work) => work.state !== "clear");
      show(at.map((work) => ({ crew: work.crew, state: work.state })), at.length === 1);
      ready = Promise.resolve();
    } else {
      hall.fill(box, said("span.desk-empty", "desk.reading"));
      ready = desk.rankedCrews(view.subject).then((ranked) => show(ranked, true)).catch((error) => hall.fill(box, make("span.desk-empty", {}, hall.failed(error))));
    }
    return {
      node: box, ready, get: () => (chosen().length ? chosen() : undefined),
      set: (value) => { wish = value || null; options.forEach(({ input, id }) => (input.checked = !!wish && wish.includes(id))); override(); },
      focus: () => { const first = box.querySelector("input"); if (first) first.focus(); },
      needed, first: () => found.find((one) => chosen().includes(one.crew)) || null,
    };
  }

  /** Probable duplicates first, with why; any other open case by its number. */
  function into({ view }) {
    const made = desk.fields.offered(() => hall.ask(`/api/v1/files/${desk.address(view.subject)}/duplicates`).then((answer) => (answer.cases || answer.duplicates || answer).map((one) => {
      const doc = one.case || one;
      const subject = one.subject || doc.subject;
      return { value: subject ? desk.numberOf(subject) : doc.case_id, label: [doc.description, doc.distance_m != null ? desk.metres(doc.distance_m) : ""].filter(Boolean).join(" · ") };
    })), { placeholder: hall.t("desk.into-hint") });
    const subjectOf = (text) => {
      if (!text) return undefined;
      if (text.startsWith("file/")) return text;
      for (const row of desk.rows.open.values()) if (row.number === text && row.subject !== desk.rows.caseOf(view.subject)) return desk.rows.fileOf(row.subject);
      return `file/${view.file.feed || view.subject.split("/")[1]}/${text}`;
    };
    return { ...made, get: () => subjectOf(made.get()), set: (value) => made.set(value && value.startsWith("file/") ? desk.numberOf(value) : value) };
  }

  const USAGES = ["before", "after", "check", "near", "far", "report", "other"];
  const USAGE_OF = { feed_back: "after", report_check: "check", report_verify: "check" };
  function photos({ view, move }) {
    const usage = make("select.desk-select", { "aria-label": hall.t("desk.photo-usage") }, USAGES.map((name) => make("option", { value: name }, hall.t(`desk.usage.${name}`))));
    usage.value = USAGE_OF[move.move] || "other";
    const box = make("div.field-photos");
    const sent = desk.uploader({ box, usage: () => usage.value });
    return {
      node: make("div.field-group", {}, [make("div.field-photo-row", {}, [usage, sent.button]), box]),
      get: () => (sent.list().length ? sent.list() : undefined), set: (value) => sent.restore(value || []), focus: () => sent.button.focus(), busy: sent.busy, add: sent.add,
      view,
    };
  }

  Object.assign(desk.fields.makers, { crews, into, photos });
})();

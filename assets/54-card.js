/* The large card of a case: number, class, place, state, clock, owner, unit, crews with their stamps, nearest cameras, history.
 *
 * hall.caseCard(subject, box)   {node, ready, tick, remove}: lives from the store and from /api/v1/card
 * hall.card.open(subject, others)   shows it on this wall, because somebody touched the case; hall.card.camera(subject)
 * hall.card.close(), hall.card.usedBy()   who is signed in at an open card ("" = nobody)
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, setText, format } = hall;
  const ENDED = new Set(["closed", "forced_close", "not_accepted", "cancelled"]);
  const CAMERAS = 2;
  const NEAR_METRES = 2000;
  const HISTORY = 8;
  const IDLE_MS = 90000; // a card nobody touches goes away, so that the wall is the wall again
  const ASK_MS = 400; // at most so often the hall is asked for a case that changes
  const AGAIN_MS = 4000;

  const fileOf = (subject) => `file${subject.slice(4)}`;
  const path = (subject) => subject.split("/").slice(1).map(encodeURIComponent).join("/");

  // -- the clock: shape, word and colour say how it stands -----------------------------------------------------------------

  hall.caseClock = function (doc, file) {
    const clock = (file && file.clock) || (doc.due == null ? null : { due: doc.due });
    if (!clock) return { level: "none", text: hall.t("card.clock.none"), label: "" };
    const label = clock.label || "";
    if (ENDED.has(doc.state)) return { level: "ended", text: hall.t("card.clock.ended"), label };
    if (clock.stopped_at != null) return { level: "stopped", text: hall.t("card.clock.stopped"), label };
    const now = hall.clock.city();
    const left = hall.show.clockText(Math.abs(clock.due - now));
    const days = Math.floor(Math.abs(clock.due - now) / 86400000);
    const n = days > 2 ? hall.t("age.days", { n: days }) : left;
    if (clock.twice != null && now >= clock.twice) return { level: "twice", text: hall.t("card.clock.twice", { n }), label };
    if (now >= clock.due) return { level: "over", text: hall.t("card.clock.over", { n }), label };
    if (clock.near != null && now >= clock.near) return { level: "near", text: hall.t("card.clock.near", { n }), label };
    return { level: "running", text: hall.t("card.clock.left", { n }), label };
  };
  const CLOCK_MARKS = { none: "○", ended: "✓", stopped: "‖", running: "●", near: "▲", over: "■", twice: "■■" };

  // -- what lies around ------------------------------------------------------------------------------------------------------

  const crewDoc = (id) => (hall.store.get(`crew/${id}`) || {}).data || {};
  const crewName = (id) => hall.label(crewDoc(id).label) || crewDoc(id).name || id;

  // -- history in words ------------------------------------------------------------------------------------------------------

  /** A move's name, `done` as something that was done, in the reader's language. */
  hall.moveText = function (move, done) {
    const known = [...(done ? [`case.move.${move}.past`] : []), `case.move.${move}`, `desk.move.${move}`].find(hall.knows);
    return known ? hall.t(known) : move;
  };
  function entryText(entry) {
    const who = entry.kind === "system" ? hall.t("card.hall") : `${entry.who}${entry.role ? ` (${hall.word("desk.role", entry.role)})` : ""}`;
    const at = (entry.desk || "").startsWith("wall:") ? hall.t("card.at-wall", { wall: entry.desk.slice(5) }) : "";
    return [hall.moveText(entry.move, true), who, at, entry.reason].filter(Boolean).join(" · ");
  }

  // -- the card --------------------------------------------------------------------------------------------------------------

  hall.caseCard = function (subject, box) {
    const nodes = { head: make("header.card-head"), clock: make("div.card-clock"), facts: make("dl.card-facts"), text: make("p.card-text"),
      crews: make("ul.card-crews"), cameras: make("div.card-cameras"), pointing: make("div.video-pointing-holder"), history: make("ol.card-history"), moves: make("div.card-moves") };
    const left = make("div.card-left", {}, [nodes.clock, nodes.text, nodes.facts]);
    const right = make("div.card-right", {}, [nodes.crews, nodes.cameras, nodes.pointing]);
    const node = make("article.case-card", { "data-subject": subject }, [nodes.head, make("div.card-middle", {}, [left, right]), nodes.history, nodes.moves]);
    const card = { subject, node, view: null, fault: null, doc, file, refresh: () => ask(true), box };
    const told = (rows, place) => nodes.pointing.replaceChildren(...[hall.video.pointing(place, rows)].filter(Boolean));
    const cameras = hall.video.beside(nodes.cameras, { count: CAMERAS, metres: NEAR_METRES, why: subject, told });
    let asked = -Infinity;
    let timer = 0;
    let removed = false;
    hall.link.want(["case", "file", "crew", "channel"]);

    function doc() {
      const event = hall.store.get(subject);
      return event ? event.data : card.view ? card.view.case : null;
    }
    function file() {
      const event = hall.store.get(fileOf(subject));
      return event ? event.data : card.view ? card.view.file : null;
    }

    /** Asks the hall for history and moves; the newest question counts. */
    async function ask(now) {
      clearTimeout(timer);
      if (removed) return;
      const wait = now ? 0 : Math.max(0, asked + ASK_MS - performance.now());
      if (wait > 0) return void (timer = setTimeout(ask, wait, true));
      const mine = (asked = performance.now());
      try {
        const view = await hall.acting.ask(`/api/v1/card/${path(subject)}`);
        if (mine === asked) [card.view, card.fault] = [view, null];
      } catch (error) {
        if (mine === asked) card.fault = error;
        if (mine === asked && !removed && error.status !== 404) timer = setTimeout(ask, AGAIN_MS, true);
      }
      if (mine === asked && !removed) paint();
    }

    function paintHead(found) {
      const severity = make("span.card-severity");
      hall.severity.mark(severity, found.severity || 0);
      const parts = [severity, make("strong.card-number", {}, found.case_id), make("span.card-class", {}, [found.class_name, found.subclass_name].filter(Boolean).join(" · "))];
      const state = found.state || "reported";
      parts.push(make("span.card-state", { "data-ended": ENDED.has(state) ? "1" : "" }, hall.word("case", state)));
      if ((file() || {}).emergency) parts.push(make("span.card-emergency", {}, `◆ ${hall.t("card.emergency")}`));
      nodes.head.replaceChildren(...parts);
    }

    function paintClock() {
      const found = doc();
      if (!found) return;
      const { level, text, label } = hall.caseClock(found, file());
      if (nodes.clock.dataset.level !== level) nodes.clock.dataset.level = level;
      if (!nodes.clock.firstChild) nodes.clock.append(make("b"), make("span"));
      setText(nodes.clock.firstChild, `${CLOCK_MARKS[level]} ${text}`);
      setText(nodes.clock.lastChild, label);
    }

    function paintFacts(found, its) {
      const place = [found.district, found.address].filter(Boolean).join(" · ") || hall.t("case.nowhere");
      const owner = its && its.owner ? `${its.owner}${its.owner_role ? ` (${hall.word("desk.role", its.owner_role)})` : ""}` : hall.t("card.nobody");
      const rows = [["place", place], ["owner", owner], ["unit", (its && its.unit) || found.unit || hall.t("card.nobody")]];
      const reported = (found.stages || {}).reported;
      if (reported) rows.push(["reported", `${format.day(reported)} ${format.time(reported)}`]);
      if (its && its.urges && its.urges.length) rows.push(["urge", hall.t("card.urged", { n: its.urges.length })]);
      nodes.facts.replaceChildren(...rows.flatMap(([key, value]) => [make("dt", {}, hall.t(`card.${key}`)), make("dd", {}, value)]));
      setText(nodes.text, found.description || "");
    }

    function paintCrews(its) {
      const rows = ((its && its.crews) || []).map((work) => {
        const stamps = ((crewDoc(work.crew).assignments || []).find((one) => one.subject === fileOf(subject)) || {}).stamps || { [work.state]: work.at };
        const told = Object.entries(stamps).sort((a, b) => a[1] - b[1]).map(([state, at]) => `${hall.word("card.crew", state)} ${format.time(at)}`);
        return make("li", { "data-state": work.state }, [make("b", {}, crewName(work.crew)), make("span.card-crew-state", {}, hall.word("card.crew", work.state)), make("span.card-stamps", {}, told.slice(-4).join("  →  "))]);
      });
      nodes.crews.replaceChildren(make("li.card-title", {}, hall.t("card.crews")), ...(rows.length ? rows : [make("li.faint", {}, hall.t("card.no-crew"))]));
    }

    function paintHistory() {
      const entries = ((card.view && card.view.entries) || []).slice(-HISTORY).reverse();
      const lines = entries.map((entry) => make("li", {}, [make("time", {}, `${format.day(entry.time)} ${format.seconds(entry.time)}`), make("span", {}, entryText(entry))]));
      const none = card.fault && card.fault.status !== 404 ? `✕ ${hall.why(card.fault)}` : card.view || card.fault ? hall.t("card.no-history") : hall.t("rows.waiting");
      nodes.history.replaceChildren(...(lines.length ? lines : [make("li.faint", {}, none)]));
      // whole lines only: what does not fit is not shown in half
      for (const line of [...nodes.history.children].slice(1)) line.hidden = line.offsetTop + line.offsetHeight > nodes.history.offsetTop + nodes.history.clientHeight + 1;
    }

    function paint() {
      const found = doc();
      node.dataset.known = found ? "1" : "";
      if (!found) {
        nodes.head.replaceChildren(make("strong.card-number", {}, subject.split("/").slice(2).join("/")), make("span.faint", {}, hall.t(card.fault ? "card.unknown" : "rows.waiting")));
        return paintHistory();
      }
      const its = file();
      paintHead(found);
      paintClock();
      paintFacts(found, its);
      paintCrews(its);
      cameras.show(found);
      if (hall.cardMoves) hall.cardMoves.paint(card, nodes.moves);
      paintHistory();
    }

    const off = hall.store.on(["case", "file", "crew", "channel"], (changes) => {
      const own = changes.some((event) => event.subject === subject || event.subject === fileOf(subject));
      if (own) ask(false);
      if (own || changes.some((event) => !event.subject.startsWith("case/") && !event.subject.startsWith("file/"))) paint();
    });
    const offActing = hall.acting.on(() => ask(true));
    const ready = ask(true);
    requestAnimationFrame(paint); // once it has a size
    return Object.assign(card, {
      ready,
      paint,
      tick: paintClock,
      remove() {
        removed = true;
        clearTimeout(timer);
        off();
        offActing();
        cameras.remove();
      },
    });
  };

  hall.show.content("case", (push, frame) => hall.caseCard(push.content.subject, frame.box));

  // -- touched at the wall ---------------------------------------------------------------------------------------------------

  let open = null; // {subject, content, frame, touched}

  function stand(content, others, subject) {
    const box = hall.wall.block(hall.wall.part);
    const shut = make("button.card-close", { type: "button", "aria-label": hall.t("card.close") }, `✕ ${hall.t("card.close")}`);
    shut.onclick = () => hall.card.close();
    const bar = make("div.card-bar", {}, [...pager(others, subject), shut]);
    const frame = make("section.show-frame.is-touched", { role: "dialog", "data-what": "case" }, make("div.show-body", {}, content(box)));
    for (const side of ["left", "top", "width", "height"]) frame.style[side] = `${box[side]}px`;
    frame.append(bar);
    return frame;
  }

  /** Cases that stand under the same symbol: one after the other. */
  function pager(others, subject) {
    const all = (others || []).filter((one) => one.startsWith("case/"));
    const at = all.indexOf(subject);
    if (all.length < 2 || at < 0) return [];
    const to = (step) => () => hall.card.open(all[(at + step + all.length) % all.length], all);
    const [before, after] = [make("button.card-close", { type: "button", "aria-label": hall.t("card.before") }, "‹"), make("button.card-close", { type: "button", "aria-label": hall.t("card.after") }, "›")];
    [before.onclick, after.onclick] = [to(-1), to(1)];
    return [before, make("span", {}, `${at + 1} / ${all.length}`), after];
  }

  function show(subject, others, content) {
    if (!hall.show.layer()) return false;
    hall.card.close();
    let made = null;
    const frame = stand((box) => (made = content(box)).node, others, subject);
    open = { subject, content: made, frame, touched: performance.now() };
    frame.addEventListener("pointerdown", () => open && (open.touched = performance.now()));
    hall.show.layer().append(frame);
    return true;
  }

  hall.card = {
    open: (subject, others) => show(subject, others, (box) => hall.caseCard(subject, box)),
    camera(subject) {
      hall.link.want(["channel", "picture"]);
      return show(subject, null, () => hall.video.live(subject, { large: true, why: `wall:${hall.page.wall.name}` }));
    },
    shown: () => open && open.subject,
    close() {
      if (!open) return;
      if (open.content.remove) open.content.remove();
      open.frame.remove();
      open = null;
    },
    usedBy: () => (open && hall.acting.who() ? hall.acting.who().display || hall.acting.who().name : ""),
  };

  setInterval(() => {
    if (!open) return;
    if (open.content.tick) open.content.tick();
    if (!hall.acting.who() && performance.now() - open.touched > IDLE_MS) hall.card.close();
  }, 1000);

  document.addEventListener("click", (event) => {
    if (!hall.page.wall || !event.target.closest || event.target.closest(".show-layer")) return;
    const row = event.target.closest("[data-subject]");
    if (row && row.dataset.subject.startsWith("case/")) hall.card.open(row.dataset.subject, [...row.parentNode.querySelectorAll("[data-subject]")].filter((one) => !one.hidden).map((one) => one.dataset.subject));
    else if (row && row.dataset.subject.startsWith("channel/")) hall.card.camera(row.dataset.subject);
  });
  hall.onLocale(() => open && open.content.paint && open.content.paint());
})();

/* What stands around a case: the tabs of the detail, each filled when it is opened and again when it may have changed.
 *
 * desk.tabs   [{name, key, fill(view, {signal}) -> nodes | promise of nodes, count(view)}]
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const RADII = [200, 500, 1000, 3000];
  const MOST = 40;
  const PICTURES = 2;
  let radius = 500;
  const versions = new Map(); // case subject -> supplier's versions, of the case shown last

  const empty = (key) => [said("p.desk-empty", key)];
  const of = (view, what, query, signal) => hall.ask(`/api/v1/files/${desk.address(view.subject)}/${what}${query || ""}`, { signal });

  /** Rows of the API about other things: {subject, ...fields} or {subject, case: {...}}. */
  function plain(item) {
    const doc = { ...item, ...(item.case || item.data || {}) };
    return { ...doc, subject: item.subject || doc.subject, distance_m: item.distance_m ?? item.distance ?? null };
  }
  const listOf = (answer, ...names) => (Array.isArray(answer) ? answer : names.map((name) => answer[name]).find(Array.isArray) || []).map(plain);

  function caseRow(doc, more) {
    const open = make("button.near-open", { type: "button" }, [make("b", {}, doc.case_id || desk.numberOf(doc.subject)), make("span.near-state", {}, hall.word("desk.state", doc.state || "reported"))]);
    open.onclick = () => desk.choose(desk.rows.caseOf(doc.subject));
    const reported = doc.reported ?? (doc.stages || {}).reported;
    const words = [doc.subclass_name || doc.class_name, doc.description, reported != null ? hall.t("desk.reported-at", { at: desk.shortMoment(reported) }) : ""].filter(Boolean).join(" · ");
    const far = doc.distance_m == null ? "" : desk.metres(doc.distance_m);
    return make("li.near", { "data-subject": doc.subject }, [make("span.near-far", {}, far), open, make("span.near-words", {}, words), ...(more || [])]);
  }

  function section(key, nodes) {
    return nodes.length ? [said("h3.tab-title", key, { n: nodes.length }), make("ul.near-list", {}, nodes)] : [];
  }

  function camera(item) {
    const state = item.state === "online" ? "" : ` · ${hall.word("channel", item.state || "unknown")}`;
    return make("li.near", {}, [make("span.near-far", {}, desk.metres(item.distance_m || 0)), make("b", {}, item.name || item.channel_id || item.subject), make("span.near-words", {}, `${item.owner || ""}${state}`)]);
  }

  /** Live pictures of the nearest cameras; they end by themselves when the tab is painted anew. */
  function pictures(view, cameras) {
    const nodes = hall.video.learn(cameras).filter((item) => item.state !== "offline").slice(0, PICTURES).map((item) => {
      const live = hall.video.live(item.subject, { why: view.subject, quality: "sub", passing: true });
      return make("figure.near-picture", {}, [live.node, make("figcaption", {}, desk.metres(item.distance_m || 0))]);
    });
    return nodes.length ? [make("div.near-pictures", {}, nodes)] : [];
  }

  async function around(view, { signal, again }) {
    const chips = RADII.map((metres) => {
      const chip = make("button.desk-chip", { type: "button", "aria-pressed": String(metres === radius) }, desk.metres(metres));
      chip.onclick = () => ((radius = metres), again());
      return chip;
    });
    const bar = make("div.desk-row", { role: "group", "aria-label": hall.t("desk.radius") }, [said("span", "desk.radius"), ...chips]);
    if (view.case.lon == null) return [bar, ...empty("desk.place.unknown")];
    const answer = await of(view, "around", `?radius=${radius}`, signal);
    const cameras = listOf(answer.cameras || []);
    const crews = listOf(answer.crews || []).map((item) => make("li.near", {}, [make("span.near-far", {}, desk.metres(item.distance_m || 0)), make("b", {}, hall.label(item.label) || item.name || item.crew_id || item.subject), make("span.near-words", {}, [item.state && hall.word("crew.state", item.state), item.unit].filter(Boolean).join(" · "))]));
    const sensors = listOf(answer.sensors || []).map((item) => make("li.near", {}, [make("span.near-far", {}, desk.metres(item.distance_m || 0)), make("b", {}, item.name || item.sensor_id || item.subject), make("span.near-words", {}, hall.word("quantity", item.quantity || ""))]));
    const cases = listOf(answer.cases || []).filter((item) => item.subject !== view.subject && item.subject !== desk.rows.caseOf(view.subject)).slice(0, MOST).map((doc) => caseRow(doc));
    desk.tell("around", { view, radius });
    const found = [...pictures(view, cameras), ...section("desk.near-cases", cases), ...section("desk.near-crews", crews), ...section("desk.near-cameras", cameras.slice(0, MOST).map(camera)), ...section("desk.near-sensors", sensors)];
    return [bar, ...(found.length ? found : empty("desk.near-none"))];
  }

  async function premise(view, { signal }) {
    const rows = listOf(await of(view, "premise", "", signal), "cases", "premise").slice(0, MOST).map((doc) => caseRow(doc));
    return rows.length ? [make("ul.near-list", {}, rows)] : empty("desk.premise-none");
  }

  const allowed = (view, move) => view.allowed.find((one) => one.move === move);

  function duplicateRow(view, doc) {
    const why = (doc.why || []).map(desk.whyText);
    const parts = [make("span.near-why", {}, [doc.score != null ? hall.t("desk.score", { n: hall.format.number(doc.score <= 1 ? doc.score * 100 : doc.score) }) : "", ...why].filter(Boolean).join(" · "))];
    const merge = allowed(view, "merge");
    if (merge) {
      const button = said("button.desk-button", "desk.merge-into", null, { type: "button" });
      button.onclick = () => desk.form.start(merge, view, { given: { into: desk.rows.fileOf(doc.subject) } });
      parts.push(button);
    }
    return caseRow(doc, parts);
  }
  async function duplicates(view, { signal }) {
    const found = listOf(await of(view, "duplicates", "", signal), "cases", "duplicates");
    return found.length ? [make("ul.near-list", {}, found.slice(0, MOST).map((doc) => duplicateRow(view, doc)))] : empty("desk.duplicates-none");
  }

  async function crews(view, { signal }) {
    const found = await desk.rankedCrews(view.subject, signal);
    const move = allowed(view, "assign") || allowed(view, "dispatch");
    const rows = found.slice(0, MOST).map((crew, index) => {
      const id = crew.crew || crew.crew_id || crew.id;
      const parts = [make("span.crew-rank", {}, crew.excluded ? "–" : String(index + 1)), make("b", {}, crew.name || hall.label(crew.label) || desk.crewName(id)), make("span.near-words", {}, [crew.state && hall.word("crew.state", crew.state), ...desk.crewWhy(crew)].filter(Boolean).join(" · "))];
      if (move && !crew.excluded) {
        const button = make("button.desk-button", { type: "button" }, desk.moveName(move.move));
        button.onclick = () => desk.form.start(move, view, { given: { crews: [id] } });
        parts.push(button);
      }
      return make("li.near", { "data-excluded": crew.excluded ? "1" : null }, parts);
    });
    return rows.length ? [make("ol.near-list", {}, rows)] : empty("desk.crews-none");
  }

  function tasks(view) {
    const linked = [["desk.task-parent", view.file.parent ? [view.file.parent] : []], ["desk.task-children", view.file.children || []], ["desk.task-absorbed", view.file.absorbed || []], ["desk.task-into", view.file.merged_into ? [view.file.merged_into] : []]];
    const nodes = linked.flatMap(([key, subjects]) => section(key, subjects.map((subject) => {
      const event = hall.store.get(desk.rows.caseOf(subject));
      const row = desk.rows.open.get(desk.rows.caseOf(subject));
      return caseRow({ ...((event && event.data) || {}), state: row ? row.state : (event && event.data.state) || "closed", subject });
    })));
    return nodes.length ? nodes : empty("desk.tasks-none");
  }

  async function history(view, { signal }) {
    const subject = desk.rows.caseOf(view.subject);
    if (!versions.has(subject)) {
      versions.clear();
      const found = await hall.ask(`/api/v1/cases/${subject.split("/").map(encodeURIComponent).join("/")}`, { signal }).catch(() => null);
      if (found) versions.set(subject, found.history || []);
    }
    return [desk.historyNode(view, versions.get(subject) || [])];
  }

  function photos(view) {
    const found = view.file.photos || [];
    const nodes = found.length ? [make("div.photos", {}, desk.photoNodes(found))] : empty("desk.photos-none");
    return allowed(view, "attach") ? [desk.attachBox(view), ...nodes] : nodes;
  }

  /** Uploads and attaches at once: a picture needs no form. */
  desk.attachBox = function (view) {
    const box = make("div.field-photos");
    const attach = (media) => hall.commands.send({ subject: view.subject, move: "attach", data: { photos: [media] } });
    const sent = desk.uploader({ box, usage: () => "other", done: attach });
    const node = make("div.photo-add", {}, [sent.button, said("span.desk-empty", "desk.photo-hint"), box]);
    node.add = sent.add;
    return node;
  };

  const known = (list) => (list || []).length;
  desk.tabs = [
    { name: "facts", fill: (view) => [desk.facts.timeline(view.case), desk.facts.fields(view.case, view.file)] },
    { name: "history", fill: history, count: (view) => view.entries.length },
    { name: "photos", fill: photos, count: (view) => known(view.file.photos) },
    { name: "around", fill: around },
    { name: "crews", fill: crews },
    { name: "duplicates", fill: duplicates },
    { name: "premise", fill: premise },
    { name: "tasks", fill: tasks, count: (view) => known(view.file.children) + known(view.file.absorbed) + (view.file.parent ? 1 : 0) },
  ];
})();

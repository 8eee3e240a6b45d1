/* Places that the crew closes or looks at, and tasks of a response that it was handed: a card each, with its sheets.
 *
 * field.placeCard(place), field.givenCard(task)   elements; their buttons add actions to the queue
 * A phone says where it is. From further away than the hall allows, without a position or without a photo, it asks why.
 */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const label = (words, otherwise) => (words && (words[field.locale] || Object.values(words)[0])) || otherwise || "";
  const cm = (metres) => field.t("field.unit.cm", { n: Math.round(metres * 100) });
  const underWay = (subject) => field.queue.of(subject).filter((item) => item.state === "waiting" || item.state === "sending");

  // -- sheets -------------------------------------------------------------------------------------------------------

  /** Where the phone is now, against the place: `{part, missing(), data()}`; `missing` says what the crew has to explain. */
  function whereabouts(place, changed) {
    const part = make("p.whereabouts", { role: "status" }, field.t("field.position.searching"));
    let here = null;
    let asked = true;
    const away = () => (place.lon === undefined || !here ? 0 : field.metres(here, place));
    const far = () => away() - (here ? here.accuracy || 0 : 0) > (place.near_metres || Infinity);
    function paint() {
      if (asked) return;
      const n = field.distance(away());
      const key = !here ? "none" : place.lon === undefined ? "known" : far() ? "far" : "near";
      part.textContent = field.t(`field.where.${key}`, { distance: n, most: field.distance(place.near_metres || 0) });
      part.dataset.state = key;
      changed(key === "far" || key === "none");
    }
    field.position.once().then((found) => ((here = found), (asked = false), paint()));
    return {
      part,
      missing: () => (place.lon === undefined ? "" : !here ? "none" : far() ? "far" : ""),
      data: () => (here ? { position: { lon: here.lon, lat: here.lat }, accuracy: Math.round(here.accuracy || 0) } : {}),
    };
  }

  const words = (move) => field.t(`field.do.${move}`);
  const ready = (text, names) => make("div.choices", {}, names.map((key) => make("button.choice", { type: "button", onclick: () => ((text.node.value = field.t(key)), text.node.oninput()) }, field.t(key))));

  function sheet(place, move, { photoNeeded, reasonNeeded, reasons = [], data = {}, depth } = {}) {
    const shots = field.sheets.photos("after", field.t("field.photos.place"));
    const text = field.sheets.typed(`field-text-${move}-${place.subject}`, field.t(reasonNeeded ? "field.reason" : "field.note"));
    const where = whereabouts(place, (asksWhy) => (text.part.firstChild.textContent = field.t(asksWhy || reasonNeeded ? "field.reason" : "field.note")));
    const water = depth ? make("input", { type: "number", inputmode: "numeric", min: "0", max: "2000", id: "sheet-depth" }) : null;
    const parts = [make("p.place", {}, label(place.label, place.name)), where.part, shots.part];
    if (water) parts.push(make("label.field", { for: "sheet-depth" }, [field.t("field.depth-cm"), water]));
    field.sheets.open(words(move === "verify" ? `verify.${data.found}` : move), [...parts, reasons.length ? ready(text, reasons) : "", text.part], async () => {
      const why = text.text();
      const missing = where.missing() || (photoNeeded && !shots.found.length ? "photo" : "");
      if (!why && missing) return field.t(`field.say-why.${missing}`);
      if (!why && reasonNeeded) return field.t("field.reason.needed");
      const said = { ...data, ...where.data() };
      if (water && water.value !== "") said.depth = Number(water.value) / 100;
      const plain = !reasonNeeded && !missing;
      if (why && plain) said.note = why.slice(0, 500);
      await field.queue.add({ task: place.subject, move, reason: plain ? "" : why.slice(0, 500), data: said, photos: shots.found });
      text.clear();
      return true;
    });
  }

  function cannot(task) {
    const text = field.sheets.typed(`field-text-cannot-${task.subject}`, field.t("field.reason"));
    field.sheets.open(words("cannot"), [ready(text, [1, 2, 3, 4].map((n) => `field.decline.${n}`)), text.part], async () => {
      if (!text.text()) return field.t("field.reason.needed");
      await field.queue.add({ task: task.subject, move: "cannot", reason: text.text().slice(0, 500) });
      text.clear();
      return true;
    });
  }

  // -- cards --------------------------------------------------------------------------------------------------------

  const ICON = { confirm_site: "done", cannot_close: "decline", barriers_removed: "clear", acknowledge: "acknowledge", done: "done", cannot: "decline" };
  function big(subject, name, text, next, onclick) {
    const pending = underWay(subject).some((item) => item.move === name.split(".")[0]);
    return make("button.big", { type: "button", "data-step": name, "data-state": pending ? "pending" : next ? "next" : "open", disabled: pending, onclick }, [
      field.icon(ICON[name] || (name.endsWith("dry") ? "on_scene" : "photo")), make("span.big-name", {}, text), pending ? make("span.big-note", {}, field.t("field.queue.waiting")) : "",
    ]);
  }
  const CANNOT = [1, 2, 3, 4].map((n) => `field.cannot-close.${n}`);
  function steps(place) {
    const may = (move) => place.moves.includes(move);
    const found = [];
    if (may("verify")) {
      for (const what of ["water", "dry"]) found.push(big(place.subject, `verify.${what}`, words(`verify.${what}`), true, () => sheet(place, "verify", { data: { found: what }, depth: what === "water" })));
    }
    if (may("confirm_site")) found.push(big(place.subject, "confirm_site", words("confirm_site"), !place.on_site, () => sheet(place, "confirm_site", { photoNeeded: true })));
    if (may("cannot_close") && !place.on_site) found.push(big(place.subject, "cannot_close", words("cannot_close"), false, () => sheet(place, "cannot_close", { reasonNeeded: true, reasons: CANNOT })));
    if (may("barriers_removed")) found.push(big(place.subject, "barriers_removed", words("barriers_removed"), true, () => sheet(place, "barriers_removed")));
    return found.length ? make("div.steps", {}, found) : "";
  }

  function act(name, one) {
    if (!one || !one.at) return "";
    const far = one.metres === undefined ? "" : ` · ${field.distance(one.metres)}`;
    const said = [one.reason, one.note].filter(Boolean).join(" · ");
    const own = one.by === `crew:${field.crew}` ? field.t("field.own-crew") : one.by === "system" ? "" : one.by;
    const found = one.found ? ` ${field.t(`field.found.${one.found}`)}` : "";
    return make("p.act", {}, [make("strong", {}, `${field.t(`field.closure.${name}`)}${found} `), `${field.time(one.at)} ${own}${far}${said ? `：${said}` : ""}`]);
  }

  function shell(one, kind, title, place, parts, number) {
    const items = field.queue.of(one.subject).filter((item) => item.state !== "sent");
    const here = field.position.here;
    const away = here && one.lon !== undefined ? field.t("field.away", { distance: field.distance(field.metres(here, one)) }) : "";
    const href = one.lon === undefined ? "" : `geo:${one.lat},${one.lon}?q=${one.lat},${one.lon}(${encodeURIComponent(title.slice(0, 80))})`;
    return make("article.task", { "data-task": one.subject, "data-emergency": String(kind === "closure"), "data-exercise": String(!!one.exercise) }, [
      make("header", {}, [
        make("div.tags", {}, [one.exercise ? make("span.exercise", {}, `▨ ${field.t("field.exercise")}`) : "", ...number]),
        make("h2", {}, title), make("p.place", {}, [place, away].filter(Boolean).join(" · ")),
      ]),
      ...parts,
      href ? make("div.others", {}, make("a.small", { href, "data-do": "navigate" }, [field.icon("navigate"), make("span", {}, field.t("field.navigate"))])) : "",
      items.length ? make("ul.items", {}, items.map(field.itemRow)) : "",
    ]);
  }

  field.placeCard = function (one) {
    const detour = label(one.detour);
    const doubt = (one.doubt || []).length && one.state === "proposed" ? make("p.doubt", { role: "note" }, [make("strong", {}, field.t("field.verify-first")), field.t("field.verify-why")]) : "";
    const facts = [
      one.depth == null ? "" : make("p.fact", {}, [make("strong", {}, `${field.t("field.closure.depth")} `), cm(one.depth)]),
      detour ? make("p.fact", {}, [make("strong", {}, `${field.t("field.closure.detour")} `), detour]) : "",
    ];
    const acts = ["ordered", "verified", "on_site", "cannot", "reopened", "cleared"].map((name) => act(name, one[name]));
    const tags = [make("span.emergency", {}, `▲ ${field.t("field.closure")}`), make("span.state", {}, field.t(`field.closure.state.${one.state}`))];
    return shell(one, "closure", label(one.label, one.name), one.district || "", [doubt, ...facts, ...acts, steps(one)], tags);
  };

  function due(task) {
    const node = make("span.clock");
    const paint = () => {
      const until = task.state === "open" && task.ack_due ? task.ack_due : task.due;
      const left = until ? until - field.now() : null;
      node.dataset.state = left === null ? "none" : left < 0 ? "over" : "good";
      node.textContent = left === null ? field.t("field.no-clock") : `${left < 0 ? "■" : "●"} ${field.t(left < 0 ? "field.overdue" : "field.due", { left: field.span(left), over: field.span(left) })}`;
    };
    paint();
    node.tick = paint;
    return node;
  }

  field.givenCard = function (task) {
    const may = (move) => task.moves.includes(move) && !underWay(task.subject).length;
    const add = (move) => () => void field.act(task, move);
    const buttons = [];
    if (task.moves.includes("acknowledge")) buttons.push(big(task.subject, "acknowledge", words("acknowledge"), true, add("acknowledge")));
    buttons.push(big(task.subject, "done", words("task-done"), task.state === "acknowledged", add("done")), big(task.subject, "cannot", words("cannot"), false, () => cannot(task)));
    buttons.forEach((button) => (button.disabled = button.disabled || !may(button.dataset.step)));
    const wanted = [...(task.kinds || []), ...(task.equipment || []).map((item) => `${item.name} × ${item.count || 1}`)].join(field.t("field.comma"));
    const tags = [make("span.state", {}, field.t(task.state === "open" ? "field.state.assigned" : "field.state.acknowledged")), due(task)];
    const parts = [wanted ? make("p.fact", {}, wanted) : "", ...(task.notes || []).map((text) => make("p.fact", {}, text)), make("div.steps", {}, buttons)];
    return shell(task, "task", label(task.label, task.subject), [label(task.place), task.district].filter(Boolean).join(" · "), parts, tags);
  };
})();

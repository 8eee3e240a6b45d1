/* Tasks as the crew sees them: one card each, with four big buttons and the next step marked.
 *
 * field.card(task)   an element; its buttons act through field.act(task, move) and the sheets
 * A step that was tapped is marked as waiting until the hall has it: a card never claims what the hall has not said.
 */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const ORDER = ["assigned", "acknowledged", "mustered", "en_route", "on_scene", "clear"];
  const REACHES = { acknowledge: "acknowledged", muster: "mustered", en_route: "en_route", on_scene: "on_scene", clear: "clear" };
  const MAIN = ["acknowledge", "en_route", "on_scene"];
  const ICONS = {
    acknowledge: "M4 12.5l5 5L20 6.5", muster: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm8 0a3 3 0 1 0 0-6M2 20c0-4 3-6 6-6s6 2 6 6m3-6c3 0 5 2 5 6",
    en_route: "M3 16V7h11v9m0-6h4l3 3v3h-3M6 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4zm11 0a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
    on_scene: "M12 21s7-6.5 7-12a7 7 0 1 0-14 0c0 5.500 7 12 7 12zm0-9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
    done: "M5 3v18M5 4h13l-3 4 3 4H5", decline: "M6 6l12 12M18 6L6 18", photo: "M4 8h4l1.500-2.500h5L16 8h4v11H4zm8 9a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
    message: "M4 5h16v11H9l-5 4z", navigate: "M12 3l7 18-7-4-7 4z",
  };

  field.icon = function (name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  };

  const rank = (state) => ORDER.indexOf(state);
  const underWay = (task) => field.queue.of(task.subject).filter((item) => item.state !== "refused" && item.state !== "sent");

  /** How far the crew has tapped: what waits on this phone counts for what can be tapped next, not for what is shown as done. */
  function tapped(task) {
    return underWay(task).reduce((far, item) => Math.max(far, rank(REACHES[item.move] || "")), rank(task.state));
  }

  function bigButton(task, name, options) {
    const { pending, passed, possible, next, at, onclick } = options;
    const note = pending ? field.t("field.queue.waiting") : passed && at ? field.time(at) : "";
    const state = pending ? "pending" : passed ? "passed" : next ? "next" : "open";
    return make("button.big", { type: "button", "data-step": name, "data-state": state, disabled: !possible, onclick }, [
      field.icon(name), make("span.big-name", {}, field.t(`field.do.${name}`)), note ? make("span.big-note", {}, note) : "",
    ]);
  }

  function steps(task) {
    const far = tapped(task);
    const waiting = new Set(underWay(task).map((item) => item.move));
    const buttons = MAIN.map((name, n) => {
      const reach = rank(REACHES[name]);
      const passed = rank(task.state) >= reach;
      return bigButton(task, name, {
        passed, pending: waiting.has(name), at: task.stamps[REACHES[name]],
        possible: far < reach && (task.moves.includes(name) || far > rank(task.state)),
        next: far < reach && (n === 0 || far >= rank(REACHES[MAIN[n - 1]])), onclick: () => field.act(task, name),
      });
    });
    const fedBack = !task.case_moves.includes("feed_back") && Boolean(task.opinion);
    const pending = waiting.has("feed_back") || waiting.has("clear");
    buttons.push(bigButton(task, "done", {
      passed: fedBack, pending, next: far >= rank("on_scene"), at: task.stamps.clear,
      possible: !pending && (task.case_moves.includes("feed_back") || (fedBack && task.moves.includes("clear"))),
      onclick: () => (fedBack ? field.act(task, "clear") : field.sheets.done(task)),
    }));
    return make("div.steps", {}, buttons);
  }

  function small(name, onclick, disabled) {
    return make("button.small", { type: "button", "data-do": name, onclick, disabled }, [field.icon(ICONS[name] ? name : "message"), make("span", {}, field.t(`field.do.${name}`))]);
  }

  function others(task) {
    const far = tapped(task);
    const parts = [];
    if (task.lon !== undefined) {
      const name = encodeURIComponent((task.address || task.number).slice(0, 80));
      const href = `geo:${task.lat},${task.lon}?q=${task.lat},${task.lon}(${name})`;
      parts.push(make("a.small", { href, "data-do": "navigate" }, [field.icon("navigate"), make("span", {}, field.t("field.navigate"))]));
    }
    if (task.lon !== undefined) parts.push(make("button.small", { type: "button", "data-do": "map", onclick: () => field.showOnMap(task) }, [field.icon("on_scene"), make("span", {}, field.t("field.map"))]));
    parts.push(small("photo", () => field.sheets.photo(task)), small("message", () => field.sheets.message(task)));
    if (task.moves.includes("muster") && far < rank("mustered")) parts.push(small("muster", () => field.act(task, "muster")));
    if (task.moves.includes("decline") && far < rank("en_route")) parts.push(small("decline", () => field.sheets.decline(task)));
    return make("div.others", {}, parts);
  }

  /** Words and shape say how urgent it is; colour only repeats them. */
  function clock(task) {
    const node = make("span.clock");
    const paint = () => {
      const left = task.due === undefined ? null : task.due - field.now();
      const stopped = task.stopped !== undefined && task.stopped !== null;
      const state = left === null || stopped ? "none" : left < 0 ? "over" : field.now() >= task.near ? "near" : "good";
      node.dataset.state = state;
      const mark = { none: "", over: "■ ", near: "▲ ", good: "● " }[state];
      const key = left < 0 ? "field.overdue" : "field.due";
      node.textContent = state === "none" ? field.t("field.no-clock") : mark + field.t(key, { left: field.span(left), over: field.span(left) });
    };
    paint();
    node.tick = paint;
    return node;
  }

  const STATES = { waiting: "field.queue.waiting", sending: "field.queue.sending" };
  field.itemText = function (item) {
    if (item.uploading) return field.t("field.queue.photo", { done: item.uploading, all: item.photos.length });
    if (item.state === "sent") return field.t("field.queue.sent", { time: field.time(item.done) });
    if (item.state === "refused") return field.t("field.queue.refused", { why: field.why(item.why, item.detail) });
    return field.t(STATES[item.state]);
  };
  const DO = { feed_back: "done", note: "message", attach: "photo", reply_urge: "message", verify: "verified" };
  field.itemName = (item) => field.t(`field.do.${DO[item.move] || item.move}`);

  field.itemRow = function (item) {
    const parts = [make("strong", {}, field.itemName(item)), " ", make("span", {}, field.itemText(item))];
    if (item.state === "refused") {
      parts.push(make("span.row-buttons", {}, [
        make("button.plain", { type: "button", onclick: () => field.queue.again(item) }, field.t("field.queue.again")),
        make("button.plain", { type: "button", onclick: () => field.queue.drop(item) }, field.t("field.queue.drop")),
      ]));
    }
    return make("li.item", { "data-state": item.state, "data-move": item.move }, parts);
  };

  function urges(task) {
    return task.urges.map((urge) =>
      make("p.urge", { role: "note" }, [
        make("strong", {}, `${field.t("field.urges")} ${urge.level} `), urge.reason, " ",
        make("button.plain", { type: "button", onclick: () => field.sheets.urge(task, urge) }, field.t("field.urge-reply")),
      ]),
    );
  }

  function pictures(task) {
    const shown = task.photos.filter((photo) => photo.usage !== "after").slice(-4);
    if (!shown.length || !navigator.onLine) return "";
    const image = (photo) => make("img.picture", { src: `/api/v1/media/${photo.media}`, alt: "", loading: "lazy", onerror() { this.remove(); } });
    return make("div.pictures", {}, shown.map(image));
  }

  field.card = function (task) {
    const here = field.position.here;
    const away = here && task.lon !== undefined ? field.t("field.away", { distance: field.distance(field.metres(here, task)) }) : "";
    const place = [task.address || task.district, away].filter(Boolean).join(" · ");
    const kind = task.subclass_name || task.class_name || task.number;
    const items = field.queue.of(task.subject).filter((item) => item.state !== "sent");
    return make("article.task", { "data-task": task.subject, "data-emergency": String(task.emergency), "data-exercise": String(!!task.exercise) }, [
      make("header", {}, [
        make("div.tags", {}, [task.exercise ? make("span.exercise", {}, `▨ ${field.t("field.exercise")}`) : "", task.emergency ? make("span.emergency", {}, `◆ ${field.t("field.emergency")}`) : "", make("span.state", {}, field.t(`field.state.${task.state}`)), clock(task)]),
        make("h2", {}, kind),
        make("p.place", {}, place),
      ]),
      task.description ? make("p.description", {}, task.description) : "",
      ...urges(task), pictures(task), steps(task), others(task),
      items.length ? make("ul.items", {}, items.map(field.itemRow)) : "",
      make("p.number", {}, [`${field.t("field.number")} ${task.number}`, task.reported ? ` · ${field.t("field.reported")} ${field.moment(task.reported)}` : ""]),
    ]);
  };
})();

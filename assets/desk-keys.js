/* The keyboard of the desk: one table of keys (shown by `?`), sequences with g, the command palette on Ctrl+K.
 *
 * Keys without a modifier never fire while one types, while an input method composes, or while a dialog is open; they can be
 * switched off in the list of keys (kept in this browser).
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const SEQUENCE_MS = 2000;
  const OFF = "hall-desk-keys-off";
  const page = () => document.querySelector(".console-desk");

  const inList = () => desk.list && (desk.list.holdsFocus() || document.activeElement === document.body);
  const queueMode = () => desk.view !== "all";
  const list = (act) => () => queueMode() && act(desk.list);

  function back() {
    if (desk.form.open()) return desk.form.close();
    if (!desk.list.holdsFocus()) return desk.list.focus();
    if (desk.selected.size) desk.list.clear();
  }
  function enter() {
    const subject = queueMode() ? desk.list.active() : desk.chosen;
    if (!subject) return;
    if (subject !== desk.chosen) return desk.choose(subject);
    const first = document.querySelector(".case-moves button") || document.querySelector(".case-number");
    if (first) first.focus();
  }
  function toggleMap() {
    const root = page();
    root.dataset.map = root.dataset.map === "off" ? "on" : "off";
    localStorage.setItem("hall-desk-map", root.dataset.map);
    window.dispatchEvent(new Event("resize"));
  }

  /** keys: as KeyboardEvent.key; where: "list" = only with the focus in the list or nowhere */
  const KEYS = [
    { keys: ["j", "ArrowDown"], name: "down", act: list((l) => l.move(1)), arrows: true },
    { keys: ["k", "ArrowUp"], name: "up", act: list((l) => l.move(-1)), arrows: true },
    { keys: ["PageDown"], name: "page-down", act: list((l) => l.move(l.page())), where: "list" },
    { keys: ["PageUp"], name: "page-up", act: list((l) => l.move(-l.page())), where: "list" },
    { keys: ["Home"], name: "first", act: list((l) => l.to(0)), where: "list" },
    { keys: ["End"], name: "last", act: list((l) => l.to(-1)), where: "list" },
    { keys: ["Enter"], name: "open", act: enter, where: "list" },
    { keys: ["Escape"], name: "back", act: back, always: true },
    ...Object.entries(desk.MOVE_KEYS).map(([move, key]) => ({ keys: [key], move, act: () => desk.act(move) })),
    { keys: ["x", " "], name: "select", act: list((l) => l.select()), spaceInList: true },
    { keys: ["X"], name: "select-all", act: list((l) => l.selectAll()) },
    { keys: ["b"], name: "batch", act: () => desk.batch() },
    { keys: ["z"], name: "undo", act: () => desk.undo() },
    { keys: ["."], name: "show-new", act: list((l) => l.showNew()) },
    { keys: ["/"], name: "search" }, // taken by desk-1-common.js, on every console
    { keys: ["g"], name: "view", act: (event) => sequence(event) },
    { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1–9", name: "tab", act: (event) => desk.showTab(Number(event.key) - 1) },
    { keys: ["m"], name: "map", act: toggleMap },
    { keys: ["q"], name: "commands", act: () => desk.showCommands() },
    { keys: ["?"], name: "help", act: () => help() },
    { keys: ["Ctrl+K"], name: "palette" },
  ];
  desk.KEYS = KEYS;
  const byKey = new Map(KEYS.filter((entry) => entry.act).flatMap((entry) => entry.keys.map((key) => [key, entry])));
  const off = () => { try { return localStorage.getItem(OFF) === "1"; } catch (_) { return false; } };

  let waitsForView = 0;
  function sequence(event) {
    waitsForView = event.timeStamp; // when it was pressed: a busy page hears of the second key late, which alone would be a move
    desk.announce(hall.t("desk.key-then", { keys: desk.queue.views.map((view) => `${view.key} ${hall.t(`desk.view.${view.name}`)}`).join(" · ") }));
  }
  function second(event) {
    waitsForView = 0;
    const view = desk.queue.views.find((one) => one.key === event.key);
    if (!view) return;
    event.preventDefault();
    desk.queue.use(view.name);
    if (view.name !== "all") desk.list.focus();
  }

  const typing = (target) => target.closest && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]");

  /** Whether this key is another control's own just now. */
  function taken(event, entry) {
    const target = event.target;
    if (entry.where === "list" || (entry.arrows && event.key.startsWith("Arrow")) || (entry.spaceInList && event.key === " ")) return !inList();
    return false;
  }

  document.addEventListener("keydown", (event) => {
    if (!page() || event.defaultPrevented || event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") return event.preventDefault(), palette();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = byKey.get(event.key);
    if (typing(event.target)) return void (event.key === "Escape" && !event.target.matches("[data-search]") && desk.list.focus());
    if (waitsForView && event.timeStamp - waitsForView < SEQUENCE_MS && event.key.length === 1) return second(event);
    if (!entry || (off() && event.key.length === 1 && event.key !== "?") || taken(event, entry)) return;
    if (event.target.closest(".ag-root") && (entry.arrows || entry.where === "list")) return;
    event.preventDefault();
    entry.act(event);
  });

  // -- the list of keys ---------------------------------------------------------------------------------------------------

  const KEY_NAMES = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", " ": "␣" };
  const meaning = (entry) => (entry.move ? desk.moveName(entry.move) : hall.t(`desk.key.${entry.name}`));

  function help() {
    const rows = KEYS.map((entry) => make("tr", {}, [make("td", {}, (entry.shown ? [entry.shown] : entry.keys).flatMap((key) => [make("kbd", {}, KEY_NAMES[key] || key), " "])), make("td", {}, meaning(entry))]));
    const views = desk.queue.views.map((view) => make("tr", {}, [make("td", {}, [make("kbd", {}, "g"), " ", make("kbd", {}, view.key)]), make("td", {}, hall.t(`desk.view.${view.name}`))]));
    const box = make("input", { type: "checkbox" });
    box.checked = !off();
    box.onchange = () => localStorage.setItem(OFF, box.checked ? "" : "1");
    const table = (nodes) => make("table.key-table", {}, [make("tbody", {}, nodes)]);
    desk.dialog({ title: hall.t("desk.key.help"), wide: true, kind: "keys", body: [make("div.key-tables", {}, [table(rows), table(views)]), make("label.field-radio", {}, [box, said("span", "desk.keys-on")]), said("p.desk-empty", "desk.keys-form")] });
  }

  // -- the palette ----------------------------------------------------------------------------------------------------------

  function offers() {
    const view = desk.current();
    const moves = view ? view.allowed.filter((move) => move.move !== "undo").map((move) => ({ text: `${desk.moveName(move.move)} · ${desk.numberOf(view.subject)}`, key: desk.MOVE_KEYS[move.move] || "", act: () => desk.act(move.move) })) : [];
    const views = desk.queue.views.map((one) => ({ text: `${hall.t("desk.views")}: ${hall.t(`desk.view.${one.name}`)}`, key: `g ${one.key}`, act: () => desk.queue.use(one.name) }));
    const rest = KEYS.filter((entry) => entry.act && entry.name && ["batch", "undo", "show-new", "map", "commands", "help", "select-all"].includes(entry.name)).map((entry) => ({ text: meaning(entry), key: entry.keys[0], act: entry.act }));
    return [...moves, ...rest, ...views];
  }

  function palette() {
    const all = offers();
    const input = make("input.desk-input.is-wide", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": hall.t("desk.key.palette"), placeholder: hall.t("desk.palette-hint"), autocomplete: "off" });
    const box = make("ul.palette", { role: "listbox", id: "palette-list", "aria-label": hall.t("desk.key.palette") });
    let at = 0, shown = [];
    const run = (offer) => (dialog.close(), offer.act({}));
    function paint() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = all.filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
      at = Math.max(0, Math.min(at, shown.length - 1));
      hall.fill(box, shown.map((offer, index) => {
        const option = make("li", { role: "option", id: `palette-${index}`, "aria-selected": String(index === at) }, [make("span", {}, offer.text), offer.key ? make("kbd", {}, offer.key) : ""]);
        option.onclick = () => run(offer);
        return option;
      }));
      input.setAttribute("aria-activedescendant", shown.length ? `palette-${at}` : "");
      if (box.children[at]) box.children[at].scrollIntoView({ block: "nearest" });
    }
    input.oninput = () => ((at = 0), paint());
    input.onkeydown = (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) event.preventDefault(), (at += step), paint();
      if (event.key === "Enter" && shown[at]) event.preventDefault(), run(shown[at]);
    };
    const dialog = desk.dialog({ title: hall.t("desk.key.palette"), kind: "palette", body: [input, box] });
    paint();
    input.focus();
  }
  desk.palette = palette;

  setTimeout(function restoreMap() {
    const root = page();
    if (!root) return void setTimeout(restoreMap, 200);
    try { root.dataset.map = localStorage.getItem("hall-desk-map") || "on"; } catch (_) { root.dataset.map = "on"; }
  }, 0);
})();

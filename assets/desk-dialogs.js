/* Dialogs: a plain one, the one for a case that changed meanwhile, and the list of commands with how each stands.
 *
 * desk.dialog({title, body, actions: [{text, primary, act}], wide, onClose}) -> the <dialog>; closes by Esc, gives the focus back
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  let serial = 0;

  desk.dialog = function ({ title, body, actions = [], wide, onClose, kind }) {
    const id = `dialog-${(serial += 1)}`;
    const buttons = actions.map(({ text, primary, act }) => {
      const button = make(`button.desk-button${primary ? ".is-primary" : ""}`, { type: "button" }, text);
      button.onclick = () => (box.close(), act && act());
      return button;
    });
    const leave = make("button.desk-button.is-quiet", { type: "button", "aria-label": hall.t("desk.dialog-close") }, "✕");
    const box = make(`dialog.desk-dialog${wide ? ".is-wide" : ""}`, { "aria-labelledby": id, "data-kind": kind || "" }, [
      make("header", {}, [make("h2", { id }, title), leave]), make("div.dialog-body", {}, body), make("footer", {}, buttons),
    ]);
    leave.onclick = () => box.close();
    const close = box.close.bind(box);
    box.close = () => { // a field of a closed dialog keeps the focus until the next frame, and would swallow a key
      close();
      if (box.contains(document.activeElement)) document.activeElement.blur();
    };
    box.addEventListener("close", () => (box.remove(), onClose && onClose()));
    box.addEventListener("click", (event) => event.target === box && box.close());
    document.body.append(box);
    box.showModal();
    const first = buttons.find((button) => button.classList.contains("is-primary")) || box.querySelector("input") || leave;
    first.focus();
    return box;
  };

  // -- changed meanwhile ----------------------------------------------------------------------------------------------

  const shown = new Set();
  function changedMeanwhile(command) {
    if (shown.has(command.id)) return;
    shown.add(command.id);
    const items = (command.meanwhile || []).map((entry) => make("li", {}, desk.saidOf(entry)));
    const body = [
      make("p", {}, hall.t("desk.stale-what", { move: desk.moveName(command.move, command.subject), number: desk.numberOf(command.subject) })),
      make("ol.stale-list", {}, items.length ? items : [make("li", {}, command.detail || "")]),
      make("p", {}, hall.t("desk.stale-choose")),
    ];
    let redone = false;
    const redo = () => ((redone = true), hall.commands.redo(command.id));
    desk.dialog({
      title: hall.t("desk.stale-title"), body, kind: "stale",
      actions: [{ text: hall.t("desk.stale-redo"), primary: true, act: redo }, { text: hall.t("desk.stale-leave") }],
      onClose: () => {
        shown.delete(command.id);
        // left alone, its text becomes a draft again: nothing typed is thrown away
        if (!redone) desk.drafts.put(command.subject, command.move, { ...command.data, reason: command.reason }), hall.commands.drop(command.id);
      },
    });
  }
  desk.on("command", (command) => command.state === "stale" && !command.quiet && changedMeanwhile(command));

  // -- commands and how they stand ------------------------------------------------------------------------------------

  const MARKS = { queued: "◌", sending: "◐", done: "●", refused: "✕", stale: "▲" };
  desk.commandText = (command) => `${MARKS[command.state] || ""} ${hall.t(`desk.command.${command.state}`)}`;
  desk.refusalText = (command) => hall.why({ reason: command.why, message: command.detail || "", status: command.status || 0 });

  function line(command, again) {
    const why = command.why ? make("span.command-why", {}, desk.refusalText(command)) : "";
    const parts = [make("b", {}, desk.commandText(command)), make("span", {}, `${desk.moveName(command.move, command.subject)} · ${desk.numberOf(command.subject)}`), make("time", {}, hall.format.seconds(command.made)), why];
    if (command.state === "refused") {
      const drop = said("button.desk-chip", "desk.command-drop", null, { type: "button" });
      drop.onclick = () => (hall.commands.drop(command.id), again());
      parts.push(drop);
    }
    if (command.state === "stale") {
      const look = said("button.desk-chip", "desk.stale-title", null, { type: "button" });
      look.onclick = () => changedMeanwhile(command);
      parts.push(look);
    }
    return make("li.command", { "data-command": command.state, "data-id": command.id }, parts);
  }

  desk.showCommands = function () {
    const list = make("ol.commands");
    const paint = () => hall.fill(list, hall.commands.list().length ? [...hall.commands.list()].reverse().map((command) => line(command, paint)) : said("li.desk-empty", "desk.commands-none"));
    paint();
    const off = desk.on("command", paint);
    desk.dialog({ title: hall.t("desk.commands"), body: [list], wide: true, onClose: off });
  };
})();

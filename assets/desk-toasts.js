/* What just happened, at the bottom of the desk: done with an undo that counts down, refused with why; the bar's count of commands.
 *
 * desk.undo()   takes back the newest command that can still be taken back
 * desk.announce(text)   says one thing to screen readers and as a short note
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const UNDO_MS = 10000; // as long as the ledger allows by default; `until` of the move says it where the city changed it
  const NOTE_MS = 5000;
  const box = make("div.desk-toasts", { role: "status", "aria-live": "polite" });
  const undoable = []; // {command, revision, until, node}

  function toast(parts, kind, ms) {
    if (!box.isConnected) document.body.append(box);
    const node = make("div.desk-toast", { "data-kind": kind }, parts);
    const gone = () => node.remove();
    const cross = make("button.desk-button.is-quiet", { type: "button", "aria-label": hall.t("desk.dialog-close") }, "✕");
    cross.onclick = gone;
    node.append(cross);
    box.append(node);
    while (box.children.length > 4) box.firstChild.remove();
    if (ms) setTimeout(gone, ms);
    return node;
  }

  desk.announce = (text, kind) => toast([make("span", {}, text)], kind || "note", NOTE_MS);

  const what = (command, state) => `${desk.moveName(command.move, command.subject)} · ${desk.numberOf(command.subject, state)}`;

  function offerUndo(command, view) {
    const move = view && (view.allowed || []).find((one) => one.move === "undo");
    const last = view && view.file && view.file.last; // other streams take back by a move of their own
    if (!move || !last || last.command !== command.id) return void toast([make("span", {}, `● ${what(command, view && view.state)}`)], "done", NOTE_MS);
    const left = move.until != null ? move.until - hall.clock.city() : UNDO_MS;
    const count = make("span.toast-count", { "aria-hidden": "true" });
    const button = make("button.desk-button", { type: "button" }, [hall.t("desk.undo"), make("kbd", {}, "Z"), count]);
    const entry = { command, revision: view.revision, until: performance.now() + left };
    entry.node = toast([make("span", {}, `● ${what(command)}`), button], "undo");
    entry.count = count;
    button.onclick = () => undo(entry);
    undoable.push(entry);
    tick();
  }

  function forget(entry) {
    if (undoable.includes(entry)) undoable.splice(undoable.indexOf(entry), 1);
    entry.node.remove();
  }

  function undo(entry) {
    forget(entry);
    hall.commands.send({ subject: entry.command.subject, move: "undo", revision: entry.revision });
  }
  desk.undo = function () {
    const entry = undoable[undoable.length - 1];
    if (entry) undo(entry);
    else desk.announce(hall.t("desk.undo-none"));
  };

  function tick() {
    for (const entry of [...undoable]) {
      const left = Math.ceil((entry.until - performance.now()) / 1000);
      if (left <= 0) forget(entry);
      else hall.setText(entry.count, String(left));
    }
  }
  setInterval(tick, 250);

  desk.on("outcome", ({ command, view }) => !command.quiet && offerUndo(command, view));
  desk.on("command", (command) => {
    if (command.state === "refused" && !command.quiet && !command.inForm) toast([make("span", {}, `✕ ${what(command)}: ${desk.refusalText(command)}`)], "refused", 12000);
    // taken further or taken back: the older undo of this case means nothing any more
    if (command.state === "queued") undoable.filter((entry) => entry.command.subject === command.subject).forEach(forget);
    paintTool();
  });

  const tool = make("button.bar-button.bar-commands", { type: "button", hidden: "" });
  tool.onclick = () => desk.showCommands();
  function paintTool() {
    const list = hall.commands.list();
    const waiting = list.filter((command) => command.state === "queued" || command.state === "sending").length;
    const refused = list.filter((command) => command.state === "refused" || command.state === "stale").length;
    tool.hidden = !waiting && !refused;
    tool.dataset.refused = refused ? "1" : "";
    hall.setText(tool, [waiting && hall.t("desk.commands-waiting", { n: waiting }), refused && hall.t("desk.commands-refused", { n: refused })].filter(Boolean).join(" · "));
  }
  desk.addTool(tool);
  hall.onLocale(paintTool);
  setTimeout(paintTool, 0);
  setInterval(() => hall.commands.tidy(), 5000);
})();

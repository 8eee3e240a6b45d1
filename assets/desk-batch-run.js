/* Many commands one after the other: a few under way at a time, how far it is, stop, what became of each, and back again.
 *
 * hall.desk.run(orders, {title, back})   orders: [{subject, move, revision, reason, data}]; opens its dialog. `back`: these take back others
 * hall.desk.runText(rows)                rows of texts as CSV that a spreadsheet takes for nothing else
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make, said } = hall;
  const AT_ONCE = 24; // handed to the outbox (desk-commands.js) at a time: what is stopped is what it has not got yet
  const LISTED = 200;
  const PAINT_MS = 120;
  const WAITING = new Set(["queued", "sending"]);
  const UNDO_MS = 10000; // where the hall does not say until when

  const cell = (value) => `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;
  desk.runText = (rows) => `\ufeff${rows.map((row) => row.map((value) => cell(String(value ?? ""))).join(",")).join("\r\n")}\r\n`;

  class Run {
    constructor(orders, { title, back } = {}) {
      this.orders = orders.map((order) => ({ ...order, command: null }));
      this.next = 0;
      this.back = !!back;
      this.byId = new Map();
      this.undo = new Map(); // command id -> {subject, revision, until}
      this.sum = make("p", { role: "status" });
      this.bar = make("progress.batch-progress", { max: String(orders.length), value: "0" });
      this.list = make("ol.commands");
      this.halt = said("button.desk-button", "desk.batch-stop", null, { type: "button", "data-batch": "stop" });
      this.halt.onclick = () => ((this.stopped = true), this.paint());
      this.takeBack = make("button.desk-button", { type: "button", hidden: "", "data-batch": "undo" });
      this.takeBack.onclick = () => this.undoAll();
      this.file = said("button.desk-button", "desk.batch-file", null, { type: "button", hidden: "" });
      this.file.onclick = () => this.save();
      this.off = [desk.on("command", (command) => this.byId.has(command.id) && this.heard()), desk.on("outcome", (outcome) => this.done(outcome))];
      this.leaving = (event) => event.preventDefault();
      window.addEventListener("beforeunload", this.leaving);
      this.box = desk.dialog({ title: title || hall.t("desk.batch-results"), kind: "batch-results", body: [this.sum, this.bar, make("div.batch-do", {}, [this.halt, this.takeBack, this.file]), this.list],
        onClose: () => (this.closed = true), actions: [{ text: hall.t("desk.dialog-close"), primary: true }] });
      this.timer = setInterval(() => this.paint(), 1000);
      this.fill();
      this.paint();
    }

    count(...states) {
      return this.orders.filter(({ command }) => command && states.includes(command.state)).length;
    }

    get left() {
      return this.orders.length - this.next;
    }

    fill() {
      try {
        while (!this.stopped && this.left && this.count("queued", "sending") < AT_ONCE) {
          const order = this.orders[this.next];
          order.command = hall.commands.send({ subject: order.subject, move: order.move, revision: order.revision, reason: order.reason, data: order.data, quiet: true });
          this.byId.set(order.command.id, order);
          this.next += 1;
        }
      } catch (_) {
        clearTimeout(this.later); // the outbox is full of other things
        this.later = setTimeout(() => this.fill(), 1000);
      }
    }

    heard() {
      this.fill();
      if (!this.painting) this.painting = setTimeout(() => ((this.painting = 0), this.paint()), PAINT_MS);
    }

    done({ command, view }) {
      if (this.back || !this.byId.has(command.id)) return;
      const move = view && (view.allowed || []).find((one) => one.move === "undo");
      const last = view && view.file && view.file.last;
      if (!move || !last || last.command !== command.id) return;
      const lasts = move.until != null ? move.until - hall.clock.city() : UNDO_MS;
      this.undo.set(command.id, { subject: command.subject, revision: view.revision, until: performance.now() + lasts });
    }

    undoAll() {
      const now = performance.now();
      const orders = [...this.undo.values()].filter(({ until }) => until > now).map(({ subject, revision }) => ({ subject, revision, move: "undo" }));
      this.undo.clear();
      this.stopped = true;
      this.paint();
      if (orders.length) desk.run(orders, { title: hall.t("desk.batch-undo-title", { n: orders.length }), back: true });
    }

    stateOf({ command }) {
      return command ? (WAITING.has(command.state) ? "waiting" : command.state === "done" ? "done" : "refused") : this.stopped ? "stopped" : "waiting";
    }

    save() {
      const rows = this.orders.map((order) => [desk.numberOf(order.subject), desk.moveName(order.move, order.subject), hall.t(`desk.batch-state.${this.stateOf(order)}`), order.command && order.command.why ? desk.refusalText(order.command) : ""]);
      const link = make("a", { href: URL.createObjectURL(new Blob([desk.runText(rows)], { type: "text/csv" })), download: `${hall.t("desk.batch-results")}.csv` });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    }

    paint() {
      const done = this.count("done");
      const refused = this.count("refused", "stale");
      const waiting = this.count("queued", "sending") + (this.stopped ? 0 : this.left);
      const ended = !waiting;
      const text = hall.t("desk.batch-sum", { done, waiting, refused }) + (this.stopped && this.left ? ` · ${hall.t("desk.batch-stopped", { n: this.left })}` : "");
      hall.setText(this.sum, text);
      this.bar.value = done + refused;
      this.bar.hidden = ended;
      this.halt.hidden = this.stopped || !this.left;
      this.file.hidden = !ended;
      const now = performance.now();
      const undoable = [...this.undo.values()].filter(({ until }) => until > now).length;
      this.takeBack.hidden = !undoable || this.back;
      hall.setText(this.takeBack, hall.t("desk.batch-undo", { n: undoable }));
      const told = this.orders.filter(({ command }) => command && command.state !== "done");
      const rank = { refused: 0, stale: 0, sending: 1, queued: 1 };
      told.sort((a, b) => rank[a.command.state] - rank[b.command.state]);
      hall.fill(this.list, [...told.slice(0, LISTED).map(({ command }) => make("li.command", { "data-command": command.state }, [make("b", {}, desk.commandText(command)), make("span", {}, desk.numberOf(command.subject)), make("span.command-why", {}, command.why ? desk.refusalText(command) : "")])),
        told.length > LISTED ? make("li.command", {}, hall.t("desk.batch-more", { n: told.length - LISTED })) : ""]);
      if (ended) this.finish(text, undoable);
    }

    finish(text, undoable) {
      window.removeEventListener("beforeunload", this.leaving);
      if (this.closed && !this.announced) desk.announce(`${hall.t("desk.batch-results")}: ${text}`);
      this.announced = true;
      if (undoable && !this.closed) return; // its seconds go on
      clearInterval(this.timer);
      for (const off of this.off) off();
    }
  }

  desk.run = (orders, how) => new Run(orders, how);
})();

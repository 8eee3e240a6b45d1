/* The messages to crews of the last day: of each who received it and who read it, asked for once more, withdrawn.
 *
 * hall.messages.board() -> {node, locale(), remove()}   kept up with the stream's documents
 * hall.messages.waiting()   how many messages somebody has not read yet;  hall.messages.open()   the board as a dialog
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const messages = hall.messages;
  const docs = () => [...hall.store.docs("message").values()].filter(({ data }) => data && data.crews);
  const unread = (data) => data.crews.filter((one) => !one.read);

  messages.waiting = () => docs().filter(({ data }) => data.state === "sent" && unread(data).length).length;

  function crewRow(one, data) {
    const state = one.read ? "read" : one.received ? "received" : "sent";
    const at = one.read || one.received;
    const gone = data.state === "withdrawn" && one.received ? ` · ${one.withdrawal_read ? hall.t("message.withdrawal-read", { time: hall.format.seconds(one.withdrawal_read) }) : hall.t("message.withdrawal-unread")}` : "";
    return make("li", { "data-message-state": state }, [make("b", {}, messages.crewName(one.crew)), make("span", {}, `${hall.t(`message.state.${state}`)}${at ? ` ${hall.format.seconds(at)}` : ""}${gone}`)]);
  }

  class Board {
    constructor() {
      this.list = make("div.message-list");
      this.status = make("p.form-status", { role: "status" });
      this.node = make("div.message-board", {}, [this.status, this.list]);
      this.opened = new Set();
      this.withdrawing = "";
      this.off = [hall.store.on(["message", "crew"], () => this.soon(), { replay: true }), hall.desk.on("command", (command) => command.subject.startsWith("message/") && this.heard(command))];
      hall.link.want(["message", "crew"]);
      this.timer = setInterval(() => this.paint(), 15000);
      this.paint();
    }

    soon() {
      this.due = this.due || setTimeout(() => ((this.due = 0), this.paint()), 100);
    }

    heard(command) {
      if (command.state === "refused" || command.state === "stale") hall.setText(this.status, `✕ ${hall.desk.refusalText(command)}`), (this.status.dataset.failed = "1");
      else if (command.state === "done") hall.setText(this.status, ""), (this.status.dataset.failed = "");
      this.paint();
    }

    paint() {
      if (this.list.contains(document.activeElement) && document.activeElement.matches("textarea, input")) return;
      const focus = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : "";
      const found = docs().sort((a, b) => b.data.made - a.data.made);
      hall.fill(this.list, found.length ? found.map(({ subject, data }) => this.card(subject, data)) : said("p.desk-empty", "message.none"));
      const again = focus && this.list.querySelector(`[data-key="${CSS.escape(focus)}"]`);
      if (again) again.focus();
    }

    card(subject, data) {
      const left = unread(data);
      const counts = { sent: data.crews.length, received: data.crews.filter((one) => one.received).length, read: data.crews.length - left.length };
      const urgency = data.urgency || "normal";
      const fold = make("details", { "data-key": `${subject}-who` }, [make("summary", { "data-key": `${subject}-sum` }, Object.entries(counts).map(([name, n]) => make("span", { "data-count-of": name }, hall.t(`message.count.${name}`, { n })))),
        make("ul.message-crews", {}, [...left, ...data.crews.filter((one) => one.read)].map((one) => crewRow(one, data)))]);
      fold.open = this.opened.has(subject);
      fold.ontoggle = () => this.opened[fold.open ? "add" : "delete"](subject);
      return make("article.message-card", { "data-subject": subject, "data-urgency": urgency, "data-state": data.state }, [
        make("header", {}, [data.exercise ? make("span.message-exercise", {}, `▨ ${hall.t("emergency.exercise")}`) : "", make("b", {}, `${messages.MARKS[urgency]} ${hall.t(`message.urgency.${urgency}`)}`),
          make("span.map-soft", {}, `${hall.desk.personName(data.sender)} · ${hall.word("desk.role", data.role)} · ${hall.format.seconds(data.made)} · ${hall.format.age(data.made)}`)]),
        make("p.message-words", {}, data.text),
        data.urges && data.urges.length ? make("p.map-soft", {}, hall.t("message.urged", { n: data.urges.length, time: hall.format.seconds(data.urges.at(-1).at), who: hall.desk.personName(data.urges.at(-1).by) })) : "",
        data.state === "withdrawn" ? make("p.message-gone", {}, hall.t("message.withdrawn", { who: hall.desk.personName(data.withdrawn_by || ""), time: hall.format.seconds(data.withdrawn), why: data.reason || "" })) : "",
        fold, data.state === "sent" && messages.may() ? this.moves(subject, left.length) : "",
      ]);
    }

    moves(subject, left) {
      const waits = hall.commands.waiting(subject).length > 0;
      const button = (name, call) => {
        const node = make("button.desk-chip", { type: "button", "data-key": `${subject}-${name}`, "data-move": name }, hall.t(`message.do.${name}`, { n: left }));
        node.disabled = waits;
        node.onclick = call;
        return node;
      };
      if (this.withdrawing !== subject) {
        return make("div.map-acts", {}, [left ? button("urge", () => hall.commands.send({ subject, move: "urge" })) : "", button("withdraw", () => ((this.withdrawing = subject), this.paint(), this.list.querySelector("input.desk-input")?.focus()))]);
      }
      const why = make("input.desk-input", { maxlength: "200", placeholder: hall.t("message.why"), "aria-label": hall.t("message.why") });
      const end = () => ((this.withdrawing = ""), why.blur(), this.paint());
      const go = () => {
        if (!why.value.trim()) return why.focus();
        hall.commands.send({ subject, move: "withdraw", reason: why.value.trim() });
        end();
      };
      why.onkeydown = (event) => {
        if (event.key === "Enter" && !event.isComposing) go();
        else if (event.key === "Escape") event.preventDefault(), event.stopPropagation(), end();
      };
      return make("div.map-acts", {}, [why, button("withdraw-now", go), button("keep", end)]);
    }

    remove() {
      for (const off of this.off) off();
      clearInterval(this.timer);
      clearTimeout(this.due);
    }
  }

  messages.board = () => new Board();
  messages.open = function () {
    const board = new Board();
    return hall.desk.dialog({ title: hall.t("message.title"), wide: true, kind: "messages", body: [board.node], onClose: () => board.remove() });
  };
})();

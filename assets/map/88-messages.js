/* Messages to crews from the map: the drawer 消息 of /map, and the way to write one from a crew's card. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { messages } = hall;

  hall.emergency.named("message", ({ text }) => (text.length > 16 ? `${text.slice(0, 16)}…` : text));

  /** A button that writes to these crews; `why` not, where it cannot be done now. */
  citymap.messageButton = function (crews, given, key) {
    if (!messages.may() || !crews.length) return "";
    const node = hall.make("button.desk-chip", { type: "button", "data-act": "message", "data-key": "message" }, hall.t(key || "message.to", { n: crews.length }));
    node.onclick = () => (citymap.past ? citymap.page && citymap.page.tell(hall.t("map.print.replay")) : messages.write({ crews, ...given }));
    return node;
  };

  /** What a card of the map ends with, for things that have no tail of their own: of a mover that is a crew's, a message to it. */
  citymap.tailOf = function (hit, pinned) {
    if (hit.what !== "unit" || !pinned || !citymap.page || citymap.past) return null;
    const crew = citymap.page.view && citymap.page.view.movers.crews.get(hit.entry.subject);
    return (crew && citymap.messageButton([crew.crew_id], {}, "message.to-one")) || null;
  };

  let board = null;
  citymap.tool({
    name: "messages", order: 440, key: "i", may: () => hall.may("tell-crews") || hall.may("push-to-wall"),
    state() {
      const n = messages.waiting();
      return { on: !!citymap.page && citymap.page.side.name === "messages", text: n ? hall.t("maptool.messages.n", { n }) : "" };
    },
    act(view, page) {
      if (page.side.name === "messages") return page.side.close(true);
      board = messages.board();
      page.side.open({ name: "messages", title: "message.title", node: board.node, onClose: () => board && (board.remove(), (board = null)) });
    },
  });
})();

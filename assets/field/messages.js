/* Messages of the desk: what it says in its own words, from whom and since when; one tap says that it was read, without a network too.
 *
 * field.messages(found)   elements for the messages of /api/v1/field/tasks: unread ones as cards, read ones folded away
 */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const MARKS = { normal: "●", urgent: "▲", emergency: "◆" };
  let open = false; // the fold of those that were read, over repaints

  const tapped = (one) => field.queue.of(one.subject).some((item) => item.state === "waiting" || item.state === "sending");
  const done = (one) => Boolean(one.read) && !one.withdrawn;

  function tags(one) {
    const urgency = one.urgency || "normal";
    return make("div.tags", {}, [
      one.exercise ? make("span.exercise", {}, `▨ ${field.t("field.exercise")}`) : "",
      make(urgency === "emergency" ? "span.emergency" : "span.state", {}, `${MARKS[urgency]} ${field.t(`field.message.${one.withdrawn ? "withdrawn" : urgency}`)}`),
      make("span.message-from", {}, field.t("field.message.from", { role: field.t(`field.role.${one.role}`), who: one.sender, time: field.moment(one.made) })),
    ]);
  }

  function card(one) {
    const pending = tapped(one);
    const key = pending ? "field.queue.waiting" : one.withdrawn ? "field.notices.read" : "field.message.read";
    const refused = field.queue.of(one.subject).filter((item) => item.state === "refused");
    return make("article.message", { "data-task": one.subject, "data-urgency": one.urgency || "normal", "data-exercise": String(!!one.exercise), "data-read": String(done(one)) }, [
      tags(one),
      one.urged && !one.read && !one.withdrawn ? make("p.urge", {}, field.t("field.message.urged", { n: one.urged.times, time: field.time(one.urged.at), who: one.urged.by })) : "",
      one.withdrawn ? make("p.description", {}, field.t("field.message.withdrawn-by", { who: one.withdrawn_by || "", time: field.time(one.withdrawn), why: one.reason || "" })) : make("p.message-text", {}, one.text),
      one.lon !== undefined && !one.withdrawn && field.showOnMap ? make("button.small", { type: "button", "data-do": "map", onclick: () => field.showOnMap(one) }, [field.icon("on_scene"), make("span", {}, field.t("field.map.place"))]) : "",
      done(one) ? make("p.number", {}, field.t("field.message.read-at", { time: field.moment(one.read) })) : make("button.primary", { type: "button", "data-step": "read", disabled: pending, onclick: () => field.act(one, "read") }, field.t(key)),
      refused.length ? make("ul.items", {}, refused.map(field.itemRow)) : "",
    ]);
  }

  const LEVEL = { emergency: 0, urgent: 1, normal: 2 };
  field.messages = function (found) {
    const unread = found.filter((one) => !done(one)).sort((a, b) => LEVEL[a.urgency || "normal"] - LEVEL[b.urgency || "normal"] || b.made - a.made);
    const read = found.filter(done);
    if (!found.length) return "";
    const fold = make("details.messages-read", { open }, [make("summary", {}, field.t("field.message.old", { n: read.length })), ...read.map(card)]);
    fold.ontoggle = () => (open = fold.open);
    return make("section.tasks-messages", { "aria-label": field.t("field.message.title") }, [...unread.map(card), read.length ? fold : ""]);
  };
})();

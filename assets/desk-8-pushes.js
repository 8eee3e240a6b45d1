/* Who shows what on which screen, with the screens' own answers: the list of pushes, for the drawer and the screens page.
 *
 * hall.pushes.rows()    [{subject, push, answers: [{state, screen, at, by}]}] of all pushes that hold now
 * hall.pushes.list()    a live list of them, each with its withdrawal: {node, paint}
 * hall.pushes.screens() documents of the open screens of walls; .refusal(error), .newId()
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const ANSWER_MS = 3000; // hall/app/shows.py says the same
  const SILENT_MS = 8000;

  // -- who shows what ------------------------------------------------------------------------------------------------------

  const liveScreens = () => [...hall.store.docs("screen").values()].map((event) => event.data)
    .filter((doc) => doc.wall && doc.state !== "gone" && hall.clock.real() - doc.at <= SILENT_MS);

  function concerns(subject, doc) {
    const [, wall, target] = subject.split("/");
    if (doc.wall !== wall) return false;
    return target === "all" || target === `screen-${doc.id}` || (target.startsWith("part-") && ["", target.slice(5)].includes(doc.part || ""));
  }

  function answerOf(doc, subject, push) {
    const said_ = doc.shows || {};
    const screen = doc.number ? hall.t("push.screen", { n: doc.number }) : hall.t("push.screen.one", { id: doc.id });
    if (said_.subject === subject && said_.number === push.number) {
      if (said_.here === false) return null;
      if (said_.since != null) return { state: "shown", screen, at: hall.format.seconds(said_.since) };
      if (said_.held) return { state: "held", screen, by: said_.held };
      if (said_.fault) return { state: "failed", screen };
    } else if (said_.subject) {
      return { state: "covered", screen };
    }
    return { state: hall.clock.real() - push.since < ANSWER_MS ? "waiting" : "no-answer", screen };
  }

  function rows() {
    const now = hall.clock.real();
    const screens = liveScreens();
    const found = [];
    for (const event of hall.store.docs("show").values()) {
      for (const push of event.data.pushes || []) {
        if (push.until != null && push.until <= now) continue;
        const answers = screens.filter((doc) => concerns(event.subject, doc)).map((doc) => answerOf(doc, event.subject, push)).filter(Boolean);
        found.push({ subject: event.subject, push, answers: answers.sort((a, b) => a.screen.localeCompare(b.screen)) });
      }
    }
    return found.sort((a, b) => a.subject.localeCompare(b.subject) || b.push.priority - a.push.priority || b.push.since - a.push.since);
  }

  const targetText = (target) => (target === "all" ? hall.t("push.target.all") : target.replace(/^(part|screen)-/, ""));
  function contentText(push) {
    const values = { marker: "", ...push.content };
    if (push.what === "scene") values.layout = hall.word("wall", values.layout);
    const event = values.subject && hall.store.get(values.subject);
    if (values.subject) values.subject = (event && event.data.name) || values.subject.split("/").slice(2).join("/");
    return hall.t(`push.content.${push.what}`, values);
  }
  const worst = (answers) => ["no-answer", "failed", "held", "waiting", "covered", "shown"].find((state) => answers.some((one) => one.state === state)) || "none";

  function newId() {
    return `push-${Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("")}`;
  }

  function refusal(error) {
    const key = `push.refused.${error.reason}`;
    return hall.knows(key) ? hall.t(key, { detail: error.message }) : hall.why(error);
  }

  // -- the list ---------------------------------------------------------------------------------------------------------------

  /** A live list of pushes: {node, paint}. */
  function list() {
    const node = make("ul.push-list");
    const items = new Map();

    function build(row) {
      const parts = { head: make("b"), about: make("span.soft"), answers: make("p.push-answers", { role: "status" }), why: make("input.desk-input", { hidden: "" }) };
      const button = said("button.desk-button.push-withdraw", "push.withdraw", null, { type: "button" });
      const status = make("p.form-status", { role: "status" });
      button.onclick = async () => {
        button.disabled = true;
        const [, wall, target] = row.subject.split("/");
        const query = new URLSearchParams({ id: newId(), reason: parts.why.value.trim() });
        try {
          await hall.ask(`/api/v1/shows/${wall}/${encodeURIComponent(target)}/${row.push.number}?${query}`, { method: "DELETE" });
        } catch (error) {
          button.disabled = false;
          parts.why.hidden = error.reason !== "reason-missing" && parts.why.hidden;
          parts.why.placeholder = hall.t("push.withdraw-why");
          if (!parts.why.hidden) parts.why.focus();
          hall.say(status, () => refusal(error), true);
        }
      };
      const item = make("li.push-item", {}, [parts.head, parts.about, parts.answers, parts.why, status, ...(hall.may("push-to-wall") ? [button] : [])]);
      return Object.assign(item, { parts });
    }

    function paint() {
      const found = rows();
      const keys = new Set();
      for (const row of found) {
        const key = `${row.subject}#${row.push.number}`;
        keys.add(key);
        if (!items.has(key)) items.set(key, build(row));
        const item = items.get(key);
        const [, wall, target] = row.subject.split("/");
        const { push } = row;
        const left = push.until == null ? hall.t("push.until-withdrawn") : hall.t("push.left", { n: hall.show.clockText(push.until - hall.clock.real()) });
        hall.setText(item.parts.head, `${wall} · ${targetText(target)} · ${hall.show.mark(push.priority)} ${contentText(push)}`);
        hall.setText(item.parts.about, [hall.show.by(push), push.reason && hall.t("show.reason", { reason: push.reason }), left].filter(Boolean).join(" · "));
        hall.setText(item.parts.answers, row.answers.length ? row.answers.map((one) => hall.t(`push.state.${one.state}`, one)).join(" · ") : hall.t("push.no-screen"));
        item.dataset.state = worst(row.answers);
        node.append(item);
      }
      for (const [key, item] of items) {
        if (keys.has(key)) continue;
        item.remove();
        items.delete(key);
      }
      const empty = node.querySelector(".push-empty") || make("li.push-empty.soft");
      hall.setText(empty, hall.t("push.nothing"));
      if (found.length) empty.remove();
      else node.append(empty);
    }
    return { node, paint };
  }

  hall.pushes = { rows, list, screens: liveScreens, refusal, newId };
})();

/* What would be sent, side by side: on the wall, as text to each audience, as CAP. Approving stands here, with the sum of what was seen.
 *
 * hall.bulletins.preview(state, view) -> node   asked once per revision from /api/v1/bulletins/<id>/preview
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const bulletins = hall.bulletins;
  const KEPT = 20;
  const RETRY_MS = 4000;
  const found = new Map(); // subject -> {revision, data | error}

  /** As walls show it: assets/panels/warnings.js. */
  function banner(warning) {
    if (!warning) return said("p.bulletin-hint", "bulletins.no-wall");
    const real = (warning.status || "Actual") === "Actual";
    const mark = make("span.warn-severity");
    hall.severity.mark(mark, warning.severity || 0);
    const areas = (warning.areas || []).map((area) => area.description).filter(Boolean).join(" ");
    const status = make("span.warn-status", real ? { hidden: "" } : {}, real ? "" : hall.t(`warning.status.${warning.status}`));
    return make(`div.warn-row${real ? "" : ".warn-exercise"}.bulletin-banner`, { "data-severity": String(warning.severity || 0), "data-status": warning.status || "Actual" }, [status, mark, make("span.warn-text", {}, [hall.label(warning.headline), areas, warning.sender].filter(Boolean).join(" · "))]);
  }

  let drawn = null; // one map, kept over repaints of the card: {key, node, remove()}
  function areaMap(warning, key) {
    if (!warning) return "";
    if (drawn && drawn.key === key) return drawn.node;
    if (drawn) drawn.remove();
    const look = { severity: warning.severity, exercise: (warning.status || "Actual") !== "Actual", text: hall.label(warning.headline) };
    drawn = { key, ...bulletins.areaMap(warning.areas || [], look) };
    return drawn.node;
  }

  function texts(list) {
    return make("ul.bulletin-texts", {}, list.map((one) => make("li", {}, [make("i", {}, `${bulletins.audienceText(one.audience)} · ${hall.t(`bulletins.language.${one.language}`)}`), make("p", { lang: one.language }, one.text)])));
  }

  /** The button names what pressing it does; it hands in the sum of what is shown, and nothing else. */
  function approving(state, view, data) {
    const edit = view.allowed.find((one) => one.move === "edit");
    const buttons = [];
    if (edit) {
      const button = make("button.desk-button", { type: "button", "data-move": "edit" }, [hall.t("bulletins.edit"), make("kbd", {}, "e")]);
      button.onclick = () => bulletins.edit(view.subject, view);
      buttons.push(button);
    }
    if (view.allowed.some((one) => one.move === "approve") && data.frozen) {
      const n = (state.approvals || []).length + 1;
      const last = n >= state.needed;
      const button = make("button.desk-button.is-primary.bulletin-approve", { type: "button", "data-move": "approve" }, hall.t(last ? "bulletins.approve-last" : "bulletins.approve", { n, of: state.needed }));
      button.onclick = () => E.send(view.subject, "approve", { digest: data.digest }, { revision: view.revision });
      buttons.push(button);
    } else if (state.state === "submitted") {
      buttons.push(said("span.bulletin-hint", "bulletins.others-approve"));
    }
    return buttons.length ? make("div.case-moves", {}, buttons) : "";
  }

  function filled(state, view, data) {
    if (data.problem) return [make("p.case-fault", { role: "status" }, `✕ ${hall.t("bulletins.not-yet", { why: hall.why({ reason: data.problem.reason, message: data.problem.detail }) })}`), approving(state, view, data)];
    const sum = data.frozen ? make("p.bulletin-hint", {}, hall.t("bulletins.sum", { sum: data.digest.slice(0, 12), id: data.identifier })) : said("p.bulletin-hint", "bulletins.provisional");
    return [
      make("div.bulletin-panes", {}, [
        make("section", {}, [said("h3.tab-title", "bulletins.pane.wall"), banner(data.warning), areaMap(data.warning, `${view.subject} ${view.revision}`), said("h3.tab-title", "bulletins.pane.texts"), texts(data.texts)]),
        data.xml ? make("section", {}, [said("h3.tab-title", "bulletins.pane.cap"), make("pre.bulletin-xml", { tabindex: "0" }, data.xml)]) : "",
      ]),
      sum, approving(state, view, data),
    ];
  }

  // -- who was told, when ---------------------------------------------------------------------------------------------------

  const STEPS = ["sent", "received", "read", "failed"];
  function wayText(name, way) {
    const last = STEPS.filter((step) => way[step]).sort((a, b) => way[b] - way[a])[0];
    return last ? `${hall.t(`bulletins.way.${name}`)} ${hall.t(`bulletins.step.${last}`)} ${hall.format.seconds(way[last])}${way.reason ? ` (${way.reason})` : ""}` : "";
  }
  function toldText(notice) {
    const [kind, who] = Object.entries(notice.to || {})[0] || ["", ""];
    const name = kind === "role" ? hall.t(`desk.role.${who}`) : who;
    const ways = Object.entries(notice.ways || {}).map(([way, told]) => wayText(way, told)).filter(Boolean);
    const readers = Object.entries(notice.readers || {}).filter(([, one]) => one.read).map(([reader, one]) => hall.t("bulletins.read-by", { who: reader, at: hall.format.seconds(one.read) }));
    return make("li", {}, [make("b", {}, name), ` ${hall.t("bulletins.told-at", { at: hall.format.seconds(notice.made) })} `, [...ways, ...readers].join(" · ") || hall.t("bulletins.unread")]);
  }
  /** The delivery ledger of an issued one: each addressee with what became of it. */
  bulletins.delivery = function (view) {
    const list = make("ul.bulletin-told");
    const node = make("div.bulletin-delivery", {}, [said("h3.tab-title", "bulletins.delivery"), list]);
    hall.ask(`/api/v1/notices?about=${encodeURIComponent(view.subject)}`)
      .then(({ notices }) => hall.fill(list, notices.length ? notices.map(toldText) : [said("li.bulletin-hint", view.state.kind === "warning" ? "bulletins.told-feed" : "bulletins.told-nobody")]))
      .catch((error) => hall.fill(list, make("li", {}, `✕ ${hall.failed(error)}`)));
    return node;
  };

  bulletins.preview = function (state, view) {
    const node = make("div.bulletin-preview", { "data-exercise": state.exercise ? "1" : "" });
    const known = found.get(view.subject);
    if (known && known.revision === view.revision) {
      hall.fill(node, known.error ? make("p.case-fault", {}, `✕ ${hall.failed(known.error)}`) : filled(state, view, known.data));
      return node;
    }
    hall.fill(node, said("p.desk-empty", "desk.reading"));
    const keep = (entry) => {
      found.delete(view.subject);
      found.set(view.subject, { revision: view.revision, ...entry });
      if (found.size > KEPT) found.delete(found.keys().next().value);
      if (node.isConnected) hall.fill(node, entry.error ? make("p.case-fault", {}, `✕ ${hall.failed(entry.error)}`) : filled(state, view, entry.data));
    };
    const path = view.subject.split("/").slice(1).map(encodeURIComponent).join("/");
    const ask = () => Promise.all([hall.ask(`/api/v1/bulletins/${path}/preview`), bulletins.options()]).then(([data]) => keep({ data }), failed);
    /** A fault that passes is asked again while the card is there; its words are kept for no later painting. */
    function failed(error) {
      keep({ error });
      if (error.status && error.status < 500) return;
      found.delete(view.subject);
      setTimeout(() => node.isConnected && ask(), RETRY_MS);
    }
    ask();
    return node;
  };
})();

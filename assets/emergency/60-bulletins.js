/* Tab 发布: the hall's own warnings and messages. List, facts, who approved; form and preview stand in 61 and 62.
 *
 * hall.bulletins.options() -> promise of what the form offers (/api/v1/bulletins/options), asked once and again after a fault
 * hall.bulletins.audienceText(name), .areasText(state), .kindText(state)
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const RANK = ["submitted", "approved", "draft", "refused", "issued", "replaced", "cancelled", "expired"];
  const WAITS = new Set(["submitted", "approved"]);
  const FOLLOWED = new Set(["update", "cancel"]);

  const bulletins = (hall.bulletins = {});
  let asked = null, known = {};
  bulletins.options = () => (asked = asked || hall.ask("/api/v1/bulletins/options").then((found) => (known = found)).catch((error) => { asked = null; throw error; }));
  bulletins.audienceText = (name) => hall.label(((known.audiences || {})[name] || {}).label) || name;
  bulletins.kindText = (state) => [hall.t(`bulletins.kind.${state.kind || "message"}`), state.message_type && state.message_type !== "Alert" ? hall.t(`bulletins.type.${state.message_type}`) : ""].filter(Boolean).join(" · ");
  const outlined = (area) => (area.polygon ? 1 : 0) + (area.polygons || []).length;
  bulletins.areaText = (area) => [area.description, ...(area.districts || [])].filter((one, at, all) => one && all.indexOf(one) === at).join(" ") + (area.circle ? ` ${hall.t("bulletins.circle", { km: hall.format.number(area.circle.radius_m / 1000, 1) })}` : "") + (outlined(area) ? ` ${hall.t("bulletins.outlines", { n: outlined(area) })}` : "");
  bulletins.areasText = (state) => (state.areas || []).map(bulletins.areaText).join(hall.t("rows.comma")) || hall.t("bulletins.whole-city");
  E.offers.audiences = () => bulletins.options().then((found) => Object.keys(found.audiences).map((value) => ({ value, label: bulletins.audienceText(value) })));

  const at = (act) => act && [act.by === "system" ? hall.t("bulletins.hall") : act.by, act.role && hall.t(`desk.role.${act.role}`), E.moment(act.at), act.reason].filter(Boolean).join(" · ");
  const counted = (state) => (state.needed ? `${(state.approvals || []).length}/${state.needed}` : "–");
  const ends = (state) => (state.message && state.state === "issued" ? E.left(state.message.expires) : state.expires ? E.moment(state.expires) : "");
  const sorted = (a, b) => RANK.indexOf(a.data.state) - RANK.indexOf(b.data.state) || (b.data.drafted_at || 0) - (a.data.drafted_at || 0);

  function facts(state) {
    return [
      ["bulletins.kind", bulletins.kindText(state)],
      ["bulletins.severity", state.severity ? hall.severityText(state.severity) : ""],
      ["bulletins.event", hall.label(state.event)],
      ["bulletins.areas", bulletins.areasText(state)],
      ["bulletins.audience", (state.audience || []).map(bulletins.audienceText)],
      ["bulletins.expires", ends(state)],
      ["bulletins.identifier", (state.message || {}).identifier],
      ["bulletins.drafted", [state.drafted_by === "system" ? hall.t("bulletins.hall") : state.drafted_by, state.drafted_at && E.moment(state.drafted_at)].filter(Boolean).join(" · ")],
      ["bulletins.authors", (state.authors || []).join(hall.t("rows.comma"))],
      ["bulletins.cause", state.cause], ["bulletins.replaces", state.replaces], ["bulletins.followed", state.followed_by],
      ["bulletins.submitted", at(state.submitted)],
      ["bulletins.approvals", (state.approvals || []).map((act) => `✓ ${at(act)}`)],
      ["bulletins.refused", at(state.refused)],
      ["bulletins.issued", state.issued_at && E.moment(state.issued_at)],
      ["bulletins.over", state.over && at(state.over)],
    ].map(([key, value]) => [key, value || ""]);
  }

  const silent = () => "";
  E.words("bulletin", {
    message: silent, needed: silent, complete: silent, areas: (list) => bulletins.areasText({ areas: list }), audience: (list) => (list || []).map(bulletins.audienceText).join(hall.t("rows.comma")),
    headline: (texts) => hall.label(texts), text: (texts) => hall.label(texts), instruction: silent, event: (texts) => hall.label(texts), digest: (sum) => String(sum).slice(0, 12), category: silent, responses: silent, signal: silent,
    severity: (value) => (value ? hall.severityText(value) : ""), template: silent, response: silent,
  });

  const card = {
    title: (state) => hall.label(state.headline) || hall.t("bulletins.untitled"),
    mark: (state) => [make("b.case-state.bulletin-state", { "data-state": state.state }, E.stateText("bulletin", state.state)), state.severity ? make("span", {}, hall.severityText(state.severity)) : ""],
    facts,
    hide: ["approve", "edit"], // both stand at the preview: nobody approves what he has not before his eyes
    keys: { submit: "s", refuse: "r", update: "u", cancel: "c", withdraw: "w", take_back: "t", issue: "i" },
    more: (state, view) => [bulletins.preview(state, view), state.issued_at ? bulletins.delivery(view) : ""],
  };

  E.tab({
    name: "bulletins", order: 80, title: "bulletins.tab", topics: ["bulletin"], owns: ["bulletin"],
    badge() {
      const all = [...hall.store.docs("bulletin").values()].map((event) => event.data).filter(Boolean);
      const waiting = all.filter((one) => WAITS.has(one.state)).length;
      return { n: waiting || all.filter((one) => one.state === "draft" || one.state === "issued").length, alert: waiting > 0 };
    },
    mount(node, tools) {
      node.classList.add("bulletin-tab");
      const fresh = () => {
        const button = make("button.desk-button.is-primary", { type: "button", "data-new-bulletin": "1" }, [`＋ ${hall.t("bulletins.new")}`, make("kbd", {}, "n")]);
        button.onclick = () => bulletins.edit(`bulletin/${E.newId()}`, null);
        return button;
      };
      bulletins.options().then(() => split.locale()).catch(() => {});
      // an update or all clear is a new draft: whoever asked for it and is still here is led there as soon as it is heard of
      let awaited = "";
      const off = hall.desk.on("outcome", ({ command }) => {
        if (FOLLOWED.has(command.move) && command.subject.startsWith("bulletin/")) (awaited = command.subject), lead();
      });
      function lead() {
        if (!awaited || E.here() !== "bulletins" || split.open() !== awaited) return void (awaited = "");
        const drafts = [...hall.store.docs("bulletin")].filter(([, { data }]) => data && data.replaces === awaited && data.state === "draft");
        drafts.sort(([, a], [, b]) => b.data.drafted_at - a.data.drafted_at);
        if (drafts.length) (awaited = ""), E.go(drafts[0][0]);
      }
      const split = tools.split(node, {
        items: E.items("bulletin", sorted),
        columns: ["bulletins.headline", "bulletins.kind", "bulletins.severity", "bulletins.state", "bulletins.approvals-n", "bulletins.expires"],
        row: ({ data }) => [
          make("span", {}, [E.exercise(data), data.exercise ? " " : "", hall.label(data.headline) || hall.t("bulletins.untitled")]), bulletins.kindText(data), data.severity ? hall.severityText(data.severity) : "",
          make("b.bulletin-state", { "data-state": data.state }, E.stateText("bulletin", data.state)), counted(data), ends(data),
        ],
        group: ({ data }) => hall.t(WAITS.has(data.state) ? "bulletins.group.waits" : data.state === "draft" || data.state === "refused" ? "bulletins.group.drafts" : data.state === "issued" ? "bulletins.group.issued" : "bulletins.group.over"),
        empty: "bulletins.none",
        head: () => (E.mayAct() ? [said("span.bulletin-hint", "bulletins.hint"), fresh()] : []),
        card,
      });
      return {
        ...split,
        update: (changes) => (split.update(changes), lead()),
        unmount: () => (off(), split.unmount()),
        key(event) {
          if (event.key === "n" && E.mayAct()) return event.preventDefault(), node.querySelector("[data-new-bulletin]").click();
          const view = split.card() && split.card().view && split.card().view();
          if (event.key === "e" && view && view.allowed.some((one) => one.move === "edit")) return event.preventDefault(), bulletins.edit(view.subject, view);
          return split.key(event);
        },
      };
    },
  });
})();

/* One alarm and one group beside the list: its facts, and what is done with it from here.
 *
 * hall.emergency.alarmCard            options of hall.emergency.card for an alarm
 * hall.emergency.alarmGroupCard(node, subject, choose)   a group: what it comes from, its alarms, answering all of them
 * hall.emergency.answerAlarm(subject) · .answerGroup(subject)   what is answered is what was seen: the occurrence and its severity go along
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said, alarms } = hall;
  const desk = hall.desk;
  const E = hall.emergency;
  const AT_ONCE = 200; // commands of one batch, as the hall takes them
  const STALE_MS = 600000;

  const doc = (subject) => (hall.store.get(subject) || {}).data;
  const seen = (data) => ({ alarm_id: data.alarm_id, seen: data.severity || 0 });

  /** " · 3 分前": how old the shown value is; a word where it is too old to be called "now". */
  E.alarmAge = (data) => {
    const { at } = alarms.now(data);
    if (at == null) return "";
    const age = hall.clock.city() - at;
    return make("span.faint", {}, ` · ${hall.t(age > STALE_MS ? "alarms.value-old" : "alarms.value-age", { time: hall.format.duration(age) })}`);
  };
  /** What is counted of a group's alarms here: of all of it, or of those in somebody's districts. */
  E.alarmCounts = (members) => ({
    ...Object.fromEntries(alarms.AWAY.map((how) => [how, members.filter(({ data }) => alarms.away(data) === how).length])),
    severity: Math.max(...members.map(({ data }) => data.severity || 0)), total: members.length, since: Math.min(...members.map(({ data }) => data.since || Infinity)),
    districts: [...new Set(members.map(({ data }) => data.district).filter(Boolean))],
  });
  /** A group of which the hall has not told yet, from its alarms. */
  E.alarmGroup = (members) => {
    const [{ data }] = members;
    const families = new Set(members.map((one) => one.data.family || ""));
    return { ...E.alarmCounts(members), group: data.group, family: families.size > 1 ? "" : data.family, kind: data.kind, quantity: data.quantity };
  };

  E.answerAlarm = (subject) => {
    const data = doc(subject);
    if (data && !data.acknowledged) E.send(subject, "acknowledge", seen(data));
  };

  // -- a whole group --------------------------------------------------------------------------------------------------------

  const membersOf = (subject) => alarms.all().filter(({ data }) => alarms.own.shown(data) && alarms.groupOf(data) === subject);

  async function answerAll(commands) {
    let refused = 0;
    for (let at = 0; at < commands.length; at += AT_ONCE) {
      const { results } = await hall.ask("/api/v1/commands", { method: "POST", body: { commands: commands.slice(at, at + AT_ONCE) } });
      refused += results.filter((one) => one.refused).length;
    }
    return refused;
  }

  E.answerGroup = function (subject) {
    const asking = membersOf(subject).filter(({ data }) => alarms.asking(data));
    if (!asking.length) return void desk.announce(hall.t("alarms.batch-nothing"));
    const worst = Math.max(...asking.map(({ data }) => data.severity || 0));
    const mark = make("b");
    hall.severity.mark(mark, worst);
    const words = make("textarea.desk-input", { rows: "2", maxlength: "1000" });
    const status = make("p.form-status", { role: "status" });
    const go = make("button.desk-button.is-primary", { type: "button" }, hall.t("alarms.batch-go", { n: asking.length }));
    // made once: a second try after a lost answer is the same acts
    const stem = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    go.onclick = async () => {
      go.disabled = true;
      const comment = words.value.trim();
      const commands = asking.map(({ subject: name, data }, index) => ({ id: `group-${stem}-${index}`, subject: name, move: "acknowledge", data: { ...seen(data), ...(comment ? { comment } : {}) } }));
      try {
        const refused = await answerAll(commands);
        box.close();
        desk.announce(hall.t(refused ? "alarms.batch-some" : "alarms.batch-done", { n: commands.length - refused, refused }), refused ? "refused" : "done");
      } catch (error) {
        hall.setText(status, hall.failed(error));
        status.dataset.failed = "1";
        go.disabled = false;
      }
    };
    const body = [make("p", {}, [hall.t("alarms.batch-what", { n: asking.length }), " ", mark]), make("label.field", {}, [said("span.field-name", "emergency.field.alarm.comment"), words]), status, go];
    const box = desk.dialog({ title: alarms.title((alarms.groups().find((one) => one.subject === subject) || {}).data || E.alarmGroup(asking)), kind: "alarm-batch", body });
    go.focus();
  };

  E.alarmGroupCard = function (node, subject, choose) {
    const whole = make("article.emergency-card", { "data-subject": subject });
    hall.fill(node, whole);
    function paint() {
      const members = membersOf(subject);
      const told = (alarms.groups().find((one) => one.subject === subject) || {}).data;
      const group = members.length ? (told ? { ...told, ...(alarms.own.bound() ? E.alarmCounts(members) : {}) } : E.alarmGroup(members)) : told;
      if (!group) return hall.fill(whole, said("p.desk-empty", "alarms.group-over"));
      const asking = members.filter(({ data }) => alarms.asking(data)).length;
      const key = JSON.stringify([group, members.map(({ subject: name, data }) => [name, data.revision]), hall.locale]);
      if (whole.key === key) return;
      whole.key = key;
      const answer = make("button.desk-button.is-primary", { type: "button", disabled: asking ? null : "" }, [hall.t("alarms.batch-go", { n: asking }), make("kbd", {}, "a")]);
      answer.onclick = () => E.answerGroup(subject);
      const rows = members.slice(0, 100).map(({ subject: name, data }) => {
        const mark = make("span");
        hall.severity.mark(mark, data.severity || 0);
        const button = make("button.desk-chip.alarm-member", { type: "button" }, [mark, ` ${alarms.name(name, data)} · ${alarms.reading(data)} · ${hall.t(`alarm.${alarms.state(data)}`)}`, alarms.away(data) ? ` · ${alarms.why(data)}` : ""]);
        button.onclick = () => choose(name);
        return make("li", {}, button);
      });
      hall.fill(whole, [
        make("header.case-head", {}, [make("h2.case-number", {}, alarms.title(group)), make("b.case-state", {}, hall.t("alarms.sites", { n: group.total }))]),
        make("div.case-moves", { role: "toolbar" }, asking && E.mayAct() ? answer : []),
        E.facts([["alarms.cause", alarms.cause(group)], ["alarms.put-away", alarms.AWAY.filter((how) => group[how]).map((how) => hall.t(`alarms.put.${how}`, { n: group[how] })).join(" · ")], ["alarms.since", E.since(group.since)], ["alarms.newest", group.last && E.since(group.last)], ["alarms.cases", group.cases || ""], ["alarms.was", (group.was || []).length ? hall.t("alarms.was-groups", { n: group.was.length }) : ""]]),
        make("ul.alarm-members", {}, rows),
      ]);
    }
    paint();
    return { subject, view: () => null, tick: paint, locale: paint, key: () => false, focus: () => node.focus(), close: () => whole.remove() };
  };

  // -- one alarm ------------------------------------------------------------------------------------------------------------

  const caseLink = (file) => make("a", { href: `/desk?case=${encodeURIComponent(file.replace(/^file/, "case"))}&lang=${hall.locale}` }, file.split("/").pop());

  function groupLink(state) {
    const line = alarms.groups().find(({ subject }) => subject === alarms.groupOf(state));
    return line && E.link(line.subject, alarms.title(line.data));
  }

  /** What a supplier's own system said: whose, its word for the severity, its text, its number and the picture it keeps. */
  function supplied(said) {
    if (!said || !said.feed) return "";
    const feed = (hall.store.get(`feed/${said.feed}`) || {}).data;
    const source = (feed && hall.label(feed.label)) || said.feed;
    const rest = [said.word, said.text, said.id && hall.t("alarms.supplied-id", { id: said.id }), said.picture && hall.t("alarms.supplied-picture", { id: said.picture }), said.at && hall.format.time(said.at)];
    return make("span", {}, [make("b", {}, source), ...rest.filter(Boolean).map((text) => ` · ${text}`)]);
  }

  function facts(state, view) {
    const { value, unit } = alarms.now(state);
    const put = alarms.away(state);
    return [
      ["alarms.value", value == null ? "" : make("span", {}, [make("b.num", {}, alarms.amount(value, unit)), E.alarmAge(state)])],
      ["alarms.supplied", supplied(state.supplied)],
      ["alarms.line", state.threshold == null ? "" : alarms.amount(state.threshold, state.unit)],
      ["alarms.forecast-of", alarms.forecast(state)],
      ["alarms.put-away", put && make("b", {}, alarms.why(state))],
      ["alarms.marks", alarms.marks(state).join(" · ")],
      ["alarms.advice", (state.advice || []).map((code) => hall.word("alarms.do", code)).join(hall.t("rows.comma"))],
      ["alarms.priority", state.priority ? hall.t(`alarms.priority.${alarms.PRIORITIES[state.priority - 1]}`) + (state.respond_seconds ? ` · ${hall.t("alarms.respond", { time: hall.format.duration(1000 * state.respond_seconds) })}` : "") : ""],
      ["alarms.since", E.since(state.since)],
      ["alarms.returned", state.returned && E.since(state.returned)],
      ["alarms.times", state.times || ""],
      ["alarms.answered-by", state.acked_by && `${state.acked_by} · ${E.moment(state.acked_at)}`],
      ["alarms.group", groupLink(state)],
      ["alarms.cases", (state.cases || []).map(caseLink)],
      ["alarms.closure", state.closure],
      ["emergency.field.district", state.district],
      ["alarms.rules", (state.rules && state.rules.length ? state.rules : [state.rule]).join(hall.t("rows.comma"))],
      ["alarms.comments", (state.comments || []).map((one) => `${one.who} ${hall.format.time(one.at)}：${one.text}`)],
    ];
  }

  function more(state, view) {
    const made = [];
    if (E.mayAct() && hall.may("report")) {
      const button = make("button.desk-button", { type: "button" }, [hall.t("alarms.to-case"), make("kbd", {}, "c")]);
      button.onclick = () => E.alarmToCase(view.subject, state);
      made.push(button);
    }
    const text = alarms.reading(state);
    const shot = state.picture && hall.video && hall.video.pictureButton && hall.video.pictureButton({ picture: state.picture, title: alarms.name(view.subject, state), text, at: null });
    if (shot) made.push(shot);
    return made;
  }

  E.alarmCard = {
    title: (state) => alarms.name(`alarm/${(state.alarm_id || "").split("@")[0]}`, state),
    mark(state) {
      const mark = make("b");
      hall.severity.mark(mark, state.severity || 0);
      return [mark, make("b.case-state", { "data-state": state.state }, hall.t(`alarm.${state.state}`))];
    },
    facts, more, live: true,
    keys: { acknowledge: "a", shelve: "s", dispose: "x", comment: "m", link_case: "l", unshelve: "u", reset: "r", out_of_service: "o", in_service: "i", link_closure: "d", unlink_case: "b" },
  };

  // what the engine writes at every edge says itself in the facts: the history tells what changed for people
  const quiet = () => "";
  const QUIET = "alarm_id seen announced rule rules cause label labels priority respond_seconds threshold quantity kind name group hidden_why doubts forecast advice confidence picture lon lat district since worse unit latched fleeting supplied".split(" ");
  E.words("alarm", {
    ...Object.fromEntries(QUIET.map((name) => [name, quiet])),
    severity: (value) => hall.severity.word(value),
    value: (value, entry) => alarms.amount(value, entry.data.unit),
    case: (value) => value.split("/").pop(),
  });
})();

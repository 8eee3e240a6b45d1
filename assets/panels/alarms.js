/* What a person must answer. In a flood the few groups that it comes from, every alarm of them countable, the most urgent beneath as
 * far as there is room; else alarm by alarm: unacknowledged first, then severity, then newest. What is put away is counted at the end. */
"use strict";

hall.panel("alarms", function (element, { body, note }) {
  const { make, setText, format, alarms } = hall;
  const MANY = 200; // above so many alarms, and in a flood, not every change paints them all
  const PACE_MS = 500; // then; what is new and as severe as the worst is painted at once
  const strip = make("div.alarm-flood", { hidden: "", role: "status" });
  const frame = make("div.alarm-frame");
  const foot = make("div.alarm-put.soft", { hidden: "" });
  body.append(strip, frame, foot);

  function build() {
    const parts = { severity: make("span"), what: make("span.alarm-what"), state: make("span.alarm-state.num"), where: make("span.alarm-where.soft"), since: make("span.faint.num"), end: make("span.alarm-end") };
    const row = make("div.alarm-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }

  /** What an analyser said is never shown without how sure it was. */
  const sure = (alarm) => (alarm.confidence == null ? "" : hall.t("alarm.confidence", { n: format.number(alarm.confidence, 2) }));

  /** The button that shows the picture behind a reading, once there is one. */
  function picture(row, address, title, text) {
    if (row.dataset.picture === address) return;
    row.dataset.picture = address;
    const before = row.querySelector(".reading-button");
    if (before) before.remove();
    const made = address && hall.video && hall.video.pictureButton({ picture: address, title, text, at: takenAt(address) });
    if (made) row.parts.end.append(made);
  }
  const takenAt = (address) => Number(address.split("/")[4]) || null; // /video/poster/analysis/<at>/<channel>.jpg

  function fillAlarm(row, { subject, data: alarm }) {
    const { severity, what, state, where, since } = row.parts;
    const kind = alarms.state(alarm);
    const name = alarms.name(subject, alarm);
    hall.severity.mark(severity, alarm.severity || 0);
    setText(what, name);
    setText(state, hall.t(`alarm.${kind}`));
    const read = [alarms.reading(alarm), sure(alarm)].filter(Boolean).join(" · ");
    setText(where, [alarms.forecast(alarm), read, alarms.label(subject, alarm), ...alarms.marks(alarm), alarm.district].filter(Boolean).join(" · "));
    picture(row, alarm.picture || "", name, read);
    setText(since, alarm.since == null ? "" : format.age(alarm.since));
    row.dataset.state = kind;
  }

  function fillGroup(row, { data: group }) {
    const { severity, what, state, where, since } = row.parts;
    hall.severity.mark(severity, group.severity || 0);
    setText(what, `${alarms.title(group)} · ${hall.t("alarms.sites", { n: group.total })}`);
    setText(state, group.unacknowledged ? hall.t("alarms.unanswered", { n: group.unacknowledged }) : hall.t("alarm.acknowledged"));
    const hidden = alarms.AWAY.filter((how) => group[how]).map((how) => hall.t(`alarms.put.${how}`, { n: group[how] }));
    setText(where, [alarms.cause(group), ...hidden].filter(Boolean).join(" · "));
    picture(row, "", "", "");
    setText(since, group.since == null ? "" : format.age(group.since));
    row.dataset.state = group.unacknowledged ? "unanswered" : "acknowledged";
  }

  function fill(row, item) {
    row.dataset.subject = item.subject;
    row.dataset.inside = item.inside ? "1" : "";
    (item.subject.startsWith("group/") ? fillGroup : fillAlarm)(row, item);
  }

  /** Under each group the most urgent of its alarms, as many as fit beneath all groups. */
  function withAlarms(groups, listed) {
    const lines = new Set(groups.map(({ subject }) => subject));
    const inside = listed.filter(({ data }) => lines.has(alarms.groupOf(data)));
    const chosen = Map.groupBy(inside.slice(0, Math.max(0, rows.capacity() - groups.length)), ({ data }) => alarms.groupOf(data));
    return groups.flatMap((group) => [group, ...(chosen.get(group.subject) || []).map((one) => ({ ...one, inside: true }))]);
  }

  const rows = hall.rows(frame, build, fill, { em: 2.72 });
  let painted = new Map(), worst = 0; // announcement that was painted, by subject; the worst severity there was
  const show = () => {
    const since = alarms.flood();
    const load = alarms.load();
    const all = alarms.all();
    const listed = all.filter(({ data }) => !alarms.away(data));
    const groups = since == null ? [] : alarms.groups();
    const put = alarms.putText(alarms.put());
    strip.hidden = !groups.length;
    if (groups.length) setText(strip, `▲ ${hall.t("alarms.flood", { at: format.time(since), n: load.rate.now, minutes: load.rate.window_minutes })}`);
    foot.hidden = !put;
    setText(foot, put);
    rows.show(groups.length ? withAlarms(groups, listed) : listed, "alarm.none");
    painted = new Map(listed.map(({ subject, data }) => [subject, data.announced || data.since]));
    worst = Math.max(0, ...listed.map(({ data }) => data.severity || 0));
    const open = listed.filter(({ data }) => alarms.asking(data)).length;
    note(listed.length ? hall.t("alarm.note", { open, all: listed.length }) : "");
    element.dataset.unanswered = open;
    element.dataset.flood = groups.length ? "1" : "";
  };
  const paced = hall.paced(show, PACE_MS);
  /** Somebody has to see it now: new, or asked for again, and none is worse. */
  const urgent = ({ subject, data }) => !!data && subject.startsWith("alarm/") && (data.severity || 0) >= worst && alarms.asking(data) && painted.get(subject) !== (data.announced || data.since);
  const calm = () => alarms.flood() == null && hall.store.docs("alarm").size <= MANY;
  show();
  return { update: (changes) => (calm() || changes.some(urgent) ? show() : paced()), tick: paced, locale: show, resize: show, unmount: () => paced.cancel() };
});

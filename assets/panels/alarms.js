/* What a person must answer. In a flood the few groups that it comes from, every alarm of them countable; else alarm by alarm:
 * unacknowledged first, then severity, then newest. What is put away is counted beneath, with how. */
"use strict";

hall.panel("alarms", function (element, { body, note }) {
  const { make, setText, format, alarms } = hall;
  const MANY = 200; // above so many alarms not every frame sorts them all
  const PACE_MS = 60;
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
    (item.subject.startsWith("group/") ? fillGroup : fillAlarm)(row, item);
  }

  const rows = hall.rows(frame, build, fill, { em: 2.72 });
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
    rows.show(groups.length ? groups : listed, "alarm.none");
    const open = listed.filter(({ data }) => alarms.asking(data)).length;
    note(listed.length ? hall.t("alarm.note", { open, all: listed.length }) : "");
    element.dataset.unanswered = open;
    element.dataset.flood = groups.length ? "1" : "";
  };
  const paced = hall.paced(show, PACE_MS);
  show();
  return { update: () => (hall.store.docs("alarm").size > MANY ? paced() : show()), tick: show, locale: show, resize: show, unmount: () => paced.cancel() };
});

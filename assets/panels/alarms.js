/* What a person must answer: unacknowledged first, then severity, then newest. */
"use strict";

hall.panel("alarms", function (element, { body, note }) {
  const { make, setText, format } = hall;

  function build() {
    const parts = { severity: make("span"), what: make("span.alarm-what"), state: make("span.alarm-state.num"), where: make("span.alarm-where.soft"), since: make("span.faint.num"), end: make("span.alarm-end") };
    const row = make("div.alarm-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }

  const stateOf = (alarm) => {
    if (alarm.active === false) return alarm.acknowledged ? "over" : "returned";
    return alarm.acknowledged ? "acknowledged" : "unanswered";
  };

  function nameOf(alarm) {
    const sensor = hall.store.get(`sensor/${hall.site(alarm.subject)}`);
    return (sensor && sensor.data.name) || alarm.alarm_id;
  }

  function reading(alarm) {
    if (alarm.value == null) return "";
    const unit = hall.word("unit", alarm.unit || "");
    const line = alarm.threshold == null ? "" : ` / ${hall.t("alarm.line", { n: format.number(alarm.threshold, 2) })}`;
    return `${format.number(alarm.value, alarm.unit === "%" ? 0 : 2)} ${unit}${line}`;
  }

  /** What an analyser said is never shown without how sure it was. */
  const sure = (alarm) => (alarm.confidence == null ? "" : hall.t("alarm.confidence", { n: format.number(alarm.confidence, 2) }));

  /** The button that shows the picture behind a reading, once there is one. */
  function picture(row, alarm, text) {
    if (row.dataset.picture === (alarm.picture || "")) return;
    row.dataset.picture = alarm.picture || "";
    const before = row.querySelector(".reading-button");
    if (before) before.remove();
    const made = alarm.picture && hall.video && hall.video.pictureButton({ picture: alarm.picture, title: nameOf(alarm), text, at: takenAt(alarm.picture) });
    if (made) row.parts.end.append(made);
  }

  const takenAt = (address) => Number(address.split("/")[4]) || null; // /video/poster/analysis/<at>/<channel>.jpg

  function fill(row, alarm) {
    const { severity, what, state, where, since } = row.parts;
    const kind = stateOf(alarm);
    hall.severity.mark(severity, alarm.severity || 0);
    setText(what, nameOf(alarm));
    setText(state, hall.t(`alarm.${kind}`));
    const label = (alarm.label || "").split(" · ").filter((part) => part !== what.textContent); // the name stands above
    const read = [reading(alarm), sure(alarm)].filter(Boolean).join(" · ");
    setText(where, [read, ...label, alarm.district].filter(Boolean).join(" · "));
    picture(row, alarm, read);
    setText(since, alarm.since == null ? "" : format.age(alarm.since));
    row.dataset.state = kind;
    row.dataset.subject = alarm.subject;
  }

  const rows = hall.rows(body, build, fill, { em: 2.72 });
  const show = () => {
    const all = [];
    for (const event of hall.store.docs("alarm").values()) {
      const alarm = { ...event.data, subject: event.subject };
      if (stateOf(alarm) !== "over") all.push(alarm);
    }
    const rank = (alarm) => (alarm.active === false ? 2 : alarm.acknowledged ? 1 : 0);
    all.sort((a, b) => rank(a) - rank(b) || (b.severity || 0) - (a.severity || 0) || (b.since || 0) - (a.since || 0));
    rows.show(all, "alarm.none");
    const open = all.filter((alarm) => rank(alarm) === 0).length;
    note(all.length ? hall.t("alarm.note", { open, all: all.length }) : "");
    element.dataset.unanswered = open;
  };
  show();
  return { update: show, tick: show, locale: show, resize: show };
});

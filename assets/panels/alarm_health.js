/* How heavy the alarms lie on one operator, each figure beside its target. */
"use strict";

hall.panel("alarm_health", function (element, { body, note }) {
  const { make, setText, alarms } = hall;
  const frame = make("div.load-frame");
  body.append(frame);

  function build() {
    const parts = { name: make("span.load-name"), value: make("span.load-value.num"), target: make("span.load-target.num") };
    const row = make("div.load-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }
  function fill(row, item) {
    setText(row.parts.name, item.met === false ? `▲ ${item.name}` : item.name);
    setText(row.parts.value, item.value);
    setText(row.parts.target, item.target);
    row.dataset.met = item.met == null ? "" : item.met ? "1" : "0";
    row.title = [item.more, alarms.metText(item.met)].filter(Boolean).join(" · ");
  }
  const rows = hall.rows(frame, build, fill, { em: 1.5 });

  const show = () => {
    const load = alarms.load();
    const lines = load ? alarms.loadLines(load) : [];
    rows.show([...lines].sort((a, b) => (a.met === false ? 0 : 1) - (b.met === false ? 0 : 1)), "rows.waiting");
    const missed = lines.filter((item) => item.met === false).length;
    note(load ? (missed ? `▲ ${hall.t("alarms.load.missing", { n: missed })}` : hall.t("alarms.load.all-met")) : "");
  };
  show();
  return { update: show, tick: show, locale: show, resize: show };
});

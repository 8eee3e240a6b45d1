/* Warnings in force, most severe first. An exercise or a test is unmistakable: its own tag, hatched ground, first word. */
"use strict";

hall.panel("warnings", function (element, { body, note }) {
  const { make, setText, format } = hall;

  function build() {
    const parts = { status: make("span.warn-status"), severity: make("span.warn-severity"), text: make("span.warn-text"), until: make("span.soft.num") };
    const row = make("div.warn-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }

  function fill(row, warning) {
    const { status, severity, text, until } = row.parts;
    const real = (warning.status || "Actual") === "Actual";
    row.classList.toggle("warn-exercise", !real);
    setText(status, real ? "" : hall.t(`warning.status.${warning.status}`));
    status.hidden = real;
    hall.severity.mark(severity, warning.severity || 0);
    const areas = (warning.areas || []).map((area) => area.description).filter(Boolean);
    const where = areas.slice(0, 3).join(" ") + (areas.length > 3 ? hall.t("rows.and", { n: areas.length - 3 }) : "");
    setText(text, [hall.label(warning.headline) || warning.event, where, warning.sender].filter(Boolean).join(" · "));
    const left = warning.expires == null ? "" : hall.t("warning.until", { time: format.time(warning.expires), left: format.duration(warning.expires - hall.clock.city()) });
    setText(until, left);
    row.title = hall.label(warning.description) || "";
    row.dataset.status = warning.status || "Actual";
  }

  const rows = hall.rows(body, build, fill, { em: 1.55 });
  const show = () => {
    const inForce = hall.warningsInForce(hall.clock.city());
    rows.show(inForce, "warning.none");
    element.dataset.worst = inForce.length ? inForce[0].severity || 0 : 0;
    note(inForce.length ? hall.t("warning.note", { n: inForce.length }) : "");
  };
  show();
  return { update: show, tick: show, locale: show, resize: show };
});

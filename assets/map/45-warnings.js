/* Warnings in force as areas on the ground. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  /** "演练 · 暴雨橙色预警": what the warning is, in the reader's language; what is not a real warning says so first. */
  function textOf(data) {
    const headline = hall.label(data.headline) || data.event || "";
    const status = data.status && data.status !== "Actual" ? hall.word("warning.status", data.status) : "";
    const mark = `${citymap.SHAPES[Math.max(0, Math.min(4, data.severity | 0))]} `.trimStart();
    if (!status || headline.toLowerCase().includes(status.toLowerCase())) return mark + headline;
    return mark + hall.t("map.exercise", { status, headline });
  }

  /** Takes a warning event into `warnings` (subject -> {severity, exercise, text(), shapes}). */
  citymap.takeWarning = function (warnings, event) {
    const { subject, data } = event;
    if (!data) {
      warnings.delete(subject);
      return;
    }
    const shapes = (data.areas || []).flatMap((area) => area.polygons || [])
      .filter((ring) => ring.length > 2)
      .map((ring) => citymap.shapeOf({ type: "Polygon", coordinates: [ring] }));
    warnings.set(subject, {
      severity: Math.max(0, Math.min(4, data.severity | 0)),
      exercise: !!data.status && data.status !== "Actual",
      text: () => textOf(data),
      shapes,
      event,
    });
  };

  /** The warnings that hold at city time `now`, mildest first; which they are is decided where every panel asks. */
  citymap.warningsNow = function (warnings, now) {
    const holding = hall.warningsInForce(now).map((warning) => warnings.get(`warning/${warning.feed}/${warning.warning_id}`));
    return holding.filter(Boolean).sort((a, b) => a.severity - b.severity);
  };
})();

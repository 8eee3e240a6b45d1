/* What a gauge's reading says, and whether it is old. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  /** Older than three times what its feed is expected to take. */
  citymap.isOld = function (event, now, times = 3) {
    if (!event) return true;
    const feed = citymap.doc(`feed/${event.subject.split("/")[1]}`);
    const expected = (feed && feed.data && feed.data.expected_seconds) || 60;
    return now - event.time > expected * 1000 * times;
  };

  /** "0.42 m": a gauge's reading with its unit. */
  citymap.reading = function (gauge) {
    const { value, unit, quantity } = gauge.event.data;
    if (value == null) return hall.t("map.no-value");
    const digits = quantity.startsWith("water") ? 2 : 1;
    const word = unit || (gauge.sensor && gauge.sensor.data.unit) || "";
    return `${value.toFixed(digits)} ${hall.word("unit", word)}`.trim();
  };
})();

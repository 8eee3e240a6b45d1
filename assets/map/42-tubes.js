/* The gauge that is read from afar: a tube filled to the reading, a line for each threshold, an arrow for rising and falling,
 * a broken outline up to where it will stand by its forecast. The value stands beside it as a text of the wall's size.
 *
 * citymap.tubeOf(spot) -> {level, lines, arrow, ahead, severity}   all heights as parts of the tube, 0 to 1
 * citymap.drawTube(c, width, height, options)   about the origin, standing on it;  citymap.paintTube(canvas, spot)   alone, in a row
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const ROOM = 1.15; // the tube ends so much above the highest of line, reading and forecast
  const STEPS = 40; // heights are kept to a fortieth: as fine as can be seen, and few enough pictures to keep

  citymap.tubeOf = function ({ value, lines, rate, forecast, severity }) {
    const ahead = forecast && forecast.value != null ? forecast.value : null;
    const bottom = Math.min(0, value ?? 0);
    const low = lines.length && lines[0].value > 5 ? lines[0].value - (lines[lines.length - 1].value - lines[0].value || 1) : bottom; // a river's level far above zero
    const top = low + ((Math.max(value ?? 0, ahead ?? 0, ...lines.map((line) => line.value)) || 1) - low) * ROOM;
    const part = (level) => Math.max(0, Math.min(1, Math.round((STEPS * (level - low)) / (top - low || 1)) / STEPS));
    return {
      level: value == null ? null : part(value), lines: lines.map((line) => ({ at: part(line.value), severity: line.severity })),
      arrow: hall.flood ? hall.flood.arrowOf(rate) : "", ahead: ahead == null ? null : part(ahead), severity: severity | 0,
    };
  };
  citymap.tubeKey = ({ level, lines, arrow, ahead, severity }) => `${level}|${arrow}|${ahead}|${severity}|${lines.map((line) => `${line.at}:${line.severity}`).join()}`;

  function arrowhead(c, x, y, size, arrow) {
    c.beginPath();
    if (arrow === "→") {
      c.moveTo(x - size * 0.5, y);
      c.lineTo(x + size * 0.5, y);
    } else {
      const turn = arrow === "↑" ? -1 : 1;
      c.moveTo(x, y + turn * size);
      c.lineTo(x - size * 0.62, y - turn * size * 0.1);
      c.lineTo(x + size * 0.62, y - turn * size * 0.1);
      c.closePath();
      c.moveTo(x, y - turn * size * 0.1);
      c.lineTo(x, y - turn * size * 0.8);
    }
    c.lineWidth = size * 0.36;
    c.stroke();
    if (arrow !== "→") c.fill();
  }

  citymap.drawTube = function (c, width, height, { level, lines, arrow, ahead, severity }) {
    const [half, y] = [width / 2, (part) => -part * height];
    const colour = citymap.colours[severity];
    c.lineJoin = "round";
    c.beginPath();
    c.roundRect(-half, -height, width, height, width * 0.18);
    c.lineWidth = width * 0.34;
    c.strokeStyle = citymap.ink.halo;
    c.stroke();
    c.fillStyle = citymap.ink.ground;
    c.fill();
    if (level != null) {
      c.save();
      c.clip();
      c.fillStyle = colour;
      c.fillRect(-half, y(level), width, height * level);
      c.restore();
    }
    if (ahead != null && level != null && ahead > level) {
      c.setLineDash([width * 0.16, width * 0.14]);
      c.lineWidth = width * 0.14;
      c.strokeStyle = citymap.ink.text;
      c.strokeRect(-half * 0.62, y(ahead), width * 0.62, height * (ahead - level));
      c.setLineDash([]);
    }
    c.beginPath();
    c.roundRect(-half, -height, width, height, width * 0.18);
    c.lineWidth = width * 0.12;
    c.strokeStyle = level == null ? citymap.ink.dim : citymap.ink.text;
    if (level == null) c.setLineDash([width * 0.2, width * 0.16]);
    c.stroke();
    c.setLineDash([]);
    // each line reaches out to the right, with its severity's number of steps: 1 short … 4 long; all edges first, so that
    // of two lines close together both are seen
    for (const edge of [true, false]) {
      for (const line of [...lines].reverse()) {
        c.beginPath();
        c.moveTo(-half, y(line.at));
        c.lineTo(half + width * (0.16 + 0.11 * line.severity), y(line.at));
        c.lineWidth = width * (edge ? 0.22 : 0.11);
        c.strokeStyle = edge ? citymap.ink.ground : citymap.colours[line.severity];
        c.stroke();
      }
    }
    if (!arrow) return;
    c.strokeStyle = citymap.ink.halo;
    c.fillStyle = citymap.ink.text;
    c.lineWidth = width * 0.5;
    c.save();
    c.strokeStyle = citymap.ink.text;
    arrowhead(c, -half - width * 0.52, -height / 2, width * 0.42, arrow);
    c.restore();
  };

  /** A tube alone on its canvas, as high as the canvas stands. */
  citymap.paintTube = function (canvas, spot) {
    const ready = hall.canvas(canvas);
    if (!ready) return;
    const { context, width, height } = ready;
    const tall = height * 0.9;
    const wide = Math.min(width * 0.36, tall * 0.42);
    context.save();
    context.translate(width / 2, height * 0.95);
    citymap.drawTube(context, wide, tall, citymap.tubeOf(spot));
    context.restore();
  };

  // -- on the map --------------------------------------------------------------------------------------------------------------

  const NAMED = 8; // so many of them have their reading in any case
  const MOST = 14; // more tubes than this hide each other: the mildest become drops again
  const WATER = new Set(["water_depth", "water_level"]);
  citymap.symbols.tube = (c, r, options) => (c.translate(r * 0.18, r * 1.3), citymap.drawTube(c, r * 0.86, r * 2.6, options));

  const alarmOf = (gauge) => (gauge.alarm && gauge.alarm.data) || {};
  /** Cases that the alarm of a gauge in sight speaks for. */
  citymap.mergedCases = function (things) {
    const found = new Set();
    for (const gauge of things.gauges.values()) if (gauge.known && gauge.alarm) for (const subject of alarmOf(gauge).cases || []) found.add(subject.replace(/^file\//, "case/"));
    return found;
  };

  /** Draws the worst of the gauges in view (mildest first in `seen`) as tubes; gives back the others. */
  citymap.drawTubes = function (things, seen, frame, now) {
    const wanted = seen.filter(({ entry }) => WATER.has(entry.quantity) && (entry.severity >= 2 || alarmOf(entry).forecast)).slice(-MOST);
    const r = Math.round(frame.glyph * 0.98);
    wanted.forEach((one, index) => {
      const { entry } = one;
      const alarm = alarmOf(entry);
      const value = entry.event ? entry.event.data.value : null;
      const series = entry.event && citymap.doc(`series/${hall.site(entry.event.subject)}/${entry.quantity}`);
      const rate = hall.rateOf(series && series.data, 10);
      const lines = hall.linesOf(entry.sensor && entry.sensor.data, entry.quantity);
      const options = citymap.tubeOf({ value: citymap.isOld(entry.event, now) ? null : value, lines, rate, forecast: alarm.forecast, severity: entry.severity });
      const sprite = citymap.sprite("tube", citymap.tubeKey(options), r, frame.ratio, options);
      things.due.push({ severity: entry.severity + 0.5, sprite, px: one.px, py: one.py, hit: [r * 1.2, "gauge", entry] });
      const ahead = alarm.forecast && alarm.forecast.at ? hall.t("map.ahead", { n: Math.max(0, Math.round((alarm.forecast.at - now) / 60000)), value: hall.format.number(alarm.forecast.value, 2) }) : "";
      const cases = (alarm.cases || []).length ? hall.t("map.with-cases", { n: alarm.cases.length }) : "";
      const text = `${citymap.SHAPES[entry.severity]}${value == null ? hall.t("map.no-value") : citymap.reading(entry)} ${hall.flood.rateText(rate)}`;
      things.label(one, r * 0.72, [text.trim(), ahead, cases].filter(Boolean).join(" · "), citymap.colours[entry.severity], wanted.length - index <= NAMED ? 13 + entry.severity / 10 : 12, text.trim());
    });
    const tubes = new Set(wanted);
    return seen.filter((one) => !tubes.has(one));
  };
})();

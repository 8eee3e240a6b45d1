/* How areas coloured by a measure are painted: the colours of its classes, hatching where it is not known, and the values. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const ALPHA = (citymap.MEASURE_ALPHA = 0.62);
  citymap.RAMPS = {
    worse: ["#3d3570", "#5c4da3", "#8170cb", "#ab98ea", "#e0d6ff"],
    better: ["#16464a", "#1f6868", "#33968d", "#66c4b4", "#bdf2e6"],
  };

  /** `part`: a citymap.Measures with its table. */
  citymap.paintMeasures = function (part, c, frame) {
    const ramp = part.ramp();
    const classes = ramp.map(() => []);
    const unknown = [];
    const seen = [];
    for (const area of part.within()) {
      if (!frame.sees(area.box)) continue;
      seen.push(area);
      const row = part.row(area);
      if (!row) unknown.push(area);
      else if (part.classOf(row[0]) >= 0) classes[part.classOf(row[0])].push(area);
    }
    const path = (areas) => {
      c.beginPath();
      for (const area of areas) citymap.trace(c, frame, area);
    };
    c.globalAlpha = ALPHA;
    classes.forEach((areas, i) => {
      if (!areas.length) return;
      path(areas);
      c.fillStyle = ramp[i];
      c.fill("evenodd");
    });
    c.globalAlpha = 1;
    if (unknown.length) {
      path(unknown);
      c.fillStyle = citymap.hatch(c, frame);
      c.fill("evenodd");
    }
    path(seen);
    c.lineWidth = 0.7 * frame.u;
    c.strokeStyle = "rgba(196,208,226,.38)";
    c.stroke();
  };

  /** Whether there are areas with nothing of what there should be (no crew): a 0 that must be seen. Of what should not be, it is left out. */
  citymap.noneOf = (part) => !!part.measure && part.measure.higher === "better" && part.within().some((area) => (part.row(area) || [])[0] === 0);

  /** Values where their area has room for them, as `ground.numbers` takes them. */
  citymap.measureNumbers = function (part, c, frame) {
    const found = [];
    c.font = `600 ${frame.font}px ${citymap.family}`;
    const none = citymap.noneOf(part);
    for (const area of part.within()) {
      const row = part.row(area);
      const { box } = area;
      if (!row || !(row[0] || (row[0] === 0 && none)) || !frame.sees(box)) continue;
      const text = part.number(row[0]);
      if ((box.east - box.west) * frame.scale < c.measureText(text).width * 1.5 || (box.south - box.north) * frame.scale < frame.glyph * 1.8) continue;
      const [x, y] = area.label || [(box.west + box.east) / 2, (box.north + box.south) / 2];
      const of = part.level === "districts" ? area.name : ""; // told with the district's name, which finds a place for both
      found.push({ text, of, x: frame.px(x), y: frame.py(y), colour: "#ffffff" });
    }
    return found;
  };
})();

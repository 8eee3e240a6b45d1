/* The warnings' texts on plates, above everything; laid out before all other labels. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});

  /** Where the warnings' texts go, into `ground.plates`: {text, half, middle, y, size, colour, warning}, the most severe first; `boxes` are taken. */
  citymap.layPlates = function (ground, c, frame, boxes) {
    const plates = (ground.plates = []);
    if (!ground.shown.warnings) return;
    for (const warning of [...ground.holding].reverse()) {
      const shape = warning.shapes.find((s) => frame.sees(s.box));
      if (!shape || !warning.text()) continue;
      const x = frame.px((shape.box.west + shape.box.east) / 2);
      const y = Math.max(frame.font * 2, frame.py(shape.box.north) + frame.font);
      const plate = fitted(c, frame, warning.text(), x);
      if (!boxes.take(plate.middle - plate.half, y - plate.size * 0.9, plate.middle + plate.half, y + plate.size * 0.9)) continue;
      plates.push({ ...plate, warning, y, colour: citymap.colours[warning.severity] });
    }
  };

  /** A text wholly on the screen: moved in from the edge, and shortened where it is wider than the map. */
  function fitted(c, frame, text, x) {
    const size = frame.font;
    c.font = `600 ${size}px ${citymap.family}`;
    const shown = fitting(c, text, frame.width - 3 * size);
    const half = c.measureText(shown).width / 2 + size * 0.6;
    const middle = Math.max(half + size * 0.5, Math.min(frame.width - half - size * 0.5, x));
    return { text: shown, half, middle, size };
  }

  /** The warnings' texts on plates of their own, drawn above everything. */
  citymap.drawPlates = function (ground, c) {
    c.textBaseline = "middle";
    c.textAlign = "center";
    for (const { text, half, middle, y, size, colour } of ground.plates) {
      c.beginPath();
      c.roundRect(middle - half, y - size * 0.8, 2 * half, size * 1.6, size * 0.25);
      c.fillStyle = "rgba(9, 15, 26, .92)";
      c.fill();
      c.lineWidth = Math.max(1, size * 0.08);
      c.strokeStyle = c.fillStyle = colour;
      c.stroke();
      c.font = `600 ${size}px ${citymap.family}`;
      c.fillText(text, middle, y);
    }
  };

  /** `text`, or as much of its beginning as fits into `room` px with an ellipsis. */
  function fitting(c, text, room) {
    if (c.measureText(text).width <= room) return text;
    let letters = [...text];
    while (letters.length && c.measureText(`${letters.join("").trimEnd()}…`).width > room) letters = letters.slice(0, -1);
    return `${letters.join("").trimEnd()}…`;
  }
})();

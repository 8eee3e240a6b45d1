/* How street components look on the phone's map: a disc in the class's colour for one, a plate with the number for a counted cell.
 *
 * field.partSpot(mark, level, scale)   where a mark stands, {x, y} of the unit square: one at its place, a number at a place of its cell
 *   where it meets no neighbour's. `scale`: px of the whole world
 * field.drawParts(c, frame, picture, chosen, framed)   `framed`: what was not asked for is shown as such; boxes that no name should cover
 */
"use strict";

(function () {
  const field = window.field;
  const hall = window.hall;
  const citymap = hall.citymap;
  const [PLATE, LEAST, LETTERS] = [21, 5, 13]; // px: radius of a number's plate, of one too small for a number; its letters
  const [SMALL, LARGE, LARGE_FROM] = [6, 8.5, 16.5]; // px: radius of a disc far off, close by, from this zoom on
  const TAU = 2 * Math.PI;

  const plateOf = (cell) => Math.max(LEAST, Math.min(PLATE, cell / 2 - 1));

  field.partSpot = function ({ x, y, count }, level, scale) {
    if (count === 1) return { x, y };
    const cell = 1 / 2 ** level;
    const edge = Math.min(cell / 2, plateOf(cell * scale) / scale);
    const within = (value) => {
      const low = Math.floor(value / cell) * cell;
      return Math.max(low + edge, Math.min(low + cell - edge, value));
    };
    return { x: within(x), y: within(y) };
  };

  const numbers = new Map();
  /** 1,234 as short as a plate wants it: 1.2K, 1.2万. */
  function short(n) {
    const { locale } = field;
    if (!numbers.has(locale)) numbers.set(locale, new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 2 }));
    return n < 1000 ? String(n) : numbers.get(locale).format(n);
  }

  /** All discs of one colour as one path: two thousand cost a phone a few ms. */
  function discs(c, spots, r, colour) {
    c.fillStyle = colour;
    c.beginPath();
    for (const [x, y] of spots) {
      c.moveTo(x + r, y);
      c.arc(x, y, r, 0, TAU);
    }
    c.fill();
  }

  function plates(c, frame, counted, cell) {
    const r = plateOf(cell) * frame.u;
    c.beginPath();
    for (const [, x, y] of counted) {
      c.moveTo(x + r, y);
      c.arc(x, y, r, 0, TAU);
    }
    c.fillStyle = "rgba(6, 11, 20, .86)";
    c.fill();
    c.lineWidth = 2 * frame.u;
    c.strokeStyle = "#9fb6cf";
    c.stroke();
    if (r < LETTERS * frame.u) return; // from farther off than it was asked for: a number would not be read
    c.font = `700 ${LETTERS * frame.u}px ${citymap.family}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillStyle = "#ffffff";
    for (const [mark, x, y] of counted) c.fillText(short(mark.count), x, y + frame.u, 2 * r - 2);
  }

  function outside(c, frame, [west, north, east, south]) {
    const [left, top, right, bottom] = [frame.px(west), frame.py(north), frame.px(east), frame.py(south)];
    if (left <= 0 && top <= 0 && right >= frame.width && bottom >= frame.height) return;
    c.beginPath();
    c.rect(0, 0, frame.width, frame.height);
    c.rect(left, top, right - left, bottom - top);
    c.fillStyle = "rgba(120, 130, 145, .28)";
    c.fill("evenodd");
    c.setLineDash([8 * frame.u, 6 * frame.u]);
    c.lineWidth = 2 * frame.u;
    c.strokeStyle = "#ffe08a";
    c.strokeRect(left, top, right - left, bottom - top);
    c.setLineDash([]);
  }

  field.drawParts = function (c, frame, { marks, level, box }, chosen, framed) {
    const r = (frame.zoom >= LARGE_FROM ? LARGE : SMALL) * frame.u;
    const [single, counted] = [new Map(), []];
    let ring = null;
    for (const mark of marks) {
      const spot = field.partSpot(mark, level, frame.scale);
      const [x, y] = [frame.px(spot.x), frame.py(spot.y)];
      if (!frame.holds(x, y, PLATE * frame.u)) continue;
      if (mark.count > 1) {
        counted.push([mark, x, y]);
        continue;
      }
      const colour = mark.of.colour || citymap.COMPONENT_OTHER;
      if (!single.has(colour)) single.set(colour, []);
      single.get(colour).push([x, y]);
      if (chosen && chosen.subject === mark.subject) ring = [x, y];
    }
    c.save();
    if (framed) outside(c, frame, box);
    for (const spots of single.values()) discs(c, spots, r + 2 * frame.u, "#060b14");
    for (const [colour, spots] of single) discs(c, spots, r, colour);
    if (counted.length) plates(c, frame, counted, frame.scale / 2 ** level);
    if (ring) {
      c.beginPath();
      c.arc(...ring, r + 6 * frame.u, 0, TAU);
      c.lineWidth = 3 * frame.u;
      c.strokeStyle = "#ffffff";
      c.stroke();
    }
    c.restore();
    const reach = plateOf(frame.scale / 2 ** level) * frame.u;
    return counted.map(([, x, y]) => [x - reach, y - reach, x + reach, y + reach]);
  };
})();

/* Words beside the symbols, the most important first, clear of symbols, of each other and (where it can be) of the ground's names. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const LABELLED = 90; // labels that a place is looked for: no map has room for more
  const FORCED = 13; // rank from which a label is written in any case: readings of orange and red gauges
  const STEPS = 9, TURNS = 12; // how far around its symbol such a label is looked a place for, and in how many directions
  const ON_NAMES = 9; // rank from which a label may lie on a name of the ground, where it finds no other place

  /** From a symbol's edge to the nearest point of its label. */
  function leader(c, { x, y, r }, { width, at: [left, middle] }, half, u, colour) {
    const [toX, toY] = [Math.min(Math.max(x, left), left + width), Math.min(Math.max(y, middle - half), middle + half)];
    const away = Math.hypot(toX - x, toY - y) || 1;
    const wide = c.lineWidth;
    for (const [ink, line] of [[citymap.ink.halo, u * 3], [colour, u * 1.2]]) {
      c.strokeStyle = ink;
      c.lineWidth = line;
      c.beginPath();
      c.moveTo(x + ((toX - x) * r * 0.6) / away, y + ((toY - y) * r * 0.6) / away);
      c.lineTo(toX, toY);
      c.stroke();
    }
    c.lineWidth = wide;
  }

  /**
   * Right, left, above or below of its symbol; where it has no room its short form, if it has one. What finds none is left to the card;
   * readings of severe gauges go farther off, with a line to their symbol. None lies on another.
   * `things.boxes` then holds what symbols and labels take.
   */
  citymap.drawLabels = function (things, c, frame) {
    const boxes = new citymap.Boxes(64);
    if (things.reserve) things.reserve(c, frame, boxes); // what goes before all labels: the warnings' plates
    const names = things.names && things.names(frame); // boxes of the ground's names in this frame
    const size = frame.font;
    for (const { x, y, r } of things.hits) boxes.put(x - r * 0.6, y - r * 0.6, x + r * 0.6, y + r * 0.6);
    for (const box of things.plates) boxes.put(...box);
    c.font = `600 ${size}px ${citymap.family}`;
    c.textBaseline = "middle";
    c.textAlign = "left";
    c.lineWidth = size * 0.2;
    const half = size * 0.42;
    const sorted = things.labels.map((label, n) => ({ ...label, n })).sort((a, b) => b.rank - a.rank || a.n - b.n);
    const inside = (width) => ([left, middle]) => left >= 0 && left + width <= frame.width && middle >= half && middle <= frame.height - half;
    const clear = (of, width) => ([left, middle]) => of.free(left, middle - half, left + width, middle + half);
    /** A place farther off, the nearest first. */
    const far = ({ x, y, r }, text) => {
      const width = c.measureText(text).width;
      for (let step = 1; step <= STEPS; step += 1) {
        for (let turn = 0; turn < TURNS; turn += 1) {
          const angle = (turn * 2 * Math.PI) / TURNS, away = r + half + step * half * 1.6;
          const at = [x + Math.cos(angle) * (away + width / 2) - width / 2, y + Math.sin(angle) * away];
          if (inside(width)(at) && clear(boxes, width)(at)) return { text, width, at, far: true };
        }
      }
      return null;
    };
    /** Where `text` goes; null for nowhere. */
    const seek = ({ x, y, r, rank }, text) => {
      const width = c.measureText(text).width;
      const gap = r + frame.u * 2;
      const places = [[x + gap, y], [x - gap - width, y], [x - width / 2, y - gap - half], [x - width / 2, y + gap + half]];
      if (rank >= FORCED) places.push(...[-1, 1].flatMap((side) => [[x + gap * 0.7, y + side * (gap + half)], [x - gap * 0.7 - width, y + side * (gap + half)], [x - width / 2, y + side * (gap + 3.4 * half)]]));
      const free = places.filter(clear(boxes, width));
      const unnamed = names ? free.filter(clear(names, width)) : free;
      const found = unnamed.find(inside(width)) || unnamed[0] || (rank >= ON_NAMES && (free.find(inside(width)) || free[0]));
      return found ? { text, width, at: found } : null;
    };
    for (const label of sorted.slice(0, LABELLED)) {
      const { text, short, colour, rank } = label;
      const found = seek(label, text) || (short && short !== text && seek(label, short)) || (rank >= FORCED && far(label, short || text));
      if (!found) continue;
      const [left, middle] = found.at;
      boxes.put(left, middle - half, left + found.width, middle + half);
      if (found.far) leader(c, label, found, half, frame.u, colour);
      citymap.write(c, found.text, left, middle, colour);
    }
    things.boxes = boxes;
  };
})();

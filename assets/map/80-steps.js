/* What `n` goes through on the focused map (81-live.js): where each thing in view stands and what it is.
 *
 * hall.citymap.steps(host)   [{x, y, r, what, entry, enter, outline}], as citymap.Card takes them, in their order: by severity, then from the left; the
 *                            areas of a colouring last, the worst at the very end, where Shift+n begins. `enter`: what Enter does instead of opening,
 *                            `outline`: {lines} of an area
 * A layer's steps(frame) gives its own; so do movers and components, while they are few enough to be gone through.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  citymap.MOST_STEPS = 150; // of one kind that there can be thousands of

  citymap.steps = function (host) {
    const { frame } = host.stage;
    const found = [host.things.hits, host.movers.steps(), componentSteps(host.components, frame), citymap.warningSteps(host.ground)];
    host.layers.each("steps", frame, (own) => found.push(own));
    const severity = ({ entry }) => entry.severity || 0;
    const inside = found.flat().filter(({ x, y }) => frame.holds(x, y, 0));
    const [areas, things] = [inside.filter((hit) => hit.enter), inside.filter((hit) => !hit.enter)];
    return [...things.sort((a, b) => severity(b) - severity(a) || a.x - b.x), ...areas];
  };

  /** Components in view while they are few. */
  function componentSteps(layer, frame) {
    if (!layer.shown || !layer.pack) return [];
    const r = (layer.size || 1) / frame.ratio / 2;
    return (layer.pack.inside(frame, layer.bits, citymap.MOST_STEPS) || []).map(({ row, x, y }) => ({ x, y, r, what: "component", entry: layer.entry(row) }));
  }

  /** Backspace, and Escape where no card is pinned: back from the area that was gone into. */
  citymap.areaKey = function (part, map, event) {
    const up = event.key === "Backspace" ? event.target === map.getContainer() && !map.hallDrawing : event.key === "Escape" && !part.host.card.pinned;
    if (!up || !part.shown || !part.out()) return;
    part.host.card.show(null);
    event.preventDefault();
    event.stopPropagation();
  };

  /** Areas of `part` (a citymap.Measures) whose place is in view, the worst last; where there is none, the one around the view's middle. */
  citymap.areaSteps = function (part, frame) {
    const step = (area, x, y) => ({ x, y, r: frame.glyph * 0.4, what: "area", entry: part.entry(area), outline: area, enter: () => part.into(area) });
    const sign = part.measure && part.measure.higher === "better" ? -1 : 1;
    const rank = (area) => (part.row(area) ? sign * part.row(area)[0] : -Infinity);
    const areas = part.within().filter(({ box }) => frame.sees(box)).sort((a, b) => rank(a) - rank(b));
    const found = areas.map((area) => {
      const [x, y] = area.label || [(area.box.west + area.box.east) / 2, (area.box.north + area.box.south) / 2];
      return step(area, frame.px(x), frame.py(y));
    }).filter(({ x, y }) => frame.holds(x, y, 0));
    if (found.length) return found;
    const [x, y] = [frame.width / 2, frame.height / 2];
    const around = citymap.areaAt(areas, (x + frame.left) / frame.scale, (y + frame.top) / frame.scale);
    return around ? [step(around, x, y)] : [];
  };

  /** Warnings by their plates. */
  citymap.warningSteps = (ground) => ground.plates.map(({ warning, middle, half, y }) => ({ x: middle, y, r: half, what: "warning", entry: warning }));

  /** The warning whose plate lies at a place. */
  citymap.warningAt = function (ground, x, y) {
    const index = ground.plates.findIndex((plate) => Math.abs(x - plate.middle) <= plate.half && Math.abs(y - plate.y) <= plate.size * 0.8);
    return index < 0 ? null : citymap.warningSteps(ground)[index];
  };

  citymap.warningCard = function ({ event, severity, text }) {
    const d = event.data;
    const words = text(); // with its severity's mark, which the card has already
    const mark = citymap.SHAPES[severity];
    const moment = (ms) => (ms == null ? "" : `${hall.format.day(ms)} ${hall.format.time(ms)}`);
    return {
      title: (mark && words.startsWith(mark) ? words.slice(mark.length).trim() : words) || d.warning_id,
      severity,
      rows: [["text", hall.label(d.description)], ["onset", moment(d.onset)], ["until", moment(d.expires)],
        ["place", (d.areas || []).map((area) => area.description).filter(Boolean).join(hall.t("rows.comma"))], ["source", d.sender]],
    };
  };
})();

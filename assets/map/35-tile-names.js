/* What the vector tiles have to be named: candidates for 35-names.js. Where a name may stand was worked out in its tile, so it keeps
 * its place on the ground; a long road has more places the deeper one looks, by powers of two. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const EVERY = 30; // text sizes between two names of one road, at least
  const SHIELDS = new Set(["motorway", "trunk", "primary"]); // roads whose numbers are told
  const SHIELDS_FROM = 9;

  /** Candidates of a frame; `known`: names that stand anyway (districts). */
  citymap.tileNames = function (tiles, c, frame, known) {
    const found = [];
    const english = !hall.locale.startsWith("zh");
    for (const item of tiles.items(frame)) {
      for (const name of item.names) {
        const style = citymap.NAME_STYLE[`${name.layer}/${name.kind}`] || citymap.NAME_STYLE[`${name.layer}/*`];
        if (!style) continue;
        const text = english ? name.en : name.name;
        const spot = { item, name, style, text, size: Math.round(frame.font * (style.large || 1) * 10) / 10 };
        if (text && frame.wide >= style.from && frame.wide < (style.to || 99) && !known.has(name.name)) {
          if (name.layer === "place" || name.layer === "poi") points(spot, frame, found);
          else if (name.layer === "water" || name.layer === "park") areas(spot, c, frame, found);
          else lines(spot, c, frame, found);
        }
        if (name.ref && frame.wide >= SHIELDS_FROM && SHIELDS.has(name.kind)) shields(spot, c, frame, found);
      }
    }
    return found;
  };

  /** Whether a place of a tile is on the frame (and in that part of the tile which is painted). */
  function seen({ clip }, frame, x, y, reach) {
    if (clip && (x < clip[0] || y < clip[1] || x >= clip[0] + clip[2] || y >= clip[1] + clip[2])) return false;
    return frame.holds(x, y, reach);
  }

  /** The same place has the same key in whichever tile and at whatever zoom it is found: to two metres. */
  const keyOf = (text, frame, x, y) =>
    `${text} ${Math.round(((x + frame.left) / frame.scale) * 2 ** 24)} ${Math.round(((y + frame.top) / frame.scale) * 2 ** 24)}`;

  function points({ item, name, style, text, size }, frame, found) {
    for (let i = 0; i < name.spots.length; i += 3) {
      const [x, y] = [item.px + name.spots[i] * item.k, item.py + name.spots[i + 1] * item.k];
      if (!seen(item, frame, x, y, size * 8)) continue;
      const badge = style.badge ? hall.t(`map.poi.${name.kind}`) : "";
      found.push(citymap.nameRow(text, x, y, size, { colour: style.colour, rank: style.rank, badge, spacing: size * (style.badge ? 4 : 8), gap: style.badge ? 0.15 : 0.4, key: keyOf(text, frame, x, y) }));
    }
  }

  /** In the middle of a lake or park that has the room; else along a river's runs. */
  function areas(spot, c, frame, found) {
    const { item, name, style, text, size } = spot;
    const width = citymap.textWidth(c, text, size);
    const [sx, sy, room] = name.spots;
    if (room && room * item.k >= width * 0.9) {
      const [x, y] = [item.px + sx * item.k, item.py + sy * item.k];
      if (!seen(item, frame, x, y, width)) return;
      found.push(citymap.nameRow(text, x, y, size, { colour: style.colour, rank: style.rank, spacing: size * EVERY, order: room / 2 ** item.z, key: keyOf(text, frame, x, y) }));
    } else if (name.runs.length) lines(spot, c, frame, found);
  }

  /** `place(x, y, angle, length)` for every place along the runs that is on the frame and at least `least` px long. */
  function along({ item, name, size }, frame, least, shift, place) {
    const { runs } = name;
    for (let i = 0; i < runs.length; i += 4) {
      const [dx, dy] = [(runs[i + 2] - runs[i]) * item.k, (runs[i + 3] - runs[i + 1]) * item.k];
      const length = Math.hypot(dx, dy);
      if (length < least) continue;
      const count = 2 ** Math.max(0, Math.floor(Math.log2(length / (size * EVERY))));
      for (let n = 0; n < count; n += 1) {
        const part = (n + shift) / count;
        const [x, y] = [item.px + runs[i] * item.k + dx * part, item.py + runs[i + 1] * item.k + dy * part];
        if (seen(item, frame, x, y, least / 2)) place(x, y, citymap.upward(Math.atan2(dy, dx)), length);
      }
    }
  }

  function lines(spot, c, frame, found) {
    const { item, style, text, size } = spot;
    const width = citymap.textWidth(c, text, size, 400);
    along(spot, frame, width * 1.1, 0.5, (x, y, angle, length) => {
      const more = { colour: style.colour, weight: 400, rank: style.rank, spacing: size * EVERY * 0.8, gap: 0.25, order: length / item.k / 2 ** item.z, key: keyOf(text, frame, x, y) };
      found.push(citymap.along(text, x, y, angle, size, more));
    });
  }

  function shields(spot, c, frame, found) {
    const { item, name, style, size } = spot;
    for (const text of name.ref.split(/[;,]/).slice(0, 2)) {
      along({ ...spot, size: size * 1.4 }, frame, size * 2, name.name ? 0.25 : 0.5, (x, y, _, length) => {
        found.push(citymap.nameRow(text.trim(), x, y, size * 0.92, { colour: style.colour, weight: 600, shield: true, rank: style.rank + 0.5, spacing: size * EVERY, gap: 0.3, order: length / item.k / 2 ** item.z, key: keyOf(text, frame, x, y) }));
      });
    }
  }
})();

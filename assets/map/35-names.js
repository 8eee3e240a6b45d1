/* One authority for the names on the ground: districts, numbers of cells, places, waters, roads. None lies over another, over a
 * symbol or over a thing's label; the most important is placed first; what stood before keeps its place while the view moves.
 *
 * citymap.drawNames(ground, c, frame, taken)   taken: citymap.Boxes of symbols, plates and labels of this frame; afterwards
 *   ground.names is the Boxes of all that, for whoever writes later, ground.ownNames that of the names alone, ground.named the rows
 * citymap.namesHidden(ground, taken)   whether a symbol or label now lies on a name that is written
 * ground.areaNames(c, frame) -> candidates of other areas, placed after districts; its `version` changes with what it gives.
 * ground.keepNames: the ground's own names also while its basemap is not shown (pictures without names lie there).
 * A candidate: {text, x, y, angle, size, weight, colour, rank, order, key, spacing, badge, shield, upright}
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const STEEP = 1.0; // radians: Chinese along a steeper road stands upright, one character below the other
  const HAN = /^[\u3400-\u9fff]+$/;
  const KEPT_S = 20; // written names

  // -- widths and pictures of texts ---------------------------------------------------------------------------------------

  const widths = new Map();
  /** The width of a text in px, measured once. */
  citymap.textWidth = function (c, text, size, weight = 500) {
    const key = `${weight}${citymap.family}|${text}`;
    let width = widths.get(key);
    if (width === undefined) {
      if (widths.size > 8000) widths.clear();
      c.font = `${weight} 100px ${citymap.family}`;
      widths.set(key, (width = c.measureText(text).width / 100));
    }
    return width * size;
  };

  const sprites = new citymap.Kept(KEPT_S);
  if (document.fonts) document.fonts.addEventListener("loadingdone", () => (sprites.clear(), widths.clear()));

  function sprite(c, row, ratio) {
    const key = `${row.text}|${row.size}|${row.colour}|${row.weight}|${row.angle.toFixed(3)}|${row.badge || ""}|${row.shield ? 1 : 0}|${ratio}`;
    return sprites.get(key, () => written(c, row, ratio));
  }

  function written(c, row, ratio) {
    const pad = row.size * 0.3;
    const boxes = boxesOf(c, { ...row, x: 0, y: 0 }, pad);
    const left = Math.floor(Math.min(...boxes.map((b) => b[0])));
    const top = Math.floor(Math.min(...boxes.map((b) => b[1])));
    const width = Math.ceil((Math.max(...boxes.map((b) => b[2])) - left) * ratio);
    const height = Math.ceil((Math.max(...boxes.map((b) => b[3])) - top) * ratio);
    const canvas = citymap.pictured(() => [width, height], (own) => {
      own.setTransform(ratio, 0, 0, ratio, -left * ratio, -top * ratio);
      write(own, row);
    });
    return { canvas, left, top, width: canvas.width / ratio, height: canvas.height / ratio };
  }

  /** Writes a row about the origin. */
  function write(c, row) {
    const { text, size, angle, colour } = row;
    c.font = `${row.weight} ${size}px ${citymap.family}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.lineWidth = size * 0.18;
    if (row.upright) {
      const lean = (angle > 0 ? 1 : -1) * Math.cos(angle);
      [...text].forEach((character, i) => {
        const along = (i - (text.length - 1) / 2) * size * 1.05;
        citymap.write(c, character, along * lean, along * Math.sin(Math.abs(angle)), colour);
      });
      return;
    }
    if (row.badge) {
      const half = size * 0.66;
      plate(c, -half, -half, 2 * half, size * 0.3, "#22364f", "#5b7796");
      c.fillStyle = "#dbe6f2";
      c.fillText(row.badge, 0, 0);
      c.textAlign = "left";
      return citymap.write(c, text, half + size * 0.3, 0, colour);
    }
    if (row.shield) {
      const half = citymap.textWidth(c, text, size, row.weight) / 2 + size * 0.35;
      c.font = `${row.weight} ${size}px ${citymap.family}`;
      plate(c, -half, -size * 0.62, 2 * half, size * 0.22, "#1d2c42", "#5f7fa5", size * 1.24);
      c.fillStyle = "#cfdcea";
      return c.fillText(text, 0, size * 0.04);
    }
    c.rotate(angle);
    citymap.write(c, text, 0, 0, colour);
  }

  function plate(c, x, y, width, round, fill, line, height = width) {
    c.beginPath();
    c.roundRect(x, y, width, height, round);
    c.lineWidth = round * 0.6;
    c.fillStyle = fill;
    c.fill();
    c.strokeStyle = line;
    c.stroke();
  }

  /** The boxes [left, top, right, bottom] that a row covers, `gap` px wider on every side; along a slanting road several small ones. */
  function boxesOf(c, row, gap) {
    const { x, y, size, angle } = row;
    const width = citymap.textWidth(c, row.text, size, row.weight);
    const high = size * 0.55 + gap;
    if (row.badge) return [[x - size * 0.7 - gap, y - size * 0.15 - high, x + size * 1.05 + width + gap, y + size * 0.15 + high]];
    if (row.shield) return [[x - width / 2 - size * 0.4 - gap, y - size * 0.1 - high, x + width / 2 + size * 0.4 + gap, y + size * 0.1 + high]];
    if (!angle) return [[x - width / 2 - gap, y - high, x + width / 2 + gap, y + high]];
    const reach = row.upright ? ((row.text.length - 1) / 2) * size * 1.05 : Math.max(0, width / 2 - size / 2);
    const [dx, dy] = row.upright ? [(angle > 0 ? 1 : -1) * Math.cos(angle), Math.sin(Math.abs(angle))] : [Math.cos(angle), Math.sin(angle)];
    const steps = Math.max(1, Math.ceil((2 * reach) / size));
    const half = size * (row.upright ? 0.55 : 0.5 + 0.2 * Math.abs(Math.sin(2 * angle))) + gap;
    return Array.from({ length: steps + 1 }, (_, i) => {
      const along = (i / steps - 0.5) * 2 * reach;
      return [x + along * dx - half, y + along * dy - half, x + along * dx + half, y + along * dy + half];
    });
  }

  // -- the order --------------------------------------------------------------------------------------------------------------

  const HERE = [0, 0];
  // of its size: where a name that gives the whole map its bearings may stand instead, nearest first
  const AROUND = [HERE, [0, -1.7], [0, 1.7], [-2.5, 0], [2.5, 0], [-2.5, -1.7], [2.5, -1.7], [-2.5, 1.7], [2.5, 1.7], [0, -3.4], [0, 3.4], [-5, 0], [5, 0]];

  citymap.drawNames = function (ground, c, frame, taken) {
    const own = (ground.ownNames = new citymap.Boxes());
    const boxes = (ground.names = {
      free: (...box) => own.free(...box) && (!taken || taken.free(...box)),
      put: (...box) => own.put(...box),
      take: (...box) => boxes.free(...box) && (own.put(...box), true),
    });
    const names = (ground.named = []);
    ground.namedFrame = frame;
    const before = ground.standing || new Set();
    ground.standing = new Set();
    const stood = (ground.stoodAt = ground.stoodAt || new Map());
    for (const base of candidates(ground, c, frame, before)) {
      for (const place of base.around ? [stood.get(base.key) || HERE, ...AROUND] : [HERE]) {
        // elsewhere only within its own area: in the next one's it would name that
        if (place !== HERE && !citymap.areaAt([base.around], (base.x + place[0] * base.size + frame.left) / frame.scale, (base.y + place[1] * base.size + frame.top) / frame.scale)) continue;
        const row = place === HERE ? base : { ...base, x: base.x + place[0] * base.size, y: base.y + place[1] * base.size, boxes: null };
        const covered = row.boxes || (row.boxes = boxesOf(c, row, row.size * (row.gap ?? 0.3)));
        if (!covered.some((b) => b[2] >= 0 && b[3] >= 0 && b[0] <= frame.width && b[1] <= frame.height)) continue;
        if (row.spacing && names.some((other) => other.text === row.text && Math.hypot(other.x - row.x, other.y - row.y) < row.spacing)) continue;
        if (!covered.every((b) => boxes.free(...b))) continue;
        for (const b of covered) boxes.put(...b);
        names.push(row);
        ground.standing.add(row.key);
        if (base.around) stood.set(base.key, place);
        break;
      }
    }
    for (const row of names.reverse()) {
      const { canvas, left, top, width, height } = sprite(c, row, frame.ratio);
      const onto = (value) => Math.round(value * frame.ratio) / frame.ratio;
      c.drawImage(canvas, onto(row.x + left), onto(row.y + top), width, height);
    }
  };

  citymap.namesHidden = (ground, taken) =>
    (ground.named || []).some(({ boxes }) => boxes.some(([l, t, r, b]) => !taken.free(l + 2, t + 2, r - 2, b - 2)));

  /** All that might be named in this frame, in the order of importance; worked out once per frame and state of the ground. */
  function candidates(ground, c, frame, before) {
    const tiled = ground.tiled ? ground.tiles.generation : "";
    const state = [tiled, hall.locale, ...["districts", "basemap"].map((name) => ground.shown[name]), ground.keepNames, ground.areaNames && ground.areaNames.version, ground.districts.length, ground.basemap.length].join();
    const kept = ground.prepared;
    let rows = kept && kept.frame === frame && kept.state === state ? kept.rows : null;
    if (!rows) {
      rows = ground.shown.districts ? districts(ground, frame) : [];
      if (ground.areaNames) rows.push(...ground.areaNames(c, frame).map((one) => row(one.text, one.x, one.y, one.size, { rank: -0.5, ...one })));
      const known = new Set(rows.map(({ text }) => text));
      if (ground.shown.basemap || ground.keepNames) rows.push(...(ground.tiled ? citymap.tileNames(ground.tiles, c, frame, known) : streets(ground, c, frame, known)));
      for (const row of rows) row.stood = before.has(row.key);
      rows.sort((a, b) => a.rank - b.rank || b.stood - a.stood || b.order - a.order || (a.key < b.key ? -1 : 1));
      ground.prepared = { frame, state, rows };
    }
    if (!(ground.numbers || []).length) return rows;
    const named = new Map(ground.numbers.filter(({ of }) => of).map((number) => [`district ${number.of}`, number]));
    const told = rows.map((row) => {
      const number = named.get(row.key);
      return number ? { ...row, text: `${row.text} ${number.text}`, colour: number.colour, boxes: null, number } : row;
    });
    const alone = ground.numbers.filter((number) => !told.some((row) => row.number === number));
    const numbers = alone.map((number) => ({ angle: 0, size: frame.font, weight: 600, gap: 0, order: 0, key: "", ...number }));
    const from = told.findIndex(({ rank }) => rank > 2);
    return from < 0 ? [...told, ...numbers] : [...told.slice(0, from), ...numbers, ...told.slice(from)];
  }

  const row = (text, x, y, size, more) => ({ text, x, y, angle: 0, size, weight: 500, order: 0, key: text, ...more });

  function districts(ground, frame) {
    const wide = (d) => (d.box.east - d.box.west) * (d.box.south - d.box.north);
    const found = [];
    for (const district of ground.districts) {
      const { name, label } = district.properties;
      if (!name || !label || !frame.sees(district.box)) continue;
      const [x, y] = [frame.px(citymap.projectX(label[0])), frame.py(citymap.projectY(label[1]))];
      found.push(row(name, x, y, frame.font * 1.12, { colour: "#a9bdd4", rank: -1, order: wide(district), key: `district ${name}`, around: district }));
    }
    return found;
  }

  // -- a ground of GeoJSON: places, waters and roads -------------------------------------------------------------------------

  const PLACES_FROM = 13.6; // parks and places are named from this `wide` zoom on: further out there is no room for them
  const RANK = { label: 3, water: 4, road_major: 5, road_medium: 6, road_minor: 7 };

  function streets(ground, c, frame, known) {
    const size = frame.font;
    const found = [];
    for (const feature of ground.basemap) {
      const { layer, name } = feature.properties;
      if (!name || !frame.sees(feature.box)) continue;
      const rank = RANK[layer] ?? 9;
      if (layer === "label") {
        if (frame.wide < PLACES_FROM || known.has(name)) continue;
        found.push(row(name, frame.px(feature.lines[0][0]), frame.py(feature.lines[0][1]), size, { colour: "#93a6bd", rank, gap: 0.4 }));
      } else if (citymap.STYLE[layer] && citymap.STYLE[layer].line && frame.wide >= citymap.STYLE[layer].from + 1) {
        const place = longestPiece(feature, frame, citymap.textWidth(c, name, size, 400) * 1.25);
        if (place) found.push(citymap.along(name, place.x, place.y, place.angle, size, { colour: layer === "water" ? "#6d9cc0" : "#8fa3bc", weight: 400, rank, spacing: size * 22 }));
      }
    }
    return found;
  }

  /** A name along a line: upright where Chinese would lie too steep. */
  citymap.along = function (text, x, y, angle, size, more) {
    const upright = Math.abs(angle) > STEEP && HAN.test(text);
    return row(text, x, y, size, { ...more, angle: Math.abs(angle) < 0.02 ? 0 : angle, upright });
  };
  citymap.upward = (angle) => (angle > Math.PI / 2 ? angle - Math.PI : angle < -Math.PI / 2 ? angle + Math.PI : angle);
  citymap.nameRow = row;

  /** Middle and angle of the longest nearly straight run of a line on the frame, at least `least` px long. */
  function longestPiece(feature, frame, least) {
    let best = null;
    for (const line of feature.area ? [] : feature.lines) {
      let start = null;
      let heading = 0;
      for (let i = 0; i + 3 < line.length; i += 2) {
        const a = { x: frame.px(line[i]), y: frame.py(line[i + 1]) };
        const b = { x: frame.px(line[i + 2]), y: frame.py(line[i + 3]) };
        const angle = Math.atan2(b.y - a.y, b.x - a.x);
        const bend = Math.abs(Math.atan2(Math.sin(angle - heading), Math.cos(angle - heading)));
        if (start === null || bend > 0.22) {
          start = a;
          heading = angle;
        }
        const middle = { x: (start.x + b.x) / 2, y: (start.y + b.y) / 2 };
        const length = Math.hypot(b.x - start.x, b.y - start.y);
        if (length < least || (best && length <= best.length) || !frame.holds(middle.x, middle.y, -least / 2)) continue;
        best = { ...middle, angle: citymap.upward(Math.atan2(b.y - start.y, b.x - start.x)), length };
      }
    }
    return best;
  }
})();

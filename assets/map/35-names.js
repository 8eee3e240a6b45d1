/* Names on the ground: warnings, districts, places, waters and roads. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const PLACES_FROM = 13.6; // parks and places are named from this `wide` zoom on: further out there is no room for them

  /** The names on the ground, most important first, none over another. */
  citymap.drawNames = function (ground, c, frame) {
    const boxes = new citymap.Boxes();
    c.textBaseline = "middle";
    c.textAlign = "center";
    ground.platesFrame = frame;
    ground.plates = ground.shown.warnings ? layPlates(ground, c, frame, boxes) : [];
    if (ground.shown.districts) nameDistricts(ground, c, frame, boxes);
    if (ground.shown.basemap) nameStreets(ground, c, frame, boxes);
  };

  function put(c, frame, boxes, text, x, y, size, colour, gap = 0.4) {
    c.font = `500 ${size}px ${citymap.family}`;
    const half = c.measureText(text).width / 2 + gap * size;
    if (!boxes.take(x - half, y - size * (0.5 + gap), x + half, y + size * (0.5 + gap))) return false;
    c.lineWidth = size * 0.16;
    citymap.write(c, text, x, y, colour);
    return true;
  }

  /** Where the warnings' texts go: {text, half, middle, y, size, colour}, the most severe first. */
  function layPlates(ground, c, frame, boxes) {
    const plates = [];
    for (const warning of [...ground.holding].reverse()) {
      const shape = warning.shapes.find((s) => frame.sees(s.box));
      if (!shape || !warning.text()) continue;
      const x = frame.px((shape.box.west + shape.box.east) / 2);
      const y = Math.max(frame.font * 2, frame.py(shape.box.north) + frame.font);
      const plate = fitted(c, frame, warning.text(), x);
      if (!boxes.take(plate.middle - plate.half, y - plate.size * 0.9, plate.middle + plate.half, y + plate.size * 0.9)) continue;
      plates.push({ ...plate, y, colour: citymap.colours[warning.severity] });
    }
    return plates;
  }

  /** A text wholly on the screen: moved in from the edge, and shortened where it is wider than the map. */
  function fitted(c, frame, text, x) {
    const size = frame.font;
    c.font = `600 ${size}px ${citymap.family}`;
    const shown = fitting(c, text, frame.width - 3 * size);
    const half = c.measureText(shown).width / 2 + size * 0.6;
    const middle = Math.max(half + size * 0.5, Math.min(frame.width - half - size * 0.5, x));
    return { text: shown, half, middle, size };
  }

  /** The warnings' texts on plates of their own, laid out with the names on the ground, drawn above everything. */
  citymap.drawPlates = function (ground, c, frame) {
    const laid = ground.platesFrame || frame; // while the map moves, it may be another
    c.save();
    c.translate(laid.left - frame.left, laid.top - frame.top);
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
    c.restore();
  };

  /** `text`, or as much of its beginning as fits into `room` px with an ellipsis. */
  function fitting(c, text, room) {
    if (c.measureText(text).width <= room) return text;
    let letters = [...text];
    while (letters.length && c.measureText(`${letters.join("").trimEnd()}…`).width > room) letters = letters.slice(0, -1);
    return `${letters.join("").trimEnd()}…`;
  }

  function nameDistricts(ground, c, frame, boxes) {
    const size = (d) => (d.box.east - d.box.west) * (d.box.south - d.box.north);
    for (const district of [...ground.districts].sort((a, b) => size(b) - size(a))) {
      const { name, label } = district.properties;
      if (!name || !label || !frame.sees(district.box)) continue;
      const x = frame.px(citymap.projectX(label[0]));
      const y = frame.py(citymap.projectY(label[1]));
      if (frame.holds(x, y, 0)) put(c, frame, boxes, name, x, y, frame.font * 1.12, "#a9bdd4", 0.25);
    }
  }

  /** Names of places, waters and roads; a road's name lies along its longest straight piece on the screen. */
  function nameStreets(ground, c, frame, boxes) {
    const far = new Map(); // name -> places it already stands at
    const size = frame.font;
    const plain = ground.basemap.filter((f) => f.properties.name && frame.sees(f.box));
    const rank = { label: 0, water: 1, road_major: 2, road_medium: 3, road_minor: 4 };
    plain.sort((a, b) => (rank[a.properties.layer] ?? 9) - (rank[b.properties.layer] ?? 9));
    const districts = new Set(ground.shown.districts ? ground.districts.map((d) => d.properties.name) : []);
    for (const feature of plain) {
      const { layer, name } = feature.properties;
      if (layer === "label") {
        if (frame.wide < PLACES_FROM || districts.has(name)) continue;
        const [x, y] = [frame.px(feature.lines[0][0]), frame.py(feature.lines[0][1])];
        if (frame.holds(x, y, 0)) put(c, frame, boxes, name, x, y, size, "#93a6bd");
      } else if (citymap.STYLE[layer] && citymap.STYLE[layer].line && frame.wide >= citymap.STYLE[layer].from + 1) {
        nameLine(c, frame, boxes, feature, name, size, far);
      }
    }
  }

  function nameLine(c, frame, boxes, feature, name, size, far) {
    c.font = `400 ${size}px ${citymap.family}`;
    const width = c.measureText(name).width;
    const place = longestPiece(feature, frame, width * 1.25);
    if (!place) return;
    const near = (p) => Math.hypot(p.x - place.x, p.y - place.y) < size * 22;
    if ((far.get(name) || []).some(near)) return;
    const reachX = (Math.abs(Math.cos(place.angle)) * width + Math.abs(Math.sin(place.angle)) * size) / 2 + size * 0.3;
    const reachY = (Math.abs(Math.sin(place.angle)) * width + Math.abs(Math.cos(place.angle)) * size) / 2 + size * 0.3;
    if (!boxes.take(place.x - reachX, place.y - reachY, place.x + reachX, place.y + reachY)) return;
    far.set(name, [...(far.get(name) || []), place]);
    c.lineWidth = size * 0.18;
    const colour = feature.properties.layer === "water" ? "#6d9cc0" : "#8fa3bc";
    if (Math.abs(place.angle) > STEEP && HAN.test(name)) return writeDown(c, name, place, size, colour);
    c.save();
    c.translate(place.x, place.y);
    c.rotate(place.angle);
    citymap.write(c, name, 0, 0, colour);
    c.restore();
  }

  const STEEP = 1.0; // radians: Chinese along a steeper road stands upright, one character below the other
  const HAN = /^[\u3400-\u9fff]+$/;

  function writeDown(c, name, place, size, colour) {
    const lean = (place.angle > 0 ? 1 : -1) * Math.cos(place.angle);
    [...name].forEach((character, i) => {
      const along = (i - (name.length - 1) / 2) * size * 1.05;
      citymap.write(c, character, place.x + along * lean, place.y + along * Math.sin(Math.abs(place.angle)), colour);
    });
  }

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
        let turned = Math.atan2(b.y - start.y, b.x - start.x);
        if (turned > Math.PI / 2) turned -= Math.PI;
        else if (turned < -Math.PI / 2) turned += Math.PI;
        best = { ...middle, angle: turned, length };
      }
    }
    return best;
  }
})();

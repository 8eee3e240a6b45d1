/* Cameras on the things sheet: each with its sector where there is room, else one symbol with how many stand there. Where they are too many
 * for the browser the hall counts them (hall.cameras.View), and the same is drawn from its numbers. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const ALONE_MOST = 40; // in view, up to which each stands alone
  const ALONE_FROM = 14.5; // or from this `wide` zoom on
  const REACH = { w: 7, h: 4 }; // glyphs: the city's cameras are not its news
  const KEPT_S = 5; // pictures of numbers

  const numbers = new citymap.Kept(KEPT_S);

  function makeNumber(frame, text, height) {
    const font = `600 ${frame.font}px ${citymap.family}`;
    let width = 0;
    const size = (c) => {
      c.font = font;
      width = c.measureText(text).width + frame.font * 0.2;
      return [width * frame.ratio, height * frame.ratio];
    };
    const canvas = citymap.pictured(size, (c) => {
      c.scale(frame.ratio, frame.ratio);
      c.font = font;
      c.textBaseline = "middle";
      c.lineWidth = frame.font * 0.2;
      citymap.write(c, text, frame.font * 0.1, height / 2, citymap.ink.dim);
    });
    return { canvas, width };
  }

  /** Writes a quiet number right of (x, y), from a picture that is kept; returns its box. */
  function writeNumber(c, frame, text, x, y) {
    const height = frame.font * 1.3;
    const made = numbers.get(`${text}|${frame.ratio}|${frame.font}|${citymap.family}`, () => makeNumber(frame, text, height));
    const top = Math.round((y - height / 2) * frame.ratio) / frame.ratio;
    const left = Math.round(x * frame.ratio) / frame.ratio;
    c.drawImage(made.canvas, left, top, made.canvas.width / frame.ratio, made.canvas.height / frame.ratio);
    return [left, top, left + made.width, top + height];
  }

  const stateOf = ({ state }) => (state === "online" || state === "offline" ? state : "unknown");

  function sprite(frame, state, stream) {
    const r = Math.round(frame.glyph * 0.46);
    return { r, picture: citymap.sprite("camera", `${state}${stream}`, r, frame.ratio, { state, stream }) };
  }

  function drawOne(things, c, frame, { entry, px, py }) {
    const { data } = entry.event;
    const { r, picture } = sprite(frame, stateOf(data), !!data.has_stream);
    citymap.stamp(c, picture, px, py, frame.ratio);
    things.hit(px, py, r * 1.3, "camera", entry);
  }

  const are = (state) => (one) => (one.count ? (state === "unknown" ? one.count - one.online - one.offline : one[state]) === one.count : stateOf(one.event.data) === state);
  /** What a group is drawn as: offline or unknown only where all of it is. */
  const stateOfAll = (members) => ["offline", "unknown"].find((state) => members.every(are(state))) || "online";

  function drawGroups(things, c, frame, groups) {
    for (const group of groups) {
      const { lead, members } = group;
      const [px, py] = [lead.x * frame.scale - frame.left, lead.y * frame.scale - frame.top];
      if (!frame.holds(px, py, frame.glyph * 3)) continue;
      const { count } = group;
      if (count === 1 && lead.event) {
        drawOne(things, c, frame, { entry: lead, px, py });
        continue;
      }
      const { r, picture } = sprite(frame, stateOfAll(members), true);
      citymap.stamp(c, picture, px, py, frame.ratio);
      things.plates.push(writeNumber(c, frame, hall.format.number(count), px + r * 1.25, py));
      things.hit(px, py, r * 1.5, "cluster", group);
    }
  }

  const byId = (a, b) => (a.id < b.id ? -1 : 1);
  const byCount = (a, b) => b.count - a.count || byId(a, b);

  /** Whether so few are in view that each stands alone; looks at no more than it must. */
  function few(cameras, frame) {
    let left = ALONE_MOST;
    for (const entry of cameras.values()) {
      if (!entry.known || !frame.holds(entry.x * frame.scale - frame.left, entry.y * frame.scale - frame.top, frame.glyph)) continue;
      left -= 1;
      if (left < 0) return false;
    }
    return true;
  }

  citymap.drawCameras = function (things, c, frame) {
    const cells = things.cameraCells();
    if (cells) return drawGroups(things, c, frame, things.cameraClusters.of(frame, REACH, `${cells.version}`, () => cells, byCount));
    const near = frame.wide >= citymap.sectorsFrom;
    const chosen = things.cameras.get(things.chosen); // the camera that is pointed at
    const sector = (entry) => citymap.drawSector(c, frame, entry, frame.px(entry.x), frame.py(entry.y), entry === chosen);
    if (frame.wide >= ALONE_FROM || few(things.cameras, frame)) {
      const seen = things.inView(things.cameras.values(), frame, frame.glyph);
      for (const { entry } of seen) if (near || entry === chosen) sector(entry);
      for (const one of seen) drawOne(things, c, frame, one);
      return;
    }
    if (chosen && chosen.known) sector(chosen);
    drawGroups(things, c, frame, things.cameraClusters.of(frame, REACH, "", () => [...things.cameras.values()].filter((entry) => entry.known), null));
  };
})();

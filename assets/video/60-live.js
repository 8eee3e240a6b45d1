/* One channel as a thing of its own: on cards, in pushes, over the map. And the cameras nearest to a place.
 *
 * hall.video.live(subject, {large, why, quality, mode, passing})   passing: ends by itself once it left the page
 *                                                  {node, tile, ready, tick, remove}; ready: a picture, or the reason why none
 * hall.video.nearest({lon, lat}, {count, metres})   Promise of channels with `metres` and `sees`, those that see the place first
 * hall.video.beside(node, {count, metres, why, told})   keeps live pictures of the nearest cameras in `node`: {show(place), remove()}
 *                                                  told(rows, place): which they are, whenever that changes
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText, format } = hall;
  const READY_MS = 2500; // a camera that does not answer must not hold back what is said about it
  const POSTER_MS = 700; // without a moving picture by then a still one stands there
  const ASK_MS = 30000; // directories change slowly
  const PASSING_PX = 0.00001; // degrees: the same place

  video.live = function (subject, options) {
    const { large = false, why = "", quality, mode, passing = false } = options || {};
    const tile = new video.Tile({ why, kind: "live", large });
    const still = make("img.video-picture.video-still", { alt: "", hidden: "" });
    const node = make("div.video-live", { "data-subject": subject, "data-large": large ? "1" : "" }, tile.node);
    tile.stage.append(still);
    still.onerror = () => (still.hidden = true);
    const poster = setTimeout(() => {
      still.hidden = false;
      still.src = video.posterOf(subject, Math.min(1920, tile.pixels().width));
    }, POSTER_MS);
    const done = () => {
      clearTimeout(poster);
      still.remove();
    };
    const ready = new Promise((resolve) => {
      setTimeout(resolve, READY_MS);
      tile.onfirst = () => (done(), resolve());
    });
    // its size decides what is asked for: known once it stands on the page
    const start = requestAnimationFrame(() => {
      tile.box = null;
      tile.show(subject, { quality: quality || video.quality(tile.pixels().width, 1).quality, mode: mode || (large && video.lossy() ? "webrtc" : "auto") });
    });
    const remove = () => {
      cancelAnimationFrame(start);
      done();
      tile.remove();
    };
    if (passing) leavesWith(node, remove);
    return { node, tile, ready, tick() {}, remove };
  };

  const LOOK_MS = 1000;
  const FIRST_MS = 100; // until it was seen to stand there: a part may be painted anew within the second
  const NEVER_MS = 30000; // made, and never put on the page

  /** Calls `remove` some time after `node` left the page, for pages that paint a part anew without saying what goes. */
  function leavesWith(node, remove) {
    let stood = false;
    const made = performance.now();
    function look() {
      stood = stood || node.isConnected;
      if (!node.isConnected && (stood || performance.now() - made > NEVER_MS)) return void remove();
      setTimeout(look, stood ? LOOK_MS : FIRST_MS);
    }
    setTimeout(look, 0);
  }

  // -- the nearest ------------------------------------------------------------------------------------------------------------

  const metresBetween = (a, b) => Math.hypot((a.lon - b.lon) * 111320 * Math.cos((b.lat * Math.PI) / 180), (a.lat - b.lat) * 110574);

  /** From what the page knows itself: where the hall's directory does not answer. */
  function known(place, count, metres) {
    const rows = [...hall.store.docs("channel").values()].filter((event) => event.data.lon != null);
    const found = rows.map((event) => ({ ...event.data, subject: event.subject, metres: metresBetween(event.data, place), sees: null }));
    return found.filter((row) => row.metres <= metres).sort((a, b) => a.metres - b.metres).slice(0, count * 4);
  }

  const rank = (row) => (row.state === "offline" ? 2 : row.sees ? 0 : 1);

  video.nearest = async function (place, { count, metres }) {
    const query = `lon=${place.lon}&lat=${place.lat}&k=${count * 4}&radius=${metres}`;
    const found = await hall.acting.ask(`/api/v1/channels/near?${query}`).catch(() => null);
    const rows = found && found.rows ? video.learn(found.rows) : known(place, count, metres);
    return rows.filter((row) => row.metres <= metres).sort((a, b) => rank(a) - rank(b) || a.metres - b.metres).slice(0, count);
  };

  /** What is told of a camera beside a place: how far it stands, whether it looks there. */
  function distance(row) {
    const parts = [hall.t("card.metres", { n: format.number(row.metres) })];
    if (row.sees) parts.push(hall.t("video.sees"));
    return make("span.video-distance", {}, parts.join(" · "));
  }

  video.beside = function (node, { count, metres, why, told }) {
    let pictures = [];
    let place = null;
    let asked = -Infinity;
    let shown = "";
    let gone = false;

    function paint(rows) {
      const key = rows.map((row) => row.subject).join("|");
      if (key === shown && node.firstChild) return;
      shown = key;
      pictures.forEach((picture) => picture.remove());
      pictures = rows.map((row) => video.live(row.subject, { why, quality: "sub" }));
      pictures.forEach((picture, index) => picture.tile.node.append(distance(rows[index])));
      const none = () => make("p.faint", {}, hall.t(place ? "card.no-camera" : "card.no-place"));
      node.replaceChildren(...(pictures.length ? pictures.map((picture) => picture.node) : [none()]));
      if (told) told(rows, place);
    }

    async function show(doc) {
      const next = doc && doc.lon != null ? { lon: doc.lon, lat: doc.lat } : null;
      const same = next && place && Math.abs(next.lon - place.lon) + Math.abs(next.lat - place.lat) < PASSING_PX;
      if (same && performance.now() - asked < ASK_MS) return;
      place = next;
      asked = performance.now();
      const mine = asked;
      const rows = place ? await video.nearest(place, { count, metres }) : [];
      if (!gone && mine === asked) paint(rows);
    }

    return {
      show,
      remove() {
        gone = true;
        pictures.forEach((picture) => picture.remove());
      },
    };
  };

  // -- a place somebody points at, an alarm that rises: the cameras around it, over the wall ------------------------------------

  const AROUND = 4;
  const AROUND_METRES = 2000;
  const STAYS_MS = 90000;
  const URGENT = 3;
  const KEEPS_MS = 12000; // what one alarm brought up is not taken away by the next at once
  let over = null;
  let next = null; // the most severe alarm that rose meanwhile: {subject, data}

  const nameOf = ({ subject, data }) => data.label || video.nameOf(subject);

  function waits(found) {
    next = found;
    if (!over) return;
    over.further.hidden = !found;
    if (found) setText(over.further, `${hall.t("video.around-next", { name: nameOf(found) })} ›`);
  }

  function close() {
    if (!over) return;
    clearTimeout(over.timer);
    clearTimeout(over.after);
    over.beside.remove();
    over.node.remove();
    over = null;
  }

  /** Shows the cameras nearest to `place` {lon, lat} large over this wall for a while; false where there is no wall. */
  video.around = function (place, { title, why, alarm = false }) {
    const layer = hall.show && hall.show.layer();
    if (!layer || place.lon == null || (hall.card && hall.card.shown())) return false;
    close();
    const box = hall.wall.block(hall.wall.part);
    const pictures = make("div.video-around");
    const shut = make("button.card-close", { type: "button" }, `✕ ${hall.t("card.close")}`);
    shut.onclick = () => (waits(null), close());
    const further = make("button.video-around-next", { type: "button", hidden: true });
    further.onclick = () => follow(true);
    const holder = make("div.video-pointing-holder");
    const about = title === hall.t("map.here-cameras") ? "" : hall.t("video.around");
    const head = make("header.video-around-head", {}, [make("b", {}, title), make("span", {}, about), holder]);
    const told = (rows, at) => holder.replaceChildren(...[video.pointing && video.pointing(at, rows)].filter(Boolean));
    const node = make("section.show-frame.is-touched", { "data-what": "around", role: "dialog" }, [make("div.video-around-body", {}, [head, pictures]), make("div.card-bar", {}, [further, shut])]);
    for (const side of ["left", "top", "width", "height"]) node.style[side] = `${box[side]}px`;
    layer.append(node);
    over = { node, further, beside: video.beside(pictures, { count: AROUND, metres: AROUND_METRES, why, told }), timer: setTimeout(close, STAYS_MS), after: alarm ? setTimeout(() => follow(), KEEPS_MS) : 0, alarm };
    node.addEventListener("pointerdown", () => {
      if (!over) return;
      clearTimeout(over.timer);
      Object.assign(over, { timer: setTimeout(close, STAYS_MS), alarm: false }); // somebody looks at it: no alarm takes it away
    });
    over.beside.show(place);
    return true;
  };
  video.closeAround = close;

  const alarmed = (found) => video.around(found.data, { title: nameOf(found), why: found.subject, alarm: true });

  /** An alarm rose: its cameras come up where there are any, unless somebody looks at something or another one just came up. */
  async function rise(subject, data) {
    const rows = data.lon == null ? [] : await video.nearest(data, { count: 1, metres: AROUND_METRES });
    if (!rows.length) return;
    if (!over || (over.alarm && !over.after)) alarmed({ subject, data });
    else if (!next || data.severity >= next.data.severity) waits({ subject, data });
  }

  /** The cameras of one alarm have been seen for a while, or somebody asks: those of the next one, if it still stands. */
  function follow(asked = false) {
    over.after = 0;
    if (!next || !(asked || over.alarm)) return;
    const found = next;
    waits(null);
    if (risen.has(found.subject)) alarmed(found);
  }

  const risen = new Set();
  hall.store.on(["alarm"], (changes) => {
    const rate = hall.clock.state ? hall.clock.state.rate : 1;
    const opened = hall.clock.city() - performance.now() * rate; // what was recorded before this page came is no news
    for (const { subject, data, recordedtime } of changes) {
      const up = data && data.active !== false && !data.acknowledged && data.severity >= URGENT && !hall.alarms.away(data);
      const news = up && !risen.has(subject) && recordedtime > opened;
      if (up) risen.add(subject);
      else risen.delete(subject);
      if (news && video.grid) rise(subject, data);
    }
  });
})();

/* Still pictures: cameras near active alarms first, then the others page by page. Loads politely: two at a time. */
"use strict";

hall.panel("posters", function (element, { body, note }) {
  const { make, setText } = hall;
  const DWELL_MS = 20000;
  const REFRESH_MS = 10000; // a poster on screen is asked for again after this
  const RETRY_MS = 60000; // a camera that has no picture is asked again after this, each time twice as long, or when its state changes
  const LOADING = 2;
  const NEAR_METRES = 800;
  const MOST = 60;
  const grid = make("div.poster-grid");
  const empty = make("div.rows-empty");
  body.append(grid, empty);
  const tiles = [];
  const failed = new Map(); // subject -> {at, times} it had no picture; outlives the tile that it was seen on
  let page = 0;
  let turned = performance.now();
  let loading = 0;

  function build() {
    const picture = make("img.poster-image", { alt: "", decoding: "async" });
    const missing = make("span.poster-missing");
    const name = make("span.poster-name");
    const state = make("span.poster-state");
    const node = make("figure.poster", {}, [make("div.poster-frame", {}, [picture, missing]), make("figcaption", {}, [name, state])]);
    const tile = { node, picture, missing, name, state, subject: "", asked: -Infinity, busy: false, good: 0, online: true };
    const done = (good) => {
      if (!tile.busy) return;
      tile.busy = false;
      loading -= 1;
      tile.good = good ? hall.clock.real() : 0;
      if (good) failed.delete(tile.subject);
      else failed.set(tile.subject, { at: performance.now(), times: ((failed.get(tile.subject) || {}).times || 0) + 1 });
      node.dataset.picture = good ? "shown" : "missing";
      label(tile);
    };
    picture.addEventListener("load", () => done(true));
    picture.addEventListener("error", () => done(false));
    grid.append(node);
    return tile;
  }

  const MISSING = { missing: () => hall.t("poster.missing"), offline: () => `✕ ${hall.t("channel.offline")}` };

  function label(tile) {
    const event = hall.store.get(tile.subject);
    const channel = event ? event.data : {};
    setText(tile.name, channel.name || channel.channel_id || "");
    const age = tile.good ? hall.format.duration(hall.clock.real() - tile.good) : "";
    setText(tile.state, tile.online ? age : `✕ ${hall.t("channel.offline")}`);
    setText(tile.missing, MISSING[tile.node.dataset.picture] ? MISSING[tile.node.dataset.picture]() : hall.t("poster.waiting"));
    const old = tile.good && hall.clock.real() - tile.good > 3 * REFRESH_MS;
    tile.node.classList.toggle("poster-old", !!old);
  }

  function nearAlarm(channel, alarms) {
    if (channel.lon == null) return Infinity;
    let best = Infinity;
    for (const alarm of alarms) {
      if (alarm.lon == null) continue;
      const dx = (alarm.lon - channel.lon) * 111320 * Math.cos((channel.lat * Math.PI) / 180);
      best = Math.min(best, Math.hypot(dx, (alarm.lat - channel.lat) * 110574));
    }
    return best;
  }

  function ordered() {
    const alarms = hall.activeAlarms();
    const all = [...hall.store.docs("channel").values()].map((event) => {
      const distance = nearAlarm(event.data, alarms);
      return { subject: event.subject, near: distance <= NEAR_METRES ? distance : Infinity, offline: event.data.state === "offline", name: event.data.name || "" };
    });
    all.sort((a, b) => (a.near === b.near ? 0 : a.near - b.near) || a.offline - b.offline || (a.name < b.name ? -1 : 1));
    return { near: all.filter((c) => c.near < Infinity), rest: all.filter((c) => c.near === Infinity) };
  }

  /** Columns and rows of 16:9 pictures, a line of thirteen characters beneath each: of the possible grids the one that fills best. */
  function shape() {
    const line = parseFloat(getComputedStyle(body).fontSize);
    const screens = hall.wall.seams(body).x.length + 1; // as many columns on each, so that no picture lies across a seam
    const most = Math.max(1, Math.min(8, Math.floor(body.clientWidth / (line * 13.5))));
    let best = { columns: screens, rows: 1, used: 0 };
    for (let columns = Math.max(1, most - 2); columns <= most; columns += 1) {
      if (columns % screens) continue;
      const height = (body.clientWidth / columns) * (9 / 16) + line * 1.7;
      const rows = Math.max(1, Math.floor(body.clientHeight / height));
      const used = (rows * height) / body.clientHeight;
      if (used <= 1.001 && used >= best.used) best = { columns, rows, used };
    }
    return best;
  }

  const show = hall.paced(() => {
    const { columns, rows } = shape();
    const room = Math.min(MOST, columns * rows);
    grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    const { near, rest } = ordered();
    const fixed = near.slice(0, Math.max(0, room - columns));
    const pages = Math.max(1, Math.ceil(rest.length / Math.max(1, room - fixed.length)));
    if (performance.now() - turned > DWELL_MS) {
      page += 1;
      turned = performance.now();
    }
    page %= pages;
    const size = room - fixed.length;
    const wanted = [...fixed, ...rest.slice(page * size, (page + 1) * size)];
    while (tiles.length < wanted.length) tiles.push(build());
    tiles.forEach((tile, index) => assign(tile, wanted[index]));
    hall.setText(empty, near.length + rest.length ? "" : hall.t(hall.store.ready ? "channel.none" : "rows.waiting"));
    empty.hidden = near.length + rest.length > 0;
    note(pages > 1 ? hall.t("poster.note", { near: fixed.length, page: page + 1, pages }) : "");
    load();
  }, 500);

  function assign(tile, channel) {
    tile.node.hidden = !channel;
    if (!channel) return;
    tile.node.classList.toggle("poster-near", channel.near < Infinity);
    const changed = tile.subject === channel.subject && tile.online === channel.offline;
    if (changed) failed.delete(channel.subject);
    if (changed || tile.subject !== channel.subject) start(tile, channel);
    label(tile);
  }

  /** A tile begins anew: for another camera, or for the same one that went offline or came back. */
  function start(tile, channel) {
    tile.subject = channel.subject;
    tile.online = !channel.offline;
    tile.node.dataset.subject = channel.subject;
    tile.node.dataset.picture = channel.offline ? "offline" : failed.has(channel.subject) ? "missing" : "";
    tile.asked = -Infinity;
    tile.good = 0;
    if (tile.busy) {
      tile.busy = false;
      loading -= 1;
    }
    tile.picture.removeAttribute("src");
  }

  /** Whether a tile's camera is to be asked now: never while it is known to be offline, seldom while it has no picture. */
  function isDue(tile, now) {
    if (tile.node.hidden || tile.busy || !tile.online) return false;
    const last = failed.get(tile.subject);
    return now - tile.asked > REFRESH_MS && (!last || now - last.at > RETRY_MS * 2 ** Math.min(6, last.times - 1));
  }

  function load() {
    const now = performance.now();
    if (hall.link.state !== "live" || element.dataset.state === "stale") return; // nobody there to ask
    const due = tiles.filter((tile) => isDue(tile, now)).sort((a, b) => a.asked - b.asked);
    for (const tile of due) {
      if (loading >= LOADING) break;
      loading += 1;
      tile.busy = true;
      tile.asked = now;
      const path = tile.subject.split("/").map(encodeURIComponent).join("/");
      const width = Math.max(160, Math.round((tile.picture.clientWidth * devicePixelRatio) / 160) * 160);
      tile.picture.src = `/video/poster/${path}.jpg?w=${width}&t=${Math.floor(hall.clock.real() / 5000)}`;
    }
  }
  const timer = setInterval(load, 150);
  show();
  return {
    update: show, tick: show, locale: show, resize: show,
    unmount() {
      clearInterval(timer);
      show.cancel();
      for (const tile of tiles) tile.picture.removeAttribute("src");
    },
  };
});

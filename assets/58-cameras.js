/* Cameras of a city too large for the stream: the gate leaves the topic out and says so, pages ask the catalogue for what they show.
 *
 * hall.cameras.leftOut()        whether the gate leaves the cameras out at present
 * hall.cameras.ask(query)       Promise of a search's answer: {total, online, rows, cursor, version}
 * hall.cameras.some()           up to 500 of them as events, for a list to choose from
 * hall.cameras.totals()         {total, online, offline, dark: rows}, asked in the background; null until known
 * hall.cameras.list(rows)       {rows, total, online, owners: [{name, total, online}]}, the dark ones first; null until known
 * hall.cameras.need(subject)    asks for a camera that nobody told of; hall.video.channelOf knows it soon
 * new hall.cameras.View(boxOf, take)   keeps the cameras of a box: boxOf() is [west, south, east, north]; take(events) as from the stream
 *   .tick()  .counts()  .words()   why not every camera is there
 *   .cells()   null, or where there are too many: {x, y, lon, lat, count, online, offline, time} of the hall's grid, with a `version`
 */
"use strict";

(function () {
  const hall = window.hall;
  const EVERY_MS = 4000; // news of the box in view
  const WHOLE_MS = 60000;
  const MOST = 2000; // more in view are a number, not pictures of each
  const PAGE = 500;
  const TOTALS_MS = 15000;
  const NAMED = 2; // dark ones that are named
  const ACROSS = 48; // cells of the hall's grid across a view
  const CROWDED_MS = 12000; // news of how many there are

  const leftOut = () => hall.link.leftOut.channel !== undefined;
  const ask = (query) => hall.acting.ask(`/api/v1/channels?${query}`);

  /** One answer at a time, asked anew in the background when somebody wants it and it has grown old. */
  function kept(question) {
    let known = null;
    let at = -Infinity;
    return (...about) => {
      if (performance.now() - at > TOTALS_MS) {
        at = performance.now();
        question(...about).then((found) => (known = found), () => {});
      }
      return known;
    };
  }

  const list = kept(async (rows) => {
    const tree = hall.acting.ask("/api/v1/channels/tree?node=owner");
    const [dark, unknown, all, { children }] = await Promise.all([ask(`state=offline&limit=${rows}`), ask(`state=unknown&limit=${rows}`), ask(`state=online&limit=${rows}`), tree]);
    const total = dark.total + unknown.total + all.total;
    return { rows: [...dark.rows, ...unknown.rows, ...all.rows].slice(0, rows), total, online: all.total, owners: children };
  });

  const wanted = new Map(); // subject -> when it was asked for
  function need(subject) {
    if (!leftOut() || performance.now() - (wanted.get(subject) ?? -Infinity) < TOTALS_MS) return null;
    wanted.delete(subject);
    wanted.set(subject, performance.now());
    while (wanted.size > PAGE) wanted.delete(wanted.keys().next().value);
    const path = subject.split("/").map(encodeURIComponent).join("/");
    hall.acting.ask(`/api/v1/channels/one/${path}`).then((row) => hall.video.learn([row]), () => {});
    return null;
  }

  const totals = kept(async () => {
    const [all, dark] = await Promise.all([ask("limit=1"), ask(`state=offline&limit=${NAMED}`)]);
    return { total: all.total, online: all.online, offline: dark.total, dark: dark.rows };
  });

  const living = kept(async () => (await ask(`state=online&limit=${PAGE}`)).rows.map((row) => ({ subject: row.subject, data: row })));
  const some = () => (leftOut() ? living() || [] : [...hall.store.docs("channel").values()].slice(0, PAGE));

  class View {
    constructor(boxOf, take) {
      this.boxOf = boxOf;
      this.take = take;
      this.rows = new Map();
      this.state = null; // {total, online, crowded, fault} while the stream does not carry them
      this.box = "";
      this.version = "";
      this.asked = this.whole = -Infinity;
      this.busy = false;
      this.grid = null;
      this.grids = 0;
      this.counted = () => {}; // called when the hall has counted anew
    }

    cells() {
      return this.state && this.state.crowded ? this.grid : null;
    }

    counts() {
      return this.state ? { cameras: this.state.total } : {};
    }

    words() {
      if (!this.state) return "";
      const { total, online, crowded, fault } = this.state;
      if (fault) return hall.t("map.cameras-unknown", { why: hall.word("ptz.reason", fault) });
      return hall.t(crowded ? "map.cameras-crowded" : "map.cameras-in-view", { n: hall.format.number(total), online: hall.format.number(online) });
    }

    tick() {
      if (!leftOut()) return this.state && this.forget();
      const box = this.boxOf();
      if (!box || this.busy) return;
      const key = box.map((degrees) => degrees.toFixed(5)).join(",");
      const now = performance.now();
      if (key === this.box && now - this.asked < (this.state && this.state.crowded ? CROWDED_MS : EVERY_MS)) return;
      if (key !== this.box || now - this.whole > WHOLE_MS) this.version = "";
      this.box = key;
      this.asked = now;
      this.look();
    }

    async look() {
      this.busy = true;
      try {
        this.keep(await this.answer(this.box, this.version));
      } catch (error) {
        this.state = { ...(this.state || { total: 0, online: 0, crowded: false }), fault: error.reason || "http" };
      }
      this.busy = false;
      if (!leftOut()) this.forget();
    }

    /** All pages of what came since a version, and of everything without one, unless they are too many to be drawn. */
    async answer(box, since) {
      if (!since) {
        const counted = await this.count(box);
        if (counted.total > MOST) return { ...counted, rows: [], crowded: true, since: "" };
      }
      const rows = [];
      let first = null;
      let cursor = "";
      do {
        const found = await ask(`box=${box}&since=${since}&limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
        first = first || found;
        if (found.total > MOST) return this.answer(box, ""); // they have become too many
        rows.push(...found.rows);
        cursor = found.cursor || "";
      } while (cursor && rows.length < MOST);
      return { ...first, rows, crowded: false, since };
    }

    /** How many stand where in a box, by the hall's grid: {total, online, cells}. */
    async count(box) {
      const [west, , east] = box.split(",").map(Number);
      const level = Math.max(0, Math.min(24, Math.round(Math.log2((ACROSS * 360) / Math.max(1e-6, east - west)))));
      const { total, online, as_of: time, cells } = await hall.acting.ask(`/api/v1/channels/grid?box=${box}&level=${level}`);
      this.grid = cells.map(([lon, lat, count, up, down]) => ({ what: "camera", id: `${lon} ${lat}`, known: true, severity: 0, lon, lat, time, count,
        x: hall.citymap.projectX(lon), y: hall.citymap.projectY(lat), online: up, offline: down }));
      this.grid.version = this.grids += 1;
      return { total, online };
    }

    keep({ rows, total, online, version, crowded, since }) {
      if (!since) this.whole = performance.now();
      const told = new Set(rows.map((row) => row.subject));
      const gone = since ? [] : [...this.rows.keys()].filter((subject) => !told.has(subject));
      for (const subject of gone) this.rows.delete(subject);
      for (const row of rows) this.rows.set(row.subject, row);
      if (hall.video.learn) hall.video.learn(rows);
      // one that went is told by nobody, but the number of those that are there says so
      this.version = this.rows.size > total ? "" : version;
      this.state = { total, online, crowded, fault: "" };
      if (crowded) this.counted();
      if (gone.length || rows.length) this.take([...gone.map((subject) => ({ subject, data: null })), ...rows.map((row) => ({ subject: row.subject, time: row.told_at, data: row }))]);
    }

    /** The stream carries them again: what it told already stays. */
    forget() {
      const known = hall.store.docs("channel");
      const gone = [...this.rows.keys()].map((subject) => known.get(subject) || { subject, data: null });
      this.rows.clear();
      this.state = null;
      this.box = this.version = "";
      this.take(gone);
    }
  }

  hall.cameras = { leftOut, ask, some, totals, list, need, View };
})();

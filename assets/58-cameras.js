/* Cameras of a city too large for the stream: the gate leaves the topic out and says so, pages ask the catalogue for what they show.
 *
 * hall.cameras.leftOut()        whether the gate leaves the cameras out at present
 * hall.cameras.ask(query)       Promise of a search's answer: {total, online, rows, cursor, version}
 * hall.cameras.some()           up to 500 of them as events, for a list to choose from
 * hall.cameras.totals()         {total, online, dark: rows}, asked in the background; null until known
 * new hall.cameras.View(boxOf, take)   keeps the cameras of a box: boxOf() is [west, south, east, north]; take(events) as from the stream
 *   .tick()  .counts()  .words()   why not every camera is there
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

  const leftOut = () => hall.link.leftOut.channel !== undefined;
  const ask = (query) => hall.acting.ask(`/api/v1/channels?${query}`);

  let totals = null;
  let asked = -Infinity;

  async function count() {
    asked = performance.now();
    const [all, dark] = await Promise.all([ask("limit=1"), ask(`state=offline&limit=${NAMED}`)]).catch(() => [null, null]);
    if (all) totals = { total: all.total, online: all.online, offline: dark.total, dark: dark.rows };
  }

  let listed = [];
  let listedAt = -Infinity;

  function some() {
    if (!leftOut()) return [...hall.store.docs("channel").values()].slice(0, PAGE);
    if (performance.now() - listedAt > TOTALS_MS) {
      listedAt = performance.now();
      ask(`state=online&limit=${PAGE}`).then(({ rows }) => (listed = rows.map((row) => ({ subject: row.subject, data: row }))), () => {});
    }
    return listed;
  }

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
      if (key === this.box && now - this.asked < EVERY_MS) return;
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
      const rows = [];
      let first = null;
      let cursor = "";
      do {
        const found = await ask(`box=${box}&since=${since}&limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
        first = first || found;
        if (found.total > MOST) return { ...first, rows: [], crowded: true, since: "" };
        rows.push(...found.rows);
        cursor = found.cursor || "";
      } while (cursor && rows.length < MOST);
      return { ...first, rows, crowded: false, since };
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

  hall.cameras = {
    leftOut,
    ask,
    some,
    View,
    totals() {
      if (performance.now() - asked > TOTALS_MS) count();
      return totals;
    },
  };
})();

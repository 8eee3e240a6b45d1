/* Clusters: symbols that would lie on each other become one, led by the most severe; its plate says how many and how severe they are.
 *
 * citymap.clustered(entries, scale, reach, before)  groups [{lead, members}] of entries {x, y} in the unit square; `reach` {w, h} in px:
 *   who stands within it of a lead goes to the nearest one. Leads are chosen in the order `before`, over all entries and not only
 *   those in view: panning regroups nothing, and what comes, goes or moves changes the groups around it and no others. O(n log n).
 * new citymap.Clusters()   the groups of one map's cases and gauges, kept while nothing about them changes (`touch()` says it did)
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const KEPT_S = 5; // pictures of plates: a city's clusters make hundreds at each zoom, 45 kB each
  const ROUND = 12; // a plate's bar is drawn in twelfths
  const CLOSE_FROM = 15.5; // `wide` zoom from which there is room: only what really overlaps is one
  const WIDE = { w: 4.4, h: 2.4 }; // glyphs: a plate covers no other symbol
  const CLOSE = { w: 1.5, h: 1.1 };
  const LISTED = 40; // of its members in a pinned card
  const GLANCED = 5; // and in one that is only pointed at
  const WALL_PAGES = 9; // so many cases under one symbol are leafed through on a wall; more are come closer to

  citymap.clustered = function (entries, scale, reach, before) {
    const cells = new Map(); // cell -> groups whose lead stands in it
    const groups = [];
    const ordered = before ? [...entries].sort(before) : entries;
    for (const entry of ordered) {
      const px = entry.x * scale;
      const py = entry.y * scale;
      const column = Math.floor(px / reach.w);
      const row = Math.floor(py / reach.h);
      let best = null;
      let least = Infinity;
      for (let i = column - 1; i <= column + 1; i += 1) {
        for (let j = row - 1; j <= row + 1; j += 1) {
          const near = cells.get(i * 134217728 + j);
          if (!near) continue;
          for (const group of near) {
            const dx = Math.abs(group.lead.x * scale - px) / reach.w;
            const dy = Math.abs(group.lead.y * scale - py) / reach.h;
            if (dx >= 1 || dy >= 1 || dx + dy >= least) continue;
            least = dx + dy;
            best = group;
          }
        }
      }
      if (best) {
        best.members.push(entry);
        continue;
      }
      const group = { lead: entry, members: [entry] };
      groups.push(group);
      const key = column * 134217728 + row;
      const here = cells.get(key);
      if (here) here.push(group);
      else cells.set(key, [group]);
    }
    return groups;
  };

  const dueOf = (entry) => (entry.what === "case" ? entry.event.data.due : null);
  citymap.overdue = (entry, now) => dueOf(entry) != null && dueOf(entry) < now;
  /** Whether somebody has to look at it at once: an alarm that nobody has answered, a case past its time. */
  citymap.urgent = (entry, now) => (entry.what === "gauge" ? !!entry.alarm && hall.alarms.asking(entry.alarm.data) : citymap.overdue(entry, now));

  const inOrder = (a, b) => b.severity - a.severity || b.urgent - a.urgent || (b.time || 0) - (a.time || 0) || (a.id < b.id ? -1 : 1);

  /** What a map's group of cases and gauges is for the card and for the hand: {lead, members, event, said(), tail(), open()}. */
  class Group {
    constructor({ lead, members }, host) {
      Object.assign(this, { lead, members, host, what: "cluster", severity: lead.severity });
      this.part = this;
      this.said = () => {
        const newest = this.members.reduce((latest, one) => Math.max(latest, one.event ? one.event.time : one.time || 0), 0);
        return newest ? hall.t("map.cluster.newest", { age: hall.format.duration(Math.max(0, citymap.now() - newest)) }) : hall.t("map.never");
      };
    }

    /** The same group without those that stand by themselves at present. */
    only(members) {
      if (members.length === this.members.length) return this;
      if (this.part.members.length !== members.length || this.part.lead !== members[0]) this.part = new Group({ lead: members[0], members }, this.host);
      return this.part;
    }

    /** How many things it stands for: cameras that the hall only counts are many in one member. */
    get count() {
      return this.members.reduce((sum, one) => sum + (one.count || 1), 0);
    }

    get event() {
      return this.lead.event;
    }

    tail(pinned) {
      return citymap.clusterList(this, pinned ? LISTED : GLANCED);
    }

    open() {
      citymap.openCluster(this);
    }
  }

  citymap.Clusters = class {
    constructor() {
      this.host = null;
      this.version = 0;
      this.key = "";
      this.groups = [];
    }

    touch() {
      this.version += 1;
    }

    /** The groups of `entries()` for a frame, within `reach` glyphs; `about`: whatever else they depend on, as a text. */
    of(frame, reach, about, entries, before) {
      const key = `${this.version}|${frame.scale}|${frame.glyph}|${reach.w}|${about}`;
      if (key === this.key) return this.groups;
      this.key = key;
      const pixels = { w: frame.glyph * reach.w, h: frame.glyph * reach.h };
      this.groups = citymap.clustered(entries(), frame.scale, pixels, before).map((group) => new Group(group, this.host));
      return this.groups;
    }

    /** Those of cases and gauges: most severe first, of equals what waits for somebody; anew each minute, since time makes things late. */
    ofEvents(frame, now, about, entries) {
      const reach = frame.wide >= CLOSE_FROM ? CLOSE : WIDE;
      return this.of(frame, reach, `${about}|${Math.floor(now / 60000)}`, () => {
        const list = entries();
        for (const entry of list) entry.urgent = citymap.urgent(entry, now) ? 1 : 0;
        return list;
      }, inOrder);
    }
  };

  // -- the plate ---------------------------------------------------------------------------------------------------------------

  /** How many of `members` there are of each severity, 0 to 4. */
  const bySeverity = (members) => members.reduce((counts, { severity }) => ((counts[severity] += 1), counts), [0, 0, 0, 0, 0]);

  /** Twelfths of the bar, the most severe first; whoever is there has one at least. */
  function shares(counts) {
    const total = counts.reduce((a, b) => a + b, 0);
    const parts = counts.map((n) => (n ? Math.max(1, Math.round((ROUND * n) / total)) : 0));
    for (let over = parts.reduce((a, b) => a + b, 0) - ROUND; over !== 0; over -= Math.sign(over)) {
      parts[parts.indexOf(Math.max(...parts))] -= Math.sign(over);
    }
    return parts;
  }

  const plates = new citymap.Kept(KEPT_S);

  function makePlate(frame, { text, severity, parts }) {
    const g = frame.glyph;
    const font = `600 ${frame.font}px ${citymap.family}`;
    const [left, top, height] = [g, g * 0.9, g * 2];
    let width = 0;
    const size = (c) => {
      c.font = font;
      width = left + g + c.measureText(text).width + g * 0.4;
      return [(width + 2) * frame.ratio, (height + 2) * frame.ratio];
    };
    const canvas = citymap.pictured(size, (c) => {
      c.scale(frame.ratio, frame.ratio);
      c.beginPath();
      c.roundRect(1, 1, width - 1, height - 1, g * 0.45);
      c.fillStyle = "rgba(9, 15, 26, .9)";
      c.fill();
      c.lineWidth = Math.max(1, frame.u * (1 + 0.35 * severity));
      c.strokeStyle = severity ? citymap.colours[severity] : "#4a5b73";
      c.stroke();
      c.font = font;
      c.textBaseline = "middle";
      c.fillStyle = citymap.ink.text;
      c.fillText(text, left + g, top);
      if (severity) drawBar(c, g, (width - g) / ROUND, top, parts); // all of one kind: a bar would say nothing
    });
    return { canvas, left, top, width, height };
  }

  function drawBar(c, g, step, top, parts) {
    let x = g * 0.5;
    for (let level = 4; level >= 0; level -= 1) {
      c.fillStyle = level ? citymap.colours[level] : "#5d6e86";
      c.fillRect(x, top + g * 0.68, parts[level] * step - (parts[level] ? 1 : 0), g * 0.2);
      x += parts[level] * step;
    }
  }

  /** Draws the plate of a group's members, led by `severity`, about (px, py), where the lead's symbol will stand; returns its box. */
  citymap.drawPlate = function (c, frame, severity, members, px, py) {
    const parts = shares(bySeverity(members));
    const text = hall.format.number(members.length);
    const key = `${text}|${severity}|${parts}|${frame.ratio}|${frame.glyph}|${citymap.family}`;
    const plate = plates.get(key, () => makePlate(frame, { text, severity, parts }));
    const x = Math.round((px - plate.left) * frame.ratio) / frame.ratio;
    const y = Math.round((py - plate.top) * frame.ratio) / frame.ratio;
    c.drawImage(plate.canvas, x, y, plate.canvas.width / frame.ratio, plate.canvas.height / frame.ratio);
    return [x, y, x + plate.width, y + plate.height];
  };

  // -- what it says, and what a hand does with it ------------------------------------------------------------------------------

  const counted = (key, n) => (n ? hall.t(`map.cluster.${key}`, { n: hall.format.number(n) }) : "");
  const joined = (parts) => parts.filter(Boolean).join(" · ");

  /** The card of a group: what is inside by kind and severity, what waits for somebody. */
  citymap.clusterCard = function ({ members, severity, count }) {
    const now = citymap.now();
    if (members[0].what === "camera") return cameraCard(members, count);
    const of = (what) => members.filter((one) => one.what === what);
    const counts = bySeverity(members);
    const alarms = of("gauge").filter((one) => one.alarm && hall.alarms.asking(one.alarm.data));
    return {
      title: joined([counted("cases", of("case").length), counted("gauges", of("gauge").length)]),
      severity,
      rows: [["severities", joined([4, 3, 2, 1, 0].map((level) => (counts[level] ? `${citymap.SHAPES[level] || "○"} ${hall.t(level ? `severity.${level}` : "map.severity.0")} ${hall.format.number(counts[level])}` : "")))],
        ["overdue", counted("overdue", of("case").filter((one) => citymap.overdue(one, now)).length)], ["unanswered", counted("unanswered", alarms.length)]],
    };
  };

  const sum = (members, state) => members.reduce((all, one) => all + (one.count ? one[state] : one.event.data.state === state ? 1 : 0), 0);
  const cameraCard = (members, count) => {
    const [online, offline] = [sum(members, "online"), sum(members, "offline")];
    const rows = [["online", online], ["offline", offline], ["unknown", count - online - offline]].filter(([what, n]) => n > 0 || what !== "unknown");
    return { title: counted("cameras", count), severity: null, rows: rows.map(([what, n]) => [what, hall.format.number(n)]) };
  };

  /** Its members as a list of buttons, the most severe first. */
  citymap.clusterList = function (group, most) {
    if (group.lead.count) return null; // the hall has only counted them
    const items = group.members.slice(0, most).map((entry) => {
      const button = hall.make("button.map-cluster-one", { type: "button" }, [
        hall.make("span.map-cluster-mark", { "data-severity": entry.severity || 0 }, citymap.SHAPES[entry.severity || 0] || "○"),
        hall.make("span", {}, citymap.titleOf(entry))]);
      button.addEventListener("click", () => group.host && group.host.show(entry));
      return hall.make("li", {}, button);
    });
    const rest = group.members.length - items.length;
    if (rest > 0) items.push(hall.make("li", {}, hall.t("map.more", { n: hall.format.number(rest) })));
    return hall.make("ul.map-cluster", {}, items);
  };

  /** Comes so close that they stand apart; where no zoom can part them, its card with the list stays. */
  citymap.openCluster = function ({ members, lead, host }) {
    if (!host || !host.map) return;
    const cases = members.filter((one) => one.what === "case").map((one) => one.event.subject);
    if (hall.page.wall && hall.card && cases.length === members.length && cases.length <= WALL_PAGES) {
      host.card.show(null);
      return hall.card.open(lead.event.subject, cases);
    }
    const { map } = host;
    const span = (of) => members.reduce((most, one) => Math.max(most, of(one)), -Infinity) - members.reduce((least, one) => Math.min(least, of(one)), Infinity);
    const scale = 256 * 2 ** map.getMaxZoom();
    const g = host.glyph();
    const parted = lead.count > 1 || span((one) => one.x) * scale > 1.5 * g || span((one) => one.y) * scale > 1.1 * g;
    if (!parted || map.getZoom() >= map.getMaxZoom() - 0.3) return host.card.focus();
    host.touched = true;
    const box = L.latLngBounds(members.map((one) => [one.lat, one.lon]));
    const target = Math.min(map.getMaxZoom(), Math.max(map.getBoundsZoom(box, false, L.point(g * 6, g * 6)), map.getZoom() + 1));
    map.setView(target > map.getBoundsZoom(box) ? [lead.lat, lead.lon] : box.getCenter(), target, { animate: false });
  };
})();

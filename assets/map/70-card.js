/* The card: the main fields of what is pointed at, with the age of every one of them that has one. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const LISTED = 5;

  const severityText = (n) => (n ? `${hall.citymap.SHAPES[n]} ${hall.t(`severity.${n}`)}` : hall.t("map.severity.0"));
  const word = (prefix, value) => (value ? hall.word(prefix, value) : "");
  const metres = (n) => `${hall.format.number(n)} m`;

  const ROWS = {
    case({ event }) {
      const d = event.data;
      const now = citymap.now();
      const due = d.due == null ? "" : hall.t(d.due < now ? "map.overdue-by" : "map.due-in", { age: hall.format.duration(Math.abs(d.due - now)) });
      return {
        title: [d.class_name, d.subclass_name].filter(Boolean).join(" · ") || d.case_id,
        severity: d.severity | 0,
        rows: [["number", d.case_id], ["state", word("case", d.state || "reported")], ["unit", d.unit], ["due", due],
          ["district", d.district], ["address", d.address], ["source", word("source", d.report_source)],
          ["reported", d.stages && d.stages.reported ? citymap.age(d.stages.reported) : ""], ["text", d.description]],
      };
    },
    gauge(gauge) {
      const s = gauge.sensor ? gauge.sensor.data : {};
      const line = gauge.alarm && gauge.alarm.data.threshold != null ? gauge.alarm.data.threshold : null;
      const { confidence, picture } = (gauge.event && gauge.event.data.extra) || {};
      return {
        title: hall.nameOf(s) || gauge.key.split("/").pop(),
        severity: gauge.severity,
        picture: typeof picture === "string" && picture.startsWith("/video/poster/") ? picture : "",
        rows: [["quantity", word("quantity", gauge.quantity)], ["reading", gauge.event ? citymap.reading(gauge) : hall.t("map.no-value")],
          ["confidence", typeof confidence === "number" ? hall.format.number(confidence, 2) : ""],
          ["threshold", line == null ? "" : String(line)], ["forecast", gauge.alarm ? hall.flood.forecastText({ forecast: gauge.alarm.data.forecast, unit: gauge.alarm.data.unit }, citymap.now()) : ""],
          ["cases", gauge.alarm && (gauge.alarm.data.cases || []).length ? String(gauge.alarm.data.cases.length) : ""], ["kind", word("gaugekind", s.kind)], ["district", s.district],
          ["radar", citymap.radarText(s.lon == null ? gauge.event && gauge.event.data : s)], ["owner", s.owner]],
      };
    },
    depot({ event }) {
      const d = event.data;
      const stock = citymap.stockOf(d).map(([item, count]) => `${item} ${count}`).join(hall.t("rows.comma"));
      return { title: hall.emergency.nameOf(event.subject, d), severity: null, rows: [["kind", word("map.depot", d.kind)], ["stock", stock], ["district", d.district], ["unit", d.unit]] };
    },
    closure({ event }) {
      const d = event.data;
      const act = { proposed: d.proposed, ordered: d.ordered, confirmed: d.ordered, reopening_proposed: d.reopening }[d.state] || {};
      return {
        title: hall.label(d.label) || d.name || d.closure_id,
        severity: null,
        rows: [["closure", hall.t(`flood.closure.${d.state}`)], ["by", act.by], ["since", act.at ? citymap.age(act.at) : ""],
          ["reading", d.depth == null ? "" : `${hall.format.number(d.depth, 2)} m`], ["district", d.district]],
      };
    },
    incident: (entry) => citymap.incidentCard(entry),
    cluster: (entry) => citymap.clusterCard(entry),
    component: (entry) => citymap.componentCard(entry),
    area: (entry) => citymap.areaCard(entry),
    shape: (entry) => citymap.shapeCard(entry),
    depth: (entry) => citymap.depthCard(entry),
    warning: (entry) => citymap.warningCard(entry),
    unit({ event, trail }) {
      const d = event.data;
      return {
        title: d.name || d.unit_id,
        severity: null,
        rows: [["kind", word("unitkind", d.kind || "vehicle")], ["state", word("unitstate", d.state)],
          ["speed", d.speed_mps == null ? "" : `${hall.format.number(d.speed_mps * 3.6)} km/h`],
          ["heading", d.heading_deg == null ? "" : `${Math.round(d.heading_deg)}°`],
          ["accuracy", d.accuracy_m == null ? "" : metres(d.accuracy_m)], ["trail", trail ? trail() : ""], ["district", d.district]],
      };
    },
    camera({ event }) {
      const d = event.data;
      return {
        title: d.name || d.channel_id,
        severity: null,
        camera: event.subject,
        rows: [["owner", d.owner], ["state", word("channel", d.state || "unknown")], ["district", d.district]],
      };
    },
  };

  /** A thing's title as its card says it. */
  citymap.titleOf = (entry) => ROWS[entry.what](entry).title;

  citymap.Card = class {
    /** `choose(subject)`: which camera's sector or mover's trail is to be seen ("" none). */
    constructor(root, choose) {
      this.root = root;
      this.choose = choose || (() => {});
      this.node = hall.make("div.map-card", { role: "status", hidden: "" });
      root.append(this.node);
      this.pinned = false;
      this.hit = null;
    }

    /** Shows what `hit` = {what, entry, members, x, y, r} stands for, beside it; null hides the card. */
    show(hit, at, pin) {
      this.choose(hit && (hit.what === "camera" || hit.what === "unit") ? hit.entry.subject : "");
      if (hit === null) {
        this.hit = null;
        this.pinned = false;
        this.stopPicture();
        this.node.hidden = true;
        this.node.replaceChildren();
        return;
      }
      const same = this.hit && this.hit.entry === hit.entry && this.event === hit.entry.event && this.pinned === !!pin;
      this.hit = hit;
      this.pinned = !!pin;
      if (!same) this.fill(hit);
      this.node.hidden = false;
      this.at = at;
      this.move(at);
    }

    /** On a wall a touched case or camera is shown large instead; whether it is. */
    large(hit) {
      const open = { case: "open", camera: "camera" }[hit.what];
      if (!open || !hall.card || !hall.page.wall || !hit.entry.event) return false;
      if (hit.what === "camera" && hall.video.grid && hall.acting.who()) return false; // a person at the wall of pictures takes it from the map
      const others = (hit.members || []).map((member) => member.entry.event && member.entry.event.subject).filter(Boolean);
      this.show(null);
      return hall.card[open](hit.entry.event.subject, others);
    }

    fill(hit) {
      this.event = hit.entry.event;
      if (!(this.pinned && this.picture && this.picture.subject === hit.entry.subject)) this.stopPicture();
      const { title, severity, rows, camera, picture } = ROWS[hit.what](hit.entry);
      const head = hall.make("div.map-card-head", {}, [
        severity == null ? "" : hall.make("span", { class: "map-card-severity", "data-severity": severity }, severityText(severity)),
        hall.make("strong", {}, title),
      ]);
      this.age = hall.make("span.map-card-age");
      const list = hall.make("dl");
      for (const [key, value] of rows) {
        if (value === "" || value == null) continue;
        list.append(hall.make("dt", {}, hall.t(`map.field.${key}`)), hall.make("dd", {}, String(value)));
      }
      this.node.replaceChildren(head, this.age);
      if (camera && this.pinned) this.node.append(this.player(camera));
      else if (camera && hit.entry.event.data.state !== "offline") this.node.append(this.poster(hall.video.posterOf(camera, 480)));
      this.recorded = camera && citymap.past ? new citymap.Recorded(camera) : null;
      if (this.recorded) this.node.append(hall.make("div.map-card-note", {}, hall.t("replay.camera")), this.recorded.node);
      if (picture) this.node.append(this.evidence(picture, title, rows));
      this.node.append(list);
      const tail = hit.entry.tail ? hit.entry.tail(this.pinned) : citymap.tailOf && citymap.tailOf(hit, this.pinned);
      if (tail) this.node.append(tail);
      if (hit.what !== "cluster" && hit.members && hit.members.length > 1) this.node.append(this.others(hit));
      this.time = hit.entry.event ? hit.entry.event.time : null;
      this.tick();
    }

    /** The moving picture of a camera that was pressed; it can be dragged from here into a tile. */
    player(subject) {
      if (!this.picture) {
        this.picture = { subject, ...hall.video.live(subject, { why: "map", quality: "sub" }) };
        this.picture.node.classList.add("map-card-player");
        this.picture.node.draggable = true;
        this.picture.node.addEventListener("dragstart", (event) => event.dataTransfer.setData(hall.video.DRAG, subject));
      }
      return this.picture.node;
    }

    stopPicture() {
      if (this.picture) this.picture.remove();
      this.picture = null;
    }

    /** The very picture that a reading was taken from; pressed, it stands large. */
    evidence(picture, title, rows) {
      const image = this.poster(picture);
      const text = rows.filter(([key, value]) => (key === "reading" || key === "confidence") && value).map(([key, value]) => `${hall.t(`map.field.${key}`)} ${value}`).join(" · ");
      const node = hall.make("button.map-card-evidence", { type: "button", "aria-label": hall.t("reading.picture") }, image);
      node.onclick = () => hall.video.readingPicture({ picture, title, text, at: Number(picture.split("/")[4]) || null });
      return node;
    }

    poster(address) {
      const image = hall.make("img", { src: address, alt: hall.t("map.poster") });
      image.addEventListener("error", () => image.replaceWith(hall.make("div.map-card-note", {}, hall.t("map.no-picture"))));
      return image;
    }

    /** The others that stand under the same symbol. */
    others(hit) {
      const list = hall.make("ul.map-card-others");
      const rest = hit.members.filter((m) => m.entry !== hit.entry).sort((a, b) => (b.entry.severity || 0) - (a.entry.severity || 0));
      for (const { entry } of rest.slice(0, LISTED)) list.append(hall.make("li", {}, ROWS[hit.what](entry).title));
      if (rest.length > LISTED) list.append(hall.make("li", {}, hall.t("map.more", { n: rest.length - LISTED })));
      return list;
    }

    /** The keyboard goes into the card, where it has something to press. */
    focus() {
      const first = this.node.querySelector("button, a[href]");
      if (first) first.focus();
    }

    tick() {
      if (this.hit === null) return;
      if (this.event !== this.hit.entry.event) {
        this.fill(this.hit); // what it stands for has changed meanwhile
        this.move(this.at);
      }
      if (this.recorded) this.recorded.tick();
      const { said } = this.hit.entry;
      hall.setText(this.age, said ? said() : this.time == null ? hall.t("map.never") : hall.t(this.hit && this.hit.what === "camera" ? "map.listed" : "map.age", { age: citymap.age(this.time) }));
    }

    move({ x, y, r }) {
      const { width, height } = this.root.getBoundingClientRect();
      const fit = this.root.offsetWidth ? width / this.root.offsetWidth : 1;
      const [w, h] = [width / (fit || 1), height / (fit || 1)];
      const own = { w: this.node.offsetWidth, h: this.node.offsetHeight };
      const left = x + r + 8 + own.w <= w ? x + r + 8 : Math.max(0, x - r - 8 - own.w);
      const top = Math.max(0, Math.min(h - own.h, y - own.h / 3));
      this.node.style.transform = `translate(${Math.round(left)}px,${Math.round(top)}px)`;
    }

    remove() {
      this.stopPicture();
      this.node.remove();
    }
  };
})();

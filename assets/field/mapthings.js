/* The ground of the city's map with a crew's things on it: tasks, places that are shut, wet gauges, warnings, the own position.
 *
 * new MapThings(node, {label, home: {lon, lat, zoom}, pick(thing | null)})
 *   show(things, warnings, place, chosen)   as assets/field/map.js has them; place {lon, lat, accuracy, age}
 *   under   what lies below the things: {draw(c, frame), at(point)}, draw's boxes to keep off, at's {mark, px} or null;  repaint()
 *   go(thing, place, zoom)   one thing, with the own position where both fit;  fit(things, place);  remove()
 */
"use strict";

(function () {
  const hall = window.hall;
  const field = window.field;
  const citymap = hall.citymap;
  const REACH = 26; // px that a finger may miss a symbol by
  const NEARER = 8; // px that what lies below must be nearer by
  const CLOSEST = 17;
  const INK = { task: "#ffffff", given: "#9fd0ff", message: "#ffd43b", gauge: "#5cc8ff", closure: "#ff5a5f" };
  hall.make = field.make;
  hall.addTexts(window.FIELD_TEXTS);
  hall.locale = field.locale;
  document.documentElement.lang = field.locale; // 10-hall.js goes by the address
  const say = field.setLocale;
  field.setLocale = (locale) => ((hall.locale = locale), say(locale));

  const symbol = {
    closure(c, r) {
      c.beginPath();
      c.arc(0, 0, r, 0, 2 * Math.PI);
      c.fill();
      c.fillStyle = "#fff";
      c.fillRect(-r * 0.65, -r * 0.2, r * 1.3, r * 0.4);
    },
    gauge(c, r) {
      c.beginPath();
      c.moveTo(0, -r * 1.2);
      c.bezierCurveTo(r * 1.1, 0, r * 0.9, r, 0, r);
      c.bezierCurveTo(-r * 0.9, r, -r * 1.1, 0, 0, -r * 1.2);
      c.fill();
    },
    message(c, r) {
      c.fillRect(-r * 0.7, -r * 1.2, r * 0.25, r * 2.3);
      c.fillRect(-r * 0.6, -r * 1.2, r * 1.6, r * 1.1);
    },
    given(c, r) {
      c.fillRect(-r * 0.9, -r * 0.9, r * 1.8, r * 1.8);
    },
  };

  window.MapThings = class {
    constructor(node, { label, home, pick }) {
      hall.page.home = home;
      Object.assign(this, { things: [], place: null, chosen: null, told: "", under: null });
      this.plain = new citymap.PlainMap(node, label);
      this.plain.fitted = true; // goes where it is told
      this.map = this.plain.map;
      this.map.zoomControl?.remove();
      this.plain.stage.add({ name: "things", upper: true, draw: (c, frame) => this.draw(c, frame) });
      this.map.doubleClickZoom.disable(); // Leaflet takes any two touches within 0.2 s for one, however far apart
      this.map.on("click", ({ containerPoint }) => {
        const hit = this.at(containerPoint);
        this.twice = !hit && !!this.touched && this.touched.distanceTo(containerPoint) < REACH;
        this.touched = hit ? null : containerPoint;
        pick(hit);
      });
      this.map.on("dblclick", ({ containerPoint }) => this.twice && this.map.setZoomAround(containerPoint, this.map.getZoom() + 1));
    }

    show(things, warnings, place, chosen) {
      const now = JSON.stringify([things.map((one) => [one.subject, one.lon, one.lat, one.name]), warnings, place && [place.lon, place.lat, place.accuracy, place.age > 60000], chosen && chosen.subject, field.locale]);
      if (now === this.told) return;
      this.told = now;
      Object.assign(this, { things, place, chosen });
      this.plain.stage.dirty("things");
      this.plain.show(warnings);
    }

    at(point) {
      const near = this.things.map((one) => [one, this.map.latLngToContainerPoint([one.lat, one.lon]).distanceTo(point)]).filter(([, px]) => px < REACH);
      const best = near.length ? near.reduce((least, one) => (one[1] <= least[1] ? one : least)) : null;
      const below = this.under ? this.under.at(point) : null;
      const again = best && this.chosen && best[0].subject === this.chosen.subject; // a second touch means what lies beneath it
      return below && (!best || again || below.px + NEARER < best[1]) ? below.mark : best && best[0];
    }

    repaint() {
      if (!this.plain.stage || this.waits) return;
      this.waits = requestAnimationFrame(() => {
        this.waits = 0;
        if (!this.plain.stage) return;
        this.plain.stage.dirty("things");
        this.plain.stage.paint();
      });
    }

    /** What the bars at the edges leave free, px. */
    room() {
      const { x, y } = this.map.getSize();
      return x > y && y < 520 ? { paddingTopLeft: [50, 90], paddingBottomRight: [390, 50] } : { paddingTopLeft: [60, 90], paddingBottomRight: [150, 230] };
    }

    go(thing, place, zoom = 15) {
      if (place) this.map.fitBounds([[thing.lat, thing.lon], [place.lat, place.lon]], { animate: false, ...this.room(), maxZoom: CLOSEST });
      else this.map.setView([thing.lat, thing.lon], zoom, { animate: false });
    }

    fit(things, place) {
      const places = [...things, ...(place ? [place] : [])].map(({ lat, lon }) => [lat, lon]);
      if (places.length) this.map.fitBounds(places, { animate: false, ...this.room(), maxZoom: 15 });
      else this.plain.home();
    }

    draw(c, frame) {
      const below = this.under ? this.under.draw(c, frame) : []; // boxes that names of what is not the crew's keep off
      const spot = (one) => [frame.px(citymap.projectX(one.lon)), frame.py(citymap.projectY(one.lat))];
      if (this.place) this.own(c, frame, spot(this.place), this.chosen && spot(this.chosen));
      const rows = this.things.map((one) => [one, ...spot(one)]);
      for (const [one, x, y] of rows) this.mark(c, frame, one, x, y);
      const boxes = new citymap.Boxes(64);
      const first = (one) => (one === this.chosen ? 2 : one.own ? 1 : 0);
      const named = [...rows].reverse().sort(([a], [b]) => first(b) - first(a));
      const others = named.findIndex(([one]) => !first(one));
      named.forEach(([one, x, y], i) => {
        if (i === others) for (const box of below) boxes.put(...box);
        this.name(c, frame, one, x, y, boxes);
      });
    }

    own(c, frame, [x, y], to) {
      const { u } = frame;
      const metres = citymap.perMetre(citymap.projectY(this.place.lat)) * frame.scale;
      c.fillStyle = "#62b0ff33";
      c.strokeStyle = "#62b0ff";
      c.lineWidth = 2 * u;
      c.beginPath();
      c.arc(x, y, Math.max(8 * u, (this.place.accuracy || 0) * metres), 0, 2 * Math.PI);
      c.fill();
      c.stroke();
      if (to) {
        c.setLineDash([8 * u, 8 * u]);
        c.strokeStyle = "#ffffff";
        c.beginPath();
        c.moveTo(x, y);
        c.lineTo(...to);
        c.stroke();
        c.setLineDash([]);
      }
      c.fillStyle = this.place.age > 60000 ? "#8a97a6" : "#62b0ff";
      c.strokeStyle = "#ffffff";
      c.lineWidth = 3 * u;
      c.beginPath();
      c.arc(x, y, 8 * u, 0, 2 * Math.PI);
      c.fill();
      c.stroke();
    }

    mark(c, frame, one, x, y) {
      const r = (one.own ? 13 : 9) * frame.u;
      c.save();
      c.translate(x, y);
      if (this.chosen && one.subject === this.chosen.subject) {
        c.strokeStyle = "#ffffff";
        c.lineWidth = 3 * frame.u;
        c.beginPath();
        c.arc(0, 0, r * 1.6, 0, 2 * Math.PI);
        c.stroke();
      }
      c.strokeStyle = "#060b14";
      c.lineWidth = 4 * frame.u;
      c.fillStyle = one.kind === "task" ? citymap.colours[one.one.severity || 0] || INK.task : INK[one.kind];
      if (one.kind === "task") {
        citymap.outline(c, one.one.severity || 0, r);
        c.stroke();
        c.fill();
      } else symbol[one.kind](c, r);
      c.restore();
    }

    name(c, frame, one, x, y, boxes) {
      const size = 15 * frame.u;
      const text = one.exercise ? `▨ ${one.name}` : one.name;
      c.font = `600 ${size}px ${citymap.family}`;
      const wide = Math.min(c.measureText(text).width, 220 * frame.u);
      const top = y + 16 * frame.u;
      if (!boxes.take(x - wide / 2, top, x + wide / 2, top + size * 1.2)) return;
      c.textAlign = "center";
      c.textBaseline = "top";
      c.lineJoin = "round";
      c.lineWidth = 4 * frame.u;
      c.strokeStyle = "#060b14";
      c.fillStyle = "#ffffff";
      c.strokeText(text, x, top, 220 * frame.u);
      c.fillText(text, x, top, 220 * frame.u);
    }

    remove() {
      this.plain.remove();
    }
  };
})();

/* What a person marked on the map: the place that was found or linked to, the circle that is looked at. Drawn above all symbols.
 *
 * host.layers.get("marks")   .pin({lon, lat, text}) or null; .circle({lon, lat, metres}) or null; .look() the pinned card has become another one:
 *                            the line or area that its entry has as `outline` {lines, area} is drawn while it is open
 * hall.citymap.refZoom(host) the zoom as for a map 1920 px wide, as addresses, pushes and configurations give it
 * hall.citymap.goTo(host, row)   flies to {lon, lat, title, kind}, marks it, opens the card of what stands there
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const INK = "#7db5ff";
  const CLOSEST = { component: 18, camera: 17, case: 17, crew: 16, gauge: 16, poi: 16, point: 16, cell: 15, street: 15, park: 15, place: 14, water: 13, district: 11.5 };

  citymap.refZoom = (host) => host.map.getZoom() - Math.log2(Math.max(200, host.map.getSize().x) / 1920);

  citymap.goTo = function (host, { lon, lat, title, kind, is, subject }) {
    citymap.moved(host);
    const wanted = CLOSEST[is || kind] || 16;
    const ref = citymap.refZoom(host);
    host.focus(lon, lat, is === "district" ? wanted : Math.max(ref, wanted), { own: true });
    host.layers.get("marks").pin({ lon, lat, text: title || "" });
    if (!["case", "camera", "gauge", "crew"].includes(kind)) return;
    let tries = 0;
    const open = () => {
      if (!host.map || (tries += 1) > 8) return;
      const at = host.map.latLngToContainerPoint([lat, lon]);
      host.point({ containerPoint: at, latlng: L.latLng(lat, lon) }, true);
      if (host.card.node.hidden) setTimeout(open, 250);
    };
    if (subject) setTimeout(open, 150);
  };

  class Marks {
    constructor(host) {
      this.host = host;
      this.marked = this.round = this.outline = null;
    }

    pin(place) {
      this.marked = place;
      this.host.draw("things");
    }

    circle(place) {
      this.round = place;
      this.host.draw("things");
    }

    look() {
      const { pinned, hit } = this.host.card;
      const outline = (pinned && hit && hit.what === "component" && hit.entry.outline) || null;
      if (outline === this.outline) return;
      this.outline = outline;
      this.host.draw("things");
    }

    drawOutline(c, frame) {
      const { outline } = this;
      if (!outline || !frame.sees(outline.box, 9 * frame.u)) return;
      c.save();
      c.lineJoin = c.lineCap = "round";
      c.beginPath();
      citymap.trace(c, frame, outline);
      c.fillStyle = "rgba(125, 181, 255, .18)";
      if (outline.area) c.fill("evenodd");
      for (const [wide, colour] of [[7, "#060b14"], [3.5, INK]]) {
        c.lineWidth = wide * frame.u;
        c.strokeStyle = colour;
        c.stroke();
      }
      c.restore();
    }

    at(frame, { lon, lat }) {
      return [frame.px(citymap.projectX(lon)), frame.py(citymap.projectY(lat))];
    }

    things(c, frame) {
      const { u } = frame;
      this.drawOutline(c, frame);
      if (this.round) {
        const [x, y] = this.at(frame, this.round);
        const r = this.round.metres * citymap.perMetre(citymap.projectY(this.round.lat)) * frame.scale;
        c.save();
        c.lineWidth = 2.5 * u;
        c.strokeStyle = INK;
        c.fillStyle = "rgba(125, 181, 255, .07)";
        c.beginPath();
        c.arc(x, y, r, 0, 2 * Math.PI);
        c.fill();
        c.stroke();
        c.beginPath();
        for (const [dx, dy] of [[1, 0], [0, 1]]) {
          c.moveTo(x - 8 * u * dx, y - 8 * u * dy);
          c.lineTo(x + 8 * u * dx, y + 8 * u * dy);
        }
        c.stroke();
        c.restore();
      }
      if (!this.marked) return;
      const [x, y] = this.at(frame, this.marked);
      if (!frame.holds(x, y, 60 * u)) return;
      c.save();
      c.lineWidth = 3 * u;
      c.strokeStyle = "#060b14";
      for (const pass of [5, 2.5]) {
        c.lineWidth = pass * u;
        c.beginPath();
        c.arc(x, y, 15 * u, 0, 2 * Math.PI);
        for (const turn of [0, 1, 2, 3]) {
          const [dx, dy] = [Math.cos((turn * Math.PI) / 2), Math.sin((turn * Math.PI) / 2)];
          c.moveTo(x + dx * 15 * u, y + dy * 15 * u);
          c.lineTo(x + dx * 23 * u, y + dy * 23 * u);
        }
        c.stroke();
        c.strokeStyle = INK;
      }
      const text = this.marked.text.slice(0, 40);
      if (text) {
        c.font = `700 ${frame.font}px ${getComputedStyle(this.host.root).fontFamily}`;
        const wide = c.measureText(text).width + 12 * u;
        const top = y - 27 * u - frame.font * 1.3;
        c.fillStyle = "#e6edf7";
        c.fillRect(x - wide / 2, top, wide, frame.font * 1.35);
        c.fillStyle = "#060b14";
        c.textAlign = "center";
        c.textBaseline = "middle";
        c.fillText(text, x, top + frame.font * 0.7);
      }
      c.restore();
    }
  }

  citymap.layer({ name: "marks", make: (host) => new Marks(host) });
})();

/* Depth of water over the city, measured or forecast (docs/FEEDS.md, "Flood depth"): frames as the radar's, in blues by depth.
 *
 * new hall.citymap.Depth(host)   a part of the map, see 79-layers.js
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make, setText } = hall;
  citymap.DEPTHS = ["#1f4f7d", "#2571ba", "#3f97f2", "#8cc1ff", "#dcebff", "#ffffff"]; // on a dark ground the deepest is the brightest
  const ALPHA = 0.72;
  const metres = (n) => hall.format.number(n, n < 10 ? 2 : 0);

  citymap.Depth = class {
    constructor(host) {
      this.host = host;
      this.key = null;
      this.field = new citymap.Radar(() => host.draw("ground"), () => this.key && this.key.show(), { quantity: "water_depth", colours: citymap.DEPTHS, alpha: ALPHA });
      this.key = new DepthKey(this);
      this.key.show();
    }

    take(event) {
      this.field.take(event);
      return "";
    }

    choose(shown) {
      this.field.choose(shown);
    }

    ground(c, frame) {
      this.field.draw(c, frame);
    }

    attach() {
      this.key.show(); // the legend's row is there by now
    }

    tick() {
      this.field.tick();
    }

    /** ms when the frame that is shown was measured or worked out; null for none. */
    asOf() {
      const state = this.field.state;
      return state ? Math.min(state.frame.time, state.frame.run) : null;
    }

    /** A wet place below everything else. */
    under(x, y) {
      const { frame } = this.host.stage;
      const state = this.field.shown && this.field.state;
      if (!state || state.gone) return null;
      const [lon, lat] = [citymap.longitude((x + frame.left) / frame.scale), citymap.latitude((y + frame.top) / frame.scale)];
      const found = this.field.at(lon, lat);
      if (!found || !found.rate || found.rate < state.doc.breaks[0]) return null;
      const subject = `depth/${found.frame.version}/${lon.toFixed(6)},${lat.toFixed(6)}`;
      const forecast = found.frame.time > found.frame.run;
      return { x, y, r: frame.glyph * 0.4, what: "depth", entry: { subject, found, state, lon, lat, forecast, event: { subject, time: null, data: {} },
        said: () => citymap.radarAge({ ...state, frame: found.frame, age: citymap.now() - Math.min(found.frame.time, found.frame.run), forecast }) } };
    }

    locale() {
      this.key.locale();
    }

    remove() {
      this.field.remove();
      this.key.remove();
    }
  };

  citymap.depthCard = ({ found, state, lon, lat, forecast }) => ({
    title: hall.t(forecast ? "depth.forecast" : "map.layer.depth"),
    severity: null,
    rows: [["value", `${metres(found.rate)} m`], ["at", `${hall.format.day(found.frame.time)} ${hall.format.time(found.frame.time)}`],
      ["run", forecast ? citymap.radarRun(found.frame) : ""], ["place", `${lat.toFixed(5)}, ${lon.toFixed(5)}`], ["source", state.doc.source]],
  });

  class DepthKey {
    constructor(part) {
      this.part = part;
      const { field, host } = part;
      this.row = host.legend.rows.get("depth") || null;
      this.name = make("strong.map-key-title");
      this.mark = make("span.map-key-mark", { "data-t": "map.radar.forecast" }, hall.t("map.radar.forecast"));
      this.moment = make("span");
      this.age = make("span.map-key-age");
      this.button = make("button.map-key-play", { type: "button", hidden: "" });
      this.button.onclick = () => (field.looping || field.loading ? field.stop() : field.play());
      this.scale = make("div.map-key-scale");
      this.said = make("div.map-key-said", { role: "status" });
      this.node = make("section.map-key.map-depth", { hidden: "" }, [make("div.map-key-head", {}, [this.button, this.name, this.mark, this.moment, this.age]), this.scale, this.said]);
      citymap.keysOf(host.root).append(this.node);
    }

    show() {
      const { field, host } = this.part;
      const state = field.state;
      const row = host.legend.rows.get("depth");
      if (row) {
        row.button.hidden = !state; // no row while no such field has been told
        row.button.setAttribute("aria-pressed", String(field.shown));
        if (state) setText(row.count, state.ended ? "–" : hall.format.time(field.now(state.doc).time));
      }
      this.node.hidden = !state || !field.shown;
      if (this.node.hidden) return;
      const { doc, frame } = state;
      setText(this.name, hall.label(doc.label) || hall.t("map.layer.depth"));
      this.node.setAttribute("aria-label", hall.t("map.layer.depth"));
      this.mark.hidden = !state.forecast;
      setText(this.moment, hall.format.time(frame.time));
      setText(this.age, citymap.radarAge(state));
      const busy = field.looping || field.loading;
      const text = hall.t(busy ? "map.radar.stop" : "depth.play");
      this.button.title = text;
      this.button.setAttribute("aria-label", text);
      setText(this.button, busy ? "❚❚" : "▶");
      this.button.hidden = !busy && (state.gone || field.loopFrames(doc).length < 2);
      const mark = `${doc.breaks} ${hall.locale}`;
      if (this.classes !== mark) {
        this.classes = mark;
        this.scale.replaceChildren(...doc.breaks.map((least, i) => make("span.map-key-class", { title: `≥ ${metres(least)} m` }, [make("i", { style: `background:${citymap.DEPTHS[i]}` }),
          make("b", {}, metres(least))])), make("span.map-key-unit", {}, "m"));
      }
      setText(this.said, state.gone ? citymap.radarGone(state) : field.failed && !field.codes.has(field.now(doc).version) ? hall.t("map.radar.failed", { why: field.failed })
        : [hall.t("depth.most", { n: metres(frame.most || 0) }), doc.demo ? hall.t("map.radar.demo") : doc.source].filter(Boolean).join(" · "));
    }

    printed() {
      return citymap.printedField(this.part.field, metres, "m", this.said.textContent);
    }

    locale() {
      hall.translate(this.node);
      this.classes = "";
      this.show();
    }

    remove() {
      this.node.remove();
    }
  }
})();

/* What stands beside the rain field: the moment it shows and how old that is, forecast or measured, the classes, the loop's button. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const MINUTE = 60000;

  /** When what is shown was worked out or measured, and how old that is. */
  citymap.radarAge = function ({ frame, age, stale, forecast, foretold }) {
    const old = hall.t(stale ? "map.radar.stale" : "map.age", { age: hall.format.duration(Math.max(0, age)) });
    if (foretold) return `${citymap.radarRun(frame)} · ${old}`;
    return forecast ? hall.t("map.radar.lead", { n: Math.round((frame.time - frame.run) / MINUTE) }) : old;
  };

  /** "06:00 起报", with its day where that is another one. */
  citymap.radarRun = function ({ run }) {
    const [day, today] = [hall.format.day(run), hall.format.day(citymap.now())];
    return hall.t("map.radar.run", { time: `${day === today ? "" : `${day} `}${hall.format.time(run)}` });
  };

  /** Why nothing is shown. */
  citymap.radarGone = ({ ended, frame }) => (ended ? hall.t("map.radar.over", { run: citymap.radarRun(frame) }) : hall.t("map.radar.gone"));

  /** What paper must say of a field of frames (36-radar.js): its moment, its classes. `number(least)` writes a class's bound. */
  citymap.printedField = function (field, number, unit, said) {
    const { state } = field;
    if (!state) return null;
    const { doc, frame, stale, gone, forecast, foretold } = state;
    const label = hall.label(doc.label);
    if (gone) return { title: label, classes: [], unit: "", age: null, said, count: "" };
    const faint = field.quantity === "rain_rate" ? citymap.RAIN_FAINT : []; // as they lie on the map
    const alpha = stale ? field.alpha / 2 : field.alpha;
    const classes = doc.breaks.map((least, i) => ({ colour: field.colours[Math.min(i, field.colours.length - 1)], alpha: alpha * (faint[i] || 1), text: `≥ ${number(least)}` }));
    const lead = forecast ? hall.t("map.print.forecast", { n: Math.round((frame.time - frame.run) / MINUTE) }) : "";
    const age = [lead, foretold || (stale && !forecast) ? citymap.radarAge(state) : ""].filter(Boolean).join(" · ");
    return { title: `${label} ${hall.format.day(frame.time)} ${hall.format.time(frame.time)}`.trim(), classes, unit, age: age || null, said, count: "" };
  };

  citymap.RadarKey = class {
    /** `row`: the legend's button of this layer, hidden until there is a field. */
    constructor(root, row, radar) {
      this.row = row;
      this.radar = radar;
      this.name = hall.make("strong.map-radar-name");
      this.forecast = hall.make("span.map-radar-forecast", { "data-t": "map.radar.forecast" }, hall.t("map.radar.forecast"));
      this.moment = hall.make("span.map-radar-moment");
      this.age = hall.make("span.map-radar-age");
      this.button = hall.make("button.map-radar-play", { type: "button" });
      this.button.addEventListener("click", () => (radar.looping || radar.loading ? radar.stop() : radar.play()));
      this.scale = hall.make("div.map-radar-scale");
      this.note = hall.make("div.map-radar-note");
      this.node = hall.make("div.map-radar", { role: "group", hidden: "" }, [
        hall.make("div.map-radar-head", {}, [this.button, this.name, this.forecast, this.moment, this.age]), this.scale, this.note]);
      root.append(this.node);
      this.classes = "";
    }

    show() {
      const { radar } = this;
      const state = radar.state;
      this.row.button.hidden = !state;
      this.row.button.setAttribute("aria-pressed", String(radar.shown));
      this.node.hidden = !state || !radar.shown;
      if (!state) return;
      const { doc, frame } = state;
      hall.setText(this.row.count, state.ended ? "–" : hall.format.time(radar.now(doc).time));
      if (this.node.hidden) return;
      hall.setText(this.name, hall.label(doc.label) || hall.t("map.layer.radar"));
      this.forecast.hidden = !state.forecast;
      hall.setText(this.moment, hall.format.time(frame.time));
      hall.setText(this.age, radar.looping && !state.forecast ? hall.t("map.radar.measured") : citymap.radarAge(state));
      this.node.dataset.state = state.foretold && state.stale ? "stale" : state.forecast ? "forecast" : state.stale ? "stale" : "live";
      this.showButton(state);
      this.showScale(doc);
      hall.setText(this.note, this.words(state));
    }

    showButton({ gone }) {
      const { radar } = this;
      const busy = radar.looping || radar.loading;
      const text = hall.t(busy ? "map.radar.stop" : "map.radar.play");
      if (this.button.title !== text) {
        this.button.title = text;
        this.button.setAttribute("aria-label", text);
      }
      hall.setText(this.button, busy ? "❚❚" : "▶");
      this.button.disabled = !busy && (gone || radar.loopFrames(radar.doc).length < 2);
    }

    showScale(doc) {
      const mark = `${doc.breaks} ${hall.locale}`;
      if (this.classes === mark) return;
      this.classes = mark;
      const parts = doc.breaks.map((least, i) => {
        const from = hall.format.number(least, Number.isInteger(least) ? 0 : 1);
        return hall.make("span.map-radar-class", { title: `${hall.t(`map.rain.${i}`)} ≥ ${from} mm/h` }, [
          hall.make("i", { style: `background:${citymap.RAIN[i]}` }), hall.make("b", {}, from)]);
      });
      this.scale.replaceChildren(...parts, hall.make("span.map-radar-unit", {}, "mm/h"));
    }

    words(state) {
      const { radar } = this;
      const { doc, gone } = state;
      if (radar.loading) return hall.t("map.radar.loading", { n: radar.loading[0], of: radar.loading[1] });
      if (gone) return citymap.radarGone(state);
      if (!radar.codes.has(radar.now(doc).version) && radar.failed) return hall.t("map.radar.failed", { why: radar.failed });
      return [doc.estimated === "z-r" ? hall.t("map.radar.estimated") : "", doc.demo ? hall.t("map.radar.demo") : doc.source].filter(Boolean).join(" · ");
    }

    printed() {
      const { state } = this.radar;
      return citymap.printedField(this.radar, (least) => hall.format.number(least, Number.isInteger(least) ? 0 : 1), "mm/h", state && this.words(state));
    }

    locale() {
      hall.translate(this.node);
      this.show();
    }

    remove() {
      this.node.remove();
    }
  };
})();

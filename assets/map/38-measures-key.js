/* What stands beside coloured areas: which measure and level, what the colours mean, how old it is, how many areas nothing is known of. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make, setText } = hall;

  /** The column of keys at the map's right edge; whoever has something to explain stands in it. */
  citymap.keysOf = function (root) {
    let node = root.querySelector(":scope > .map-keys");
    if (!node) root.append((node = make("div.map-keys")));
    return node;
  };

  citymap.MeasuresKey = class {
    constructor(part) {
      this.part = part;
      this.title = make("strong.map-key-title");
      this.age = make("span.map-key-age");
      this.crumbs = make("nav.map-key-crumbs", { "data-t-label": "measures.path", "aria-label": hall.t("measures.path") });
      this.measure = make("select", { name: "measure" });
      this.level = make("select", { name: "level" });
      this.measure.onchange = () => part.pick({ measure: this.measure.value });
      this.level.onchange = () => part.pick({ level: this.level.value });
      const field = (key, select) => make("label", {}, [make("span", { "data-t": key }, hall.t(key)), select]);
      this.form = make("form.map-key-form", {}, [field("measures.measure", this.measure), field("measures.level", this.level)]);
      this.form.onsubmit = (event) => event.preventDefault();
      this.scale = make("div.map-key-scale");
      this.said = make("div.map-key-said", { role: "status" });
      this.node = make("section.map-key.map-measures", { hidden: "", "aria-label": hall.t("map.layer.measures"), "data-t-label": "map.layer.measures" }, [
        make("div.map-key-head", {}, [this.title, this.age]), this.crumbs, this.form, this.scale, this.said]);
      this.node.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && part.out()) event.stopPropagation();
      });
      citymap.keysOf(part.host.root).append(this.node);
    }

    show() {
      const { part } = this;
      this.node.hidden = !part.shown;
      if (!part.shown) return;
      this.form.hidden = hall.page.wall && !hall.acting.who(); // a wall alone is for reading
      const measure = part.measure;
      const level = part.levels.find(({ name }) => name === part.level);
      setText(this.title, measure ? [hall.label(measure.label), level ? hall.label(level.label) || level.name : ""].filter(Boolean).join(" · ") : hall.t("map.layer.measures"));
      this.fill();
      this.path();
      this.classes();
      this.status();
    }

    fill() {
      const { part } = this;
      const mark = JSON.stringify([part.catalogue, hall.locale]);
      if (this.mark !== mark && part.catalogue) {
        this.mark = mark;
        const option = ({ name, label }) => make("option", { value: name }, hall.label(label) || name);
        this.measure.replaceChildren(...part.catalogue.measures.map(option));
        this.level.replaceChildren(make("option", { value: "" }, hall.t("measures.by-scale")), ...part.levels.map(option));
      }
      if (part.measure) this.measure.value = part.measure.name;
      this.level.value = part.path.length ? part.level : part.chosen.level;
    }

    path() {
      const { part } = this;
      this.crumbs.hidden = !part.path.length;
      const step = (text, depth) => {
        const button = make("button", { type: "button" }, text);
        button.onclick = () => part.out(depth);
        return button;
      };
      this.crumbs.replaceChildren(step(hall.t("measures.city"), 0),
        ...part.path.flatMap(({ name }, i) => [" › ", i === part.path.length - 1 ? make("b", {}, name) : step(name, i + 1)]));
    }

    classes() {
      const { part } = this;
      const { table, measure } = part;
      if (!table || !measure) return this.scale.replaceChildren();
      const ramp = part.ramp();
      const unit = hall.label(measure.unit);
      const swatch = (paint, text, title) => make("span.map-key-class", { title }, [make("i", { style: paint }), make("b", {}, text)]);
      const made = table.breaks.map((least, i) => swatch(`background:${ramp[i]}`, part.number(least), `≥ ${part.number(least)} ${unit}`));
      if (citymap.noneOf(part)) made.unshift(swatch("background:none;border:1px solid rgba(196,208,226,.38)", part.number(0), hall.t("measures.none")));
      if (table.known < table.areas || table.left_out) made.push(make("span.map-key-class.is-unknown", { title: hall.t("measures.unknown") }, [make("i"), make("b", {}, hall.t("measures.unknown"))]));
      return this.scale.replaceChildren(...made, make("span.map-key-unit", {}, unit));
    }

    status() {
      const { part } = this;
      if (this.node.hidden) return;
      const { table } = part;
      setText(this.age, table ? hall.t("map.age", { age: hall.format.duration(Math.max(0, citymap.now() - part.asOf())) }) : "");
      const n = (value) => hall.format.number(value);
      setText(this.said, citymap.past ? hall.t("measures.past") : part.fault ? hall.t("measures.fault", { why: part.fault })
        : !part.catalogue ? hall.t("measures.asking") : !part.levels.length ? hall.t("measures.no-levels") : !table ? hall.t("measures.counting") : [
          hall.t(table.breaks_by === "fixed" ? "measures.fixed" : "measures.quantile"),
          table.known < table.areas ? hall.t("measures.of", { n: n(table.areas - table.known), of: n(table.areas) }) : hall.t("measures.areas", { n: n(table.areas) }),
          table.left_out ? hall.t("measures.left-out", { n: n(table.left_out) }) : "",
        ].filter(Boolean).join(" · "));
    }

    printed() {
      const { part } = this;
      const { table, measure } = part;
      const title = [this.title.textContent, ...part.path.map(({ name }) => name)].join(" › ");
      if (!table || !measure || citymap.past) return { title, classes: [], unit: "", age: null, said: this.said.textContent };
      const classes = table.breaks.map((least, i) => ({ colour: part.ramp()[i], alpha: citymap.MEASURE_ALPHA, text: `≥ ${part.number(least)}` }));
      if (citymap.noneOf(part)) classes.unshift({ colour: "#ffffff", alpha: 0, text: part.number(0) });
      if (table.known < table.areas || table.left_out) classes.push({ colour: "#96a6ba", unknown: true, text: hall.t("measures.unknown") });
      return { title, classes, unit: hall.label(measure.unit), age: null, said: this.said.textContent };
    }

    locale() {
      hall.translate(this.node);
      this.node.setAttribute("aria-label", hall.t("map.layer.measures"));
      this.show();
    }

    remove() {
      this.node.remove();
    }
  };
})();

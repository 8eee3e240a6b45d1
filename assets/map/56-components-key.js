/* What stands beside the components: how many are shown, how old, what the colours mean, how it is going; for a person, the filters. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make, setText } = hall;
  const LISTED = 6; // found ones listed
  const TYPING_MS = 400;
  const ROOM = 36; // glyphs that a map must be high for the filters to stand open by themselves
  const unnamed = (text) => text || hall.t("component.unnamed");

  /** The codes that mean a whole main class: beginnings of two digits where nobody else has them, else each code. */
  function codesOf(group, groups) {
    const starts = [...new Set(group.codes.map((code) => code.slice(0, 2)))];
    const others = groups.filter((other) => other !== group).flatMap((other) => other.codes);
    const own = starts.every((start) => start.length === 2 && !others.some((code) => code.startsWith(start)));
    return own ? starts : group.codes.filter(Boolean).slice(0, 100);
  }

  citymap.ComponentsKey = class {
    /** `row`: the legend's row of the layer. */
    constructor(root, row, layer) {
      this.row = row;
      this.layer = layer;
      this.fields = new Map();
      this.count = make("span.map-component-count");
      this.age = make("span.map-component-age");
      this.name = make("strong", { "data-t": "map.layer.components" }, hall.t("map.layer.components"));
      this.more = make("button.map-component-more", { type: "button" });
      this.more.addEventListener("click", () => this.unfold(!this.open));
      this.open = root.clientHeight >= ROOM * hall.glyph(root);
      this.only = make("div.map-component-only");
      this.said = make("div.map-component-said", { role: "status" });
      this.classes = make("div.map-component-classes");
      this.form = make("form.map-component-form");
      this.found = make("ul.map-component-found");
      this.node = make("section.map-components", { hidden: "", "aria-label": hall.t("map.layer.components") }, [
        make("div.map-component-head", {}, [this.name, this.count, this.age, this.more]), this.only, this.said, this.classes, this.form, this.found]);
      this.form.addEventListener("submit", (event) => (event.preventDefault(), this.ask(true)));
      this.node.addEventListener("keydown", (event) => event.key === "Escape" && layer.host.card.show(null));
      this.row.button.setAttribute("aria-pressed", "false");
      root.append(this.node);
    }

    /** All of it anew: after a switch, a version, a person. */
    show() {
      const { layer } = this;
      this.row.button.setAttribute("aria-pressed", String(layer.shown));
      this.node.hidden = !layer.shown;
      if (!layer.shown) return;
      const { about, pack } = layer;
      const whole = pack && layer.count === pack.n;
      setText(this.count, !pack ? "" : whole ? hall.format.number(pack.n)
        : hall.t("component.of", { n: hall.format.number(layer.count), of: hall.format.number(pack.n) }));
      this.age.title = layer.version;
      const mark = JSON.stringify([layer.version, about && about.version, hall.locale, this.filters()]);
      if (this.mark !== mark) this.fill(about, pack);
      this.mark = mark;
      this.status();
    }

    /** On a small map the filters would cover it. */
    unfold(open) {
      this.open = open;
      this.more.hidden = !this.filters() || !this.layer.pack;
      this.more.setAttribute("aria-expanded", String(open));
      setText(this.more, `${hall.t("component.filters")} ${open ? "▴" : "▾"}`);
      this.form.hidden = this.found.hidden = this.more.hidden || !open;
      this.status();
    }

    /** The filter in words: "Department Roads · State damaged". */
    words() {
      const { asked, about, groups = [] } = this.layer;
      const kinds = (about && about.classes) || [];
      const named = {
        kind: (code) => (kinds.find((kind) => kind.code === code) || {}).sub || code,
        state: (name) => hall.word("component.state", name),
      };
      return ["kind", "district", "department", "state", "q"].filter((name) => asked[name]).map((name) => {
        const values = [].concat(asked[name]);
        const whole = name === "kind" && groups.find((group) => JSON.stringify(codesOf(group, groups)) === JSON.stringify(values));
        return `${hall.t(`component.${name}`)} ${whole ? unnamed(whole.main) : values.map(named[name] || String).join(hall.t("rows.comma"))}`;
      }).join(" · ");
    }

    filters() {
      return !hall.page.wall || !!hall.acting.who(); // a wall alone is for reading
    }

    fill(about, pack) {
      this.classes.replaceChildren(...(pack ? this.layer.groups.map(({ main, count, colour }) => make("span.map-component-class", {}, [
        make("i", { style: `background:${colour}` }), make("span", {}, unnamed(main)), make("b", {}, hall.format.number(count))])) : []));
      this.fields.clear();
      this.form.replaceChildren();
      this.unfold(this.open);
      if (!this.more.hidden) this.fillForm(about);
      else this.found.replaceChildren();
    }

    fillForm(about) {
      const { groups } = this.layer;
      const kinds = groups.flatMap((group) => [[codesOf(group, groups), unnamed(group.main), group.count],
        ...about.classes.filter((kind) => kind.main === group.main && kind.code)
          .map((kind) => [[kind.code], `　${kind.sub || kind.code}`, kind.count])]).filter(([codes]) => codes.length);
      const named = (list, word) => list.map(({ name, count }) => [[name], word ? word(name) : name, count]).filter(([[name]]) => name);
      this.select("kind", kinds);
      this.select("district", named(about.districts));
      this.select("department", named(about.departments));
      this.select("state", named(about.states, (name) => hall.word("component.state", name)));
      const words = make("input", { type: "search", maxlength: "200", placeholder: hall.t("component.q-hint"), autocomplete: "off" });
      words.value = this.layer.asked.q || "";
      words.addEventListener("input", () => {
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.ask(true), TYPING_MS);
      });
      this.fields.set("q", words);
      const fit = make("button", { type: "button", "data-act": "fit" }, hall.t("component.fit"));
      fit.addEventListener("click", () => this.layer.fit());
      const clear = make("button", { type: "button", "data-act": "clear" }, hall.t("component.clear"));
      clear.addEventListener("click", () => {
        for (const field of this.fields.values()) field.value = "";
        this.ask(true);
      });
      this.form.append(make("label.map-component-words", {}, [make("span", {}, hall.t("component.q")), words]), make("div.map-component-acts", {}, [fit, clear]));
    }

    /** `options`: [values, label, count] each. */
    select(name, options) {
      if (options.length < 2) return; // nothing to choose between
      const field = make("select", { name }, make("option", { value: "" }, hall.t("component.any")));
      for (const [values, label, count] of options) field.append(make("option", { value: JSON.stringify(values) }, `${label} · ${hall.format.number(count)}`));
      const asked = this.layer.asked[name];
      field.value = asked ? JSON.stringify(asked) : "";
      field.addEventListener("change", () => this.ask(!!this.layer.asked.q));
      this.fields.set(name, field);
      this.form.append(make("label", {}, [make("span", {}, hall.t(`component.${name}`)), field]));
    }

    /** Puts the question of the form; `list`: and lists what the words find. */
    ask(list) {
      clearTimeout(this.typing);
      const asked = {};
      for (const [name, { value }] of this.fields) if (value.trim()) asked[name] = name === "q" ? value.trim() : JSON.parse(value);
      this.layer.filter(asked);
      if (list) this.list(asked.q);
    }

    async list(words) {
      const turn = (this.turn = (this.turn || 0) + 1);
      if (!words) return this.found.replaceChildren();
      let rows;
      try {
        ({ rows } = await this.layer.search(LISTED));
      } catch (error) {
        rows = [];
        if (turn === this.turn) this.layer.filterFault = error.message || error.reason;
      }
      if (turn !== this.turn) return;
      this.found.replaceChildren(...rows.map((record) => {
        const text = [record.name || record.subclass_name, record.component_id, record.address].filter(Boolean).join(" · ");
        const button = make("button", { type: "button", title: text }, text);
        button.addEventListener("click", () => this.layer.show(record));
        return make("li", {}, button);
      }));
      this.status();
    }

    /** How it is going: what is waited for, what failed and why. */
    status() {
      const { layer } = this;
      if (this.node.hidden) return;
      const { about, pack } = layer;
      setText(this.age, pack && about && about.made_at ? hall.t("component.age", { age: hall.format.duration(hall.clock.real() - about.made_at) }) : "");
      const none = about && about.version === null;
      const said = [
        layer.share !== null ? hall.t("component.loading", { n: Math.round(100 * layer.share) }) : layer.loading && !about ? hall.t("component.asking") : "",
        layer.fault ? hall.t(pack ? "component.stale" : "component.fault", { why: layer.fault }) : "",
        none && !layer.fault ? hall.t(about.importing ? "component.importing" : "component.none") : "",
        layer.filtering ? hall.t("component.filtering") : layer.filterFault ? hall.t("component.filter-fault", { why: layer.filterFault }) : "",
        pack && !layer.filtering && layer.count === 0 && pack.n ? hall.t("component.nothing") : "",
      ];
      setText(this.said, said.filter(Boolean).join(" · "));
      setText(this.only, layer.filtered && this.form.hidden ? hall.t("component.only", { what: this.words() }) : ""); // else the form says it
    }

    printed() {
      const { layer } = this;
      const classes = (layer.pack ? layer.groups : []).map(({ main, colour }) => ({ colour, text: unnamed(main) }));
      const title = layer.filtered ? `${hall.t("component.of", { n: "", of: hall.format.number(layer.pack.n) }).trim()}  ${hall.t("component.only", { what: this.words() })}` : "";
      return { title, classes, unit: "", age: null, said: this.said.textContent };
    }

    locale() {
      hall.translate(this.node);
      this.node.setAttribute("aria-label", hall.t("map.layer.components"));
      this.show();
    }

    remove() {
      clearTimeout(this.typing);
      this.node.remove();
    }
  };
})();

/* What stands beside the heat: class and period, what a colour means, how many cases have no place. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make, setText } = hall;
  const PERIODS = ["day", "week", "month", "own"];
  const DAY = 86400000;
  const bound = (least) => hall.format.number(least, least < 10 && !Number.isInteger(least) ? 1 : 0);
  const pad = (n) => String(n).padStart(2, "0");

  citymap.HeatKey = class {
    constructor(part) {
      this.part = part;
      this.title = make("strong.map-key-title", { "data-t": "map.layer.heat" }, hall.t("map.layer.heat"));
      this.when = make("span.map-key-age");
      this.kind = make("select", { name: "class" });
      this.kind.onchange = () => part.pick({ classes: this.kind.value ? [this.kind.value] : [] });
      this.periods = PERIODS.map((name) => {
        const button = make("button", { type: "button", "data-period": name, "data-t": `heat.${name}` }, hall.t(`heat.${name}`));
        button.onclick = () => this.period(name);
        return button;
      });
      this.from = make("input", { type: "datetime-local", name: "from", "data-t-label": "heat.from", "aria-label": hall.t("heat.from") });
      this.to = make("input", { type: "datetime-local", name: "to", "data-t-label": "heat.to", "aria-label": hall.t("heat.to") });
      this.from.onchange = this.to.onchange = () => part.pick({ from: this.read(this.from), to: this.read(this.to) });
      this.own = make("div.map-key-row", { hidden: "" }, [this.from, this.to]);
      this.form = make("form.map-key-form", {}, [
        make("label", {}, [make("span", { "data-t": "heat.class" }, hall.t("heat.class")), this.kind]), make("div.map-key-row", { role: "group" }, this.periods), this.own]);
      this.form.onsubmit = (event) => event.preventDefault();
      this.scale = make("div.map-key-scale");
      this.said = make("div.map-key-said", { role: "status" });
      this.node = make("section.map-key.map-heat", { hidden: "", "aria-label": hall.t("map.layer.heat"), "data-t-label": "map.layer.heat" }, [
        make("div.map-key-head", {}, [this.title, this.when]), this.form, this.scale, this.said]);
      citymap.keysOf(part.host.root).append(this.node);
    }

    /** The city's wall clock of a moment, as the field takes it; and back. The zone is the city's, whatever the browser's. */
    write(ms) {
      const parts = new Intl.DateTimeFormat("en-GB", { timeZone: hall.page.timezone || undefined, year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", hourCycle: "h23" })
        .formatToParts(ms).reduce((all, { type, value }) => ({ ...all, [type]: value }), {});
      return `${parts.year}-${pad(parts.month)}-${pad(parts.day)}T${pad(parts.hour)}:${pad(parts.minute)}`;
    }

    read(field) {
      const plain = Date.parse(`${field.value}:00Z`);
      if (!Number.isFinite(plain)) return null;
      let found = plain;
      for (let n = 0; n < 2; n += 1) found += plain - Date.parse(`${this.write(found)}:00Z`);
      return found;
    }

    period(name) {
      const { part } = this;
      if (name === "own" && !part.asked.from) {
        const [from, to] = part.span() || [part.host.now() - 7 * DAY, part.host.now()];
        part.pick({ period: name, from, to });
        this.from.focus();
        return;
      }
      part.pick({ period: name });
    }

    show() {
      const { part } = this;
      this.node.hidden = !part.shown;
      if (!part.shown) return;
      this.form.hidden = hall.page.wall && !hall.acting.who();
      const { asked, about, field } = part;
      const mark = JSON.stringify([about && about.classes, hall.locale]);
      if (this.mark !== mark && about) {
        this.mark = mark;
        this.kind.replaceChildren(make("option", { value: "" }, hall.t("heat.all")), ...about.classes.map(({ name, count }) =>
          make("option", { value: name }, count == null ? name : `${name} · ${hall.format.number(count)}`)));
      }
      this.kind.value = asked.classes[0] || "";
      for (const button of this.periods) button.setAttribute("aria-pressed", String(button.dataset.period === asked.period));
      this.own.hidden = asked.period !== "own";
      for (const [input, value] of [[this.from, asked.from], [this.to, asked.to]]) if (value && document.activeElement !== input) input.value = this.write(value);
      const [from, to] = (field && field.span) || [];
      const day = (ms) => `${hall.format.day(ms)} ${hall.format.time(ms)}`;
      setText(this.when, field ? [field.of.classes.join(hall.t("rows.comma")), field.of.period === "own" ? `${day(from)} – ${day(to)}` : hall.t(`heat.${field.of.period}`)].filter(Boolean).join(" · ") : "");
      this.scale.replaceChildren(...(field ? field.breaks.map((least, i) => make("span.map-key-class", {}, [make("i", { style: `background:${citymap.HEAT[i]}` }),
        make("b", {}, bound(least))])) : []), ...(field && field.breaks.length ? [make("span.map-key-unit", {}, hall.t("heat.unit"))] : []));
      this.status();
    }

    status() {
      const { part } = this;
      if (this.node.hidden) return;
      const { field, about } = part;
      const n = (value) => hall.format.number(value);
      setText(this.said, part.fault ? hall.t("heat.fault", { why: part.fault }) : part.asked.period === "own" && !part.span() ? hall.t("heat.not-whole")
        : !field ? hall.t("heat.asking") : [
          about && about.ready < 1 ? hall.t("heat.reading", { n: Math.floor(100 * about.ready) }) : "",
          hall.t("heat.counts", { placed: n(field.placed), unplaced: n(field.unplaced), inside: n(field.inside) }),
          field.inside ? hall.t("heat.radius", { metres: n(field.metres) }) : hall.t("heat.none"),
        ].filter(Boolean).join(" · "));
    }

    printed() {
      const { field } = this.part;
      const day = (ms) => `${hall.format.day(ms)} ${hall.format.time(ms)}`;
      const classes = field ? field.breaks.map((least, i) => ({ colour: citymap.HEAT[i], alpha: citymap.heat.alphaOf(i), text: `≥ ${bound(least)}` })) : [];
      const title = [(field ? field.of.classes : []).join(hall.t("rows.comma")) || hall.t("heat.all"), field ? `${day(field.span[0])} – ${day(this.part.asOf())}` : ""];
      return { title: title.filter(Boolean).join(" · "), classes, unit: classes.length ? hall.t("heat.unit") : "", age: null, said: this.said.textContent };
    }

    locale() {
      hall.translate(this.node);
      this.node.setAttribute("aria-label", hall.t("map.layer.heat"));
      this.mark = "";
      this.show();
    }

    remove() {
      this.node.remove();
    }
  };
})();

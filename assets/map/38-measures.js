/* Areas coloured by a live measure (docs/MEASURES.md): which measure and level, its table, the colours, going into an area and back.
 *
 * new hall.citymap.Measures(host)   a part of the map, see 79-layers.js
 * part.set({measure, level, path})  null: off;  part.get()
 * part.into(area), part.out()       one level finer within this area, and back
 * Colours say how much, never how severe: violet where more is worse, green-blue where more is better.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const PATH = "/api/v1/measures";
  const KEEP_TICKS = 20; // the hall forgets a table that nobody has asked for during a minute
  const RETRY_TICKS = 5;
  const WIDE = 3.2; // glyphs that a middling area of a level must be wide for it to be shown without being asked for

  citymap.Measures = class {
    constructor(host) {
      this.host = host;
      this.shown = false;
      this.catalogue = null; // {measures, levels}
      this.chosen = { measure: "", level: "" }; // level "": by the scale of the map
      this.path = []; // areas gone into: [{level, code, name, box}]
      this.areas = []; // of the level that is shown
      this.level = ""; // whose areas they are
      this.table = null;
      this.entries = new Map(); // code -> entry of the card
      this.news = null; // kpi/measures
      this.fault = "";
      this.ticks = 0;
      this.key = new citymap.MeasuresKey(this);
    }

    // -- what is chosen ------------------------------------------------------------------------------------------------

    choose(shown) {
      this.shown = shown;
      citymap.colouring(this.host, "measures", shown);
      if (shown) this.ask();
      else this.path = [];
      this.changedAll();
    }

    get() {
      return this.shown ? { ...this.chosen, path: this.path.map(({ level, code }) => ({ level, code })) } : null;
    }

    async set(value) {
      const on = !!value && typeof value.measure === "string";
      if (on) this.chosen = { measure: value.measure, level: String(value.level || "") };
      if (on !== this.shown) {
        this.host.legend.press("measures", on);
        this.choose(on);
      }
      if (!on) return;
      this.path = [];
      for (const { level, code } of Array.isArray(value.path) ? value.path.slice(0, 6) : []) {
        const found = (await citymap.areas(level).catch(() => [])).find((area) => area.code === code);
        if (found) this.path.push({ level, code, name: found.name, box: found.box });
      }
      this.ask();
    }

    pick(part) {
      Object.assign(this.chosen, part);
      if ("level" in part) this.path = [];
      this.ask();
    }

    get levels() {
      return this.catalogue ? this.catalogue.levels : [];
    }

    get measure() {
      const all = this.catalogue ? this.catalogue.measures : [];
      return all.find(({ name }) => name === this.chosen.measure) || all[0] || null;
    }

    /** The level below the area that was gone into, the one asked for, or the finest whose areas are wide enough to be read. */
    wanted() {
      const names = this.levels.map(({ name }) => name);
      if (this.path.length) return names[names.indexOf(this.path[this.path.length - 1].level) + 1] || "";
      if (names.includes(this.chosen.level)) return this.chosen.level;
      const { stage } = this.host;
      if (!stage || !stage.frame) return names[0] || "";
      const fits = names.filter((name) => (this.widths || {})[name] * stage.frame.scale >= WIDE * stage.frame.glyph);
      return fits[fits.length - 1] || names[0] || "";
    }

    finer(level = this.level) {
      const names = this.levels.map(({ name }) => name);
      return names[names.indexOf(level) + 1] || "";
    }

    into(area) {
      if (!this.finer()) return this.fit(area.box);
      this.path.push({ level: this.level, code: area.code, name: area.name, box: area.box });
      this.host.card.show(null);
      this.fit(area.box);
      return this.ask();
    }

    /** Back to the breadcrumb's `depth`; one step without it. */
    out(depth = this.path.length - 1) {
      if (!this.path.length) return false;
      this.path = this.path.slice(0, Math.max(0, depth));
      const last = this.path[this.path.length - 1];
      if (last) this.fit(last.box);
      else this.host.home();
      this.ask();
      return true;
    }

    fit(box) {
      const { map } = this.host;
      if (!map) return;
      this.host.touched = true;
      const corner = (x, y) => [citymap.latitude(y), citymap.longitude(x)];
      map.fitBounds([corner(box.west, box.south), corner(box.east, box.north)], { animate: false, padding: [this.host.glyph() * 2, this.host.glyph() * 2] });
    }

    // -- what the hall says ----------------------------------------------------------------------------------------------

    take(event) {
      if (event.subject !== "kpi/measures") return "";
      this.news = event.data ? { as_of: event.data.as_of, tables: event.data.tables || {} } : null;
      const version = this.news && this.news.tables[this.at];
      if (this.shown && version && (!this.table || version !== this.table.version)) this.ask();
      return "";
    }

    get at() {
      return this.measure ? `${this.measure.name}/${this.level}` : "";
    }

    /** Brings what is wanted: the catalogue, the level's areas, the table. One question at a time; the newest wish wins. */
    async ask() {
      this.again = true;
      if (this.asking) return;
      this.asking = true;
      try {
        while (this.again && this.shown) {
          this.again = false;
          await this.bring();
        }
        this.fault = "";
      } catch (error) {
        this.fault = error.message;
        this.retry = this.ticks + RETRY_TICKS;
      } finally {
        this.asking = false;
        if (this.host) this.changedAll();
      }
    }

    async bring() {
      if (!this.catalogue) {
        this.catalogue = await this.fetch("");
        this.widths = {};
        for (const { name } of this.levels) this.widths[name] = middling(await citymap.areas(name).catch(() => []));
      }
      const level = this.wanted();
      if (!level || !this.measure) return;
      if (level !== this.level) {
        this.areas = await citymap.areas(level);
        this.level = level;
        this.table = null;
        this.entries.clear();
      }
      const { at } = this;
      if (this.table && this.table.at !== at) this.table = null;
      if (!this.table) this.changedAll();
      const answer = await this.fetch(`/${at}`);
      if (answer && answer.rows && at === this.at) {
        this.table = { ...answer, at };
        for (const entry of this.entries.values()) entry.refresh();
      } else if (answer) this.retry = this.ticks + 1; // being counted
      this.asked = this.ticks;
    }

    /** The answer; null where nothing has changed. */
    async fetch(path) {
      const headers = path && this.table ? { "If-None-Match": `"${this.table.version}"` } : {};
      const answer = await fetch(PATH + path, { credentials: "same-origin", headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (answer.status === 304) return null;
      if (answer.ok) return answer.json(); // one that breaks off is a fault, not an empty answer
      throw new Error((await answer.json().catch(() => ({}))).detail || `HTTP ${answer.status}`);
    }

    tick() {
      this.ticks += 1;
      if (!this.shown) return;
      if (this.retry === this.ticks || this.ticks - (this.asked || 0) >= KEEP_TICKS) {
        this.asked = this.ticks;
        this.ask();
      }
      this.key.status();
    }

    /** The map came to rest: another scale may want another level. */
    changed() {
      if (this.shown && this.catalogue && this.wanted() !== this.level) this.ask();
    }

    changedAll() {
      this.host.draw("ground");
      this.host.count();
      this.key.show();
    }

    // -- what is drawn -----------------------------------------------------------------------------------------------------

    /** [value, before, n, near] of an area; null where nothing is known. */
    row(area) {
      const { table } = this;
      if (!table) return null;
      const row = table.rows[area.code];
      return row || (table.absent === 0 && !table.left_out ? [0] : null);
    }

    /** Areas that are coloured: all, or those within the one that was gone into. */
    within() {
      const last = this.path[this.path.length - 1];
      if (!last) return this.areas;
      return this.areas.filter((area) => (this.areas.some((one) => one.parent === last.code) ? area.parent === last.code : citymap.areaInBox(area, last.box)));
    }

    classOf(value) {
      return this.table.breaks.findLastIndex((least) => value >= least);
    }

    ground(c, frame) {
      if (this.shown && this.table && !citymap.past) citymap.paintMeasures(this, c, frame);
    }

    ramp() {
      return citymap.RAMPS[this.measure && this.measure.higher === "better" ? "better" : "worse"];
    }

    /** Values, placed with the names of the ground; a piece of a drag has none. */
    over(c, frame) {
      if (this.shown && this.table && !citymap.past && !frame.part) this.host.ground.numbers.push(...citymap.measureNumbers(this, c, frame));
    }

    number(value) {
      return hall.format.number(value, Number.isInteger(value) ? 0 : this.measure.decimals);
    }

    /** ms of the figures that are shown; null for none. */
    asOf() {
      const { table, news } = this;
      if (!table) return null;
      return news && news.tables[this.at] === table.version ? Math.max(news.as_of, table.as_of) : table.as_of; // the same figures, told again
    }

    counts() {
      return { measures: this.shown && this.table ? this.table.known : 0 };
    }

    under(x, y, pressed) {
      const { frame } = this.host.stage;
      if (!this.shown || !this.table || citymap.past) return null;
      const area = citymap.areaAt(this.within(), (x + frame.left) / frame.scale, (y + frame.top) / frame.scale);
      return area && { x, y, r: frame.glyph * 0.4, what: "area", entry: this.entry(area), pressed };
    }

    steps(frame, give) {
      if (this.shown && this.table && !citymap.past) give(citymap.areaSteps(this, frame));
    }

    entry(area) {
      if (!this.entries.has(area.code)) this.entries.set(area.code, citymap.areaEntry(this, area));
      return this.entries.get(area.code);
    }

    attach(map) {
      const cells = this.host.legend.rows.get("cells");
      if (cells) cells.button.addEventListener("click", () => citymap.cellsChosen(this.host));
      map.getContainer().addEventListener("keydown", (event) => citymap.areaKey(this, map, event));
    }

    locale() {
      for (const entry of this.entries.values()) entry.refresh();
      this.key.locale();
    }

    remove() {
      this.key.remove();
      this.host = null;
      this.shown = false;
    }
  };

  function middling(areas) {
    const widths = areas.map(({ box }) => box.east - box.west).sort((a, b) => a - b);
    return widths.length ? widths[widths.length >> 1] : 0;
  }
})();

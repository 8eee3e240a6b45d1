/* The drawer 圈选 of /map: an area drawn as polygon, circle or free hand; what lies in it counted and listed by the hall; acts on it.
 *
 * hall.citymap.selectShape(view, data)   the same with the outline of a drawn shape
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const WAYS = ["polygon", "circle", "lasso"];
  const KINDS = ["cases", "crews", "vehicles", "cameras", "gauges", "components", "shapes"];
  const WITHIN_MS = 30000;
  const SHOWN = 50;
  const BATCH = 2000; // cases of one batch: minutes, with a bar and a way to stop
  const MEMBERS = 500; // of an incident, where the hall does not say
  const WALL = [1, 4, 9, 16, 25, 64];
  const chip = (key, act, attributes) => {
    const node = said("button.desk-chip", key, null, { type: "button", ...attributes });
    node.onclick = act;
    return node;
  };

  class Selecting {
    constructor(view) {
      this.view = view;
      this.sketch = new citymap.Sketch(view.map, { most: 1 });
      this.words = make("p.map-draw-words", { role: "status" });
      this.result = make("div.map-selected");
      this.present = make("p.map-select-present", { role: "note", hidden: "" }); // in a replay: that this is not of its moment
      this.ended = make("input", { type: "checkbox" });
      this.ended.onchange = () => this.count();
      this.ways = WAYS.map((way) => chip(way === "lasso" ? "map.select.do.lasso" : `map.select.do.${way}`, () => (this.forget(), view.card.show(null), this.sketch.start(way)), { "data-select": way }));
      this.node = make("div.map-selecting", {}, [make("div.map-draw-bar", {}, [...this.ways, chip("map.select.clear", () => this.clear())]), make("label.map-check", {}, [this.ended, said("span", "map.select.ended")]), this.present, this.words, this.result]);
      this.sketch.listen(() => this.changed());
      this.changed();
      this.tick();
    }

    changed() {
      const { sketch } = this;
      hall.setText(this.words, sketch.words || (sketch.last() ? "" : hall.t("map.select.begin")));
      this.words.dataset.refused = sketch.refused ? "1" : "";
      for (const one of this.ways) one.setAttribute("aria-pressed", String(!!sketch.open && (sketch.free ? "lasso" : sketch.kind) === one.dataset.select));
      const last = sketch.last();
      if (sketch.open || !last) return;
      const told = JSON.stringify([last.kind, last.points]);
      if (told !== this.told && !sketch.fault()) (this.told = told), this.count();
    }

    forget() {
      this.told = "";
      this.found = null;
      hall.fill(this.result, "");
    }

    clear() {
      this.forget();
      this.sketch.clear();
    }

    use(kind, points) {
      this.forget();
      this.sketch.load(kind, points);
    }

    asked() {
      const { kind, points } = this.sketch.last();
      return { ...citymap.sketched(kind, points), ended: this.ended.checked };
    }

    async count() {
      if (!this.sketch.last()) return;
      const turn = (this.turn = (this.turn || 0) + 1);
      hall.fill(this.result, said("p.map-wait", "map.select.searching", null, { role: "status" }));
      try {
        const found = await hall.ask("/api/v1/map/selection", { method: "POST", body: this.asked(), within: WITHIN_MS });
        if (turn !== this.turn) return;
        this.found = { ...found, at: hall.clock.real() };
        this.show();
      } catch (error) {
        if (turn === this.turn) hall.fill(this.result, [make("p.form-status", { role: "alert", "data-failed": "1" }, hall.t("map.select.failed", { why: hall.why(error) })), chip("map.select.again", () => this.count())]);
      }
    }

    rows(kind) {
      const found = this.found && this.found.kinds[kind];
      return found ? found.rows : [];
    }
    total(kind) {
      const found = this.found && this.found.kinds[kind];
      return found ? found.total : 0;
    }

    // -- what was found ------------------------------------------------------------------------------------------------

    show() {
      if (!this.sketch.last()) return;
      this.shownPast = !!citymap.past;
      const { kind, points } = this.sketch.last();
      const size = citymap.sizesOf(kind, points).find(({ key }) => key === "area");
      this.age = make("span.map-soft");
      const groups = KINDS.filter((name) => this.total(name)).map((name) => this.group(name));
      const missing = Object.entries(this.found.missing).map(([name, why]) => make("p.form-status", { "data-failed": "1" }, hall.t("map.select.missing", { kind: hall.t(`map.select.kind.${name}`), why })));
      hall.fill(this.result, [make("p.map-select-sum", {}, [make("b", {}, hall.t("map.select.area", { size: size ? size.text : "" })), this.age, chip("map.select.again", () => this.count())]),
        make("div.map-counts", {}, KINDS.filter((name) => this.found.kinds[name]).map((name) => make("span", { "data-count-of": name }, [make("b", {}, hall.format.number(this.total(name))), hall.t(`map.select.kind.${name}`)]))),
        ...missing, this.acts(), ...(groups.length || missing.length ? groups : [said("p.desk-empty", "map.select.empty")])]);
      this.tick();
    }

    tick() {
      this.present.hidden = !citymap.past;
      if (citymap.past) hall.setText(this.present, hall.t("replay.select", { at: `${hall.format.day(citymap.past.now)} ${hall.format.time(citymap.past.now)}` }));
      if (this.found && this.age && this.shownPast !== !!citymap.past) return this.show(); // other acts are open
      if (this.found && this.age) hall.setText(this.age, hall.t("map.select.as-of", { age: hall.format.duration(hall.clock.real() - this.found.at) }));
    }

    nameOf(kind, row) {
      if (kind === "cases") return [row.name, row.subclass_name || row.class_name, row.severity ? hall.severityText(row.severity) : ""].filter(Boolean).join(" · ");
      if (kind === "components") return [row.name || row.class_name, row.component_id].filter(Boolean).join(" · ");
      return (row.label && hall.label(row.label)) || row.name || row.title || row.subject;
    }

    wordOf(kind, name) {
      if (!name) return hall.t("map.select.other");
      return { crews: () => hall.word("desk.crew-state", name), vehicles: () => hall.word("unitkind", name), cameras: () => hall.word("channel", name), gauges: () => hall.word("quantity", name), shapes: () => hall.t(`map.shape.kind.${name}`) }[kind]?.() ?? name;
    }

    group(kind) {
      const { groups, rows, total } = this.found.kinds[kind];
      const items = rows.slice(0, SHOWN).map((row) => {
        const button = make("button.map-find", { type: "button" }, [make("span", {}, this.nameOf(kind, row)), make("span.map-soft", {}, row.address || (row.time ? hall.format.age(row.time) : ""))]);
        button.onclick = () => this.go(row);
        return make("li", {}, button);
      });
      return make("details", { "data-kind": kind, ...(kind === "cases" ? { open: "" } : {}) }, [make("summary", {}, [make("b", {}, hall.t(`map.select.kind.${kind}`)), ` ${hall.format.number(total)}`]),
        make("ul.map-groups", {}, groups.map(({ name, count }) => make("li", {}, [make("span", {}, this.wordOf(kind, name)), make("b", {}, hall.format.number(count))]))),
        make("ul.map-finds", {}, items), total > items.length ? make("p.map-soft", {}, hall.t("map.select.listed", { n: items.length, total: hall.format.number(total) })) : ""]);
    }

    go({ lon, lat }) {
      citymap.moved(this.view);
      this.view.map.setView([lat, lon], Math.max(16, this.view.map.getZoom()), { animate: false });
    }

    // -- acting ------------------------------------------------------------------------------------------------------------

    acts() {
      const none = (kind) => hall.t("map.select.none-of", { kind: hall.t(`map.select.kind.${kind}`) });
      const off = citymap.past ? hall.t("map.print.replay") : "";
      const act = (key, call, why) => {
        const node = chip(`map.select.act.${key}`, () => (why ? this.say(why, true) : call()), { "data-act": key, "aria-disabled": String(!!why), title: why || "" });
        return node;
      };
      const files = citymap.past ? hall.t("map.print.no-past") : "";
      const cases = this.total("cases") ? off : none("cases");
      const cameras = this.total("cameras") ? "" : none("cameras");
      const crews = this.total("crews") ? off : none("crews");
      const may = (allowed, node) => (allowed ? node : "");
      return make("div.map-acts", {}, [
        may(hall.may("command-many"), act("batch", () => this.batch(), cases)), may(hall.may("act-emergency"), act("incident", () => this.incident(), off)), may(hall.messages.may(), act("message", () => this.message(), crews)),
        may(hall.may("switch-scene"), act("wall", () => this.wall(), cameras || off)), may(hall.may("act-emergency"), act("save", () => citymap.keepShape(this.sketch.last().kind, this.sketch.last().points), off)),
        act("csv", () => this.export("csv"), files), act("geojson", () => this.export("geojson"), files),
      ]);
    }

    say(text, failed) {
      hall.setText(this.words, text);
      this.words.dataset.refused = failed ? "1" : "";
    }

    /** Open cases for an act, as many as it takes; a refusal is said. */
    async casesFor(act, most) {
      this.say(hall.t("map.select.searching"));
      try {
        const found = await citymap.casesToActOn(this.asked(), { most, act: hall.t(`map.select.act.${act}`) });
        this.say("");
        return found;
      } catch (error) {
        this.say(hall.t("map.select.failed", { why: hall.why(error) }), true);
        return null;
      }
    }

    async batch() {
      const found = await this.casesFor("batch", BATCH);
      if (found && !found.length) this.say(hall.t("map.select.none-of", { kind: hall.t("map.select.kind.cases") }), true);
      if (found && found.length) hall.desk.batch(found);
    }

    middle() {
      const { points, kind } = this.sketch.last();
      const middle = kind === "circle" ? points[0] : points.reduce(([x, y], [lon, lat]) => [x + lon / points.length, y + lat / points.length], [0, 0]);
      const round = (n) => Math.round(n * 1e6) / 1e6;
      return { lon: round(middle[0]), lat: round(middle[1]) };
    }

    async incident() {
      let most = MEMBERS;
      try {
        most = (await hall.ask("/api/v1/incidents/settings")).members || MEMBERS;
      } catch (_) {
        // the hall refuses what is too many, and says so
      }
      const found = await this.casesFor("incident", most);
      if (!found) return;
      const cases = found.map((subject) => subject.replace(/^case\//, "file/"));
      const cameras = this.rows("cameras").map(({ subject }) => subject).slice(0, most - cases.length);
      if (cameras.length < this.total("cameras")) this.say(hall.t("map.select.cameras-left", { n: cameras.length, total: this.total("cameras"), most }));
      const districts = new Set(this.rows("cases").map((row) => row.district).filter(Boolean));
      const given = { title: hall.t("map.select.incident-title", { n: cases.length }), grade: "IV", members: [...cases, ...cameras], spot: this.middle() };
      if (districts.size === 1) [given.district] = districts;
      hall.emergency.create("incident", { move: "begin", given });
    }

    /** A message to the crews in it; where the area's middle is goes along. */
    message() {
      const crews = this.rows("crews").map((row) => row.crew || row.subject.split("/").pop());
      if (this.total("crews") > crews.length) this.say(hall.t("map.select.message-most", { n: crews.length, total: this.total("crews") }));
      hall.messages.write({ crews, place: this.middle(), onSent: () => this.say(hall.t("message.sent", { n: crews.length })) });
    }

    /** Cameras to a wall's pictures, or kept as one of its presets. */
    wall() {
      const cells = this.rows("cameras").map(({ subject }) => subject).slice(0, WALL[WALL.length - 1]);
      const walls = new Set(["video", ...[...hall.store.docs("scene").keys()].map((subject) => subject.split("/")[1])].filter(Boolean));
      const select = make("select.desk-select.is-wide", { "aria-label": hall.t("map.select.wall") }, [...walls].map((name) => make("option", { value: name }, hall.knows(`wall.name.${name}`) ? hall.t(`wall.name.${name}`) : name)));
      const name = make("input.desk-input", { type: "text", maxlength: "60", value: `${hall.t("maptool.select")} ${citymap.stampText()}` });
      const status = make("p.form-status", { role: "alert" });
      const grid = { layout: WALL.find((n) => n >= cells.length), cells };
      const put = async (change, told) => {
        try {
          await hall.ask(`/api/v1/video/walls/${encodeURIComponent(select.value)}`, { method: "PUT", body: change });
          box.close();
          this.say(told);
        } catch (error) {
          hall.setText(status, hall.why(error));
        }
      };
      const keep = chip("map.select.keep", () => put({ name: name.value.trim(), preset: grid }, hall.t("map.select.kept-done", { name: name.value.trim() })));
      const show = said("button.desk-button.is-primary", "map.select.put", null, { type: "button" });
      show.onclick = () => put({ grid }, hall.t("map.select.put-done", { n: cells.length, wall: select.value }));
      const box = hall.desk.dialog({ title: hall.t("map.select.act.wall"), kind: "select-wall", body: [
        this.total("cameras") > cells.length ? said("p", "map.select.wall-most") : "", make("label.field", {}, [make("span.field-name", {}, hall.t("map.select.to-wall", { n: cells.length })), select]), show,
        make("label.field", {}, [said("span.field-name", "map.select.as-set"), name]), keep, status] });
    }

    async export(format) {
      this.say(hall.t("map.select.exporting"));
      try {
        const body = { ...this.asked(), format, title: hall.t("maptool.select"), marks: citymap.fileMarks() };
        const answer = await citymap.sendRaw("/api/v1/map/selection/export", JSON.stringify(body), "application/json");
        citymap.save(await answer.blob(), `${hall.t("maptool.select")}-${citymap.stampText()}.${format}`);
        this.say(hall.t("map.select.exported", { n: hall.format.number(KINDS.reduce((sum, kind) => sum + this.total(kind), 0)) }));
      } catch (error) {
        this.say(hall.why(error), true);
      }
    }

    remove() {
      this.sketch.remove();
    }
  }

  let drawer = null;
  const opened = () => !!citymap.page && citymap.page.side.name === "select";
  function show(view, page) {
    if (drawer && drawer.view !== view) (drawer.remove(), (drawer = null));
    drawer = drawer || new Selecting(view);
    page.side.open({ name: "select", title: "maptool.select", node: drawer.node, onClose: () => drawer && (drawer.remove(), (drawer = null)) });
  }
  citymap.selectShape = function (view, data) {
    show(view, citymap.page);
    drawer.use(data.kind === "circle" ? "circle" : "polygon", citymap.pointsOf(data));
  };
  setInterval(() => drawer && drawer.tick(), 1000);

  citymap.tool({
    name: "select", order: 230, key: "s", mode: true, may: () => hall.may("see-desk"),
    state: () => ({ on: opened() }),
    act(view, page) {
      if (opened()) return page.side.close(true);
      show(view, page);
      view.card.show(null); // it would lie over what is to be marked
      drawer.sketch.start("polygon");
    },
    end: (view, page) => opened() && page.side.close(true),
  });
})();

/* The drawer 标绘 of /map: new shapes, all that one may see with a search, the one that is looked at with its history; files in and out. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const FILE_MB = 4;
  const mayDraw = () => hall.may("act-emergency");
  const button = (key, act, attributes) => {
    const node = said("button.desk-chip", key, null, { type: "button", ...attributes });
    node.onclick = act;
    return node;
  };

  class Drawings {
    constructor(view) {
      this.view = view;
      this.layer = view.layers.get("shapes");
      this.removed = null; // rows of those that were removed, when they are asked for
      this.words = make("p.map-draw-words", { role: "status" });
      this.search = make("input.desk-input", { type: "search", placeholder: hall.t("map.shape.search"), "aria-label": hall.t("map.shape.search") });
      this.search.oninput = () => this.paint();
      this.gone = make("input", { type: "checkbox" });
      this.gone.onchange = () => this.readRemoved();
      this.file = make("input", { type: "file", accept: ".geojson,.json,application/geo+json", hidden: "" });
      this.file.onchange = () => this.import();
      this.kinds = citymap.SHAPE_KINDS.map((kind) => button(`map.shape.kind.${kind}`, () => this.draw(kind), { "data-draw-kind": kind }));
      this.list = make("ul.map-shapes", { role: "list" });
      this.room = make("div.map-shape-room");
      const files = [mayDraw() ? button("map.shape.do.import", () => this.file.click()) : "", button("map.shape.do.export", () => this.export(this.rows().map(({ subject }) => subject)))];
      this.node = make("div.map-drawings", {}, [mayDraw() ? make("div.map-draw-bar", {}, this.kinds) : "", this.words, this.room, this.search,
        make("div.map-draw-bar", {}, [mayDraw() ? make("label.map-check", {}, [this.gone, said("span", "map.shape.show-removed")]) : "", ...files, this.file]), this.list]);
      this.stop = citymap.shapes.on(() => this.paint());
      citymap.shapes.mine().catch((error) => this.say(hall.why(error), true));
      this.paint();
    }

    say(text, failed) {
      hall.setText(this.words, text);
      this.words.dataset.refused = failed ? "1" : "";
    }

    // -- drawing -----------------------------------------------------------------------------------------------------------

    pen() {
      if (this.sketch) return this.sketch;
      this.sketch = new citymap.Sketch(this.view.map, { most: 1 });
      this.sketch.listen((sketch) => {
        this.say(sketch.words, sketch.refused);
        for (const one of this.kinds) one.setAttribute("aria-pressed", String(!!sketch.open && sketch.kind === one.dataset.drawKind));
        if (!sketch.open && sketch.last() && !this.form) this.fill(null, sketch.last().kind);
        if (this.form && sketch.last()) this.form.sized(citymap.sizesOf(sketch.last().kind, sketch.last().points));
      });
      this.sketch.heed((points, kind) => points && points.length > 1 && this.form && !this.sketch.open && this.form.sized(citymap.sizesOf(kind, points)));
      return this.sketch;
    }

    /** Nothing is changed while the past is shown. */
    held() {
      if (citymap.past) this.say(hall.t("map.shape.in-replay"), true);
      return !!citymap.past;
    }

    draw(kind) {
      if (this.held()) return;
      this.leave();
      this.view.card.show(null);
      this.pen().start(kind);
    }

    /** The form of a new one, or of `entry`. */
    fill(entry, kind) {
      const sketch = this.pen();
      this.form = citymap.drawingForm({
        subject: entry ? entry.subject : `shape/${citymap.newId()}`, data: entry && entry.data, revision: entry && entry.revision, kind,
        points: () => this.geometry(entry, kind),
        done: (view) => (this.leave(), this.open(view.subject), this.say(hall.t("map.shape.saved", { title: view.state.title }))),
        leave: () => (this.leave(), entry && this.open(entry.subject)),
      });
      hall.fill(this.room, make("section.map-shape-form", {}, [make("h3", {}, entry ? hall.t("map.shape.edit") : hall.t("map.shape.new", { kind: hall.t(`map.shape.kind.${kind}`) })), this.form.node]));
      if (sketch.last()) this.form.sized(citymap.sizesOf(kind, sketch.last().points));
      this.form.focus();
    }

    /** As it was drawn; the outlines of holes, which the tool does not change, stay. */
    geometry(entry, kind) {
      const fault = this.sketch.fault();
      if (fault) throw Object.assign(new Error(this.sketch.faultText()), { reason: "bad-field" });
      const made = citymap.sketched(kind, this.sketch.last().points);
      if (entry && kind === "polygon") made.geometry.coordinates.push(...entry.data.geometry.coordinates.slice(1));
      return made;
    }

    leave() {
      this.form = null;
      hall.fill(this.room, "");
      if (this.sketch) {
        this.sketch.remove();
        this.sketch = null;
      }
      for (const one of this.kinds) one.setAttribute("aria-pressed", "false");
      this.layer.pick("");
      this.shown = "";
      this.say("");
    }

    change(entry) {
      if (this.held()) return;
      this.leave();
      this.pen().load(entry.data.kind, citymap.pointsOf(entry.data));
      this.fill(entry, entry.data.kind);
    }

    // -- one of them -------------------------------------------------------------------------------------------------------

    async open(subject) {
      if (this.form) this.leave();
      this.shown = subject;
      this.layer.pick(subject);
      const row = this.all().find((one) => one.subject === subject);
      if (!row) return;
      if (row.entry) this.show(row.entry);
      let view = null;
      try {
        view = await hall.ask(`/api/v1/streams/${subject}`);
      } catch (error) {
        return this.say(hall.why(error), true);
      }
      if (this.shown === subject && !this.form) hall.fill(this.room, this.card(view));
    }

    show({ shape: { box } }) {
      const { map } = this.view;
      citymap.moved(this.view);
      const [south, north, west, east] = [citymap.latitude(box.south), citymap.latitude(box.north), citymap.longitude(box.west), citymap.longitude(box.east)];
      if (map.getBounds().contains([[south, west], [north, east]])) return;
      map.fitBounds([[south, west], [north, east]], { animate: false, maxZoom: Math.max(15, map.getZoom()), padding: [60, 60] });
    }

    card(view) {
      const { state, allowed, entries, subject, revision } = view;
      const may = (move) => allowed.some((one) => one.move === move);
      const entry = { subject, data: state, revision };
      const removed = state.state === "removed";
      const act = (key, move, data, told) => button(key, () => this.move(subject, move, revision, data, told, state.title), { "data-shape-do": move });
      const { rows } = citymap.shapeCard(entry);
      const acts = [may("change") && button("map.shape.do.change", () => this.change(entry), { "data-shape-do": "change" }),
        may("go_back") && revision > 1 && !removed && act("map.shape.do.undo", "go_back", { to: revision - 1 }, "map.shape.undone"),
        may("remove") && act("map.shape.do.remove", "remove", {}, "map.shape.removed"), may("restore") && act("map.shape.do.restore", "restore", {}, "map.shape.restored"),
        !removed && state.geometry.type !== "LineString" && state.kind !== "point" && state.kind !== "text" && citymap.selectShape && button("map.shape.do.select", () => citymap.selectShape(this.view, state)),
        button("map.shape.do.export", () => this.export([subject]))].filter(Boolean);
      const lines = [...entries].reverse().map((line) => make("li", {}, [
        make("span", {}, `${hall.t("map.shape.version", { n: line.revision })} · ${hall.t(`map.shape.move.${line.move}`, { to: (line.data || {}).to })} · ${line.who} · ${hall.format.day(line.time)} ${hall.format.time(line.time)}${line.reason ? ` · ${line.reason}` : ""}`),
        may("go_back") && line.revision < revision && line.move !== "remove" ? button("map.shape.back-to", () => this.move(subject, "go_back", revision, { to: line.revision }, "map.shape.undone", state.title, line.revision)) : "",
      ]));
      return make("section.map-shape-card", { "data-subject": subject }, [make("h3", {}, [this.dot(state), state.title]), make("dl.map-measured", {}, rows.filter(([, value]) => value).flatMap(([key, value]) => [make("dt", {}, hall.t(`map.field.${key}`)), make("dd", {}, String(value))])),
        make("div.map-draw-bar", {}, acts), may("change") || may("restore") ? "" : said("p.desk-hint", "map.shape.not-yours"), make("details", {}, [make("summary", {}, `${hall.t("map.shape.history")} (${entries.length})`), make("ol.map-shape-lines", {}, lines)])]);
    }

    async move(subject, move, revision, data, told, title, n) {
      if (this.held()) return;
      try {
        const { view } = await citymap.shapeMove(subject, move, { revision, data });
        this.say(hall.t(told, { title, n: n || (data || {}).to }));
        if (this.gone.checked) await this.readRemoved();
        hall.fill(this.room, this.card(view));
        this.paint();
      } catch (error) {
        const last = error.reason === "stale" && (error.answer.changed || []).slice(-1)[0];
        this.say(last ? hall.t("map.shape.stale", { who: last.who, move: hall.t(`map.shape.move.${last.move}`, { to: "" }), age: hall.format.age(last.time) }) : citymap.shapeWhy(error), true);
        if (last) this.open(subject);
      }
    }

    // -- all of them ---------------------------------------------------------------------------------------------------------

    all() {
      const rows = citymap.shapes.all().map((entry) => ({ subject: entry.subject, data: entry.data, entry }));
      return [...rows.reverse(), ...(this.removed || [])];
    }

    rows() {
      const words = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      return this.all().filter(({ data }) => words.every((word) => [data.title, data.note, data.owner, hall.t(`map.shape.kind.${data.kind}`)].some((text) => (text || "").toLowerCase().includes(word))));
    }

    dot(data) {
      const node = make("i.map-shape-dot", { "aria-hidden": "true" });
      node.style.background = citymap.SHAPE_COLOURS[data.colour] || citymap.SHAPE_COLOURS.white;
      return node;
    }

    paint() {
      const rows = this.rows();
      hall.fill(this.list, rows.length ? rows.map(({ subject, data }) => {
        const row = make("button.map-shape-row", { type: "button", "data-subject": subject, "aria-current": String(subject === this.shown) }, [this.dot(data), make("b", {}, data.title),
          make("span", {}, [hall.t(`map.shape.kind.${data.kind}`), data.owner, hall.t(`map.shape.share.${data.share}`), data.state === "removed" ? `✕ ${hall.t("map.shape.move.remove")}` : "", hall.format.age(data.changed)].filter(Boolean).join(" · "))]);
        row.onclick = () => this.open(subject);
        return make("li", {}, row);
      }) : said("li.desk-empty", this.all().length ? "map.shape.none-found" : "map.shape.none"));
    }

    async readRemoved() {
      this.removed = null;
      if (this.gone.checked) {
        try {
          const { streams } = await hall.ask("/api/v1/streams/shape?ended=true");
          if (!this.gone.checked) return; // not wanted any more
          this.removed = streams.filter(({ state }) => state.state === "removed").map(({ subject, state }) => ({ subject, data: state })).sort((a, b) => b.data.changed - a.data.changed);
        } catch (error) {
          this.say(hall.why(error), true);
        }
      }
      this.paint();
    }

    // -- files -----------------------------------------------------------------------------------------------------------------

    async import() {
      const [file] = this.file.files;
      this.file.value = "";
      if (!file || this.held()) return;
      if (file.size > FILE_MB * 1024 * 1024) return this.say(hall.t("map.shape.too-large", { n: FILE_MB }), true);
      this.say(hall.t("map.shape.importing"));
      try {
        const name = encodeURIComponent(file.name.replace(/\.\w+$/, "").slice(0, 50));
        const answer = await citymap.sendRaw(`/api/v1/map/shapes/import?share=room&colour=aqua&name=${name}`, file, "application/geo+json");
        const { made, left_out: left } = await answer.json();
        await citymap.shapes.mine();
        const repaired = made.filter((one) => one.repaired).length;
        this.say([hall.t("map.shape.imported", { n: made.length }), repaired ? hall.t("map.shape.imported-repaired", { n: repaired }) : "", left.length ? hall.t("map.shape.left-out", { n: left.length }) : ""].filter(Boolean).join(hall.t("rows.comma")), left.length > 0);
        if (left.length) hall.fill(this.room, make("ul.map-left-out", {}, left.slice(0, 100).map((one) => make("li", { title: one.detail }, hall.t("map.shape.left-out-one", { n: one.number, why: citymap.shapeWhy({ ...one, message: one.detail }) })))));
      } catch (error) {
        this.say(hall.why(error), true);
      }
    }

    async export(subjects) {
      const rows = this.all().filter(({ subject }) => subjects.includes(subject));
      const features = rows.map(({ data }) => ({ type: "Feature", geometry: data.geometry, properties: Object.fromEntries(["kind", "title", "note", "colour", "radius_m", "owner", "share", "changed", "expires", "about", "exercise"].filter((name) => data[name]).map((name) => [name, data[name]])) }));
      try {
        const { head } = await hall.ask("/api/v1/map/exports", { method: "POST", body: { what: "geojson", title: hall.t("map.layer.shapes"), ...citymap.fileView(citymap.page.view), layers: rows.slice(0, 60).map(({ subject }) => subject) } });
        citymap.save(new Blob([JSON.stringify(citymap.featureFile(head, "shapes", features, rows.map(({ data }) => data.changed).filter(Boolean)))], { type: "application/geo+json" }), `${hall.t("map.layer.shapes")}-${citymap.stampText()}.geojson`);
      } catch (error) {
        this.say(hall.why(error), true);
      }
    }

    remove() {
      this.stop();
      this.leave();
    }
  }

  let drawer = null;
  const opened = () => !!citymap.page && citymap.page.side.name === "draw";
  citymap.drawings = () => drawer;
  function show(view, page) {
    if (drawer && drawer.view !== view) (drawer.remove(), (drawer = null));
    drawer = drawer || new Drawings(view);
    page.side.open({ name: "draw", title: "maptool.draw", node: drawer.node, onClose: () => drawer && drawer.leave() });
    drawer.paint();
  }
  /** The drawer with one shape in it, or with the form of a new one of these points. */
  citymap.openShape = (subject) => citymap.page && citymap.page.view && (show(citymap.page.view, citymap.page), drawer.open(subject));
  citymap.keepShape = function (kind, points) {
    show(citymap.page.view, citymap.page);
    drawer.leave();
    drawer.pen().load(kind, points);
    drawer.fill(null, kind);
  };

  citymap.tool({
    name: "draw", order: 220, key: "d", mode: true, may: () => hall.may("see-emergency"),
    state: () => ({ on: opened() }),
    act: (view, page) => (opened() ? page.side.close(true) : show(view, page)),
    end: (view, page) => opened() && page.side.close(true),
  });
})();

/* The page over the screen on which regions of one channel are drawn, changed, shown dry, taken away and brought back. */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText, format } = hall;
  const AGAIN_MS = 5000; // readings come every ten seconds
  const KINDS = ["road-water", "water-level", "motion"];
  const ADDRESS = "/api/v1/video/regions";
  let open = null;

  class Page {
    constructor(subject) {
      this.subject = subject;
      this.found = { regions: [], kinds: [] };
      this.editing = null;
      const button = (key, call) => this.button(key, call);
      this.image = make("img.region-picture", { alt: hall.t("region.picture", { name: video.nameOf(subject) }) });
      this.image.onload = () => this.fit();
      this.image.onerror = () => this.say(hall.t("region.no-picture"));
      this.stage = make("div.region-stage", {}, this.image);
      this.frame = make("div.region-frame", {}, this.stage);
      this.overlay = [];
      this.list = make("ul.region-list");
      this.form = make("div.region-form", { hidden: "" });
      this.status = make("p.region-status", { role: "status" });
      this.fresh = make("div.region-new", {}, KINDS.map((kind) => button(`region.new.${kind}`, () => this.edit({ analyser: kind, region: [], name: "", min_confidence: 0.6, every_seconds: 10, options: {} }))));
      const close = make("button.card-close", { type: "button" }, `✕ ${hall.t("card.close")}`);
      close.onclick = () => shut();
      const head = make("header.region-head", {}, [make("b", {}, `${hall.t("region.title")} · ${video.nameOf(subject)}`), close]);
      const side = make("div.region-side", {}, [this.fresh, this.form, this.list, this.status]);
      this.node = make("section.show-frame.is-touched.region-page", { role: "dialog", "aria-label": hall.t("region.title"), tabindex: "-1", "data-what": "regions" }, [head, make("div.region-body", {}, [this.frame, side])]);
      this.node.addEventListener("keydown", (event) => this.key(event));
      this.watch = new ResizeObserver(() => this.fit());
      this.watch.observe(this.frame);
      this.timer = setInterval(() => this.look(), AGAIN_MS);
      this.look();
    }

    remove() {
      clearInterval(this.timer);
      this.watch.disconnect();
      this.node.remove();
    }

    button(key, call, values) {
      const node = make("button.video-button", { type: "button", "data-act": key }, hall.t(key, values));
      node.onclick = call;
      return node;
    }

    key(event) {
      if (event.key === "Escape") this.editing ? this.leave() : shut();
      else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && this.editing && event.target.tagName !== "INPUT") this.editing.drawing.undo();
      else return event.stopPropagation(); // the wall's own keys mean nothing here
      event.preventDefault();
      event.stopPropagation();
    }

    say(text) {
      setText(this.status, text);
    }

    /** The stage is as large as the picture is shown, so that shares of one are shares of the other. */
    fit() {
      const { naturalWidth: width, naturalHeight: height } = this.image;
      const box = this.frame.getBoundingClientRect();
      const scale = box.width / (this.frame.offsetWidth || 1) || 1; // a wall may be shown smaller than it is
      if (!width || !box.width) return;
      const shown = Math.min(box.width / scale / width, box.height / scale / height);
      Object.assign(this.stage.style, { width: `${width * shown}px`, height: `${height * shown}px` });
    }

    // -- what there is -------------------------------------------------------------------------------------------------------

    async look() {
      if (!this.image.src || !this.editing) this.image.src = `${video.posterOf(this.subject, 1280)}&at=${Math.floor(hall.clock.real() / AGAIN_MS)}`;
      try {
        this.take(await hall.acting.ask(`${ADDRESS}?channel=${encodeURIComponent(this.subject)}`));
      } catch (error) {
        this.say(`✕ ${hall.acting.why(error)}`);
      }
    }

    take(found) {
      this.found = found;
      this.paint();
    }

    paint() {
      this.overlay.forEach((node) => node.remove());
      const shown = this.found.regions.filter((row) => !row.gone && (!this.editing || row.id !== this.editing.id));
      this.overlay = video.regionShapes(shown, this.editing && this.editing.id);
      this.stage.querySelector("img").after(...this.overlay);
      const held = document.activeElement;
      this.list.replaceChildren(...this.found.regions.map((row) => this.kept(row)));
      if (held && held !== document.activeElement && this.list.contains(held)) held.focus();
      this.list.hidden = this.fresh.hidden = !!this.editing;
    }

    /** Rows stay where only readings are new: what somebody is about to press must not go from under his pointer. */
    kept(row) {
      const { latest, looks, ...rest } = row;
      const key = `${hall.locale} ${JSON.stringify(rest)} ${looks} ${latest.map((one) => `${one.quantity}${one.picture ? "+" : ""}`)}`;
      const known = [...this.list.children].find((node) => node.key === key);
      const node = known || this.row(row);
      node.key = key;
      latest.forEach((one, index) => {
        const line = node.querySelectorAll(".region-reading")[index];
        line.one = one;
        setText(line.firstChild, `${video.readingText(one)} · ${format.age(one.at)}`);
      });
      return node;
    }

    row(row) {
      const by = row.written ? hall.t("region.written") : hall.t("region.by", { who: row.by_name || row.by, at: `${format.day(row.at)} ${format.time(row.at)}` });
      const readings = row.latest.map((one) => this.reading(row, one));
      const kind = this.found.kinds.find((one) => one.name === row.analyser) || {};
      const acts = [];
      if (!row.gone && !row.written) acts.push(this.button("region.change", () => this.edit(row)), this.button("region.remove", () => this.act(row, "remove")));
      if (!row.gone && kind.referred) acts.push(this.button("region.dry", () => this.act(row, "reference"), { n: row.looks }));
      if (row.undo) acts.push(this.button(row.gone ? "region.back" : "region.undo", () => this.act(row, "undo")));
      const dry = kind.referred && !row.gone ? [make("span.faint", {}, hall.t(row.references ? "region.references" : "region.no-reference", { n: row.references }))] : [];
      return make("li.region-row", { "data-id": row.id, "data-gone": row.gone ? "1" : "" }, [
        make("b", {}, `${video.regionName(row)}${row.gone ? ` · ${hall.t("region.gone")}` : ""}`), make("span.soft", {}, `${hall.word("region.kind", row.analyser)} · ${by}`),
        ...dry, ...readings, make("div.region-acts", {}, acts),
      ]);
    }

    reading(row, one) {
      const line = make("div.region-reading", {}, make("span"));
      const show = () => video.readingPicture({ picture: line.one.picture, title: video.regionName(row), text: video.readingText(line.one), at: line.one.at });
      if (one.picture) line.append(this.button("reading.picture", show));
      return line;
    }

    async act(row, what) {
      try {
        this.take(await hall.acting.ask(`${ADDRESS}/${row.id}/do`, { method: "POST", body: { channel: this.subject, do: what } }));
        this.say(hall.t(`region.done.${what}`));
      } catch (error) {
        this.say(`✕ ${hall.word("region.refused", error.reason)}`);
      }
    }

    // -- drawing -------------------------------------------------------------------------------------------------------------

    edit(row) {
      this.leave();
      const drawing = new video.RegionDrawing(this.stage, () => this.painted());
      const level = row.analyser === "water-level";
      drawing.limit = level ? 4 : drawing.limit;
      const field = (key, value, more) => {
        const input = make("input.video-input", { type: "text", value: value == null ? "" : String(value), "aria-label": hall.t(key), ...more });
        return { input, node: make("label.region-field", {}, [make("span", {}, hall.t(key)), input]) };
      };
      const number = { inputmode: "decimal", size: "6" };
      const marks = level ? edges(row.options.marks) : null;
      const fields = { name: field("region.name", row.name, { maxlength: "80" }), sure: field("region.least", row.min_confidence, number) };
      if (level) Object.assign(fields, { upper: field("region.upper", marks && marks[0], number), lower: field("region.lower", marks && marks[1], number) });
      this.editing = { ...row, drawing, fields };
      this.count = make("span.region-count");
      this.save = this.button("region.save", () => this.keep());
      const acts = [this.save, this.button("region.corner-add", () => drawing.add()), this.button("region.step-back", () => drawing.undo()), this.button("region.cancel", () => this.leave())];
      this.form.replaceChildren(make("b", {}, hall.word("region.kind", row.analyser)), make("p.soft", {}, hall.t(`region.how.${level ? "level" : "area"}`)), ...Object.values(fields).map((one) => one.node), this.count, make("div.region-acts", {}, acts));
      this.form.hidden = false;
      drawing.set(row.region);
      this.paint();
      fields.name.input.focus();
    }

    painted() {
      if (!this.editing) return;
      const { drawing, analyser } = this.editing;
      const enough = analyser === "water-level" ? drawing.corners.length === 4 : drawing.corners.length >= 3;
      this.save.disabled = !enough;
      setText(this.count, hall.t("region.corners", { n: drawing.corners.length }));
    }

    leave() {
      if (!this.editing) return;
      this.editing.drawing.remove();
      this.editing = null;
      this.form.hidden = true;
      this.form.replaceChildren();
      this.paint();
      this.node.focus();
    }

    async keep() {
      const { drawing, fields, id = "", analyser, every_seconds, options } = this.editing;
      const value = (name) => Number(fields[name].input.value.trim().replace(",", ".") || NaN);
      const body = { id, channel: this.subject, analyser, region: drawing.corners, name: fields.name.input.value.trim(), min_confidence: value("sure"), every_seconds, options };
      if (fields.upper) body.options = { marks: [[0, value("upper")], [1, value("lower")]] };
      const numbers = [body.min_confidence, ...(fields.upper ? [value("upper"), value("lower")] : [])];
      if (!numbers.every(Number.isFinite)) return this.say(hall.t("region.numbers"));
      try {
        const found = await hall.acting.ask(ADDRESS, { method: "POST", body });
        this.leave();
        this.take(found);
        this.say(hall.t("region.done.save"));
      } catch (error) {
        this.say(`✕ ${hall.word("region.refused", error.reason)}${error.reason === "region-bad" ? ` (${error.message})` : ""}`);
      }
    }
  }

  /** Two marks anywhere on the strip, as metres at its two edges. */
  function edges(marks) {
    if (!marks || marks.length !== 2) return null;
    const [[a, high], [b, low]] = marks;
    const slope = (low - high) / (b - a);
    return [high - a * slope, high + (1 - a) * slope].map((metres) => Math.round(metres * 1000) / 1000);
  }

  function shut() {
    if (!open) return;
    open.page.remove();
    if (open.back && open.back.isConnected) open.back.focus();
    open = null;
  }

  video.regions = function (subject) {
    const layer = hall.show && hall.show.layer();
    if (!layer || !subject || !hall.acting.who()) return false;
    shut();
    const page = new Page(subject);
    const box = hall.wall.block(hall.wall.part);
    for (const side of ["left", "top", "width", "height"]) page.node.style[side] = `${box[side]}px`;
    open = { page, back: document.activeElement };
    layer.append(page.node);
    page.node.focus();
    return true;
  };
})();

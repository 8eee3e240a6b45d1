/* The drawer 打印 of /map: this view as PNG, PDF page, GeoJSON, or straight to the printer; each leaves a line in the record first. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const PAPERS = { a4: [2339, 1654], a3: [3307, 2339] }; // px at 200 dots an inch
  const FORMATS = ["png", "a4", "a3", "geojson"];
  const toBlob = (canvas, type, quality) => new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("toBlob"))), type, quality));

  class Print {
    constructor(view) {
      this.view = view;
      this.title = make("input.desk-input", { type: "text", maxlength: "60", value: [hall.label(hall.page.city), hall.t("map.print.name")].filter(Boolean).join(" ") });
      this.light = make("input", { type: "checkbox" });
      this.light.checked = true;
      this.formats = FORMATS.map((name) => {
        const input = make("input", { type: "radio", name: "map-print-format", value: name });
        input.checked = name === "a4";
        return make("label.map-check", {}, [input, said("span", `map.print.${name}`)]);
      });
      this.status = make("p.form-status", { role: "status" });
      this.go = said("button.desk-button.is-primary", "map.print.make", null, { type: "submit", "data-print": "make" });
      this.paper = said("button.desk-button", "map.print.print", null, { type: "button", "data-print": "paper" });
      this.paper.onclick = () => this.work(() => this.print());
      this.preview = make("div.map-preview", { "aria-label": hall.t("map.print.preview"), role: "img" });
      this.node = make("form.map-form", {}, [make("label.map-field", {}, [said("span", "map.print.title"), this.title]), make("fieldset.map-formats", {}, [said("legend", "map.print.format"), ...this.formats]),
        make("label.map-check", {}, [this.light, said("span", "map.print.light")]), make("div.map-form-do", {}, [this.go, this.paper]), this.status, this.preview, said("p.desk-hint", "map.print.note")]);
      this.node.onsubmit = (event) => (event.preventDefault(), this.work(() => this.make()));
      this.node.onchange = () => this.show();
      this.rest = () => this.show();
      view.map.on("moveend", this.rest);
      this.show();
    }

    format() {
      return this.formats.map((label) => label.querySelector("input")).find((input) => input.checked).value;
    }

    name(end) {
      return `${this.title.value.trim() || hall.t("map.print.name")}-${citymap.stampText()}.${end}`;
    }

    sheet(more) {
      return citymap.sheet(this.view, { title: this.title.value.trim() || hall.t("map.print.name"), light: this.light.checked, ...more });
    }

    show() {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => {
        if (!this.node.isConnected) return;
        const format = this.format();
        this.light.disabled = this.paper.disabled = format === "geojson";
        this.go.disabled = format === "geojson" && !!citymap.past;
        if (format === "geojson") return this.showData();
        const [width, height] = PAPERS[format] || [];
        const made = this.sheet(width ? { width: width / 2, height: height / 2 } : {});
        this.preview.replaceChildren(made);
      }, 120);
    }

    /** What the data file would hold, and what would be cut; newest wish wins. */
    async showData() {
      if (citymap.past) return hall.fill(this.preview, said("p.form-status", "map.print.no-past", null, { "data-failed": "1" }));
      const turn = (this.turn = (this.turn || 0) + 1);
      hall.fill(this.preview, said("p.map-wait", "map.print.counting", null, { role: "status" }));
      let node;
      try {
        node = await citymap.viewCounts(this.view, this.title.value.trim());
      } catch (error) {
        node = make("p.form-status", { role: "alert", "data-failed": "1" }, hall.t("map.select.failed", { why: hall.why(error) }));
      }
      if (turn === this.turn && this.format() === "geojson") this.preview.replaceChildren(node);
    }

    async work(task) {
      this.go.disabled = this.paper.disabled = true;
      this.status.dataset.failed = "";
      hall.setText(this.status, hall.t("map.print.making"));
      try {
        hall.setText(this.status, hall.t("map.print.done", { file: await task() }));
      } catch (error) {
        this.status.dataset.failed = "1";
        hall.setText(this.status, hall.t("map.print.failed", { why: error.reason ? hall.why(error) : error.message }));
      }
      this.go.disabled = this.paper.disabled = false;
      if (this.format() === "geojson") this.paper.disabled = true;
    }

    /** Nothing leaves without its line in the record; who and when come back from there. */
    async begin(what, paper) {
      const layers = citymap.layersShown(this.view).map(({ name }) => name).slice(0, 60);
      const answer = await hall.ask("/api/v1/map/exports", { method: "POST", body: { what, paper: paper || "", title: this.title.value.trim(), box: this.view.inView(), moment: Math.round(citymap.now()), layers } });
      return { by: answer.display, at: answer.at };
    }

    async make() {
      const format = this.format();
      if (format === "geojson") return this.data();
      const who = await this.begin(format === "png" ? "png" : "pdf", format === "png" ? "" : format);
      if (format === "png") {
        const name = this.name("png");
        citymap.save(await toBlob(this.sheet(who), "image/png"), name);
        return name;
      }
      const [width, height] = PAPERS[format];
      const picture = await toBlob(this.sheet({ ...who, width, height }), "image/jpeg", 0.93);
      const answer = await citymap.sendRaw(`/api/v1/map/exports/pdf?paper=${format}&title=${encodeURIComponent(this.title.value.trim())}`, picture, "image/jpeg");
      const name = this.name("pdf");
      citymap.save(await answer.blob(), name);
      return name;
    }

    async data() {
      const asked = citymap.viewAsked(this.view, this.title.value.trim());
      const answer = await citymap.sendRaw("/api/v1/map/exports/geojson", JSON.stringify(asked), "application/json");
      const name = this.name("geojson");
      citymap.save(await answer.blob(), name);
      return name;
    }

    async print() {
      const who = await this.begin("pdf", "print");
      const [width, height] = PAPERS.a4;
      const image = make("img.map-printed", { src: this.sheet({ ...who, width, height }).toDataURL("image/jpeg", 0.93), alt: "" });
      await image.decode();
      document.body.append(image);
      document.documentElement.dataset.printing = "1";
      const end = () => (image.remove(), delete document.documentElement.dataset.printing);
      window.addEventListener("afterprint", end, { once: true });
      window.print();
      return hall.t("map.print.print");
    }

    remove() {
      clearTimeout(this.soon);
      this.view.map.off("moveend", this.rest);
    }
  }

  let drawer = null;
  const opened = () => !!citymap.page && citymap.page.side.name === "print";
  citymap.tool({
    name: "print", order: 410, key: "p", may: () => hall.may("see-desk"),
    state: () => ({ on: opened() }),
    act(view, page) {
      if (opened()) return page.side.close(true);
      drawer = new Print(view);
      page.side.open({ name: "print", title: "maptool.print", node: drawer.node, onClose: () => drawer && (drawer.remove(), (drawer = null)) });
      drawer.title.focus();
    },
  });
})();

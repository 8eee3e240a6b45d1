/* Around a point on /map: what lies within r of a place, by kind, the nearest first, each to its card; the circle is drawn.
 *
 * The second mouse button on the map, or the key: of the map's middle. `/api/v1/around` answers; it is asked anew while the list is open.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const RADII = [100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 4000, 5000];
  const KEPT = "hall-map-radius";
  const EVERY_MS = 10000;
  // which move sends a crew there in which state (dispatch/casefile/table.py); the hall decides again, and recommends the crew
  const DISPATCHED = new Set(["reported", "pending_register", "pending_dispatch", "returned"]);
  const IN_HANDS = new Set(["pending_handle", "handling"]);
  const PICTURES = 4; // moving ones at a time

  class Around {
    constructor(view, page, place) {
      Object.assign(this, { view, page, place, serial: 0, open: new Set(["case", "crew", "camera"]), pictures: [] });
      const at = RADII.indexOf(Number(localStorage.getItem(KEPT)));
      this.slider = make("input.map-around-slider", { type: "range", min: "0", max: String(RADII.length - 1), step: "1", "aria-label": hall.t("mappage.radius") });
      this.slider.value = String(at < 0 ? 5 : at);
      this.radius = make("output");
      this.where = make("span.soft");
      this.status = make("p.map-find-status", { role: "status" });
      this.live = make("div.map-around-live");
      this.list = make("div.map-around-list");
      this.present = citymap.presentLine(view, "replay.around", () => this.found && this.show());
      this.node = make("div.map-around", {}, [this.present.node, make("label.map-around-radius", {}, [said("span", "mappage.radius"), this.slider, this.radius]), this.where, this.status, this.live, this.list]);
      this.slider.oninput = () => this.resize();
      this.resize();
      this.timer = setInterval(() => this.ask(true), EVERY_MS);
    }

    metres() {
      return RADII[Number(this.slider.value)];
    }

    move(place) {
      this.place = place;
      this.resize();
    }

    resize() {
      const metres = this.metres();
      localStorage.setItem(KEPT, String(metres));
      hall.setText(this.radius, citymap.metresText(metres));
      this.slider.setAttribute("aria-valuetext", citymap.metresText(metres));
      hall.setText(this.where, `${this.place.lat.toFixed(5)}, ${this.place.lon.toFixed(5)}`);
      this.view.layers.get("marks").circle({ ...this.place, metres });
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.ask(), 150);
    }

    async ask(again) {
      if (again && (document.hidden || this.node.contains(document.activeElement) && document.activeElement !== this.slider && this.pressed)) return;
      const serial = (this.serial += 1);
      if (!again) hall.say(this.status, () => hall.t("mappage.asking"));
      const { lon, lat } = this.place;
      try {
        const found = await hall.ask(`/api/v1/around?lon=${lon.toFixed(6)}&lat=${lat.toFixed(6)}&radius=${this.metres()}&limit=10`);
        if (serial !== this.serial) return;
        this.found = found;
        this.show();
      } catch (error) {
        if (serial === this.serial) hall.say(this.status, () => hall.failed(error), true);
      }
    }

    show() {
      const { found } = this;
      this.present.say(); // its language
      hall.say(this.status, () => hall.t("mappage.around-at", { at: hall.format.seconds(found.as_of) }));
      const focus = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : "";
      hall.fill(this.list, found.kinds.map((group) => this.group(group)));
      const again = focus && this.list.querySelector(`[data-key="${CSS.escape(focus)}"]`);
      if (again) again.focus();
    }

    group(group) {
      const { kind, total, capped, rows, fault } = group;
      const count = total == null ? "–" : capped ? `≥ ${total}` : hall.format.number(total);
      const head = make("summary", { "data-key": `kind-${kind}` }, [said("span", `mappage.kind.${kind}`), make("b", {}, count)]);
      const node = make("details.map-around-kind", { "data-kind": kind }, head);
      node.open = this.open.has(kind) && rows.length > 0;
      node.ontoggle = () => this.open[node.open ? "add" : "delete"](kind);
      if (fault) node.append(make("p.soft", {}, hall.knows(`mappage.fault.${fault}`) ? hall.t(`mappage.fault.${fault}`) : fault)), (node.open = true);
      if (group.classes && group.classes.length) node.append(make("p.map-around-classes", {}, group.classes.map((one) => `${one.sub || one.main || one.code} ${hall.format.number(one.count)}`).join(" · ")));
      if (kind === "camera" && rows.length && hall.may("watch")) node.append(this.watch(rows));
      if (kind === "crew" && !citymap.past) node.append(citymap.messageButton(rows.map((row) => row.crew), { place: { lon: Number(this.place.lon.toFixed(6)), lat: Number(this.place.lat.toFixed(6)) } }));
      for (const row of rows) node.append(this.row(kind, row));
      if (total > rows.length) node.append(make("p.soft", {}, hall.t("mappage.nearest-of", { n: rows.length, of: capped ? `≥ ${total}` : hall.format.number(total) })));
      return node;
    }

    row(kind, row) {
      const title = { case: () => [row.class_name, row.subclass_name].filter(Boolean).join(" · ") || row.subject.split("/").pop(), component: () => hall.nameOf(row) || row.subclass_name || row.component_id }[kind];
      const name = title ? title() : hall.label(row.label && Object.keys(row.label).length ? row.label : "") || row.name || row.subject.split("/").pop();
      const arrival = kind !== "crew" ? "" : row.eta_s != null ? hall.t(row.how === "road" ? "mappage.eta-road" : "mappage.eta-about", { n: Math.max(1, Math.round(row.eta_s / 60)) }) : row.excluded ? (hall.knows(`crew.excluded.${row.excluded}`) ? hall.t(`crew.excluded.${row.excluded}`) : hall.t("mappage.eta-none")) : "";
      const more = { case: row.address, camera: row.sees ? hall.t("mappage.sees") : row.owner, component: row.component_id, gauge: this.reading(row), resource: Object.entries(row.stock || {}).slice(0, 3).map(([item, n]) => `${item} ${n}`).join(" · ") }[kind];
      const at = { case: row.reported, crew: row.at, camera: row.state_at || row.told_at, component: row.imported_at }[kind] || row.at;
      const place = `${citymap.arrowOf(row.bearing)} ${citymap.metresText(row.distance_m)}`;
      const state = kind === "resource" ? "" : citymap.stateText(kind, row.state || (kind === "case" ? "reported" : ""));
      const button = make("button.map-found", { type: "button", "data-key": row.subject, "data-kind": kind }, [
        make("div.map-found-line", {}, [kind === "case" && row.severity ? make("span.map-find-severity", { "data-severity": row.severity }, citymap.SHAPES[row.severity]) : "", make("strong", {}, name), make("span.soft", {}, place)]),
        make("div.map-found-line", {}, [make("span.map-found-about", {}, [state, arrival, more].filter(Boolean).join(" · ")), make("span.soft", {}, at ? hall.t(kind === "case" ? "mappage.reported" : "map.age", { age: hall.format.age(at) }) : "")]),
      ]);
      button.onclick = () => {
        citymap.goTo(this.view, { ...row, title: name, kind });
        if (kind === "component") citymap.openComponent(this.view, { ...row, version: this.version() });
      };
      const links = [];
      if (kind === "case" && hall.may("command") && !citymap.past) {
        const to = (move) => `/desk?case=${encodeURIComponent(row.subject)}${move ? `&move=${move}` : ""}&lang=${hall.locale}`;
        links.push(make("a", { href: to("") }, hall.t("mappage.to-case")));
        const move = DISPATCHED.has(row.state || "reported") ? "dispatch" : IN_HANDS.has(row.state) ? "assign" : "";
        if (move) links.push(make("a", { href: to(move) }, hall.t(`mappage.${move}`)));
      }
      return make("div.map-around-row", {}, [button, links.length ? make("div.map-around-links", {}, links) : ""]);
    }

    version() {
      const group = this.found.kinds.find((one) => one.kind === "component");
      return (group && group.version) || "";
    }

    /** The newest value of a gauge: the map's own, or of now as all of the list, while the map shows the past. */
    gauge({ subject }) {
      if (!citymap.past) return [...this.view.things.gauges.values()].find((one) => one.sensor && one.sensor.subject === subject);
      const [now, sensor, site] = [new citymap.Things(), hall.store.get(subject), hall.site(subject)];
      if (sensor) now.takeGauge("sensor", sensor);
      for (const event of hall.store.docs("observation").values()) if (hall.site(event.subject) === site) now.takeGauge("observation", event);
      return now.gauges.get(site);
    }

    reading(row) {
      const gauge = this.gauge(row);
      return gauge && gauge.event ? `${citymap.reading(gauge)} · ${hall.format.age(gauge.event.time)}` : hall.word("quantity", row.quantity || "");
    }

    watch(rows) {
      const on = this.pictures.length > 0;
      const button = make("button.desk-button", { type: "button", "data-key": "watch" }, hall.t(on ? "mappage.watch-end" : "mappage.watch", { n: Math.min(PICTURES, rows.length) }));
      button.onclick = () => {
        if (on) this.unwatch();
        else {
          this.pictures = rows.slice(0, PICTURES).map((row) => hall.video.live(row.subject, { why: "map", quality: "sub" }));
          this.live.replaceChildren(...this.pictures.map((one) => one.node));
        }
        this.show();
      };
      return button;
    }

    unwatch() {
      for (const one of this.pictures) one.remove();
      this.pictures = [];
      this.live.replaceChildren();
    }

    close() {
      clearInterval(this.timer);
      clearTimeout(this.soon);
      this.serial += 1;
      this.present.remove();
      this.unwatch();
      const marks = this.view.layers.get("marks");
      if (marks) marks.circle(null), marks.pin(null);
    }
  }

  let around = null;
  function begin(view, page, place) {
    if (around && page.side.name === "around") return around.move(place);
    const made = (around = new Around(view, page, place));
    const off = hall.onLocale(() => made.found && made.show());
    page.side.open({ name: "around", title: "mappage.around", node: made.node, onClose: () => (made.close(), off(), around === made && (around = null)) });
    made.slider.focus();
    page.refresh();
  }

  citymap.tool({
    name: "around", order: 120, key: "a",
    state: () => ({ on: !!around }),
    act(view, page) {
      const centre = view.map.getCenter();
      const marked = view.layers.get("marks").marked;
      const place = marked || { lon: centre.lng, lat: centre.lat };
      begin(view, page, { lon: place.lon, lat: place.lat });
    },
  });

  citymap.layer({
    name: "around",
    make: (host) => ({
      attach(map) {
        map.on("contextmenu", (event) => {
          const { page } = citymap;
          if (page && page.view === host && !map.hallDrawing) begin(host, page, { lon: event.latlng.lng, lat: event.latlng.lat });
        });
      },
    }),
  });
})();

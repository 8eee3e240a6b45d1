/* Search on /map: one box for everything that has a place; `/api/v1/find` answers, by kind, the best first. Enter flies there, once the
 * answer is the one to what stands in the box. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const WAIT_MS = 120; // after the last key
  const READING_MS = 1500; // until it is asked again while the hall reads its names
  const ARROWS = ["↑", "↗", "→", "↘", "↓", "↙", "←", "↖"];
  const TIMED = new Set(["case", "crew", "camera", "component", "gauge"]); // kinds whose rows have an age

  citymap.arrowOf = (degrees) => ARROWS[Math.round((degrees % 360) / 45) % 8];
  citymap.metresText = (metres) => (metres < 1000 ? hall.t("mappage.metres", { n: hall.format.number(metres) }) : hall.t("mappage.kilometres", { n: hall.format.number(metres / 1000, metres < 10000 ? 1 : 0) }));
  /** A state in the reader's language, by kind of thing. */
  citymap.stateText = function (kind, state) {
    if (!state) return "";
    const prefix = { case: "case", crew: "crew.state", camera: "channel", component: "component.state", gauge: "channel", closure: "flood.closure" }[kind];
    const found = prefix ? hall.word(prefix, state) : state;
    return found === state && hall.knows(`unitstate.${state}`) ? hall.t(`unitstate.${state}`) : found;
  };
  /** Classes of the basemap are codes: only those that the catalogue knows are shown. */
  const aboutOf = (kind, row) => (kind === "place" ? hall.t(`mappage.is.${row.is}`) : kind === "cell" ? "" : kind === "gauge" ? hall.word("quantity", row.about) : row.about);

  function pageOf(row) {
    return row.subject.startsWith("case/") ? `/desk?case=${encodeURIComponent(row.subject)}&lang=${hall.locale}` : "";
  }

  /** A line at the head of a list of the present: shown while the map shows the past, from where nothing is ordered. `changed()`: the
   * past was begun or left. {node, say(), remove()} */
  citymap.presentLine = function (view, key, changed) {
    const node = make("p.map-select-present", { role: "note", hidden: "" });
    const replay = citymap.replayOf(view);
    let was = replay.active;
    const say = () => {
      node.hidden = !replay.active;
      if (replay.active) hall.setText(node, hall.t(key, { at: `${hall.format.day(replay.moment)} ${hall.format.time(replay.moment)}` }));
      if (was !== replay.active) (was = replay.active), changed();
    };
    const remove = replay.onTime(say);
    say();
    return { node, say, remove };
  };

  class Search {
    constructor(view, page) {
      Object.assign(this, { view, page, rows: [], at: 0, serial: 0, asked: "", answered: "", chosen: false, going: false });
      this.input = make("input.desk-input.map-find", { type: "search", role: "combobox", "aria-expanded": "true", "aria-controls": "map-find-list", "aria-autocomplete": "list",
        autocomplete: "off", maxlength: "200", "data-search": "", "aria-label": hall.t("mappage.find"), placeholder: hall.t("mappage.find-hint") });
      this.list = make("div.map-find-list", { role: "listbox", id: "map-find-list", "aria-label": hall.t("mappage.found") });
      this.status = make("p.map-find-status", { role: "status" });
      this.present = citymap.presentLine(view, "replay.find", () => this.groups && this.show(this.groups, this.status.said)); // other links
      this.node = make("div.map-finder", {}, [this.present.node, this.input, this.status, this.list]);
      this.input.oninput = () => {
        this.going = false;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.ask(), WAIT_MS);
      };
      this.input.onkeydown = (event) => this.key(event);
      this.say(() => hall.t("mappage.find-what"));
    }

    say(text, failed) {
      hall.say(this.status, text, failed);
    }

    async ask() {
      const q = (this.asked = this.input.value.trim());
      const serial = (this.serial += 1);
      clearTimeout(this.timer);
      if (this.asking) this.asking.abort();
      this.answered = "";
      if (!q) return this.show([], () => hall.t("mappage.find-what"));
      this.asking = new AbortController();
      this.node.dataset.busy = "1";
      const centre = this.view.map.getCenter();
      let reading = false;
      try {
        const found = await hall.ask(`/api/v1/find?q=${encodeURIComponent(q)}&near=${centre.lng.toFixed(5)},${centre.lat.toFixed(5)}`, { signal: this.asking.signal });
        if (serial !== this.serial) return;
        const faults = found.groups.filter((group) => group.fault).map((group) => `${hall.t(`mappage.kind.${group.kind}`)}: ${hall.knows(`mappage.fault.${group.fault}`) ? hall.t(`mappage.fault.${group.fault}`) : group.fault}`);
        const late = found.late.map((kind) => hall.t("mappage.late", { kind: hall.t(`mappage.kind.${kind}`) }));
        const groups = found.groups.filter((group) => group.rows.length);
        const count = groups.reduce((sum, group) => sum + group.rows.length, 0);
        this.answered = q;
        this.show(groups, () => [count ? hall.t("mappage.found-n", { n: count, at: hall.format.time(found.as_of) }) : hall.t("mappage.found-none"), ...faults, ...late].join(" · "));
        reading = found.groups.some((group) => group.fault === "places-reading");
        // while the city's names are still being read the first row may not be the one that is meant, unless it is called so
        if (this.going && this.rows.length && (!reading || this.rows[0].title === q)) this.go(), (this.going = false);
        if (reading) setTimeout(() => serial === this.serial && this.ask(), READING_MS);
      } catch (error) {
        if (error.name === "AbortError" || serial !== this.serial) return;
        this.asked = "";
        this.show([], () => hall.failed(error), true);
      } finally {
        if (serial === this.serial) {
          delete this.node.dataset.busy;
          this.going = this.going && reading;
        }
      }
    }

    show(groups, text, failed) {
      this.rows = groups.flatMap((group) => group.rows.map((row) => ({ ...row, kind: group.kind })));
      this.groups = groups;
      this.at = 0;
      this.chosen = false;
      this.say(text, failed);
      let n = -1;
      this.list.replaceChildren(...groups.flatMap((group) => [
        make("h3", { role: "presentation" }, [said("span", `mappage.kind.${group.kind}`), make("b", {}, group.more ? `${group.rows.length}+` : String(group.rows.length))]),
        ...group.rows.map((row) => this.option(group.kind, row, (n += 1))),
      ]));
      this.paint();
    }

    option(kind, row, index) {
      const about = [citymap.stateText(kind, row.state), aboutOf(kind, row)].filter(Boolean).join(" · ");
      const where = row.lon == null ? hall.t("mappage.no-place") : row.distance_m == null ? "" : `${citymap.arrowOf(row.bearing)} ${citymap.metresText(row.distance_m)}`;
      const age = row.time && TIMED.has(kind) ? hall.t(kind === "case" ? "mappage.reported" : "map.age", { age: hall.format.age(row.time) }) : "";
      const severity = kind === "case" && row.severity ? make("span.map-find-severity", { "data-severity": row.severity }, hall.citymap.SHAPES ? hall.citymap.SHAPES[row.severity] : "●") : "";
      const page = citymap.past ? "" : pageOf(row);
      const node = make("div.map-found", { role: "option", id: `map-found-${index}`, "data-kind": kind, "data-subject": row.subject || null }, [
        make("div.map-found-line", {}, [severity, make("strong", {}, row.title), make("span.soft", {}, where)]),
        make("div.map-found-line", {}, [make("span.map-found-about", {}, about), make("span.soft", {}, age)]),
      ]);
      if (page) node.append(make("a.map-found-page", { href: page, tabindex: "-1" }, hall.t("mappage.to-case")));
      node.onclick = (event) => event.target.closest("a") || ((this.at = index), this.go());
      return node;
    }

    paint() {
      const options = this.list.querySelectorAll("[role=option]");
      options.forEach((node, index) => node.setAttribute("aria-selected", String(index === this.at)));
      this.input.setAttribute("aria-activedescendant", this.rows.length ? `map-found-${this.at}` : "");
      if (options[this.at]) options[this.at].scrollIntoView({ block: "nearest" });
    }

    key(event) {
      if (event.isComposing || event.keyCode === 229) return;
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6 }[event.key];
      if (step && this.rows.length) {
        event.preventDefault();
        this.at = Math.max(0, Math.min(this.rows.length - 1, this.at + step));
        this.chosen = true; // of what is seen, whatever is being asked
        this.paint();
      } else if (event.key === "Enter") {
        event.preventDefault();
        const q = this.input.value.trim();
        if (this.rows.length && (this.chosen || this.answered === q)) return this.go();
        this.going = true;
        if (this.asked !== q || this.answered === q) this.ask();
      }
    }

    go() {
      const row = this.rows[this.at];
      this.paint();
      if (row.lon == null) return this.page.tell(hall.t("mappage.no-place"));
      citymap.goTo(this.view, row);
      if (row.kind === "component") citymap.openComponent(this.view, row);
      this.page.tell(hall.t("mappage.went", { name: row.title }));
    }

    locale() {
      this.input.placeholder = hall.t("mappage.find-hint");
      this.input.setAttribute("aria-label", hall.t("mappage.find"));
      this.present.say();
      if (this.groups) this.show(this.groups, this.status.said);
    }

    close() {
      clearTimeout(this.timer);
      this.present.remove();
      if (this.asking) this.asking.abort();
      this.serial += 1;
      this.view.layers.get("marks").pin(null);
    }
  }

  /** 一物一档 of a component that was found, beside its place. */
  citymap.openComponent = function (host, { row, version, lon, lat }) {
    const entry = citymap.componentEntry({ version, host, load() {} }, row);
    setTimeout(() => {
      if (!host.map) return;
      const at = host.map.latLngToContainerPoint([lat, lon]);
      host.card.show({ what: "component", entry }, { x: at.x, y: at.y, r: 24 }, true);
      entry.open();
    }, 200);
  };

  let search = null;
  citymap.tool({
    name: "search", order: 110, key: "/",
    state: () => ({ on: !!search }),
    act(view, page) {
      if (search && page.side.name === "search") {
        if (document.activeElement === search.input) return;
      } else {
        const made = (search = new Search(view, page));
        const off = hall.onLocale(() => made.locale());
        page.side.open({ name: "search", title: "mappage.find", node: made.node, onClose: () => (made.close(), off(), search === made && (search = null)) });
      }
      search.input.focus();
      search.input.select();
    },
  });
})();

/* The map on the phone: the same ground as on walls and desk (assets/map), with the crew's own tasks, what is shut, warned of or wet.
 *
 * field.openMap(target)      over the whole screen; `target`: a task, place or message to go to, else all of the crew's
 * field.showOnMap(target)    the same, for a card's button
 * What it shows is kept on the phone with its time; streets that were seen are kept by the service worker.
 */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const [EVERY_MS, ANSWER_MS, OLD_MS, CLOSE_ZOOM] = [15000, 12000, 60000, 16];
  const SCRIPTS = ["leaflet.js", "citymap.js", "mapthings.js", "partsdraw.js", "mapparts.js", "component.js"];
  const EMPTY = { closures: [], warnings: [], gauges: [] };
  let loading = null;
  let open = null;

  /** Scripts of the map, when it is first opened: a phone that only shows tasks does without. */
  function load() {
    const one = (name) => new Promise((done, failed) => document.head.append(make("script", { src: `/field/${name}`, onload: () => done(), onerror: () => failed(new Error(name)) })));
    loading = loading || SCRIPTS.reduce((before, name) => before.then(() => one(name)), Promise.resolve()).catch((error) => ((loading = null), Promise.reject(error)));
    return loading;
  }

  // -- what is known beside the tasks ------------------------------------------------------------------------------------

  const known = { data: EMPTY, heard: 0, tag: "", crew: "" };
  async function ask() {
    if (known.crew !== field.crew) Object.assign(known, { data: EMPTY, heard: 0, tag: "", crew: field.crew });
    if (!known.heard) {
      const kept = await field.kept("map");
      if (kept && kept.crew === field.crew) Object.assign(known, { data: kept.data, heard: kept.heard });
    }
    try {
      const answer = await fetch("/api/v1/field/map", { headers: known.tag ? { "if-none-match": known.tag } : {}, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      if (answer.status === 401 || answer.status === 403) return;
      if (answer.status !== 304 && !answer.ok) return;
      field.heardTime(Number(answer.headers.get("x-hall-now")));
      if (answer.status !== 304) Object.assign(known, { data: await answer.json(), tag: answer.headers.get("etag") || "" });
      known.heard = field.now();
      field.keep("map", { crew: field.crew, data: known.data, heard: known.heard });
    } catch (_) {
      /* no network: the last known is shown with its age */
    }
  }

  // -- words -------------------------------------------------------------------------------------------------------------

  const label = (words, otherwise) => (words && (words[field.locale] || Object.values(words)[0])) || otherwise || "";
  field.ago = (ms) => (ms < 60000 ? field.t("field.map.seconds", { n: Math.max(0, Math.round(ms / 1000)) }) : field.t("field.map.ago", { age: field.span(ms) }));
  const WINDS = ["n", "ne", "e", "se", "s", "sw", "w", "nw"];
  const ARROWS = ["↑", "↗", "→", "↘", "↓", "↙", "←", "↖"];

  /** "东北 ↗ 1.2 公里": as the crow flies. */
  field.way = function (from, to) {
    const rad = Math.PI / 180;
    const east = (to.lon - from.lon) * Math.cos(((from.lat + to.lat) / 2) * rad);
    const turn = Math.round(Math.atan2(east, to.lat - from.lat) / (Math.PI / 4) + 8) % 8;
    return field.t("field.map.way", { wind: field.t(`field.map.wind.${WINDS[turn]}`), arrow: ARROWS[turn], distance: field.distance(field.metres(from, to)) });
  };

  const NAMES = {
    task: (one) => one.subclass_name || one.class_name || one.number,
    closure: (one) => `${field.t("field.map.shut")} ${label(one.label, one.name)}`,
    given: (one) => label(one.label, one.place),
    message: () => field.t("field.map.place-of-message"),
    gauge: (one) => `${one.name} ${field.t("field.unit.cm", { n: Math.round(one.metres * 100) })}`,
  };

  /** Everything with a place: {kind, one, lon, lat, name, at, own (has a card)}; what the crew is to do comes last, on top. */
  function things() {
    const doc = field.doc();
    const placed = (kind, rows, own) => (rows || []).filter((one) => one.lon !== undefined && one.lon !== null).map((one) => ({ kind, one, own, lon: one.lon, lat: one.lat, subject: one.subject, name: NAMES[kind](one), exercise: !!one.exercise, at: one.at || one.since || one.reported || one.made }));
    const mine = doc ? [...placed("given", doc.tasks_given, true), ...placed("closure", doc.closures, true), ...placed("message", (doc.messages || []).filter((one) => !one.withdrawn), true), ...placed("task", doc.tasks, true)] : [];
    const has = new Set(mine.map((one) => one.subject));
    const others = [...placed("gauge", known.data.gauges, false), ...placed("closure", known.data.closures, false)];
    return [...others.filter((one) => !has.has(one.subject)), ...mine];
  }

  const warnings = () => known.data.warnings.map((one) => ({ severity: one.severity || 0, exercise: one.status === "Exercise", rings: one.polygons, text: "", words: label(one.headline, one.event) }));
  const MARKS = ["", "●", "▲", "◆", "■"];
  /** "▲ 演练 · 暴雨黄色预警", the most severe first: areas are drawn, their words stand below, where they cover nothing. */
  const warned = () => warnings().reverse().map((one) => [MARKS[one.severity] || "", one.exercise && !one.words.includes(field.t("field.map.exercise")) ? `${field.t("field.map.exercise")} ·` : "", one.words].filter(Boolean).join(" "));

  // -- the view ------------------------------------------------------------------------------------------------------------

  class View {
    constructor(target) {
      this.target = target ? target.subject : "";
      this.wishes = [];
      this.holder = make("div.map-holder");
      this.status = make("p.map-status", { role: "status" }, field.t("field.map.loading"));
      this.told = make("div.map-strip-told", { "aria-live": "polite" });
      this.strip = make("section.map-strip", {}, this.told);
      const button = (key, name, onclick) => make("button.map-button", { type: "button", "data-map": name, onclick }, field.t(key));
      this.node = make("div.map-view", { role: "dialog", "aria-modal": "true", "aria-label": field.t("field.map.title") }, [this.holder,
        make("div.map-top", {}, [button("field.map.back", "back", () => history.back()), this.status]),
        make("div.map-side-buttons", {}, [button("field.map.all", "all", () => this.soon(() => this.all())), button("field.map.here", "here", () => this.soon(() => this.here())), button("field.component.layer", "components", () => this.soon(() => this.parts.choose(!this.parts.shown)))]), this.strip]);
      this.strip.onpointerdown = () => (this.held = true);
      this.strip.onpointerup = this.strip.onpointercancel = this.strip.onpointerleave = () => (this.held = false);
      document.body.append(this.node);
      document.body.classList.add("covered");
      this.node.querySelector("button").focus();
      this.leave = () => field.sheets.close() || this.close(); // a sheet above the map goes first
      window.addEventListener("popstate", this.leave);
      this.key = (event) => event.key === "Escape" && history.back();
      document.addEventListener("keydown", this.key);
      void this.begin();
    }

    async begin() {
      try {
        await Promise.all([load(), ask()]);
      } catch (_) {
        return void (this.status.textContent = field.t("field.map.failed"));
      }
      if (open !== this) return;
      this.map = new window.MapThings(this.holder, { label: field.t("field.map.title"), home: field.settings.home, pick: (thing) => this.pick(thing) });
      this.parts = this.map.under = new window.FieldParts(this.map, { changed: () => this.switched(), says: (text) => this.says(text), open: (part) => this.record(part) });
      this.strip.append(this.parts.node);
      this.switched();
      this.paint();
      const target = this.chosen();
      if (target) this.map.go(target, field.position.here);
      else this.all();
      for (const work of this.wishes.splice(0)) work();
      this.timer = setInterval(() => this.again(), EVERY_MS);
      this.tick = setInterval(() => (this.parts.tick(), this.paint()), 1000);
    }

    /** What was tapped while the map was still being opened is done as soon as it is there. */
    soon(work) {
      if (this.map) work();
      else this.wishes.push(work);
    }

    async again() {
      if (document.visibilityState === "visible") await ask();
      this.paint();
    }

    chosen() {
      const part = this.parts && this.parts.chosen;
      return things().find((one) => one.subject === this.target) || (part && part.subject === this.target ? part : null);
    }

    pick(thing) {
      if (thing && thing.kind === "component") return this.parts.press(thing);
      this.target = thing ? thing.subject : "";
      this.parts.chosen = null;
      this.map.repaint();
      this.paint();
    }

    /** The layer of components was switched, or has other news. */
    switched() {
      const button = this.node.querySelector('[data-map="components"]');
      button.setAttribute("aria-pressed", String(Boolean(this.parts && this.parts.shown)));
      if (this.target.startsWith("component/") && !(this.parts && this.parts.chosen)) this.target = "";
    }

    /** 一物一档 of one that was touched; afterwards the strip below names it. */
    record(mark) {
      this.parts.chosen = { ...mark, name: mark.of.sub || mark.of.main || field.t("field.component.unnamed"), one: {}, own: false };
      this.target = mark.subject;
      this.map.repaint();
      this.paint();
      field.componentSheet(this.parts.chosen, { place: () => this.place(), changed: () => this.parts.ask(true) });
    }

    all() {
      const rows = things().filter((one) => one.own);
      this.map?.fit(rows, field.position.here);
    }

    /** The own position; asked for once where it is not shared. */
    async here() {
      if (!field.position.here) {
        this.says(field.t("field.position.searching"));
        this.once = await field.position.once();
        if (this.once) this.onceAt = Date.now();
        if (!this.once) return this.says(field.t("field.where.none-on-map"));
      }
      this.paint();
      this.map?.go({ ...this.place(), name: "" }, null, CLOSE_ZOOM);
    }

    place() {
      const shared = field.position.here;
      if (shared) return { lon: shared.lon, lat: shared.lat, accuracy: shared.accuracy, age: Date.now() - (shared.at || Date.now()) };
      return this.once ? { lon: this.once.lon, lat: this.once.lat, accuracy: this.once.accuracy, age: Date.now() - this.onceAt } : null;
    }

    says(text) {
      this.said = { text, until: Date.now() + 6000 };
      this.paint();
    }

    paint() {
      if (open !== this || !this.map) return;
      const place = this.place();
      const chosen = this.chosen();
      this.map.show(things(), warnings(), place, chosen);
      const age = known.heard ? field.now() - known.heard : null;
      const text = this.said && this.said.until > Date.now() ? this.said.text : age === null ? field.t("field.map.unknown") : field.t(age > OLD_MS ? "field.map.old" : "field.map.as-of", { age: field.ago(age), time: field.time(known.heard) });
      if (this.status.textContent !== text) this.status.textContent = text;
      this.status.dataset.old = String(age === null || age > OLD_MS);
      this.paintStrip(place, chosen);
    }

    paintStrip(place, chosen) {
      const own = place ? field.t("field.map.own", { metres: Math.round(place.accuracy || 0), age: field.ago(place.age) }) : field.t("field.map.no-position");
      const parts = [make("p.map-own", {}, own)];
      const words = warned();
      if (words.length) parts.push(make("p.map-warned", {}, words.length > 2 ? [...words.slice(0, 2), field.t("field.map.more-warnings", { n: words.length - 2 })].join("；") : words.join("；")));
      if (chosen) {
        const since = chosen.at ? field.t("field.map.since", { age: field.ago(field.now() - chosen.at) }) : "";
        parts.unshift(make("h2", {}, [chosen.exercise ? `▨ ${field.t("field.map.exercise")} · ` : "", chosen.name]), make("p", {}, [chosen.one.address, place ? field.way(place, chosen) : "", since].filter(Boolean).join(" · ")));
        const links = [make("a.small", { href: `geo:${chosen.lat},${chosen.lon}?q=${chosen.lat},${chosen.lon}(${encodeURIComponent(chosen.name.slice(0, 80))})`, "data-do": "navigate" }, [field.icon("navigate"), make("span", {}, field.t("field.navigate"))])];
        if (chosen.kind === "component") links.unshift(make("button.small", { type: "button", "data-do": "open-record", onclick: () => this.record(chosen) }, [field.icon("done"), make("span", {}, field.t("field.component.record"))]));
        if (chosen.own) links.unshift(make("button.small", { type: "button", "data-do": "open-task", onclick: () => this.toCard(chosen.subject) }, [field.icon("done"), make("span", {}, field.t("field.map.open"))]));
        parts.push(make("div.map-strip-do", {}, links));
      }
      const shown = parts.map((part) => part.outerHTML).join("");
      if (shown === this.shown || this.held) return; // a button that is replaced under a finger would lose the touch
      this.shown = shown;
      this.told.replaceChildren(...parts);
    }

    toCard(subject) {
      this.after = subject;
      history.back();
    }

    close() {
      window.removeEventListener("popstate", this.leave);
      document.removeEventListener("keydown", this.key);
      clearInterval(this.timer);
      clearInterval(this.tick);
      if (this.parts) this.parts.remove();
      if (this.map) this.map.remove();
      this.node.remove();
      document.body.classList.remove("covered");
      open = null;
      const card = this.after && document.querySelector(`[data-task="${CSS.escape(this.after)}"]`);
      if (card) card.scrollIntoView({ block: "start" }), card.querySelector("button")?.focus({ preventScroll: true });
    }
  }

  field.openMap = function (target) {
    if (open) return;
    history.pushState({ map: true }, "", location.href);
    open = new View(target);
  };
  field.showOnMap = field.openMap;
})();

/* Street components (部件) on the phone's map: the hall is asked for what is in view, a few hundred marks, once the map rests.
 *
 * new FieldParts(ground, {changed(), says(text), open(part)})   `ground` a MapThings; off until choose(true), then as the phone remembers it
 *   node   the line that says how many, of when, and what is wrong; with the filter's button
 *   draw(c, frame), at(point), chosen   under the crew's own things;  choose(shown), tick() each second, remove()
 * One answer is kept, here and on the phone: a new one takes its place, the newest question counts, and what it was not asked for is framed.
 */
"use strict";

(function () {
  const field = window.field;
  const make = field.make;
  const citymap = window.hall.citymap;
  const PATH = "/api/v1/components";
  const [REST_MS, ANSWER_MS, KEEP_MS] = [250, 12000, 2000];
  const [CHECK, RETRY, SOON] = [60, 10, 4]; // seconds until it is asked again: all is well; it failed; they are coming in
  const [MOST, MOST_CLOSE, CLOSE] = [700, 2000, 18]; // marks of one answer; from this zoom on all of them
  const [PAD, STEP] = [0.25, 128]; // of the view asked for beyond each edge; px that the question moves by, so that the same is asked again
  const [REACH, SAME] = [26, 4]; // px that a finger may miss a mark by; marks as close as this lie at one place
  const GOING = ["sign-in-needed", "forbidden", "one-case-link", "crew-unknown", "no-unit"]; // what was shown is not this phone's to show

  /** An answer as JSON; throws {reason, detail} of a refusal, {reason: "no-network" | "no-answer"} where none came. */
  field.askHall = async function (path, stop = new AbortController()) {
    let late = false;
    const timer = setTimeout(() => ((late = true), stop.abort()), ANSWER_MS);
    try {
      const answer = await fetch(path, { credentials: "same-origin", signal: stop.signal });
      if (answer.ok) return await answer.json();
      const said = await answer.json().catch(() => ({}));
      throw { reason: said.reason || "http", detail: said.detail || `HTTP ${answer.status}` };
    } catch (fault) {
      if (fault && fault.reason) throw fault;
      throw { reason: late ? "no-answer" : "no-network" };
    } finally {
      clearTimeout(timer);
    }
  };
  field.whyNot = ({ reason, detail }) => (field.knows(`field.component.why.${reason}`) ? field.t(`field.component.why.${reason}`) : field.why(reason, detail));

  const remembered = () => {
    try {
      const { on, kind, state } = JSON.parse(field.stored("field-components") || "{}");
      const texts = (list) => (Array.isArray(list) ? list.filter((one) => typeof one === "string") : []);
      return { on: on === true, kind: texts(kind), state: texts(state) };
    } catch (_) {
      return { on: false, kind: [], state: [] };
    }
  };

  window.FieldParts = class {
    constructor(ground, { changed, says, open }) {
      Object.assign(this, { ground, changed, says, open, shown: false, about: null, groups: [], kinds: new Map(), picture: null, chosen: null });
      Object.assign(this, { asking: false, fault: null, wait: 0, turn: 0, stop: null });
      const { on, kind, state } = remembered();
      this.asked = { kind, state };
      this.words = make("span.map-parts-words", { role: "status" });
      this.ages = make("span.map-parts-ages");
      this.button = make("button.small", { type: "button", "data-map": "filter", onclick: () => field.componentFilter(this) });
      this.node = make("div.map-parts", { hidden: true }, [make("p", {}, [this.words, this.ages]), this.button]);
      this.on = { moveend: () => this.moved(), zoomend: () => this.moved() };
      ground.map.on(this.on);
      this.online = () => this.shown && this.ask(true);
      for (const change of ["online", "offline"]) window.addEventListener(change, this.online);
      if (on) void this.choose(true);
    }

    keep() {
      field.store("field-components", JSON.stringify({ on: this.shown, ...this.asked }));
    }

    async choose(shown) {
      this.shown = shown;
      this.keep();
      if (!shown) return this.drop(); // nothing is held for a layer that nobody looks at
      this.told();
      const kept = await field.kept("components");
      if (this.shown && !this.picture && kept && kept.crew === field.crew && kept.about) this.take(kept);
      this.ask(true);
    }

    drop() {
      this.halt();
      Object.assign(this, { about: null, picture: null, chosen: null, fault: null, kept: null });
      this.told();
    }

    halt() {
      clearTimeout(this.soon);
      this.turn += 1;
      if (this.stop) this.stop.abort();
      Object.assign(this, { stop: null, asking: false });
    }

    filter(asked) {
      this.asked = asked;
      this.keep();
      this.ask(true);
    }

    // -- asking --------------------------------------------------------------------------------------------------------

    view() {
      const bounds = this.ground.map.getBounds();
      const [west, east] = [bounds.getWest(), bounds.getEast()].map(citymap.projectX);
      return [west, citymap.projectY(bounds.getNorth()), east, citymap.projectY(bounds.getSouth())];
    }

    /** {key, box, path}: the question of the present view; boxes are [west, north, east, south] of the unit square. */
    question() {
      const zoom = this.ground.map.getZoom();
      const [west, north, east, south] = this.view();
      const [x, y] = [(east - west) * PAD, (south - north) * PAD];
      const step = STEP / 256 / 2 ** Math.round(zoom);
      const down = (value) => Math.max(0, Math.floor(value / step) * step);
      const up = (value) => Math.min(1, Math.ceil(value / step) * step);
      const box = [down(west - x), down(north - y), up(east + x), up(south + y)];
      const query = new URLSearchParams({ zoom: Math.max(0, Math.min(22, Math.round(zoom - 1))), most: zoom >= CLOSE ? MOST_CLOSE : MOST });
      for (const [name, values] of Object.entries(this.asked)) for (const value of values) query.append(name, value);
      const degrees = [citymap.longitude(box[0]), citymap.latitude(box[3]), citymap.longitude(box[2]), citymap.latitude(box[1])];
      return { key: String(query), box, path: `${PATH}/grid?bbox=${degrees.map((n) => n.toFixed(6)).join(",")}&${query}` };
    }

    /** Whether the picture is of the whole view. */
    covers() {
      const [west, north, east, south] = this.view();
      const box = this.picture && this.picture.box;
      return Boolean(box) && box[0] <= Math.max(0, west) && box[1] <= Math.max(0, north) && box[2] >= Math.min(1, east) && box[3] >= Math.min(1, south);
    }

    moved() {
      if (!this.shown) return;
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.ask(false), REST_MS);
      this.told();
    }

    async ask(anyway) {
      clearTimeout(this.soon);
      if (!this.shown) return;
      const { key, box, path } = this.question();
      if (!anyway && !this.fault && this.picture && this.picture.key === key && this.covers()) return this.told();
      this.halt();
      const [turn, stop] = [this.turn, new AbortController()];
      Object.assign(this, { stop, asking: true, wait: CHECK });
      this.told();
      try {
        const found = await field.askHall(path, stop);
        const known = this.about && this.about.version === found.version;
        const about = known ? this.about : await field.askHall(PATH, stop);
        if (turn !== this.turn) return; // another question was put meanwhile
        const { version, level, total, features } = found;
        this.take({ crew: field.crew, about, picture: { key, box, version, level, total, features, at: Date.now() } });
        this.fault = null;
        clearTimeout(this.later);
        this.later = setTimeout(() => this.write(), KEEP_MS); // a hand that pans writes once
        if (about.version !== version) this.wait = SOON; // imported anew between the two
      } catch (fault) {
        if (turn !== this.turn) return;
        await this.failed(fault);
      } finally {
        if (turn === this.turn) {
          this.asking = false;
          this.told();
        }
      }
    }

    write() {
      clearTimeout(this.later);
      if (this.kept) field.keep("components", this.kept);
    }

    async failed(fault) {
      this.fault = fault;
      this.wait = RETRY;
      if (GOING.includes(fault.reason)) {
        Object.assign(this, { about: null, picture: null, chosen: null, kept: null, wait: CHECK });
        field.keep("components", null);
      } else if (fault.reason === "components-none") {
        this.picture = this.chosen = null;
        const about = await field.askHall(PATH).catch(() => null);
        if (about && about.importing && this.fault === fault) Object.assign(this, { fault: { reason: "importing" }, wait: SOON });
      }
    }

    take(kept) {
      this.kept = kept;
      this.about = kept.about;
      const few = this.about.classes.length <= citymap.COMPONENT_COLOURS.length; // of a unit's few classes each has its own colour
      this.groups = citymap.componentGroups(this.about.classes, few ? (kind) => kind.number : undefined);
      this.kinds = new Map(this.about.classes.map((kind) => [kind.number, { ...kind, colour: this.groups.find(({ numbers }) => numbers.includes(kind.number)).colour }]));
      const { version } = kept.picture;
      const marks = kept.picture.features.map(([lon, lat, count, row, kind]) => ({ kind: "component", subject: `component/${version}/${row}`, lon, lat, count, row, version, x: citymap.projectX(lon), y: citymap.projectY(lat), of: this.kinds.get(kind) || {} }));
      this.picture = { ...kept.picture, features: null, marks };
    }

    tick() {
      if (!this.shown) return;
      this.wait -= 1;
      if (this.wait <= 0 && !this.asking && document.visibilityState === "visible") this.ask(true);
      else this.line();
    }

    // -- what is said of it ----------------------------------------------------------------------------------------------

    told() {
      this.line();
      this.ground.repaint();
      this.changed();
    }

    /** How many the picture has in view: exactly where each is shown, about where they are counted. */
    inView() {
      const [west, north, east, south] = this.view();
      const seen = this.picture.marks.filter(({ x, y }) => x >= west && x <= east && y >= north && y <= south);
      return { n: seen.reduce((sum, { count }) => sum + count, 0), about: seen.some(({ count }) => count > 1) };
    }

    only() {
      const names = [...(this.about ? this.about.classes.filter(({ code }) => this.asked.kind.includes(code)).map(({ sub, main, code }) => sub || main || code) : this.asked.kind),
        ...this.asked.state.map((state) => field.t(`component.state.${state}`))];
      return names.length > 3 ? field.t("field.component.and-more", { names: names.slice(0, 3).join(field.t("field.comma")), n: names.length - 3 }) : names.join(field.t("field.comma"));
    }

    line() {
      const { picture, fault, about } = this;
      this.node.hidden = !this.shown;
      if (!this.shown) return;
      const said = [];
      if (fault) said.push(`⚠ ${field.t(picture ? "field.component.old" : "field.component.fault", { why: field.whyNot(fault) })}`);
      if (this.asking) said.push(`◌ ${field.t("field.component.asking")}`);
      if (picture) {
        const { n, about: roughly } = this.inView();
        const only = this.only();
        const key = !about.total ? "none-of-unit" : !n ? (only ? "nothing" : "none-here") : roughly ? "about" : "count";
        said.push(field.t(`field.component.${key}`, { n: n.toLocaleString(field.locale) }));
        if (only) said.push(field.t("field.component.only", { what: only }));
        if (fault && !this.covers()) said.push(field.t("field.component.outside"));
      }
      const ages = picture ? field.t("field.component.ages", { asked: field.ago(Date.now() - picture.at), imported: field.ago(Date.now() - about.made_at) }) : "";
      const [words, line] = [said.join(" · "), `${field.t("field.component.filter")}${this.only() ? " ●" : ""}`];
      if (this.words.textContent !== words) this.words.textContent = words;
      if (this.ages.textContent !== ages) this.ages.textContent = ages;
      if (this.button.textContent !== line) this.button.textContent = line;
      this.button.hidden = !about;
      this.node.dataset.state = fault ? "fault" : this.asking ? "asking" : "shown";
      this.node.dataset.marks = String(picture ? picture.marks.length : 0);
    }

    // -- on the map --------------------------------------------------------------------------------------------------------

    /** The mark under a finger, with how far off it is; of several at one place the next one each time. */
    at(point) {
      if (!this.shown || !this.picture) return null;
      const { map } = this.ground;
      const near = [];
      for (const mark of this.picture.marks) {
        const px = map.latLngToContainerPoint(this.placeOf(mark)).distanceTo(point);
        if (px < REACH) near.push({ mark, px });
      }
      if (!near.length) return null;
      near.sort((a, b) => a.px - b.px);
      const same = near.filter(({ px }) => px - near[0].px < SAME);
      const next = same.findIndex(({ mark }) => this.chosen && mark.subject === this.chosen.subject) + 1;
      return same[next % same.length];
    }

    placeOf(mark) {
      const { x, y } = field.partSpot(mark, this.picture.level, 256 * 2 ** this.ground.map.getZoom());
      return [citymap.latitude(y), citymap.longitude(x)];
    }

    /** One is opened, a counted cell is gone into. */
    press(mark) {
      if (mark.count === 1) return this.open(mark);
      const { map } = this.ground;
      const [zoom, most] = [map.getZoom(), map.getMaxZoom()];
      if (zoom < most) map.setView(this.placeOf(mark), Math.min(most, zoom + 2));
      else this.says(field.t("field.component.too-many", { n: mark.count.toLocaleString(field.locale) }));
    }

    draw(c, frame) {
      return this.shown && this.picture ? field.drawParts(c, frame, this.picture, this.chosen, Boolean(this.fault)) : [];
    }

    remove() {
      this.halt();
      this.shown = false; // of this map: what the phone remembers stays
      this.ground.map.off(this.on);
      for (const change of ["online", "offline"]) window.removeEventListener(change, this.online);
      this.write();
      this.picture = this.about = this.kept = null;
    }
  };
})();

/* The wall of tiles. What it shows is one document per wall (scene/<wall>/video) that every browser of the wall follows;
 * where nobody chose anything, cameras near active alarms come first.
 *
 * panel "video_wall"
 * hall.video.grid   of the page: {layout, cells, spotlight, selected, put(index, channel), set(changes), tiles, on(call)}
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make } = hall;
  const NEAR_METRES = 800;
  const CHOOSE_MS = 5000;
  const BACK_MS = 90000; // a spotlight that a passer-by chose on a kiosk goes away
  const DEFAULT_LAYOUT = 9;
  const KNOWN_MOST = 5000; // more are not sorted in the page
  const ALARMS = 4;
  const LATE_MS = 60000;

  const metres = (a, b) => Math.hypot((a.lon - b.lon) * 111320 * Math.cos((b.lat * Math.PI) / 180), (a.lat - b.lat) * 110574);

  /** Cameras that share pictures, in the order in which they are worth being seen: near an alarm, not known to be away, by name. */
  function ordered(rows) {
    const alarms = hall.activeAlarms().filter((alarm) => alarm.lon != null);
    const rank = (row) => Number(row.state === "offline");
    const near = (row) => (row.lon == null ? Infinity : Math.min(Infinity, ...alarms.map((alarm) => metres(alarm, row)).filter((m) => m <= NEAR_METRES)));
    return rows
      .filter((row) => row.has_stream)
      .map((row) => ({ row, near: near(row), rank: rank(row) }))
      .sort((a, b) => a.near - b.near || a.rank - b.rank || ((a.row.name || "") < (b.row.name || "") ? -1 : 1))
      .map((one) => one.row.subject);
  }

  /** Whether a tile lies in this window: of a wall over several browsers each one plays its own part. */
  function seen(node) {
    const box = node.getBoundingClientRect();
    return box.right > 1 && box.bottom > 1 && box.left < innerWidth - 1 && box.top < innerHeight - 1;
  }

  class Grid {
    constructor(element, context) {
      this.element = element;
      this.body = context.body;
      this.note = context.note;
      this.field = make("div.video-grid");
      this.none = make("p.video-none", { role: "status" });
      this.field.append(this.none);
      this.body.append(this.field);
      this.since = performance.now();
      Object.assign(this, { layout: Number(element.dataset.layout) || DEFAULT_LAYOUT, cells: [], spotlight: null, selected: null, tiles: [], automatic: true, round: "" });
      this.listeners = new Set();
      this.together = new video.Together(this);
      this.field.addEventListener("dblclick", (event) => !this.together.active && this.touched(event));
      this.field.addEventListener("click", (event) => this.pick(event));
      this.choose = hall.paced(() => this.fill(), CHOOSE_MS);
      this.sized = new ResizeObserver(() => this.paint()); // a toolbar that appears makes it smaller, not the panel
      this.sized.observe(this.field);
      this.follow();
    }

    on(call) {
      this.listeners.add(call);
      return () => this.listeners.delete(call);
    }

    // -- what is shown -------------------------------------------------------------------------------------------------

    /** The wall's own document; without one the page chooses. */
    follow() {
      const event = hall.page.wall && hall.store.get(`scene/${hall.page.wall.name}/video`);
      const scene = event && event.data;
      this.scene = scene || null;
      const late = scene && scene.at < this.followed && this.followed - scene.at < LATE_MS; // of what we know to be newer
      if (scene && scene.grid && scene.at !== this.followed && !late && !(this.controls && this.controls.busy)) {
        this.followed = scene.at;
        this.take(scene.grid);
      }
      if (this.automatic) this.choose();
    }

    take({ layout, cells, spotlight, round }) {
      this.round = round || "";
      this.layout = video.LAYOUTS.includes(layout) ? layout : this.layout;
      this.spotlight = spotlight ?? null;
      const chosen = (cells || []).some(Boolean);
      if (chosen || !this.automatic) this.cells = [...(cells || [])]; // what the page chose by itself stays until it chooses anew
      this.automatic = !chosen && !this.round;
      this.paint();
      if (this.rounds) this.rounds.update();
    }

    /** A person's change: {layout, cells, spotlight}; told to the wall's other browsers by who listens. */
    set(changes, local) {
      Object.assign(this, changes);
      if (changes.cells && changes.round === undefined) this.round = ""; // who puts a camera somewhere ends the round
      if (changes.cells) this.automatic = !this.round && !this.cells.some(Boolean);
      if (this.selected !== null && this.selected >= this.layout) this.selected = null;
      this.paint();
      if (this.automatic) this.choose();
      if (this.rounds) this.rounds.update();
      if (!local) for (const call of this.listeners) call(this.state());
    }

    state() {
      const chosen = this.automatic || this.round;
      return { layout: this.layout, spotlight: this.spotlight, round: this.round, cells: chosen ? [] : Array.from({ length: this.layout }, (_, index) => this.cells[index] || null) };
    }

    put(index, channel) {
      const cells = Array.from({ length: Math.max(this.layout, index + 1) }, (_, at) => this.cells[at] || null);
      const before = channel ? cells.indexOf(channel) : -1;
      if (before >= 0 && before !== index) cells[before] = cells[index]; // it moves; what was there takes its place
      cells[index] = channel;
      this.set({ cells });
    }

    /** Who is worth being seen fills the places; who is still worth it keeps his. */
    async fill() {
      if (!this.automatic || !this.field.isConnected) return;
      const wanted = ordered(await this.candidates()).slice(0, this.layout);
      this.found = wanted.length;
      const kept = Array.from({ length: this.layout }, (_, at) => (wanted.includes(this.cells[at]) ? this.cells[at] : null));
      const rest = wanted.filter((channel) => !kept.includes(channel));
      if (!this.automatic) return;
      this.cells = kept.map((channel) => channel || rest.shift() || null);
      this.paint();
    }

    /** Cameras to choose from: all that the page knows, or, of a large city, some of the directory's. */
    async candidates() {
      const docs = hall.store.docs("channel");
      if (docs.size && docs.size <= KNOWN_MOST) return [...docs.values()].map((event) => ({ ...event.data, subject: event.subject }));
      const places = hall.activeAlarms().filter((alarm) => alarm.lon != null).sort((a, b) => b.severity - a.severity).slice(0, ALARMS);
      const near = places.map((alarm) => video.nearest(alarm, { count: this.layout, metres: NEAR_METRES }));
      const listed = hall.acting.ask(`/api/v1/channels?state=online&stream=1&limit=${this.layout}`).then((found) => video.learn(found.rows), () => []);
      return [...new Map((await Promise.all([...near, listed])).flat().map((row) => [row.subject, row])).values()];
    }

    // -- the tiles -------------------------------------------------------------------------------------------------------

    paint() {
      const box = { width: this.field.clientWidth, height: this.field.clientHeight };
      if (!box.width || !box.height) return;
      const shape = video.shape(this.layout, this.spotlight, box, hall.wall.seams(this.field), this.dense());
      const px = (sizes) => sizes.map((size) => `${size.toFixed(2)}px`).join(" ");
      this.field.style.gridTemplateColumns = px(shape.columns);
      this.field.style.gridTemplateRows = px(shape.rows);
      this.grow();
      this.tiles.forEach((tile, index) => this.lay(tile, index, shape.areas[index]));
      const seenHere = this.tiles.map((tile, index) => index).filter((index) => shape.areas[index] && seen(this.tiles[index].node));
      this.together.gather(seenHere);
      this.tiles.forEach((tile, index) => this.fillTile(tile, index, seenHere.includes(index)));
      this.say();
      this.element.dataset.layout = this.layout;
      this.element.dataset.spotlight = this.spotlight ?? "";
      if (this.controls) this.controls.painted();
    }

    grow() {
      while (this.tiles.length < this.layout) {
        const tile = new video.Tile({ why: `wall:${(hall.page.wall || {}).name || ""}`, kind: "live" });
        tile.node.dataset.index = this.tiles.length;
        this.tiles.push(tile);
        this.field.append(tile.node);
      }
      while (this.tiles.length > this.layout) this.tiles.pop().remove();
    }

    /** Which cells alone share the room: nobody puts a camera into the others of a round, or of a screen without controls. */
    dense() {
      const filled = Array.from({ length: this.layout }, (_, index) => index).filter((index) => this.cells[index]);
      return this.round || (this.automatic && !(this.controls && this.controls.allowed)) ? filled : null;
    }

    isLarge(index) {
      return index === this.spotlight || this.layout === 1;
    }

    lay(tile, index, area) {
      tile.node.hidden = !area;
      tile.node.style.gridArea = area || "";
      tile.node.dataset.number = index + 1;
      tile.node.dataset.hint = this.controls && this.controls.allowed ? hall.t("video.empty.hint") : "";
      tile.node.draggable = !!this.controls && this.controls.allowed;
      tile.node.dataset.large = this.isLarge(index) ? "1" : "";
      tile.node.classList.toggle("is-selected", index === this.selected);
    }

    fillTile(tile, index, here) {
      if (!here) return tile.show(null);
      tile.box = null; // its size may be another now
      tile.why = this.round ? `round/${this.round}` : `wall:${(hall.page.wall || {}).name || ""}`;
      const options = this.together.active && !this.isLarge(index) ? this.together.options() : this.options(tile, index);
      tile.show(this.cells[index] || null, { ...options, seamless: !!this.round });
      if (video.steer) video.steer(tile, this.isLarge(index) && !!this.controls && this.controls.allowed);
    }

    /** Which stream a tile takes for itself. */
    options(tile, index) {
      return { only: "all", ...video.quality(tile.pixels().width, this.layout), mode: this.isLarge(index) && video.lossy() ? "webrtc" : "auto" };
    }

    say() {
      const text = video.emptyWords(this);
      hall.setText(this.none, text);
      this.field.classList.toggle("is-empty", !!text);
      this.note(this.said());
    }

    said() {
      const live = this.tiles.filter((tile) => tile.condition === "live").length;
      const all = this.tiles.filter((tile) => tile.channel).length;
      const note = hall.t(this.automatic ? "video.note-auto" : "video.note", { live, all, layout: this.layout });
      return this.together.active ? `${note} · ${hall.t("video.mosaic")}` : note;
    }

    // -- people ------------------------------------------------------------------------------------------------------------

    indexOf(event) {
      const node = event.target.closest && event.target.closest(".video-tile");
      return node && this.field.contains(node) ? Number(node.dataset.index) : null;
    }

    touched(event) {
      const index = this.indexOf(event);
      if (index !== null) this.light(this.spotlight === index ? null : index);
    }

    /** One large, the others small; null: all alike. On a kiosk it goes back by itself and concerns this browser only. */
    light(index) {
      clearTimeout(this.returning);
      const kiosk = !hall.acting.who();
      if (kiosk && index !== null) this.returning = setTimeout(() => this.light(null), BACK_MS);
      this.set({ spotlight: index }, kiosk);
    }

    pick(event) {
      const index = this.indexOf(event);
      if (index === null) return;
      if (hall.acting.who()) this.select(index);
      if (this.together.active && this.cells[index] && event.detail < 2) this.light(this.spotlight === index ? null : index);
    }

    select(index) {
      this.selected = index;
      this.tiles.forEach((tile, at) => tile.node.classList.toggle("is-selected", at === index));
    }

    update(changes) {
      if (this.together.members.length && changes.some((event) => event.subject.startsWith("picture/"))) this.tiles.forEach((tile) => tile.say());
      if (changes.some((event) => event.subject.startsWith("scene/"))) this.follow();
      if (this.rounds && changes.some((event) => event.subject.startsWith("round/"))) this.rounds.options(), this.rounds.update();
      if (this.automatic) this.choose();
    }

    tick() {
      this.say();
      this.together.tick();
      if (this.rounds) this.rounds.tick();
      if (!hall.acting.who() && this.selected !== null) this.select(null);
    }

    unmount() {
      clearTimeout(this.returning);
      this.choose.cancel();
      this.sized.disconnect();
      for (const tile of this.tiles) tile.remove();
      if (video.grid === this) video.grid = null;
      if (this.rounds) this.rounds.remove();
      if (this.controls) this.controls.remove();
    }
  }

  /** A channel pressed in a directory or on the map: into the chosen tile, else into the first that is empty, else large. */
  video.chosen = function (subject) {
    const { grid } = video;
    if (!grid || !hall.acting.who()) return hall.card.camera(subject);
    const cells = Array.from({ length: grid.layout }, (_, index) => grid.cells[index] || null);
    const free = grid.automatic ? 0 : cells.indexOf(null);
    const index = grid.selected ?? (free < 0 ? null : free);
    if (index === null) return hall.card.camera(subject);
    grid.put(index, subject);
    return true;
  };

  hall.panel("video_wall", (element, context) => {
    const grid = (video.grid = new Grid(element, context));
    if (video.Controls) grid.controls = new video.Controls(grid);
    if (video.Round) {
      grid.rounds = new video.Round(grid);
      grid.rounds.update();
    }
    return {
      update: (changes) => grid.update(changes),
      tick: () => grid.tick(),
      resize: () => grid.paint(),
      locale: () => (grid.rounds && grid.rounds.options(), grid.paint(), grid.tick()),
      unmount: () => grid.unmount(),
    };
  });
})();

/* A round (轮巡) on a wall of tiles: cameras take turns, the urgent ones more often. The hall decides whose turn it is and says
 * it beforehand; this page connects the next ones in time, so that the change shows no black.
 *
 * new hall.video.Round(grid)   .update(), .tick(), .reasons(index), .remove()
 * panel "video_wall" uses it; the document is `round/<name>` (docs/ROUNDS.md)
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText } = hall;
  const BEFORE_MS = 4000; // connected so long before their turn: a camera that starts cold needs its first key picture

  /** Who stays keeps his place; the others fill what is free. */
  function placed(before, shown, layout) {
    const wanted = shown.slice(0, layout);
    const cells = Array.from({ length: layout }, (_, at) => (wanted.includes(before[at]) ? before[at] : null));
    const rest = wanted.filter((channel) => !cells.includes(channel));
    return cells.map((channel) => channel || rest.shift() || null);
  }

  video.Round = class {
    constructor(grid) {
      this.grid = grid;
      this.coming = new Map(); // channel -> {key, opened}
      this.strip = make("div.round-strip", { role: "status", hidden: "" });
      this.words = make("span.round-words");
      this.strip.append(this.words);
      grid.body.insertBefore(this.strip, grid.field);
      this.build();
      this.off = hall.acting.on(() => this.look());
      this.look();
    }

    remove() {
      this.off();
      this.release();
      this.strip.remove();
    }

    get name() {
      return this.grid.round || "";
    }

    get told() {
      const event = this.name && hall.store.get(`round/${this.name}`);
      return (event && event.data) || null;
    }

    label(told) {
      return (told.label && (told.label[hall.locale] || Object.values(told.label)[0])) || told.name;
    }

    // -- turning -----------------------------------------------------------------------------------------------------------

    /** After the wall's document or a round's changed. */
    update() {
      const { grid, told } = this;
      this.strip.hidden = !this.name;
      grid.element.classList.toggle("has-round", !!this.name);
      this.options();
      if (!this.name || !told) {
        this.grid.tiles.forEach((tile) => (tile.extra = []));
        return this.say();
      }
      const cells = placed(grid.cells, told.shown.map((pick) => pick.channel), grid.layout);
      if (cells.some((channel, at) => channel !== grid.cells[at])) {
        grid.cells = cells;
        grid.paint();
      }
      for (const channel of [...this.coming.keys()]) if (!told.next.some((pick) => pick.channel === channel)) this.drop(channel);
      this.say();
      this.grid.tiles.forEach((tile, at) => (tile.extra = this.reasons(at)));
    }

    tick() {
      const { told } = this;
      if (!told) return;
      const left = told.until - hall.clock.real();
      if (!told.held_by && left < BEFORE_MS) this.connect(told);
      this.say();
    }

    /** Opens what comes next, unseen: the tile that shows it then finds it running. */
    connect(told) {
      const free = this.grid.cells.map((channel, at) => at).filter((at) => !told.next.some((pick) => pick.channel === this.grid.cells[at]));
      told.next.slice(0, this.grid.layout).forEach((pick, at) => {
        const tile = this.grid.tiles[free[at] ?? at];
        if (this.coming.has(pick.channel) || !tile || tile.node.hidden) return;
        const ready = this.grid.together.active ? { quality: "sub", only: "keys" } : this.grid.options(tile, free[at] ?? at); // of one stream: only the camera is to run
        const options = { channel: pick.channel, why: tile.why, kind: tile.kind, ...ready };
        const unseen = { paint() {}, hold() {}, told() {}, width: () => tile.pixels().width };
        this.coming.set(pick.channel, video.open(options, unseen));
      });
    }

    drop(channel) {
      const opened = this.coming.get(channel);
      this.coming.delete(channel);
      if (opened) opened.leave();
    }

    release() {
      for (const channel of [...this.coming.keys()]) this.drop(channel);
    }

    /** Why the camera of a tile is shown now, as badges. */
    reasons(index) {
      const { told } = this;
      const pick = told && told.shown.find((one) => one.channel === this.grid.cells[index]);
      return pick ? pick.risks.map(({ risk, value }) => ({ kind: "risk", text: hall.t(`round.risk.${risk}`, { value }) })) : [];
    }

    // -- words and controls ------------------------------------------------------------------------------------------------

    say() {
      const { told } = this;
      if (!this.name) return;
      if (!told) return setText(this.words, hall.t("round.unknown", { name: this.name }));
      const left = Math.max(0, Math.ceil((told.until - hall.clock.real()) / 1000));
      const parts = [
        hall.t("round.title", { label: this.label(told) }),
        told.held_by ? hall.t("round.held", { who: told.held_by }) : hall.t("round.left", { n: left }),
        hall.t("round.seen", { seen: told.seen, living: told.living, hours: told.coverage_hours }),
      ];
      if (told.urgent) parts.push(hall.t("round.urgent", { n: told.urgent }));
      if (told.skipped) parts.push(hall.t("round.skipped", { n: told.skipped }));
      if (!told.possible) parts.push(hall.t("round.impossible", { hours: told.possible_hours }));
      setText(this.words, parts.join(" · "));
      setText(this.hold, hall.t(told.held_by ? "round.release" : "round.hold"));
    }

    build() {
      const button = (key, call) => {
        const node = make("button.video-button", { type: "button", "data-t": key }, hall.t(key));
        node.onclick = call;
        return node;
      };
      this.hold = button("round.hold", () => this.act(this.told && this.told.held_by ? "release" : "hold"));
      delete this.hold.dataset.t;
      this.controls = make("span.round-controls", {}, [
        this.hold,
        button("round.next", () => this.act("next")),
        button("round.coverage", () => this.cover()),
        button("round.stop", () => this.grid.set({ round: "", cells: [] })),
      ]);
      this.strip.append(this.controls);
      this.select = make("select.video-select", { "aria-label": hall.t("round.choose") });
      this.select.onchange = () => this.start(this.select.value);
      this.fault = "";
    }

    look() {
      const allowed = !!hall.acting.who();
      this.controls.hidden = !allowed;
      if (allowed && this.grid.controls && !this.select.isConnected) {
        this.grid.controls.bar.insertBefore(this.select, this.grid.controls.select);
      }
      this.options();
    }

    options() {
      const rounds = [...hall.store.docs("round").values()].map((event) => event.data).filter(Boolean);
      const key = `${hall.locale}|${this.name}|${rounds.map((told) => this.label(told)).join("|")}`;
      if (key === this.optionsKey) return;
      this.optionsKey = key;
      const first = make("option", { value: "" }, hall.t("round.choose"));
      this.select.replaceChildren(first, ...rounds.map((told) => make("option", { value: told.name }, this.label(told))));
      this.select.value = this.name;
      this.select.setAttribute("aria-label", hall.t("round.choose"));
    }

    start(name) {
      const event = name && hall.store.get(`round/${name}`);
      if (!event || !event.data) return this.grid.set({ round: "", cells: [] });
      const layout = video.LAYOUTS.find((count) => count >= event.data.tiles) || video.LAYOUTS.at(-1);
      this.grid.set({ round: name, layout, spotlight: null, cells: [] });
    }

    async act(what) {
      const path = `/api/v1/rounds/${encodeURIComponent(this.name)}/do`;
      try {
        await hall.acting.ask(path, { method: "POST", body: { do: what } });
        this.grid.controls.say("");
      } catch (error) {
        this.grid.controls.say(hall.acting.why(error));
      }
    }

    // -- which cameras nobody has seen ---------------------------------------------------------------------------------------

    async cover() {
      if (this.table) return this.uncover();
      const found = await hall.acting.ask(`/api/v1/rounds/${encodeURIComponent(this.name)}/coverage`).catch((error) => {
        this.grid.controls.say(hall.acting.why(error));
      });
      if (!found || this.table) return;
      const cells = (tag, values) => make("tr", {}, values.map((value) => make(tag, {}, String(value))));
      const head = ["owner", "living", "seen", "never", "oldest"].map((name) => hall.t(`round.column.${name}`));
      const rows = found.rows.map((row) => [
        row.owner || hall.t("video.tree.none"),
        `${row.living} / ${row.total}`,
        row.living ? `${row.seen} (${Math.floor((row.seen / row.living) * 100)} %)` : "–",
        row.never,
        row.oldest_minutes === null ? "–" : hall.format.duration(row.oldest_minutes * 60000),
      ]);
      const close = make("button.video-button", { type: "button" }, hall.t("round.close"));
      close.onclick = () => this.uncover();
      const title = make("b", {}, hall.t("round.coverage-title", { hours: found.hours }));
      const body = make("table", {}, [make("thead", {}, cells("th", head)), make("tbody", {}, rows.map((row) => cells("td", row)))]);
      this.table = make("div.round-coverage", { role: "dialog", "aria-label": title.textContent }, [make("div.round-coverage-head", {}, [title, close]), body]);
      this.table.addEventListener("keydown", (event) => event.key === "Escape" && (event.stopPropagation(), this.uncover()));
      this.grid.field.append(this.table);
      close.focus();
    }

    uncover() {
      if (this.table) this.table.remove();
      this.table = null;
    }
  };
})();

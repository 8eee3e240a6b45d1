/* What a person does with a wall of tiles: toolbar, keyboard, dragging, presets. Nothing of it is there on a screen that
 * nobody is signed in at.
 *
 * new hall.video.Controls(grid)   .remove()
 * hall.video.DRAG                 type of what is dragged: the subject of a channel
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText } = hall;
  const TYPED_MS = 700; // digits that follow each other so quickly are one number
  video.DRAG = "application/x-hall-channel";
  const PLACE = "application/x-hall-place";

  video.Controls = class {
    constructor(grid) {
      this.grid = grid;
      this.bar = make("div.video-bar", { role: "toolbar", hidden: "" });
      grid.body.prepend(this.bar);
      this.typed = ""; // digits
      this.typedAt = -Infinity;
      this.waiting = []; // changes that the hall was not told of yet
      this.build();
      this.onKey = (event) => this.key(event);
      document.addEventListener("keydown", this.onKey);
      this.dragging();
      this.off = [hall.acting.on(() => this.look()), grid.on((state) => this.tell({ grid: state })), hall.onLocale(() => this.paintPresets())];
      this.look();
      this.fetch();
    }

    remove() {
      document.removeEventListener("keydown", this.onKey);
      this.off.forEach((call) => call());
      this.bar.remove();
    }

    get allowed() {
      return !!hall.acting.who();
    }

    look() {
      this.bar.hidden = !this.allowed;
      this.grid.element.classList.toggle("has-controls", this.allowed);
      for (const tile of this.grid.tiles) tile.node.draggable = this.allowed;
      this.grid.paint();
    }

    // -- the wall's own document -----------------------------------------------------------------------------------------

    address() {
      return `/api/v1/video/walls/${encodeURIComponent(hall.page.wall.name)}`;
    }

    /** A page that comes before the document: what is kept is asked for. */
    async fetch() {
      if (!hall.page.wall) return;
      const found = await hall.acting.ask(this.address()).catch(() => null);
      if (found) this.known(found);
    }

    known(found) {
      this.presets = found.presets || {};
      this.paintPresets();
      if (found.grid && !this.grid.scene) this.grid.followed === found.at || ((this.grid.followed = found.at), this.grid.take(found.grid));
    }

    /** Told to the hall, which tells all browsers of the wall; refused (a viewer): only this one shows it. One after the other, of
     * several states of the grid that wait only the newest: two on their way at once might arrive the wrong way round. */
    async tell(change) {
      if (!this.allowed) return;
      if (change.grid) this.waiting = this.waiting.filter((one) => !one.grid);
      this.waiting.push(change);
      if (this.busy) return;
      this.busy = true;
      while (this.waiting.length) await this.send(this.waiting.shift());
      this.busy = false;
      this.grid.follow();
    }

    async send(change) {
      try {
        const found = await hall.acting.ask(this.address(), { method: "PUT", body: change });
        this.grid.followed = Math.max(this.grid.followed || 0, found.at);
        this.known(found);
        this.say("");
      } catch (error) {
        this.say(hall.t("video.bar.only-here", { why: hall.acting.why(error) }));
      }
    }

    // -- the bar ---------------------------------------------------------------------------------------------------------

    build() {
      const button = (key, label, call) => {
        const node = make("button.video-button", { type: "button", "data-t": key }, label || hall.t(key));
        if (label) delete node.dataset.t;
        node.onclick = call;
        return node;
      };
      this.layouts = video.LAYOUTS.map((layout) => {
        const node = button("", String(layout), () => this.grid.set({ layout, spotlight: null }));
        node.dataset.layout = layout;
        return node;
      });
      this.select = make("select.video-select.video-presets", { "aria-label": hall.t("video.bar.presets") });
      this.select.onchange = () => this.recall(this.select.value);
      this.name = make("input.video-input", { type: "text", maxlength: "60" });
      this.status = make("span.video-status", { role: "status" });
      const [save, forget] = [button("video.bar.save", "", () => this.save()), button("video.bar.forget", "", () => this.forget())];
      const [clear, auto] = [button("video.bar.clear", "", () => this.clear()), button("video.bar.auto", "", () => this.grid.set({ cells: [], spotlight: null }))];
      this.lossy = button("video.bar.lossy", "", () => {
        video.lossy(!video.lossy());
        this.grid.paint();
      });
      this.together = button("video.bar.together", "", () => this.grid.together.set(!this.grid.together.active));
      this.bar.append(...this.layouts, clear, auto, this.lossy, this.together, this.select, this.name, save, forget, this.grid.together.offer, this.status);
      this.bar.insertBefore(button("region.draw", "", () => this.regions()), this.status);
      this.paintPresets();
    }

    /** Regions of the picture that is large or chosen. */
    regions() {
      const { grid } = this;
      const at = grid.spotlight ?? grid.selected ?? (grid.layout === 1 ? 0 : null);
      const subject = at === null ? null : grid.cells[at];
      this.say(subject ? "" : hall.t("region.choose"));
      if (subject) video.regions(subject);
    }

    say(text) {
      setText(this.status, text);
    }

    /** After the grid was painted. */
    painted() {
      for (const node of this.layouts) {
        node.setAttribute("aria-pressed", Number(node.dataset.layout) === this.grid.layout);
        node.setAttribute("aria-label", hall.t("video.bar.layout", { n: node.dataset.layout }));
      }
      this.lossy.setAttribute("aria-pressed", video.lossy());
      this.together.setAttribute("aria-pressed", this.grid.together.active);
      this.together.disabled = !this.grid.together.possible;
      this.together.title = hall.t(this.together.disabled ? "video.together.not-here" : "video.together.how");
    }

    paintPresets() {
      const names = Object.keys(this.presets || {}).sort();
      const first = make("option", { value: "" }, hall.t("video.bar.presets"));
      this.select.replaceChildren(first, ...names.map((name) => make("option", { value: name }, name)));
      this.name.placeholder = hall.t("video.bar.name");
      this.name.setAttribute("aria-label", hall.t("video.bar.name"));
      this.select.setAttribute("aria-label", hall.t("video.bar.presets"));
    }

    recall(name) {
      const preset = (this.presets || {})[name];
      this.name.value = name;
      if (preset) this.grid.set({ layout: preset.layout, cells: preset.cells, spotlight: preset.spotlight ?? null });
    }

    save() {
      const name = this.name.value.trim();
      if (!name) return this.name.focus();
      const cells = Array.from({ length: this.grid.layout }, (_, index) => this.grid.cells[index] || null); // also what the wall chose by itself
      this.tell({ name, preset: { layout: this.grid.layout, spotlight: this.grid.spotlight, cells } });
    }

    forget() {
      const name = this.name.value.trim();
      if (!name || !(this.presets || {})[name]) return;
      this.name.value = "";
      this.tell({ name });
    }

    clear() {
      if (this.grid.selected !== null) this.grid.put(this.grid.selected, null);
    }

    // -- the keyboard: numbers choose, arrows move, Enter enlarges, + and - change how many ----------------------------------

    key(event) {
      const { target } = event;
      const typing = target.closest && target.closest("input, select, textarea, [contenteditable], .show-layer, .leaflet-container");
      if (!this.allowed || typing || event.ctrlKey || event.altKey || event.metaKey) return;
      if (/^\d$/.test(event.key)) this.digit(event.key, event.timeStamp);
      else if (KEYS[event.key]) KEYS[event.key](this);
      else return;
      event.preventDefault();
    }

    /** `at`: when it was pressed, of which a busy page hears late. */
    digit(digit, at) {
      clearTimeout(this.typing);
      this.typed = at - this.typedAt < TYPED_MS ? `${this.typed}${digit}`.slice(-2) : digit;
      this.typedAt = at;
      let number = Number(this.typed);
      if (number > this.grid.layout) number = Number((this.typed = digit));
      if (number >= 1 && number <= this.grid.layout) this.grid.select(number - 1);
    }

    move(columns, rows) {
      const { grid } = this;
      const side = Math.ceil(Math.sqrt(grid.layout));
      const now = grid.selected ?? 0;
      const [row, column] = [Math.floor(now / side) + rows, (now % side) + columns];
      if (grid.selected === null) return grid.select(0);
      if (row >= 0 && column >= 0 && column < side && row * side + column < grid.layout) grid.select(row * side + column);
    }

    more(step) {
      const at = video.LAYOUTS.indexOf(this.grid.layout) + step;
      if (video.LAYOUTS[at]) this.grid.set({ layout: video.LAYOUTS[at], spotlight: null });
    }

    // -- dragging: from a directory or the map into a tile, from tile to tile ------------------------------------------------

    dragging() {
      const { field } = this.grid;
      const takes = (event) => this.allowed && [video.DRAG, PLACE].some((type) => event.dataTransfer.types.includes(type));
      const over = (index) => this.grid.tiles.forEach((tile, at) => tile.node.classList.toggle("is-target", at === index));
      field.addEventListener("dragstart", (event) => {
        const index = this.grid.indexOf(event);
        const channel = index === null ? null : this.grid.cells[index];
        if (!this.allowed || !channel) return event.preventDefault();
        event.dataTransfer.setData(PLACE, String(index));
        event.dataTransfer.setData(video.DRAG, channel);
      });
      const accept = (event) => {
        if (!takes(event)) return;
        event.preventDefault();
        over(this.grid.indexOf(event));
      };
      // entering too: who lets go just as a picture begins under the pointer has entered what is new there and passed over nothing
      for (const kind of ["dragenter", "dragover"]) field.addEventListener(kind, accept);
      field.addEventListener("dragleave", () => over(null));
      field.addEventListener("drop", (event) => {
        over(null);
        const index = this.grid.indexOf(event);
        const channel = event.dataTransfer.getData(video.DRAG);
        if (!takes(event) || index === null || !channel.startsWith("channel/")) return;
        event.preventDefault();
        this.grid.put(index, channel);
      });
    }
  };

  const KEYS = {
    ArrowLeft: (one) => one.move(-1, 0),
    ArrowRight: (one) => one.move(1, 0),
    ArrowUp: (one) => one.move(0, -1),
    ArrowDown: (one) => one.move(0, 1),
    Enter: ({ grid }) => grid.selected !== null && grid.light(grid.spotlight === grid.selected ? null : grid.selected),
    Escape: ({ grid }) => (grid.spotlight === null ? grid.select(null) : grid.light(null)),
    Delete: (one) => one.clear(),
    "+": (one) => one.more(1),
    "=": (one) => one.more(1),
    "-": (one) => one.more(-1),
  };
})();

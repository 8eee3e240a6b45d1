/* Regions that the hall reads from a camera's picture: drawn once by a person, on the picture itself, and seen there with what was
 * read. Corners are set by pointer, or by keyboard: each is a button that arrow keys move.
 *
 * hall.video.regions(subject)     opens the page for one channel over this screen; false where nobody is signed in
 * new hall.video.RegionDrawing(stage, changed)   .corners [[x, y] shares], .limit, .undo(), .add(), .remove()
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make } = hall;
  const SVG = "http://www.w3.org/2000/svg";
  const STEP = 0.01;
  const FINE = 0.002; // of the picture, with Shift
  const MOST = 40;
  const NEAR = 0.02; // a corner pressed within this is taken hold of

  const drawn = (name, attributes) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const inside = (share) => Math.min(1, Math.max(0, Math.round(share * 1e4) / 1e4));
  const percent = (share) => `${Math.round(share * 100)}%`;

  /** A polygon over `stage`, whose box is the picture's. `changed()` after each change. */
  video.RegionDrawing = class {
    constructor(stage, changed) {
      this.stage = stage;
      this.changed = changed;
      this.corners = [];
      this.before = [];
      this.limit = MOST;
      this.picture = drawn("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", class: "region-lines" });
      this.shape = drawn("polygon", { points: "", class: "region-shape is-drawn" });
      this.picture.append(this.shape);
      this.handles = make("div.region-handles");
      stage.append(this.picture, this.handles);
      this.handles.onpointerdown = (event) => this.press(event);
      this.handles.onkeydown = (event) => this.key(event);
    }

    remove() {
      this.picture.remove();
      this.handles.remove();
    }

    set(corners) {
      this.corners = corners.map(([x, y]) => [x, y]);
      this.before = [];
      this.paint();
    }

    /** What was there before the last change comes back; false where nothing was changed. */
    undo() {
      if (!this.before.length) return false;
      this.corners = this.before.pop();
      this.paint();
      return true;
    }

    keep() {
      this.before = [...this.before, this.corners.map((corner) => [...corner])].slice(-100);
    }

    /** One more corner: behind the one that has the focus, half way to the next; the first ones in the middle. */
    add() {
      if (this.corners.length >= this.limit) return;
      const at = this.focused();
      const { corners } = this;
      const [here, next] = [corners[at], corners[(at + 1) % corners.length]];
      const made = corners.length < 3 ? [[0.35, 0.4], [0.65, 0.4], [0.65, 0.7]][corners.length] : [(here[0] + next[0]) / 2, (here[1] + next[1]) / 2];
      this.keep();
      corners.splice(at + 1, 0, made.map(inside));
      this.paint();
      this.handles.children[Math.min(at + 1, corners.length - 1)].focus();
    }

    focused() {
      const at = [...this.handles.children].indexOf(document.activeElement);
      return at < 0 ? this.corners.length - 1 : at;
    }

    place(event) {
      const box = this.handles.getBoundingClientRect();
      return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
    }

    /** Where no corner is, a new one is set; it follows the pointer until that is let go. */
    press(event) {
      if (event.button) return;
      event.preventDefault();
      const place = this.place(event);
      let at = [...this.handles.children].indexOf(event.target);
      if (at < 0) at = this.corners.findIndex(([x, y]) => Math.hypot(x - place[0], y - place[1]) < NEAR);
      if (at < 0 && this.corners.length >= this.limit) return;
      this.keep();
      if (at < 0) at = this.corners.push(place) - 1;
      this.paint();
      this.handles.setPointerCapture(event.pointerId);
      this.handles.onpointermove = (moved) => {
        this.corners[at] = this.place(moved);
        this.paint();
      };
      this.handles.onpointerup = this.handles.onpointercancel = () => (this.handles.onpointermove = null);
      this.handles.children[at].focus();
    }

    key(event) {
      const at = [...this.handles.children].indexOf(event.target);
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (at < 0 || !(way || event.key === "Delete" || event.key === "Backspace")) return;
      event.preventDefault();
      event.stopPropagation();
      this.keep();
      const step = event.shiftKey ? FINE : STEP;
      if (way) this.corners[at] = this.corners[at].map((share, axis) => inside(share + way[axis] * step));
      else this.corners.splice(at, 1);
      this.paint();
      const next = this.handles.children[Math.min(at, this.corners.length - 1)];
      if (next) next.focus();
    }

    paint() {
      this.shape.setAttribute("points", this.corners.map((corner) => corner.join(",")).join(" "));
      while (this.handles.children.length > this.corners.length) this.handles.lastChild.remove();
      while (this.handles.children.length < this.corners.length) this.handles.append(make("button.region-corner", { type: "button" }));
      this.corners.forEach(([x, y], index) => {
        const handle = this.handles.children[index];
        Object.assign(handle.style, { left: `${100 * x}%`, top: `${100 * y}%` });
        handle.textContent = index + 1;
        handle.setAttribute("aria-label", hall.t("region.corner", { n: index + 1, x: percent(x), y: percent(y) }));
      });
      this.changed();
    }
  };

  /** Regions that stand there already, each with its name and what was read. */
  video.regionShapes = function (rows, chosen) {
    const picture = drawn("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", class: "region-lines" });
    const words = make("div.region-words");
    for (const row of rows) {
      const level = row.latest.some((one) => one.value) ? "told" : "quiet";
      picture.append(drawn("polygon", { points: row.region.map((corner) => corner.join(",")).join(" "), class: "region-shape", "data-level": level, "data-chosen": row.id === chosen ? "1" : "" }));
      const label = make("div.region-label", { "data-id": row.id }, [make("b", {}, video.regionName(row)), ...row.latest.map((one) => make("span", {}, video.readingText(one)))]);
      const [left, top] = [Math.min(...row.region.map(([x]) => x)), Math.min(...row.region.map(([, y]) => y))];
      Object.assign(label.style, { left: `${100 * left}%`, top: `${100 * top}%` });
      words.append(label);
    }
    return [picture, words];
  };

  video.regionName = (row) => row.name || hall.word("region.kind", row.analyser);

  /** "积水面积 34 %（置信度 0.82）", or why nothing is said. */
  video.readingText = function (one) {
    const quantity = hall.word("quantity", one.quantity);
    const sure = one.confidence == null ? "" : hall.t("alarm.confidence", { n: hall.format.number(one.confidence, 2) });
    if (one.value == null) return [quantity, hall.t("region.unsure"), one.doubt ? hall.word("region.doubt", one.doubt) : "", sure].filter(Boolean).join(" · ");
    return [`${quantity} ${hall.format.number(one.value, one.unit === "%" ? 0 : 2)} ${hall.word("unit", one.unit || "")}`, sure].filter(Boolean).join(" · ");
  };
})();

/* The legend: one button per layer with its symbol, name and count. A click, tap or key switches the layer.
 *
 * On a wall, rows that are switched off or empty are folded away under "more" until somebody opens them.
 * Every count also stands on the panel as data-count-NAME, and which layers are shown as data-shown.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  const SYMBOL = {
    cases: ["case", { severity: 0, kind: "occurrence", overdue: false }],
    gauges: ["gauge", { severity: 0, level: 7, rain: false, stale: false }],
    vehicles: ["unit", { body: "moving", turn: 4, age: 0 }],
    cameras: ["camera", { state: "online", stream: true }],
    closures: ["closure", { state: "confirmed" }],
    depots: ["depot", { kind: "pump_station" }],
    incidents: ["incident", { severity: 0, closed: false }],
  };
  citymap.LAYERS = ["incidents", "cases", "gauges", "closures", "vehicles", "cameras", "depots", "warnings", "radar", "cells", "components"];

  const AWAY = ".map-legend-row:is(.is-empty, [aria-pressed=false]):not(.is-touched)"; // map.css hides the same

  function swatch(c, name, r) {
    if (name === "radar") {
      [1, 2, 4].forEach((level, i) => {
        c.fillStyle = citymap.RAIN[level];
        c.fillRect(r * (i * 0.57 - 0.85), -r * 0.6, r * 0.57, r * 1.2);
      });
      return;
    }
    if (name === "components") {
      [[-0.6, -0.3], [0.1, -0.5], [0.7, 0], [-0.3, 0.4], [0.4, 0.6]].forEach(([x, y], i) => {
        c.fillStyle = citymap.COMPONENT_COLOURS[i % 3];
        c.fillRect(r * (x - 0.17), r * (y - 0.17), r * 0.34, r * 0.34);
      });
      return;
    }
    c.lineWidth = r * 0.2;
    c.strokeStyle = citymap.colours[0];
    c.strokeRect(-r * 0.85, -r * 0.6, r * 1.7, r * 1.2);
    c.beginPath();
    if (name === "warnings") for (let i = -1; i <= 1; i += 1) {
      c.moveTo(r * (i * 0.5 - 0.3), r * 0.6);
      c.lineTo(r * (i * 0.5 + 0.3), -r * 0.6);
    }
    else {
      c.moveTo(0, -r * 0.6);
      c.lineTo(0, r * 0.6);
      c.moveTo(-r * 0.85, 0);
      c.lineTo(r * 0.85, 0);
    }
    c.stroke();
  }

  function icon(canvas, name, glyph, own) {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const r = Math.round(glyph * 0.5);
    const side = Math.ceil(r * 3.5);
    canvas.width = canvas.height = Math.ceil(side * ratio);
    canvas.style.width = canvas.style.height = `${side}px`;
    const c = canvas.getContext("2d");
    c.scale(ratio, ratio);
    if (SYMBOL[name]) {
      const [what, options] = SYMBOL[name];
      citymap.stamp(c, citymap.sprite(what, `legend-${name}`, r, ratio, options), side / 2, side / 2);
    } else {
      c.translate(side / 2, side / 2);
      if (own) own(c, r);
      else swatch(c, name, r);
    }
  }

  citymap.Legend = class {
    /** `toggle(name, shown)` is called when a layer is switched. */
    constructor(root, panel, toggle) {
      this.panel = panel;
      this.rows = new Map();
      this.node = hall.make("div.map-legend", { role: "group", "aria-label": hall.t("map.legend"), "data-t-label": "map.legend" });
      this.toggle = toggle;
      for (const name of citymap.LAYERS) this.row(name, {});
      this.unknown = hall.make("span.map-legend-unknown");
      this.rows.get("cases").button.after(this.unknown);
      this.more = hall.make("button.map-legend-more", { type: "button", "aria-expanded": "false", hidden: "" });
      this.more.addEventListener("click", () => this.fold(!this.node.classList.contains("is-folded")));
      this.node.append(this.more);
      this.folds = !!hall.page.wall;
      this.fold(this.folds);
      root.append(this.node);
    }

    fold(folded) {
      this.node.classList.toggle("is-folded", folded);
      for (const { button } of this.rows.values()) button.classList.remove("is-touched");
      this.count();
    }

    /** How many rows are folded away, or that they can be. */
    count() {
      if (!this.folds) return;
      const folded = this.node.classList.contains("is-folded");
      const away = [...this.rows.values()].filter(({ button }) => button.matches(AWAY));
      this.more.hidden = !away.length;
      this.more.setAttribute("aria-expanded", String(!folded));
      hall.setText(this.more, folded ? hall.t("map.legend.more", { n: away.length }) : hall.t("map.legend.less"));
    }

    /** A further row, above the row `before` or last; `off`: its layer is not shown yet. */
    row(name, { before, swatch: own, off = false }) {
      const picture = hall.make("canvas", { "aria-hidden": "true" });
      const label = hall.make("span.map-legend-name", { "data-t": `map.layer.${name}` }, hall.t(`map.layer.${name}`));
      const count = hall.make("span.map-legend-count", { "data-layer-count": name }, "–");
      const button = hall.make("button.map-legend-row", { type: "button", "aria-pressed": String(!off), "data-layer": name, title: hall.t(`map.layer.${name}`) },
        [picture, label, count]);
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.classList.add("is-touched"); // stays where the hand is
        this.press(name, shown);
        this.toggle(name, shown);
      });
      this.rows.set(name, { button, picture, count, own });
      const upper = this.rows.get(before);
      this.node.insertBefore(button, upper ? upper.button : this.more || null);
      if (this.glyph) icon(picture, name, this.glyph, own);
    }

    /** A wall has nobody at hand: what its city wants on it from the start (`[map] walls_show`, names with blanks between them). */
    begin(names) {
      for (const name of (names || "").split(" ").filter((one) => this.rows.has(one))) {
        this.press(name, true);
        this.toggle(name, true);
      }
    }

    /** Shows a row as switched on or off; the layer itself is the caller's. */
    press(name, shown) {
      this.rows.get(name).button.setAttribute("aria-pressed", String(shown));
      this.count();
    }

    paint(glyph) {
      this.glyph = glyph;
      for (const [name, { picture, own }] of this.rows) icon(picture, name, glyph, own);
    }

    /** counts: {cases, "cases-unknown", gauges, vehicles, cameras, warnings, cells}. */
    show(counts) {
      for (const [name, value] of Object.entries(counts)) {
        const attribute = `data-count-${name}`;
        if (this.panel.getAttribute(attribute) !== String(value)) this.panel.setAttribute(attribute, value);
        const row = this.rows.get(name);
        if (!row) continue;
        hall.setText(row.count, hall.format.number(value));
        row.button.classList.toggle("is-empty", value === 0);
      }
      const unknown = counts["cases-unknown"];
      hall.setText(this.unknown, unknown ? hall.t("map.unknown-place", { n: hall.format.number(unknown) }) : "");
      this.count();
    }

    locale() {
      this.node.setAttribute("aria-label", hall.t("map.legend"));
      hall.translate(this.node);
      for (const [name, { button }] of this.rows) button.title = hall.t(`map.layer.${name}`);
      this.count();
    }

    remove() {
      this.node.remove();
    }
  };
})();

/* The legend of a sheet for paper: each layer with its symbol, count and age; layers whose colours mean something with their classes.
 *
 * new hall.citymap.SheetLegend(context, layers, em, wide)   lays it out: layers as hall.citymap.layersShown gives them, em and wide in px
 * legend.high, legend.draw(x, y, filter)                    px; `filter` as the map itself is drawn with, so that colours are the same
 * A layer's `printed` is {title, classes: [{colour, alpha, text, unknown}], unit, age, said, count}: `age` in words where it is not simply
 * that of the data (a forecast's lead), else null; `count` where it is another than the legend's.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const INK = "#10151d";
  const SOFT = "#4a5666";
  const ROW = 2.3; // em
  const TALL = 2.7; // of a row with classes
  const SYMBOL = 1.7;
  const LEAST = 13; // em of a column

  citymap.fitted = function (c, text, x, y, most) {
    let shown = text;
    while (shown.length > 1 && c.measureText(shown).width > most) shown = `${shown.slice(0, -2)}…`;
    c.fillText(shown, x, y);
    return c.measureText(shown).width;
  };

  const ageOf = ({ time, printed }) => (printed && printed.age !== null ? printed.age
    : time === null ? hall.t("map.print.no-data") : hall.t("map.print.age", { age: hall.format.duration(citymap.now() - time) }));

  citymap.SheetLegend = class {
    constructor(c, layers, em, wide) {
      Object.assign(this, { c, em, wide });
      this.plain = layers.filter(({ printed }) => !printed);
      this.columns = Math.max(2, Math.min(7, Math.floor(wide / (em * LEAST))));
      this.small(); // what is measured is written in it
      this.explained = layers.filter(({ printed }) => printed).map((layer) => ({ layer, lines: this.lines(this.items(layer)) }));
      this.plainHigh = Math.ceil(this.plain.length / this.columns) * ROW * em;
      this.high = this.plainHigh + this.explained.reduce((sum, { lines }) => sum + this.rowHigh(lines), 0);
    }

    small() {
      this.c.font = `${this.em * 0.82}px ${citymap.family}`;
    }

    rowHigh(lines) {
      return (TALL + (lines.length - 1) * 1.2) * this.em;
    }

    /** What stands under a layer's name, piece by piece. */
    items(layer) {
      const { classes, unit, said } = layer.printed;
      return [{ text: ageOf(layer) }, ...classes.map((one) => ({ ...one, swatch: true })), unit && { text: unit }, said && { text: said }].filter(Boolean);
    }

    /** Pieces in lines no longer than the sheet: [[{..., at}]], `at` in px from the first one. */
    lines(items) {
      const { c, em } = this;
      const room = this.wide - em * (SYMBOL + 0.5);
      const lines = [[]];
      let at = 0;
      for (const item of items) {
        const wide = c.measureText(item.text).width + (item.swatch ? em * 1.6 : 0) + em * 0.7;
        if (at && at + wide > room) {
          lines.push([]);
          at = 0;
        }
        lines[lines.length - 1].push({ ...item, at });
        at += wide;
      }
      return lines;
    }

    draw(x, y, filter) {
      const { c, em, columns } = this;
      this.filter = filter;
      const each = this.wide / columns;
      this.plain.forEach((layer, i) => {
        const [left, middle] = [x + (i % columns) * each, y + Math.floor(i / columns) * em * ROW + em];
        this.name(layer, left, middle, each - em * (SYMBOL + 1.2), `${layer.label}  ${layer.count}`);
        this.small();
        c.fillStyle = SOFT;
        citymap.fitted(c, ageOf(layer), left + em * (SYMBOL + 0.5), middle + em * 0.55, each - em * (SYMBOL + 1.2));
      });
      let top = y + this.plainHigh;
      for (const { layer, lines } of this.explained) {
        const middle = top + em * 1.15;
        this.name(layer, x, middle, this.wide - em * (SYMBOL + 0.5), [layer.label, layer.printed.count ?? layer.count, layer.printed.title].filter(Boolean).join("  "));
        lines.forEach((items, n) => items.forEach((item) => this.item(item, x + em * (SYMBOL + 0.5) + item.at, middle + em * (0.75 + n * 1.2))));
        top += this.rowHigh(lines);
      }
    }

    name({ picture }, left, middle, room, text) {
      const { c, em } = this;
      const side = em * SYMBOL;
      c.filter = this.filter;
      c.fillStyle = citymap.ink.ground;
      c.fillRect(left, middle - side / 2, side, side);
      if (picture.width) c.drawImage(picture, left, middle - side / 2, side, side);
      c.filter = "none";
      c.font = `600 ${em * 0.95}px ${citymap.family}`;
      c.fillStyle = INK;
      citymap.fitted(c, text, left + side + em * 0.5, middle - em * 0.45, room);
    }

    item({ swatch, text, ...one }, left, middle) {
      const { c, em } = this;
      if (swatch) this.swatch(one, left, middle - em * 0.42, em * 1.3, em * 0.84);
      this.small();
      c.fillStyle = swatch ? INK : SOFT;
      c.fillText(text, left + (swatch ? em * 1.6 : 0), middle);
    }

    /** A class as it lies on the map: on the ground, as opaque. */
    swatch({ colour, alpha = 1, unknown }, left, top, wide, high) {
      const { c, em } = this;
      c.save();
      c.beginPath();
      c.rect(left, top, wide, high);
      c.clip();
      c.filter = this.filter;
      c.fillStyle = citymap.ink.ground;
      c.fillRect(left, top, wide, high);
      c.globalAlpha = alpha;
      c.fillStyle = c.strokeStyle = colour;
      c.lineWidth = em * 0.09;
      if (!unknown) c.fillRect(left, top, wide, high);
      else {
        c.beginPath();
        for (let at = left - high; at < left + wide; at += em * 0.35) {
          c.moveTo(at, top);
          c.lineTo(at + high, top + high);
        }
        c.stroke();
      }
      c.restore();
    }
  };
})();

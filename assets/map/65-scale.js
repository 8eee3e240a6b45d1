/* The scale bar, and whom the ground is owed to: `citymap.owed` has it by the name of who draws. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  citymap.owed = new Map();
  const owed = () => [...new Set([citymap.attribution, ...citymap.owed.values()].filter(Boolean))].join(" · ");

  /** The largest of 1, 2, 5, 10, … that is no more than `most`. */
  function round(most) {
    const power = 10 ** Math.floor(Math.log10(most));
    return [5, 2, 1].find((n) => n * power <= most) * power;
  }

  citymap.Scale = class {
    constructor(root) {
      this.text = hall.make("span");
      this.bar = hall.make("i");
      this.owed = hall.make("span.map-owed");
      this.node = hall.make("div.map-scale", {}, [this.owed, this.text, this.bar]);
      root.append(this.node);
    }

    /** For the present frame: a round length of at most six glyphs. */
    show(frame) {
      const middle = (frame.top + frame.height / 2) / frame.scale;
      const perPixel = 1 / (citymap.perMetre(middle) * frame.scale);
      const metres = round(perPixel * frame.glyph * 6);
      hall.setText(this.text, metres >= 1000 ? `${hall.format.number(metres / 1000)} km` : `${hall.format.number(metres)} m`);
      this.bar.style.width = `${Math.round(metres / perPixel)}px`;
      hall.setText(this.owed, owed());
    }

    remove() {
      this.node.remove();
    }
  };
})();

/* Boundaries of administrative levels as a layer of the map (33-boundaries.js); its row stands in the legend where there are any. */
"use strict";

(function () {
  const citymap = window.hall.citymap;
  citymap.layer({
    name: "boundaries",
    legend: {
      before: "cells",
      swatch(c, r) {
        c.lineWidth = r * 0.18;
        c.strokeStyle = "#8fa9c9";
        c.setLineDash([r * 0.5, r * 0.22]);
        c.beginPath();
        for (const [x, y] of [[-0.9, -0.2], [-0.1, -0.7], [0.9, -0.3], [0.6, 0.7], [-0.6, 0.6], [-0.9, -0.2]]) c.lineTo(x * r, y * r);
        c.stroke();
        c.setLineDash([]);
      },
    },
    make(host) {
      const boundaries = new citymap.Boundaries(host);
      host.ground.areaNames = (c, frame) => boundaries.names(frame);
      Object.defineProperty(host.ground.areaNames, "version", { get: () => boundaries.version });
      return {
        over: (c, frame) => boundaries.draw(c, frame),
        counts: () => boundaries.counts(),
        choose(shown) {
          boundaries.choose(shown);
          host.draw("over");
        },
        attach: () => (boundaries.row.button.hidden = !boundaries.levels.length),
        tick: () => boundaries.tick(),
        note: () => boundaries.note(),
      };
    },
  });
})();

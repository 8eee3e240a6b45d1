/* Areas coloured by a live measure, as a layer of the map (38-measures.js). */
"use strict";

(function () {
  const citymap = window.hall.citymap;
  citymap.layer({
    name: "measures",
    topics: ["kpi"],
    legend: {
      before: "cells",
      off: true,
      swatch(c, r) {
        citymap.RAMPS.worse.slice(1, 4).forEach((colour, i) => {
          c.fillStyle = colour;
          c.fillRect(r * (i * 0.57 - 0.85), -r * 0.6, r * 0.57, r * 1.2);
        });
      },
    },
    make: (host) => new citymap.Measures(host),
  });
})();

/* Heat of past cases, as a layer of the map (39-heat.js); it goes along with a view that is passed on. */
"use strict";

(function () {
  const citymap = window.hall.citymap;
  citymap.layer({
    name: "heat",
    legend: {
      before: "cells",
      off: true,
      swatch(c, r) {
        [2, 1].forEach((i) => {
          c.fillStyle = citymap.HEAT[4 - i];
          c.beginPath();
          c.arc(0, 0, r * 0.42 * i, 0, 2 * Math.PI);
          c.fill();
        });
      },
    },
    make: (host) => new citymap.Heat(host),
  });
})();

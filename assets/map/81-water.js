/* Depth of water, as a layer of the map (39-depth.js); read after the coloured areas, so that a wet place is pointed at first. */
"use strict";

(function () {
  const citymap = window.hall.citymap;
  citymap.layer({
    name: "depth",
    topics: ["raster"],
    legend: {
      before: "measures",
      swatch(c, r) {
        [0, 2, 3].forEach((level, i) => {
          c.fillStyle = citymap.DEPTHS[level];
          c.fillRect(r * (i * 0.57 - 0.85), -r * 0.6, r * 0.57, r * 1.2);
        });
      },
    },
    make: (host) => new citymap.Depth(host),
  });
})();

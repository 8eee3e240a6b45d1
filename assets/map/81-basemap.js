/* The vector tiles as a part of the map: they replace the GeoJSON basemap as soon as there is a map to paint. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  /** Gives a ground its tiles; `draw()`: it must be drawn again. A part as 79-layers.js has it. */
  citymap.tilesOn = function (ground, draw) {
    const tiles = (ground.tiles = new citymap.Tiles({
      renew: (box) => {
        ground.renew(box);
        draw();
      },
      told: () => citymap.owed.set("tiles", tiles.attribution),
    }));
    return {
      still(c, frame) {
        ground.tiled = tiles.look(frame) && (tiles.begun || !ground.basemap.length);
        if (!ground.tiled || !ground.shown.basemap) return;
        if (!ground.districts.length) {
          c.fillStyle = citymap.LAND;
          c.fillRect(0, 0, frame.width, frame.height);
        }
        tiles.paint(c, frame);
      },
      note: () => (tiles.fault ? hall.t("map.tiles-missing", { why: tiles.fault }) : ""),
      remove: () => tiles.remove(),
    };
  };

  /** The last tile that was wanted is painted at once: the city is whole then. Those before it as the map has time. */
  const due = (host) => (host.ground.tiles.store.whole ? host.hurry("ground") : host.draw("ground"));
  citymap.layer({ name: "basemap-tiles", make: (host) => citymap.tilesOn(host.ground, () => due(host)) });
})();

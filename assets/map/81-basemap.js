/* The vector tiles as a part of the map: they replace the GeoJSON basemap as soon as there is a map to paint. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  citymap.layer({
    name: "basemap-tiles",
    make(host) {
      const { ground } = host;
      const tiles = (ground.tiles = new citymap.Tiles({
        renew: (box) => {
          if (ground.renew) ground.renew(box);
          else ground.stillFrame = null;
          host.draw("ground");
        },
        told: () => citymap.owed.set("tiles", tiles.attribution),
      }));
      return {
        still(c, frame, part) {
          const there = tiles.look(frame);
          ground.tiled = there && (tiles.begun || !ground.basemap.length);
          if (!ground.tiled || !ground.shown.basemap) return;
          if (!ground.districts.length) {
            c.fillStyle = citymap.LAND;
            c.fillRect(0, 0, frame.width, frame.height);
          }
          tiles.paint(c, frame, part);
        },
        note: () => (tiles.fault ? hall.t("map.tiles-missing", { why: tiles.fault }) : ""),
        counts: () => ({ tiles: tiles.held.tiles }),
        remove: () => tiles.remove(),
      };
    },
  });
})();

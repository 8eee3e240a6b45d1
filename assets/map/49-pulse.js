/* A ring that beats a few times around what has just been reported. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const MOST = 6;

  citymap.Pulses = class {
    constructor() {
      this.markers = [];
    }

    show(map, entry, glyph) {
      this.markers = this.markers.filter((marker) => map.hasLayer(marker));
      if (this.markers.length >= MOST) return;
      const size = Math.round(glyph * 2.4);
      const html = `<i class="map-pulse-ring" style="border-color:${citymap.colours[entry.severity]}"></i>`;
      const icon = L.divIcon({ className: "map-pulse", html, iconSize: [size, size] });
      const marker = L.marker([entry.lat, entry.lon], { icon, interactive: false, keyboard: false });
      this.markers.push(marker);
      marker.addTo(map);
      marker.getElement().firstChild.addEventListener("animationend", () => marker.remove());
    }
  };
})();

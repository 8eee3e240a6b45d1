/* Every Leaflet map of the page.
 *
 * hall.maps[id of its element]
 * hall.citymap.whenMap(element, call) -> stop()   calls with the map inside `element`, now or when it comes
 * hall.citymap.rests(map, {center, zoom})         whether a map rests at a view, to the pixel
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});

  if (window.L) { // a map that glides on does so by whole px: between them every canvas would be resampled
    const run = L.PosAnimation.prototype._runFrame;
    L.PosAnimation.prototype._runFrame = function (progress) {
      run.call(this, progress, true);
    };
    // While a zoom is animated Leaflet forgets what view it is told to show, or leaves it at the end: what runs is ended first.
    // Who zooms by hand (`zoom` among the options) goes on at the pace of the animation.
    const show = L.Map.prototype.setView;
    L.Map.prototype.setView = function (centre, zoom, options) {
      if (this._animatingZoom && !(options && "zoom" in options)) this._onZoomTransitionEnd();
      return show.call(this, centre, zoom, options);
    };
    const drag = L.Draggable.prototype._updatePosition; // as does a hand: Leaflet divides its way by 3794.5 / 3795 where a panel is so wide
    L.Draggable.prototype._updatePosition = function () {
      this._newPos._round();
      drag.call(this);
    };
  }

  const waiting = new Set();
  hall.maps = hall.maps || {};
  if (window.L) {
    L.Map.addInitHook(function () {
      const map = this;
      map.whenReady(() => {
        hall.maps[map.getContainer().id] = map;
        map.on("unload", () => {
          if (hall.maps[map.getContainer().id] === map) delete hall.maps[map.getContainer().id];
        });
        for (const call of [...waiting]) call(map);
      });
    });
  }
  const SAME = 1e-6; // of a zoom level: worked out from another view a zoom differs in its last digits
  /** To go there again would draw everything anew, which a start did three times. */
  citymap.rests = (map, { center, zoom }) => !!map._loaded && !map._animatingZoom && Math.abs(map.getZoom() - zoom) < SAME &&
    map.project(center, zoom).distanceTo(map.project(map.getCenter(), zoom)) < 1;

  /** Calls `call(map)` for the map inside `element`, now or when it comes; returns a function that stops waiting. */
  citymap.whenMap = function (element, call) {
    const take = (map) => {
      if (!element.contains(map.getContainer())) return false;
      waiting.delete(take);
      call(map);
      return true;
    };
    waiting.add(take);
    for (const map of Object.values(hall.maps)) if (take(map)) break;
    return () => waiting.delete(take);
  };
})();

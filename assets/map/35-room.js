/* Who may write where: what stands over the map, the warnings' plates, symbols with their labels, units' names, names of the ground.
 *
 * In this order; each is laid out in px of one frame and keeps off those before it. `host` is a CityMap.
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});

  /** Before all labels: the legend, the scale and the keys, which lie over the map, and the warnings' plates. */
  citymap.reserve = function (host, c, frame, boxes) {
    if (host.reservedFrame !== frame) {
      host.reservedFrame = frame;
      host.reserved = frame.corner ? overlays(host, frame) : [];
    }
    for (const box of host.reserved) boxes.put(...box);
    citymap.layPlates(host.ground, c, frame, boxes);
  };

  /** What stands over the map for longer than a card; of another size (a key that unfolds) it has another box. */
  function standing(host) {
    const nodes = [...host.legend.node.parentElement.children].filter((node) => !node.matches(".leaflet-container, .map-card"));
    if (!host.watching) {
      host.watching = new ResizeObserver(() => {
        host.reservedFrame = null;
        if (host.map) host.draw("things");
      });
    }
    for (const node of nodes) if (!watched.has(node)) watched.add(node), host.watching.observe(node);
    return nodes;
  }
  const watched = new WeakSet();

  /** Boxes of what stands over the map, in px of the frame. */
  function overlays(host, frame) {
    const map = host.map.getContainer().getBoundingClientRect();
    const fit = map.width / host.map.getSize().x || 1; // the page may be scaled
    const corner = host.map.layerPointToContainerPoint(frame.corner);
    return standing(host).map((node) => node.getBoundingClientRect()).filter(({ width, height }) => width && height).map((box) =>
      [(box.left - map.left) / fit - corner.x, (box.top - map.top) / fit - corner.y, (box.right - map.left) / fit - corner.x, (box.bottom - map.top) / fit - corner.y]);
  }

  const always = () => true;
  /** What the ground's names keep off, in this frame; null where nothing is known for it. */
  citymap.taken = function ({ things, movers }, frame) {
    const symbols = things.boxes && things.boxes.frame === frame ? things.boxes : null;
    const units = movers.written && movers.written.frame === frame ? movers.written.boxes : null;
    return { free: (...box) => (!symbols || symbols.free(...box)) && (!units || units.free(...box)) };
  };

  /** What the units' names keep off. */
  citymap.obstacles = function ({ things, ground }, frame) {
    const named = ground.namedFrame === frame && ground.ownNames;
    const stale = !things.boxes || things.boxes.frame !== frame; // laid out for another frame: they are drawn after this
    return { stale, free: things.boxes && !stale ? (...box) => things.boxes.free(...box) : always, unnamed: named ? (...box) => named.free(...box) : always };
  };
})();

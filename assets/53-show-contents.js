/* How pushed messages, cameras and map views are shown. Everything is set as text, never as HTML. */
"use strict";

(function () {
  const hall = window.hall;
  const AFTER_MS = 1000;
  const LARGEST_EM = 7;
  const SMALLEST_EM = 1;

  // -- a message: as large as it fits ---------------------------------------------------------------------------------

  function fit(holder, text) {
    for (let size = LARGEST_EM; size >= SMALLEST_EM; size -= 0.5) {
      text.style.fontSize = `${size}em`;
      if (text.scrollHeight <= holder.clientHeight && text.scrollWidth <= holder.clientWidth) return;
    }
    holder.classList.add("is-long"); // it can be scrolled; nothing of it is made smaller than everything else on the wall
  }

  hall.show.content("message", (push) => {
    const level = push.content.severity || 0;
    const mark = hall.make("div.show-message-mark");
    hall.severity.mark(mark, level);
    const text = hall.make("p.show-message-text", {}, push.content.text);
    const from = hall.make("p.show-message-from", {}, hall.t("show.from", { who: push.who, role: hall.word("desk.role", push.role), at: hall.format.time(push.since) }));
    const holder = hall.make("div.show-message-holder", {}, text);
    const node = hall.make("div.show-message", { "data-level": level }, [mark, holder, from]);
    const ready = new Promise((resolve) => requestAnimationFrame(resolve)).then(() => fit(holder, text));
    return { node, ready };
  });

  // -- a camera: its moving picture (assets/video/60-live.js) ------------------------------------------------------------

  hall.show.content("camera", (push) => {
    hall.link.want(["channel", "picture"]);
    return hall.video.live(push.content.subject, { large: true, why: `wall:${hall.page.wall.name}` });
  });

  // -- a map view: a map of its own, so that it can stand on any screen of any wall ---------------------------------------

  let maps = 0;

  function mapPanel(content) {
    const home = { "data-lon": content.lon, "data-lat": content.lat, "data-zoom": content.zoom, "data-fixed": "1", hidden: "" };
    maps += 1;
    const ground = hall.make("div.show-map-ground", { id: `show-map-${maps}` });
    const parts = [hall.make("div.map-frame", {}, ground), hall.make("div.map-home", home), hall.make("div.map-overlay")];
    const declared = { "data-panel": "city_map", "data-topics": hall.citymap.topics().join(" "), "data-needs": "dispatch", "data-feeds": "case observation position channel warning", "data-state": "lost" };
    return { ground, node: hall.make("section.panel.panel-city_map.panel-bare.show-map", declared, hall.make("div.panel-body", {}, parts)) };
  }

  hall.show.content("map", (push) => {
    const { lon, lat, zoom, marker, title, view } = push.content;
    const { ground, node } = mapPanel(push.content);
    if (title) node.append(hall.make("h2.show-map-title", {}, title));
    let host = null;
    let viewed = !view;
    /** Layers, filters, moment as they were pushed, once the painter of this map is there. */
    const along = () => {
      if (viewed || !node.isConnected) return;
      host = host || [...hall.citymap.live].find((one) => one.element === node && one.map);
      if (!host) return;
      viewed = true;
      hall.citymap.showView(host, view);
    };
    let map = null;
    const ready = new Promise((resolve) => requestAnimationFrame(resolve)).then(() => {
      if (!node.isConnected) return null;
      map = L.map(ground, { center: [lat, lon], zoom, minZoom: 5, maxZoom: 19, zoomSnap: 0, zoomControl: false, attributionControl: false, preferCanvas: true });
      if (marker) {
        const html = hall.make("span.show-marker", {}, [hall.make("i.show-marker-pin"), hall.make("b", {}, marker)]);
        L.marker([lat, lon], { icon: L.divIcon({ className: "show-marker-icon", html, iconSize: null }), keyboard: false }).addTo(map);
      }
      return Promise.all(["basemap", "districts", "cells"].map(hall.citymap.geography)).then(along);
    });
    return { node, ready, tick: along, remove: () => map && setTimeout(() => map.remove(), AFTER_MS) }; // once its painter has let go of it
  });
})();

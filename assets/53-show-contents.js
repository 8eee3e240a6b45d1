/* How pushed messages, cameras and map views are shown. Everything is set as text, never as HTML. */
"use strict";

(function () {
  const hall = window.hall;
  const REFRESH_MS = 10000;
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

  // -- a camera: its newest picture, whose it is, how old it is ---------------------------------------------------------

  const posterOf = (subject, width) => `/video/poster/${subject.split("/").map(encodeURIComponent).join("/")}.jpg?w=${width}&t=${Math.floor(hall.clock.real() / 5000)}`;

  /** A picture that renews itself: {node, ready, tick, remove}; `told()` gives the words under it. */
  hall.livePoster = function (subject, width) {
    const picture = hall.make("img.live-poster-image", { alt: hall.t("show.what.camera") });
    const missing = hall.make("span.live-poster-missing", {}, hall.t("poster.waiting"));
    const name = hall.make("b.live-poster-name");
    const about = hall.make("span.live-poster-about");
    const caption = hall.make("figcaption", {}, [name, about]);
    const node = hall.make("figure.live-poster", { "data-subject": subject }, [hall.make("div.live-poster-frame", {}, [picture, missing]), caption]);
    let good = 0;
    let asked = -Infinity;
    let failed = false;

    function words() {
      const event = hall.store.get(subject);
      const channel = event ? event.data : {};
      hall.setText(name, channel.name || channel.channel_id || subject.split("/").slice(2).join("/"));
      const offline = channel.state === "offline" ? `✕ ${hall.t("channel.offline")}` : "";
      const age = good ? hall.t("show.picture-age", { age: hall.format.duration(hall.clock.real() - good) }) : "";
      hall.setText(about, [channel.owner, offline, age].filter(Boolean).join(" · "));
      hall.setText(missing, good && !failed ? "" : failed ? hall.t("poster.missing") : hall.t("poster.waiting"));
      missing.hidden = !!good;
      node.classList.toggle("is-old", !!good && hall.clock.real() - good > 3 * REFRESH_MS);
    }
    const ready = new Promise((resolve) => {
      picture.addEventListener("load", () => ((good = hall.clock.real()), (failed = false), words(), resolve()));
      picture.addEventListener("error", () => ((failed = true), words(), resolve()));
    });
    function tick() {
      if (performance.now() - asked > REFRESH_MS && hall.link.state === "live") {
        asked = performance.now();
        picture.src = posterOf(subject, width);
      }
      words();
    }
    tick();
    return { node, ready, tick, remove: () => picture.removeAttribute("src") };
  };

  const width = (box) => Math.min(3840, Math.max(320, Math.round((box.width * devicePixelRatio) / 160) * 160));

  hall.show.content("camera", (push, frame) => {
    hall.link.want(["channel"]);
    const poster = hall.livePoster(push.content.subject, width(frame.box));
    poster.node.classList.add("is-large");
    return poster;
  });

  // -- a map view: a map of its own, so that it can stand on any screen of any wall ---------------------------------------

  const TOPICS = "case sensor observation position channel warning alarm kpi";
  let maps = 0;

  function mapPanel(content) {
    const home = { "data-lon": content.lon, "data-lat": content.lat, "data-zoom": content.zoom, "data-fixed": "1", hidden: "" };
    maps += 1;
    const ground = hall.make("div.show-map-ground", { id: `show-map-${maps}` });
    const parts = [hall.make("div.map-frame", {}, ground), hall.make("div.map-home", home), hall.make("div.map-overlay")];
    const declared = { "data-panel": "city_map", "data-topics": TOPICS, "data-needs": "dispatch", "data-feeds": "case observation position channel warning", "data-state": "lost" };
    return { ground, node: hall.make("section.panel.panel-city_map.panel-bare.show-map", declared, hall.make("div.panel-body", {}, parts)) };
  }

  hall.show.content("map", (push) => {
    const { lon, lat, zoom, marker } = push.content;
    const { ground, node } = mapPanel(push.content);
    let map = null;
    const ready = new Promise((resolve) => requestAnimationFrame(resolve)).then(() => {
      if (!node.isConnected) return null;
      map = L.map(ground, { center: [lat, lon], zoom, minZoom: 5, maxZoom: 19, zoomSnap: 0, zoomControl: false, attributionControl: false, preferCanvas: true });
      if (marker) {
        const html = hall.make("span.show-marker", {}, [hall.make("i.show-marker-pin"), hall.make("b", {}, marker)]);
        L.marker([lat, lon], { icon: L.divIcon({ className: "show-marker-icon", html, iconSize: null }), keyboard: false }).addTo(map);
      }
      return Promise.all(["basemap", "districts", "cells"].map(hall.citymap.geography));
    });
    return { node, ready, remove: () => map && setTimeout(() => map.remove(), AFTER_MS) }; // once its painter has let go of it
  });
})();

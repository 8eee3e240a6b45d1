/* A view that is passed on: by the address of /map, to a wall, to other windows in step.
 *
 * hall.citymap.viewOf(host)          {lon, lat, zoom, shown: {layer: bool}, parts: {name: JSON}}; only layers that somebody
 *                                    switched; parts are what citymap.part() declared (84-tools.js)
 * hall.citymap.showView(host, view)  the same back; what it does not name stays as it is
 * /map?lon=&lat=&zoom=&subject=&view=   opens one; the address follows the view, so that it can be passed on
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make } = hall;
  const MOST = 1500; // characters of the address that layers and parts may take
  const broken = new Set(); // parts that failed: told once, the others go along
  const rounded = (value, digits) => Number(value.toFixed(digits));
  const switched = new WeakMap(); // host -> names of layers that somebody switched

  const layersOf = (host) => Object.fromEntries([...host.legend.rows].map(([name, { button }]) => [name, button.getAttribute("aria-pressed") === "true"]));

  citymap.viewOf = function (host) {
    const { lng, lat } = host.map.getCenter();
    const own = switched.get(host) || new Set();
    const shown = Object.fromEntries(Object.entries(layersOf(host)).filter(([name]) => own.has(name)));
    const parts = {};
    for (const [name, part] of citymap.parts) {
      try {
        const value = part.get(host);
        if (value != null) parts[name] = value;
      } catch (error) {
        if (!broken.has(name)) console.warn(`hall: ${name} does not go along with the view`, error);
        broken.add(name);
      }
    }
    return { lon: rounded(lng, 6), lat: rounded(lat, 6), zoom: rounded(citymap.refZoom(host), 2), shown, parts };
  };

  citymap.showView = function (host, { lon, lat, zoom, shown = {}, parts = {} }) {
    if (Number.isFinite(lon)) host.focus(lon, lat, zoom, { own: true });
    for (const [name, on] of Object.entries(shown)) {
      const row = host.legend.rows.get(name);
      if (!row) continue;
      if ((row.button.getAttribute("aria-pressed") === "true") !== on) row.button.click();
      else if (row.button.hidden) host.toggle(name, on); // a field that has not come yet: what it will be then
    }
    for (const [name, part] of citymap.parts) {
      try {
        part.set(host, name in parts ? parts[name] : null);
      } catch (error) {
        console.error(`hall: ${name} of a view that was passed on`, error);
      }
    }
  };

  // -- the address ---------------------------------------------------------------------------------------------------------

  function follow(host) {
    if (!citymap.page || citymap.page.view !== host) return;
    const address = new URL(location.href);
    const { lon, lat, zoom, shown, parts } = citymap.viewOf(host);
    const more = Object.keys(shown).length || Object.keys(parts).length ? JSON.stringify({ shown, parts }) : "";
    const values = host.touched ? { lon: lon.toFixed(5), lat: lat.toFixed(5), zoom: zoom.toFixed(1) } : {};
    for (const name of ["lon", "lat", "zoom"]) {
      if (values[name]) address.searchParams.set(name, values[name]);
      else address.searchParams.delete(name);
    }
    if (more && more.length <= MOST) address.searchParams.set("view", more);
    else address.searchParams.delete("view");
    address.searchParams.delete("subject");
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }

  /** The place of the address, as soon as there is a map: later somebody may have moved it. */
  function place(host) {
    const number = (name) => (hall.query.get(name) === null ? NaN : Number(hall.query.get(name)));
    const [lon, lat, zoom] = ["lon", "lat", "zoom"].map(number);
    if (Number.isFinite(lon) && Math.abs(lon) <= 180 && Math.abs(lat) <= 85) host.focus(lon, lat, zoom >= 3 && zoom <= 20 ? zoom : 15, { own: true });
  }

  /** What needs the stream: layers, parts, a thing that is named. */
  async function open(host) {
    let more = {};
    try { more = JSON.parse(hall.query.get("view") || "{}"); } catch (_) { more = {}; }
    if (hall.query.get("view")) citymap.showView(host, { shown: more.shown, parts: more.parts });
    const subject = hall.query.get("subject");
    if (subject) await openSubject(host, subject);
  }

  const KIND = { case: "case", crew: "crew", position: "crew", channel: "camera", sensor: "gauge", component: "component" };
  /** A thing that a link names: as the stream has it, else as the search knows it. */
  async function openSubject(host, subject) {
    const kind = KIND[subject.split("/")[0]] || "place";
    const say = (text) => citymap.page && citymap.page.tell(text);
    const known = hall.store.get(subject);
    if (known && known.data.lon != null) return citymap.goTo(host, { subject, kind, title: known.data.name || known.data.case_id || "", ...known.data });
    try {
      const q = kind === "component" ? subject.slice(10) : subject.split("/").slice(kind === "crew" && subject.startsWith("crew/") ? 1 : 2).join("/");
      const found = await hall.ask(`/api/v1/find?q=${encodeURIComponent(q)}&kinds=${kind}`);
      const row = found.groups.flatMap((group) => group.rows).find((one) => one.subject === subject);
      if (!row || row.lon == null) return say(hall.t(row ? "mappage.no-place" : "mappage.not-found", { name: q }));
      citymap.goTo(host, { ...row, kind });
      if (kind === "component") citymap.openComponent(host, row);
    } catch (error) {
      say(hall.failed(error));
    }
  }

  citymap.layer({
    name: "address",
    make(host) {
      const own = new Set();
      switched.set(host, own);
      host.legend.node.addEventListener("click", (event) => event.target.closest("[data-layer]") && own.add(event.target.closest("[data-layer]").dataset.layer));
      let ready = false;
      return {
        attach: () => host.element.closest(".map-page") && place(host),
        tick() {
          if (!citymap.page || citymap.page.view !== host || !hall.store.ready) return;
          if (!ready) {
            ready = true;
            open(host);
          } else follow(host);
        },
        changed: () => ready && follow(host),
      };
    },
  });

  // -- to a wall -------------------------------------------------------------------------------------------------------------

  citymap.tool({
    name: "push", order: 420, key: "w", may: () => hall.may("push-to-wall"),
    act: (view) => hall.desk.pushMenu(citymap.viewOf(view)),
  });
  citymap.tool({
    name: "link", order: 430, key: "v",
    async act(view, page) {
      follow(view);
      try {
        await navigator.clipboard.writeText(location.href);
        page.tell(hall.t("mappage.copied"));
      } catch (_) {
        page.tell(location.href); // a browser that gives no clipboard: it can be read
      }
    },
  });

  // -- from elsewhere ----------------------------------------------------------------------------------------------------------

  /** A link "on the map" to a place or a thing: {lon, lat, zoom} or {subject}. */
  citymap.linkTo = ({ lon, lat, zoom = 16, subject }) => {
    const query = new URLSearchParams(subject ? { subject } : { lon: lon.toFixed(6), lat: lat.toFixed(6), zoom: String(zoom) });
    if (hall.locale !== hall.page.languages[0]) query.set("lang", hall.locale);
    return make("a.on-map", { href: `/map?${query}` }, hall.t("mappage.open"));
  };
})();

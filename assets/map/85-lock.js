/* Whose view a map shows: the city's (it may return there by itself), somebody's (held: nothing but people moves it, not even a reload
 * or another layout), or a locked one (whoever else wants to show something asks first). Every map of walls, desk and /map.
 *
 * host.held()      since when (real ms) somebody's view is held, null while it is the city's
 * host.locked      whether it is locked
 * host.lock(on)    locks, unlocks
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make } = hall;
  const LONGEST_MS = 12 * 3600 * 1000; // what was held longer ago than a shift is nobody's any more
  const listeners = new Set();

  /** Which map of which browser it is: the view stays with the wall, whatever layout it shows. */
  const keyOf = () => `hall-view:${hall.page.wall ? `wall/${hall.page.wall.name}/${hall.page.wall.part || ""}` : location.pathname}`;
  const tell = (host) => listeners.forEach((call) => call(host));
  citymap.onView = (call) => (listeners.add(call), () => listeners.delete(call));

  class Hold {
    constructor(host) {
      this.host = host;
      this.since = null;
      this.fixed = () => !!host.element.querySelector(".map-home").dataset.fixed;
      this.text = make("span");
      this.lockButton = make("button", { type: "button" });
      this.homeButton = make("button", { type: "button" });
      this.question = make("span.map-hold-question", { role: "alert" });
      this.node = make("div.map-hold", { role: "group", hidden: "" }, [this.text, this.question, this.lockButton, this.homeButton]);
      this.lockButton.onclick = () => (this.wanted ? this.answer(false) : this.lock(!host.locked));
      this.homeButton.onclick = () => (this.wanted ? this.answer(true) : this.home());
      host.root.append(this.node);
      host.locked = false;
      host.held = () => this.since;
      host.lock = (on) => this.lock(on);
      host.asked = (lon, lat, zoom) => this.ask({ lon, lat, zoom });
    }

    attach(map) {
      if (this.fixed()) return;
      const container = map.getContainer();
      const own = () => citymap.moved(this.host);
      container.addEventListener("keydown", (event) => (event.key.startsWith("Arrow") || "+-=_".includes(event.key)) && own());
      container.addEventListener("dblclick", own);
      container.addEventListener("touchmove", own, { passive: true });
      map.on("moveend", () => this.changed());
      this.restore();
    }

    /** The view is at rest. */
    changed() {
      const { host } = this;
      if (!host.map || this.fixed()) return;
      if (!host.touched) this.since = null;
      else if (this.since == null && !this.shown) this.since = Date.now();
      this.shown = false;
      this.keep();
      this.paint();
      tell(host);
    }

    keep() {
      try {
        if (this.since == null && !this.host.locked) return sessionStorage.removeItem(keyOf());
        const { lng, lat } = this.host.map.getCenter();
        sessionStorage.setItem(keyOf(), JSON.stringify({ lon: lng, lat, zoom: citymap.refZoom(this.host), since: this.since, locked: this.host.locked }));
      } catch (_) { /* a browser that keeps nothing */ }
    }

    restore() {
      let kept = null;
      try { kept = JSON.parse(sessionStorage.getItem(keyOf()) || "null"); } catch (_) { kept = null; }
      if (!kept || !Number.isFinite(kept.lon) || Date.now() - (kept.since || 0) > LONGEST_MS) return;
      this.since = kept.since;
      this.host.locked = !!kept.locked;
      this.host.focus(kept.lon, kept.lat, kept.zoom, { own: true });
    }

    lock(on) {
      this.host.locked = on;
      if (on && this.since == null) {
        citymap.moved(this.host);
        this.since = Date.now();
      }
      this.wanted = null;
      this.keep();
      this.paint();
      tell(this.host);
    }

    home() {
      this.host.locked = false;
      this.since = null;
      this.host.home();
      this.keep();
      this.paint();
      tell(this.host);
    }

    /** Something else wants this map to show a place: true while the view is locked, then people are asked. What the page shows by
     * itself (the case that was opened) is nobody's view. */
    ask(wanted) {
      if (!this.host.locked) {
        this.shown = true;
        return false;
      }
      this.wanted = wanted;
      this.paint();
      return true;
    }

    answer(go) {
      const { wanted } = this;
      this.wanted = null;
      if (go && wanted.act) wanted.act();
      else if (go) this.host.focus(wanted.lon, wanted.lat, wanted.zoom, { own: true });
      this.paint();
    }

    paint() {
      const { host, wanted } = this;
      this.node.hidden = this.since == null && !host.locked;
      this.node.dataset.locked = String(!!host.locked);
      if (this.node.hidden) return;
      const age = hall.format.duration(Date.now() - this.since);
      hall.setText(this.text, hall.t(host.locked ? "mappage.locked" : "mappage.held", { age }));
      hall.setText(this.question, wanted ? hall.t("mappage.wants", { what: wanted.what || hall.t("mappage.another-place") }) : "");
      hall.setText(this.lockButton, hall.t(wanted ? "mappage.stay" : host.locked ? "mappage.unlock" : "mappage.lock"));
      hall.setText(this.homeButton, hall.t(wanted ? "mappage.go-there" : "mappage.home"));
      this.node.setAttribute("aria-label", hall.t("mappage.view"));
    }

    tick() {
      if (this.since != null && !this.host.touched && !this.host.locked) this.changed(); // it went home by another way
      this.paint();
    }

    locale() {
      this.paint();
    }

    remove() {
      this.node.remove();
    }
  }

  citymap.layer({ name: "hold", make: (host) => new Hold(host) });
  citymap.tool({ name: "lock", order: 330, key: "k", state: () => ({ on: !!(citymap.page && citymap.page.view && citymap.page.view.locked) }), act: (view) => view.lock(!view.locked) });
  citymap.tool({ name: "home", order: 340, key: "h", act: (view) => view.layers.get("hold").home() });
})();

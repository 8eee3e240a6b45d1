/* What clusters and trails need of the map itself: where cameras are only counted, whose trail is asked for, opening a member of a cluster,
 * symbols by keyboard.
 *
 * On the focused map: n and Shift+n go through what is in view (80-steps.js), the most severe first; Enter opens the one that is shown or goes into
 * the area, Escape lets go.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;

  const PUSHED_MINUTES = 10; // on a map that was pushed to a screen: it has no configuration of its own

  class Live {
    constructor(host) {
      this.host = host;
      const { things } = host;
      for (const clusters of [things.clusters, things.quietClusters, things.cameraClusters]) clusters.host = host;
      things.cameraCells = () => (host.cameras ? host.cameras.cells() : null);
      things.names = (frame) => (host.ground.namedFrame === frame ? host.ground.ownNames : null);
      host.show = (entry) => this.show(entry);
      const { trail } = host.element.querySelector(".map-home").dataset;
      host.movers.trails = new citymap.Trails(trail === undefined ? PUSHED_MINUTES : Number(trail));
      host.movers.trails.changed = () => host.draw("movers");
      const choose = host.choose.bind(host);
      host.choose = (subject) => this.choose(subject, choose);
      this.onKey = (event) => this.key(event);
    }

    attach(map) {
      this.map = map;
      this.host.cameras.counted = () => this.host.draw("things");
      map.getContainer().addEventListener("keydown", this.onKey);
    }

    /** Symbols are drawn after the movers: at a new place their names are written again, when it is known what they must keep off. */
    things(c, frame) {
      this.outline(c, frame);
      const { movers, stage } = this.host;
      if (!movers.blind || (stage && stage.moving)) return;
      movers.blind = false;
      queueMicrotask(() => this.host.stage && this.host.draw("movers"));
    }

    /** The area that the keys have come to. */
    outline(c, frame) {
      const { hit } = this.host.card;
      if (!this.at || !this.at.outline || !hit || hit.entry !== this.at.entry) return;
      c.beginPath();
      citymap.trace(c, frame, this.at.outline);
      for (const [wide, colour] of [[5, citymap.ink.ground], [2.5, "#ffffff"]]) {
        c.lineWidth = wide * frame.u;
        c.strokeStyle = colour;
        c.stroke();
      }
    }

    /** A warning by its plate. */
    hit(x, y) {
      return citymap.warningAt(this.host.ground, x, y);
    }

    /** Who is pointed at: a camera shows its sector, a mover its trail. */
    choose(subject, camera) {
      const { movers } = this.host;
      const mover = subject.startsWith("position/") ? subject : "";
      camera(mover ? "" : subject);
      queueMicrotask(() => this.host.map && this.host.layers.get("marks").look()); // the card has become another one
      if (movers.chosen === mover) return;
      movers.chosen = mover;
      this.host.draw("movers");
    }

    /** A thing's card beside its place, or large on a wall. */
    show(entry) {
      const { stage, card } = this.host;
      const { frame } = stage;
      const [x, y] = [frame.px(entry.x), frame.py(entry.y)];
      this.pin({ what: entry.what, entry, x, y, r: frame.glyph * 0.6 });
      card.focus();
    }

    pin(hit) {
      const { stage, card } = this.host;
      if (card.large(hit)) return;
      const { corner } = stage.frame;
      const at = this.map.layerPointToContainerPoint(L.point(hit.x + corner.x, hit.y + corner.y));
      card.show(hit, { x: at.x, y: at.y, r: hit.r }, true);
    }

    key(event) {
      if (event.target !== this.map.getContainer() || event.ctrlKey || event.altKey || event.metaKey || !this.host.stage) return;
      if (event.key === "n" || event.key === "N") this.step(event.shiftKey ? -1 : 1);
      else if (event.key === "Enter" && this.at) this.open();
      else if (event.key === "Escape" && this.at) this.leave();
      else return;
      event.preventDefault();
      event.stopImmediatePropagation(); // Escape closes the card first, then leaves the area
    }

    step(by) {
      const inside = citymap.steps(this.host);
      if (!inside.length) return;
      const outlined = this.at && this.at.outline;
      const now = this.at ? inside.findIndex((hit) => hit.entry === this.at.entry) : -1;
      this.at = inside[now < 0 ? (by > 0 ? 0 : inside.length - 1) : (now + by + inside.length) % inside.length];
      this.pin(this.at);
      if (outlined || this.at.outline) this.host.draw("things");
    }

    open() {
      const { at } = this;
      if (!at.enter && !at.entry.open) return this.host.card.focus();
      if (at.what !== "component") this.at = null; // its place is another one then
      if (at.enter) at.enter();
      else at.entry.open();
    }

    leave() {
      if (this.at.outline) this.host.draw("things");
      this.at = null;
      this.host.card.show(null);
    }

    remove() {
      if (this.map) this.map.getContainer().removeEventListener("keydown", this.onKey);
    }
  }

  citymap.layer({ name: "live", make: (host) => new Live(host) });
})();

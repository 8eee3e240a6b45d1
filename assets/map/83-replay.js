/* A map that shows the past: entered and left as a whole, so that live and replay cannot be mixed up. Each map for itself: another
 * map of the same page, and every other window, stays live.
 *
 * hall.citymap.replayOf(view)   the one of a map (citymap.layer's host), made when first asked for:
 *   .active .playing .speed .fault .loading .getTime() -> city ms, null: live
 *   .setTime(ms | null)    a moment, or back to live;  .play(speed) .pause()
 *   .onTime(call)          call(replay) after every change of moment, pace or state; returns a function that ends it
 * hall.replay                   that of the page /map: {active, playing, speed, getTime(), setTime(ms), onTime(call(ms))}
 *
 * While it is active, what the gate tells goes on into the live store and is not drawn; every method of the map runs with
 * citymap.past set. On /map nothing may be ordered meanwhile: requests that change anything are refused in the page (ALLOWED).
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const SPEEDS = [1, 10, 60, 600];
  const FRAME_MS = 66;
  const SLOW_MS = 250; // at the pace of the clock
  const AHEAD_MS = 2000; // of playing that is fetched before it is needed
  const HANDLESS_MS = 15 * 60 * 1000; // a wall returns to live by itself
  const RENEW_MS = 15000; // of what is kept
  /** What of a map works on documents or the moment: runs with citymap.past of its map. */
  const WRAPPED = { view: ["now", "drawGround", "drawThings", "point", "tick", "locale", "resize", "count", "renew", "toggle", "hitAt"], things: ["draw", "counts"], movers: ["draw", "ageAll"], ground: ["draw", "counts"], card: ["show", "tick", "fill"] };
  /** What may be sent from /map while it shows the past: nothing of it changes what the hall knows of the city. */
  const ALLOWED = [/^\/api\/v1\/(lock|acting|preferences|shows|notices)(\/|$)/, /^\/api\/v1\/video\/views$/, /^\/video\/whep\//, /^\/api\/v1\/map\/(selection|exports|exports\/pdf)$/, /^\/_/, /^\/sign-out/];

  const inside = (past, work) => {
    const before = citymap.past;
    citymap.past = past;
    try {
      return work();
    } finally {
      citymap.past = before;
    }
  };

  const ofPage = (view) => !!citymap.page && citymap.page.root.contains(view.element);

  class Replay {
    constructor(view) {
      this.view = view;
      this.past = new citymap.Past();
      this.active = this.playing = this.loading = false;
      this.speed = 60;
      this.fault = "";
      this.listeners = new Set();
      this.undo = [];
      this.asked = 0;
    }

    getTime() {
      return this.active ? this.moment : null;
    }

    onTime(call) {
      this.listeners.add(call);
      return () => this.listeners.delete(call);
    }

    tell() {
      for (const call of this.listeners) call(this);
    }

    /** What is kept, asked again when it is old; false with `fault` where there is nothing. */
    async known() {
      if (this.past.extent && performance.now() - this.asked < RENEW_MS) return true;
      try {
        await this.past.about();
        this.asked = performance.now();
        this.fault = this.past.extent.since === null ? "history-none" : "";
      } catch (error) {
        this.fault = error.reason || "http";
      }
      return !this.fault;
    }

    /** Goes to a moment; while one is fetched only the newest wish waits. */
    async setTime(ms) {
      this.hand();
      if (ms === null) return this.leave();
      this.wish = ms;
      if (this.loading) return undefined;
      this.loading = true;
      if (this.active) this.moment = ms;
      this.tell();
      try {
        while (this.wish !== null) {
          const wish = this.wish;
          this.wish = null;
          if (!(await this.known())) break;
          const changes = await this.past.seek(wish);
          if (!changes || this.left) continue;
          this.enter();
          this.moment = this.past.now;
          this.show(changes, true);
          this.fault = "";
        }
      } catch (error) {
        this.fault = error.reason || "http";
        if (!error.reason) console.error("hall: the past cannot be shown", error);
      }
      this.loading = this.left = false;
      this.tell();
      return undefined;
    }

    /** `sought`: somebody waits for this moment: it does not wait for the map's rest, which after a long picture is seconds. */
    show(changes, sought) {
      const { view } = this;
      inside(this.past, () => {
        this.originals.update.call(view, changes);
        view.movers.ageAll();
        view.render("ground", "movers", "things");
        if (sought && view.stage) view.stage.paint(); // one that rests already would wait on
      });
    }

    // -- live <-> past -----------------------------------------------------------------------------------------------------

    enter() {
      if (this.active) return;
      const { view, past } = this;
      this.active = true;
      this.originals = { update: view.update };
      view.past = past;
      for (const [name, methods] of Object.entries(WRAPPED)) {
        const target = name === "view" ? view : view[name];
        for (const method of methods) this.wrap(target, method);
      }
      this.set(view, "update", (changes) => this.pass(changes));
      this.set(view, "pulse", () => {}); // nothing has just been reported
      this.set(view.card, "large", () => false); // the large card is the live one, with its moves
      view.card.show(null);
      const gone = [];
      for (const topic of past.kept) for (const event of hall.store.docs(topic).values()) gone.push({ ...event, data: null });
      inside(past, () => this.originals.update.call(view, gone));
      view.element.classList.add("is-past");
      if (ofPage(view)) citymap.past = past; // what its tools ask and print is of that moment, too
      guard(this);
    }

    /** Of what comes in live, only what no moment is kept of. */
    pass(changes) {
      const passed = changes.filter((event) => !this.past.kept.has(hall.store.topicOf(event.subject)));
      if (passed.length) inside(this.past, () => this.originals.update.call(this.view, passed));
    }

    set(target, name, value) {
      const own = Object.getOwnPropertyDescriptor(target, name);
      target[name] = value;
      this.undo.push(() => (own ? Object.defineProperty(target, name, own) : delete target[name]));
    }

    wrap(target, name) {
      const method = target[name];
      if (typeof method !== "function") return;
      const { past } = this;
      this.set(target, name, function (...values) {
        return inside(past, () => method.apply(this, values));
      });
    }

    leave() {
      this.pause();
      this.wish = null;
      this.left = this.loading;
      if (!this.active) return this.tell();
      const { view, past } = this;
      this.active = false;
      view.card.show(null);
      const gone = [...past.byTopic.values()].flatMap((docs) => [...docs.values()].map((event) => ({ ...event, data: null })));
      inside(past, () => this.originals.update.call(view, gone));
      for (const undo of this.undo.reverse()) undo();
      this.undo = [];
      view.past = null;
      if (citymap.past === past) citymap.past = null;
      view.element.classList.remove("is-past");
      guard(null, this);
      this.past = Object.assign(new citymap.Past(), { extent: past.extent, kept: past.kept }); // nothing else of it is kept
      view.first = true; // what stands there again has not just been reported
      const touched = view.touched;
      view.touched = true; // and the view stays where it is
      view.update([...past.kept].flatMap((topic) => [...hall.store.docs(topic).values()]));
      view.touched = touched;
      view.render("ground", "movers", "things");
      return this.tell();
    }

    // -- playing -----------------------------------------------------------------------------------------------------------

    play(speed = this.speed) {
      this.speed = SPEEDS.includes(speed) ? speed : 60;
      this.hand();
      if (this.active && !this.playing) {
        this.playing = true;
        this.last = performance.now();
        this.frame();
      }
      this.tell();
    }

    pause() {
      this.playing = false;
      clearTimeout(this.timer);
      this.tell();
    }

    frame() {
      if (!this.playing) return;
      const now = performance.now();
      const passed = Math.min(1000, now - this.last);
      this.last = now;
      if (!this.loading) this.advance(this.moment + passed * this.speed);
      if (this.playing) this.timer = setTimeout(() => requestAnimationFrame(() => this.frame()), this.speed === 1 ? SLOW_MS : FRAME_MS);
    }

    advance(t) {
      if (!this.view.map) return this.leave();
      const end = this.past.extent.until;
      if (t >= end) {
        if (hall.clock.city() - end < 30000 && performance.now() - this.asked < RENEW_MS) return this.leave(); // it has caught up with now
        this.loading = true;
        this.known().then(() => (this.loading = false));
        return undefined;
      }
      const brought = this.past.ahead(t + AHEAD_MS * this.speed);
      const gap = this.past.gap(t);
      const changes = this.past.step(gap && this.speed >= 60 ? (t = gap[1]) : t); // at high speed nobody waits out a gap
      if (!changes) {
        this.loading = true;
        Promise.resolve(brought || this.past.load(this.past.within(t))).catch((error) => {
          this.fault = error.reason || "http";
          this.pause();
        }).then(() => {
          this.loading = false;
          this.last = performance.now();
        });
        return this.tell();
      }
      if (brought) brought.catch(() => {});
      this.moment = this.past.now;
      this.show(changes);
      return this.tell();
    }

    /** Somebody did something: a wall counts from here how long it may stay in the past. */
    hand() {
      clearTimeout(this.handless);
      if (hall.page.wall) this.handless = setTimeout(() => this.leave(), HANDLESS_MS);
    }
  }

  // -- nothing is ordered from the past ----------------------------------------------------------------------------------

  const plain = window.fetch;
  const active = new Set();
  const refused = (path, method) => active.size && path.startsWith("/") && !["GET", "HEAD"].includes(method) && !ALLOWED.some((one) => one.test(path));

  function guard(begun, ended) {
    if (begun && ofPage(begun.view)) active.add(begun);
    if (ended) active.delete(ended);
    document.body.classList.toggle("is-replaying", active.size > 0);
    window.fetch = active.size ? guarded : plain;
  }

  function guarded(resource, options = {}) {
    const request = resource instanceof Request ? resource : { url: String(resource), method: options.method || "GET" };
    const address = new URL(request.url, location.href);
    if (address.origin !== location.origin || !refused(address.pathname, request.method.toUpperCase())) return plain.call(window, resource, options);
    const said = { reason: "replay", detail: hall.t("replay.refused") };
    return Promise.resolve(new Response(JSON.stringify(said), { status: 409, headers: { "content-type": "application/json" } }));
  }

  const all = new WeakMap();
  citymap.replayOf = function (view) {
    if (!all.has(view)) all.set(view, new Replay(view));
    return all.get(view);
  };
  citymap.SPEEDS = SPEEDS;
  citymap.replaying = () => active.size > 0;

  const own = () => (citymap.page && citymap.page.view ? citymap.replayOf(citymap.page.view) : null);
  hall.replay = {
    get active() {
      return !!own() && own().active;
    },
    get playing() {
      return !!own() && own().playing;
    },
    get speed() {
      return own() ? own().speed : 1;
    },
    getTime: () => (own() ? own().getTime() : null),
    setTime: (ms) => own() && own().setTime(ms),
    onTime: (call) => (own() ? own().onTime((replay) => call(replay.getTime())) : () => {}),
  };
})();

/* One channel's moving picture on this page, shared by all its tiles: watch, codec, state, figures.
 *
 * hall.video.open({channel, quality, only, why, kind, mode}, view)   -> {feed, leave()}
 *   mode  auto: WebCodecs, else MSE, else stills · webrtc · stills; `members`: of a mosaic (34-mosaic.js)
 *   view  {paint(frame, captured), hold(element), told(), width()}
 * feed    {info, state, budget, still, shownAt (performance.now()), captured, latency, figures, fault}
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const LINGER_MS = 2000; // a tile that changes its size comes back to the same feed
  const PENDING = 300;
  const FALL_BACK_MS = 60000;
  const feeds = new Map();

  const keyOf = (o) => [o.channel, o.quality, o.only, o.mode, o.kind, o.why, ...(o.members || [])].join("\n");

  const Feed = (video.Feed = class {
    constructor(options) {
      this.options = this.asked = options; // what it gets at present, what it was opened with
      this.views = new Set();
      this.owner = null; // the view that holds a player's own element
      this.info = null;
      this.state = { state: "starting", since: hall.clock.real() };
      this.refused = null;
      this.budget = "";
      this.fault = "";
      this.still = options.mode === "stills";
      this.shownAt = -Infinity;
      this.gap = 0; // ms between the last two pictures
      this.captured = null;
      this.latency = null; // ms, median of the last pictures
      this.last = [];
      this.shown = 0;
      this.player = null;
      this.begin();
    }

    begin() {
      const { mode, only } = this.options;
      if (this.still) return this.stills();
      if (mode === "webrtc" && video.Whep) return this.play(new video.Whep(this.out(), this.options));
      if (!video.hasCodecs() && only === "keys") return this.stills();
      this.watch = video.wire.watch(this.options, video.sinkOf(this));
    }

    // -- what the wire says ------------------------------------------------------------------------------------------

    watching(info) {
      this.refused = null;
      this.info = info;
      this.pending = [];
      const choice = video.choose(info, this.options.only);
      if (choice instanceof Promise) choice.then((make) => this.info === info && this.take(info, make));
      else this.take(info, choice);
    }

    /** The player for this stream: the same one goes on where the family stays the same. */
    take(info, Make) {
      const pending = this.pending;
      this.pending = null;
      if (!Make) return this.undecodable(info.codec);
      if (!(this.player && this.player.constructor === Make && !this.player.closed)) this.play(new Make(this.out()));
      this.player.begin(info);
      for (const unit of pending) this.unit(unit);
      this.tell();
    }

    unit(unit) {
      if (this.pending) {
        if (this.pending.length < PENDING) this.pending.push(unit);
        return;
      }
      if (!this.player || !this.player.take) return;
      if (this.spare) this.unspare();
      this.suspect = unit.suspect;
      const before = this.player.figures.restarts;
      this.player.take(unit);
      if (this.player.figures.restarts > before) this.slow();
    }

    tell(state) {
      for (const view of this.views) view.told(this, state);
    }

    budgeted(level) {
      this.budget = level === "all" ? "" : level;
      this.tell();
    }

    cut() {
      this.cutAt = performance.now();
      this.state = { state: "cut", since: hall.clock.real() };
      this.tell();
    }

    refuse(message) {
      this.refused = message;
      this.tell();
    }

    figures() {
      const [shown, dropped] = [this.shown, this.player ? this.player.figures.skipped : 0];
      const made = { shown: shown - (this.toldShown || 0), dropped: Math.max(0, dropped - (this.toldDropped || 0)), latency_ms: Math.round(this.latency || 0) };
      [this.toldShown, this.toldDropped] = [shown, dropped];
      return made;
    }

    // -- pictures ------------------------------------------------------------------------------------------------------

    out() {
      return {
        frame: (frame, captured) => this.frame(frame, captured),
        fault: (text) => this.undecodable(text),
        missing: () => this.tell(),
        state: (state) => ((this.state = state), this.tell()),
        told: (told) => this.heard(told),
        failed: () => this.fallBack(),
      };
    }

    play(player) {
      if (this.player) this.player.close();
      this.owner = null;
      this.player = player;
      for (const view of this.views) this.lend(view);
    }

    /** A player's own element (<video>) stands in the first tile; the others get copies. */
    lend(view) {
      if (!this.player || !this.player.element || this.owner) return;
      this.owner = view;
      view.hold(this.player.element);
    }

    frame(frame, captured) {
      const now = performance.now();
      this.gap = now - this.shownAt;
      this.shownAt = now;
      this.shown += 1;
      if (captured != null) {
        this.captured = captured;
        this.last.push(hall.clock.real() - captured);
        if (this.last.length > 25) this.last.shift();
      }
      for (const view of this.views) view.paint(view === this.owner && !view.copies ? null : frame, captured);
    }

    width() {
      return Math.max(160, ...[...this.views].map((view) => view.width()));
    }

    /** Called several times a second by whoever shows figures. */
    measure() {
      this.bridge();
      if (!this.last.length) return;
      const sorted = [...this.last].sort((a, b) => a - b);
      this.latency = sorted[sorted.length >> 1];
    }

    add(view) {
      clearTimeout(this.ending);
      const shown = [...this.views].find((other) => other.canvas);
      this.views.add(view);
      this.lend(view);
      if (shown) view.paint(shown.canvas); // what the others show, until the next picture
    }

    remove(view) {
      this.views.delete(view);
      if (this.owner === view) {
        this.owner = null;
        for (const other of this.views) this.lend(other);
      }
      if (!this.views.size) this.ending = setTimeout(() => this.end(), LINGER_MS);
    }

    end() {
      clearTimeout(this.easing);
      if (feeds.get(this.key) === this) feeds.delete(this.key);
      if (this.watch) this.watch.leave();
      if (this.player) this.player.close();
      if (this.spare) this.unspare();
      this.watch = this.player = null;
    }
  });

  // the wire calls its sink by these names; `state`, `refused`, `budget` hold what it said last
  video.sinkOf = (feed) => ({
    watching: (info) => feed.watching(info),
    unit: (unit) => feed.unit(unit),
    state: (state) => ((feed.state = state), feed.tell(state)),
    budget: (level) => feed.budgeted(level),
    refused: (message) => feed.refuse(message),
    cut: () => feed.cut(),
    figures: () => feed.figures(),
  });

  video.open = function (options, view) {
    let wanted = { quality: "sub", only: "all", why: "", kind: "live", mode: "auto", ...options };
    const whepRests = video.whepFailedAt && performance.now() - video.whepFailedAt < FALL_BACK_MS;
    if (wanted.mode === "webrtc" && whepRests) wanted = { ...wanted, mode: "auto" };
    const key = keyOf(wanted);
    let feed = feeds.get(key);
    if (!feed) {
      feed = new Feed(wanted);
      feed.key = key;
      feeds.set(key, feed);
    }
    feed.add(view);
    return { feed, leave: () => feed.remove(view) };
  };
  video.feeds = () => [...feeds.values()];

  video.hiddenMs = 10000; // a page that is looked away from for a moment goes on
  let resting = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(resting);
    if (document.hidden) resting = setTimeout(() => feeds.forEach((feed) => feed.rest()), video.hiddenMs);
    else feeds.forEach((feed) => feed.wake());
  });
})();

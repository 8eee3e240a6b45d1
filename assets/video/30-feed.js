/* One channel's moving picture on this page, shared by all its tiles: watch, codec, state, figures.
 *
 * hall.video.open({channel, quality, only, why, kind, mode}, view)   -> {feed, leave()}
 *   mode  auto: WebCodecs, else MSE, else stills · webrtc · stills
 *   view  {paint(frame, captured), hold(element), told(), width()}
 * feed    {info, state, budget, still, shownAt (performance.now()), captured, latency, figures, fault}
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const LINGER_MS = 2000; // a tile that changes its size comes back to the same feed
  const PENDING = 300;
  const SLOW = 3; // so many skips for lack of computing time within SLOW_MS and this page takes key pictures only
  const SLOW_MS = 30000;
  const EASE_MS = 60000;
  const FALL_BACK_MS = 60000;
  const SPARE_MS = 6000;
  const feeds = new Map();

  const keyOf = (o) => [o.channel, o.quality, o.only, o.mode, o.kind, o.why].join("\n");

  class Feed {
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
      this.watch = video.wire.watch(this.options, sinkOf(this));
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
      for (const view of this.views) view.paint(view === this.owner ? null : frame, captured);
    }

    /** No socket for long, but perhaps the hall's door still answers: still pictures until the moving ones are back. */
    bridge() {
      if (this.still || !this.watch || video.wire.state !== "lost" || performance.now() - this.cutAt < SPARE_MS) return;
      this.still = true;
      this.spare = new video.Posters(this.out(), this.options.channel, () => this.width());
    }

    unspare() {
      this.spare.close();
      this.spare = null;
      this.still = false;
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

    // -- when it does not go well ----------------------------------------------------------------------------------------

    undecodable(text) {
      this.fault = text || "codec";
      this.stills();
    }

    stills() {
      if (this.watch) this.watch.leave();
      this.watch = null;
      this.still = true;
      this.play(new video.Posters(this.out(), this.options.channel, () => this.width()));
      this.tell();
    }

    /** WebRTC does not come through: the socket takes over, WebRTC is tried again later by whoever opens the next view. */
    fallBack() {
      if (this.options.mode !== "webrtc") return;
      this.fault = "webrtc";
      video.whepFailedAt = performance.now();
      this.options = { ...this.options, mode: "auto" };
      if (this.player) this.player.close();
      this.player = this.owner = null;
      for (const view of this.views) view.hold(null);
      this.begin();
      this.tell();
    }

    /** This browser cannot keep up: the sub-stream, then key pictures only, each for a while. */
    slow() {
      const now = performance.now();
      this.skips = [...(this.skips || []).filter((at) => now - at < SLOW_MS), now];
      if (this.skips.length < SLOW || this.options.only === "keys") return;
      this.skips = [];
      clearTimeout(this.easing);
      const asked = { quality: this.asked.quality, only: this.asked.only };
      const less = this.options.quality === "main" ? { quality: "sub" } : { only: "keys" };
      this.budget = less.quality ? "slow-sub" : "slow";
      this.rewatch(less);
      this.easing = setTimeout(() => {
        this.budget = "";
        this.rewatch(asked);
      }, EASE_MS);
    }

    rewatch(changes) {
      if (!this.watch) return;
      this.watch.leave();
      this.options = { ...this.options, ...changes };
      if (this.player) this.player.close();
      this.player = null;
      this.watch = video.wire.watch(this.options, sinkOf(this));
      this.tell();
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
  }
  // the wire calls its sink by these names; `state`, `refused`, `budget` hold what it said last
  const sinkOf = (feed) => ({
    watching: (info) => feed.watching(info),
    unit: (unit) => feed.unit(unit),
    state: (state) => ((feed.state = state), feed.tell(state)),
    budget: (level) => feed.budgeted(level),
    refused: (message) => feed.refuse(message),
    cut: () => feed.cut(),
    figures: () => feed.figures(),
  });

  /** The player's class for a stream, now or (H.265) once the browser was asked; null: none here. */
  video.choose = function (info, only) {
    if (info.family === "jpeg") return video.Jpegs;
    const class_ = () => (only === "keys" ? video.KeyCodec : video.Codec);
    if (video.hasCodecs()) return info.family === "h264" ? class_() : video.canDecode(info.codec).then((can) => (can ? class_() : video.mseFor(info)));
    return video.mseFor(info);
  };
  video.mseFor = (info) => (video.Mse && video.Mse.takes(info) ? video.Mse : null);

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
})();

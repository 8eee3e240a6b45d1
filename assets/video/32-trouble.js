/* What a feed does when it does not go well: another way to the picture, fewer pictures, still ones, and back again.
 * More methods of hall.video.Feed (30-feed.js). */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const SLOW = 3; // so many skips for lack of computing time within SLOW_MS and this page takes less
  const SLOW_MS = 30000;
  const EASE_MS = 60000;
  const SPARE_MS = 6000;

  Object.assign(video.Feed.prototype, {
    undecodable(text) {
      this.fault = text || "codec";
      if (this.options.members) return this.tell(); // of a mosaic there are no still pictures: whoever shows it goes another way
      this.stills();
    },

    stills() {
      if (this.watch) this.watch.leave();
      this.watch = null;
      this.still = true;
      this.play(new video.Posters(this.out(), this.options.channel, () => this.width()));
      this.tell();
    },

    /** What the hall tells of a WebRTC session: the same words as of the socket's pictures. */
    heard({ state, reason, level, converted, loss }) {
      const now = state || "live";
      if (now !== this.state.state || (reason || "") !== (this.state.reason || "")) this.state = { state: now, reason: reason || "", since: hall.clock.real() };
      this.info = { ...this.info, converted: converted || "" };
      this.loss = loss || 0;
      this.budgeted(level || "all");
    },

    /** WebRTC does not come through: the socket takes over, WebRTC is tried again later by whoever opens the next view. */
    fallBack() {
      if (this.options.mode !== "webrtc") return;
      this.fault = "webrtc";
      this.loss = 0;
      video.whepFailedAt = performance.now();
      this.options = { ...this.options, mode: "auto" };
      if (this.player) this.player.close();
      this.player = this.owner = null;
      for (const view of this.views) view.hold(null);
      this.begin();
      this.tell();
    },

    /** This browser cannot keep up: the sub-stream, then key pictures only, each for a while. */
    slow() {
      const now = performance.now();
      this.skips = [...(this.skips || []).filter((at) => now - at < SLOW_MS), now];
      if (this.skips.length < SLOW || this.options.only === "keys") return;
      this.skips = [];
      clearTimeout(this.easing);
      const asked = { quality: this.asked.quality, only: this.asked.only };
      const less = this.options.quality === "main" && !this.options.members ? { quality: "sub" } : { only: "keys" };
      this.budget = less.quality ? "slow-sub" : "slow";
      this.rewatch(less);
      this.easing = setTimeout(() => {
        this.budget = "";
        this.rewatch(asked);
      }, EASE_MS);
    },

    rewatch(changes) {
      if (!this.watch || this.resting) return;
      this.watch.leave();
      this.options = { ...this.options, ...changes };
      if (this.player) this.player.close();
      this.player = null;
      this.watch = video.wire.watch(this.options, video.sinkOf(this));
      this.tell();
    },

    /** Nobody sees the page: its pictures are let go, and asked for again when somebody does. */
    rest() {
      if (!this.watch || this.resting) return;
      this.resting = true;
      this.watch.leave();
    },

    wake() {
      if (!this.resting) return;
      this.resting = false;
      if (this.watch) this.watch = video.wire.watch(this.options, video.sinkOf(this));
    },

    /** No socket for long, but perhaps the hall's door still answers: still pictures until the moving ones are back. */
    bridge() {
      if (this.still || !this.watch || this.options.members || video.wire.state !== "lost" || performance.now() - this.cutAt < SPARE_MS) return;
      this.still = true;
      this.spare = new video.Posters(this.out(), this.options.channel, () => this.width());
    },

    unspare() {
      this.spare.close();
      this.spare = null;
      this.still = false;
    },
  });
})();

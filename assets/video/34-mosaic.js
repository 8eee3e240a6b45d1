/* Mosaics: many channels in one stream that the hall composes (docs/ROUNDS.md), cut up again here: each tile shows its part and
 * keeps its name, its words, its marks. For browsers that cannot decode many pictures at once.
 *
 * hall.video.MOSAICS             how many channels a mosaic may have
 * hall.video.openPart({channel, members, size, by, why, kind}, view)   like hall.video.open; the feed is a Part
 *   view.paint(frame, captured, part)   part {x, y, width, height}: what to take of the frame
 * hall.video.mosaicPart(size, index, frame, named)   where a mosaic shows a channel; `named`: with the name written over it
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const RULE = 2; // px between the parts
  const NAME_MOST = 12; // the name takes this part of the height, but 18 px at least
  const NAME_LEAST = 18;
  const STALLED_MS = 1500; // the relay speaks of a camera that is silent after so long
  const IMPOSSIBLE = new Set(["too-many-channels", "mosaic-size", "mosaic-members"]);
  const even = (value) => Math.floor(value / 2) * 2;

  video.MOSAICS = [4, 9, 16, 25];

  video.mosaicPart = function (size, index, frame, named) {
    const columns = Math.ceil(Math.sqrt(size));
    const [wide, high] = [even(frame.width / columns), even(frame.height / Math.ceil(size / columns))];
    const height = high - RULE;
    const name = named ? 0 : even(Math.max(NAME_LEAST, Math.floor(height / NAME_MOST)));
    return { x: wide * (index % columns), y: high * Math.floor(index / columns) + name, width: wide - RULE, height: height - name };
  };

  /** One channel of a mosaic, for a tile that takes it for a feed. How the camera does is what the relay publishes of it. */
  class Part {
    constructor(options, view) {
      const { channel, members, size, why, kind, by } = options;
      Object.assign(this, { view, channel, size, options: { ...options, mode: "mosaic" }, info: null, latency: null, still: false, gap: 0 });
      this.liveAt = -Infinity; // when the camera last was well, performance.now()
      this.liveCaptured = null;
      this.shown = 0;
      this.copies = true; // draws from a player's element, too
      this.opened = video.open({ channel: `mosaic/${size}`, members, quality: "main", only: "all", mode: by || "auto", why, kind }, this);
    }

    get whole() {
      return this.opened ? this.opened.feed : EMPTY;
    }

    /** What the relay publishes of this camera; null where it is not heard of. */
    get camera() {
      const event = hall.store.get(this.channel.replace(/^channel\//, "picture/"));
      return (event && event.data) || null;
    }

    get well() {
      return !this.camera || this.camera.state === "live";
    }

    get state() {
      return this.well || this.whole.state.state === "cut" ? this.whole.state : this.camera;
    }

    get refused() {
      const found = this.granted && this.granted.refused.get(this.channel);
      return found ? { reason: found } : this.whole.refused;
    }

    get granted() {
      return this.opened ? video.tickets.members(this.whole.options) : null;
    }

    get shownAt() {
      return this.well ? Math.min(this.whole.shownAt, this.liveAt) : Math.min(this.whole.shownAt, this.liveAt - STALLED_MS);
    }

    get captured() {
      return this.liveCaptured;
    }

    get budget() {
      return this.whole.budget;
    }

    get loss() {
      return this.whole.loss;
    }

    get suspect() {
      return this.whole.suspect;
    }

    /** Whether no mosaic is to be had at all. */
    get impossible() {
      const { fault, still, refused } = this.whole;
      return (!!fault && fault !== "webrtc" && !still) || (!!refused && IMPOSSIBLE.has(refused.reason));
    }

    measure() {
      if (this.opened) this.whole.measure();
    }

    // -- as a view of the whole ----------------------------------------------------------------------------------------

    paint(frame, captured) {
      if (!frame || !this.granted) return;
      const index = this.granted.granted.indexOf(this.channel);
      if (index >= 0 && this.well) {
        this.liveAt = performance.now();
        this.liveCaptured = captured ?? this.liveCaptured;
      }
      if (this.liveAt === -Infinity) return this.view.paint(null); // nothing of this camera: its place says why in words
      this.shown += 1;
      const size = { width: frame.displayWidth || frame.videoWidth || frame.width, height: frame.displayHeight || frame.videoHeight || frame.height };
      this.view.paint(frame, captured, video.mosaicPart(this.size, index, size, !this.camera));
    }

    hold(element) {
      if (element) element.classList.add("is-source"); // seen through the parts only
      this.view.hold(element);
    }

    told() {
      this.view.told();
    }

    width() {
      return this.view.width();
    }
  }

  const EMPTY = { state: { state: "starting", since: 0 }, shownAt: -Infinity, options: {}, refused: null, budget: "", fault: "" };

  video.openPart = function (options, view) {
    const feed = new Part(options, view);
    return { feed, leave: () => feed.opened.leave() };
  };
})();

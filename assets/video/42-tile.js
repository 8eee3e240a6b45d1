/* A tile: one channel's picture with its name, owner, clock, age, marks. Says itself when the picture stands still.
 *
 * new hall.video.Tile({why, kind, large})
 *   .node                         figure.video-tile
 *   .show(channel, options)       options {quality, only, mode, seamless, members ...}; null channel: an empty place
 *                                 seamless: the old picture (and its name) stay until the new one is there
 *   .onfirst                      call(feed) when the first picture of what was asked last is painted
 *   .feed, .channel, .condition, .remove()
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText } = hall;
  const LOOK_MS = 250;
  const SMALL_EM = 12;
  const SAME = ["quality", "only", "mode", "mosaic"]; // a view that differs in one of these is another one
  const tiles = new Set();

  /** What the hall knows of a channel: from the stream, else from what a directory told (hall.video.learn). */
  const learned = new Map();
  const LEARNED_MOST = 5000;
  video.learn = function (told) {
    const rows = told || [];
    for (const row of rows) {
      if (!row.subject) row.subject = `channel/${row.feed}/${row.channel_id}`;
      learned.set(row.subject, row);
    }
    while (learned.size > LEARNED_MOST) learned.delete(learned.keys().next().value);
    return rows;
  };
  video.channelOf = function (subject) {
    const event = hall.store.get(subject);
    return (event && event.data) || learned.get(subject) || hall.cameras.need(subject) || {};
  };
  video.nameOf = (subject) => video.channelOf(subject).name || subject.split("/").slice(2).join("/");

  class View {
    constructor(tile, channel, options) {
      this.tile = tile;
      this.channel = channel;
      this.options = options;
      this.painted = false;
      this.canvas = null;
      this.element = null;
      const open = options.members ? video.openPart : video.open;
      Object.assign(this, open({ ...options, channel, why: tile.why, kind: tile.kind }, this));
    }

    width() {
      return this.tile.pixels().width;
    }

    told() {
      tiles.has(this.tile) && this.tile.say();
    }

    hold(element) {
      if (this.element && this.element !== element) this.element.remove();
      this.element = element;
      if (element) this.tile.stage.append(element);
    }

    paint(frame, _, part) {
      if (frame && !document.hidden) this.draw(frame, part);
      if (this.painted) return;
      this.painted = true;
      this.tile.arrived(this);
    }

    draw(frame, part) {
      if (!this.canvas) {
        this.canvas = make("canvas.video-picture");
        this.context = this.canvas.getContext("2d", { alpha: false, desynchronized: true });
        this.tile.stage.append(this.canvas);
      }
      const { width, height } = part || { width: frame.displayWidth || frame.videoWidth || frame.width, height: frame.displayHeight || frame.videoHeight || frame.height };
      const box = this.tile.pixels();
      const scale = Math.min(1, Math.max(box.width / width, box.height / height) || 1); // never more pixels than are seen
      const [w, h] = [Math.max(2, Math.round(width * scale)), Math.max(2, Math.round(height * scale))];
      if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
      if (part) this.context.drawImage(frame, part.x, part.y, width, height, 0, 0, w, h);
      else this.context.drawImage(frame, 0, 0, w, h);
    }

    close() {
      this.leave();
      if (this.element) this.element.remove();
      if (!this.canvas) return;
      this.canvas.width = this.canvas.height = 0; // frees the pixels at once
      this.canvas.remove();
    }
  }

  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) if (entry.target.videoTile) entry.target.videoTile.box = null;
  });

  video.Tile = class {
    constructor(options) {
      const { why = "", kind = "live", large = false } = options || {};
      Object.assign(this, { why, kind, channel: null, view: null, coming: null, condition: "", onfirst: null, box: null, extra: [] });
      const part = (name) => (this[name] = make(`span.video-${name}`));
      this.stage = make("div.video-stage");
      this.title = make("b.video-name");
      const head = make("div.video-head", {}, [part("mark"), this.title, part("owner")]);
      this.sentence = make("div.video-sentence", { role: "status" });
      const foot = make("div.video-foot", {}, [part("badges"), part("clock"), part("age")]);
      this.node = make("figure.video-tile", { "data-large": large ? "1" : "" }, [this.stage, head, this.sentence, foot]);
      this.stage.videoTile = this;
      sizes.observe(this.stage);
      tiles.add(this);
      this.say();
    }

    get feed() {
      return this.view ? this.view.feed : null;
    }

    /** Size of the stage in px of the screen; measured once per change of size. */
    pixels() {
      if (!this.box) {
        const { width, height } = this.stage.getBoundingClientRect();
        this.box = { width: width * devicePixelRatio || 1, height: height * devicePixelRatio || 1 };
      }
      return this.box;
    }

    /** Whether there is room for a few characters only. */
    small() {
      if (this.text === undefined || !this.box) this.text = parseFloat(getComputedStyle(this.node).fontSize) || 16;
      return this.pixels().width / devicePixelRatio < SMALL_EM * this.text;
    }

    show(channel, options) {
      const wanted = { quality: "sub", only: "all", mode: "auto", ...options };
      if (!channel) return this.empty();
      const now = this.coming || this.view;
      const same = now && now.channel === channel && SAME.every((name) => now.options[name] === wanted[name]);
      if (same) return now.feed;
      if (this.coming) this.coming.close();
      this.coming = null;
      const view = new View(this, channel, wanted);
      if (this.view && (wanted.seamless || this.view.channel === channel)) {
        this.coming = view;
        if (view.painted) this.arrived(view); // a feed that runs already
        return view.feed;
      }
      if (this.view) this.view.close();
      this.view = view;
      this.named(channel);
      if (view.painted) this.arrived(view);
      return view.feed;
    }

    empty() {
      for (const view of [this.view, this.coming]) if (view) view.close();
      this.view = this.coming = null;
      this.named(null);
    }

    named(channel) {
      this.channel = channel;
      this.node.dataset.channel = channel || "";
      this.say();
    }

    arrived(view) {
      if (view === this.coming) {
        this.view.close();
        [this.view, this.coming] = [view, null];
        this.named(view.channel);
      }
      this.say();
      if (this.onfirst && view === this.view) this.onfirst(view.feed);
    }

    // -- words over the picture ----------------------------------------------------------------------------------------

    say() {
      const { feed } = this;
      const condition = feed ? video.condition(feed) : "empty";
      if (this.condition !== condition) this.node.dataset.condition = this.mark.dataset.condition = this.condition = condition;
      const channel = this.channel ? video.channelOf(this.channel) : {};
      setText(this.title, this.channel ? video.nameOf(this.channel) : "");
      setText(this.owner, channel.owner || "");
      setText(this.mark, feed ? { live: "●", waiting: "○", frozen: "■" }[condition] : "");
      setText(this.sentence, feed ? video.sentence(feed, this.small()) : "");
      if (!feed) return [this.clock, this.age, this.badges].forEach((node) => setText(node, ""));
      const health = (hall.store.get(`picture/${this.channel.split("/").slice(1).join("/")}`) || { data: {} }).data || {};
      this.mend([...(video.steered ? video.steered(this.channel) : []), ...this.extra, ...video.badges(feed, health.health)]);
      this.figures(feed, condition);
    }

    mend(badges) {
      const key = badges.map((one) => one.kind + one.text).join("|");
      if (this.badgeKey === key) return;
      this.badgeKey = key;
      this.badges.replaceChildren(...badges.map(({ kind, text }) => make("span.video-badge", { "data-kind": kind }, text)));
    }

    /** When the picture was taken, and how long it took to get here: while it stands, how old it is. */
    figures(feed, condition) {
      feed.measure();
      setText(this.clock, feed.captured == null ? "" : hall.format.seconds(feed.captured));
      if (condition === "live" && !feed.still) setText(this.age, feed.latency == null ? "" : `${Math.max(0, Math.round(feed.latency))} ms`);
      else setText(this.age, feed.captured == null ? "" : hall.format.duration(hall.clock.real() - feed.captured));
    }

    remove() {
      this.empty();
      tiles.delete(this);
      sizes.unobserve(this.stage);
      this.node.remove();
    }
  };

  video.tiles = () => [...tiles];
  setInterval(() => {
    for (const tile of tiles) tile.say();
  }, LOOK_MS);
  hall.onLocale(() => tiles.forEach((tile) => tile.say()));
})();

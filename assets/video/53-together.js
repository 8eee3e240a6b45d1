/* A wall of tiles from one stream ("合成一路"): for browsers that cannot decode many pictures at once. Chosen by a person for this
 * browser, offered where it keeps falling behind or has no WebCodecs; where nobody is signed in it begins by itself then.
 *
 * new hall.video.Together(grid)   .active  .gather()  .options(channel)  .set(on)  .tick()  .offer
 * hall.video.together(on)         what was chosen in this browser
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText } = hall;
  const BY_ITSELF_MS = 1800000; // then single pictures are tried again
  const OFFERED_MS = 1800000; // who said no is not asked again so soon
  const FAILED_MS = 60000;

  video.together = function (on) {
    try {
      if (on !== undefined) localStorage.setItem("hall-video-together", on ? "1" : "");
      return localStorage.getItem("hall-video-together") === "1";
    } catch (_) {
      return false; // a browser that keeps nothing
    }
  };

  video.Together = class {
    constructor(grid) {
      Object.assign(this, { grid, members: [], size: 0, until: -Infinity, silentUntil: -Infinity, brokenUntil: -Infinity });
      this.words = make("span");
      const button = (key, call) => Object.assign(make("button.video-button", { type: "button", "data-t": key }, hall.t(key)), { onclick: call });
      const take = button("video.bar.together", () => this.set(true));
      const leave = button("video.together.no", () => ((this.silentUntil = performance.now() + OFFERED_MS), this.tick()));
      this.offer = make("div.video-offer", { role: "status", hidden: "" }, [this.words, take, leave]); // stands in the toolbar
    }

    /** Whether this layout can come as one stream at all. */
    get possible() {
      return this.grid.layout >= video.MOSAICS[0] && this.grid.layout <= video.MOSAICS.at(-1);
    }

    get active() {
      const now = performance.now();
      return this.possible && now > this.brokenUntil && (video.together() || now < this.until);
    }

    set(on) {
      video.together(on);
      this.until = this.brokenUntil = -Infinity;
      this.was = this.active;
      this.grid.paint();
      this.tick();
    }

    /** Which channels this browser's tiles show: asked for together. */
    gather(tiles) {
      const { cells } = this.grid;
      this.members = this.active ? [...new Set(tiles.map((index) => cells[index]).filter(Boolean))] : [];
      this.size = video.MOSAICS.find((size) => size >= this.members.length);
    }

    /** What a tile takes of it. */
    options() {
      const { members, size } = this;
      return { quality: "main", only: "all", mode: "mosaic", by: video.lossy() ? "webrtc" : "auto", members, size, mosaic: `${size} ${members.join(" ")}` };
    }

    // -- when it is offered ----------------------------------------------------------------------------------------------

    /** Why single pictures do not do here, as a key of the catalogue. */
    trouble() {
      if (video.feeds().some((feed) => (feed.budget || "").startsWith("slow"))) return "video.together.slow";
      return video.hasCodecs() ? "" : "video.together.codecs";
    }

    tick() {
      const now = performance.now();
      const active = this.active;
      if (active && this.grid.tiles.some((tile) => tile.feed && tile.feed.impossible)) {
        this.brokenUntil = now + FAILED_MS;
        return this.change(hall.t("video.together.failed"));
      }
      if (active !== this.was) return this.change("");
      const trouble = !active && this.possible && now > this.brokenUntil && this.grid.tiles.filter((tile) => tile.channel).length > 1 ? this.trouble() : "";
      if (trouble === "video.together.slow" && !hall.acting.who()) {
        this.until = now + BY_ITSELF_MS;
        return this.change("");
      }
      this.offer.hidden = !trouble || !hall.acting.who() || now < this.silentUntil;
      if (!this.offer.hidden) setText(this.words, hall.t(trouble));
    }

    change(text) {
      this.was = this.active;
      if (this.grid.controls && text) this.grid.controls.say(text);
      this.offer.hidden = true;
      this.grid.paint();
    }
  };
})();

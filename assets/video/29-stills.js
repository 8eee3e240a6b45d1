/* Pictures that are whole files: JPEGs of a socket (MJPEG cameras), and posters asked for one by one as the last resort.
 *
 * new hall.video.Jpegs(out)              a codec for handles of the family jpeg: newest wins
 * new hall.video.Posters(out, channel)   asks for a still picture every few seconds; .close()
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const EVERY_MS = 2000;
  const SLOWEST_MS = 30000; // a camera without a picture is asked more and more seldom
  const AT_ONCE = 3; // of the whole page: still pictures are for when there is little bandwidth
  const ANSWER_MS = 8000;
  let under = 0;

  video.Jpegs = class {
    constructor(out) {
      this.out = out;
      this.figures = { decoded: 0, skipped: 0, errors: 0 };
      this.busy = false;
      this.next = null;
      this.closed = false;
    }

    begin() {}

    take(unit) {
      if (this.next) this.figures.skipped += 1;
      this.next = unit;
      if (!this.busy) this.work();
    }

    async work() {
      this.busy = true;
      while (this.next && !this.closed) {
        const unit = this.next;
        this.next = null;
        try {
          const picture = await createImageBitmap(new Blob([unit.bytes], { type: "image/jpeg" }));
          if (!this.closed) this.out.frame(picture, unit.captured);
          picture.close();
          this.figures.decoded += 1;
        } catch (_) {
          this.figures.errors += 1; // a damaged picture: the next one comes by itself
        }
      }
      this.busy = false;
    }

    close() {
      this.closed = true;
      this.next = null;
    }
  };

  /** Address of a still picture; `width` in px of the screen. */
  video.posterOf = (channel, width) =>
    `/video/poster/${channel.split("/").map(encodeURIComponent).join("/")}.jpg?w=${Math.max(160, Math.round(width / 160) * 160)}`;

  video.Posters = class {
    constructor(out, channel, width) {
      this.out = out;
      this.channel = channel;
      this.width = width;
      this.figures = { decoded: 0, skipped: 0, errors: 0 };
      this.failed = 0;
      this.timer = setTimeout(() => this.ask(), 0);
    }

    later(ms) {
      if (!this.closed) this.timer = setTimeout(() => this.ask(), ms * (0.8 + Math.random() * 0.4));
    }

    async ask() {
      if (under >= AT_ONCE || document.hidden) return this.later(250);
      under += 1;
      try {
        const address = `${video.posterOf(this.channel, this.width())}&t=${Math.floor(hall.clock.real() / 1000)}`;
        const answer = await fetch(address, { credentials: "same-origin", signal: AbortSignal.timeout(ANSWER_MS) });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        const told = Number(answer.headers.get("x-captured")) || Date.parse(answer.headers.get("last-modified"));
        const picture = await createImageBitmap(await answer.blob());
        if (!this.closed) this.out.frame(picture, told || hall.clock.real());
        picture.close();
        this.figures.decoded += 1;
        this.failed = 0;
      } catch (error) {
        this.failed += 1;
        this.figures.errors += 1;
        if (!this.closed) this.out.missing(error);
      } finally {
        under -= 1;
      }
      this.later(this.failed ? Math.min(SLOWEST_MS, EVERY_MS * 2 ** this.failed) : EVERY_MS);
    }

    close() {
      this.closed = true;
      clearTimeout(this.timer);
    }
  };
})();

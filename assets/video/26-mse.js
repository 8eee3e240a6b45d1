/* H.264 through Media Source Extensions: for browsers that offer no WebCodecs (pages over plain http on another machine).
 *
 * new hall.video.Mse(out)   looks like a hall.video.Codec, with an .element (<video>) that a tile shows
 * hall.video.Mse.takes(info)
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const TARGET_S = 0.12; // behind the newest picture; smaller and every late picture is seen as a halt
  const LATE_S = 0.3; // played a little faster from here on
  const LOST_S = 1.2; // jumped from here on
  const KEEP_S = 4; // of what was shown
  const QUEUE = 120; // fragments that wait for the browser
  const FASTER = 1.12;
  const FAULTS = 3;

  video.Mse = class {
    static takes(info) {
      return info.family === "h264" && typeof window.MediaSource === "function" && MediaSource.isTypeSupported(`video/mp4; codecs="${info.codec}"`);
    }

    constructor(out) {
      this.out = out;
      this.figures = { decoded: 0, skipped: 0, errors: 0, restarts: 0 };
      this.element = hall.make("video.video-picture", { playsinline: "", disablepictureinpicture: "" });
      this.element.muted = true; // without sound a browser starts by itself
      this.element.addEventListener("error", () => this.failed());
      this.times = []; // [time in the element, captured]
      this.closed = false;
    }

    begin(info) {
      this.info = info;
      this.needKey = true;
      this.queue = [];
      this.times = [];
      this.buffer = null;
      this.mux = new video.Fmp4(info);
      const source = (this.source = new MediaSource());
      if (this.address) URL.revokeObjectURL(this.address);
      this.address = URL.createObjectURL(source);
      this.element.src = this.address;
      source.addEventListener("sourceopen", () => source === this.source && this.open(), { once: true });
      this.watch();
    }

    open() {
      try {
        this.buffer = this.source.addSourceBuffer(`video/mp4; codecs="${this.info.codec}"`);
        this.buffer.addEventListener("updateend", () => this.pump());
        this.pump();
      } catch (error) {
        this.out.fault(error.message);
      }
    }

    take(unit) {
      if (this.closed || (this.needKey && !unit.key)) return void (this.figures.skipped += 1);
      if (this.queue.length > QUEUE) {
        this.figures.skipped += this.queue.length;
        this.figures.restarts += 1;
        this.queue = [];
        this.needKey = true;
        if (!unit.key) return;
      }
      if (this.needKey) {
        const head = this.mux.init(unit);
        if (!head) return;
        this.queue.push(head);
        this.needKey = false;
      }
      this.queue.push(this.mux.fragment(unit));
      this.times.push([this.mux.time(unit.pts), unit.captured]);
      if (this.times.length > 600) this.times.splice(0, 300);
      this.pump();
    }

    pump() {
      if (!this.buffer || this.buffer.updating || this.closed) return;
      try {
        if (this.queue.length) return this.buffer.appendBuffer(this.queue.shift());
        const held = this.buffer.buffered;
        if (!held.length) return;
        this.chase(held.end(held.length - 1));
        if (this.element.currentTime - held.start(0) > 3 * KEEP_S) this.buffer.remove(0, this.element.currentTime - KEEP_S);
      } catch (_) {
        this.failed();
      }
    }

    /** Stays close behind the newest picture. */
    chase(end) {
      const { element } = this;
      if (element.paused) element.play().catch(() => {});
      const behind = end - element.currentTime;
      if (behind > LOST_S || behind < -LOST_S || (element.currentTime === 0 && behind > TARGET_S)) element.currentTime = Math.max(0, end - TARGET_S);
      else element.playbackRate = behind > LATE_S ? FASTER : 1;
    }

    watch() {
      if (this.closed || this.watching) return;
      this.watching = true;
      const step = (_, about) => {
        if (this.closed) return;
        this.element.requestVideoFrameCallback(step);
        this.figures.decoded += 1;
        this.out.frame(this.element, this.capturedAt(about.mediaTime));
      };
      this.element.requestVideoFrameCallback(step);
    }

    capturedAt(time) {
      let found;
      while (this.times.length && this.times[0][0] <= time + 0.002) found = this.times.shift()[1];
      return found;
    }

    failed() {
      if (this.closed) return;
      this.figures.errors += 1;
      if (this.figures.errors > FAULTS) return this.out.fault("mse");
      this.begin(this.info);
    }

    close() {
      this.closed = true;
      this.queue = [];
      this.element.removeAttribute("src");
      this.element.load();
      this.element.remove();
      if (this.address) URL.revokeObjectURL(this.address);
    }
  };
})();

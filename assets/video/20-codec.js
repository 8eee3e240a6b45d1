/* Coded pictures to frames with WebCodecs: newest wins, a bounded queue, a new start at the next key picture after trouble.
 *
 * new hall.video.Codec({frame(frame, captured), fault(text)})   frame: to be painted at once, closed by the codec afterwards
 *   .begin(info) .take(unit) .close() .figures {decoded, skipped, errors}
 * hall.video.canDecode(codec)   Promise of whether WebCodecs takes it; asked once per codec
 * hall.video.families()         families this browser can show, told to the relay with every watch
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const QUEUE = 10; // coded pictures waiting in the decoder: 0.4 s at 25 fps
  const QUEUE_MS = 1000; // for so long it may be longer than that: what is kept for a first picture is many at once
  const QUEUE_MOST = 600; // a minute of memory at most, whatever the time says
  const JUMP = 4; // a key picture behind a queue of so many starts anew from there
  const KEEP_UP_MS = 40; // while the decoder catches up not every frame is painted
  const FAULTS = 3;
  const FAULTS_MS = 10000;
  const asked = new Map();

  video.hasCodecs = () => typeof window.VideoDecoder === "function";
  const settings = (info) => ({ codec: info.codec, optimizeForLatency: !info.reorders });

  video.canDecode = function (codec) {
    if (!video.hasCodecs()) return Promise.resolve(false);
    if (!asked.has(codec)) {
      asked.set(codec, VideoDecoder.isConfigSupported({ codec }).then((found) => !!found.supported, () => false));
    }
    return asked.get(codec);
  };

  let shown = ["h264", "jpeg"];
  video.families = () => shown;
  for (const codec of ["hvc1.1.6.L93.B0", "hev1.1.6.L93.B0"]) {
    video.canDecode(codec).then((can) => can && !shown.includes("h265") && (shown = [...shown, "h265"]));
  }

  video.Codec = class {
    constructor(out) {
      this.out = out;
      this.figures = { decoded: 0, skipped: 0, errors: 0, restarts: 0 };
      this.decoder = null;
      this.info = null;
      this.needKey = true;
      this.captured = new Map(); // timestamp -> when the camera took it
      this.newest = -Infinity;
      this.painted = -Infinity;
      this.longSince = 0;
      this.faults = [];
    }

    begin(info) {
      this.info = info;
      this.restart();
    }

    /** A decoder without memory: what comes next must be a key picture. */
    restart() {
      this.needKey = true;
      this.captured.clear();
      this.newest = -Infinity;
      this.longSince = 0;
      try {
        if (this.decoder && this.decoder.state !== "closed") this.decoder.reset();
        else this.decoder = new VideoDecoder({ output: (frame) => this.output(frame), error: (error) => this.failed(error) });
        this.decoder.configure(settings(this.info));
      } catch (error) {
        this.failed(error);
      }
    }

    take(unit) {
      if (!this.decoder || this.decoder.state !== "configured") return;
      if (this.needKey && !unit.key) return void (this.figures.skipped += 1);
      if (this.overflows(unit)) {
        this.figures.skipped += this.decoder.decodeQueueSize;
        if (this.figures.decoded > QUEUE) this.figures.restarts += 1; // not while a first picture is being caught up with
        this.restart();
        if (!unit.key) return;
      }
      const timestamp = Math.round((unit.pts * 100) / 9);
      this.needKey = false;
      this.captured.set(timestamp, unit.captured);
      this.newest = Math.max(this.newest, timestamp);
      try {
        this.decoder.decode(new EncodedVideoChunk({ type: unit.key ? "key" : "delta", timestamp, data: unit.bytes }));
      } catch (error) {
        this.failed(error);
      }
    }

    overflows(unit) {
      const waiting = this.decoder.decodeQueueSize;
      const now = performance.now();
      if (waiting <= QUEUE) this.longSince = now;
      if (unit.key && waiting > JUMP) return true;
      return waiting > QUEUE_MOST || (waiting > QUEUE && now - this.longSince > QUEUE_MS);
    }

    output(frame) {
      try {
        this.figures.decoded += 1;
        const now = performance.now();
        const captured = this.capturedAt(frame.timestamp);
        if (frame.timestamp < this.newest && now - this.painted < KEEP_UP_MS && this.decoder.decodeQueueSize > 0) return;
        this.painted = now;
        this.out.frame(frame, captured);
      } finally {
        frame.close(); // also when painting failed: an open frame blocks the decoder
      }
    }

    capturedAt(timestamp) {
      const found = this.captured.get(timestamp);
      this.captured.delete(timestamp);
      if (this.captured.size > QUEUE_MOST) this.captured.clear(); // pictures that were never shown
      return found;
    }

    failed(error) {
      this.figures.errors += 1;
      const now = performance.now();
      this.faults = [...this.faults.filter((at) => now - at < FAULTS_MS), now];
      if (this.faults.length > FAULTS) {
        this.close();
        return this.out.fault(error.message);
      }
      if (this.decoder && this.decoder.state === "closed") this.decoder = null;
      if (this.info) this.restart();
    }

    close() {
      this.info = null;
      this.captured.clear();
      if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
      this.decoder = null;
    }
  };
})();

/* Many thumbnails through ONE decoder: key pictures only, each complete in itself, whatever camera it comes from.
 *
 * new hall.video.KeyCodec({frame, fault})   looks like a hall.video.Codec, but shares the page's one decoder per family
 * hall.video.keys.figures   {decoders, decoded, replaced, errors}
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const BUSY = 4; // pictures inside the decoder: the others wait outside, where a newer one of the same camera replaces them
  const STUCK_MS = 1000;
  const FAULTS = 5; // one after another
  const WIDEST = { h264: "avc1.640033" }; // takes every profile and level that comes with its own parameter sets
  const figures = { decoders: 0, decoded: 0, replaced: 0, errors: 0 };
  const shared = new Map(); // codec -> Shared

  class Shared {
    constructor(codec) {
      this.codec = codec;
      this.waiting = new Map(); // camera's codec -> unit, in turn
      this.inside = new Map(); // timestamp -> {to, unit}
      this.clock = 0;
      this.since = 0; // when the decoder last gave something, or got something while it was empty
      this.open();
    }

    open() {
      figures.decoders += 1;
      this.inside.clear();
      this.decoder = new VideoDecoder({ output: (frame) => this.output(frame), error: () => this.failed() });
      this.decoder.configure({ codec: this.codec, optimizeForLatency: true });
    }

    put(to, unit) {
      if (this.waiting.delete(to)) figures.replaced += 1;
      this.waiting.set(to, unit);
      this.feed();
    }

    feed() {
      if (this.inside.size && performance.now() - this.since > STUCK_MS) this.failed();
      while (this.waiting.size && this.inside.size < BUSY) {
        const [to, unit] = this.waiting.entries().next().value;
        this.waiting.delete(to);
        if (!this.inside.size) this.since = performance.now();
        const timestamp = (this.clock += 1000);
        this.inside.set(timestamp, { to, unit });
        try {
          this.decoder.decode(new EncodedVideoChunk({ type: "key", timestamp, data: unit.bytes }));
        } catch (_) {
          return this.failed();
        }
      }
    }

    output(frame) {
      try {
        this.since = performance.now();
        const found = this.inside.get(frame.timestamp);
        this.inside.delete(frame.timestamp);
        figures.decoded += 1;
        if (found && !found.to.closed) found.to.show(frame, found.unit.captured);
      } finally {
        frame.close();
      }
      this.feed();
    }

    /** A picture that cannot be decoded costs those that are inside with it, and no others. */
    failed() {
      figures.errors += 1;
      for (const { to } of this.inside.values()) to.failed();
      if (this.decoder.state !== "closed") this.decoder.close();
      this.open();
      queueMicrotask(() => this.feed());
    }
  }

  video.KeyCodec = class {
    constructor(out) {
      this.out = out;
      this.figures = { decoded: 0, skipped: 0, errors: 0 };
      this.errors = 0;
      this.closed = false;
    }

    begin(info) {
      const codec = WIDEST[info.family] || info.codec;
      if (!shared.has(codec)) shared.set(codec, new Shared(codec));
      this.shared = shared.get(codec);
    }

    take(unit) {
      if (unit.key && this.shared) this.shared.put(this, unit);
      else this.figures.skipped += 1;
    }

    failed() {
      this.figures.errors += 1;
      this.errors += 1;
      if (this.errors <= FAULTS || this.closed) return;
      this.close();
      this.out.fault("key pictures cannot be decoded");
    }

    show(frame, captured) {
      this.errors = 0;
      this.figures.decoded += 1;
      this.out.frame(frame, captured);
    }

    close() {
      this.closed = true;
      if (this.shared) this.shared.waiting.delete(this);
    }
  };

  video.keys = { figures };
})();

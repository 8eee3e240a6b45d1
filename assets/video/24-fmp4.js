/* Fragmented MP4 of H.264, made in the page for Media Source Extensions (ISO/IEC 14496-12 and -15). No picture is touched.
 *
 * new hall.video.Fmp4(info)   .init(unit) -> Uint8Array: needs a key picture, whose parameter sets it takes
 *                             .fragment(unit) -> Uint8Array: moof + mdat of one picture; .time(pts) -> s in the element's time
 * hall.video.nals(bytes)      NAL units of an Annex-B picture, without start codes
 */
"use strict";

(function () {
  const video = (window.hall.video = window.hall.video || {});
  const SPS = 7;
  const PPS = 8;
  const AUD = 9;
  const RATE = 90000;
  const REORDER = 4; // pictures that a camera with B frames may hold back
  const LONGEST = RATE * 2; // a longer pause is no picture's duration
  const text = new TextEncoder();

  video.nals = function (bytes) {
    const found = [];
    let start = -1;
    for (let i = 0; i + 2 < bytes.length; i += 1) {
      if (bytes[i] !== 0 || bytes[i + 1] !== 0 || bytes[i + 2] !== 1) continue;
      if (start >= 0) found.push(bytes.subarray(start, i > start && bytes[i - 1] === 0 ? i - 1 : i));
      start = i + 3;
      i += 2;
    }
    if (start >= 0) found.push(bytes.subarray(start));
    return found.filter((nal) => nal.length);
  };

  function joined(parts) {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  const u8 = (...values) => Uint8Array.from(values);
  const u16 = (...values) => u8(...values.flatMap((n) => [(n >> 8) & 255, n & 255]));
  const u32 = (...values) => u8(...values.flatMap((n) => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]));
  const u64 = (n) => u32(Math.floor(n / 2 ** 32), n % 2 ** 32);
  function box(name, ...parts) {
    const body = joined(parts);
    return joined([u32(body.length + 8), text.encode(name), body]);
  }
  const full = (name, version, flags, ...parts) => box(name, u32((version << 24) | flags), ...parts);
  const zeros = (count) => new Uint8Array(count);
  const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

  function avc1(width, height, sps, pps) {
    const avcC = box("avcC", u8(1, sps[1], sps[2], sps[3], 0xff, 0xe1), u16(sps.length), sps, u8(1), u16(pps.length), pps);
    const looks = [zeros(6), u16(1), zeros(16), u16(width, height), u32(0x480000, 0x480000), zeros(4), u16(1), zeros(32), u16(0x18, 0xffff)];
    return box("avc1", ...looks, avcC);
  }

  function header(width, height, sps, pps) {
    const tables = ["stts", "stsc", "stco"].map((name) => full(name, 0, 0, u32(0)));
    const stbl = box("stbl", full("stsd", 0, 0, u32(1), avc1(width, height, sps, pps)), ...tables, full("stsz", 0, 0, u32(0, 0)));
    const dinf = box("dinf", full("dref", 0, 0, u32(1), full("url ", 0, 1)));
    const minf = box("minf", full("vmhd", 0, 1, zeros(8)), dinf, stbl);
    const hdlr = full("hdlr", 0, 0, u32(0), text.encode("vide"), zeros(12), text.encode("hall\0"));
    const mdia = box("mdia", full("mdhd", 0, 0, u32(0, 0, RATE, 0), u16(0x55c4, 0)), hdlr, minf);
    const tkhd = full("tkhd", 0, 7, u32(0, 0, 1, 0, 0), zeros(8), u16(0, 0, 0, 0), MATRIX, u32(width << 16, height << 16));
    const mvhd = full("mvhd", 0, 0, u32(0, 0, RATE, 0, 0x10000), u16(0x100, 0), zeros(8), MATRIX, zeros(24), u32(2));
    const mvex = box("mvex", full("trex", 0, 0, u32(1, 1, 0, 0, 0)));
    return joined([box("ftyp", text.encode("isom"), u32(0x200), text.encode("isomiso5avc1")), box("moov", mvhd, box("trak", tkhd, mdia), mvex)]);
  }

  video.Fmp4 = class {
    constructor(info) {
      this.info = info;
      this.number = 0;
      this.origin = null; // pts that is the element's zero
      this.end = 0; // decode time after the last picture
      this.step = Math.round(RATE / (info.fps || 25));
      this.held = []; // with B frames: presentation times, smallest first, that decode times are drawn from
    }

    init(unit) {
      const parts = video.nals(unit.bytes);
      const [sps, pps] = [SPS, PPS].map((kind) => parts.find((nal) => (nal[0] & 31) === kind));
      return sps && pps ? header(this.info.width || 640, this.info.height || 360, sps, pps) : null;
    }

    time(pts) {
      return this.origin === null ? 0 : (pts - this.origin) / RATE;
    }

    /** When the picture is decoded: never before the last one, never after it is shown. */
    decodeTime(pts) {
      if (!this.info.reorders) return Math.max(pts, this.end);
      if (!this.held.length) for (let back = REORDER; back > 0; back -= 1) this.held.push(pts - back * this.step);
      this.held.push(pts);
      this.held.sort((a, b) => a - b);
      return Math.max(this.held.shift(), this.end);
    }

    fragment(unit) {
      if (this.origin === null) this.origin = unit.pts - (this.info.reorders ? (REORDER + 1) * this.step : 0);
      const pts = unit.pts - this.origin;
      const at = this.decodeTime(pts);
      const gap = this.last === undefined ? this.step : at - this.last;
      if (gap > 0 && gap < LONGEST) this.step = gap;
      this.last = at;
      this.end = at + 1;
      const coded = video.nals(unit.bytes).filter((nal) => ![SPS, PPS, AUD].includes(nal[0] & 31));
      const sample = joined(coded.flatMap((nal) => [u32(nal.length), nal]));
      return joined([this.moof(at, pts - at, sample.length, unit.key), box("mdat", sample)]);
    }

    moof(at, shift, size, key) {
      const make = (offset) => {
        const trun = full("trun", 1, 0xf01, u32(1, offset, this.step, size, key ? 0x02000000 : 0x01010000, shift));
        const traf = box("traf", full("tfhd", 0, 0x20000, u32(1)), full("tfdt", 1, 0, u64(at)), trun);
        return box("moof", full("mfhd", 0, 0, u32((this.number += 1))), traf);
      };
      const length = make(0).length;
      this.number -= 1;
      return make(length + 8);
    }
  };
})();

/* How the last hours look: the track of the slider (counts, warnings, levels, gaps, hours) and the watermark of a map that shows the past.
 *
 * hall.citymap.timePaint   {full(ms), watermark(c, frame, moment), Span}: Span is what 88-time-bar.js's bar is built on; it needs
 *                          `replay`, `node`, `track`, `canvas`
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const MINUTE = 60000;
  const HOUR = 3600000;
  const LABELS = [10, 30, 60, 120, 180, 360, 720, 1440]; // minutes between two labels
  const LEVELS = ["", "IV", "III", "II", "I"];

  /** "2026-11-22 02:40:07" in the city's time zone: the same in every language. */
  const clocks = new Map();
  const full = (ms) => {
    const zone = hall.page.timezone || undefined;
    if (!clocks.has(zone)) clocks.set(zone, new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }));
    return clocks.get(zone).format(ms);
  };

  class Span {
    /** From the oldest that is kept to now. */
    span() {
      const { extent } = this.replay.past;
      if (!extent || extent.since === null) return;
      const now = Math.max(extent.until, hall.clock.city());
      this.range = [Math.max(now - extent.keep_ms, Math.min(extent.since, now - 10 * MINUTE)), now];
    }

    paint() {
      this.span();
      if (!this.node || !this.range || !this.track.clientWidth) return;
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      const { clientWidth: width, clientHeight: height } = this.track;
      Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      const c = this.canvas.getContext("2d");
      c.scale(ratio, ratio);
      const size = parseFloat(getComputedStyle(this.track).fontSize) * 0.86;
      const floor = height - size * 1.35; // below it stand the hours
      const x = (ms) => ((ms - this.range[0]) / (this.range[1] - this.range[0])) * width;
      this.paintHours(c, x, floor, size, height);
      this.paintCounts(c, x, floor, size);
      this.paintWarnings(c, x, size, width);
      this.paintGaps(c, x, floor);
    }

    paintHours(c, x, floor, size, height) {
      const step = (LABELS.find((n) => x(this.range[0] + n * MINUTE) - x(this.range[0]) > size * 7) || 1440) * MINUTE;
      c.font = `${size}px ${citymap.family}`;
      c.textBaseline = "alphabetic";
      c.fillStyle = "#a9b9d0";
      c.strokeStyle = "rgba(140,165,195,.3)";
      c.beginPath();
      const offset = this.zone();
      for (let t = Math.ceil((this.range[0] + offset) / step) * step - offset; t < this.range[1]; t += step) {
        const midnight = (t + offset) % (24 * HOUR) === 0;
        c.moveTo(Math.round(x(t)) + 0.5, 0);
        c.lineTo(Math.round(x(t)) + 0.5, midnight ? height : floor);
        const text = midnight ? hall.format.day(t) : hall.format.time(t);
        if (x(t) + c.measureText(text).width < x(this.range[1])) c.fillText(text, x(t) + size * 0.25, height - size * 0.3);
      }
      c.stroke();
    }

    /** ms that the city's clock is ahead of UTC at the end of the range. */
    zone() {
      const t = Math.floor(this.range[1] / 1000) * 1000;
      return Date.parse(`${full(t).replace(" ", "T")}Z`) - t;
    }

    paintCounts(c, x, floor, size) {
      const { marks } = this.replay.past.extent;
      const most = Math.max(1, ...marks.cases.map(([, n]) => n), ...marks.alarms.map(([, n]) => n));
      const wide = Math.max(1, x(marks.bin) - x(0) - 0.5);
      const high = floor - size * 1.1;
      for (const [rows, colour, part] of [[marks.cases, "#6f8fb8", 0.55], [marks.alarms, "#f0f4fa", 0.35]]) {
        c.fillStyle = colour;
        const shift = part < 0.5 ? wide * 0.58 : 0;
        for (const [start, n] of rows) c.fillRect(x(start) + shift, floor - Math.max(1.5, (n / most) * high), Math.max(1, wide * part), Math.max(1.5, (n / most) * high));
      }
      c.fillStyle = "#e6edf7";
      c.strokeStyle = "#e6edf7";
      c.beginPath();
      for (const [at, , rank] of marks.levels) {
        c.moveTo(x(at), size);
        c.lineTo(x(at), floor);
        c.fillText(LEVELS[rank] || "✓", x(at) + 2, size * 2);
      }
      c.stroke();
    }

    paintWarnings(c, x, size, width) {
      const colours = citymap.colours;
      for (const [since, , severity, , until] of this.replay.past.extent.marks.warnings) {
        const left = Math.max(0, x(since));
        c.fillStyle = colours[severity] || colours[0];
        c.fillRect(left, 1, Math.max(3, Math.min(width, x(until || since + HOUR)) - left), size * 0.42);
        c.fillRect(left, 1, 2, size * 0.9);
      }
    }

    paintGaps(c, x, floor) {
      const { covered } = this.replay.past.extent;
      const ends = [[this.range[0], this.range[0]], ...covered, [this.range[1], this.range[1]]];
      c.strokeStyle = "rgba(192,132,252,.75)";
      c.lineWidth = 1;
      for (let i = 1; i < ends.length; i += 1) {
        const [from, to] = [x(ends[i - 1][1]), x(ends[i][0])];
        const unasked = i === ends.length - 1 ? hall.clock.state?.rate ?? 1 : 1; // what is being written just now: a minute, of a replayed city at its pace
        if (ends[i][0] - ends[i - 1][1] < MINUTE * Math.max(1, unasked)) continue;
        c.fillStyle = "rgba(30,20,46,.85)";
        c.fillRect(from, 0, Math.max(1, to - from), floor);
        c.beginPath();
        for (let at = from - floor; at < to; at += 7) {
          c.moveTo(Math.max(from, at), Math.min(floor, floor - (Math.max(from, at) - at)));
          c.lineTo(Math.min(to, at + floor), Math.max(0, floor - (Math.min(to, at + floor) - at)));
        }
        c.stroke();
      }
    }
  }

  // -- the watermark: in the picture itself, so that a print or a photo of it says so, too -------------------------------

  function watermark(c, { width, height, u }, moment) {
    const text = hall.t("replay.mark", { at: full(moment).slice(0, -3) });
    const size = Math.max(u * 26, Math.min(width, height) / 22);
    c.save();
    c.font = `700 ${size}px ${citymap.family}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    const step = [c.measureText(text).width + size * 3, size * 6.5];
    c.translate(width / 2, height / 2);
    c.rotate(-Math.PI / 9);
    const reach = Math.hypot(width, height) / 2;
    c.fillStyle = "rgba(216,180,254,.20)";
    for (let row = -Math.ceil(reach / step[1]); row <= reach / step[1]; row += 1) {
      for (let n = -Math.ceil(reach / step[0]) - 1; n <= reach / step[0] + 1; n += 1) c.fillText(text, (n + (row % 2 ? 0.5 : 0)) * step[0], row * step[1]);
    }
    c.restore();
  }

  citymap.timePaint = { full, watermark, Span };
})();

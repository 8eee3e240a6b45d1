/* Recordings of cases as the hall keeps them: asked, begun, ended, and the footage of a channel on one time axis.
 *
 * hall.video.recordings.of(case)     rows of a case's recordings, newest first (docs/VIDEO.md)
 *   .at(channel, from, to)          {rows, as_of, days} of a channel in a span of real ms; days: how long recordings are kept
 *   .start .stop .extend .lock .remove .verify   one call of the API each
 *   .still(segment, pts, case)         a picture of a recording into the case's photos, made by the hall
 *   .hand(id, why)  .handed(id, export)   a recording handed over: {href, export, bytes}; how far that is
 * hall.video.footage(rows, only)     Promise of lanes [{channel, segments, spans, gaps}], one per channel, of several recordings; only: of this channel alone
 *   segment {recording, index, base, init, file, from, to, shift}   from, to: real ms; shift: real ms at time 0 of the tape
 *   gap {since, until, reason}       why there are no pictures; until null while it lasts
 * hall.video.absentText(reason)      that in words
 * hall.video.scene(rows, id)         the recordings that belong together with one: at the same time, or shortly before or after
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const SLIP_MS = 20; // from one segment to the next, so that the axis follows a camera's clock that runs fast or slow
  const WHOLE_S = 0.2;
  const CLOCK_SET_MS = 1500; // so much is no jitter
  const JOINED_MS = 150; // a smaller hole between segments is none
  const SCENE_MS = 600000;
  const VERIFY_MS = 65000;

  const address = (id, rest) => `/api/v1/recordings/${encodeURIComponent(id)}${rest || ""}`;
  const post = (path, body) => hall.ask(path, { method: "POST", body });

  video.recordings = {
    of: async (subject, signal) => (await hall.ask(`/api/v1/recordings?case=${encodeURIComponent(subject)}`, { signal })).rows,
    at: (channel, from, to, signal) => hall.ask(`/api/v1/recordings?${new URLSearchParams({ channel, from: String(Math.floor(from)), to: String(Math.ceil(to)) })}`, { signal }),
    start: (wanted) => post("/api/v1/recordings", wanted),
    stop: (id) => hall.ask(address(id), { method: "DELETE" }),
    extend: (id, until) => hall.ask(address(id), { method: "PATCH", body: { until: Math.round(until) } }),
    lock: (id, locked) => post(address(id, "/lock"), { locked }),
    remove: (id, reason) => post(address(id, "/remove"), { reason }),
    verify: (id) => hall.ask(address(id, "/verify"), { within: VERIFY_MS }),
    snapshot: (shot) => hall.ask("/api/v1/video/snapshot", { method: "POST", body: shot, within: 15000 }),
    still: ({ recording, index, number }, pts, subject) =>
      hall.ask(address(recording, "/still"), { method: "POST", body: { channel: index, segment: number, pts, case: subject }, within: 20000 }),
    hand: (id, why) => post(address(id, "/export"), { why }),
    handed: (id, made) => hall.ask(address(id, `/export/${made}`)),
  };

  const startOf = (row) => Math.min(row.started, ...row.channels.map((one) => one.start ?? row.started));
  const endOf = (row) => row.ended ?? Infinity;

  video.scene = function (rows, id) {
    const chosen = [rows.find((row) => row.id === id)].filter(Boolean);
    for (let grown = true; grown; ) {
      const [from, to] = [Math.min(...chosen.map(startOf)) - SCENE_MS, Math.max(...chosen.map(endOf)) + SCENE_MS];
      const near = rows.filter((row) => !chosen.includes(row) && startOf(row) <= to && endOf(row) >= from);
      grown = near.length > 0;
      chosen.push(...near);
    }
    return chosen;
  };

  /** Segments of one channel in the order of time, laid on the hall's clock. */
  function laid(segments) {
    const found = [];
    for (const one of segments.sort((a, b) => a.start - b.start || a.end - b.end)) {
      const before = found[found.length - 1];
      if (before && one.end <= before.end) continue; // two recordings of the same time: once is enough
      const own = one.start - one.pts * 1000;
      const on = before && before.base === one.base && Math.abs(one.pts - before.pts - before.duration) < WHOLE_S;
      const slip = on ? own - before.shift : 0;
      // on a tape without a hole pictures follow each other: what only arrived late must not tear one into it
      one.shift = on && Math.abs(slip) < CLOCK_SET_MS ? before.shift + Math.max(-SLIP_MS, Math.min(SLIP_MS, slip)) : own;
      one.from = one.shift + one.pts * 1000;
      one.to = one.from + one.duration * 1000;
      found.push(one);
    }
    return found;
  }

  function spansOf(segments) {
    const spans = [];
    for (const one of segments) {
      const last = spans[spans.length - 1];
      if (last && one.from - last.to < JOINED_MS) last.to = Math.max(last.to, one.to);
      else spans.push({ from: one.from, to: one.to });
    }
    return spans;
  }

  async function partsOf(row, index) {
    const told = await hall.ask(address(row.id, `/segments?channel=${index}`));
    const base = address(row.id, `/c${index}/`);
    return { segments: told.rows.map((one) => ({ ...one, base, index, recording: row.id })), gaps: told.gaps || [] };
  }

  video.footage = async function (rows, only) {
    const lanes = new Map();
    const asked = rows.flatMap((row) => row.channels.map((taping, index) => ({ row, index, channel: taping.channel }))).filter(({ channel }) => !only || channel === only);
    const answers = await Promise.all(asked.map(({ row, index }) => partsOf(row, index)));
    asked.forEach(({ channel }, at) => {
      const before = lanes.get(channel) || { segments: [], gaps: [] };
      lanes.set(channel, { segments: [...before.segments, ...answers[at].segments], gaps: [...before.gaps, ...answers[at].gaps] });
    });
    return [...lanes].map(([channel, { segments, gaps }]) => {
      const found = laid(segments);
      return { channel, segments: found, spans: spansOf(found), gaps };
    });
  };

  // -- words --------------------------------------------------------------------------------------------------------------

  /** Why there are no pictures: of the recorder, of the source, or of the relay. */
  video.absentText = function (reason) {
    const known = ["playback.absent", "video.reason", "video.refused", "desk.refused"].find((prefix) => hall.knows(`${prefix}.${reason}`));
    return known ? hall.t(`${known}.${reason}`) : reason;
  };

  video.bytesText = function (bytes) {
    if (bytes < 1e6) return `${hall.format.number(bytes / 1e3)} KB`;
    return bytes < 1e9 ? `${hall.format.number(bytes / 1e6, 1)} MB` : `${hall.format.number(bytes / 1e9, 2)} GB`;
  };
  /** 14:03:07.24: a moment of a recording, to the hundredth. */
  video.momentText = (ms) => `${hall.format.seconds(ms)}.${String(Math.floor((((ms % 1000) + 1000) % 1000) / 10)).padStart(2, "0")}`;
})();

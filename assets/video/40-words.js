/* How a tile's state is said: a mark, a sentence, badges. Nothing here touches the page.
 *
 * hall.video.condition(feed)   live | waiting | frozen: what the tile shows of it, decided by this page's own timer
 * hall.video.sentence(feed)    "摄像机无应答 · 第 3 次重试 · 8 秒后"
 * hall.video.badges(feed, health)   [{kind, text}]: converted, key pictures only, still picture, faults of the picture
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const FROZEN_MS = 1300; // looked at every 250 ms: marked within 2 s also where the page is busy
  const STILLS_MS = 12000;
  const LOSSY = 0.01; // share of packets from which on it is spoken of
  const QUIET = 400; // ms until a start that takes its time is spoken of
  const SILENT = new Set(["stalled", "waiting", "failed", "ended", "cut"]);

  function limit(feed) {
    if (feed.still) return STILLS_MS;
    if (feed.options.only !== "keys" && feed.budget !== "keys") return FROZEN_MS;
    return Math.max(FROZEN_MS, 2.2 * Math.min(feed.gap || 0, 12000)); // key pictures come as seldom as the camera makes them
  }

  video.condition = function (feed) {
    if (feed.shownAt === -Infinity) return "waiting";
    if (performance.now() - feed.shownAt > limit(feed)) return "frozen";
    return SILENT.has(feed.state.state) && performance.now() - feed.shownAt > 500 ? "frozen" : "live";
  };

  const seconds = (ms) => hall.t("video.seconds", { n: Math.max(0, Math.round(ms / 1000)) });

  function retry(state) {
    const parts = [];
    if (state.attempts) parts.push(hall.t("video.attempt", { n: state.attempts }));
    if (state.again_at) {
      const left = state.again_at - hall.clock.real();
      parts.push(left > 500 ? hall.t("video.again", { time: seconds(left) }) : hall.t("video.again-now"));
    }
    return parts;
  }

  function why(feed) {
    const { refused, state } = feed;
    if (refused) return [hall.t("video.refused", { why: hall.word("video.refused", refused.reason) })];
    if (feed.fault && feed.still) return [hall.t("video.undecodable", { codec: (feed.info && feed.info.codec) || feed.fault })];
    if (state.state === "cut" || video.wire.state === "lost") return [hall.t("video.cut")];
    const reason = state.reason ? hall.word("video.reason", state.reason) : "";
    if (SILENT.has(state.state)) return [reason || hall.word("video.state", state.state), ...retry(state)];
    return reason ? [reason] : [];
  }

  /** `short`: the one thing that matters most, for tiles of a few characters; how old the picture is stands at their foot. */
  video.sentence = function (feed, short) {
    const condition = video.condition(feed);
    if (condition === "live") return "";
    const parts = why(feed);
    if (short && parts.length) return parts[0];
    if (condition === "frozen") parts.unshift(hall.t("video.frozen", { time: seconds(performance.now() - feed.shownAt) }));
    else if (!parts.length && hall.video.channelOf(feed.options.channel).state === "offline") parts.push(hall.t("video.listed-offline"));
    else if (!parts.length) parts.push(hall.clock.real() - feed.state.since > QUIET ? hall.t("video.starting") : "");
    return parts.filter(Boolean).join(" · ");
  };

  video.badges = function (feed, health) {
    const found = [];
    const add = (kind, text) => found.push({ kind, text });
    if (feed.info && feed.info.converted) add("converted", hall.t("video.converted", { why: hall.word("video.converted", feed.info.converted) }));
    if (feed.budget) add("budget", hall.word("video.budget", feed.budget));
    else if (feed.options.only === "keys" && !feed.still) add("keys", hall.t("video.keys"));
    if (feed.still) add("still", hall.t("video.still"));
    if (feed.options.mode === "webrtc") add("webrtc", "WebRTC");
    if (feed.loss >= LOSSY) add("loss", hall.t("video.loss", { n: Math.round(feed.loss * 100) }));
    if (feed.fault === "webrtc") add("fault", hall.t("video.no-webrtc"));
    if (feed.suspect) add("suspect", hall.t("video.suspect"));
    for (const one of health || []) add("health", hall.word("fault", one));
    return found;
  };
})();

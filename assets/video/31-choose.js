/* Which player a stream needs in this browser.
 *
 * hall.video.choose(info, only)   a class, null where there is none, or a Promise of either while the browser is asked
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});

  /** The player's class for a stream, now or (H.265) once the browser was asked; null: none here. */
  video.choose = function (info, only) {
    if (info.family === "jpeg") return video.Jpegs;
    const class_ = () => (only === "keys" ? video.KeyCodec : video.Codec);
    if (video.hasCodecs()) return info.family === "h264" ? class_() : video.canDecode(info.codec).then((can) => (can ? class_() : video.mseFor(info)));
    return video.mseFor(info);
  };
  video.mseFor = (info) => (video.Mse && video.Mse.takes(info) ? video.Mse : null);
})();

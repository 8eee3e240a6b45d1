/* What a wall without pictures says: why, and what to do about it.
 *
 * hall.video.emptyWords(grid)   a text, "" where there is something to see
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const PATIENCE_MS = 4000; // directories and alarms come a moment after the page

  video.emptyWords = function (grid) {
    if (grid.cells.slice(0, grid.layout).some(Boolean)) return "";
    const person = !!grid.controls && grid.controls.allowed;
    if (grid.round) return hall.t(grid.rounds && grid.rounds.told ? "video.empty.round" : "video.empty.round-unknown");
    if (!grid.automatic) return hall.t(person ? "video.empty.drag" : "video.empty.chosen");
    if (performance.now() - grid.since < PATIENCE_MS) return "";
    if (grid.found) return "";
    return hall.t(person ? "video.empty.no-cameras" : "video.empty.no-cameras-here");
  };
})();

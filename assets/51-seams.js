/* Cells side by side whose lines fall on the seams between screens, as the tracks of a wall's drawing do (layouts/plan.py).
 *
 * hall.wall.tracks(element, weights)   sets grid-template-columns of `element`; again after a resize. Each seam takes the nearest free line that
 *                                      keeps the order of lines, the cells between two seams share their room by weight
 */
"use strict";

(function () {
  const hall = window.hall;

  /** `[index of the line, where it goes in px]`, both ends of the whole around them. */
  function anchors(lines, seams, width) {
    const found = [];
    seams.forEach((seam, k) => {
      const from = found.length ? found[found.length - 1][0] + 1 : 0;
      const last = lines.length - (seams.length - k); // enough lines stay free for the seams that follow
      let best = -1;
      for (let i = from; i <= last; i += 1) if (best < 0 || Math.abs(lines[i] - seam) < Math.abs(lines[best] - seam)) best = i;
      if (best >= 0) found.push([best, seam]);
    });
    return [[-1, 0], ...found, [lines.length, width]];
  }

  hall.wall.tracks = function (element, weights) {
    const width = element.clientWidth;
    if (!width || !weights.length) return;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let run = 0;
    const lines = weights.slice(0, -1).map((weight) => ((run += weight) / total) * width);
    const ends = anchors(lines, hall.wall.seams(element).x, width);
    const made = [];
    for (let k = 1; k < ends.length; k += 1) {
      const members = weights.slice(ends[k - 1][0] + 1, ends[k][0] + 1);
      const sum = members.reduce((all, weight) => all + weight, 0);
      made.push(...members.map((weight) => (weight / sum) * (ends[k][1] - ends[k - 1][1])));
    }
    const tracks = made.map((part) => `minmax(0,${((1000 * part) / width).toFixed(3)}fr)`).join(" ");
    if (element.style.gridTemplateColumns !== tracks) element.style.gridTemplateColumns = tracks;
  };
})();

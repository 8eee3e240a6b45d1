/* Outlines that people draw: corners [lon, lat] in degrees, not closed. Pure; the hall checks the same again (dispatch/bulletins/drawn.py).
 *
 * hall.citymap.rings.crossing(points, closed) -> [a, b] the first two sides that cross or touch, counted from 0, or null
 * hall.citymap.rings.fault(points)            -> null | {reason: "few" | "many" | "crossing", n, a, b}: why it is no area
 * hall.citymap.rings.area(points)             -> square metres
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const MOST = 100;
  const SCALE = 1e5; // corners are kept to five digits of a degree, about a metre: whole numbers, so that nothing is nearly crossing
  const METRES = 111195;

  const whole = ([lon, lat]) => [Math.round(lon * SCALE), Math.round(lat * SCALE)];
  const turn = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const within = (a, b, p) => Math.min(a[0], b[0]) <= p[0] && p[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= p[1] && p[1] <= Math.max(a[1], b[1]);

  function meet([a, b], [c, d]) {
    const [one, two, three, four] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
    if (one !== two && three !== four) return true;
    return (!one && within(a, b, c)) || (!two && within(a, b, d)) || (!three && within(c, d, a)) || (!four && within(c, d, b));
  }
  /** Sides that share a corner meet anyway: wrong is only one that runs back over the other. */
  const folded = (a, b, c) => turn(a, b, c) === 0 && (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0;

  function crossing(points, closed = true) {
    const corners = points.map(whole);
    const n = corners.length;
    const at = (i) => corners[i % n];
    const sides = closed ? n : n - 1;
    for (let j = 1; j < sides; j += 1) {
      for (let i = 0; i < j; i += 1) {
        if (i === j - 1 ? folded(at(i), at(j), at(j + 1)) : closed && i === 0 && j === sides - 1 ? folded(at(j), at(0), at(1)) : meet([at(i), at(i + 1)], [at(j), at(j + 1)])) return [i, j];
      }
    }
    return null;
  }

  function fault(points) {
    if (points.length < 3) return { reason: "few", n: points.length };
    if (points.length > MOST) return { reason: "many", n: points.length };
    const sides = crossing(points);
    return sides ? { reason: "crossing", n: points.length, a: sides[0], b: sides[1] } : null;
  }

  function area(points) {
    if (points.length < 3) return 0;
    const k = Math.cos((points[0][1] * Math.PI) / 180);
    let sum = 0;
    points.forEach(([lon, lat], i) => {
      const [x, y] = points[(i + 1) % points.length];
      sum += (lon - points[0][0]) * (y - points[0][1]) - (x - points[0][0]) * (lat - points[0][1]);
    });
    return Math.abs(sum / 2) * k * METRES * METRES;
  }

  const rounded = ([lon, lat]) => [Math.round(lon * SCALE) / SCALE, Math.round(lat * SCALE) / SCALE];
  const same = (a, b) => !!a && !!b && whole(a).join() === whole(b).join();

  citymap.rings = { MOST, crossing, fault, area, rounded, same };
})();

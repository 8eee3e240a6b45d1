/* Lengths, bearings and areas on the ellipsoid (WGS-84). Pure; places are [lon, lat] in degrees.
 *
 * hall.citymap.geodesic.inverse(a, b)               -> {metres, bearing, back}: degrees from north, at a towards b, and at b onwards
 * hall.citymap.geodesic.direct(a, bearing, metres)  -> [lon, lat]
 * hall.citymap.geodesic.length(points, closed)      -> metres along the line, back to its beginning when closed
 * hall.citymap.geodesic.area(points)                -> square metres of an area that does not cross itself
 * hall.citymap.geodesic.circle(centre, metres, n)   -> corners of it
 *
 * T. Vincenty, Survey Review 23 (1975), 88-93; areas as those of the authalic sphere, its sides great circles there. Against GeographicLib
 * (tests/browser/map/test_measuring.py): lengths within 1e-6, areas within 0.1 % up to 200 km across. Where two places lie nearly opposite
 * on the earth: the sphere's distance.
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const A = 6378137;
  const F = 1 / 298.257223563;
  const B = A * (1 - F);
  const E2 = F * (2 - F);
  const E = Math.sqrt(E2);
  const SPHERE = 6371008.8;
  const RAD = Math.PI / 180;
  const turn = (degrees) => ((degrees % 360) + 360) % 360;
  const reduced = (lat) => Math.atan((1 - F) * Math.tan(lat * RAD));

  function series(cos2) {
    const u2 = (cos2 * (A * A - B * B)) / (B * B);
    return [1 + (u2 / 16384) * (4096 + u2 * (-768 + u2 * (320 - 175 * u2))), (u2 / 1024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))];
  }
  const correction = (b, sin, cos, mid) => b * sin * (mid + (b / 4) * (cos * (-1 + 2 * mid * mid) - (b / 6) * mid * (-3 + 4 * sin * sin) * (-3 + 4 * mid * mid)));
  function bent(cos2, sinAlpha, sigma, sin, cos, mid) {
    const c = (F / 16) * cos2 * (4 + F * (4 - 3 * cos2));
    return (1 - c) * F * sinAlpha * (sigma + c * sin * (mid + c * cos * (-1 + 2 * mid * mid)));
  }

  function inverse([lon1, lat1], [lon2, lat2]) {
    const [u1, u2] = [reduced(lat1), reduced(lat2)];
    const [s1, c1, s2, c2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
    const apart = (turn(lon2 - lon1 + 180) - 180) * RAD;
    let lambda = apart;
    for (let i = 0; i < 100; i += 1) {
      const [sl, cl] = [Math.sin(lambda), Math.cos(lambda)];
      const sin = Math.hypot(c2 * sl, c1 * s2 - s1 * c2 * cl);
      if (sin === 0) return { metres: 0, bearing: 0, back: 0 };
      const cos = s1 * s2 + c1 * c2 * cl;
      const sigma = Math.atan2(sin, cos);
      const sinAlpha = (c1 * c2 * sl) / sin;
      const cos2 = 1 - sinAlpha * sinAlpha;
      const mid = cos2 ? cos - (2 * s1 * s2) / cos2 : 0;
      const next = apart + bent(cos2, sinAlpha, sigma, sin, cos, mid);
      if (Math.abs(next - lambda) < 1e-12) {
        const [big, small] = series(cos2);
        return {
          metres: B * big * (sigma - correction(small, sin, cos, mid)),
          bearing: turn(Math.atan2(c2 * sl, c1 * s2 - s1 * c2 * cl) / RAD),
          back: turn(Math.atan2(c1 * sl, -s1 * c2 + c1 * s2 * cl) / RAD),
        };
      }
      lambda = next;
    }
    const sin = Math.hypot(Math.sin(((lat2 - lat1) * RAD) / 2), Math.cos(lat1 * RAD) * Math.cos(lat2 * RAD) ** 0.5 * Math.sin(apart / 2));
    const bearing = turn(Math.atan2(Math.sin(apart) * c2, c1 * s2 - s1 * c2 * Math.cos(apart)) / RAD);
    return { metres: 2 * SPHERE * Math.asin(Math.min(1, sin)), bearing, back: bearing };
  }

  function direct([lon, lat], bearing, metres) {
    const u1 = reduced(lat);
    const [s1, c1, sa, ca] = [Math.sin(u1), Math.cos(u1), Math.sin(bearing * RAD), Math.cos(bearing * RAD)];
    const first = Math.atan2(Math.tan(u1), ca);
    const sinAlpha = c1 * sa;
    const cos2 = 1 - sinAlpha * sinAlpha;
    const [big, small] = series(cos2);
    let sigma = metres / (B * big);
    let [sin, cos, mid] = [0, 1, 0];
    for (let i = 0; i < 100; i += 1) {
      [sin, cos, mid] = [Math.sin(sigma), Math.cos(sigma), Math.cos(2 * first + sigma)];
      const next = metres / (B * big) + correction(small, sin, cos, mid);
      if (Math.abs(next - sigma) < 1e-13) break;
      sigma = next;
    }
    const x = s1 * sin - c1 * cos * ca;
    const north = Math.atan2(s1 * cos + c1 * sin * ca, (1 - F) * Math.hypot(sinAlpha, x));
    const lambda = Math.atan2(sin * sa, c1 * cos - s1 * sin * ca);
    return [turn(lon + (lambda - bent(cos2, sinAlpha, sigma, sin, cos, mid)) / RAD + 180) - 180, north / RAD];
  }

  function length(points, closed) {
    let sum = 0;
    for (let i = 1; i < points.length; i += 1) sum += inverse(points[i - 1], points[i]).metres;
    return closed && points.length > 2 ? sum + inverse(points[points.length - 1], points[0]).metres : sum;
  }

  const q = (sin) => (1 - E2) * (sin / (1 - E2 * sin * sin) + Math.atanh(E * sin) / E);
  const POLE = q(1);
  const half = (lat) => Math.tan(Math.asin(Math.max(-1, Math.min(1, q(Math.sin(lat * RAD)) / POLE))) / 2);

  function area(points) {
    if (points.length < 3) return 0;
    let sum = 0;
    points.forEach(([lon, lat], i) => {
      const [lon2, lat2] = points[(i + 1) % points.length];
      const [t1, t2] = [half(lat), half(lat2)];
      sum += 2 * Math.atan2(Math.tan(((turn(lon2 - lon + 180) - 180) * RAD) / 2) * (t1 + t2), 1 + t1 * t2);
    });
    return Math.abs(sum) * ((A * A * POLE) / 2);
  }

  const circle = (centre, metres, n = 72) => Array.from({ length: n }, (_, i) => direct(centre, (360 * i) / n, metres));

  citymap.geodesic = { inverse, direct, length, area, circle };
})();

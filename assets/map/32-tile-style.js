/* How each class of the vector tiles looks: one table, lowest first. Dark, and without yellow, orange and red: those are severities.
 *
 * `fill`, `line` colours; `width` in units of u, grows with `wide` zoom; `from` (below `to`) the `wide` zoom it shows at; `dash` in u;
 * `edge`: the colour of the rim that is drawn under all roads from EDGED_FROM on.
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});

  const area = (keys, fill, from = 0) => ({ keys: keys.split(" "), fill, from });
  const line = (keys, colour, width, from, more = {}) => ({ keys: keys.split(" "), line: colour, width, from, ...more });
  const road = (classes, colour, width, from, more = {}) =>
    line(classes.split(" ").map((one) => `transportation/${one}`).join(" "), colour, width, from, { edge: "#070d17", ...more });

  citymap.LAND = "#0e1827";
  citymap.EDGED_FROM = 14;
  citymap.TILE_STYLE = [
    area("landcover/farmland", "#0f1b26", 9),
    area("landcover/wood landcover/grass", "#10241f"),
    area("landcover/wetland", "#0f252b"),
    area("landcover/sand", "#1a2029"),
    area("landuse/residential", "#111d2e", 10),
    area("landuse/commercial", "#152236", 11),
    area("landuse/industrial landuse/railway landuse/military", "#171f2e", 11),
    area("landuse/school landuse/hospital", "#18243a", 12),
    area("landuse/cemetery landuse/pitch landuse/stadium", "#112722", 12),
    area("park/park park/national_park", "#10281f"),
    area("water/ocean water/lake water/river water/dock", "#12304a"),
    line("waterway/river waterway/canal", "#1b4263", 1.5, 8),
    line("waterway/stream waterway/drain", "#183651", 0.9, 13),
    area("building/", "#1b2838", 14),
    line("boundary/8", "#3c5068", 0.9, 11, { dash: [3, 5] }),
    line("boundary/7 boundary/6", "#4a6380", 1.1, 8, { dash: [6, 5] }),
    line("boundary/5 boundary/4 boundary/2", "#5b7796", 1.5, 0, { dash: [12, 5, 3, 5] }),
    line("transportation/ferry", "#23506f", 0.9, 11, { dash: [6, 6] }),
    road("path", "#223044", 0.5, 15.5, { edge: "" }),
    road("service", "#25344a", 0.75, 14.5, { edge: "" }),
    road("minor", "#2b3c55", 1, 12.6),
    road("tertiary", "#324763", 1.25, 11.4),
    road("ramp", "#3a5272", 1.1, 12),
    road("secondary", "#3a5272", 1.5, 10),
    road("primary", "#456288", 1.85, 7.5),
    road("trunk", "#4f7099", 2.1, 0),
    road("motorway", "#5a7fab", 2.4, 0),
    line("transportation/transit", "#55597c", 0.4, 13.5),
    line("transportation/rail", "#3d4a5e", 0.8, 9, { dash: [7, 5], to: 14.5 }),
    line("transportation/rail", "#364255", 0.4, 14.5),
  ];
  /** Line widths at a `wide` zoom, of those in the table. */
  citymap.growth = (wide) => Math.min(9, Math.max(0.6, 2 ** ((wide - 12) * 0.48)));

  // names: from which `wide` zoom, rank (the least gives way last), colour, and for points the key of their badge
  const point = (from, rank, more = {}) => ({ from, rank, colour: "#a9bccf", ...more });
  const street = (from, rank, colour = "#9fb2c9") => ({ from, rank, colour });
  const badge = (from, rank) => ({ from, rank, colour: "#b4c3d4", badge: true });
  citymap.NAME_STYLE = {
    "place/city": point(5, 0, { large: 1.2, colour: "#d3deea", to: 13.5 }),
    "place/town": point(8, 1, { large: 1.1, colour: "#c3d1e0" }),
    "place/suburb": point(11, 2, { colour: "#b5c6d9" }),
    "place/island": point(11.5, 5),
    "place/village": point(11.5, 5),
    "place/neighbourhood": point(13, 6),
    "place/hamlet": point(13.6, 9),
    "transportation_name/motorway": street(10, 3),
    "transportation_name/trunk": street(10.5, 3),
    "transportation_name/primary": street(11.4, 4),
    "transportation_name/secondary": street(12.4, 5),
    "transportation_name/tertiary": street(13.4, 7, "#93a6bd"),
    "transportation_name/minor": street(14.2, 9, "#8a9db5"),
    "transportation_name/service": street(16, 11, "#8093aa"),
    "transportation_name/path": street(16.5, 11, "#8093aa"),
    "transportation_name/rail": street(13.5, 8, "#8a93a8"),
    "water/*": street(10, 4.5, "#6f9fc6"),
    "waterway/*": street(12, 6, "#6f9fc6"),
    "park/*": point(13.2, 7, { colour: "#7fae97" }),
    "poi/railway": badge(13, 4.8),
    "poi/hospital": badge(14.4, 6.5),
    "poi/police": badge(15, 8),
    "poi/fire_station": badge(15, 8),
    "poi/shelter": badge(15, 8),
    "poi/town_hall": badge(15, 8),
    "poi/college": badge(15, 8.5),
    "poi/school": badge(15.2, 8.6),
    "poi/attraction": badge(15.5, 10),
    "poi/bus": badge(16, 10),
    "poi/fuel": badge(16, 10),
  };
})();

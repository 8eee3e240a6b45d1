/* Colours of street components (部件) by their main class, for whoever draws them: the city map and the phone's.
 *
 * hall.citymap.componentGroups(classes, of)   `classes` as /api/v1/components tells them; [{main, codes, numbers, count, colour}], most
 *   first. `of(kind)`: what they are grouped by, else the main class
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  // classes by number of components, most first; no yellow, orange or red: those are severities
  citymap.COMPONENT_COLOURS = ["#4fc3d9", "#b79cf2", "#7ccf8a", "#e39bc6", "#8fa8ff"];
  citymap.COMPONENT_OTHER = "#b4c2cf";

  citymap.componentGroups = function (classes, of = (kind) => kind.main) {
    const groups = new Map();
    for (const kind of classes || []) {
      const main = of(kind);
      const group = groups.get(main) || { main, codes: [], numbers: [], count: 0 };
      groups.set(main, group);
      group.codes.push(kind.code);
      group.numbers.push(kind.number);
      group.count += kind.count;
    }
    const found = [...groups.values()].sort((a, b) => b.count - a.count);
    found.forEach((group, i) => (group.colour = citymap.COMPONENT_COLOURS[i] || citymap.COMPONENT_OTHER));
    return found;
  };
})();

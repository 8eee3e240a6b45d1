/* What a crew that is called is doing, beside its position: name, CAD state in words, how long it still needs: by road as the dispatch
 * process works it out (kpi/arrivals); until it has, a straight line with the city's own factor and speed, which says so: 约. */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const CALLED = new Set(["assigned", "acknowledged", "mustered", "en_route", "on_scene"]);
  const COMING = new Set(["acknowledged", "mustered", "en_route"]);

  /** Takes a crew's document into `crews` (subject of its position -> document). */
  citymap.takeCrew = function (crews, event) {
    for (const [position, crew] of crews) if (`crew/${crew.crew_id}` === event.subject) crews.delete(position);
    if (event.data && event.data.position) crews.set(event.data.position, event.data);
  };

  citymap.isCalled = (crew) => !!crew && CALLED.has(crew.state);

  const placeOf = (subject) => (citymap.doc((subject || "").replace(/^file\//, "case/")) || {}).data;

  /** When it will be there: "12 分到", "约 12 分", or "". */
  citymap.arrivalText = function (crew, unit) {
    if (!COMING.has(crew.state)) return "";
    const told = citymap.past ? null : hall.flood.arrival(crew, citymap.now()); // arrivals by road are known for now only
    const target = !told && placeOf(crew.assignment);
    return hall.flood.etaText(told ? told.seconds : target ? hall.flood.eta(unit, target) : null, told);
  };

  /** "二号泵车 · 途中 12 分到", or "" for one that nothing calls. */
  citymap.crewText = function (crew, unit) {
    if (!citymap.isCalled(crew)) return "";
    return [hall.label(crew.label) || crew.name || crew.crew_id, `${hall.word("crew.state", crew.state)} ${citymap.arrivalText(crew, unit)}`.trim()].join(" · ");
  };
})();

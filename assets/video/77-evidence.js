/* Pictures as evidence of a case, and the marks that its history leaves on a time axis.
 *
 * hall.video.realOf(city)           real ms of a moment of the city's clock
 * hall.video.still(film, subject)   the picture on the glass of a playback into the case's photos, with a line in its history:
 *                                   the hall takes it out of the recording itself -> {captured, media, source}
 * hall.video.marksOf(view)          [{at, when, text, who, title, kind}] in the order of time, real ms
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});

  video.still = async function (film, subject) {
    const at = film.shown;
    const segment = film.lane.segments.find((one) => one.from <= at + 1 && at < one.to + 1);
    if (!segment) throw Object.assign(new Error(""), { reason: "no-picture" });
    const pts = Math.max(0, (at - segment.shift) / 1000);
    return video.recordings.still(segment, pts, subject);
  };

  // -- the case's history on the axis ---------------------------------------------------------------------------------------

  /** Cases run by the city's clock, recordings by the real one: the same but in a replay. */
  function realOf(city) {
    const state = hall.clock.state;
    return state && state.rate ? state.anchor_real + (city - state.anchor_city) / state.rate : city;
  }
  video.realOf = realOf;
  const happened = (entry) => (entry.real ? entry.real - (entry.recorded - entry.time) : realOf(entry.time));

  function wordOf(entry) {
    const data = entry.data || {};
    const state = entry.move === "crew_state" && data.state ? hall.word("crew.state", data.state) : "";
    const crew = state && data.crew ? hall.desk.crewName(data.crew) : "";
    return [crew, state || hall.desk.moveName(entry.move)].filter(Boolean).join(" ");
  }

  video.marksOf = function (view) {
    const marks = view.entries.map((entry) => ({ at: happened(entry), time: entry.time, text: wordOf(entry), who: hall.desk.whoOf(entry), kind: entry.move, more: (entry.data || {}).text || entry.reason || "", said: hall.desk.saidOf(entry) }));
    const reported = (view.case.stages || {}).reported;
    if (reported != null && !marks.some((mark) => mark.kind === "open" && mark.time === reported)) {
      marks.push({ at: realOf(reported), time: reported, text: hall.t("desk.stage.reported"), who: view.case.report_source || "", kind: "reported", said: "" });
    }
    for (const mark of marks) {
      mark.when = hall.desk.shortMoment(mark.time);
      mark.title = mark.said || `${hall.format.seconds(mark.time)} ${mark.text}`;
    }
    return marks.sort((a, b) => a.at - b.at);
  };
})();

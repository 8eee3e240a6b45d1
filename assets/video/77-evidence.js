/* Pictures as evidence of a case, and the marks that its history leaves on a time axis.
 *
 * hall.video.still(film, subject)   the picture on the glass of a playback, with where and when it was taken under it, into the
 *                                   case's photos with a line in its history -> {at, media}
 * hall.video.marksOf(view)          [{at, when, text, who, title, kind}] in the order of time, real ms
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const QUALITY = 0.92;
  const UPLOAD_MS = 30000;

  /** The words of a still stand under the picture, never on it. */
  function drawn(film, at, words) {
    const { videoWidth: width, videoHeight: height } = film.element;
    const line = Math.max(18, Math.round(height / 22));
    const canvas = hall.make("canvas");
    Object.assign(canvas, { width, height: height + 2 * line + 8 });
    const context = canvas.getContext("2d", { alpha: false });
    context.drawImage(film.element, 0, 0, width, height);
    context.fillStyle = "#000";
    context.fillRect(0, height, width, canvas.height - height);
    context.fillStyle = "#fff";
    context.textBaseline = "top";
    context.font = `${Math.round(line * 0.72)}px sans-serif`;
    words.forEach((text, index) => context.fillText(text, 6, height + 4 + index * line, width - 12));
    return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("canvas"))), "image/jpeg", QUALITY));
  }

  async function uploaded(blob) {
    const headers = { "content-type": "image/jpeg", "x-hall-csrf": hall.page.csrf || "" };
    const answer = await fetch("/api/v1/media", { method: "POST", headers, body: blob, signal: AbortSignal.timeout(UPLOAD_MS) });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.detail || ""), { reason: told.reason || "http", status: answer.status });
    return told.media;
  }

  video.still = async function (film, subject) {
    const at = film.shown;
    const segment = film.lane.segments.find((one) => one.from <= at + 1 && at < one.to + 1);
    if (!segment || !film.element.videoWidth) throw Object.assign(new Error(""), { reason: "no-picture" });
    const name = video.nameOf(film.lane.channel);
    const when = `${hall.format.date(at)} ${video.momentText(at)}`;
    const text = hall.t("playback.shot-text", { name, at: when, id: segment.recording });
    const who = (hall.page.who || {}).name || "";
    const blob = await drawn(film, at, [`${name} · ${when}`, hall.t("playback.shot-who", { who, at: hall.desk.moment(hall.clock.real()), id: segment.recording, file: segment.file })]);
    const media = await uploaded(blob);
    hall.commands.send({ subject, move: "note", data: { text, photos: [{ media, usage: "other" }] } });
    return { at, media };
  };

  // -- the case's history on the axis ---------------------------------------------------------------------------------------

  /** Cases run by the city's clock, recordings by the real one: the same but in a replay. */
  function realOf(city) {
    const state = hall.clock.state;
    return state && state.rate ? state.anchor_real + (city - state.anchor_city) / state.rate : city;
  }
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

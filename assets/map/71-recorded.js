/* In a replay, on a camera's card: its recording of that moment, or why there is none (docs/REPLAY.md).
 *
 * new hall.citymap.Recorded(subject)   .node, .tick()   asks once for the time that is kept, and again when that is old; the moment
 *                                      may move meanwhile. Pressed, the recording plays from that moment in 76-player.js; the replay rests.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make, setText } = hall;
  const OLD_MS = 10000;
  const DAY_MS = 86400000;
  const SOON_MS = 12000; // so long a segment is not closed, and so not there to be played

  const may = () => (hall.page.may || []).includes("see-recordings");
  const of = (row, subject) => row.channels.find((one) => one.channel === subject);
  const covers = (row, subject, at) => {
    const { start, end } = of(row, subject) || {};
    return start != null && start <= at && at <= end;
  };

  citymap.Recorded = class {
    constructor(subject) {
      this.subject = subject;
      this.rows = this.fault = null;
      this.asked = -Infinity;
      this.days = Infinity;
      this.button = make("button.desk-chip.map-recorded-play", { type: "button", hidden: "" });
      this.button.onclick = () => this.play();
      this.words = make("span.map-recorded-words", { role: "status" });
      this.node = make("div.map-recorded", {}, [this.button, this.words]);
      this.tick();
    }

    async ask() {
      this.asked = performance.now();
      const { since, until } = citymap.past.extent;
      try {
        const told = await hall.video.recordings.at(this.subject, hall.video.realOf(since), hall.video.realOf(until));
        Object.assign(this, { rows: told.rows, days: told.days ?? Infinity, now: told.as_of, fault: null });
      } catch (error) {
        this.fault = error;
      }
      this.paint();
    }

    tick() {
      if (!citymap.past) return;
      this.moment = citymap.past.now;
      this.at = hall.video.realOf(this.moment);
      if (may() && performance.now() - this.asked > OLD_MS) this.ask();
      this.paint();
    }

    /** Why there is none of this moment; "" where there is one. */
    absent() {
      const at = hall.format.time(this.moment);
      if (!may()) return hall.t("replay.recording.no-right");
      if (this.fault) return hall.t("replay.recording.away", { why: hall.why(this.fault) });
      if (!this.rows) return hall.t("replay.recording.asking");
      if (this.rows.some((row) => covers(row, this.subject, this.at))) return "";
      if (this.now - this.at > this.days * DAY_MS) return hall.t("replay.recording.old", { n: hall.format.number(this.days) });
      const running = this.rows.some((row) => row.ended == null && of(row, this.subject).start <= this.at);
      return hall.t(running && this.now - this.at < SOON_MS ? "replay.recording.soon" : "replay.recording.none", { at });
    }

    paint() {
      const why = this.failed || this.absent();
      this.button.hidden = !!this.absent();
      setText(this.button, `▶ ${hall.t("replay.recording.play", { at: hall.format.time(this.moment) })}`);
      setText(this.words, why);
    }

    async play() {
      for (const map of citymap.live) if (map.past) citymap.replayOf(map).pause();
      this.button.disabled = true;
      this.failed = "";
      try {
        await hall.video.playback({ rows: this.rows.filter((row) => of(row, this.subject)), channel: this.subject, at: this.at });
      } catch (error) {
        this.failed = hall.t("replay.recording.away", { why: hall.why(error) });
      }
      this.button.disabled = false;
      this.paint();
    }
  };
})();

/* Several cameras turned to one place by one act, and back: those of the nearest that can; of the others it is said why not.
 *
 * hall.video.pointing({lon, lat}, rows)   a bar for a place's card, null where nobody is signed in; rows: its nearest cameras
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText } = hall;
  const address = (channel) => `/api/v1/video/ptz/${channel.split("/").map(encodeURIComponent).join("/")}`;
  const refused = ({ channel, reason }) => hall.t("video.point.not", { name: video.nameOf(channel), why: hall.word("ptz.reason", reason) });

  class Pointing {
    constructor(place, rows) {
      this.place = place;
      this.rows = rows;
      this.turned = []; // [{channel, before}]
      this.go = make("button.video-button", { type: "button" });
      this.back = make("button.video-button", { type: "button", hidden: "" });
      this.status = make("span.video-pointing-status", { role: "status" });
      this.node = make("div.video-pointing", {}, [this.go, this.back, this.status]);
      this.go.onclick = () => this.act(() => this.point());
      this.back.onclick = () => this.act(() => this.undo());
      this.able = rows.filter((row) => row.ptz);
      this.go.disabled = !this.able.length;
      setText(this.go, hall.t("video.point"));
      setText(this.back, hall.t("video.point.back"));
      if (!this.able.length) setText(this.status, hall.t("video.point.none"));
    }

    async act(what) {
      this.go.disabled = this.back.disabled = true;
      setText(this.status, hall.t("video.point.under-way"));
      try {
        setText(this.status, await what());
      } catch (error) {
        const why = hall.knows(`ptz.reason.${error.reason}`) ? hall.t(`ptz.reason.${error.reason}`) : hall.acting.why(error);
        setText(this.status, hall.t("ptz.refused", { why }));
      }
      this.go.disabled = this.back.disabled = false;
      this.back.hidden = !this.turned.length;
    }

    /** Turns those that turn; what it says names the others. */
    async point() {
      const { lon, lat } = this.place;
      const channels = this.able.map((row) => row.subject);
      const found = await hall.acting.ask("/api/v1/video/ptz/point", { method: "POST", body: { lon, lat, channels } });
      const before = new Map(this.turned.map((one) => [one.channel, one]));
      this.turned = [...found.turned.map((one) => before.get(one.channel) || one), ...this.turned.filter((one) => !found.turned.some((now) => now.channel === one.channel))];
      const fixed = this.rows.filter((row) => !row.ptz).map((row) => ({ channel: row.subject, reason: "no-ptz" }));
      return [hall.t("video.point.done", { n: found.turned.length }), ...[...found.refused, ...fixed].map(refused)].join(" · ");
    }

    /** Each to where it looked before the first time. */
    async undo() {
      const all = this.turned;
      const asked = all.map(({ channel, before }) => hall.acting.ask(address(channel), { method: "POST", body: { do: "recall", before } }));
      const answers = await Promise.allSettled(asked);
      this.turned = all.filter((_, at) => answers[at].status === "rejected");
      const faults = this.turned.map(({ channel }) => refused({ channel, reason: answers[all.findIndex((one) => one.channel === channel)].reason.reason }));
      return [hall.t("video.point.undone", { n: all.length - faults.length }), ...faults].join(" · ");
    }
  }

  video.pointing = (place, rows) => (place && rows.length && hall.acting.who() ? new Pointing(place, rows).node : null);
})();

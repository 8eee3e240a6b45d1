/* The slider at the map's foot: the last hours, what happened in them, where the map stands; the watermark of a map that shows the past.
 *
 * On /map a tool opens it (t). Focused: arrows a minute (Shift ten, Ctrl an hour), PageUp/PageDown an hour, Space plays and rests, + and -
 * the pace, Esc or Home back to live. On walls it has no buttons: it stands there while somebody's push shows the past.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, setText } = hall;
  const MINUTE = 60000;
  const HOUR = 3600000;
  const { full, watermark } = citymap.timePaint;

  const dayAndTime = (ms) => `${hall.format.day(ms)} ${hall.format.time(ms)}`;
  class TimeBar extends citymap.timePaint.Span {
    constructor(view) {
      super();
      this.view = view;
      this.replay = citymap.replayOf(view);
      this.stop = this.replay.onTime(() => this.show());
      this.node = null;
    }

    get open() {
      return !!this.node;
    }

    toggle(open = !this.open) {
      if (open === this.open) return;
      if (open) this.build();
      else {
        this.sizes.disconnect();
        this.node.remove();
        this.node = null;
        this.view.element.classList.remove("has-time");
        if (this.replay.active) this.replay.leave();
      }
      if (citymap.page) citymap.page.refresh();
    }

    build() {
      const button = (name, act, attributes) => {
        const node = make("button.map-time-button", { type: "button", "data-t": name, ...attributes }, hall.t(name));
        node.onclick = act;
        return node;
      };
      this.play = make("button.map-time-button.map-time-play", { type: "button" });
      this.play.onclick = () => this.press();
      this.speeds = citymap.SPEEDS.map((speed) => {
        const node = make("button.map-time-button", { type: "button", "aria-pressed": "false" }, `${speed}×`);
        node.onclick = () => this.pace(speed);
        return node;
      });
      this.moment = make("strong.map-time-moment");
      this.note = make("span.map-time-note", { role: "status" });
      this.live = button("replay.live", () => this.replay.setTime(null), { class: "map-time-button map-time-live" });
      this.canvas = make("canvas", { "aria-hidden": "true" });
      this.hand = make("i.map-time-hand");
      this.tip = make("span.map-time-tip", { hidden: "" });
      this.track = make("div.map-time-track", { role: "slider", tabindex: "0", "aria-label": hall.t("replay.slider"), title: hall.t("replay.keys") }, [this.canvas, this.hand, this.tip]);
      const buttons = hall.page.wall ? [] : [this.play, make("span.map-time-speeds", { role: "group", "aria-label": hall.t("replay.speed") }, this.speeds)];
      this.key = make("span.map-time-key", {}, [make("i.is-case"), make("span", { "data-t": "replay.cases" }, hall.t("replay.cases")), make("i.is-alarm"), make("span", { "data-t": "replay.alarms" }, hall.t("replay.alarms")), make("i.is-gap"), make("span", { "data-t": "replay.gap-key" }, hall.t("replay.gap-key"))]);
      this.node = make("section.map-time", { "aria-label": hall.t("replay.slider") }, [make("div.map-time-head", {}, [...buttons, this.moment, this.note, this.key, ...(hall.page.wall ? [] : [this.live])]), this.track]);
      this.pointer();
      this.node.addEventListener("keydown", (event) => this.press_(event));
      this.view.root.append(this.node);
      this.view.element.classList.add("has-time");
      this.sizes = new ResizeObserver(() => this.paint());
      this.sizes.observe(this.track);
      for (const name of ["mousedown", "dblclick", "wheel", "pointerdown"]) L.DomEvent.on(this.node, name, L.DomEvent.stopPropagation);
      this.refresh();
      if (!hall.page.wall) this.track.focus({ preventScroll: true });
    }

    async refresh() {
      await this.replay.known();
      this.show();
      this.paint();
    }

    // -- people ------------------------------------------------------------------------------------------------------------

    press() {
      if (this.replay.playing) return this.replay.pause();
      if (this.replay.active) return this.replay.play();
      return this.go(hall.clock.city() - HOUR).then(() => this.replay.play());
    }

    pace(speed) {
      this.replay.speed = speed;
      if (this.replay.playing) this.replay.play(speed);
      else this.show();
    }

    go(ms) {
      const { extent } = this.replay.past;
      return this.replay.setTime(extent && extent.since !== null ? Math.max(extent.since, Math.min(extent.until, ms)) : ms);
    }

    by(ms) {
      const { extent } = this.replay.past;
      const now = this.replay.wish ?? this.replay.getTime() ?? (extent ? extent.until : null);
      if (now === null) return;
      if (this.replay.active && extent && now + ms >= extent.until) this.replay.setTime(null);
      else this.go(now + ms);
    }

    press_(event) {
      const step = event.ctrlKey ? HOUR : event.shiftKey ? 10 * MINUTE : MINUTE;
      const acts = {
        ArrowLeft: () => this.by(-step), ArrowRight: () => this.by(step), PageUp: () => this.by(-HOUR), PageDown: () => this.by(HOUR),
        Escape: () => this.replay.setTime(null), Home: () => this.replay.setTime(null), " ": () => this.press(),
        "+": () => this.pace(citymap.SPEEDS[Math.min(3, citymap.SPEEDS.indexOf(this.replay.speed) + 1)]),
        "-": () => this.pace(citymap.SPEEDS[Math.max(0, citymap.SPEEDS.indexOf(this.replay.speed) - 1)]),
      };
      const act = acts[event.key];
      if (!act || event.altKey || event.metaKey || (event.key === " " && event.target !== this.track)) return;
      if (event.key === "Escape" && !this.replay.active) return; // the page's
      event.preventDefault();
      event.stopPropagation();
      act();
    }

    pointer() {
      const { track } = this;
      const at = (event) => this.range[0] + Math.max(0, Math.min(1, (event.clientX - this.box.left) / this.box.width)) * (this.range[1] - this.range[0]);
      const seek = (event) => {
        const ms = at(event);
        if (ms >= this.replay.past.extent.until) this.replay.setTime(null);
        else this.go(ms);
      };
      if (hall.page.wall) return;
      track.addEventListener("pointerdown", (event) => {
        if (event.button || !this.range) return;
        this.box = track.getBoundingClientRect();
        track.setPointerCapture(event.pointerId);
        this.was = this.replay.playing;
        this.replay.pause();
        this.dragged = true;
        seek(event);
      });
      track.addEventListener("pointermove", (event) => {
        if (!this.range) return;
        this.box = track.getBoundingClientRect();
        this.point(at(event));
        if (this.dragged) seek(event);
      });
      track.addEventListener("pointerleave", () => (this.tip.hidden = true));
      for (const name of ["pointerup", "pointercancel"]) track.addEventListener(name, () => {
        if (this.dragged && this.was && this.replay.active) this.replay.play();
        this.dragged = false;
      });
    }

    /** What happened about a moment. */
    point(ms) {
      const { extent } = this.replay.past;
      const { marks } = extent;
      const bin = ms - (ms % marks.bin);
      const count = (rows) => (rows.find(([start]) => start === bin) || [0, 0])[1];
      const words = [dayAndTime(ms), hall.t("replay.bin", { cases: count(marks.cases), alarms: count(marks.alarms) })];
      for (const [since, , severity, headline, until] of marks.warnings) if (since <= ms && ms <= (until || since + 6 * HOUR)) words.push(`${citymap.SHAPES[severity] || ""} ${hall.label(headline)}`.trim());
      if (this.replay.past.gap(ms)) words.push(hall.t("replay.gap-short"));
      setText(this.tip, words.join(" · "));
      this.tip.hidden = false;
      const part = (ms - this.range[0]) / (this.range[1] - this.range[0]);
      this.tip.style.left = `${part * 100}%`;
      this.tip.style.transform = `translateX(${-part * 100}%)`;
    }

    // -- what is shown -----------------------------------------------------------------------------------------------------

    words() {
      const { replay } = this;
      const { extent } = replay.past;
      if (replay.fault) return hall.t(`replay.fault.${["history-none", "history-off", "history-before", "history-unreadable", "busy", "timeout", "unreachable"].includes(replay.fault) ? replay.fault : "http"}`);
      if (!extent) return hall.t("replay.loading");
      const gap = replay.active && replay.past.gap(replay.moment);
      if (gap) return hall.t("replay.gap", { from: dayAndTime(gap[0]), to: dayAndTime(gap[1]) });
      if (replay.loading) return hall.t("replay.loading");
      if (!replay.active) return hall.t("replay.kept", { n: hall.format.duration(hall.clock.city() - extent.since) });
      return hall.t("replay.ago", { n: hall.format.duration(hall.clock.city() - replay.moment) });
    }

    show() {
      const { replay } = this;
      if (!this.node) {
        if (hall.page.wall && replay.active) this.toggle(true);
        return;
      }
      if (hall.page.wall && !replay.active) return void this.toggle(false);
      const { extent } = replay.past;
      const moment = replay.active ? replay.moment : hall.clock.city();
      this.node.dataset.state = replay.active ? "past" : "live";
      this.node.dataset.loading = replay.loading ? "1" : "";
      setText(this.moment, replay.active ? full(moment) : `${hall.t("replay.now")} ${hall.format.time(moment)}`);
      setText(this.note, this.words());
      setText(this.play, replay.playing ? "❚❚" : "▶");
      this.play.setAttribute("aria-label", hall.t(replay.playing ? "replay.pause" : "replay.play"));
      this.play.title = `${hall.t(replay.playing ? "replay.pause" : "replay.play")} (␣)`;
      this.play.disabled = !extent || extent.since === null;
      this.speeds.forEach((node, i) => node.setAttribute("aria-pressed", String(citymap.SPEEDS[i] === replay.speed)));
      this.live.disabled = !replay.active;
      this.span();
      if (this.range) {
        this.hand.style.left = `${((Math.min(this.range[1], moment) - this.range[0]) / (this.range[1] - this.range[0])) * 100}%`;
        const { track } = this;
        for (const [name, value] of [["valuemin", this.range[0]], ["valuemax", this.range[1]], ["valuenow", Math.round(moment)], ["valuetext", replay.active ? full(moment) : hall.t("replay.now")]]) track.setAttribute(`aria-${name}`, value);
      }
      if (citymap.page && this.shown !== replay.active) citymap.page.refresh();
      this.shown = replay.active;
    }

    tick() {
      if (!this.node) return;
      this.seconds = (this.seconds || 0) + 1;
      if (this.seconds % 15 === 0 && !this.replay.loading) this.refresh();
      else this.show();
    }

    locale() {
      if (!this.node) return;
      hall.translate(this.node);
      this.track.title = hall.t("replay.keys");
      this.show();
      this.paint();
    }

    remove() {
      this.stop();
      this.toggle(false);
    }
  }

  citymap.layer({
    name: "time",
    make(view) {
      let bar = null;
      const made = () => (bar = bar || new TimeBar(view));
      return {
        bar: made,
        attach: () => made(),
        things: (c, frame) => view.past && watermark(c, frame, citymap.now()),
        tick: () => bar && bar.tick(),
        locale: () => bar && bar.locale(),
        remove: () => bar && bar.remove(),
      };
    },
  });

  const barOf = (view) => view && view.layers.get("time").bar();
  if (citymap.tool) citymap.tool({
    name: "time",
    order: 320,
    key: "t",
    act: (view) => barOf(view).toggle(),
    state: () => ({ on: !!citymap.page && !!citymap.page.view && !!barOf(citymap.page.view) && barOf(citymap.page.view).open }),
  });

  // what goes along with a view that is passed on: null is live
  if (citymap.part) citymap.part("time", {
    get(view) {
      const replay = citymap.replayOf(view);
      return replay.active ? { at: Math.round(replay.moment), speed: replay.speed, playing: replay.playing } : null;
    },
    set(view, value) {
      const replay = citymap.replayOf(view);
      if (!value || !Number.isFinite(value.at)) return replay.active ? replay.setTime(null) : undefined;
      if (!hall.page.wall) barOf(view).toggle(true);
      return replay.setTime(value.at).then(() => (value.playing ? replay.play(value.speed) : replay.pause()));
    },
  });
})();

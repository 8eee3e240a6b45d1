/* The time axis under a playback: a slider, where each channel has footage, what was done in the case, all on one scale.
 *
 * hall.video.axis({seek})   {node, take({lanes, marks, from, to}), show(at), zoom(factor)}
 *   marks [{at, text, title, kind}]: real ms; seek(at) when a person moves the slider or presses a mark
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, said, setText } = hall;
  const PICTURE_MS = 40;
  const LEAST_MS = 4000;
  const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400].map((seconds) => seconds * 1000);
  const TICK_PX = 110;
  const LABEL_PX = 96;

  video.axis = function ({ seek }) {
    const range = make("input.playback-slider", { type: "range", step: "1" });
    const ticks = make("div.playback-ticks", { "aria-hidden": "true" });
    const marks = make("div.playback-marks");
    const lanes = make("div.playback-lanes", { "aria-hidden": "true" });
    const head = make("div.playback-head", { "aria-hidden": "true" });
    const track = make("div.playback-track", {}, [marks, range, ticks, lanes, head]);
    const names = make("div.playback-names");
    const out = make("button.desk-chip", { type: "button" }, "−");
    const into = make("button.desk-chip", { type: "button" }, "＋");
    const whole = said("button.desk-chip", "playback.whole", null, { type: "button" });
    const node = make("div.playback-axis", {}, [make("div.playback-zoom", {}, [out, into, whole]), track, names]);
    let it = { lanes: [], marks: [], from: 0, to: 1 };
    let view = { from: 0, to: 1 };
    let at = 0;
    let held = false;

    const share = (ms) => (100 * (ms - view.from)) / (view.to - view.from);
    const width = () => track.clientWidth || 1;

    function paintTicks() {
      const [span, pixels] = [view.to - view.from, width()];
      const step = TICKS.find((ms) => (ms / span) * pixels >= TICK_PX) || TICKS[TICKS.length - 1];
      const first = Math.ceil(view.from / step) * step;
      const count = Math.max(0, Math.floor((view.to - first) / step) + 1);
      const all = Array.from({ length: Math.min(count, 60) }, (_, index) => first + index * step);
      ticks.replaceChildren(...all.map((ms) => {
        const tick = make("span.playback-tick", {}, step < 60000 ? hall.format.seconds(ms) : hall.format.time(ms));
        tick.style.left = `${share(ms)}%`;
        return tick;
      }));
    }

    /** Marks stand where they happened; where they crowd, words give way and the strokes stay. */
    function paintMarks() {
      let free = -Infinity;
      const shown = it.marks.filter((mark) => mark.at >= view.from && mark.at <= view.to);
      marks.replaceChildren(...shown.map((mark) => {
        const left = share(mark.at);
        const words = (left / 100) * width();
        const room = words > free;
        if (room) free = words + LABEL_PX;
        const button = make("button.playback-mark", { type: "button", title: mark.title, "aria-label": mark.title, "data-kind": mark.kind, "data-side": left > 88 ? "left" : null }, make("span", {}, room ? mark.text : ""));
        button.style.left = `${left}%`;
        button.onclick = () => seek(mark.at);
        return button;
      }));
    }

    function paintLanes() {
      const part = (spec, span, attributes) => {
        if (span.to < view.from || span.from > view.to) return null;
        const node = make(spec, attributes || {});
        const [from, to] = [Math.max(0, share(span.from)), Math.min(100, share(span.to))];
        Object.assign(node.style, { left: `${from}%`, width: `${Math.max(0.1, to - from)}%` });
        return node;
      };
      const hole = ({ since, until, reason }) => {
        const when = `${hall.format.seconds(since)}–${until == null ? "" : hall.format.seconds(until)}`;
        return part("s", { from: since, to: until ?? it.to }, { "data-reason": reason, title: `${when} ${hall.t("playback.gap")} · ${video.absentText(reason)}` });
      };
      const laneOf = (lane) => make("div.playback-lane", { "data-channel": lane.channel }, [...lane.gaps.map(hole), ...lane.spans.map((span) => part("i", span))].filter(Boolean));
      lanes.replaceChildren(...it.lanes.map(laneOf));
      names.replaceChildren(...it.lanes.map((lane) => make("span", {}, video.nameOf(lane.channel))));
    }

    function paint() {
      [range.min, range.max] = [String(Math.floor(view.from)), String(Math.ceil(view.to))];
      range.setAttribute("aria-label", hall.t("playback.slider"));
      out.setAttribute("aria-label", hall.t("playback.zoom-out"));
      into.setAttribute("aria-label", hall.t("playback.zoom-in"));
      out.disabled = whole.disabled = view.from <= it.from && view.to >= it.to;
      paintTicks();
      paintMarks();
      paintLanes();
      show(at);
    }

    function show(ms) {
      at = ms;
      const span = view.to - view.from;
      if ((at < view.from || at > view.to) && span < it.to - it.from && !held) return look(at - span / 10, span);
      if (!held) range.value = String(Math.round(at));
      range.setAttribute("aria-valuetext", video.momentText(at));
      head.style.left = `${Math.min(100, Math.max(0, share(at)))}%`;
    }

    function look(from, span) {
      const wide = Math.min(span, it.to - it.from);
      const start = Math.min(Math.max(from, it.from), it.to - wide);
      view = { from: start, to: start + wide };
      paint();
    }
    function zoom(factor) {
      const span = Math.max(LEAST_MS, (view.to - view.from) * factor);
      look(at - ((at - view.from) / (view.to - view.from)) * span, span);
    }

    range.oninput = () => ((held = true), seek(Number(range.value)));
    range.onchange = () => (held = false);
    range.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      seek(at + step * (event.shiftKey ? 1000 : PICTURE_MS));
    });
    out.onclick = () => zoom(2);
    into.onclick = () => zoom(0.5);
    whole.onclick = () => look(it.from, Infinity);
    track.addEventListener("wheel", (event) => (event.preventDefault(), zoom(event.deltaY > 0 ? 1.25 : 0.8)), { passive: false });
    lanes.addEventListener("pointerdown", (event) => {
      const box = track.getBoundingClientRect();
      seek(view.from + ((event.clientX - box.left) / box.width) * (view.to - view.from));
    });
    const sizes = new ResizeObserver(() => paint());
    sizes.observe(track);

    return {
      node, show, zoom, focus: () => range.focus(), range,
      take(next) {
        const all = view.from <= it.from && view.to >= it.to;
        it = next;
        if (all) view = { from: it.from, to: it.to };
        paint();
      },
      view: () => ({ ...view }),
      close: () => sizes.disconnect(),
    };
  };
})();

/* When the map draws: at once after a change, and after a picture that took long, later (a flood of changes would take all of the thread).
 *
 * new hall.citymap.Pace(paint)   paint(hurried) draws, all that is to be drawn or what is asked for; true: something is left
 * pace.soon      a picture is planned
 * pace.plan()    plans one, unless one is planned
 * pace.hurry()   somebody asked for it: it waits neither for a rest nor for a picture that does
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const REST = 3; // of the time that the last picture took: in a flood of changes the map takes a quarter of the thread

  citymap.Pace = class {
    constructor(paint) {
      this.paint = paint;
      this.soon = null;
      this.rest = 0; // until then (ms of the page) the map rests
    }

    plan() {
      if (!this.soon) this.after(this.rest - performance.now(), false);
    }

    hurry() {
      this.after(0, true);
    }

    after(wait, hurried) {
      const turn = (this.soon = {}); // what was planned before has nothing left to do
      const draw = () => {
        if (this.soon !== turn) return;
        this.soon = null;
        const from = performance.now();
        const left = this.paint(hurried);
        this.rest = performance.now() + (performance.now() - from) * REST;
        if (left) this.plan();
      };
      if (wait > 0) setTimeout(() => requestAnimationFrame(draw), wait);
      else queueMicrotask(draw); // after the store has served every panel, still before the browser shows this frame
    }
  };
})();

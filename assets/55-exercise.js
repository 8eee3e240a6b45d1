/* 演练: while a response is in force as an exercise every screen says so: a hatched frame, a strip that cannot be closed, the word
 * across the whole picture and in the page's title. On walls, consoles and whatever else follows the hall.
 *
 * hall.exercise   the responses in force as exercises: [{plan, level, label, levels, since, signed_by}], newest first
 */
"use strict";

(function () {
  const hall = window.hall;
  const WANTED = ["response"];
  let frame = null, strip = null, title = "";
  hall.exercise = [];

  const inExercise = () => [...hall.store.docs("response").values()].map((event) => event.data)
    .filter((one) => one && one.exercise && one.state === "in_force").sort((a, b) => b.since - a.since);

  function build() {
    strip = hall.make("div.exercise-strip", { role: "status", "aria-live": "polite" });
    frame = hall.make("div.exercise-frame", { "aria-hidden": "true" }, Array.from({ length: 12 }, () => hall.make("i.exercise-word")));
    document.body.append(frame, strip);
  }

  function paint() {
    hall.exercise = inExercise();
    const on = hall.exercise.length > 0;
    if (on && !frame) build();
    document.documentElement.toggleAttribute("data-exercise", on);
    if (!frame) return;
    frame.hidden = strip.hidden = !on;
    if (on) {
      const wall = hall.wall && hall.wall.element;
      strip.classList.toggle("on-wall", !!wall);
      if (wall) strip.style.setProperty("--strip-text", `${hall.glyph(wall) / 0.92}px`);
      const said = hall.exercise.map((one) => hall.t("exercise.what", { plan: hall.label(one.label), level: hall.label(((one.levels || {})[one.level] || {}).label) || one.level }));
      hall.setText(strip, `▨ ${hall.t("emergency.exercise")} ▨  ${said.join("  ·  ")}  ▨ ${hall.t("emergency.exercise")} ▨`);
      for (const word of frame.children) hall.setText(word, hall.t("emergency.exercise"));
    }
    const mark = `【${hall.t("emergency.exercise")}】`;
    if (on && !document.title.startsWith(mark)) (title = mark), (document.title = mark + document.title);
    if (!on && title && document.title.startsWith(title)) document.title = document.title.slice(title.length);
  }

  function start() {
    if (!document.querySelector("[data-panel], .wall, .console")) return false;
    hall.link.want(WANTED);
    hall.store.on(WANTED, paint, { replay: true });
    return true;
  }
  // the page's parts are made after its scripts have run: begin with the first of them
  if (!start()) {
    const watch = new MutationObserver(() => start() && watch.disconnect());
    watch.observe(document.documentElement, { childList: true, subtree: true });
  }
})();

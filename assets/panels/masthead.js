/* City and wall, the city's clock, age of the newest data, demo and replay marks, link state, language. */
"use strict";

hall.panel("masthead", function (element, { body }) {
  const { make, setText, format } = hall;
  const city = make("span.mast-city");
  const title = make("span.mast-title");
  const demo = make("span.mast-demo");
  const replay = make("span.mast-replay");
  const date = make("span.mast-date");
  const time = make("span.mast-time", { "data-city-clock": "" });
  const age = make("span.mast-age");
  const tongue = make("button.mast-language", { type: "button" });
  body.append(
    make("div.mast-left", {}, [city, title]),
    make("div.mast-middle", {}, [demo, replay]),
    make("div.mast-right", {}, [age, date, time, tongue]),
  );
  let timer = 0;

  function languages() {
    const known = (hall.page.wall && hall.page.wall.languages) || ["zh-CN", "en"];
    return known.length > 1 ? known : [];
  }
  tongue.addEventListener("click", () => {
    const known = languages();
    hall.setLocale(known[(known.indexOf(hall.locale) + 1) % known.length]);
  });

  function newestData() {
    let newest = null;
    for (const event of hall.store.docs("feed").values()) {
      const seen = event.data.last_seen;
      if (event.data.state !== "off" && seen != null && (newest === null || seen > newest)) newest = seen;
    }
    return newest;
  }

  function words() {
    const wall = hall.page.wall || {};
    setText(city, hall.label(wall.city));
    setText(title, hall.t(`wall.${wall.layout}`));
    setText(demo, hall.page.demo ? hall.t("demo") : "");
    demo.hidden = !hall.page.demo;
    const next = languages()[(languages().indexOf(hall.locale) + 1) % (languages().length || 1)];
    setText(tongue, next ? hall.t(`language.${next}`) : "");
    tongue.hidden = !next;
    tongue.setAttribute("aria-label", hall.t("language.switch"));
    tick();
  }

  function tick() {
    const now = hall.clock.city();
    setText(date, format.date(now));
    const newest = newestData();
    setText(age, newest === null ? hall.t("mast.nodata") : hall.t("mast.age", { age: format.duration(Math.max(0, now - newest)) }));
    const state = hall.clock.state;
    const mark = hall.clock.stopped() ? hall.t("clock.stopped") : hall.clock.replay() ? hall.t("clock.replay", { rate: state.rate }) : "";
    setText(replay, mark);
    replay.hidden = !mark;
  }

  /** The second changes on the second, also at another rate than 1: at most twice a second. */
  function beat() {
    const now = hall.clock.city();
    setText(time, format.seconds(now));
    const rate = (hall.clock.state && hall.clock.state.rate) || 1;
    timer = setTimeout(beat, rate === 1 ? 1000 - (now % 1000) + 5 : 500);
  }
  words();
  beat();
  return { update: () => {}, tick, locale: words, unmount: () => clearTimeout(timer) };
});

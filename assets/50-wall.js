/* One wall over one or several browsers: which part this screen shows, where the seams are, which scene, the banner.
 *
 * ?part=COLUMN,ROW (from 0)   this browser is one screen of the wall and shows its part; without it the whole wall is fitted in
 * hall.wall.seams(element)    {x: [px], y: [px]} of screen seams inside `element`
 */
"use strict";

(function () {
  const hall = window.hall;
  const root = document.documentElement;
  const opened = Date.now();
  const SCENE_RETRY_MS = 2000;
  let adopted = null;
  let sceneTimer = 0;
  let changing = null;

  function partOf(query, settings) {
    const found = /^(\d+),(\d+)$/.exec(query.get("part") || "");
    if (!found) return null;
    return [Math.min(Number(found[1]), settings.columns - 1), Math.min(Number(found[2]), settings.rows - 1)];
  }

  const wall = (hall.wall = {
    element: null,
    part: null,
    /** Takes the wall's settings from the element that Python made; once per element. */
    adopt(element) {
      if (adopted === element) return;
      adopted = element;
      const settings = JSON.parse(element.dataset.wall);
      hall.page.wall = settings;
      hall.page.timezone = settings.timezone || hall.page.timezone;
      hall.page.demo = hall.page.demo || settings.demo;
      wall.element = element;
      wall.part = partOf(hall.query, settings);
      root.style.setProperty("--parts-x", wall.part ? settings.columns : 1);
      root.style.setProperty("--parts-y", wall.part ? settings.rows : 1);
      root.style.setProperty("--part-x", wall.part ? wall.part[0] : 0);
      root.style.setProperty("--part-y", wall.part ? wall.part[1] : 0);
      document.body.classList.add("on-wall");
      hall.setLocale(hall.locale);
    },
    seams(element) {
      const settings = hall.page.wall;
      if (!settings || !wall.element) return { x: [], y: [] };
      const whole = wall.element.getBoundingClientRect();
      const box = element.getBoundingClientRect();
      const inside = (count, start, size, from, length) =>
        Array.from({ length: count - 1 }, (_, k) => start + (size * (k + 1)) / count - from).filter((at) => at > 1 && at < length - 1);
      return {
        x: inside(settings.columns, whole.left, whole.width, box.left, box.width),
        y: inside(settings.rows, whole.top, whole.height, box.top, box.height),
      };
    },
  });

  // -- scene: every browser of a wall changes its layout at the same moment -----------------------------------------

  function follow(scene) {
    const settings = hall.page.wall;
    if (!settings || !scene || !scene.layout) return;
    clearTimeout(sceneTimer);
    changing = null;
    if (scene.layout === settings.layout) return;
    // a wall opened by hand keeps what was asked for; a named wall (?wall=) always follows its scene
    if (!hall.query.get("wall") && !(scene.at > opened)) return;
    const target = `/wall/${encodeURIComponent(scene.layout)}?${sceneQuery(settings)}`;
    change(target, scene.at);
  }

  /** Goes to `target` at `at`, but never to a server that does not answer: an unattended screen would stay on an error page. */
  async function change(target, at) {
    const mine = (changing = Symbol(target));
    const answer = await fetch(target, { credentials: "same-origin" }).catch(() => null); // warms server and cache, too
    if (mine !== changing) return;
    const wait = at - hall.clock.real();
    if (answer && answer.ok) sceneTimer = setTimeout(() => location.replace(target), Math.max(0, wait));
    else sceneTimer = setTimeout(() => change(target, at), SCENE_RETRY_MS);
  }

  function sceneQuery(settings) {
    const query = new URLSearchParams(location.search);
    query.set("wall", settings.name);
    query.set("lang", hall.locale);
    return query;
  }

  hall.store.on(["scene"], (changes) => {
    const name = hall.page.wall && hall.page.wall.name;
    for (const event of changes) if (event.subject === `scene/${name}`) follow(event.data);
  });

  // -- the banner over everything when nothing reaches this screen ----------------------------------------------------

  let bar = null;
  function banner(text) {
    if (!bar) {
      if (!text) return;
      bar = hall.make("div.hall-banner", { role: "alert", id: "hall-banner" });
      document.body.append(bar);
    }
    bar.style.setProperty("--banner-text", `${hall.glyph(wall.element) / 0.92}px`);
    bar.hidden = !text;
    root.dataset.link = text ? "lost" : "live";
    if (text) hall.setText(bar, text);
  }

  hall.banner = {
    look(facts) {
      const link = hall.link;
      if (link.state === "lost" && link.refusal) {
        banner(`✕ ${hall.t("banner.refused", { reason: hall.word("refused", link.refusal.reason), detail: link.refusal.detail || "" })}`);
      } else if (link.state === "lost") {
        const heard = link.heardReal;
        const values = { age: hall.format.duration(hall.clock.real() - heard), time: hall.format.seconds(heard) };
        banner(`✕ ${heard ? hall.t("banner.lost", values) : hall.t("banner.never")}`);
      } else if (facts.busAge > hall.freshness.BUS_MS) {
        banner(`✕ ${hall.t("banner.bus", { age: hall.format.duration(facts.busAge) })}`);
      } else {
        banner("");
      }
    },
  };
})();

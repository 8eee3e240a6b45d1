/* One wall over one or several browsers: which part this screen shows, where the seams are, which scene, the banner.
 *
 * ?part=COLUMN,ROW (from 0)   this browser is one screen of the wall and shows its part; without it the whole wall is fitted in
 * hall.wall.seams(element)    {x: [px], y: [px]} of screen seams inside `element`
 * hall.wall.number()          which screen of the wall this browser is, from 1, row by row; null where it is none or several
 * hall.wall.block(place)      where a large thing stands: {left, top, width, height} in px of the wall, whole screens
 * hall.wall.onAdopt(call)     call(settings) once the page turned out to be a wall
 */
"use strict";

(function () {
  const hall = window.hall;
  const root = document.documentElement;
  const opened = Date.now();
  const SCENE_RETRY_MS = 2000;
  const SCENE_LEAD_MS = 700; // as POST /api/v1/scene: every browser of a wall has heard of it by then
  const BLOCK_EM = { x: 46, y: 25 }; // what a large card needs, in text sizes
  const away = hall.query.has("pushed"); // this page is a pushed scene; where it came from is remembered
  const adopters = [];
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
      element.classList.toggle("is-part", !!wall.part);
      document.body.classList.add("on-wall");
      hall.setLocale(hall.locale);
      for (const call of adopters) call(settings);
    },
    onAdopt(call) {
      adopters.push(call);
      if (adopted) call(hall.page.wall);
    },
    number() {
      const settings = hall.page.wall;
      if (!settings || !wall.element) return null;
      if (wall.part) return wall.part[1] * settings.columns + wall.part[0] + 1;
      return settings.columns * settings.rows === 1 ? 1 : null;
    },
    /** The screen at `place` [column, row], or with null as many whole screens in the middle as a large card needs. */
    block(place) {
      const { columns, rows } = hall.page.wall;
      const whole = wall.element.getBoundingClientRect();
      const screen = { x: whole.width / columns, y: whole.height / rows };
      const text = parseFloat(getComputedStyle(wall.element).fontSize);
      const many = { x: Math.min(columns, Math.ceil((BLOCK_EM.x * text) / screen.x)), y: Math.min(rows, Math.ceil((BLOCK_EM.y * text) / screen.y)) };
      const size = place ? { x: 1, y: 1 } : many;
      const [column, row] = place || [Math.floor((columns - size.x) / 2), Math.floor((rows - size.y) / 2)];
      return { left: column * screen.x, top: row * screen.y, width: size.x * screen.x, height: size.y * screen.y, text };
    },
    /** Whether a box of `block` lies at least partly on this browser's screen. */
    sees(box) {
      const whole = wall.element.getBoundingClientRect();
      const [left, top] = [whole.left + box.left, whole.top + box.top];
      return left < innerWidth - 1 && top < innerHeight - 1 && left + box.width > 1 && top + box.height > 1;
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

  /** Where this wall was before a scene was pushed to it: {address, layout, since}. */
  const home = {
    key: () => `hall-home:${hall.page.wall.name}`,
    get() {
      try {
        return away ? JSON.parse(sessionStorage.getItem(home.key())) : null;
      } catch (_) {
        return null; // a browser that keeps nothing returns to the wall's scene
      }
    },
    keep() {
      const own = ownScene();
      const query = sceneQuery();
      const address = own.layout === hall.page.wall.layout ? location.pathname + location.search : `/wall/${encodeURIComponent(own.layout)}?${query}`;
      try {
        sessionStorage.setItem(home.key(), JSON.stringify({ address, layout: own.layout, since: hall.clock.real() }));
      } catch (_) {
        // as above
      }
    },
  };

  /** The layout this wall shows when nothing is pushed: {layout, at, address?}. */
  function ownScene() {
    const settings = hall.page.wall;
    const event = hall.store.get(`scene/${settings.name}`);
    const scene = event && event.data.layout ? event.data : null;
    const before = home.get();
    if (before) return scene && scene.at > before.since ? scene : { layout: before.layout, at: 0, address: before.address };
    // a wall opened by hand keeps what was asked for; a named wall (?wall=) always follows its scene
    const follows = scene && (hall.query.get("wall") || scene.at > opened);
    return follows ? scene : { layout: settings.layout, at: 0 };
  }

  /** Looks what layout is wanted now and goes there; asked whenever scenes or pushes change. */
  function follow() {
    const settings = hall.page.wall;
    if (!settings || !hall.store.ready) return;
    const pushed = hall.show ? hall.show.scene() : null;
    const wanted = pushed ? { layout: pushed.layout, at: pushed.at + SCENE_LEAD_MS } : ownScene();
    const key = `${wanted.layout} ${wanted.at}`;
    if (wanted.layout === settings.layout) {
      clearTimeout(sceneTimer);
      changing = null;
    } else if (!changing || changing.key !== key) {
      clearTimeout(sceneTimer);
      if (pushed && !away) home.keep();
      const query = sceneQuery();
      if (pushed) query.set("pushed", "1");
      else query.delete("pushed");
      change(wanted.address || `/wall/${encodeURIComponent(wanted.layout)}?${query}`, wanted.at, key);
    }
  }
  wall.follow = follow;

  /** Goes to `target` at `at`, but never to a server that does not answer: an unattended screen would stay on an error page. */
  async function change(target, at, key) {
    const mine = (changing = { key });
    const answer = await fetch(target, { credentials: "same-origin" }).catch(() => null); // warms server and cache, too
    if (mine !== changing) return;
    const wait = at - hall.clock.real();
    if (answer && answer.ok) sceneTimer = setTimeout(() => location.replace(target), Math.max(0, wait));
    else sceneTimer = setTimeout(() => mine === changing && change(target, at, key), SCENE_RETRY_MS);
  }

  function sceneQuery() {
    const query = new URLSearchParams(location.search);
    query.set("wall", hall.page.wall.name);
    query.set("lang", hall.locale);
    return query;
  }

  hall.store.on(["scene"], (changes) => {
    const name = hall.page.wall && hall.page.wall.name;
    if (changes.some((event) => event.subject === `scene/${name}`)) follow();
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

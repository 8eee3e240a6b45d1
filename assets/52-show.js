/* What consoles push to this wall: the push on top is shown, and the hall is told once it is painted.
 *
 * hall.show.content(what, make)   make(push, frame) -> {node, ready: Promise, tick(), remove()}: how a kind is shown
 * hall.show.report()     for the screen's report: {subject, number, since, here, held}, null when nothing is pushed
 * hall.show.scene()      the layout pushed to this wall: {layout, at}, null when none
 * hall.show.top(streams, real)   the push on top of some `show/...` documents: [subject, push] or null
 *
 * Which push is on top is worked out here from priorities and times, so that a wall returns by itself, hall or no hall.
 */
"use strict";

(function () {
  const hall = window.hall;
  const LOOK_MS = 500;
  const URGENT = 3; // from this priority on a push also covers what somebody does at the wall
  const kinds = new Map();
  let layer = null;
  let current = null; // {subject, push, since, here, held, box, frame, content}

  /** Does a push to `target` concern this browser? */
  function concerns(target) {
    if (target === "all") return true;
    if (target.startsWith("screen-")) return target.slice(7) === hall.screen.id;
    if (!target.startsWith("part-")) return false;
    return !hall.wall.part || target === `part-${hall.wall.part.join(",")}`;
  }

  const holds = (push, real) => push.until == null || push.until > real;
  const above = (a, b) => a.priority - b.priority || a.since - b.since || a.number - b.number;

  function top(streams, real, fits) {
    let best = null;
    for (const event of streams) {
      for (const push of event.data.pushes || []) {
        if (holds(push, real) && (!fits || fits(push)) && (!best || above(push, best[1]) > 0)) best = [event.subject, push];
      }
    }
    return best;
  }

  function mine() {
    const prefix = `show/${hall.page.wall.name}/`;
    return [...hall.store.docs("show").values()].filter((event) => event.subject.startsWith(prefix) && concerns(event.subject.slice(prefix.length)));
  }

  const isScene = (push) => push.what === "scene";

  // -- the layer over the wall -----------------------------------------------------------------------------------------

  function placeOf(subject) {
    const part = /\/part-(\d+),(\d+)$/.exec(subject);
    if (part) return [Number(part[1]), Number(part[2])];
    return subject.includes("/screen-") ? hall.wall.part : null;
  }

  /** A frame over `box` with a foot that says who shows it, why, and until when. */
  function frameFor(push, box) {
    const body = hall.make("div.show-body");
    const foot = hall.make("footer.show-foot");
    const node = hall.make("section.show-frame", { "data-what": push.what, "data-priority": push.priority, role: "region" }, [body, foot]);
    for (const side of ["left", "top", "width", "height"]) node.style[side] = `${box[side]}px`;
    return { node, body, foot, box };
  }

  function paintFoot() {
    const { push, frame } = current;
    const left = push.until == null ? "" : hall.t("show.left", { n: clockText(push.until - hall.clock.real()) });
    const parts = [`${hall.show.mark(push.priority)} ${hall.t(`show.what.${push.what}`)}`, show.by(push)];
    if (push.reason) parts.push(hall.t("show.reason", { reason: push.reason }));
    if (left) parts.push(left);
    const text = parts.join("  ·  ");
    hall.setText(frame.foot, text);
    frame.node.setAttribute("aria-label", text);
  }

  function clockText(ms) {
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    const two = (n) => String(n).padStart(2, "0");
    return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}` : `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  }

  /** After the frame that shows it was handed to the screen: the callback before the next one. A hidden page gets none. */
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(hall.clock.real()))));

  async function begin(subject, push) {
    const mineNow = { subject, push, since: null, here: true, held: "", frame: null, content: null };
    current = mineNow;
    if (!isScene(push)) build(mineNow);
    else if (push.content.layout !== hall.page.wall.layout) return; // the page that comes will say it
    hall.link.report();
    try {
      if (mineNow.content) await mineNow.content.ready;
      if (document.fonts) await document.fonts.ready;
      const at = await painted();
      if (current !== mineNow) return;
      mineNow.since = Math.round(at);
    } catch (error) {
      console.error("hall: a push could not be shown", error);
      if (current === mineNow) mineNow.fault = "show-failed";
    }
    if (current === mineNow) hall.link.report();
  }

  function build(showing) {
    const make = kinds.get(showing.push.what);
    if (!make) return Object.assign(showing, { fault: "show-unknown" });
    const box = hall.wall.block(placeOf(showing.subject));
    showing.frame = frameFor(showing.push, box);
    showing.here = hall.wall.sees(box);
    showing.content = make(showing.push, showing.frame);
    showing.frame.body.append(showing.content.node);
    paintFoot();
    layer.append(showing.frame.node);
  }

  function end() {
    const gone = current;
    current = null;
    if (!gone || !gone.frame) return;
    if (gone.content && gone.content.remove) gone.content.remove();
    gone.frame.node.remove();
  }

  function look() {
    if (!layer || !hall.store.ready) return;
    const found = top(mine(), hall.clock.real());
    hall.wall.follow();
    if (!found) {
      if (current) {
        end();
        hall.link.report();
      }
      return;
    }
    const [subject, push] = found;
    const inUse = hall.card && push.priority < URGENT ? hall.card.usedBy() : "";
    if (current && current.subject === subject && current.push.number === push.number && !(current.held && !inUse)) {
      if (current.frame) paintFoot();
      if (current.content && current.content.tick) current.content.tick();
      return;
    }
    end();
    if (inUse) {
      current = { subject, push, since: null, here: true, held: inUse };
      return hall.link.report();
    }
    if (hall.card) hall.card.close();
    begin(subject, push);
  }

  const show = (hall.show = {
    content: (what, make) => kinds.set(what, make),
    top,
    clockText,
    /** Who pushed it, from where, since when. */
    by: (push) => hall.t(push.desk ? "show.by-at" : "show.by", { who: push.who, desk: push.desk, at: hall.format.seconds(push.since) }),
    mark: (priority) => "▮".repeat(priority) + "▯".repeat(4 - priority),
    /** The layer that large things of this wall stand on. */
    layer: () => layer,
    scene() {
      const found = hall.page.wall && top(mine(), hall.clock.real(), isScene);
      return found ? { layout: found[1].content.layout, at: found[1].since } : null;
    },
    report() {
      if (!current) return null;
      const { subject, push, since, here, held, fault } = current;
      const said = { subject, number: push.number, since, here };
      if (held) said.held = held.slice(0, 60);
      if (fault) said.fault = fault;
      return said;
    },
  });

  hall.wall.onAdopt((settings) => {
    layer = hall.make("div.show-layer");
    // a button is 60 px of the wall, also where a window shows the wall smaller
    layer.style.setProperty("--touch", `calc(var(--wall-width) * ${60 / (settings.columns * settings.screen[0])})`);
    hall.wall.element.append(layer);
    hall.link.want(["show"]);
    hall.store.on(["show"], look, { replay: true });
    setInterval(look, LOOK_MS);
    hall.onLocale(again);
    addEventListener("resize", again);
  });

  /** The same push built anew: for another language or another size. It was and is shown: the moment stays. */
  function again() {
    if (!current || !current.frame) return;
    const { subject, push, since } = current;
    end();
    current = { subject, push, since, here: true, held: "", frame: null, content: null };
    build(current);
  }
  show.look = look;
})();

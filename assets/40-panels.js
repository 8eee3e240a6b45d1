/* Mounts painters on [data-panel] elements, feeds them changes, and shows how fresh each panel is.
 *
 * hall.panel(name, mount)   mount(element, context) -> {update(changes), tick(), locale(), resize(), unmount()}, all optional
 * context   {body, topics, wall, note(text)}: body is where to paint, note() sets the small text in the panel's header
 * The first `update` gets every document of the panel's topics.
 */
"use strict";

(function () {
  const hall = window.hall;
  const LOOK_MS = 250;
  const TICK_MS = 1000;
  const ALWAYS = ["feed", "process", "clock", "scene"]; // what freshness and the kiosk live on
  const painters = new Map();
  const mounted = new Map(); // element -> panel
  let scanTimer = 0;

  hall.panel = function (name, mount) {
    painters.set(name, mount);
    scanSoon();
  };
  hall.panels = mounted;

  function guarded(panel, method, argument) {
    try {
      if (panel.painter[method]) panel.painter[method](argument);
    } catch (error) {
      hall.store.faults += 1;
      console.error(`hall: panel ${panel.name} failed in ${method}`, error);
    }
  }

  const sizes = new ResizeObserver((entries) => {
    hall.resized();
    for (const entry of entries) {
      const panel = mounted.get(entry.target.closest("[data-panel]"));
      if (panel) guarded(panel, "resize");
    }
  });

  function mountOne(element, mount) {
    const needs = hall.freshness.needsOf(element);
    const body = element.querySelector(":scope > .panel-body") || element;
    const noteNode = element.querySelector(":scope > .panel-head .panel-note");
    const panel = { name: element.dataset.panel, element, needs, painter: {}, state: "", head: headOf(element) };
    const context = {
      body,
      topics: needs.topics,
      wall: hall.page.wall || null,
      note: (text) => noteNode && hall.setText(noteNode, text),
    };
    mounted.set(element, panel);
    hall.translate(element);
    panel.painter = mount(element, context) || {};
    panel.off = needs.topics.length
      ? hall.store.on(needs.topics, (changes) => guarded(panel, "update", changes), { replay: true })
      : () => {};
    sizes.observe(body);
    hall.link.want([...needs.topics, ...ALWAYS]);
    look(panel, hall.freshness.gather());
    guarded(panel, "tick");
  }

  function headOf(element) {
    const head = element.querySelector(":scope > .panel-head");
    return head && { mark: head.querySelector(".panel-mark"), age: head.querySelector(".panel-age") };
  }

  function unmountOne(element, panel) {
    mounted.delete(element);
    panel.off();
    sizes.unobserve(element.querySelector(":scope > .panel-body") || element);
    guarded(panel, "unmount");
  }

  function scan() {
    scanTimer = 0;
    const root = document.querySelector("[data-wall]");
    if (root && hall.wall) hall.wall.adopt(root);
    for (const [element, panel] of mounted) if (!element.isConnected) unmountOne(element, panel);
    for (const element of document.querySelectorAll("[data-panel]")) {
      if (mounted.has(element)) continue;
      const mount = painters.get(element.dataset.panel);
      if (mount) mountOne(element, mount);
    }
    if (mounted.size || hall.page.link) hall.link.start();
  }

  function scanSoon() {
    if (!scanTimer) scanTimer = setTimeout(scan, 16);
  }

  // -- freshness --------------------------------------------------------------------------------------------------

  const SHAPES = { live: "●", partial: "◐", stale: "▲", lost: "✕" };

  function look(panel, facts) {
    const verdict = hall.freshness.decide(facts, panel.needs);
    const { element, head } = panel;
    if (panel.state !== verdict.state) {
      panel.state = verdict.state;
      element.dataset.state = verdict.state;
    }
    if (element.dataset.reason !== verdict.reason) element.dataset.reason = verdict.reason;
    const word = verdict.state === "live" ? "" : hall.t(`state.${verdict.state}`);
    if (element.dataset.verdict !== word) element.dataset.verdict = word; // CSS shows it where there is no header
    if (!head) return;
    const newest = hall.freshness.newest(panel.needs, facts.feeds);
    const age = newest === null ? "" : hall.format.age(newest);
    if (head.mark) hall.setText(head.mark, SHAPES[verdict.state]);
    if (head.age) {
      hall.setText(head.age, [word, age].filter(Boolean).join(" "));
      const why = verdict.reason ? hall.t(`reason.${verdict.reason}`, { what: verdict.detail }) : "";
      if (element.title !== why) element.title = why;
    }
  }

  function lookAtAll() {
    if (!mounted.size) return;
    const facts = hall.freshness.gather();
    for (const panel of mounted.values()) look(panel, facts);
    if (hall.banner) hall.banner.look(facts);
  }

  hall.panelStates = () => Object.fromEntries([...mounted.values()].map((panel) => [panel.name, panel.state]));

  hall.link.onState(lookAtAll);
  setInterval(lookAtAll, LOOK_MS);
  setInterval(() => {
    for (const panel of mounted.values()) guarded(panel, "tick");
  }, TICK_MS);
  hall.onLocale(() => {
    for (const panel of mounted.values()) guarded(panel, "locale");
    lookAtAll();
  });

  hall.store.on(["clock"], (changes) => {
    for (const event of changes) if (event.subject === "clock/city") hall.clock.state = event.data;
  });

  new MutationObserver(scanSoon).observe(document.documentElement, { childList: true, subtree: true });
  scanSoon();
})();

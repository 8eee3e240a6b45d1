/* The one place that decides whether what a panel shows is true now. Painters never decide; CSS shows the result.
 *
 * lost     nothing reaches this screen: the link or the bus is gone
 * stale    it reaches us, but what makes the content is silent: a needed process, every feed, or the content itself
 * partial  some of the feeds behind the panel are silent, or a camera list and the like is incomplete
 * live     everything behind the panel has spoken in time
 *
 * hall.freshness.decide(needs) -> {state, reason, age_ms}; pure over its argument `facts`, see `gather` below.
 */
"use strict";

(function () {
  const hall = window.hall;
  const BUS_MS = 2500; // an idle bus answers every second, a beat comes every second
  const PROCESS_MS = 3000; // a process beats every second
  const CONTENT_MS = { kpi: 6000 }; // topics that are published on a schedule while their maker lives
  const DIRECTORY_KINDS = new Set(["channel", "sensor"]); // a list that was read to its end is complete, not silent
  const FEED_MAKERS = "feeds";

  /** Feeds of `kinds` by how they are: [ok, bad, worst]. Feeds that are switched off do not count. */
  function countFeeds(feeds, kinds) {
    let ok = 0;
    const bad = [];
    for (const feed of feeds) {
      if (!kinds.has(feed.kind) || feed.state === "off") continue;
      const done = feed.state === "ended" && DIRECTORY_KINDS.has(feed.kind);
      if (feed.state === "live" || done) ok += 1;
      else bad.push(feed);
    }
    return { ok, bad };
  }

  /**
   * facts: {link: {state, reason}, busAge, beatAge, processes: Map name -> ms since its beat, feeds: [FeedStatus], contentAge: Map topic -> ms}
   * needs: {processes: [name], kinds: Set, topics: [name]}
   */
  function decide(facts, needs) {
    if (facts.link.state !== "live") return { state: "lost", reason: "link", detail: hall.word("refused", facts.link.reason) };
    if (facts.busAge > BUS_MS) return { state: "lost", reason: "bus", detail: "" };
    const silent = needs.processes.filter((name) => !(facts.processes.get(name) <= PROCESS_MS));
    if (silent.length) return { state: "stale", reason: "process", detail: silent.map((name) => hall.word("process-name", name)).join(hall.t("rows.comma")) };
    for (const topic of needs.topics) {
      const bound = CONTENT_MS[topic];
      if (bound && !(facts.contentAge.get(topic) <= bound)) return { state: "stale", reason: "content", detail: hall.word("topic", topic) };
    }
    const { ok, bad } = countFeeds(facts.feeds, needs.kinds);
    if (!bad.length) return { state: "live", reason: "", detail: "" };
    const names = bad.map((feed) => hall.label(feed.label) || feed.name).join(hall.t("rows.comma"));
    return { state: ok ? "partial" : "stale", reason: "feed", detail: names };
  }

  /** What is known now, once per look for all panels. */
  function gather() {
    const now = performance.now();
    const real = hall.clock.real();
    const link = hall.link;
    const processes = new Map();
    for (const event of hall.store.docs("process").values()) {
      if (event.data) processes.set(event.data.name, real - event.data.beat);
    }
    const contentAge = new Map();
    for (const topic of Object.keys(CONTENT_MS)) contentAge.set(topic, now - (hall.store.arrived(topic) || -Infinity));
    const busAge = link.beat ? (link.beat.bus_age ?? 0) + now - link.beatAt : 0;
    const feeds = [...hall.store.docs("feed").values()].map((event) => event.data);
    return { link, busAge, processes, feeds, contentAge };
  }

  /** What a panel declares: data-needs, data-feeds, data-topics, space separated. */
  function needsOf(element) {
    const words = (text) => (text || "").split(/[\s,]+/).filter(Boolean);
    const kinds = new Set(words(element.dataset.feeds));
    const processes = new Set(words(element.dataset.needs));
    if (kinds.size) processes.add(FEED_MAKERS);
    return { processes: [...processes], kinds, topics: words(element.dataset.topics) };
  }

  /** City ms of the newest thing behind a panel: its scheduled documents, else the last item of its feeds. */
  function newest(needs, feeds) {
    let found = null;
    const take = (ms) => {
      if (ms != null && (found === null || ms > found)) found = ms;
    };
    for (const topic of needs.topics) {
      if (!CONTENT_MS[topic]) continue;
      for (const event of hall.store.docs(topic).values()) take(event.data.as_of ?? event.time);
    }
    if (found === null) for (const feed of feeds) if (needs.kinds.has(feed.kind)) take(feed.last_seen);
    return found;
  }

  hall.freshness = { decide, gather, needsOf, newest, PROCESS_MS, BUS_MS };
})();

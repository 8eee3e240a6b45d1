/* How each source is. A low-rate panel: painted by Dash itself, through set_props, at most once a second. */
"use strict";

hall.panel("feed_health", function (element, { body, note }) {
  const { format } = hall;
  const SHAPES = { live: "●", waiting: "○", stale: "▲", lost: "✕", ended: "■", off: "–" };
  const ORDER = ["lost", "stale", "waiting", "live", "ended", "off"];
  const last = new Map(); // feed -> {accepted, real, rate}
  let painted = "";

  const node = (type, props) => ({ type, namespace: "dash_html_components", props });
  const span = (className, children, more) => node("Span", { className, children, ...more });

  /** Items per second since the last look, smoothed; counted by the feed itself. */
  function rateOf(feed) {
    const now = hall.clock.real();
    const known = last.get(feed.name);
    if (!known || feed.accepted < known.accepted) {
      last.set(feed.name, { accepted: feed.accepted || 0, real: now, rate: null });
      return null;
    }
    if (now - known.real < 1800) return known.rate;
    const rate = (((feed.accepted || 0) - known.accepted) * 1000) / (now - known.real);
    last.set(feed.name, { accepted: feed.accepted || 0, real: now, rate: known.rate == null ? rate : known.rate * 0.6 + rate * 0.4 });
    return last.get(feed.name).rate;
  }

  function rateText(rate) {
    if (rate == null) return "";
    if (rate >= 1) return hall.t("feed.rate", { n: format.number(rate) });
    return hall.t("feed.rate.minute", { n: format.number(rate * 60) });
  }

  function row(feed) {
    const rate = rateOf(feed);
    const state = feed.state || "waiting";
    return node("Div", {
      className: "row feed-row",
      "data-feed": feed.name,
      "data-feed-state": state,
      title: feed.error || "",
      children: [
        span("feed-mark", `${SHAPES[state] || "?"} ${hall.t(`feed.${state}`)}`),
        span("feed-name", hall.label(feed.label) || feed.name),
        span("num soft", rateText(rate)),
        span("num feed-parked", feed.parked ? parkedText(feed.parked) : ""),
        span("num faint", feed.dropped ? hall.t("feed.refused", { n: format.number(feed.dropped) }) : ""),
        span("num", feed.last_seen == null ? "–" : format.age(feed.last_seen)),
      ],
    });
  }

  const parkedText = (n) => `▲ ${hall.t("feed.parked", { n: format.number(n) })}`;

  /** "All in order" only where every source speaks and nothing it sent waits for somebody to look at it. */
  function summary(feeds) {
    const n = feeds.length;
    const silent = feeds.filter((feed) => feed.state === "lost" || feed.state === "stale").length;
    const waiting = feeds.filter((feed) => (feed.state || "waiting") === "waiting").length;
    const parked = feeds.reduce((sum, feed) => sum + (feed.state === "off" ? 0 : feed.parked || 0), 0);
    const told = [
      silent ? hall.t("feed.note.silent", { n, silent }) : "",
      waiting ? hall.t("feed.note.waiting", { n, waiting }) : "",
      parked ? parkedText(parked) : "",
    ].filter(Boolean);
    return told.join(" · ") || hall.t("feed.note", { n });
  }

  function show() {
    const feeds = [...hall.store.docs("feed").values()].map((event) => event.data);
    feeds.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.name < b.name ? -1 : 1));
    const line = parseFloat(getComputedStyle(body).fontSize) * 1.5;
    const room = Math.max(1, Math.floor(body.clientHeight / line));
    const shown = feeds.length > room ? feeds.slice(0, room - 1) : feeds;
    const children = shown.map(row);
    if (feeds.length > shown.length) children.push(node("Div", { className: "rows-more", children: hall.t("rows.more", { n: feeds.length - shown.length }) }));
    if (!feeds.length) children.push(node("Div", { className: "rows-empty", children: hall.t(hall.store.ready ? "feed.none" : "rows.waiting") }));
    const text = JSON.stringify(children);
    const ready = window.dash_clientside && window.dash_clientside.set_props;
    if (!ready || text === painted) return;
    painted = text;
    window.dash_clientside.set_props(body.id, { children });
    note(feeds.length ? summary(feeds) : "");
    for (const name of last.keys()) if (!feeds.some((feed) => feed.name === name)) last.delete(name);
  }
  const soon = hall.paced(show, 1000);
  return { update: soon, tick: soon, locale: soon, resize: soon, unmount: soon.cancel };
});

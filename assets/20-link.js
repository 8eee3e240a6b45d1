/* The socket to the gate: hello, subscribe, state, frame, beat; resume by position; reconnects for ever, with jitter.
 *
 * hall.link.state   connecting | live | lost     (lost: nothing heard for LOST_MS, or no snapshot yet after that long)
 * hall.link.want(topics)   the topics this page needs; the subscription is renewed when they grow
 * hall.link.onState(call)  call(state, detail) on every change
 * hall.link.report()       says now what this screen shows, not only every REPORT_MS
 * hall.link.retry()        connects at once where it waits to try again
 */
"use strict";

(function () {
  const hall = window.hall;
  const LOST_MS = 2500; // beats come every second; the loss must be visible within 3 s
  const PING_MS = 5000;
  const REPORT_MS = 2000;
  const RETRY_FIRST_MS = 250;
  const RETRY_MAX_MS = 5000;
  const CONNECT_MS = 4000;

  const listeners = new Set();
  const link = (hall.link = {
    state: "connecting",
    reason: "",
    since: performance.now(), // when `state` began
    heard: 0, // when the gate was last heard, performance.now()
    heardReal: 0,
    beat: null, // the last beat
    beatAt: 0,
    who: null,
    build: "",
    position: null,
    reconnects: 0,
    messages: 0,
    bytes: 0,
    leftOut: {}, // topics that are too large for the stream, with their bound: pages ask for what they show
    told: [], // what the gate told this screen, newest last, bounded
    onState: (call) => (listeners.add(call), () => listeners.delete(call)),
  });

  const wanted = new Set();
  let subscribed = ""; // the topics of the running subscription
  let socket = null;
  let opened = 0;
  let tries = 0;
  let retryTimer = 0;
  let subscribeTimer = 0;
  let parts = null; // snapshot parts until the last one is in
  const pings = new Map();
  let pingNumber = 0;

  function setState(state, reason) {
    if (link.state === state && link.reason === (reason || "")) return;
    if (link.state !== state) link.since = performance.now();
    link.state = state;
    link.reason = reason || "";
    for (const call of listeners) call(state, link.reason);
  }

  function address() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const token = hall.query.get("token");
    const url = hall.page.stream || `${scheme}://${location.hostname}:${hall.page.gate_port}/v1/stream`;
    return token ? `${url}?token=${encodeURIComponent(token)}` : url;
  }

  function send(message) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function subscribe() {
    subscribeTimer = 0;
    if (!wanted.size || !socket || socket.readyState !== WebSocket.OPEN) return;
    const allowed = link.hello && link.hello.topics;
    const topics = [...wanted].filter((topic) => !allowed || allowed.includes(topic)).sort();
    if (!topics.length) return;
    const key = topics.join(" ");
    const same = key === subscribed;
    parts = null;
    send({ op: "subscribe", topics, where: hall.page.where || {}, from: same ? link.position : null });
    subscribed = key;
  }

  link.want = function (topics) {
    const before = wanted.size;
    for (const topic of topics) wanted.add(topic);
    if (wanted.has("case")) wanted.add("file"); // what the hall decided about them
    if (wanted.size > before && !subscribeTimer) subscribeTimer = setTimeout(subscribe, 20);
  };

  // -- what the gate says -----------------------------------------------------------------------------------------

  const on = {
    hello(message) {
      link.who = message.who || null;
      link.build = message.build || "";
      link.hello = message;
      link.leftOut = {};
      if (message.now) hall.clock.hint(message.now);
      if (hall.kiosk) hall.kiosk.sawBuild(link.build);
      subscribe();
    },
    state(message) {
      const total = message.parts || 1;
      if (!parts || !message.part || message.part === 1) parts = { reset: message.reset !== false, events: [], count: 0 };
      for (const event of message.e) parts.events.push(event);
      parts.count += 1;
      if (parts.count < total) return;
      hall.store.take(parts.events, parts.reset);
      parts = null;
      link.position = message.pos ?? link.position;
      tries = 0;
      setState("live");
    },
    frame(message) {
      hall.store.take(message.e, false);
      link.position = message.pos ?? link.position;
    },
    beat(message) {
      link.beat = message;
      link.beatAt = performance.now();
      if (message.now) hall.clock.hint(message.now);
      if (message.now && hall.clock.doubts(message.now)) ping();
      if (message.pos && !parts && link.state === "live") link.position = message.pos;
    },
    pong(message) {
      const sent = pings.get(message.n);
      pings.delete(message.n);
      if (sent !== undefined && message.now) hall.clock.sample(sent, message.now);
    },
    told(message) {
      if (message.kind === "left-out") link.leftOut = message.topics || {};
      link.told.push({ ...message, at: hall.clock.real() });
      if (link.told.length > 20) link.told.shift();
    },
    refused(message) {
      link.refusal = message;
      if (message.reason === "position-malformed") link.position = null; // another kind of gate: start from a snapshot
      setState("lost", message.reason || "refused");
    },
  };

  function receive(data) {
    link.heard = performance.now();
    link.heardReal = hall.clock.real();
    link.messages += 1;
    link.bytes += data.length;
    let message;
    try {
      message = JSON.parse(data);
    } catch (error) {
      console.warn("hall: a message of the gate is not JSON", error.message);
      return;
    }
    const handle = on[message.op];
    if (handle) handle(message);
  }

  // -- connecting and staying connected ----------------------------------------------------------------------------

  function connect() {
    retryTimer = 0;
    opened = performance.now();
    link.refusal = null;
    const mine = new WebSocket(address());
    socket = mine;
    mine.onmessage = (event) => mine === socket && receive(event.data);
    mine.onclose = () => mine === socket && again();
    mine.onerror = () => {}; // a close event always follows
  }

  function again() {
    const old = socket;
    socket = null;
    parts = null;
    if (old && old.readyState < WebSocket.CLOSING) old.close();
    setState("lost", link.refusal ? link.refusal.reason : link.reason);
    if (retryTimer) return;
    const base = link.refusal ? RETRY_MAX_MS : Math.min(RETRY_FIRST_MS * 2 ** tries, RETRY_MAX_MS);
    tries += 1;
    link.reconnects += 1;
    retryTimer = setTimeout(connect, base * (0.5 + Math.random() * 0.5));
  }

  /** What was said while this page did not run is read first: a busy page is no silent gate. */
  function watch() {
    const mine = socket;
    if (mine) setTimeout(() => mine === socket && judge(), 0);
  }

  function judge() {
    const now = performance.now();
    if (socket.readyState === WebSocket.CONNECTING) {
      if (now - opened > LOST_MS) setState("lost", link.reason);
      if (now - opened > CONNECT_MS) again();
    } else if (now - Math.max(link.heard, opened) > LOST_MS) {
      again();
    } else if (link.state === "connecting" && now - opened > LOST_MS && wanted.size) {
      setState("lost", link.reason);
    }
  }

  function ping() {
    pingNumber += 1;
    pings.set(pingNumber, performance.now());
    if (pings.size > 8) pings.delete(pings.keys().next().value);
    send({ op: "ping", n: pingNumber });
  }

  function report() {
    if (link.state !== "live" || !hall.screen) return;
    send({ op: "report", ...hall.screen.report() });
  }
  link.report = report;

  link.retry = function () {
    if (socket || !retryTimer) return;
    clearTimeout(retryTimer);
    connect();
  };

  /** Called by the store's owner once everything is loaded. */
  link.start = function () {
    if (opened) return;
    connect();
    setInterval(watch, 250);
    setInterval(ping, PING_MS);
    setTimeout(ping, 400);
    setTimeout(ping, 1200);
    setInterval(report, REPORT_MS);
    window.addEventListener("online", link.retry);
  };
})();

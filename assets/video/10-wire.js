/* The video socket to the relay: one per page, docs/VIDEO.md. Opened by the first watch, kept for ever, renewed with jitter.
 *
 * hall.video.wire.watch({channel, quality, only, why, kind}, sink)   -> {leave()}
 *   sink.watching(info)  the stream (re)starts: info.codec, family, width, height ...; the next unit is a key picture
 *   sink.unit(unit)      {key, gap, suspect, pts (90 kHz), captured (real ms), arrived (performance.now()), bytes}
 *   sink.state(state)    {state, reason, detail, attempts, again_at}
 *   sink.budget(level), sink.refused({reason, detail}), sink.cut()   cut: the socket is gone, a new one is on its way
 *   sink.figures()       {shown, dropped, latency_ms} since it was last asked, for the wall's health
 * hall.video.wire.state  idle | connecting | live | lost
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const HEADER_BYTES = 24;
  const KEY = 1;
  const GAP = 2;
  const SUSPECT = 4;
  const PING_MS = 1000;
  const SILENT_MS = 3500; // pongs come every second: a socket that is silent for longer is dead, whatever the system says
  const CONNECT_MS = 4000;
  const RETRY_FIRST_MS = 100;
  const RETRY_MAX_MS = 2000;
  const REPORT_MS = 5000;
  const IDLE_MS = 10000; // the socket outlives its last watch, so that the next picture is there at once
  const REFUSED_MS = 10000;
  const RENEW = new Set(["ticket-bad", "ticket-expired"]);

  const watches = new Map(); // n -> watch
  const handles = new Map(); // handle -> Set of watches
  const listeners = new Set();
  let socket = null;
  let greeted = false;
  let numbers = 0;
  let tries = 0;
  let opened = 0;
  let heard = 0;
  let retryTimer = 0;
  let idleSince = performance.now();
  const pings = new Map();
  let pingNumber = 0;

  const wire = (video.wire = {
    state: "idle",
    messages: 0,
    bytes: 0,
    reconnects: 0,
    strays: 0, // pictures for a handle that nobody watches any more
    on: (call) => (listeners.add(call), () => listeners.delete(call)),
    watches: () => watches.size,
  });

  function setState(state) {
    if (wire.state === state) return;
    wire.state = state;
    for (const call of listeners) call(state);
  }

  function send(message) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  /** Asks for the pictures of one watch on the present socket; a ticket that was used up is renewed first. */
  async function ask(watch) {
    clearTimeout(watch.timer);
    const mine = socket;
    const turn = (watch.turn += 1);
    const over = () => mine !== socket || turn !== watch.turn || !watches.has(watch.n);
    let ticket;
    try {
      ticket = await video.tickets.for(watch.options);
    } catch (error) {
      if (over()) return;
      watch.sink.refused({ reason: error.reason || "unreachable", detail: error.message });
      return askLater(watch);
    }
    if (over() || !greeted) return; // after the relay's hello every watch is asked for again
    const { channel, quality, only } = watch.options;
    send({ op: "watch", n: watch.n, ticket, channel, quality, only, takes: video.families ? video.families() : ["h264"] });
  }

  function askLater(watch) {
    watch.timer = setTimeout(ask, REFUSED_MS * (0.5 + Math.random()), watch);
  }

  function release(watch) {
    const all = handles.get(watch.handle);
    if (!all) return;
    all.delete(watch);
    if (!all.size) handles.delete(watch.handle);
    watch.handle = null;
  }

  wire.watch = function (options, sink) {
    const watch = { n: (numbers += 1), options, sink, handle: null, timer: 0, turn: 0, renewed: 0 };
    watches.set(watch.n, watch);
    if (!socket && !retryTimer) connect();
    ask(watch); // also while the socket is being opened: the ticket is on its way meanwhile
    return {
      leave() {
        if (!watches.delete(watch.n)) return;
        clearTimeout(watch.timer);
        release(watch);
        send({ op: "leave", n: watch.n });
        if (!watches.size) idleSince = performance.now();
      },
    };
  };

  // -- what the relay says ----------------------------------------------------------------------------------------

  /** The sinks that a message is for: of its tile where it names one (before the stream is known there is no handle). */
  function toSinks(message, call) {
    const named = watches.get(message.n);
    for (const watch of named ? [named] : handles.get(message.handle) || []) call(watch.sink);
  }

  const on = {
    hello(message) {
      greeted = true;
      tries = 0;
      setState("live");
      if (message.now) hall.clock.hint(message.now);
      for (const watch of watches.values()) ask(watch);
      ping();
    },
    watching(message) {
      const watch = watches.get(message.n);
      if (!watch) return;
      release(watch);
      watch.handle = message.handle;
      if (!handles.has(message.handle)) handles.set(message.handle, new Set());
      handles.get(message.handle).add(watch);
      watch.sink.watching(message);
    },
    state: (message) => toSinks(message, (sink) => sink.state(message)),
    budget: (message) => toSinks(message, (sink) => sink.budget(message.level)),
    refused(message) {
      const watch = watches.get(message.n);
      if (!watch) return;
      if (RENEW.has(message.reason) && watch.renewed < 3) {
        watch.renewed += 1;
        video.tickets.forget(watch.options);
        return void ask(watch);
      }
      watch.sink.refused(message);
      askLater(watch);
    },
    pong(message) {
      const sent = pings.get(message.n);
      pings.delete(message.n);
      if (sent !== undefined && message.now) hall.clock.sample(sent, message.now);
    },
    ended(message) {
      for (const watch of watches.values()) watch.sink.refused({ reason: message.reason || "ended", detail: "" });
      video.tickets.forgetAll();
    },
  };

  function picture(data) {
    const view = new DataView(data);
    if (view.byteLength <= HEADER_BYTES || view.getUint8(5) !== 1) return;
    const all = handles.get(view.getUint32(0));
    if (!all) return void (wire.strays += 1);
    const flags = view.getUint8(4);
    const unit = {
      key: (flags & KEY) !== 0,
      gap: (flags & GAP) !== 0,
      suspect: (flags & SUSPECT) !== 0,
      pts: Number(view.getBigUint64(8)),
      captured: view.getFloat64(16),
      arrived: heard,
      bytes: new Uint8Array(data, HEADER_BYTES),
    };
    for (const watch of all) watch.sink.unit(unit);
  }

  function receive(data) {
    heard = performance.now();
    wire.messages += 1;
    wire.bytes += data.byteLength ?? data.length;
    if (typeof data !== "string") return picture(data);
    let message;
    try {
      message = JSON.parse(data);
    } catch (error) {
      return console.warn("hall: a message of the relay is not JSON", error.message);
    }
    const handle = on[message.op];
    if (handle) handle(message);
  }

  // -- connecting and staying connected ----------------------------------------------------------------------------

  function address() {
    if (hall.page.pictures) return hall.page.pictures; // a test's or a proxy's own address
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return `${scheme}://${location.hostname}:${hall.page.pictures_port}/v1/video`;
  }

  function connect() {
    retryTimer = 0;
    opened = heard = performance.now();
    if (wire.state === "idle") setState("connecting");
    const mine = new WebSocket(address());
    mine.binaryType = "arraybuffer";
    socket = mine;
    mine.onmessage = (event) => mine === socket && receive(event.data);
    mine.onclose = () => mine === socket && again();
    mine.onerror = () => {}; // a close event always follows
  }

  function drop() {
    const old = socket;
    socket = null;
    greeted = false;
    handles.clear();
    pings.clear();
    if (old && old.readyState < WebSocket.CLOSING) old.close();
    for (const watch of watches.values()) {
      clearTimeout(watch.timer);
      watch.handle = null;
      watch.renewed = 0;
      watch.sink.cut();
    }
  }

  function again() {
    drop();
    if (!watches.size) return setState("idle");
    setState("lost");
    if (retryTimer) return;
    const wait = Math.min(RETRY_FIRST_MS * 2 ** tries, RETRY_MAX_MS);
    tries += 1;
    wire.reconnects += 1;
    retryTimer = setTimeout(connect, wait * (0.5 + Math.random() * 0.5));
  }

  function ping() {
    if (pings.size > 20) pings.clear();
    pings.set((pingNumber += 1), performance.now());
    send({ op: "ping", n: pingNumber });
  }

  function look() {
    if (!socket) return;
    const now = performance.now();
    if (!greeted && now - opened > CONNECT_MS) return again(); // also one that answers but never greets
    if (socket.readyState === WebSocket.CONNECTING) return;
    if (!watches.size && now - idleSince > IDLE_MS) {
      drop();
      return setState("idle");
    }
    if (now - heard > SILENT_MS) return again();
    ping();
  }
  setInterval(look, PING_MS);

  setInterval(() => {
    for (const watch of watches.values()) if (watch.handle !== null) send({ op: "report", n: watch.n, ...watch.sink.figures() });
  }, REPORT_MS);
})();

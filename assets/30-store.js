/* The picture in the browser: one event per subject, by topic; listeners are told once per animation frame.
 *
 * hall.store.docs(topic)   Map(subject -> event); an event has id source subject time recordedtime data
 * hall.store.log(topic)    array of the last events of a log topic, oldest first
 * hall.store.on(topics, call, {replay})   call(changes) with the newest event per subject since the last call
 * A case's event carries the hall's decisions already: `over` of `file/x/y` is laid over `data` of `case/x/y`; what the
 * supplier said stays as `supplied`.
 * A flush whose frame was costly (seen from its first to the frame after it) is followed by a rest of twice that, at most
 * REST_MS: what moves on the wall then has frames of its own, and what comes in meanwhile is told at once as its newest state.
 * hall.store.due(topics)   whether something of these topics is in and not told yet
 * hall.store.hash()        8 hex digits over what is held: xor of FNV-1a of `subject|time|id`, same in any order
 */
"use strict";

(function () {
  const hall = window.hall;
  const BUDGET_MS = 10;
  const HIDDEN_MS = 250;
  const COSTLY_MS = 45; // a flush with the painting it causes; three frames of 60 in a second
  const REST_MS = 100; // the longest rest: half of what a crossing may need to the wall (200 ms)
  const TOPIC_BOUND = 200000; // subjects per topic; the oldest go and are counted
  const LOG_BOUND = 500;
  const LOG_TOPICS = new Set(["log", "archive", "audit"]);
  const URGENCY = ["alarm", "warning", "clock", "scene", "process", "feed"]; // the rest follows

  const docsByTopic = new Map();
  const logs = new Map();
  const arrivals = new Map(); // topic -> performance.now() of the last event
  const listeners = new Set();
  let cancel = null; // takes back the flush that is due, null where none is
  let hidden = false;
  let restUntil = 0; // performance.now() before which nothing is told
  let hash = 0;
  let flushes = 0;

  const topicOf = (subject) => {
    const cut = subject.indexOf("/");
    return cut < 0 ? subject : subject.slice(0, cut);
  };

  function fingerprint(event) {
    const text = `${event.subject}|${event.time}|${event.id}`;
    let value = 0x811c9dc5;
    for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    return value >>> 0;
  }

  function mapOf(topic) {
    let docs = docsByTopic.get(topic);
    if (!docs) docsByTopic.set(topic, (docs = new Map()));
    return docs;
  }

  /** The reducer of hall/core/board.py: the event with the greatest (time, recordedtime, id) stays. */
  function newer(event, known) {
    if (event.time !== known.time) return event.time > known.time;
    if (event.recordedtime !== known.recordedtime) return event.recordedtime > known.recordedtime;
    return event.id > known.id;
  }

  function put(topic, event) {
    const docs = mapOf(topic);
    const known = docs.get(event.subject);
    if (known) {
      if (!newer(event, known)) return false;
      hash = (hash ^ fingerprint(known)) >>> 0;
    } else if (event.data === null || event.data === undefined) {
      return false;
    }
    if (event.data === null || event.data === undefined) {
      docs.delete(event.subject);
      return true;
    }
    docs.set(event.subject, topic === "case" ? laidOver(event) : event);
    hash = (hash ^ fingerprint(event)) >>> 0;
    if (docs.size > TOPIC_BOUND) {
      const [oldest, gone] = docs.entries().next().value;
      docs.delete(oldest);
      hash = (hash ^ fingerprint(gone)) >>> 0;
      store.dropped += 1;
    }
    return true;
  }

  /** The event of a case with what the hall decided in the place of the supplier's words. */
  function laidOver(event) {
    const supplied = event.supplied || event.data;
    const file = mapOf("file").get(`file${event.subject.slice(4)}`);
    const over = file && file.data.over;
    if (!over) return event.supplied ? { ...event, data: supplied, supplied: undefined } : event;
    const data = { ...supplied, ...over };
    if (over.stages) data.stages = { ...supplied.stages, ...over.stages };
    return { ...event, data, supplied };
  }

  /** A file changed: its case shows it. */
  function layOver(fileSubject) {
    const cases = mapOf("case");
    const known = cases.get(`case${fileSubject.slice(4)}`);
    if (!known) return;
    const event = laidOver(known);
    cases.set(event.subject, event);
    tell("case", event);
  }

  function append(topic, event) {
    let ring = logs.get(topic);
    if (!ring) logs.set(topic, (ring = []));
    ring.push(event);
    if (ring.length > LOG_BOUND) ring.splice(0, ring.length - LOG_BOUND);
  }

  function tell(topic, event) {
    for (const listener of listeners) {
      if (listener.topics.has(topic)) listener.queue.set(event.subject + (LOG_TOPICS.has(topic) ? event.id : ""), event);
    }
    schedule();
  }

  function takeOne(event, now) {
    const topic = topicOf(event.subject);
    arrivals.set(topic, now);
    if (LOG_TOPICS.has(topic)) append(topic, event);
    else if (!put(topic, event)) return;
    if (topic === "file") layOver(event.subject);
    tell(topic, topic === "case" && event.data ? mapOf(topic).get(event.subject) || event : event);
  }

  /** A snapshot that replaces everything: what it does not hold is told as gone. */
  function replace(events) {
    const kept = new Set(events.map((event) => event.subject));
    for (const [topic, docs] of docsByTopic) {
      for (const [subject, event] of docs) {
        if (kept.has(subject)) continue;
        docs.delete(subject);
        hash = (hash ^ fingerprint(event)) >>> 0;
        if (topic === "file") layOver(subject);
        tell(topic, { ...event, data: null });
      }
    }
    logs.clear();
    const now = performance.now();
    for (const event of events) {
      const topic = topicOf(event.subject);
      const docs = docsByTopic.get(topic);
      const known = docs && docs.get(event.subject);
      if (known && known.id !== event.id) {
        // the snapshot is the truth, also where it is older than what this screen held
        docs.delete(event.subject);
        hash = (hash ^ fingerprint(known)) >>> 0;
      }
      takeOne(event, now);
    }
  }

  const later = (ms, call) => {
    const timer = setTimeout(call, ms);
    cancel = () => clearTimeout(timer);
  };

  const nextFrame = () => {
    const frame = requestAnimationFrame(flush);
    cancel = () => cancelAnimationFrame(frame);
  };

  function schedule() {
    if (cancel) return;
    hidden = document.hidden; // a hidden page gets no animation frames
    const rest = restUntil - performance.now();
    if (hidden) later(HIDDEN_MS, flush);
    else if (rest > 1) later(rest, nextFrame);
    else nextFrame();
  }

  function restAfter(started) {
    const now = performance.now();
    if (now - started > COSTLY_MS) restUntil = now + Math.min(REST_MS, 2 * (now - started));
  }

  function flush() {
    cancel = null;
    flushes += 1;
    const started = performance.now();
    const end = started + BUDGET_MS;
    const due = [...listeners].filter((listener) => listener.queue.size).sort((a, b) => a.urgency - b.urgency || a.last - b.last);
    due.forEach((listener, index) => {
      // the urgent ones are always served; the others in turn, as far as the frame's budget goes
      if (index > 0 && listener.urgency >= URGENCY.length && performance.now() > end) return schedule();
      const changes = [...listener.queue.values()];
      listener.queue.clear();
      listener.last = flushes;
      try {
        listener.call(changes);
      } catch (error) {
        store.faults += 1;
        console.error("hall: a listener failed", error);
      }
    });
    restAfter(started); // what the listeners took
    if (!document.hidden) requestAnimationFrame(() => requestAnimationFrame(() => restAfter(started))); // with the painting
  }

  document.addEventListener("visibilitychange", () => {
    if (!cancel || hidden === document.hidden) return;
    cancel();
    cancel = null;
    schedule();
  });

  const store = (hall.store = {
    ready: false, // a whole snapshot is in
    dropped: 0,
    faults: 0,
    docs: mapOf,
    get: (subject) => mapOf(topicOf(subject)).get(subject),
    log: (topic) => logs.get(topic) || [],
    arrived: (topic) => arrivals.get(topic) || 0,
    flushes: () => flushes,
    due: (topics) => [...listeners].some(({ queue, topics: own }) => queue.size && topics.some((topic) => own.has(topic))),
    hash: () => hash.toString(16).padStart(8, "0"),
    /** Takes events of the gate; `reset`: they are the whole picture. */
    take(events, reset) {
      if (reset) {
        replace(events);
      } else {
        const now = performance.now();
        for (const event of events) takeOne(event, now);
      }
      store.ready = true;
    },
    on(topics, call, options) {
      const order = topics.map((topic) => URGENCY.indexOf(topic)).map((place) => (place < 0 ? URGENCY.length : place));
      const listener = { topics: new Set(topics), call, queue: new Map(), urgency: Math.min(...order, URGENCY.length), last: 0 };
      listeners.add(listener);
      if (options && options.replay) {
        for (const topic of topics) {
          for (const event of mapOf(topic).values()) listener.queue.set(event.subject, event);
          for (const event of store.log(topic)) listener.queue.set(event.subject + event.id, event);
        }
        if (listener.queue.size) schedule();
      }
      return () => listeners.delete(listener);
    },
  });
  store.topicOf = topicOf;
})();

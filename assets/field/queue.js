/* What the crew did, kept on the phone until the hall has it: in order, each once.
 *
 * An action's id is made when the button is pressed and stays with it, so that sending it again after a lost answer is known
 * to the hall. Photos go first; the id the hall gives each is kept before the action itself is sent.
 *
 * field.queue.add({task, move, reason, data, photos: [{blob, usage}], needs}) → Promise of the action's id
 * field.queue.tap({task, move})   an action by one tap, however often it was tapped
 * field.queue.items   newest state of every action: {id, task, move, state: waiting|sending|sent|refused, why, ...}
 * field.queue.on(call)   called after every change
 * field.keep(name, value), field.kept(name)   the last tasks, for when there is no network
 */
"use strict";

(function () {
  const field = window.field;
  const ANSWER_MS = 20000;
  const UPLOAD_MS = 120000;
  const LONGEST_WAIT_MS = 30000;
  const SENT_KEPT_MS = 12 * 3600 * 1000;
  const listeners = new Set();
  const queue = (field.queue = { items: [], on: (call) => listeners.add(call), paused: false });
  let base = null;
  let failures = 0;
  let timer = 0;
  let running = false;

  // -- the phone's store ------------------------------------------------------------------------------------------

  function opened() {
    base = base || new Promise((done, failed) => {
      const asked = indexedDB.open("hall-field", 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("actions", { keyPath: "order", autoIncrement: true });
        asked.result.createObjectStore("photos");
        asked.result.createObjectStore("kept");
      };
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
    return base;
  }

  /** One transaction; `work(stores)` asks, the promise holds once it is on the medium. */
  async function transaction(names, mode, work) {
    const store = (await opened()).transaction(names, mode, mode === "readwrite" ? { durability: "strict" } : undefined);
    let asked;
    const done = new Promise((ok, failed) => {
      store.oncomplete = () => ok(asked && asked.result);
      store.onerror = store.onabort = () => failed(store.error || new Error("aborted"));
    });
    asked = work(names.map((name) => store.objectStore(name)));
    return done;
  }

  field.keep = (name, value) => transaction(["kept"], "readwrite", ([kept]) => kept.put(value, name)).catch(() => {});
  field.kept = (name) => transaction(["kept"], "readonly", ([kept]) => kept.get(name)).catch(() => undefined);

  const save = (item) => transaction(["actions"], "readwrite", ([actions]) => actions.put(item));

  async function load() {
    const found = await transaction(["actions"], "readonly", ([actions]) => actions.getAll()).catch(() => []);
    for (const item of found) if (item.state === "sending") item.state = "waiting"; // the page ended while it was sent
    const old = found.filter((item) => item.state === "sent" && Date.now() - item.done > SENT_KEPT_MS);
    for (const item of old) await forget(item);
    queue.items = found.filter((item) => !old.includes(item));
    changed();
  }

  async function forget(item) {
    await transaction(["actions", "photos"], "readwrite", ([actions, photos]) => {
      for (const photo of item.photos) photos.delete(photo.key);
      actions.delete(item.order);
    });
    queue.items = queue.items.filter((other) => other.order !== item.order);
  }

  function changed() {
    for (const call of listeners) call();
  }

  // -- adding -----------------------------------------------------------------------------------------------------

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return `field-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }

  queue.add = async function ({ task, move, reason = "", data = {}, photos = [], needs = "" }) {
    const item = { id: newId(), crew: field.crew, task, move, reason, data, needs, state: "waiting", time: Math.round(field.now()), made: Date.now(), why: "" };
    item.photos = photos.map((photo, n) => ({ key: `${item.id}-${n}`, usage: photo.usage, lon: photo.lon, lat: photo.lat, media: "" }));
    item.order = await transaction(["actions", "photos"], "readwrite", ([actions, kept]) => {
      photos.forEach((photo, n) => kept.put(photo.blob, item.photos[n].key));
      return actions.add(item);
    });
    queue.items.push(item);
    changed();
    queue.wake();
    return item.id;
  };

  const keeping = new Set(); // what was tapped and is not on the phone's medium yet
  /** One tap: a second one, before the page shows the first, is the same action. */
  queue.tap = async function ({ task, move }) {
    const tap = `${move} ${task}`;
    if (keeping.has(tap) || queue.waiting().some((item) => item.task === task && item.move === move)) return;
    keeping.add(tap);
    try {
      await queue.add({ task, move });
    } finally {
      keeping.delete(tap);
    }
  };

  queue.waiting = () => queue.items.filter((item) => item.state === "waiting" || item.state === "sending");
  queue.of = (task) => queue.items.filter((item) => item.task === task);
  queue.drop = async (item) => (await forget(item), changed());
  queue.again = async function (item) {
    Object.assign(item, { state: "waiting", why: "", detail: "" });
    await save(item);
    changed();
    queue.wake();
  };

  // -- sending ----------------------------------------------------------------------------------------------------

  /** An answer of the hall, or an error with `.lost` when there was none worth having. */
  async function post(path, headers, body, limit) {
    let answer;
    try {
      answer = await fetch(path, { method: "POST", headers: { "x-hall-csrf": field.csrf || "", ...headers }, body, signal: AbortSignal.timeout(limit) });
    } catch (error) {
      throw Object.assign(new Error("no network"), { lost: true });
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    const passing = answer.status === 408 || answer.status === 429 || answer.status >= 500;
    const out = answer.status === 401 || said.reason === "csrf";
    throw Object.assign(new Error(said.detail || ""), { reason: said.reason || "http", status: answer.status, lost: passing || out, out });
  }

  async function sendPhotos(item) {
    for (const photo of item.photos) {
      if (photo.media) continue;
      const blob = await transaction(["photos"], "readonly", ([photos]) => photos.get(photo.key));
      if (!blob) throw Object.assign(new Error(""), { reason: "not-a-picture" });
      item.uploading = item.photos.indexOf(photo) + 1;
      changed();
      const said = await post("/api/v1/media", { "content-type": "image/jpeg" }, blob, UPLOAD_MS);
      photo.media = said.media;
      await save(item);
    }
    item.uploading = 0;
  }

  function body(item) {
    const data = { ...item.data };
    if (item.photos.length) {
      data.photos = item.photos.map(({ media, usage, lon, lat }) => (lon === undefined ? { media, usage } : { media, usage, lon, lat }));
    }
    return JSON.stringify({ id: item.id, task: item.task, move: item.move, reason: item.reason, data, time: item.time });
  }

  async function send(item) {
    const before = item.needs && queue.items.find((other) => other.id === item.needs);
    if (before && before.state === "refused") throw Object.assign(new Error(before.detail), { reason: before.why });
    item.state = "sending";
    changed();
    await sendPhotos(item);
    await post("/api/v1/field/commands", { "content-type": "application/json" }, body(item), ANSWER_MS);
    Object.assign(item, { state: "sent", done: Date.now() });
  }

  async function finish(item) {
    await save(item);
    await transaction(["photos"], "readwrite", ([photos]) => item.photos.forEach((photo) => photos.delete(photo.key)));
  }

  /** Sends what waits, oldest first. An action that the hall refuses says so and does not hold up the others. */
  async function drain() {
    for (;;) {
      const item = queue.items.find((other) => other.state === "waiting" && other.crew === field.crew);
      if (!item || queue.paused || !field.csrf) return;
      try {
        await send(item);
      } catch (error) {
        if (error.lost) {
          item.state = "waiting";
          item.uploading = 0;
          changed();
          if (error.out && field.signedOut) field.signedOut();
          throw error;
        }
        Object.assign(item, { state: "refused", why: error.reason || "http", detail: error.message, uploading: 0 });
      }
      if (item.state === "sent") await finish(item);
      else await save(item);
      failures = 0;
      changed();
      if (field.refresh) field.refresh();
    }
  }

  async function run() {
    if (running) return;
    running = true;
    clearTimeout(timer);
    try {
      // one page of this phone sends at a time; where the browser has no locks the ids still make each count once
      if (navigator.locks) await navigator.locks.request("hall-field-queue", drain);
      else await drain();
    } catch (error) {
      failures += 1;
      const wait = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** Math.min(failures - 1, 6));
      timer = setTimeout(run, wait * (0.5 + Math.random() / 2));
    } finally {
      running = false;
    }
  }
  queue.wake = () => void run();

  window.addEventListener("online", () => ((failures = 0), queue.wake()));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && queue.wake());
  queue.ready = load();
})();

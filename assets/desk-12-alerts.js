/* Heard as well as seen: when which sound is made, when the browser notifies, how long it is quiet. No file, no storm.
 *
 * hall.alerts.take(urgencies)   new notices: at most one sound in GAP_MS, the most urgent of what came meanwhile
 * hall.alerts.quiet(minutes)    no sound for so long, then by itself again; 0 ends it
 * hall.alerts.settings / .keep(changes)   {volume 0..1, sounds {normal, urgent, emergency}, notify}, kept per person in the hall
 * hall.alerts.counts   {asked, played, held, quiet, blocked, notified}: what became of each wish for a sound
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const GAP_MS = 3000;
  const NAME = "alerts"; // of the preference
  const RANK = { normal: 1, urgent: 2, emergency: 3 };
  /** Urgency -> [Hz, seconds from the start, seconds long]: told apart by rhythm and pitch. */
  const SOUNDS = {
    normal: [[660, 0, 0.16]],
    urgent: [[740, 0, 0.14], [988, 0.18, 0.2]],
    emergency: [[880, 0, 0.16], [622, 0.2, 0.16], [880, 0.4, 0.16], [622, 0.6, 0.16], [880, 0.8, 0.3]],
  };
  const DEFAULTS = { volume: 0.6, sounds: { normal: true, urgent: true, emergency: true }, notify: true, quiet_until: 0 };
  let audio = null;
  let last = -Infinity; // performance.now() of the last sound
  let pending = ""; // urgency that waits for the gap to end
  let timer = 0;

  const alerts = (hall.alerts = {
    counts: { asked: 0, played: 0, held: 0, quiet: 0, blocked: 0, notified: 0 },
    settings: { ...DEFAULTS },
    last: "", // urgency of the last sound
    take,
    quiet(minutes) {
      alerts.keep({ quiet_until: minutes ? Date.now() + minutes * 60000 : 0 });
    },
    isQuiet: () => alerts.settings.quiet_until > Date.now() || alerts.settings.volume === 0,
    blocked: () => !audio || audio.state !== "running",
    keep,
    test: (urgency) => play(urgency),
    permission: () => (window.Notification ? Notification.permission : "denied"),
    async ask() {
      if (window.Notification) await Notification.requestPermission();
      desk.tell("alerts");
    },
    notify,
  });

  const worse = (a, b) => ((RANK[a] || 0) >= (RANK[b] || 0) ? a : b);

  function take(urgencies) {
    const wanted = urgencies.filter((urgency) => alerts.settings.sounds[urgency] !== false && RANK[urgency]);
    if (!wanted.length) return;
    alerts.counts.asked += wanted.length;
    const worst = wanted.reduce(worse);
    if (alerts.isQuiet()) return void (alerts.counts.quiet += wanted.length);
    if (timer) {
      alerts.counts.held += wanted.length;
      pending = worse(pending, worst);
      return;
    }
    alerts.counts.held += wanted.length - 1;
    const rest = GAP_MS - (performance.now() - last);
    if (rest <= 0) return void play(worst);
    pending = worst;
    timer = setTimeout(after, rest);
  }

  function after() {
    const due = pending;
    timer = 0;
    pending = "";
    if (!due) return;
    if (alerts.isQuiet()) alerts.counts.quiet += 1;
    else play(due);
  }

  function play(urgency) {
    last = performance.now();
    alerts.last = urgency;
    if (alerts.blocked()) {
      alerts.counts.blocked += 1;
      return void desk.tell("alerts");
    }
    alerts.counts.played += 1;
    for (const [pitch, at, long] of SOUNDS[urgency] || SOUNDS.normal) tone(pitch, audio.currentTime + 0.02 + at, long);
    desk.tell("alerts");
  }

  function tone(pitch, start, long) {
    const source = audio.createOscillator();
    const level = audio.createGain();
    source.type = "triangle";
    source.frequency.value = pitch;
    level.gain.setValueAtTime(0, start);
    level.gain.linearRampToValueAtTime(alerts.settings.volume, start + 0.015);
    level.gain.setValueAtTime(alerts.settings.volume, start + long - 0.03);
    level.gain.linearRampToValueAtTime(0, start + long);
    source.connect(level).connect(audio.destination);
    source.start(start);
    source.stop(start + long + 0.02);
    source.onended = () => level.disconnect();
  }

  /** A browser lets a page sound only after somebody has touched it. */
  function wake() {
    try {
      audio = audio || new AudioContext();
      if (audio.state === "suspended") audio.resume().then(() => desk.tell("alerts"), () => {});
    } catch (_) {
      audio = null; // this machine has no sound; the mark in the bar says so
    }
  }

  /** One notification for all that came together; its words are hidden while the console is locked. */
  function notify(title, body) {
    if (!alerts.settings.notify || alerts.permission() !== "granted" || (document.visibilityState === "visible" && document.hasFocus())) return;
    alerts.counts.notified += 1;
    const locked = desk.lock && desk.lock.locked;
    const made = new Notification(title, { body: locked ? "" : body, tag: "hall-notices", renotify: true, silent: true });
    made.onclick = () => (window.focus(), made.close());
  }

  let saving = 0;
  function keep(changes) {
    alerts.settings = { ...alerts.settings, ...changes, sounds: { ...alerts.settings.sounds, ...(changes.sounds || {}) } };
    desk.tell("alerts");
    clearTimeout(saving);
    saving = setTimeout(() => hall.ask(`/api/v1/preferences/${NAME}`, { method: "PUT", body: alerts.settings }).catch(() => {}), 400);
  }

  alerts.load = async function () {
    for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, wake, { passive: true, capture: true });
    const kept = await hall.ask(`/api/v1/preferences/${NAME}`).catch(() => null);
    if (kept && typeof kept === "object") alerts.settings = { ...DEFAULTS, ...kept, sounds: { ...DEFAULTS.sounds, ...kept.sounds } };
    desk.tell("alerts");
  };
})();

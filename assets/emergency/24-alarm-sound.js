/* A new alarm is heard at the console of alarms: by its priority; in a flood once for a group, not for each of its alarms. Who answers
 * for some districts hears theirs, by their own flood.
 * How loud, which sounds, and quiet for a while: hall.alerts, which never makes a storm of sounds. */
"use strict";

(function () {
  const hall = window.hall;
  const { alarms } = hall;
  const BY_PRIORITY = { 1: "emergency", 2: "urgent" };
  const heard = new Map(); // subject -> the announcement that was heard
  const groups = new Map(); // group -> since when the flood is in which it was heard
  const BOUND = 5000;

  const here = () => document.querySelector("[data-panel=emergency]") && hall.alerts;
  /** What was announced before this page came is no news. */
  const opened = () => hall.clock.city() - performance.now() * (hall.clock.state ? hall.clock.state.rate : 1);

  function isNews({ subject, data }) {
    if (!data || !data.announced || heard.get(subject) === data.announced) return false;
    heard.set(subject, data.announced);
    if (heard.size > BOUND) heard.delete(heard.keys().next().value);
    if (data.announced < opened() || !alarms.asking(data) || !alarms.own.mine(data)) return false;
    const flood = alarms.own.flood();
    if (flood == null) return true;
    const group = alarms.groupOf(data);
    if (groups.get(group) === flood) return false;
    groups.set(group, flood);
    if (groups.size > BOUND) groups.delete(groups.keys().next().value);
    return true;
  }

  hall.store.on(["alarm"], (changes) => {
    if (!here()) return;
    const news = changes.filter(isNews).map(({ data }) => BY_PRIORITY[data.priority] || "normal");
    if (news.length) hall.alerts.take(news);
  });
})();

/* The load that alarms put on one operator, held against the targets: lines of {name, value, target, met}, for wall and console.
 *
 * hall.alarms.loadLines(load)   `load` is `kpi/alarms`; `met` true | false | null (no target); `more` a further sentence
 */
"use strict";

(function () {
  const hall = window.hall;
  const { format, t } = hall;
  const percent = (share) => (share == null ? "–" : `${format.number(100 * share, share && share < 0.1 ? 1 : 0)}%`);
  const line = (name, value, target, met, more) => ({ name: t(`alarms.load.${name}`), key: name, value, target, met, more: more || "" });
  const DISTRICTS = 5; // in flood that are named one by one
  /** In flood since when, or as usual. */
  const mode = (since) => (since == null ? t("alarms.load.calm") : t("alarms.load.since", { at: format.time(since) }));
  const most = (text) => t("alarms.load.most", { value: text });

  function rates(load) {
    const { rate, targets } = load;
    const perHour = rate.day / 24;
    return [
      line("now", format.number(rate.now), most(format.number(targets.per_window)), rate.now <= targets.per_window, t("alarms.load.window", { n: rate.window_minutes })),
      line("hour", format.number(rate.hour), most(format.number(targets.per_hour_good)), rate.hour <= targets.per_hour_limit, t("alarms.load.limit", { n: targets.per_hour_limit })),
      line("mean", format.number(perHour, 1), most(format.number(targets.per_hour_good)), perHour <= targets.per_hour_good, t("alarms.load.day", { n: format.number(rate.day) })),
      line("peak", format.number(rate.peak), t("alarms.load.below", { value: format.number(load.flood.begins) }), rate.peak < load.flood.begins),
    ];
  }
  function floods(load) {
    const { flood, targets } = load;
    const places = Object.entries(flood.districts || {}).sort((a, b) => a[1] - b[1] || a[0].localeCompare(b[0]));
    const own = hall.alarms.own.load();
    const since = flood.since == null ? "" : t("alarms.load.flood-since", { at: format.time(flood.since) });
    return [
      line("flood", percent(flood.share), most(percent(targets.flood_share)), flood.share <= targets.flood_share, since),
      line("flood-city", mode(flood.since), "", null),
      ...(own ? [{ ...line("flood-own", mode(own.since), "", null, t("alarms.load.own", { n: own.rate.now, waits: own.unacknowledged })), name: t("alarms.load.flood-own", { names: own.districts.join(t("rows.comma")) }) }] : []),
      ...places.slice(0, DISTRICTS).map(([name, at]) => ({ ...line("flood-district", mode(at), "", null), name: t("alarms.load.flood-district", { name }), key: `flood-${name}` })),
      ...(places.length > DISTRICTS ? [{ ...line("flood-more", "", "", null), name: t("rows.more", { n: places.length - DISTRICTS }) }] : []),
    ];
  }
  function standing(load) {
    const { counts, oldest, stale, targets, answered } = load;
    const waits = oldest ? t("alarms.load.oldest", { name: oldest.name || oldest.label || oldest.site, time: format.age(oldest.since) }) : "";
    const took = answered.of ? t("alarms.load.answered", { median: answered.median_minutes, p90: answered.p90_minutes, n: answered.of }) : "";
    return [
      line("unanswered", format.number(counts.unacknowledged), "", null, waits),
      line("time", answered.of ? t("alarms.load.minutes", { n: answered.median_minutes }) : "–", "", null, took),
      line("stale", format.number(stale.count), t("alarms.load.below", { value: format.number(targets.standing_most) }), stale.count < targets.standing_most),
      line("chattering", format.number(load.chattering.count), "0", load.chattering.count === 0),
    ];
  }
  function shares(load) {
    const { top, split, targets } = load;
    const worst = top.rows[0];
    const high = split.high == null ? "–" : ["high", "medium", "low"].map((name) => percent(split[name])).join(" / ");
    const wanted = [targets.priority_high, targets.priority_medium, targets.priority_low].map(percent).join(" / ");
    return [
      line("top", percent(top.share), most(percent(targets.top_share)), top.share == null ? null : top.share <= targets.top_share, worst ? t("alarms.load.worst", { name: worst.name || worst.label || worst.site, n: worst.times }) : ""),
      line("split", high, wanted, split.high == null ? null : split.high <= 2 * targets.priority_high),
    ];
  }
  function away(load) {
    const { counts } = load;
    const all = hall.alarms.AWAY.reduce((sum, how) => sum + (counts[how] || 0), 0);
    return [line("away", format.number(all), "", null, hall.alarms.AWAY.filter((how) => counts[how]).map((how) => t(`alarms.put.${how}`, { n: counts[how] })).join(" · "))];
  }

  hall.alarms.loadLines = (load) => [...rates(load), ...floods(load), ...standing(load), ...shares(load), ...away(load)];
  /** Met or not, in shape and word. */
  hall.alarms.metText = (met) => (met == null ? "" : met ? `✓ ${t("alarms.load.met")}` : `▲ ${t("alarms.load.missed")}`);
})();

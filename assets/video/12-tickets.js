/* Tickets: leave to watch, asked of the hall for several channels at once, used again until shortly before they end.
 *
 * hall.video.tickets.for({channel, why, kind, members})  -> Promise of the ticket; rejects with an Error with .reason and .status
 *   members: a ticket of its own for just these channels in this order (of a mosaic)
 * hall.video.tickets.members(options)   of such a ticket: {granted: [channel], refused: Map(channel -> reason)}, null before
 * hall.video.tickets.forget(options), forgetAll()   the next question asks the hall anew
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const GATHER_MS = 5; // tiles that open together share a ticket
  const MOST = 16; // channels on one: it travels with every watch
  const SPARE_MS = 60000;
  const kept = new Map(); // key -> {until, promise}
  let waiting = new Map(); // "kind|why" -> [{channel, resolve, reject}]
  let timer = 0;

  const groupOf = ({ why, kind }) => JSON.stringify([kind || "live", why || ""]);
  const keyOf = (options) => `${options.channel} ${groupOf(options)} ${options.members || ""}`;
  const refusal = (reason, detail, status) => Object.assign(new Error(detail || reason), { reason, status: status || 0 });

  async function view(channels, { why, kind }) {
    const body = { channels, why: why || "", kind: kind || "live" };
    const answer = await hall.acting.ask("/api/v1/video/views", { method: "POST", body });
    return { ...answer, refused: new Map((answer.refused || []).map((one) => [one.channel, one.reason])) };
  }

  async function ask(group, wanted) {
    const [kind, why] = JSON.parse(group);
    const answer = await view(wanted.map((one) => one.channel), { why, kind });
    const { refused } = answer;
    for (const { channel, resolve, reject } of wanted) {
      if (refused.has(channel)) reject(refusal(refused.get(channel), "", 403));
      else resolve({ ticket: answer.ticket, until: answer.until });
    }
  }

  function flush() {
    timer = 0;
    const all = waiting;
    waiting = new Map();
    for (const [group, wanted] of all) {
      for (let at = 0; at < wanted.length; at += MOST) {
        const some = wanted.slice(at, at + MOST);
        ask(group, some).catch((error) => some.forEach((one) => one.reject(error)));
      }
    }
  }

  function fresh(options) {
    const group = groupOf(options);
    const promise = new Promise((resolve, reject) => {
      if (!waiting.has(group)) waiting.set(group, []);
      waiting.get(group).push({ channel: options.channel, resolve, reject });
    });
    if (!timer) timer = setTimeout(flush, GATHER_MS);
    return promise;
  }

  video.tickets = {
    async for(options) {
      const key = keyOf(options);
      const known = kept.get(key);
      if (known && known.until - SPARE_MS > hall.clock.real()) return (await known.promise).ticket;
      const entry = { until: Infinity, promise: options.members ? view(options.members, options) : fresh(options) };
      kept.set(key, entry);
      try {
        const found = await entry.promise;
        [entry.until, entry.found] = [found.until, found];
        return found.ticket;
      } catch (error) {
        if (kept.get(key) === entry) kept.delete(key);
        throw error;
      }
    },
    members(options) {
      const { found } = kept.get(keyOf(options)) || {};
      return found ? { granted: found.granted, refused: found.refused } : null;
    },
    forget: (options) => kept.delete(keyOf(options)),
    forgetAll: () => kept.clear(),
    kept: () => kept.size,
  };

  // what nobody asked for again within a ticket's time is forgotten: a round passes thousands of channels
  setInterval(() => {
    for (const [key, entry] of kept) if (entry.until < hall.clock.real()) kept.delete(key);
  }, SPARE_MS);
})();

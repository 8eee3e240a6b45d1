/* /admin/feeds: every feed live from the socket; parked input by reason with samples, and the button that tries it again. */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const SAMPLES = 30;
  const RATE_WINDOW_MS = 60000;
  const MARKS = { live: "●", waiting: "◌", stale: "▲", lost: "✕", ended: "■", off: "–" };

  /** A table whose rows are kept by key: only cells whose text changed are touched. */
  hall.keyedTable = function (columns, prefix) {
    const head = hall.make("tr", {}, columns.map((name) => hall.said("th", `${prefix}.${name}`, null, { "data-column": name })));
    const body = hall.make("tbody");
    const table = hall.make("table.console-table", {}, [hall.make("thead", {}, head), body]);
    const rows = new Map();
    return {
      table,
      rows,
      /** cells: {column: text | {text, title, mark}}; `more` are attributes of the row. */
      set(key, cells, more) {
        let row = rows.get(key);
        if (!row) {
          row = hall.make("tr", { "data-key": key }, columns.map((name) => hall.make("td", { "data-column": name })));
          rows.set(key, row);
          body.append(row);
        }
        columns.forEach((name, index) => {
          const cell = cells[name];
          const shown = cell !== null && typeof cell === "object" ? cell : { text: cell };
          hall.setText(row.cells[index], shown.text ?? "");
          if (shown.title !== undefined && row.cells[index].title !== shown.title) row.cells[index].title = shown.title;
        });
        for (const [name, value] of Object.entries(more || {})) if (row.getAttribute(name) !== String(value)) row.setAttribute(name, value);
        return row;
      },
      keep(keys) {
        for (const [key, row] of rows) if (!keys.has(key)) row.remove(), rows.delete(key);
      },
      order(keys) {
        keys.forEach((key, index) => {
          if (body.children[index] !== rows.get(key)) body.insertBefore(rows.get(key), body.children[index] || null);
        });
      },
    };
  };

  const number = (value) => hall.format.number(value || 0);
  const realAge = (ms) => (ms == null ? "–" : hall.format.duration(hall.clock.real() - ms));

  // -- feeds ----------------------------------------------------------------------------------------------------------

  const FEED_COLUMNS = ["feed", "kind", "state", "rate", "received", "accepted", "duplicates", "late", "parked", "dropped", "seen", "expected",
    "lag", "error"];

  /** Items accepted a second over the last seconds, from the counters of the status documents. */
  function rates() {
    const samples = new Map(); // feed -> [[real ms, accepted]]
    return {
      take(name, at, accepted) {
        const kept = (samples.get(name) || []).filter(([when, count]) => at - when <= RATE_WINDOW_MS && when < at && count <= accepted);
        kept.push([at, accepted]);
        samples.set(name, kept);
      },
      of(name) {
        const kept = samples.get(name) || [];
        if (kept.length < 2) return null;
        const [from, to] = [kept[0], kept[kept.length - 1]];
        return ((to[1] - from[1]) * 1000) / (to[0] - from[0]);
      },
    };
  }

  function rateText(perSecond) {
    if (perSecond === null) return "–";
    if (perSecond < 1) return hall.t("desk.rate.minute", { n: hall.format.number(perSecond * 60) });
    return hall.t("desk.rate.second", { n: hall.format.number(perSecond, perSecond < 10 ? 1 : 0) });
  }

  hall.panel("admin-feeds", function (element, context) {
    const table = hall.keyedTable(FEED_COLUMNS, "desk.feed");
    const rate = rates();
    context.body.replaceChildren(table.table);
    table.table.addEventListener("click", (event) => {
      const row = event.target.closest("tr[data-key]");
      if (row) chooseFeed(row.dataset.key);
    });
    table.table.addEventListener("keydown", (event) => {
      const row = event.target.closest("tr[data-key]");
      if (row && event.key === "Enter") chooseFeed(row.dataset.key);
      const next = row && { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
      if (next) event.preventDefault(), next.focus();
    });

    function chooseFeed(name) {
      desk.feed = name;
      for (const [key, row] of table.rows) row.toggleAttribute("data-chosen", key === name);
      desk.tell("feed", name);
    }

    function cellsOf(feed) {
      const perSecond = rate.of(feed.name);
      return {
        feed: { text: hall.label(feed.label) || feed.name, title: feed.name },
        kind: hall.word("desk.feed-kind", feed.kind),
        state: `${MARKS[feed.state] || "?"} ${hall.word("desk.feed-state", feed.state)}`,
        rate: rateText(perSecond),
        received: number(feed.received),
        accepted: number(feed.accepted),
        duplicates: number(feed.duplicates),
        late: number(feed.late),
        parked: number(feed.parked),
        dropped: number(feed.dropped),
        seen: { text: realAge(feed.last_seen_real), title: feed.last_seen ? hall.format.date(feed.last_seen) + " " + hall.format.seconds(feed.last_seen) : "" },
        expected: hall.format.duration((feed.expected_seconds ?? 60) * 1000),
        lag: feed.lag_ms == null ? "–" : hall.format.duration(feed.lag_ms),
        error: { text: feed.error || "", title: feed.error || "" },
      };
    }

    function paint() {
      const feeds = [...hall.store.docs("feed").values()].map((event) => event.data).sort((a, b) => a.name.localeCompare(b.name));
      for (const feed of feeds) {
        const more = { "data-feed-state": feed.state || "waiting", "data-parked": feed.parked ? "1" : "", tabindex: "0" };
        table.set(feed.name, cellsOf({ state: "waiting", ...feed }), more);
      }
      table.keep(new Set(feeds.map((feed) => feed.name)));
      table.order(feeds.map((feed) => feed.name));
      context.note(hall.t("desk.feeds.count", { n: feeds.length }));
      if (!desk.feed && feeds.length) chooseFeed((feeds.find((feed) => feed.parked) || feeds[0]).name);
    }

    function update(changes) {
      for (const event of changes) {
        if (event.subject.startsWith("feed/") && event.data) rate.take(event.data.name, hall.clock.real(), event.data.accepted || 0);
      }
      paint();
    }
    return { update, tick: paint, locale: paint };
  });

  // -- parked input -----------------------------------------------------------------------------------------------------

  hall.panel("admin-parked", function (element, context) {
    let page = null;
    let feed = "";
    let told = null;
    let lastParked = -1;
    const name = hall.make("strong");
    const state = hall.make("span");
    const stamp = hall.make("span.soft");
    const outcome = hall.make("span", { role: "status" });
    const button = hall.said("button.desk-button", "desk.parked.replay", null, { type: "button" });
    const again = hall.said("button.desk-button", "desk.parked.reload", null, { type: "button" });
    const head = hall.make("div.parked-head", {}, [name, state, button, again, stamp, outcome]);
    button.onclick = replay;
    again.onclick = load;

    let reading = false;

    async function load() {
      if (!feed || !hall.may("see-parked")) return paint();
      const asked = feed;
      reading = true;
      paint();
      const found = await hall.ask(`/api/v1/feeds/${asked}/parked?limit=${SAMPLES}`).catch((error) => ({ error }));
      if (asked !== feed) return; // another feed was chosen meanwhile
      reading = false;
      page = { ...found, at: hall.clock.real() };
      paint();
    }

    async function replay() {
      try {
        const answer = await hall.ask(`/api/v1/feeds/${feed}/replay-parked`, { method: "POST" });
        const n = hall.format.number(answer.kept);
        told = () => hall.t("desk.parked.asked", { n });
        setTimeout(load, 1500);
      } catch (error) {
        told = () => hall.failed(error);
      }
      paint();
    }

    /** How the last press of the button went, else why it cannot be pressed. */
    const toldText = () => (told ? told() : hall.may("replay-parked") ? "" : hall.t("desk.parked.not-allowed"));
    function label() {
      const event = hall.store.get(`feed/${feed}`);
      const shown = event ? hall.label(event.data.label) : "";
      return shown && shown !== feed ? `${shown} (${feed})` : feed;
    }

    function reasons() {
      const counts = Object.entries(page.counts || {}).sort((a, b) => b[1] - a[1]);
      if (!counts.length) return hall.said("p.desk-empty", "desk.parked.none");
      const most = counts[0][1];
      const share = (count) => hall.make("div.share-bar", { style: `width: ${((count / most) * 100).toFixed(1)}%` });
      const rows = counts.map(([reason, count]) =>
        hall.make("tr", {}, [
          hall.make("td", {}, hall.word("desk.reason", reason)),
          hall.make("td", {}, hall.make("code", {}, reason)),
          hall.make("td.number", {}, hall.format.number(count)),
          hall.make("td.share", {}, share(count)),
        ]),
      );
      return hall.make("table.console-table.parked-reasons", {}, hall.make("tbody", {}, rows));
    }

    function sample(row) {
      const at = Number(row.at);
      const when = Number.isFinite(at) && at > 0 ? `${hall.format.day(at)} ${hall.format.seconds(at)}` : "";
      return hall.make("article.parked-sample", {}, [
        hall.make("header", {}, [hall.make("strong", {}, hall.word("desk.reason", row.reason)), hall.make("span", {}, row.detail || ""), hall.make("time", {}, when)]),
        hall.make("pre", {}, row.raw || ""),
      ]);
    }

    function paint() {
      context.body.setAttribute("aria-busy", String(reading));
      if (!hall.may("see-parked")) return hall.fill(context.body, hall.said("p.desk-empty", "desk.parked.forbidden"));
      if (!page) return hall.fill(context.body, hall.said("p.desk-empty", "desk.parked.reading"));
      button.disabled = !page.kept || !hall.may("replay-parked");
      again.disabled = reading;
      hall.setText(name, label());
      hall.setText(state, page.error ? "" : hall.t("desk.parked.kept", { n: hall.format.number(page.kept) }));
      const few = !page.error && page.kept > page.rows.length ? hall.t("desk.parked.shown", { n: page.rows.length }) : "";
      const when = hall.t("desk.parked.as-of", { at: hall.format.seconds(page.at) });
      hall.setText(stamp, reading ? hall.t("desk.parked.reading") : [few, when].filter(Boolean).join(" · "));
      hall.setText(outcome, page.error ? `✕ ${hall.failed(page.error)}` : toldText());
      const samples = page.error ? [] : [reasons(), hall.make("div.parked-samples", {}, page.rows.map(sample))];
      const split = hall.make("div.parked-split", {}, samples);
      if (head.isConnected) context.body.lastChild.replaceWith(split); // the head's buttons keep the focus
      else hall.fill(context.body, [head, split]);
    }

    function chosen(name) {
      feed = name;
      told = null;
      page = null;
      load();
    }
    function tick() {
      const event = feed && hall.store.get(`feed/${feed}`);
      const parked = event ? event.data.parked || 0 : 0;
      if (event && parked !== lastParked) {
        if (lastParked >= 0) load();
        lastParked = parked;
      }
    }
    const off = desk.on("feed", (name) => ((lastParked = -1), chosen(name)));
    if (desk.feed) chosen(desk.feed);
    return { tick, locale: paint, unmount: off };
  });

  // -- processes ----------------------------------------------------------------------------------------------------------

  hall.panel("admin-processes", function (element, context) {
    const table = hall.keyedTable(["process", "state", "beat", "pid", "up", "build", "counters"], "desk.process");
    context.body.replaceChildren(table.table);
    function paint() {
      const all = [...hall.store.docs("process").values()].map((event) => event.data).sort((a, b) => a.name.localeCompare(b.name));
      for (const one of all) {
        const age = hall.clock.real() - one.beat;
        const alive = age <= hall.freshness.PROCESS_MS;
        const counters = Object.entries(one.counters || {}).map(([name, value]) => `${hall.word("desk.counter", name)} ${hall.format.number(value)}`).join(" · ");
        table.set(one.name, {
          process: [...new Set([hall.word("process-name", one.name), one.name])].join(" "),
          state: alive ? `● ${hall.t("desk.process.alive")}` : `✕ ${hall.t("desk.process.silent")}`,
          beat: hall.format.duration(age),
          pid: one.pid,
          up: hall.format.duration(hall.clock.real() - one.started),
          build: one.build,
          counters: { text: counters, title: counters },
        }, { "data-feed-state": alive ? "live" : "lost" });
      }
      table.order(all.map((one) => one.name));
    }
    return { update: paint, tick: paint, locale: paint };
  });
})();

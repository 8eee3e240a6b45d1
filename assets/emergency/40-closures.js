/* Tab 封控: underpasses and roads, from the proposal to the traffic let back in. The cameras of the place stand in its card. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const RANK = ["proposed", "reopening_proposed", "ordered", "confirmed", "reopened", "declined", "cancelled"];
  const SHUT = new Set(["ordered", "confirmed", "reopening_proposed"]);
  const OVER = new Set(["reopened", "declined", "cancelled"]);
  const DRILL = "-exercise";

  const closures = (hall.closures = {});
  const figures = () => (hall.store.get("kpi/closures") || {}).data || {};
  const places = () => ((hall.store.get("kpi/places") || {}).data || {}).places || [];
  const placeOf = (id) => places().find((place) => place.id === id.replace(DRILL, ""));
  closures.cm = (metres) => (metres == null ? "" : `${hall.format.number(metres * 100)} cm`);
  closures.all = () => [...hall.store.docs("closure").values()].map((event) => event.data).filter(Boolean);

  /** The gauge's newest reading: {value, at}; null where nobody measures. */
  closures.reading = function (state) {
    const event = state.gauge ? hall.store.get(state.gauge) : null;
    return event && event.data && event.data.value != null ? { value: event.data.value, at: event.time } : null;
  };
  function waterText(state) {
    const now = closures.reading(state);
    if (now) return `${closures.cm(now.value)} · ${hall.format.age(now.at)}`;
    return state.depth == null ? "–" : hall.t("closures.told-depth", { depth: closures.cm(state.depth) });
  }

  const IN_CM = new Set(["value", "line", "rise", "from"]);
  closures.why = (list) => [].concat(list || []).filter(Boolean).map(({ code, values }) => {
    const shown = Object.entries(values || {}).map(([name, value]) => {
      if (IN_CM.has(name)) return [name, closures.cm(value)];
      if ((name === "since" || name === "at") && value) return [name, hall.format.time(value)];
      return [name, Array.isArray(value) ? value.join(hall.t("rows.comma")) : value];
    });
    return hall.knows(`closures.why.${code}`) ? hall.t(`closures.why.${code}`, Object.fromEntries(shown)) : code;
  });

  const who = (act) => (act.by === "system" ? hall.t("closures.hall") : hall.desk.personName(act.by));
  /** Each fact by sign and word: ✓ there, ○ still to come, – not asked for. */
  function factText(state, fact) {
    const known = state[fact];
    if (known) return `✓ ${who(known)} ${hall.format.seconds(known.at)}`;
    if (fact === "on_site" && state.cannot) return `✕ ${hall.t("closures.cannot")}`;
    return SHUT.has(state.state) && (state.missing || []).includes(fact) ? `○ ${hall.t("closures.to-come")}` : "–";
  }
  const told = (act) => act && `${who(act)} · ${E.moment(act.at)}${act.reason ? ` · ${act.reason}` : ""}`;
  /** What was told from the place: by whom, from how far, with which photos; by phone perhaps later than it was. */
  function fromPlace(act, mark, name) {
    if (!act) return "";
    const far = act.metres == null ? "" : ` · ${hall.t("closures.from-place", { n: hall.format.number(act.metres) })}`;
    const late = act.recorded ? ` · ${hall.t("closures.told-later", { at: hall.format.seconds(act.recorded) })}` : "";
    const found = act.found ? ` ${E.choiceText("closure", "found", act.found)}${act.depth == null ? "" : ` ${closures.cm(act.depth)}`}` : "";
    const photos = (act.photos || []).map(({ media }) => {
      const href = `/api/v1/media/${encodeURIComponent(media)}`;
      return make("a.closure-photo", { href, target: "_blank", rel: "noopener" }, make("img", { src: href, alt: hall.t("closures.photo-of", { name }), loading: "lazy" }));
    });
    return make("div.closure-told", {}, [make("span", {}, `${mark}${found} ${told(act)}${act.note ? ` · ${act.note}` : ""}${far}${late}`), photos.length ? make("div.closure-photos", {}, photos) : ""]);
  }
  const crewsText = (state) => (state.crews || []).map((one) => hall.desk.crewName(one.crew)).join(hall.t("rows.comma"));

  /** A proposal whose gauge did what water hardly does, and nobody has looked yet. */
  const checkFirst = (state) => state.state === "proposed" && (state.doubt || []).length > 0;
  function stateNode(state) {
    const mark = { proposed: "▲", ordered: "▶", confirmed: "■", reopening_proposed: "△", reopened: "○", declined: "–", cancelled: "–" }[state.state] || "";
    if (checkFirst(state)) return make("b.closure-state", { "data-state": "proposed", "data-check": "1" }, `▲ ${hall.t("closures.verify-first")} · ${E.stateText("closure", state.state)}`);
    const urgent = state.urgent && state.state === "proposed" ? hall.t("closures.urgent") : "";
    return make("b.closure-state", { "data-state": state.state, "data-urgent": urgent ? "1" : null }, [`${mark} ${E.stateText("closure", state.state)}`, urgent ? ` · ${urgent}` : ""]);
  }

  // -- the card ---------------------------------------------------------------------------------------------------------------

  let moving = []; // parts of the open card that change while the closure itself stands still
  /** A part that says something else as time goes by: `say()` gives a text or nodes, `key()` tells whether it would. */
  function live(say, key = say) {
    const node = make("span.emergency-many");
    const one = { node, told: null, paint() { const now = String(key()); if (now !== one.told) (one.told = now), hall.fill(node, say()); } };
    one.paint();
    moving.push(one);
    return node;
  }
  const repaint = () => moving.forEach((one) => one.node.isConnected && one.paint());

  function facts(state) {
    moving = [];
    const lines = (placeOf(state.closure_id) || {}).lines;
    const name = hall.label(state.label) || state.name;
    const seen = state.by_video && state.by_video.channel;
    const waits = () => closures.why((figures().waiting || {})[state.closure_id]).join(hall.t("rows.comma")) || "–";
    return [
      ["closures.doubt", checkFirst(state) && make("div.closure-doubt", {}, [said("b", state.verified ? "closures.verified-no-water" : "closures.check-how"), ...closures.why(state.doubt).map((text) => make("p", {}, text))])],
      ["closures.why", closures.why(state.why)],
      ["closures.water", live(() => waterText(state))],
      ["closures.told", state.depth != null && closures.reading(state) ? closures.cm(state.depth) : ""],
      ["closures.lines", lines && hall.t("closures.lines-text", { care: closures.cm(lines.care), close: closures.cm(lines.close), must: closures.cm(lines.must), reopen: closures.cm(lines.reopen) })],
      ["closures.verified", fromPlace(state.verified, "", name)],
      ["closures.crews", crewsText(state) || (SHUT.has(state.state) && hall.t("closures.no-crew-sent"))],
      ["closures.cannot", fromPlace(state.cannot, "✕", name)],
      ["closures.on-site", state.on_site ? fromPlace(state.on_site, "✓", name) : SHUT.has(state.state) && factText(state, "on_site")],
      ["closures.by-video", state.by_video ? make("span", {}, [`✓ ${told(state.by_video)} · ${hall.video ? hall.video.nameOf(seen) : seen}`, state.by_video.media ? make("a.emergency-link", { href: `/api/v1/media/${encodeURIComponent(state.by_video.media)}`, target: "_blank", rel: "noopener" }, ` ${hall.t("closures.still")}`) : ""]) : SHUT.has(state.state) && factText(state, "by_video")],
      ["closures.proposed", told(state.proposed)], ["closures.ordered", told(state.ordered)],
      ["closures.reopening", state.reopening && [told(state.reopening), ...closures.why(state.reopening.why)]],
      ["closures.kept", state.kept && [told(state.kept), ...closures.why(state.kept.why)]],
      ["closures.waits", (state.state === "ordered" || state.state === "confirmed") && live(waits)],
      ["closures.cleared", state.cleared ? fromPlace(state.cleared, "✓", name) : OVER.has(state.state) && state.on_site && hall.t("closures.barriers-stand")],
      ["closures.reopened", told(state.reopened)], ["closures.over", state.over && [told(state.over), ...closures.why(state.over.why)]],
      ["closures.detour", hall.label(state.detour)], ["emergency.field.unit", state.unit], ["emergency.field.district", state.district],
      ["emergency.field.incident", state.incident && E.link(`incident/${state.incident}`)], ["closures.alarm", state.alarm], ["closures.case", state.case],
      ["closures.supplies", (!OVER.has(state.state) || requestsOf(state).length > 0) && live(() => supplies(state), () => requestsOf(state).map(([name, { data }]) => `${name} ${data.state} ${data.wanted}`).join())],
      ["closures.number", state.number > 1 && hall.t("closures.times", { n: state.number })],
    ].map(([key, value]) => [key, value || ""]);
  }

  const requestsOf = (state) => [...hall.store.docs("request")].filter(([, event]) => event.data && event.data.purpose === `closure/${state.closure_id}`);
  /** What was asked for this place, and a way to ask: the place goes along. */
  function supplies(state) {
    const subject = `closure/${state.closure_id}`;
    const links = requestsOf(state).map(([name, { data }]) => E.link(name, `${data.item} × ${data.wanted} · ${E.stateText("request", data.state)}`));
    if (OVER.has(state.state) || !E.mayAct()) return links;
    const ask = said("button.desk-chip", "closures.ask-supplies", null, { type: "button" });
    ask.onclick = () => E.create("request", { move: "request", given: { purpose: subject } });
    return [...links, ask];
  }

  // -- cameras ------------------------------------------------------------------------------------------------------------------

  const CAMERAS = 2;
  const NEAR_METRES = 500;
  const STILL_MS = 6000;
  const AGAIN_MS = 1500;
  let box = null; // {subject, key, node, may}: pictures stay while the card is painted anew

  async function confirm(state, channel, button) {
    button.disabled = true;
    hall.setText(button, hall.t("closures.confirming"));
    const subject = `closure/${state.closure_id}`;
    const data = { channel };
    try {
      if (state.case && hall.may("record")) {
        // a still is evidence; that somebody saw it does not wait long for one
        const still = hall.video.recordings.snapshot({ channel, case: state.case, text: hall.t("closures.still-of", { name: state.name }) }).catch(() => null);
        const made = await Promise.race([still, new Promise((resolve) => setTimeout(resolve, STILL_MS, null))]);
        if (made && made.media) data.media = made.media;
      }
      E.send(subject, "confirm_video", data);
    } finally {
      setTimeout(() => ((button.disabled = false), hall.setText(button, hall.t("closures.confirm-video"))), AGAIN_MS);
    }
  }
  function picture(channel, state) {
    const why = state.alarm || hall.t("closures.why-watch", { name: state.name });
    const live = hall.video.live(channel.subject, { why, quality: "sub", passing: true });
    const far = channel.metres == null ? "" : `${hall.t("card.metres", { n: hall.format.number(channel.metres) })}${channel.sees ? ` · ${hall.t("video.sees")}` : ""}`;
    const button = said("button.desk-button.closure-confirm", "closures.confirm-video", null, { type: "button", "data-channel": channel.subject });
    button.onclick = () => confirm(box.state, channel.subject, button);
    /** Of a proposal a camera tells whether there is water at all. */
    const saw = ["water", "dry"].map((found) => {
      const node = said("button.desk-button.closure-saw", `closures.saw-${found}`, null, { type: "button", "data-found": found });
      node.onclick = () => E.send(`closure/${box.state.closure_id}`, "verify", { found, channel: channel.subject });
      return node;
    });
    return make("figure.closure-camera", { "data-channel": channel.subject }, [live.node, make("figcaption", {}, [make("span", {}, `${hall.video.nameOf(channel.subject)} ${far}`), make("span.closure-acts", {}, [...saw, button])])]);
  }
  async function rowsOf(state) {
    const near = state.lon == null ? [] : await hall.video.nearest(state, { count: CAMERAS, metres: NEAR_METRES });
    const own = (state.cameras || []).map((subject) => near.find((row) => row.subject === subject) || { subject });
    const rest = near.filter((row) => !own.some((one) => one.subject === row.subject));
    return [...own, ...rest].slice(0, CAMERAS);
  }
  function cameras(state, view) {
    const subject = `closure/${state.closure_id}`;
    if (!hall.video || OVER.has(state.state)) return [];
    const key = `${subject} ${state.number} ${(state.cameras || []).join()} ${hall.locale}`;
    if (!box || box.key !== key) {
      const mine = (box = { key, node: make("div.closure-cameras"), state });
      rowsOf(state).then((rows) => {
        if (box === mine) hall.fill(mine.node, rows.length ? rows.map((row) => picture(row, state)) : said("p.desk-empty", "closures.no-camera"));
      });
    }
    box.state = state;
    const may = (name) => (view.allowed.some(({ move }) => move === name) ? "1" : "");
    box.node.dataset.may = may("confirm_video");
    box.node.dataset.look = may("verify");
    return [said("h3.tab-title", "closures.cameras"), box.node];
  }

  // -- the list -----------------------------------------------------------------------------------------------------------------

  const byState = (a, b) => RANK.indexOf(a.data.state) - RANK.indexOf(b.data.state) || Number(!!b.data.urgent) - Number(!!a.data.urgent) || (b.data.since || 0) - (a.data.since || 0);
  const freePlaces = () => {
    const busy = new Set(closures.all().filter((one) => !OVER.has(one.state)).map((one) => one.closure_id));
    return places().filter((place) => !busy.has(place.id));
  };

  function strip() {
    const { counts = {}, shut = 0, unconfirmed = 0 } = figures();
    const waits = (counts.proposed || 0) + (counts.reopening_proposed || 0);
    const part = (key, n, alert) => make("span.closure-count", { "data-alert": alert && n ? "1" : null }, [make("b", {}, `${alert && n ? "▲ " : ""}${n}`), ` ${hall.t(key)}`]);
    return [part("closures.count.shut", shut), part("closures.count.waits", waits, true), part("closures.count.unconfirmed", unconfirmed, true), part("closures.count.places", places().length)];
  }
  /** Proposing a place of the city's list: its name, site and detour are known. */
  function chooser() {
    const select = make("select.desk-select", { "aria-label": hall.t("closures.of-list") });
    const fill = () => {
      if (document.activeElement === select) return;
      const rows = freePlaces();
      const key = rows.map((row) => row.id).join();
      if (select.key === key) return;
      select.key = key;
      hall.fill(select, [make("option", { value: "" }, hall.t("closures.of-list")), ...rows.map((row) => make("option", { value: row.id }, hall.label(row.label) || row.name))]);
    };
    select.onchange = () => {
      const place = freePlaces().find((row) => row.id === select.value);
      select.value = "";
      if (place) E.create("closure", { move: "propose", id: place.id, given: { name: hall.label(place.label) || place.name, kind: place.kind, place: place.place, district: place.district, unit: place.unit } });
    };
    fill();
    return { node: select, fill };
  }

  E.words("closure", {
    doubt: (value) => closures.why(value).join(hall.t("rows.comma")), why: (value) => closures.why(value).join(hall.t("rows.comma")), depth: closures.cm, detour: (value) => hall.label(value), label: () => "", site: () => "", gauge: () => "", alarm_id: () => "",
    cameras: (value) => hall.t("closures.n-cameras", { n: value.length }), channel: (value) => (hall.video ? hall.video.nameOf(value) : value), media: () => "●", photos: (value) => (value || []).map(() => "▣").join(" "), crew: (value) => hall.desk.crewName(value), lon: () => "", lat: () => "", alarm: (value) => value.replace(/^alarm\//, ""),
  });

  E.tab({
    name: "closures", order: 40, title: "closures.tab", topics: ["closure", "kpi", "request"], owns: ["closure"],
    badge() {
      const waiting = closures.all().filter((one) => one.state === "proposed" || one.state === "reopening_proposed").length;
      return { n: waiting || closures.all().filter((one) => SHUT.has(one.state)).length, alert: waiting > 0 };
    },
    mount(node, tools) {
      hall.link.want(["observation", "channel"]);
      const counts = make("div.closure-counts", { role: "status" });
      let list = null;
      const drill = () => {
        const button = make("button.desk-button", { type: "button" }, hall.t("closures.drill"));
        button.onclick = () => E.create("closure", { move: "propose", id: () => `${E.newId()}${DRILL}` });
        return button;
      };
      const handle = tools.split(node, {
        items: E.items("closure", byState),
        columns: ["closures.name", "closures.state", "closures.water", "closures.on-site", "closures.by-video", "closures.since"],
        row: ({ data }) => [
          [data.exercise ? `【${hall.t("emergency.exercise")}】` : "", hall.label(data.label) || data.name].join(""), stateNode(data), waterText(data),
          factText(data, "on_site"), factText(data, "by_video"), E.since(data.since),
        ],
        empty: "closures.none",
        head: () => [counts, ...(E.mayAct() ? [(list = chooser()).node, drill()] : [])],
        create: "closure",
        card: {
          facts, more: cameras,
          mark: stateNode,
          keys: { send: "t", verify: "f", cannot_close: "n", barriers_removed: "b", order: "o", decline: "d", confirm_site: "s", confirm_video: "v", propose_reopening: "p", reopen: "r", keep_closed: "h", cancel: "x", correct: "e", link: "l" },
        },
      });
      const paint = () => {
        hall.fill(counts, strip());
        if (list) list.fill();
      };
      paint();
      return { ...handle, update: (changes) => (handle.update(changes), paint()), tick: () => (handle.tick(), paint(), repaint()), locale: () => (handle.locale(), paint()) };
    },
  });
})();

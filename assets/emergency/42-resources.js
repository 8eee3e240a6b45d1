/* Tab 物资: what the city has and misses, requests and who gives for them, depots with their stock. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const REQUESTS = ["open", "partly", "allotted", "delivered", "returned", "refused", "cancelled"];
  const OVER = new Set(["returned", "refused", "cancelled"]);
  const KINDS = ["depot", "point", "pump_station", "shelter"];
  const STOCK_SHOWN = 3;
  const METRES_A_DEGREE = 111195;

  const figures = () => (hall.store.get("kpi/resources") || {}).data || {};
  const docs = (topic) => [...hall.store.docs(topic)].filter(([, event]) => event.data).map(([subject, event]) => ({ subject, data: event.data }));
  const amount = (n, unit) => `${hall.format.number(n || 0)}${unit ? ` ${E.unitText(unit)}` : ""}`;
  const itemName = (name) => (hall.knows(`emergency.item.${name}`) ? hall.t(`emergency.item.${name}`) : name);
  const free = (stock) => (stock.have || 0) - (stock.out || 0);
  const metres = (a, b) => (a.lon == null || b.lon == null ? null : Math.hypot((a.lon - b.lon) * Math.cos((a.lat * Math.PI) / 180), a.lat - b.lat) * METRES_A_DEGREE);
  const far = (n) => (n == null ? "" : n < 1000 ? `${hall.format.number(n)} m` : `${hall.format.number(n / 1000, 1)} km`);

  // -- offers of forms ------------------------------------------------------------------------------------------------------

  /** Depots that have it, the nearest first: how many are free, how far they are by the straight line. */
  E.offers.stores = ({ view }) => {
    const wanted = view.state || {};
    const rows = docs("depot").map(({ data }) => ({ data, stock: (data.stock || {})[wanted.item], far: metres(data, wanted) })).filter((row) => row.stock && free(row.stock) > 0);
    rows.sort((a, b) => (a.far ?? Infinity) - (b.far ?? Infinity));
    return rows.map(({ data, stock, far: n }) => ({ value: data.depot_id, label: [data.name, hall.t("resources.free-n", { n: amount(free(stock), stock.unit) }), far(n)].filter(Boolean).join(" · ") }));
  };
  E.offers.lenders = ({ view }) => Object.entries((view.state || {}).depots || {}).map(([id, share]) => ({ value: id, label: `${E.nameOf(`depot/${id}`)} · ${hall.t("resources.out-n", { n: out(share) })}` })).filter((row) => row.value);
  E.offers.purposes = () => ["closure", "incident"].flatMap((topic) => docs(topic).filter(({ data }) => !["reopened", "declined", "cancelled", "closed"].includes(data.state)).map(({ subject, data }) => ({ value: subject, label: E.nameOf(subject, data) })));
  const out = (share) => (share.allotted || 0) - (share.returned || 0) - (share.lost || 0);

  /** What would cover the request, nearest depots first: filled in for the person, who may change it. */
  function suggestion(state) {
    let left = state.missing || 0;
    const found = {};
    for (const { value } of E.offers.stores({ view: { state } })) {
      const stock = hall.store.get(`depot/${value}`).data.stock[state.item];
      const n = Math.min(left, free(stock));
      if (n > 0) found[value] = n;
      left -= n;
    }
    return Object.keys(found).length ? found : undefined;
  }

  // -- the city's sums --------------------------------------------------------------------------------------------------------

  function totals() {
    const { items = [], pumping, shelters, missing = [] } = figures();
    if (!pumping) return [];
    const cell = (title, value, alert) => make("span.resource-total", { "data-alert": alert ? "1" : null }, [`${title} `, make("b", {}, value)]);
    const short = missing.map((one) => `${itemName(one.item)} ${amount(one.missing, one.unit)}`).join(hall.t("rows.comma"));
    return [
      cell(hall.t("resources.missing"), short ? `▲ ${short}` : hall.t("resources.nothing-missing"), short),
      cell(hall.t("resources.pumping"), hall.t("resources.pumping-text", { used: hall.format.number(pumping.in_use), all: hall.format.number(pumping.have) })),
      ...(shelters && shelters.places ? [cell(hall.t("resources.shelters"), hall.t("resources.shelters-text", { free: hall.format.number(shelters.free), all: hall.format.number(shelters.places) }))] : []),
      make("span.resource-items", {}, items.map((one) => make("span.resource-item", { "data-missing": one.missing ? "1" : null, title: one.carried ? hall.t("resources.carried", { n: one.carried }) : "" }, [`${itemName(one.item)} `, make("b", {}, `${hall.format.number(one.free)}/${amount(one.have, one.unit)}`), one.missing ? ` ▲ ${hall.t("resources.short", { n: one.missing })}` : ""]))),
    ];
  }

  // -- rows ---------------------------------------------------------------------------------------------------------------------

  function stockText(stock) {
    const all = Object.entries(stock || {}).sort((a, b) => b[1].have - a[1].have);
    const text = all.slice(0, STOCK_SHOWN).map(([name, one]) => `${itemName(name)} ${hall.format.number(free(one))}/${amount(one.have, one.unit)}`).join(hall.t("rows.comma"));
    return all.length > STOCK_SHOWN ? `${text} …` : text;
  }
  const given = (data) => hall.t("resources.given", { allotted: data.allotted || 0, delivered: data.delivered || 0, returned: data.returned || 0 });
  const mark = { open: "▲", partly: "▲", allotted: "▶", delivered: "●", returned: "✓", refused: "–", cancelled: "–" };
  const requestState = (state) => make("b.request-state", { "data-state": state.state }, `${mark[state.state] || ""} ${E.stateText("request", state.state)}`);

  function row({ subject, data }) {
    const exercise = data.exercise ? `【${hall.t("emergency.exercise")}】` : "";
    if (E.topicOf(subject) === "request") {
      const missing = data.missing ? make("b.resource-short", {}, `▲ ${hall.t("resources.short", { n: amount(data.missing, data.measure) })}`) : "";
      return [`${exercise}${itemName(data.item)} × ${amount(data.wanted, data.measure)}`, requestState(data), given(data), missing, [data.place, data.unit].filter(Boolean).join(" · "), E.since(data.since)];
    }
    return [data.name, hall.t(`resources.kind.${data.kind || "depot"}`), stockText(data.stock), "", [data.district, data.unit].filter(Boolean).join(" · "), data.counted && data.counted.at ? hall.t("resources.counted", { at: hall.format.age(data.counted.at) }) : ""];
  }
  function items() {
    const requests = docs("request").sort((a, b) => REQUESTS.indexOf(a.data.state) - REQUESTS.indexOf(b.data.state) || (a.data.at || 0) - (b.data.at || 0));
    const depots = docs("depot").sort((a, b) => KINDS.indexOf(a.data.kind || "depot") - KINDS.indexOf(b.data.kind || "depot") || (a.data.name || "").localeCompare(b.data.name || ""));
    return [...requests, ...depots];
  }
  const heading = ({ subject, data }) => (E.topicOf(subject) === "request" ? hall.t(OVER.has(data.state) ? "resources.requests-over" : "resources.requests") : hall.t("resources.depots"));

  // -- cards ----------------------------------------------------------------------------------------------------------------------

  function requestFacts(state) {
    const from = Object.entries(state.depots || {}).map(([id, share]) => make("span", {}, [E.link(`depot/${id}`), ` ${hall.t("resources.share", { allotted: share.allotted || 0, returned: share.returned || 0 })}${share.lost ? ` · ${hall.t("resources.lost", { n: share.lost })}` : ""}`]));
    return [
      ["resources.wanted", `${itemName(state.item)} × ${amount(state.wanted, state.measure)}`],
      ["resources.missing", state.missing ? `▲ ${amount(state.missing, state.measure)}` : ""],
      ["resources.so-far", given(state)], ["resources.from", from], ["resources.purpose", state.purpose], ["emergency.field.place", state.place],
      ["emergency.field.unit", state.unit], ["emergency.field.district", state.district], ["resources.needed-by", state.needed_by && `${E.moment(state.needed_by)} · ${E.left(state.needed_by)}`],
      ["resources.asked", `${state.by} · ${E.moment(state.at)}`], ["emergency.field.note", state.note], ["emergency.field.incident", state.incident && E.link(`incident/${state.incident}`)],
      ["resources.ended", state.over && `${state.over.by} · ${E.moment(state.over.at)} · ${state.over.reason || ""}`],
    ];
  }
  function depotFacts(state) {
    const head = ["resources.item", "resources.free", "resources.out", "resources.have", "resources.each"].map((key) => said("th", key, null, { scope: "col" }));
    const rows = Object.entries(state.stock || {}).map(([name, one]) => make("tr", {}, [name === "" ? "" : itemName(name), hall.format.number(free(one)), hall.format.number(one.out || 0), amount(one.have, one.unit), one.capacity ? `${hall.format.number(one.capacity)} ${E.unitText(one.capacity_unit)}` : ""].map((cell) => make("td", {}, cell))));
    const away = docs("request").filter(({ data }) => data.depots && data.depots[state.depot_id] && out(data.depots[state.depot_id]) > 0).map(({ subject, data }) => E.link(subject, `${itemName(data.item)} × ${out(data.depots[state.depot_id])} ${data.place || ""}`));
    return [
      make("table.console-table.resource-stock", {}, [make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)]),
      E.facts([["resources.away", away], ["emergency.field.unit", state.unit], ["emergency.field.district", state.district], ["resources.address", state.address], ["resources.phone", state.phone]]),
    ];
  }
  const newId = () => E.newId();
  const cardOf = (subject) => (E.topicOf(subject) === "request"
    ? { mark: requestState, facts: requestFacts, hide: ["allot"], more: allotting, keys: { deliver: "d", give_back: "g", enough: "e", refuse: "r", cancel: "x" } }
    : { mark: (state) => make("b.case-state", {}, hall.t(`resources.kind.${state.kind || "depot"}`)), facts: depotFacts, keys: { count: "c", receive: "r", write_off: "w" } });

  /** Allotting: the depots that have some, the nearest first and filled in as far as it goes; how many from which is the person's.
   * What was typed stays while the card is painted anew; another revision begins it anew, for the stock may have changed. */
  let table = null;
  function allotting(state, view) {
    if (!view.allowed.some((one) => one.move === "allot")) return [];
    const subject = view.subject;
    const rows = E.offers.stores({ view: { state } });
    const key = `${subject} ${view.revision} ${rows.map((row) => row.label).join()} ${hall.locale}`;
    if (table && table.key === key) return [table.node];
    const can = suggestion(state) || {};
    const inputs = new Map(rows.map((row) => [row.value, make("input.desk-input.is-short", { type: "number", min: "0", step: "1", "aria-label": `${hall.t("resources.take")} ${row.label}`, value: String(can[row.value] || "") })]));
    const button = make("button.desk-button.is-primary", { type: "button", "data-move": "allot" }, hall.t("resources.allot"));
    const sum = make("span");
    const total = () => [...inputs.values()].reduce((all, input) => all + (Number(input.value) || 0), 0);
    const paint = () => {
      hall.setText(sum, hall.t("resources.sum", { n: total(), missing: amount(state.missing, state.measure) }));
      button.disabled = !total() || total() > (state.missing || 0);
    };
    button.onclick = () => {
      const depots = Object.fromEntries([...inputs].map(([id, input]) => [id, Number(input.value) || 0]).filter(([, n]) => n > 0));
      button.disabled = true;
      E.send(subject, "allot", { depots }, { revision: view.revision });
    };
    const line = (row) => make("tr", { "data-depot": row.value }, [make("td", {}, row.label), make("td", {}, inputs.get(row.value))]);
    const node = make("section.resource-allot", {}, [said("h3.tab-title", "resources.allot"), rows.length ? make("table.console-table", {}, make("tbody", {}, rows.map(line))) : said("p.desk-empty", "resources.nobody-has"), ...(rows.length ? [make("p.form-actions", {}, [button, sum])] : [])]);
    node.addEventListener("input", paint);
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target === button || event.isComposing) return;
      event.preventDefault();
      if (!button.disabled) button.click();
    });
    paint();
    table = { key, node };
    return [node];
  }

  E.named("request", (state) => [`${itemName(state.item)} × ${amount(state.wanted, state.measure)}`, state.place].filter(Boolean).join(" · "));
  E.words("request", { purpose: (value) => (value ? E.nameOf(value) : ""), kind: () => "", depots: (value) => Object.entries(value || {}).map(([id, n]) => `${E.nameOf(`depot/${id}`)} ${n}`).join(hall.t("rows.comma")), lost: (value) => (typeof value === "object" ? Object.entries(value).map(([id, n]) => `${E.nameOf(`depot/${id}`)} ${n}`).join(hall.t("rows.comma")) : String(value)) });
  E.words("depot", { items: (value) => value.map((one) => `${itemName(one.name)} ${one.count || 0}`).join(hall.t("rows.comma")), label: () => "", source: () => "", request: (value) => E.nameOf(`request/${value}`) });

  E.tab({
    name: "resources", order: 50, title: "resources.tab", topics: ["depot", "request", "kpi"], owns: ["request", "depot"],
    badge() {
      const short = docs("request").filter(({ data }) => data.missing > 0).length;
      return { n: short || docs("request").filter(({ data }) => !OVER.has(data.state)).length, alert: short > 0 };
    },
    mount(node, tools) {
      const sums = make("div.resource-totals");
      const handle = tools.split(node, {
        items, row, group: heading, newId,
        columns: ["resources.name", "resources.state", "resources.amount", "resources.missing", "resources.where", "resources.since"],
        empty: "resources.none",
        head: () => [sums],
        create: ["request", "depot"],
        card: cardOf,
      });
      const paint = () => {
        hall.fill(sums, totals());
      };
      paint();
      return { ...handle, update: (changes) => (handle.update(changes), paint()), tick: () => (handle.tick(), paint()), locale: () => (handle.locale(), paint()) };
    },
  });
})();

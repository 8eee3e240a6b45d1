/* Tab 事件: what belongs together under one roof. The list, offers of new ones, and the card of one; its sections: 51-incident-card.js.
 *
 * hall.incidents.settings()   grades, kinds, roles, figures, offer as the hall is configured, null until they are there
 * hall.incidents.grade(grade) "较大 III"; .word(table, name) what people call a kind, role or figure
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make } = hall;
  const E = hall.emergency;
  const HOUR = 3600000;
  const OFFERS = 4; // buttons; the rest is counted
  const ENDED = new Set(["closed", "forced_close", "not_accepted", "cancelled"]);
  const GRADES = ["I", "II", "III", "IV"];
  const RETRY_MS = 4000;
  let settings = null, asking = null;

  /** Asked until the hall answers: without them there are no words for grades and kinds. */
  async function ask() {
    try {
      settings = await hall.ask("/api/v1/incidents/settings");
    } catch (error) {
      if (error.status && error.status < 500) return null;
      await new Promise((go) => setTimeout(go, RETRY_MS));
      return ask();
    }
    return settings;
  }
  const load = () => (asking = asking || ask());
  const word = (table, name) => {
    const row = ((settings || {})[table] || []).find((one) => (one.name || one.grade) === name);
    return (row && hall.label(row.label)) || name || "";
  };
  hall.incidents = {
    load, word,
    settings: () => settings,
    grade: (grade) => (grade ? `${word("grades", grade)} ${grade}` : ""),
    unit: (table, name) => hall.label((((settings || {})[table] || []).find((one) => one.name === name) || {}).unit || {}),
  };

  const documents = (topic) => [...hall.store.docs(topic)].filter(([, event]) => event.data);
  const under = () => new Set(documents("incident").flatMap(([, event]) => event.data.members || []));
  const openCase = (data) => !ENDED.has(data.state);

  /** What may be put under this roof: what was meant first, then the nearest and the gravest; never what is there already. */
  E.offers.members = ({ view, given }) => {
    const meant = new Set((given || {}).members || []);
    const taken = new Set([...under(), ...((view.state || {}).members || [])].filter((name) => !meant.has(name)));
    const { lon, lat, district } = { ...(given || {}).spot, ...given, ...view.state };
    const far = (data) => (lon != null && data.lon != null ? Math.hypot(data.lon - lon, data.lat - lat) : data.district && data.district === district ? 0.01 : 1);
    const rank = (row) => (meant.has(row.value) ? -9 : far(row.data) - (row.data.severity || 0) / 100);
    const rows = [
      ...documents("case").filter(([, { data }]) => openCase(data)).map(([name, { data }]) => ({ value: name.replace(/^case\//, "file/"), label: `${data.subclass_name || data.class_name || ""} ${data.address || data.case_id}`, data })),
      ...["group", "alarm", "closure", "task", "request", "response"].flatMap((topic) => documents(topic).filter(([, { data }]) => data.active !== false).map(([name, { data }]) => ({ value: name, label: `${E.nameOf(name, data)} · ${hall.t(`incident.member.${topic}`)}`, data }))),
    ];
    return rows.filter(({ value }) => !taken.has(value)).sort((a, b) => rank(a) - rank(b)).slice(0, 40).map(({ value, label }) => ({ value, label }));
  };

  /** Groups of alarms and districts with cases that look like one incident: offered, never opened by the hall. */
  function offers() {
    if (!settings) return [];
    const { alarms, cases, hours } = settings.offer;
    const taken = under();
    const since = hall.clock.city() - hours * HOUR;
    const groups = documents("group").filter(([name, { data }]) => (data.active || 0) >= alarms && !data.merged && ![name, ...(data.was || []).map((id) => `group/${id}`)].some((one) => taken.has(one)));
    const byDistrict = new Map();
    for (const [name, { data, time }] of documents("case")) {
      const file = name.replace(/^case\//, "file/");
      if (!openCase(data) || !data.district || (data.severity || 0) < 2 || ((data.stages || {}).reported || time) < since || taken.has(file)) continue;
      byDistrict.set(data.district, [...(byDistrict.get(data.district) || []), [file, data]]);
    }
    const districts = [...byDistrict].filter(([, found]) => found.length >= cases);
    return [
      ...groups.map(([name, { data }]) => ({ title: hall.label(data.label), n: data.active, given: { title: hall.label(data.label), members: [name, ...(data.sites || []).map((site) => `alarm/${site}`)], district: (data.districts || [])[0], spot: data.lon == null ? undefined : { lon: data.lon, lat: data.lat } } })),
      ...districts.map(([district, found]) => ({ title: district, n: found.length, given: { title: `${district}${found[0][1].subclass_name || ""}`, district, members: found.map(([file]) => file).slice(0, 40) } })),
    ].sort((a, b) => b.n - a.n);
  }
  function offered() {
    const found = offers();
    const buttons = found.slice(0, OFFERS).map((offer) => {
      const button = make("button.desk-chip.incident-offer", { type: "button" }, `◇ ${hall.t("incident.offer", { title: offer.title, n: offer.n })}`);
      button.onclick = () => E.create("incident", { move: "begin", given: { ...offer.given, grade: "IV" } });
      return button;
    });
    if (found.length > OFFERS) buttons.push(make("span.soft", {}, hall.t("rows.and", { n: found.length - OFFERS })));
    return E.mayAct() ? buttons : [];
  }

  const overdue = (data) => data.report_due && data.report_due.due < hall.clock.city();
  const worst = (a, b) => (a.data.state === "closed") - (b.data.state === "closed") || GRADES.indexOf(a.data.grade) - GRADES.indexOf(b.data.grade) || b.data.since - a.data.since;
  function due(data) {
    if (!data.report_due) return "–";
    const late = overdue(data);
    return make("span.incident-due", { "data-late": late ? "1" : "" }, `${hall.t(`incident.report.${data.report_due.kind}`)} ${E.left(data.report_due.due)}`);
  }
  const tally = (counts) => Object.entries(counts || {}).map(([topic, n]) => `${hall.t(`incident.member.${topic}`)} ${n}`).join(hall.t("rows.comma"));

  E.tab({
    name: "incidents", order: 60, title: "incident.tab", topics: ["incident", "group", "case", "alarm", "closure", "task"], owns: ["incident"],
    badge() {
      const all = documents("incident").map(([, event]) => event.data);
      return { n: all.length, alert: all.some(overdue) || all.some((data) => data.transfer) };
    },
    mount(node, tools) {
      const items = E.items("incident", worst);
      const split = tools.split(node, {
        items,
        columns: ["incident.grade", "incident.title", "incident.state", "incident.commander", "incident.members", "incident.due"],
        row: ({ data }) => [hall.incidents.grade(data.grade), data.title, E.stateText("incident", data.state), data.commander || "–", tally(data.counts), due(data)],
        empty: "incident.none",
        head: offered,
        create: "incident",
        card: (subject) => hall.incidents.card(subject, () => split.card()),
      });
      let shown = "";
      const offersAgain = hall.paced(() => {
        const now = JSON.stringify(offers().map(({ title, n }) => [title, n]));
        if (now !== shown) (shown = now), split.paintHead();
      }, 2000);
      load().then(() => (split.paintHead(), split.paint(), split.card() && split.card().locale()));
      return { ...split, update: (changes) => (split.update(changes), offersAgain()), tick: () => (split.tick(), offersAgain()) };
    },
  });
})();

/* Tab 报送: who has reported for this period and who has not; the form of one unit's report; what the figures add up to. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const RANK = ["missing", "waiting", "late", "reported", "excused"];
  const PAST = 12; // periods shown of each unit
  const ASK_AGAIN_MS = 10000; // what somebody may begin, while that is nothing

  const documents = () => [...hall.store.docs("reporting")].filter(([, event]) => event.data).map(([subject, event]) => [subject, event.data]);
  const text = (key, values) => hall.t(`reporting.${key}`, values);

  const standing = (data, unit) => hall.reporting.standing(data, unit);
  const inPeriod = (period, unit) => ["reported", "late", "missing", "excused"].find((name) => (period[name] || []).includes(unit));

  function mount(node) {
    const head = make("div.reporting-head");
    const table = { head: make("thead"), body: make("tbody") };
    const empty = make("p.desk-empty", { role: "status" });
    const aside = make("aside.reporting-aside");
    const scroll = make("div.reporting-scroll", { tabindex: "0" }, [make("table.console-table", {}, [table.head, table.body]), empty]);
    hall.fill(node, make("div.reporting-tab", {}, [make("div.reporting-left", {}, [head, scroll]), aside]));
    const formPlace = make("div");
    const cardPlace = make("div");
    hall.fill(aside, [formPlace, cardPlace]);
    let plan = "", unit = "", card = null, form = null, chosen = false, me = { districts: [], unit: "" };

    const current = () => documents().find(([subject]) => subject === plan) || documents()[0];
    function choosePlan(subject) {
      if (card && card.subject === subject) return;
      if (card) card.close();
      plan = subject || "";
      card = subject ? E.card(cardPlace, subject, { hide: ["report"], facts: () => [] }) : null;
      if (!subject) hall.fill(cardPlace, []);
    }

    function paintHead(data) {
      const count = (how) => Object.keys(data.units).filter((one) => standing(data, one) === how).length;
      const plans = documents();
      const choose = plans.length > 1 ? [make("select.desk-select", { "aria-label": text("plan") }, plans.map(([subject, one]) => make("option", { value: subject, selected: subject === plan ? "" : null }, hall.label(one.label) || one.plan)))] : [];
      if (choose.length) choose[0].onchange = () => (choosePlan(choose[0].value), paint());
      const sums = data.figures.filter((one) => one.value != null).map((one) => make("span", {}, [`${hall.label(one.label)} `, make("b", {}, `${hall.format.number(one.value)} ${hall.label(one.unit)}`), make("span.soft", {}, ` ${text("of", { n: one.units, of: one.of })}`)]));
      hall.fill(head, [
        make("p", {}, [...choose, make("b", {}, hall.label(data.label) || data.plan), E.exercise(data), make("span", {}, text("every", { n: data.every_minutes })), make("span", {}, text("period", { from: hall.format.time(data.period_start), to: hall.format.time(data.period_end) })), make("b", {}, text("due", { at: hall.format.time(data.due), left: E.left(data.due) }))]),
        make("p", {}, RANK.map((how) => make("span", { "data-how": how }, `${hall.reporting.MARKS[how]} ${text(`how.${how}`)} ${count(how)}`))),
        make("p", {}, sums),
      ]);
    }

    function row(data, name) {
      const told = data.units[name] || {};
      const how = standing(data, name);
      const past = make("span.reporting-strip", {}, data.periods.slice(-PAST).map((period) => make("i", { "data-how": inPeriod(period, name) || "", title: `${hall.format.time(period.start)}–${hall.format.time(period.end)} ${text(`how.${inPeriod(period, name) || "none"}`)}` })));
      const numbers = data.figures.map((one) => make("td.num", {}, told.numbers && told.numbers[one.name] != null ? hall.format.number(told.numbers[one.name]) : "–"));
      const words = told.at ? told.text || "–" : text("nothing");
      const made = make("tr", { "data-unit": name, "data-how": how, "aria-selected": String(name === unit) }, [make("td", {}, name), make("td.reporting-how", {}, `${hall.reporting.MARKS[how]} ${text(`how.${how}`)}`), make("td", {}, told.at ? `${hall.format.time(told.at)} ${told.by}` : "–"), make("td", {}, words), ...numbers, make("td", {}, past)]);
      made.onclick = () => ((chosen = true), openUnit(name));
      return made;
    }

    let painted = "", offer = null, asking = false;
    function paint() {
      const found = current();
      if (!found) {
        choosePlan("");
        if (!offer || offer.parentNode !== head) hall.fill(head, offer || []); // a button in the middle of a click stays
        hall.fill(table.head, []), hall.fill(table.body, []), hall.fill(formPlace, []);
        painted = "";
        offerNew();
        return hall.setText(empty, hall.store.ready ? text("none") : hall.t("desk.reading"));
      }
      hall.setText(empty, "");
      offer = null;
      const [subject, data] = found;
      choosePlan(subject);
      paintHead(data);
      const names = Object.keys(data.units).sort((a, b) => RANK.indexOf(standing(data, a)) - RANK.indexOf(standing(data, b)));
      const now = JSON.stringify([data.revision, names, unit, hall.locale, names.map((name) => standing(data, name))]);
      if (now !== painted) {
        painted = now;
        hall.fill(table.head, make("tr", {}, [...["unit", "state", "last", "text"].map((key) => said("th", `reporting.${key}`)), ...data.figures.map((one) => make("th.num", {}, hall.label(one.label))), said("th", "reporting.past")]));
        hall.fill(table.body, names.map((name) => row(data, name)));
      }
      if (!unit || !data.units[unit]) openUnit(mine(data) || names[0]);
    }
    /** The unit that this seat most probably reports for: the first that it may, by its own districts. */
    const mine = (data) => Object.keys(data.units).find((name) => me.districts.includes(name) || name === me.unit);

    function openUnit(name) {
      unit = name || "";
      const found = current();
      if (found && unit) paintForm(found[0], found[1]);
      paint();
    }

    function paintForm(subject, data) {
      if (form && form.subject === subject && form.unit === unit) return;
      const words = make("textarea.desk-input", { rows: "4", maxlength: "1000", "aria-label": text("text") });
      const inputs = new Map(data.figures.map((one) => [one.name, make("input.desk-input.is-short", { type: "number", min: "0", step: "any", "aria-label": hall.label(one.label) })]));
      const status = make("p.form-status", { role: "alert" });
      const send = make("button.desk-button.is-primary", { type: "button" }, [text("send", { unit }), " ", make("kbd", {}, "Ctrl+Enter")]);
      const none = said("button.desk-chip", "reporting.all-quiet", null, { type: "button" });
      none.onclick = () => (words.value = words.value || text("quiet-text"));
      const typed = () => JSON.stringify([words.value, [...inputs.values()].map((input) => input.value)]);
      const sendNow = () => {
        if (form.sent && ["queued", "sending"].includes(form.sent.state)) return; // pressed twice it is one report
        const numbers = Object.fromEntries([...inputs].filter(([, input]) => input.value !== "").map(([name, input]) => [name, Number(input.value)]));
        if (!words.value.trim() && !Object.keys(numbers).length) return hall.setText(status, `✕ ${text("need")}`);
        hall.setText(status, hall.t("emergency.sending"));
        form.told = typed();
        form.sent = E.send(subject, "report", { unit: form.unit, text: words.value.trim() || undefined, numbers: Object.keys(numbers).length ? numbers : undefined }, {});
      };
      send.onclick = sendNow;
      const box = make("section.reporting-form.case-form", {}, [make("h3", {}, text("report-of", { unit })), words, none, make("div.reporting-numbers", {}, data.figures.flatMap((one) => [make("span", {}, `${hall.label(one.label)} ${hall.label(one.unit)}`), inputs.get(one.name)])), status, send]);
      box.addEventListener("keydown", (event) => event.key === "Enter" && event.ctrlKey && (event.preventDefault(), sendNow()));
      box.addEventListener("input", () => (chosen = true));
      form = { subject, unit, status, clear() { if (typed() !== form.told) return; words.value = ""; for (const input of inputs.values()) input.value = ""; } }; // what was typed since stays
      hall.fill(formPlace, E.mayAct() ? box : []);
    }
    const off = hall.desk.on("command", (command) => {
      if (!form || !form.sent || command.id !== form.sent.id) return;
      if (command.state === "done") return form.clear(), hall.setText(form.status, `✓ ${text("sent")}`);
      if (command.state === "refused") hall.setText(form.status, `✕ ${hall.why({ reason: command.why, message: command.detail || "", status: command.status || 0 })}`), hall.commands.drop(command.id);
    });

    /** Who may begin a period of reports is offered it, as long as there is none. */
    async function offerNew() {
      if (offer || asking) return;
      asking = true;
      const moves = await E.newMoves("reporting").catch(() => []);
      setTimeout(() => (asking = false), moves.length ? 0 : ASK_AGAIN_MS);
      if (current() || !moves.length) return;
      offer = make("button.desk-button", { type: "button" }, `＋ ${E.moveName("reporting/", "schedule")}`);
      offer.onclick = () => E.create("reporting", { move: "schedule" });
      hall.fill(head, offer);
    }

    const soon = hall.paced(paint, 200);
    paint();
    hall.ask("/api/v1/me").then((known) => { me = known; const found = current(); if (found && !chosen && mine(found[1])) openUnit(mine(found[1])); }).catch(() => {}); // then the first one is open
    hall.incidents.load().then(() => card && card.locale()); // names of figures in the history
    return {
      show(subject) { if (subject) choosePlan(subject); paint(); },
      update: soon, tick: soon,
      locale() { painted = ""; form = null; unit = ""; offer = null; paint(); if (card) card.locale(); },
      key(event) { if (card) card.key(event); },
      open: () => plan,
      unmount: off,
    };
  }

  E.tab({
    name: "reporting", order: 70, title: "reporting.tab", topics: ["reporting"],
    badge() {
      const missing = documents().reduce((sum, [, data]) => sum + data.missing.length, 0);
      const waiting = documents().reduce((sum, [, data]) => sum + data.waiting.length, 0);
      return { n: missing || waiting, alert: missing > 0 };
    },
    mount,
  });

  E.words("reporting", { label: (value) => hall.label(value), numbers: (value) => Object.entries(value).map(([name, many]) => `${hall.incidents.word("numbers", name)} ${many}`).join(hall.t("rows.comma")), grace_minutes: () => "", from: (value) => E.moment(value) });
})();

/* 告警: what somebody must answer. In a flood (or when asked, `g`) the few groups it comes from, opened one by one; else alarm by alarm.
 * Who answers for some districts sees their alarms, counted by their own flood, until he asks for the whole city.
 * Keys: j k Enter Esc as everywhere; a answer (a whole group on a group), s shelve, x dispose, c to a case, g groups, f what is shown,
 * w own districts or the whole city. */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said, alarms } = hall;
  const E = hall.emergency;
  const SHOWN = 300; // rows; the rest is counted
  const PACE_MS = 200;
  const WAIT_MS = 50; // between two looks at a card that is still being read
  const FILTERS = {
    asking: (data) => alarms.asking(data),
    on: (data) => !alarms.away(data),
    away: (data) => !!alarms.away(data),
  };
  const isGroup = (subject) => subject.startsWith("group/");

  function mount(node, tools) {
    const head = make("div.emergency-head.alarm-head");
    const body = make("tbody");
    const empty = make("p.desk-empty", { role: "status" });
    const columns = ["alarms.severity", "alarms.what", "alarms.state", "alarms.value", "alarms.since"];
    const table = make("table.console-table.emergency-table.alarm-table", {}, [make("thead", {}, make("tr", {}, columns.map((key) => said("th", key, null, { scope: "col" })))), body]);
    const list = make("div.emergency-scroll", { tabindex: "0", role: "listbox", "aria-label": hall.t("alarms.tab") }, [table, empty]);
    const aside = make("aside.emergency-aside");
    hall.fill(node, make("div.emergency-split", {}, [make("div.emergency-left", {}, [head, list]), aside]));
    const rows = new Map();
    const opened = new Set(); // groups whose alarms are shown
    let filter = "on", grouped = null, order = [], active = "", open = null, meant = null;

    const { own } = alarms;
    const since = () => (own.bound() ? own.flood() : alarms.flood());
    const flood = () => since() != null;
    const byGroup = () => (grouped == null ? flood() : grouped);

    // -- what is listed -------------------------------------------------------------------------------------------------------

    function items() {
      const shown = alarms.all().filter(({ data }) => own.shown(data));
      const listed = shown.filter(({ data }) => FILTERS[filter](data));
      if (!byGroup()) return listed;
      const mine = own.bound() ? Map.groupBy(shown, ({ data }) => alarms.groupOf(data)) : null; // counted for him alone
      const groups = alarms.groups().map((one) => (mine && mine.has(one.subject) ? { ...one, data: { ...one.data, ...E.alarmCounts(mine.get(one.subject)) } } : one));
      const members = Map.groupBy(listed, ({ data }) => alarms.groupOf(data));
      const known = groups.filter(({ subject }) => members.has(subject));
      const told = new Set(known.map(({ subject }) => subject));
      const rest = [...members.keys()].filter((subject) => !told.has(subject)).map((subject) => ({ subject, data: E.alarmGroup(members.get(subject)) }));
      return [...known, ...rest].flatMap((group) => [{ ...group, members: members.get(group.subject) }, ...(opened.has(group.subject) ? members.get(group.subject).map((one) => ({ ...one, inside: true })) : [])]);
    }

    function cells(item) {
      const { subject, data } = item;
      const mark = make("span.alarm-mark");
      hall.severity.mark(mark, data.severity || 0);
      if (item.members) {
        const asking = item.members.filter((one) => alarms.asking(one.data)).length;
        const put = alarms.AWAY.filter((how) => data[how]).map((how) => hall.t(`alarms.put.${how}`, { n: data[how] }));
        return [mark, make("span", {}, [make("b", {}, `${opened.has(subject) ? "▾" : "▸"} ${alarms.title(data)}`), make("br"), make("span.faint", {}, [alarms.cause(data), ...put].filter(Boolean).join(" · "))]),
          asking ? make("b", {}, hall.t("alarms.unanswered", { n: asking })) : hall.t("alarm.acknowledged"), hall.t("alarms.sites", { n: data.total }), E.since(data.since)];
      }
      const state = alarms.state(data);
      const words = [alarms.label(subject, data), alarms.forecast(data), ...alarms.marks(data), data.district].filter(Boolean).join(" · ");
      const why = alarms.why(data);
      const second = [make("span.faint", {}, words), ...(why ? [make("br"), make("span.alarm-why", {}, why)] : [])];
      return [mark, make("span", {}, [make("b", {}, alarms.name(subject, data)), make("br"), ...second]),
        make("span.alarm-is", { "data-state": state }, hall.t(`alarm.${state}`)), make("span.num", {}, [alarms.reading(data), E.alarmAge(data)]), E.since(data.since)];
    }

    function paintRow(row, item) {
      const made = cells(item);
      const texts = made.map((cell) => (cell instanceof Node ? cell.outerHTML : String(cell ?? ""))).join("\u0001");
      row.setAttribute("aria-selected", String(item.subject === active));
      row.dataset.active = item.subject === active ? "1" : "";
      row.dataset.inside = item.inside ? "1" : "";
      row.dataset.group = item.members ? "1" : "";
      row.dataset.away = !item.members && alarms.away(item.data) ? "1" : "";
      row.item = item;
      if (row.texts === texts) return;
      row.texts = texts;
      hall.fill(row, made.map((cell) => make("td", {}, cell instanceof Node ? cell : String(cell ?? ""))));
    }
    function rowOf(subject) {
      const row = make("tr", { "data-subject": subject, role: "option" });
      row.onclick = (event) => !event.target.closest("a, button") && (isGroup(subject) && toggle(subject), choose(subject));
      return row;
    }
    function paint() {
      const all = items();
      const shown = all.slice(0, SHOWN);
      order = shown.map((item) => item.subject);
      const keep = new Set(order);
      for (const [subject, row] of rows) if (!keep.has(subject)) row.remove(), rows.delete(subject);
      shown.forEach((item, index) => {
        if (!rows.has(item.subject)) rows.set(item.subject, rowOf(item.subject));
        const row = rows.get(item.subject);
        paintRow(row, item);
        if (body.children[index] !== row) body.insertBefore(row, body.children[index] || null);
      });
      hall.setText(empty, !all.length ? (hall.store.ready ? hall.t(`alarms.none.${filter}`) : hall.t("desk.reading")) : all.length > SHOWN ? hall.t("rows.more", { n: all.length - SHOWN }) : "");
      empty.hidden = !empty.textContent;
      paintHead();
    }
    function paintHead() {
      const all = alarms.all().filter(({ data }) => own.shown(data));
      const counts = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, all.filter(({ data }) => FILTERS[name](data)).length]));
      const load = alarms.load();
      const { rate } = (own.bound() && own.load()) || load || {};
      const key = JSON.stringify([counts, filter, byGroup(), since(), rate && rate.now, own.whole, own.districts(), hall.locale]);
      if (head.key === key) return;
      head.key = key;
      const chips = Object.keys(FILTERS).map((name) => {
        const chip = make("button.desk-chip", { type: "button", "data-filter": name, "aria-pressed": String(name === filter) }, hall.t(`alarms.filter.${name}`, { n: counts[name] }));
        chip.onclick = () => ((filter = name), paint());
        return chip;
      });
      const groups = make("button.desk-chip", { type: "button", "data-groups": "1", "aria-pressed": String(byGroup()) }, [hall.t("alarms.by-group"), make("kbd", {}, "g")]);
      groups.onclick = regroup;
      const calm = rate ? make("span.num", {}, hall.t("alarms.rate", { n: rate.now, minutes: load.rate.window_minutes })) : "";
      const strip = flood() ? make("b.alarm-flood-mark", { role: "status" }, `▲ ${hall.t("alarms.flood", { at: hall.format.time(since()), n: rate.now, minutes: load.rate.window_minutes })}`) : calm;
      hall.fill(head, [strip, ...chips, groups, ...scope()]);
    }
    /** His districts or the whole city: one switch, for who answers for some districts only. */
    function scope() {
      if (!own.districts().length) return [];
      const names = own.districts().slice(0, 3).join(hall.t("rows.comma"));
      const chip = make("button.desk-chip", { type: "button", "data-scope": "1", "aria-pressed": String(own.bound()), title: own.districts().join(hall.t("rows.comma")) }, [hall.t("alarms.own", { names, more: own.districts().length > 3 ? "…" : "" }), make("kbd", {}, "w")]);
      chip.onclick = rescope;
      return [chip];
    }
    const rescope = () => own.districts().length && ((own.whole = !own.whole), paint(), open && open.tick && open.tick());
    const regroup = () => ((grouped = !byGroup()), paint());
    const toggle = (subject) => (opened.has(subject) ? opened.delete(subject) : opened.add(subject), paint());

    // -- what is open ---------------------------------------------------------------------------------------------------------

    function choose(asked) {
      const subject = asked && isGroup(asked) ? alarms.lineOf(asked) : asked;
      if (open && open.subject === subject) return;
      if (open) open.close();
      open = null;
      active = subject || active;
      if (!subject) hall.fill(aside, said("p.desk-empty", "emergency.choose"));
      else open = isGroup(subject) ? E.alarmGroupCard(aside, subject, choose) : E.card(aside, subject, E.alarmCard);
      tools.address(subject);
      paint();
    }
    function move(step) {
      if (!order.length) return;
      const at = order.indexOf(active);
      active = order[Math.max(0, Math.min(order.length - 1, at < 0 ? 0 : at + step))];
      paint();
      rows.get(active).scrollIntoView({ block: "nearest" });
      list.focus({ preventScroll: true });
    }
    /** Does `act` with the card of an alarm once its moves are known, however long the hall takes, unless something else is wanted. */
    function withCard(subject, act) {
      choose(subject);
      meant = act;
      const look = () => {
        if (meant !== act || active !== subject || !open || open.subject !== subject) return;
        if (!open.view()) return void setTimeout(look, WAIT_MS);
        meant = null;
        act(open);
      };
      look();
    }
    const data = (subject) => (hall.store.get(subject) || {}).data;
    const ACTS = {
      a: (subject) => (isGroup(subject) ? E.answerGroup(subject) : E.answerAlarm(subject)),
      s: (subject) => !isGroup(subject) && withCard(subject, (card) => card.start("shelve")),
      x: (subject) => !isGroup(subject) && withCard(subject, (card) => card.start("dispose")),
      c: (subject) => !isGroup(subject) && data(subject) && E.alarmToCase(subject, data(subject)),
    };

    function key(event) {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      const inside = aside.contains(document.activeElement);
      if (event.key === "Escape") return event.preventDefault(), inside || !open ? list.focus() : choose("");
      if (step && !(inside && event.key.startsWith("Arrow"))) return event.preventDefault(), move(step);
      if (event.key === "g") return event.preventDefault(), regroup();
      if (event.key === "w") return event.preventDefault(), rescope();
      if (event.key === "f") return event.preventDefault(), (filter = Object.keys(FILTERS)[(Object.keys(FILTERS).indexOf(filter) + 1) % 3]), paint();
      if (event.key === "Enter" && active && !event.target.closest("a, button")) {
        event.preventDefault();
        if (isGroup(active)) toggle(active);
        return open && open.subject === active ? !isGroup(active) && open.focus() : choose(active);
      }
      if (ACTS[event.key] && active && !(open && open.busy && open.busy())) return event.preventDefault(), ACTS[event.key](active);
      if (open && open.key) open.key(event);
    }

    const soon = hall.paced(paint, PACE_MS);
    hall.fill(aside, said("p.desk-empty", "emergency.choose"));
    return {
      show: (subject) => (subject ? choose(subject) : paint()),
      update: soon,
      tick() { soon(); if (open && open.tick) open.tick(); },
      locale() { head.key = ""; for (const row of rows.values()) row.texts = null; paint(); if (open && open.locale) open.locale(); },
      open: () => (open ? open.subject : ""),
      key,
    };
  }

  E.tab({
    name: "alarms", order: 10, title: "alarms.tab", topics: ["alarm", "group", "kpi", "sensor", "observation"], owns: ["alarm", "group"],
    badge() {
      const waits = alarms.all().filter(({ data }) => alarms.asking(data) && alarms.own.mine(data));
      return { n: waits.length, alert: waits.length > 0 && (alarms.own.flood() != null || waits.some(({ data }) => data.severity >= 3)) };
    },
    mount,
  });
})();

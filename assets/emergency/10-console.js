/* /emergency 应急指挥: one page, a tab for each part; the address names the tab and the thing that is open in it.
 *
 * hall.emergency.tab({name, order, title, topics, owns, badge(), mount(node, tools)})
 *     `title` a key of the catalogue; `owns`: topics whose things open here (default the first of `topics`); `badge()` a number
 *     or {n, alert}; `mount` is called when the tab is first shown, -> {show(subject), hide(), update(changes), tick(), locale()}, all optional.
 *     A hidden tab gets no updates; when it is shown again it gets every document of its topics.
 *     tools: {split(node, options) (15-split.js), address(subject) writes the address, go(subject)}
 * hall.emergency.go(subject)        opens a thing in the tab that owns its topic; .href(subject): the same as an address
 * hall.emergency.link(subject, text) an <a> to it
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const BADGE_MS = 700;
  const tabs = [];
  let page = null; // the mounted console

  const topicOf = (subject) => String(subject).split("/", 1)[0];
  const ownerOf = (subject) => tabs.find((tab) => tab.owns.includes(topicOf(subject)));
  const may = () => hall.may && hall.may("act-emergency");

  const emergency = (hall.emergency = {
    tabs,
    topicOf,
    tab(given) {
      const topics = given.topics || [];
      tabs.push({ order: 50, badge: () => 0, ...given, topics, owns: given.owns || topics.slice(0, 1) });
      tabs.sort((a, b) => a.order - b.order || a.name.localeCompare(b.name));
      if (page) page.rebuild();
    },
    href: (subject) => `/emergency?lang=${hall.locale}#${encodeURI(subject)}`,
    link(subject, text) {
      const anchor = make("a.emergency-link", { href: emergency.href(subject), "data-subject": subject }, text || emergency.nameOf(subject));
      anchor.onclick = (event) => page && ownerOf(subject) && (event.preventDefault(), emergency.go(subject));
      return anchor;
    },
    go(subject) {
      const tab = ownerOf(subject);
      if (page && tab) page.show(tab.name, subject);
      else location.assign(emergency.href(subject));
    },
    here: () => (page ? page.current() : ""),
    handle: () => page && page.handle(),
    mayAct: may,
  });

  /** `#<tab>`, `#<tab>/<subject>`, `#<tab>/<id>` or `#<subject>` -> [tab, subject] */
  function fromAddress() {
    const text = decodeURI(location.hash.slice(1));
    const [first] = text.split("/", 1);
    const rest = text.slice(first.length + 1);
    const named = tabs.find((tab) => tab.name === first);
    if (named && ownerOf(rest) === named && rest.includes("/")) return [named.name, rest];
    const owner = ownerOf(text);
    if (rest && owner && (!named || owner === named)) return [owner.name, text];
    if (named) return [named.name, rest && named.owns.length ? `${named.owns[0]}/${rest}` : ""];
    return ["", ""];
  }

  hall.panel("emergency", function (element, context) {
    const bar = make("div.emergency-tabs", { role: "tablist" });
    const room = make("div.emergency-room");
    hall.fill(context.body, make("div.emergency-page", {}, [bar, room]));
    const mounted = new Map(); // name -> {tab, node, handle, off}
    const none = said("p.desk-empty", "emergency.no-tabs");
    let current = "";

    function write(subject) {
      const text = subject ? `${current}/${subject}` : current;
      if (decodeURI(location.hash.slice(1)) !== text) history.replaceState(history.state, "", `#${encodeURI(text)}`);
    }
    const call = (entry, method, argument) => {
      try {
        return entry && entry.handle && entry.handle[method] ? entry.handle[method](argument) : undefined;
      } catch (error) {
        hall.store.faults += 1;
        console.error(`hall: tab ${entry.tab.name} failed in ${method}`, error);
      }
    };
    const everything = (topics) => topics.flatMap((topic) => [...hall.store.docs(topic).values()]);

    function mountTab(tab) {
      const node = make("section.emergency-tab", { role: "tabpanel", "data-tab": tab.name, id: `emergency-${tab.name}`, "aria-labelledby": `tab-of-${tab.name}` });
      const entry = { tab, node, handle: null };
      const tools = { address: write, go: emergency.go, split: (where, options) => emergency.split(where, { ...options, topics: tab.topics, write, away: () => current !== tab.name }) };
      room.append(node);
      mounted.set(tab.name, entry);
      hall.link.want(tab.topics);
      try {
        entry.handle = tab.mount(node, tools) || {};
      } catch (error) {
        hall.store.faults += 1;
        hall.fill(node, make("p.desk-empty", {}, String(error.message || error)));
        console.error(`hall: tab ${tab.name} failed to mount`, error);
      }
      const take = (changes) => current === tab.name && call(entry, "update", changes);
      entry.off = tab.topics.length ? hall.store.on(tab.topics, take) : () => {};
      return entry;
    }

    function show(name, subject) {
      const tab = tabs.find((one) => one.name === name);
      if (!tab) return;
      const entering = current !== name;
      if (entering && current) call(mounted.get(current), "hide");
      current = name;
      const entry = mounted.get(name) || mountTab(tab);
      for (const other of mounted.values()) other.node.hidden = other !== entry;
      if (entering) call(entry, "update", everything(tab.topics));
      call(entry, "show", subject || "");
      write(subject || (entry.handle && entry.handle.open ? entry.handle.open() : ""));
      paintBar();
    }

    function paintBar() {
      const key = `${hall.locale}|${tabs.map((tab) => tab.name).join()}`;
      if (bar.built !== key) {
        bar.built = key;
        hall.fill(bar, tabs.map((tab, index) => {
          const button = make("button.case-tab", { type: "button", role: "tab", id: `tab-of-${tab.name}`, "data-tab": tab.name, "aria-controls": `emergency-${tab.name}` }, [index < 9 ? make("kbd", { "aria-hidden": "true" }, String(index + 1)) : "", said("span", tab.title), make("b")]);
          button.onclick = () => show(tab.name);
          return button;
        }));
      }
      for (const button of bar.children) {
        const tab = tabs.find((one) => one.name === button.dataset.tab);
        let told = 0;
        try { told = tab.badge() || 0; } catch (error) { hall.store.faults += 1; }
        const { n, alert } = typeof told === "object" ? told : { n: told, alert: false };
        button.setAttribute("aria-selected", String(tab.name === current));
        button.tabIndex = tab.name === current ? 0 : -1;
        button.dataset.alert = alert ? "1" : "";
        hall.setText(button.lastChild, n ? `${alert ? "▲ " : ""}${n}` : "");
      }
      none.hidden = tabs.length > 0;
      if (!tabs.length && !none.isConnected) room.append(none);
    }
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step || !tabs.length) return;
      event.preventDefault();
      show(tabs[(tabs.findIndex((tab) => tab.name === current) + step + tabs.length) % tabs.length].name);
      bar.children[tabs.findIndex((tab) => tab.name === current)].focus();
    });

    function follow() {
      const [name, subject] = fromAddress();
      if (name) show(name, subject);
      else if (!current && tabs.length) show(tabs[0].name);
    }
    const soon = hall.paced(paintBar, BADGE_MS);
    page = {
      show,
      current: () => current,
      handle: () => (mounted.get(current) || {}).handle,
      nth: (index) => tabs[index] && show(tabs[index].name),
      rebuild: () => (paintBar(), follow()),
    };
    window.addEventListener("hashchange", follow);
    paintBar();
    follow();
    return {
      update: soon,
      tick() { soon(); call(mounted.get(current), "tick"); },
      locale() { paintBar(); for (const entry of mounted.values()) call(entry, "locale"); },
      resize() { call(mounted.get(current), "resize"); },
      unmount() { window.removeEventListener("hashchange", follow); for (const entry of mounted.values()) entry.off(); page = null; },
    };
  });

  // -- keys ---------------------------------------------------------------------------------------------------------------

  const typing = (target) => target.closest && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]");
  document.addEventListener("keydown", (event) => {
    if (!page || event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (/^[1-9]$/.test(event.key) && (event.altKey || !typing(event.target))) return event.preventDefault(), page.nth(Number(event.key) - 1);
    if (event.altKey) return;
    const handle = page.handle();
    if (typing(event.target)) return void (event.key === "Escape" && handle && handle.key && handle.key(event));
    if (event.key === "?") return event.preventDefault(), emergency.help();
    if (event.key === "q") return event.preventDefault(), hall.desk.showCommands();
    if (handle && handle.key) handle.key(event);
  });

  emergency.help = function () {
    const rows = [["1–9", "tabs"], ["j ↓", "down"], ["k ↑", "up"], ["Enter", "open"], ["Esc", "back"], ["n", "new"], ["/", "search"], ["q", "commands"], ["?", "help"]];
    const table = make("table.key-table", {}, [make("tbody", {}, rows.map(([keys, name]) => make("tr", {}, [make("td", {}, keys.split(" ").flatMap((key) => [make("kbd", {}, key), " "])), make("td", {}, hall.t(`emergency.key.${name}`))])))]);
    hall.desk.dialog({ title: hall.t("emergency.key.help"), kind: "keys", body: [table, said("p.desk-empty", "emergency.key.moves")] });
  };
})();

/* Pushing to walls from a console, and who shows what on which screen, with the screens' own answers.
 *
 * hall.desk.pushMenu(subject)   opens the drawer for a case (`case/...`), a camera (`channel/...`), {lon, lat, zoom} or nothing
 * hall.pushes.rows()            [{subject, push, answers: [{state, screen, at, by}]}] of all pushes that hold now
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const ANSWER_MS = 3000; // hall/app/shows.py says the same
  const SILENT_MS = 8000;
  const KINDS = ["message", "case", "camera", "map", "scene"];
  const SECONDS = ["30", "60", "300", "1800", "0"];
  const HIGHEST = { operator: 2, dispatcher: 3 }; // only what is offered; the server decides

  // -- who shows what ------------------------------------------------------------------------------------------------------

  const liveScreens = () => [...hall.store.docs("screen").values()].map((event) => event.data)
    .filter((doc) => doc.wall && doc.state !== "gone" && hall.clock.real() - doc.at <= SILENT_MS);

  function concerns(subject, doc) {
    const [, wall, target] = subject.split("/");
    if (doc.wall !== wall) return false;
    return target === "all" || target === `screen-${doc.id}` || (target.startsWith("part-") && ["", target.slice(5)].includes(doc.part || ""));
  }

  function answerOf(doc, subject, push) {
    const said_ = doc.shows || {};
    const screen = doc.number ? hall.t("push.screen", { n: doc.number }) : hall.t("push.screen.one", { id: doc.id });
    if (said_.subject === subject && said_.number === push.number) {
      if (said_.here === false) return null;
      if (said_.since != null) return { state: "shown", screen, at: hall.format.seconds(said_.since) };
      if (said_.held) return { state: "held", screen, by: said_.held };
      if (said_.fault) return { state: "failed", screen };
    } else if (said_.subject) {
      return { state: "covered", screen };
    }
    return { state: hall.clock.real() - push.since < ANSWER_MS ? "waiting" : "no-answer", screen };
  }

  function rows() {
    const now = hall.clock.real();
    const screens = liveScreens();
    const found = [];
    for (const event of hall.store.docs("show").values()) {
      for (const push of event.data.pushes || []) {
        if (push.until != null && push.until <= now) continue;
        const answers = screens.filter((doc) => concerns(event.subject, doc)).map((doc) => answerOf(doc, event.subject, push)).filter(Boolean);
        found.push({ subject: event.subject, push, answers: answers.sort((a, b) => a.screen.localeCompare(b.screen)) });
      }
    }
    return found.sort((a, b) => a.subject.localeCompare(b.subject) || b.push.priority - a.push.priority || b.push.since - a.push.since);
  }

  const targetText = (target) => (target === "all" ? hall.t("push.target.all") : target.replace(/^(part|screen)-/, ""));
  function contentText(push) {
    const values = { marker: "", ...push.content };
    if (push.what === "scene") values.layout = hall.word("wall", values.layout);
    const event = values.subject && hall.store.get(values.subject);
    if (values.subject) values.subject = (event && event.data.name) || values.subject.split("/").slice(2).join("/");
    return hall.t(`push.content.${push.what}`, values);
  }
  const worst = (answers) => ["no-answer", "failed", "held", "waiting", "covered", "shown"].find((state) => answers.some((one) => one.state === state)) || "none";

  function newId() {
    return `push-${Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("")}`;
  }

  function refusal(error) {
    const key = `push.refused.${error.reason}`;
    return hall.knows(key) ? hall.t(key, { detail: error.message }) : hall.why(error);
  }

  // -- the list ---------------------------------------------------------------------------------------------------------------

  /** A live list of pushes: {node, paint}. */
  function list() {
    const node = make("ul.push-list");
    const items = new Map();

    function build(row) {
      const parts = { head: make("b"), about: make("span.soft"), answers: make("p.push-answers", { role: "status" }), why: make("input.desk-input", { hidden: "" }) };
      const button = said("button.desk-button.push-withdraw", "push.withdraw", null, { type: "button" });
      const status = make("p.form-status", { role: "status" });
      button.onclick = async () => {
        button.disabled = true;
        const [, wall, target] = row.subject.split("/");
        const query = new URLSearchParams({ id: newId(), reason: parts.why.value.trim() });
        try {
          await hall.ask(`/api/v1/shows/${wall}/${encodeURIComponent(target)}/${row.push.number}?${query}`, { method: "DELETE" });
        } catch (error) {
          button.disabled = false;
          parts.why.hidden = error.reason !== "reason-missing" && parts.why.hidden;
          parts.why.placeholder = hall.t("push.withdraw-why");
          if (!parts.why.hidden) parts.why.focus();
          hall.say(status, () => refusal(error), true);
        }
      };
      const item = make("li.push-item", {}, [parts.head, parts.about, parts.answers, parts.why, status, ...(hall.may("push-to-wall") ? [button] : [])]);
      return Object.assign(item, { parts });
    }

    function paint() {
      const found = rows();
      const keys = new Set();
      for (const row of found) {
        const key = `${row.subject}#${row.push.number}`;
        keys.add(key);
        if (!items.has(key)) items.set(key, build(row));
        const item = items.get(key);
        const [, wall, target] = row.subject.split("/");
        const { push } = row;
        const left = push.until == null ? hall.t("push.until-withdrawn") : hall.t("push.left", { n: hall.show.clockText(push.until - hall.clock.real()) });
        hall.setText(item.parts.head, `${wall} · ${targetText(target)} · ${hall.show.mark(push.priority)} ${contentText(push)}`);
        hall.setText(item.parts.about, [hall.show.by(push), push.reason && hall.t("show.reason", { reason: push.reason }), left].filter(Boolean).join(" · "));
        hall.setText(item.parts.answers, row.answers.length ? row.answers.map((one) => hall.t(`push.state.${one.state}`, one)).join(" · ") : hall.t("push.no-screen"));
        item.dataset.state = worst(row.answers);
        node.append(item);
      }
      for (const [key, item] of items) {
        if (keys.has(key)) continue;
        item.remove();
        items.delete(key);
      }
      const empty = node.querySelector(".push-empty") || make("li.push-empty.soft");
      hall.setText(empty, hall.t("push.nothing"));
      if (found.length) empty.remove();
      else node.append(empty);
    }
    return { node, paint };
  }

  // -- the drawer --------------------------------------------------------------------------------------------------------------

  let drawer = null;

  const select = (name, options) => make("select.desk-select", { name }, options.map(([value, text]) => make("option", { value }, text)));

  /** Offers `options` ([value, text]) and keeps what was chosen. */
  function offer(node, options) {
    const key = JSON.stringify(options);
    if (node.dataset.offered === key) return;
    node.dataset.offered = key;
    const chosen = node.value;
    node.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    if (options.some(([value]) => value === chosen)) node.value = chosen;
  }

  function inputs() {
    const role = (hall.page.who || {}).role;
    const text = (name, more) => make("input.desk-input", { name, type: "text", autocomplete: "off", ...more });
    return {
      wall: select("wall", []),
      target: select("target", []),
      what: select("what", KINDS.map((kind) => [kind, hall.t(`show.what.${kind}`)])),
      subject: text("subject"),
      camera: select("camera", []),
      text: make("textarea.desk-input", { name: "text", rows: "3", maxlength: "500" }),
      severity: select("severity", [0, 1, 2, 3, 4].map((n) => [n, hall.severityText(n)])),
      place: text("place"),
      zoom: make("input.desk-input", { name: "zoom", type: "number", min: "3", max: "20", step: "0.5", value: "15" }),
      marker: text("marker", { maxlength: "80" }),
      layout: select("layout", (hall.page.layouts || []).map((name) => [name, hall.word("wall", name)])),
      priority: select("priority", [1, 2, 3, 4].filter((n) => n <= (HIGHEST[role] || 4)).map((n) => [n, hall.t(`push.priority.${n}`)])),
      seconds: select("seconds", SECONDS.map((n) => [n, hall.t(`push.seconds.${n}`)])),
      reason: text("reason", { maxlength: "500" }),
    };
  }

  const SHOWN_FOR = { subject: "case", camera: "camera", text: "message", severity: "message", place: "map", zoom: "map", marker: "map", layout: "scene" };
  const WIDE = new Set(["subject", "camera", "text", "place", "reason"]);

  function contentOf(form) {
    const value = (name) => form[name].value.trim();
    const [lon, lat] = value("place").split(/[,，\s]+/).map(Number);
    const marker = value("marker");
    return {
      case: () => ({ subject: value("subject").startsWith("case/") ? value("subject") : `case/${value("subject")}` }),
      camera: () => ({ subject: value("camera") }),
      message: () => ({ text: value("text"), severity: Number(value("severity")) }),
      map: () => ({ lon, lat, zoom: Number(value("zoom")), ...(marker ? { marker } : {}) }),
      scene: () => ({ layout: value("layout") }),
    }[value("what")]();
  }

  function targetOf(value) {
    if (value.startsWith("part-")) return { part: value.slice(5).split(",").map(Number) };
    return value.startsWith("screen-") ? { screen: value.slice(7) } : {};
  }

  function openDrawer() {
    const form = inputs();
    const shut = said("button.desk-button", "push.close", null, { type: "button" });
    const send = said("button.desk-button.is-primary.is-wide", "push.send", null, { type: "submit" });
    const status = make("p.form-status.is-wide", { role: "status" });
    const labels = Object.entries(form).map(([name, node]) => {
      const label = make("label", { "data-kinds": SHOWN_FOR[name] || "" }, [said("span", `push.${name}`), node]);
      if (WIDE.has(name)) label.className = "is-wide";
      return label;
    });
    const shown = list();
    const body = make("form.push-form", {}, [...labels, send, status]);
    const node = make("aside.push-drawer", { role: "dialog", "aria-label": hall.t("push.title") }, [
      make("div.push-head", {}, [said("h2", "push.title"), shut]), body, said("h2", "push.what-is-shown"), shown.node]);
    drawer = { node, form, status, body, send, paint, timer: setInterval(() => paint(), 1000), off: hall.store.on(["show", "screen"], () => paint(), { replay: true }) };
    shut.onclick = close;
    node.addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && (event.stopPropagation(), close()));
    form.what.onchange = kinds;
    body.onsubmit = submit;
    (document.querySelector(".console") || document.body).append(node);
    hall.link.want(["show", "screen", "channel"]);

    function kinds() {
      for (const label of labels) label.hidden = !!label.dataset.kinds && label.dataset.kinds !== form.what.value;
    }
    function paint() {
      const screens = liveScreens();
      offer(form.wall, [...new Set(screens.map((doc) => doc.wall))].sort().map((wall) => [wall, wall]));
      const own = screens.filter((doc) => doc.wall === form.wall.value);
      const parts = [...new Map(own.filter((doc) => doc.part).map((doc) => [`part-${doc.part}`, hall.t("push.screen", { n: doc.number })]))].sort();
      const single = own.filter((doc) => !doc.part).map((doc) => [`screen-${doc.id}`, hall.t("push.screen.one", { id: doc.id })]);
      offer(form.target, [["all", hall.t("push.target.all")], ...parts, ...(own.length > 1 ? single : [])]);
      if (form.what.value === "camera") offer(form.camera, hall.cameras.some().map((event) => [event.subject, event.data.name || event.data.channel_id]));
      send.disabled = !screens.length || !hall.may("push-to-wall");
      if (!hall.may("push-to-wall")) hall.say(status, () => hall.t("push.not-allowed"), true);
      else if (!screens.length) hall.say(status, () => hall.t("push.none-open"));
      else if (status.textContent === hall.t("push.none-open")) hall.say(status, null);
      shown.paint();
    }
    kinds();
    paint();
  }

  async function submit(event) {
    event.preventDefault();
    const { form, status, send } = drawer;
    const seconds = Number(form.seconds.value);
    const body = { id: newId(), wall: form.wall.value, ...targetOf(form.target.value), what: form.what.value, content: contentOf(form),
      priority: Number(form.priority.value), seconds: seconds || null, reason: form.reason.value.trim() };
    send.disabled = true;
    hall.say(status, () => hall.t("push.sending"));
    try {
      await hall.ask("/api/v1/shows", { method: "POST", body });
      hall.say(status, () => hall.t("push.sent"));
    } catch (error) {
      hall.say(status, () => refusal(error), true);
      if (error.reason === "reason-missing") form.reason.focus();
    }
    send.disabled = false;
  }

  function close() {
    if (!drawer) return;
    clearInterval(drawer.timer);
    drawer.off();
    drawer.node.remove();
    drawer = null;
  }

  function pushMenu(subject) {
    close();
    openDrawer();
    const { form } = drawer;
    if (typeof subject === "string" && subject.startsWith("case/")) [form.what.value, form.subject.value] = ["case", subject];
    else if (typeof subject === "string" && subject.startsWith("channel/")) {
      form.what.value = "camera";
      offer(form.camera, [[subject, ((hall.store.get(subject) || {}).data || {}).name || subject]]);
    } else if (subject && subject.lon != null) {
      form.what.value = "map";
      form.place.value = `${subject.lon}, ${subject.lat}`;
      form.zoom.value = String(subject.zoom || 15);
    }
    form.what.onchange();
    drawer.paint();
    (form.wall.value ? drawer.send : form.wall).focus();
  }

  if (hall.may("push-to-wall") && location.pathname === "/desk") {
    const tool = said("button.bar-button", "push.short", null, { type: "button" });
    tool.onclick = () => (drawer ? close() : pushMenu(hall.desk.chosen));
    hall.desk.addTool(tool);
  }

  hall.pushes = { rows, list };
  hall.desk.pushMenu = pushMenu;

  hall.panel("admin-shows", function (element, context) {
    const shown = list();
    const open = said("button.desk-button.is-primary", "push.button", null, { type: "button" });
    open.onclick = () => pushMenu();
    context.body.replaceChildren(make("p", {}, open), shown.node);
    const paint = () => {
      open.disabled = !hall.may("push-to-wall");
      shown.paint();
      context.note(String(rows().length || ""));
    };
    return { update: paint, tick: paint, locale: paint };
  });
})();

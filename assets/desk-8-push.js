/* Pushing to walls from a console, and who shows what on which screen, with the screens' own answers.
 *
 * hall.desk.pushMenu(subject)   opens the drawer for a case (`case/...`), a camera (`channel/...`), a map {lon, lat, zoom} or nothing;
 *                               a map may bring {shown, parts} (assets/map/85-pass.js), which go along
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const KINDS = ["message", "case", "camera", "map", "scene"];
  const SECONDS = ["30", "60", "300", "1800", "0"];
  const HIGHEST = { operator: 2, dispatcher: 3 }; // only what is offered; the server decides

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
      title: text("title", { maxlength: "80" }),
      marker: text("marker", { maxlength: "80" }),
      layout: select("layout", (hall.page.layouts || []).map((name) => [name, hall.word("wall", name)])),
      priority: select("priority", [1, 2, 3, 4].filter((n) => n <= (HIGHEST[role] || 4)).map((n) => [n, hall.t(`push.priority.${n}`)])),
      seconds: select("seconds", SECONDS.map((n) => [n, hall.t(`push.seconds.${n}`)])),
      reason: text("reason", { maxlength: "500" }),
    };
  }

  const SHOWN_FOR = { subject: "case", camera: "camera", text: "message", severity: "message", place: "map", zoom: "map", title: "map", marker: "map", layout: "scene" };
  const WIDE = new Set(["subject", "camera", "text", "place", "title", "reason"]);

  function contentOf(form) {
    const value = (name) => form[name].value.trim();
    const [lon, lat] = value("place").split(/[,，\s]+/).map(Number);
    const more = Object.fromEntries(["title", "marker"].map((name) => [name, value(name)]).filter(([, said_]) => said_));
    if (drawer.view && (Object.keys(drawer.view.shown).length || Object.keys(drawer.view.parts).length)) more.view = drawer.view;
    return {
      case: () => ({ subject: value("subject").startsWith("case/") ? value("subject") : `case/${value("subject")}` }),
      camera: () => ({ subject: value("camera") }),
      message: () => ({ text: value("text"), severity: Number(value("severity")) }),
      map: () => ({ lon, lat, zoom: Number(value("zoom")), ...more }),
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
      const label = make("label", { "data-kinds": SHOWN_FOR[name] || "" }, [said("span", name === "title" ? "push.title-of" : `push.${name}`), node]);
      if (WIDE.has(name)) label.className = "is-wide";
      return label;
    });
    const shown = hall.pushes.list();
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
      const screens = hall.pushes.screens();
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
    const body = { id: hall.pushes.newId(), wall: form.wall.value, ...targetOf(form.target.value), what: form.what.value, content: contentOf(form),
      priority: Number(form.priority.value), seconds: seconds || null, reason: form.reason.value.trim() };
    send.disabled = true;
    hall.say(status, () => hall.t("push.sending"));
    try {
      await hall.ask("/api/v1/shows", { method: "POST", body });
      hall.say(status, () => hall.t("push.sent"));
    } catch (error) {
      hall.say(status, () => hall.pushes.refusal(error), true);
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
      if (subject.shown || subject.parts) bring(subject);
    }
    form.what.onchange();
    drawer.paint();
    (form.wall.value ? drawer.send : form.wall).focus();
  }

  /** What goes along with the place, said in words. */
  function bring({ shown = {}, parts = {} }) {
    drawer.view = { shown, parts };
    drawer.form.zoom.step = "any";
    const layers = Object.entries(shown).map(([name, on]) => `${on ? "+" : "−"}${hall.t(`map.layer.${name}`)}`);
    const others = Object.keys(parts).map((name) => (hall.knows(`push.along.${name}`) ? hall.t(`push.along.${name}`) : name));
    const text = () => `${hall.t("push.along")}: ${[hall.t("push.along-none"), ...layers, ...others].join(" · ")}`;
    drawer.body.insertBefore(make("p.is-wide.soft.push-along", {}, text()), drawer.send);
  }

  if (hall.may("push-to-wall") && location.pathname === "/desk") {
    const tool = said("button.bar-button", "push.short", null, { type: "button" });
    tool.onclick = () => (drawer ? close() : pushMenu(hall.desk.chosen));
    hall.desk.addTool(tool);
  }

  hall.desk.pushMenu = pushMenu;

  hall.panel("admin-shows", function (element, context) {
    const shown = hall.pushes.list();
    const open = said("button.desk-button.is-primary", "push.button", null, { type: "button" });
    open.onclick = () => pushMenu();
    context.body.replaceChildren(make("p", {}, open), shown.node);
    const paint = () => {
      open.disabled = !hall.may("push-to-wall");
      shown.paint();
      context.note(String(hall.pushes.rows().length || ""));
    };
    return { update: paint, tick: paint, locale: paint };
  });
})();

/* /admin/users: who may sign in, and paired screens. Everything goes through the API, which decides. */
"use strict";

(function () {
  const hall = window.hall;
  const SURE_MS = 5000;

  function field(key, input) {
    return hall.make("label.form-field", {}, [hall.said("span", key), input]);
  }
  function roleSelect(roles, value) {
    const node = hall.make("select.desk-select", { name: "role" }, roles.map((role) => hall.make("option", { value: role }, hall.t(`desk.role.${role}`))));
    node.value = value;
    return node;
  }
  const textInput = (name, more) => hall.make("input.desk-input", { name, required: "", maxlength: 64, autocomplete: "off", ...more });
  /** What a user answers for: name as said, unit, districts, PIN for walls. Optional, so nothing is required. */
  const PROFILE = { display: 64, unit: 64, districts: 2000, pin: 8 };
  function profileInputs(user) {
    const shown = { display: user.display || "", unit: user.unit || "", districts: (user.districts || []).join(", "), pin: "" };
    return Object.entries(PROFILE).map(([name, maxlength]) => {
      const input = hall.make("input.desk-input", { name, maxlength, autocomplete: name === "pin" ? "new-password" : "off" });
      if (name === "pin") Object.assign(input, { type: "password", inputMode: "numeric", pattern: "[0-9]{4,8}" });
      input.value = shown[name];
      return input;
    });
  }
  /** The profile of a form as the API takes it; an empty PIN leaves the old one. */
  function profileOf(inputs) {
    const given = Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]));
    given.districts = given.districts.split(/[,，、]/).map((name) => name.trim()).filter(Boolean);
    if (!given.pin) delete given.pin;
    return given;
  }
  const passwordInput = () => textInput("password", { type: "password", minlength: 10, maxlength: 200, autocomplete: "new-password" });

  /** Runs an action and says beside the form how it went; `done` makes the text of success. True when it went well. */
  async function attempt(status, work, done) {
    hall.say(status, () => hall.t("desk.users.working"));
    try {
      await work();
      hall.say(status, done);
      return true;
    } catch (error) {
      hall.say(status, () => hall.failed(error), true);
      return false;
    }
  }

  /** A button whose second press within a few seconds acts: nothing is lost by one slip. */
  function sureButton(key, sureKey, act) {
    const button = hall.said("button.desk-button", key, null, { type: "button" });
    let sure = 0;
    function calm() {
      clearTimeout(sure);
      sure = 0;
      hall.setText(button, hall.t(key));
    }
    button.onblur = calm;
    button.onclick = () => {
      if (sure) return calm(), act();
      sure = setTimeout(calm, SURE_MS);
      hall.setText(button, hall.t(sureKey));
    };
    return button;
  }

  const failure = (error, again) => {
    const button = hall.said("button.desk-button", "desk.retry", null, { type: "button" });
    button.onclick = again;
    return hall.make("p.case-fault", { role: "status" }, [`✕ ${hall.failed(error)} `, button]);
  };
  const moment = (ms) => `${hall.format.date(ms)} ${hall.format.time(ms)}`;

  hall.panel("admin-users", function (element, context) {
    let found = null;
    let form = null; // made once: what was typed outlives a refusal and a change of language
    const status = hall.make("p.form-status", { role: "status" });

    async function load() {
      found = await hall.ask("/api/v1/users").catch((error) => ({ error }));
      paint();
    }

    function change(user, body, done) {
      attempt(status, () => hall.ask(`/api/v1/users/${encodeURIComponent(user.name)}`, { method: "PATCH", body }), done).then(load);
    }

    function row(user) {
      const role = roleSelect(found.roles, user.role);
      role.setAttribute("aria-label", `${user.name}: ${hall.t("desk.users.role")}`);
      role.onchange = () => change(user, { role: role.value }, () => hall.t("desk.users.changed", { name: user.name }));
      const address = `/api/v1/users/${encodeURIComponent(user.name)}`;
      const removed = () => attempt(status, () => hall.ask(address, { method: "DELETE" }), () => hall.t("desk.users.removed", { name: user.name })).then(load);
      const remove = sureButton("desk.users.remove", "desk.users.sure", removed);
      const password = passwordInput();
      password.placeholder = hall.t("desk.users.new-password");
      password.setAttribute("aria-label", `${user.name}: ${password.placeholder}`);
      const entry = hall.make("form.inline-form", {}, [password, hall.said("button.desk-button", "desk.users.set", null, { type: "submit" })]);
      entry.onsubmit = (event) => {
        event.preventDefault();
        change(user, { password: password.value }, () => hall.t("desk.users.changed", { name: user.name }));
      };
      const inputs = profileInputs(user);
      for (const input of inputs) {
        const label = hall.t(`desk.users.${input.name}`) + (input.name === "pin" && user.has_pin ? ` · ${hall.t("desk.users.pin-set")}` : "");
        input.placeholder = label;
        input.setAttribute("aria-label", `${user.name}: ${label}`);
      }
      const profile = hall.make("form.inline-form", {}, [...inputs, hall.said("button.desk-button", "desk.users.set", null, { type: "submit" })]);
      profile.onsubmit = (event) => {
        event.preventDefault();
        change(user, profileOf(inputs), () => hall.t("desk.users.changed", { name: user.name }));
      };
      const me = user.name === (hall.page.who || {}).name ? ` ${hall.t("desk.users.you")}` : "";
      return hall.make("tr", {}, [user.name + me, role, profile, entry, moment(user.changed), remove].map((cell) => hall.make("td", {}, cell)));
    }

    function addForm() {
      const [name, role, password] = [textInput("name"), roleSelect(found.roles, "viewer"), passwordInput()];
      const inputs = profileInputs({});
      const button = hall.said("button.desk-button.is-primary", "desk.users.add", null, { type: "submit" });
      const further = inputs.map((input) => field(`desk.users.${input.name}`, input));
      const made = hall.make("form.console-form", {}, [field("signin.name", name), field("desk.users.role", role), field("desk.users.new-password", password), ...further, button]);
      made.onsubmit = async (event) => {
        event.preventDefault();
        const body = { name: name.value.trim(), role: role.value, password: password.value, ...profileOf(inputs) };
        const added = await attempt(status, () => hall.ask("/api/v1/users", { method: "POST", body }), () => hall.t("desk.users.added", { name: body.name }));
        if (added) made.reset();
        load();
      };
      return made;
    }

    function paint() {
      if (!found) return hall.fill(context.body, hall.said("p.desk-empty", "desk.reading"));
      if (found.error) return hall.fill(context.body, failure(found.error, load));
      form ??= addForm();
      for (const option of form.querySelectorAll("option")) hall.setText(option, hall.t(`desk.role.${option.value}`));
      const heads = ["signin.name", "desk.users.role", "desk.users.profile", "signin.password", "desk.users.last-change", ""].map((key) => (key ? hall.said("th", key) : hall.make("th")));
      const table = hall.make("table.console-table", {}, [hall.make("thead", {}, hall.make("tr", {}, heads)), hall.make("tbody", {}, found.users.map(row))]);
      hall.fill(context.body, [table, form, status]);
    }
    paint();
    load();
    return { locale: () => (hall.translate(context.body), hall.sayAgain(status), paint()) };
  });

  hall.panel("admin-walls", function (element, context) {
    let found = null;
    let made = null; // the newest pairing with its token, which is told once
    let form = null;
    const status = hall.make("p.form-status", { role: "status" });

    async function load() {
      found = await hall.ask("/api/v1/walls").catch((error) => ({ error }));
      paint();
    }

    function row(pairing) {
      const forget = () => made && made.id === pairing.id && (made = null); // its address opens nothing any more
      const taken = () => attempt(status, () => hall.ask(`/api/v1/walls/${pairing.id}`, { method: "DELETE" }), () => hall.t("desk.pairing.taken")).then((ok) => ok && forget()).then(load);
      const take = sureButton("desk.pairing.take-back", "desk.pairing.sure", taken);
      const cells = [pairing.wall, pairing.made_by, moment(pairing.made), pairing.id.slice(0, 8), take];
      return hall.make("tr", {}, cells.map((cell) => hall.make("td", {}, cell)));
    }

    function address(wall, token) {
      const layout = found.layouts.includes(wall) ? wall : found.layouts[0];
      const search = new URLSearchParams(layout === wall ? { token } : { wall, token });
      return `${location.origin}/wall/${layout}?${search}`;
    }

    function pairForm() {
      const wall = textInput("wall", { pattern: "[A-Za-z0-9_\\-]+", list: "wall-names" });
      const names = hall.make("datalist", { id: "wall-names" }, found.layouts.map((value) => hall.make("option", { value })));
      const button = hall.said("button.desk-button.is-primary", "desk.pairing.make", null, { type: "submit" });
      const entry = hall.make("form.console-form", {}, [field("desk.pairing.wall", wall), names, button]);
      entry.onsubmit = (event) => {
        event.preventDefault();
        attempt(status, async () => (made = await hall.ask("/api/v1/walls/pair", { method: "POST", body: { wall: wall.value } })), null).then(load);
      };
      return entry;
    }

    /** The new address, this once, with a button that copies it. */
    function shownOnce() {
      if (!made) return [];
      const text = address(made.wall, made.token);
      const copy = hall.said("button.desk-button", "desk.pairing.copy", null, { type: "button" });
      copy.onclick = async () => {
        await navigator.clipboard.writeText(text);
        hall.setText(copy, hall.t("desk.pairing.copied"));
      };
      const head = hall.make("p.pairing-once", {}, [hall.said("span", "desk.pairing.once"), ...(navigator.clipboard ? [copy] : [])]);
      return [head, hall.make("code.pairing-address", {}, text)];
    }

    function paint() {
      if (!found) return hall.fill(context.body, hall.said("p.desk-empty", "desk.reading"));
      if (found.error) return hall.fill(context.body, failure(found.error, load));
      form ??= pairForm();
      const heads = ["wall", "made-by", "made", "id"].map((key) => hall.said("th", `desk.pairing.${key}`));
      const body = hall.make("tbody", {}, found.paired.map(row));
      const table = hall.make("table.console-table", {}, [hall.make("thead", {}, hall.make("tr", {}, [...heads, hall.make("th")])), body]);
      const list = found.paired.length ? table : hall.said("p.desk-empty", "desk.pairing.none");
      hall.fill(context.body, [hall.said("p", "desk.pairing.what"), form, status, ...shownOnce(), list]);
    }
    paint();
    load();
    return { locale: () => (hall.translate(context.body), hall.sayAgain(status), paint()) };
  });
})();

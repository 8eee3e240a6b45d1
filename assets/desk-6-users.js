/* /admin/users: who may sign in, and paired screens. Everything goes through the API, which decides. */
"use strict";

(function () {
  const hall = window.hall;

  function field(key, input) {
    return hall.make("label.form-field", {}, [hall.said("span", key), input]);
  }
  function roleSelect(roles, value) {
    const node = hall.make("select.desk-select", { name: "role" }, roles.map((role) => hall.make("option", { value: role }, hall.t(`desk.role.${role}`))));
    node.value = value;
    return node;
  }
  const textInput = (name, more) => hall.make("input.desk-input", { name, required: "", maxlength: 64, autocomplete: "off", ...more });
  const passwordInput = () => textInput("password", { type: "password", minlength: 10, maxlength: 200, autocomplete: "new-password" });

  /** Runs an action and says beside the form how it went. */
  async function attempt(status, work, done) {
    status.textContent = "";
    try {
      await work();
      status.dataset.failed = "";
      status.textContent = done;
    } catch (error) {
      status.dataset.failed = "1";
      status.textContent = hall.t("desk.failed", { why: error.message });
    }
  }

  hall.panel("admin-users", function (element, context) {
    let found = null;
    const status = hall.make("p.form-status", { role: "status" });

    async function load() {
      try {
        found = await hall.ask("/api/v1/users");
      } catch (error) {
        found = { users: [], roles: [], error };
      }
      paint();
    }

    function change(user, body, done) {
      attempt(status, () => hall.ask(`/api/v1/users/${encodeURIComponent(user.name)}`, { method: "PATCH", body }), done).then(load);
    }

    function row(user) {
      const role = roleSelect(found.roles, user.role);
      role.setAttribute("aria-label", `${user.name}: ${hall.t("desk.users.role")}`);
      role.onchange = () => change(user, { role: role.value }, hall.t("desk.users.changed", { name: user.name }));
      const remove = hall.said("button.desk-button", "desk.users.remove", null, { type: "button" });
      let sure = false; // the second press removes
      remove.onclick = () => {
        if (!sure) return (sure = true), void (remove.textContent = hall.t("desk.users.sure"));
        attempt(status, () => hall.ask(`/api/v1/users/${encodeURIComponent(user.name)}`, { method: "DELETE" }), hall.t("desk.users.removed", { name: user.name })).then(load);
      };
      const password = passwordInput();
      password.placeholder = hall.t("desk.users.new-password");
      const form = hall.make("form.inline-form", {}, [password, hall.said("button.desk-button", "desk.users.set", null, { type: "submit" })]);
      form.onsubmit = (event) => {
        event.preventDefault();
        change(user, { password: password.value }, hall.t("desk.users.changed", { name: user.name }));
      };
      const changed = `${hall.format.date(user.changed)} ${hall.format.time(user.changed)}`;
      return hall.make("tr", {}, [user.name, role, form, changed, remove].map((cell) => hall.make("td", {}, cell)));
    }

    function addForm() {
      const [name, role, password] = [textInput("name"), roleSelect(found.roles, "viewer"), passwordInput()];
      const button = hall.said("button.desk-button.is-primary", "desk.users.add", null, { type: "submit" });
      const form = hall.make("form.console-form", {}, [field("signin.name", name), field("desk.users.role", role), field("signin.password", password), button]);
      form.onsubmit = (event) => {
        event.preventDefault();
        const body = { name: name.value.trim(), role: role.value, password: password.value };
        attempt(status, () => hall.ask("/api/v1/users", { method: "POST", body }), hall.t("desk.users.added", { name: body.name })).then(load);
      };
      return form;
    }

    function paint() {
      if (!found) return;
      if (found.error) return hall.fill(context.body, hall.make("p.desk-empty", {}, hall.t("desk.failed", { why: found.error.message })));
      const heads = ["signin.name", "desk.users.role", "signin.password", "desk.users.last-change", ""].map((key) => (key ? hall.said("th", key) : hall.make("th")));
      const table = hall.make("table.console-table", {}, [hall.make("thead", {}, hall.make("tr", {}, heads)), hall.make("tbody", {}, found.users.map(row))]);
      hall.fill(context.body, [table, addForm(), status]);
    }
    load();
    return { locale: paint };
  });

  hall.panel("admin-walls", function (element, context) {
    let found = null;
    let made = null;
    const status = hall.make("p.form-status", { role: "status" });

    async function load() {
      try {
        found = await hall.ask("/api/v1/walls");
      } catch (error) {
        found = { paired: [], layouts: [], error };
      }
      paint();
    }

    function row(pairing) {
      const take = hall.said("button.desk-button", "desk.pairing.take-back", null, { type: "button" });
      take.onclick = () => attempt(status, () => hall.ask(`/api/v1/walls/${pairing.id}`, { method: "DELETE" }), hall.t("desk.pairing.taken")).then(load);
      const cells = [pairing.wall, pairing.made_by, `${hall.format.date(pairing.made)} ${hall.format.time(pairing.made)}`, pairing.id.slice(0, 8), take];
      return hall.make("tr", {}, cells.map((cell) => hall.make("td", {}, cell)));
    }

    function address(wall, token) {
      const layout = found.layouts.includes(wall) ? wall : found.layouts[0];
      const search = new URLSearchParams(layout === wall ? { token } : { wall, token });
      return `${location.origin}/wall/${layout}?${search}`;
    }

    function paint() {
      if (!found) return;
      if (found.error) return hall.fill(context.body, hall.make("p.desk-empty", {}, hall.t("desk.failed", { why: found.error.message })));
      const wall = textInput("wall", { pattern: "[A-Za-z0-9_\\-]+", list: "wall-names" });
      const names = hall.make("datalist", { id: "wall-names" }, found.layouts.map((value) => hall.make("option", { value })));
      const button = hall.said("button.desk-button.is-primary", "desk.pairing.make", null, { type: "submit" });
      const form = hall.make("form.console-form", {}, [field("desk.pairing.wall", wall), names, button]);
      form.onsubmit = (event) => {
        event.preventDefault();
        attempt(status, async () => (made = await hall.ask("/api/v1/walls/pair", { method: "POST", body: { wall: wall.value } })), "").then(load);
      };
      const shown = made ? [hall.said("p.pairing-once", "desk.pairing.once"), hall.make("code.pairing-address", {}, address(made.wall, made.token))] : [];
      const heads = ["wall", "made-by", "made", "id"].map((key) => hall.said("th", `desk.pairing.${key}`));
      const table = hall.make("table.console-table", {}, [hall.make("thead", {}, hall.make("tr", {}, [...heads, hall.make("th")])), hall.make("tbody", {}, found.paired.map(row))]);
      hall.fill(context.body, [hall.said("p", "desk.pairing.what"), form, ...shown, ...(found.paired.length ? [table] : [hall.said("p.desk-empty", "desk.pairing.none")]), status]);
    }
    load();
    return { locale: paint };
  });
})();

/* Part of /admin/screens: switches a wall to another layout, all its browsers at the same moment. */
"use strict";

(function () {
  const hall = window.hall;

  hall.panel("admin-scene", function (element, context) {
    const wall = hall.make("select.desk-select", { name: "wall" });
    const layout = hall.make("select.desk-select", { name: "layout" });
    const button = hall.said("button.desk-button.is-primary", "desk.scene.switch", null, { type: "submit" });
    const status = hall.make("span.form-status", { role: "status" });
    const last = hall.make("span.soft");
    const label = (key, node) => hall.make("label.form-field", {}, [hall.said("span", key), node]);
    const form = hall.make("form.console-form.is-tight", {}, [label("desk.scene.wall", wall), label("desk.scene.layout", layout), button, status, last]);
    context.body.replaceChildren(form);

    /** Offers `values` and keeps what was chosen. */
    function offer(node, values, text) {
      const key = `${hall.locale}|${values.join("|")}`;
      if (node.dataset.offered === key) return;
      node.dataset.offered = key;
      const chosen = node.value;
      const options = values.map((value) => hall.make("option", { value }, text(value)));
      hall.fill(node, options.length ? options : hall.said("option", "desk.scene.choose", null, { value: "" }));
      if (values.includes(chosen)) node.value = chosen;
    }

    function paint() {
      const open = new Set();
      for (const event of hall.store.docs("screen").values()) if (event.data.wall && event.data.state !== "gone") open.add(event.data.wall);
      offer(wall, [...open].sort(), String);
      offer(layout, hall.page.layouts || [], (name) => hall.word("wall", name));
      button.disabled = !open.size || !hall.may("switch-scene");
      context.note(hall.may("switch-scene") ? (open.size ? "" : hall.t("desk.scene.none-open")) : hall.t("desk.scene.not-allowed"));
      const scenes = [...hall.store.docs("scene").values()].sort((a, b) => b.time - a.time).slice(0, 3);
      const told = scenes.map((event) => {
        const { layout: name, by, at } = event.data;
        return hall.t("desk.scene.last", { wall: event.subject.slice(6), layout: hall.word("wall", name), by: by || "–", at: hall.format.seconds(at) });
      });
      hall.setText(last, told.join("  ·  "));
    }

    form.onsubmit = async (event) => {
      event.preventDefault();
      hall.say(status, () => hall.t("desk.scene.waiting"));
      try {
        const made = await hall.ask(`/api/v1/scene/${encodeURIComponent(wall.value)}`, { method: "POST", body: { layout: layout.value } });
        const values = () => ({ wall: made.wall, layout: hall.word("wall", made.layout), at: hall.format.seconds(made.at) });
        hall.say(status, () => hall.t("desk.scene.done", values()));
      } catch (error) {
        hall.say(status, () => hall.failed(error), true);
      }
    };
    return { update: paint, tick: paint, locale: () => (paint(), hall.sayAgain(status)) };
  });
})();

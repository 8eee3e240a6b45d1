/* The page /map: its bar of tools, the drawer at its left, its keys. Where there is no such bar (walls, the desk) nothing of this runs.
 *
 * hall.citymap.tool({name, order, key, act(view, page), state(), end(), may(), mode})   once, when the file is read
 *   name    a button `maptool.NAME` of the catalogue (its tooltip is `maptool.NAME.about`); without a button where `bar` is false
 *   order   place in the bar, tens; another hundred starts another group: 1xx look, 2xx draw, 3xx show, 4xx hand on
 *   key     KeyboardEvent.key that presses it; `page.help()` lists all of them
 *   act     pressed. `view` is the map (citymap.layer's host); it may be pressed before the map is there: then nothing happens
 *   state   {on, off, text}: whether it is on; why it cannot be pressed now (shown as its tooltip); another text for the button
 *   mode    it takes the pointer: when another tool with `mode` begins, and by Esc, its `end()` is called
 *   may     whether it is there at all: () => hall.may("...")
 * hall.citymap.part(name, {get(view), set(view, value)})   what goes along with a view that is passed on (address, push, in step): `get`
 *   gives JSON or null for "as always", `set` takes it back, null too
 * hall.citymap.page   null, or {view, refresh(), help(), side, tell(text), pressed(name)}
 *   side.open({name, title, node, onClose})   the drawer with `node` in it; `title` a key of the catalogue; side.close(), side.name
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const { make, said } = hall;
  const tools = [];
  const parts = new Map();

  citymap.page = null;
  citymap.tools = tools;
  citymap.parts = parts;
  citymap.tool = function (tool) {
    tools.push({ order: 900, may: () => true, state: () => ({}), ...tool });
    if (citymap.page) citymap.page.refresh();
  };
  citymap.part = (name, part) => parts.set(name, part);

  const typing = (target) => target.closest && target.closest("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable=true]");
  const offered = () => tools.filter((tool) => tool.may()).sort((a, b) => a.order - b.order);

  /** The drawer over the map's left edge; one thing at a time is in it. */
  class Side {
    constructor() {
      this.title = make("h2");
      this.shut = said("button.desk-button.is-quiet", "mappage.close", null, { type: "button" });
      this.body = make("div.map-side-body");
      this.node = make("aside.map-side", { hidden: "" }, [make("header", {}, [this.title, this.shut]), this.body]);
      this.shut.onclick = () => this.close(true);
      this.name = "";
    }

    open({ name, title, node, onClose }) {
      if (this.name !== name) this.close();
      this.name = name;
      this.onClose = onClose;
      this.title.dataset.t = title;
      hall.setText(this.title, hall.t(title));
      this.body.replaceChildren(node);
      this.node.hidden = false;
      this.node.closest(".map-page").dataset.side = name;
    }

    /** `back`: the focus returns to the map. */
    close(back) {
      const { onClose, name } = this;
      if (!name) return;
      this.name = "";
      this.node.hidden = true;
      this.body.replaceChildren();
      delete this.node.closest(".map-page").dataset.side;
      if (onClose) onClose();
      if (citymap.page) citymap.page.refresh();
      if (back && citymap.page && citymap.page.view) citymap.page.view.map.getContainer().focus();
    }
  }

  class Page {
    constructor(context) {
      this.view = null;
      this.buttons = new Map();
      this.bar = make("div.map-tools", { role: "toolbar", "aria-label": hall.t("mappage.tools"), "data-t-label": "mappage.tools" });
      this.place = make("span.map-place", { "aria-hidden": "true" });
      this.told = make("span.map-told", { role: "status" });
      hall.fill(context.body, make("div.map-bar", {}, [this.bar, this.told]));
      this.side = new Side();
      this.root = context.body.closest(".map-page");
      this.root.querySelector(".map-page-map").append(this.place, this.side.node);
      if (innerWidth < NARROW) this.root.dataset.legend = "off"; // a phone: the map first
      this.refresh();
      this.stop = citymap.whenMap(this.root, () => this.find());
      this.keys = (event) => this.key(event);
      document.addEventListener("keydown", this.keys);
    }

    /** The map's painter is made with or after the Leaflet map. */
    find() {
      this.view = [...citymap.live].find((one) => one.map && this.root.contains(one.element)) || null;
      if (!this.view) return void setTimeout(() => this.stop && this.find(), 50);
      this.view.map.on("mousemove", (event) => this.point(event.latlng)).on("mouseout", () => this.point(null));
      this.refresh();
    }

    point(place) {
      const zoom = this.view ? this.view.map.getZoom().toFixed(1) : "";
      hall.setText(this.place, place ? `${place.lat.toFixed(5)}, ${place.lng.toFixed(5)} · WGS-84 · z ${zoom}` : `z ${zoom}`);
    }

    tell(text) {
      hall.setText(this.told, text || "");
      clearTimeout(this.toldTimer);
      if (text) this.toldTimer = setTimeout(() => hall.setText(this.told, ""), 8000);
    }

    refresh() {
      const shown = offered().filter((tool) => tool.bar !== false);
      const nodes = [];
      for (const tool of shown) {
        if (!this.buttons.has(tool.name)) this.buttons.set(tool.name, this.button(tool));
        const { node, text } = this.buttons.get(tool.name);
        const { on, off, text: other } = tool.state() || {};
        hall.setText(text, other || hall.t(`maptool.${tool.name}`));
        node.title = off || [hall.knows(`maptool.${tool.name}.about`) ? hall.t(`maptool.${tool.name}.about`) : hall.t(`maptool.${tool.name}`), tool.key && `(${KEY_NAMES[tool.key] || tool.key.toUpperCase()})`].filter(Boolean).join(" ");
        node.setAttribute("aria-disabled", String(!!off));
        node.setAttribute("aria-pressed", String(!!on));
        const group = Math.floor(tool.order / 100);
        node.classList.toggle("is-first", !!nodes.length && group !== this.group);
        this.group = group;
        nodes.push(node);
      }
      if (nodes.length !== this.bar.children.length || nodes.some((node, i) => this.bar.children[i] !== node)) this.bar.replaceChildren(...nodes);
    }

    button(tool) {
      const text = make("span");
      const node = make("button.map-tool", { type: "button", "data-tool": tool.name }, [text, tool.key ? make("kbd", { "aria-hidden": "true" }, KEY_NAMES[tool.key] || tool.key.toUpperCase()) : ""]);
      node.onclick = () => this.press(tool);
      return { node, text };
    }

    pressed(name) {
      const tool = offered().find((one) => one.name === name);
      if (tool) this.press(tool);
    }

    press(tool) {
      const { off } = tool.state() || {};
      if (off) return this.tell(off);
      if (!this.view) return this.tell(hall.t("mappage.no-map"));
      if (tool.mode) this.endModes(tool);
      tool.act(this.view, this);
      this.refresh();
    }

    /** Ends the modes that are on, but `but`; whether there was one. */
    endModes(but) {
      const on = tools.filter((tool) => tool.mode && tool !== but && (tool.state() || {}).on);
      for (const tool of on) if (tool.end) tool.end(this.view, this);
      return on.length > 0;
    }

    key(event) {
      if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") return this.escape(event);
      if (typing(event.target) || !this.view) return;
      const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const tool = offered().find((one) => one.key === letter);
      if (tool) {
        event.preventDefault();
        return this.press(tool);
      }
      const pan = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      const free = !event.target.closest("button, a, [role=option], [role=slider], input, .map-side") || event.target.closest(".map-tools");
      if (pan && free) {
        event.preventDefault();
        citymap.moved(this.view);
        this.view.map.panBy([pan[0] * PAN, pan[1] * PAN], { animate: false });
      } else if ("+=-_".includes(event.key)) {
        event.preventDefault();
        citymap.moved(this.view);
        this.view.map[event.key === "-" || event.key === "_" ? "zoomOut" : "zoomIn"](0.5);
      }
    }

    escape(event) {
      if (this.endModes()) event.preventDefault();
      else if (this.side.name) event.preventDefault(), this.side.close(true);
      else for (const tool of tools) if (tool.escape && tool.escape(this.view, this)) return void (event.preventDefault(), this.refresh());
      this.refresh();
    }

    help() {
      const row = (keys, text) => make("tr", {}, [make("td", {}, keys.flatMap((key) => [make("kbd", {}, key), " "])), make("td", {}, text)]);
      const rows = offered().filter((tool) => tool.key).map((tool) => row([KEY_NAMES[tool.key] || tool.key.toUpperCase()], hall.knows(`maptool.${tool.name}.about`) ? hall.t(`maptool.${tool.name}.about`) : hall.t(`maptool.${tool.name}`)));
      const moves = [row(["←", "→", "↑", "↓"], hall.t("mappage.key.pan")), row(["+", "−"], hall.t("mappage.key.zoom")), row(["n", "Shift+n"], hall.t("mappage.key.next")),
        row(["Enter"], hall.t("mappage.key.open")), row(["⌫"], hall.t("mappage.key.up")), row(["Esc"], hall.t("mappage.key.back"))];
      const table = (nodes) => make("table.key-table", {}, [make("tbody", {}, nodes)]);
      hall.desk.dialog({ title: hall.t("mappage.keys"), wide: true, kind: "keys", body: [make("div.key-tables", {}, [table(rows), table(moves)])] });
    }

    locale() {
      this.bar.setAttribute("aria-label", hall.t("mappage.tools"));
      hall.translate(this.side.node);
      this.refresh();
    }

    unmount() {
      this.stop();
      this.stop = null;
      document.removeEventListener("keydown", this.keys);
      citymap.page = null;
    }
  }

  const NARROW = 700; // pixels of a window in which the list of layers would lie over half the map
  const PAN = 160; // pixels of one press
  const KEY_NAMES = { Escape: "Esc", " ": "␣" };

  /** Somebody moved this map: it no longer returns to the city by itself. */
  citymap.moved = (view) => (view.touched = true);

  citymap.tool({ name: "help", order: 490, key: "?", act: (view, page) => page.help() });
  citymap.tool({
    name: "layers", order: 310, key: "l",
    state: () => ({ on: !!citymap.page && citymap.page.root.dataset.legend !== "off" }),
    act(view, page) {
      const off = page.root.dataset.legend !== "off";
      page.root.dataset.legend = off ? "off" : "on";
      const first = view.legend.node.querySelector("button");
      if (!off && first) first.focus();
    },
  });

  hall.panel("map-tools", function (element, context) {
    const page = (citymap.page = new Page(context));
    return { tick: () => page.refresh(), locale: () => page.locale(), unmount: () => page.unmount() };
  });
})();

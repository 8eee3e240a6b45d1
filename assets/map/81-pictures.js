/* 底图: which ground the map lies on: the city's own (vector), a tile service's pictures, or none. Only where services are configured.
 *
 * What somebody chose is remembered by this screen; until then it is `[map] ground` of hall.toml. It goes along with a view that is passed on.
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const { make, setText } = hall;
  const KEPT = "hall.ground";
  const LEAST = 20; // per cent of brightness
  const OWN = ["vector", "none"];

  function remembered() {
    try {
      return JSON.parse(localStorage.getItem(KEPT) || "{}") || {};
    } catch (_) {
      return {};
    }
  }
  function remember(change) {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...remembered(), ...change }));
    } catch (_) { /* the choice holds until the page is left */ }
  }

  const reasonText = (fault) => {
    const reason = fault.replace(/^\d+ /, "");
    return hall.knows(`pictures.reason.${reason}`) ? hall.t(`pictures.reason.${reason}`) : fault;
  };

  class Choice {
    constructor(host) {
      this.host = host;
      this.wanted = null; // of a view that was passed on; null: as remembered
      this.pictures = new citymap.Pictures({
        renew: (box) => {
          const { ground } = host;
          if (ground.renew) ground.renew(box);
          else ground.stillFrame = null;
          host.draw("ground");
        },
        told: () => this.show(),
      });
      this.buttons = make("div.map-ground-names", { role: "radiogroup" });
      this.slider = make("input", { type: "range", min: LEAST, max: 100, step: 5 });
      this.dim = make("label.map-ground-dim", {}, [make("span", { "data-t": "pictures.brightness" }, hall.t("pictures.brightness")), this.slider]);
      this.title = make("span.map-ground-title", { "data-t": "pictures.ground" }, hall.t("pictures.ground"));
      this.node = make("div.map-ground", { hidden: "", role: "group" }, [this.title, this.buttons, this.dim]);
      this.slider.addEventListener("input", () => this.dimmed(Number(this.slider.value) / 100));
      this.node.addEventListener("keydown", (event) => this.key(event));
      host.legend.node.append(this.node);
      this.stop = citymap.pictures.on(() => this.apply());
      this.apply();
    }

    /** What may be chosen: not those that only lie over others. */
    get offered() {
      const over = new Set(citymap.pictures.rows.flatMap((row) => row.over));
      return ["vector", ...citymap.pictures.rows.map((row) => row.name).filter((name) => !over.has(name)), "none"];
    }

    get chosen() {
      const { offered } = this;
      return [this.wanted, remembered().choice, citymap.pictures.ground].find((name) => name && offered.includes(name)) || "vector";
    }

    choose(name) {
      this.wanted = null;
      remember({ choice: name });
      this.apply();
    }

    apply() {
      const { ground } = this.host;
      const { chosen, offered, pictures } = this;
      this.node.hidden = offered.length < 3;
      ground.shown.basemap = chosen === "vector";
      const source = citymap.pictures.find(chosen);
      ground.keepNames = !!source && !source.over.length && source.detail > 0; // imagery without names of its own gets the city's
      if (source) pictures.brightness = (remembered().brightness || {})[chosen] || source.brightness;
      if (this.shown !== chosen) {
        this.shown = chosen;
        ground.stillFrame = null;
        this.host.draw("ground");
      }
      pictures.show(OWN.includes(chosen) ? null : chosen);
      if (citymap.owed) citymap.owed.set("pictures", pictures.attribution);
      this.node.dataset.chosen = this.host.element.dataset.ground = chosen;
      this.names();
      this.show();
    }

    names() {
      const { chosen, offered } = this;
      const state = JSON.stringify([offered, chosen, hall.locale]);
      if (this.state === state) return;
      this.state = state;
      const focused = this.buttons.contains(document.activeElement);
      this.buttons.replaceChildren(...offered.map((name) => {
        const on = name === chosen;
        const button = make("button", { type: "button", role: "radio", "aria-checked": String(on), "data-ground": name, tabindex: on ? "0" : "-1" });
        setText(button, this.label(name));
        button.addEventListener("click", () => this.choose(name));
        return button;
      }));
      if (focused) this.buttons.querySelector("[aria-checked=true]").focus();
    }

    label(name) {
      if (OWN.includes(name)) return hall.t(`pictures.${name}`);
      return hall.label(citymap.pictures.find(name).label) || name;
    }

    /** Arrow keys go from one to the next, as in any group of radio buttons. */
    key(event) {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step || !this.buttons.contains(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      const { offered } = this;
      this.choose(offered[(offered.indexOf(this.chosen) + step + offered.length) % offered.length]);
    }

    dimmed(value) {
      const { chosen, pictures } = this;
      pictures.brightness = value;
      remember({ brightness: { ...remembered().brightness, [chosen]: value } });
      this.host.ground.stillFrame = null;
      this.host.draw("ground");
      this.show();
    }

    show() {
      const { pictures } = this;
      const percent = Math.round(pictures.brightness * 100);
      this.dim.hidden = !pictures.source;
      if (Number(this.slider.value) !== percent) this.slider.value = percent;
      this.slider.setAttribute("aria-valuetext", `${percent} %`);
      this.buttons.setAttribute("aria-label", hall.t("pictures.ground"));
      this.node.dataset.state = pictures.fault ? "fault" : pictures.stale !== null ? "stale" : "";
    }

    note() {
      const { pictures } = this;
      if (!pictures.source) return "";
      const name = this.label(pictures.source.name);
      if (pictures.farther) return hall.t("pictures.farther", { name });
      if (pictures.fault === "nothing-there") return hall.t("pictures.nothing-there", { name });
      if (pictures.fault) return hall.t("pictures.missing", { name, why: reasonText(pictures.fault) });
      return pictures.stale === null ? "" : hall.t("pictures.stale", { name, age: hall.format.duration(pictures.stale) });
    }

    locale() {
      hall.translate(this.node);
      this.names();
      this.show();
    }

    remove() {
      this.stop();
      this.pictures.clear();
      this.node.remove();
    }
  }

  const PASSED_ON = {
    get: ({ groundChoice }) => (groundChoice && groundChoice.chosen !== citymap.pictures.ground ? groundChoice.chosen : null),
    set({ groundChoice }, value) {
      if (!groundChoice) return;
      groundChoice.wanted = typeof value === "string" ? value : null;
      groundChoice.apply();
    },
  };

  citymap.layer({
    name: "pictures",
    make(host) {
      const choice = (host.groundChoice = new Choice(host));
      if (citymap.part) citymap.part("ground", PASSED_ON);
      return {
        still: (c, frame) => choice.pictures.paint(c, frame),
        note: () => choice.note(),
        tick: () => choice.show(),
        locale: () => choice.locale(),
        remove: () => choice.remove(),
      };
    },
  });
})();

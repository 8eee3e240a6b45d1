/* Turning a camera: a pad on the large picture, Shift with the arrow keys, presets; and on every tile who turns it at present.
 * A camera is held by one person at a time (409 `camera-taken` says by whom); what is held down is said again while it is.
 *
 * hall.video.steer(tile, allowed)    shows or hides the pad on a tile
 * hall.video.steered(channel)        badges: who has the camera
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, setText } = hall;
  const AGAIN_MS = 400; // a camera stops by itself one second after the last word
  /** What may be over with the next word: who holds a key down need not press it again. */
  const PASSING = new Set(["camera-unreachable", "video-down", "bus-lost", "timeout", "unreachable"]);
  const STEP = 0.5; // of full speed; with Ctrl a tenth
  const FINE = 0.1;
  const WAYS = [
    ["↖", -1, 1], ["↑", 0, 1], ["↗", 1, 1], ["←", -1, 0], ["■", 0, 0], ["→", 1, 0], ["↙", -1, -1], ["↓", 0, -1], ["↘", 1, -1],
  ]; // prettier-ignore
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  const leaseOf = (channel) => {
    const event = channel && hall.store.get(channel.replace(/^channel\//, "ptz/"));
    const lease = event && event.data;
    return lease && lease.person && lease.until > hall.clock.real() ? lease : null;
  };

  video.steered = function (channel) {
    const lease = leaseOf(channel);
    return lease ? [{ kind: "ptz", text: hall.t("ptz.taken", { who: lease.name }) }] : [];
  };

  class Pad {
    constructor(tile) {
      this.tile = tile;
      this.channel = tile.channel;
      this.timer = 0;
      this.pressed = null; // the button that is, or was last
      this.said = this.refused = 0; // numbers of the newest request, and of the newest that was refused
      this.node = make("div.ptz-pad", { role: "group", "aria-label": hall.t("ptz.pad") });
      const ways = make("div.ptz-ways", {}, WAYS.map(([sign, pan, tilt]) => this.held(sign, { pan, tilt }, hall.t(`ptz.way.${sign}`))));
      const zoom = make("div.ptz-zoom", {}, [this.held("+", { zoom: 1 }, hall.t("ptz.in")), this.held("−", { zoom: -1 }, hall.t("ptz.out"))]);
      this.presets = make("select.video-select", { "aria-label": hall.t("ptz.presets"), disabled: "" }, make("option", { value: "" }, hall.t("ptz.presets")));
      this.presets.onchange = () => this.presets.value && this.say({ do: "recall", token: this.presets.value });
      this.status = make("span.ptz-status", { role: "status" });
      const free = make("button.video-button", { type: "button" }, hall.t("ptz.release"));
      free.onclick = () => this.say({ do: "release" });
      this.node.append(ways, zoom, this.presets, free, this.status);
      for (const name of ["click", "dblclick", "pointerdown"]) this.node.addEventListener(name, (event) => event.stopPropagation());
      this.onKey = (event) => this.key(event);
      for (const name of ["keydown", "keyup"]) document.addEventListener(name, this.onKey, true);
      tile.node.append(this.node);
      this.look();
    }

    remove() {
      this.stop();
      for (const name of ["keydown", "keyup"]) document.removeEventListener(name, this.onKey, true);
      this.node.remove();
    }

    held(sign, motion, label) {
      const node = make("button.video-button", { type: "button", "aria-label": label, title: label }, sign);
      const press = (event) => {
        this.pressed = node;
        this.move(motion, event.ctrlKey);
      };
      // the button pressed before loses the focus to this one after this one has begun: it ends its own movement only
      const leave = () => this.pressed === node && this.stop();
      node.onpointerdown = (event) => {
        node.setPointerCapture(event.pointerId);
        press(event);
      };
      node.onpointerup = node.onpointercancel = node.onkeyup = node.onblur = leave;
      node.onkeydown = (event) => void ((event.key === " " || event.key === "Enter") && !event.repeat && press(event)); // false would swallow Tab
      return node;
    }

    /** Shift with an arrow turns as long as it is held down. */
    key(event) {
      const way = KEYS[event.key];
      const typing = event.target.closest && event.target.closest("input, select, textarea");
      if (typing || !way || (event.type === "keydown" && !event.shiftKey)) return;
      if (event.type === "keyup") return this.stop();
      event.preventDefault();
      event.stopPropagation();
      if (event.repeat) return;
      this.pressed = null;
      this.move({ pan: way[0], tilt: way[1] }, event.ctrlKey);
    }

    move(motion, fine) {
      clearInterval(this.timer);
      const speed = fine ? FINE : STEP;
      const body = { do: "move", ...Object.fromEntries(Object.entries(motion).map(([name, value]) => [name, value * speed])) };
      if (!Object.values(motion).some(Boolean)) return this.say({ do: "stop" });
      this.moving = true;
      this.say(body);
      this.timer = setInterval(() => this.say(body), AGAIN_MS);
    }

    end() {
      clearInterval(this.timer);
      this.moving = false;
    }

    stop() {
      const moved = this.moving;
      this.end();
      if (moved) this.say({ do: "stop" });
    }

    address() {
      return `/api/v1/video/ptz/${this.channel.split("/").map(encodeURIComponent).join("/")}`;
    }

    async say(body) {
      const mine = (this.said += 1);
      try {
        await hall.acting.ask(this.address(), { method: "POST", body });
        // an answer that comes late, or that a stop was taken, takes back no word of what went wrong
        if (mine > this.refused && body.do !== "stop") setText(this.status, "");
      } catch (error) {
        this.refused = Math.max(this.refused, mine);
        if (!(this.moving && PASSING.has(error.reason))) this.end();
        setText(this.status, hall.t("ptz.refused", { why: error.reason === "camera-taken" ? this.taker() : hall.word("ptz.reason", error.reason) }));
      }
    }

    taker() {
      const lease = leaseOf(this.channel);
      return lease ? hall.t("ptz.taken", { who: lease.name }) : hall.t("ptz.reason.camera-taken");
    }

    async look() {
      const found = await hall.acting.ask(this.address()).catch((error) => {
        setText(this.status, hall.t("ptz.refused", { why: hall.word("ptz.reason", error.reason) }));
      });
      if (!found || !this.node.isConnected) return;
      this.presets.append(...found.presets.map((preset) => make("option", { value: preset.token }, preset.name || preset.token)));
      this.presets.disabled = !found.presets.length;
    }
  }

  video.steer = function (tile, allowed) {
    const wanted = allowed && tile.channel && video.channelOf(tile.channel).ptz;
    if (tile.pad && (!wanted || tile.pad.channel !== tile.channel)) {
      tile.pad.remove();
      tile.pad = null;
    }
    if (wanted && !tile.pad) tile.pad = new Pad(tile);
  };
})();

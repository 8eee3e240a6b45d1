/* Map windows of one browser in step: one leads, the others show what it shows (place, zoom, layers, what citymap.part() declares).
 *
 * A window that joins follows the one that leads; the first one leads, however late it answers (two that lead tell since when: the
 * older one goes on, and says so at once). Esc or the button leaves. Whoever follows and moves the map himself leaves,
 * too. Screens of other machines get a view by pushing it (85-pass.js).
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const EVERY_MS = 200; // between two views that are sent
  const SILENT_MS = 30000; // a leader that says nothing is gone; one that goes says so, one that is busy comes back
  const NEAR = 4; // px
  const own = Math.random().toString(36).slice(2, 6);
  let channel = null;
  let role = ""; // "" | lead | follow
  let leader = "";
  let since = 0; // when the one that leads began (ms of this machine's clock: one browser)
  let heard = 0;
  let shown = ""; // the view that came last, as text
  let sent = 0;
  let soon = 0;
  let moving = false;
  let place = null; // {centre, zoom} that this map got by the leader's view

  const view = () => citymap.page && citymap.page.view;
  const refresh = () => citymap.page && citymap.page.refresh();
  const say = (op, more) => channel && channel.postMessage({ op, from: own, wall: "", ...more });

  function lead() {
    role = "lead";
    leader = own;
    since = Date.now();
    send();
    refresh();
  }

  function send() {
    clearTimeout(soon);
    if (role !== "lead" || !view()) return;
    const wait = EVERY_MS - (performance.now() - sent);
    if (wait > 0) return void (soon = setTimeout(send, wait));
    sent = performance.now();
    say("view", { view: citymap.viewOf(view()), since });
  }

  function join() {
    channel = new BroadcastChannel("hall-map-step");
    channel.onmessage = ({ data }) => hear(data || {});
    role = "wait";
    say("who");
    setTimeout(() => role === "wait" && lead(), 400);
    refresh();
  }

  function leave(why) {
    say("bye", {});
    if (channel) channel.close();
    channel = null;
    role = leader = shown = "";
    place = null;
    since = 0;
    if (why && citymap.page) citymap.page.tell(hall.t(why));
    refresh();
  }

  /** Whether what is led here, or followed, began before what another window leads. */
  const older = (began, from) => since && (since < began || (since === began && leader < from));

  function hear({ op, from, view: told, since: began }) {
    if (op === "who" && role === "lead") return send();
    if (op === "bye" && from === leader && role === "follow") return leave("mappage.step-ended");
    if (op !== "view" || !view()) return;
    if (from !== leader && older(began, from)) return role === "lead" && send();
    role = "follow";
    leader = from;
    since = began;
    heard = performance.now();
    const text = JSON.stringify(told);
    if (text !== shown) show(told, text);
    refresh();
  }

  function show(told, text) {
    const host = view();
    if (host.locked) return host.layers.get("hold").ask({ what: hall.t("mappage.step-leader", { name: leader }), act: () => (host.lock(false), show(told, text)) });
    shown = text;
    moving = true;
    citymap.showView(host, told);
    stood(host);
    setTimeout(() => (stood(host), (moving = false)), 50);
  }

  const stood = ({ map }) => (place = map && { centre: map.getCenter(), zoom: map.getZoom() });

  /** Whether a map that follows is somewhere else than it was led: somebody zoomed, panned, searched. A window of another size is not. */
  const elsewhere = ({ map }) =>
    !!place && (Math.abs(map.getZoom() - place.zoom) > 0.01 || map.latLngToContainerPoint(place.centre).distanceTo(map.getSize().divideBy(2)) > NEAR);

  citymap.layer({
    name: "step",
    make: (host) => ({
      attach(map) {
        map.on("move", () => role === "lead" && view() === host && send());
        const left = (sure) => role === "follow" && view() === host && !moving && (sure || elsewhere(host)) && leave("mappage.step-left");
        map.on("dragstart", () => left(true)).on("moveend", () => left(false));
        map.getContainer().addEventListener("wheel", () => map.scrollWheelZoom.enabled() && left(true), { passive: true }); // before it has come to rest
      },
      tick() {
        if (view() !== host) return;
        if (role === "lead") send();
        else if (role === "follow" && performance.now() - heard > SILENT_MS) leave("mappage.step-ended");
      },
      remove: () => view() === host && role && leave(""),
    }),
  });

  citymap.tool({
    name: "step", order: 350, key: "g",
    state: () => ({ on: !!role, text: role === "lead" ? hall.t("mappage.step-lead", { name: own }) : role === "follow" ? hall.t("mappage.step-leader", { name: leader }) : "" }),
    act: () => (role ? leave("mappage.step-left") : join()),
    escape: () => (role ? (leave("mappage.step-left"), true) : false),
  });
})();

/* The shift of this person: on duty or not, what waits for a signature; one button in the bar. The book is desk-11-shift-book.js.
 *
 * desk.shift.mine()      {group, duty} of my shift, null when I am off duty
 * desk.shift.forMe()     [{group, handover}] that wait for my signature; .bySelf() the one I signed that waits
 * desk.shift.groups()    documents of all groups, by the stream
 * desk.shift.send(group, move, {reason, data})   a command; asked again under the same id while the hall does not answer
 */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  const { make } = hall;
  const who = hall.page.who || {};
  const TRIES = 4;
  const heard = new Set(); // handovers that were announced

  const groups = () => [...hall.store.docs("shift").values()].map((event) => event.data).filter(Boolean);
  const waiting = (shift) => (shift.handovers || []).filter((handover) => !handover.outcome);

  function mine() {
    for (const shift of groups()) {
      const duty = (shift.on_duty || []).find((one) => one.who === who.name);
      if (duty) return { group: shift.group, duty };
    }
    return null;
  }
  const forMe = () => groups().flatMap((shift) => waiting(shift).filter((one) => one.to === who.name).map((handover) => ({ group: shift.group, handover })));
  const bySelf = () => groups().flatMap((shift) => waiting(shift).filter((one) => one.giver === who.name).map((handover) => ({ group: shift.group, handover })))[0] || null;

  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  /** The same id is sent again when no answer came: signed twice it is signed once. */
  async function send(group, move, { reason = "", data = {} } = {}) {
    const body = { id: newId(), move, reason, data };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await hall.ask(`/api/v1/shifts/${encodeURIComponent(group)}/commands`, { method: "POST", body });
        desk.tell("shift");
        return answer.shift;
      } catch (error) {
        const passing = error.status === 0 || error.status >= 500;
        if (!passing || attempt >= TRIES) throw error;
        await new Promise((done) => setTimeout(done, 500 * attempt));
      }
    }
  }

  Object.assign((desk.shift = desk.shift || {}), { groups, waiting, mine, forMe, bySelf, send, groupName: (group) => hall.word("shift.group", group) });

  const tool = make("button.bar-button.bar-shift", { type: "button", "aria-haspopup": "dialog" });

  function paint() {
    const [found, asked, signed] = [mine(), forMe(), bySelf()];
    tool.dataset.asked = asked.length ? "1" : "";
    const text = asked.length
      ? `▲ ${hall.t("shift.to-sign", { who: asked[0].handover.giver })}`
      : signed
        ? `◌ ${hall.t("shift.awaits", { who: signed.handover.to })}`
        : found
          ? `◔ ${desk.shift.groupName(found.group)} · ${hall.format.duration(hall.clock.city() - found.duty.since)}`
          : `○ ${hall.t("shift.off-duty")}`;
    hall.setText(tool, text);
    tool.title = hall.t("shift.title");
  }

  /** A handover that waits for me is heard, once. */
  function announce() {
    for (const { group, handover } of forMe()) {
      const id = `${group} ${handover.number}`;
      if (heard.has(id)) continue;
      heard.add(id);
      hall.alerts.take(["urgent"]);
      hall.alerts.notify(hall.t("shift.title"), hall.t("shift.to-sign", { who: handover.giver }));
    }
  }

  if (hall.may("see-shifts") && who.name && who.role !== "wall" && !location.pathname.startsWith("/wall")) {
    tool.onclick = () => desk.shift.show();
    desk.addTool(tool);
    hall.link.want(["shift"]);
    hall.store.on(["shift"], () => (paint(), announce(), desk.tell("shift")), { replay: true });
    hall.onLocale(paint);
    setInterval(paint, 5000);
    paint();
  }
})();

/* The tab 录像 of a case: what is recorded for it, and the cameras near it with live pictures to record or to keep a still of. */
"use strict";

(function () {
  const hall = window.hall;
  const desk = hall.desk;
  if (!desk || !desk.tabs || !hall.may("see-recordings")) return;
  const { video, make, said, setText } = hall;
  const NEAR = 6;
  const NEAR_METRES = 3000;
  const HOUR = 3600000;
  const LASTS = [0.5, 1, 2, 8, 24];
  const PRE_ROLL_S = 10;
  const LOOK_MS = 5000;
  const SOON_MS = 300;
  const FOLLOW_MS = 700;
  const counts = new Map(); // case -> how many recordings, as far as known
  let it = null; // what is shown: one case at a time

  // -- one recording ----------------------------------------------------------------------------------------------------

  const running = (row) => row.ended == null;
  const lead = () => hall.may("manage-channels");
  const button = (key, act, spec) => {
    const node = said(spec || "button.desk-button", key, null, { type: "button", "data-act": key.split(".").pop() });
    node.onclick = () => doing(node, act);
    return node;
  };
  async function doing(node, act) {
    node.disabled = true;
    try {
      await act();
    } catch (error) {
      tell(`✕ ${hall.failed(error)}`, true);
    }
    node.disabled = false;
  }
  function tell(text, failed) {
    if (!it) return;
    setText(it.status, text);
    it.status.dataset.failed = failed ? "1" : "";
  }

  function asked(title, words, key, act, field) {
    desk.dialog({ title, kind: "recording", body: [make("p", {}, words), ...(field ? [field] : [])], actions: [{ text: hall.t(key), primary: true, act: () => act().catch((error) => tell(`✕ ${hall.failed(error)}`, true)) }] });
  }

  /** The browser takes the file by itself, whatever its size; here is said how far it is, and what its hash is in the end. */
  async function taken(row, made) {
    const file = `${row.id}.zip`;
    const link = make("a", { href: made.href, download: file });
    document.body.append(link);
    link.click();
    link.remove();
    const mine = it;
    for (let told = { state: "asked", bytes: 0 }; told.state === "asked" || told.state === "running"; ) {
      if (mine !== it || (told.state === "asked" && hall.clock.real() > made.until)) return;
      tell(hall.t("playback.exporting", { file, done: video.bytesText(told.bytes), of: video.bytesText(made.bytes) }));
      await new Promise((go) => setTimeout(go, FOLLOW_MS));
      told = await video.recordings.handed(row.id, made.export);
      if (mine === it && told.state === "done") tell(`● ${hall.t("playback.exported", { file, size: video.bytesText(told.bytes), hash: told.sha256 })}`);
      if (mine === it && told.state === "aborted") tell(`✕ ${hall.t("playback.export-aborted", { file, done: video.bytesText(told.bytes) })}`, true);
    }
  }

  function exported(row) {
    const field = reasonField("playback.export-why");
    asked(hall.t("playback.export-title"), hall.t("playback.export-words"), "playback.export", async () => taken(row, await video.recordings.hand(row.id, given(field))), field);
  }

  function given(field) {
    const text = field.value.trim();
    if (text.length < 2) throw Object.assign(new Error(""), { reason: "why-missing" });
    return text;
  }
  const reasonField = (key) => make("input.desk-input.is-wide", { type: "text", maxlength: "300", "aria-label": hall.t(key), placeholder: hall.t(key) });

  async function verified(row) {
    const found = await video.recordings.verify(row.id);
    tell(found.whole ? `● ${hall.t("playback.whole-yes")}` : `✕ ${hall.t("playback.whole-no", { problems: found.problems.slice(0, 5).join("; ") })}`, !found.whole);
  }

  function removal(row) {
    const field = reasonField("playback.remove-why");
    asked(hall.t("playback.remove-title"), hall.t("playback.remove-words"), "playback.remove", async () => {
      await video.recordings.remove(row.id, given(field));
      tell(hall.t("playback.removed"));
      await read();
    }, field);
  }

  async function changed(act, words) {
    await act;
    tell(words || "");
    await read();
  }

  function actions(row) {
    const has = row.channels.some((one) => one.segments || one.pictures);
    const found = [];
    if (has) found.push(button("playback.play-back", () => video.playback({ view: it.view, rows: it.rows, id: row.id, marks: video.marksOf(it.view) }), "button.desk-button.is-primary"));
    if (!hall.may("record")) return found;
    if (running(row)) {
      found.push(button("playback.stop", () => changed(video.recordings.stop(row.id))));
      found.push(button("playback.extend", () => changed(video.recordings.extend(row.id, Math.max(row.until, hall.clock.real()) + HOUR))));
    }
    if (!row.locked) found.push(button("playback.lock", () => changed(video.recordings.lock(row.id, true), hall.t("playback.locked-now"))));
    else if (lead()) found.push(button("playback.unlock", () => changed(video.recordings.lock(row.id, false))));
    if (has) found.push(button("playback.verify", () => verified(row)), button("playback.export", () => exported(row)));
    if (!running(row) && lead()) found.push(button("playback.remove", () => removal(row)));
    return found;
  }

  function tapingText(taping) {
    const parts = [video.nameOf(taping.channel)];
    if (taping.state && taping.state !== "ended" && taping.state !== "recording") parts.push(hall.word("playback.state", taping.state));
    if (taping.reason && taping.state !== "ended" && taping.reason !== taping.state) parts.push(video.absentText(taping.reason));
    if (taping.converted) parts.push(hall.t("video.converted", { why: hall.word("video.converted", taping.converted) }));
    if (taping.dropped) parts.push(hall.t("playback.dropped", { n: hall.format.number(taping.dropped) }));
    return parts.join(" · ");
  }

  function facts(row) {
    const starts = row.channels.map((one) => one.start).filter((ms) => ms != null);
    const ends = row.channels.map((one) => one.end).filter((ms) => ms != null);
    const before = starts.length ? row.started - Math.min(...starts) : 0;
    const lasted = starts.length ? Math.max(...ends) - Math.min(...starts) : 0;
    const bytes = row.channels.reduce((sum, one) => sum + (one.bytes || 0), 0);
    const found = [hall.t("playback.since", { at: desk.shortMoment(row.started) })];
    if (lasted > 0) found.push(hall.t("playback.lasts", { time: hall.format.duration(lasted) }));
    if (bytes) found.push(video.bytesText(bytes));
    found.push(before > 50 ? hall.t("playback.pre-rolled", { n: hall.format.number(before / 1000, 1) }) : hall.t("playback.no-pre-roll"));
    found.push(running(row) ? hall.t("playback.until", { at: desk.shortMoment(row.until) }) : hall.t("playback.over", { why: hall.word("playback.reason", row.reason) }));
    if (row.who) found.push(hall.t("playback.by", { who: row.who }));
    return found;
  }

  const stateOf = (row) => (running(row) ? "running" : "ended");
  function headOf(row) {
    const head = [make("b.recording-state", {}, `${running(row) ? "●" : "■"} ${hall.t(`playback.is-${stateOf(row)}`)}`)];
    if (row.locked) head.push(said("b.recording-locked", "playback.is-locked"));
    return [...head, make("span.recording-facts", {}, facts(row).join(" · "))];
  }
  const channelsOf = (row) => row.channels.map((one) => make("span", { "data-lost": running(row) && one.reason ? "1" : null }, tapingText(one)));

  /** `node.acts`: what its buttons go by. While that is the same they stay, though its figures grow each second: `renew`. */
  const actsOf = (row) => JSON.stringify([hall.locale, running(row), !!row.locked, row.channels.some((one) => one.segments || one.pictures)]);
  function rowNode(row) {
    const parts = [make("p.recording-head", {}, headOf(row)), make("p.recording-channels", {}, channelsOf(row)), make("div.recording-acts", {}, actions(row))];
    const node = make("li.recording", { "data-recording": row.id, "data-state": stateOf(row), "data-locked": row.locked ? "1" : null }, parts);
    return Object.assign(node, { row, acts: actsOf(row) });
  }
  function renew(node, row) {
    Object.assign(node.row, row); // what its buttons act on
    hall.fill(node.children[0], headOf(row));
    hall.fill(node.children[1], channelsOf(row));
    return node;
  }

  // -- cameras near the case ----------------------------------------------------------------------------------------------

  function picture(channel) {
    const live = video.live(channel.subject, { why: it.subject, quality: "sub", passing: true });
    const box = make("input", { type: "checkbox" });
    const shot = button("playback.shot", async () => {
      const made = await video.recordings.snapshot({ channel: channel.subject, case: it.subject });
      tell(`● ${hall.t("playback.shot-done", { at: video.momentText(made.captured) })}`);
    }, "button.desk-chip");
    box.onchange = () => {
      if (box.checked) it.chosen.add(channel.subject);
      else it.chosen.delete(channel.subject);
      // the stream that would be recorded runs from now on, so that what was before the press can be kept, too
      live.tile.show(channel.subject, { quality: box.checked ? "main" : "sub", seamless: true });
      paintStart();
    };
    box.checked = it.chosen.has(channel.subject);
    const far = channel.metres == null ? "" : [desk.metres(channel.metres), channel.sees ? hall.t("video.sees") : ""].filter(Boolean).join(" · ");
    const label = make("label.field-radio", {}, [box, make("span", {}, [make("b", {}, video.nameOf(channel.subject)), ` ${far}`])]);
    return make("figure.recording-camera", { "data-channel": channel.subject }, [live.node, make("figcaption", {}, [label, shot])]);
  }

  function paintStart() {
    it.start.disabled = !it.chosen.size;
    setText(it.start, `● ${hall.t("playback.start", { n: it.chosen.size })}`);
  }

  async function begin() {
    const until = hall.clock.real() + Number(it.lasts.value) * HOUR;
    const made = await video.recordings.start({ channels: [...it.chosen], case: it.subject, pre_roll_s: it.pre.checked ? PRE_ROLL_S : 0, until: Math.round(until) });
    const refused = (made.refused || []).map((one) => `${video.nameOf(one.channel)}: ${hall.word("video.refused", one.reason)}`);
    tell(refused.length ? `▲ ${hall.t("playback.not-all", { refused: refused.join("; ") })}` : `● ${hall.t("playback.begun", { n: made.channels.length })}`, refused.length > 0);
    // what runs is not begun once more by the next press
    for (const box of it.near.querySelectorAll(".recording-camera input:checked")) (box.checked = false), box.onchange();
    await read();
  }

  function starter() {
    it.start = make("button.desk-button.is-primary.recording-start", { type: "button" });
    it.start.onclick = async () => (await doing(it.start, begin), paintStart());
    it.pre = make("input", { type: "checkbox" });
    it.pre.checked = true;
    it.lasts = make("select.desk-select", { "aria-label": hall.t("playback.how-long") }, LASTS.map((hours) => make("option", { value: String(hours) }, hours < 1 ? hall.t("playback.minutes", { n: hours * 60 }) : hall.t("playback.hours", { n: hours }))));
    it.lasts.value = "1";
    paintStart();
    return make("div.recording-start-bar", {}, [it.start, make("label.field-radio", {}, [it.lasts]), make("label.field-radio", { title: hall.t("playback.pre-roll-hint") }, [it.pre, said("span", "playback.pre-roll")])]);
  }

  async function cameras(view) {
    const { lon, lat } = view.case;
    const rows = lon == null ? [] : await video.nearest({ lon, lat }, { count: NEAR, metres: NEAR_METRES });
    if (!rows.length) return [said("p.desk-empty", lon == null ? "desk.place.unknown" : "playback.no-camera")];
    return [make("div.recording-cameras", {}, rows.map(picture)), starter()];
  }

  // -- the tab --------------------------------------------------------------------------------------------------------------

  async function read() {
    const mine = it;
    const turn = (mine.asked += 1);
    const rows = await video.recordings.of(mine.subject);
    if (mine !== it || turn < mine.answered) return; // a later question was answered before
    mine.answered = turn;
    mine.rows = rows;
    counts.set(mine.subject, rows.length);
    const button = document.getElementById("tab-recordings");
    if (button) setText(button.lastChild, rows.length ? String(rows.length) : "");
    paintRows();
  }

  /** What is under the pointer or the keyboard stays; only what changed is painted. */
  function paintRows() {
    const before = new Map([...it.list.children].map((node) => [node.dataset.recording, node]));
    const nodes = it.rows.map((row) => {
      const key = `${hall.locale} ${JSON.stringify(row)}`;
      const old = before.get(row.id);
      if (old && old.key === key) return old;
      const made = old && old.acts === actsOf(row) ? renew(old, row) : rowNode(row);
      made.key = key;
      if (made === old) return made;
      const act = old && old.contains(document.activeElement) && document.activeElement.dataset.act;
      if (act) requestAnimationFrame(() => (made.querySelector(`[data-act="${act}"]`) || { focus() {} }).focus());
      return made;
    });
    const same = nodes.length === it.list.children.length && nodes.every((node, index) => it.list.children[index] === node);
    if (!same) hall.fill(it.list, nodes.length ? nodes : said("li.desk-empty", "playback.none"));
  }

  async function fill(view) {
    const subject = desk.rows.caseOf(view.subject);
    if (it && it.subject === subject && it.locale === hall.locale && it.node.isConnected) return (it.view = view), [it.node];
    const list = make("ul.recordings");
    const status = make("p.recording-status", { role: "status" });
    const near = make("div.recording-near");
    const node = make("div.recording-tab", {}, [status, said("h3.tab-title", "playback.of-case"), list, ...(hall.may("record") ? [said("h3.tab-title", "playback.new"), near] : [])]);
    it = { subject, view, list, status, node, near, rows: [], chosen: new Set(), locale: hall.locale, at: 0, asked: 0, answered: 0 };
    await read();
    if (hall.may("record")) cameras(view).then((nodes) => it.node === node && near.replaceChildren(...nodes), () => {});
    return [node];
  }

  let soon = 0;
  const again = (ms) => {
    clearTimeout(soon);
    soon = setTimeout(() => it && it.node.isConnected && read().catch(() => {}), ms);
  };
  hall.store.on(["recording"], (changes) => {
    if (it && changes.some(({ subject, data }) => (data ? data.case === it.subject : it.rows.some((row) => subject === `recording/${row.id}`)))) again(SOON_MS);
  });
  setInterval(() => it && it.node.isConnected && it.rows.some(running) && again(0), LOOK_MS);

  /** Of a case whose tab was not opened yet: what this desk follows on the link. */
  const followed = (subject) => [...hall.store.docs("recording").values()].filter(({ data }) => data && data.case === subject).length;
  const countOf = (subject) => counts.get(subject) ?? followed(subject);
  const tab = { name: "recordings", fill, count: (view) => countOf(desk.rows.caseOf(view.subject)) };
  desk.tabs.splice(desk.tabs.findIndex((one) => one.name === "photos") + 1, 0, tab);
})();

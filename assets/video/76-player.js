/* Playback of a case's recordings beside its history: pictures in step, a time axis, what was done when, stills as evidence.
 *
 * hall.video.playback({view, rows, id, marks})   opens it over the desk; view of docs/DISPATCH.md, rows of its recordings
 * hall.video.playback({rows, channel, at})       one camera's from a moment (real ms) on, of whatever recordings: without history, without stills
 *   -> {player, films, axis, at, jump(at), node}; also hall.video.playing while it is open
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const { make, said, setText } = hall;
  const RATES = [1, 2, 4];
  const STEP_MS = 10000;
  const PICTURE_MS = 40;
  const NEWS_MS = 5000;
  const NOTE_MS = 6000;
  const PAD_MS = 1500;

  const across = (count) => (count <= 1 ? 1 : count <= 4 ? 2 : count <= 9 ? 3 : 4);

  /** That nothing was recorded, and why where that is on record. */
  function gapText(lane, at) {
    const gap = lane.gaps.find((one) => one.since <= at && at < (one.until ?? Infinity));
    return [hall.t("playback.gap"), gap ? video.absentText(gap.reason) : ""].filter(Boolean).join(" · ");
  }

  /** A picture of a recording: its name, its own time, and that it is no live one. */
  function frame(film, shoot) {
    const mark = said("b.playback-mark-replay", "playback.mark");
    const name = make("span.playback-name", {}, video.nameOf(film.lane.channel));
    const clock = make("span.playback-clock");
    const words = make("div.playback-words", { role: "status" });
    const shot = said("button.desk-chip.playback-shot", "playback.shot", null, { type: "button" });
    shot.onclick = () => shoot(film, shot);
    const node = make("figure.playback-tile", { "data-channel": film.lane.channel }, [film.element, words, make("figcaption", {}, [mark, name, clock, shoot && hall.may("record") ? shot : ""])]);
    return {
      node,
      paint(player) {
        const covered = film.covers(player.at);
        const ready = covered && film.shown != null && !!film.buffered(player.at);
        node.dataset.state = film.fault ? "fault" : !covered ? "gap" : ready ? "picture" : "loading";
        setText(clock, ready ? video.momentText(film.shown) : "");
        setText(words, film.fault ? hall.t("playback.fault", { why: film.fault }) : !covered ? gapText(film.lane, player.at) : ready ? "" : hall.t("playback.loading"));
        shot.disabled = !ready;
      },
    };
  }

  function historyList(marks, jump) {
    const rows = marks.map((mark) => {
      const button = make("button.playback-entry", { type: "button", "data-kind": mark.kind }, [make("time", {}, mark.when), make("b", {}, mark.text), make("span", {}, mark.who), mark.more ? make("span.playback-more", {}, mark.more) : ""]);
      button.onclick = () => jump(mark.at);
      return { mark, button, node: make("li", {}, button) };
    });
    let current = null;
    return {
      node: make("ol.playback-history", { "aria-label": hall.t("playback.history") }, rows.map((row) => row.node)),
      paint(player) {
        for (const { mark, button } of rows) {
          const inside = mark.at >= player.from - PAD_MS && mark.at <= player.to + PAD_MS;
          button.disabled = !inside;
          button.title = inside ? mark.title : `${mark.title} · ${hall.t("playback.outside")}`;
        }
        const last = rows.filter(({ mark }) => mark.at <= player.at).pop() || null;
        if (last === current) return;
        if (current) current.button.removeAttribute("aria-current");
        current = last;
        if (!last) return;
        last.button.setAttribute("aria-current", "true");
        last.node.scrollIntoView({ block: "nearest" });
      },
    };
  }

  function transport(player, act) {
    const toggle = make("button.desk-button.is-primary.playback-toggle", { type: "button" });
    toggle.onclick = act.toggle;
    const jump = (text, key, ms) => {
      const button = make("button.desk-button", { type: "button", title: hall.t(key), "aria-label": hall.t(key) }, text);
      button.onclick = () => act.jump(player.at + ms);
      return button;
    };
    const rates = RATES.map((rate) => {
      const chip = make("button.desk-chip", { type: "button", "data-rate": String(rate) }, `${rate}×`);
      chip.onclick = () => act.rate(rate);
      return chip;
    });
    const note = make("span.playback-note", { role: "status" });
    const node = make("div.playback-bar", { role: "toolbar", "aria-label": hall.t("playback.controls") }, [
      jump("−10 s", "playback.back", -STEP_MS), jump("◂|", "playback.frame-back", -PICTURE_MS), toggle, jump("|▸", "playback.frame-on", PICTURE_MS), jump("+10 s", "playback.on", STEP_MS),
      make("span.playback-rates", { role: "group", "aria-label": hall.t("playback.rate") }, rates), note]);
    return {
      node, note, toggle,
      paint() {
        setText(toggle, player.playing ? `❚❚ ${hall.t("playback.pause")}` : `▶ ${hall.t("playback.play")}`);
        for (const chip of rates) chip.setAttribute("aria-pressed", String(Number(chip.dataset.rate) === player.rate));
      },
    };
  }

  video.playback = async function ({ view, rows, id, marks = [], channel, at }) {
    const subject = view ? view.subject : null;
    const scene = channel ? rows : video.scene(rows, id);
    const all = await video.footage(scene, channel);
    const lanes = all.filter((lane) => lane.segments.length);
    const empty = all.filter((lane) => !lane.segments.length); // on the axis only: that there is nothing, and why
    if (!lanes.length) throw Object.assign(new Error(""), { reason: "nothing-recorded" });
    const epoch = Math.min(...lanes.map((lane) => lane.segments[0].from)) - PAD_MS;
    let timer = 0, noteTimer = 0, closed = false, bar = null;
    const films = lanes.map((lane) => new video.Film(lane, epoch, () => {}));
    const player = new video.Playback(films, told);

    function note(text, failed) {
      clearTimeout(noteTimer);
      setText(bar.note, text);
      bar.note.dataset.failed = failed ? "1" : "";
      noteTimer = setTimeout(() => setText(bar.note, ""), NOTE_MS);
    }
    function told(what) {
      if (what === "gap") note(hall.t("playback.passed", { from: hall.format.seconds(player.passed.from), to: hall.format.seconds(player.passed.to) }));
      if (what === "end") note(hall.t("playback.end"));
      if (bar) bar.paint();
    }
    const jump = (at) => player.seek(Math.min(Math.max(at, player.from), player.to - PICTURE_MS));
    const act = {
      jump, toggle: () => (player.playing ? player.pause() : player.play()),
      rate: (rate) => ((player.rate = rate), bar.paint()),
    };

    async function shoot(film, button) {
      button.disabled = true;
      try {
        const made = await video.still(film, subject);
        note(`● ${hall.t("playback.shot-done", { at: video.momentText(made.captured) })}`);
        remember();
      } catch (error) {
        note(`✕ ${hall.failed(error)}`, true);
      }
      button.disabled = false;
    }

    bar = transport(player, act);
    const tiles = films.map((film) => frame(film, view && shoot));
    const grid = make("div.playback-grid", {}, tiles.map((tile) => tile.node));
    grid.style.setProperty("--across", across(films.length));
    const clock = make("output.playback-now");
    const day = make("span.playback-day");
    const banner = make("div.playback-banner", {}, [said("b.playback-mark-replay", "playback.mark"), day, clock, make("span.playback-state")]);
    let list = historyList(marks, jump);
    const axis = video.axis({ seek: jump });
    const side = make("aside.playback-side", {}, [said("h3.tab-title", "playback.history"), list.node]);
    const node = make(`div.playback${view ? "" : ".is-alone"}`, {}, [banner, grid, view ? side : "", make("div.playback-foot", {}, [bar.node, axis.node])]);

    function scale() {
      axis.take({ lanes: [...films.map((film) => film.lane), ...empty], marks, from: player.from - PAD_MS, to: player.to + PAD_MS });
    }
    /** What was done meanwhile stands in the history, too. */
    async function remember() {
      const found = await hall.ask(`/api/v1/files/${hall.desk.address(subject)}`).catch(() => null);
      if (closed || !found) return;
      marks = video.marksOf({ ...view, ...found });
      const next = historyList(marks, jump);
      list.node.replaceWith(next.node);
      list = next;
      scale();
    }
    /** A recording that goes on grows while it is looked at. */
    async function grow() {
      if (closed || !scene.some((row) => row.ended == null)) return;
      const found = await video.footage(scene, channel).catch(() => []);
      if (closed) return;
      for (const lane of found) {
        const film = films.find((one) => one.lane.channel === lane.channel);
        if (film && lane.segments.length > film.lane.segments.length) film.take(lane);
      }
      scale();
    }
    function paint() {
      if (closed) return;
      player.tick();
      const lead = player.lead || films.find((film) => film.covers(player.at));
      const now = player.playing && lead && lead.shown != null && Math.abs(lead.shown - player.at) < 1000 ? lead.shown : player.at;
      setText(clock, video.momentText(now));
      setText(day, hall.format.date(now));
      setText(banner.lastChild, player.waiting ? hall.t("playback.loading") : player.playing ? `${player.rate}×` : hall.t("playback.stands"));
      axis.show(now);
      tiles.forEach((tile) => tile.paint(player));
      list.paint(player);
      requestAnimationFrame(paint);
    }
    function keys(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { ArrowLeft: -1000, ArrowRight: 1000, ",": -PICTURE_MS, ".": PICTURE_MS }[event.key];
      if (event.key === " " && event.target.tagName !== "BUTTON") event.preventDefault(), act.toggle();
      else if (step) event.preventDefault(), jump(player.at + step * (event.shiftKey ? 10 : 1));
    }
    function close() {
      closed = true;
      clearInterval(timer);
      clearTimeout(noteTimer);
      axis.close();
      films.forEach((film) => film.close());
      if (video.playing === open) video.playing = null;
    }

    const open = { player, films, axis, node, jump, get at() { return player.at; } };
    video.playing = open;
    const box = hall.desk.dialog({ title: hall.t("playback.title", { number: view ? hall.desk.numberOf(subject) : video.nameOf(channel) }), body: [node], wide: true, kind: "playback", onClose: close });
    box.addEventListener("keydown", keys);
    scale();
    const chosen = rows.find((row) => row.id === id);
    jump(at ?? Math.max(player.from, Math.min(...chosen.channels.map((one) => one.start ?? chosen.started))));
    player.play();
    axis.focus();
    timer = setInterval(grow, NEWS_MS);
    requestAnimationFrame(paint);
    return open;
  };
})();

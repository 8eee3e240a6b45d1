/* 在线率 and 完好率 by department, each with its denominator; the commonest finding beside; the health round's progress above. */
"use strict";

hall.panel("video_health", function (element, { body, note }) {
  const { make, setText, format } = hall;
  const SUBJECT = "health/video";
  const progress = make("div.health-lap", {}, [make("span.health-lap-text"), make("span.bar-track", {}, [make("i.bar-fill")])]);
  const [lapText, lapTrack] = progress.children;
  body.append(progress);
  // beside the wall of pictures there is room for figures only: what they are stands above them once
  const narrow = !!element.closest(".wall-video");
  const head = make("div.health-row.health-head", narrow ? {} : { hidden: "" }, [make("span"), make("span"), make("span"), make("span")]);
  body.append(head);
  const frame = make("div.health-frame");
  body.append(frame);
  const rows = hall.rows(frame, build, fill, { em: 1.62 });

  function rate() {
    const fill = make("i.bar-fill");
    const parts = { fill, percent: make("span.num.health-percent"), of: make("span.num.faint.health-of") };
    return { ...parts, node: make("span.health-rate", {}, [make("span.bar-track", {}, [fill]), parts.percent, parts.of]) };
  }

  function build() {
    const parts = { name: make("span.health-name"), online: rate(), sound: rate(), fault: make("span.health-fault") };
    const row = make("div.health-row", {}, [parts.name, parts.online.node, parts.sound.node, parts.fault]);
    row.parts = parts;
    return row;
  }

  /** A rate is only worth its denominator: both are always shown together. */
  function fillRate(part, count, of, word) {
    const share = of ? count / of : 0;
    part.fill.style.width = `${100 * share}%`;
    part.node.dataset.poor = of && share < 0.9 ? (share < 0.7 ? "2" : "1") : "0";
    const percent = of ? `${format.number(100 * share, share === 1 ? 0 : 1)}%` : "–";
    setText(part.percent, narrow ? percent : `${hall.t(word)} ${percent}`);
    setText(part.of, of ? `${format.number(count)}/${format.number(of)}` : "");
  }

  function fill(row, item) {
    const { name, online, sound, fault } = row.parts;
    setText(name, item.whole ? hall.t("health.all") : item.name || hall.t("rows.other"));
    row.classList.toggle("health-whole", !!item.whole);
    row.dataset.name = item.name;
    fillRate(online, item.online, item.examined, "health.online");
    fillRate(sound, item.sound, item.online, "health.sound");
    const [worst] = Object.entries(item.faults);
    setText(fault, worst ? `▲${format.number(worst[1])} ${hall.t(`fault.${worst[0]}`)}` : "");
    const found = Object.entries(item.faults).map(([code, n]) => `${hall.t(`fault.${code}`)} ${n}`);
    const seen = hall.t("health.title", { total: item.total, examined: item.examined, reported: item.reported_online });
    row.title = [seen, ...found].join("\n");
  }

  function lapWords(lap) {
    const lasting = (seconds) => hall.format.duration((seconds || 0) * 1000);
    const words = { number: lap.number, done: format.number(lap.done), total: format.number(lap.total), took: lasting(lap.seconds) };
    const resting = lap.resting ? hall.t("health.lap.resting", { n: format.number(lap.resting) }) : "";
    if (lap.ended) return hall.t("health.lap.done", { ...words, age: lasting(lap.age_seconds) }) + resting;
    if (lap.left_seconds != null) return hall.t("health.lap.left", { ...words, left: lasting(lap.left_seconds) }) + resting;
    return hall.t("health.lap", words) + resting;
  }

  const show = hall.paced(() => {
    const event = hall.store.get(SUBJECT);
    const found = event ? event.data : null;
    progress.hidden = !found;
    if (found) {
      const { lap } = found;
      setText(lapText, lapWords(lap));
      lapTrack.firstChild.style.width = `${lap.total ? (100 * lap.done) / lap.total : 0}%`;
      element.dataset.examined = found.total.examined;
      element.dataset.lap = lap.number;
    }
    setText(head.children[1], hall.t("health.online"));
    setText(head.children[2], hall.t("health.sound"));
    const whole = found && found.departments.length > 1 ? [{ ...found.total, whole: true }] : [];
    rows.show(found ? [...whole, ...found.departments] : [], hall.store.ready ? "health.none" : "rows.waiting");
    note(found ? hall.t("health.note", { examined: format.number(found.total.examined), total: format.number(found.total.total) }) : "");
  }, 500);
  show();
  return {
    update: (changes) => changes.some((event) => event.subject === SUBJECT) && show(),
    locale: show, resize: show, unmount: show.cancel,
  };
});

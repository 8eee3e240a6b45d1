/* Every shared camera: state, name, owner. What is offline comes first, owners are summed up in the header.
 * Where a person is signed in it is a directory to search and to drag from (assets/video/56-directory.js). */
"use strict";

hall.panel("video_directory", function (element, { body, note }) {
  const { make, setText, format } = hall;
  const SHAPES = { online: "●", offline: "✕", unknown: "○" };
  const LISTED = 500; // rows of a city too large for the stream
  const DWELL_MS = 15000; // a list longer than its space is shown page by page
  let page = 0;
  let turned = performance.now();

  function build() {
    const parts = { state: make("span"), name: make("span"), owner: make("span.soft"), district: make("span.faint") };
    const row = make("div.channel-row", {}, Object.values(parts));
    row.parts = parts;
    return row;
  }

  function fill(row, channel) {
    const { state, name, owner, district } = row.parts;
    const kind = channel.state || "unknown";
    row.dataset.channelState = kind;
    row.dataset.subject = channel.subject;
    setText(state, `${SHAPES[kind] || "○"} ${hall.t(`channel.${kind}`)}`);
    setText(name, channel.name || channel.channel_id);
    setText(owner, channel.owner || "");
    setText(district, channel.district || "");
  }

  const totals = make("div.channel-totals");
  body.append(totals);
  const frame = make("div.channel-frame");
  body.append(frame);
  const rows = hall.rows(frame, build, fill, { em: 1.5 });

  function summed(all) {
    const owners = new Map();
    for (const channel of all) {
      const key = channel.owner || hall.t("channel.noowner");
      const sum = owners.get(key) || { all: 0, online: 0 };
      sum.all += 1;
      sum.online += channel.state === "online" ? 1 : 0;
      owners.set(key, sum);
    }
    return [...owners].map(([name, sum]) => ({ name, online: sum.online, total: sum.all }));
  }

  function summary(owners) {
    const top = [...owners].sort((a, b) => b.total - a.total).slice(0, 4);
    setText(totals, top.map(({ name, online, total }) => `${name || hall.t("channel.noowner")} ${format.number(online)}/${format.number(total)}`).join("　"));
  }

  /** What the page shows and knows the sums of; of a city too large for the stream the first rows of each state. */
  function known() {
    if (hall.cameras.leftOut()) return hall.cameras.list(LISTED) || { rows: [], total: 0, online: 0, owners: [] };
    const rows = [...hall.store.docs("channel").values()].map((event) => ({ ...event.data, subject: event.subject }));
    const silent = rows.filter((channel) => (channel.state || "unknown") === "unknown");
    const seen = silent.length ? hall.cameras.list(LISTED) : null; // their supplier tells no state: the catalogue knows what the hall saw
    if (seen) {
      const states = new Map(seen.rows.map((row) => [row.subject, row.state]));
      for (const channel of silent) channel.state = states.get(channel.subject);
    }
    const rank = { offline: 0, unknown: 1, online: 2 };
    rows.sort((a, b) => (rank[a.state || "unknown"] ?? 1) - (rank[b.state || "unknown"] ?? 1) || ((a.name || "") < (b.name || "") ? -1 : 1));
    if (seen) return { ...seen, rows };
    return { rows, total: rows.length, online: rows.filter((channel) => channel.state === "online").length, owners: summed(rows) };
  }

  let directory = null;

  /** A person gets the tree; a screen that nobody is signed in at gets the list that turns its pages. */
  function forWhom() {
    const person = !!(hall.acting && hall.acting.who()) && !!hall.video.grid;
    if (person === !!directory) return;
    totals.hidden = frame.hidden = person;
    if (person) directory = new hall.video.Directory(body, { chosen: (subject) => hall.video.chosen(subject) });
    else directory = directory.remove() || null;
  }
  const offActing = hall.acting ? hall.acting.on(forWhom) : () => {};

  const show = hall.paced(() => {
    forWhom();
    const { rows: all, total, online, owners } = known();
    summary(owners);
    const room = Math.max(1, rows.capacity());
    const pages = Math.max(1, Math.ceil(all.length / room));
    if (performance.now() - turned > DWELL_MS) {
      page += 1;
      turned = performance.now();
    }
    page %= pages;
    rows.show(all.slice(page * room, (page + 1) * room), "channel.none");
    element.dataset.channels = total;
    element.dataset.online = online;
    const pageText = pages > 1 && !directory ? ` · ${page + 1}/${pages}` : ""; // the tree has no pages to turn
    note(total ? hall.t("channel.note", { online: format.number(online), all: format.number(total) }) + pageText : "");
  }, 500);
  show();
  return {
    update: show, tick: show, resize: show,
    locale: () => (show(), directory && directory.locale()),
    unmount: () => (show.cancel(), offActing(), directory && directory.remove()),
  };
});

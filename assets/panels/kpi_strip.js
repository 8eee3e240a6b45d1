/* Today's numbers: value, and beneath it what it is a part of. Card lines fall on screen seams. */
"use strict";

hall.panel("kpi_strip", function (element, { body }) {
  const { make, setText, format } = hall;
  const KEYS = ["reported", "accepted", "dispatched", "handled", "closed", "overdue", "open"];
  const grid = make("div.kpi-grid");
  const empty = make("div.rows-empty");
  body.append(grid, empty);
  const cards = new Map();

  function card(key) {
    const label = make("span.kpi-label");
    const mark = make("span.kpi-mark");
    const value = make("span.kpi-value");
    const share = make("span.kpi-share");
    const of = make("span.kpi-of");
    const node = make("div.kpi-card", { "data-kpi": key }, [make("div.kpi-head", {}, [mark, label]), make("div.kpi-line", {}, [value, share]), of]);
    grid.append(node);
    return { node, label, mark, value, share, of };
  }

  function fill(doc) {
    const wanted = KEYS.map((key) => doc.cards.find((c) => c.key === key)).filter(Boolean);
    for (const entry of wanted) {
      if (!cards.has(entry.key)) cards.set(entry.key, card(entry.key));
      const parts = cards.get(entry.key);
      const late = entry.key === "overdue" && entry.value > 0;
      setText(parts.label, hall.t(`kpi.${entry.key}`));
      setText(parts.value, format.number(entry.value));
      parts.node.dataset.value = entry.value ?? "";
      parts.node.dataset.of = entry.of ?? "";
      parts.node.classList.toggle("kpi-late", late);
      parts.value.dataset.severity = late ? 4 : 0;
      parts.mark.dataset.severity = late ? 4 : 0;
      setText(parts.mark, late ? "▲" : "");
      const known = entry.of != null;
      setText(parts.share, known && entry.of > 0 && entry.value != null ? `${format.number((100 * entry.value) / entry.of)}%` : "");
      const values = { value: format.number(entry.value), of: format.number(entry.of), what: hall.t(`kpi.what.${entry.of_key || "open"}`) };
      setText(parts.of, known ? hall.t("kpi.of", values) : hall.t(`kpi.${entry.key}.meaning`));
      const title = known ? hall.t("kpi.of.long", { ...values, name: hall.t(`kpi.${entry.key}`) }) : hall.t(`kpi.${entry.key}.meaning`);
      if (parts.node.title !== title) parts.node.title = title;
    }
    grid.dataset.asOf = doc.as_of;
    place();
  }

  /** Equal cards, the lines between them moved onto the seams of the wall. */
  const place = () => hall.wall.tracks(grid, Array.from(cards, () => 1));

  function show() {
    const event = hall.store.get("kpi/today");
    if (event) fill(event.data);
    setText(empty, event ? "" : hall.t("kpi.none"));
    empty.hidden = !!event;
  }
  show();
  return { update: show, locale: show, resize: place };
});

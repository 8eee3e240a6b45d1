/* Reported cases per hour, today against the same weekday a week before. */
"use strict";

hall.panel("trend", function (element, { body, note }) {
  const canvas = hall.make("canvas.chart");
  const empty = hall.make("div.rows-empty");
  body.append(canvas, empty);

  function niceTop(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
    return [1, 2, 4, 5, 10].map((n) => n * power).find((n) => n >= value) || 10;
  }

  function draw() {
    const event = hall.store.get("kpi/trend");
    empty.hidden = !!event;
    hall.setText(empty, event ? "" : hall.t("kpi.none"));
    if (!event) return;
    const ready = hall.canvas(canvas);
    if (!ready) return;
    const doc = event.data;
    const style = getComputedStyle(canvas);
    const size = parseFloat(style.fontSize);
    const colour = (name) => style.getPropertyValue(name).trim();
    const { context, width, height } = ready;
    context.font = `500 ${size}px ${style.fontFamily}`;
    const numbers = [...doc.today, ...doc.reference].filter((value) => value != null);
    const top = niceTop(Math.max(4, ...numbers));
    const left = context.measureText(String(top)).width + size * 0.5;
    const area = { left, right: width - size * 0.6, top: size * 0.55, bottom: height - size * 1.35 };
    const hours = doc.today.length;
    const x = (index) => area.left + ((index + 0.5) / hours) * (area.right - area.left);
    const y = (value) => area.bottom - (value / top) * (area.bottom - area.top);
    grid(context, { area, top, size, colour, x, y, hours });
    bars(context, doc.today, { area, x, y, hours, colour });
    context.setLineDash([size * 0.28, size * 0.2]);
    context.strokeStyle = colour("--ink-soft");
    context.lineWidth = Math.max(1.2, size * 0.08);
    hall.polyline(context, doc.reference, x, y);
    context.setLineDash([]);
    note(hall.t("trend.note", { day: doc.reference_day ? dayOf(doc.reference_day) : "–" }));
    canvas.dataset.today = doc.today.map((value) => value ?? "").join(",");
  }

  const dayOf = (value) => (typeof value === "number" ? hall.format.day(value) : String(value).slice(5).replace("-", "/"));

  function grid(context, { area, top, size, colour, x, y, hours }) {
    context.strokeStyle = colour("--line");
    context.fillStyle = colour("--ink-faint");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const steps = area.bottom - area.top > size * 4 ? 2 : 1;
    for (let i = 0; i <= steps; i += 1) {
      const value = (top * i) / steps;
      context.beginPath();
      context.moveTo(area.left, y(value));
      context.lineTo(area.right, y(value));
      context.stroke();
      context.fillText(hall.format.number(value), area.left - size * 0.35, y(value));
    }
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    const every = (area.right - area.left) / hours > size * 0.8 ? 3 : 6;
    for (let hour = 0; hour < hours; hour += every) context.fillText(String(hour), x(hour), area.bottom + size * 1.15);
  }

  function bars(context, values, { area, x, y, hours, colour }) {
    const width = ((area.right - area.left) / hours) * 0.62;
    const last = values.reduce((found, value, index) => (value == null ? found : index), -1);
    values.forEach((value, index) => {
      if (value == null) return;
      // the running hour is not over: outlined, not filled
      context.fillStyle = context.strokeStyle = colour("--bar");
      const box = [x(index) - width / 2, y(value), width, area.bottom - y(value)];
      if (index === last) {
        context.lineWidth = 2;
        context.strokeRect(...box);
      } else {
        context.fillRect(...box);
      }
    });
  }

  const show = hall.paced(draw, 250);
  show();
  document.fonts.ready.then(show);
  return { update: show, locale: show, resize: show, unmount: show.cancel };
});

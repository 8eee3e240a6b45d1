/* What painters share: pooled rows that fit their space, small charts on canvas, severity marks, pacing. */
"use strict";

(function () {
  const hall = window.hall;
  const make = hall.make;

  // -- severity: colour, shape and word together -------------------------------------------------------------------

  const SHAPES = ["", "●", "▲", "◆", "■"];
  hall.severity = {
    shape: (level) => SHAPES[level] || "",
    word: (level) => (level ? hall.t(`severity.${level}`) : ""),
    /** Writes shape + word into `node` and its level into data-severity (colour by CSS). */
    mark(node, level) {
      const value = SHAPES[level] ? level : 0;
      node.dataset.severity = value;
      hall.setText(node, value ? `${SHAPES[value]} ${hall.severity.word(value)}` : "");
    },
    color: (element, level) => getComputedStyle(element).getPropertyValue(`--severity-${level || 0}`).trim(),
  };

  /** Runs `work` at most once per `ms`, in an animation frame's turn; returns the asking function. */
  hall.paced = function (work, ms) {
    let last = -Infinity;
    let timer = 0;
    const run = () => {
      timer = 0;
      last = performance.now();
      work();
    };
    const ask = () => {
      if (!timer) timer = setTimeout(run, Math.max(0, last + ms - performance.now()));
    };
    ask.cancel = () => clearTimeout(timer);
    return ask;
  };

  // -- sizes: asked of the browser once, not after every write, which would make it lay out the page there and then ------

  const KEPT_MS = 5000; // a size is asked again after this, whatever nobody has said
  let epoch = 0;
  /** Something was laid out anew: sizes that were kept are asked again. */
  hall.resized = () => (epoch += 1);
  window.addEventListener("resize", hall.resized);
  /** `measure()` of an element, kept until something is resized; null is not kept. */
  hall.kept = function (measure) {
    let found = null, asked = -1, at = 0;
    return () => {
      const now = performance.now();
      if (found === null || asked !== epoch || now - at > KEPT_MS) [found, asked, at] = [measure(), epoch, now];
      return found;
    };
  };

  // -- rows ---------------------------------------------------------------------------------------------------------

  /**
   * Rows made once and used again, as many as fit; the last line says how many more there are.
   * `build()` -> element with the row's cells; `fill(row, item)` writes an item into it.
   * `options.em`: least height of a row as a multiple of the text size; `options.stretch`: how much higher rows may become
   * when there is space left. Rows keep off the seams between screens: beside a vertical one, and with their edge on a
   * horizontal one.
   */
  hall.rows = function (body, build, fill, options) {
    const settings = { em: 1.5, stretch: 1.3, ...options };
    const MORE_EM = 1.45;
    const LEAST = 0.95; // of a row's height, under which none is shown
    const list = make("div.rows");
    const more = make("div.rows-more");
    const empty = make("div.rows-empty");
    body.append(list, more, empty);
    const pool = [];
    let items = [];
    let emptyKey = "";

    const box = hall.kept(() => (body.clientHeight ? { seams: hall.wall.seams(body), width: body.clientWidth, height: body.clientHeight, text: parseFloat(getComputedStyle(body).fontSize) } : null));
    const NONE = { seams: { x: [], y: [] }, width: 0, height: 0, text: 16 };
    // the room may change without the panel: a line above it comes or goes
    new ResizeObserver(() => (hall.resized(), list.dataset.shown != null && show(items))).observe(body);

    /** Lists side by side, one per screen that the body reaches over. */
    function besideSeams(seams, width) {
      const ends = [...seams.x, width];
      const tracks = ends.map((end, index) => `${(end - (index ? ends[index - 1] : 0)).toFixed(1)}px`).join(" ");
      const wanted = seams.x.length ? tracks : "";
      if (list.style.gridTemplateColumns !== wanted) list.style.gridTemplateColumns = wanted;
      list.classList.toggle("rows-beside", seams.x.length > 0);
      return ends.length;
    }

    /** What fits: {room: rows without the line for the rest, shown, height: px of a row}. */
    function fit(count) {
      const { seams, width, height: high, text } = box() || NONE;
      const columns = besideSeams(seams, width);
      const line = text * settings.em;
      const space = high + 1;
      const seam = seams.y.find((at) => at > line);
      if (seam) {
        const height = seam / Math.floor(seam / line);
        const room = Math.max(1, Math.floor(space / height)) * columns;
        const rest = Math.max(1, Math.floor((space - text * MORE_EM) / height)) * columns;
        return { room, shown: count <= room ? count : rest, height };
      }
      const deep = Math.max(1, Math.floor(space / line));
      const room = deep * columns;
      const rest = space - text * MORE_EM;
      const least = line * LEAST; // half a row is not read: the line says how many there are
      if (space < least) return { room, shown: 0, height: line, dumb: space < text * MORE_EM * LEAST };
      if (count > room && rest < least) return { room, shown: room, height: space / deep, over: true }; // the line for the rest lies over the last row's end
      if (count <= room) return { room, shown: count, height: Math.min(line * settings.stretch, space / Math.max(1, Math.ceil(count / columns))) };
      const rows = Math.max(1, Math.floor(rest / line));
      return { room, shown: rows * columns, height: Math.min(line * settings.stretch, rest / rows) };
    }

    function show(next, key) {
      items = next;
      emptyKey = key === undefined ? emptyKey : key;
      const { room, shown, height, over, dumb } = fit(items.length); // dumb: not even a line has room, the panel's head counts
      const cut = shown < items.length;
      more.classList.toggle("is-over", !!over && cut);
      const row = `${height.toFixed(2)}px`;
      if (list.style.getPropertyValue("--row") !== row) {
        list.style.setProperty("--row", row);
        hall.resized(); // pictures in the rows have another size now
      }
      while (pool.length < shown) {
        const row = build();
        row.classList.add("row");
        pool.push(row);
        list.append(row);
      }
      while (pool.length > room + 4) pool.pop().remove();
      pool.forEach((row, index) => {
        if (row.hidden !== index >= shown) row.hidden = index >= shown;
        if (index < shown) fill(row, items[index]);
      });
      hall.setText(more, cut ? hall.t(shown ? "rows.more" : "rows.all", { n: items.length - shown }) : "");
      more.hidden = !cut || !!dumb;
      // "no alarms" may only be said once the hall has told what there is
      hall.setText(empty, items.length ? "" : hall.t(hall.store.ready ? emptyKey || "rows.none" : "rows.waiting"));
      empty.hidden = items.length > 0;
      list.dataset.shown = shown;
      list.dataset.total = items.length;
    }

    return { show, again: () => show(items), list, capacity: () => fit(0).room };
  };

  // -- small charts ---------------------------------------------------------------------------------------------------

  /** Fits a canvas to its box in device pixels; returns {context, width, height} in CSS px, null while it has no size. */
  hall.canvas = function (canvas) {
    const size = (canvas.size ||= hall.kept(() => (canvas.clientWidth && canvas.clientHeight ? [canvas.clientWidth, canvas.clientHeight] : null)))();
    if (!size) return null;
    const [width, height] = size;
    const ratio = window.devicePixelRatio || 1;
    const w = Math.round(width * ratio);
    const h = Math.round(height * ratio);
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width, height };
  };

  /**
   * One line through `values`; x and y map an index and a value to px. A null is a gap once it is more than three times as
   * long as the steps before it: a gauge that reports every five minutes is a line, one that fell silent is not.
   */
  hall.polyline = function (context, values, x, y) {
    context.beginPath();
    let last = -1;
    let step = 1;
    values.forEach((value, index) => {
      if (value == null) return;
      const gap = index - last;
      context[last >= 0 && gap <= 3 * Math.max(step, 1) + 2 ? "lineTo" : "moveTo"](x(index), y(value));
      if (last >= 0 && gap <= 15) step = Math.max(1, step * 0.5 + gap * 0.5);
      last = index;
    });
    context.stroke();
  };

  const SPARK_MS = 90 * 60000;

  /** The line the readings have passed last and the next one above them: the others say nothing at this size. */
  function linesAround(lines, highest) {
    const passed = lines.filter((line) => line.value <= highest);
    const ahead = lines.filter((line) => line.value > highest);
    return [...passed.slice(-1), ...ahead.slice(0, 1)];
  }

  /** A sparkline of the last 90 minutes of a series document, from zero up (levels: from their lowest); `lines` lowest first. */
  hall.sparkline = function (canvas, series, lines) {
    const ready = hall.canvas(canvas);
    if (!ready || !series) return;
    const { context, width, height } = ready;
    const values = series.values.slice(-Math.round(SPARK_MS / (series.step || 60000)));
    const known = values.filter((value) => value != null);
    if (!known.length) return;
    const highest = Math.max(...known);
    const lowest = Math.min(...known);
    const shown = linesAround(lines, highest);
    const top = Math.max(highest, ...shown.map((line) => line.value), 1e-6) * 1.04;
    // depths start at zero; a river's level far above zero is drawn over its own range
    const bottom = lowest > top * 0.5 ? Math.min(lowest, ...shown.map((line) => line.value)) - (top - lowest) * 0.15 : Math.min(0, lowest);
    const pad = Math.max(1.5, height * 0.07);
    const y = (value) => height - pad - ((value - bottom) / (top - bottom || 1)) * (height - 2 * pad);
    const x = (index) => (index / Math.max(1, values.length - 1)) * (width - pad * 2) + pad;
    context.setLineDash([height * 0.16, height * 0.1]);
    context.lineWidth = Math.max(1, height * 0.05);
    for (const line of shown) {
      context.strokeStyle = hall.severity.color(canvas, line.severity);
      hall.polyline(context, [line.value, line.value], (index) => index * width, y);
    }
    context.setLineDash([]);
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = Math.max(1.25, height * 0.06);
    context.lineJoin = "round";
    hall.polyline(context, values, x, y);
  };

  // -- what several panels ask of the documents -------------------------------------------------------------------------

  /** `a/b` of `topic/a/b/...`: one measuring point in every topic. */
  hall.site = (subject) => subject.split("/").slice(1, 3).join("/");

  /** Threshold lines of a sensor: its own, else the city's for its quantity and kind; lowest first. */
  hall.linesOf = function (sensor, quantity) {
    const own = (sensor && sensor.thresholds) || [];
    if (own.length && (!sensor.quantity || sensor.quantity === quantity)) return [...own].sort((a, b) => a.value - b.value);
    const rules = ((hall.page.wall && hall.page.wall.thresholds) || []).filter((rule) => rule.quantity === quantity);
    const fitting = rules.filter((rule) => rule.kind && sensor && rule.kind === sensor.kind);
    return (fitting.length ? fitting : rules.filter((rule) => !rule.kind)).sort((a, b) => a.value - b.value);
  };

  hall.severityOf = (lines, value) => lines.reduce((worst, line) => (value != null && value >= line.value ? Math.max(worst, line.severity) : worst), 0);

  /** Change per hour over the last `minutes` of a series, null when it is not known. */
  hall.rateOf = function (series, minutes) {
    if (!series || !series.values) return null;
    const steps = Math.max(1, Math.round((minutes * 60000) / (series.step || 60000)));
    let last = series.values.length - 1;
    while (last >= 0 && series.values[last] == null) last -= 1;
    let first = Math.max(0, last - steps);
    while (first < last && series.values[first] == null) first += 1;
    if (last <= first) return null;
    return ((series.values[last] - series.values[first]) / ((last - first) * (series.step || 60000))) * 3600000;
  };

  const IN_FORCE_STATUS = new Set(["Actual", "Exercise", "Test", "System", "Draft"]);
  /** Warnings in force at city time `now`, most severe and newest first. Cancelled and expired ones are left out. */
  hall.warningsInForce = function (now) {
    const all = [...hall.store.docs("warning").values()].map((event) => ({ ...event.data, time: event.time }));
    const replaced = new Set(all.flatMap((w) => w.references || []));
    return all
      .filter((w) => IN_FORCE_STATUS.has(w.status || "Actual") && (w.message_type || "Alert") !== "Cancel" && !replaced.has(w.warning_id))
      .filter((w) => (w.onset == null || w.onset <= now) && (w.expires == null || w.expires > now))
      .sort((a, b) => (b.severity || 0) - (a.severity || 0) || b.time - a.time);
  };

  /** Those that somebody may look at: what is explained by another one, shelved or out of service brings up no pictures. */
  hall.activeAlarms = () => [...hall.store.docs("alarm").values()].map((event) => event.data).filter((alarm) => alarm.active !== false && !hall.alarms.away(alarm));
})();

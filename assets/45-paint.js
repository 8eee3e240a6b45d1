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

  // -- rows ---------------------------------------------------------------------------------------------------------

  /**
   * Rows made once and used again, as many as fit; the last line says how many more there are.
   * `build()` -> element with the row's cells; `fill(row, item)` writes an item into it.
   * `options.em`: least height of a row as a multiple of the text size; `options.stretch`: how much higher rows may become
   * when there is space left.
   */
  hall.rows = function (body, build, fill, options) {
    const settings = { em: 1.5, stretch: 1.3, ...options };
    const MORE_EM = 1.45;
    const list = make("div.rows");
    const more = make("div.rows-more");
    const empty = make("div.rows-empty");
    body.append(list, more, empty);
    const pool = [];
    let items = [];
    let emptyKey = "";

    /** What fits: {room: rows without the line for the rest, shown, height: px of a row}. */
    function fit(count) {
      const text = parseFloat(getComputedStyle(body).fontSize);
      const line = text * settings.em;
      const space = body.clientHeight + 1;
      const room = Math.max(1, Math.floor(space / line));
      if (count <= room) return { room, shown: count, height: Math.min(line * settings.stretch, space / Math.max(1, count)) };
      const rest = space - text * MORE_EM;
      const shown = Math.max(1, Math.floor(rest / line));
      return { room, shown, height: Math.min(line * settings.stretch, rest / shown) };
    }

    function show(next, key) {
      items = next;
      emptyKey = key === undefined ? emptyKey : key;
      const { room, shown, height } = fit(items.length);
      const cut = shown < items.length;
      list.style.setProperty("--row", `${height.toFixed(2)}px`);
      while (pool.length < shown) {
        const row = build();
        row.classList.add("row");
        pool.push(row);
        list.append(row);
      }
      while (pool.length > room + 4) pool.pop().remove();
      pool.forEach((row, index) => {
        row.hidden = index >= shown;
        if (index < shown) fill(row, items[index]);
      });
      hall.setText(more, cut ? hall.t("rows.more", { n: items.length - shown }) : "");
      more.hidden = !cut;
      hall.setText(empty, items.length ? "" : hall.t(emptyKey || "rows.none"));
      empty.hidden = items.length > 0;
      list.dataset.shown = shown;
      list.dataset.total = items.length;
    }

    return { show, again: () => show(items), list, capacity: () => fit(0).room };
  };

  // -- small charts ---------------------------------------------------------------------------------------------------

  /** Fits a canvas to its box in device pixels; returns {context, width, height} in CSS px, null while it has no size. */
  hall.canvas = function (canvas) {
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !height) return null;
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

  /** One line through `values` (null = gap); x and y map an index and a value to px. */
  hall.polyline = function (context, values, x, y) {
    context.beginPath();
    let pen = false;
    values.forEach((value, index) => {
      if (value == null) {
        pen = false;
      } else {
        context[pen ? "lineTo" : "moveTo"](x(index), y(value));
        pen = true;
      }
    });
    context.stroke();
  };

  /** A sparkline of a series document with threshold lines; `lines`: [{value, severity}]. */
  hall.sparkline = function (canvas, series, lines) {
    const ready = hall.canvas(canvas);
    if (!ready || !series) return;
    const { context, width, height } = ready;
    const known = series.values.filter((value) => value != null);
    if (!known.length) return;
    const pad = Math.max(2, height * 0.08);
    const highest = Math.max(...known);
    // the next line above the highest reading belongs in the picture: how far is it still
    const next = Math.min(...lines.map((line) => line.value).filter((value) => value > highest), Infinity);
    const top = Math.max(highest, Number.isFinite(next) ? next : highest) * 1.05 || 1;
    const low = Math.min(0, ...known);
    const bottom = low < 0 || top - Math.min(...known) > top * 0.4 ? low : Math.min(...known, ...lines.map((l) => l.value)) - (top - Math.min(...known)) * 0.2;
    const y = (value) => height - pad - ((value - bottom) / (top - bottom || 1)) * (height - 2 * pad);
    const x = (index) => (index / Math.max(1, series.values.length - 1)) * (width - pad * 2) + pad;
    for (const line of lines) {
      if (line.value > top || line.value < bottom) continue;
      context.strokeStyle = hall.severity.color(canvas, line.severity);
      context.globalAlpha = 0.75;
      context.lineWidth = Math.max(1, height * 0.025);
      context.setLineDash([height * 0.14, height * 0.1]);
      context.beginPath();
      context.moveTo(0, y(line.value));
      context.lineTo(width, y(line.value));
      context.stroke();
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = Math.max(1.25, height * 0.055);
    context.lineJoin = "round";
    hall.polyline(context, series.values, x, y);
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

  const IN_FORCE_STATUS = new Set(["Actual", "Exercise", "Test", "System"]);
  /** Warnings in force at city time `now`, most severe and newest first. Cancelled and expired ones are left out. */
  hall.warningsInForce = function (now) {
    const all = [...hall.store.docs("warning").values()].map((event) => ({ ...event.data, time: event.time }));
    const replaced = new Set(all.flatMap((w) => w.references || []));
    return all
      .filter((w) => IN_FORCE_STATUS.has(w.status || "Actual") && (w.message_type || "Alert") !== "Cancel" && !replaced.has(w.warning_id))
      .filter((w) => (w.onset == null || w.onset <= now) && (w.expires == null || w.expires > now))
      .sort((a, b) => (b.severity || 0) - (a.severity || 0) || b.time - a.time);
  };

  hall.activeAlarms = () => [...hall.store.docs("alarm").values()].map((event) => event.data).filter((alarm) => alarm.active !== false);
})();

/* A view of the map as a sheet for paper: white margin, title, map, scale bar, north, legend with the age of each layer's data, who and when.
 *
 * hall.citymap.viewPicture(view)   -> canvas of what the map shows, in its full resolution
 * hall.citymap.layersShown(view)   -> [{name, label, count, time (city ms or null), picture, printed}]; `printed` what its colours mean
 *                                  (87-sheet-legend.js), null where the symbol says all
 * hall.citymap.sheet(view, {title, width, height, light, by, at}) -> canvas; without width and height as large as the view needs
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;
  const LIGHT = "invert(1) hue-rotate(180deg)"; // light ground, every colour keeps its hue
  const TOPIC = { cases: "case", gauges: "observation", vehicles: "position", cameras: "channel", closures: "closure", depots: "depot", incidents: "incident", warnings: "warning" };
  const INK = "#10151d";
  const SOFT = "#4a5666";
  const ALARM = "#b3261e";

  // -- the map itself ----------------------------------------------------------------------------------------------------

  citymap.viewPicture = function (view) {
    const { map, stage } = view;
    if (stage.redraw) stage.redraw();
    const size = map.getSize();
    const box = map.getContainer().getBoundingClientRect();
    const ratio = Math.max(1, stage.frame ? stage.frame.ratio : 1);
    const scale = (size.x / box.width) * ratio;
    const made = document.createElement("canvas");
    made.width = Math.round(size.x * ratio);
    made.height = Math.round(size.y * ratio);
    const c = made.getContext("2d");
    c.fillStyle = citymap.ink.ground;
    c.fillRect(0, 0, made.width, made.height);
    for (const canvas of map.getPane("mapPane").querySelectorAll("canvas")) {
      const at = canvas.getBoundingClientRect();
      if (!canvas.width || !at.width || getComputedStyle(canvas).visibility === "hidden") continue;
      c.drawImage(canvas, (at.left - box.left) * scale, (at.top - box.top) * scale, at.width * scale, at.height * scale);
    }
    measured(c, map, ratio);
    return made;
  };

  /** What was measured lies in Leaflet's own pane: drawn here again. */
  function measured(c, map, ratio) {
    c.lineJoin = c.lineCap = "round";
    c.textBaseline = "middle";
    c.textAlign = "left";
    for (const { points, closed, text } of citymap.measured()) {
      const px = points.map(([lon, lat]) => map.latLngToContainerPoint([lat, lon]).multiplyBy(ratio));
      c.beginPath();
      px.forEach(({ x, y }, i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
      if (closed) c.closePath();
      c.strokeStyle = "#eaf2fb";
      c.lineWidth = 2.5 * ratio;
      c.stroke();
      const last = closed ? px[0] : px[px.length - 1];
      c.font = `600 ${15 * ratio}px ${citymap.family}`;
      c.lineWidth = 4 * ratio;
      citymap.write(c, text, last.x + 9 * ratio, last.y, "#ffffff");
    }
  }

  // -- what is on it --------------------------------------------------------------------------------------------------------

  function newest(topics) {
    let found = null;
    for (const topic of topics) for (const { time, data } of citymap.docs(topic).values()) if (data && (found === null || time > found)) found = time;
    return found;
  }

  function timeOf(view, name) {
    const part = view.layers.get(name);
    if (part && part.asOf) return part.asOf();
    if (name === "cells") return ((citymap.doc("kpi/cells") || {}).data || {}).as_of ?? null;
    if (name === "radar") return view.radar.state ? Math.min(view.radar.state.frame.time, view.radar.state.frame.run) : null;
    if (name === "components") return (view.components.about && view.components.about.made_at) || null;
    const declared = citymap.declared.find((one) => one.name === name);
    return newest(TOPIC[name] ? [TOPIC[name]] : (declared && declared.topics) || []);
  }

  /** What paper must say of a layer: its part's `printed()`, else that of what stands beside it on the screen. */
  function printedOf(view, name) {
    const part = { radar: { key: view.radarKey }, components: view.components }[name] || view.layers.get(name) || {};
    const explains = [part, part.key].find((one) => one && one.printed);
    return explains ? explains.printed() : null;
  }

  citymap.layersShown = function (view) {
    const found = [];
    for (const [name, { button, picture, count }] of view.legend.rows) {
      if (button.getAttribute("aria-pressed") !== "true" || button.hidden) continue;
      found.push({ name, label: hall.t(`map.layer.${name}`), count: count.textContent, time: timeOf(view, name), picture, printed: printedOf(view, name) });
    }
    return found;
  };

  const marks = () => [(hall.exercise || []).length ? "exercise" : "", citymap.past || hall.clock.replay() ? "replay" : "", hall.page.demo ? "demo" : ""].filter(Boolean).map((name) => hall.t(`map.print.${name}`));

  // -- the sheet ------------------------------------------------------------------------------------------------------------

  const round = (most) => {
    const power = 10 ** Math.floor(Math.log10(most));
    return [5, 2, 1].find((n) => n * power <= most) * power;
  };

  function scaleBar(c, view, em, x, y, perPixel) {
    const metres = round(perPixel * em * 14);
    const long = metres / perPixel;
    c.fillStyle = INK;
    for (let i = 0; i < 4; i += 1) {
      c.fillStyle = i % 2 ? "#ffffff" : INK;
      c.fillRect(x + (long * i) / 4, y, long / 4, em * 0.45);
    }
    c.strokeStyle = INK;
    c.lineWidth = em * 0.08;
    c.strokeRect(x, y, long, em * 0.45);
    c.fillStyle = INK;
    c.font = `600 ${em}px ${citymap.family}`;
    c.fillText(metres >= 1000 ? `${hall.format.number(metres / 1000)} km` : `${hall.format.number(metres)} m`, x + long + em * 0.5, y + em * 0.25);
    return long + em * 5;
  }

  function north(c, em, x, y) {
    c.beginPath();
    c.moveTo(x, y - em * 1.1);
    c.lineTo(x + em * 0.6, y + em * 0.9);
    c.lineTo(x, y + em * 0.45);
    c.lineTo(x - em * 0.6, y + em * 0.9);
    c.closePath();
    c.fillStyle = INK;
    c.fill();
    c.font = `700 ${em}px ${citymap.family}`;
    c.fillText(hall.t("map.print.north"), x + em * 0.9, y);
  }

  /** What the colours of severity have become on this sheet: the marks before them are the same as on screens. */
  function severities(c, em, x, y, filter) {
    let at = x;
    for (const n of [1, 2, 3, 4]) {
      c.filter = filter;
      c.fillStyle = citymap.ink.ground;
      const text = hall.severityText(n);
      const wide = c.measureText(text).width + em;
      c.fillRect(at, y - em * 0.85, wide, em * 1.7);
      c.fillStyle = citymap.colours[n];
      c.fillText(text, at + em * 0.5, y);
      c.filter = "none";
      at += wide + em * 0.4;
    }
  }

  function stampAcross(c, words, left, top, wide, high, em) {
    if (!words.length) return;
    c.save();
    c.beginPath();
    c.rect(left, top, wide, high);
    c.clip();
    c.translate(left + wide / 2, top + high / 2);
    c.rotate(-Math.PI / 7);
    c.font = `800 ${em * 7}px ${citymap.family}`;
    c.textAlign = "center";
    c.fillStyle = ALARM;
    c.globalAlpha = 0.22;
    for (let row = -2; row <= 2; row += 1) c.fillText(words.join("  "), 0, row * em * 14);
    c.restore();
  }

  citymap.sheet = function (view, { title, width, height, light, by, at, picture = citymap.viewPicture(view) }) {
    const layers = citymap.layersShown(view);
    const em = width ? height / 62 : Math.max(16, picture.width / 100);
    const margin = em * 2.2;
    const wide = width || Math.round(picture.width + 2 * margin);
    const made = document.createElement("canvas");
    const c = made.getContext("2d");
    const legend = new citymap.SheetLegend(c, layers, em, wide - 2 * margin);
    const [headHigh, footHigh] = [em * 4.4, legend.high + em * 8.4];
    const high = height || Math.round(picture.height + headHigh + footHigh + margin);
    [made.width, made.height] = [wide, high];
    c.fillStyle = "#ffffff";
    c.fillRect(0, 0, wide, high);
    c.textBaseline = "middle";
    c.textAlign = "left";
    const filter = light ? LIGHT : "none";

    // title, marks, moment
    c.fillStyle = INK;
    c.font = `700 ${em * 2}px ${citymap.family}`;
    const taken = citymap.fitted(c, title, margin, em * 2.6, wide * 0.55);
    c.font = `700 ${em * 1.3}px ${citymap.family}`;
    c.fillStyle = ALARM;
    c.fillText(marks().map((mark) => `【${mark}】`).join(""), margin + taken + em, em * 2.6);
    c.textAlign = "right";
    c.fillStyle = INK;
    c.font = `600 ${em * 1.2}px ${citymap.family}`;
    const now = citymap.now();
    c.fillText(`${hall.t("map.print.time")} ${hall.format.date(now)} ${hall.format.seconds(now)}`, wide - margin, em * 2.6);
    c.textAlign = "left";

    // the map
    const room = [wide - 2 * margin, high - headHigh - footHigh];
    const scale = Math.min(room[0] / picture.width, room[1] / picture.height);
    const [mw, mh] = [picture.width * scale, picture.height * scale];
    const [left, top] = [(wide - mw) / 2, headHigh];
    c.imageSmoothingQuality = "high";
    c.filter = filter;
    c.drawImage(picture, left, top, mw, mh);
    c.filter = "none";
    const stamps = [(hall.exercise || []).length ? hall.t("map.print.exercise") : "", !citymap.past && hall.clock.replay() ? hall.t("map.print.replay") : ""].filter(Boolean); // a replayed map says so itself
    stampAcross(c, stamps, left, top, mw, mh, em);
    c.strokeStyle = INK;
    c.lineWidth = Math.max(1, em * 0.1);
    c.strokeRect(left, top, mw, mh);

    // scale, north, where
    const under = top + mh + em * 1.8;
    const size = view.map.getSize();
    const middle = view.map.getCenter();
    const perPixel = (Math.cos((middle.lat * Math.PI) / 180) * 40075016.686) / (256 * 2 ** view.map.getZoom()) / (mw / size.x);
    const bar = scaleBar(c, view, em, margin, under, perPixel);
    north(c, em, margin + bar + em * 2, under + em * 0.2);
    const [west, south, east, north_] = view.inView();
    c.textAlign = "right";
    c.font = `${em * 0.9}px ${citymap.family}`;
    c.fillStyle = SOFT;
    c.fillText(`${hall.t("map.print.coordinates")} · ${hall.t("map.print.box")} ${west.toFixed(4)}, ${south.toFixed(4)} – ${east.toFixed(4)}, ${north_.toFixed(4)}`, wide - margin, under + em * 0.25);
    c.textAlign = "left";

    // legend with ages, who, owed to whom
    c.fillStyle = INK;
    c.font = `700 ${em}px ${citymap.family}`;
    c.fillText(hall.t("map.print.legend"), margin, under + em * 2.4);
    severities(c, em, margin + c.measureText(hall.t("map.print.legend")).width + em * 2, under + em * 2.4, filter);
    legend.draw(margin, under + em * 3.6, filter);
    c.font = `${em * 0.9}px ${citymap.family}`;
    c.fillStyle = SOFT;
    const last = high - em * 1.4;
    const owed = view.scale && view.scale.owed ? view.scale.owed.textContent : citymap.attribution || "";
    citymap.fitted(c, [hall.label(hall.page.city), by ? `${hall.t("map.print.by")} ${by} ${hall.format.date(at)} ${hall.format.seconds(at)}` : "", owed ? `${hall.t("map.print.owed")} ${owed}` : ""].filter(Boolean).join("   ·   "), margin, last, wide - 2 * margin);
    return made;
  };
})();

/* Symbols of the city map, drawn once each and then stamped. Colour says severity only; shape says it too.
 *
 * Severity: 0 ring, 1 disc, 2 triangle, 3 diamond, 4 square with "!". A component's case has a square hole, a service
 * request a bar; an overdue case an outer broken ring. Vehicles, cameras and quiet gauges are without hue.
 */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const FALLBACK = ["#b9c7d8", "#58a6ff", "#ffd43b", "#ff922b", "#ff5a5f"];

  citymap.SHAPES = ["", "●", "▲", "◆", "■"]; // as text, as on the other panels
  citymap.ink = { ground: "#0a111d", text: "#d9e4f0", dim: "#8a9bb0", halo: "rgba(6,11,20,.88)" };

  /** Colours by severity, from the page's CSS where it says so (--severity-0 … --severity-4). */
  citymap.readColours = function (element) {
    const style = getComputedStyle(element);
    citymap.colours = FALLBACK.map((otherwise, n) => style.getPropertyValue(`--severity-${n}`).trim() || otherwise);
    citymap.family = style.fontFamily || "sans-serif";
  };
  citymap.colours = FALLBACK;
  citymap.family = "sans-serif";

  function polygon(c, r, corners, turn) {
    c.beginPath();
    for (let i = 0; i < corners; i += 1) {
      const angle = turn + (i * 2 * Math.PI) / corners;
      c.lineTo(r * Math.cos(angle), r * Math.sin(angle));
    }
    c.closePath();
  }

  /** The outline that stands for a severity, about the origin. */
  citymap.outline = function (c, severity, r) {
    if (severity === 2) polygon(c, r * 1.2, 3, -Math.PI / 2);
    else if (severity === 3) polygon(c, r * 1.15, 4, 0);
    else if (severity === 4) polygon(c, r * 1.2, 4, Math.PI / 4);
    else {
      c.beginPath();
      c.arc(0, 0, severity === 0 ? r * 0.62 : r * 0.85, 0, 2 * Math.PI);
    }
  };

  const HOLE = {
    component: (c, r) => c.fillRect(-r * 0.26, -r * 0.26, r * 0.52, r * 0.52),
    service: (c, r) => c.fillRect(-r * 0.4, -r * 0.13, r * 0.8, r * 0.26),
    occurrence: () => {},
  };

  function drawCase(c, r, { severity, kind, overdue }) {
    citymap.outline(c, severity, r);
    c.lineJoin = "round";
    c.lineWidth = r * 0.36;
    c.strokeStyle = citymap.ink.halo;
    c.stroke();
    if (severity === 0) {
      c.lineWidth = r * 0.26;
      c.strokeStyle = citymap.colours[0];
      c.stroke();
    } else {
      c.fillStyle = citymap.colours[severity];
      c.fill();
    }
    c.fillStyle = severity ? citymap.ink.ground : citymap.colours[0];
    if (severity === 4) {
      c.fillRect(-r * 0.13, -r * 0.62, r * 0.26, r * 0.78);
      c.fillRect(-r * 0.13, r * 0.34, r * 0.26, r * 0.26);
    } else (HOLE[kind] || HOLE.occurrence)(c, r);
    if (overdue) {
      c.beginPath();
      c.setLineDash([r * 0.5, r * 0.34]);
      c.arc(0, 0, r * 1.38, 0, 2 * Math.PI);
      c.lineWidth = r * 0.2;
      c.strokeStyle = citymap.ink.text;
      c.stroke();
      c.setLineDash([]);
    }
  }

  function dropPath(c, r) {
    c.beginPath();
    c.moveTo(0, -r * 1.15);
    c.bezierCurveTo(r * 0.35, -r * 0.5, r * 0.8, -r * 0.1, r * 0.8, r * 0.32);
    c.arc(0, r * 0.32, r * 0.8, 0, Math.PI);
    c.bezierCurveTo(-r * 0.8, -r * 0.1, -r * 0.35, -r * 0.5, 0, -r * 1.15);
    c.closePath();
  }

  /** A gauge: a drop (rain: a box) filled to `level` twelfths of its highest line. */
  function drawGauge(c, r, { severity, level, rain, stale }) {
    const path = rain
      ? () => {
          c.beginPath();
          c.rect(-r * 0.7, -r * 0.95, r * 1.4, r * 1.9);
        }
      : () => dropPath(c, r);
    path();
    c.lineJoin = "round";
    c.lineWidth = r * 0.42;
    c.strokeStyle = citymap.ink.halo;
    c.stroke();
    c.fillStyle = citymap.ink.ground;
    c.fill();
    c.save();
    c.clip();
    c.fillStyle = citymap.colours[severity];
    const height = (r * 2.3 * level) / 12;
    c.fillRect(-r, r * 1.15 - height, 2 * r, height);
    c.restore();
    path();
    c.lineWidth = r * (severity >= 2 ? 0.26 : 0.18);
    c.strokeStyle = stale ? citymap.ink.dim : citymap.colours[severity];
    if (stale) c.setLineDash([r * 0.3, r * 0.24]);
    c.stroke();
    c.setLineDash([]);
  }

  const BODY = {
    crew(c, r) {
      c.beginPath();
      c.arc(0, -r * 0.45, r * 0.36, 0, 2 * Math.PI);
      c.moveTo(r * 0.62, r * 0.85);
      c.arc(0, r * 0.85, r * 0.62, 0, Math.PI, true);
      c.closePath();
    },
    /** A person stands upright; a tip beside it says where it goes. */
    walking(c, r, turn) {
      BODY.crew(c, r);
      const angle = ((turn - 8) * Math.PI) / 16;
      const at = (ahead, side) => [r * (ahead * Math.cos(angle) - side * Math.sin(angle)), r * (ahead * Math.sin(angle) + side * Math.cos(angle))];
      c.moveTo(...at(1.5, 0));
      c.lineTo(...at(0.95, 0.52));
      c.lineTo(...at(0.95, -0.52));
      c.closePath();
    },
    still(c, r) {
      c.beginPath();
      c.rect(-r * 0.95, -r * 0.55, r * 1.15, r * 1.05); // a lorry from the side: load, cab
      c.moveTo(r * 0.32, -r * 0.25);
      c.lineTo(r * 0.68, -r * 0.25);
      c.lineTo(r * 0.95, r * 0.08);
      c.lineTo(r * 0.95, r * 0.5);
      c.lineTo(r * 0.32, r * 0.5);
      c.closePath();
    },
    moving(c, r) {
      c.beginPath();
      c.moveTo(0, -r);
      c.lineTo(r * 0.72, r * 0.85);
      c.lineTo(0, r * 0.48);
      c.lineTo(-r * 0.72, r * 0.85);
      c.closePath();
    },
  };

  /** A vehicle or crew: an arrow where it is heading (of a crew on foot a tip), a lorry when that is not known; faint when late, hollow with a broken edge when old. */
  function drawUnit(c, r, { body, turn, age }) {
    if (body !== "walking") c.rotate((turn * Math.PI) / 16);
    BODY[body](c, r, turn);
    c.lineJoin = "round";
    c.lineWidth = r * 0.5;
    c.strokeStyle = citymap.ink.halo;
    c.stroke();
    c.globalAlpha = [1, 0.7, 0.55][age];
    c.lineWidth = r * 0.22;
    c.strokeStyle = c.fillStyle = "#eaf2fb";
    if (age < 2) return void c.fill();
    c.globalAlpha = 0.75;
    c.setLineDash([r * 0.85, r * 0.35]);
    c.stroke();
  }

  function drawCamera(c, r, { state, stream }) {
    const online = state === "online";
    c.beginPath();
    c.rect(-r * 0.95, -r * 0.5, r * 1.3, r);
    c.moveTo(r * 0.42, -r * 0.12);
    c.lineTo(r * 0.95, -r * 0.5);
    c.lineTo(r * 0.95, r * 0.5);
    c.lineTo(r * 0.42, r * 0.12);
    c.lineJoin = "round";
    c.lineWidth = r * 0.42;
    c.strokeStyle = citymap.ink.halo;
    c.stroke();
    c.lineWidth = r * 0.18;
    c.strokeStyle = c.fillStyle = online ? "#93a5ba" : citymap.ink.dim;
    if (stream && online) c.fill();
    if (state === "unknown") c.setLineDash([r * 0.3, r * 0.26]);
    c.stroke();
    if (state !== "offline") return;
    c.beginPath();
    c.moveTo(-r * 0.9, r * 0.85);
    c.lineTo(r * 0.9, -r * 0.85);
    c.stroke();
  }

  const DRAW = { case: drawCase, gauge: drawGauge, unit: drawUnit, camera: drawCamera };
  citymap.symbols = DRAW; // further symbols are added by the files that place them
  const sprites = new citymap.Kept(60);

  function draw(what, r, ratio, options) {
    const half = Math.ceil(r * 1.75);
    const side = Math.ceil(half * 2 * ratio);
    const canvas = citymap.pictured(() => [side, side], (c) => {
      c.scale(ratio, ratio);
      c.translate(half, half);
      DRAW[what](c, r, options);
    });
    return { canvas, half, size: side / ratio };
  }

  /** The picture of a symbol of radius `r` CSS px; `key` must tell all of `options`. Stamp it at once: it is kept for a while only. */
  citymap.sprite = (what, key, r, ratio, options) => sprites.get(`${what}|${key}|${r}|${ratio}`, () => draw(what, r, ratio, options));

  /** Draws a sprite about (x, y), on whole device pixels: an unshifted copy is twice as fast and sharper. */
  citymap.stamp = (context, sprite, x, y, ratio = 1) =>
    context.drawImage(sprite.canvas, Math.round((x - sprite.half) * ratio) / ratio, Math.round((y - sprite.half) * ratio) / ratio,
      sprite.size, sprite.size);

  /** Text with a dark halo, legible on anything. */
  citymap.write = function (context, text, x, y, colour) {
    context.lineJoin = "round";
    context.strokeStyle = citymap.ink.halo;
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  };
})();

/* What a camera sees: its sector on the ground, where the supplier says which way it looks. A sector with an assumed width
 * or range is drawn with a broken edge. */
"use strict";

(function () {
  const citymap = (window.hall.citymap = window.hall.citymap || {});
  const ASSUMED_FOV_DEG = 70; // as video/catalogue/sector.py
  const ASSUMED_RANGE_M = 150;
  const FROM = 15; // zoom from which all sectors are drawn; below it only that of the camera that is pointed at
  const LEAST = 1.6; // of the symbol's radius: a sector smaller than that says nothing

  citymap.sectorsFrom = FROM;

  /** Draws the sector of a camera's document around px, py; whether there was one to draw. */
  citymap.drawSector = function (c, frame, entry, px, py, strong) {
    const { data } = entry.event;
    if (!Number.isFinite(data.bearing_deg)) return false;
    const assumed = data.fov_deg == null || data.range_m == null;
    const reach = (data.range_m ?? ASSUMED_RANGE_M) * citymap.perMetre(entry.y) * frame.scale;
    const radius = strong ? Math.max(reach, frame.glyph * 2) : reach;
    if (radius < frame.glyph * LEAST) return false;
    const middle = ((data.bearing_deg - 90) * Math.PI) / 180;
    const half = ((data.fov_deg ?? ASSUMED_FOV_DEG) * Math.PI) / 360;
    c.save();
    c.beginPath();
    c.moveTo(px, py);
    c.arc(px, py, radius, middle - half, middle + half);
    c.closePath();
    c.fillStyle = strong ? "rgba(230, 237, 247, 0.28)" : "rgba(169, 185, 208, 0.16)";
    c.fill();
    c.setLineDash(assumed ? [frame.u * 4, frame.u * 3] : []);
    c.lineWidth = frame.u * (strong ? 1.6 : 0.9);
    c.strokeStyle = strong ? "#e6edf7" : "#7f92ae";
    c.stroke();
    c.restore();
    return true;
  };
})();

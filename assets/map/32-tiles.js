/* The city's own map: which there is, and its vector tiles painted into the ground's still part.
 *
 * new citymap.Tiles({renew(box), told()})   renew: what the box {west, north, east, south} shows (unit square; null: all) has come
 *   look(frame)            what this frame needs is asked for; false while there is no map, or nothing of it yet
 *   paint(c, frame, part)  what meets `part` {left, top, right, bottom} in px of the frame; opaque, so that twice does no harm
 *   items(frame, part)     the tiles in it: [{shapes, names, z, x, y, k px a unit, px, py of its corner, clip}]
 *   fault, attribution, generation (changes with every tile that comes)
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = (hall.citymap = hall.citymap || {});
  const UNITS = 4096; // 31-tile-decode.js
  const KEPT = "hall.basemap"; // the last description, for a start while the hall does not answer
  const RETRY_MS = 5000;
  const RELOOK_MS = 5 * 60 * 1000; // a map may be brought in, or replaced, while a wall runs
  const SHARPEST = 0.3; // part of a zoom level that a tile is shown before its next level comes
  const ROUND = 2.2; // u: lines wider than this have round ends and corners; narrower ones cannot show them
  const NEAR = 0.8; // px: points closer than this to the one before are left out

  // -- which map: asked once for all maps of the page ----------------------------------------------------------------------

  const users = new Set();
  let source = null; // TileJSON, null while none is known
  let fault = "";
  let asking = false;

  async function read(address) {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!(answer.headers.get("content-type") || "").includes("json")) return {}; // a hall without maps
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.detail || told.reason || String(answer.status));
    return told;
  }

  async function describe() {
    const { basemap, tilejson } = await read("/tiles");
    if (!basemap) return null;
    const told = tilejson || (await read(`/tiles/${encodeURIComponent(basemap)}.json`)); // which says why it cannot be read
    return told.format === "pbf" ? told : null; // pictures are another layer's
  }

  /** The description that was kept last; null where there is none, or no storage here. */
  function kept() {
    try {
      return JSON.parse(localStorage.getItem(KEPT) || "null");
    } catch {
      return null;
    }
  }

  function keep(told) {
    try {
      localStorage.setItem(KEPT, JSON.stringify(told));
    } catch {
      // full or forbidden: the next start asks
    }
  }

  function take(told) {
    if (JSON.stringify(told) === JSON.stringify(source)) return;
    source = told;
    for (const user of users) user.changed();
  }

  async function ask() {
    if (asking) return;
    asking = true;
    while (users.size) {
      let wait = RELOOK_MS;
      try {
        const told = await describe();
        fault = "";
        take(told);
        keep(told);
      } catch (error) {
        fault = error.message;
        wait = RETRY_MS;
        if (!source) take(kept());
      }
      for (const user of users) user.told();
      await new Promise((done) => setTimeout(done, wait));
    }
    asking = false;
  }

  citymap.Tiles = class {
    constructor({ renew, told }) {
      Object.assign(this, { renew, told });
      this.generation = 0;
      this.begun = false; // whether a whole view has been there: until then another ground may stand in
      this.store = new citymap.TileStore({
        address: (z, x, y) => source.tiles[0].replace("{z}", z).replace("{x}", x).replace("{y}", y),
        decode: async (answer) => citymap.decodeTile(await answer.arrayBuffer()),
        arrived: (z, x, y) => this.arrived(z, x, y),
        told: () => told(),
      });
      users.add(this);
      citymap.expectTiles();
      ask();
    }

    get fault() {
      return this.store.fault || (source ? "" : fault);
    }

    get attribution() {
      return (source && source.attribution) || "";
    }

    changed() {
      this.store.clear();
      this.frame = null;
      this.generation += 1;
      this.begun = false;
      this.renew(null);
    }

    arrived(z, x, y) {
      this.generation += 1;
      if (this.begun) {
        const side = 2 ** z;
        this.renew({ west: x / side, north: y / side, east: (x + 1) / side, south: (y + 1) / side });
      } else if (this.store.whole) this.renew(null);
    }

    look(frame) {
      if (!source) return false;
      const all = frame.part || frame;
      if (this.frame !== all) {
        this.frame = all;
        this.store.want(this.rows(all, whole(all)));
      }
      const beside = frame.left < all.left || frame.top < all.top || frame.left + frame.width > all.left + all.width ||
        frame.top + frame.height > all.top + all.height;
      if (beside) this.store.also(this.rows(frame, whole(frame)));
      this.begun = this.begun || this.store.whole;
      return true;
    }

    /** The tiles that meet a part of the frame, nearest to its middle first. */
    rows(frame, part) {
      const { minzoom = 0, maxzoom = 14, bounds = [-180, -85, 180, 85] } = source;
      const z = Math.max(minzoom, Math.min(maxzoom, Math.floor(frame.wide + SHARPEST)));
      const side = 2 ** z;
      const unit = (px, from) => ((px + from) / frame.scale) * side;
      const within = (value) => Math.max(0, Math.min(side - 1, Math.floor(value)));
      const edge = 1e-9;
      const west = Math.max(within(unit(part.left, frame.left)), within(citymap.projectX(bounds[0]) * side));
      const east = Math.min(within(unit(part.right, frame.left)), within(citymap.projectX(bounds[2]) * side - edge));
      const north = Math.max(within(unit(part.top, frame.top)), within(citymap.projectY(bounds[3]) * side));
      const south = Math.min(within(unit(part.bottom, frame.top)), within(citymap.projectY(bounds[1]) * side - edge));
      const [mx, my] = [unit((part.left + part.right) / 2, frame.left) - 0.5, unit((part.top + part.bottom) / 2, frame.top) - 0.5];
      const rows = [];
      for (let y = north; y <= south; y += 1) for (let x = west; x <= east; x += 1) rows.push([z, x, y]);
      return rows.sort((a, b) => Math.hypot(a[1] - mx, a[2] - my) - Math.hypot(b[1] - mx, b[2] - my));
    }

    items(frame, part = whole(frame)) {
      const place = (z, x, y) => [(x / 2 ** z) * frame.scale - frame.left, (y / 2 ** z) * frame.scale - frame.top, frame.scale / 2 ** z];
      return this.store.cover(this.rows(frame, part)).filter(({ tile }) => tile.shapes).map(({ z, x, y, tile, clip }) => {
        const [px, py, size] = place(z, x, y);
        return { shapes: tile.shapes, names: tile.names, z, x, y, px, py, k: size / UNITS, clip: clip && place(...clip) };
      });
    }

    paint(c, frame, part = whole(frame)) {
      const items = this.items(frame, part);
      const growth = citymap.growth(frame.wide) * frame.u;
      const shown = citymap.TILE_STYLE.filter(({ from, to = 99 }) => frame.wide >= from && frame.wide < to);
      let edged = frame.wide < citymap.EDGED_FROM;
      for (const style of shown) {
        if (style.edge && !edged) {
          edged = true;
          for (const road of shown) if (road.edge) draw(c, items, part, road, road.edge, (road.width + 0.9) * growth, frame.u);
        }
        draw(c, items, part, style, style.fill || style.line, (style.width || 0) * growth, frame.u);
      }
      c.setLineDash([]);
    }

    /** Bytes of decoded tiles, how many, and how many are under way. */
    get held() {
      return { bytes: this.store.bytes, tiles: this.store.tiles.size, loading: this.store.loading.size };
    }

    remove() {
      users.delete(this);
      this.store.clear();
    }
  };

  const whole = (frame) => ({ left: 0, top: 0, right: frame.width, bottom: frame.height });

  function draw(c, items, part, style, colour, width, u) {
    [c.lineCap, c.lineJoin] = width > ROUND * u ? ["round", "round"] : ["butt", "bevel"];
    c.lineWidth = width;
    c.strokeStyle = c.fillStyle = colour;
    c.setLineDash((style.dash || []).map((n) => n * u));
    for (const item of items) {
      const groups = style.keys.map((key) => item.shapes.get(key)).filter((group) => group && group.area === !style.line);
      if (!groups.length) continue;
      if (item.clip) {
        c.save();
        c.beginPath();
        c.rect(item.clip[0], item.clip[1], item.clip[2], item.clip[2]);
        c.clip();
      }
      c.beginPath();
      for (const group of groups) trace(c, item, group, part, width);
      if (style.line) c.stroke();
      else c.fill(); // nonzero: areas of a class that overlap do not put each other out
      if (item.clip) c.restore();
    }
  }

  /** The lines of a group that meet the part, added to the path. */
  function trace(c, { k, px, py }, { area, points, ends, boxes }, part, width) {
    const [west, north] = [(part.left - width - px) / k, (part.top - width - py) / k];
    const [east, south] = [(part.right + width - px) / k, (part.bottom + width - py) / k];
    const step = NEAR / k;
    let from = 0;
    for (let n = 0; n < ends.length; n += 1) {
      const end = ends[n];
      const b = 4 * n;
      const small = boxes[b + 2] - boxes[b] < step && boxes[b + 3] - boxes[b + 1] < step;
      if (!small && boxes[b] <= east && boxes[b + 2] >= west && boxes[b + 1] <= south && boxes[b + 3] >= north) {
        let x = points[from];
        let y = points[from + 1];
        // of a line that leaves the part only what is in it: a stroke beyond the edge costs as much as one that is seen
        const leaves = !area && (boxes[b] < west || boxes[b + 2] > east || boxes[b + 1] < north || boxes[b + 3] > south);
        let down = !leaves;
        if (down) c.moveTo(px + x * k, py + y * k);
        for (let i = from + 2; i < end; i += 2) {
          const [nx, ny] = [points[i], points[i + 1]];
          if (i < end - 2 && Math.abs(nx - x) < step && Math.abs(ny - y) < step) continue;
          if (leaves && ((nx < west && x < west) || (nx > east && x > east) || (ny < north && y < north) || (ny > south && y > south))) down = false;
          else {
            if (!down) c.moveTo(px + x * k, py + y * k);
            c.lineTo(px + nx * k, py + ny * k);
            down = true;
          }
          x = nx;
          y = ny;
        }
        if (area) c.closePath();
      }
      from = end;
    }
  }
})();

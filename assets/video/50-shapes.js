/* Where the tiles of a wall stand, and which stream each one needs. Pure: numbers in, numbers out.
 *
 * hall.video.LAYOUTS                 numbers of tiles that a person chooses from
 * hall.video.shape(layout, spotlight, box, seams, filled)   {columns: [px], rows: [px], areas: [css grid-area or null per cell]}
 *   filled   which cells have a camera, where the others are to leave no holes: these alone share the room
 * hall.video.quality(width, tiles)   {quality, only} for a tile so many px wide among so many
 */
"use strict";

(function () {
  const hall = window.hall;
  const video = (hall.video = hall.video || {});
  const MAIN_PX = 800; // from this width on a tile shows clearly more than a sub-stream (640 to 704 px) has
  const KEYS_FROM = 36; // more tiles than these: key pictures through one decoder
  const SMALLEST = 3;
  const WIDE = 16 / 9; // of a picture
  const LARGEST = 6; // lines of a spotlight: eleven small pictures around the large one

  video.LAYOUTS = [1, 4, 9, 16, 25, 64];

  /** Fewer tracks than screens: an even division whose lines move to a seam that is near. */
  function snapped(total, count, seams) {
    const near = (line) => seams.reduce((best, seam) => (Math.abs(seam - line) < Math.abs(best - line) ? seam : best), Infinity);
    const lines = Array.from({ length: count - 1 }, (_, index) => ((index + 1) * total) / count);
    const moved = lines.map((line) => (Math.abs(near(line) - line) < total / count / 3 ? near(line) : line));
    return [...moved, total].map((end, index) => end - (index ? moved[index - 1] : 0));
  }

  /** Tracks of `total` px in `count` parts whose lines fall on the seams: each stretch between seams is divided evenly. */
  function tracks(total, count, seams) {
    const ends = [...seams.filter((at) => at > 0 && at < total), total];
    const stretches = ends.map((end, index) => end - (index ? ends[index - 1] : 0));
    if (stretches.length > count) return snapped(total, count, seams);
    const shares = stretches.map((length) => Math.max(1, Math.round((length / total) * count)));
    while (shares.reduce((a, b) => a + b) !== count) {
      const over = shares.reduce((a, b) => a + b) > count;
      const load = shares.map((share, index) => stretches[index] / (share + (over ? -1 : 1)));
      const movable = load.map((value, index) => (over && shares[index] === 1 ? Infinity : value));
      const at = over ? movable.indexOf(Math.min(...movable)) : load.indexOf(Math.max(...load));
      shares[at] += over ? -1 : 1;
    }
    return shares.flatMap((share, index) => Array(share).fill(stretches[index] / share));
  }

  const cell = (row, column, size = 1) => `${row + 1} / ${column + 1} / ${row + 1 + size} / ${column + 1 + size}`;

  function even(layout) {
    const side = Math.ceil(Math.sqrt(layout));
    return { side, areas: Array.from({ length: layout }, (_, index) => cell(Math.floor(index / side), index % side)) };
  }

  /** One large picture at the upper left, small ones down the right and along the foot. */
  function spotlit(layout, spotlight, box, seams) {
    const small = layout - 1;
    const side = Math.min(LARGEST, Math.max(SMALLEST, Math.ceil((small + 1) / 2)));
    const right = Math.min(side, small);
    const foot = Math.min(side - 1, small - right);
    const even = foot === 0 || foot === side - 1 || seams.x.length > 0; // else those at the foot are a little wider, so that no place is empty
    const [unit, step] = even ? [1, 1] : [foot, side - 1]; // tracks that a column has, tracks that one at the foot takes
    const edge = (side - 1) * unit; // where the right column begins
    const places = [];
    for (let row = 0; row < right; row += 1) places.push(`${row + 1} / ${edge + 1} / ${row + 2} / ${edge + unit + 1}`);
    for (let at = foot - 1; at >= 0; at -= 1) places.push(`${side} / ${edge - (foot - at) * step + 1} / ${side + 1} / ${edge - (foot - at - 1) * step + 1}`);
    const large = `1 / 1 / ${foot ? side : side + 1} / ${edge + 1}`;
    let next = 0;
    const areas = Array.from({ length: layout }, (_, index) => (index === spotlight ? large : places[next++] || null));
    const columns = tracks(box.width, side, seams.x).flatMap((size) => Array(unit).fill(size / unit));
    return { columns, rows: tracks(box.height, side, seams.y), areas };
  }

  /** So many pictures as large as they can be, in rows that differ by one at most and stand in the middle. */
  function packed(layout, filled, box, seams) {
    const count = filled.length;
    const width = (across) => Math.min(box.width / across, (box.height / Math.ceil(count / across)) * WIDE);
    const columns = Array.from({ length: count }, (_, at) => at + 1).reduce((best, across) => (width(across) > width(best) + 1 ? across : best), 1);
    const rows = Math.ceil(count / columns);
    const inRow = (row) => Math.floor(count / rows) + (row < count % rows ? 1 : 0);
    const across = Math.max(...Array.from({ length: rows }, (_, row) => inRow(row)));
    const seamless = !seams.x.length; // half a picture to the side would lie across two screens
    const areas = Array(layout).fill(null);
    let next = 0;
    for (let row = 0; row < rows; row += 1) {
      for (let at = 0; at < inRow(row); at += 1, next += 1) {
        const left = seamless ? across - inRow(row) + 2 * at : 2 * at;
        areas[filled[next]] = `${row + 1} / ${left + 1} / ${row + 2} / ${left + 3}`;
      }
    }
    const halves = tracks(box.width, across, seams.x).flatMap((size) => [size / 2, size / 2]);
    return { columns: halves, rows: tracks(box.height, rows, seams.y), areas };
  }

  video.shape = function (layout, spotlight, box, seams, filled) {
    const lit = spotlight != null && spotlight < layout && layout > 1;
    if (!lit && filled && filled.length && filled.length < layout) return packed(layout, filled, box, seams);
    if (lit) return spotlit(layout, spotlight, box, seams);
    const { side, areas } = even(layout);
    return { columns: tracks(box.width, side, seams.x), rows: tracks(box.height, side, seams.y), areas };
  };

  video.quality = (width, tiles) => ({ quality: width >= MAIN_PX ? "main" : "sub", only: tiles > KEYS_FROM ? "keys" : "all" });
})();

/* Which drawn shapes (标绘) there are: everybody's come by the stream, what somebody shares with nobody he asks for himself.
 *
 * hall.citymap.shapes.all(past)        those that hold at the map's moment, oldest first: [{subject, data, shape, x, y, lon, lat, time, revision}]
 * hall.citymap.shapes.get(subject) .take(event) .mine() .on(call)
 * hall.citymap.shapes.answered(view)   what the hall answered to a command of this person's
 */
"use strict";

(function () {
  const hall = window.hall;
  const citymap = hall.citymap;

  const listeners = new Set();
  const own = new Map(); // those that only their owner sees: never on the stream
  const told = new Map();
  const known = new Map(); // subject -> {data, shapes}
  const person = () => (hall.page.who && hall.page.who.role !== "wall" && hall.may && hall.may("see-emergency") ? hall.page.who.name : "");

  /** On the page with the drawer 标绘: the way there. */
  function tail(subject) {
    if (!citymap.page || !hall.may("see-emergency")) return null;
    const node = hall.said("button.desk-chip.map-shape-tail", "map.shape.open", null, { type: "button" });
    node.onclick = () => citymap.openShape(subject);
    return node;
  }

  function of(event) {
    const kept = known.get(event.subject);
    if (kept && kept.data === event.data) return kept;
    const { data } = event;
    const { geometry, kind } = data;
    const made = { subject: event.subject, event, data, time: data.changed || event.time, revision: data.revision };
    if (kind === "circle") made.shape = citymap.shapeOf({ type: "Polygon", coordinates: [citymap.geodesic.circle(geometry.coordinates, data.radius_m)] });
    else made.shape = citymap.shapeOf(geometry);
    const { west, east, north, south } = made.shape.box;
    Object.assign(made, kind === "circle" || geometry.type !== "Point" ? { x: (west + east) / 2, y: (north + south) / 2 } : { x: west, y: north });
    made.lon = citymap.longitude(made.x);
    made.lat = citymap.latitude(made.y);
    made.tail = () => tail(event.subject);
    made.said = () => hall.t("map.shape.changed", { who: data.changed_by, age: citymap.age(made.time) });
    known.set(event.subject, made);
    return made;
  }

  function keep(event) {
    const { subject, data } = event;
    if (data && !data.geometry) return;
    if (data) (told.set(subject, event), own.delete(subject));
    else (told.delete(subject), known.delete(subject));
    shapes.tell();
  }

  const shapes = (citymap.shapes = {
    all(past = citymap.past) {
      const now = past ? past.now : hall.clock.city();
      // a replay shows them as they were at its moment; those that only their owner sees are kept nowhere but with the shapes of now
      const found = past ? past.docs("shape") : new Map([...told, ...own]);
      // a wall is read by everybody in the room: also signed in to by somebody who sees more, it shows what is shared with walls
      return [...found.values()].filter(({ data }) => data.geometry && (!hall.page.wall || data.share === "walls") && (data.expires == null || data.expires > now)).map(of).sort((a, b) => a.time - b.time);
    },
    get: (subject) => (told.has(subject) || own.has(subject) ? of(told.get(subject) || own.get(subject)) : null),
    answered(view) {
      const { state, subject } = view;
      const event = { subject, data: state, time: state.changed };
      own.delete(subject);
      if (state.state === "removed") told.delete(subject);
      else if (state.share === "me") (told.delete(subject), own.set(subject, event));
      else if (!(told.get(subject) && told.get(subject).data.revision >= state.revision)) told.set(subject, event);
      shapes.tell();
    },
    take(event) {
      if (!citymap.past) keep(event); // what a replay brings is told by its past; what is true now comes by the store
    },
    async mine() {
      if (!person() || hall.page.wall) return;
      const { streams } = await hall.ask("/api/v1/streams/shape");
      own.clear();
      for (const { subject, state } of streams) if (state.share === "me") own.set(subject, { subject, data: state, time: state.changed });
      shapes.tell();
    },
    on: (call) => (listeners.add(call), () => listeners.delete(call)),
    tell: () => listeners.forEach((call) => call()),
    person,
  });
  hall.store.on(["shape"], (changes) => changes.forEach(keep)); // also while a map shows the past
})();

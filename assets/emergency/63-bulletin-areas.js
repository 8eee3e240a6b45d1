/* Where a bulletin holds: districts ticked, a circle with a name, outlines drawn on a map. The map shows all of it as walls will.
 *
 * const areas = hall.bulletins.areas(offered, look)   `look()` -> {severity, exercise} of the draft
 * areas.node .get() .set(areas) .open() (once it stands in the page) .repaint() .fault() -> "" | why it cannot be saved .remove()
 * hall.bulletins.areaMap(areas, look) -> {node, remove()}    the same map to look at only: `areas` of a warning, with their polygons
 */
"use strict";

(function () {
  const hall = window.hall;
  const { make, said } = hall;
  const E = hall.emergency;
  const bulletins = hall.bulletins;
  const ROUND = 48; // corners that a circle is shown with
  const METRES = 111195;
  const WAIT_FRAMES = 60; // until the card that it stands in is in the page

  function circleRing({ lon, lat, radius_m: radius }) {
    const k = Math.cos((lat * Math.PI) / 180) || 1e-6;
    return Array.from({ length: ROUND + 1 }, (_, i) => {
      const angle = (i % ROUND) * ((2 * Math.PI) / ROUND);
      return [lon + (radius * Math.sin(angle)) / METRES / k, lat + (radius * Math.cos(angle)) / METRES];
    });
  }
  const sizeText = (points) => {
    const area = hall.citymap.rings.area(points);
    return hall.t("map.draw.size", { n: points.length, km: hall.format.number(area / 1e6, area < 1e6 ? 3 : 1) });
  };

  function ticks(names) {
    const boxes = names.map((value) => make("input", { type: "checkbox", value }));
    return {
      node: make("div.emergency-ticks", {}, boxes.map((input) => make("label.field-radio", {}, [input, input.value]))),
      get: () => boxes.filter((one) => one.checked).map((one) => one.value),
      set: (values) => boxes.forEach((one) => (one.checked = (values || []).includes(one.value))),
    };
  }

  function circleRow() {
    const name = make("input.desk-input", { type: "text", maxlength: "200", placeholder: hall.t("bulletins.area-name"), "aria-label": hall.t("bulletins.area-name") });
    const place = E.fields.make({ name: "place", kind: "place" }, { topic: "bulletin", view: null });
    const radius = make("input.desk-input.is-short", { type: "number", min: "10", max: "200000", step: "any", value: "1000", "aria-label": hall.t("bulletins.radius") });
    return {
      node: make("div.bulletin-circle", {}, [name, place.node, radius, make("span", {}, "m")]),
      // a name without a centre is handed in as it is: the hall says what is missing, it never becomes the whole city
      get() {
        const [at, called] = [place.get(), name.value.trim()];
        return at || called ? [{ ...(called ? { description: called } : {}), ...(at ? { circle: { ...at, radius_m: Number(radius.value) } } : {}) }] : [];
      },
      set(area) {
        name.value = (area || {}).description || "";
        place.set(area && area.circle ? area.circle : "");
        radius.value = area && area.circle ? area.circle.radius_m : 1000;
      },
    };
  }

  /** The drawn outlines with their names; those of one name are one area of the message. */
  function outlines(draw) {
    const names = new Map(); // id of an outline -> its name
    const list = make("ol.map-draw-list");
    let last = "";
    const nameOf = (id) => (names.has(id) ? names.get(id) : last);
    function row({ id, points }, number) {
      const name = make("input.desk-input", { type: "text", maxlength: "200", value: nameOf(id), placeholder: hall.t("bulletins.area-name"), "aria-label": `${hall.t("bulletins.area-name")} ${number}`, "data-outline": String(id) });
      names.set(id, name.value);
      name.oninput = () => names.set(id, (last = name.value.trim()));
      name.onfocus = () => draw.pick(id);
      const away = make("button.desk-chip", { type: "button", "aria-label": hall.t("map.draw.drop", { number }) }, "✕");
      away.onclick = () => draw.drop(id);
      return make("li", { "data-picked": id === draw.picked ? "1" : "" }, [make("b", {}, String(number)), name, make("span.bulletin-hint", {}, sizeText(points)), away]);
    }
    function paint() {
      const typing = list.contains(document.activeElement) ? document.activeElement.dataset.outline : "";
      hall.fill(list, draw.get().map((shape, at) => row(shape, at + 1)));
      const again = typing && list.querySelector(`[data-outline="${typing}"]`);
      if (again) again.focus();
    }
    draw.listen(paint);
    return {
      node: list,
      get() {
        const byName = new Map();
        for (const { id, points } of draw.get()) byName.set(nameOf(id), [...(byName.get(nameOf(id)) || []), points]);
        return [...byName].map(([called, polygons]) => ({ ...(called ? { description: called } : {}), polygons }));
      },
      set(areas) {
        const drawn = areas.flatMap((area) => [...(area.polygon ? [area.polygon] : []), ...(area.polygons || [])].map((ring) => [area.description || "", ring]));
        draw.set(drawn.map(([, ring]) => ring));
        draw.get().forEach(({ id }, at) => names.set(id, (last = drawn[at][0])));
        paint();
      },
    };
  }

  bulletins.areas = function (offered, look) {
    const districts = ticks(offered.districts);
    const circle = circleRow();
    const canvas = make("div.bulletin-map", { tabindex: "0" });
    const place = make("div.bulletin-drawing");
    let map = null, draw = null, drawn = null, rest = [], wish = [];
    const circles = () => circle.get().map((area) => area.circle).filter((one) => one && Number.isFinite(one.lon) && one.radius_m > 0);
    const drawnAreas = () => (drawn ? drawn.get() : wish.filter((area) => area.polygon || area.polygons));

    /** As walls will show it: ticked districts, the circle, what is drawn. */
    function repaint() {
      if (!map) return;
      const shapes = [...map.districts(districts.get()), ...circles().map((one) => hall.citymap.shapeOf({ type: "Polygon", coordinates: [circleRing(one)] })),
        ...draw.get().map(({ points }) => hall.citymap.shapeOf({ type: "Polygon", coordinates: [[...points, points[0]]] }))];
      map.show([{ ...look(), shapes }]);
    }
    const node = make("div.bulletin-areas", {}, [offered.districts.length ? districts.node : "", said("p.bulletin-hint", "bulletins.area-hint"), circle.node, place]);
    node.addEventListener("change", repaint);
    return {
      node, repaint,
      get() {
        const chosen = districts.get();
        return [...(chosen.length ? [{ districts: chosen }] : []), ...circle.get(), ...drawnAreas(), ...rest];
      },
      set(list) {
        wish = list || [];
        districts.set(wish.flatMap((area) => area.districts || []));
        const round = wish.filter((area) => area.circle || !((area.districts || []).length || area.polygon || area.polygons));
        circle.set(round[0]);
        rest = round.slice(1).map(({ description, circle: one }) => ({ ...(description ? { description } : {}), ...(one ? { circle: one } : {}) })); // what a program drafted and this form has no box for stays
        if (drawn) drawn.set(wish);
      },
      open() {
        if (map || !window.L) return;
        hall.fill(place, canvas);
        map = new hall.citymap.PlainMap(canvas, hall.t("map.draw.label"));
        draw = new hall.citymap.Draw(map.map);
        place.prepend(hall.citymap.drawBar(draw));
        drawn = outlines(draw);
        place.append(drawn.node);
        draw.listen(repaint);
        drawn.set(wish);
        map.fit(draw.get().map(({ points }) => points));
        hall.citymap.geography("districts").then(repaint);
      },
      fault: () => (draw ? draw.faultText() : ""),
      remove() {
        if (!map) return;
        draw.remove();
        map.remove();
        map = draw = drawn = null;
      },
    };
  };

  bulletins.areaMap = function (areas, look) {
    const node = make("div.bulletin-map", { tabindex: "0" });
    const rings = areas.flatMap((area) => area.polygons || []);
    if (!window.L || !rings.length) return { node: "", remove() {} };
    let map = null;
    let frames = 0, frame = 0;
    const begin = () => {
      if (!node.isConnected) {
        if ((frames += 1) < WAIT_FRAMES) frame = requestAnimationFrame(begin);
        return;
      }
      map = new hall.citymap.PlainMap(node, hall.t("bulletins.pane.map"));
      map.show([{ ...look, rings }]);
      map.fit(rings);
    };
    frame = requestAnimationFrame(begin);
    return { node, remove: () => (cancelAnimationFrame(frame), map && map.remove(), (map = null)) };
  };
})();

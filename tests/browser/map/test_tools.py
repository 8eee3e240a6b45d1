"""Measuring, drawing and dragging the map."""

from __future__ import annotations

import math

import pytest
from pyproj import Geod

from hall.core.clock import real_ms
from tests.browser.map import scenery
from tests.browser.map.looked import SCREEN, carded, case, colours, wait_count
from tests.browser.map.mappage import PAINTED, go
from tests.browser.map.scenery import drawn

pytestmark = pytest.mark.browser


def test_lengths_bearings_and_areas_are_those_of_the_ellipsoid_and_are_measured_by_keys_alone(open_map, chance):
    page, _ = open_map()
    earth, rings = Geod(ellps="WGS84"), []
    for _ in range(300):
        lon, lat, size = chance.uniform(-180, 180), chance.uniform(-70, 70), 10 ** chance.uniform(-3, 0)
        ways = sorted(chance.uniform(0, 2 * math.pi) for _ in range(chance.randint(3, 8)))
        rings.append([[(lon + size * math.cos(way) + 180) % 360 - 180, lat + size * 0.6 * math.sin(way)] for way in ways])
    asked = """rings => rings.map((ring) => { const g = hall.citymap.geodesic;
        return [g.inverse(ring[0], ring[1]), g.length(ring, true), g.area(ring), g.direct(ring[0], 37, 12345.6)]; })"""
    for ring, (side, around, area, ahead) in zip(rings, page.evaluate(asked, rings), strict=True):
        bearing, _, metres = earth.inv(*ring[0], *ring[1])
        square, perimeter = earth.polygon_area_perimeter(*zip(*ring, strict=True))
        assert side["metres"] == pytest.approx(metres, rel=1e-6, abs=1e-3) and around == pytest.approx(perimeter, rel=1e-6)
        assert abs((side["bearing"] - bearing + 180) % 360 - 180) < 0.01 or metres < 1
        assert (
            area == pytest.approx(abs(square), rel=1e-3, abs=1)
            and earth.inv(*earth.fwd(*ring[0], 37, 12345.6)[:2], *ahead)[2] < 0.01
        )

    page.evaluate("""() => { const { map } = [...hall.citymap.live][0];
        window.sketch = new hall.citymap.Sketch(map, {most: 5}); sketch.start('line'); }""")
    for key in ("Space", "Shift+ArrowRight", "Space", "Shift+ArrowDown", "Space", "Enter"):
        page.keyboard.press(key)
    (line,) = page.evaluate("sketch.shapes")
    shown = page.evaluate("hall.citymap.sizesOf('line', sketch.last().points).map(({ key, text }) => [key, text])")
    metres = earth.line_length(*zip(*line["points"], strict=True))
    assert [key for key, _ in shown] == ["distance", "side", "bearing"] and len(line["points"]) == 3
    assert shown[0][1] == (f"{metres:.1f} m" if metres < 1000 else f"{metres / 1000:.3f} km")
    page.evaluate("sketch.start('circle')")
    for key in ("Space", "Shift+ArrowRight", "Space"):
        page.keyboard.press(key)
    made = page.evaluate("hall.citymap.sketched('circle', sketch.last().points)")
    assert made["geometry"]["type"] == "Point" and made["radius_m"] > 10
    page.evaluate("sketch.remove()")
    assert page.locator(".map-draw-shape").count() == 0


def test_drawn_shapes_are_shown_to_walls_as_shared_and_a_view_becomes_a_sheet_with_the_age_of_its_layers(open_map):
    over = drawn("over", expires=real_ms() - 1000)
    page, gate = open_map(drawn("one"), drawn("room", share="room"), over, case(1, severity=4, lon=113.95))
    page.evaluate("hall.maps['city-map'].setView([35.30, 113.92], 13, {animate: false})")
    wait_count(page, "shapes", 1)  # a wall, also where it would be told more: what is shared with walls, and not what is over
    edge = {"lon": 113.91, "lat": 35.30}
    inks = [tuple(map(int, key.split(","))) for key in colours(page, "ground", edge, 4)]
    assert any(red > 140 and blue > 200 and green < red for red, green, blue in inks), "violet"
    page.mouse.click(*page.evaluate(SCREEN, [edge["lon"], edge["lat"]]))
    carded(page, "<img", "li")
    assert not page.evaluate("window.hacked")
    page.evaluate("[...hall.citymap.live][0].card.show(null)")
    page.locator("#city-map").focus()
    at = "(({ at }) => at && [at.what, at.entry.subject])([...hall.citymap.live][0].layers.get('live'))"
    for wanted in (["case", "case/cases/1"], ["shape", "shape/one"]):  # the severe first
        page.keyboard.press("n")
        assert page.evaluate(at) == wanted
    carded(page, "<img", "li")
    page.keyboard.press("Escape")
    layers = page.evaluate("""hall.citymap.layersShown([...hall.citymap.live][0])
        .map(({ name, count, time }) => [name, count, time === null ? null : hall.citymap.now() - time])""")
    found = {name: (count, age) for name, count, age in layers}
    assert found["cases"][0] == "1" and 0 <= found["cases"][1] < 60_000 and found["closures"][1] is None
    sheet = """(light) => { const made = hall.citymap.sheet([...hall.citymap.live][0], { title: 't', width: 1169, height: 827, light });
        const { data } = made.getContext('2d').getImageData(484, 250, 200, 100);
        return [made.width, made.height, data.reduce((sum, value, i) => (i % 4 === 3 ? sum : sum + value), 0) / 60000]; }"""
    dark, light = page.evaluate(sheet, False), page.evaluate(sheet, True)
    assert dark[:2] == light[:2] == [1169, 827] and dark[2] < 80 < 160 < light[2], "a light ground saves ink"
    sent, told = [], {"head": {"type": "FeatureCollection", "made_by": "qi"}}
    page.route("**/api/v1/map/exports", lambda route: (sent.append(route.request.post_data_json), route.fulfill(json=told)))
    file = page.evaluate("""async () => { const { citymap } = hall, [view] = citymap.live, { page, save } = citymap, saved = [];
        citymap.page = { root: document.body, view, refresh() {}, side: { open() {} } };
        citymap.save = (blob) => saved.push(blob);
        try {
            citymap.tools.find(({ name }) => name === 'draw').act(view, citymap.page);
            await citymap.drawings().export(['shape/one']);
            return JSON.parse(await saved[0].text());
        } finally { citymap.drawings()?.remove?.(), Object.assign(citymap, { page, save }); } }""")
    assert (sent[0]["what"], sent[0]["zoom"], len(sent[0]["box"])) == ("geojson", 13, 4)
    assert file["made_by"] == "qi" and len(file["features"]) == 1 and file["bbox"] and file["as_of"]["shapes"]["newest"]
    gate.put(("shape/one", None))
    wait_count(page, "shapes", 0)


def test_a_drag_leaves_no_ground_bare_and_ends_in_the_picture_of_a_map_opened_there(open_map, chance):
    page, _ = open_map(*scenery.cases(chance, 150), *scenery.units(chance, 400), scenery.warning())
    wait_count(page, "cases", 150)
    stage = "[...hall.citymap.live][0].stage"
    tiled = "(({ ground }) => ground.tiled && ground.tiles.store.whole)([...hall.citymap.live][0])"
    page.wait_for_function(tiled)  # the demo's own map is built meanwhile, and is another ground than before
    page.evaluate("(now => { hall.citymap.now = () => now; })(hall.citymap.now())")  # nothing becomes old between two pictures
    page.evaluate(
        f"() => {{ const stage = {stage}; stage.rests = stage.settle; stage.settle = () => {{}}; }}"
    )  # no hand that rests
    page.mouse.move(1000, 600)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(1000 - 60 * step, 600 - 30 * step)
    page.wait_for_function(f"() => {{ const {{pieces, pending}} = {stage}; return !pending && pieces.step > 0; }}")
    drawn = f"""() => {{ const stage = {stage}, {{map}} = stage, seen = stage.seen(), found = [];
      const boxes = [stage.lower.frame, ...[...stage.pieces.all.values()].map(p => p.frame)].map(f => [map.layerPointToContainerPoint(f.corner), f]);
      for (let x = seen.left + 1; x < seen.right; x += 20) for (let y = seen.top + 1; y < seen.bottom; y += 20)
        if (!boxes.some(([c, f]) => x >= c.x && y >= c.y && x < c.x + f.width && y < c.y + f.height)) found.push([x, y]);
      return found; }}"""
    assert page.evaluate(drawn) == [], "every place of the view is drawn while the hand still holds the map"
    page.evaluate(f"() => {{ const stage = {stage}; stage.settle = stage.rests; }}")
    page.mouse.up()
    page.wait_for_function(f"{PAINTED} && {tiled} && {stage}.lower.frame === {stage}.upper.frame")
    page.evaluate("""() => { const view = [...hall.citymap.live][0], {stage} = view;
      window.picture = ({canvas}) => { const {width, height} = canvas, copy = new OffscreenCanvas(width, height).getContext('2d');
        copy.drawImage(canvas, 0, 0); return copy.getImageData(0, 0, width, height).data; };
      window.before = stage.glasses().map(picture); view.ground.renew(null); stage.redraw(); }""")
    page.wait_for_function(PAINTED)  # units' names are written again once it is known what stands there
    other = page.evaluate(
        f"{stage}.glasses().map((glass, i) => picture(glass).reduce((n, value, at) => n + (value !== before[i][at]), 0))"
    )
    assert other == [0, 0] and not page.faults


def test_a_zoom_out_has_no_bare_edges(open_map, chance):
    """Behind what shrinks lies a small picture of the city, where it belongs; gone when the new picture is drawn."""
    page, _ = open_map(*scenery.cases(chance, 20))
    wait_count(page, "cases", 20)
    backdrop = "[...hall.citymap.live][0].stage.backdrop"
    page.wait_for_function(f"{backdrop}.frame")
    go(page, 113.925, 35.298, 16)
    found = page.evaluate(f"""async () => {{ const [view] = hall.citymap.live, {{map, seen, frame}} = {backdrop}, shown = () => seen.style.display === "";
      const before = shown(), done = new Promise((done) => map.once("zoomend", done));
      // at once: the next frame may come when all of it is over
      const began = new Promise((took) => map.once("zoomanim", () => took(look()))); map.zoomOut(1);
      const gone = await began; await done; return [before, ...gone];
      function look() {{ const point = [35.33, 113.92], target = map._animateToZoom, {{a: scale, e, f}} = new DOMMatrix(seen.style.transform);
      const at = map.project(point, frame.zoom).subtract([frame.left, frame.top]).multiplyBy(scale).add([e, f]);
      const apart = map.project(point, target).subtract(map._getNewPixelOrigin(map._animateToCenter, target)).distanceTo(at);
      const [from, to] = [L.point(e, f), L.point(e + frame.width * scale, f + frame.height * scale)];
      const corner = map.containerPointToLayerPoint([0, 0]), size = map.getSize();
      // neither a picture that was under way nor news of the ground take anything of it away
      const {{stage}} = view, drawn = stage.painted; stage.lower.onshown(); stage.dirty("ground"); stage.paint();
      return [shown() && stage.painted === drawn, apart, [from.x, from.y, to.x, to.y], [corner.x, corner.y, corner.x + size.x, corner.y + size.y]]; }} }}""")
    assert found[:2] == [False, True] and found[2] < 1, found
    (left, top, right, bottom), view = found[3:]
    assert left <= view[0] and top <= view[1] and right >= view[2] and bottom >= view[3], found
    page.wait_for_function(f"{PAINTED} && {backdrop}.seen.style.display === 'none'")
    assert not page.faults

"""What lies on the ground as a field: radar, areas by a measure, heat, depth."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from hall.core.clock import real_ms
from hall.core.raster import grid_over
from layouts.panels.city_map import PANEL
from tests.browser.map import mappage, scenery
from tests.browser.map.heated import Heated, depths
from tests.browser.map.looked import mostly
from tests.browser.map.measured import Measured
from tests.browser.map.scenery import drawn, pushed

pytestmark = pytest.mark.browser


def radar_rows(age_minutes=1, **more):
    """A field of 60 x 60 pixels about the centre: 30 mm/h west of it, dry east of it; one forecast the other way round."""
    now = real_ms() - age_minutes * 60_000
    grid = grid_over((113.82, 35.22, 114.02, 35.38), 300, 60)
    west = bytes(88 if i % grid.width < grid.width // 2 else 1 for i in range(grid.width * grid.height))
    frames = [{"time": now + lead * 60_000, "start": now, "run": now + min(lead, 0) * 60_000, "version": f"v{lead}", "most": 30.0,
               "covered": 1.0} for lead in (-5, 0, 10)]  # fmt: skip
    data = {"feed": "rv", "product": "rain", "grid": msgspec.to_builtins(grid), "bounds": grid.bounds(), "step": 0.004,
            "breaks": [0.1, 1.6, 7.0, 15.0, 40.0, 50.0], "frames": frames, "stale_seconds": 600, "label": {"zh-CN": "雷达"}} | more  # fmt: skip
    return ("raster/rv/rain", data), {"v-5": west, "v0": west, "v10": west[::-1]}


#: which frame the map shows at the moment of each case: its version
NOW = """cases => { const { citymap } = hall, { now } = citymap;
  const shown = cases.map(({ at, ...doc }) => { const radar = new citymap.Radar(() => {}, () => {}); citymap.now = () => at;
    radar.docs.set('raster/f/p', doc); const { state } = radar; radar.remove(); return state && !state.ended ? state.frame.version : null; });
  citymap.now = now; return shown; }"""
WEST, EAST = ({"lon": lon, "lat": 35.3333} for lon in (113.8633, 113.9833))


def test_the_radar_lies_on_the_ground_says_its_age_and_marks_a_forecast(open_map):
    row, pixels = radar_rows()
    page, gate = open_map()
    asked = []

    def answer(route):
        asked.append(route.request.url.rpartition("/")[2])
        route.fulfill(body=pixels[asked[-1]], content_type="application/octet-stream")

    cases = json.loads(
        (Path(__file__).parents[2] / "core" / "raster_now.json").read_text("utf-8")
    )  # as hall/core/raster.py has it
    shown = page.evaluate(NOW, cases)
    assert {case["case"]: version for case, version in zip(cases, shown, strict=True)} == {c["case"]: c["shown"] for c in cases}
    page.route("**/api/v1/rasters/**", answer)
    box, layer = page.locator(".map-radar"), page.locator("[data-layer=radar]")
    assert not layer.is_visible()
    bare = [mostly(page, place) for place in (WEST, EAST)]
    gate.put(row)
    page.wait_for_function("hall.citymap.radarText({lon: 113.86, lat: 35.33}) !== ''")
    assert asked == ["v0"]  # the rest when it is to be played
    assert box.get_attribute("data-state") == "live"
    assert page.evaluate("hall.citymap.radarText({lon: 113.86, lat: 35.33})").startswith("30.3 mm/h")
    assert page.evaluate("hall.citymap.radarText({lon: 113.98, lat: 35.33})").startswith("0.0 mm/h")
    assert page.evaluate("hall.citymap.radarText({lon: 115, lat: 35.33})") == ""
    wet, dry = (mostly(page, place) for place in (WEST, EAST))
    assert wet != bare[0]
    assert dry == bare[1]
    page.locator(".map-radar-play").press("Enter")
    page.wait_for_selector(".map-radar[data-state=forecast] .map-radar-forecast")  # in one look: it stands for a second
    assert sorted(asked) == ["v-5", "v0", "v10"]
    page.evaluate("((play) => play.textContent === '❚❚' && play.click())(document.querySelector('.map-radar-play'))")
    page.locator(".map-radar-forecast").wait_for(state="hidden")
    old, _ = radar_rows(age_minutes=30)
    gate.put(old)
    page.locator(".map-radar[data-state=stale]").wait_for()
    assert "已过时 30 分" in box.inner_text()
    layer.press("Enter")
    box.wait_for(state="hidden")
    assert layer.get_attribute("aria-pressed") == "false"
    # a view that is pushed to a wall is a map of its own, fed what every map is fed
    assert sorted(page.evaluate("hall.citymap.topics()")) == sorted(PANEL.topics)
    fresh, _ = radar_rows()
    gate.put(fresh, drawn("one"), pushed(shown={"radar": True}))
    page.wait_for_function("""(([, view]) => view && view.radar.state && view.radar.codes.size
        && view.element.getAttribute('data-count-shapes') === '1')([...hall.citymap.live])""")
    assert page.locator(".show-map .map-radar[data-state=live]").is_visible()
    assert not page.faults


def test_areas_are_coloured_by_a_measure_and_gone_into_by_keys_alone_then_heat_then_depth(open_map, city, chance):
    rows = [(subject, {**data, "district": ""}) for subject, data in scenery.cases(chance, 200)]
    measured = Measured(city, rows)
    page, gate = open_map(*rows)
    page.route("**/api/v1/measures**", measured.answer)
    page.evaluate("delete hall.page.wall; window.part = [...hall.citymap.live][0].layers.get('measures')")
    page.route("**/api/v1/measures", lambda route: route.fulfill(body='{"measures": [', content_type="application/json"))
    told = page.evaluate("part.fetch('').then(() => 'taken', (error) => error.name)")
    assert told == "SyntaxError", "an answer that breaks off is no catalogue"
    page.unroute("**/api/v1/measures")
    page.locator(".map-legend-more").press("Enter")
    page.locator("[data-layer=measures]").press("Enter")
    page.locator(".map-measures select[name=level]").select_option("districts")
    page.wait_for_function("part.table && part.level === 'districts'")
    assert page.locator("[data-layer=cells]").get_attribute("aria-pressed") == "false", "one colouring at a time"
    wanted = {code: row[0] for code, row in measured.table("open_cases/districts")["rows"].items()}
    found = page.evaluate("Object.fromEntries(part.areas.map((area) => [area.code, part.row(area)[0]]))")
    assert {code: n for code, n in found.items() if n} == wanted and sum(wanted.values()) > 100

    printed = "name => hall.citymap.layersShown([...hall.citymap.live][0]).find((layer) => layer.name === name).printed"
    paper, breaks = page.evaluate(printed, "measures"), measured.table("open_cases/districts")["breaks"]
    assert (paper["title"], paper["unit"]) == ("在办案件 · 区县", "件")
    assert [one["text"] for one in paper["classes"]][: len(breaks)] == [f"≥ {least:g}" for least in breaks]
    most = max(wanted, key=wanted.get)
    gate.put(scenery.warning(), *scenery.units(chance, 4))
    page.locator("#city-map").focus()
    steps = "hall.citymap.steps([...hall.citymap.live][0])"
    page.wait_for_function(f"['unit', 'warning', 'area'].every((what) => {steps}.some((hit) => hit.what === what))")
    assert page.evaluate(f"{steps}.slice(0, -1).every((hit, i) => !hit.enter || {steps}[i + 1].enter)"), "areas last"
    page.keyboard.press("Shift+N")
    assert page.locator(".map-card strong").inner_text() == most, "the worst of the areas in view"
    page.keyboard.press("Enter")
    page.wait_for_function("part.level === 'cells' && part.table")
    inside = page.evaluate("part.within().map((area) => part.row(area)[0])")
    assert 0 < len(inside) < len(page.evaluate("part.areas.map(() => 0)")) and sum(inside) <= wanted[most]
    assert page.locator(".map-key-crumbs").inner_text().split(" › ")[-1] == most
    page.wait_for_function(mappage.PAINTED)
    page.keyboard.press("Shift+N")
    page.keyboard.press("Escape")
    assert page.evaluate("[part.path.length, part.host.card.pinned]") == [1, False], "the card first"
    page.keyboard.press("Backspace")
    page.wait_for_function("part.level === 'districts' && !part.path.length && part.table")

    told = "code => hall.citymap.areaCard(part.entry(part.areas.find((area) => area.code === code))).rows.map((row) => row.join('='))"
    card = page.evaluate(told, most)
    assert f"value={wanted[most]} 件" in card and "rank=第 1，共 12 个" in card
    page.locator("[data-layer=cells]").click()
    assert page.locator("[data-layer=measures]").get_attribute("aria-pressed") == "false"
    assert page.locator(".map-measures").is_hidden()

    heated = Heated(4_000)
    page.route("**/api/v1/heat**", heated.answer)
    page.evaluate("window.heat = [...hall.citymap.live][0].layers.get('heat')")
    page.locator("[data-layer=heat]").press("Enter")
    page.wait_for_function("heat.field && heat.about")
    assert page.locator("[data-layer=cells]").get_attribute("aria-pressed") == "false", "one colouring at a time"
    before = page.evaluate("heat.field.inside")
    page.locator(".map-heat select[name=class]").select_option("市容环境")
    page.locator(".map-heat [data-period=month]").press("Enter")
    page.wait_for_function("heat.asked.period === 'month' && heat.mark.includes('class=') && !heat.asking")
    since, until = page.evaluate("heat.field.span")
    chosen = [row for row in heated.rows if row.class_name == "市容环境" and since <= row.reported < until]
    field = page.evaluate("heat.field")
    assert (field["placed"], field["unplaced"]) == (
        sum(row.lon is not None for row in chosen), sum(row.lon is None for row in chosen),
    )  # fmt: skip
    assert field["breaks"] == sorted(set(field["breaks"])) and len(field["breaks"]) == 5 and before > 0
    words = page.locator(".map-heat .map-key-said").inner_text()
    assert f"{field['placed']:,} 件有位置" in words and f"{field['unplaced']:,} 件无位置" in words
    paper = page.evaluate(printed, "heat")
    assert paper["title"].startswith("市容环境 · ") and " – " in paper["title"] and len(paper["classes"]) == 5
    page.evaluate("heat.pick({period: 'own', from: 1000, to: 2000})")
    page.wait_for_function("heat.field.span[0] === 1000 && !heat.asking")
    assert page.evaluate("[heat.fault, heat.field.placed]") == ["", 0], "a period without a case"
    smooth = """() => { const c = new Uint16Array(60 * 40); c[20 * 60 + 30] = 900;
      const found = hall.citymap.heat.smooth(c, 60, 40, 4); let x = 0, y = 0, n = 0, spread = 0;
      found.forEach((v, i) => { n += v; x += v * (i % 60); y += v * Math.floor(i / 60); });
      found.forEach((v, i) => { spread += v * ((i % 60) - 30) ** 2; });
      return [n, x / n, y / n, Math.sqrt(spread / n)]; }"""
    n, x, y, spread = page.evaluate(smooth)
    assert n == pytest.approx(900, rel=1e-3) and (x, y) == pytest.approx((30, 20), abs=1e-3) and 1.5 < spread < 4.5

    document, pixels = depths(30)
    page.route("**/api/v1/rasters/**", lambda route: route.fulfill(body=pixels, content_type="application/octet-stream"))
    assert page.locator("[data-layer=depth]").is_hidden(), "no such field yet"
    gate.put(document)
    page.wait_for_function("[...hall.citymap.live][0].layers.get('depth').field.codes.size")
    assert page.locator(".map-depth .map-key-mark").inner_text() == "预报"
    assert page.evaluate("hall.citymap.radarText({ lon: 113.92, lat: 35.3 })") == "", "a depth is no rain"
    at = """([lon, lat]) => { const depth = [...hall.citymap.live][0].layers.get('depth'), { frame } = depth.host.stage;
      const hit = depth.under(frame.px(hall.citymap.projectX(lon)), frame.py(hall.citymap.projectY(lat)));
      return hit && hit.entry.found.rate; }"""
    assert page.evaluate(at, list(scenery.CENTRE)) == pytest.approx(0.8, abs=0.02)
    assert page.evaluate(at, [scenery.CENTRE[0] + 0.039, scenery.CENTRE[1]]) is None, "dry"
    written = """() => { const words = [], { fillText } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...at) { words.push(text); return fillText.call(this, text, ...at); };
      hall.citymap.sheet([...hall.citymap.live][0], { title: 't', width: 1169, height: 827, light: true });
      CanvasRenderingContext2D.prototype.fillText = fillText; return words; }"""
    words = page.evaluate(written)
    assert any(text.startswith("预报 +30 分钟 · ") for text in words), "a forecast has a lead, and its run an age"
    assert "≥ 0.15" in words and any("内涝模型" in text for text in words)
    gate.put(depths(-70, -40, -10, 50, run=118)[0])
    page.wait_for_function("[...hall.citymap.live][0].layers.get('depth').field.codes.has('d118.-10')")
    age = page.locator(".map-depth .map-key-age").inner_text()
    assert "起报" in age and "已过时 2 小时" in age, "the run's age, not that of the moment it speaks of"
    gate.put(depths(-70, -40, run=118)[0])
    page.wait_for_function("document.querySelector('.map-depth .map-key-said').textContent.includes('没有当前时刻的预报')")
    assert page.evaluate(at, list(scenery.CENTRE)) is None, "the last one is over"

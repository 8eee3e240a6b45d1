"""The flood wall says what was decided and measured: strip, wet places, tubes, closures; by word and shape, never colour alone."""

from __future__ import annotations

import math

import pytest

from tests.browser.walls import flood

pytestmark = pytest.mark.browser
STRIP = """() => Object.fromEntries([...document.querySelectorAll('.strip-cell')].map(c => [c.dataset.strip,
  [c.querySelector('.strip-value').textContent, c.querySelector('.strip-detail').textContent, c.querySelector('.strip-exercise').hidden ? '' : '演练']]))"""
SPOTS = """() => Object.fromEntries([...document.querySelectorAll('.spot-row:not([hidden])')].map(r => [r.querySelector('.spot-name').textContent,
  ['value', 'rate', 'forecast', 'who', 'shut'].map(n => r.querySelector(`.spot-${n}`).hidden ? '' : r.querySelector(`.spot-${n}`).textContent)]))"""


@pytest.fixture
def wall(stage, open_page):
    """The flood wall of a city whose dry gauges are taken away, so that the flood's own are all that is wet."""
    gone = [subject for subject in stage.gate.events if "/gauges/" in subject]
    stage.gate.put(*((subject, None) for subject in gone))
    stage.gate.put(*flood.gauges(), *flood.closures(), *flood.crews(), flood.response(), flood.reporting(("二七区", "中原区")))
    return open_page(stage.url("flood"))


def test_the_strip_tells_the_level_its_signature_what_waits_and_who_has_not_reported(wall, stage):
    wall.wait_for_function("() => document.querySelector('[data-panel=response_strip]').dataset.level === 'II'")
    said = wall.evaluate(STRIP)
    assert said["level"][0] == "◆ II 级响应" and said["signed"][0] == "赵副市长 · 领导" and "已 35 分" in said["signed"][1]
    assert said["red"][0] == "■ 72 分"
    assert said["proposal"] == ["■ I 级响应", "等领导签发 · 已 4 分", ""]
    assert said["due"][1] == "还剩 22 分" and said["missing"][:2] == ["■ 2 个未报", "二七区、中原区"]

    stage.gate.put(flood.response(exercise=True, proposed={}), flood.reporting(()))
    wall.wait_for_function("() => !document.querySelector('[data-strip=level] .strip-exercise').hidden")
    wall.wait_for_function("() => document.querySelector('[data-strip=missing] .strip-value').textContent === '● 全部已报'")
    said = wall.evaluate(STRIP)
    assert said["level"][2] == "演练" and said["proposal"][0] == "没有"

    stage.gate.put(flood.reporting((), ("金水区", "中原区")))
    wall.wait_for_function("() => document.querySelector('[data-strip=missing] .strip-value').textContent === '○ 待报 2 / 3'")

    stage.gate.put(flood.response(state="ended", level="", proposed={}))
    wall.wait_for_function("() => document.querySelector('[data-strip=level] .strip-value').textContent === '未启动'")
    assert wall.evaluate(STRIP)["signed"][0] == "–"


def test_wet_places_say_how_deep_how_fast_who_comes_and_what_is_closed(wall):
    wall.wait_for_function("() => document.querySelectorAll('.spot-row:not([hidden])').length === 4")
    said = wall.evaluate(SPOTS)
    assert list(said) == ["■ 京广路隧道", "■ 农业路下穿", "◆ 陇海路涵洞", "▲ 紫荆山路"], "worst first, by shape"
    value, rate, _, who, shut = said["■ 京广路隧道"]
    assert (value, rate, shut) == ("0.46 m", "↑3", "■ 已封控") and "积水案件 2" in who
    # by the straight line at 30 km/h with 1.4 of the way, as python reckons it on the sphere
    metres = 6_371_009 * math.radians(0.02) * math.cos(math.radians(35.3))
    assert who.startswith(f"P1 在途 约 {round(metres * 1.4 / (30 / 3.6) / 60)} 分")
    assert said["■ 农业路下穿"][3].startswith("P2 最近"), "the free crew with the skill, not the nearer one without"
    assert said["▲ 紫荆山路"][2] == "约 11 分后达 0.25 m（8–15 分）"


def test_a_tube_stands_as_full_as_the_reading_and_shows_every_line(wall):
    wall.wait_for_function("() => document.querySelectorAll('.spot-row:not([hidden])').length === 4")
    heights = wall.evaluate("""() => [...document.querySelectorAll('.spot-tube')].filter(c => c.offsetParent).map(canvas => {
      const { width, height } = canvas, pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
      const red = [255, 79, 79], orange = [255, 146, 43], yellow = [255, 212, 59];
      const is = (x, y, colour) => colour.every((part, i) => Math.abs(pixels[4 * (y * width + x) + i] - part) < 24);
      const middle = Math.round(width / 2), column = [...Array(height).keys()];
      const beside = Math.round(width / 2 + Math.min(width * 0.36, height * 0.9 * 0.42) * 0.6); // where only lines reach
      return [[red, orange, yellow].map(colour => (height * 0.95 - column.find(y => is(middle, y, colour))) / (height * 0.9)),
        [red, orange, yellow].map(colour => column.some(y => is(beside, y, colour)))]; })""")
    for (filled, lines), depth, colour in zip(heights[:3], flood.DEPTHS.values(), (0, 0, 1), strict=False):
        top = 1.15 * max(depth, 0.27)
        assert filled[colour] == pytest.approx(depth / top, abs=0.03), f"{depth} m of {top:.2f} m"
        assert lines == [True, True, True], "the lines of 27, 25 and 15 cm"


def test_closures_are_told_apart_by_word_and_edge_in_list_and_map(wall):
    wall.wait_for_function("() => document.querySelectorAll('.closure-row:not([hidden])').length >= 3")
    rows = wall.evaluate("""() => [...document.querySelectorAll('.closure-row:not([hidden])')].map(r => { const s = r.querySelector('.closure-state');
      return [s.textContent, getComputedStyle(s).borderTopStyle, r.querySelector('.closure-detail').textContent]; })""")
    known = {word: (edge, detail) for word, edge, detail in rows}
    assert [word for word, *_ in rows][:2] == ["┄ 建议封控", "↺ 建议恢复"], "what waits for a decision comes first"
    assert known["┄ 建议封控"][0] == "dashed" and "待决定" in known["┄ 建议封控"][1]
    assert known["▷ 已令封控"][0] == "solid" and "待现场确认或待视频确认" in known["▷ 已令封控"][1]
    assert "旧" not in str(rows)
    wall.wait_for_selector("[data-panel=city_map][data-count-closures='4']")  # one that is over is gone
    assert wall.faults == []


def test_rain_sums_that_were_not_wholly_heard_are_told_as_lower_bounds(wall, stage):
    mm = {"10": 22.4, "60": 201.9, "180": 384.0, "360": 444.0, "1440": 525.5}
    row = {"site": "r/Z1", "name": "郑州站", "mm": mm, "covers": 200, "at": 1}
    stage.gate.put(("kpi/rain", {"as_of": 1, "count": 1, "gauges": [row], "most": {"60": 201.9}}))
    wall.wait_for_function("() => document.querySelector('.rain-row:not([hidden])')?.textContent.includes('郑州站')")
    cells = wall.evaluate("() => [...document.querySelectorAll('.rain-row:not([hidden]) .num')].map(c => c.textContent)")
    assert cells == ["22.4", "202", "384", "≥444", "≥526"]

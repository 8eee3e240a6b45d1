"""An exercise is on every wall in words and shape as long as it runs; nobody can take it away, nothing real lies under it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser
LEVELS = {"III": {"label": {"zh-CN": "III级响应", "en": "Level III"}, "sign": ["leader"]}}
FLOOD = {"plan": "flood", "label": {"zh-CN": "防汛应急预案", "en": "Flood plan"}, "levels": LEVELS, "since": 1}
ON = {**FLOOD, "state": "in_force", "level": "III", "exercise": True}


def shown(page) -> bool:
    return page.locator(".exercise-strip:visible").count() == 1


def test_a_response_in_force_as_an_exercise_marks_the_wall_and_its_end_takes_the_mark_away(stage, open_page):
    page = open_page(stage.url("routine", "lang=zh-CN"))
    assert not shown(page)
    stage.gate.put(("response/flood", ON))
    page.wait_for_selector(".exercise-strip:visible")
    text = page.inner_text(".exercise-strip")
    assert "演练" in text and "III级响应" in text and "不是真实险情" in text
    least = page.evaluate("() => hall.glyph(hall.wall.element)")
    assert page.evaluate("() => parseFloat(getComputedStyle(document.querySelector('.exercise-strip')).fontSize)") >= least
    assert page.title().startswith("【演练】")
    stage.gate.put(("response/flood", {**FLOOD, "state": "ended", "level": "", "exercise": True}))
    page.wait_for_selector(".exercise-strip", state="hidden")
    assert not page.title().startswith("【演练】") and page.faults == []


def test_nothing_that_a_hand_does_closes_it_and_it_takes_no_click(stage, open_page):
    page = open_page(stage.url("routine", "lang=zh-CN"))
    stage.gate.put(("response/flood", ON))
    page.wait_for_selector(".exercise-strip:visible")
    box = page.locator(".exercise-strip").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.press("Escape")
    hit = page.evaluate("([x, y]) => document.elementFromPoint(x, y).className", [box["x"] + 5, box["y"] + 5])
    assert shown(page) and "exercise" not in str(hit)


def test_a_real_response_carries_no_such_mark(stage, open_page):
    page = open_page(stage.url("routine", "lang=zh-CN"))
    stage.gate.put(("response/flood", {**ON, "exercise": False}))
    page.wait_for_function("() => hall.store.get('response/flood')")
    assert not shown(page) and page.evaluate("() => hall.exercise.length") == 0

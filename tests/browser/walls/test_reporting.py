"""Who has not reported stands first on the wall, in red, by shape and word; what the figures add up to beneath."""

from __future__ import annotations

import pytest

from hall.core.clock import real_ms

pytestmark = pytest.mark.browser
MINUTE = (
    60_000  # minutes are told rounded: from .4 before one they are the same for most of a minute, however long a page takes
)
ROWS = """() => [...document.querySelectorAll('.reporting-row:not([hidden])')].map(row => [row.dataset.how,
  row.querySelector('.reporting-how').textContent, row.querySelector('.reporting-units').textContent,
  getComputedStyle(row).color === getComputedStyle(document.querySelector('.reporting-silent')).color])"""
UNITS = ["红旗区", "卫滨区", "牧野区", "凤泉区", "新乡县", "获嘉县", "原阳县", "延津县", "封丘县", "长垣市", "卫辉市", "辉县市"]


def rhythm(missing, waiting, **more):
    told = {"at": real_ms() - 9 * MINUTE, "by": "值班员", "text": "正常", "numbers": {"pumps": 2}}
    figures = [
        {
            "name": "pumps",
            "label": {"zh-CN": "移动泵"},
            "unit": {"zh-CN": "台"},
            "how": "standing",
            "value": 14,
            "units": 7,
            "of": 12,
        }
    ]
    data = {"plan": "flood", "state": "running", "label": {"zh-CN": "防汛应急预案"}, "every_minutes": 60, "due": real_ms() + 22.4 * MINUTE,
            "units": {unit: {} if unit in missing else told for unit in UNITS}, "missing": missing, "waiting": waiting, "late": [],
            "excused": {}, "periods": [], "figures": figures}  # fmt: skip
    return ("reporting/flood", {**data, **more})


def test_units_that_owe_the_hours_report_are_first_red_and_named(stage, open_page):
    stage.gate.put(rhythm(UNITS[2:7], UNITS[7:9]))
    page = open_page(stage.url("flood"))
    page.wait_for_function("() => document.querySelectorAll('.reporting-row:not([hidden])').length === 3")
    missing, waiting, reported = page.evaluate(ROWS)
    assert missing[:2] == ["missing", "■ 暂无上报内容 5"] and missing[3], "the colour of the alarm, and its shape and word"
    assert missing[2].startswith("牧野区、凤泉区") and waiting[:3] == ["waiting", "○ 待报 2", "延津县、封丘县"]
    assert reported[1] == "● 已报 5" and not reported[3]
    left = page.inner_text("[data-panel=reporting] .reporting-line")
    assert "还剩 22 分" in left and "■ 5 个单位暂无上报内容" in left
    assert page.inner_text("[data-panel=reporting] .reporting-sums") == "移动泵 14 台"

    stage.gate.put(rhythm([], [], due=real_ms() - 3.6 * MINUTE))
    page.wait_for_function("() => document.querySelectorAll('.reporting-row:not([hidden])').length === 1")
    left = page.inner_text("[data-panel=reporting] .reporting-line")
    assert "已超 4 分" in left and "● 各单位均已上报" in left
    stage.gate.put(("reporting/flood", None))
    page.wait_for_function(
        "() => document.querySelector('[data-panel=reporting] .rows-empty').textContent === '目前没有要求上报'"
    )

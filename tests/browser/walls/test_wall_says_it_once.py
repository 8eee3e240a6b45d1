"""What a wall says of sources and cameras that are not as they should be."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def test_a_source_that_waits_with_parked_input_is_not_told_as_in_order(stage, open_page):
    page = open_page(stage.url("routine"))
    note = page.locator("[data-panel=feed_health] .panel-note")
    page.wait_for_function(
        "() => document.querySelector('[data-panel=feed_health] .panel-note').textContent.includes('全部正常')"
    )
    stage.gate.put(("feed/pushed", {"name": "pushed", "kind": "case", "state": "waiting", "parked": 12}))
    page.wait_for_function("() => document.querySelector('[data-feed=pushed]')")
    assert "全部正常" not in note.inner_text() and "▲ 待查 12" in note.inner_text()
    assert "▲ 待查 12" in page.inner_text("[data-feed=pushed]")

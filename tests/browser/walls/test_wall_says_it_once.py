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


def test_an_offline_camera_is_named_so_and_not_asked_for_a_picture_until_it_is_back(stage, open_page):
    camera = {"feed": "v", "channel_id": "dark", "name": "暗处", "state": "offline", "lon": 113.9, "lat": 35.3}
    for n in range(30):
        stage.gate.put((f"channel/v/{n}", None))
    stage.gate.put(("channel/v/dark", camera))
    page = open_page(stage.url("video"), live=False)
    page.wait_for_selector('.poster[data-picture="offline"]')
    assert "离线" in page.inner_text(".poster .poster-missing") and page.inner_text(".poster-name") == "暗处"
    # the gate is the oracle of time here: pictures are asked for every 150 ms, so a dozen of its beats are enough
    page.evaluate("() => new Promise(done => { let n = 12; hall.store.on(['process'], () => --n || done()); })")
    assert page.evaluate("() => document.querySelector('.poster img').getAttribute('src')") is None
    with page.expect_request("**/video/poster/channel/v/dark.jpg*"):
        stage.gate.put(("channel/v/dark", camera | {"state": "online"}))

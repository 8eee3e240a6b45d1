"""What people do with a wall of pictures: choose, drag, enlarge, keep. A screen without a person has no controls."""

from __future__ import annotations

import pytest

from tests.browser.video.picturestage import Kiosk
from tests.browser.video.test_tiles import FLUID, camera, showing
from tests.browser.walls import scenery
from tests.chromium import PRESSED_AT_ONCE
from tests.video.cameras import Recipe
from video.workshop import mosaic as composed

pytestmark = pytest.mark.browser
SHOWN = "() => hall.video.tiles().filter(t => t.channel).map(t => t.channel)"


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def kept(stage) -> dict:
    return next(iter(stage.grids.values()), {})


def test_a_preset_is_kept_for_the_wall_and_comes_back_on_every_browser_of_it(stage, open_page):
    page, subjects = showing(stage, open_page, "abcd")
    page.fill(".video-bar input", "早高峰")
    page.click("[data-t='video.bar.save']")
    page.wait_for_selector(".video-presets option[value='早高峰']", state="attached")
    page.click(".video-button[data-layout='1']")
    page.wait_for_function("() => hall.video.grid.tiles.length === 1")
    other = open_page(stage.url("video"))
    other.wait_for_selector(".video-presets option[value='早高峰']", state="attached")
    other.wait_for_function("() => hall.video.grid.layout === 1")
    other.select_option(".video-presets", "早高峰")
    for screen in (other, page):
        screen.wait_for_function(f"wanted => JSON.stringify(({SHOWN})()) === JSON.stringify(wanted)", arg=subjects)


def test_numbers_arrows_enter_plus_and_minus(stage, open_page):
    page, subjects = showing(stage, open_page, "abcd")
    page.wait_for_function(FLUID, arg=4)
    press(page, "3")
    assert page.evaluate("() => hall.video.grid.selected") == 2
    press(page, "ArrowUp", "ArrowRight")
    assert page.evaluate("() => hall.video.grid.selected") == 1
    press(page, "Enter")
    page.wait_for_function("() => hall.video.tiles()[1].feed.options.quality === 'main'")
    large, small = page.evaluate("() => [1, 0].map(i => hall.video.tiles()[i].node.offsetWidth)")
    assert large > 1.9 * small
    press(page, "Escape", "+")
    page.wait_for_function("() => hall.video.grid.layout === 9 && hall.video.grid.spotlight === null")
    press(page, "-", "-")
    page.wait_for_function("() => hall.video.grid.layout === 1")
    assert page.evaluate(SHOWN) == subjects[:1]


def test_delete_clears_the_chosen_tile_and_a_number_of_two_digits_is_one_number(stage, open_page):
    page, subjects = showing(stage, open_page, "abcd", layout=16)
    page.evaluate(PRESSED_AT_ONCE, ["1", "2"])
    assert page.evaluate("() => hall.video.grid.selected") == 11
    page.wait_for_function("() => performance.now() - hall.video.grid.controls.typedAt > 700")
    press(page, "2", "Delete")
    page.wait_for_function(f"() => ({SHOWN})().length === 3")
    assert page.evaluate(SHOWN) == [subjects[0], *subjects[2:]]


def test_a_channel_is_found_by_words_and_dragged_into_a_tile(stage, open_page):
    page, subjects = showing(stage, open_page, "abcd")
    page.fill(".video-directory input", "路口 d")
    row = page.wait_for_selector(f".video-row[data-channel='{subjects[3]}']")
    page.wait_for_function("() => document.querySelectorAll('.video-row').length === 1")
    assert row.inner_text().split() == ["●", "路口", "d", "交警支队"]
    with page.expect_response(lambda answer: "/video/walls/" in answer.url and answer.request.method == "PUT"):
        page.drag_and_drop(".video-row", ".video-tile[data-index='0']")
    page.wait_for_function("wanted => hall.video.tiles()[0].channel === wanted", arg=subjects[3])
    assert page.evaluate(SHOWN) == [
        subjects[3],
        subjects[1],
        subjects[2],
        subjects[0],
    ]  # it moved: what was there changed places
    assert kept(stage)["grid"]["cells"] == [subjects[3], subjects[1], subjects[2], subjects[0]]


def test_what_is_let_go_over_a_tile_just_as_its_picture_begins_is_not_lost(stage, open_page):
    page, subjects = showing(stage, open_page, "abcd")
    page.fill(".video-directory input", "路口 d")
    page.wait_for_function("() => document.querySelectorAll('.video-row').length === 1")
    page.hover(".video-row")
    page.mouse.down()
    box = page.locator(".video-tile[data-index='0']").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.evaluate("""() => { const begins = document.createElement('canvas');
      begins.style.cssText = 'position: absolute; inset: 0; z-index: 99';
      hall.video.tiles()[0].node.append(begins); }""")
    page.mouse.up()
    page.wait_for_function("wanted => hall.video.tiles()[0].channel === wanted", arg=subjects[3])


def test_a_list_that_is_told_anew_keeps_its_rows_and_who_is_on_one_of_them(stage, open_page):
    stage.gate.put(*scenery.feeds())
    for name in "bd":
        camera(stage, name)
    page = open_page(stage.url("video"))
    page.fill(".video-directory input", "路口")
    page.wait_for_function("() => document.querySelectorAll('.video-row').length === 2")
    page.focus(".video-row[data-channel='channel/v/d']")
    page.evaluate("() => { window.held = document.activeElement }")
    camera(stage, "c")
    camera(stage, "a", state="offline")
    camera(stage, "d", state="offline")
    del stage.gate.events["channel/v/b"]
    page.dispatch_event(".video-directory input", "input")
    page.wait_for_function(  # the list may have been told anew in between, by its own clock
        "wanted => JSON.stringify([...document.querySelectorAll('.video-row')].map(row => row.innerText)) === JSON.stringify(wanted)",
        arg=["✕\n路口 d\n交警支队", "●\n路口 c\n交警支队", "✕\n路口 a\n交警支队"],
    )
    assert page.evaluate("() => document.activeElement === held && held.dataset.channelState") == "offline"


def test_a_tile_is_dragged_onto_another_and_they_change_places(stage, open_page):
    page, subjects = showing(stage, open_page, "abcd")
    page.drag_and_drop(".video-tile[data-index='0']", ".video-tile[data-index='3']")
    page.wait_for_function("wanted => hall.video.tiles()[3].channel === wanted", arg=subjects[0])
    assert page.evaluate(SHOWN) == [subjects[3], *subjects[1:3], subjects[0]]


def test_the_tree_opens_where_it_branches_leads_to_channels_and_comes_back_where_it_was_left(stage, open_page):
    stage.gate.put(*scenery.feeds())
    camera(stage, "a", owner="水务局")
    camera(stage, "b", owner="城管局", state="offline")
    page = open_page(stage.url("video"))
    branch = page.wait_for_selector(".video-branch[data-node='owner:城管局']")  # regions tell nothing here
    assert branch.inner_text().split() == ["城管局", "0/1"]
    branch.click()
    page.wait_for_function("() => document.querySelectorAll('.video-row').length === 1")
    assert page.locator(".video-row").inner_text().split() == ["✕", "路口", "b", "城管局"]
    page.reload()
    page.wait_for_function("() => document.querySelectorAll('.video-row').length === 1")
    assert page.locator(".video-step").all_inner_texts() == ["全部", "权属单位", "城管局"]
    page.fill(".video-directory input", "路口 x")
    page.wait_for_function(
        "() => document.querySelector('.video-directory .video-status').textContent.includes('没有找到“路口 x”')"
    )
    page.fill(".video-directory input", "路口 a")  # what was opened by itself narrows no search
    page.wait_for_selector(".video-row[data-channel='channel/v/a']")


def test_a_wall_without_pictures_says_why_and_what_to_do(stage, open_page):
    page = open_page(stage.url("video"))
    said = "() => document.querySelector('.video-none').textContent"
    page.evaluate("() => { hall.video.grid.since = -Infinity }")
    page.wait_for_function(f"() => ({said})().startsWith('没有可看的摄像机')")
    page.evaluate("() => hall.setLocale('en')")
    page.wait_for_function(f"() => ({said})().startsWith('No cameras to see')")


def test_a_screen_that_nobody_is_signed_in_at_has_no_controls_and_takes_no_keys(picture_stage, open_page):
    stage = picture_stage(kind=Kiosk)
    page, subjects = showing(stage, open_page, "abcd")
    page.wait_for_function(FLUID, arg=4)
    assert not page.is_visible(".video-bar") and page.locator(".video-directory").count() == 0
    press(page, "+", "1", "Delete")
    assert page.evaluate("() => [hall.video.grid.layout, hall.video.grid.selected]") == [4, None]
    page.dblclick(".video-tile[data-index='2']")  # looking closely is for everybody
    page.wait_for_function("() => hall.video.grid.spotlight === 2")
    assert stage.grids == {} and page.evaluate(SHOWN) == subjects
    stage.relay.add("mosaic/4", main=Recipe())
    page.evaluate("() => { const { feed } = hall.video.tiles()[0]; for (let n = 0; n < 3; n += 1) feed.slow() }")
    page.wait_for_function("() => hall.video.grid.together.active")  # a screen that cannot keep up takes one stream by itself
    stage.relay.wait_for(lambda: any(watch.channel == "mosaic/4" for watch in stage.relay.watches))


def test_where_nobody_chose_the_cameras_near_an_alarm_come_first(stage, open_page):
    stage.gate.put(*scenery.feeds())
    for number, name in enumerate("abcdef"):
        camera(stage, name, lon=113.9 + 0.02 * number)
    page = open_page(stage.url("video"))
    page.evaluate("() => hall.video.grid.set({layout: 4}, true)")
    page.wait_for_function(f"() => ({SHOWN})().length === 4")
    assert "channel/v/f" not in page.evaluate(SHOWN)
    alarm = {"alarm_id": "x", "rule": "level", "cause": "x", "severity": 4, "lon": 114.0, "lat": 35.3, "since": 1}
    stage.gate.put(("alarm/g/x", alarm))
    page.wait_for_function(f"() => ({SHOWN})().includes('channel/v/f')")
    assert set(page.evaluate(SHOWN)) >= {"channel/v/a", "channel/v/b", "channel/v/c"}  # they keep their places


def test_tiles_do_not_lie_across_the_seams_between_screens(picture_stage, open_page):
    stage = picture_stage(2, 2, (1920, 1080))
    page, _ = showing(stage, open_page, "abcdefghi", layout=9)
    page.wait_for_function(  # also where the wall found its size only after the tiles were there
        """() => { const field = hall.video.grid.field.getBoundingClientRect();
          const seams = hall.wall.seams(hall.video.grid.field);
          const inside = (at, from, to) => at > from + 1 && at < to - 1;
          return seams.x.length + seams.y.length > 0 && !hall.video.tiles().some(t => { const b = t.node.getBoundingClientRect();
            return seams.x.some(x => inside(field.left + x, b.left, b.right)) || seams.y.some(y => inside(field.top + y, b.top, b.bottom)) }) }"""
    )


def covered(areas: list[str]) -> list[tuple[int, int]]:
    """Cells of the grid that CSS areas lie on."""
    cells: list[tuple[int, int]] = []
    for area in areas:
        top, left, bottom, right = map(int, area.split(" / "))
        cells += [(row, column) for row in range(top, bottom) for column in range(left, right)]
    return cells


SHAPE = "([layout, lit, filled]) => hall.video.shape(layout, lit, {width: 1600, height: 900}, {x: [], y: []}, filled)"


def test_every_layout_has_its_places_a_larger_spotlight_and_fewer_cameras_leave_no_hole(stage, open_page):
    page = open_page(stage.url("video"))
    for layout in (1, 4, 9, 16, 25, 64):
        plain, lit = (page.evaluate(SHAPE, [layout, light, None])["areas"] for light in (None, 0))
        assert len(set(plain)) == layout
        cells = covered([area for area in lit if area])
        assert len(set(cells)) == len(cells)  # nothing lies over anything else
        assert layout < 4 or sum(map(bool, lit)) >= min(layout, 6)
        if layout in (4, 9):  # nor is any place left empty
            shape = page.evaluate(SHAPE, [layout, 0, None])
            assert len(cells) == len(shape["columns"]) * len(shape["rows"])
    for filled in ([2], [0, 3], [1, 2, 4], [0, 1, 2, 3, 4], list(range(1, 8))):  # a round of so many on a wall of nine
        found = page.evaluate(SHAPE, [9, None, filled])
        assert [index for index, area in enumerate(found["areas"]) if area] == filled
        cells = covered([area for area in found["areas"] if area])
        assert len(set(cells)) == 2 * len(filled)  # each as wide as any other, none over another
        width, height = 2 * found["columns"][0], found["rows"][0]
        assert min(width, height * 16 / 9) >= 1600 / 3 and sum(found["columns"]) == pytest.approx(1600)


def test_a_tile_takes_that_part_of_one_stream_that_the_hall_composes_for_it(stage, open_page):
    page = open_page(stage.url("video"))
    part = "([size, index, width, height]) => Object.values(hall.video.mosaicPart(size, index, {width, height}, false))"
    for size, (width, height) in {4: (1280, 720), 9: (1920, 1080), 16: (1920, 1080), 25: (1920, 1080)}.items():
        for index, place in enumerate(composed.places(size, width, height)):
            x, y, wide, high = place
            band = composed.Tile("", place).band  # the name over it
            assert page.evaluate(part, [size, index, width, height]) == [x, y + band, wide, high - band]


def test_each_browser_of_a_wall_plays_its_own_part_only(picture_stage, open_page):
    stage = picture_stage(3, 1, (1920, 1080))
    stage.gate.put(*scenery.feeds())
    subjects = [camera(stage, name) for name in "abcd"]
    page = open_page(stage.url("video", "part=1,0"))
    page.evaluate("cells => hall.video.grid.set({layout: 16, cells}, true)", subjects * 4)
    page.wait_for_function("() => hall.video.tiles().some(t => t.condition === 'live')")
    inside = page.evaluate(
        "() => hall.video.tiles().map(t => { const b = t.node.getBoundingClientRect(); return b.left < innerWidth - 1 && b.right > 1 })"
    )
    assert set(inside) == {True, False}
    assert page.evaluate("() => hall.video.tiles().map(t => !!t.channel)") == inside


def test_with_fewer_tiles_than_screens_a_line_between_them_lies_on_a_seam_where_one_is_near(stage, open_page):
    page = open_page(stage.url("video"))
    columns = (
        "([total, layout, seams]) => hall.video.shape(layout, null, {width: total, height: 900}, {x: seams, y: []}).columns"
    )
    assert page.evaluate(columns, [4136, 4, [301, 2221]]) == [2221, 1915]
    assert page.evaluate(columns, [3000, 4, [300, 2900]]) == [1500, 1500]
    tracks = page.evaluate(columns, [3000, 16, [1000, 2000]])
    lines = [sum(tracks[: n + 1]) for n in range(4)]
    assert lines[-1] == 3000 and {1000, 2000} <= set(lines)


def test_a_region_is_drawn_by_pointer_or_by_keys_alone_and_every_step_can_be_taken_back(stage, open_page):
    page = open_page(stage.url("video"))
    page.evaluate("""() => {
      const box = hall.make("div.region-stage");
      Object.assign(box.style, { position: "fixed", left: "100px", top: "100px", width: "400px", height: "200px", zIndex: 9999 });
      document.body.append(box);
      window.drawing = new hall.video.RegionDrawing(box, () => {});
    }""")
    corners = lambda: page.evaluate("() => drawing.corners")  # noqa: E731
    page.mouse.click(140, 120)
    assert corners() == [[0.1, 0.1]]
    page.evaluate("() => drawing.add()")
    page.evaluate("() => drawing.add()")
    page.evaluate("() => drawing.handles.children[0].focus()")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert corners()[0] == [0.11, 0.102] and len(corners()) == 3
    assert page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "角 1：左 11%，上 10%"
    page.mouse.move(144, 120)
    page.mouse.down()
    page.mouse.move(300, 200)
    page.mouse.up()
    assert corners()[0] == [0.5, 0.5], "dragged"
    page.keyboard.press("Delete")
    assert len(corners()) == 2
    for expected in ([0.5, 0.5], [0.11, 0.102], [0.11, 0.1], [0.1, 0.1]):
        assert page.evaluate("() => drawing.undo()") and corners()[0] == expected

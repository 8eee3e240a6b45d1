"""Turning a camera from the wall, through the whole hall to a camera that speaks ONVIF: the pad, the keys, who has it."""

from __future__ import annotations

import asyncio
import socket
import threading
from urllib.parse import quote

import pytest

from tests.browser.video.camerahall import camera_hall
from tests.video.cameras import Recipe
from tests.video.ptz.camera import OnvifCamera, schemas

pytestmark = [pytest.mark.browser]
RECIPE = Recipe(width=320, height=180, kbit_s=300)


class Turned(OnvifCamera):
    """A camera on a thread of its own. `until(what)` waits for its last movement."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve(self.listener)), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(5)
        self.listener.close()

    @property
    def url(self):
        return f"onvif://admin:{quote(self.password)}@127.0.0.1:{self.listener.getsockname()[1]}"

    def answer(self, operation):
        with self.changed:
            self.changed.notify_all()
        return super().answer(operation)

    def last(self):
        for name, values in reversed(self.done):
            if name == "Stop":
                return "stop"
            if name == "GotoPreset":
                return f"preset {values.PresetToken}"
            if name == "ContinuousMove":
                turn, zoom = values.Velocity.PanTilt, values.Velocity.Zoom
                return (turn.x, turn.y) if turn else f"zoom {zoom.x}"
        return None

    def until(self, what):
        with self.changed:
            assert self.changed.wait_for(lambda: self.last() == what, 30), self.done


@pytest.fixture(scope="module")
def camera():
    with Turned(schemas()) as found:
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory, camera):
    with camera_hall(tmp_path_factory.mktemp("hall"), {"a": RECIPE, "b": RECIPE}, turned={"a": camera.url}) as found:
        yield found


@pytest.fixture(scope="module")
def page(place, chromium):
    hall, _, subjects = place
    found = chromium.new_page(viewport={"width": 1920, "height": 1080})
    found.set_default_timeout(60_000)  # a busy machine is slow
    found.goto(hall.desk_link)
    found.goto(f"{hall.url}/wall/video")
    found.wait_for_selector(".video-bar:not([hidden])")
    found.evaluate("cells => hall.video.grid.set({layout: 4, cells, spotlight: 0})", subjects)
    found.wait_for_selector(".ptz-pad select:not([disabled])")
    yield found
    found.close()


def test_only_the_large_picture_of_a_camera_that_turns_has_a_pad(page):
    assert page.locator(".ptz-pad").count() == 1
    page.evaluate("() => hall.video.grid.light(1)")
    page.wait_for_function("() => !document.querySelector('.ptz-pad')")
    page.evaluate("() => hall.video.grid.light(0)")
    page.wait_for_selector(".ptz-pad select:not([disabled])")


def test_a_button_held_down_turns_the_camera_and_letting_it_go_stops_it(page, camera):
    button = page.get_by_label("向左")
    button.hover()
    page.mouse.down()
    camera.until((-0.5, 0.0))
    moves = len(camera.done)
    with camera.changed:
        assert camera.changed.wait_for(lambda: len(camera.done) >= moves + 3, 30), "it is said again while it is held down"
    page.mouse.up()
    camera.until("stop")


def test_who_holds_a_button_down_need_not_press_it_again_for_what_passes(page, camera):
    away = [True]

    def answer(route):
        if away[0] and route.request.method == "POST":
            return route.fulfill(status=503, json={"reason": "video-down", "detail": ""})
        return route.continue_()

    page.route("**/api/v1/video/ptz/**", answer)
    try:
        page.get_by_label("向右", exact=True).hover()
        page.mouse.down()
        page.wait_for_function("() => /无应答/.test(document.querySelector('.ptz-status').textContent)")
        away[0] = False
        page.wait_for_function(
            "() => document.querySelector('.ptz-status').textContent === ''"
        )  # lets the route's answers through
        camera.until((0.5, 0.0))
    finally:
        page.mouse.up()
        page.unroute("**/api/v1/video/ptz/**")
    camera.until("stop")


def test_shift_with_an_arrow_turns_and_every_tile_says_who_has_the_camera(page, place, camera, open_page):
    hall, _, _ = place
    page.locator(".video-grid").hover()
    page.keyboard.down("Shift")
    page.keyboard.down("ArrowUp")
    camera.until((0.0, 0.5))
    other = open_page(f"{hall.url}/wall/video")
    other.wait_for_function("() => [...document.querySelectorAll('.video-badge')].some(b => /正在控制/.test(b.textContent))")
    page.keyboard.up("ArrowUp")
    page.keyboard.up("Shift")
    camera.until("stop")
    assert other.locator(".ptz-pad").count() == 0


def test_zoom_and_presets(page, camera):
    page.get_by_label("向左").click()  # has the focus, and loses it when the next button has begun
    page.get_by_label("放大").hover()
    page.mouse.down()
    try:
        camera.until("zoom 0.5")
        moves = len(camera.done)
        with camera.changed:
            assert camera.changed.wait_for(lambda: len(camera.done) >= moves + 2 and camera.last() == "zoom 0.5", 30)
    finally:
        page.mouse.up()
    camera.until("stop")
    page.get_by_label("预置位…").select_option(label="大门")
    camera.until("preset 1")


def test_a_camera_that_refuses_says_so_on_the_pad(page, camera):
    password, camera.password = camera.password, "changed"
    page.get_by_label("缩小").click()
    page.wait_for_function("() => /摄像机拒绝账号口令/.test(document.querySelector('.ptz-status').textContent)")
    camera.password = password
    page.get_by_role("button", name="释放控制").click()
    page.wait_for_function("() => document.querySelector('.ptz-status').textContent === ''")

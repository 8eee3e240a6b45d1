"""One Chromium per module, one wall with its relay per test."""

from __future__ import annotations

import contextlib

import pytest

from hall.core import config as config_module
from tests.browser.reused import Reused
from tests.browser.video.camerahall import camera_hall
from tests.browser.video.picturestage import PictureStage
from tests.browser.walls import wallstage
from tests.browser.walls.conftest import CITY
from tests.browserflags import UNSEEN
from tests.video.cameras import Recipe

playwright_api = pytest.importorskip("playwright.sync_api")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
    f"--disable-features=WebRtcHideLocalIpsWithMdns,{UNSEEN}",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium():
    with playwright_api.sync_playwright() as api:
        browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS, ignore_default_args=["--headless"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(chromium):
    return Reused(chromium)


#: a round that the hall of `cameras_before_a_hall` keeps
ROUND = (
    '\n[[video.rounds]]\nname = "fast"\nlabel = {zh-CN = "快轮", en = "Fast"}\ntiles = 2\ndwell_seconds = 3\norder = "oldest"\n'
)


@pytest.fixture(scope="session")
def cameras_before_a_hall(tmp_path_factory):
    """`(hall, cameras, subjects)`: one hall with eight small cameras for all that need a whole one."""
    recipe = Recipe(width=320, height=180, kbit_s=300)
    with camera_hall(tmp_path_factory.mktemp("hall"), dict.fromkeys("abcdefgh", recipe), more=ROUND) as found:
        yield found


@pytest.fixture
def picture_stage():
    """`picture_stage(columns, rows, screen)`: a stage whose wall is made of so many screens."""
    with contextlib.ExitStack() as stack:

        def make(columns=1, rows=1, screen=(3840, 2160), kind=PictureStage):
            found = config_module.parse(CITY % (columns, rows, *screen))
            stage = stack.enter_context(wallstage.serve(found, kind))
            stack.callback(stage.close)
            return stage

        yield make


@pytest.fixture
def stage(picture_stage):
    return picture_stage()


@pytest.fixture
def open_page(pages):
    """`open_page(address, size)`: a page whose errors are kept in `page.faults`, once its wall of tiles is mounted."""
    with contextlib.ExitStack() as stack:

        def open_(address, size=(1920, 1080), script=""):
            page = stack.enter_context(pages.page(size, script))
            page.goto(address)
            page.wait_for_function("() => window.hall && hall.video && hall.video.grid")
            return page

        yield open_

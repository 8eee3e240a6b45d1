"""One Chromium for the session, one served wall per test, and a small city with known numbers on it."""

from __future__ import annotations

import contextlib

import pytest

from hall.core import config as config_module
from tests.browser.reused import Reused
from tests.browser.walls import scenery, wallstage
from tests.browserflags import DISABLED

playwright_api = pytest.importorskip("playwright.sync_api")

CITY = """
[city]
name = { "zh-CN" = "测试市", en = "Test City" }
centre = [113.9, 35.3]
timezone = "Asia/Shanghai"
demo = true
[wall]
pixel_pitch_mm = 1.875
viewing_distance_m = 10.0
columns = %d
rows = %d
screen = [%d, %d]
"""


@pytest.fixture(scope="module")  # while it lives, no asyncio test can run: playwright keeps a loop in this thread
def chromium():
    with playwright_api.sync_playwright() as api:
        browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", DISABLED])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(chromium):
    return Reused(chromium)


@pytest.fixture
def stage_of():
    """`stage_of(columns, rows, screen)`: a stage whose wall is made of so many screens."""
    with contextlib.ExitStack() as stack:

        def make(columns=1, rows=1, screen=(3840, 2160)):
            found = config_module.parse(CITY % (columns, rows, *screen))
            stage = stack.enter_context(wallstage.serve(found))
            stage.gate.put(*scenery.city())
            return stage

        yield make


@pytest.fixture
def stage(stage_of):
    return stage_of()


@pytest.fixture
def open_page(pages):
    """`open_page(address, size)`: a page whose errors are kept in `page.faults`, once all its panels are mounted."""
    with contextlib.ExitStack() as stack:

        def open_(address, size=(1920, 1080), live=True):
            page = stack.enter_context(pages.page(size))
            page.goto(address)
            page.wait_for_selector("#wall")
            if live:
                page.wait_for_function(wallstage.ALL_LIVE)
            return page

        yield open_

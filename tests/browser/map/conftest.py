"""One Chromium, and one page with the demo city's map per test."""

from __future__ import annotations

import contextlib
import random
import threading

import pytest

from feeds.demo import prepare
from hall.core import config
from tests.browser.map import mappage, scenery
from tests.browser.reused import Reused
from tests.browserflags import DISABLED

playwright_api = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    """The demo city's configuration, its files made once."""
    return config.load(prepare(tmp_path_factory.mktemp("city")))


@pytest.fixture(scope="module")  # while it lives, no asyncio test can run: playwright keeps a loop in this thread
def chromium():
    with playwright_api.sync_playwright() as api:
        browser = api.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", DISABLED])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(chromium):
    return Reused(chromium, console=True)


@pytest.fixture
def chance():
    return random.Random(20210720)


@pytest.fixture
def open_map(pages, city, tmp_path, monkeypatch):
    """`open_map(*rows) -> (page, gate)`: the map with these documents on it, everything behind it alive."""
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "var"))
    with contextlib.ExitStack() as stack:

        def open_(*rows, size=(1280, 800), found=None, query="", routers=()):
            address, gate = stack.enter_context(mappage.serve(found or city, routers))
            gate.put(*scenery.alive(), *rows)
            stopped = threading.Event()
            stack.callback(stopped.set)
            threading.Thread(target=_keep_alive, args=(gate, stopped), daemon=True).start()
            page = stack.enter_context(pages.page(size))
            page.goto(address + query)
            page.wait_for_function("hall.maps && hall.maps['city-map'] && document.querySelector('[data-count-cases]')")
            page.evaluate("Promise.all(['basemap', 'districts', 'cells'].map(hall.citymap.geography)).then(() => 0)")
            return page, gate

        yield open_


def _keep_alive(gate, stopped) -> None:
    while not stopped.wait(1):
        gate.put(*scenery.alive())

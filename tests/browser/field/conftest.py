"""A phone: Chromium at a phone's size on the field page of a real web process, with the ledger in the test's own hand."""

from __future__ import annotations

import contextlib

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.chromium import PATIENCE_MS
from tests.hall.app.conftest import Hall
from tests.hall.app.test_field import Side, link_for


@pytest.fixture(scope="module")
def city_hall(valkey, tmp_path_factory):
    hall = Hall(tmp_path_factory.mktemp("field"), valkey, demo=False).start()
    yield hall
    hall.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def side(city_hall, monkeypatch):
    made = Side(city_hall, monkeypatch)
    yield made
    await made.close()


@pytest.fixture
def chromium(chromium_tabs):
    """The file's Chromium; a phone is a context of its own, because it keeps much."""
    return chromium_tabs.browser


@pytest.fixture(scope="module")
def phones():
    """Phones that no test uses now, wiped, by the options they were made with."""
    return {}


async def wiped(page: Page, url: str) -> None:
    """The phone as new: nothing stored of any kind, no cookie, no worker, no second page, on the network."""
    await page.context.set_offline(False)
    for other in page.context.pages:
        if other is not page:
            await other.close()
    await page.unroute_all(behavior="ignoreErrors")
    await page.goto(f"{url}/healthz")  # of the same origin, without scripts
    await page.evaluate("() => sessionStorage.clear()")
    session = await page.context.new_cdp_session(page)
    await session.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    await session.detach()
    await page.context.clear_cookies()
    await page.mouse.move(0, 0)


@pytest.fixture
def phone(chromium, city_hall, phones):
    """`async with phone(crew) as page`: a phone without a past that opened a link of this crew; an error of a script fails the
    test, whose phone is not used again."""

    @contextlib.asynccontextmanager
    async def opened(crew: str, language: str = "zh-CN", **more):
        faults = []
        options = {"locale": language, "has_touch": True, "is_mobile": True, "permissions": ["geolocation"], **more}
        free = phones.setdefault(repr(sorted(options.items())), [])
        if free:
            page = free.pop()
        else:
            place = {"longitude": 113.921, "latitude": 35.301, "accuracy": 9}
            size = {"width": 360, "height": 740}
            page = await (await chromium.new_context(viewport=size, geolocation=place, **options)).new_page()
        page.context.set_default_timeout(PATIENCE_MS)

        def heard(request) -> None:
            if not request.url.startswith((city_hall.url, "data:", "blob:")):
                faults.append(request.url)

        listeners = {"pageerror": lambda error: faults.append(str(error)), "request": heard}
        for event, listener in listeners.items():
            page.on(event, listener)
        try:
            link = await link_for(city_hall, crew)
            await page.goto(link["url"].replace("/field/", f"/field/?lang={language}"))
            await page.wait_for_selector(".tasks")
            yield page
        except BaseException:
            await page.context.close()
            raise
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        await wiped(page, city_hall.url)
        free.append(page)
        assert not faults, faults

    return opened

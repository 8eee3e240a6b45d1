"""A phone: Chromium at a phone's size on the field page of a real web process, with the ledger in the test's own hand."""

from __future__ import annotations

import contextlib

import pytest
import pytest_asyncio

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


@pytest.fixture
def phone(chromium, city_hall):
    """`async with phone(crew) as page`: a new phone that opened a link of this crew; an error of a script fails the test."""

    @contextlib.asynccontextmanager
    async def opened(crew: str, language: str = "zh-CN", **options):
        faults = []
        context = await chromium.new_context(
            viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, locale=language,
            **{"permissions": ["geolocation"], "geolocation": {"longitude": 113.921, "latitude": 35.301, "accuracy": 9}, **options},
        )  # fmt: skip
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((city_hall.url, "data:", "blob:")) else faults.append(r.url))
        try:
            link = await link_for(city_hall, crew)
            await page.goto(link["url"].replace("/field/", f"/field/?lang={language}"))
            await page.wait_for_selector(".tasks")
            yield page
        finally:
            await context.close()
        assert not faults, faults

    return opened

"""Far down a long list: what was counted can be scrolled to at once, and the count says when there is more."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest
from playwright.async_api import TimeoutError as PlaywrightTimeout
from playwright.async_api import expect

from dispatch.casebook import Casebook, Version
from hall.core.clock import real_ms
from hall.core.model import Case, Stages
from tests.browser.consoles.consolestage import console, opened
from tests.chromium import intercept
from tests.hall.app.conftest import Hall

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("chromium_tabs")]
CASES = 10_600


@pytest.fixture(scope="module")
def hall(valkey, tmp_path_factory):
    made = Hall(tmp_path_factory.mktemp("far"), valkey, demo=True)
    book, now = Casebook.open_writer(made.home / "var" / "cases.db"), real_ms()
    cases = (Case(feed="t", case_id=f"N{n:05d}", state="handling", stages=Stages(reported=now - n)) for n in range(CASES))
    book.record([Version(f"case/t/{c.case_id}", (c.stages.reported, 0, c.case_id), "test", c) for c in cases])
    book.close()
    made.start()
    made.start_gate()
    yield made
    made.stop()


async def all_counted(page, url):
    """Opens the list, and asks again until the hall had the time to count to its bound: it gives counting 40 ms only, whoever
    else computes."""
    total = page.locator("[data-total]")
    await opened(page, url)
    for _ in range(100):
        await expect(total).to_have_text(re.compile("Cases: [0-9,]+ or more"))
        if await total.text_content() == "Cases: 10,000 or more":
            return
        with contextlib.suppress(PlaywrightTimeout):  # the page asks not again while it is asking: another click does
            async with page.expect_response("**/api/v1/cases?*", timeout=3000):
                await page.click(".desk-chip >> text=All")
    raise AssertionError(f"never counted to the bound: {await total.text_content()}")


async def test_filters_changed_faster_than_they_are_answered_end_with_the_last_one(hall, valkey):
    async with console(hall.url, valkey, prefix=hall.prefix) as page:
        await all_counted(page, f"{hall.url}/desk?view=all&lang=en")
        held = asyncio.Queue()
        await intercept(page, "**/api/v1/cases?*", held.put)
        for severity in ("1", "2", "3", "4"):
            while not held.empty():
                held.get_nowait()
            await page.select_option('select[name="severity"]', severity)
            await asyncio.wait_for(held.get(), 30)
        await page.unroute("**/api/v1/cases?*")
        await page.fill("[data-search]", "N00042")
        await page.select_option('select[name="severity"]', "")
        await expect(page.locator("[data-total]")).to_have_text("Cases: 1")


async def test_a_jump_to_the_end_of_what_was_counted_asks_for_that_page_only(hall, valkey):
    asked = []
    async with console(hall.url, valkey, prefix=hall.prefix) as page:
        page.on("request", lambda request: asked.append(request.url) if "/api/v1/cases?" in request.url else None)
        await all_counted(page, f"{hall.url}/desk?view=all&lang=en")
        before = len(asked)
        await page.evaluate("(v => v.scrollTop = v.scrollHeight)(document.querySelector('.ag-body-viewport'))")
        row = page.locator('.ag-row[row-index="9990"] .cell-number')
        await expect(row).to_have_text("N09990")
        assert 1 <= len(asked) - before <= 3 and "offset=9900" in asked[before]
        further = """() => {
          const view = document.querySelector('.ag-body-viewport');
          view.scrollTop = view.scrollHeight; // goes on, as a wheel does, while the list grows
          return document.querySelector('.ag-row[row-index="10099"] .cell-number')?.textContent === 'N10099';
        }"""
        await page.wait_for_function(further)
        before = len(asked)
        await page.fill("[data-search]", "N0004")
        await expect(page.locator('.ag-row[row-index="0"] .cell-number')).to_have_text("N00040")
        assert {url.partition("offset=")[2].partition("&")[0] for url in asked[before:] if "q=N0004" in url} == {"0"}

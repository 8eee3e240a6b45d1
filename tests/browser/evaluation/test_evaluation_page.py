"""/evaluation in a real Chromium over rows the test wrote itself: figures, the lists behind them, the way to the desk, paper."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from dispatch.casebook import Casebook, Version
from dispatch.evaluation.store import Writer
from hall.core.clock import real_ms
from hall.core.model import Case, Stages
from layouts.catalogue import texts
from tests.browser.consoles.consolestage import console, opened
from tests.dispatch.evaluation.test_figures import plain
from tests.hall.app.conftest import Hall

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("chromium_tabs")]
DAY, HOUR = 86_400_000, 3_600_000
UNITS, LATE = ("环卫处", "市政处", "园林处"), (7, 3, 0)
PERIOD = "?period=custom&date={first}&to={last}&lang={language}"


@pytest.fixture(scope="module")
def hall(valkey, tmp_path_factory):
    """60 cases ten days ago: 20 a unit, of which 7, 3 and 0 were handled late."""
    made, begun = Hall(tmp_path_factory.mktemp("evaluation"), valkey, demo=False), real_ms() - 10 * DAY
    found, versions = [], []
    for n in range(60):
        unit, late = UNITS[n % 3], n // 3 < LATE[n % 3]
        moments = dict(
            reported=begun + n, due=begun + HOUR, handled=begun + (2 * HOUR if late else 60_000), closed=begun + 3 * HOUR
        )
        loop = dict(accepted=begun + n, registered=begun + n, dispatched=begun + n)
        found.append(plain(subject=f"case/t/N{n:03}", number=f"N{n:03}", unit=unit, state="closed", **moments, **loop))
        stages = Stages(reported=begun + n, closed=begun + 3 * HOUR)
        case = Case(feed="t", case_id=f"N{n:03}", unit=unit, state="closed", description=f"第 {n} 件", stages=stages)
        versions.append(Version(f"case/t/N{n:03}", (begun + n, begun + n, f"{n:03}"), "feeds", case))
    writer, book = Writer(made.home / "var" / "evaluation.db", "test"), Casebook.open_writer(made.home / "var" / "cases.db")
    writer.put(found, [], {"version": 60, "seq": 0, "as_of": real_ms(), "behind": 0})
    book.record(versions)
    writer.close()
    book.close()
    made.start()
    made.start_gate()
    yield made
    made.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def page(hall):
    async with console(hall.url, hall.valkey, "supervisor", hall.prefix) as found:
        yield found


async def shown(page, hall, language="zh-CN", **more):
    """The page over the year around the cases, whatever today is."""
    today = await page.evaluate("new Date().toISOString().slice(0, 10)")
    first = f"{int(today[:4]) - 1}{today[4:8]}01"
    address = f"{hall.url}/evaluation" + PERIOD.format(first=first, last=today, language=language)
    await opened(page, address + "".join(f"&{name}={value}" for name, value in more.items()))
    await page.wait_for_selector(".evaluation-table tbody tr")


async def test_units_stand_by_late_cases_with_every_rates_denominator(page, hall):
    await shown(page, hall)
    rows = page.locator(".evaluation-table tbody tr")
    await expect(rows).to_have_count(4)
    assert [await rows.nth(n).locator("th").inner_text() for n in range(4)] == [*UNITS, "合计"]
    assert [await rows.nth(n).locator(".evaluation-late .evaluation-figure").inner_text() for n in range(4)] == [
        "7",
        "3",
        "0",
        "10",
    ]
    cell = rows.nth(0).locator('[data-kpi="intime_dispose_rate"]')
    assert await cell.locator(".evaluation-rate").inner_text() == "65.00 %"
    assert await cell.locator(".evaluation-of").inner_text() == "13 / 20"


async def test_a_figure_lists_its_cases_and_a_case_opens_on_the_desk(page, hall):
    await shown(page, hall)
    for n, late in enumerate((*LATE, 10)):
        row = page.locator(".evaluation-table tbody tr").nth(n)
        await row.locator(".evaluation-late .evaluation-figure").click()
        await expect(page.locator(".panel-evaluation-cases .desk-total")).to_have_text(f"共 {late} 件")
        await expect(page.locator(".evaluation-list tbody tr")).to_have_count(late)
    row = page.locator(".evaluation-table tbody tr").first
    await row.locator('[data-kpi="intime_dispose_rate"] .evaluation-figure').first.click()
    await expect(page.locator(".evaluation-list tbody tr")).to_have_count(13)
    await page.locator(".panel-evaluation-cases .desk-button", has_text="看未达成的 7 件").click()
    await expect(page.locator(".evaluation-list tbody tr")).to_have_count(7)
    link = page.locator("a.evaluation-case").first
    number = await link.inner_text()
    await link.click()
    await page.wait_for_url("**/desk?**")
    await expect(page.locator(".panel-desk-case")).to_contain_text(number)


async def test_everything_is_reached_with_the_keyboard(page, hall):
    await shown(page, hall)
    await page.locator('[data-value="district"]').focus()
    await page.keyboard.press("Enter")
    await page.wait_for_function("new URL(location.href).searchParams.get('by') === 'district'")
    assert await page.evaluate("document.activeElement.dataset.value") == "district"
    await expect(page.locator(".evaluation-table tbody th").first).to_have_text("（未填）")
    await page.locator(".evaluation-late .evaluation-figure").first.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel-evaluation-cases .desk-total")).to_have_text("共 10 件")


@pytest.mark.parametrize("tab", ["district", "unit", "class", "subclass", "source", "person", "day", "week", "month"])
async def test_every_tab_adds_up_and_shows_no_key_of_a_text(page, hall, tab):
    await shown(page, hall, "en", set="all")
    await page.locator(f'[data-value="{tab}"]').last.click()
    by = "handler" if tab == "person" else tab
    await page.wait_for_function(f"document.querySelector('.evaluation-exports a').href.includes('by={by}&')")
    await expect(page.locator(".evaluation-table [data-total] td").nth(1)).to_have_text("60")
    words = await page.locator(".console-main").inner_text()
    keys = {key for catalogue in texts().values() for key in catalogue}
    assert not [
        found for found in re.findall(r"[a-z]+(?:\.[\w-]+)+", words) if found in keys or found.startswith("evaluation.")
    ]


async def test_the_language_switches_in_place_and_a_period_without_cases_says_so(page, hall):
    await shown(page, hall)
    await page.get_by_role("button", name="English").click()
    await expect(page.locator(".evaluation-table [data-total] th")).to_have_text("Total")
    await page.locator('[data-value="day"]').first.click()
    await expect(page.locator(".evaluation-table tbody")).to_have_text("No cases in this period")
    await page.get_by_role("button", name="Period before").click()
    await page.wait_for_function("new URL(location.href).searchParams.get('date')")


async def test_the_table_can_be_saved_for_excel(page, hall):
    await shown(page, hall)
    async with page.expect_download() as waiting:
        await page.get_by_text("导出 Excel").click()
    assert (await (await waiting.value).path()).read_bytes()[:2] == b"PK"


async def test_on_paper_there_is_the_table_and_no_button(page, hall):
    await shown(page, hall)
    await page.emulate_media(media="print")
    for hidden in (".panel-console-bar", ".evaluation-exports", '[data-value="unit"]', ".panel-evaluation-cases"):
        assert not await page.locator(hidden).first.is_visible(), hidden
    assert await page.locator(".evaluation-table tbody tr").last.is_visible()
    ground = await page.evaluate("getComputedStyle(document.querySelector('.evaluation-table td')).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


async def test_somebody_without_the_right_is_led_away(hall):
    async with console(hall.url, hall.valkey, "viewer", hall.prefix) as page:
        await page.goto(f"{hall.url}/evaluation")
        assert "/sign-in" in page.url

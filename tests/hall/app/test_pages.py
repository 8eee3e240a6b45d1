"""The consoles in a real Chromium against the real web process and gate; documents are put on the bus by the test."""

from __future__ import annotations

import contextlib
import re

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import expect

from dispatch.casebook import Casebook, Version
from hall import access
from hall.core.clock import real_ms
from hall.core.event import Event, encode
from hall.core.model import Case, FeedStatus, Stages
from tests.chromium import tabs

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("chromium_tabs")]


def case(n: int, now: int, **more) -> Case:
    made = dict(
        feed="t", case_id=f"N{n:04d}", state="handling", severity=n % 5, class_name="市容环境", district=f"区{n % 4}",
        description=f"第{n}号 道路积水", due=now + (n - 100) * 600_000 + 300_000, stages=Stages(reported=now - n * 60_000),
        lon=113.9 + n / 10_000, lat=35.3,
    )  # fmt: skip
    return Case(**made | more)


def told(subject: str, data, now: int) -> bytes:
    made = Event(id=f"{subject}@{now}", source="test", subject=subject, time=now, recordedtime=now, data=data)
    return encode(made)


@pytest.fixture(scope="module")
def hall(valkey, tmp_path_factory):
    """A city with 250 cases in the casebook, and a gate."""
    from tests.hall.app.conftest import Hall

    made = Hall(tmp_path_factory.mktemp("pages"), valkey, demo=True).start()
    made.start_gate()
    now = real_ms()
    book = Casebook.open_writer(made.home / "var" / "cases.db")
    cases = [case(n, now) for n in range(250)]
    book.record([Version(f"case/t/{c.case_id}", (now, now, c.case_id), "test", c) for c in cases])
    book.close()
    yield made
    made.stop()


@contextlib.asynccontextmanager
async def browser(hall, role: str = "supervisor", language: str = "zh-CN"):
    """A page signed in as `role`; fails the test on any error in it or any request to elsewhere."""
    bus, faults = hall.bus(), []
    secret = await access.open_session(bus, "zhao", role)
    await bus.close()
    listeners = {
        "pageerror": lambda error: faults.append(str(error)),
        "console": lambda m: faults.append(m.text) if m.type == "error" and not EXPECTED.search(m.text) else None,
        "request": lambda r: None if r.url.startswith((hall.url, "data:", "blob:")) else faults.append(r.url),
    }
    async with tabs().tab(hall.url, secret) as page:
        for name, listener in listeners.items():
            page.on(name, listener)
        yield page
        for name, listener in listeners.items():
            page.remove_listener(name, listener)
    assert not faults, faults


#: what a browser logs of an answer that the test expects: no video process, a session that is over, a case without a file, no relay
EXPECTED = re.compile(r"status of (503|401|403|404)|/v1/video' failed: Error in connection establishment")

SMALL = """() => [...document.querySelectorAll('.console *')].filter(e => e.children.length === 0 && e.textContent.trim()
    && !e.closest('.panel-city_map') && e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) < 15)
    .map(e => e.className + ': ' + e.textContent).slice(0, 5)"""


@pytest.mark.parametrize("path", ["/desk", "/map", "/admin/feeds", "/admin/screens", "/admin/users", "/walls"])
async def test_each_console_is_painted_offline_without_errors_in_type_of_15_px_and_up(hall, path):
    async with browser(hall, "admin") as page:
        await page.goto(hall.url + path)
        await page.wait_for_selector(".bar-link[aria-current]")
        await page.wait_for_selector('.bar-link-state[data-link="live"]')
        assert await page.evaluate("document.documentElement.lang") == "zh-CN"
        assert "坐席" in await page.inner_text(".bar-nav")
        assert await page.evaluate(SMALL) == []
        await page.click(".bar-button >> text=English")
        assert "Desk" in await page.inner_text(".bar-nav")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_desk_searches_opens_and_shows_a_case_with_the_keyboard_alone(hall):
    async with browser(hall) as page:
        await page.goto(f"{hall.url}/desk?view=all&lang=en")
        await expect(page.locator("[data-total]")).to_have_text("Cases: 250")
        await page.keyboard.press("/")
        await page.keyboard.type("N0042")
        await expect(page.locator("[data-total]")).to_have_text("Cases: 1")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".case-number")
        assert await page.inner_text(".case-number") == "N0042"
        detail = await page.inner_text(".panel-desk-case")
        assert "第42号 道路积水" in detail and "113.904200, 35.300000" in detail and "read-only" in detail
        assert await page.locator('.case-stages li[data-phase="done"]').count() == 1


async def test_the_desk_filters_on_the_server(hall):
    async with browser(hall) as page:
        await page.goto(f"{hall.url}/desk?view=all&lang=en")
        await page.wait_for_selector(".ag-row .cell-number")
        await page.click(".desk-chip >> text=Overdue")
        await expect(page.locator("[data-total]")).to_have_text("Cases: 100")
        await page.select_option('select[name="severity"]', "4")
        await expect(page.locator("[data-total]")).to_have_text("Cases: 20")
        numbers = await page.locator(".ag-row .cell-number").all_inner_texts()
        assert numbers and all(int(number.strip("N ●")) % 5 == 4 for number in numbers)
        await page.click("text=Save filter")
        await page.click(".desk-button >> text=Clear")
        await expect(page.locator("[data-total]")).to_have_text("Cases: 250")
        await page.click(".desk-chip >> text=★")
        await expect(page.locator("[data-total]")).to_have_text("Cases: 20")


async def test_a_case_that_changes_marks_its_row_at_once(hall):
    bus, now = hall.bus(), real_ms()
    await bus.publish([told("case/t/N0003", case(3, now), now)])
    async with browser(hall) as page:
        await page.goto(f"{hall.url}/desk?view=all&lang=en")
        await page.wait_for_selector('.ag-row[row-id="case/t/N0003"]')
        await expect(page.locator(".panel-desk-list[data-state]")).to_be_visible()
        await page.wait_for_selector('.bar-link-state[data-link="live"]')
        later = real_ms()
        await bus.publish([told("case/t/N0003", case(3, now, state="pending_check"), later)], "fast")
        row = page.locator('.ag-row.row-changed[row-id="case/t/N0003"]')
        await row.wait_for()
        assert await row.locator(".cell-state").inner_text() == "to check"
    await bus.close()


async def test_feeds_show_live_what_the_bus_says_and_what_is_parked(hall):
    bus, now = hall.bus(), real_ms()
    status = FeedStatus(name="probe", kind="case", state="stale", received=9, accepted=5, parked=4, last_seen_real=now)
    await bus.publish([told("feed/probe", status, now)])
    for n in range(4):
        fields = {"reason": "json-malformed", "detail": "line 1", "raw": f"<b>broken {n}</b>", "form": "json", "at": str(now)}
        await bus.queue_add(fields, "parked", "probe")
        await bus.hash_add("json-malformed", 1, "parked-counts", "probe")
    async with browser(hall) as page:
        await page.goto(f"{hall.url}/admin/feeds?lang=en")
        row = page.locator('tr[data-key="probe"]')
        await row.wait_for()
        assert "stale" in await row.inner_text()
        await page.wait_for_selector(".parked-sample")
        assert await page.locator(".parked-sample pre").all_inner_texts() == [f"<b>broken {n}</b>" for n in range(4)]
        assert "malformed JSON" in await page.inner_text(".parked-reasons")
        await bus.publish([told("feed/probe", FeedStatus(name="probe", kind="case", state="live", accepted=77), now + 5)])
        await expect(row).to_contain_text("77")
        await page.click("text=Try again with the present mapping")
        await expect(page.locator(".parked-head")).to_contain_text("Asked to try 4")
    assert await bus.queue_length("commands", "feeds") == 1
    await bus.close()


async def test_an_open_page_is_listed_among_the_screens(hall):
    async with browser(hall) as page:
        await page.goto(f"{hall.url}/admin/screens?lang=en")
        await page.wait_for_selector('tr[data-key^="screen/"][data-feed-state="live"]')
        assert "/admin/screens" in await page.inner_text(".panel-admin-screens")


async def test_an_admin_adds_a_user_pairs_a_wall_and_the_address_opens_it(hall):
    async with browser(hall, "admin") as page:
        await page.goto(f"{hall.url}/admin/users?lang=en")
        form = page.locator(".panel-admin-users .console-form")
        await form.locator('[name="name"]').fill("chen")
        await form.locator('[name="role"]').select_option("leader")
        await form.locator('[name="password"]').fill("long enough")
        await form.locator("button").click()
        await expect(page.locator(".panel-admin-users")).to_contain_text("chen was added")
        await page.fill('.panel-admin-walls [name="wall"]', "flood")
        await page.click("text=Make address")
        address = await page.locator(".pairing-address").inner_text()
        await page.context.clear_cookies()
        await page.goto(address)
        await page.wait_for_selector("#wall.wall-flood")
        assert "token" not in page.url
        assert (await page.evaluate("hall.page.who")) == {"name": "wall:flood", "role": "wall", "wall": "flood"}


async def test_a_wall_changes_its_layout_when_a_supervisor_switches_it(hall):
    async with browser(hall) as desk, browser(hall, "wall") as wall:
        await wall.goto(f"{hall.url}/wall/routine?wall=east")
        await wall.wait_for_selector("#wall.wall-routine")
        await desk.goto(f"{hall.url}/admin/screens?lang=en")
        await desk.select_option('.panel-admin-scene [name="wall"]', "east")
        await desk.select_option('.panel-admin-scene [name="layout"]', "briefing")
        await desk.click(".panel-admin-scene button")
        await expect(desk.locator(".panel-admin-scene .form-status")).to_contain_text("east changes to")
        await wall.wait_for_selector("#wall.wall-briefing")
        assert "wall=east" in wall.url


async def test_a_session_that_ended_leads_back_to_the_sign_in(hall):
    bus = hall.bus()
    async with browser(hall, "viewer") as page:
        await page.goto(f"{hall.url}/desk?view=all&lang=en")
        await page.wait_for_selector(".ag-row .cell-number")
        cookies = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
        await access.close_session(bus, cookies[access.COOKIE])
        with contextlib.suppress(PlaywrightError):  # a request of the list's own may lead away while the click is under way
            await page.click(".desk-chip >> text=All", timeout=2000)
        await page.wait_for_url(re.compile(r"/sign-in\?next=%2Fdesk"))
    await bus.close()

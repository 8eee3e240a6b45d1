"""Pushing to a wall of two browsers from a console, and acting at a wall: a whole running hall in real browsers."""

from __future__ import annotations

import contextlib
import re
import uuid

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from hall import access
from hall.app.users import Profile, Users
from hall.core.bus import Bus
from hall.core.settings import bus_socket
from tests.chromium import tabs
from tests.running import RunningHall

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("chromium_tabs")]
CITY = """
[city]
name = { "zh-CN" = "试验市", en = "Trial City" }
centre = [113.92, 35.30]
demo = true
[walls.main]
columns = 2
screen = [1920, 1080]
pixel_pitch_mm = 1.25
viewing_distance_m = 5.0
layout = "routine"
[[feeds]]
name = "probe"
kind = "case"
url = "push://"
token = "x"
"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    home = tmp_path_factory.mktemp("shows")
    (home / "hall.toml").write_text(CITY, encoding="utf-8")
    with RunningHall(home / "var", home / "hall.toml") as running:
        users = Users(running.data_dir / "users.db")
        users.add("wangfang", "supervisor", "a long password", Profile(pin="4826", display="王芳"))
        users.add("locked", "operator", "a long password", Profile(pin="5937", display="李强"))
        yield running


class Stage:
    """Browsers of one test: `wall(query)` and `console(role, path)` open pages whose script errors fail the test."""

    def __init__(self, hall, stack: contextlib.AsyncExitStack) -> None:
        self.hall, self.stack, self.faults = hall, stack, []

    async def page(self, size=(1920, 1080), cookie: str = ""):
        page = await self.stack.enter_async_context(tabs().tab(self.hall.url, cookie, size, bypass_csp=True))
        page.on("pageerror", self.fault)
        self.stack.callback(page.remove_listener, "pageerror", self.fault)
        return page

    def fault(self, error) -> None:
        self.faults.append(str(error))

    async def wall(self, query="wall=main&lang=en", layout="main", size=(1920, 1080)):
        page = await self.page(size)
        await page.goto(f"{self.hall.url}/wall/{layout}?{query}")
        await page.wait_for_function("window.hall?.store?.ready && hall.show.layer()")
        return page

    async def secret(self, name, role):
        bus = Bus(f"unix://{bus_socket(self.hall.data_dir)}")
        try:
            return await access.open_session(bus, name, role)
        finally:
            await bus.close()

    async def console(self, path="/admin/screens", name="zhao", role="supervisor"):
        page = await self.page(cookie=await self.secret(name, role))
        await page.goto(f"{self.hall.url}{path}{'&' if '?' in path else '?'}lang=en")
        await page.wait_for_function("window.hall?.link?.state === 'live'")
        return page

    async def api(self, name="zhao", role="supervisor") -> httpx.AsyncClient:
        secret = await self.secret(name, role)
        csrf = {"x-hall-csrf": access.csrf_token(secret)}
        return httpx.AsyncClient(base_url=self.hall.url, cookies={access.COOKIE: secret}, headers=csrf, timeout=20)

    async def push(self, text, priority=1, seconds=None, name="zhao", **more):
        async with await self.api(name) as client:
            asked = {"id": uuid.uuid4().hex, "wall": "main", "what": "message", "content": {"text": text}}
            answer = await client.post("/api/v1/shows", json={**asked, "priority": priority, "seconds": seconds, **more})
            assert answer.status_code == 201, answer.text
            return answer.json()

    async def clear(self):
        """Every push of the tests before is over."""
        async with await self.api("cleaner", "admin") as client:
            for row in (await client.get("/api/v1/shows")).json()["pushes"]:
                _, wall, target = row["subject"].split("/")
                params = {"id": uuid.uuid4().hex, "reason": "test over"}
                await client.delete(f"/api/v1/shows/{wall}/{target}/{row['number']}", params=params)

    async def case(self, text="井盖缺失，行人绊倒"):
        async with await self.api("reporter", "operator") as client:
            case = {"description": text, "class_name": "公用设施", "severity": 3, "lon": 113.92, "lat": 35.3}
            made = await client.post("/api/v1/cases", json={"id": uuid.uuid4().hex, "case": case})
            return "case/" + made.json()["outcome"]["subject"].removeprefix("file/")


@pytest_asyncio.fixture(loop_scope="module")
async def stage(hall):
    async with contextlib.AsyncExitStack() as stack:
        made = Stage(hall, stack)
        yield made
        await made.clear()
    assert not made.faults, made.faults


def message(page):
    return page.locator(".show-message-text")


async def test_a_push_to_one_screen_shows_there_only_and_the_console_says_since_when(stage):
    left, right = await stage.wall("wall=main&part=0,0&lang=en"), await stage.wall("wall=main&part=1,0&lang=en")
    console = await stage.console()
    await console.get_by_role("button", name="Push to a wall…").click()
    drawer = console.locator(".push-drawer")
    await expect(drawer.locator('[name="target"] option')).to_have_count(3)
    await drawer.locator('[name="target"]').select_option("part-1,0")
    await drawer.locator('[name="text"]').fill("<b>Close</b> the ramp")
    await drawer.get_by_role("button", name="Push", exact=True).click()
    await expect(message(right)).to_have_text("<b>Close</b> the ramp")
    answers = console.locator(".panel-admin-shows .push-answers")
    await expect(answers).to_have_text(re.compile(r"^Screen 2 shows it since \d\d:\d\d:\d\d$"))
    await expect(message(left)).to_have_count(0)
    shown = await right.evaluate("hall.show.report()")
    told = await console.evaluate("[...hall.store.docs('screen').values()].map((e) => e.data.shows).filter(Boolean)")
    assert [one["since"] for one in told] == [shown["since"]]
    # the wall tells time by the hall's clock as well as it knows it: on this machine that is its own
    since, off = await right.evaluate("[hall.show.report().since, Math.abs(hall.clock.offset)]")
    assert since + off + 1 >= await console.evaluate("hall.pushes.rows()[0].push.since")


async def test_a_higher_push_takes_over_and_the_lower_returns_by_itself(stage):
    wall = await stage.wall()
    await stage.push("lower", 1)
    await expect(message(wall)).to_have_text("lower")
    await stage.push("higher", 3, seconds=3600, name="wang")
    await expect(message(wall)).to_have_text("higher")
    await expect(wall.locator(".show-foot")).to_contain_text("pushed by wang")
    await wall.evaluate("() => { const { real } = hall.clock; hall.clock.real = () => real() + 3_600_000; }")  # an hour later
    await expect(message(wall)).to_have_text("lower")
    await stage.clear()
    await expect(message(wall)).to_have_count(0)


async def test_a_pushed_scene_comes_and_goes_and_the_wall_is_what_it_was(stage):
    wall = await stage.wall()
    made = await stage.push("", 2, what="scene", content={"layout": "video"})
    await wall.wait_for_url("**/wall/video?*")
    await wall.wait_for_function("window.hall?.show?.report()?.since > 0")
    await wall.reload()
    await wall.wait_for_function("window.hall?.show?.report()?.since > 0 && hall.page.wall.layout === 'video'")
    async with await stage.api() as client:
        await client.delete(f"/api/v1/shows/main/all/{made['number']}", params={"id": uuid.uuid4().hex})
    await wall.wait_for_url("**/wall/main?wall=main&lang=en")


async def test_a_wall_that_loads_anew_or_loses_the_gate_shows_what_was_pushed(stage, hall):
    wall, console = await stage.wall(), await stage.console()
    await stage.push("stays", 2)
    await expect(message(wall)).to_have_text("stays")
    await wall.reload()
    await expect(message(wall)).to_have_text("stays")
    for page in (wall, console):
        await page.evaluate(
            "window.lost = hall.link.state === 'lost', hall.link.onState((state) => (window.lost ||= state === 'lost')), 0"
        )
    hall.kill("gate")
    for page in (wall, console):
        await page.wait_for_function("window.lost")  # it may be back before the other one was looked at
    await stage.push("in between", 3)
    await expect(message(wall)).to_have_text("in between")
    answers = console.locator(".panel-admin-shows .push-answers").first
    await expect(answers).to_have_text(re.compile(r"shows it since \d\d:\d\d:\d\d"))


async def test_a_screen_that_does_not_paint_gives_no_answer_and_is_named(stage):
    wall, console = await stage.wall("wall=main&part=0,0&lang=en"), await stage.console()
    await wall.evaluate("() => { window.requestAnimationFrame = () => 0; }")
    await stage.push("who answers?")
    answers = console.locator(".panel-admin-shows .push-answers")
    await expect(answers).to_have_text("no answer from Screen 1")


async def test_two_browsers_of_a_wall_say_so_each_for_itself(stage):
    for part in ("0,0", "1,0"):
        await stage.wall(f"wall=main&part={part}&lang=en")
    await stage.push("both", part=[0, 0])
    await stage.push("right", 2, part=[1, 0])
    console = await stage.console()
    answers = console.locator(".panel-admin-shows .push-answers")
    await expect(answers).to_have_text([re.compile("Screen 1 shows it"), re.compile("Screen 2 shows it")])


async def test_a_touched_case_opens_large_and_read_only_and_a_pin_opens_its_moves(stage):
    subject = await stage.case()
    wall = await stage.wall(size=(3840, 1080))
    await wall.locator(f'.ticker-row[data-subject="{subject}"]').click()
    card = wall.locator(".case-card")
    await expect(card.locator(".card-text")).to_have_text("井盖缺失，行人绊倒")
    await expect(card.locator(".card-move")).to_have_text(["Sign in to act"])
    await card.get_by_role("button", name="Sign in to act").click()
    await wall.locator(".acting-name", has_text="王芳").click()
    for digit in "4826":
        await wall.locator(f'.acting-key[data-key="{digit}"]').click()
    await wall.locator('.acting-key[data-key="✓"]').click()
    await expect(wall.locator(".acting-chip")).to_contain_text("王芳")
    await card.locator('[data-move="register"]').click()
    await card.locator(".is-go").click()
    await expect(card.locator(".card-history li").first).to_contain_text("at wall main")
    async with await stage.api() as client:
        view = (await client.get(f"/api/v1/files/{subject.removeprefix('case/')}")).json()
    last = view["entries"][-1]
    assert (last["move"], last["who"], last["desk"]) == ("register", "wangfang", "wall:main")
    # a fingertip's size, and the letters no smaller than those of the wall
    sizes = await card.evaluate(
        "(card) => [...card.querySelectorAll('.card-move')].map((n) => n.getBoundingClientRect().height)"
    )
    text = await wall.evaluate("parseFloat(getComputedStyle(hall.wall.element).fontSize)")
    small = await card.evaluate(
        "(card) => Math.min(...[...card.querySelectorAll('*')].filter((n) => n.textContent).map((n) => parseFloat(getComputedStyle(n).fontSize)))"
    )
    assert sizes and min(sizes) >= 60 and small >= text - 0.1
    # whoever stands on a button with the keyboard stays there when another move goes (here: undo)
    await card.locator(".card-move").first.focus()
    async with await stage.api() as client:
        body = {"id": uuid.uuid4().hex, "move": "note", "revision": last["revision"], "data": {"text": "water rising"}}
        told = await client.post(f"/api/v1/cases/{subject.removeprefix('case/')}/commands", json=body)
        assert told.status_code == 200, told.text
    await expect(card.locator(".card-history li").first).to_contain_text("zhao")
    assert await wall.evaluate("document.activeElement.matches('.case-card .card-move')")
    await wall.locator(".acting-end").click()
    await expect(card.locator(".card-move")).to_have_text(["Sign in to act"])


async def test_wrong_pins_are_counted_and_the_wall_says_so(stage):
    subject = await stage.case()
    wall = await stage.wall()
    await wall.evaluate("(subject) => hall.card.open(subject)", subject)
    await wall.locator(".card-move").click()
    await wall.locator(".acting-name", has_text="李强").click()
    status = wall.locator(".acting-status")
    for attempt in range(6):
        for digit in "1942":
            await wall.locator(f'.acting-key[data-key="{digit}"]').click()
        await wall.locator('.acting-key[data-key="✓"]').click()
        await expect(status).to_contain_text("Too many attempts" if attempt == 5 else "The PIN is not right")
    await expect(wall.locator(".acting-chip")).to_be_hidden()


async def test_a_phone_confirms_the_code_on_the_wall(stage):
    subject = await stage.case()
    wall, phone = await stage.wall(), await stage.page(size=(390, 844), cookie=await stage.secret("lihong", "dispatcher"))
    await wall.evaluate("(subject) => hall.card.open(subject)", subject)
    await wall.locator(".card-move").click()
    code = re.sub(r"\D", "", await wall.locator(".acting-code").text_content())
    assert await wall.locator(".acting-qr").evaluate("(image) => image.decode().then(() => image.naturalWidth > 20)")
    await phone.goto(f"{stage.hall.url}/pair?code={code}&lang=en")
    await phone.locator(".pair-yes").click()
    await expect(phone.get_by_role("status").filter(has_text="Confirmed")).to_be_visible()
    await expect(wall.locator(".acting-chip")).to_contain_text("lihong")


async def test_a_push_waits_while_somebody_acts_unless_it_is_urgent(stage):
    subject = await stage.case()
    wall, console = await stage.wall(), await stage.console()
    await wall.evaluate("(subject) => hall.card.open(subject)", subject)
    await wall.locator(".card-move").click()
    await wall.locator(".acting-name", has_text="王芳").click()
    for digit in "4826✓":
        await wall.locator(f'.acting-key[data-key="{digit}"]').click()
    await expect(wall.locator(".acting-chip")).to_be_visible()
    await stage.push("routine", 2)
    answers = console.locator(".panel-admin-shows .push-answers")
    await expect(answers).to_contain_text("王芳 acts there")
    await expect(wall.locator(".case-card")).to_be_visible()
    await stage.push("urgent", 4)
    await expect(message(wall)).to_have_text("urgent")

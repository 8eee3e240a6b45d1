"""The hurricane day from end to end in one hall: a red signal, a proposal, a leader's signature in one browser, a crew tasked from
the desk in another, its phone acknowledges, a road closed, confirmed on site by the crew's phone and by camera, and the wall shows all of it.

HALL_SHOTS=folder keeps a picture of each step.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.browser.consoles.room import Room, ask, seats, until
from tests.browser.emergency import hurricaneday
from tests.browser.emergency.hurricaneday import CREW, UNIT, Day
from tests.browser.field.test_field_page import photo
from tests.chromium import PATIENCE_MS, tabs
from tests.push import TOKEN
from tests.running import RunningHall

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
#: painting all of a wall's pixels without a graphics card takes long: only for pictures to be looked at
WALL = (3840, 2160) if os.environ.get("HALL_SHOTS") else (1920, 1080)


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> Day:
    """Boston where the real input is there, else the town."""
    folder = tmp_path_factory.mktemp("day")
    real = (Path(__file__).parents[3] / os.environ.get("HALL_REAL_DATA", "../shared/data")).resolve()
    if (real / "SHA256SUMS").exists():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HALL_REAL_DATA", str(real))
            yield hurricaneday.boston(folder)
    else:
        yield hurricaneday.town(folder)


@pytest.fixture(scope="module")
def hall(day):
    with RunningHall(day.config.parent / "v", day.config) as running:
        yield running


#: px between the photo of a card and the line below it
PHOTO_CLEAR = """() => {
  const photo = document.querySelector('.closure-photo img');
  return photo.closest('dd').nextElementSibling.getBoundingClientRect().top - photo.getBoundingClientRect().bottom;
}"""


async def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("HALL_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))


async def wall_of(room: Room) -> Page:
    """A screen of the wall: nobody signs in at it."""
    page = await room.stack.enter_async_context(tabs().tab(room.hall.url, "", WALL, bypass_csp=True))
    page.on("pageerror", lambda error: room.faults.append(f"wall: {error}"))
    await page.goto(f"{room.hall.url}/wall/flood?lang=zh-CN")
    await page.wait_for_function("window.hall?.link?.state === 'live' && hall.store.ready")
    return page


async def signal(hall: RunningHall, page: Page, day: Day) -> None:
    """The weather office pushes its red signal."""
    now = await page.wait_for_function("() => hall.clock.city() < Date.parse('2012-01-01') && hall.clock.city()")
    text = hurricaneday.red_signal(int(await now.json_value()), day)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/cap+xml"}
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.post(f"{hall.url}/api/v1/ingest/signals?wait=1", content=text, headers=headers, timeout=20)
    assert answer.json()["outcome"]["accepted"] == 1, answer.text


async def document(page: Page, subject: str) -> dict:
    return await page.evaluate("subject => (hall.store.get(subject) || {}).data || null", subject) or {}


async def signed(leader: Page) -> None:
    """The leader reads what his signature will do and signs."""
    await leader.goto(leader.url.split("/emergency")[0] + "/emergency#response/flood")
    await leader.wait_for_selector('.response-proposal[data-level="I"]')
    await expect(leader.locator(".response-proposal")).to_contain_text("台风")
    await shot(leader, "1-proposal")
    await leader.click('[data-act="sign-proposal"]')
    await expect(leader.locator('.response-section[data-part="tasks"] tr')).not_to_have_count(0)
    await shot(leader, "2-what-a-signature-does")
    await leader.click(".response-sign")
    await leader.wait_for_function("() => (hall.store.get('response/flood') || {}).data?.state === 'in_force'")
    await expect(leader.locator(".response-level")).to_contain_text(leader.who)
    await shot(leader, "3-signed")


async def tasked(desk: Page) -> str:
    """The desk turns the task at the low spot into a case and sends the crew from its list; the case's file."""
    find = f"""() => [...hall.store.docs('task').values()].map(e => e.data)
        .find(one => one && one.unit === '{UNIT}' && one.lon != null)?.task_id"""
    task = await (await desk.wait_for_function(find)).json_value()
    await desk.evaluate("id => hall.emergency.go(`task/${id}`)", task)
    await desk.click('.move[data-move="to_case"]')
    form = desk.locator('.emergency-form[data-move="to_case"] .is-primary')
    if await form.count():
        await form.click()
    file = await (await desk.wait_for_function("id => (hall.store.get(`task/${id}`) || {}).data?.case", arg=task)).json_value()
    await shot(desk, "4-task")
    await desk.goto(desk.url.split("/emergency")[0] + "/desk")
    await desk.wait_for_function("window.hall?.link?.state === 'live' && hall.store.ready")
    await desk.wait_for_function("file => hall.store.get(file)", arg=file)
    await desk.evaluate("subject => hall.desk.choose(subject)", file.replace("file/", "case/", 1))
    await desk.click('.case-moves [data-move="dispatch"]')
    await desk.locator(".case-form").wait_for()
    await shot(desk, "5-dispatch")
    await desk.keyboard.press("Enter")
    crew = f"() => ((hall.store.get('crew/{CREW}') || {{}}).data?.assignments || []).length"
    await desk.wait_for_function(crew)
    return file


async def acknowledged(room: Room, desk: Page, day: Day) -> Page:
    """The crew's phone, by a link from the desk."""
    link = await ask(desk, "/api/v1/field/links", "POST", {"crew": CREW, "hours": 2})
    context = await desk.context.browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, permissions=["geolocation"],
        geolocation={"longitude": day.lon + 0.0005, "latitude": day.lat, "accuracy": 12}, ignore_https_errors=True,
    )  # fmt: skip
    room.stack.push_async_callback(context.close)
    context.set_default_timeout(PATIENCE_MS)
    phone = await context.new_page()
    await phone.goto(link["url"])
    await phone.click('[data-step="acknowledge"]')
    await expect(phone.locator('[data-step="acknowledge"]')).to_have_attribute("data-state", "passed")
    await shot(phone, "6-phone")
    return phone


async def closed_on_site(desk: Page, phone: Page, subject: str) -> None:
    """The desk sends the crew to the closure; its phone confirms with a photo taken there."""
    await desk.click('.move[data-move="send"]')
    form = desk.locator('.emergency-form[data-move="send"]')
    await form.locator('[data-field="crew"] input').fill(CREW)
    await form.locator(".is-primary").click()
    card = phone.locator(f'[data-task="{subject}"]')
    await card.locator('[data-step="confirm_site"]').click()
    await phone.set_input_files('.sheet input[type="file"]', [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()}])
    await expect(phone.locator(".sheet img.picture")).to_have_count(1)
    await expect(phone.locator(".whereabouts")).to_have_attribute("data-state", "near")
    await shot(phone, "8-phone-closure")
    await phone.click(".sheet .primary")
    await desk.wait_for_function("subject => (hall.store.get(subject) || {}).data?.on_site", arg=subject)
    await expect(desk.locator(".closure-photo img")).to_have_count(1)
    assert await desk.evaluate(PHOTO_CLEAR) >= 0, "the photo covers what is below it"
    fact = (await document(desk, subject))["on_site"]
    assert fact["by"] == f"crew:{CREW}" and len(fact["photos"]) == 1 and fact["metres"] < 300
    await shot(phone, "8-phone-closed")


async def ordered(desk: Page, subject: str) -> bool:
    """Orders it with a reason; where the water rose meanwhile the desk asks or the form is given up: what stands in the way is seen in
    the next turn, as a person would, so no click waits behind it."""
    if (await document(desk, subject))["state"] == "ordered":
        return True
    form, stale = desk.locator('.emergency-form[data-move="order"]'), desk.locator("dialog[data-kind=stale][open]")
    soon = {"timeout": 3_000}
    with contextlib.suppress(TimeoutError, PlaywrightTimeout):
        if await stale.count():  # it rose between the look and the order, and the desk asks: yes, still
            await stale.locator(".is-primary").click(**soon)
        else:
            if not await form.count():
                await desk.click('.move[data-move="order"]', **soon)
            await form.locator("textarea").last.fill("水深超限，断路", **soon)
            lift = form.locator(".form-changed button")
            if await lift.is_visible():
                await lift.click(**soon)
            await form.locator(".is-primary").click(**soon)
        state = "subject => (hall.store.get(subject) || {}).data?.state === 'ordered'"
        await desk.wait_for_function(state, arg=subject, timeout=5_000)
    return (await document(desk, subject))["state"] == "ordered"


async def closed(desk: Page, phone: Page, day: Day) -> str:
    """Proposed by the water, ordered by the desk, confirmed by the camera beside it; the closure's subject."""
    await desk.goto(desk.url.split("/desk")[0] + "/emergency#closures")
    find = f"""() => [...hall.store.docs('closure').values()].map(e => e.data)
        .find(one => one && one.state === 'proposed' && (one.site || '').endsWith('{day.gauge}'))?.closure_id"""
    closure = await (await desk.wait_for_function(find)).json_value()
    subject = f"closure/{closure}"
    await desk.evaluate("subject => hall.emergency.go(subject)", subject)
    await desk.wait_for_selector('.move[data-move="order"]')
    await shot(desk, "7-closure-proposed")
    await until(lambda: ordered(desk, subject), 90)
    await closed_on_site(desk, phone, subject)
    camera = desk.locator(f'.closure-camera[data-channel="{day.channel}"]')
    if day.moving:
        await expect(camera.locator("canvas, video").first).to_be_visible()
    await camera.locator(".closure-confirm").click()
    await desk.wait_for_function("subject => (hall.store.get(subject) || {}).data?.by_video", arg=subject)
    assert (await document(desk, subject))["by_video"]["channel"] == day.channel
    await shot(desk, "8-closure-confirmed")
    return subject


async def shown(wall: Page, leader: Page, closure: str) -> None:
    """The wall has the level with its signer, the red signal's clock, the closure, the tasks."""
    strip = wall.locator('[data-panel="response_strip"]')
    await expect(strip).to_have_attribute("data-level", "I")
    await expect(strip.locator('[data-strip="signed"]')).to_contain_text(leader.who)
    await expect(strip.locator('[data-strip="red"] .strip-value')).to_contain_text("分")
    assert (await document(wall, closure))["state"] == "confirmed"
    await expect(wall.locator('[data-panel="closures"]')).to_contain_text("已封 1")
    await wall.wait_for_function(  # in one look: the hall goes on making and ending tasks
        """() => { const open = [...hall.store.docs('task').values()].filter(e => ['open', 'acknowledged'].includes(e.data?.state)).length;
          return document.querySelector('[data-panel="tasks_due"]').innerText.includes(`未完成 ${open}`); }"""
    )
    await shot(wall, "9-wall")


async def test_from_the_red_signal_to_a_wall_that_shows_level_one_a_crew_on_its_way_and_a_closed_road(chromium_tabs, hall, day):
    async with seats(hall) as room:
        leader, desk = await room.sit("leader", "/emergency"), await room.sit("supervisor", "/emergency")
        await signal(hall, desk, day)
        await signed(leader)
        file = await tasked(desk)
        phone = await acknowledged(room, desk, day)
        closure = await closed(desk, phone, day)
        await shown(await wall_of(room), leader, closure)
        entries = (await ask(desk, f"/api/v1/files/{file.partition('/')[2]}"))["entries"]
        assert "dispatch" in [entry["move"] for entry in entries]
        told = await until(lambda: ask(desk, f"/api/v1/streams/{closure}"))
        moves = [e["move"] for e in told["entries"]]
        assert {"send", "confirm_site"} <= set(moves)  # sent by the desk, or by the hall where its case is linked already
        assert [e["move"] for e in told["entries"] if e["who"] == desk.who and e["move"] != "send"] == [
            "order",
            "confirm_video",
        ]

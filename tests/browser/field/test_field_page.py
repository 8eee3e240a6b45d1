"""The phone's page in a real Chromium at 360 px: a task from end to end, without a network, with photos."""

from __future__ import annotations

import asyncio
import io
import math
import re

import pytest
from PIL import Image
from playwright.async_api import expect

from feeds.components.importing import Order, import_components
from feeds.components.settings import source_of
from hall import access
from hall.core import config
from hall.core.clock import real_ms
from hall.core.command import Actor
from tests.chromium import PATIENCE_MS, intercept
from tests.hall.app.test_field import SYSTEM

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
SUPERVISOR = Actor(name="wang", role="supervisor")


def photo(wide: int = 3000, high: int = 2000, colour: str = "#3a7") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (wide, high), colour).save(out, "JPEG", quality=90)
    return out.getvalue()


async def settled(page) -> None:
    """Everything that was tapped is with the hall."""
    await expect(page.locator(".bar-queue")).to_have_count(0)
    await expect(page.locator(".item")).to_have_count(0)


def crew_moves(side, crew: str) -> list[str]:
    return [e.move for e in side.ledger.history(f"crew/{crew}") if e.role == "crew"]


async def test_a_crew_does_a_whole_task_with_photos(phone, side, city_hall):
    crew = await side.crew()
    subject = await side.task(crew, severity=4)
    await side.tell()
    async with phone(crew) as page:
        await expect(page.locator(".task h2")).to_have_text("道路积水")
        assert "#k=" not in page.url, "the secret is not left in the address"
        for step in ("acknowledge", "en_route", "on_scene"):
            await page.click(f'[data-step="{step}"]')
            await expect(page.locator(f'[data-step="{step}"]')).to_have_attribute("data-state", "passed")
        await page.click('[data-step="done"]')
        await page.fill("#sheet-text", "已抽排，恢复通行")
        for usage in ("before", "after"):
            file = {"name": f"{usage}.jpg", "mimeType": "image/jpeg", "buffer": photo()}
            await page.set_input_files(f'input[data-usage="{usage}"]', [file])
        await expect(page.locator(".sheet img.picture")).to_have_count(2)
        await page.click(".sheet .primary")
        await expect(page.locator(".empty h2")).to_have_text("现在没有任务")
        await settled(page)
    file = await side.desk.state(subject)
    assert (file.state, file.opinion, crew_moves(side, crew)) == (
        "handle_finish", "已抽排，恢复通行", ["acknowledge", "en_route", "on_scene", "clear"],
    )  # fmt: skip
    assert [shot.usage for shot in file.photos] == ["before", "after"]
    async with await city_hall.client("supervisor") as desk:
        stored = await desk.get(f"/api/v1/media/{file.photos[0].media}")
    assert max(Image.open(io.BytesIO(stored.content)).size) == 2000, "made smaller on the phone before it was sent"
    assert any(e.move == "read" and e.data["way"] == "field" for e in side.ledger.entries(0, 10_000, subject_prefix="notice/"))


#: holds once the service worker looks after the page
LOOKED_AFTER = """() => new Promise(done => {
  const look = () => navigator.serviceWorker.controller ? done() : setTimeout(look, 20);
  look();
})"""


async def test_what_is_done_without_a_network_is_sent_once_and_in_order(phone, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(crew) as page:
        await page.wait_for_selector(".task")
        await page.evaluate(LOOKED_AFTER)
        await page.context.set_offline(True)
        for step in ("acknowledge", "en_route", "on_scene"):
            await page.click(f'[data-step="{step}"]')
            await expect(page.locator(f'[data-step="{step}"]')).to_have_attribute("data-state", "pending")
        await page.click('[data-do="photo"]')
        await page.set_input_files(
            ".sheet input[type=file]", [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(800, 600)}]
        )
        await expect(page.locator(".sheet img.picture")).to_have_count(1)
        await page.click(".sheet .primary")
        await expect(page.locator(".bar-queue")).to_contain_text("4")
        await page.reload()  # the page itself opens from the phone, with the last tasks and what waits
        await expect(page.locator(".task")).to_have_count(1)
        await expect(page.locator(".bar-queue")).to_contain_text("4")
        await expect(page.locator(".bar-link")).to_have_attribute("data-online", "false")
        assert crew_moves(side, crew) == []
        await page.context.set_offline(False)
        await settled(page)
        await expect(page.locator('[data-step="on_scene"]')).to_have_attribute("data-state", "passed")
    assert crew_moves(side, crew) == ["acknowledge", "en_route", "on_scene"]
    moves = [e.move for e in side.ledger.history(subject) if e.role == "crew"]
    assert moves.count("attach") == 1 and len((await side.desk.state(subject)).photos) == 1


async def test_an_answer_that_is_lost_makes_the_phone_ask_again_and_the_hall_act_once(phone, side):
    crew = await side.crew()
    await side.task(crew)
    async with phone(crew) as page:
        await page.wait_for_selector(".task")
        lost = []

        async def lose(route) -> None:
            if len(lost) < 2:
                lost.append(await route.fetch())  # it arrives and is done; its answer does not come back
                await route.abort("connectionreset")
            else:
                await route.continue_()

        await intercept(page, "**/api/v1/field/commands", lose)
        async with page.expect_response("**/api/v1/field/commands"):  # the first answer that comes back
            await page.click('[data-step="acknowledge"]')
        await settled(page)
    assert [answer.status for answer in lost] == [200, 200]
    assert crew_moves(side, crew) == ["acknowledge"]


async def test_an_upload_that_breaks_off_is_sent_again(phone, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(crew) as page:
        broken = []

        async def break_off(route) -> None:
            if len(broken) < 2:
                broken.append(1)
                await (
                    route.abort("connectionreset") if len(broken) == 1 else route.fulfill(status=503, json={"reason": "busy"})
                )
            else:
                await route.continue_()

        await intercept(page, "**/api/v1/media", break_off)
        await page.click('[data-do="photo"]')
        await page.set_input_files(
            ".sheet input[type=file]", [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(640, 480)}]
        )
        await expect(page.locator(".sheet img.picture")).to_have_count(1)
        await page.click(".sheet .primary")
        await expect(page.locator('.item[data-state="waiting"]')).to_have_count(1)
        await settled(page)
    assert len((await side.desk.state(subject)).photos) == 1 and len(broken) == 2


async def test_a_refused_action_says_why_and_holds_up_nothing(phone, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(crew) as page:
        await page.wait_for_selector(".task")
        await page.context.set_offline(True)
        await page.click('[data-step="acknowledge"]')
        await page.click('[data-do="message"]')
        await page.fill("#sheet-text", "路断了")
        await page.click(".sheet .primary")
        await expect(page.locator(".bar-queue")).to_contain_text("2")
        await side.do(subject, "unassign", OPERATOR_OF_UNIT, "改派", crews=[crew])
        await page.context.set_offline(False)
        await expect(page.locator('.item[data-state="refused"]')).to_have_count(2)
        await expect(page.locator(".item").first).to_contain_text("任务已撤回")
        await page.locator(".item .plain", has_text="知道了").first.click()
        await expect(page.locator('.item[data-state="refused"]')).to_have_count(1)


OPERATOR_OF_UNIT = Actor(name="li", role="dispatcher")


async def test_declining_asks_for_a_reason_and_typed_text_survives_a_reload(phone, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(crew) as page:
        await page.click('[data-do="decline"]')
        await page.click(".sheet .primary")
        await expect(page.locator(".sheet .fault")).to_have_text("请写明原因")
        await page.fill("#sheet-text", "水泵坏了")
        await page.reload()
        await page.click('[data-do="decline"]')
        await expect(page.locator("#sheet-text")).to_have_value("水泵坏了")
        await page.click(".sheet .primary")
        await expect(page.locator(".empty")).to_be_visible()
    entry = next(e for e in side.ledger.history(f"crew/{crew}") if e.move == "decline")
    assert entry.reason == "水泵坏了" and (await side.desk.state(subject)).crews[0].state == "clear"


async def test_an_urging_is_shown_and_answered(phone, side):
    crew = await side.crew()
    subject = await side.task(crew)
    await side.do(subject, "urge", SUPERVISOR, "尽快到场")
    async with phone(crew) as page:
        await expect(page.locator(".urge")).to_contain_text("尽快到场")
        await page.click(".urge .plain")
        await page.fill("#sheet-text", "十分钟到")
        await page.click(".sheet .primary")
        await settled(page)
        await expect(page.locator(".urge")).to_have_count(0)
    assert (await side.desk.state(subject)).urges[0].reply == "十分钟到"


async def test_the_position_is_shared_only_after_a_tap_and_shows_its_accuracy(phone, side, city_hall):
    crew = await side.crew()
    await side.task(crew)
    async with phone(crew) as page:
        sent = []
        page.on("request", lambda request: sent.append(request) if request.url.endswith("/field/position") else None)
        await page.wait_for_selector(".task")
        assert sent == []
        async with page.expect_response("**/api/v1/field/position") as answer:
            await page.click('[data-do="position"]')
        assert (await answer.value).status == 202
        await expect(page.locator('[data-do="position"]')).to_contain_text("±9")
        await expect(page.locator(".place")).to_contain_text("约")


async def test_a_revoked_link_leads_to_the_entrance_and_keeps_what_was_not_sent(phone, side, city_hall):
    crew = await side.crew()
    await side.task(crew)
    async with phone(crew) as page:
        await page.wait_for_selector(".task")
        await page.context.set_offline(True)
        await page.click('[data-step="acknowledge"]')
        async with await city_hall.client("admin") as desk:
            for link in (await desk.get("/api/v1/field/links")).json()["links"]:
                if link["crew"] == crew:
                    await desk.delete(f"/api/v1/field/links/{link['link_id']}")
        await page.context.set_offline(False)
        await expect(page.locator(".entrance")).to_be_visible()
        await expect(page.locator(".kept")).to_contain_text("1")
        assert "道路积水" not in await page.content(), "nothing of the task stays on the screen"
        from tests.hall.app.test_field import link_for

        await page.fill("#link", (await link_for(city_hall, crew))["url"])
        await page.click(".entrance .primary")
        await settled(page)
    assert crew_moves(side, crew) == ["acknowledge"]


async def test_stored_script_stays_text(phone, side):
    crew = await side.crew()
    nasty = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    subject = await side.task(crew, description=nasty, address=nasty, subclass_name=nasty)
    await side.do(subject, "urge", SUPERVISOR, nasty)
    await side.tell()
    async with phone(crew) as page:
        await expect(page.locator(".description")).to_have_text(nasty)
        assert await page.evaluate("window.pwned") is None


SIZES = """() => [...document.querySelectorAll('button, a, input:not(.hidden-input), select, textarea, label.take')]
  .filter(e => e.getClientRects().length && !e.disabled).map(e => [e.className || e.tagName, e.getBoundingClientRect().height, e.getBoundingClientRect().width])"""
CUT = """() => [...document.querySelectorAll('body *')].filter(e => e.children.length === 0 && e.textContent.trim() && e.getClientRects().length
  && (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' || e.getBoundingClientRect().right > innerWidth + 1)).map(e => e.className + ': ' + e.textContent)"""
CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0.99) return c; } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length || e.closest(':disabled')) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push([e.className, e.textContent, ((a + 0.05) / (b + 0.05)).toFixed(2)]);
  }
  return found; }"""


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_targets_are_big_texts_whole_and_contrast_high(phone, side, language, scheme):
    crew = await side.crew()
    await side.do(
        f"crew/{crew}", "enrol", SYSTEM, crew_id=crew, name="排水二班", unit="排水所", label={"en": "Drainage crew 2"}
    )
    subject = await side.task(crew, severity=4)
    await side.do(subject, "urge", SUPERVISOR, "尽快")
    await side.tell()
    async with phone(crew, language, color_scheme=scheme) as page:
        await page.wait_for_selector(".task")
        for opened in (None, '[data-step="done"]', '[data-do="decline"]'):
            if opened:
                await page.click(opened)
            small = [found for found in await page.evaluate(SIZES) if found[1] < 44 or found[2] < 44]
            assert not small, small
            assert await page.evaluate(CUT) == []
            assert await page.evaluate(CONTRAST) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360
            shown = await page.inner_text("body")
            assert not re.search(r"\b(field|notice)\.[a-z]", shown), shown
            if opened:
                await page.keyboard.press("Escape")
        boxes = await page.evaluate("[...document.querySelectorAll('.big')].map(e => e.getBoundingClientRect().toJSON())")
        assert len(boxes) == 4 and all(box["height"] >= 90 and box["width"] >= 120 for box in boxes)


async def test_a_long_press_counts_although_the_task_changes_under_the_finger(phone, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(crew) as page:
        button = page.locator('[data-step="acknowledge"]')
        box = await button.bounding_box()
        await page.mouse.move(box["x"] + 20, box["y"] + 20)
        await page.mouse.down()
        await side.do(subject, "urge", SUPERVISOR, "快")
        async with page.expect_response(lambda answer: answer.url.endswith("/field/tasks") and answer.status == 200):
            await page.evaluate("window.field.refresh()")
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        await page.mouse.up()
        await expect(button).to_have_attribute("data-state", "passed")
        await settled(page)
        await expect(page.locator(".urge")).to_have_count(1)
    assert crew_moves(side, crew) == ["acknowledge"]


async def test_the_desk_makes_a_link_whose_code_a_phone_reads(chromium, city_hall, side):
    import cv2
    import numpy

    crew = await side.crew()
    bus = city_hall.bus()
    secret = await access.open_session(bus, "zhao", "supervisor")
    await bus.close()
    context = await chromium.new_context(viewport={"width": 1366, "height": 900})
    await context.add_cookies([{"name": access.COOKIE, "value": secret, "url": city_hall.url}])
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    await page.goto(f"{city_hall.url}/field/links?crew={crew}")
    await page.click("form.panel .primary")
    await page.wait_for_selector(".qr")
    address = await page.input_value(".fresh input")
    picture = await page.locator(".qr").screenshot()
    # the plain detector of OpenCV cannot read one sound code in twenty
    read, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(
        cv2.imdecode(numpy.frombuffer(picture, numpy.uint8), cv2.IMREAD_COLOR)
    )
    assert read == address and "#k=" in address
    await page.reload()
    assert address.partition("#k=")[2] not in await page.content(), "it is shown once"
    await page.locator("[data-link] .plain").first.click()
    await expect(page.locator(".said")).to_have_text("已收回")
    await context.close()


async def test_two_pages_of_one_phone_send_each_action_once(phone, side):
    crew = await side.crew()
    await side.task(crew)
    async with phone(crew) as page:
        await page.wait_for_selector(".task")
        second = await page.context.new_page()
        await page.context.set_offline(True)
        await page.click('[data-step="acknowledge"]')
        await page.context.set_offline(False)
        await second.goto(page.url)
        await asyncio.gather(settled(page), settled(second))
    assert crew_moves(side, crew) == ["acknowledge"]


async def test_a_crew_confirms_a_closure_without_a_network_and_takes_the_barriers_away_after_the_reopening(phone, side):
    crew = await side.crew()
    place, dispatcher = f"closure/{crew}", Actor(name="li", role="dispatcher")
    there = {"lon": 113.9215, "lat": 35.301}
    await side.do(
        place, "propose", SYSTEM, name="平原路下穿", kind="underpass", place=there, depth=0.31, detour={"zh-CN": "绕行胜利街"}
    )
    await side.do(place, "order", dispatcher, "水深超限")
    await side.do(place, "send", dispatcher, crew=crew)
    async with phone(crew) as page:
        card = page.locator(f'[data-task="{place}"]')
        await expect(card).to_contain_text("绕行胜利街")
        await page.context.set_offline(True)
        await card.locator('[data-step="confirm_site"]').click()
        await expect(page.locator(".whereabouts")).to_have_attribute("data-state", "near")
        await page.click(".sheet .primary")
        await expect(page.locator(".sheet .fault").last).to_contain_text("照片")
        file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()}
        await page.set_input_files('.sheet input[type="file"]', [file])
        await expect(page.locator(".sheet img.picture")).to_have_count(1)
        await page.click(".sheet .primary")
        await expect(card.locator('.item[data-move="confirm_site"]')).to_have_count(1)
        await page.context.set_offline(False)
        await settled(page)
        await expect(card).to_contain_text("本队")
        state = await side.desk.state(place)
        assert state.on_site["by"] == f"crew:{crew}" and len(state.on_site["photos"]) == 1 and state.on_site["metres"] < 100
        await side.do(place, "reopen", dispatcher, "水退")
        await card.locator('[data-step="barriers_removed"]').click()
        await page.click(".sheet .primary")
        await settled(page)
        await expect(card).to_have_count(0)
    assert (await side.desk.state(place)).cleared["by"] == f"crew:{crew}"


LI = Actor(name="li", role="dispatcher")


async def test_a_message_of_the_desk_is_read_with_one_tap_also_without_a_network(phone, side):
    crew = await side.crew()
    async with phone(crew) as page:
        await expect(page.locator(".empty h2")).to_have_text("现在没有任务")
        await page.evaluate(LOOKED_AFTER)
        where = {"lon": 113.92, "lat": 35.3}
        await side.do(
            "message/m1",
            "send",
            LI,
            crews=[f"crew/{crew}"],
            text="桥下积水，绕行",
            urgency="urgent",
            place=where,
            exercise=True,
        )
        card = page.locator(".message")
        await expect(card.locator(".message-text")).to_have_text("桥下积水，绕行")
        for words in ("li", "派遣员", "演练", "紧急"):
            await expect(card.locator(".tags")).to_contain_text(words)
        strip = page.locator(".map-strip")
        await page.click('[data-do="position"]')
        for offline in (False, True):  # the map opens from the phone, with what was known
            await page.context.set_offline(offline)
            await card.locator('[data-do="map"]').click()
            await expect(strip).to_contain_text("直线")
            await expect(strip).to_contain_text("±9 米")
            await page.click('[data-do="open-task"]')
            await expect(strip).to_have_count(0)
        await card.locator('[data-step="read"]').click()
        await expect(page.locator(".bar-queue")).to_contain_text("1")
        before = await page.evaluate("field.now()")
        await page.reload()
        await expect(card.locator('[data-step="read"]')).to_be_disabled()
        await page.context.set_offline(False)
        await settled(page)
        await expect(card).to_have_attribute("data-read", "true")
        (one,) = (await side.desk.state("message/m1")).crews
        assert one.received <= one.read <= before, "the moment of the tap, not when the network came back"
        await side.do("message/m1", "withdraw", LI, "误发")
        await page.evaluate("field.refresh()")
        await expect(card).to_contain_text("误发")
        await card.locator('[data-step="read"]').click()
        await expect(card).to_have_count(0)


PARTS = """
[city]
name = {en = "X"}
centre = [113.92, 35.3]
[components.parts]
crs = "WGS-84"
same_place = 0
[components.parts.mapping]
component_id = "id"
department = "unit"
address = "address"
lon = "x"
lat = "y"
"""
HERE, CELLS = (113.921, 35.301), 2**18  # where the phone is; counted cells of the world's side, 64 px each at zoom 16


def brought_in(home, unit: str) -> tuple[float, float]:
    """A component of this unit where the phone is, 801 in the middle of the cell two farther east; returns how many px
    east and south it lies at zoom 16."""
    (home / "parts.toml").write_text(PARTS, "utf-8")
    east = (int((HERE[0] / 360 + 0.5) * CELLS) + 2.5) / CELLS
    y = math.log(math.tan(math.pi / 4 + math.radians(HERE[1]) / 2)) / (2 * math.pi)
    middle = (math.floor(y * CELLS) + 0.5) / CELLS
    lon, lat = (east - 0.5) * 360, math.degrees(math.atan(math.sinh(2 * math.pi * middle)))
    rows = [f"4107020104{n:06d},{unit},井边,{x:.7f},{y:.7f}" for n, (x, y) in enumerate([HERE, *[(lon, lat)] * 801])]
    (home / "parts.csv").write_text(
        "\n".join(["id,unit,address,x,y", *rows, f"4107020104900000,燃气,,{HERE[0]},35.3012"]), "utf-8"
    )
    told = config.load(home / "parts.toml")
    order = Order(where=str(home / "parts.csv"), source=source_of(told, "parts"), whole=True, at=real_ms())
    import_components(told, home / "var" / "components", order)
    return (east - HERE[0] / 360 - 0.5) * CELLS * 64, (y - middle) * CELLS * 64


async def test_components_of_the_crews_unit_are_counted_gone_into_and_opened_on_the_map(phone, side, city_hall):
    east, south = brought_in(city_hall.home, "排水所")
    crew = await side.crew("排水所")
    async with phone(crew) as page:
        line, layer = page.locator(".map-parts"), page.locator('[data-map="components"]')
        await page.tap('[data-do="open-map"]')
        await page.tap('[data-map="here"]')
        await expect(page.locator(".map-own")).to_contain_text("±9 米")
        await expect(layer).to_have_attribute("aria-pressed", "false")
        await layer.tap()
        await expect(line).to_contain_text("视野内部件约 802 个")
        await expect(line).to_contain_text("入库")
        await page.touchscreen.tap(180, 370)  # the middle of the map
        record = page.locator(".sheet")
        await expect(record).to_contain_text("4107020104000000")
        for words in ("排水所", "井边", "没有本单位的案件提到它", "我的位置误差 ±9 米"):
            await expect(record).to_contain_text(words)
        await page.go_back()  # out of the record, not out of the map
        await expect(record).to_have_count(0)
        await expect(page.locator(".map-strip h2")).to_have_text("公用设施")
        await page.touchscreen.tap(180 + east, 370 + south)
        await expect(line).to_contain_text("视野内部件 801 个")
        await page.context.set_offline(True)
        await expect(line).to_contain_text("没有网络")
        await expect(line).to_contain_text("视野内部件 801 个")
        await page.go_back()
        await page.tap('[data-do="open-map"]')  # the phone remembers that the layer was on, and its last answer
        await expect(layer).to_have_attribute("aria-pressed", "true")
        await expect(line).to_have_attribute("data-state", "fault")
        await expect(line).to_have_attribute("data-marks", "801")

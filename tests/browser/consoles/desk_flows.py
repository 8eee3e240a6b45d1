"""The desk's flows in a whole running hall: what operators do to a case, and what the ledger then says."""

from __future__ import annotations

import io

from PIL import Image
from playwright.async_api import expect

from tests.browser.consoles.seat import report, seat
from tests.chromium import PRESSED_AT_ONCE


async def test_a_case_goes_round_the_loop_from_claim_to_close(hall):
    number = report(hall)
    async with seat(hall, "supervisor", "zhao") as zhao:
        await zhao.open(number)
        await zhao.does("claim")
        await zhao.does("register")
        await zhao.shows_state("to dispatch")
        await zhao.does("dispatch", unit="排水管理处")
        await zhao.shows_state("to handle")
        await expect(zhao.page.locator(".case-crew")).to_contain_text("排水一队")
        await zhao.does("feed_back", opinion="积水已抽排")
        await zhao.shows_state("handled")
        await zhao.does("request_check")
        await zhao.does("report_check", passed=True)
        await zhao.does("close")
        await zhao.shows_state("closed")
        told = [(entry["move"], entry["who"]) for entry in await zhao.entries() if entry["kind"] == "person"]
        assert [move for move, _ in told] == [
            "claim", "register", "dispatch", "feed_back", "request_check", "report_check", "close",
        ] and {who for _, who in told} == {"zhao"}  # fmt: skip
        await zhao.page.click('[data-tab="history"]')
        await expect(zhao.page.locator('.entry[data-move="feed_back"]')).to_contain_text("积水已抽排")


async def test_a_case_is_dispatched_in_full_with_at_most_six_keystrokes_from_the_list(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        pressed = []

        async def press(key: str) -> None:
            pressed.append(key)
            await zhao.page.keyboard.press(key)

        await zhao.page.fill("[data-search]", number)  # brings the case to the list; the keystrokes count from there
        await zhao.row(number).wait_for()
        await zhao.page.focus("[data-queue]")
        await press("j")
        await press("d")
        await zhao.page.locator(".case-form").wait_for()
        await press("Enter")
        await zhao.answered()
        assert len(pressed) <= 6
        (entry,) = [entry for entry in await zhao.entries() if entry["move"] == "dispatch"]
        assert (entry["data"]["unit"], entry["data"]["crews"]) == ("排水管理处", ["C1"])  # the nearest crew and its unit
        assert {"accept", "register"} <= set(await zhao.moves())


async def test_return_rework_urge_and_reply_leave_their_lines_and_go_back_where_they_belong(hall):
    number = report(hall)
    async with seat(hall) as zhao, seat(hall, name="qian") as qian:
        await zhao.open(number)
        await zhao.does("dispatch", unit="排水管理处")
        await zhao.does("return", reason="派遣错误")
        await zhao.shows_state("returned")
        await expect(zhao.page.locator('.case-moves [data-move="dispatch"]')).to_have_count(
            0
        )  # it came back to him: another must
        await qian.open(number)
        await qian.does("dispatch", unit="排水管理处")
        await zhao.shows_state("to handle")
        await zhao.does("urge", reason="请抓紧")
        await expect(zhao.page.locator('.wait[data-wait="urge"]')).to_contain_text("请抓紧")
        await qian.does("reply_urge", text="已到现场")
        await expect(zhao.page.locator('.wait[data-wait="urge"]')).to_have_count(0)
        await zhao.does("feed_back", opinion="已处理")
        await zhao.does("rework", reason="不彻底")
        await zhao.shows_state("to handle")
        assert [move for move in await zhao.moves() if move in ("return", "urge", "reply_urge", "rework")] == [
            "return", "urge", "reply_urge", "rework",
        ]  # fmt: skip


async def test_postponing_and_suspending_are_asked_by_one_and_granted_by_another(hall):
    number = report(hall)
    async with seat(hall, "supervisor", "zhao") as zhao, seat(hall, "leader", "qian") as qian:
        await zhao.open(number)
        await zhao.does("dispatch", unit="排水管理处")
        await zhao.press("ask_suspend")
        await zhao.page.click('.case-form [data-field="until"] .desk-chip >> nth=1')
        await zhao.fill("reason", "待泵车修复")
        await zhao.page.click(".case-form .is-primary")
        await zhao.answered()
        await qian.page.evaluate(PRESSED_AT_ONCE, ["g", "a"])  # what waits for my answer
        await expect(qian.page.locator('.desk-view[data-view="asked"] .desk-count')).to_have_text("1")
        await qian.open(number)
        await expect(qian.page.locator('.wait[data-wait="ask"]')).to_contain_text("待泵车修复")
        await qian.does("grant")
        await expect(zhao.page.locator(".case-state")).to_have_text("suspended")  # zhao's screen follows by itself
        await zhao.does("resume")
        await zhao.shows_state("to handle")


async def test_a_duplicate_is_merged_into_the_case_that_is_offered_and_a_split_makes_tasks(hall):
    corner = {"lon": 113.8, "lat": 35.2}  # where no other test's cases are: only the likeliest ten are offered
    main, twin = report(hall, **corner), report(hall, **corner)
    async with seat(hall) as zhao:
        await zhao.open(twin)
        await zhao.page.click('[data-tab="duplicates"]')
        offer = zhao.page.locator(f'.near[data-subject$="/calls/{main}"]')
        await offer.locator(".desk-button").click()
        await zhao.page.click(".case-form .is-primary")
        await zhao.answered()
        await zhao.shows_state("cancelled")
        (merged,) = [entry for entry in await zhao.entries() if entry["move"] == "merge"]
        assert merged["data"]["into"] == f"file/calls/{main}"
        await zhao.open(main)
        await zhao.does("register")
        await zhao.press("split")
        rows = zhao.page.locator(".case-form .field-task")
        for place, text in enumerate(["抽水", "修复路面"]):
            await rows.nth(place).locator("input").nth(0).fill("排水管理处")
            await rows.nth(place).locator("input").nth(1).fill(text)
        await zhao.page.click(".case-form .is-primary")
        await zhao.answered()
        await zhao.page.click('[data-tab="tasks"]')
        await expect(zhao.page.locator(".case-body .near")).to_have_count(3)  # two tasks and what was merged in


async def test_a_move_is_taken_back_within_its_ten_seconds_by_one_key(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        await zhao.page.keyboard.press("a")
        await zhao.answered()
        await zhao.shows_state("to register")
        await expect(zhao.page.locator('.desk-toast[data-kind="undo"]')).to_contain_text("Undo")
        await zhao.page.keyboard.press("z")
        await zhao.shows_state("reported")
        assert (await zhao.moves())[-2:] == ["accept", "undo"]


async def test_a_batch_is_registered_at_once_and_each_case_stands_for_itself(hall):
    units = ["排水管理处", "排水管理处", "市政所"]
    numbers = [report(hall, address="和平路 9 号", unit=unit) for unit in units]
    async with seat(hall) as zhao:
        await zhao.page.fill("[data-search]", "和平路 9 号")
        await expect(zhao.page.locator(".queue-row:visible")).to_have_count(3)
        await zhao.page.focus("[data-queue]")
        await zhao.page.keyboard.press("X")
        await zhao.page.keyboard.press("b")
        dialog = zhao.page.locator('dialog[data-kind="batch"]')
        await dialog.locator("select").first.select_option(label="Register (possible for 3 of 3)")
        await dialog.locator(".is-primary").click()
        await expect(zhao.page.locator('dialog[data-kind="batch-results"]')).to_contain_text("Done 3")
        for number in numbers:
            assert "register" in [entry["move"] for entry in await zhao.entries(f"file/calls/{number}")]
        await zhao.page.keyboard.press("Escape")
        await zhao.page.keyboard.press("X")
        await zhao.page.keyboard.press("b")
        await dialog.locator("select").first.select_option(label="Dispatch (possible for 3 of 3)")
        await expect(dialog.locator(".field-hint").first).to_contain_text("its own department")
        await expect(dialog.locator("input[list]")).to_have_value("")  # what one case has is not put upon the others
        await dialog.locator(".is-primary").click()
        await expect(zhao.page.locator('dialog[data-kind="batch-results"]')).to_contain_text("Done 3")
        for number, unit in zip(numbers, units, strict=True):
            (given,) = [entry for entry in await zhao.entries(f"file/calls/{number}") if entry["move"] == "dispatch"]
            assert given["data"]["unit"] == unit


def picture() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (640, 480), (20, 90, 160)).save(drawn, "JPEG")
    return drawn.getvalue()


async def test_a_photo_is_uploaded_attached_and_shown_and_one_in_a_form_goes_with_the_move(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        await zhao.page.click('[data-tab="photos"]')
        photo = {"name": "road.jpg", "mimeType": "image/jpeg", "buffer": picture()}
        await zhao.page.locator('.photo-add input[type="file"]').set_input_files(photo)
        shown = zhao.page.locator(".photos .photo img")
        await expect(shown).to_have_count(1)
        await zhao.page.wait_for_function("document.querySelector('.photos .photo img').naturalWidth === 640")
        await zhao.does("dispatch", unit="排水管理处")
        await zhao.press("feed_back")
        await zhao.fill("opinion", "积水已抽排")
        await zhao.page.locator('.case-form input[type="file"]').set_input_files(photo)
        await zhao.page.locator(".case-form .photo-small img").wait_for()
        await zhao.page.click(".case-form .form-actions .is-primary")
        await zhao.answered()
        told = {
            entry["move"]: [one["usage"] for one in entry["data"]["photos"]]
            for entry in await zhao.entries()
            if entry["data"].get("photos")
        }
        assert told == {"attach": ["other"], "feed_back": ["after"]}

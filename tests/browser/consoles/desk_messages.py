"""A message to crews from the map, by keys: whom it reaches is shown before it is sent, asked for once more, taken back with a reason."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.consoles.room import ask, seats

TEXT = "请避开卫河大堤"


async def test_a_message_to_crews_is_written_urged_and_taken_back(hall):
    async with seats(hall) as room:
        page = await room.sit("dispatcher", "/map")
        await page.wait_for_function("hall.store.docs('crew').size")
        crew = await page.evaluate("[...hall.store.docs('crew').keys()].sort()[0]")
        await page.wait_for_function("hall.citymap.page?.view?.map && hall.messages.may()")
        await page.evaluate("(crew) => void hall.messages.write({ crews: [crew.split('/')[1], 'nobody'] })", crew)
        box = page.locator("dialog[open][data-kind=message]")
        await expect(box.locator(".message-sum")).to_contain_text("1 支没有登录手机")
        await expect(box.locator(".message-sum")).to_contain_text("1 支不在名册")
        await expect(box.locator("[data-do=send-message]")).to_be_disabled()  # nothing is written yet
        await page.keyboard.type(TEXT)
        await page.keyboard.press("Control+Enter")
        await expect(box).to_have_count(0)

        await page.keyboard.press("i")
        card = page.locator(".message-card", has_text=TEXT)
        await expect(card.locator("[data-count-of=sent]")).to_have_text("发送 1")
        await card.locator("[data-move=urge]").click()
        await expect(card).to_contain_text("已催阅 1 次")
        await card.locator("[data-move=withdraw]").click()
        await expect(card.locator("input.desk-input")).to_be_focused()
        await page.keyboard.type("已改道")
        await page.keyboard.press("Enter")
        await expect(card.locator(".message-gone")).to_contain_text("已改道")
        subject = await card.get_attribute("data-subject")
        told = await ask(page, f"/api/v1/streams/{subject}")
        assert [entry["move"] for entry in told["entries"]] == ["send", "urge", "withdraw"]
        assert {entry["who"] for entry in told["entries"]} == {page.who}

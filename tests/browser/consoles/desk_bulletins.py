"""A warning from the template to the all clear, by three people at consoles: nobody approves what he has not before his eyes."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.consoles.room import ask, seats

HEADLINE = "平原路下穿积水（控制台）"


async def _approve(page, subject: str) -> None:
    await page.evaluate("(subject) => hall.emergency.go(subject)", subject)
    card = page.locator(f".emergency-card[data-subject='{subject}']")
    await expect(card.locator(".bulletin-xml")).to_contain_text(HEADLINE)
    await card.locator(".bulletin-approve").click()
    await expect(card.locator(".bulletin-approve")).to_have_count(0)  # done: the next one approves what he then sees


async def test_a_warning_is_drafted_looked_at_approved_by_two_others_and_lifted_again(hall):
    async with seats(hall) as room:
        author = await room.sit("operator", "/emergency")
        await author.evaluate("() => (location.hash = 'bulletins')")
        await author.wait_for_selector("[data-new-bulletin]")
        await author.keyboard.press("n")
        form = author.locator(".bulletin-form")
        await form.locator("select").first.select_option("waterlogging")
        await form.locator("input[lang='zh-CN']").first.fill(HEADLINE)
        await form.locator(".bulletin-circle input").first.fill("平原路")  # a name without a centre never means the whole city
        await author.keyboard.press("Control+Enter")
        await expect(author.locator(".bulletin-preview")).to_contain_text("还不能发布")
        await author.keyboard.press("e")
        await form.locator(".bulletin-circle input").nth(1).fill("113.9, 35.3")
        await form.locator("[data-draw=begin]").click()  # the rest of the outline by keys alone
        for keys in ("Space", "Shift+ArrowRight", "Space", "Shift+ArrowDown", "ArrowRight", "Space", "Enter"):
            await author.keyboard.press(keys)
        await form.locator(".map-draw-list input").fill("河边")
        await form.locator("[data-draw=begin]").click()
        await author.keyboard.press("Control+Enter")
        await expect(form.locator(".form-status")).to_contain_text("第 2 个多边形：还没有闭合")  # nothing half drawn is saved
        await form.locator("[data-draw=cancel]").click()
        await author.keyboard.press("Control+Enter")
        await expect(author.locator(".bulletin-banner")).to_contain_text(HEADLINE)
        await expect(author.locator(".bulletin-texts")).to_contain_text(HEADLINE)
        await expect(author.locator(".bulletin-preview .plain-map")).to_have_count(1)
        subject = await author.get_attribute(".emergency-card", "data-subject")
        await author.click(".case-moves [data-move=submit]")
        await expect(author.locator(".bulletin-preview")).to_contain_text("等待其他有权人员核准")
        await expect(author.locator(".bulletin-approve")).to_have_count(0)

        first, second = await room.sit("supervisor", "/emergency"), await room.sit("leader", "/emergency")
        await _approve(first, subject)
        await _approve(second, subject)
        await expect(second.locator(".case-head [data-state=issued]")).to_have_count(1)
        state = (await ask(second, f"/api/v1/streams/{subject}"))["state"]
        assert {act["by"] for act in state["approvals"]} == {first.who, second.who}
        name = f"warning/hall/{state['message']['identifier']}"
        shown = "(name) => { const event = hall.store.get(name); return event && event.data && event.data.headline['zh-CN']; }"
        await second.wait_for_function(shown, arg=name)
        assert await second.evaluate(shown, name) == HEADLINE
        areas = await second.evaluate("(name) => hall.store.get(name).data.areas", name)  # what walls draw
        (ring,) = next(area["polygons"] for area in areas if area["description"] == "河边")
        assert len(ring) == 4 and ring[0] == ring[-1] and all(113 < lon < 115 and 34 < lat < 36 for lon, lat in ring)

        await author.click(".case-moves [data-move=cancel]")
        await author.fill(".emergency-form[data-move=cancel] textarea", "水已退")
        await author.keyboard.press("Control+Enter")
        await expect(author.locator(".case-head h2")).to_contain_text(f"解除：{HEADLINE}")
        await author.click(".case-moves [data-move=submit]")
        lifting = await author.get_attribute(".emergency-card", "data-subject")
        for page in (first, second):
            await _approve(page, lifting)
        await second.wait_for_function("(name) => !(hall.store.get(name) || {}).data", arg=name)
        await expect(author.locator(f".emergency-table [data-subject='{subject}'] .bulletin-state")).to_have_text("已解除")

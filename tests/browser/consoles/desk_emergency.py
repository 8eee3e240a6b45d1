"""The emergency console's kit, used by keyboard by two people at one running hall: tab, list, card, forms, what others see."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.consoles.room import ask, seats

PLACE = "人民路涵洞（键盘）"


async def test_a_closure_is_proposed_and_ordered_by_keyboard_and_another_seat_sees_it_and_is_told_when_it_is_late(hall):
    async with seats(hall) as room:
        lead, other = await room.sit("supervisor", "/emergency"), await room.sit("operator", "/emergency")
        await lead.wait_for_function("() => hall.emergency.tabs.some((tab) => tab.name === 'closures')")
        number = 1 + await lead.evaluate("() => hall.emergency.tabs.findIndex((tab) => tab.name === 'closures')")
        for page in (lead, other):
            await page.keyboard.press(str(number))
            await expect(page.locator(".emergency-tabs [aria-selected=true]")).to_have_attribute("data-tab", "closures")
        await lead.wait_for_selector("[data-tab=closures] [data-new=propose]")

        # a form from the table of moves: what is missing is said inside it, and what was typed outlives a closed form
        await lead.keyboard.press("n")
        await lead.fill("dialog [data-field=name] input", PLACE)
        await lead.keyboard.press("Enter")
        await expect(lead.locator("dialog .form-status")).to_contain_text("原因")
        await lead.fill("dialog [data-field=reason] textarea", "水已没过警戒线")
        await lead.keyboard.press("Control+Enter")
        await lead.wait_for_selector(".emergency-card .case-moves [data-move=order]")
        assert PLACE in await lead.inner_text(".emergency-card h2")
        assert (await lead.evaluate("() => decodeURI(location.hash)")).startswith("#closures/closure/")

        # the other seat sees it in its list, opens it by keyboard, and has the older state in its form when the first one acts
        row = other.locator("tr[data-subject]", has_text=PLACE)
        await expect(row).to_have_count(1)
        subject = await row.get_attribute("data-subject")
        await other.evaluate("(subject) => hall.emergency.go(subject)", subject)
        await other.wait_for_selector(".emergency-card .case-moves [data-move]")
        await expect(other.locator(".emergency-history")).to_contain_text("水已没过警戒线")

        order = await lead.inner_text(".emergency-card .case-moves [data-move=order] kbd")
        await lead.keyboard.press(order)
        form = lead.locator(".emergency-form[data-move=order]")
        await form.locator("[data-field=reason] textarea").fill("立即封闭")
        await lead.keyboard.press("Control+Enter")
        await expect(form).to_have_count(0)
        await expect(lead.locator(".emergency-history li[data-move=order]")).to_contain_text("立即封闭")
        await expect(other.locator(".emergency-history li[data-move=order]")).to_contain_text("立即封闭")

        # made on what was looked at before: refused with what changed, nothing is done twice
        stale = await other.evaluate(
            """async (subject) => { const command = hall.commands.send({subject, move: 'cancel', revision: 1, reason: '误报', quiet: true});
            while (['queued', 'sending'].includes(command.state)) await new Promise((done) => setTimeout(done, 50));
            return [command.state, command.why]; }""",
            subject,
        )
        assert stale[0] in ("stale", "refused"), stale
        view = await ask(lead, f"/api/v1/streams/{subject}")
        assert view["state"]["state"] == "ordered" and [entry["move"] for entry in view["entries"]][-1] == "order"
        await _own_districts(other)
        await lead.keyboard.press("Escape")
        await lead.keyboard.press("Escape")
        await expect(lead.locator(".emergency-card")).to_have_count(0)


async def test_changed_rules_are_tried_on_what_the_hall_heard_a_mistake_is_shown_where_it_is_and_only_leaders_see_the_tab(hall):
    async with seats(hall) as room:
        operator, lead = await room.sit("operator", "/emergency"), await room.sit("supervisor", "/emergency")
        await lead.evaluate("() => (location.hash = 'alarm-trial')")
        area, go = lead.locator(".trial-rules"), lead.locator(".trial-page .is-primary")
        await expect(area).to_have_value(re.compile("thresholds"))  # begun with the rules in force
        assert not await operator.evaluate("() => hall.emergency.tabs.some((tab) => tab.name === 'alarm-trial')")

        await area.fill('[[thresholds]]\nquantity = "water_depth"\nvalue = "deep"\nseverity = 3\n')
        await go.click()
        await expect(lead.locator(".trial-failed")).to_contain_text("第 3 行", timeout=60_000)
        chosen = await area.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)")
        assert chosen == 'value = "deep"' and await area.evaluate("(area) => area === document.activeElement")

        await area.fill('[[thresholds]]\nquantity = "water_depth"\nvalue = 0.3\nseverity = 3\n')
        await go.click()
        await expect(lead.locator(".trial-head")).to_contain_text("条告警", timeout=60_000)
        assert await lead.locator(".trial-table tbody tr").count() >= 5
        assert [row["state"] for row in (await ask(lead, "/api/v1/rule-trials"))["trials"]] == ["done", "failed"]


async def _own_districts(page):
    """Who answers for some districts sees theirs and what is in none, until `w` shows the whole city."""
    shown = "() => ['东区', '西区', ''].filter((district) => hall.alarms.own.shown({district}))"
    await page.evaluate("() => { hall.page.who.districts = ['东区']; }")
    await page.keyboard.press("Escape")
    await page.keyboard.press("1")
    chip = page.locator(".alarm-head [data-scope]")
    await expect(chip).to_contain_text("东区")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate(shown) == ["东区", ""]
    await page.keyboard.press("w")
    await expect(chip).to_have_attribute("aria-pressed", "false")
    assert await page.evaluate(shown) == ["东区", "西区", ""]

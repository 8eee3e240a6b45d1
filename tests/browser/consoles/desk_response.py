"""A response at two consoles: the leader sees what his signature will do, signs, a supervisor acknowledges his task, and the
leader takes all of it back."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.consoles.room import ask, seats

FLOOD = "/api/v1/streams/response/flood"
DUTY = "tr[data-subject$='-duty']"


async def test_a_leader_signs_what_he_saw_a_task_is_acknowledged_and_all_of_it_is_taken_back(hall):
    async with seats(hall) as room:
        leader, supervisor = await room.sit("leader", "/emergency"), await room.sit("supervisor", "/emergency")
        await leader.evaluate("() => (location.hash = 'response/flood')")
        await leader.wait_for_selector(".emergency-card[data-subject='response/flood'] [data-act=sign]")
        await leader.keyboard.press("s")
        dialog = leader.locator("dialog[data-kind=response-sign]")
        await dialog.locator("label[data-level=III] input").check()
        rows = await dialog.locator(".response-preview tbody tr").count()
        assert rows > 0 and "防汛指挥" in await dialog.inner_text()

        # without a reason nothing is signed
        await dialog.locator("textarea").fill("")
        await dialog.locator(".response-sign").click()
        await expect(dialog.locator(".form-status")).to_contain_text("原因")
        await dialog.locator("textarea").fill("两人演示")
        await dialog.locator(".response-sign").click()
        await expect(leader.locator(".response-level")).to_have_attribute("data-level", "III")
        tasks = (await ask(leader, "/api/v1/streams/task"))["streams"]
        assert len([one for one in tasks if one["state"]["state"] == "open"]) == rows, "what was shown is what was made"

        await supervisor.evaluate("() => (location.hash = 'tasks')")
        await supervisor.locator(DUTY).click()
        await supervisor.wait_for_selector(".emergency-card [data-move=acknowledge]")
        await supervisor.click(".emergency-card [data-move=acknowledge]")
        await supervisor.locator(".emergency-form .is-primary").click()
        await expect(supervisor.locator(DUTY)).to_contain_text("办理中")

        await leader.keyboard.press("u")
        await leader.fill(".emergency-form textarea", "误签")
        await leader.keyboard.press("Control+Enter")
        await expect(leader.locator(".response-level")).to_have_attribute("data-level", "")
        await expect(supervisor.locator(DUTY)).to_have_count(0)
        state = (await ask(leader, FLOOD))["state"]
        assert state["level"] == "" and [line["move"] for line in state["history"]][-2:] == ["sign", "undo"]

"""Two operators on one case, a network that goes away, a page that is loaded again: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import expect

from tests.browser.consoles.seat import report, seat
from tests.chromium import intercept


async def test_a_case_changed_under_ones_hands_says_so_and_the_move_can_be_redone_on_top(hall):
    number = report(hall)
    async with seat(hall, name="zhao") as zhao, seat(hall, name="qian") as qian:
        await zhao.open(number)
        await qian.open(number)
        await zhao.press("reject")
        await zhao.fill("reason", "不属于城市管理范围")
        await qian.does("note", text="市民又来电")
        await expect(zhao.page.locator(".case-news")).to_contain_text("qian")
        await expect(zhao.page.locator(".form-changed")).to_contain_text("qian")
        assert await zhao.page.input_value('.case-form [data-field="reason"] textarea') == "不属于城市管理范围"
        await zhao.page.click(".case-form .is-primary")
        dialog = zhao.page.locator('dialog[data-kind="stale"]')
        await expect(dialog).to_contain_text(re.compile("qian.*Note"))
        assert "reject" not in await zhao.moves()  # refused: nothing was overwritten
        await dialog.locator(".is-primary").click()
        await zhao.answered()
        await zhao.shows_state("not accepted")
        last = (await zhao.entries())[-1]
        assert (last["move"], last["who"], last["reason"]) == ("reject", "zhao", "不属于城市管理范围")


async def test_who_leaves_a_stale_move_alone_changes_nothing_and_keeps_what_was_typed(hall):
    number = report(hall)
    async with seat(hall, name="zhao") as zhao, seat(hall, name="qian") as qian:
        await zhao.open(number)
        await zhao.press("reject")
        await zhao.fill("reason", "重复上报")
        await qian.open(number)
        await qian.does("accept")
        await zhao.page.click(".case-form .is-primary")
        await zhao.page.locator('dialog[data-kind="stale"] footer button', has_text="Leave").click()
        await zhao.shows_state("to register")
        await zhao.press("reject")
        assert await zhao.page.input_value('.case-form [data-field="reason"] textarea') == "重复上报"
        assert "reject" not in await zhao.moves()


async def test_only_one_of_two_claims_wins_and_the_other_may_ask_to_take_over(hall):
    number = report(hall)
    async with seat(hall, "operator", "sun") as sun, seat(hall, "operator", "li") as li:
        await sun.open(number)
        await li.open(number)
        both = asyncio.Barrier(2)  # neither has heard of the other's claim when it claims

        async def held(route) -> None:
            await both.wait()
            await route.continue_()

        for one in (sun, li):
            await intercept(one.page, "**/commands", held)
        await asyncio.gather(sun.page.keyboard.press("c"), li.page.keyboard.press("c"))
        await expect(sun.page.locator(".case-second")).to_contain_text(re.compile("Owner (sun|li)"))
        owner = re.search("Owner (sun|li)", await sun.page.inner_text(".case-second"))[1]
        winner, loser = (sun, li) if owner == "sun" else (li, sun)
        assert [e["who"] for e in await winner.entries() if e["move"] == "claim"] == [owner]
        with_dialog = loser.page.locator('dialog[data-kind="stale"]')
        await with_dialog.locator("footer button", has_text="Leave").click()
        for one in (sun, li):
            await one.page.unroute("**/commands", held)
        await loser.does("ask_takeover", text="我在附近")
        await winner.does("grant")
        await expect(loser.page.locator(".case-second")).to_contain_text(f"Owner {loser.name}")


async def test_others_at_the_same_case_are_seen_and_that_they_are_typing(hall):
    number = report(hall)
    async with seat(hall, name="zhao") as zhao, seat(hall, name="qian") as qian:
        await zhao.open(number)
        await qian.open(number)
        await expect(zhao.page.locator(".case-presence")).to_contain_text("qian (supervisor) is looking too")
        await qian.page.keyboard.press("n")
        await expect(zhao.page.locator(".case-presence")).to_contain_text("typing")


async def test_a_command_cut_off_in_the_middle_is_kept_shown_and_done_exactly_once(hall):
    """The hall hears the first sending and commits; its answer is lost; the second sending carries the same id."""
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        heard, answers = [], []

        async def lose_the_answer(route) -> None:
            heard.append(route.request.post_data_json["id"])
            if len(heard) > 1:
                return await route.continue_()
            try:
                answers.append(await route.fetch())  # it arrives and is done
            finally:
                await route.abort("connectionreset")

        await intercept(zhao.page, "**/commands", lose_the_answer)
        await zhao.page.keyboard.press("a")
        await zhao.until("hall.commands.list().some((c) => c.tries > 1 && c.state === 'done')")
        assert [answer.status for answer in answers] == [200]
        assert len(heard) == 2 and len(set(heard)) == 1
        assert (await zhao.moves()).count("accept") == 1


async def test_a_part_of_the_page_that_fails_neither_holds_up_a_command_nor_has_it_look_refused(hall):
    number, faults = report(hall), []
    async with seat(hall, faults=False) as zhao:
        zhao.page.on("pageerror", lambda error: faults.append(str(error)))
        await zhao.open(number)
        fails = "() => { throw new Error('a part that fails'); }"
        await zhao.page.evaluate(f"for (const name of ['command', 'outcome']) hall.desk.on(name, {fails})")
        await zhao.page.keyboard.press("a")
        await zhao.answered()
        await zhao.shows_state("to register")
        assert [command["state"] for command in await zhao.page.evaluate("hall.commands.list()")] == ["done"]
    assert set(faults) == {"a part that fails"}  # and it is not hidden


async def test_commands_wait_for_the_network_in_order_over_a_reload_and_are_sent_once(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        cut = asyncio.Event()

        async def gone(route) -> None:
            cut.set()
            await route.abort("internetdisconnected")

        await intercept(zhao.page, "**/commands", gone)
        await zhao.page.keyboard.press("a")
        await cut.wait()
        await expect(zhao.page.locator(".bar-commands")).to_contain_text("1 to send")
        await expect(zhao.page.locator('.wait[data-wait="command"]')).to_contain_text("Accept")
        await zhao.shows_state("reported")  # never a state that the hall has not said
        await zhao.does_not_wait("note", text="第二条")
        await expect(zhao.page.locator(".bar-commands")).to_contain_text("2 to send")
        await zhao.page.reload()
        await expect(zhao.page.locator(".bar-commands")).to_contain_text("2 to send")
        await zhao.page.unroute("**/commands")
        await zhao.page.wait_for_function("!hall.commands.waiting().length")
        await zhao.shows_state("to register")
        assert [move for move in await zhao.moves() if move in ("accept", "note")] == ["accept", "note"]
        await expect(zhao.page.locator(".bar-commands")).to_be_hidden()


async def test_typed_text_and_the_open_form_survive_a_reload(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        await zhao.page.keyboard.press("n")
        await zhao.page.keyboard.type("电话里说井盖也松动")
        await zhao.page.reload()
        await expect(zhao.page.locator('.case-form [data-field="text"] textarea')).to_have_value("电话里说井盖也松动")
        await zhao.page.locator('.case-form [data-field="text"] textarea').focus()
        await zhao.page.keyboard.press("Control+Enter")
        await zhao.answered()
        assert [e["data"]["text"] for e in await zhao.entries() if e["move"] == "note"] == ["电话里说井盖也松动"]
        assert await zhao.page.evaluate("hall.desk.drafts.of(hall.desk.current().subject)") == []


async def test_keys_do_nothing_while_one_types_or_an_input_method_composes(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        await zhao.page.focus("[data-search]")
        await zhao.page.keyboard.type("cad")
        await zhao.page.focus("[data-queue]")
        composing = "new KeyboardEvent('keydown', {key: 'a', bubbles: true, isComposing: true})"
        await zhao.page.evaluate(f"document.querySelector('[data-queue]').dispatchEvent({composing})")
        assert await zhao.page.evaluate("hall.commands.list().length") == 0
        assert not await zhao.page.locator(".case-form").is_visible()

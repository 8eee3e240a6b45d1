"""Several consoles of one running hall: a handover signed by both, who else is there, the lock, notices and the crews' board."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.consoles.room import PASSWORD, PIN, ask, claimed, report, seats, until


async def owner(page, subject: str) -> str:
    return (await ask(page, f"/api/v1/files/{subject.partition('/')[2]}"))["file"].get("owner", "")


async def choose(page, subject: str) -> None:
    await page.evaluate("subject => hall.desk.choose(subject)", subject)
    await page.wait_for_selector(".case-moves button[data-move]")


# -- shifts -----------------------------------------------------------------------------------------------------------


async def test_a_handover_is_signed_at_two_consoles_and_the_cases_go_along(hall):
    async with seats(hall) as room:
        first, second = await room.sit(), await room.sit(lang="en")
        cases = [await claimed(first) for _ in range(2)]
        await first.click(".bar-shift")
        await first.fill(".shift-begin input", "受理 1 号席")
        await first.click(".shift-begin .is-primary")
        await first.wait_for_selector(".shift-give tr[data-item]")
        listed = await first.eval_on_selector_all(".shift-give tr[data-item]", "rows => rows.map(row => row.dataset.item)")
        assert sorted(listed) == sorted(case.replace("case/", "file/", 1) for case in cases)
        await first.fill(".shift-give textarea", "留意人民路低洼处")
        await first.select_option(".shift-give select", second.who)
        await first.click(".shift-give .is-primary")
        await first.wait_for_selector("[data-handover]")
        assert [await owner(first, case) for case in cases] == [first.who] * 2

        await second.wait_for_selector('.bar-shift[data-asked="1"]')
        await second.click(".bar-shift")
        await expect(second.locator(".shift-take .shift-notes")).to_have_text("留意人民路低洼处")
        await second.click(".shift-take .is-primary")
        await second.wait_for_selector(".shift-earlier")
        assert [await owner(second, case) for case in cases] == [second.who] * 2
        await expect(second.locator(".bar-shift")).to_contain_text("Acceptance")
        await expect(first.locator(".bar-shift")).to_contain_text("未上班")  # told by the hall, not by its own click
        signatures = second.locator(".shift-earlier .shift-signatures").first
        await expect(signatures).to_contain_text(first.who)
        await expect(signatures).to_contain_text("受理 1 号席")


async def test_what_was_typed_into_the_shift_book_is_still_there_after_it_was_closed(hall):
    async with seats(hall) as room:
        page = await room.sit("supervisor")
        await ask(page, "/api/v1/shifts/supervision/commands", "POST", {"id": f"start-{page.who}", "move": "start"})
        await page.wait_for_function("hall.desk.shift.mine()")
        await page.click(".bar-shift")
        await page.fill(".shift-give textarea", "还没写完")
        await page.keyboard.press("Escape")
        await page.reload()
        await page.wait_for_function("hall.desk.shift && hall.desk.shift.mine()")
        await page.click(".bar-shift")
        await expect(page.locator(".shift-give textarea")).to_have_value("还没写完")


# -- presence ---------------------------------------------------------------------------------------------------------


async def test_who_looks_and_who_writes_is_told_by_the_act_itself_and_goes_with_him(hall):
    async with seats(hall) as room:
        first, second = await room.sit(), await room.sit()
        subject = await report(first)
        await choose(first, subject)
        await second.evaluate("hall.desk.queue.use('open')")
        await second.wait_for_selector(f'.queue-row[data-subject="{subject}"]', state="attached")
        await second.evaluate(  # the report that every console makes each two seconds does not call hall.link.report
            """() => {
                const report = hall.link.report;
                window.told = [];
                hall.link.report = () => { window.told.push(hall.desk.chosen); report(); };
            }"""
        )
        await choose(second, subject)
        await second.wait_for_function("subject => told.includes(subject)", arg=subject)
        await first.wait_for_function(
            "([subject, who]) => hall.desk.presence.of(subject).some(one => one.who === who)", arg=[subject, second.who]
        )
        await expect(first.locator(".case-presence")).to_contain_text(second.who)
        await second.wait_for_function("subject => hall.desk.presence.mark(subject)", arg=subject)
        assert await second.evaluate("subject => hall.desk.presence.mark(subject)", subject) == f"◉ {first.who}"
        row = second.locator(f'.queue-row[data-subject="{subject}"] .col-owner')
        await expect(row).to_contain_text(first.who)

        await second.evaluate("hall.desk.act('note')")
        await expect(first.locator(".case-presence")).to_contain_text("正在")
        await first.evaluate("hall.desk.act('note')")
        await expect(first.locator('.case-presence[data-warns="1"]')).to_contain_text(second.who)
        await expect(second.locator('.case-presence[data-warns="1"]')).to_contain_text(first.who)

        await second.context.close()
        await expect(first.locator(".case-presence")).to_be_hidden()


# -- the lock ---------------------------------------------------------------------------------------------------------


async def test_the_lock_hides_everything_keeps_what_was_typed_and_lets_nothing_out_until_the_pin(hall):
    async with seats(hall) as room:
        page = await room.sit()
        subject = await report(page)
        await choose(page, subject)
        await page.evaluate("hall.desk.act('note')")
        await page.fill(".case-form textarea", "积水已退到路沿")
        async with page.expect_response("**/api/v1/lock"):  # the cover does not wait for the hall
            await page.keyboard.press("Control+Alt+l")
        await page.wait_for_selector(".lock-cover[open]")
        seen = await page.evaluate("document.body.innerText")
        assert "积水" not in seen and subject.rpartition("/")[2] not in seen
        assert await page.evaluate("getComputedStyle(document.querySelector('#react-entry-point')).opacity") == "0"
        refused = await page.evaluate(
            """async () => {
              const csrf = {'x-hall-csrf': hall.page.csrf};
              const answers = [await fetch('/api/v1/commands', {method: 'POST', headers: csrf, body: '{}'}), await fetch('/api/v1/cases')];
              return answers.map(answer => answer.status);
            }"""
        )
        assert refused == [423, 423]
        command = await page.evaluate(
            """async (subject) => {
              const command = hall.commands.send({subject, move: 'note', data: {text: 'sent while locked'}});
              await new Promise(done => setTimeout(done, 300));
              return command.state;
            }""",
            subject.replace("case/", "file/", 1),
        )
        assert command == "sending"
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        assert await page.locator(".lock-cover[open]").is_visible()
        await page.fill(".lock-cover input", "wrong-password")
        await page.keyboard.press("Enter")
        await expect(page.locator(".lock-cover .form-status")).to_contain_text("密码不对")
        await page.fill(".lock-cover input", PIN)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".lock-cover", state="hidden")
        assert await page.input_value(".case-form textarea") == "积水已退到路沿"
        await page.wait_for_function("hall.commands.list().every(command => command.state === 'done')")


async def test_a_locked_console_stays_locked_over_a_reload_and_on_its_other_pages(hall):
    async with seats(hall) as room:
        page = await room.sit()
        other = await page.context.new_page()
        await other.goto(f"{hall.url}/crews")
        await other.wait_for_function("hall.desk?.lock && hall.link.state === 'live'")
        await page.keyboard.press("Control+Alt+l")
        await other.wait_for_selector(".lock-cover[open]")
        await page.reload()
        await page.wait_for_selector(".lock-cover[open]")
        assert await page.title() == "已锁定"
        await page.fill(".lock-cover input", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_function("window.hall?.desk?.lock && !hall.desk.lock.locked && hall.store?.ready")
        await other.wait_for_selector(".lock-cover", state="hidden")


async def test_nobody_at_the_console_is_warned_of_and_then_locked(hall):
    async with seats(hall) as room:
        page = await room.sit()
        await page.wait_for_function("hall.desk.lock.left() > 9 * 60000")
        await page.evaluate(
            "() => { const now = Date.now; window.later = 9.5 * 60000; Date.now = () => now() + window.later; }"
        )
        await page.wait_for_selector(".lock-warning:not([hidden])")
        await page.evaluate("() => { document.querySelector('.lock-warning button').click(); }")
        await page.wait_for_selector(".lock-warning", state="hidden")
        await page.evaluate("() => { window.later += 10.1 * 60000; }")
        await page.wait_for_selector(".lock-cover[open]")

        async def locked():
            return (await ask(page, "/api/v1/lock"))["locked"]

        await until(locked)


# -- heard and seen ---------------------------------------------------------------------------------------------------


async def test_a_storm_of_notices_is_one_sound_in_three_seconds_and_the_most_urgent_one(hall):
    async with seats(hall) as room:
        page = await room.sit("inspector")  # whom nothing in this hall calls: nothing real sounds in between
        begin = """() => {
          hall.alerts.blocked = () => true;  // each wish to play is counted as blocked: no test needs a loudspeaker
          const begun = performance.now();
          hall.alerts.take([...Array(50).fill('normal'), 'emergency', 'urgent']);
          const first = {...hall.alerts.counts, last: hall.alerts.last};
          hall.alerts.take(['normal']); hall.alerts.take(['urgent']); hall.alerts.take(['normal']);
          return [first, {...hall.alerts.counts}, begun];
        }"""
        first, after, heard = await page.evaluate(begin)
        assert (first["asked"], first["blocked"], first["last"]) == (52, 1, "emergency")
        assert after["blocked"] == 1
        await page.wait_for_function("hall.alerts.counts.blocked === 2")
        assert await page.evaluate("hall.alerts.last") == "urgent"
        assert await page.evaluate("performance.now()") - heard > 2000
        muted = """() => {
          hall.alerts.quiet(5);
          hall.alerts.take(['emergency']);
          return [hall.alerts.counts.quiet, hall.alerts.counts.blocked];
        }"""
        assert await page.evaluate(muted) == [1, 2]
        await expect(page.locator('.bar-sound[data-sound="quiet"]')).to_contain_text("静音")
        await page.evaluate("hall.alerts.keep({quiet_until: Date.now() + 300})")
        await page.wait_for_selector('.bar-sound:not([data-sound="quiet"])')  # by itself


async def test_an_urging_reaches_the_owner_is_counted_in_the_title_and_its_reading_is_kept(hall):
    async with seats(hall) as room:
        page, lead = await room.sit(), await room.sit("supervisor")
        subject = await claimed(page)
        tail = subject.partition("/")[2]
        view = await ask(lead, f"/api/v1/files/{tail}")
        body = {"id": f"urging-{page.who}", "move": "urge", "revision": view["revision"], "reason": "请尽快到场"}
        await ask(lead, f"/api/v1/cases/{tail}/commands", "POST", body)
        mine = f"hall.desk.notices.list().some(notice => notice.about === 'file/{tail}')"
        await page.wait_for_function(mine)
        assert (await page.title()).startswith("(")

        async def receipt(stamp):
            """The receipt of this very notice once the ledger has `stamp`; another one may have been told before it."""

            async def look():
                found = (await ask(lead, f"/api/v1/notices?about=file/{tail}"))["notices"]
                mine = next((notice for notice in found if notice["to"] == {"person": page.who}), {})
                receipt = mine.get("readers", {}).get(page.who, {})
                return receipt if stamp in receipt else None

            return await until(look)

        assert not (await receipt("received")).get("read")
        await page.click(".bar-notices")
        await page.locator(".notice", has_text="请尽快到场").locator(".desk-chip").click()
        last = await receipt("read")
        assert last["read"] >= last["received"]


# -- crews ------------------------------------------------------------------------------------------------------------


async def test_a_crew_that_calls_by_radio_is_recorded_on_the_board_and_seen_on_another(hall):
    async with seats(hall) as room:
        page, other = await room.sit("dispatcher", "/crews"), await room.sit("operator", "/crews", lang="en")
        await page.wait_for_selector('tr[data-crew][data-crew-state="available"]')
        crew = await page.locator('tr[data-crew][data-crew-state="available"]').first.get_attribute("data-crew")
        await page.click(f'tr[data-crew="{crew}"] .crew-open')
        await page.click('.crew-moves [data-move="out_of_service"]')
        await expect(page.locator(".crew-detail .form-status")).to_contain_text("请填写原因")
        await page.fill(".crew-detail input", "水泵故障")
        await page.click('.crew-moves [data-move="out_of_service"]')
        await expect(other.locator(f'tr[data-crew="{crew}"] [data-column="state"]')).to_have_text("✕ Out of service")
        await expect(other.locator(f'tr[data-crew="{crew}"] [data-column="case"]')).to_have_text("水泵故障")
        await page.click('.desk-chip[data-crew-state="out_of_service"]')
        await expect(page.locator("tr[data-crew]")).to_have_count(1)
        await page.click('.crew-moves [data-move="in_service"]')
        await expect(page.locator("tr[data-crew]")).to_have_count(0)
        await other.click(f'tr[data-crew="{crew}"] .crew-open')
        await expect(other.locator(".crew-detail")).to_contain_text("Nothing to record now")  # an operator only looks

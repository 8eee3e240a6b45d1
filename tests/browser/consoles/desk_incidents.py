"""An incident by two people at two consoles: begun, its command handed over with two signatures, its first report signed by the
one and sent by the other; then the hour's reports, seen at both."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.consoles.room import ask, seats

TITLE = "陇海路积水（两人）"


async def _move(page, name: str, **fields: str) -> None:
    """One move from the card's buttons; a field is filled, or one of its choices taken."""
    await page.click(f".emergency-card .case-moves [data-move={name}]")
    form = page.locator(f".emergency-form[data-move={name}]")
    for field, value in fields.items():
        choice = form.locator(f"[data-field={field}] input[value='{value}']")
        if await choice.count():
            await choice.check()
        else:
            await form.locator(f"[data-field={field}] :is(input, textarea)").first.fill(value)
    if fields:
        await page.keyboard.press("Control+Enter")
        await expect(form).to_have_count(0)


async def test_command_goes_over_with_two_signatures_and_a_report_is_signed_by_the_one_and_sent_by_the_other(hall):
    async with seats(hall) as room:
        li, he = await room.sit("operator", "/emergency"), await room.sit("leader", "/emergency")
        await li.evaluate("() => (location.hash = 'incidents')")
        await li.wait_for_selector("[data-tab=incidents] [data-new=begin]")
        await li.keyboard.press("n")
        await li.fill("dialog [data-field=title] input", TITLE)
        await li.check("dialog [data-field=grade] input[value=III]")
        await li.fill("dialog [data-field=commander] input", li.who)
        await li.fill("dialog [data-field=place] input", "陇海路")
        await li.keyboard.press("Control+Enter")
        await expect(li.locator(".emergency-card h2")).to_contain_text(f"较大 III · {TITLE}")
        subject = await li.get_attribute(".emergency-card", "data-subject")

        await _move(li, "brief", to=he.who)
        await expect(li.locator(".incident-transfer")).to_contain_text(f"{li.who} → {he.who} · 等待 {li.who} 签字")
        await he.evaluate("(subject) => hall.emergency.go(subject)", subject)
        await expect(he.locator(".emergency-card")).to_contain_text("总指挥：" + li.who)
        await expect(he.locator(".case-moves [data-move=take_command]")).to_have_count(0)
        await li.click(".case-moves [data-move=hand_over]")
        await he.click(".case-moves [data-move=take_command]")
        await expect(li.locator(".incident-section", has_text="指挥权移交")).to_contain_text("已接任")
        assert (await ask(li, f"/api/v1/streams/{subject}"))["state"]["commander"] == he.who

        await _move(li, "draft_report", kind="initial")
        await expect(he.locator("pre.incident-text")).to_contain_text(f"一、事件名称：{TITLE}")
        await expect(li.locator(".case-moves [data-move=sign_report]")).to_have_count(0)
        await he.click(".case-moves [data-move=sign_report]")
        await expect(li.locator(".case-moves [data-move=send_report]")).to_have_count(1)
        await _move(li, "phone_report", to="省厅值班室")
        await _move(li, "send_report", to="省应急厅")
        await expect(he.locator(".incident-section", has_text="信息报告")).to_contain_text("☎ 省厅值班室")
        row = he.locator(f"tr[data-subject='{subject}']")
        await expect(row).to_contain_text("续报 还剩 4 小时")


async def test_a_case_is_put_under_an_incident_from_its_own_card_and_leads_there(hall):
    async with seats(hall) as room:
        li = await room.sit("operator")
        sent = {
            "id": "roof-case-00001",
            "case": {"description": "积水", "class_name": "突发事件", "subclass_name": "道路积水", "address": "屋檐路 1 号"},
        }
        post = """async ([path, body]) => (await fetch(path, {method: 'POST', body: JSON.stringify(body),
            headers: {'content-type': 'application/json', 'x-hall-csrf': hall.page.csrf}})).json()"""
        case = (await li.evaluate(post, ["/api/v1/cases", sent]))["case"]
        begin = {"id": "roof-incident-1", "move": "begin", "data": {"title": "屋檐下", "grade": "IV"}}
        await li.evaluate(post, ["/api/v1/streams/incident/roof/commands", begin])
        await li.wait_for_function("() => hall.store.get('incident/roof')")
        file = case.replace("case/", "file/", 1)
        link = {
            "id": "roof-link-00001",
            "move": "link",
            "revision": (await ask(li, f"/api/v1/files/{file[5:]}"))["revision"],
            "data": {"incident": "roof"},
        }
        await li.evaluate(post, [f"/api/v1/cases/{file[5:]}/commands", link])
        await li.evaluate("(subject) => hall.desk.choose(subject)", case)
        await expect(li.locator("a[href*='#incident/roof']")).to_have_text("屋檐下")
        await li.wait_for_function("(file) => hall.store.get('incident/roof').data.members.includes(file)", arg=file)


async def test_an_hour_of_reports_is_started_by_a_leader_and_given_by_a_seat_and_both_see_who_is_awaited(hall):
    async with seats(hall) as room:
        li, he = await room.sit("operator", "/emergency"), await room.sit("leader", "/emergency")
        for page in (li, he):
            await page.evaluate("() => (location.hash = 'reporting')")
        await he.wait_for_selector(".reporting-head .desk-button")
        await he.evaluate("window.looks = 0")
        await he.wait_for_function("hall.emergency.handle().tick(), (window.looks += 1) > 40")  # half a second of repaints
        await he.click(".reporting-head .desk-button")
        await he.fill("dialog [data-field=every_minutes] input", "60")
        await he.fill("dialog [data-field=units] textarea", "红旗区\n卫滨区")
        await he.keyboard.press("Control+Enter")
        for page in (li, he):
            await expect(page.locator("tr[data-unit][data-how=waiting]")).to_have_count(2)
        await li.click("tr[data-unit='卫滨区']")
        form = li.locator(".reporting-form")
        await form.locator("textarea").fill("两处积水，已设警戒")
        await form.locator("input[aria-label='移动泵']").fill("3")
        await li.keyboard.press("Control+Enter")
        await expect(form.locator(".form-status")).to_contain_text("已上报")
        for page in (li, he):
            await expect(page.locator("tr[data-unit='卫滨区']")).to_have_attribute("data-how", "reported")
            await expect(page.locator("tr[data-unit='红旗区']")).to_have_attribute("data-how", "waiting")
            await expect(page.locator(".reporting-head")).to_contain_text("移动泵 3 台")
        # what is over reminds nobody while the next tests listen
        await he.evaluate(
            """async () => { const command = hall.commands.send({subject: document.querySelector('.reporting-aside .emergency-card').dataset.subject,
            move: 'stop', revision: [...hall.store.docs('reporting').values()][0].data.revision, reason: '结束', quiet: true});
            while (['queued', 'sending'].includes(command.state)) await new Promise((done) => setTimeout(done, 50)); }"""
        )
        await expect(li.locator("tr[data-unit]")).to_have_count(0)

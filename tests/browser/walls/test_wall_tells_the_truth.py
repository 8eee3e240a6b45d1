"""What stands on a wall is what the hall said, and nothing old looks live."""

from __future__ import annotations

import random

import pytest

from hall.core.clock import real_ms
from tests.browser.walls import scenery
from tests.browser.walls.wallstage import ALL_LIVE, HELD_UP

pytestmark = pytest.mark.browser


def test_the_numbers_on_the_cards_are_the_numbers_of_the_document(stage, open_page):
    page = open_page(stage.url("routine"))
    stage.gate.put(*scenery.kpi({"overdue": 21, "reported": 1312}))
    page.wait_for_selector('[data-kpi="overdue"][data-value="21"]')
    shown = page.evaluate(
        "() => [...document.querySelectorAll('[data-kpi]')].map(c => [c.dataset.kpi, c.querySelector('.kpi-value').textContent])"
    )
    wanted = {key: value for key, value, _, _ in scenery.CARDS} | {"overdue": 21, "reported": 1312}
    assert {key: int(text.replace(",", "")) for key, text in shown} == wanted
    assert "▲" in page.inner_text('[data-kpi="overdue"]') and page.faults == []


def test_the_picture_is_the_same_in_whatever_order_events_arrive(stage, open_page):
    page = open_page(stage.url("routine"))
    chance, oracle, events = random.Random(7), {}, []
    for n in range(400):
        data = None if chance.random() < 0.15 else {"feed": "x", "case_id": "x", "n": n}
        events.append(stage.gate.event(f"case/x/{chance.randrange(40)}", data, 1_000 + chance.randrange(50)))
    for event in events:  # the oracle: per subject the greatest (time, recordedtime, id)
        known = oracle.get(event["subject"])
        if known is None or (event["time"], event["recordedtime"], event["id"]) > known[0]:
            oracle[event["subject"]] = ((event["time"], event["recordedtime"], event["id"]), event)
    told = [e for e in oracle.values() if e[1]["data"] is not None]
    # a gate never sends what an earlier event outdated, but it may repeat and reorder what is current
    current = [event for _, event in oracle.values()] * 2
    chance.shuffle(current)
    stage.gate.send_events(current)
    stage.gate.send_events([stage.gate.event("case/x/end", {"feed": "x", "case_id": "end"})])
    page.wait_for_function("() => hall.store.get('case/x/end')")
    held = page.evaluate("() => [...hall.store.docs('case').values()].map(e => [e.subject, e.data.n, e.id])")
    got = sorted(row for row in held if row[0].startswith("case/x/") and row[0] != "case/x/end")
    assert got == sorted([e["subject"], e["data"]["n"], e["id"]] for _, e in told)


def test_after_a_cut_connection_the_screen_resumes_where_it_was(stage, open_page):
    page = open_page(stage.url("flood"))
    before = len(stage.gate.subscriptions)
    stage.gate.cut()
    stage.gate.wait_for(lambda: len(stage.gate.subscriptions) > before)
    assert stage.gate.subscriptions[-1]["from"].startswith("g@") and stage.gate.subscriptions[0]["from"] is None
    page.wait_for_function(ALL_LIVE)


def test_silence_of_the_gate_is_on_the_wall_within_three_seconds(stage, open_page):
    page = open_page(stage.url("flood"))
    page.evaluate(HELD_UP)
    # the page says itself how long it took: until the test asks, time goes by
    page.evaluate("""() => hall.link.onState((state) => { if (state === 'lost') window.lost ??=
      [performance.now() - hall.link.heard - heldUp(hall.link.heard), Object.values(hall.panelStates()), document.querySelector('#hall-banner').getBoundingClientRect().width]; })""")
    stage.gate.beating = stage.gate.living = False
    took, states, banner = page.wait_for_function("() => window.lost").json_value()
    assert took < 3000 and set(states) == {"lost"} and banner == 1920
    # in one look: it goes while the screen tries again
    page.wait_for_function("() => document.querySelector('#hall-banner:not([hidden])')?.getBoundingClientRect().width === 1920")


def test_a_bus_that_does_not_answer_is_told_in_the_banner(stage, open_page):
    page = open_page(stage.url("routine"))
    stage.gate.bus_age = 60_000
    page.wait_for_function("() => Object.values(hall.panelStates()).every(state => state === 'lost')")
    page.wait_for_selector("#hall-banner:not([hidden])")
    stage.gate.bus_age = 0
    page.wait_for_function(ALL_LIVE)
    page.wait_for_selector("#hall-banner", state="hidden")


@pytest.mark.parametrize(
    ("state", "first", "expected"),
    [("lost", "feed/observations", "stale"), ("stale", "feed/cases", "live"), ("off", "feed/observations", "live")],
)
def test_a_silent_source_marks_the_panels_behind_it_and_no_others(stage, open_page, state, first, expected):
    page = open_page(stage.url("flood"))
    data = stage.gate.events[first]["data"]
    stage.gate.put((first, data | {"state": state}))
    page.wait_for_function("([s, state]) => hall.store.get(s).data.state === state", arg=[first, state])
    if state != "off":
        page.wait_for_function("() => Object.values(hall.panelStates()).some(state => state !== 'live')")
    page.evaluate("() => new Promise(done => setTimeout(done, 600))")  # two looks of the panels: nothing else may stay
    said = "expected => (({rainfall, closures}) => rainfall === expected && closures === 'live')(hall.panelStates())"
    page.wait_for_function(said, arg=expected)


def test_an_exercise_cannot_be_taken_for_a_real_warning(stage, open_page):
    page = open_page(stage.url("flood"))
    page.wait_for_selector(".warn-row")
    rows = page.evaluate(
        "() => [...document.querySelectorAll('.warn-row:not([hidden])')].map(r => [r.dataset.status, r.innerText])"
    )
    assert [status for status, _ in rows] == ["Exercise", "Actual"][: len(rows)]
    assert rows[0][1].startswith("演练") and "已过期" not in str(rows)
    assert page.evaluate("() => document.querySelector('[data-panel=warnings]').dataset.worst") == "4"


def test_whatever_is_no_actual_warning_says_what_it_is(stage, open_page):
    page = open_page(stage.url("flood"))
    page.wait_for_selector(".warn-row")
    # a tall panel: every warning in force has its row
    page.evaluate("() => { document.querySelector('[data-panel=warnings]').style.minHeight = '60em'; }")
    page.wait_for_function("() => document.querySelectorAll('.warn-row:not([hidden])').length === 5")
    words = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.warn-row:not([hidden])')].map(r =>
            [r.dataset.status, [r.querySelector('.warn-status').innerText, r.classList.contains('warn-exercise')]]))"""
    )
    assert words == {
        "Exercise": ["演练", True],
        "Actual": ["", False],
        "Test": ["测试", True],
        "System": ["系统消息", True],
        "Draft": ["草稿", True],
    }


def test_wet_places_stand_in_order_of_severity_with_shape_and_what_stands_over_which_line(stage, open_page):
    page = open_page(stage.url("flood"))
    page.wait_for_function("() => Number(document.querySelector('[data-panel=wet_spots] .rows').dataset.total) === 20")
    rows, more = page.evaluate("""() => [[...document.querySelectorAll('.spot-row:not([hidden])')].map(r =>
        [r.dataset.value, r.querySelector('.spot-name').textContent[0], r.querySelector('.spot-forecast').textContent]),
        document.querySelector('[data-panel=wet_spots] .rows-more').innerText]""")
    depths = [float(value) for value, *_ in rows]
    assert 3 < len(rows) < 20 and depths == pytest.approx(sorted((0.02 * n for n in range(28)), reverse=True)[: len(rows)])
    assert {(mark, line) for _, mark, line in rows} == {("■", "红 ≥ 0.27 m")}, "as many as fit stand over the red line"
    assert more == f"还有 {20 - len(rows)} 项"


def test_unanswered_alarms_come_first_and_the_most_severe_of_them_before_the_others(stage, open_page):
    page = open_page(stage.url("flood"))
    page.wait_for_selector(".alarm-row")
    subjects = page.evaluate("() => [...document.querySelectorAll('.alarm-row:not([hidden])')].map(r => r.dataset.subject)")
    assert subjects == ["alarm/gauges/G21", "alarm/gauges/G09", "alarm/gauges/G20"]


def test_in_a_flood_the_few_groups_stand_first_and_what_is_put_away_is_counted_with_how(stage, open_page):
    page = open_page(stage.url("flood"))
    page.wait_for_selector(".alarm-row")
    began = real_ms() - 4 * 60_000
    load = {"flood": {"since": began}, "rate": {"now": 31, "window_minutes": 10}}
    group = {"kind": "road", "quantity": "water_depth", "severity": 4, "since": began, "districts": ["卫滨区"], "rank": [0, 1]}
    cause = [{"site": "gauges/G21", "name": "建设路下穿", "explains": 12}]
    hidden = {"alarm_id": "h", "rule": "r", "cause": "x", "severity": 1, "hidden_by": "gauges/G21"}
    stage.gate.put(
        ("group/few", group | {"total": 28, "unacknowledged": 21, "hidden": 12, "cause": cause}),
        ("group/other", group | {"kind": "river", "severity": 2, "total": 3, "unacknowledged": 0, "rank": [1, 2]}),
        ("alarm/gauges/G02", hidden),
        ("kpi/alarms", load),
    )
    page.wait_for_selector(".alarm-flood:not([hidden])")
    assert "近 10 分钟 31 条" in page.inner_text(".alarm-flood") and "▲" in page.inner_text(".alarm-flood")
    rows = page.evaluate(
        "() => [...document.querySelectorAll('.alarm-row:not([hidden])')].map(r => [r.dataset.subject, r.innerText])"
    )
    assert [subject for subject, _ in rows] == ["group/few", "group/other"]
    for word in ("■ 红", "道路积水", "卫滨区", "28 处", "21 处未确认", "起因：建设路下穿，解释了另外 12 处", "被解释 12"):
        assert word in rows[0][1], rows[0][1]
    assert page.inner_text(".alarm-put") == "另有 1 条已收起：被解释 1"
    small = group | {"total": 1, "unacknowledged": 1, "severity": 2, "rank": [0, 3], "districts": ["牧野区"]}
    stage.gate.put(*((f"group/s{n}", small | {"line": "~ponding-road"}) for n in range(9)))
    stage.gate.put(
        ("group/~ponding-road", small | {"total": 9, "merged": 9}), ("group/went", {"group_id": "went", "into": "few"})
    )
    page.wait_for_function("() => document.querySelectorAll('.alarm-row:not([hidden])').length === 3")
    assert "9 处" in page.inner_text(".alarm-row[data-subject^='group/~']"), "as the hall put them together"
    stage.gate.put(("kpi/alarms", load | {"flood": {"since": None}}))
    page.wait_for_function("() => document.querySelector('.alarm-row').dataset.subject === 'alarm/gauges/G21'")
    assert page.locator(".alarm-row:visible").count() == 3, "what is explained by another one is not listed"


@pytest.mark.parametrize("layout", ["flood", "briefing", "video"])
def test_a_screen_that_never_heard_the_hall_does_not_say_that_nothing_happened(stage, open_page, layout):
    stage.gate.silent = True
    page = open_page(stage.url(layout), live=False)
    page.wait_for_function(
        "() => window.hall && hall.panels.size === document.querySelectorAll('[data-panel]').length && hall.panels.size > 0"
    )
    page.wait_for_function("() => hall.link.state === 'lost'")
    page.wait_for_function("() => document.querySelector('#wall').innerText.includes('等待大厅的数据')")
    said = page.inner_text("#wall")
    for claim in ("没有告警", "没有生效", "没有配置", "没有接入", "全部正常", "还没有案件"):
        assert claim not in said


def test_a_source_that_waits_with_parked_input_is_not_told_as_in_order(stage, open_page):
    page = open_page(stage.url("routine"))
    note = page.locator("[data-panel=feed_health] .panel-note")
    page.wait_for_function(
        "() => document.querySelector('[data-panel=feed_health] .panel-note').textContent.includes('全部正常')"
    )
    stage.gate.put(("feed/pushed", {"name": "pushed", "kind": "case", "state": "waiting", "parked": 12}))
    page.wait_for_function("() => document.querySelector('[data-feed=pushed]')")
    assert "全部正常" not in note.inner_text() and "▲ 待查 12" in note.inner_text()
    assert "▲ 待查 12" in page.inner_text("[data-feed=pushed]")

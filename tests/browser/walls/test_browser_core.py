"""The store, the panels and the link on their own: budget, urgency, mounting, staying on the page."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def test_alarms_are_painted_before_slow_panels_which_wait_for_later_frames(stage, open_page):
    page = open_page(stage.url("routine"))
    page.evaluate("""() => { window.order = [];
      const slow = (name) => () => { const end = performance.now() + 25; while (performance.now() < end); order.push(name); };
      for (const name of ['a', 'b', 'c']) hall.store.on(['audit'], slow(name));
      hall.store.on(['alarm'], () => order.push('alarm'));
      requestAnimationFrame(function count() { order.push('|'); if (order.filter(x => x !== '|').length < 4) requestAnimationFrame(count); });
      const event = (subject) => ({ id: 'z', source: 't', subject, time: 4e12, recordedtime: 4e12, data: { alarm_id: 'x' } });
      hall.store.take([event('audit/x'), event('alarm/x/y')], false); }""")
    page.wait_for_function("() => order.filter(x => x !== '|').length === 4")
    order = page.evaluate("() => order.join('')")
    assert order.strip("|").startswith("alarm")
    assert all(len(frame.replace("alarm", "")) <= 1 for frame in order.split("|"))
    assert sorted(order.replace("|", "").replace("alarm", "")) == ["a", "b", "c"]


def test_a_costly_flush_is_followed_by_a_rest_and_then_only_the_newest_is_told(stage, open_page):
    page = open_page(stage.url("routine"))
    page.evaluate("""() => { window.told = []; let n = 0;
      const event = () => ({ id: String(n += 1), source: 't', subject: 'probe/x', time: 4e12 + n, recordedtime: 4e12 + n, data: { n } });
      hall.store.on(['probe'], (changes) => { const begun = performance.now(); while (performance.now() < begun + 60);
        told.push([changes.map((change) => change.data.n).join(), n, begun, performance.now()]); });
      (function feed() { hall.store.take([event()], false); if (told.length < 5) requestAnimationFrame(feed); })(); }""")
    page.wait_for_function("() => told.length === 5")
    told = page.evaluate("() => told.slice(1)")  # the page's own beginning may still come between the first two
    assert all(shown in (str(sent), str(sent - 1)) for shown, sent, *_ in told)  # one change, the last of them
    assert all(begun - ended > 95 for (*_, ended), (_, _, begun, _) in zip(told, told[1:], strict=False))


def test_a_panel_taken_off_the_page_is_unmounted_and_one_put_back_is_filled_at_once(stage, open_page):
    page = open_page(stage.url("flood"))
    page.wait_for_selector(".alarm-row")
    mounted = page.evaluate("() => hall.panels.size")
    page.evaluate("""() => { window.taken = document.querySelector('[data-panel=alarms]'); window.home = taken.parentNode; taken.remove();
      taken.querySelector('.panel-body').replaceChildren(); }""")
    page.wait_for_function("n => hall.panels.size === n - 1", arg=mounted)
    page.evaluate("() => home.append(taken)")
    page.wait_for_function("n => hall.panels.size === n && document.querySelectorAll('.alarm-row').length === 3", arg=mounted)


def test_a_listener_that_fails_does_not_stop_the_others(stage, open_page):
    page = open_page(stage.url("routine"))
    page.evaluate("""() => { window.heard = 0; hall.store.on(['audit'], () => { throw new Error('meant'); });
      hall.store.on(['audit'], () => { heard += 1; });
      hall.store.take([{ id: '1', source: 't', subject: 'audit/x', time: 1, recordedtime: 1, data: {} }], false); }""")
    page.wait_for_function("() => heard === 1 && hall.store.faults === 1")


def test_the_store_keeps_no_more_than_its_bounds(stage, open_page):
    page = open_page(stage.url("routine"))
    kept = page.evaluate("""() => { const make = (n) => ({ id: String(n), source: 't', subject: 'log/x', time: n, recordedtime: n, data: { n } });
      hall.store.take(Array.from({ length: 3000 }, (_, n) => make(n)), false);
      const log = hall.store.log('log'); return [log.length, log[0].data.n, log.at(-1).data.n]; }""")
    assert kept == [500, 2500, 2999]


def test_a_snapshot_removes_what_it_does_not_hold(stage, open_page):
    page = open_page(stage.url("flood"))
    page.wait_for_selector(".alarm-row")
    hashed = page.evaluate("() => hall.store.hash()")
    del stage.gate.events["alarm/gauges/G21"]
    page.evaluate("() => { hall.link.position = 'other'; }")
    stage.gate.cut()
    page.wait_for_function("() => document.querySelectorAll('.alarm-row:not([hidden])').length === 2")
    assert page.evaluate("() => hall.store.hash()") != hashed and page.faults == []


def test_a_screen_does_not_leave_for_a_server_that_does_not_answer(stage, open_page):
    page = open_page(stage.url("routine", "wall=routine"))
    page.route("**/wall/flood**", lambda route: route.abort())
    with page.expect_request("**/wall/flood**"):
        stage.gate.put(("scene/routine", {"layout": "flood", "at": page.evaluate("() => hall.clock.real()")}))
    with page.expect_request("**/wall/flood**"):  # it tries again, and is still here to do so
        assert page.evaluate("() => hall.page.wall.layout") == "routine"
    page.unroute("**/wall/flood**")
    page.wait_for_url("**/wall/flood**")


def test_two_screens_with_the_same_picture_report_the_same_hash(stage, open_page):
    stage.gate.living = False  # nobody beats: the picture stands still
    first, second = (open_page(stage.url("routine"), live=False) for _ in range(2))
    for page in (first, second):
        page.wait_for_function("() => window.hall && hall.store.ready")
    assert first.evaluate("() => hall.store.hash()") == second.evaluate("() => hall.store.hash()") != "00000000"
    stage.gate.put(("case/c/0001", {"feed": "c", "case_id": "0001"}))
    for page in (first, second):
        page.wait_for_function("() => hall.store.get('case/c/0001').data.state === undefined")
    assert first.evaluate("() => hall.store.hash()") == second.evaluate("() => hall.store.hash()")

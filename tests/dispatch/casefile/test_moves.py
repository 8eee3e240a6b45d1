"""The rules of the moves, one sentence each (DOMAIN 1.5)."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.casefile import CaseRules
from dispatch.casefile.fields import READERS
from dispatch.casefile.table import MOVES
from hall.core.command import Actor, Command
from hall.core.errors import Refused
from tests.dispatch.casefile import world as w

TWO = "file/f/2"


@pytest.fixture
def city():
    return w.World()


def no(city, code, move, actor, *about, **data):
    written = len(city.entries)
    with pytest.raises(Refused) as caught:
        city.do(move, actor, *about, **data)
    assert caught.value.reason == code and len(city.entries) == written


def asked(city, move, actor, granter, **data):
    number = city.do(move, actor, **data).asks[-1].number
    return city.do("grant", granter, reason="", ask=number)


def test_a_return_bars_whoever_it_comes_back_to_and_not_his_colleague(city):
    city.dispatched()
    assert city.do("return", w.ROADS).state == "returned"
    no(city, "needs-second-person", "dispatch", w.DISPATCHER, unit="water")
    assert city.crew("c1").state == "available"
    assert city.do("dispatch", w.DISPATCHER_2, unit="water").barred == []


def test_a_return_of_the_dispatcher_goes_to_whoever_registered(city):
    city.registered()
    assert city.do("return", w.DISPATCHER).barred == [w.OPERATOR.name]
    no(city, "needs-second-person", "register", w.OPERATOR)
    assert city.do("register", w.OPERATOR_2).state == "pending_dispatch"


def test_a_confirmed_return_frees_its_receiver(city):
    city.dispatched()
    city.do("return", w.ROADS)
    no(city, "role", "confirm_return", w.DISPATCHER)
    city.do("confirm_return", w.SUPERVISOR)
    assert city.do("dispatch", w.DISPATCHER, unit="water").state == "pending_handle"


def test_who_got_a_return_back_does_not_confirm_it_himself(city):
    city.registered()
    city.do("dispatch", w.SUPERVISOR, unit="roads")
    city.do("return", w.ROADS)
    no(city, "needs-second-person", "confirm_return", w.SUPERVISOR)


def test_the_shift_leader_grants_the_first_postponement_and_his_superior_the_second(city):
    due = city.dispatched().clock.due
    assert asked(city, "ask_postpone", w.ROADS, w.SUPERVISOR, amount=2).clock.due == due + 2 * w.HOUR
    number = city.do("ask_postpone", w.ROADS, amount=4).asks[0].number
    no(city, "nothing-to-answer", "grant", w.SUPERVISOR_2, ask=number)
    assert city.do("grant", w.LEADER, ask=number).clock.due == due + 6 * w.HOUR
    no(city, "no-postponement-left", "ask_postpone", w.ROADS, amount=1)


def test_engineering_work_is_postponed_by_the_leader_only(city):
    city.dispatched()
    assert city.do("ask_postpone", w.ROADS, amount=1, kind="engineering").asks[0].level == ["leader", "admin"]


def test_a_postponement_beyond_its_share_goes_higher_and_beyond_the_most_is_refused():
    city = w.World(CaseRules(postpone_share=0.5))
    city.dispatched()
    no(city, "too-long", "ask_postpone", w.ROADS, amount=4.1)
    assert city.do("ask_postpone", w.ROADS, amount=2.5).asks[0].level == ["leader", "admin"]
    no(city, "ask-open", "ask_postpone", w.ROADS, amount=1)


def test_what_is_overdue_is_not_postponed(city):
    city.dispatched()
    no(city, "already-overdue", "ask_postpone", w.ROADS, amount=1, wait=4 * w.HOUR)


def test_a_suspension_pauses_the_clock_once_and_for_a_year_at_most(city):
    due = city.dispatched().clock.due
    no(city, "bad-field", "ask_suspend", w.ROADS, until=city.now + 366 * w.DAY)
    no(city, "bad-field", "ask_suspend", w.ROADS, until=city.now - 1)
    until = city.now + w.DAY
    file = asked(city, "ask_suspend", w.ROADS, w.SUPERVISOR, until=until)
    assert file.state == "suspended" and file.clock.remaining == due - city.now and city.crew("c1").state == "available"
    no(city, "too-early", "resume", w.SYSTEM)
    left, city.now = file.clock.remaining, until
    file = city.do("resume", w.SYSTEM, reason="")
    assert (file.state, file.clock.due, file.clock.remaining) == ("pending_handle", city.now + left, None)
    no(city, "no-suspension-left", "ask_suspend", w.ROADS, until=city.now + w.DAY)


def test_a_suspension_whose_day_has_passed_is_granted_no_more(city):
    city.dispatched()
    city.do("ask_suspend", w.ROADS, until=city.now + w.HOUR)
    no(city, "ask-overtaken", "grant", w.SUPERVISOR, ask=1, wait=2 * w.HOUR)


def test_urging_waits_for_a_reply_of_somebody_else(city):
    city.dispatched()
    no(city, "level-too-high", "urge", w.DISPATCHER, level=2)
    urge = city.do("urge", w.SUPERVISOR, level=2).urges[0]
    assert urge.due == city.now + w.HOUR
    no(city, "nothing-to-reply", "reply_urge", w.SUPERVISOR, urge=1, text="好")
    assert city.do("reply_urge", w.ROADS, urge=1, text="在路上").urges[0].replied_by == w.ROADS.name
    no(city, "nothing-to-reply", "reply_urge", w.ROADS, urge=1, text="又")


def test_merged_cases_make_no_chain_and_no_ring_and_can_be_parted(city):
    for subject in ("file/f/1", TWO, "file/f/3"):
        city.supplied(subject)
    no(city, "bad-target", "merge", w.OPERATOR, into="file/f/1")
    city.do("merge", w.OPERATOR, into=TWO)
    no(city, "bad-target", "merge", w.OPERATOR, TWO, into="file/f/1")
    no(city, "bad-target", "merge", w.OPERATOR, "file/f/3", into="file/f/1")
    no(city, "not-reopenable", "reopen", w.SUPERVISOR)
    assert city.file(TWO).absorbed == ["file/f/1"]
    file = city.do("unmerge", w.SUPERVISOR)
    assert (file.state, file.merged_into, city.file(TWO).absorbed) == ("reported", "", [])


def test_a_case_with_open_tasks_is_not_closed_and_forcing_it_ends_them(city):
    city.dispatched()
    city.do("split", w.DISPATCHER, tasks=[{"unit": "water", "text": "抽水"}, {"unit": "roads", "text": "围挡"}])
    first, second = city.file().children
    no(city, "is-a-task", "split", w.DISPATCHER, first, tasks=[{"unit": "water", "text": "x"}])
    no(city, "tasks-open", "merge", w.OPERATOR, into=first)
    city.do("dispatch", w.DISPATCHER, first, unit="water", crews=["c2"])
    city.do("cancel", w.SUPERVISOR, second)
    assert city.file().open_children == [first]
    city.do("feed_back", w.ROADS, opinion="好")
    city.do("request_check", w.OPERATOR)
    city.do("report_check", w.INSPECTOR, passed=True)
    no(city, "tasks-open", "close", w.OPERATOR)
    city.do("force_close", w.LEADER)
    assert city.file(first).state == "forced_close" and city.file(second).state == "cancelled"
    assert city.crew("c2").state == city.crew("c1").state == "available"
    no(city, "parent-ended", "reopen", w.SUPERVISOR, first)


def test_an_appeal_needs_two_different_people_and_leaves_raw_overtime(city):
    city.dispatched()
    city.do("feed_back", w.ROADS, opinion="晚了", wait=6 * w.HOUR)
    clock = city.do("force_close", w.SUPERVISOR).clock
    assert clock.stopped_at > clock.due
    city.do("appeal", w.ROADS)
    city.do("grant", w.SUPERVISOR, ask=1)
    assert not city.file().exempt
    no(city, "nothing-to-answer", "grant", w.SUPERVISOR, ask=1)
    file = city.do("grant", w.LEADER, ask=1)
    assert file.exempt and file.clock == clock
    no(city, "appealed-once", "appeal", w.ROADS)


def test_a_case_is_reopened_within_thirty_days_and_checked_anew(city):
    city.closed()
    file = city.do("reopen", w.SUPERVISOR, wait=29 * w.DAY)
    assert file.state == "pending_check"
    no(city, "not-checked", "close", w.OPERATOR)
    city.do("force_close", w.SUPERVISOR)
    no(city, "reopen-too-late", "reopen", w.SUPERVISOR, wait=30 * w.DAY + 1)


def test_a_rework_goes_to_the_same_unit_with_the_clock_running_on(city):
    due = city.fed_back().clock.due
    file = city.do("rework", w.OPERATOR)
    assert (file.state, file.unit, file.reworks, file.clock.due, file.clock.stopped_at) == (
        "pending_handle",
        "roads",
        1,
        due,
        None,
    )


@pytest.mark.parametrize("wait, code", [(10_000, None), (10_001, "undo-too-late")])
def test_undo_gives_exactly_the_state_before_within_ten_seconds(city, wait, code):
    before = msgspec.to_builtins(city.registered())
    city.do("dispatch", w.DISPATCHER, unit="roads", crews=["c1"])
    no(city, "not-your-move", "undo", w.SUPERVISOR, wait=0)
    if code:
        no(city, code, "undo", w.DISPATCHER, wait=wait)
        return
    after = msgspec.to_builtins(city.do("undo", w.DISPATCHER, wait=wait))
    loose = ("revision", "last")
    assert {k: v for k, v in after.items() if k not in loose} == {k: v for k, v in before.items() if k not in loose}
    assert city.crew("c1").state == "available"
    no(city, "nothing-to-undo", "undo", w.DISPATCHER, wait=0)


def test_undo_sends_a_released_crew_again_unless_it_is_taken(city):
    city.dispatched()
    city.registered(TWO)
    city.do("return", w.DISPATCHER)
    assert city.do("undo", w.DISPATCHER).crews[0].state == city.crew("c1").state == "assigned"
    city.do("return", w.DISPATCHER)
    city.do("dispatch", w.DISPATCHER_2, TWO, unit="roads", crews=["c1"])
    no(city, "crew-busy", "undo", w.DISPATCHER)


def test_nothing_is_undone_once_somebody_said_something(city):
    city.registered()
    city.do("note", w.SUPERVISOR, text="看过")
    no(city, "nothing-to-undo", "undo", w.OPERATOR)


def test_work_in_the_street_counts_when_it_happened_but_not_before_its_state(city):
    began = city.dispatched().state_since
    city.now += w.HOUR
    told = began + 60_000
    file = city.do("feed_back", w.ROADS, opinion="好", at=told)
    assert file.marks["handled"].at == file.clock.stopped_at == told
    assert city.do("note", w.ROADS, text="x", at=told).notes == 1
    city.do("rework", w.OPERATOR)
    back = city.file().state_since
    assert city.do("take", w.ROADS, at=told).marks["taken"].at == back
    no(city, "time-too-old", "note", w.ROADS, text="x", at=city.now - 25 * w.HOUR)


def test_what_a_supplier_says_of_a_moved_case_is_kept_beside_it(city):
    city.supplied()
    assert city.supplied(state="pending_verify").state == "pending_verify"
    city.do("report_verify", w.INSPECTOR, found=True)
    file = city.supplied(state="closed")
    assert (file.state, file.supplier_state, file.ended) == ("pending_register", "closed", False)
    city.do("correct", w.OPERATOR, fields={"description": "路面塌陷"})
    assert city.supplied(description="大积水").report["description"] == "路面塌陷"
    assert city.file().supplied["description"] == "大积水"


def test_an_owner_binds_his_colleagues_and_not_the_shift_leader(city):
    city.registered()
    city.do("claim", w.DISPATCHER)
    no(city, "owned", "dispatch", w.DISPATCHER_2, unit="roads")
    number = city.do("ask_takeover", w.DISPATCHER_2).asks[0].number
    assert city.do("grant", w.DISPATCHER, ask=number).owner == w.DISPATCHER_2.name
    assert city.do("dispatch", w.SUPERVISOR, unit="roads").state == "pending_handle"


def test_a_person_of_another_district_or_calling_himself_the_hall_is_refused(city):
    city.supplied()
    no(city, "wrong-district", "accept", Actor(name="x", role="operator", districts=("西区",)))
    no(city, "role", "resume", Actor(name="x", role="system"))


def test_a_reason_of_blanks_is_none_and_unknown_names_are_refused(city):
    city.supplied()
    no(city, "reason-missing", "reject", w.OPERATOR, reason=" \n")
    no(city, "bad-field", "accept", w.OPERATOR, colour="红")
    no(city, "unknown-case", "accept", w.OPERATOR, "file/f/none")
    no(city, "unknown-move", "fly", w.OPERATOR)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("name", sorted(READERS))
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(value=JUNK)
def test_whatever_a_field_holds_it_is_read_or_refused_by_its_name(name, value):
    try:
        msgspec.json.encode(READERS[name](name, value))
    except Refused as refused:
        assert refused.reason == "bad-field" and name in refused.detail


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(move=st.sampled_from(sorted(MOVES)), value=JUNK, more=JUNK, data=st.data())
def test_no_data_makes_a_decision_fail_with_anything_but_a_refusal(move, value, more, data):
    city = w.World()
    city.dispatched()
    spec = MOVES[move]
    names = (*spec.needs, *spec.takes) or ("nothing",)
    given_data = {data.draw(st.sampled_from(names)): value, names[0]: more}
    for actor in (w.ADMIN, w.SYSTEM):
        command = Command(id="x", subject="file/f/1", move=move, reason="因为", data=given_data)
        try:
            city.write("x", actor, city.files.decide(city, command, actor))
        except Refused:
            continue

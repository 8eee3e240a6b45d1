"""Notices: who is told of what, once, and what becomes of it."""

from __future__ import annotations

import msgspec
import pytest

from dispatch.noticeboard import NoticeBoard
from dispatch.noticerules import RULES
from dispatch.notices import Notices, subject_for
from dispatch.notifier import KEEP_MS, Notifier
from hall.core.command import Actor
from hall.core.errors import Refused
from tests.dispatch.ledgerdesk import CREW, DISPATCHER, OPERATOR, SUPERVISOR, SYSTEM, UNIT, Town


@pytest.fixture
async def town(tmp_path, bus):
    made = Town(tmp_path, bus)
    made.notifier = Notifier(made.process, made.desk, made.ledger)
    made.board = NoticeBoard(made.ledger)
    made.seen = 0
    yield made
    made.close()


async def tell(town) -> None:
    """What the dispatch process does: new lines to the notifier."""
    while entries := town.ledger.entries(town.seen):
        await town.notifier.take(entries)
        town.seen = entries[-1].seq


def texts(town, actor: Actor) -> list[str]:
    return [notice["key"].removeprefix("notice.") for notice in town.board.mine(actor)]


async def test_a_dispatch_is_told_to_the_unit_and_to_each_crew_and_to_nobody_else(town):
    await town.crew("c1")
    await town.crew("c2")
    await town.dispatched("1", "c1")
    await tell(town)
    assert texts(town, UNIT) == ["dispatched"]
    assert texts(town, CREW) == ["assigned"]
    for other in (
        Actor(name="x", role="crew", kind="crew", crew="c2"),
        Actor(name="y", role="department", unit="路灯所"),
        DISPATCHER,
    ):
        assert texts(town, other) == []
    assert town.board.mine(CREW)[0]["values"] == {
        "number": "1", "class": "道路积水", "place": "新中大道 12 号", "who": "li", "unit": "排水所",
    }  # fmt: skip


async def test_lines_told_twice_make_each_notice_once(town):
    await town.crew("c1")
    await town.dispatched("1", "c1")
    await tell(town)
    lines = len(town.ledger.entries(0, 10_000))
    await town.notifier.take(town.ledger.entries(0, 10_000))
    assert len(town.ledger.entries(0, 10_000)) == lines


async def test_a_new_emergency_is_told_to_dispatchers_and_operators_of_its_district_at_once(town):
    await town.case("1", severity=4)
    await town.case("2", severity=2)
    await tell(town)
    here = Actor(name="a", role="dispatcher", districts=("红旗区",))
    elsewhere = Actor(name="b", role="dispatcher", districts=("卫滨区",))
    assert texts(town, DISPATCHER) == texts(town, OPERATOR) == texts(town, here) == ["emergency"]
    assert texts(town, elsewhere) == texts(town, SUPERVISOR) == []


async def test_an_old_emergency_that_the_hall_first_hears_of_is_no_news(town):
    await town.case("1", severity=4, stages={"reported": town.process.clock.now() - 2 * 3_600_000})
    await tell(town)
    assert texts(town, DISPATCHER) == []


async def test_a_question_goes_to_those_who_may_answer_and_its_answer_to_who_asked(town):
    subject = await town.dispatched("1")
    await town.do(subject, "ask_postpone", UNIT, "等配件", amount=1)
    await tell(town)
    assert "asked_postpone" in texts(town, SUPERVISOR)
    assert "asked_postpone" not in texts(town, OPERATOR)
    await town.do(subject, "grant", SUPERVISOR, ask=1)
    await tell(town)
    assert "asked_postpone" not in texts(town, SUPERVISOR), "it is answered"
    assert "granted_postpone" in texts(town, UNIT)


async def test_a_takeover_is_asked_of_the_owner_and_answered_to_the_asker(town):
    subject = await town.case("1")
    await town.do(subject, "claim", OPERATOR)
    other = Actor(name="zhao", role="operator")
    await town.do(subject, "ask_takeover", other, text="我在现场")
    await tell(town)
    assert texts(town, OPERATOR) == ["asked_takeover"]
    await town.do(subject, "refuse", OPERATOR, "我来办", ask=1)
    await tell(town)
    assert texts(town, other) == ["refused_takeover"]
    assert texts(town, OPERATOR) == []


async def test_an_urge_reaches_unit_crew_and_owner_and_its_reply_comes_back(town):
    await town.crew("c1")
    subject = await town.dispatched("1", "c1")
    await town.do(subject, "urge", SUPERVISOR, "尽快", level=2)
    await tell(town)
    assert "urged" in texts(town, UNIT) and "urged" in texts(town, CREW)
    await town.do(subject, "reply_urge", UNIT, urge=1, text="二十分钟到")
    await tell(town)
    assert [n["values"]["text"] for n in town.board.mine(SUPERVISOR)] == ["二十分钟到"]


async def test_a_crews_word_reaches_the_owner_else_the_dispatchers(town):
    await town.crew("c1")
    subject = await town.dispatched("1", "c1")
    await town.do(subject, "note", CREW, text="井盖打不开")
    await town.do(subject, "note", OPERATOR, text="内部")
    await tell(town)
    assert [n["values"]["text"] for n in town.board.mine(DISPATCHER) if n["key"] == "notice.message"] == ["井盖打不开"]


async def test_a_crew_that_declines_is_told_to_the_desk_and_its_task_leaves_its_phone(town):
    await town.crew("c1")
    subject = await town.dispatched("1", "c1")
    await tell(town)
    await town.do("crew/c1", "decline", CREW, "车坏了", subject=subject)
    await tell(town)
    assert "declined" in texts(town, DISPATCHER)


async def test_a_return_is_told_to_who_dispatched_and_rework_to_the_unit(town):
    subject = await town.dispatched("1")
    await town.do(subject, "return", UNIT, "非本单位职责")
    await tell(town)
    assert "returned" in texts(town, DISPATCHER)


async def test_the_end_of_a_case_withdraws_its_open_notices(town):
    await town.crew("c1")
    subject = await town.dispatched("1", "c1")
    await town.do(subject, "urge", SUPERVISOR, "尽快")
    await tell(town)
    await town.do(subject, "force_close", SUPERVISOR, "已由他处处理")
    await tell(town)
    assert texts(town, UNIT) == ["closed"]
    assert texts(town, CREW) == ["released"]


async def test_a_ladders_step_is_told_to_those_it_names(town):
    await town.crew("c1")
    subject = await town.dispatched("1", "c1")
    await town.do(subject, "escalate", SYSTEM, rung="near", told=["unit", "crew", "supervisor"])
    await tell(town)
    for actor in (UNIT, CREW, SUPERVISOR):
        assert "escalated" in texts(town, actor)


async def test_the_ledger_of_delivery_shows_each_step_by_way_and_reader(town):
    subject = await town.dispatched("1")
    await tell(town)
    notice = town.board.mine(UNIT)[0]["subject"]
    await town.do(notice, "sent", SYSTEM, way="webhook")
    await town.do(notice, "failed", SYSTEM, "HTTP 500", way="webhook")
    await town.do(notice, "sent", SYSTEM, way="webhook")
    await town.do(notice, "received", SYSTEM, way="webhook")
    town.process.set(town.process.clock.now() + 5_000)
    await town.do(notice, "read", UNIT, way="console")
    now = town.process.clock.now()
    shown = next(n for n in town.board.about(subject) if n["subject"] == notice)
    assert shown["ways"]["webhook"] == {"sent": now - 5_000, "received": now - 5_000, "tries": 2}
    assert shown["ways"]["console"] == {"received": now, "read": now}
    assert shown["readers"] == {"pai": {"read": now}}
    assert texts(town, UNIT) == []
    assert texts(town, Actor(name="another", role="department", unit="排水所")) == ["dispatched"], "he has not read it"


async def test_what_one_person_has_read_is_done_with(town):
    await town.crew("c1")
    subject = await town.dispatched("1", "c1")
    await tell(town)
    notice = town.board.mine(CREW)[0]["subject"]
    await town.do(notice, "received", CREW, way="field")
    assert texts(town, CREW) == ["assigned"]
    await town.do(notice, "read", CREW, way="field")
    assert texts(town, CREW) == []
    assert Notices().document(town.ledger.state(notice)) is None
    assert any(n["subject"] == notice and n["ended"] for n in town.board.about(subject))


async def test_nobody_reads_for_others_nor_tells_in_the_halls_name(town):
    subject = await town.dispatched("1")
    await tell(town)
    notice = town.board.mine(UNIT)[0]["subject"]
    lines = len(town.ledger.history(notice))
    for actor, move in (
        (OPERATOR, "read"),
        (CREW, "received"),
        (UNIT, "sent"),
        (UNIT, "failed"),
        (UNIT, "withdraw"),
        (SUPERVISOR, "tell"),
    ):
        with pytest.raises(Refused):
            await town.do(notice, move, actor, **({} if move == "withdraw" else {"way": "console"}))
    assert len(town.ledger.history(notice)) == lines
    assert subject_for(1, subject, {"unit": "a"}) != subject_for(1, subject, {"person": "a"})


async def test_old_notices_end_by_themselves(town):
    await town.case("1", severity=4)
    await tell(town)
    town.process.set(town.process.clock.now() + KEEP_MS + 1)
    await town.notifier.tidy()
    assert texts(town, DISPATCHER) == []


async def test_two_boards_agree_whenever_they_begin(town):
    await town.crew("c1")
    await town.dispatched("1", "c1")
    texts(town, CREW)
    await tell(town)
    await town.dispatched("2")
    await tell(town)
    late = NoticeBoard(town.ledger)
    for actor in (CREW, UNIT, DISPATCHER, OPERATOR):
        assert msgspec.json.encode(late.mine(actor)) == msgspec.json.encode(town.board.mine(actor))


def test_every_text_of_a_notice_is_in_both_catalogues():
    import ast
    from pathlib import Path

    from layouts.catalogue import texts as catalogue

    source = (Path(__file__).parent.parent.parent / "dispatch" / "noticerules.py").read_text(encoding="utf-8")
    keys = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Told" and isinstance(node.args[1], ast.Constant):
            keys.add(node.args[1].value)
    keys |= {"asked_postpone", "asked_suspend", "asked_appeal", "asked_takeover", "declined", "crew_out"}
    keys |= {f"{verb}_{what}" for verb in ("granted", "refused") for what in ("postpone", "suspend", "appeal", "takeover")}
    assert len(keys) > 15 and RULES
    for locale, found in catalogue().items():
        assert not {f"notice.{key}" for key in keys} - found.keys(), locale

"""The rows follow casebook and ledger: real moves of real people, news of suppliers, restarts, other rules."""

from __future__ import annotations

import sqlite3

import pytest

from dispatch.casebook import Casebook, Version
from dispatch.evaluation.columns import columns_of
from dispatch.evaluation.evaluator import Evaluator
from dispatch.evaluation.record import Record
from dispatch.evaluation.store import EvaluationFault, Reader, Writer
from hall.core import config
from hall.core.command import Actor
from hall.core.model import Case, Stages
from tests.dispatch.evaluation.bookkeeping import catch_up, keeper_of
from tests.dispatch.ledgerdesk import DISPATCHER, OPERATOR, SUPERVISOR, UNIT, Town

MINUTE, HOUR = 60_000, 3_600_000
CITY = '[city]\nname = {en = "T"}\ncentre = [0, 0]\ntimezone = "Asia/Shanghai"\n'
LEADER = Actor(name="chen", role="leader")
OTHER_LEAD = Actor(name="sun", role="supervisor")


class Office:
    """A town with a casebook and a keeper; `rows()` catches up and gives the records by case number."""

    def __init__(self, home, bus, toml=""):
        self.home, self.town, self.city = home, Town(home, bus), config.parse(CITY + toml)
        self.book = Casebook.open_writer(home / "cases.db")
        self.keeper = keeper_of(home, self.city, clock=self.town.process.clock)
        self._versions = 0

    def supplied(self, name, time, **fields):
        self._versions += 1
        case = Case(feed="t", case_id=name, **fields) if fields else None
        self.book.record([Version(f"case/t/{name}", (time, time, f"{self._versions:06}"), "feeds", case)])

    def rows(self):
        catch_up(self.keeper)
        db = sqlite3.connect(self.home / "evaluation.db")
        found = {row[1]: Record(*row) for row in db.execute(f"SELECT {', '.join(Record._fields)} FROM record")}
        db.close()
        return found

    def columns(self, name):
        return {key for key, value in columns_of(self.rows()[name], self.now).items() if value}

    @property
    def now(self):
        return self.town.process.clock.now()

    def later(self, ms):
        self.town.process.set(self.now + ms)

    def close(self):
        self.keeper.close()
        self.book.close()
        self.town.close()


@pytest.fixture
async def office(tmp_path, bus):
    made = Office(tmp_path, bus)
    yield made
    made.close()


async def test_a_case_worked_by_people_has_their_names_and_moments(office):
    town, began = office.town, office.now
    subject = await town.case("one")
    for minutes, move, who, data in (
        (2, "accept", OPERATOR, {}), (3, "register", OPERATOR, {}), (4, "dispatch", DISPATCHER, {"unit": "排水所"}),
        (30, "feed_back", UNIT, {"opinion": "已抽排"}), (5, "request_check", OPERATOR, {}), (6, "report_check", SUPERVISOR, {"passed": True}),
        (1, "close", OPERATOR, {}),
    ):  # fmt: skip
        office.later(minutes * MINUTE)
        await town.do(subject, move, who, **data)
    row, found = office.rows()["one"], office.columns("one")
    moments = [
        row.reported,
        row.accepted,
        row.registered,
        row.dispatched,
        row.handled,
        row.check_asked,
        row.checked,
        row.closed,
    ]
    assert [(moment - began) // MINUTE for moment in moments] == [0, 2, 5, 9, 39, 44, 50, 51]
    assert (row.acceptor, row.registrar, row.dispatcher, row.handler, row.checker, row.closer) == (
        "zhang",
        "zhang",
        "li",
        "pai",
        "wang",
        "zhang",
    )
    assert row.unit == "排水所" and row.state == "closed"
    expected = {"report", "accept", "register", "dispatch", "dispose", "close", "check"}
    assert found >= expected | {f"intime_{name}" for name in ("accept", "dispatch", "dispose", "close", "check")}
    assert not found & {"late", "rework", "hang", "open", "subtask", "cancel"}


async def test_a_desk_that_is_slow_is_late_and_the_unit_is_not(office):
    town = office.town
    subject = await town.case("slow")
    office.later(20 * MINUTE)  # more than the quarter of an hour to accept
    await town.do(subject, "accept", OPERATOR)
    await town.do(subject, "register", OPERATOR)
    office.later(20 * MINUTE)  # and to dispatch
    assert "need_dispatch" in office.columns("slow"), "should have been dispatched by now"
    await town.do(subject, "dispatch", DISPATCHER, unit="排水所")
    await town.do(subject, "feed_back", UNIT, opinion="好")
    found = office.columns("slow")
    assert found >= {"accept", "dispatch", "intime_dispose"} and not found & {"intime_accept", "intime_dispatch", "late"}


async def test_rework_urge_and_a_granted_appeal_show(office):
    town = office.town
    subject = await town.dispatched("again")
    await town.do(subject, "urge", DISPATCHER, "快", level=1)
    assert {"urge"} <= office.columns("again") and "need_reply" not in office.columns("again")
    office.later(400 * 24 * HOUR)  # far beyond any limit
    assert {"need_reply", "overdue_undisposed", "late"} <= office.columns("again")
    await town.do(subject, "reply_urge", UNIT, urge=1, text="在路上")
    assert {"reply", "need_reply"} <= office.columns("again") and "intime_reply" not in office.columns("again")
    await town.do(subject, "feed_back", UNIT, opinion="好")
    await town.do(subject, "rework", OPERATOR, "没修好")
    assert {"rework", "overdue_undisposed"} <= office.columns("again") and "dispose" not in office.columns("again")
    await town.do(subject, "feed_back", UNIT, opinion="修好了")
    await town.do(subject, "force_close", SUPERVISOR, "到此为止")
    assert {"late", "late_raw", "overtime_dispose", "force_close"} <= office.columns("again")
    await town.do(subject, "appeal", UNIT, "暴雨")
    for who in (LEADER, OTHER_LEAD):
        await town.do(subject, "grant", who, ask=1)
    found = office.columns("again")
    assert {"exempt", "late_raw", "intime_dispose", "intime_close"} <= found and "late" not in found


async def test_a_rejected_and_a_merged_case_are_reports_and_no_valid_ones(office):
    town = office.town
    await town.do(await town.case("no"), "reject", OPERATOR, "不属实")
    await town.case("kept")
    await town.do(await town.case("twin"), "merge", OPERATOR, into="file/t/kept")
    assert {"report", "reject"} <= office.columns("no") and "valid_report" not in office.columns("no")
    assert {"report", "cancel", "merge"} <= office.columns("twin") and "valid_report" not in office.columns("twin")


async def test_what_suppliers_say_is_followed_and_what_they_take_back_is_gone(office):
    now = office.now
    office.supplied("a", now, state="handling", unit="甲", due=now + HOUR, stages=Stages(reported=now))
    office.supplied("b", now, state="handling", unit="甲", stages=Stages(reported=now))
    assert office.rows()["a"].unit == "甲"
    office.supplied(
        "a", now + 2 * HOUR, state="closed", unit="乙", due=now + HOUR, stages=Stages(reported=now, closed=now + 2 * HOUR)
    )
    office.supplied("b", now + 1)
    rows = office.rows()
    assert set(rows) == {"a"} and (rows["a"].unit, rows["a"].closed) == ("乙", now + 2 * HOUR)
    office.later(3 * HOUR)
    assert "overtime_close" in office.columns("a")


async def test_the_halls_decision_lies_over_the_suppliers_word(office):
    town, now = office.town, office.now
    office.supplied("a", now, state="reported", unit="报的", district="红旗区", stages=Stages(reported=now))
    await town.case("a")
    for move in ("accept", "register"):
        await town.do("file/t/a", move, OPERATOR)
    await town.do("file/t/a", "dispatch", DISPATCHER, unit="派的")
    row = office.rows()["a"]
    assert (row.unit, row.state, row.dispatcher) == ("派的", "pending_handle", "li")


async def test_a_restart_goes_on_where_it_was_and_does_nothing_twice(office):
    for n in range(30):
        office.supplied(f"c{n}", office.now, state="handling", stages=Stages(reported=office.now))
    before = office.rows()
    office.keeper.close()
    office.keeper = keeper_of(office.home, office.city, clock=office.town.process.clock)
    assert office.keeper.step() is False
    assert office.keeper.process.counters["evaluation_behind"] == 0
    await office.town.case("late-comer")
    assert set(office.rows()) == {*before, "late-comer"}


async def test_other_rules_make_every_row_anew(office):
    now = office.now
    office.supplied("a", now, state="handling", report_source="热线", stages=Stages(reported=now))
    assert office.rows()["a"].public == 1
    office.keeper.close()
    office.city = config.parse(f'{CITY}[dispatch.evaluation]\npatrol_sources = ["热线"]\n')
    office.keeper = keeper_of(office.home, office.city, clock=office.town.process.clock)
    assert office.rows()["a"].public == 0


async def test_a_casebook_begun_anew_leaves_no_old_rows(office):
    office.supplied("old", office.now, state="handling", stages=Stages(reported=office.now))
    office.supplied("older", office.now, state="handling", stages=Stages(reported=office.now))
    assert set(office.rows()) == {"old", "older"}
    office.book.close()
    for name in ("cases.db", "cases.db-wal", "cases.db-shm"):
        (office.home / name).unlink(missing_ok=True)
    office.book = Casebook.open_writer(office.home / "cases.db")
    office.supplied("new", office.now, state="handling", stages=Stages(reported=office.now))
    office.keeper.close()
    office.keeper = keeper_of(office.home, office.city, clock=office.town.process.clock)
    assert set(office.rows()) == {"new"}


async def test_how_far_the_rows_are_is_told_with_every_answer(office):
    now = office.now
    for n in range(900):
        office.supplied(f"c{n}", now, state="handling", unit="甲", stages=Stages(reported=now))
    evaluator = Evaluator(office.city, Reader(office.home / "evaluation.db"))
    assert office.keeper.step() is True
    first = evaluator.figures(dict(start=now - HOUR, end=now + HOUR), now)
    assert (first["data"]["behind"], first["total"]["cases"]) == (500, 400)
    catch_up(office.keeper)
    office.later(HOUR)
    last = evaluator.figures(dict(start=now - HOUR, end=now + HOUR), now)
    assert (last["data"], last["total"]["cases"]) == ({"as_of": now, "behind": 0}, 900)
    evaluator.close()


def test_a_file_that_is_no_database_is_told_by_name(tmp_path):
    path = tmp_path / "evaluation.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(EvaluationFault, match="evaluation.db"):
        Writer(path, "x")

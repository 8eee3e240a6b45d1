"""What the dispatch process does for incidents and hourly reports by itself, on a real ledger, also after it was killed."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from dispatch.desk import Desk
from dispatch.incidents import rules_of as incident_rules
from dispatch.incidents.keeping import Keeping
from dispatch.ledger import Ledger
from dispatch.policy import compile_policy
from dispatch.reader import Head
from dispatch.reporting import rules_of as reporting_rules
from dispatch.reporting.rolling import Rolling
from hall.core.command import Actor, Command
from hall.core.config import parse
from tests.dispatch.ledgerdesk import Standing

CITY = """[city]
name = {"zh-CN" = "新中市"}
centre = [113.9, 35.3]
timezone = "Asia/Shanghai"
[dispatch.reporting]
units = ["红旗区", "卫滨区"]
tell = ["unit"]
tell_missing = ["role:supervisor"]
"""
HE, LI, SYSTEM = (
    Actor(name="何", role="leader"),
    Actor(name="李", role="operator"),
    Actor(name="s", role="system", kind="system"),
)
MINUTE = 60_000
NINE = 1_784_509_200_000  # 2026-07-20 09:00 in Shanghai


class Nudged:
    async def nudge(self):
        pass


class Running:
    """One dispatch process over a ledger file; `again` is the next one after a kill. Lines reach the parts as by the follower."""

    def __init__(self, home):
        self.home, self.config = home, parse(CITY)
        self.process = Standing(home, Nudged(), now=NINE)
        self.process.config = self.config
        self._ids = itertools.count()
        self._open()

    def _open(self):
        policy = compile_policy(self.config)
        self.ledger = Ledger(f"sqlite:///{self.home / 'ledger.db'}", policy.aggregates())
        self.desk = Desk(self.process, self.ledger, policy.files, lambda subject: None)
        self.rolling = Rolling(self.process, self.desk, reporting_rules(self.config))
        self.keeping = Keeping(self.process, self.desk, incident_rules(self.config))
        self.seen = 0

    async def again(self):
        self.desk.close()
        self._open()
        await self.start()

    async def start(self):
        for part in (self.rolling, self.keeping):
            await part.start()
        self.seen = self.ledger.head()[0]

    async def at(self, minutes):
        """The clock stands there; the parts look until nothing more comes of it."""
        self.process.set(NINE + minutes * MINUTE)
        while True:
            before = self.ledger.head()[0]
            for part in (self.rolling, self.keeping):
                await part.look(self.process.clock.now())
            while lines := self.ledger.entries(self.seen):
                self.seen = lines[-1].seq
                for part in (self.rolling, self.keeping):
                    await part.take(lines)
            if self.ledger.head()[0] == before:
                return

    async def do(self, subject, move, actor, reason="x", /, **data):
        state = await self.desk.state(subject)
        revision = state.revision if state else 0
        command = Command(id=f"t{next(self._ids)}", subject=subject, move=move, revision=revision, reason=reason, data=data)
        await self.desk.execute(command, actor)

    def told(self):
        """Notices there are: (to, key, values)."""
        found = [state for _, state in self.ledger.states("notice")]
        return sorted((next(iter(one.to.values())), one.key, one.values.get("units", "")) for one in found)

    def head(self):
        return self.ledger.head()[0]


@pytest.fixture
async def hall(tmp_path):
    made = Running(tmp_path)
    await made.start()
    yield made
    made.desk.close()


async def test_a_signed_schedule_is_filled_its_periods_end_and_who_is_missing_is_told_once(hall):
    await hall.do("reporting/flood", "schedule", HE)
    await hall.at(0)
    await hall.do("reporting/flood", "report", LI, unit="红旗区", text="正常")
    await hall.at(59)
    assert hall.told() == []
    await hall.at(60)  # ten minutes before 10:10
    assert hall.told() == [("卫滨区", "notice.report_due", "")]
    await hall.at(70)
    missing = [
        ("supervisor", "notice.reports_missing", "卫滨区"),
        ("卫滨区", "notice.report_due", ""),
        ("卫滨区", "notice.report_missing", ""),
    ]
    assert hall.told() == missing
    state = await hall.desk.state("reporting/flood")
    assert [(period.reported, period.missing) for period in state.periods] == [(["红旗区"], ["卫滨区"])]
    lines = hall.head()
    await hall.again()
    await hall.at(71)
    assert hall.head() == lines and hall.told() == missing  # a restart says nothing twice
    await hall.do("reporting/flood", "report", LI, unit="卫滨区", text="补报")
    await hall.at(72)
    assert hall.told() == [("supervisor", "notice.reports_missing", "卫滨区")]


async def test_a_rhythm_that_was_stopped_and_begun_again_in_the_same_hour_ends_its_periods_again(hall):
    for _ in range(2):
        await hall.do("reporting/flood", "schedule", HE)
        await hall.at(20)
        await hall.at(75)
        assert (await hall.desk.state("reporting/flood")).closed == 1
        hall.process.set(NINE + 20 * MINUTE)
        await hall.do("reporting/flood", "stop", HE)


async def test_a_hall_that_was_down_for_hours_ends_the_periods_it_slept_through_and_tells_of_the_newest_only(hall):
    await hall.do("reporting/flood", "schedule", HE)
    await hall.at(1)
    await hall.again()
    await hall.at(5 * 60 + 15)
    state = await hall.desk.state("reporting/flood")
    assert state.closed == 5 and all(period.missing == ["红旗区", "卫滨区"] for period in state.periods)
    assert [key for _, key, _ in hall.told()].count("notice.reports_missing") == 1
    rolls = [entry for entry in hall.ledger.history("reporting/flood") if entry.move == "roll"]
    assert len(rolls) == 1


async def test_what_names_an_incident_is_taken_in_and_a_case_linked_on_its_own_card_too(hall):
    case = {"feed": "t", "case_id": "1", "class_name": "突发事件", "subclass_name": "道路积水", "stages": {"reported": NINE}}
    await hall.do("file/t/1", "open", SYSTEM, case=case)
    await hall.do("incident/a", "begin", LI, title="京广路", grade="IV")
    await hall.do("incident/b", "begin", LI, title="陇海路", grade="IV")
    await hall.at(1)
    named = msgspec.Raw(msgspec.json.encode({"state": "ordered", "incident": "a"}))
    for _ in range(2):
        hall.keeping.hear(Head("e", "dispatch", "closure/x", NINE, NINE, named))
        hall.keeping.hear(Head("e", "dispatch", "closure/y", NINE, NINE, msgspec.Raw(b'{"state": "ordered"}')))
        hall.keeping.hear(Head("e", "dispatch", "task/1", NINE, NINE, msgspec.Raw(b'{"incident": "nobody"}')))
        hall.keeping.hear(Head("e", "dispatch", "bulletin/m", NINE, NINE, msgspec.Raw(b'{"cause": "incident/a"}')))
        hall.keeping.hear(Head("e", "dispatch", "alarm/g/1", NINE, NINE, msgspec.Raw(b'{"cause": "observation/incident/1"}')))
        await hall.at(2)
    await hall.do("file/t/1", "link", LI, incident="a")
    await hall.at(3)
    assert (await hall.desk.state("incident/a")).members == ["closure/x", "bulletin/m", "file/t/1"]
    await hall.do("file/t/1", "link", LI, incident="incident/b")
    await hall.at(4)
    assert (await hall.desk.state("incident/a")).members == ["closure/x", "bulletin/m"]
    assert (await hall.desk.state("incident/b")).members == ["file/t/1"]
    await hall.do("file/t/1", "unlink", LI)
    await hall.at(5)
    assert (await hall.desk.state("incident/b")).members == []
    lines = hall.head()
    await hall.again()
    await hall.at(6)
    assert hall.head() == lines


async def test_a_report_that_was_sent_becomes_one_draft_of_a_message_and_an_overdue_one_is_reminded_of_once(hall):
    await hall.do("incident/a", "begin", LI, title="京广路", grade="III", commander="李")
    await hall.at(44)
    assert hall.told() == []
    await hall.at(45)
    assert [key for _, key, _ in hall.told()] == ["notice.incident_initial_near"] * 2
    await hall.at(60)
    assert (
        sorted(key for _, key, _ in hall.told()) == ["notice.incident_initial_near"] * 2 + ["notice.incident_initial_over"] * 2
    )
    await hall.again()
    await hall.at(61)
    assert len(hall.told()) == 4
    await hall.do("incident/a", "draft_report", LI, kind="initial")
    await hall.do("incident/a", "sign_report", HE)
    await hall.do("incident/a", "phone_report", LI, to="值班室")
    await hall.do("incident/a", "send_report", LI, to="省厅")
    await hall.at(62)
    text = (await hall.desk.state("incident/a")).papers[0].text
    message = await hall.desk.state("bulletin/incident-a-1")
    assert (message.state, message.text, message.headline) == ("draft", {"zh-CN": text.strip()}, {"zh-CN": "京广路（初报）"})
    lines = hall.head()
    await hall.again()
    await hall.at(63)
    assert hall.head() == lines

"""The dispatch process' share, on a real ledger: what it hears becomes proposals, reports and figures, once."""

from __future__ import annotations

import msgspec
import pytest

from dispatch.bulletins import Bulletins
from dispatch.bulletins import rules_of as bulletin_rules
from dispatch.closures import Closures
from dispatch.closures.part import ClosurePart
from dispatch.desk import Desk
from dispatch.ledger import Ledger
from dispatch.notices import Notices
from dispatch.reader import Head
from hall.core.command import Actor, Command
from hall.core.config import parse
from tests.dispatch.closures.test_table import CITY, PASS, RULES
from tests.dispatch.ledgerdesk import Standing

ALARM = {"alarm_id": "one", "cause": "observation/gauges/X01/water_depth", "quantity": "water_depth", "kind": "underpass"}
BULLETINS = bulletin_rules(parse(CITY))
LEADER = Actor(name="zhao", role="leader")


class Nudged:
    async def nudge(self):
        pass


class Told:
    def __init__(self):
        self.events = []

    def put(self, event):
        self.events.append(event)


class Running:
    """One dispatch process over a ledger file; `again()` is the next one after a kill."""

    def __init__(self, home):
        self.home, self.process = home, Standing(home, Nudged())
        self.process.bulk = Told()
        self.process.event = lambda subject, data: (subject, data)
        self.heard = []
        self._open()

    def _open(self):
        aggregates = {one.topic: one for one in (Closures(RULES), Bulletins(BULLETINS), Notices())}
        self.ledger = Ledger(f"sqlite:///{self.home / 'ledger.db'}", aggregates)
        self.desk = Desk(self.process, self.ledger, None, lambda subject: None)
        self.part, self.seen = ClosurePart(self.process, self.desk, RULES), 0

    async def again(self):
        self.desk.close()
        self._open()
        for event in self.heard:
            self.part.hear(event)
        await self.part.start()

    def hear(self, subject, data):
        head = Head(
            "x", "feeds", subject, self.process.clock.now(), self.process.clock.now(), msgspec.Raw(msgspec.json.encode(data))
        )
        self.heard.append(head)
        self.part.hear(head)

    async def look(self):
        await self.part.look()
        entries = await self.desk.entries(self.seen)
        self.seen = entries[-1].seq if entries else self.seen
        await self.part.take(entries)

    async def water(self, *depths):
        for depth in depths:
            self.process.set(self.process.clock.now() + 30_000)
            self.hear("observation/gauges/X01/water_depth", {"value": depth})
            await self.look()

    async def do(self, move, **data):
        state = await self.desk.state(PASS)
        command = Command(
            id=f"{move}-{state.revision}", subject=PASS, move=move, revision=state.revision, reason="积水", data=data
        )
        await self.desk.execute(command, LEADER)
        await self.look()
        await self.look()

    def lines(self):
        """Without the notices."""
        found = [(entry.subject, entry.move) for entry in self.ledger.entries(0, 1000)]
        return [line for line in found if not line[0].startswith("notice/")]

    def told(self):
        return [(entry.data["to"]["role"], entry.data["key"]) for entry in self.ledger.entries(0, 1000) if entry.move == "tell"]


@pytest.fixture
async def hall(tmp_path):
    running = Running(tmp_path)
    await running.part.start()
    yield running
    running.desk.close()


async def test_water_under_an_alarm_becomes_one_proposal_and_a_persons_order_drafts_its_reports(hall):
    hall.hear("alarm/gauges/X01", ALARM)
    await hall.water(*[0.26] * 6)
    assert hall.lines() == [(PASS, "propose")]
    await hall.do("order")
    drafted = [f"bulletin/closure-jiefang-1-order-{number}" for number in (0, 1)]
    assert hall.lines()[1:] == [(PASS, "order"), *((subject, "draft") for subject in drafted)]
    first = await hall.desk.state(drafted[0])
    assert (first.state, first.kind, first.audience) == ("draft", "message", ["police", "drainage", "roads"])
    assert first.headline["zh-CN"] == "解放大道下穿封控" and "积水26厘米" in first.text["zh-CN"] and first.cause == PASS
    assert "绕行平原路" in first.text["zh-CN"] and "Jiefang underpass" in first.text["en"]


async def test_opening_again_is_reported_as_closing_was(hall):
    hall.hear("alarm/gauges/X01", ALARM)
    await hall.water(*[0.26] * 4)
    await hall.do("order")
    await hall.do("reopen", depth=0.03)
    assert hall.lines()[-2:] == [
        ("bulletin/closure-jiefang-1-reopen-0", "draft"),
        ("bulletin/closure-jiefang-1-reopen-1", "draft"),
    ]
    assert "3厘米" in (await hall.desk.state("bulletin/closure-jiefang-1-reopen-0")).text["zh-CN"]


@pytest.mark.parametrize("moment", ("proposed", "ordered", "told"))
async def test_a_process_killed_at_any_moment_and_begun_anew_repeats_nothing_and_forgets_nothing(hall, moment):
    hall.hear("alarm/gauges/X01", ALARM)
    await hall.water(*[0.26] * 4)
    if moment == "proposed":
        await hall.again()
    state = await hall.desk.state(PASS)
    command = Command(id="order", subject=PASS, move="order", revision=state.revision, reason="积水")
    await hall.desk.execute(command, LEADER)
    if moment == "ordered":  # and nobody had drafted anything yet
        await hall.again()
    await hall.water(*[0.26] * 3)
    if moment == "told":
        await hall.again()
    await hall.water(*[0.26] * 6)
    lines = hall.lines()
    assert [move for subject, move in lines if subject == PASS] == ["propose", "order"]
    assert sorted(subject for subject, move in lines if move == "draft") == [
        f"bulletin/closure-jiefang-1-order-{n}" for n in (0, 1)
    ]


async def test_who_decides_is_told_once_of_what_waits_for_him_and_of_its_getting_worse(hall):
    hall.hear("alarm/gauges/X01", ALARM)
    await hall.water(*[0.26] * 5)
    both = [("dispatcher", "notice.closure_proposed"), ("supervisor", "notice.closure_proposed")]
    assert hall.told() == both
    await hall.again()
    await hall.part.take(await hall.desk.entries())  # told of everything once more, as after a restart
    await hall.water(*[0.30] * 5)
    assert hall.told() == [*both, ("dispatcher", "notice.closure_urgent"), ("supervisor", "notice.closure_urgent")]


async def test_a_hall_that_keeps_no_bulletins_still_closes(hall):
    del hall.ledger.aggregates["bulletin"]
    hall.hear("alarm/gauges/X01", ALARM)
    await hall.water(*[0.26] * 4)
    await hall.do("order")
    assert hall.lines() == [(PASS, "propose"), (PASS, "order")]


async def test_odd_documents_of_others_end_nothing(hall):
    for subject in ("alarm/gauges/X01", "crew/c", "request/r", "observation/gauges/X01/water_depth"):
        hall.hear(subject, ["what", 1])
        hall.hear(subject, {})
    hall.hear("alarm/gauges/X01", ALARM | {"advice": None, "forecast": [1], "case": None})
    await hall.water(None, *[0.26] * 4)
    assert hall.lines() == [(PASS, "propose")]


async def test_the_figures_say_what_is_shut_unconfirmed_and_waited_for_and_which_places_there_are(hall):
    hall.hear("alarm/gauges/X01", ALARM)
    await hall.water(*[0.26] * 4)
    await hall.do("order")
    told = dict(hall.process.bulk.events)["kpi/closures"]
    assert (told["counts"], told["shut"], told["unconfirmed"]) == ({"ordered": 1}, 1, 1)
    assert told["waiting"]["jiefang"][0]["code"] == "level"
    places = dict(hall.process.bulk.events)["kpi/places"]["places"]
    assert places[0]["id"] == "jiefang" and places[0]["lines"]["close"] == 0.25
    assert [subject for subject, _ in hall.process.bulk.events].count("kpi/places") == 1, "the list is long and does not change"

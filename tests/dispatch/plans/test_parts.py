"""What the dispatch process does by itself, on a real ledger: proposes, signs what is left to it, reminds, opens cases, after a
restart goes on where it was and does nothing twice."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from dispatch.desk import Desk
from dispatch.ledger import Ledger
from dispatch.plans import response_parts
from dispatch.policy import compile_policy
from dispatch.rain.gauge import Gauges
from dispatch.reader import Head
from hall.core.clock import CityClock, ClockState
from hall.core.command import Command
from hall.core.config import parse
from hall.core.model import Observation, PublicWarning
from tests.dispatch.plans.world import CITY, DISPATCHER, DRAINAGE, LEADER, MINUTE, NOW, SUPERVISOR, SYSTEM

HOUR = 60 * MINUTE
FLOOD = "response/flood"


class Told:
    """What is put on the bus."""

    def __init__(self) -> None:
        self.events: list = []

    def put(self, event) -> None:
        self.events.append(event)

    async def nudge(self) -> None:
        """The relay is not part of these tests."""


class House:
    """A dispatch process' parts on a ledger; `restart` makes them anew on the same one."""

    def __init__(self, home: Path, more: str = "") -> None:
        config, self.bus = parse(CITY + more), Told()
        self.process = SimpleNamespace(
            config=config, counters={}, clock=CityClock(), bus=self.bus, fast=self.bus,
            event=lambda subject, data, **more: SimpleNamespace(subject=subject, data=data),
        )  # fmt: skip
        self.policy = compile_policy(config)
        self.ledger = Ledger(f"sqlite:///{home / 'ledger.db'}", self.policy.aggregates())
        self.desk = Desk(self.process, self.ledger, self.policy.files, lambda subject: None)
        self.seen, self._ids = 0, 0
        self.at(NOW)

    def at(self, now: int) -> None:
        self.now = now
        self.process.clock.state = ClockState(anchor_real=0, anchor_city=now, rate=0.0)

    async def restart(self, board: list[Head] | None = None) -> None:
        self.watcher, self.follower = response_parts(self.process, self.desk, Gauges())
        for head in board or []:
            self.watcher.hear(head)
        await self.watcher.start()
        await self.follower.start()

    async def go(self, minutes: float = 0) -> None:
        """Time passes; every part looks, and is told of every new line, until nothing is new."""
        self.at(self.now + round(minutes * MINUTE))
        for _ in range(6):
            await self.watcher.look(self.now)
            await self.follower.look(self.now)
            lines = await self.desk.entries(self.seen, 1000)
            if not lines:
                return
            self.seen = lines[-1].seq
            await self.watcher.take(lines)
            await self.follower.take(lines)

    async def do(self, subject: str, move: str, actor, reason: str = "", /, **data) -> None:
        self._ids += 1
        state = await self.desk.state(subject)
        command = Command(id=f"p{self._ids}", subject=subject, move=move, revision=state.revision, reason=reason, data=data)
        await self.desk.execute(command, actor)
        await self.go()

    async def response(self):
        return await self.desk.state(FLOOD)

    async def lines(self, prefix: str, *moves: str) -> int:
        return len(
            [line for line in await self.desk.entries(0, 1000) if line.subject.startswith(prefix) and line.move in moves]
        )


def heard(subject: str, document, time: int = NOW) -> Head:
    raw = msgspec.Raw(msgspec.json.encode(document))
    return Head(id=f"e-{subject}-{time}", source="t", subject=subject, time=time, recordedtime=time, data=raw)


def signal(severity: int, time: int = NOW, **more) -> Head:
    return heard("warning/w/1", PublicWarning(feed="w", warning_id="1", event="暴雨", severity=severity, **more), time)


def water(number: int, metres: float, time: int = NOW) -> Head:
    subject = f"observation/g/{number}/water_depth"
    return heard(subject, Observation(feed="g", sensor_id=str(number), quantity="water_depth", value=metres), time)


@pytest.fixture
async def house(tmp_path):
    made = House(tmp_path)
    await made.restart()
    yield made
    made.desk.close()


async def test_every_plan_is_there_as_soon_as_the_hall_runs_and_once(house):
    await house.restart()
    assert (await house.response()).state == "idle"
    assert await house.lines(FLOOD, "enrol") == 1


async def test_a_red_signal_is_proposed_once_with_the_clock_of_the_red_signal(house):
    house.watcher.hear(signal(4, NOW - MINUTE))
    await house.go()
    await house.go(1)
    response = await house.response()
    assert (response.state, response.proposed["level"], response.proposed["why"][0]["code"]) == ("proposed", "I", "signal")
    assert response.red_since == NOW - MINUTE
    assert await house.lines(FLOOD, "propose") == 1


async def test_after_a_restart_nothing_is_proposed_or_signed_again(house):
    house.watcher.hear(signal(3, NOW - MINUTE))
    await house.go()
    await house.do(FLOOD, "sign", LEADER, "橙色", level="II")
    before = await house.desk.entries(0, 1000)
    await house.restart([signal(3, NOW - MINUTE)])
    await house.go(1)
    assert len(await house.desk.entries(0, 1000)) == len(before)


async def test_a_declined_level_is_left_alone_for_half_an_hour_and_a_graver_one_is_not(house):
    house.watcher.hear(signal(2))
    await house.go()
    await house.do(FLOOD, "decline", SUPERVISOR, "再看")
    await house.go(29)
    assert not (await house.response()).proposed
    house.watcher.hear(signal(3, house.now))
    await house.go()
    assert (await house.response()).proposed["level"] == "II"


async def test_a_proposal_whose_reasons_are_gone_lapses_by_itself_after_a_while(house):
    house.watcher.hear(signal(2))
    await house.go()
    house.watcher.hear(signal(2, house.now, message_type="Cancel"))
    await house.go(10)
    assert (await house.response()).proposed
    await house.go(6)
    assert (await house.response()).state == "idle"


async def test_stepping_down_and_ending_are_proposed_when_the_rain_has_long_gone(house):
    house.watcher.hear(signal(3))
    await house.go()
    await house.do(FLOOD, "sign", LEADER, "橙色", level="II")
    house.watcher.hear(signal(1, house.now))
    await house.go(59)
    assert not (await house.response()).proposed
    await house.go(2)
    assert (await house.response()).proposed["level"] == "IV"
    house.watcher.hear(signal(1, house.now, message_type="Cancel"))
    await house.do(FLOOD, "step_down", LEADER, "雨停", level="IV")
    await house.go(61)
    assert (await house.response()).proposed["direction"] == "end"


async def test_the_clock_of_stepping_down_goes_on_where_it_was_after_a_restart(house):
    house.watcher.hear(signal(3))
    await house.go()
    await house.do(FLOOD, "sign", LEADER, "橙色", level="II")
    house.watcher.hear(signal(1, house.now))
    await house.go(1)
    await house.go(40)
    await house.restart([signal(1)])
    await house.go(17)
    assert not (await house.response()).proposed
    await house.go(3)
    assert (await house.response()).proposed["level"] == "IV"
    assert await house.lines(FLOOD, "ease") == 1


async def test_an_exercise_signal_proposes_an_exercise_and_real_water_a_real_response(house):
    house.watcher.hear(signal(4, status="Exercise"))
    await house.go()
    assert (await house.response()).proposed["exercise"]
    for number in range(3):
        house.watcher.hear(water(number, 0.30, house.now))
    await house.go()
    proposed = (await house.response()).proposed
    assert (proposed["level"], proposed["exercise"]) == ("III", False)


async def test_a_rehearsed_red_signal_starts_no_real_clock(house):
    house.watcher.hear(signal(4, status="Exercise"))
    await house.go()
    response = await house.response()
    assert response.proposed["exercise"] and response.red_since is None


async def test_what_the_plan_leaves_to_the_hall_is_signed_in_its_name(tmp_path):
    house = House(tmp_path, '[dispatch.plans.flood]\nautomatic = ["IV"]\n')
    await house.restart()
    for number in range(2):
        house.watcher.hear(water(number, 0.16))
    await house.go()
    response = await house.response()
    assert (response.level, response.signed_by) == ("IV", "system")
    await house.do(FLOOD, "undo", SUPERVISOR, "误报")
    await house.go(5)
    assert (await house.response()).state != "in_force", "what a person took back is not signed again at once"
    house.desk.close()


async def test_late_tasks_are_told_once_also_after_a_restart(house):
    await house.do(FLOOD, "sign", SUPERVISOR, "雨", level="IV")
    await house.go(16)
    assert await house.lines("task/", "remind") == 3
    await house.restart()
    await house.go()
    assert await house.lines("task/", "remind") == 3
    assert house.process.counters["tasks_late"] == 0


async def test_a_task_becomes_a_case_at_its_place_by_which_crews_are_sent(house):
    await house.do(FLOOD, "sign", LEADER, "雨", level="III")
    await house.do("task/flood-1-preplace-X01", "to_case", DISPATCHER)
    file = await house.desk.state("file/desk/task-flood-1-preplace-X01")
    assert (file.report["lon"], file.report["lat"], file.emergency) == (113.91, 35.31, True)
    assert file.report["unit"] == "市排水设施管理处"
    assert file.report["description"] == "抢险队伍和移动泵车预置到位 · 胜利路下穿", "in the city's first language"
    assert (await house.desk.state("task/flood-1-preplace-X01")).case == "file/desk/task-flood-1-preplace-X01"


async def test_a_case_of_an_exercises_task_says_so_in_number_words_and_data(house):
    await house.do(FLOOD, "sign", LEADER, "演练", level="III", exercise=True)
    await house.do("task/flood-1-preplace-X01", "to_case", DISPATCHER)
    file = await house.desk.state("file/desk/exercise-flood-1-preplace-X01")
    assert file.report["extra"]["exercise"] and file.report["description"].startswith("【演练】")


async def test_cases_of_listed_classes_are_emergencies_while_the_level_says_so(house):
    report = {"feed": "t", "subclass_name": "井盖缺失", "severity": 1, "state": "reported"}

    async def opened(name: str):
        command = Command(id=name, subject=f"file/t/{name}", move="open", data={"case": {**report, "case_id": name}})
        await house.desk.execute_many([(command, SYSTEM)])
        await house.go()
        return (await house.desk.state(f"file/t/{name}")).emergency

    assert not await opened("before")
    await house.do(FLOOD, "sign", LEADER, "雨", level="II")
    assert (await house.desk.state("file/t/before")).emergency
    assert await opened("during")
    await house.do(FLOOD, "end", LEADER, "雨停")
    assert not await opened("after")


async def test_walls_are_told_the_scene_of_a_signature(house):
    await house.do(FLOOD, "sign", LEADER, "雨", level="III")
    scenes = {event.subject: event.data["layout"] for event in house.bus.events}
    assert scenes["scene/east"] == "flood"


async def test_what_has_long_been_done_leaves_the_screens(house):
    await house.do(FLOOD, "sign", SUPERVISOR, "雨", level="IV")
    await house.do("task/flood-1-inlets", "done", DRAINAGE)
    await house.go(12 * 60 + 1)
    assert (await house.desk.state("task/flood-1-inlets")).ended

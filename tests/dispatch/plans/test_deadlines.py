"""Deadlines go with a level and come back with it: the same cases, before, during and after."""

from __future__ import annotations

import pytest

from hall.core.command import Command
from tests.dispatch.plans.test_parts import FLOOD, LEADER, SUPERVISOR, SYSTEM, House

LIMITS = """
[[dispatch.limits.rules]]
subclass_name = "井盖缺失"
limit = "5工作日"
[dispatch.limits.emergency]
handling = "2紧急工作时"
"""


@pytest.fixture
async def house(tmp_path):
    made = House(tmp_path, LIMITS)
    await made.restart()
    yield made
    made.desk.close()


async def filed(house, name: str, dispatched: bool = True):
    """A case of an ordinary class, with a handling clock once it is dispatched."""
    report = {"feed": "t", "subclass_name": "井盖缺失", "severity": 1, "state": "reported", "case_id": name}
    command = Command(id=name, subject=f"file/t/{name}", move="open", data={"case": report})
    await house.desk.execute_many([(command, SYSTEM)])
    if dispatched:
        await house.do(f"file/t/{name}", "dispatch", SUPERVISOR, unit="市政")
    await house.go()
    return await deadlines(house, name)


async def deadlines(house, name: str):
    file = await house.desk.state(f"file/t/{name}")
    return file.emergency, file.stage_due, file.clock


async def last(house, name: str):
    return (await house.desk.history(f"file/t/{name}"))[-1]


async def test_a_level_taken_back_gives_each_case_exactly_the_deadlines_it_had(house):
    before = await filed(house, "a"), await filed(house, "b", dispatched=False)
    await house.do(FLOOD, "sign", LEADER, "雨", level="II")
    during = await deadlines(house, "a"), await deadlines(house, "b")
    assert all(emergency for emergency, _, _ in during) and during[0][2].due < before[0][2].due
    await house.go(5)
    await house.do(FLOOD, "undo", LEADER, "误签")
    assert (await deadlines(house, "a"), await deadlines(house, "b")) == before
    assert [entry.move for entry in await house.desk.history("file/t/a")][-2:] == ["raise_level", "settle_level"]


async def test_what_people_changed_meanwhile_is_not_overwritten_by_taking_back(house):
    await filed(house, "a", dispatched=False)
    await filed(house, "b")
    await house.do(FLOOD, "sign", LEADER, "雨", level="II")
    await house.do("file/t/a", "dispatch", SUPERVISOR, unit="市政")
    await house.do("file/t/b", "emergency", SUPERVISOR, "不紧急", emergency=False)
    mine, urgent = await deadlines(house, "b"), (await deadlines(house, "a"))[2]
    await house.do(FLOOD, "undo", LEADER, "误签")
    emergency, _, clock = await deadlines(house, "a")
    assert not emergency and clock.due > urgent.due and clock.started == urgent.started
    assert await deadlines(house, "b") == mine


async def test_when_a_level_is_over_open_cases_keep_the_shorter_promise_and_new_ones_get_the_new_levels(house):
    await house.do(FLOOD, "sign", LEADER, "雨", level="II")
    during = await filed(house, "a")
    assert during[0], "came in while the level was in force"
    await house.do(FLOOD, "step_down", LEADER, "雨小", level="IV")
    assert await deadlines(house, "a") == during
    line = await last(house, "a")
    assert (line.move, line.data["how"]) == ("settle_level", "keep")
    assert not (await filed(house, "b"))[0], "level IV lists no class"


async def test_a_city_may_give_the_time_back_when_a_level_ends(house):
    house.follower.plans.by_name["flood"].deadlines_after = "restore"
    before = await filed(house, "a")
    await house.do(FLOOD, "sign", LEADER, "雨", level="II")
    await house.do(FLOOD, "end", LEADER, "雨停")
    assert await deadlines(house, "a") == before


async def test_a_process_begun_anew_that_hears_the_lines_again_changes_no_deadline_twice(house):
    await filed(house, "a")
    await house.do(FLOOD, "sign", LEADER, "雨", level="II")
    during = await deadlines(house, "a")
    await house.restart()
    house.seen = 0  # killed before it had stored how far it was
    await house.go(3)
    assert await deadlines(house, "a") == during and await house.lines("file/t/a", "raise_level") == 1


async def test_more_cases_than_fit_one_transaction_are_all_raised(house, monkeypatch):
    monkeypatch.setattr("dispatch.waiting.TOGETHER", 2)
    for number in range(5):
        await filed(house, f"c{number}", dispatched=False)
    await house.do(FLOOD, "sign", LEADER, "雨", level="II")
    assert [(await deadlines(house, f"c{number}"))[0] for number in range(5)] == [True] * 5

"""A task from being given to being done: who may move it, what its clocks tell, that nothing is told twice."""

from __future__ import annotations

import pytest

from dispatch.plans.task import MOVES, due_steps
from hall.core.command import Actor
from tests.dispatch.plans.world import (
    ADMIN,
    DISPATCHER,
    DRAINAGE,
    LEADER,
    MINUTE,
    NOW,
    OPERATOR,
    PEOPLE,
    POLICE,
    SUPERVISOR,
    SYSTEM,
    World,
)

TASK = "task/flood-1-inlets"  # of 市排水设施管理处
WATCH = "task/flood-1-watch"  # of the operators
#: move -> who may make it on an open task of 市排水设施管理处, read against the brief by hand
GRID = {
    "acknowledge": {DRAINAGE, DISPATCHER, SUPERVISOR, ADMIN},
    "done": {DRAINAGE, DISPATCHER, SUPERVISOR, ADMIN},
    "note": {DRAINAGE, OPERATOR, DISPATCHER, SUPERVISOR, LEADER, ADMIN},
    "hand": {DRAINAGE, DISPATCHER, SUPERVISOR, LEADER, ADMIN},
    "cannot": {DRAINAGE, DISPATCHER, SUPERVISOR, ADMIN},
    "to_case": {OPERATOR, DISPATCHER, SUPERVISOR, ADMIN},
    "reassign": {DISPATCHER, SUPERVISOR, LEADER, ADMIN},
    "extend": {SUPERVISOR, LEADER, ADMIN},
    "cancel": {DISPATCHER, SUPERVISOR, LEADER, ADMIN},
    "make": set(),
    "remind": set(),
    "case": set(),
    "retire": set(),
}


@pytest.fixture
def world() -> World:
    made = World().enrolled()
    made.do("response/flood", "sign", LEADER, "雨", level="IV")
    return made


def test_the_grid_has_every_move():
    assert set(GRID) == set(MOVES)


@pytest.mark.parametrize("move", GRID)
def test_a_move_is_offered_to_those_the_grid_names_and_nobody_else(world, move):
    task = world.get(TASK)
    offered = {person for person in PEOPLE if move in {row["move"] for row in world.aggregates["task"].offered(task, person)}}
    assert offered == GRID[move]


def test_another_department_cannot_take_it_and_the_role_it_is_for_can(world):
    assert world.refused(TASK, "acknowledge", POLICE) == "not-permitted"
    assert world.refused(WATCH, "acknowledge", OPERATOR) == ""


def test_acknowledged_then_done_with_who_and_when(world):
    world.do(TASK, "acknowledge", DRAINAGE)
    world.now += MINUTE
    world.do(TASK, "done", DRAINAGE, note="清掏完毕")
    task = world.get(TASK)
    assert (task.state, task.acked_by, task.acked_at) == ("done", "排水坐席", NOW)
    assert (task.done_by, task.done_at, task.note) == ("排水坐席", NOW + MINUTE, "清掏完毕")
    assert world.refused(TASK, "done", DRAINAGE) == "state-wrong"


def test_what_is_done_without_being_acknowledged_counts_as_acknowledged_then(world):
    world.do(TASK, "done", DRAINAGE)
    assert world.get(TASK).acked_at == NOW


def test_a_crew_that_was_handed_it_acknowledges_and_does_it_or_says_why_not(world):
    crew, other = (Actor(name=f"crew:{one}", role="crew", kind="crew", crew=one) for one in ("c1", "c2"))
    assert world.refused(TASK, "acknowledge", crew) == "not-permitted"
    world.do(TASK, "acknowledge", DRAINAGE)
    world.do(TASK, "hand", DRAINAGE, crew="c1")
    assert world.get(TASK).state == "open" and {"crew": "c1"} in told(world, "task_given"), "the crew acknowledges for itself"
    world.do(TASK, "acknowledge", crew)
    assert world.refused(TASK, "done", other) == "not-permitted" and world.refused(TASK, "cancel", crew, "x") == "not-permitted"
    world.do(TASK, "cannot", crew, "路被树堵住")
    task = world.get(TASK)
    assert (task.state, task.crew, task.cannot["reason"]) == ("open", "", "路被树堵住")
    assert {"unit": "市排水设施管理处"} in told(world, "task_cannot") and world.refused(TASK, "done", crew) == "not-permitted"
    world.do(TASK, "hand", DISPATCHER, crew="c2")
    world.do(TASK, "done", other, photos=[{"media": "a" * 64}])
    assert world.get(TASK).done_by == "crew:c2" and world.get(TASK).cannot == {} and len(world.get(TASK).photos) == 1


def test_given_to_somebody_else_it_is_open_again_with_as_long_to_acknowledge(world):
    world.do(TASK, "acknowledge", DRAINAGE)
    world.now += 10 * MINUTE
    assert world.refused(TASK, "reassign", DISPATCHER, "忙") == "field-missing"
    world.do(TASK, "reassign", DISPATCHER, "排水人手不足", unit="市公安局交警支队")
    task = world.get(TASK)
    assert (task.state, task.unit, task.ack_due) == ("open", "市公安局交警支队", world.now + 15 * MINUTE)
    assert world.refused(TASK, "acknowledge", POLICE) == ""


def told(world: World, key: str) -> list[dict]:
    return [one.to for name, one in world.states.items() if name.startswith("notice/") and one.key == f"notice.{key}"]


def test_being_late_is_told_to_who_has_it_and_to_who_commands_once(world):
    task = world.get(TASK)
    assert due_steps(task, NOW + 15 * MINUTE - 1) == []
    world.now = NOW + 15 * MINUTE
    assert due_steps(task, world.now) == ["task_unacknowledged"]
    world.do(TASK, "remind", SYSTEM, step="task_unacknowledged")
    assert told(world, "task_unacknowledged") == [{"unit": "市排水设施管理处"}, {"person": "领导"}]
    assert world.do(TASK, "remind", SYSTEM, step="task_unacknowledged") == []
    assert due_steps(world.get(TASK), world.now) == []


def test_nothing_is_told_of_a_task_that_is_done_and_no_step_that_is_none(world):
    assert world.do(TASK, "remind", SYSTEM, step="task_nonsense") == []
    world.do(TASK, "done", DRAINAGE)
    assert due_steps(world.get(TASK), NOW + 99 * 60 * MINUTE) == []
    assert world.refused(TASK, "remind", SYSTEM, step="task_overdue") == "state-wrong"


def test_a_longer_limit_starts_the_clock_of_doing_again(world):
    world.do(TASK, "acknowledge", DRAINAGE)
    world.now = NOW + 121 * MINUTE
    world.do(TASK, "remind", SYSTEM, step="task_overdue")
    world.do(TASK, "extend", SUPERVISOR, "管道塌陷", due_minutes=30)
    assert due_steps(world.get(TASK), world.now) == []
    assert due_steps(world.get(TASK), world.now + 30 * MINUTE) == ["task_overdue"]


def test_a_person_gives_a_task_of_his_own(world):
    world.do("task/20260722-1", "make", SUPERVISOR, label="送沙袋", unit="市排水设施管理处", place="人民路", due_minutes=40)
    task = world.get("task/20260722-1")
    assert (task.label, task.due, task.ack_due) == ({"und": "送沙袋"}, NOW + 40 * MINUTE, NOW + 15 * MINUTE)
    assert told(world, "task_given") == [{"unit": "市排水设施管理处"}]
    assert world.refused("task/2", "make", SUPERVISOR, label="x", unit="a", role="leader") == "field-missing"


def test_a_task_becomes_one_case_only(world):
    world.do(TASK, "to_case", OPERATOR)
    assert world.refused(TASK, "to_case", OPERATOR) == "already-open"


def unread(world: World) -> set[str]:
    return {one.key for name, one in world.states.items() if name.startswith("notice/") and not one.ended}


def test_nobody_is_called_to_what_is_done_with(world):
    world.now = NOW + 15 * MINUTE
    world.do(TASK, "remind", SYSTEM, step="task_unacknowledged")
    assert "notice.task_unacknowledged" in unread(world)
    world.do(TASK, "acknowledge", DRAINAGE)
    assert "notice.task_unacknowledged" not in unread(world)


def test_what_a_signature_told_is_withdrawn_when_it_is_taken_back_and_a_proposal_when_it_is_signed():
    world = World().enrolled()
    world.do("response/flood", "propose", SYSTEM, level="IV")
    assert unread(world) == {"notice.response_proposed"}
    world.do("response/flood", "sign", LEADER, "雨", level="IV")
    assert unread(world) == {"notice.response_tasks"}
    world.do("response/flood", "undo", LEADER, "误签")
    assert unread(world) == set()

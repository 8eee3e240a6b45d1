"""A response from proposal to end: who signs what, what one signature makes, and that taking it back leaves what was there."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.plans.model import rank
from hall.core.command import Actor
from tests.dispatch.plans.world import (
    ADMIN,
    DRAINAGE,
    LEADER,
    MINUTE,
    NOW,
    OPERATOR,
    PEOPLE,
    POLICE,
    SUPERVISOR,
    SYSTEM,
    VIEWER,
    World,
)  # fmt: skip

FLOOD = "response/flood"
RED = [{"code": "signal", "values": {"colour": "red"}}]


@pytest.fixture
def world() -> World:
    return World().enrolled()


def test_a_plan_that_is_configured_is_there_and_idle(world):
    assert (world.response.state, world.response.level, world.response.label["zh-CN"]) == ("idle", "", "防汛应急预案")
    assert world.do(FLOOD, "enrol", SYSTEM, **world.aggregates["response"].plans.by_name["flood"].facts()) == []


def test_the_hall_proposes_with_its_reasons_and_tells_who_may_sign(world):
    world.do(FLOOD, "propose", SYSTEM, level="I", why=RED)
    assert world.response.proposed["level"] == "I"
    assert world.response.proposed["why"] == RED
    told = [state for name, state in world.states.items() if name.startswith("notice/")]
    assert [(notice.to, notice.key) for notice in told] == [({"role": "leader"}, "notice.response_proposed")]
    assert told[0].values == {"level": "I级响应", "plan": "防汛应急预案"}


@pytest.mark.parametrize(
    "level, signers", [("IV", {SUPERVISOR, LEADER, ADMIN}), ("III", {SUPERVISOR, LEADER, ADMIN}), ("II", {LEADER}), ("I", {LEADER})]
)  # fmt: skip
def test_each_level_is_signed_by_those_the_plan_names_and_nobody_else(level, signers):
    for person in PEOPLE:
        world = World().enrolled()
        refusal = world.refused(FLOOD, "sign", person, "雨势加大", level=level)
        assert (refusal == "") == (person in signers), (person.role, refusal)
        assert (world.response.level == level) == (person in signers)


def test_who_answers_for_one_district_does_not_sign_for_the_city(world):
    near = Actor(name="区值班长", role="supervisor", districts=("红旗区",))
    assert world.refused(FLOOD, "sign", near, "雨", level="IV") == "signature-not-yours"
    assert "sign" not in {row["move"] for row in world.aggregates["response"].offered(world.response, near)}


def test_one_signature_makes_tasks_scene_rhythm_and_log_together(world):
    drafts = world.do(FLOOD, "sign", LEADER, "黄色预警", level="III")
    assert drafts[0].subject == FLOOD
    response = world.response
    assert (response.state, response.level, response.signed_by, response.signed_role) == ("in_force", "III", "领导", "leader")
    assert response.since == response.began == NOW
    assert set(world.tasks("open")) == {
        "flood-1-duty", "flood-1-inlets", "flood-1-watch", "flood-1-preplace-X01", "flood-1-underpasses", "flood-1-underground",
    }  # fmt: skip
    assert world.get("show/east/all").scene["layout"] == "flood"
    assert world.get("show/east/all").scene["at"] == NOW + 1500
    reporting = world.get("reporting/flood")
    assert reporting is None or reporting.every_minutes == 60


def test_a_task_names_place_limits_and_what_is_wanted_there(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="III")
    task = world.tasks()["flood-1-preplace-X01"]
    assert (task.unit, task.place["zh-CN"], task.district, task.site) == (
        "市排水设施管理处",
        "胜利路下穿",
        "红旗区",
        "gauges/X01",
    )
    assert (task.ack_due, task.due) == (NOW + 10 * MINUTE, NOW + 60 * MINUTE)
    assert task.equipment == [{"name": "水泵", "capacity": 300.0}]


def test_a_spot_of_a_graver_level_is_manned_from_that_level_on_by_its_own_unit(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="II")
    assert world.tasks()["flood-1-preplace-X02"].unit == "市政养护所"


def test_a_change_of_level_adds_the_difference_and_doubles_nothing(world):
    world.do(FLOOD, "sign", SUPERVISOR, "雨", level="III")
    before = set(world.tasks())
    world.do("task/flood-1-inlets", "done", DRAINAGE)
    world.do(FLOOD, "change", LEADER, "橙色预警", level="II")
    assert set(world.tasks()) - before == {"flood-1-preplace-X02", "flood-1-sites", "flood-1-covers", "flood-1-traffic"}
    assert world.tasks()["flood-1-inlets"].state == "done"


def test_stepping_down_takes_back_what_belongs_to_graver_levels_and_leaves_the_rest(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="II")
    world.do("task/flood-1-covers", "done", DRAINAGE)
    world.do(FLOOD, "step_down", LEADER, "雨停", level="III")
    assert {name for name, task in world.tasks("cancelled").items()} == {
        "flood-1-preplace-X02",
        "flood-1-sites",
        "flood-1-traffic",
    }
    assert world.tasks()["flood-1-covers"].state == "done"
    assert world.response.level == "III"


def test_leaving_a_level_takes_the_signature_of_who_may_sign_it(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="I")
    assert world.refused(FLOOD, "step_down", SUPERVISOR, "雨停", level="IV") == "signature-not-yours"
    assert world.refused(FLOOD, "end", SUPERVISOR, "雨停") == "signature-not-yours"
    assert world.refused(FLOOD, "step_down", LEADER, "雨停", level="I") == ""
    assert world.response.level == "I"


def test_ending_cancels_what_is_open_and_gives_the_walls_back(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="III")
    world.do(FLOOD, "end", LEADER, "雨停")
    assert (world.response.state, world.response.level) == ("ended", "")
    assert not world.tasks("open", "acknowledged")
    assert world.get("show/east/all").scene["layout"] == "routine"
    assert world.get("reporting/flood") is None or world.get("reporting/flood").state != "running"


def test_a_wall_that_somebody_switched_by_hand_is_not_switched_back(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="III")
    world.do("show/east/all", "scene", LEADER, layout="video", at=NOW)
    world.do(FLOOD, "end", LEADER, "雨停")
    assert world.get("show/east/all").scene["layout"] == "video"


def test_the_next_response_of_a_plan_makes_tasks_of_its_own(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="IV")
    world.do(FLOOD, "end", LEADER, "雨停")
    world.do(FLOOD, "sign", LEADER, "又下", level="IV")
    assert set(world.tasks("open")) == {"flood-2-duty", "flood-2-inlets", "flood-2-watch"}


def test_signing_the_level_in_force_again_changes_nothing(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="III")
    lines = len(world.entries)
    assert world.do(FLOOD, "change", LEADER, "雨", level="III") == []
    assert len(world.entries) == lines


def test_a_declined_proposal_is_gone_and_remembered(world):
    world.do(FLOOD, "propose", SYSTEM, level="I", why=RED)
    assert world.refused(FLOOD, "decline", OPERATOR, "再看") == "not-permitted"
    world.do(FLOOD, "decline", LEADER, "再看半小时")
    assert (world.response.state, world.response.proposed) == ("idle", {})
    assert (world.response.declined["level"], world.response.declined["reason"]) == ("I", "再看半小时")


def test_a_reason_is_asked_of_people_and_not_of_the_hall(world):
    assert world.refused(FLOOD, "sign", LEADER, level="IV") == "reason-missing"
    assert world.refused(FLOOD, "propose", SYSTEM, level="IV") == ""


# -- by itself, only as configured -----------------------------------------------------------------------------------------------


def test_the_hall_signs_what_the_plan_leaves_to_it_and_nothing_else(world):
    assert world.refused(FLOOD, "sign", SYSTEM, level="IV") == "not-automatic"
    eager = World('[dispatch.plans.flood]\nautomatic = ["IV"]\n').enrolled()
    eager.do(FLOOD, "sign", SYSTEM, level="IV")
    assert (eager.response.level, eager.response.signed_by, eager.response.signed_role) == ("IV", "system", "system")
    assert eager.refused(FLOOD, "change", SYSTEM, level="III") == "not-automatic"
    eager.do(FLOOD, "change", LEADER, "雨", level="II")
    assert eager.refused(FLOOD, "change", SYSTEM, level="IV") == "not-automatic"  # never down by itself


# -- exercise --------------------------------------------------------------------------------------------------------------------


def test_an_exercise_marks_everything_it_makes(world):
    world.do(FLOOD, "sign", LEADER, "演练", level="III", exercise=True)
    assert world.response.exercise
    assert all(task.exercise for task in world.tasks().values())
    told = [state.key for name, state in world.states.items() if name.startswith("notice/")]
    assert told and all(key.startswith("notice.exercise_") for key in told)


def test_an_exercise_stays_one_until_it_is_ended(world):
    world.do(FLOOD, "sign", LEADER, "演练", level="III", exercise=True)
    assert world.refused(FLOOD, "change", LEADER, "真的", level="II", exercise=False) == "bad-field"
    world.do(FLOOD, "change", LEADER, "真的", level="II")
    assert world.response.exercise
    world.do(FLOOD, "end", LEADER, "演练结束")
    world.do(FLOOD, "sign", LEADER, "真的", level="II")
    assert not world.response.exercise
    assert not any(task.exercise for name, task in world.tasks("open").items())


def test_a_proposal_that_rests_on_exercise_signals_is_signed_as_an_exercise(world):
    world.do(FLOOD, "propose", SYSTEM, level="III", why=RED, exercise=True)
    world.do(FLOOD, "sign", LEADER, "演练", level="III")
    assert world.response.exercise


def test_a_training_hall_does_nothing_real():
    world = World("[dispatch.plans]\nexercise = true\n").enrolled()
    assert world.refused(FLOOD, "sign", LEADER, "真的", level="III", exercise=False) == "exercise-only"
    world.do(FLOOD, "sign", LEADER, "练", level="III")
    assert world.response.exercise


# -- commanders ------------------------------------------------------------------------------------------------------------------


def test_who_signs_commands_until_it_is_handed_on(world):
    world.do(FLOOD, "sign", SUPERVISOR, "雨", level="IV")
    assert world.response.commander == "值班长"
    world.do(FLOOD, "set_commander", LEADER, "到场指挥", person="王副市长")
    world.do(FLOOD, "appoint", LEADER, role="物资", person="李")
    world.do(FLOOD, "appoint", LEADER, role="新闻", person="张")
    world.do(FLOOD, "appoint", LEADER, role="物资", person="")
    assert (world.response.commander, world.response.roles) == ("王副市长", {"新闻": "张"})
    assert world.refused(FLOOD, "set_commander", OPERATOR, "我来", person="我") == "not-permitted"


# -- what is shown before it is signed ---------------------------------------------------------------------------------------------


def test_the_preview_names_exactly_what_then_happens(world):
    offered = {row["move"]: row for row in world.aggregates["response"].offered(world.response, LEADER)}
    shown = offered["sign"]["preview"]["II"]
    world.do(FLOOD, "sign", LEADER, "橙色预警", level="II")
    made = [(task.label, task.unit, task.role) for task in world.tasks().values()]
    assert [(one["label"], one.get("unit", ""), one.get("role", "")) for one in shown["tasks"]] == made
    assert shown["scenes"]["east"] == world.get("show/east/all").scene["layout"]
    assert shown["report_minutes"] == world.response.report_minutes
    assert shown["emergency_classes"] == world.response.emergency_classes


def test_the_preview_names_alarm_rules_that_have_other_figures_then_and_none_in_an_exercise():
    rule = """
[[dispatch.alarms.rules]]
name = "road-care"
at_level.II = { value = 10 }
"""

    def lines(more: str) -> dict:
        world = World(rule + more).enrolled()
        rows = {row["move"]: row for row in world.aggregates["response"].offered(world.response, LEADER)}
        return {level: [one["rule"] for one in said["lines"]] for level, said in rows["sign"]["preview"].items()}

    assert "road-care" in lines("")["II"] and "road-care" not in lines("")["IV"]
    assert lines("[dispatch.plans]\nexercise = true\n")["II"] == []


def test_a_supervisor_is_offered_the_levels_he_may_sign_and_a_viewer_nothing(world):
    def levels(person):
        rows = world.aggregates["response"].offered(world.response, person)
        return [
            field["choices"] for row in rows if row["move"] == "sign" for field in row["fields"] if field["name"] == "level"
        ]

    assert levels(SUPERVISOR) == [["IV", "III"]]
    assert levels(LEADER) == [["IV", "III", "II", "I"]]
    assert world.aggregates["response"].offered(world.response, VIEWER) == []


# -- taking back -----------------------------------------------------------------------------------------------------------------


#: what each wall shows where nobody switched it
OWN = {"east": "routine", "routine": "routine", "briefing": "briefing"}


def standing(world: World) -> dict:
    """What people work by: the response but for its history, what is to be done, what walls show, what is drafted."""
    response = msgspec.to_builtins(world.response)
    for name in ("history", "revision", "act", "undo_until", "run", "declined"):
        response.pop(name)
    found = {"response": response, "tasks": {name: task.state for name, task in world.tasks("open", "acknowledged").items()}}
    shows = {name: state.scene["layout"] for name, state in world.states.items() if name.startswith("show/") and state.scene}
    found["scenes"] = {name: layout for name, layout in shows.items() if OWN[name.split("/")[1]] != layout}
    live = ("draft", "submitted", "approved")
    found["bulletins"] = {n for n, one in world.states.items() if n.startswith("bulletin/") and one.state in live}
    reporting = world.get("reporting/flood")
    found["reporting"] = reporting.every_minutes if reporting is not None and reporting.state == "running" else 0
    return found


def test_a_signature_can_be_taken_back_for_a_quarter_of_an_hour_by_who_gave_it(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="III")
    world.now += 15 * MINUTE + 1
    assert world.refused(FLOOD, "undo", LEADER, "误签") == "undo-over"
    world.now -= 1
    assert world.refused(FLOOD, "undo", LEADER, "误签") == ""
    assert (world.response.state, world.response.level) == ("idle", "")
    assert world.refused(FLOOD, "undo", LEADER, "再撤") in ("undo-over", "state-wrong")


def test_a_supervisor_does_not_take_back_the_leaders_level_one(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="I")
    assert world.refused(FLOOD, "undo", SUPERVISOR, "不同意") == "signature-not-yours"


def test_what_was_done_meanwhile_stays_done_when_a_signature_is_taken_back(world):
    world.do(FLOOD, "sign", LEADER, "雨", level="III")
    world.do("task/flood-1-underpasses", "done", POLICE)
    world.do(FLOOD, "undo", LEADER, "误签")
    assert world.tasks()["flood-1-underpasses"].state == "done"
    assert not world.tasks("open", "acknowledged")


ACT = st.tuples(st.sampled_from(["sign", "change", "step_down", "end"]), st.sampled_from(["IV", "III", "II", "I"]))
ACTS = st.lists(ACT, max_size=5)


@settings(max_examples=60, deadline=None)
@given(ACTS, ACT)
def test_any_act_and_its_undo_leave_what_was_there(history, act):
    world = World().enrolled()
    for move, level in history:
        world.refused(FLOOD, move, LEADER, "雨", **({} if move == "end" else {"level": level}))
        world.now += MINUTE
    for name in list(world.tasks("open"))[::2]:
        world.do(f"task/{name}", "acknowledge", ADMIN)
    before, (move, level) = standing(world), act
    refused = world.refused(FLOOD, move, LEADER, "雨", **({} if move == "end" else {"level": level}))
    if not refused and standing(world) != before:
        world.now += MINUTE
        world.do(FLOOD, "undo", LEADER, "误签")
    assert standing(world) == before


@settings(max_examples=60, deadline=None)
@given(ACTS)
def test_there_is_one_task_of_a_kind_and_place_whatever_happened(history):
    world = World().enrolled()
    for move, level in history:
        world.refused(FLOOD, move, LEADER, "雨", **({} if move == "end" else {"level": level}))
    open_now = [(task.key, task.spot) for task in world.tasks("open", "acknowledged").values()]
    assert len(open_now) == len(set(open_now))
    level = world.response.level
    wanted = {task.key for task in world.tasks().values() if rank(task.level) <= rank(level)} if level else set()
    assert {key for key, _ in open_now} <= wanted or not level
    assert bool(open_now) == bool(level)

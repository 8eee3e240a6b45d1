"""The escalation ladder and a city's clocks in one piece, on real dates."""

from __future__ import annotations

import msgspec
import pytest

from dispatch.clocks.calendar import HOUR_MS, Calendar
from dispatch.clocks.city import CityClocks
from dispatch.clocks.ladder import Ladder, Standing
from hall.core.errors import ConfigError

from .counting import at, shown

CN = "Asia/Shanghai"
LID = {"class_code": "C0101", "kind": "component"}


@pytest.fixture(scope="module")
def clocks() -> CityClocks:
    return CityClocks.from_table({}, CN)


def standing(clock: dict, **changes) -> Standing:
    known = {name: clock[name] for name in ("kind", "limit_ms", "near", "due")}
    return Standing(**(known | changes))


def test_near_tells_the_unit_overdue_the_shift_leader_twice_overdue_those_above(clocks):
    clock = clocks.handling(LID, "破损超过25平方厘米", False, at(CN, 2026, 11, 20, 9))  # 4 working hours, Friday
    times = {name: shown(CN, clock[name]) for name in ("near", "due", "twice")}
    assert times == {"near": "2026-11-20 14:12", "due": "2026-11-20 15:00", "twice": "2026-11-23 09:00"}
    steps = clocks.ladder.due(standing(clock), at(CN, 2026, 12, 31))
    assert [(step.rung.name, shown(CN, step.moment), step.rung.level) for step in steps[:2]] == [
        ("near", times["near"], 1),
        ("overdue", times["due"], 2),
    ]
    assert "unit" in steps[0].rung.to and "role:supervisor" in steps[1].rung.to and "role:leader" in steps[2].rung.to


def test_each_rung_comes_once_and_not_a_moment_early(clocks):
    clock = clocks.handling(LID, "", True, at(CN, 2026, 11, 20, 23))
    assert clock["kind"] == "emergency" and clock["due"] - clock["started"] == 2 * HOUR_MS
    told: dict[str, int] = {}
    seen = []
    for minute in range(0, 6 * 60):
        now = clock["started"] + minute * 60_000
        for step in clocks.ladder.due(standing(clock, told=told, reacted=now), now):
            told[step.rung.name] = now
            seen.append((step.rung.name, minute))
    assert seen == [("near", 96), ("overdue", 120), ("twice", 240)]


def test_without_a_reaction_the_next_rung_comes_early_with_one_by_the_clock(clocks):
    clock = clocks.handling(LID, "", True, at(CN, 2026, 11, 20, 23))
    told = {"near": clock["near"], "overdue": clock["due"]}
    assert clocks.ladder.next(standing(clock, told=told)).moment == clock["due"] + 30 * 60_000
    answered = standing(clock, told=told, reacted=clock["due"] + 60_000)
    assert clocks.ladder.next(answered).moment == clock["twice"]
    assert clocks.ladder.next(standing(clock, told=told, reacted=clock["near"])).moment == clock["due"] + 30 * 60_000


def test_a_stopped_rung_is_passed_over_and_a_stopped_ladder_is_silent_and_both_are_shown(clocks):
    clock = clocks.handling(LID, "", False, at(CN, 2026, 11, 20, 9))
    late = at(CN, 2026, 12, 31)
    assert [step.rung.name for step in clocks.ladder.due(standing(clock, stopped=["overdue"]), late)] == ["near", "twice"]
    assert clocks.ladder.due(standing(clock, stopped=True), late) == []
    assert [row["state"] for row in clocks.ladder.view(standing(clock, stopped={"overdue"}), clock["near"])] == [
        "due",
        "stopped",
        "waiting",
    ]
    assert {row["state"] for row in clocks.ladder.view(standing(clock, stopped=True), late)} == {"stopped"}
    told = clocks.ladder.view(standing(clock, told={"near": 5}), clock["near"])
    assert (told[0]["state"], told[0]["at"]) == ("told", 5) and all(row["label"]["zh-CN"] for row in told)


def test_a_clock_that_stands_still_climbs_no_rung(clocks):
    clock = clocks.handling(LID, "", False, at(CN, 2026, 11, 20, 9))
    assert clocks.ladder.next(standing(clock, paused=True)) is None


def test_after_a_restart_the_same_rungs_are_due_as_without_one(clocks):
    """Moments follow from the file alone: a ladder made anew says what the old one would have said."""
    clock = clocks.handling(LID, "", False, at(CN, 2026, 11, 20, 9))
    again = CityClocks.from_table({}, CN)
    for now in (clock["near"] - 1, clock["near"], clock["due"], clock["twice"], clock["twice"] + 9 * HOUR_MS):
        assert again.ladder.due(standing(clock), now) == clocks.ladder.due(standing(clock), now)


def test_a_suspended_case_ends_later_by_the_working_time_it_stood_still(clocks):
    clock = clocks.handling(LID, "破损超过25平方厘米", False, at(CN, 2026, 9, 30, 16))  # 4 h: 2 h left for Thursday 8 October
    assert shown(CN, clock["due"]) == "2026-10-08 10:00"
    paused = at(CN, 2026, 9, 30, 17)
    clock |= {"remaining": clocks.paused(clock, paused), "stopped_at": paused}
    assert clock["remaining"] == 3 * HOUR_MS
    resumed = clocks.resumed(clock, at(CN, 2026, 10, 9, 17))
    assert shown(CN, resumed["due"]) == "2026-10-10 10:00"  # a Saturday that is worked
    assert shown(CN, resumed["near"]) == "2026-10-10 09:12" and shown(CN, resumed["twice"]) == "2026-10-10 16:00"


def test_a_case_suspended_overdue_stays_overdue_by_as_much(clocks):
    clock = clocks.handling(LID, "破损超过25平方厘米", False, at(CN, 2026, 11, 20, 9))
    late = clock["due"] + HOUR_MS
    clock |= {"remaining": clocks.paused(clock, late)}
    assert clock["remaining"] == -HOUR_MS
    assert shown(CN, clocks.resumed(clock, at(CN, 2026, 11, 25, 11))["due"]) == "2026-11-25 10:00"


def test_a_postponement_adds_units_of_the_clock_and_moves_near_and_twice_with_it(clocks):
    clock = clocks.handling({"class_code": "C0203"}, "", False, at(CN, 2026, 11, 19, 10))  # 5 working days
    assert shown(CN, clock["due"]) == "2026-11-26 10:00"
    longer = clocks.extended(clock, 5)
    assert [shown(CN, longer[name]) for name in ("near", "due", "twice")] == [
        "2026-12-02 10:00",
        "2026-12-03 10:00",
        "2026-12-10 10:00",
    ]
    assert clocks.extended(clock | {"remaining": HOUR_MS}, 1)["remaining"] == HOUR_MS + 24 * HOUR_MS


def test_end_of_day_holds_through_suspension_and_postponement():
    clocks = CityClocks.from_table({"calendar": {"working_day": "end-of-day"}}, CN)
    clock = clocks.handling({"class_code": "C0203"}, "", False, at(CN, 2026, 11, 19, 10))
    assert shown(CN, clock["due"]) == "2026-11-26 18:00"
    assert shown(CN, clocks.extended(clock, 1)["due"]) == "2026-11-27 18:00"
    clock |= {"remaining": clocks.paused(clock, at(CN, 2026, 11, 24, 15))}
    assert shown(CN, clocks.resumed(clock, at(CN, 2026, 12, 1, 11))["due"]) == "2026-12-03 18:00"


def test_desk_stages_have_routine_and_emergency_targets_and_the_rest_none(clocks):
    start = at(CN, 2026, 10, 3, 3)  # a holiday night: the desk's clock never stops
    assert clocks.stage_targets("pending_dispatch", start) == {"routine": start + 900_000, "emergency": start + 60_000}
    assert clocks.stage_due("pending_check", start, False) == start + 1_800_000
    assert clocks.stage_due("handling", start, False) is None and clocks.stage_due("closed", start, True) is None


def test_a_class_nobody_knows_has_no_clock_and_a_condition_nobody_knows_counts_as_none(clocks):
    assert clocks.handling({"class_code": "X", "subclass_name": "Pothole"}, "", False, 0) is None
    assert clocks.handling(LID, "in a supplier's words", False, 0) == clocks.handling(LID, "", False, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"at": "soon"},
        {"at": 0},
        {"to": ["somebody"]},
        {"kinds": ["lunch"]},
        {"wait": "a while"},
        {"colour": 1},
        {"name": "twice"},
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(change):
    good = [{"name": "near", "at": "near", "to": ["unit"]}, {"name": "twice", "at": 2, "to": ["role:leader"]}]
    calendar = Calendar.from_table({}, CN)
    assert len(Ladder.from_table({"rungs": good}, calendar).rungs("emergency")) == 2
    with pytest.raises(ConfigError):
        Ladder.from_table({"rungs": [good[0] | change, good[1]]}, calendar)
    with pytest.raises(ConfigError):
        Ladder.from_table({"rungs": good[::-1]}, calendar)


def test_the_default_ladder_reads_for_every_kind_of_clock(clocks):
    for kind in ("emergency", "working_hour", "working_day", "natural_day"):
        assert [rung.name for rung in clocks.ladder.rungs(kind)] == ["near", "overdue", "twice"]
    assert msgspec.to_builtins(clocks.ladder.rungs("emergency")[0])["to"] == ["unit"]

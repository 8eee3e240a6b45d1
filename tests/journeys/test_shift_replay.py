"""A shift replayed with twenty scripted people in competition over the real API, judged by an independent model."""

import asyncio
import os

import pytest

from tests.journeys.shift import verdict
from tests.journeys.shift.cases import Impossible
from tests.journeys.shift.city import boston, flood
from tests.journeys.shift.link import Asked
from tests.journeys.shift.worked import shift
from tests.running import RunningHall


@pytest.mark.timeout(120)
def test_twenty_people_in_competition_lose_no_update_and_every_case_ends_where_the_model_says(tmp_path, capsys):
    city = flood(tmp_path, cases=120, seconds=25)
    with RunningHall(tmp_path / "v", city.config) as hall:
        told = asyncio.run(shift(hall, city, city.seconds, seed=1, think=0.1))
    with capsys.disabled():
        print(f"\n{told}")


@pytest.mark.realdata
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not os.environ.get("HALL_LONG_TESTS"), reason="nine minutes long: asked for by HALL_LONG_TESTS=1")
def test_a_shift_of_the_hurricane_day_over_boston_at_sixty_times_its_speed(tmp_path, real_data, capsys):
    city = boston(tmp_path, "2011-08-28T08:00:00", "2011-08-28T16:00:00")
    with RunningHall(tmp_path / "v", city.config, HALL_REAL_DATA=str(real_data)) as hall:
        told = asyncio.run(shift(hall, city, city.seconds, seed=28, think=0.3))
    with capsys.disabled():
        print(f"\n{told}")


# -- the judge itself: what it must not let pass ---------------------------------------------------------------------------------


def _line(seq: int, about: str, revision: int, move: str, command: str = "", kind: str = "person", **data) -> dict:
    return {
        "seq": seq,
        "subject": about,
        "revision": revision,
        "move": move,
        "command": command,
        "kind": kind,
        "recorded": seq,
        "data": data,
    }


def _asked(
    number: int, who: str, move: str, revision: int, seqs: list[int] | None = None, role: str = "dispatcher", **data
) -> Asked:
    """An acknowledged command where `seqs` are given, else a refused one."""
    status, answer = (200, {"seqs": seqs}) if seqs else (409, {"reason": "stale"})
    return Asked(f"c{number}", who, role, "file/a/1", move, revision, data, "", 0.0, 1.0, status, answer)


def _two_cases() -> list[dict]:
    return [
        _line(1, "crew/x", 1, "enrol", "e1", "system"),
        _line(2, "file/a/1", 1, "open", "e2", "system", to="pending_dispatch"),
        _line(3, "file/a/2", 1, "open", "e3", "system", to="pending_dispatch"),
    ]


def _record(*more: dict) -> verdict.Record:
    entries = [*_two_cases(), *more]
    return verdict.Record(entries, {}, {entry["subject"]: entry["revision"] for entry in entries})


def test_the_judge_misses_an_acknowledged_command_that_is_not_in_the_ledger():
    with pytest.raises(AssertionError):
        verdict.nothing_lost_nothing_made_up(_record(), [_asked(1, "ann", "claim", 1, [4])])


def test_the_judge_finds_a_refused_command_that_was_written_and_a_line_nobody_asked_for():
    record = _record(_line(4, "file/a/1", 2, "claim", "c1"))
    with pytest.raises(AssertionError, match="refused, and yet written"):
        verdict.nothing_lost_nothing_made_up(record, [_asked(1, "ann", "claim", 1)])
    with pytest.raises(AssertionError):
        verdict.nothing_lost_nothing_made_up(record, [])


def test_the_judge_finds_an_update_that_overwrote_another():
    record = _record(_line(4, "file/a/1", 2, "correct", "c1"), _line(5, "file/a/1", 3, "correct", "c2"))
    verdict.nobody_was_overwritten(record, [_asked(1, "ann", "correct", 1, [4])])
    with pytest.raises(AssertionError):
        verdict.nobody_was_overwritten(record, [_asked(2, "bob", "correct", 1, [5])])


def test_the_judge_finds_a_crew_on_two_cases_by_its_lines_and_by_the_model():
    record = _record(
        _line(4, "file/a/1", 2, "dispatch", "c1"), _line(5, "crew/x", 2, "assigned", "c1", subject="file/a/1"),
        _line(6, "file/a/2", 2, "dispatch", "c2"), _line(7, "crew/x", 3, "assigned", "c2", subject="file/a/2"),
    )  # fmt: skip
    with pytest.raises(AssertionError, match="while on file/a/1"):
        verdict.no_crew_twice(record)
    first = _asked(1, "ann", "dispatch", 1, [4, 5], unit="u", crews=["x"])
    second = _asked(2, "bob", "dispatch", 1, [6, 7], unit="u", crews=["x"])
    second.subject = "file/a/2"
    with pytest.raises(Impossible, match="being on file/a/1"):
        verdict.judged(record, [first, second])


@pytest.mark.parametrize(
    ("move", "who", "role"), [("claim", "bob", "operator"), ("return", "bob", "dispatcher"), ("take", "ann", "department")]
)
def test_the_model_knows_a_second_owner_anothers_case_and_a_step_out_of_turn(move, who, role):
    record = _record(_line(4, "file/a/1", 2, "claim", "c1"), _line(5, "file/a/1", 3, move, "c2"))
    asked = [_asked(1, "ann", "claim", 1, [4]), _asked(2, who, move, 2, [5], role)]
    with pytest.raises(Impossible):
        verdict.judged(record, asked)


def test_the_model_lets_nobody_send_on_alone_what_came_back_to_him():
    moves = [("dispatch", "ann", {"unit": "u"}), ("return", "ann", {}), ("dispatch", "ann", {"unit": "v"})]
    record = _record(*(_line(4 + n, "file/a/1", 2 + n, move, f"c{n}") for n, (move, _, _) in enumerate(moves)))
    asked = [_asked(n, who, move, 1 + n, [4 + n], **data) for n, (move, who, data) in enumerate(moves)]
    with pytest.raises(Impossible, match="alone after its return"):
        verdict.judged(record, asked)

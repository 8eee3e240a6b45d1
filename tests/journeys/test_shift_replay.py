"""Shifts of twenty scripted people in competition over the real API, judged by an independent model: undisturbed, on a day of
the past, and while web, gate, dispatch and Valkey are killed at random moments. After a kill -9 commands are answered and shown
again within ten seconds, and afterwards everything a quiet shift promises holds, of this shift and of those before it on the
same hall."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.journeys.shift import verdict
from tests.journeys.shift.cases import Impossible
from tests.journeys.shift.city import boston, flood
from tests.journeys.shift.link import Asked, Seat
from tests.journeys.shift.worked import shift
from tests.running import RunningHall

HEAL_SECONDS = 10.0
KILLED = ("web", "gate", "dispatch", "bus")
SECONDS = 14  # at least; people work on until the last process has come back
SEEDS, QUIET = 5, 2  # shifts with kills, a wave of cases each; waves of the shift without


class Flooded:
    """A hall to which a wave of cases comes for each shift; `asked`: everything that people asked of it so far."""

    def __init__(self, folder: Path) -> None:
        self.city, self.asked = flood(folder, cases=80, seconds=SECONDS, waves=SEEDS + QUIET), []
        self.hall = RunningHall(folder / "v", self.city.config)


@pytest.fixture(scope="module")
def flooded(tmp_path_factory):
    made = Flooded(tmp_path_factory.mktemp("flooded"))
    began = time.monotonic()
    with made.hall:
        made.start_seconds = time.monotonic() - began
        yield made


@pytest.mark.timeout(120)
def test_twenty_people_in_competition_lose_no_update_and_every_case_ends_where_the_model_says(flooded, capsys):
    told = asyncio.run(shift(flooded.hall, flooded.city, QUIET * SECONDS, seed=1, think=0.1, earlier=flooded.asked))
    with capsys.disabled():
        print(f"\n{told}")


# -- killed in the middle ------------------------------------------------------------------------------------------


def _allowed(start_seconds: float) -> float:
    """Ten seconds; more only on a machine on which a whole hall takes longer than five to start, or where other work leaves the
    hall less than the shift and its test need themselves."""
    return max(HEAL_SECONDS, 2 * start_seconds) * max(1.0, os.getloadavg()[0] / (2 * (os.cpu_count() or 1)))


def _killer(seed: int, healed: dict[str, float]):
    """Kills each process once, in an order and at moments of the seed's own; notes how long each took to heal."""

    async def kill_all(hall: RunningHall, watcher: Seat) -> None:
        dice = random.Random(seed)
        old = watcher.present("file").keys()
        await watcher.until(lambda: len(watcher.present("file").keys() - old) >= 5, 60, "the first cases")
        for name in dice.sample(KILLED, len(KILLED)):
            await asyncio.sleep(dice.uniform(0.2, 2.5))
            subject = next(iter(watcher.present("file")))
            began, pid = time.monotonic(), hall.kill(name)
            await _answered_and_shown(watcher, subject, name, pid)
            healed[name] = time.monotonic() - began

    return kill_all


async def _answered_and_shown(watcher: Seat, subject: str, name: str, pid: int) -> None:
    """A note is taken and its revision shown, and the process lives again under another pid."""
    asked = await watcher.ask(subject, "note", None, {"text": f"after the end of {name}"})
    assert asked.acknowledged, asked
    revision = asked.answer["revision"]

    def shown() -> bool:
        at = watcher.present("file").get(subject, {}).get("revision", 0)
        lives = name == "bus" or watcher.present("process").get(f"process/{name}", {}).get("pid", pid) != pid
        return at >= revision and lives

    await watcher.until(shown, 30, f"{name} back, and the note of {subject} on the screen")


@pytest.mark.chaos
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_is_killed_in_a_shift_nothing_acknowledged_is_lost_and_it_heals(flooded, capsys, seed):
    healed: dict[str, float] = {}
    killer = _killer(seed, healed)
    told = asyncio.run(shift(flooded.hall, flooded.city, SECONDS, seed, think=0.15, meanwhile=killer, earlier=flooded.asked))
    with capsys.disabled():
        print(f"\nhealed after { ({name: round(took, 1) for name, took in healed.items()}) } s; {told}")
    assert healed.keys() == set(KILLED)
    assert max(healed.values()) <= _allowed(flooded.start_seconds), (healed, flooded.start_seconds)


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

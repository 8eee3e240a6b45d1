"""kill -9 of web, gate, dispatch and Valkey at random moments of a shift: within ten seconds commands are answered and shown
again, and afterwards everything a quiet shift promises holds."""

import asyncio
import os
import random
import time

import pytest

from tests.journeys.shift.city import flood
from tests.journeys.shift.link import Seat
from tests.journeys.shift.worked import shift
from tests.running import RunningHall

HEAL_SECONDS = 10.0
KILLED = ("web", "gate", "dispatch", "bus")
SECONDS = 14  # at least; people work on until the last process has come back


def _allowed() -> float:
    """Ten seconds; more only where other work leaves the hall less than the shift and its test need themselves."""
    return HEAL_SECONDS * max(1.0, os.getloadavg()[0] / (2 * (os.cpu_count() or 1)))


def _killer(seed: int, healed: dict[str, float]):
    """Kills each process once, in an order and at moments of the seed's own; notes how long each took to heal."""

    async def kill_all(hall: RunningHall, watcher: Seat) -> None:
        dice = random.Random(seed)
        await watcher.until(lambda: len(watcher.present("file")) >= 5, 60, "the first cases")
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
@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_killed_in_a_shift_nothing_acknowledged_is_lost_and_it_heals(tmp_path, capsys, seed):
    city, healed = flood(tmp_path, cases=80, seconds=SECONDS, seed=seed), {}
    with RunningHall(tmp_path / "v", city.config) as hall:
        told = asyncio.run(shift(hall, city, SECONDS, seed, think=0.15, meanwhile=_killer(seed, healed)))
    with capsys.disabled():
        print(f"\nhealed after { ({name: round(took, 1) for name, took in healed.items()}) } s; {told}")
    assert healed.keys() == set(KILLED)
    assert max(healed.values()) <= _allowed(), healed

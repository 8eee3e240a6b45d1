"""City time: a live city follows the machine's clock wherever it is set, a replay keeps its pace."""

from __future__ import annotations

import msgspec
import pytest

from hall.core import clock as clock_module
from hall.core.clock import CityClock, ClockState

START = 1_700_000_000_000
PAST = 1_314_500_000_000


class Machine:
    """A wall clock that can be set, and one that never jumps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.real, self.seconds = START, 50.0
        monkeypatch.setattr(clock_module, "real_ms", lambda: self.real)
        monkeypatch.setattr(clock_module, "monotonic", lambda: self.seconds)

    def run(self, seconds: float) -> None:
        self.real += int(seconds * 1000)
        self.seconds += seconds


@pytest.fixture
def machine(monkeypatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize("jump", [3_600_000, -3_600_000, -86_400_000])
def test_a_live_city_follows_the_machines_clock(machine, jump):
    city = CityClock()
    machine.run(10)
    machine.real += jump
    assert city.now() == START + 10_000 + jump and city.drift() == 0


@pytest.mark.parametrize("jump", [3_600_000, -3_600_000, -86_400_000])
def test_a_replay_keeps_its_pace_before_and_after_it_is_anchored_anew(machine, jump):
    city, other = CityClock(ClockState(START, PAST, 60.0)), CityClock(ClockState(START, PAST, 60.0))
    machine.run(10)
    machine.real += jump
    assert city.now() == PAST + 600_000 and city.drift() == jump
    machine.run(1)
    anchored = msgspec.structs.replace(city.state, anchor_real=city.state.anchor_real + city.drift())
    city.state = anchored
    late = CityClock(anchored)  # a process that starts after the jump
    assert city.now() == other.now() == late.now() == PAST + 660_000 and city.drift() == 0
    machine.run(1)
    assert city.now() == other.now() == late.now() == PAST + 720_000


def test_the_same_state_read_again_changes_nothing(machine):
    city = CityClock(ClockState(START, PAST, 60.0))
    machine.run(5)
    machine.real -= 3_600_000
    city.state = ClockState(START, PAST, 60.0)
    assert city.now() == PAST + 300_000

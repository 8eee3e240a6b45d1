"""`[video] health = {...}` and what it means; checked once, errors name file, line and key."""

from __future__ import annotations

import msgspec

from hall.core.config import HallConfig
from hall.core.errors import ConfigError


class ClockRegion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a camera burns its clock in: shares of width and height, `[x, y, width, height]`."""

    channel: str  # subject
    region: tuple[float, float, float, float]


class HealthPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the health round works. Every channel is looked at once per `lap_seconds`, watched ones every `watched_seconds`."""

    enabled: bool = True
    lap_seconds: float = 300.0
    watched_seconds: float = 10.0
    visits: int = 200  # at once
    per_host: int = 4  # at once at one address: a recorder with 64 channels is one address
    threads: int = 2  # that decode
    clocks: tuple[ClockRegion, ...] = ()


def health_plan(config: HallConfig) -> HealthPlan:
    """The plan of one hall; raises ConfigError."""
    try:
        plan = msgspec.convert(config.video.health, HealthPlan)
    except msgspec.ValidationError as error:
        raise _wrong(config, str(error)) from None
    for name, least in (("lap_seconds", 5), ("watched_seconds", 1), ("visits", 1), ("per_host", 1), ("threads", 1)):
        if getattr(plan, name) < least:
            raise _wrong(config, f"{name}: at least {least}")
    for clock in plan.clocks:
        x, y, width, height = clock.region
        if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 - x and 0 < height <= 1 - y):
            raise _wrong(config, f"clocks: {clock.channel}: give shares of the picture, [x, y, width, height]")
    return plan


def _wrong(config: HallConfig, problem: str) -> ConfigError:
    return config.error("video.health", problem)

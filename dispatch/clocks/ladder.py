"""Escalation 督办阶梯: near the limit the unit is told, overdue the shift leader, twice overdue those above. Pure.

The ladder is climbed in order, one rung after the other: a rung comes by the case's clock, or earlier, when the one before
was told and nobody reacted within its `wait`. Each rung can be stopped, and all of them; both stay on the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dispatch.clocks import amounts
from dispatch.clocks.calendar import KINDS, Calendar, length
from dispatch.clocks.ruletable import Limit
from hall.core.errors import ConfigError

DEFAULT = Path(__file__).parent.parent / "defaults" / "escalation-cn.toml"


class Rung(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. `at`: `near` or times the limit (1 = overdue, 2 = twice overdue); `to`: unit | owner | role:NAME | person:NAME;
    `level` of the urge; `wait`: a length of time; `kinds` of clocks it is for, empty = all; `label` by language."""

    name: str
    at: str | float
    to: list[str]
    level: int = 1
    wait: str = ""
    kinds: list[str] = []
    label: dict[str, str] = {}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a case's clock stands. `near`, `due` ms; `told` rung -> when; `stopped` True or names of rungs; `reacted`: when
    those who were told last did something; `paused`: the clock stands still (挂账, ended, fed back)."""

    kind: str
    limit_ms: int
    near: int
    due: int
    told: Mapping[str, int] = {}
    stopped: bool | Collection[str] = False
    reacted: int | None = None
    paused: bool = False


class Step(NamedTuple):
    """A rung and the moment it comes (or came)."""

    moment: int
    rung: Rung


class Ladder:
    """Made by `from_table`."""

    def __init__(self, rungs: list[Rung], waits: Mapping[int, Limit], calendar: Calendar) -> None:
        self._rungs, self._waits, self._calendar = rungs, dict(waits), calendar

    @classmethod
    def from_table(cls, table: Mapping[str, Any], calendar: Calendar) -> Ladder:
        """`[dispatch.escalation]`: `rungs`, instead of the default ones. Raises ConfigError."""
        unknown = sorted(set(table) - {"rungs"})
        if unknown:
            raise _wrong(unknown[0], "no such key")
        rows = table["rungs"] if "rungs" in table else tomllib.loads(DEFAULT.read_text(encoding="utf-8"))["rungs"]
        if not isinstance(rows, list):
            raise _wrong("rungs", "write [[dispatch.escalation.rungs]], one table each")
        rungs = [_rung(row, f"rungs[{index}]") for index, row in enumerate(rows)]
        for kind in KINDS:
            _check_order([rung for rung in rungs if not rung.kinds or kind in rung.kinds])
        waits = {index: _wait(rung.wait, f"rungs[{index}].wait") for index, rung in enumerate(rungs) if rung.wait}
        return cls(rungs, waits, calendar)

    def rungs(self, kind: str) -> list[Rung]:
        """The rungs of a kind of clock, lowest first."""
        return [rung for rung in self._rungs if not rung.kinds or kind in rung.kinds]

    def next(self, standing: Standing) -> Step | None:
        """The rung that comes next and when (maybe in the past); None: stopped, paused or all told."""
        if standing.stopped is True or standing.paused:
            return None
        before: Rung | None = None
        for rung in self.rungs(standing.kind):
            if rung.name not in standing.told and not self._is_stopped(rung, standing):
                return Step(self._moment(rung, before, standing), rung)
            before = rung if rung.name in standing.told else before
        return None

    def due(self, standing: Standing, now: int) -> list[Step]:
        """The rungs to be told now, lowest first; after an outage all that were missed, so that each is on the file."""
        found: list[Step] = []
        while (step := self.next(standing)) is not None and step.moment <= now:
            found.append(step)
            standing = msgspec.structs.replace(standing, told={**standing.told, step.rung.name: now})
        return found

    def view(self, standing: Standing, now: int) -> list[dict[str, Any]]:
        """The whole ladder for people: `{rung, to, level, label, state, at}`, state told | stopped | due | waiting; `at` ms or
        None (stopped; or the clock stands still)."""
        made = []
        for rung in self.rungs(standing.kind):
            moment: int | None = standing.told.get(rung.name)
            state = "told"
            if moment is None:
                stopped = standing.stopped is True or self._is_stopped(rung, standing)
                moment = None if stopped or standing.paused else self._point(rung, standing)
                state = "stopped" if stopped else "due" if moment is not None and moment <= now else "waiting"
            made.append(
                {"rung": rung.name, "to": rung.to, "level": rung.level, "label": rung.label, "state": state, "at": moment}
            )
        return made

    def _is_stopped(self, rung: Rung, standing: Standing) -> bool:
        return not isinstance(standing.stopped, bool) and rung.name in standing.stopped

    def _moment(self, rung: Rung, before: Rung | None, standing: Standing) -> int:
        point = self._point(rung, standing)
        wait = self._waits.get(self._rungs.index(before)) if before is not None else None
        if before is None or wait is None:
            return point
        told = standing.told[before.name]
        if standing.reacted is not None and standing.reacted >= told:
            return point
        return min(point, self._calendar.advance(told, wait.ms, wait.kind))

    def _point(self, rung: Rung, standing: Standing) -> int:
        """The rung's moment by the clock alone."""
        if rung.at == "near":
            return standing.near
        return self._calendar.advance(standing.due, round((float(rung.at) - 1) * standing.limit_ms), standing.kind)


def _rung(row: Any, key: str) -> Rung:
    try:
        rung = msgspec.convert(row, Rung)
    except msgspec.ValidationError as error:
        raise _wrong(key, str(error)) from None
    if isinstance(rung.at, str) and rung.at != "near":
        raise _wrong(f"{key}.at", "near, or times the limit: 1.0 is overdue, 2.0 twice overdue")
    if not isinstance(rung.at, str) and not 0 < rung.at <= 100:
        raise _wrong(f"{key}.at", "times the limit, above 0")
    for kind in rung.kinds:
        if kind not in KINDS:
            raise _wrong(f"{key}.kinds", f"{kind!r} is none of {', '.join(KINDS)}")
    for whom in rung.to:
        if whom not in ("unit", "owner") and whom.partition(":")[0] not in ("role", "person"):
            raise _wrong(f"{key}.to", f"{whom!r}: write unit, owner, role:NAME or person:NAME")
    return rung


def _check_order(rungs: list[Rung]) -> None:
    names = [rung.name for rung in rungs]
    if len(set(names)) != len(names):
        raise _wrong("rungs", "a name is used twice for the same kind of clock")
    shares = [rung.at for rung in rungs if not isinstance(rung.at, str)]
    if shares != sorted(shares) or any(rung.at == "near" for rung in rungs[1:] if rungs[0].at != "near"):
        raise _wrong("rungs", "write them in the order they come, near first")


def _wait(text: str, key: str) -> Limit:
    try:
        found = amounts.parse(text)
    except amounts.NoAmount as error:
        raise _wrong(key, str(error)) from None
    length(found.amount, found.kind)
    return Limit(amount=found.amount, kind=found.kind, label=text)


def _wrong(key: str, problem: str) -> ConfigError:
    return ConfigError(problem, file="", key=f"dispatch.escalation.{key}")

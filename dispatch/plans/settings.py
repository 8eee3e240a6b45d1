"""`[dispatch.plans]` of hall.toml over dispatch/defaults/plans-cn.toml: every plan checked, every mistake named by its key."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from dispatch.plans.model import LEVELS, ROLES, Level, Message, Plan, Plans, Spot, TaskRule
from hall.core.config import HallConfig

DEFAULTS = Path(__file__).parent.parent / "defaults" / "plans-cn.toml"
#: tables of a plan whose entries are checked one by one, so that a mistake is named by its own key
_TABLES: dict[str, type[msgspec.Struct]] = {"levels": Level, "tasks": TaskRule, "messages": Message, "spots": Spot}
#: texts by language
_WORDS = frozenset({"label", "name", "headline", "text", "instruction"})
_NAMED = {"tasks": "key", "messages": "key", "spots": "spot_id", "levels": "name"}


class _Wrong(Exception):
    """A mistake at a key below `dispatch.plans`."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key, self.problem = key, problem


def plans_of(config: HallConfig) -> Plans:
    """The city's plans by name. Raises ConfigError naming file, line and key."""
    own = config.dispatch.get("plans", {})
    if not isinstance(own, dict):
        raise config.error("dispatch.plans", "write [dispatch.plans]")
    try:
        made = compiled(laid_over(defaults(), own))
    except _Wrong as wrong:
        raise config.error(f"dispatch.plans.{wrong.key}".rstrip("."), wrong.problem) from None
    made.exercise = made.exercise or config.city.demo
    made.language = next(iter(config.city.languages), made.language)
    return made


@functools.cache
def _text() -> str:
    return DEFAULTS.read_text(encoding="utf-8")


def defaults() -> dict[str, Any]:
    """The Chinese default set, a new copy."""
    return tomllib.loads(_text())


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are laid over each other entry by entry; everything else is replaced as a whole, a text with all its languages,
    too: half of it from here and half from there would say two things."""
    made = dict(below)
    for name, value in above.items():
        known = made.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping) and name not in _WORDS
        made[name] = laid_over(known, value) if both else value
    return made


def compiled(table: Mapping[str, Any]) -> Plans:
    """Raises _Wrong."""
    plans, common = {}, {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            plans[name] = value
        else:
            common[name] = value
    made = _converted(common, Plans, "")
    for key, problem in made.faults():
        raise _Wrong(key, problem)
    made.by_name = {name: _plan(name, value) for name, value in plans.items() if value.get("enabled", True) is not False}
    return made


def _plan(name: str, table: Mapping[str, Any]) -> Plan:
    if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 40:
        raise _Wrong(name, "a plan's name: letters, digits, - and _")
    plain = {key: value for key, value in table.items() if key not in _TABLES}
    made: Plan = _converted({**plain, "name": name}, Plan, name)
    for part, kind in _TABLES.items():
        rows = table.get(part, {})
        if not isinstance(rows, Mapping):
            raise _Wrong(f"{name}.{part}", f"write [dispatch.plans.{name}.{part}.NAME], one table each")
        found = {}
        for key, row in rows.items():
            place = f"{name}.{part}.{key}"
            if not isinstance(row, Mapping):
                raise _Wrong(place, "a table is expected")
            found[key] = _converted({**row, _NAMED[part]: key}, kind, place)
        setattr(made, part, found)
    _check_levels(made, name)
    made.levels = {level: made.levels[level] for level in LEVELS if level in made.levels}
    for key, problem in made.faults(ROLES):
        raise _Wrong(f"{name}.{key}", problem)
    return made


def _check_levels(plan: Plan, name: str) -> None:
    for level in plan.levels:
        if level not in LEVELS:
            raise _Wrong(f"{name}.levels.{level}", f"one of {', '.join(LEVELS)}")
    if not plan.levels:
        raise _Wrong(f"{name}.levels", "a plan has at least one level")


def _converted(table: Mapping[str, Any], kind: type, place: str) -> Any:
    try:
        return msgspec.convert(dict(table), kind, strict=True)
    except msgspec.ValidationError as error:
        problem, _, at = str(error).partition(" - at `$")
        unknown = problem.partition("unknown field `")[2].rstrip("`")
        key = f"{place}{at.rstrip('`')}".lstrip(".")
        raise _Wrong(f"{key}.{unknown}".strip(".") if unknown else key, problem) from None

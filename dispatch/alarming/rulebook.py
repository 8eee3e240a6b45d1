"""A city's rules: `[dispatch.alarms]` and `[[thresholds]]` of hall.toml over dispatch/defaults/alarms-cn.toml, checked,
compiled.

Every mistake is a ConfigError that names file, line and key; figures become canonical units here and nowhere else.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from dispatch.alarming import rules as rules_package
from dispatch.alarming.kind import Kind
from dispatch.alarming.rule import Rule, Where
from dispatch.alarming.rules.threshold import RULE as THRESHOLD
from dispatch.alarming.tables import Tables
from dispatch.alarming.units import UnitFault, canonical, factor, rate_factor
from hall.core.config import GaugeRule, HallConfig
from hall.core.discover import discover
from hall.core.errors import ConfigError
from hall.core.tomlplaces import line_of

DEFAULT = Path(__file__).parent.parent / "defaults" / "alarms-cn.toml"
DEADBAND = 0.10  # share of a line's value, where no deadband is written
LEVELS = ("IV", "III", "II", "I")
#: seconds somebody has to respond, where a rule does not say, by severity
RESPOND_SECONDS = {0: 3600.0, 1: 3600.0, 2: 1800.0, 3: 600.0, 4: 300.0}
ANYWHERE = Where()
Fail = Callable[[str, str], Exception]


class Common(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Keys that every rule may have."""

    name: str
    kind: str
    enabled: bool = True
    quantity: str = ""
    unit: str = ""
    where: Where = ANYWHERE
    severity: int = 0
    label: dict[str, str] = {}
    respond_minutes: float | None = None
    latch: bool = False
    advice: list[str] = []
    family: str = ""
    at_level: dict[str, dict[str, Any]] = {}


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """`rules`: those that are on, in order (those that build on others after them); `tables`: the stages' figures."""

    rules: tuple[Rule, ...]
    tables: Tables
    languages: tuple[str, ...]


@functools.cache
def kinds() -> dict[str, Kind]:
    return discover(rules_package, "RULE")


def compile_rules(config: HallConfig) -> Rulebook:
    """Raises ConfigError naming file, line and key."""
    return rules_of(config.dispatch.get("alarms", {}), config.thresholds, config.city.languages, config.error)


def rules_of(
    table: dict[str, Any],
    thresholds: Iterable[GaugeRule] = (),
    languages: Iterable[str] = ("zh-CN", "en"),
    error: Fail | None = None,
    defaults: bool = True,
) -> Rulebook:
    """As `compile_rules`; `defaults=False`: the city's rules alone."""
    fail = error or (lambda key, problem: ConfigError(problem, file="", key=key))
    if not isinstance(table, dict):
        raise fail("dispatch.alarms", "a table is expected")
    base = _defaults() if defaults else {}
    rows = table.get("rules", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise fail("dispatch.alarms.rules", "write [[dispatch.alarms.rules]], one table each")
    found: dict[str, Rule | None] = {}
    own = {row.get("name"): (index, row) for index, row in enumerate(rows)}
    for index, row in enumerate(base.get("rules", [])):
        changed = own.get(row["name"])
        at = (lambda key, i=changed[0]: f"dispatch.alarms.rules[{i}]{key}") if changed else None
        said = (lambda key, problem, at=at: fail(at(key), problem)) if at else _default_fail(index)
        found[row["name"]] = _rule({**row, **(changed[1] if changed else {})}, "city" if changed else "default", said)
    for index, row in enumerate(rows):
        said = lambda key, problem, i=index: fail(f"dispatch.alarms.rules[{i}]{key}", problem)  # noqa: E731
        if not isinstance(row.get("name"), str) or own[row["name"]][0] != index:
            raise said(".name", "every rule has a name of its own")
        if row["name"] not in found:
            found[row["name"]] = _rule(row, "city", said)
    gauges = [_gauge(rule, index, fail) for index, rule in enumerate(thresholds)]
    made = deadbanded([rule for rule in found.values() if rule is not None] + gauges)
    tables = Tables.of({**base, **table}, base, fail)
    return Rulebook(rules=_ordered(made, fail), tables=tables, languages=tuple(languages))


@functools.cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(DEFAULT.read_text(encoding="utf-8"))


def _default_fail(index: int) -> Fail:
    def fail(key: str, problem: str) -> Exception:
        place = f"rules[{index}]{key}"
        return ConfigError(problem, file=str(DEFAULT), line=line_of(DEFAULT.read_text(encoding="utf-8"), place), key=place)

    return fail


def _converted(data: dict[str, Any], kind: Any, fail: Fail, under: str = "") -> Any:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        key = under + place.rstrip("`")
        for said in ("unknown field `", "missing required field `"):
            if said in problem:
                key += "." + problem.partition(said)[2].rstrip("`")
        raise fail(key, problem.replace("Object contains unknown", "unknown").replace("Object missing", "missing")) from None


def _rule(row: dict[str, Any], source: str, fail: Fail) -> Rule | None:
    """None: it is switched off."""
    names = set(Common.__struct_fields__)
    common: Common = _converted({key: value for key, value in row.items() if key in names}, Common, fail)
    if common.kind not in kinds():
        raise fail(".kind", f"{common.kind!r} is none of {', '.join(kinds())}")
    kind = kinds()[common.kind]
    if not 0 <= common.severity <= 4:
        raise fail(".severity", "from 0 (a condition for other rules only) to 4")
    if kind.needs_quantity and not common.quantity:
        raise fail(".quantity", "what is measured, such as water_depth")
    own = {key: value for key, value in row.items() if key not in names}
    settings = _settings(kind, own, common, fail, "")
    levels = {}
    for level, figures in common.at_level.items():
        if level not in LEVELS:
            raise fail(f".at_level.{level}", f"one of {', '.join(LEVELS)}")
        levels[level] = _settings(kind, {**own, **figures}, common, fail, f".at_level.{level}")
    if not common.enabled:
        return None
    seconds = RESPOND_SECONDS[common.severity] if common.respond_minutes is None else common.respond_minutes * 60
    return Rule(
        name=common.name,
        kind=kind,
        settings=settings,
        quantity=common.quantity,
        where=common.where,
        severity=common.severity,
        labels=common.label,
        respond_seconds=seconds,
        latch=common.latch,
        advice=tuple(common.advice),
        family=common.family or common.quantity or common.kind,
        source=source,
        levels=levels,
    )


def _settings(kind: Kind, own: dict[str, Any], common: Common, fail: Fail, under: str) -> Any:
    """The kind's own keys, checked, in canonical units."""
    made = _converted(own, kind.settings, fail, under)
    try:
        amount = factor(common.unit, common.quantity) if kind.measures and not kind.rates else 1.0
        rate = rate_factor(common.unit, common.quantity) if kind.rates else 1.0
        if kind.rates:
            amount = factor(common.unit.rpartition("/")[0], common.quantity)
    except UnitFault as fault:
        raise fail(".unit", str(fault)) from None
    if kind.measures and not common.unit and canonical(common.quantity) and not kind.rates:
        raise fail(".unit", f"write the unit, such as {canonical(common.quantity)}")
    for key, problem in kind.check(made) if kind.check else ():
        raise fail(f"{under}.{key}", problem)
    sized = {key: getattr(made, key) * amount for key in kind.measures if getattr(made, key) is not None}
    sized |= {key: getattr(made, key) * rate for key in kind.rates}
    return msgspec.structs.replace(
        made, **{key: round(value, 9) if key in kind.measures else value for key, value in sized.items()}
    )


def _gauge(rule: GaugeRule, index: int, fail: Fail) -> Rule:
    """One `[[thresholds]]` of hall.toml as a rule; its value is in the canonical unit."""
    if not 0 <= rule.severity <= 4:
        raise fail(f"thresholds[{index}].severity", "from 0 to 4")
    where = Where(kind=rule.kind) if rule.kind else Where()
    return line(rule.quantity, rule.value, rule.severity, rule.label, where, "thresholds")


def line(
    quantity: str, value: float, severity: int, labels: dict[str, str], where: Where = ANYWHERE, source: str = "own"
) -> Rule:
    """A line of a sensor's own document or of `[[thresholds]]`."""
    return Rule(
        name=f"threshold/{quantity}@{value:g}/{severity}",
        shown=f"threshold/{quantity}",
        kind=THRESHOLD,
        settings=THRESHOLD.settings(value=value),
        quantity=quantity,
        where=where,
        severity=severity,
        labels=labels,
        respond_seconds=RESPOND_SECONDS.get(severity, 1800.0),
        family=quantity,
        source=source,
    )


def deadbanded(found: list[Rule]) -> list[Rule]:
    """Lines without a deadband get a tenth of their value, but never past half the way to the nearest other line for the same
    sensors: a river's level is measured from the sea, so a tenth of it would never be left."""

    def scale(rule: Rule) -> tuple:
        return rule.quantity, msgspec.json.encode(rule.where), rule.source

    values: dict[tuple, set[float]] = {}
    for rule in found:
        if rule.kind is THRESHOLD:
            values.setdefault(scale(rule), set()).add(rule.settings.value)
    return [_with_deadband(rule, values.get(scale(rule), set())) for rule in found]


def _with_deadband(rule: Rule, others: set[float]) -> Rule:
    if rule.kind is not THRESHOLD:
        return rule

    def sized(settings: Any) -> Any:
        if settings.deadband is not None:
            return settings
        gaps = [abs(other - settings.value) / 2 for other in others if other != settings.value]
        return msgspec.structs.replace(settings, deadband=min([abs(settings.value) * DEADBAND, *gaps]))

    levels = {level: sized(settings) for level, settings in rule.levels.items()}
    return msgspec.structs.replace(rule, settings=sized(rule.settings), levels=levels)


def _ordered(found: list[Rule], fail: Fail) -> tuple[Rule, ...]:
    """Those that build on others after these; a circle or an unknown name is a ConfigError. A default one goes with what it
    builds on: who switches silence off need not know of what counts the silent."""
    names = {rule.name for rule in found}
    done: dict[str, Rule] = {rule.name: rule for rule in found if rule.kind.scope != "derived"}
    left = [rule for rule in found if rule.kind.scope == "derived"]
    while left:
        ready = [rule for rule in left if all(name in done for name in rule.settings.of)]
        if not ready:
            off = [rule for rule in left if rule.source == "default" and not names.issuperset(rule.settings.of)]
            if off:
                left = [rule for rule in left if rule not in off]
                names -= {rule.name for rule in off}
                continue
            rule = left[0]
            unknown = [name for name in rule.settings.of if name not in names]
            said = f"there is no rule {unknown[0]!r} that is on" if unknown else "builds on itself"
            raise fail(f"dispatch.alarms.rules.{rule.name}", said)
        done |= {rule.name: rule for rule in ready}
        left = [rule for rule in left if rule.name not in done]
    return tuple(done.values())

"""Limits 时限: which rule holds for a case (class x condition -> limit x unit), the desk's stage limits, when "near" begins.

Rules come from tables (`dispatch.clocks.ruletable`) and `[[dispatch.limits.rules]]`; the default set is
dispatch/defaults/limits-cn.csv. A class has as many rules as it has filing conditions 立案条件; the operator picks one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dispatch.clocks import amounts, ruletable
from dispatch.clocks.calendar import KINDS, UNIT_MS, length
from dispatch.clocks.ruletable import Limit, Refusal, Rule
from hall.core.errors import ConfigError

__all__ = ["Limit", "Limits", "Near", "Rule", "STAGES"]

#: desk steps with a limit of their own (DOMAIN 1.4); neutral codes
STAGES = ("accept", "verify_before", "register", "dispatch", "take", "check_after", "close")
_STAGE_DEFAULTS = {
    "accept": "15分钟",
    "verify_before": "30分钟",
    "register": "15分钟",
    "dispatch": "15分钟",
    "check_after": "30分钟",
}
_EMERGENCY_DEFAULTS = {"accept": "60秒", "dispatch": "60秒", "handling": "2紧急工作时"}
_DEFAULT_NEAR = {"share": 0.2}
DEFAULT = Path(__file__).parent.parent / "defaults" / "limits-cn.csv"
_KEYS = {"files": list, "default": bool, "rules": list, "stages": dict, "emergency": dict, "near": dict}


class Near(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the end of a limit is near: its last `share`, but at least and at most so many units (hours or days) of its kind."""

    share: float = 0.2
    at_least: float = 0.0
    at_most: float | None = None

    def ms(self, kind: str, total_ms: int) -> int:
        """Clock ms before the end; never more than the whole limit."""
        found = max(total_ms * self.share, self.at_least * UNIT_MS[kind])
        if self.at_most is not None:
            found = min(found, self.at_most * UNIT_MS[kind])
        return round(min(found, total_ms))


class Limits:
    """Made by `from_table`. `rules` all rules in table order, `refusals` rows that became none, each with its reason."""

    def __init__(
        self,
        rules: Iterable[Rule],
        stages: Mapping[str, Limit],
        emergency: Mapping[str, Limit],
        near: Mapping[str, Near],
        refusals: Iterable[Refusal] = (),
    ) -> None:
        self.rules, self.refusals = list(rules), list(refusals)
        self._stages, self._emergency, self._near = dict(stages), dict(emergency), dict(near)
        self._by_code: dict[str, list[Rule]] = {}
        self._by_name: dict[str, list[Rule]] = {}
        self._whole_class: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if rule.class_code:
                self._by_code.setdefault(rule.class_code, []).append(rule)
            if rule.subclass_name:
                self._by_name.setdefault(rule.subclass_name, []).append(rule)
            elif rule.class_name:
                self._whole_class.setdefault(rule.class_name, []).append(rule)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], path_of: Callable[[str], Path] = Path) -> Limits:
        """`[dispatch.limits]`: `files`, `default` (keep ours beside them), `rules`, `stages`, `emergency`, `near`.
        Raises ConfigError."""
        for key in table:
            if key not in _KEYS or not isinstance(table[key], _KEYS[key]):
                raise _wrong(key, "no such key" if key not in _KEYS else f"a {_KEYS[key].__name__} is expected")
        rules, refusals = [], []
        files = table.get("files", [])
        if not files or table.get("default", False):
            rules += ruletable.load(DEFAULT, {})[0]
        for index, item in enumerate(files):
            made, refused = _file(item, f"files[{index}]", path_of)
            rules, refusals = rules + made, refusals + refused
        own, wrong = ruletable.read(_tables(table.get("rules", []), "rules"), "hall.toml", {})
        if wrong:
            raise _wrong(f"rules[{wrong[0].row - 1}]", f"{wrong[0].reason}: {wrong[0].detail}")
        stages = {
            name: _limit(text, f"stages.{name}", STAGES) for name, text in (_STAGE_DEFAULTS | table.get("stages", {})).items()
        }
        emergency = _EMERGENCY_DEFAULTS | table.get("emergency", {})
        fast = {name: _limit(text, f"emergency.{name}", (*STAGES, "handling")) for name, text in emergency.items()}
        return cls([*own, *rules], stages, fast, _nears(table.get("near", {})), refusals)

    def conditions(self, case: Any) -> list[Rule]:
        """The rules offered for a case's class, in table order; `case`: a Case, or a mapping with its fields. Empty: none.

        By class code (when the names do not contradict it), else by major and minor name, else by minor name alone, else the
        rules of a whole major class."""
        kind, code, major, minor = (_field(case, name) for name in ("kind", "class_code", "class_name", "subclass_name"))
        found = [rule for rule in self._by_code.get(code, []) if code and _agrees(rule, kind, major, minor)]
        if not found and minor:
            named = [rule for rule in self._by_name.get(minor, []) if not rule.kind or not kind or rule.kind == kind]
            found = [rule for rule in named if rule.class_name == major] or named
        return found or list(self._whole_class.get(major, []))

    def handling(self, case: Any, condition: str = "", emergency: bool = False) -> Rule | None:
        """The rule a case is handled under. `condition`: the id or the text of one of `conditions(case)`; empty: the rule
        without a condition, else the first of the table. An emergency takes the shortest limit that never stops, else the
        city's emergency limit. None: no rule, or not this condition."""
        offered = self.conditions(case)
        if condition:
            return next((rule for rule in offered if condition in (rule.id, rule.condition)), None)
        if emergency:
            running = [rule for rule in offered if rule.limit.kind == "emergency"]
            if running:
                return min(running, key=lambda rule: rule.limit.ms)
            limit = self._emergency.get("handling")
            if limit is not None:
                first = offered[0] if offered else Rule(id="emergency", limit=limit)
                return msgspec.structs.replace(first, id="emergency", condition="", limit=limit)
        return next((rule for rule in offered if not rule.condition), offered[0] if offered else None)

    def stage(self, stage: str, emergency: bool = False) -> Limit | None:
        """The desk's limit for a step; an emergency's own where there is one, else the routine one; None: no limit."""
        fast = self._emergency.get(stage) if emergency and stage != "handling" else None
        return fast or self._stages.get(stage)

    def near(self, kind: str, total_ms: int) -> int:
        """Clock ms before the end of a limit of `total_ms` at which it counts as near."""
        return (self._near.get(kind) or self._near[""]).ms(kind, total_ms)


def _file(item: Any, key: str, path_of: Callable[[str], Path]) -> tuple[list[Rule], list[Refusal]]:
    """A rule table: its path, or a table of `file`, `mapping` (a file, or `gb30428`) and the mapping's own keys."""
    own = {"file": item} if isinstance(item, str) else dict(item) if isinstance(item, Mapping) else {}
    name, kept = own.pop("file", ""), own.pop("mapping", "")
    if not name or not isinstance(name, str) or not isinstance(kept, str):
        raise _wrong(key, 'write a path, or { file = "...", mapping = "..." }')
    try:
        return ruletable.load(path_of(name), (ruletable.mapping(kept, path_of) if kept else {}) | own)
    except ConfigError as error:
        raise _wrong(key, f"{name}: {error.problem}") from None


def _tables(rows: list[Any], key: str) -> list[dict[str, Any]]:
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise _wrong(f"{key}[{index}]", "a table is expected")
    return [dict(row) for row in rows]


def _agrees(rule: Rule, kind: str, major: str, minor: str) -> bool:
    """A code may mean another thing at another supplier: what both sides name must be the same."""
    pairs = ((rule.kind, kind), (rule.subclass_name, minor))
    return all(not ours or not theirs or ours == theirs for ours, theirs in pairs)


def _field(case: Any, name: str) -> str:
    return str(case.get(name) or "") if isinstance(case, Mapping) else str(getattr(case, name, "") or "")


def _limit(text: Any, key: str, names: Iterable[str]) -> Limit:
    if key.partition(".")[2] not in names:
        raise _wrong(key, f"write one of {', '.join(names)}")
    try:
        found = amounts.parse(str(text))
    except amounts.NoAmount as error:
        raise _wrong(key, f"{error}; write 15分钟, 60 s, 4工作时, 1 working_day ...") from None
    length(found.amount, found.kind)
    return Limit(amount=found.amount, kind=found.kind, label=str(text).strip())


def _nears(table: Mapping[str, Any]) -> dict[str, Near]:
    """`near`: share, at_least, at_most for all kinds; a table per kind overrides."""
    own = {name: value for name, value in table.items() if name in KINDS}
    common = _DEFAULT_NEAR | {name: value for name, value in table.items() if name not in KINDS}
    try:
        found = {name: msgspec.convert(common | value, Near) for name, value in own.items()} | {
            "": msgspec.convert(common, Near)
        }
    except (msgspec.ValidationError, TypeError) as error:
        raise _wrong("near", str(error)) from None
    for name, near in found.items():
        if not 0 <= near.share <= 1 or near.at_least < 0:
            raise _wrong(f"near.{name}" if name else "near", "share is from 0 to 1, at_least not below 0")
    return found


def _wrong(key: str, problem: str) -> ConfigError:
    return ConfigError(problem, file="", key=f"dispatch.limits.{key}")

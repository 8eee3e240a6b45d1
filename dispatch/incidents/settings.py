"""`[dispatch.incidents]`: grades, roles, figures, when reports are due. Over dispatch/defaults/incidents-cn.toml."""

from __future__ import annotations

import re

import msgspec

from dispatch.overlay import settings
from hall.core.config import HallConfig

#: worst first
GRADES = ("I", "II", "III", "IV")
SIGNERS = frozenset({"supervisor", "leader", "admin"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


class Table(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Base of the tables."""


class Named(Table, kw_only=True):
    """A kind, a role or a figure."""

    name: str
    label: dict[str, str] = {}
    unit: dict[str, str] = {}


class Grade(Table, kw_only=True):
    """One of the four; see the default set for each field."""

    grade: str
    label: dict[str, str] = {}
    at_least: dict[str, float] = {}
    more_than: dict[str, float] = {}
    initial_minutes: int = 0
    further_minutes: int = 0
    final_hours: int = 0
    signers: list[str] = []
    grade_by: list[str] = []


class Offer(Table, kw_only=True):
    """From when on the hall offers to open an incident: so many alarms of a group and cases within so many hours."""

    alarms: int = 3
    cases: int = 3
    hours: int = 2


class IncidentRules(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole table; `zone` is the city's, `city` its name in the first language."""

    members: int = 500
    timeline: int = 2000
    near_minutes: int = 15
    phone_first: list[str] = []
    tell: list[str] = []
    audience: list[str] = []
    offer: Offer = Offer()
    grades: list[Grade] = []
    kinds: list[Named] = []
    roles: list[Named] = []
    figures: list[Named] = []
    zone: str = "UTC"
    city: str = ""

    def grade(self, grade: str) -> Grade:
        return next((one for one in self.grades if one.grade == grade), Grade(grade=grade))

    def label(self, kind: str, name: str, language: str = "zh-CN") -> str:
        """What people call one of `kinds`, `roles`, `figures`, or a grade."""
        rows = {one.grade: one for one in self.grades} if kind == "grades" else {one.name: one for one in getattr(self, kind)}
        return rows[name].label.get(language, name) if name in rows else name


def rules_of(config: HallConfig) -> IncidentRules:
    """Raises ConfigError naming file, line and key."""
    rules = settings(config, "incidents", "incidents-cn.toml", IncidentRules)
    for key, low, high in (("members", 10, 2000), ("timeline", 100, 20_000), ("near_minutes", 0, 720)):
        if not low <= getattr(rules, key) <= high:
            raise config.error(f"dispatch.incidents.{key}", f"{low} to {high}")
    if tuple(grade.grade for grade in rules.grades) != GRADES:
        raise config.error("dispatch.incidents.grades", f"these four, in this order: {', '.join(GRADES)}")
    for name in ("kinds", "roles", "figures"):
        rows = [row.name for row in getattr(rules, name)]
        for index, row in enumerate(rows):
            if not _NAME.fullmatch(row) or rows.index(row) != index:
                raise config.error(f"dispatch.incidents.{name}[{index}].name", "small letters, digits, _; each name once")
    _check_grades(rules, config)
    for index, who in enumerate(rules.tell):
        if not who.startswith(("role:", "person:", "unit:")):
            raise config.error(f"dispatch.incidents.tell[{index}]", "role:NAME, unit:NAME, person:NAME or person:commander")
    rules.zone = config.city.timezone
    rules.city = config.city.name.get("zh-CN") or next(iter(config.city.name.values()), "")
    return rules


def _check_grades(rules: IncidentRules, config: HallConfig) -> None:
    known = {figure.name for figure in rules.figures}
    for index, grade in enumerate(rules.grades):
        key = f"dispatch.incidents.grades[{index}]"
        for table in ("at_least", "more_than"):
            for name in getattr(grade, table):
                if name not in known:
                    raise config.error(f"{key}.{table}.{name}", f"no such figure: one of {', '.join(sorted(known))}")
        for name in ("signers", "grade_by"):
            if not getattr(grade, name) or not set(getattr(grade, name)) <= SIGNERS:
                raise config.error(f"{key}.{name}", f"some of {', '.join(sorted(SIGNERS))}")
    for index, grade in enumerate(rules.phone_first):
        if grade not in GRADES:
            raise config.error(f"dispatch.incidents.phone_first[{index}]", f"one of {', '.join(GRADES)}")

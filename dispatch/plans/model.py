"""What a plan is: levels, conditions, tasks, messages, low spots. Durations in the unit their name says, lengths as named."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from dispatch.rain.gauge import RAIN_HOURS

#: response levels, mildest first; a city may leave some out
LEVELS = ("IV", "III", "II", "I")
#: colour of a warning signal -> severity of the hall's documents
SIGNALS = {"blue": 1, "yellow": 2, "orange": 3, "red": 4}
COLOURS = {severity: colour for colour, severity in SIGNALS.items()}
RED = SIGNALS["red"]
MINUTE = 60_000
HOUR = 60 * MINUTE
#: what a plan may say of the case that a task is turned into
TASK_CASE = ("kind", "class_name", "subclass_name", "class_code", "severity")
ACTS = ("up", "down", "end")
#: roles that sign, command or are given tasks
ROLES = ("operator", "dispatcher", "supervisor", "leader", "admin", "inspector")
Words = dict[str, str]


def rank(level: str) -> int:
    """0 none, 1 the mildest level (IV) … 4 the gravest (I)."""
    return LEVELS.index(level) + 1 if level in LEVELS else 0


def level_at(rank_: int) -> str:
    """The other way round; empty for 0 and below."""
    return LEVELS[min(rank_, len(LEVELS)) - 1] if rank_ > 0 else ""


def spoken(words: Words, language: str) -> str:
    """A text that is kept as one for all readers: in the city's first language, else in whichever it is given."""
    return words.get(language) or next(iter(words.values()), "")


class Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base: an unknown key is a mistake."""


class Condition(Part, kw_only=True):
    """One line of `when`: everything given must hold. `gauges` and `sites`: how many must agree (n-of-m)."""

    signal: str = ""  # colour, or a graver one
    rain_mm: float = 0.0
    rain_hours: int = 1
    gauges: int = 2
    depth_cm: float = 0.0
    sites: int = 2
    cases: int = 0
    within_minutes: float = 60.0
    alarms: int = 0  # active ones of at least `alarm_severity`
    alarm_severity: int = 3

    def faults(self) -> Iterable[tuple[str, str]]:
        if not (self.signal or self.rain_mm or self.depth_cm or self.cases or self.alarms):
            yield "", "a condition names signal, rain_mm, depth_cm, cases or alarms"
        if self.signal and self.signal not in SIGNALS:
            yield "signal", f"one of {', '.join(SIGNALS)}"
        if self.rain_hours not in RAIN_HOURS:
            yield "rain_hours", f"one of {', '.join(map(str, RAIN_HOURS))}"
        for name in ("rain_mm", "depth_cm", "cases", "alarms"):
            if getattr(self, name) < 0:
                yield name, "not below 0"
        for name in ("gauges", "sites"):
            if getattr(self, name) < 1:
                yield name, "at least 1"
        if self.within_minutes <= 0 or self.within_minutes > 24 * 60:
            yield "within_minutes", "above 0, at most a day"


class Level(Part, kw_only=True):
    """What proposes a level, who signs it, what it changes."""

    name: str = ""
    label: Words = {}
    sign: list[str]
    when: list[Condition] = []
    scenes: dict[str, str] = {}  # wall -> layout
    report_minutes: int = 0  # rhythm of the districts' reports; 0: none
    emergency_classes: list[str] = []


class Item(Part, kw_only=True):
    """Equipment wanted at a place."""

    name: str
    count: int = 1
    capacity: float | None = None  # m3/h of one


class TaskRule(Part, kw_only=True):
    """Made from `level` on. To a department (`unit`) or a role of this hall (`role`)."""

    key: str = ""
    level: str  # empty: switched off
    unit: str = ""
    role: str = ""
    label: Words
    spots: bool = False
    kinds: list[str] = []  # skills wanted
    equipment: list[Item] = []
    ack_minutes: float = 15.0
    due_minutes: float = 60.0


class Message(Part, kw_only=True):
    """Drafted when one of `levels` is signed; `{level}` and `{plan}` stand for their labels in each language."""

    key: str = ""
    levels: list[str]  # the level signed; where it ends, the level left
    on: tuple[str, ...] = ("up",)  # acts it belongs to: up, down, end
    kind: str = "message"  # message | warning
    audience: list[str] = []
    event: str = ""
    severity: int = 0
    headline: Words
    text: Words
    instruction: Words = {}
    expires_minutes: float = 0.0


class Spot(Part, kw_only=True):
    """A low spot where crews and pumps are pre-placed. WGS-84."""

    spot_id: str = ""
    name: Words
    level: str = ""  # from this level on; empty: the task's own
    unit: str = ""  # instead of the task's
    site: str = ""  # gauge there: `<feed>/<sensor>`
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    crews: int = 1


class Plan(Part, kw_only=True):
    """One plan; `levels` mildest first."""

    name: str
    enabled: bool = True
    label: Words
    events: list[str]
    signals: dict[str, str] = {}
    automatic: list[str] = []
    ease: float = 0.8
    step_down_minutes: float = 60.0
    case_classes: list[str] = []
    deadlines_after: str = "keep"  # open cases that a level made emergencies, when it is over: keep | restore
    task_case: dict[str, str | int] = {}  # fields of the case that a task is turned into: kind, class_name, subclass_name ...
    commander_role: str = "supervisor"
    levels: dict[str, Level] = {}
    tasks: dict[str, TaskRule] = {}
    messages: dict[str, Message] = {}
    spots: dict[str, Spot] = {}

    def faults(self, roles: Collection[str]) -> Iterable[tuple[str, str]]:
        """Key below the plan and problem of everything that the types cannot tell."""
        for colour, level in self.signals.items():
            if colour not in SIGNALS:
                yield f"signals.{colour}", f"one of {', '.join(SIGNALS)}"
            if level and level not in self.levels:
                yield f"signals.{colour}", f"there is no level {level}"
        if not 0 < self.ease <= 1:
            yield "ease", "above 0, at most 1"
        if self.deadlines_after not in ("keep", "restore"):
            yield "deadlines_after", "keep or restore"
        if self.step_down_minutes < 0:
            yield "step_down_minutes", "not below 0"
        for level in self.automatic:
            if level not in self.levels:
                yield "automatic", f"there is no level {level}"
        for name in set(self.task_case) - set(TASK_CASE):
            yield f"task_case.{name}", f"one of {', '.join(TASK_CASE)}"
        if self.commander_role not in roles:
            yield "commander_role", f"one of {', '.join(roles)}"
        for name, level in self.levels.items():
            yield from self._level_faults(f"levels.{name}", level, roles)
        for name, task in self.tasks.items():
            yield from self._task_faults(f"tasks.{name}", task, roles)
        for name, message in self.messages.items():
            yield from (
                (f"messages.{name}.levels", f"there is no level {one}") for one in message.levels if one not in self.levels
            )
            if not message.on or set(message.on) - set(ACTS):
                yield f"messages.{name}.on", f"one or more of {', '.join(ACTS)}"
            if message.kind not in ("message", "warning"):
                yield f"messages.{name}.kind", "message or warning"
        for name, spot in self.spots.items():
            if spot.level and spot.level not in self.levels:
                yield f"spots.{name}.level", f"there is no level {spot.level}"
            if (spot.lon is None) != (spot.lat is None):
                yield f"spots.{name}.lon", "lon and lat, or neither"

    def _level_faults(self, key: str, level: Level, roles: Collection[str]) -> Iterable[tuple[str, str]]:
        if not level.sign:
            yield f"{key}.sign", "name at least one role"
        for role in level.sign:
            if role not in roles:
                yield f"{key}.sign", f"{role!r} is none of {', '.join(roles)}"
        if level.report_minutes < 0:
            yield f"{key}.report_minutes", "not below 0"
        for index, condition in enumerate(level.when):
            for name, problem in condition.faults():
                yield f"{key}.when[{index}].{name}".rstrip("."), problem

    def _task_faults(self, key: str, task: TaskRule, roles: Collection[str]) -> Iterable[tuple[str, str]]:
        if task.level and task.level not in self.levels:
            yield f"{key}.level", f"there is no level {task.level}"
        if bool(task.unit) == bool(task.role):
            yield f"{key}.unit", "either a unit or a role"
        if task.role and task.role not in roles:
            yield f"{key}.role", f"one of {', '.join(roles)}"
        if not 0 < task.ack_minutes <= task.due_minutes:
            yield f"{key}.ack_minutes", "above 0, at most due_minutes"

    def facts(self) -> dict[str, Any]:
        """What screens need of it: labels and signers of its levels."""
        levels = {name: {"label": level.label, "sign": level.sign} for name, level in self.levels.items()}
        return {"label": self.label, "levels": levels, "automatic": self.automatic}


class Plans(Part, kw_only=True):
    """All plans of a city and what they share."""

    undo_minutes: float = 15.0
    look_seconds: float = 5.0
    fresh_minutes: float = 15.0
    scene_lead_seconds: float = 1.5
    decline_minutes: float = 30.0
    lapse_minutes: float = 15.0
    keep_hours: float = 12.0
    exercise: bool = False
    language: str = "zh-CN"  # of texts that are the same for every reader: the city's first
    by_name: dict[str, Plan] = {}

    def faults(self) -> Iterable[tuple[str, str]]:
        for name in ("undo_minutes", "decline_minutes", "lapse_minutes", "keep_hours"):
            if getattr(self, name) < 0:
                yield name, "not below 0"
        for name in ("look_seconds", "fresh_minutes", "scene_lead_seconds"):
            if getattr(self, name) <= 0:
                yield name, "above 0"

"""`[dispatch.closures]` over the Chinese default set: lines, who decides, places, reports. Errors name file, line and key."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dispatch import overlay
from dispatch.closures.model import FACTS, KINDS
from dispatch.plans.settings import plans_of
from hall.core.config import HallConfig

MINUTE = 60_000
#: who can be named as decider or proposer
ROLES = ("operator", "dispatcher", "supervisor", "leader", "admin", "inspector")
_ID = re.compile(r"[\w.-]{1,100}")


class Table(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Base: an unknown key is an error."""


class Lines(Table, kw_only=True, frozen=True):
    """Depths in metres: pass with care, closing is proposed, urgent, reopening is proposed below."""

    care: float
    close: float
    must: float
    reopen: float


class Place(Table, kw_only=True, frozen=True):
    """`[[dispatch.closures.places]]`: a low spot one may have to close. `site` as in `alarm/<site>` (`<feed>/<sensor>`);
    `name` and `detour` by language; `cameras` are subjects `channel/<feed>/<id>`; `lines` replace those of the kind."""

    id: str
    name: dict[str, str]
    kind: str = "underpass"
    site: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    unit: str = ""
    detour: dict[str, str] = {}
    cameras: list[str] = []
    lines: Lines | None = None


class Doubt(Table, kw_only=True, frozen=True):
    """`[dispatch.closures.doubt]`: what water hardly does. A rise of `step_metres` in one reading by one of `factors`
    (a changed unit), from `least_metres` on and within `tolerance` of it (from ten times on `wide_tolerance`), or faster
    than `metres_per_minute`, or by `leap_metres` at once; a step of `frozen_metres` after which
    `frozen_readings` repeat the same value to the digit."""

    factors: list[float]
    tolerance: float
    wide_tolerance: float
    least_metres: float
    step_metres: float
    metres_per_minute: float
    leap_metres: float
    gap_minutes: float  # a reading that comes so late after the last says nothing about how the water rose
    frozen_metres: float
    frozen_readings: int
    neighbour_metres: float  # another gauge as near as this that has water, too, speaks for a fast rise


class Report(Table, kw_only=True, frozen=True):
    """What is drafted for whom when a place is closed (`on` order) or open again (reopen). Texts by language."""

    on: str
    audience: list[str]
    headline: dict[str, str]
    text: dict[str, str]
    severity: int = 2


class ClosureRules(Table, kw_only=True, frozen=True):
    """Compiled. Durations in the unit their name says; depths in metres."""

    quantities: list[str]
    hold_seconds: float
    hold_readings: int
    stale_seconds: float
    believable_metres: float
    reopen_minutes: float
    step_metres: float
    step_metres_per_minute: float
    doubt_minutes: float
    again_minutes: float
    again_metres: float
    keep_minutes: float
    site_metres: float
    waits_for: tuple[str, ...]
    deciders: tuple[str, ...]
    proposers: tuple[str, ...]
    told: tuple[str, ...]
    advice: tuple[str, ...]
    lines: dict[str, Lines]
    doubt: Doubt
    confirm: dict[str, str]
    reports: list[Report] = []
    places: list[Place] = []
    exercise: bool = False  # the whole hall is one: [dispatch.plans] exercise, a demo city
    language: str = "zh-CN"  # of the city, for what is written in one language only
    timezone: str = "Asia/Shanghai"

    def lines_of(self, kind: str, place: Place | None = None) -> Lines | None:
        """None: nothing of this kind is closed for water."""
        return place.lines if place is not None and place.lines is not None else self.lines.get(kind)

    def by_site(self) -> dict[str, Place]:
        return {place.site: place for place in self.places if place.site}


def settings_of(config: HallConfig) -> ClosureRules:
    """Raises ConfigError naming file, line and key."""
    made = overlay.settings(config, "closures", "closures-cn.toml", ClosureRules)
    made = msgspec.structs.replace(
        made,
        exercise=plans_of(config).exercise,
        timezone=config.city.timezone,
        language=config.city.languages[0] if config.city.languages else made.language,
    )
    for key, problem in _mistakes(made):
        raise config.error(f"dispatch.closures.{key}", problem)
    return made


def _mistakes(rules: ClosureRules) -> list[tuple[str, str]]:
    found = [
        (name, f"{role}: one of {', '.join(ROLES)}")
        for name in ("deciders", "proposers", "told")
        for role in getattr(rules, name)
        if role not in ROLES
    ]
    found += [(f"lines.{kind}", f"one of {', '.join(KINDS)}") for kind in rules.lines if kind not in KINDS]
    found += [(f"lines.{kind}", _LINES) for kind, lines in rules.lines.items() if not _rising(lines)]
    ways = ("either", "both", *FACTS)
    found += [(f"confirm.{kind}", f"one of {', '.join(ways)}") for kind, way in rules.confirm.items() if way not in ways]
    for name in (
        "hold_seconds",
        "hold_readings",
        "reopen_minutes",
        "stale_seconds",
        "believable_metres",
        "keep_minutes",
        "site_metres",
    ):
        if getattr(rules, name) <= 0:
            found.append((name, "above 0"))
    for name in Doubt.__struct_fields__:
        value = getattr(rules.doubt, name)
        if (min(value, default=1) <= 1) if name == "factors" else value <= 0:
            found.append((f"doubt.{name}", "above 1" if name == "factors" else "above 0"))
    for number, report in enumerate(rules.reports):
        if report.on not in ("order", "reopen"):
            found.append((f"reports[{number}].on", "order or reopen"))
        if not 0 <= report.severity <= 4:
            found.append((f"reports[{number}].severity", "0 to 4"))
    return found + _mistakes_of_places(rules)


def _mistakes_of_places(rules: ClosureRules) -> list[tuple[str, str]]:
    found = []
    ids, sites = [p.id for p in rules.places], [p.site for p in rules.places if p.site]
    for number, place in enumerate(rules.places):
        key = f"places[{number}]"
        if not _ID.fullmatch(place.id) or ids.index(place.id) != number:
            found.append((f"{key}.id", "a name of its own of letters, digits, . _ -"))
        if place.site and sites.count(place.site) > 1:
            found.append((f"{key}.site", f"{place.site}: another place has it, too"))
        if place.kind not in KINDS:
            found.append((f"{key}.kind", f"one of {', '.join(KINDS)}"))
        if not any(place.name.values()):
            found.append((f"{key}.name", "a name by language, { zh-CN = ... }"))
        if (place.lon is None) != (place.lat is None):
            found.append((f"{key}.lon", "lon and lat, or neither"))
        if place.lines is not None and not _rising(place.lines):
            found.append((f"{key}.lines", _LINES))
        if any(not camera.startswith("channel/") for camera in place.cameras):
            found.append((f"{key}.cameras", "channel/<feed>/<id>"))
    return found


_LINES = "metres, 0 <= reopen < close <= must and care <= close"


def _rising(lines: Lines) -> bool:
    return 0 <= lines.reopen < lines.close <= lines.must and lines.care <= lines.close


def told(by_language: dict[str, str], language: str) -> str:
    """The text in the city's language, else in any."""
    return by_language.get(language) or next(iter(by_language.values()), "")


def plain(rules: ClosureRules, place: Place) -> dict[str, Any]:
    """What `propose` takes of a configured place."""
    found = {"name": told(place.name, rules.language), "label": place.name, "kind": place.kind, "site": place.site}
    found |= {"district": place.district, "unit": place.unit, "detour": place.detour, "cameras": place.cameras}
    if place.lon is not None:
        found["place"] = {"lon": place.lon, "lat": place.lat}
    return {name: value for name, value in found.items() if value not in ("", {}, [], None)}

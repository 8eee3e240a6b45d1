"""`[dispatch.crews]` of hall.toml over the default set; errors name file, line and key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from dispatch.crews.model import Item
from dispatch.crews.ranking import Needs, Weights
from dispatch.crews.speeds import RoadSpeeds, Straight
from hall.core.config import HallConfig

DEFAULTS = Path(__file__).parent.parent / "defaults" / "crews-cn.toml"


class NeedsRule(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What cases of some classes need. `classes`: minor or major class names, or the beginning of a class code."""

    classes: list[str]
    skills: list[str] = []
    equipment: list[Item] = []
    kinds: list[str] = []


class CrewsConfig(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`roster` and `resources` are files beside hall.toml; `columns` and `where` read them (dispatch/crews/roster.py)."""

    roster: str = ""
    resources: str = ""
    columns: dict[str, Any] = {}
    where: dict[str, list[str]] = {}
    crs: str = "WGS-84"
    retire_missing: bool = True
    roads: bool = True  # use [city] osm
    straight: Straight = Straight()
    speeds: RoadSpeeds = RoadSpeeds()
    weights: Weights = Weights()
    needs: list[NeedsRule] = []
    shown: int = 30  # crews of a recommendation that are told


def settings_of(config: HallConfig) -> CrewsConfig:
    """The city's settings; a table of it replaces the default key by key, a list as a whole. Raises ConfigError."""
    own = config.dispatch.get("crews", {})
    if not isinstance(own, dict):
        raise config.error("dispatch.crews", "write [dispatch.crews]")
    merged = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))
    for name, value in own.items():
        known = merged.get(name)
        merged[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    try:
        return msgspec.convert(merged, CrewsConfig, strict=False)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise config.error(f"dispatch.crews{place.rstrip('`')}", problem) from None


def needs_of(rules: list[NeedsRule], case: dict[str, Any]) -> Needs:
    """What a case needs, by the first rule that knows its class; its unit is preferred."""
    names = {case.get("subclass_name") or "", case.get("class_name") or ""} - {""}
    code = case.get("class_code") or ""
    found = Needs(prefer_unit=case.get("unit") or "")
    for rule in rules:
        if names & set(rule.classes) or (code and code.startswith(tuple(rule.classes))):
            return msgspec.structs.replace(found, skills=rule.skills, equipment=rule.equipment, kinds=rule.kinds)
    return found

"""What a screen needs to say about how soon a crew is at water: the straight line, and said to be one. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.alarmlife.settings import settings_of as life_of
from dispatch.crews.settings import settings_of
from hall.core.config import HallConfig


def approach_of(config: HallConfig) -> dict[str, Any]:
    """`{factor, kmh, skills}`: the city's figures for straight lines, and the skills that cases of ponding ask for."""
    crews, ponding = settings_of(config), set(life_of(config).ponding.classes)
    skills = {skill for rule in crews.needs if ponding & set(rule.classes) for skill in rule.skills}
    return {"factor": crews.straight.factor, "kmh": crews.straight.kmh, "skills": sorted(skills)}

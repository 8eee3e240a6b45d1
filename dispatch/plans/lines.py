"""Which alarm rules have other figures at which level: said before it is signed; the engine switches them by itself."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.alarming.rulebook import compile_rules
from hall.core.config import HallConfig
from hall.core.model import QUANTITY_UNITS


def lines_of(config: HallConfig) -> dict[str, list[dict[str, Any]]]:
    """Level -> `[{rule, label, figures: {name: [routine, at this level]}, unit}]`, `unit` the one that lines are kept in.
    Raises ConfigError for a mistake in the rules."""
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in compile_rules(config).rules:
        routine = msgspec.to_builtins(rule.settings)
        for level, settings in rule.levels.items():
            other = msgspec.to_builtins(settings)
            changed = {name: [routine.get(name), value] for name, value in other.items() if value != routine.get(name)}
            if changed:
                said = {
                    "rule": rule.name,
                    "label": rule.labels,
                    "figures": changed,
                    "unit": QUANTITY_UNITS.get(rule.quantity, ""),
                }
                found.setdefault(level, []).append(said)
    return found

"""A table of `[dispatch]` laid over its default set: what a city does not say is as the set says."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hall.core.config import HallConfig

FOLDER = Path(__file__).parent / "defaults"
Settings = TypeVar("Settings", bound=msgspec.Struct)


def settings(config: HallConfig, table: str, defaults: str, kind: type[Settings]) -> Settings:
    """`[dispatch.<table>]` over `defaults/<defaults>`, as `kind`. A table in it is laid over the set's key by key, a list
    replaces the set's. Raises ConfigError naming file, line and key."""
    own = config.dispatch.get(table, {})
    if not isinstance(own, dict):
        raise config.error(f"dispatch.{table}", f"write [dispatch.{table}]")
    merged = _laid(tomllib.loads((FOLDER / defaults).read_text(encoding="utf-8")), own)
    try:
        return msgspec.convert(merged, kind, strict=False)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise config.error(f"dispatch.{table}{place.rstrip('`')}", problem) from None


def _laid(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    made = dict(under)
    for name, value in over.items():
        known = made.get(name)
        made[name] = _laid(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return made

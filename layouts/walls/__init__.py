"""The walls: one file each, found by name."""

from __future__ import annotations

import sys

from hall.core.discover import discover
from layouts.wall import Wall


def all() -> dict[str, Wall]:  # noqa: A001 - read as `walls.all()`
    """Every declared wall by name, in the order they are offered."""
    found = discover(sys.modules[__name__], "WALL")
    order = ("routine", "flood", "video", "briefing")
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0])))

"""`hall list`: every one-file seam and what was found in it."""

from __future__ import annotations

import importlib

from hall.core.discover import discover

SEAMS = (
    ("transports (URL schemes)", "feeds.transports", "TRANSPORT"),
    ("formats", "feeds.formats", "FORMAT"),
    ("rules of alarms", "dispatch.alarming.rules", "RULE"),
    ("measures of areas", "dispatch.measures.kinds", "MEASURE"),
    ("walls", "layouts.walls", "WALL"),
    ("panels", "layouts.panels", "PANEL"),
)


def print_all() -> None:
    """Prints the plug-ins of each seam; a duplicate name raises HallError naming both files."""
    for title, package, attribute in SEAMS:
        print(f"{title}  [{package.replace('.', '/')}/*.py, {attribute}]")
        for name, plugin in discover(importlib.import_module(package), attribute).items():
            schemes = ", ".join(getattr(plugin, "schemes", ()))
            print(f"  {name:<16} {schemes}")

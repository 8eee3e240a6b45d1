"""Source paths: `a.b[0].c`, a bare column name, or an exact list of steps `["odd.name", 0]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Getter = Callable[[Any], Any]
_STEP = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")


def steps_of(path: str | list[str | int]) -> list[str | int]:
    """The steps of a path; raises ValueError where it is empty or its brackets do not close."""
    if isinstance(path, list):
        steps = list(path)
    else:
        steps = [int(index) if index else name for name, index in _STEP.findall(path)]
        if re.sub(_STEP, "", path).strip("."):
            raise ValueError(f"not a path: {path!r}")
    if not steps or not isinstance(steps[0], str):
        raise ValueError(f"a path starts with a name: {path!r}")
    return steps


def _walk(steps: list[str | int]) -> Getter:
    def get(value: Any) -> Any:
        for step in steps:
            if isinstance(step, int):
                # XML: an element that came once is not a list; the first of one is itself
                if not isinstance(value, list):
                    if step in (0, -1):
                        continue
                    return None
                value = value[step] if -len(value) <= step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
            if value is None:
                return None
        return value

    return get


def getter(path: str | list[str | int]) -> Getter:
    """A function from a row to what lies at `path`, None where there is nothing; raises ValueError for a bad path.

    A row that has the whole text as a key (`Datastreams.name` in a CSV header) is taken at its word.
    """
    steps = steps_of(path)
    if len(steps) == 1:
        name = steps[0]
        return lambda row: row.get(name)
    walk = _walk(steps)
    if isinstance(path, list):
        return walk

    def get(row: Any) -> Any:
        found = walk(row)
        return row.get(path) if found is None else found

    return get


def top_of(path: str | list[str | int]) -> set[str]:
    """The columns of a row a path may touch: its first step, and its whole text."""
    found = {str(steps_of(path)[0])}
    if isinstance(path, str):
        found.add(path)
    return found

"""A wall as a drawing: rows of panel names, weights above and at the left, read into CSS grid tracks.

            27      58        29
    3    | masthead masthead  masthead
    40   | trend    city_map  alarms

A name that fills a rectangle is one panel over that rectangle; `.` is empty. Tracks are snapped so that grid lines fall
on the seams between the screens of the wall.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from hall.core.errors import HallError


class Plan(msgspec.Struct, frozen=True):
    """A read drawing: weights of columns and rows, and the names cell by cell."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Panels in reading order, each once."""
        return tuple(dict.fromkeys(name for row in self.cells for name in row if name != "."))

    @property
    def areas(self) -> str:
        """The value of CSS `grid-template-areas`."""
        return " ".join('"' + " ".join(row) + '"' for row in self.cells)


class Box(NamedTuple):
    """The rectangle of cells a panel fills, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int


def boxes(plan: Plan) -> dict[str, Box]:
    """Where each panel is; raises HallError when a name does not fill a rectangle."""
    found: dict[str, Box] = {}
    for name in plan.names:
        places = [(r, c) for r, row in enumerate(plan.cells) for c, cell in enumerate(row) if cell == name]
        top, left = min(r for r, _ in places), min(c for _, c in places)
        bottom, right = max(r for r, _ in places) + 1, max(c for _, c in places) + 1
        if len(places) != (bottom - top) * (right - left):
            raise HallError(f"panel {name!r} does not fill a rectangle in the drawing")
        found[name] = Box(top, left, bottom, right)
    return found


def read(drawing: str) -> Plan:
    """Reads a drawing; raises HallError saying which line is wrong."""
    lines = [line for line in drawing.splitlines() if line.strip()]
    if len(lines) < 2:
        raise HallError("a drawing has a line of column weights and at least one row")
    try:
        columns = tuple(float(word) for word in lines[0].split())
        rows, cells = [], []
        for line in lines[1:]:
            weight, _, names = line.partition("|")
            rows.append(float(weight))
            cells.append(tuple(names.split()))
    except ValueError as error:
        raise HallError(f"drawing: {error}") from None
    for line, row in zip(lines[1:], cells, strict=True):
        if len(row) != len(columns):
            raise HallError(f"{len(row)} panels where {len(columns)} columns are declared: {line.strip()}")
    plan = Plan(columns, tuple(rows), tuple(cells))
    boxes(plan)
    return plan


def snapped(weights: tuple[float, ...], seams: int) -> list[float]:
    """Tracks (parts of 1) of `weights`, moved so that each of `seams - 1` inner screen seams is a line between tracks.

    Each seam takes the nearest free line that keeps the order of lines; seams beyond the number of lines stay unsnapped.
    """
    total = sum(weights)
    lines = [sum(weights[: i + 1]) / total for i in range(len(weights) - 1)]
    fixed: dict[int, float] = {}
    for k in range(1, seams):
        seam = k / seams
        low = max(fixed, default=-1) + 1
        # enough lines must stay free for the seams that follow
        free = [i for i in range(low, len(lines)) if len(lines) - i >= seams - k]
        if not free:
            break
        best = min(free, key=lambda i: abs(lines[i] - seam))
        fixed[best] = seam
    anchors = [(-1, 0.0), *sorted(fixed.items()), (len(lines), 1.0)]
    placed = [0.0] * (len(lines) + 2)
    for (first, start), (last, end) in zip(anchors, anchors[1:], strict=False):
        old_start = lines[first] if first >= 0 else 0.0
        old_end = lines[last] if last < len(lines) else 1.0
        for i in range(first + 1, last):
            placed[i + 1] = start + (lines[i] - old_start) / (old_end - old_start) * (end - start)
        placed[last + 1] = end
    return [b - a for a, b in zip(placed, placed[1:], strict=False)]


def tracks(parts: list[float]) -> str:
    """The value of CSS `grid-template-columns`/`-rows`: shares that never grow with their content."""
    return " ".join(f"minmax(0,{part * 1000:.4f}fr)" for part in parts)

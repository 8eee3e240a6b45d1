"""A wall as a drawing: rows of panel names, weights above and at the left, read into CSS grid tracks.

            27      58        29
    3    | masthead masthead  masthead
    40   | trend    city_map  alarms

A name that fills a rectangle is one panel over that rectangle; `.` is empty. A row weight like `2.5em` is that many times
the text size, whatever the wall; the other rows share the rest. Tracks are snapped so that grid lines fall on the seams
between the screens of the wall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from hall.core.errors import HallError


class Plan(msgspec.Struct, frozen=True):
    """A read drawing: weights of columns and rows, and the names cell by cell."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    cells: tuple[tuple[str, ...], ...]
    fixed: tuple[bool, ...] = ()  # rows whose weight is a number of text lines

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
        rows, cells, fixed = [], [], []
        for line in lines[1:]:
            weight, _, names = line.partition("|")
            fixed.append(weight.strip().endswith("em"))
            rows.append(float(weight.strip().removesuffix("em")))
            cells.append(tuple(names.split()))
    except ValueError as error:
        raise HallError(f"drawing: {error}") from None
    for line, row in zip(lines[1:], cells, strict=True):
        if len(row) != len(columns):
            raise HallError(f"{len(row)} panels where {len(columns)} columns are declared: {line.strip()}")
    plan = Plan(columns, tuple(rows), tuple(cells), tuple(fixed))
    boxes(plan)
    return plan


def shares(rows: tuple[float, ...], fixed: tuple[bool, ...], line: float) -> list[float]:
    """Parts of 1 for tracks of which some are a number of text lines; `line` is one line as a part of the whole.

    The others share what is left by weight, at least a third of the whole.
    """
    taken = sum(row * line for row, is_fixed in zip(rows, fixed, strict=True) if is_fixed)
    left = max(1 - taken, 1 / 3)
    weight = sum(row for row, is_fixed in zip(rows, fixed, strict=True) if not is_fixed) or 1.0
    found = [row * line if is_fixed else row / weight * left for row, is_fixed in zip(rows, fixed, strict=True)]
    return [share / sum(found) for share in found]


def snapped(weights: Sequence[float], seams: int, fixed: Sequence[bool] = ()) -> list[float]:
    """Tracks (parts of 1) of `weights`, moved so that each of `seams - 1` inner screen seams is a line between tracks.

    Each seam takes the nearest free line that keeps the order of lines; seams beyond the number of lines stay unsnapped.
    `fixed` tracks keep their size where there is another track between the same two seams that can give way.
    """
    total = sum(weights)
    parts = [weight / total for weight in weights]
    anchors = _anchors([sum(parts[: i + 1]) for i in range(len(parts) - 1)], seams)
    made: list[float] = []
    for (first, start), (last, end) in zip(anchors, anchors[1:], strict=False):
        members = range(first + 1, last + 1)
        stiff = {i for i in members if i < len(fixed) and fixed[i]}
        rest = sum(parts[i] for i in members if i not in stiff)
        room = end - start - sum(parts[i] for i in stiff)
        if rest <= 0 or room < 0.1 * (end - start):  # nothing that can give way: all of them do
            stiff, rest, room = set(), sum(parts[i] for i in members), end - start
        made += [parts[i] if i in stiff else parts[i] / rest * room for i in members]
    return made


def _anchors(lines: list[float], seams: int) -> list[tuple[int, float]]:
    """`(index of the line, where it goes)` for each seam that has a line, with both ends of the whole around them."""
    found: dict[int, float] = {}
    for k in range(1, seams):
        # enough lines must stay free for the seams that follow
        free = [i for i in range(max(found, default=-1) + 1, len(lines)) if len(lines) - i >= seams - k]
        if not free:
            break
        found[min(free, key=lambda i: abs(lines[i] - k / seams))] = k / seams
    return [(-1, 0.0), *found.items(), (len(lines), 1.0)]


def tracks(parts: Sequence[float], lines: Mapping[int, float] | None = None) -> str:
    """The value of CSS `grid-template-columns`/`-rows`: shares that never grow with their content.

    `lines` gives the tracks that are so many text lines high, whatever the shape of the window.
    """
    fixed = lines or {}
    return " ".join(f"{fixed[i]:g}em" if i in fixed else f"minmax(0,{part * 1000:.4f}fr)" for i, part in enumerate(parts))

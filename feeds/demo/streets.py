"""The urban street pattern: a bent, stretched and thinned lattice that follows the river, as streets of old cities do.

Node (i, j) is column i (west to east) and row j (south to north). Between row `RIVER_ROW` and the next runs the river.
"""

from __future__ import annotations

import heapq
import math
from functools import lru_cache

from feeds.demo.chance import Field, rng, unit
from feeds.demo.plane import Point, distance, nearest_of

COLUMNS, ROWS = 43, 37
MIDDLE_COLUMN, RIVER_ROW = 21, 17
Node = tuple[int, int]
Edge = tuple[Node, Node]


def river_shift(x: float) -> float:
    """How far north of the straight middle line the river runs at `x`, metres."""
    return 0.16 * x + 520.0 * math.sin(x / 2150.0 + 0.6) + 170.0 * math.sin(x / 790.0 + 2.0) - 250.0


def _offsets(count: int, middle: int, narrow: int | None, seed: int, axis: str) -> list[float]:
    """Positions of lattice lines before bending: close together downtown, wider towards the edge, never regular."""
    found = [0.0]
    for k in range(count - 1):
        away = abs(k - middle)
        step = (185.0 + 9.5 * away) * (0.62 + 0.8 * unit(seed, axis, k))
        found.append(found[-1] + (150.0 if k == narrow else step))
    return [value - found[middle] for value in found]


class Streets:
    """`at[node]` in metres, `blocks` kept as (i, j) of their south-west node, `edges` -> "major" | "minor", `near` graph."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        columns = _offsets(COLUMNS, MIDDLE_COLUMN, None, seed, "x")
        rows = _offsets(ROWS, RIVER_ROW, RIVER_ROW, seed, "y")
        bend_x, bend_y = Field(2600, seed, "bx"), Field(2600, seed, "by")
        self.at: dict[Node, Point] = {}
        for i, x in enumerate(columns):
            for j, y in enumerate(rows):
                damp = 0.4 if j in (RIVER_ROW, RIVER_ROW + 1) else 1.0
                px = x + 150 * bend_x(x, y) + 0.09 * y + damp * 22 * (unit(seed, "jx", i, j) - 0.5)
                py = y + river_shift(x) * math.exp(-((y / 4300.0) ** 2)) + damp * 105 * bend_y(x, y)
                self.at[i, j] = (px, py + damp * 22 * (unit(seed, "jy", i, j) - 0.5))
        self._edge = Field(3600, seed, "edge")
        self.major_columns = _majors(COLUMNS, MIDDLE_COLUMN, seed, "x")
        self.major_rows = sorted({*_majors(ROWS, RIVER_ROW, seed, "y"), RIVER_ROW, RIVER_ROW + 1})
        self.blocks = {b for b in self._all_blocks() if self._urban(b)}
        self.edges = self._street_edges()
        self.near = self._graph()
        self._nodes = list(self.near)
        self._places = [self.at[node] for node in self._nodes]

    def _all_blocks(self) -> list[Node]:
        return [(i, j) for i in range(COLUMNS - 1) for j in range(ROWS - 1) if j != RIVER_ROW]

    def corners(self, block: Node) -> list[Point]:
        i, j = block
        return [self.at[i, j], self.at[i + 1, j], self.at[i + 1, j + 1], self.at[i, j + 1]]

    def centre(self, block: Node) -> Point:
        points = self.corners(block)
        return sum(p[0] for p in points) / 4, sum(p[1] for p in points) / 4

    def _urban(self, block: Node) -> bool:
        """The built-up area has a ragged rim: fingers along some roads, fields between others."""
        x, y = self.centre(block)
        return math.hypot(x / 6600.0, y / 5400.0) < 0.97 + 0.13 * self._edge(x, y)

    def _street_edges(self) -> dict[Edge, str]:
        edges: dict[Edge, str] = {}
        for i, j in self.blocks:
            for a, b in (
                ((i, j), (i + 1, j)), ((i, j + 1), (i + 1, j + 1)), ((i, j), (i, j + 1)), ((i + 1, j), (i + 1, j + 1)),
            ):  # fmt: skip
                edges.setdefault((a, b), self._rank(a, b))
        for i in range(COLUMNS):
            is_bridge = i in self.major_columns or unit(self.seed, "bridge", i) < 0.12
            south, north = (i, RIVER_ROW), (i, RIVER_ROW + 1)
            if is_bridge and any(south in edge for edge in edges) and any(north in edge for edge in edges):
                edges[south, north] = "major" if i in self.major_columns else "minor"
        return {edge: rank for edge, rank in edges.items() if rank}

    def _rank(self, a: Node, b: Node) -> str:
        """major, minor, or empty where the minor street is missing (yards, factories, campuses)."""
        if (a[1] == b[1] and a[1] in self.major_rows) or (a[0] == b[0] and a[0] in self.major_columns):
            return "major"
        x, y = self.at[a]
        missing = 0.10 + 0.24 * min(1.0, math.hypot(x, y) / 6000.0)
        return "" if unit(self.seed, "street", a, b) < missing else "minor"

    def _graph(self) -> dict[Node, list[tuple[Node, float]]]:
        """Neighbours with travel cost in metres (minor streets count 1.5 times), the largest connected part only."""
        near: dict[Node, list[tuple[Node, float]]] = {}
        for (a, b), rank in self.edges.items():
            cost = distance(self.at[a], self.at[b]) * (1.0 if rank == "major" else 1.5)
            near.setdefault(a, []).append((b, cost))
            near.setdefault(b, []).append((a, cost))
        reached, todo = {(MIDDLE_COLUMN, RIVER_ROW)}, [(MIDDLE_COLUMN, RIVER_ROW)]
        while todo:
            for other, _ in near[todo.pop()]:
                if other not in reached:
                    reached.add(other)
                    todo.append(other)
        return {node: near[node] for node in sorted(reached)}

    def nearest_node(self, point: Point) -> Node:
        return self._nodes[nearest_of(self._places, point)]

    @lru_cache(maxsize=4096)  # noqa: B019  one Streets lives as long as its process
    def route(self, start: Node, end: Node) -> tuple[Point, ...]:
        """The cheapest way along the streets, both ends included (A*: no way is cheaper than the straight line); the graph is
        connected."""
        at, goal = self.at, self.at[end]
        best, origin, queue = {start: 0.0}, {start: start}, [(0.0, start)]
        settled: set[Node] = set()
        while queue:
            node = heapq.heappop(queue)[1]
            if node == end:
                break
            if node in settled:
                continue
            settled.add(node)
            cost = best[node]
            for other, step in self.near[node]:
                if cost + step < best.get(other, math.inf):
                    best[other], origin[other] = cost + step, node
                    heapq.heappush(queue, (cost + step + math.dist(at[other], goal), other))
        way = [end]
        while way[-1] != start:
            way.append(origin[way[-1]])
        return tuple(self.at[node] for node in reversed(way))

    def line(self, axis: str, index: int, rank: str) -> list[list[Point]]:
        """The stretches of one lattice line that exist with this rank; axis "row" or "column"."""
        count = COLUMNS if axis == "row" else ROWS
        node = (lambda k: (k, index)) if axis == "row" else (lambda k: (index, k))
        pieces: list[list[Point]] = []
        joined = False
        for k in range(count - 1):
            here = self.edges.get((node(k), node(k + 1))) == rank
            if here and not joined:
                pieces.append([self.at[node(k)]])
            if here:
                pieces[-1].append(self.at[node(k + 1)])
            joined = here
        return pieces


def _majors(count: int, middle: int, seed: int, axis: str) -> list[int]:
    """Every third to fifth lattice line is an arterial, counted outwards from the middle."""
    chance, found = rng(seed, "major", axis), {middle}
    for direction in (-1, 1):
        line = middle
        while 2 < line + direction * 3 < count - 3:
            line += direction * chance.choice((3, 3, 4, 4, 5))
            if 1 < line < count - 2:
                found.add(line)
    return sorted(found)

"""The nearest point on a road, for many positions at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dispatch.crews.roads import EARTH_M

#: distance between the points by which roads are found
_STEP_M = 20.0
#: support points looked at, first for all, then for those that are not sure yet
_LOOKS = (5, 14, 64)


class Snap(NamedTuple):
    """For n positions: the edge, the share of it passed from its u (0..1), and the metres between position and road."""

    edge: np.ndarray
    share: np.ndarray
    gap: np.ndarray


class Snapper:
    """Finds edges by support points at most 20 m apart along every piece, then measures to the pieces themselves."""

    def __init__(self, network: dict[str, np.ndarray]) -> None:
        from scipy.spatial import cKDTree

        self._network = network
        self._lat = float(network["node_lat"].mean())
        self._lon = float(network["node_lon"].mean())
        x0, y0 = self._plane(network["piece_lon0"], network["piece_lat0"])
        x1, y1 = self._plane(network["piece_lon1"], network["piece_lat1"])
        self._x, self._y, self._dx, self._dy = x0, y0, x1 - x0, y1 - y0
        self._length = np.hypot(self._dx, self._dy)
        parts = np.maximum(1, np.ceil(self._length / _STEP_M)).astype(np.int64)
        self._piece = np.repeat(np.arange(len(parts)), parts)
        within = np.arange(len(self._piece)) - np.repeat(np.cumsum(parts) - parts, parts)
        at = (within + 0.5) / parts[self._piece]
        points = np.column_stack((x0[self._piece] + at * self._dx[self._piece], y0[self._piece] + at * self._dy[self._piece]))
        self._tree = cKDTree(points)

    def _plane(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Metres east and north of the network's middle; over a city the error is far below the width of a road."""
        metres = np.radians(1.0) * EARTH_M
        return (lon - self._lon) * metres * np.cos(np.radians(self._lat)), (lat - self._lat) * metres

    def snap(self, lon: np.ndarray, lat: np.ndarray, reach: float = np.inf) -> Snap:
        """Exact up to `reach` metres from a road; further off the gap is at least that, which is all that is asked."""
        x, y = self._plane(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
        edge, share, gap = np.empty(len(x), dtype=np.int32), np.empty(len(x)), np.empty(len(x))
        open_ = np.arange(len(x))
        # a piece whose support point is not among those looked at can be nearer by half a step only: such are looked at wider
        for k in _LOOKS:
            edge[open_], share[open_], gap[open_], sure = self._nearest(x[open_], y[open_], k)
            open_ = open_[~(sure | (gap[open_] > reach + _STEP_M))]
            if not len(open_):
                break
        return Snap(edge, share, gap)

    def _nearest(self, x: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        k = min(k, len(self._piece))
        far, near = self._tree.query(np.column_stack((x, y)), k=k)
        far, near = far.reshape(len(x), k), near.reshape(len(x), k)
        piece = self._piece[near]
        px, py, dx, dy = x[:, None] - self._x[piece], y[:, None] - self._y[piece], self._dx[piece], self._dy[piece]
        square = dx * dx + dy * dy
        t = np.clip((px * dx + py * dy) / np.where(square > 0, square, 1.0), 0.0, 1.0)
        distance = np.hypot(px - t * dx, py - t * dy)
        best = np.argmin(distance, axis=1)
        row = np.arange(len(x))
        gap, piece, t = distance[row, best], piece[row, best], t[row, best]
        edge = self._network["piece_edge"][piece]
        start = self._network["piece_start"][piece]
        total = self._network["edge_m"][edge]
        end = np.append(self._network["piece_start"][1:], 0.0)[piece]
        last = np.append(self._network["piece_edge"][1:], -1)[piece] != edge
        share = (start + t * (np.where(last, total, end) - start)) / total
        return edge, np.clip(share, 0.0, 1.0), gap, far[:, -1] >= gap + _STEP_M / 2

"""How long each crew needs to a place: over the road network where there is one, else straight with a stated factor.

A router answers for all crews at once: from the place one search runs backwards over the network, so 5,000 crews cost
what one costs. Times are seconds, lengths metres, positions WGS-84 degrees.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

import numpy as np

from dispatch.crews.roads import haversine
from dispatch.crews.snapping import Snap, Snapper
from dispatch.crews.speeds import RoadSpeeds, Straight


class Routes(Protocol):
    """Answers for n crews in the order asked. `eta_s` has no gaps; `why_straight` names what kept a crew off the roads."""

    eta_s: np.ndarray  # (n,) float64
    road: np.ndarray  # (n,) bool

    def metres(self, index: int) -> float: ...

    def why_straight(self, index: int) -> str:
        """ "" on the road; else no_network | place_off_network | crew_off_network | unreachable."""


class Router(Protocol):
    name: str  # road | straight

    def routes(self, lon: float, lat: float, lons: np.ndarray, lats: np.ndarray) -> Routes:
        """From each (lons, lats) to the place."""


class _StraightRoutes:
    def __init__(self, metres: np.ndarray, straight: Straight) -> None:
        self._metres = metres * straight.factor
        self.eta_s = self._metres / (straight.kmh / 3.6)
        self.road = np.zeros(len(metres), dtype=bool)

    def metres(self, index: int) -> float:
        return float(self._metres[index])

    def why_straight(self, index: int) -> str:
        return "no_network"


class StraightRouter:
    name = "straight"

    def __init__(self, straight: Straight | None = None) -> None:
        self.straight = straight or Straight()

    def routes(self, lon: float, lat: float, lons: np.ndarray, lats: np.ndarray) -> _StraightRoutes:
        return _StraightRoutes(haversine(lons, lats, lon, lat), self.straight)


class RoadRouter:
    """Over a network of dispatch.crews.roads. Thread-safe; a question costs one Dijkstra and one look-up per crew."""

    name = "road"

    def __init__(
        self, network: dict[str, np.ndarray], speeds: RoadSpeeds | None = None, straight: Straight | None = None
    ) -> None:
        from scipy.sparse import csr_matrix

        self.speeds, self.straight = speeds or RoadSpeeds(), straight or Straight()
        self.network, self._count = network, len(network["node_lon"])
        seconds = network["edge_m"] / (network["edge_kmh"] / 3.6 * self.speeds.share)
        self.forward = np.where(network["edge_forward"], seconds, np.inf)
        self.backward = np.where(network["edge_backward"], seconds, np.inf)
        self.snapper = Snapper(network)
        indptr, indices, weights, self._lengths = self._reversed()
        # the last row is the place asked about: two ways into it, written anew for each question
        self._graph = csr_matrix((weights, indices, indptr), shape=(self._count + 1, self._count + 1))
        self._lock = threading.Lock()

    def _reversed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """CSR of the network against the traffic, of parallel roads the fastest; and each entry's metres."""
        u, v, metres = self.network["edge_u"], self.network["edge_v"], self.network["edge_m"]
        rows, columns = np.concatenate((v, u)), np.concatenate((u, v))
        weights, lengths = np.concatenate((self.forward, self.backward)), np.concatenate((metres, metres))
        usable = np.isfinite(weights) & (rows != columns)
        rows, columns, weights, lengths = rows[usable], columns[usable], weights[usable], lengths[usable]
        order = np.lexsort((weights, columns, rows))
        rows, columns, weights, lengths = rows[order], columns[order], weights[order], lengths[order]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        rows, columns, weights, lengths = rows[first], columns[first], weights[first], lengths[first]
        counts = np.bincount(rows, minlength=self._count)
        indptr = np.concatenate(([0], np.cumsum(counts), [len(rows) + 2])).astype(np.int32)
        return indptr, np.append(columns, (0, 0)).astype(np.int32), np.append(weights, (0.0, 0.0)), lengths

    def routes(self, lon: float, lat: float, lons: np.ndarray, lats: np.ndarray) -> Routes:
        fallback = _StraightRoutes(haversine(lons, lats, lon, lat), self.straight)
        place = self.snapper.snap(np.array([lon]), np.array([lat]))
        if place.gap[0] > self.speeds.reach_m:
            return _Fallen(fallback, "place_off_network")
        crews = self.snapper.snap(lons, lats, self.speeds.reach_m)
        seconds, previous = self._search(place)
        return _RoadRoutes(self, place, crews, seconds, previous, fallback)

    def _search(self, place: Snap) -> tuple[np.ndarray, np.ndarray]:
        """Seconds from each vertex to the place, and the next vertex on the way there (-9999: none; V = the place)."""
        from scipy.sparse.csgraph import dijkstra

        ways = [w for w in self.ends(place, 0, towards=False) if np.isfinite(w[1])]
        ways = (ways * 2)[:2]
        with self._lock:
            for slot, (vertex, seconds, _) in enumerate(ways, -2):
                self._graph.indices[slot], self._graph.data[slot] = vertex, max(seconds, 1e-9)
            found = dijkstra(self._graph, directed=True, indices=self._count, return_predecessors=True)
        return found[0][:-1], found[1][:-1]

    def ends(self, snap: Snap, index: int, towards: bool) -> list[tuple[int, float, float]]:
        """(vertex, seconds, metres) between a point on an edge and the edge's ends: from the point to them (`towards`), or from
        them to the point."""
        edge, share = int(snap.edge[index]), float(snap.share[index])
        u, v = int(self.network["edge_u"][edge]), int(self.network["edge_v"][edge])
        metres, forward, backward = float(self.network["edge_m"][edge]), self.forward[edge], self.backward[edge]
        to_u, to_v = (backward, forward) if towards else (forward, backward)
        return [
            (u, _part(to_u, share), metres * share),
            (v, _part(to_v, 1 - share), metres * (1 - share)),
        ]

    def length(self, vertex: int, towards: int) -> float:
        """Metres of the road from `vertex` to the next one, `towards`, on the way to the place."""
        first, last = self._graph.indptr[towards], self._graph.indptr[towards + 1]
        found = first + int(np.flatnonzero(self._graph.indices[first:last] == vertex)[0])
        return float(self._lengths[found])


def _part(seconds: float, share: float) -> float:
    """Time for a share of an edge; at its very end one stands on the vertex, whatever the edge's direction."""
    return 0.0 if share < 1e-9 else float(seconds) * share


class _Fallen:
    """Straight answers for a reason."""

    def __init__(self, straight: _StraightRoutes, reason: str) -> None:
        self._straight, self._reason = straight, reason
        self.eta_s, self.road, self.metres = straight.eta_s, straight.road, straight.metres

    def why_straight(self, index: int) -> str:
        return self._reason


class _RoadRoutes:
    def __init__(
        self, router: RoadRouter, place: Snap, crews: Snap, seconds: np.ndarray, previous: np.ndarray, fallback: Any
    ) -> None:
        self._router, self._place, self._crews = router, place, crews
        self._previous, self._fallback = previous, fallback
        network = router.network
        edge, share = crews.edge, crews.share
        via_u = _shares(router.backward[edge], share) + seconds[network["edge_u"][edge]]
        via_v = _shares(router.forward[edge], 1 - share) + seconds[network["edge_v"][edge]]
        along = self._along(edge, share)
        self._best = np.argmin((via_u, via_v, along), axis=0)
        driven = np.minimum(np.minimum(via_u, via_v), along)
        off = (crews.gap + place.gap[0]) / (router.speeds.kmh_off / 3.6)
        self._near = crews.gap <= router.speeds.reach_m
        self.road = self._near & np.isfinite(driven)
        self.eta_s = np.where(self.road, driven + off, fallback.eta_s)

    def _along(self, edge: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Time along one and the same edge; infinite for crews on others and against a one-way."""
        goal, router = self._place.share[0], self._router
        with np.errstate(invalid="ignore"):
            ahead = np.where(goal > share, (goal - share) * router.forward[edge], np.inf)
            back = np.where(share > goal, (share - goal) * router.backward[edge], np.inf)
        same = np.where(np.abs(share - goal) < 1e-9, 0.0, np.minimum(ahead, back))
        return np.where(edge == self._place.edge[0], same, np.inf)

    def metres(self, index: int) -> float:
        if not self.road[index]:
            return self._fallback.metres(index)
        gaps = float(self._crews.gap[index] + self._place.gap[0])
        if self._best[index] == 2:
            edge = int(self._crews.edge[index])
            share = abs(float(self._crews.share[index] - self._place.share[0]))
            return gaps + share * float(self._router.network["edge_m"][edge])
        vertex, _, metres = self._router.ends(self._crews, index, towards=True)[int(self._best[index])]
        place, total = len(self._previous), gaps + metres
        while (following := int(self._previous[vertex])) != place:
            total += self._router.length(vertex, following)
            vertex = following
        ways = self._router.ends(self._place, 0, towards=False)
        return total + min((w for w in ways if w[0] == vertex), key=lambda w: w[1])[2]

    def why_straight(self, index: int) -> str:
        if self.road[index]:
            return ""
        return "unreachable" if self._near[index] else "crew_off_network"


def _shares(seconds: np.ndarray, share: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(share < 1e-9, 0.0, seconds * share)

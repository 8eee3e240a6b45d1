"""The road network of an OSM extract as plain arrays: read once, kept beside the data keyed by the file's digest.

Vertices are where ways meet or end; an edge is the road between two of them, with its shape as straight pieces. What no
car may use is left out, and so are islands that no road joins to the rest (car parks, roads cut by the extract's edge).
Turn restrictions and traffic are not known to it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

#: km/h where a way says nothing
CLASS_KMH = {
    "motorway": 100, "motorway_link": 60, "trunk": 80, "trunk_link": 50, "primary": 60, "primary_link": 40,
    "secondary": 50, "secondary_link": 40, "tertiary": 40, "tertiary_link": 30, "unclassified": 40, "residential": 30,
    "living_street": 10, "service": 15, "road": 30,
}  # fmt: skip
EARTH_M = 6_371_008.8
VERSION = 1
#: islands smaller than this share of the largest part are left out
ISLAND_SHARE = 0.05
_WORDS = {"walk": 7.0, "none": 120.0, "living_street": 10.0, "urban": 50.0, "rural": 80.0, "motorway": 110.0, "trunk": 90.0}
_NO = frozenset({"no", "private"})


def kmh_of(tags: Any) -> float:
    """Speed a way is driven at: its `maxspeed` (km/h, mph, or a word such as `FI:urban`), else its class's."""
    text = (tags.get("maxspeed") or "").strip().lower()
    if match := re.match(r"^(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|knots)?$", text):
        return max(1.0, float(match[1]) * {"mph": 1.609344, "knots": 1.852}.get(match[2] or "", 1.0))
    word = text.rpartition(":")[2]
    return float(_WORDS.get(word) or CLASS_KMH[tags.get("highway")])


def directions(tags: Any) -> tuple[bool, bool]:
    """Whether a way may be driven forward and backward."""
    said = tags.get("oneway") or ""
    if said == "-1" or said == "reverse":
        return False, True
    if said in ("yes", "true", "1"):
        return True, False
    implied = tags.get("junction") in ("roundabout", "circular") or tags.get("highway") in ("motorway", "motorway_link")
    return True, not implied or said == "no"


def drivable(tags: Any) -> bool:
    if tags.get("highway") not in CLASS_KMH or tags.get("area") == "yes":
        return False
    if tags.get("emergency") in ("yes", "designated"):
        return True
    said = tags.get("motor_vehicle") or tags.get("vehicle") or tags.get("access") or ""
    return said not in _NO


def haversine(lon1: Any, lat1: Any, lon2: Any, lat2: Any) -> Any:
    """Metres between positions in degrees; arrays or numbers."""
    x1, y1, x2, y2 = (np.radians(v) for v in (lon1, lat1, lon2, lat2))
    a = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
    return 2 * EARTH_M * np.arcsin(np.minimum(1.0, np.sqrt(a)))


def load(path: Path, cache: Path) -> dict[str, np.ndarray]:
    """The network of an extract, from the cache when the same file was read before. Raises ValueError."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:24]
    except OSError as error:
        raise ValueError(f"{path.name}: {error}") from None
    kept = cache / f"roads-{digest}-{VERSION}.npz"
    try:
        with np.load(kept, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, EOFError):
        pass  # not there yet, or cut short by a crash: built anew
    except Exception as error:  # zipfile.BadZipFile and zlib's own
        if type(error).__name__ not in ("BadZipFile", "error"):
            raise
    network = build(list(_ways(path)))
    cache.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}.part.npz")
    np.savez_compressed(part, **network)
    os.replace(part, kept)
    return network


Way = tuple[list[int], list[tuple[float, float]], float, bool, bool]


def _ways(path: Path) -> Iterator[Way]:
    """Node numbers, positions, km/h and directions of every drivable way; raises ValueError."""
    try:
        import osmium
    except ImportError:
        raise ValueError("reading an OSM extract needs the package `osmium`") from None
    try:
        source = osmium.FileProcessor(str(path)).with_locations().with_filter(osmium.filter.KeyFilter("highway"))
        for item in source:
            if not item.is_way() or not drivable(item.tags):
                continue
            # an extract cuts ways at its edge: what lies beyond has no place
            nodes = [(n.ref, (n.lon, n.lat)) for n in item.nodes if n.location.valid()]
            if len(nodes) > 1:
                yield [n[0] for n in nodes], [n[1] for n in nodes], kmh_of(item.tags), *directions(item.tags)
    except (RuntimeError, OSError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def build(ways: list[Way]) -> dict[str, np.ndarray]:
    """Arrays: `node_lon/lat` of V vertices; `edge_u/v/m/kmh/forward/backward` of E edges; of P straight pieces
    `piece_edge/start/lon0/lat0/lon1/lat1`, `start` in metres from the edge's u. Raises ValueError without roads."""
    used: Counter[int] = Counter()
    for refs, *_ in ways:
        used.update(refs)
        used.update((refs[0], refs[-1]))  # ends count twice: they are vertices
    vertex: dict[int, int] = {}
    places: list[tuple[float, float]] = []
    edges: list[tuple] = []
    pieces: list[tuple] = []

    def number(ref: int, at: tuple[float, float]) -> int:
        if ref not in vertex:
            vertex[ref] = len(places)
            places.append(at)
        return vertex[ref]

    for refs, points, kmh, forward, backward in ways:
        first = 0
        for k in range(1, len(refs)):
            if used[refs[k]] < 2:
                continue
            part = points[first : k + 1]
            metres = _lengths(part)
            total = float(metres.sum())
            if total > 0:
                edge = len(edges)
                u, v = number(refs[first], part[0]), number(refs[k], part[-1])
                edges.append((u, v, total, kmh, forward, backward))
                starts = np.concatenate(([0.0], np.cumsum(metres)[:-1]))
                pieces += [(edge, s, *a, *b) for s, a, b in zip(starts, part, part[1:], strict=False)]
            first = k
    if not edges:
        raise ValueError("there are no roads in the extract")
    return _joined(_arrays(places, edges, pieces))


def _lengths(points: list[tuple[float, float]]) -> np.ndarray:
    at = np.array(points)
    return haversine(at[:-1, 0], at[:-1, 1], at[1:, 0], at[1:, 1])


def _arrays(places: list, edges: list, pieces: list) -> dict[str, np.ndarray]:
    node, edge, piece = np.array(places), np.array(edges, dtype=np.float64), np.array(pieces, dtype=np.float64)
    return {
        "node_lon": node[:, 0], "node_lat": node[:, 1],
        "edge_u": edge[:, 0].astype(np.int32), "edge_v": edge[:, 1].astype(np.int32), "edge_m": edge[:, 2],
        "edge_kmh": edge[:, 3], "edge_forward": edge[:, 4] > 0, "edge_backward": edge[:, 5] > 0,
        "piece_edge": piece[:, 0].astype(np.int32), "piece_start": piece[:, 1], "piece_lon0": piece[:, 2],
        "piece_lat0": piece[:, 3], "piece_lon1": piece[:, 4], "piece_lat1": piece[:, 5],
    }  # fmt: skip


def _joined(network: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without islands and dead one-way ends: what is left can be reached from everywhere within its part, and left again."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(network["node_lon"])
    u, v, forward, backward = (network[f"edge_{name}"] for name in ("u", "v", "forward", "backward"))
    rows, columns = np.concatenate((u[forward], v[backward])), np.concatenate((v[forward], u[backward]))
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    _, part = connected_components(graph, directed=True, connection="strong")
    sizes = np.bincount(part)
    kept = sizes[part] >= max(2, ISLAND_SHARE * sizes.max())
    edge_kept = kept[u] & kept[v]
    if not edge_kept.any():
        raise ValueError("the roads of the extract join nowhere")
    piece_kept = edge_kept[network["piece_edge"]]
    new_node, new_edge = np.cumsum(kept) - 1, np.cumsum(edge_kept) - 1
    made = {}
    for name, values in network.items():
        mask = {"node": kept, "edge": edge_kept, "piece": piece_kept}[name.partition("_")[0]]
        made[name] = values[mask]
    made["edge_u"], made["edge_v"] = new_node[made["edge_u"]].astype(np.int32), new_node[made["edge_v"]].astype(np.int32)
    made["piece_edge"] = new_edge[made["piece_edge"]].astype(np.int32)
    return made

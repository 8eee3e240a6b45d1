"""The divisions of the channels as trees for people: names, and how many are online of how many. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from hall.core import gb28181
from hall.core.errors import Refused
from video.catalogue import columns as c
from video.catalogue.branch import ROOT
from video.catalogue.index import BRANCHES, Index
from video.catalogue.scope import Scope

#: children of one answer; the biggest are kept
MOST_CHILDREN = 2_000
#: changes after which guessed names are guessed anew
_GUESSES_KEPT = 2_000


class Trees:
    """Counts are made anew when channels changed, once for everybody with the same scope."""

    def __init__(self, index: Index, city: tuple[str, str]) -> None:
        self._index = index
        code = gb28181.region_of(city[0])
        self._given = {**gb28181.PROVINCES, **({code: city[1]} if code else {})}
        self._guessed: dict[tuple[str, int], str] = {}
        self._regions: dict[int, list[str]] = {}
        self._guessed_at = (-1, -1, -1)
        self._counts: dict[tuple[Scope, str], tuple[int, np.ndarray]] = {}

    def children(self, node: str, scope: Scope) -> dict[str, Any]:
        """`{node, path, online, total, children: [{id, name, kind, known, online, total, children}]}`; of "" the divisions.

        `known` false: nobody described the node, its name is a guess or its id. Raises Refused 404.
        """
        if not node:
            rows = [self._division(name, scope) for name in BRANCHES]
            everything = max((row["total"] for row in rows), default=0)
            online = max((row["online"] for row in rows), default=0)
            return {"node": "", "path": [], "total": everything, "online": online, "children": rows}
        name, _, key = node.partition(":")
        if name not in BRANCHES:
            raise Refused("unknown-node", f"the tree begins with {', '.join(BRANCHES)}", 404)
        branch, counts = self._index.branches[name], self._totals(name, scope)
        at = ROOT if ":" not in node else branch.find(key)
        if at is None:
            raise Refused("unknown-node", "there is no such node (any more)", 404)
        below = [child for child in branch.below(at) if counts[child, 1] or (branch.described[child] and _whole(scope))]
        below.sort(key=lambda child: -counts[child, 1])
        rows = [self._shown(name, child, counts, scope) for child in below[:MOST_CHILDREN] if child or counts[child, 1]]
        rows.sort(key=lambda row: (row["kind"] == "none", row["id"] if name == "region" else row["name"], row["id"]))
        own = counts[at] if at != ROOT else counts[branch.below(ROOT)].sum(axis=0)
        path = [
            {"id": f"{name}:{branch.keys[n]}", "name": self._name(name, n)} for n in (branch.path(at) if at != ROOT else [])
        ]
        return {
            "node": node,
            "path": [{"id": name, "name": ""}, *path],
            "online": int(own[0]),
            "total": int(own[1]),
            "children": rows,
            "more": max(0, len(below) - MOST_CHILDREN),
        }

    def paths(self, row: int) -> dict[str, list[dict[str, str]]]:
        """Where a channel hangs in each division, outermost first."""
        found = {}
        for name in BRANCHES:
            node = int(getattr(self._index.columns, name)[row])
            if node:
                found[name] = self._path(name, node)
        return found

    def region_names(self, row: int) -> list[str]:
        """省, 市, 区 of a channel as far as they are known."""
        self._refresh()
        node = int(self._index.columns.one("region", row))
        if node not in self._regions:
            self._regions[node] = [step["name"] for step in self._path("region", node)] if node else []
        return self._regions[node]

    # -- inside ------------------------------------------------------------------------------------------------------

    def _path(self, name: str, node: int) -> list[dict[str, str]]:
        branch = self._index.branches[name]
        return [{"id": f"{name}:{branch.keys[n]}", "name": self._name(name, n)} for n in branch.path(node)]

    def _division(self, name: str, scope: Scope) -> dict[str, Any]:
        branch, counts = self._index.branches[name], self._totals(name, scope)
        top = [node for node in branch.below(ROOT) if counts[node, 1]]
        online, total = counts[top].sum(axis=0) if top else (0, 0)
        placed = any(node for node in top)
        return {"id": name, "name": "", "kind": "division", "online": int(online), "total": int(total), "children": placed}

    def _shown(self, name: str, node: int, counts: np.ndarray, scope: Scope) -> dict[str, Any]:
        branch = self._index.branches[name]
        parts = gb28181.parts_of(branch.keys[node]) if name == "group" else None
        kind = branch.kinds[node] or (parts.kind if parts and parts.type else name)
        return {
            "id": f"{name}:{branch.keys[node]}",
            "name": self._name(name, node),
            "kind": kind,
            "known": branch.described[node] or node == 0 or branch.keys[node] in self._given,
            "online": int(counts[node, 0]),
            "total": int(counts[node, 1]),
            "children": any(counts[child, 1] for child in branch.below(node)),
        }

    def _name(self, name: str, node: int) -> str:
        """A node's name: as described; else of a region as everybody knows it, or as the hall's own boundary calls it; of a
        group that one department owns, the department's; else its id."""
        branch = self._index.branches[name]
        key = branch.keys[node]
        if branch.names[node] or not key:
            return branch.names[node]
        if name == "region":
            return self._given.get(key) or self._common("region", node, "district") or key
        if name == "group":
            return self._common("group", node, "owner") or key.partition("/")[2] or key
        return key

    def _common(self, name: str, node: int, other: str) -> str:
        """What all channels hung directly on a node are called in another division; empty when they differ."""
        self._refresh()
        if (name, node) not in self._guessed:
            self._guessed[name, node] = self._guess(name, node, other)
        return self._guessed[name, node]

    def _refresh(self) -> None:
        """Names are worked out anew when somebody described a region, channels came or went, or much else changed."""
        index = self._index
        at = index.branches["region"].described_times, len(index), index.version // _GUESSES_KEPT
        if self._guessed_at != at:
            self._guessed, self._regions, self._guessed_at = {}, {}, at

    def _guess(self, name: str, node: int, other: str) -> str:
        found = getattr(self._index.columns, other)[(getattr(self._index.columns, name) == node) & self._index.columns.used]
        if not len(found) or not found[0] or (found != found[0]).any():
            return ""
        return self._index.branches[other].names[int(found[0])]

    def _totals(self, name: str, scope: Scope) -> np.ndarray:
        """(online, total) of each node with all below it."""
        index = self._index
        kept = self._counts.get((scope, name))
        if kept is not None and kept[0] == index.version:
            return kept[1]
        chosen, nodes = index.within(scope), len(index.branches[name])
        column = getattr(index.columns, name)
        online = chosen & (index.columns.state == c.STATES.index("online"))
        own = np.stack([np.bincount(column[which], minlength=nodes) for which in (online, chosen)], axis=1)
        made = index.branches[name].totals(own)
        if len(self._counts) > 200:
            self._counts.clear()
        self._counts[scope, name] = index.version, made
        return made


def _whole(scope: Scope) -> bool:
    return scope.districts is None and scope.departments is None

"""One way of dividing the channels: a tree of nodes with names, whatever a supplier says about it. Pure."""

from __future__ import annotations

import numpy as np

ROOT = -1


class Branch:
    """Nodes by key. Node 0 is "none": channels that this division does not place.

    A parent nobody described becomes a node of its own at the top; parents in a circle are cut at the smallest key.
    """

    def __init__(self) -> None:
        self.keys, self.names, self.kinds, self.parents = [""], [""], ["none"], [""]
        self.described = [False]
        self.described_times = 0  # how often a name was told or taken back
        self._index: dict[str, int] = {"": 0}
        self._above: list[int] | None = None
        self._below: dict[int, list[int]] = {}
        self._deepest_first: list[int] = []

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, key: str) -> int | None:
        return self._index.get(key)

    def node(self, key: str, parent: str = "") -> int:
        """The node called `key`, made below `parent` when new."""
        found = self._index.get(key)
        if found is None:
            found = self._index[key] = len(self.keys)
            for column, value in ((self.keys, key), (self.names, ""), (self.kinds, ""), (self.parents, parent)):
                column.append(value)
            self.described.append(False)
            self._above = None
            if parent:
                self.node(parent)
        return found

    def describe(self, key: str, name: str, kind: str = "", parent: str | None = None) -> int:
        """What a supplier says of a node. `parent` None leaves it where it is."""
        found = self.node(key)
        self.described_times += self.names[found] != name
        self.names[found], self.kinds[found], self.described[found] = name, kind or self.kinds[found], True
        if parent is not None and self.parents[found] != parent:
            self.parents[found] = parent
            if parent:
                self.node(parent)
            self._above = None
        return found

    def forget(self, key: str) -> None:
        """The supplier takes a node back; who still hangs below it keeps it as one nobody described."""
        found = self._index.get(key)
        if found:
            self.described[found], self.names[found], self.parents[found] = False, "", ""
            self.described_times += 1
            self._above = None

    # -- shape -------------------------------------------------------------------------------------------------------

    def above(self, node: int) -> int:
        """The node's parent, ROOT for one at the top."""
        self._settle()
        return self._above[node]

    def path(self, node: int) -> list[int]:
        """From the top to the node itself."""
        found = []
        while node != ROOT:
            found.append(node)
            node = self.above(node)
        return found[::-1]

    def below(self, node: int) -> list[int]:
        """Children; of ROOT the nodes at the top."""
        self._settle()
        return self._below.get(node, [])

    def within(self, node: int) -> list[int]:
        """The node and everything below it."""
        found, waiting = [], [node]
        while waiting:
            found.append(waiting.pop())
            waiting.extend(self.below(found[-1]))
        return found

    def totals(self, own: np.ndarray) -> np.ndarray:
        """Numbers of each node (n, any) with those of all below it added."""
        self._settle()
        total = own.copy()
        for node in self._deepest_first:
            if self._above[node] != ROOT:
                total[self._above[node]] += total[node]
        return total

    def _settle(self) -> None:
        if self._above is not None:
            return
        above = [self._index[parent] if parent else ROOT for parent in self.parents]
        depth: dict[int, int] = {ROOT: 0}
        for start in range(len(above)):
            way: dict[int, None] = {}
            node = start
            while node not in depth:
                if node in way:
                    nodes = list(way)
                    circle = nodes[nodes.index(node) :]
                    above[min(circle, key=self.keys.__getitem__)] = ROOT
                    way, node = {}, start
                    continue
                way[node] = None
                node = above[node]
            for node in reversed(way):
                depth[node] = depth[above[node]] + 1
        self._above, self._below = above, {}
        for node, parent in enumerate(above):
            self._below.setdefault(parent, []).append(node)
        del depth[ROOT]
        self._deepest_first = sorted(depth, key=depth.__getitem__, reverse=True)

"""The index over all channels: put in, take out, choose by words, filters and scope, nearest to a place. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from hall.core import gb28181
from hall.core.model import Channel
from hall.core.wording import haystack, words_of
from video.catalogue import columns as c
from video.catalogue.branch import Branch
from video.catalogue.grouping import group_of, node_key
from video.catalogue.nearness import Standing
from video.catalogue.order import Order
from video.catalogue.scope import ALL, Scope

#: what a directory lists beside cameras: nodes of the tree, not channels
NOT_CHANNELS = frozenset(gb28181.TYPES.values()) - {"camera"} | {"civil_region"}
BRANCHES = ("region", "group", "owner", "district")


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; empty means any. `node`: a node of the tree with all below it, `region:4107`."""

    text: str = ""
    node: str = ""
    district: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    feed: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    needs: int = 0  # flags of `columns`: PTZ | AUDIO | SUB | STREAM
    box: tuple[float, float, float, float] | None = None  # west, south, east, north, degrees; west > east: over the date line


class Near(NamedTuple):
    row: int
    metres: float


class Names:
    """Texts as numbers; 0 is the empty one."""

    def __init__(self) -> None:
        self.texts = [""]
        self._index = {"": 0}

    def number(self, text: str) -> int:
        found = self._index.setdefault(text, len(self.texts))
        if found == len(self.texts):
            self.texts.append(text)
        return found

    def find(self, texts: Iterable[str]) -> list[int]:
        return [self._index[text] for text in texts if text in self._index]


class Index:
    """Every channel is a row; rows of channels that went are used again."""

    def __init__(self) -> None:
        self.columns, self._standing = c.Columns(), Standing()
        self.branches = {name: Branch() for name in BRANCHES}
        self.kinds, self.feeds = Names(), Names()
        self.rows: dict[str, int] = {}
        self.subjects: list[str] = []
        self.order = Order()
        self.version = 0  # grows with every change
        self._names: list[str] = []
        self._texts: list[str] = []
        self._ids: list[str] = []
        self._said: list[int] = []
        self._free: list[int] = []
        self._looks: dict[str, int] = {}  # subject -> state that the hall saw itself
        self._nodes: dict[str, tuple[str, str]] = {}  # subject of a directory's node -> (branch, key)

    def __len__(self) -> int:
        return len(self.rows)

    # -- following ---------------------------------------------------------------------------------------------------

    def put(self, subject: str, channel: Channel, time: int) -> None:
        """Takes a channel, or a directory's node, as it is now; `time` is the city's when that was told."""
        self.version += 1
        self._describe_path(channel)
        if channel.kind in NOT_CHANNELS:
            self.remove(subject)
            self._nodes[subject] = self._node(channel)
            return
        if subject in self._nodes:
            self.remove(subject)
        row = self.rows.get(subject)
        new = row is None
        if row is None:
            row = self.rows[subject] = self._row()
            self.subjects[row] = subject
        self._say(row, subject, channel, new)
        stated = c.STATES.index(channel.state) if channel.state in c.STATES else 0
        state = stated or self._looks.get(subject, 0)
        changed = new or self.columns.state[row] != state
        values = {
            "used": True,
            "state": state,
            "stated": stated,
            "told_at": time,
            "changed": self.version,
            "flags": flags_of(channel),
            "kind": self.kinds.number(channel.kind),
            "feed": self.feeds.number(channel.feed),
        }
        if changed:
            values["state_at"] = time
        self.columns.put(row, values | self._divisions(channel))
        self.columns.locate(row, channel.lon, channel.lat)

    def look(self, subject: str, online: bool, time: int) -> None:
        """The hall looked itself, at a time of the city: that is the state of a channel whose supplier tells none."""
        if (row := self.rows.get(subject)) is None:
            return
        state = self._looks[subject] = c.STATES.index("online" if online else "offline")
        if not self.columns.stated[row] and self.columns.state[row] != state:
            self.version += 1
            self.columns.put(row, {"state": state, "state_at": time, "changed": self.version})

    def remove(self, subject: str) -> None:
        """Takes a channel or node out; what is not there is no matter."""
        self.version += 1
        self._looks.pop(subject, None)
        if (node := self._nodes.pop(subject, None)) is not None:
            self.branches[node[0]].forget(node[1])
        row = self.rows.pop(subject, None)
        if row is None:
            return
        self.order.drop((self._names[row], subject), row)
        self.columns.put(row, {"used": False})
        self.columns.locate(row, None, None)
        self.subjects[row] = self._names[row] = self._texts[row] = self._ids[row] = ""
        self._free.append(row)

    def _row(self) -> int:
        if self._free:
            return self._free.pop()
        for column in (self.subjects, self._names, self._texts, self._ids):
            column.append("")
        self._said.append(0)
        return self.columns.append()

    def _say(self, row: int, subject: str, channel: Channel, new: bool) -> None:
        """The words a channel is found by; most news are of its state and change none."""
        address = channel.extra.get("address", "")
        said = (channel.name, channel.owner, channel.district, address if isinstance(address, str) else "")
        if not new and self._said[row] == hash(said):
            return
        if new or self._names[row] != channel.name:
            if not new:
                self.order.drop((self._names[row], subject), row)
            self.order.add((channel.name, subject), row)
        self._names[row], self._ids[row] = channel.name, channel.channel_id.lower()
        self._texts[row], self._said[row] = haystack(*said), hash(said)

    # -- the tree ----------------------------------------------------------------------------------------------------

    def _divisions(self, channel: Channel) -> dict[str, int]:
        return {
            "region": self._region(gb28181.region_of(channel.civil_code)),
            "group": self.branches["group"].node(group_of(channel)),
            "owner": self._named("owner", channel.owner),
            "district": self._named("district", channel.district),
        }

    def _named(self, branch: str, name: str) -> int:
        known = self.branches[branch].find(name)
        return self.branches[branch].describe(name, name, branch, "") if known is None else known

    def _region(self, code: str) -> int:
        found = self.branches["region"].find(code)
        if found is None:
            for above, below in zip(["", *gb28181.regions_above(code)], gb28181.regions_above(code), strict=False):
                found = self.branches["region"].node(below, above)
        return found or 0

    def _name_region(self, code: str, name: str) -> None:
        if code:  # `0000` names nothing
            self._region(code)
            self.branches["region"].describe(code, name, "region")

    def _node(self, channel: Channel) -> tuple[str, str]:
        """Takes what a directory says of one of its nodes; returns where it is kept."""
        if channel.kind == "civil_region":
            code = gb28181.region_of(channel.channel_id)
            self._name_region(code, channel.name)
            return "region", code
        key = node_key(channel.feed, channel.channel_id)
        self.branches["group"].describe(key, channel.name, channel.kind, group_of(channel))
        return "group", key

    def _describe_path(self, channel: Channel) -> None:
        """Names of ancestors that a directory tells with each camera."""
        ids, names = (channel.extra.get(name) for name in ("path_ids", "path"))
        if not isinstance(ids, str) or not isinstance(names, str) or not ids:
            return
        keys, words = ids.split("/"), names.split("/")
        if len(keys) != len(words):
            return
        above = ""
        for key, name in zip(keys, words, strict=True):
            parts = gb28181.parts_of(key)
            if parts and not parts.type:
                self._name_region(gb28181.region_of(key), name)
                continue
            node = node_key(channel.feed, key)
            known = self.branches["group"].find(node)
            if known is None or not self.branches["group"].described[known]:
                self.branches["group"].describe(node, name, parts.kind if parts else "group", above)
            above = node

    # -- choosing ----------------------------------------------------------------------------------------------------

    def within(self, scope: Scope) -> np.ndarray:
        """Which rows a scope lets somebody know of."""
        chosen = self.columns.used.copy()
        for name, allowed, free in (("district", scope.districts, ("",)), ("owner", scope.departments, ())):
            if allowed is not None:
                chosen &= np.isin(getattr(self.columns, name), self._numbers(name, (*allowed, *free)))
        return chosen

    def choose(self, query: Query, scope: Scope = ALL) -> np.ndarray:
        """Which rows answer a query within a scope, as booleans."""
        chosen, columns = self.within(scope), self.columns
        for name in ("district", "owner"):
            if wanted := getattr(query, name):
                chosen &= np.isin(getattr(columns, name), self._numbers(name, wanted))
        for name, names in (("feed", self.feeds), ("kind", self.kinds)):
            if wanted := getattr(query, name):
                chosen &= np.isin(getattr(columns, name), names.find(wanted))
        if query.state:
            chosen &= np.isin(columns.state, [c.STATES.index(state) for state in query.state if state in c.STATES])
        if query.needs:
            chosen &= (columns.flags & query.needs) == query.needs
        if query.box:
            chosen &= self._inside(*query.box)
        if query.node:
            chosen &= self._below(query.node)
        if words := words_of(query.text):
            chosen = self._worded(chosen, words)
        return chosen

    def _numbers(self, branch: str, names: Iterable[str]) -> list[int]:
        found = (self.branches[branch].find(name) for name in names)
        return [number for number in found if number is not None]

    def _inside(self, west: float, south: float, east: float, north: float) -> np.ndarray:
        lon, lat = self.columns.lon, self.columns.lat
        across = (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
        return self.columns.placed & across & (lat >= south) & (lat <= north)

    def _below(self, node: str) -> np.ndarray:
        branch, _, key = node.partition(":")
        found = self.branches[branch].find(key) if branch in self.branches else None
        if found is None:
            return np.zeros(self.columns.size, np.bool_)
        return np.isin(getattr(self.columns, branch), self.branches[branch].within(found))

    def _worded(self, chosen: np.ndarray, words: tuple[str, ...]) -> np.ndarray:
        """Longest word first: it leaves the fewest for the others."""
        left, texts, ids = np.flatnonzero(chosen).tolist(), self._texts, self._ids
        for word in sorted(words, key=len, reverse=True):
            if word.isascii():
                left = [row for row in left if word in texts[row] or ids[row].startswith(word)]
            else:
                left = [row for row in left if word in texts[row]]
        found = np.zeros(self.columns.size, np.bool_)
        found[left] = True
        return found

    def page(self, chosen: np.ndarray, after: tuple[str, str] | None, limit: int) -> tuple[list[int], bool]:
        """The next rows in order after a key, and whether there are more."""
        rows = self.order.rows[self.order.place_after(after) if after else 0 :]
        found = rows[chosen[rows]]
        return found[:limit].tolist(), len(found) > limit

    def key(self, row: int) -> tuple[str, str]:
        return self._names[row], self.subjects[row]

    def nearest(
        self, lon: float, lat: float, k: int, chosen: np.ndarray | None = None, radius: float | None = None
    ) -> list[Near]:
        """The `k` chosen rows nearest to a place, nearest first; of equal distance the lower subject first."""
        placed = self.columns.placed if chosen is None else chosen & self.columns.placed
        rows, metres = self._standing.nearest(self.columns, placed, c.on_sphere(lon, lat), k, radius)
        found = sorted((far, self.subjects[row], row) for row, far in zip(rows, metres, strict=True))
        return [Near(row, far) for far, _, row in found[:k]]


def flags_of(channel: Channel) -> int:
    return c.PTZ * channel.ptz | c.AUDIO * channel.audio | c.SUB * channel.has_sub | c.STREAM * channel.has_stream

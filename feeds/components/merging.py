"""Which staged rows come in and which rows of the version before stay: numbers told twice, inserted, updated, withdrawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from feeds.components.report import Report
from feeds.components.staging import Staging
from feeds.components.store import Store
from hall.core.errors import HallError

#: fewer withdrawals than this are never too many
_FEW = 20


class Merged(NamedTuple):
    """Row numbers, ascending: those of the version before that stay, those staged that come in. `changed`: if anything is."""

    kept: np.ndarray
    taken: np.ndarray
    changed: bool


class TooMany(HallError):
    """A whole import would withdraw more than it may."""


def merge(before: Store | None, rows: np.ndarray, staging: Staging, whole: bool, force: bool, report: Report) -> Merged:
    """Counts into `report`, parks what loses; raises TooMany."""
    alive = _winners(rows, staging, report)
    alive = _spread_out(rows, alive, staging)
    if before is None:
        report.taken = report.inserted = len(alive)
        return Merged(np.zeros(0, np.int64), alive, bool(len(alive)))
    old = _matches(before, rows["id"][alive])
    numbers = before.tables.sources
    own = numbers.index(staging.source.name) if staging.source.name in numbers else -1
    foreign = (old >= 0) & (before.column("source")[old] != own)
    for index in np.flatnonzero(foreign).tolist():
        owner = numbers[int(before.column("source")[old[index]])]
        _park(staging, rows, int(alive[index]), "id-of-another-source", f"{_id(rows, alive[index])} belongs to {owner}")
    alive, old = alive[~foreign], old[~foreign]
    known = old >= 0
    older = known & (staging.source.updated is not None) & (before.column("updated")[old] > rows["updated"][alive])
    same = known & (older | (before.column("content")[old] == rows["content"][alive]))
    update = known & ~same
    if older.any():
        report.notes.append(f"{np.count_nonzero(older):,} rows are older than what is kept; what is kept stands")
    gone = _withdrawn(before, own, old[known], staging, whole, force, report)
    report.taken, report.unchanged = len(alive), int(np.count_nonzero(same))
    report.updated, report.inserted, report.withdrawn = int(np.count_nonzero(update)), int(np.count_nonzero(~known)), len(gone)
    leaving = np.zeros(len(before), np.bool_)
    leaving[old[update]] = True
    leaving[gone] = True
    taken = np.sort(alive[~same])
    return Merged(np.flatnonzero(~leaving), taken, bool(len(taken) or len(gone)))


def _id(rows: np.ndarray, index: int) -> str:
    return bytes(rows["id"][index]).decode()


def _park(staging: Staging, rows: np.ndarray, index: int, reason: str, detail: str) -> None:
    row = rows[index]
    with staging.spool.open("rb") as spool:
        spool.seek(int(row["at"]) + int(row["length"]))
        raw = spool.read(int(row["raw"]))
    staging.park(int(row["number"]), reason, detail, raw, bytes(row["id"]))


def _winners(rows: np.ndarray, staging: Staging, report: Report) -> np.ndarray:
    """Of rows with one number the one that wins; the others are parked, or counted as repeated where they say the same."""
    order = np.argsort(rows["id"], kind="stable")
    ids = rows["id"][order]
    same = np.concatenate(([False], ids[1:] == ids[:-1]))
    begins = np.flatnonzero(~same)
    sizes = np.diff(np.append(begins, len(ids)))
    alive = np.ones(len(rows), np.bool_)
    policy = staging.source.rules.duplicates
    for begin, size in zip(begins[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        group = order[begin : begin + size]
        winner = _winner(rows, group, policy)
        for index in group.tolist():
            if index == winner:
                continue
            alive[index] = False
            if winner is not None and rows["content"][index] == rows["content"][winner]:
                report.repeated += 1
            elif winner is None:
                _park(staging, rows, index, "duplicate-id", f"{_id(rows, index)} {size} times, none of them is taken")
            else:
                _park(staging, rows, index, "duplicate-id", f"{_id(rows, index)}: row {rows['number'][winner]} wins ({policy})")
    return np.flatnonzero(alive)


def _winner(rows: np.ndarray, group: np.ndarray, policy: str) -> int | None:
    if policy == "park":
        same = bool((rows["content"][group] == rows["content"][group[0]]).all())
        return int(group[0]) if same else None
    if policy == "newest":
        return int(max(group.tolist(), key=lambda index: (int(rows["updated"][index]), index)))
    return int(group[0] if policy == "first" else group[-1])


def _spread_out(rows: np.ndarray, alive: np.ndarray, staging: Staging) -> np.ndarray:
    """Parks rows whose very position many others have too: the office, the middle of the district, not the component."""
    most = staging.source.rules.same_place
    if not most or not len(alive):
        return alive
    places = (rows["lon"][alive].astype(np.int64) << 32) | (rows["lat"][alive].astype(np.int64) & 0xFFFFFFFF)
    _, which, counts = np.unique(places, return_inverse=True, return_counts=True)
    many = counts[which] >= most
    for index in np.flatnonzero(many).tolist():
        row = int(alive[index])
        _park(staging, rows, row, "position-shared", f"{counts[which[index]]:,} rows have this very position")
    return alive[~many]


def _matches(before: Store, ids: np.ndarray) -> np.ndarray:
    """Row of each number in the version before, -1 where it is not there."""
    known = before.ids[before.id_order]
    at = np.searchsorted(known, ids)
    inside = at < len(known)
    found = np.full(len(ids), -1, np.int64)
    hit = np.flatnonzero(inside)
    hit = hit[known[at[hit]] == ids[hit]]
    found[hit] = before.id_order[at[hit]]
    return found


def _withdrawn(
    before: Store, own: int, seen: np.ndarray, staging: Staging, whole: bool, force: bool, report: Report
) -> np.ndarray:
    """Rows of this source that go: those a whole import has not, those it says are gone. One whose row is parked stays."""
    mine = before.column("source") == own
    told = mine & np.isin(before.ids, np.array(sorted(staging.withdrawn), before.ids.dtype)) if staging.withdrawn else None
    parked = np.array(sorted(staging.parked_ids), f"S{max(map(len, staging.parked_ids), default=1)}")
    stays = np.isin(before.ids, parked)
    stays[seen] = False
    report.kept_as_was = int(np.count_nonzero(stays & mine))
    gone = np.zeros(len(before), np.bool_)
    if whole:
        gone = mine & ~stays
        gone[seen] = False
    if told is not None:
        told[seen] = False
        gone |= told
    found, total = np.flatnonzero(gone), int(np.count_nonzero(mine))
    if len(found) > max(_FEW, staging.source.rules.most_withdrawn * total) and not force:
        raise TooMany(
            f"{len(found):,} of {total:,} components of {staging.source.name} are not in this source and would be withdrawn: "
            "nothing was changed. Is the source whole? If so, say --withdraw; if it holds changes only, say --update"
        )
    return found

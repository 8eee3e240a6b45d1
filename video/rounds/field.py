"""The cameras of each round as they are now: who takes part, who lives, how urgent each is. Rebuilt from the catalogue."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from hall.core.board import Board
from hall.core.model import Channel
from video.catalogue import columns as c
from video.catalogue.catalogue import Catalogue
from video.catalogue.index import Query
from video.rounds.plan import RoundPlan
from video.rounds.risk import Ground, reasons, weights
from video.rounds.turn import Candidates

_DEAD = frozenset({"failed", "waiting"})  # what the relay says of a camera that does not answer
_CELLS_KEPT_MS = 600_000


class _Told(msgspec.Struct):
    data: Channel | None = None


_told = msgspec.json.Decoder(_Told).decode


class Field:
    """One catalogue, one board of surroundings; `refresh` once in a few seconds, `candidates` per round."""

    def __init__(self, catalogue: Catalogue, board: Board, document) -> None:
        self._catalogue, self._board, self._document = catalogue, board, document
        self._cells: dict[str, str] = {}
        self._cells_at = 0
        self.levels: dict[str, np.ndarray] = {}
        self._dead: set[str] = set()

    def refresh(self, now: int) -> None:
        """Reads the risks anew. Levels are by row of the catalogue."""
        index = self._catalogue.index
        if now - self._cells_at > _CELLS_KEPT_MS:
            self._cells, self._cells_at = {}, now
        cells = [self._cell(subject) for subject in index.subjects]
        self._dead = {subject for subject, state in self._states() if state in _DEAD}
        self.levels = Ground(self._board).levels(index.columns, index.subjects, cells)

    def _cell(self, subject: str) -> str:
        found = self._cells.get(subject)
        if found is None:
            raw = self._document(subject) if subject else None
            try:
                channel = _told(raw).data if raw else None
            except msgspec.MsgspecError:  # the catalogue keeps what it could read before
                channel = None
            found = self._cells[subject] = channel.cell if channel else ""
        return found

    def _states(self):
        """(channel, state) of what the relay tells."""
        for entry in self._board.current(("picture",)):
            told = msgspec.json.decode(entry.raw)
            data = told.get("data")
            if isinstance(data, dict) and isinstance(data.get("state"), str) and not told["subject"].endswith("/health"):
                yield told["subject"].replace("picture/", "channel/", 1), data["state"]

    def candidates(self, plan: RoundPlan, seen: dict[str, int], before: Candidates | None) -> Candidates:
        """Who takes part in a round; the times at which `before` chose somebody are kept."""
        rows = self._rows(plan)
        index = self._catalogue.index
        found = Candidates([index.subjects[row] for row in rows])
        if not rows:
            return found
        columns = index.columns
        found.alive = (columns.state[rows] != c.STATES.index("offline")) & ((columns.flags[rows] & c.STREAM) > 0)
        found.alive &= np.array([subject not in self._dead for subject in found.subjects])
        if self.levels:
            found.weight = weights(plan, {risk: self._at(values, rows) for risk, values in self.levels.items()})
        found.seen = np.array([float(seen.get(subject, 0)) for subject in found.subjects])
        if before is not None:
            chosen = [before.seen[before.index[s]] if s in before.index else 0.0 for s in found.subjects]
            found.seen = np.maximum(found.seen, chosen)
        return found

    @staticmethod
    def _at(values: np.ndarray, rows: list[int]) -> np.ndarray:
        """Levels of these rows; a row that came after the last refresh is calm until the next."""
        return np.append(values, 0.0)[np.minimum(np.array(rows, int), len(values))]

    def _rows(self, plan: RoundPlan) -> list[int]:
        index, select = self._catalogue.index, plan.select
        query = Query(text=select.text, node=select.node, district=select.district, owner=select.owner, kind=("camera",))
        chosen = index.choose(query)
        if select.channels:
            rows = [index.rows[subject] for subject in select.channels if subject in index.rows]
            return [row for row in rows if chosen[row]]
        return np.flatnonzero(chosen).tolist()

    def subjects(self, plan: RoundPlan) -> list[str]:
        """The channels that a plan chooses now."""
        return [self._catalogue.index.subjects[row] for row in self._rows(plan)]

    def owners(self, cameras: Candidates) -> list[str]:
        index = self._catalogue.index
        branch = index.branches["owner"]
        return [branch.keys[index.columns.owner[index.rows[s]]] if s in index.rows else "" for s in cameras.subjects]

    def why(self, plan: RoundPlan, subject: str) -> list[dict[str, Any]]:
        row = self._catalogue.index.rows.get(subject)
        if row is None or not self.levels or row >= len(self.levels["alarm"]):
            return []
        return reasons(plan, self.levels, row)

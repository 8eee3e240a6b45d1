"""How far a round reaches: which of its cameras somebody may know of, and whether all of them are his. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hall.core.errors import Refused
from video.catalogue.index import Index
from video.catalogue.scope import ALL, Scope


def mine(index: Index, subjects: Sequence[str], scope: Scope) -> np.ndarray:
    """Which of these channels lie within a scope; one that is gone is nobody's, except for who may see all."""
    if scope == ALL:
        return np.ones(len(subjects), bool)
    allowed = np.append(index.within(scope), False)
    return allowed[[index.rows.get(subject, -1) for subject in subjects]] if subjects else np.zeros(0, bool)


def require_whole(index: Index, subjects: Sequence[str], scope: Scope) -> None:
    """Raises Refused where a round, or a plan for one, shows cameras that are not his who asks: what he does to it is seen by
    others."""
    if not mine(index, subjects, scope).all():
        raise Refused("beyond-yours", "this round reaches beyond your districts or your department", 403)


def common(index: Index, subjects: Sequence[str]) -> dict[str, str | None]:
    """The district and the owner that all these channels share, which decide whom the stream tells of their round; None where
    they share none. A channel of no known district is everybody's."""
    rows = [index.rows[subject] for subject in subjects if subject in index.rows]
    districts = _names(index, "district", rows) - {""}
    owners = _names(index, "owner", rows)
    return {
        "district": (next(iter(districts)) if districts else "") if len(districts) < 2 else None,
        "owner": next(iter(owners)) if len(owners) == 1 else None,
    }


def _names(index: Index, branch: str, rows: list[int]) -> set[str]:
    keys = index.branches[branch].keys
    return {keys[number] for number in np.unique(getattr(index.columns, branch)[rows])} if rows else set()

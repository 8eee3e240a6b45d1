"""Which indicator documents are worth telling now: what changed, and what was silent for so long that it looks dead. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatch.indicators import Indicators


class News:
    """Remembers what was told; `silence` is the time (s) after which an unchanged document is told again."""

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._revision = -1
        self._told: dict[str, dict[str, Any]] = {}
        self._all_told = float("-inf")

    def of(self, indicators: Indicators, real: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """Documents to tell at the moment `real` (any clock, s)."""
        if indicators.revision == self._revision and real - self._all_told < self._silence:
            return
        again = real - self._all_told >= self._silence
        for subject, data in indicators.documents().items():
            content = {key: value for key, value in data.items() if key != "as_of"}
            if again or self._told.get(subject) != content:
                self._told[subject] = content
                yield subject, data
        self._revision = indicators.revision
        if again:
            self._all_told = real

"""Where in the ledger a span of city time begins."""

from __future__ import annotations

from dispatch.ledger import Ledger


def first_line_since(ledger: Ledger, moment: int) -> int:
    """The number after which the lines recorded from `moment` (city ms) on begin. `recorded` never goes back, so halving finds
    it: some twenty looks in a ledger of a million lines."""
    low, high = 0, ledger.head()[0]
    while low < high:
        middle = (low + high) // 2
        line = ledger.entries(middle, 1)
        if line and line[0].recorded < moment:
            low = middle + 1
        else:
            high = middle
    return low

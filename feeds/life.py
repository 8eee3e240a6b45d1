"""What is remembered of a feed between two tellings of its state."""

from __future__ import annotations


class Life:
    """What a feed last did; `status` turns it into the document that screens see."""

    def __init__(self) -> None:
        self.reachable = False
        self.lost, self.error, self.note = "", "", ""
        self.over = False
        self.seen_city: int | None = None
        self.seen_real: int | None = None
        self.seen_at = 0.0  # the same moment on a clock that never jumps

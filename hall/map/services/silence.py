"""Whether a service that answers "nothing there" has nothing anywhere: a mistyped layer, a server that was set up anew. Pure.

The open sea has no pictures either: where there is one from before, it is asked for again before anything is said.
"""

from __future__ import annotations

from hall.map.services.asking import SourceFault

NOTHING = SourceFault("nothing-there", "it has nothing wherever it was asked; are its layer and its address right?")
#: answers in a row; ms that a picture stands for its service
_RUN, _STANDS_MS = 8, 3_600_000
#: ms that "nothing there" is believed, and that go by between two looks at a picture from before
EMPTY_MS = 600_000


class Silence:
    """`said`: it has nothing anywhere."""

    def __init__(self) -> None:
        self.said = False
        self._run, self._pictured, self._looked = 0, None, None

    def heard(self, picture: bool, now: int) -> bool:
        """An answer; `now` ms. True: time to look at a picture from before, and to tell by `decided` what came of it."""
        if picture:
            self.said, self._run, self._pictured = False, 0, now
            return False
        self._run += 1
        if self._run < _RUN or self.said or self.proven(now) or (self._looked is not None and now - self._looked < EMPTY_MS):
            return False
        self._looked = now
        return True

    def proven(self, now: int) -> bool:
        """Whether it gave a picture within the hour: then it is right where it has none."""
        return self._pictured is not None and now - self._pictured < _STANDS_MS

    def decided(self, now: int) -> None:
        """The look is over: without a picture since, nothing is there."""
        self.said = self._run >= _RUN and not self.proven(now)

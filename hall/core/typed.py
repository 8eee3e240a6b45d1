"""What somebody types to find a place: two numbers that are coordinates, or words that names hold. Pure."""

from __future__ import annotations

import bisect
import itertools
import re
from typing import NamedTuple

from hall.core import coordinates
from hall.core.wording import initials, plain, words_of

_NUMBER = r"([NSEWnsew北南东西]?\s*[-+]?\d{1,3}(?:\.\d+)?\s*°?\s*[NSEWnsew北南东西]?)"
_PAIR = re.compile(rf"\s*{_NUMBER}\s*[,，;、\s]\s*{_NUMBER}\s*")
_AXES = {"N": 0, "S": 0, "北": 0, "南": 0, "E": 1, "W": 1, "东": 1, "西": 1}
#: how well a name answers: whole, begins so, holds it, its pinyin initials do
WHOLE, BEGINS, HOLDS, INITIALS = 0, 1, 2, 3


class Spot(NamedTuple):
    """A place as it was typed, `crs` as which it is read, in WGS-84 degrees."""

    lon: float
    lat: float
    crs: str


def coordinates_of(text: str, near: tuple[float, float]) -> list[Spot]:
    """The places that "34.7, 113.6" may mean, the likelier first: as WGS-84 and, in China, as GCJ-02. Letters (N, E, 北, 东)
    say which number is which; without them, and where both orders are possible, the one nearer to `near` (lon, lat)."""
    found = _PAIR.fullmatch(text)
    if found is None:
        return []
    one, two = (_value(part) for part in found.groups())
    orders = [(two, one), (one, two)]  # (lon, lat): a latitude is said first in most of the world
    if one[1] == 1 or two[1] == 0:
        orders = [(one, two)]
    elif one[1] == 0 or two[1] == 1:
        orders = [(two, one)]
    possible = [(lon[0], lat[0]) for lon, lat in orders if abs(lon[0]) <= 180 and abs(lat[0]) <= 90]
    if not possible:
        return []
    lon, lat = min(possible, key=lambda place: abs(place[0] - near[0]) + abs(place[1] - near[1]))
    spots = [Spot(lon, lat, "WGS-84")]
    shifted = coordinates.gcj02_to_wgs84(lon, lat)
    if shifted != (lon, lat):
        spots.append(Spot(round(shifted[0], 7), round(shifted[1], 7), "GCJ-02"))
    return spots


def _value(text: str) -> tuple[float, int | None]:
    """Degrees, and whether they are said to be a latitude (0) or a longitude (1)."""
    letter = next((sign for sign in text.upper() if sign in _AXES), "")
    number = float(re.sub(r"[^\d.+-]", "", text))
    return (-number if letter in ("S", "W", "南", "西") else number), _AXES.get(letter) if letter else None


class Names(NamedTuple):
    """What a thing is called, as words are looked for in it."""

    plain: str
    initials: str

    @classmethod
    def of(cls, *names: str) -> Names:
        """`names`: the first is the one whose pinyin initials count."""
        return cls("\n".join(plain(name) for name in names if name), initials(names[0]) if names and names[0] else "")

    def rank(self, words: tuple[str, ...]) -> int | None:
        """How well all of `words` (of `words_of`) answer, None when one is not there."""
        if not words:
            return None
        worst = WHOLE
        for word in words:
            at = self.plain.find(word)
            if at >= 0:
                begins = at == 0 or self.plain[at - 1] == "\n"
                ends = at + len(word) == len(self.plain) or self.plain[at + len(word)] == "\n"
                worst = max(worst, WHOLE if begins and ends else BEGINS if begins else HOLDS)
            elif word.isascii() and word in self.initials:
                worst = max(worst, INITIALS)
            else:
                return None
        return worst


class Directory:
    """Many names looked through as one text: `ranked(words)` gives (rank, number of the name). Made once, never changed."""

    def __init__(self, names: list[Names]) -> None:
        self.names = names
        pieces = [f"{one.plain}\n{one.initials}\0" for one in names]
        self._text = "".join(pieces)
        self._starts = list(itertools.accumulate(map(len, pieces), initial=0))[:-1]

    def ranked(self, words: tuple[str, ...], most: int = 2_000) -> list[tuple[int, int]]:
        """At most `most` that hold all words, in the order of the names."""
        if not words or not self.names:
            return []
        word, found, at = max(words, key=len), [], -1
        while len(found) < most and (at := self._text.find(word, at + 1)) >= 0:
            number = bisect.bisect_right(self._starts, at) - 1
            rank = self.names[number].rank(words)
            if rank is not None:
                found.append((rank, number))
            at = self._starts[number + 1] - 1 if number + 1 < len(self._starts) else len(self._text)
        return found


__all__ = ["BEGINS", "HOLDS", "INITIALS", "WHOLE", "Directory", "Names", "Spot", "coordinates_of", "words_of"]

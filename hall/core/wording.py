"""How names are found by words: parts of a name, pinyin initials of a Chinese one, the beginning of an id. Pure."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache

#: words of one query; what is typed beyond them is left out
MOST_WORDS = 8
# The first level of GB 2312 (3,755 characters, all of daily use) is in the order of pronunciation: where each letter begins.
_BEGINS = (
    0xB0A1, 0xB0C5, 0xB2C1, 0xB4EE, 0xB6EA, 0xB7A2, 0xB8C1, 0xB9FE, 0xBBF7, 0xBFA6, 0xC0AC, 0xC2E8, 0xC4C3, 0xC5B6, 0xC5BE,
    0xC6DA, 0xC8BB, 0xC8F6, 0xCBFA, 0xCDDA, 0xCEF4, 0xD1B9, 0xD4D1,
)  # fmt: skip
_LETTERS = "abcdefghjklmnopqrstwxyz"
_END = 0xD7FA


def plain(text: str) -> str:
    """Text as it is compared: full-width forms and case do not count."""
    return unicodedata.normalize("NFKC", text).lower()


def words_of(query: str) -> tuple[str, ...]:
    """The words of a query, each of which must be found."""
    return tuple(dict.fromkeys(plain(query).split()))[:MOST_WORDS]


@lru_cache(maxsize=4096)
def _initial(sign: str) -> str:
    if sign.isascii():
        return sign if sign.isalnum() else ""
    try:
        code = int.from_bytes(sign.encode("gb2312"))
    except UnicodeEncodeError:
        return ""
    return _LETTERS[bisect_right(_BEGINS, code) - 1] if _BEGINS[0] <= code < _END else ""


def initials(text: str) -> str:
    """Pinyin initials: `人民路12号桥` gives `rml12hq`; a character with several readings has the one GB 2312 sorts it by, rarer
    characters (its second level) give nothing. Empty when there is no Chinese in the text."""
    return "" if text.isascii() else "".join(map(_initial, text))


def haystack(*said: str) -> str:
    """What the words of a query are looked for in: `said`, and the initials of the first."""
    shown = [plain(text) for text in said if text]
    return "\n".join((*shown, initials(shown[0]) if shown else ""))

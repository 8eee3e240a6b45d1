"""Reading a length of time as rule tables write it: `2紧急工作时`, `1 工作日`, `15分钟`, `种植季节15工作日`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

#: word -> (kind, units of that kind). Longer words are tried first. Bare hours run on, bare days are calendar days.
WORDS: dict[str, tuple[str, float]] = {
    "紧急工作小时": ("emergency", 1),
    "紧急工作时": ("emergency", 1),
    "紧急工作日": ("natural_day", 1),
    "工作小时": ("working_hour", 1),
    "工作时": ("working_hour", 1),
    "工作日": ("working_day", 1),
    "自然日": ("natural_day", 1),
    "日历日": ("natural_day", 1),
    "小时": ("emergency", 1),
    "分钟": ("emergency", 1 / 60),
    "秒": ("emergency", 1 / 3600),
    "天": ("natural_day", 1),
    "日": ("natural_day", 1),
    "周": ("natural_day", 7),
    "working_hour": ("working_hour", 1),
    "working_day": ("working_day", 1),
    "natural_day": ("natural_day", 1),
    "emergency": ("emergency", 1),
    "working hour": ("working_hour", 1),
    "working day": ("working_day", 1),
    "hour": ("emergency", 1),
    "minute": ("emergency", 1 / 60),
    "min": ("emergency", 1 / 60),
    "second": ("emergency", 1 / 3600),
    "day": ("natural_day", 1),
    "h": ("emergency", 1),
    "s": ("emergency", 1 / 3600),
}
_CHINESE = {word: value for value, word in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMBER = r"(?P<number>\d+(?:\.\d+)?|[零〇一二两三四五六七八九十百]+|半)"


class Amount(NamedTuple):
    """So many units of a kind; `note` is what the cell says besides (`种植季节`)."""

    amount: float
    kind: str
    note: str


class NoAmount(ValueError):
    """The text names no length of time, or more than one; `reason` is a stable code."""

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {text!r}")


def parse(text: str, words: Mapping[str, tuple[str, float]] | None = None) -> Amount:
    """Reads one length of time; `words` are a city's own, tried before ours. Raises NoAmount `limit-missing`,
    `limit-unparsable`, `limit-ambiguous`."""
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()
    if not plain:
        raise NoAmount("limit-missing", text)
    known = WORDS | dict(words or {})
    units = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    pattern = re.compile(rf"{_NUMBER}\s*个?\s*(?P<unit>{units})(?:s\b)?(?![a-z])", re.IGNORECASE)
    found = list(pattern.finditer(plain))
    if not found:
        raise NoAmount("limit-unparsable", text)
    if len(found) > 1:
        raise NoAmount("limit-ambiguous", text)
    kind, factor = known[found[0]["unit"].lower() if found[0]["unit"].lower() in known else found[0]["unit"]]
    value = _number(found[0]["number"]) * factor
    if not 0 < value <= 100_000:
        raise NoAmount("limit-unparsable", text)
    rest = f"{plain[: found[0].start()]} {plain[found[0].end() :]}"
    return Amount(value, kind, re.sub(r"^[\s,。;、()]+|[\s,。;、()]+$", "", rest))


def _number(text: str) -> float:
    if text == "半":
        return 0.5
    if text[0].isascii():
        return float(text)
    value, digit = 0, None
    for letter in text:
        if letter in ("十", "百"):
            value += (1 if digit is None else digit) * (10 if letter == "十" else 100)
            digit = None
        else:
            digit = _CHINESE[letter]
    return float(value + (digit or 0))

"""China's warning signals (预警信号) in CAP messages: which kind, which colour, and so how severe. Words, no rules.

Option `signals` of a feed: a table from a word to what it says, over the default set (feeds/signalwords.py):
`"暴雨" = {kind = "rainstorm"}`, `"红色" = {colour = "red"}`, `"11B03" = {kind = "rainstorm"}`,
`"特急" = {colour = "red", severity = 4}`; `{}` takes a word out. Words are looked for in event, event codes, parameters and
headline, in this order; Latin ones only as whole words. `signals = false`: nobody looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from feeds.signalwords import COLOURS, KINDS

SEVERITY = {"blue": 1, "yellow": 2, "orange": 3, "red": 4}


class Meaning(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a word says of a warning; empty: nothing."""

    kind: str = ""
    colour: str = ""
    severity: int | None = None


def signal_of(texts: Iterable[str], option: Any = None) -> Meaning:
    """The signal that some texts name; the first text that says a thing counts. Raises ValueError for a bad option."""
    if option is False:
        return Meaning()
    words = _words(msgspec.json.encode(option or {}, order="sorted"))
    kind, colour, severity = "", "", None
    for text in filter(None, texts):  # a later text adds what the ones before it left open
        hits = [(hit.start(), -len(hit[0]), meaning) for pattern, meaning in words if (hit := pattern.search(text))]
        found = [meaning for _, _, meaning in sorted(hits, key=lambda hit: hit[:2])]
        kind = kind or next((meaning.kind for meaning in found if meaning.kind), "")
        colours = {meaning.colour for meaning in found} - {""}
        if not colour and len(colours) == 1:  # "橙色升级为红色" names two: that text decides nothing
            (colour,) = colours
            severity = next((meaning.severity for meaning in found if meaning.severity is not None), None)
    return Meaning(kind, colour, SEVERITY.get(colour) if severity is None else severity)


@lru_cache(maxsize=64)
def _words(option: bytes) -> tuple[tuple[re.Pattern, Meaning], ...]:
    try:
        own: Mapping[str, Meaning] = msgspec.json.decode(option, type=dict[str, Meaning])
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    defaults = {word: Meaning(kind=kind) for word, kind in KINDS.items()}
    defaults |= {word: Meaning(colour=colour) for word, colour in COLOURS.items()}
    merged = {word.lower(): meaning for word, meaning in {**defaults, **own}.items() if word and meaning != Meaning()}
    gone = {word.lower() for word, meaning in own.items() if meaning == Meaning()}
    return tuple((_pattern(word), merged[word]) for word in sorted(merged) if word not in gone)


def _pattern(word: str) -> re.Pattern:
    """Latin words stand alone, Chinese ones have no edges."""
    edge = r"(?![A-Za-z0-9])" if word.isascii() else ""
    start = r"(?<![A-Za-z0-9])" if word.isascii() else ""
    return re.compile(start + re.escape(word) + edge, re.IGNORECASE)

"""HLS playlists as data (RFC 8216, section 4); what cannot be understood is refused, everything is bounded."""

from __future__ import annotations

import datetime
import re

import msgspec

from hall.core.errors import BadInput

MOST_LINES, MOST_SEGMENTS = 40_000, 10_000
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=(?:"([^"]*)"|([^",]*))')


class Variant(msgspec.Struct, frozen=True):
    """One of several renderings of the same stream."""

    address: str
    bandwidth: int = 0
    height: int = 0
    codecs: str = ""


class Segment(msgspec.Struct, frozen=True):
    """`range`: offset and length in bytes; `key` address of the AES-128 key; `taken`: real ms of its first picture."""

    number: int
    address: str
    seconds: float
    range: tuple[int, int] | None = None
    discontinuous: bool = False
    key: str = ""
    iv: bytes = b""
    init: str = ""
    init_range: tuple[int, int] | None = None
    taken: int | None = None


class Media(msgspec.Struct, frozen=True):
    """A playlist of segments; `target` seconds, `ended`: nothing more will come."""

    target: float
    segments: list[Segment]
    ended: bool


def parse(text: str) -> Media | list[Variant]:
    """A media playlist, or the variants of a master playlist. Raises BadInput."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines()[:MOST_LINES]]
    if not lines or not lines[0].startswith("#EXTM3U"):
        raise BadInput("playlist", "it does not begin with #EXTM3U")
    if any(line.startswith("#EXT-X-STREAM-INF") for line in lines):
        return _variants(lines)
    return _Reading().media(lines)


def _variants(lines: list[str]) -> list[Variant]:
    found, told = [], None
    for line in lines[1:]:
        if line.startswith("#EXT-X-STREAM-INF:"):
            told = _attributes(line)
        elif line and not line.startswith("#") and told is not None:
            height = told.get("RESOLUTION", "").lower().partition("x")[2]
            found.append(Variant(line, _whole(told.get("BANDWIDTH", "0")), _whole(height or "0"), told.get("CODECS", "")))
            told = None
    if not found:
        raise BadInput("playlist", "no variant has an address")
    return found[:64]


class _Reading:
    """What the tags so far say about the next segment."""

    def __init__(self) -> None:
        self.number, self.target = 0, 0.0
        self.seconds: float | None = None
        self.range: tuple[int, int] | None = None
        self.behind = 0  # where the last byte range ended
        self.discontinuous = self.ended = self.gap = False
        self.key, self.iv, self.init = "", b"", ""
        self.init_range: tuple[int, int] | None = None
        self.taken: int | None = None

    def media(self, lines: list[str]) -> Media:
        found: list[Segment] = []
        for line in lines[1:]:
            if line.startswith("#"):
                self.tag(line)
            elif line:
                self.segment(line, found)
        if len(found) > MOST_SEGMENTS:
            raise BadInput("playlist", f"more than {MOST_SEGMENTS} segments")
        target = self.target or max((one.seconds for one in found), default=0.0)
        return Media(min(max(target, 0.5), 60.0), found, self.ended)

    def segment(self, address: str, found: list[Segment]) -> None:
        seconds = self.seconds or 0.0
        if not self.gap:
            found.append(
                Segment(
                    self.number,
                    address,
                    seconds,
                    self.range,
                    self.discontinuous,
                    self.key,
                    self.iv,
                    self.init,
                    self.init_range,
                    self.taken,
                )  # fmt: skip
            )
        self.number += 1
        self.taken = None if self.taken is None else self.taken + round(seconds * 1000)
        self.seconds, self.range, self.discontinuous, self.gap = None, None, False, False

    def tag(self, line: str) -> None:
        name, _, value = line.partition(":")
        match name:
            case "#EXTINF":
                self.seconds = min(_decimal(value.partition(",")[0]), 600.0)
            case "#EXT-X-TARGETDURATION":
                self.target = _decimal(value)
            case "#EXT-X-MEDIA-SEQUENCE":
                self.number = _whole(value)
            case "#EXT-X-BYTERANGE":
                self.range = self.span(value)
                self.behind = sum(self.range)
            case "#EXT-X-DISCONTINUITY":
                self.discontinuous = True
            case "#EXT-X-GAP":
                self.gap = True
            case "#EXT-X-ENDLIST":
                self.ended = True
            case "#EXT-X-KEY":
                self._key(_attributes(line))
            case "#EXT-X-MAP":
                told = _attributes(line)
                self.init = told.get("URI", "")
                self.init_range = self.span(told["BYTERANGE"], 0) if "BYTERANGE" in told else None
            case "#EXT-X-PROGRAM-DATE-TIME":
                self.taken = _moment(value)

    def span(self, text: str, usual: int | None = None) -> tuple[int, int]:
        length, _, offset = text.partition("@")
        begin = _whole(offset) if offset else (self.behind if usual is None else usual)
        return begin, _whole(length)

    def _key(self, told: dict[str, str]) -> None:
        method = told.get("METHOD", "NONE")
        if method == "NONE":
            self.key, self.iv = "", b""
        elif method == "AES-128" and told.get("KEYFORMAT", "identity") == "identity" and told.get("URI"):
            self.key = told["URI"]
            try:
                self.iv = bytes.fromhex(told["IV"][2:].zfill(32)) if "IV" in told else b""
            except ValueError:
                raise BadInput("playlist", "a key's IV is not hexadecimal") from None
        else:
            raise BadInput("playlist", f"encrypted with {method[:40]}, which the hall has no key for")


def _attributes(line: str) -> dict[str, str]:
    return {name: quoted or plain for name, quoted, plain in _ATTRIBUTE.findall(line.partition(":")[2])}


def _whole(text: str) -> int:
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadInput("playlist", f"no whole number: {text[:40]!r}")
    return int(text)


def _decimal(text: str) -> float:
    try:
        found = float(text.strip())
    except ValueError:
        raise BadInput("playlist", f"no number: {text[:40]!r}") from None
    if not 0 <= found < 1e6:
        raise BadInput("playlist", f"no duration: {text[:40]!r}")
    return found


def _moment(text: str) -> int | None:
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return int(moment.timestamp() * 1000) if moment.tzinfo else None

"""NMEA 0183 of satellite receivers: RMC, GGA and VTG of any talker, ZDA for the date; files of gpsd and live lines.

One row per RMC, with altitude, quality and satellites of the GGA of the same second and the speed of VTG where RMC has none.
A receiver without RMC gives one row per GGA once a ZDA told the date. Without a fix a row has `fixed` false, which the default
mapping does not want. A stream does not name its vehicle: `unit_id` comes from an NMEA 4 tag block (`\\s:NAME*hh\\`), from the
transport (feeds/transports/lines.py), or from `options.unit_id`. Options: `unit_id`, `checksum` ("optional": lines without one
are taken; wrong ones never).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from typing import Any

from feeds.source import Format, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput

KNOT_MPS = 1852 / 3600
#: metres that a range to a satellite is wrong by, by GGA's quality: autonomous (GPS SPS performance standard), differential,
#: RTK fixed, RTK float; times the fix's dilution it is the radius of two fixes of three. Other qualities say nothing of it
RANGE_ERROR_M = {"1": 5.0, "2": 2.5, "4": 0.05, "5": 0.5}
LINE_BOUND = 400  # NMEA says 82; tag blocks and makers' own are longer
_SENTENCE = re.compile(r"^\$[A-Z]{2}([A-Z]{3}),([^*]*)(?:\*([0-9A-Fa-f]{2}))?$")
_TAG = re.compile(r"^\\([^\\]*)\\(.*)$")


class Receiver:
    """What one receiver said so far; `line` gives the row that a line completes."""

    def __init__(self, unit_id: str = "", optional_checksum: bool = False) -> None:
        self.unit_id, self._optional = unit_id, optional_checksum
        self._fix: dict[str, Any] = {}  # of the last GGA; `clock` is its time of day
        self._speed: dict[str, Any] = {}  # of the last VTG
        self._date: datetime.date | None = None
        self._dated_by_rmc = False
        self.undated = 0  # fixes that no date came for
        self._readers = {"RMC": self._rmc, "GGA": self._gga, "VTG": self._vtg, "ZDA": self._zda}

    @property
    def dated(self) -> bool:
        return self._date is not None

    def line(self, text: str) -> dict[str, Any] | None:
        """The row that this line completes, None for one that completes none. Raises BadInput."""
        text = text.strip()
        if not text or text.startswith("#"):
            return None
        if len(text) > LINE_BOUND:
            raise BadInput("nmea-line", f"{len(text)} characters")
        unit = self.unit_id
        if tag := _TAG.match(text):
            unit, text = _source(tag[1]) or unit, tag[2]
        if text.startswith(("!", "$P")):
            return None  # ships' AIS and makers' own
        match = _SENTENCE.match(text)
        if not match:
            raise BadInput("nmea-line", text[:80])
        self._check(text, match[3])
        read = self._readers.get(match[1])
        try:
            row = read(match[2].split(",")) if read else None
        except (IndexError, ValueError) as error:
            raise BadInput("nmea-field", f"{text[:80]}: {error}") from None
        if row is not None and unit:
            row["unit_id"] = unit
        return row

    def _check(self, text: str, said: str | None) -> None:
        if said is None:
            if not self._optional:
                raise BadInput("nmea-checksum", "the line has none")
            return
        found = 0
        for char in text[1 : text.rindex("*")]:
            found ^= ord(char)
        if found != int(said, 16):
            raise BadInput("nmea-checksum", f"{found:02X} expected, {said.upper()} found")

    def _rmc(self, part: list[str]) -> dict[str, Any]:
        self._dated_by_rmc = True
        self._date = _date(part[8]) if part[8] else self._date
        if part[1] != "A" or (len(part) > 11 and part[11] == "N"):
            return {"sentence": "RMC", "fixed": False}
        lat, lon = _degrees(part[2], part[3], "N", "S", 90), _degrees(part[4], part[5], "E", "W", 180)
        row = {"sentence": "RMC", "fixed": True, "lat": lat, "lon": lon, "time": self._moment(part[0])}
        if part[6]:
            row |= {"speed_mps": float(part[6]) * KNOT_MPS, "heading": float(part[7]) % 360 if part[7] else None}
        else:
            row |= self._speed
        if self._fix.get("clock") == _clock(part[0]):
            row |= {name: value for name, value in self._fix.items() if name not in ("clock", "lat", "lon", "fixed")}
        return row

    def _gga(self, part: list[str]) -> dict[str, Any] | None:
        """Keeps what RMC lacks; a row of its own only where no RMC comes."""
        fixed = part[5] not in ("", "0")
        self._fix = {"fixed": fixed, "clock": _clock(part[0]) if part[0] else None}
        if fixed:
            self._fix |= {"lat": _degrees(part[1], part[2], "N", "S", 90), "lon": _degrees(part[3], part[4], "E", "W", 180)}
            named = (("quality", part[5]), ("satellites", part[6]), ("hdop", part[7]), ("altitude_m", part[8]))
            self._fix |= {name: float(value) for name, value in named if value}
            if (error := RANGE_ERROR_M.get(part[5])) and part[7]:
                self._fix["accuracy_m"] = round(error * float(part[7]), 2)
        if self._dated_by_rmc:
            return None
        if not fixed:
            return {"sentence": "GGA", "fixed": False}
        if self._date is None:
            self.undated += 1
            return None
        row = {name: value for name, value in self._fix.items() if name != "clock"}
        return row | self._speed | {"sentence": "GGA", "time": self._moment(part[0])}

    def _vtg(self, part: list[str]) -> None:
        knots, kmh = (part[k] if len(part) > k else "" for k in (4, 6))
        self._speed = {}
        if knots or kmh:
            self._speed["speed_mps"] = float(kmh) / 3.6 if kmh else float(knots) * KNOT_MPS
            self._speed["heading"] = float(part[0]) % 360 if part[0] else None

    def _zda(self, part: list[str]) -> None:
        if part[1] and part[2] and part[3]:
            self._date = datetime.date(int(part[3]), int(part[2]), int(part[1]))

    def _moment(self, clock: str) -> int:
        if self._date is None:
            raise ValueError("no date")
        return round(datetime.datetime.combine(self._date, _clock(clock), datetime.UTC).timestamp() * 1000)


def _date(text: str) -> datetime.date:
    if len(text) != 6 or not text.isdigit():
        raise ValueError(f"date {text!r}")
    year = int(text[4:])
    return datetime.date(year + (2000 if year < 80 else 1900), int(text[2:4]), int(text[:2]))


def _clock(text: str) -> datetime.time:
    whole, _, part = text.partition(".")
    if len(whole) != 6 or not whole.isdigit() or not (part or "0").isdigit():
        raise ValueError(f"time {text!r}")
    second = min(59, int(whole[4:]))  # a leap second is the last one again
    return datetime.time(int(whole[:2]), int(whole[2:4]), second, int((part + "000000")[:6]))


def _degrees(text: str, side: str, plus: str, minus: str, most: float) -> float:
    """`ddmm.mmmm` and a side of the world to signed degrees."""
    point = text.find(".") if "." in text else len(text)
    minutes, whole = float(text[point - 2 :]), text[: point - 2]
    found = int(whole or "0") + minutes / 60
    if side not in (plus, minus) or not 0 <= minutes < 60 or not 0 <= found <= most:
        raise ValueError(f"position {text!r} {side!r}")
    return round(-found if side == minus else found, 8)


def _source(tag: str) -> str:
    """The `s:` of a tag block, "" without one."""
    content = tag.partition("*")[0]
    return next((field[2:] for field in content.split(",") if field.startswith("s:")), "")


def receiver(feed: FeedConfig, unit_id: str = "") -> Receiver:
    """A receiver as the feed's options want it; `unit_id` is what the transport knows, `options.unit_id` goes before."""
    return Receiver(str(feed.options.get("unit_id") or unit_id), feed.options.get("checksum") == "optional")


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    """Rows of a body's lines; lines that cannot be read are Unread."""
    source = receiver(feed)
    yield from rows_of_lines(body.split(b"\n"), source)
    if source.undated and not source.dated:
        yield Unread(b"", "nmea-undated", f"{source.undated} fixes without a date: the receiver says neither RMC nor ZDA")


def rows_of_lines(lines: Iterable[bytes], source: Receiver) -> Iterator[Row]:
    for line in lines:
        try:
            row = source.line(line.decode("ascii"))
        except UnicodeDecodeError:
            yield Unread(line[:LINE_BOUND], "nmea-line", "bytes that are no ASCII")
        except BadInput as error:
            yield Unread(line[:LINE_BOUND], error.reason, error.detail)
        else:
            if row is not None:
                yield row


MAPPING = {
    "position": {
        "unit_id": "unit_id",
        "time": {"path": "time", "time": "epoch_ms"},
        "lon": "lon",
        "lat": "lat",
        "speed_mps": "speed_mps",
        "heading_deg": "heading",
        "accuracy_m": "accuracy_m",
        "extra": {"altitude_m": "altitude_m", "satellites": "satellites", "hdop": "hdop", "quality": "quality"},
        "filter": {"path": "fixed", "in": [True]},
    }
}

FORMAT = Format("nmea", rows, suffixes=(".nmea",), mapping=MAPPING, options=("unit_id", "checksum"))

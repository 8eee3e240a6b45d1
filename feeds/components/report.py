"""What an import says of itself: counts by reason with their first examples, and the parked rows as a file to correct."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import IO, Any

import msgspec

SHOWN = 5  # examples kept of each reason
#: columns of a parked file that are not the source's
PREFIX = "parked:"
_TOLD = (f"{PREFIX}reason", f"{PREFIX}detail", f"{PREFIX}place")


class Counted(msgspec.Struct):
    """How often, and the first examples as `place: detail`."""

    count: int = 0
    examples: list[str] = []


class Report(msgspec.Struct, kw_only=True):
    """One import. `kept_as_was`: components whose new row was parked, so that the old one stands."""

    source: str
    origin: str  # file or address, without a password
    mode: str  # whole | update
    at: int  # real time, ms
    by: str = ""
    crs: str = ""
    crs_accuracy_m: float | None = None
    notes: list[str] = []
    rows: int = 0
    taken: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    kept_as_was: int = 0
    repeated: int = 0  # rows that say the same as another one, word for word
    parked: dict[str, Counted] = {}
    marked: dict[str, Counted] = {}
    parked_file: str = ""
    version: str = ""  # of the store afterwards; empty where nothing was changed
    seconds: float = 0.0

    def park(self, reason: str, example: str) -> None:
        _count(self.parked, reason, example)

    def mark(self, name: str, example: str) -> None:
        _count(self.marked, name, example)

    def parked_rows(self) -> int:
        return sum(one.count for one in self.parked.values())

    def lines(self) -> list[str]:
        """The report as text."""
        accuracy = (
            "accuracy of the way to WGS-84 unknown"
            if self.crs_accuracy_m is None
            else f"to WGS-84 within {self.crs_accuracy_m:g} m"
        )
        found = [f"{self.source}  {self.origin}  ({self.mode})", f"  {self.crs}, {accuracy}"]
        found += [f"  {note}" for note in self.notes]
        rate = f" · {self.rows / self.seconds:,.0f} rows/s" if self.seconds else ""
        found.append(
            f"  rows {self.rows:,} · taken {self.taken:,} · parked {self.parked_rows():,} · repeated {self.repeated:,}{rate}"
        )
        found.append(
            f"  inserted {self.inserted:,} · updated {self.updated:,} · unchanged {self.unchanged:,}"
            f" · withdrawn {self.withdrawn:,}"
            + (f" · kept as they were, their row is parked: {self.kept_as_was:,}" if self.kept_as_was else "")
        )
        for title, what in (("parked", self.parked), ("marked", self.marked)):
            for reason, counted in sorted(what.items(), key=lambda item: -item[1].count):
                found.append(f"  {title} {counted.count:,} × {reason}")
                found += [f"      {example}" for example in counted.examples]
        if self.parked_file:
            found.append(f"  parked rows: {self.parked_file}")
            found.append("    correct them there and import that file with --parked")
        found.append(f"  version {self.version}" if self.version else "  nothing changed: the version stands")
        return found


def _count(into: dict[str, Counted], name: str, example: str) -> None:
    counted = into.setdefault(name, Counted(0, []))
    counted.count += 1
    if len(counted.examples) < SHOWN:
        counted.examples.append(example[:300])


class ParkedRows:
    """Refused rows on their way into a file; memory holds none of them. `close` makes the CSV where there were any."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._lines = path.with_suffix(".part")
        self._columns: dict[str, None] = {}
        self._file: IO[bytes] | None = None

    def add(self, reason: str, detail: str, place: str, raw: bytes) -> None:
        """`raw`: the row as a JSON object, or the text of one that could not be read."""
        if self._file is None:
            self._file = self._lines.open("wb")
        self.count += 1
        row = _object(raw)
        self._columns.update(dict.fromkeys(row))
        self._file.write(msgspec.json.encode([reason, detail, place, row]) + b"\n")

    def close(self) -> Path | None:
        if self._file is None:
            return None
        self._file.close()
        names = list(self._columns)
        with self._lines.open("rb") as lines, self.path.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow([*_TOLD, *names])
            for line in lines:
                *told, row = msgspec.json.decode(line)
                writer.writerow([*told, *(_cell(row.get(name)) for name in names)])
        self._lines.unlink()
        return self.path


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(raw)
        return found if isinstance(found, dict) else {f"{PREFIX}raw": found}
    except msgspec.MsgspecError:
        return {f"{PREFIX}raw": raw.decode("utf-8", "replace")}


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return "" if value is None else value

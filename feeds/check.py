"""`hall feeds check FILE`: runs mappings over samples and says what was understood, what was refused and why.

FILE is a sample of one feed's input (`--feed NAME`, the configuration by `--config`, HALL_CONFIG or ./hall.toml), or a
hall.toml: then each replay:// feed is tried on its own file. Nothing is published.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from feeds.checks import check, check_time
from feeds.decoding import Decoding
from feeds.intake import subject_for
from feeds.places import Places
from feeds.recording import rows_of_file
from feeds.source import Gone, Pixels, Ready, Row, Unread
from hall.core import config as configuration
from hall.core.clock import real_ms
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput, ConfigError
from hall.core.model import Doc
from hall.core.raster import Frame
from hall.core.settings import variable

SHOWN = 5  # examples of each refusal's detail
FAR_MS = 1 << 52


class Report:
    """What one feed's sample gave."""

    def __init__(self) -> None:
        self.rows = self.filtered = self.gone = 0
        self.understood = 0
        self.subjects: set[str] = set()
        self.filled: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.details: dict[str, list[str]] = {}
        self.first: Doc | None = None
        self.columns: set[str] = set()
        self.times: list[int] = []
        self.points: list[tuple[float, float]] = []

    def refuse(self, error: BadInput | Unread) -> None:
        self.refused[error.reason] += 1
        known = self.details.setdefault(error.reason, [])
        if len(known) < SHOWN and error.detail not in known:
            known.append(error.detail)

    def take(self, doc: Doc, time: int | None, now: int) -> None:
        check(doc)
        if time is not None:
            check_time(time, now)
            self.times = [min([time, *self.times[:1]]), max([time, *self.times[1:]])]
        self.understood += 1
        self.subjects.add(subject_for(doc))
        self.filled.update(name for name in doc.__struct_fields__ if getattr(doc, name) not in (None, "", [], {}))
        self.first = self.first or doc
        if getattr(doc, "lon", None) is not None and len(self.points) < 100_000:
            self.points.append((doc.lon, doc.lat))  # type: ignore[attr-defined]

    def frame(self, pixels: Pixels, now: int) -> None:
        check_time(pixels.time, now)
        self.times = [min([pixels.time, *self.times[:1]]), max([pixels.time, *self.times[1:]])]
        self.understood += 1
        self.subjects.add(f"raster/{pixels.product}")
        self.first = self.first or Frame(
            time=pixels.time,
            start=pixels.start,
            run=pixels.run,
            version=pixels.version,
            most=pixels.most,
            covered=pixels.covered,
        )


def examine(rows: Iterator[Row], decoding: Decoding, now: int, limit: int | None) -> Report:
    """Runs a mapping over rows; never raises for bad input."""
    report, mapping = Report(), decoding.mapping
    for row in rows:
        if limit is not None and report.rows >= limit:
            break
        report.rows += 1
        try:
            if isinstance(row, Unread):
                report.refuse(row)
            elif isinstance(row, Gone):
                report.gone += 1
            elif isinstance(row, Ready):
                report.take(row.doc, row.time, now)
            elif isinstance(row, Pixels):
                report.frame(row, now)
            else:
                report.columns.update(row)
                for view in mapping.views(row):
                    if view is None:
                        report.filtered += 1
                    else:
                        doc, time, *_ = mapping.document(view)
                        report.take(doc, time, now)
        except BadInput as error:
            report.refuse(error)
        except (TypeError, ValueError, AttributeError, LookupError, OverflowError, RecursionError) as error:
            report.refuse(BadInput("mapping-failed", f"{type(error).__name__}: {error}"))
    return report


def lines_of(feed: FeedConfig, report: Report, decoding: Decoding, places: Places, zone: str) -> Iterator[str]:
    """The report as text."""
    yield f"{feed.name} ({feed.kind})"
    refused = sum(report.refused.values())
    yield f"  rows {report.rows:,} · understood {report.understood:,} · filtered {report.filtered:,} · refused {refused:,}"
    yield f"  subjects {len(report.subjects):,}" + (f" · gone {report.gone:,}" if report.gone else "")
    if report.times:
        first, last = (datetime.datetime.fromtimestamp(t / 1000, datetime.UTC).isoformat() for t in report.times)
        yield f"  from {first} to {last} (city zone {zone})"
    for reason, count in report.refused.most_common():
        yield f"  refused {count:,} × {reason}"
        yield from (f"      {detail}" for detail in report.details[reason] if detail)
    if report.understood:
        yield "  filled: " + ", ".join(f"{n} {100 * c / report.understood:.0f}%" for n, c in sorted(report.filled.items()))
        yield from _placed(report, places)
        read = decoding.mapping.columns
        unread = sorted(report.columns - read) if read else []
        if unread:
            yield "  columns not read: " + ", ".join(unread[:40])
        shown = msgspec.json.format(msgspec.json.encode(report.first), indent=2).decode()
        yield "  first document:"
        yield from (f"    {line}" for line in shown.splitlines())


def _placed(report: Report, places: Places) -> Iterator[str]:
    if len(places.districts) and report.points:
        found = places.find([p[0] for p in report.points], [p[1] for p in report.points])
        inside = Counter(district for district, _ in found)
        outside = inside.pop("", 0)
        yield f"  in a district {sum(inside.values()):,}, outside of all {outside:,}"


def sample_of(feed: FeedConfig, config: HallConfig, sample: str) -> Path | None:
    """The file a feed is tried on: `--sample`, else a replay's own recording."""
    if sample:
        return Path(sample)
    if feed.url.startswith("replay://"):
        return config.path(feed.url.partition("://")[2].partition("?")[0])
    return None


def check_feed(feed: FeedConfig, config: HallConfig, sample: str, limit: int | None, places: Places) -> bool:
    """Checks one feed and prints; False when nothing of its sample was understood. Raises ConfigError."""
    decoding = Decoding(feed, config)
    path = sample_of(feed, config, sample)
    if path is None:
        print(f"{feed.name} ({feed.kind})\n  the mapping is in order; try it: hall feeds check SAMPLE --feed {feed.name}")
        return True
    if not path.is_file():
        raise config.error(f"feeds[{config.feed(feed.name)[0]}].url", f"there is no file {path.name}")
    now = FAR_MS if feed.url.startswith("replay://") else real_ms()
    try:
        report = examine(rows_of_file(path, decoding), decoding, now, limit)
    except BadInput as error:
        print(f"{feed.name} ({feed.kind})\n  {path.name} cannot be read: {error}")
        return False
    print("\n".join(lines_of(feed, report, decoding, places, config.city.timezone)))
    return bool(report.understood or report.gone)


def main(argv: list[str]) -> int:
    """0: every feed checked understood something; 1: one understood nothing; 2: the configuration cannot be used."""
    parser = argparse.ArgumentParser(prog="hall feeds check", description=main.__doc__)
    parser.add_argument("file", help="a sample of one feed's input, or a hall.toml to check whole")
    parser.add_argument("--feed", help="only this feed; needed for a sample")
    parser.add_argument("--config", default="", help="the hall.toml of a sample; default: HALL_CONFIG, else ./hall.toml")
    parser.add_argument("--sample", default="", help="with a hall.toml: file with a sample of the feed's input (needs --feed)")
    parser.add_argument("--rows", type=int, default=None, help="rows to try at most (default: all)")
    given: Any = parser.parse_args(argv)
    if not given.file.endswith(".toml"):
        given.sample, given.file = given.file, given.config or variable("HALL_CONFIG") or "hall.toml"
    try:
        config = configuration.load(given.file)
        chosen = [feed for feed in config.feeds if given.feed in (None, feed.name)]
        if not chosen or (given.sample and given.feed is None):
            known = ", ".join(feed.name for feed in config.feeds) or "none"
            print(f"hall feeds check: name one feed with --feed; there are {known}", file=sys.stderr)
            return 2
        places = Places(config)
        results = [check_feed(feed, config, given.sample, given.rows, places) for feed in chosen]
    except ConfigError as error:
        print(f"hall feeds check: {error}", file=sys.stderr)
        return 2
    return 0 if all(results) else 1

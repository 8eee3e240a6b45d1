"""`hall alarms try RULES.toml`: a history through the rules in force and through changed ones, before they are switched on.

RULES.toml is a whole hall.toml, or just its tables `[[thresholds]]` and `[dispatch.alarms]`, which then take the place of the
city's own. What really happened is taken from a list (`--floods`) or from the alarms of the ledger that somebody confirmed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from dispatch.alarming import Engine, compile_rules
from dispatch.alarming.episodes import Flood
from dispatch.alarming.hearing import reading_of, supplied_of
from dispatch.alarming.inputs import Input, Position, SensorGone, SensorSeen
from dispatch.alarming.trial import compare
from dispatch.alarming.trialtext import LANGUAGES, lines_of
from dispatch.ledger.ledger import Ledger
from hall.core import config as configuration
from hall.core import model
from hall.core import settings as settings_module
from hall.core.config import GaugeRule, HallConfig
from hall.core.errors import ConfigError, HallError
from hall.core.process import parse_moment

_PAGE = 2_000


def main(argv: list[str], history: Any) -> int:
    """`history(config, files)` gives an object with `feeds`, `facts(since, until)` and `refused` (feeds.history.History).
    0: no flood is newly missed; 1: some are. Raises ConfigError."""
    options = _options(argv)
    config = configuration.load(options.history or settings_module.read().config_path or "hall.toml")
    changed = laid_over(config, options.rules)
    told = history(config, dict(map(_file, options.file)))
    if not told.feeds:
        raise HallError("this city has no recording: give one with --history examples/.../hall.toml or --file FEED=FILE")
    since, until = (parse_moment(text, config.city.timezone) if text else None for text in (options.since, options.until))
    floods = [*(floods_of_file(options.floods, config) if options.floods else ()), *(_confirmed() if options.ledger else ())]
    engines = Engine(compile_rules(config)), Engine(compile_rules(changed))
    found = compare(*engines, inputs_of(told.facts(since, until)), floods, _progress)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        print("\n".join(lines_of(found, options.language, options.list, config.city.timezone)))
        _say_refused(told.refused)
    return 1 if found.newly_missed else 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hall alarms try", description="A history through other rules.")
    add = parser.add_argument
    add("rules", type=Path, metavar="RULES.toml", help="changed rules: [[thresholds]] and [dispatch.alarms], or a hall.toml")
    add("--history", default="", metavar="HALL.toml", help="whose recordings and rules in force; default: HALL_CONFIG")
    add("--file", action="append", default=[], metavar="FEED=FILE", help="read this feed from a recorded file (repeatable)")
    add("--since", default="", metavar="TIME", help="ISO 8601, in the city's zone where it names none; default: all")
    add("--until", default="", metavar="TIME", help="before this moment")
    add("--floods", type=Path, metavar="FILE.csv", help="what happened: columns site, start, end, perhaps name")
    add("--ledger", action="store_true", help="what happened: alarms of this hall's ledger that somebody confirmed")
    add("--language", choices=tuple(LANGUAGES), default="zh-CN", help="of the text")
    add("--json", action="store_true", help="print everything as JSON")
    add("--list", type=int, default=10, metavar="N", help="name at most N alarms of each kind of difference (10)")
    return parser.parse_args(argv)


def _progress(count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count:,}", end="", file=sys.stderr, flush=True)


def _say_refused(refused: dict[tuple[str, str], int]) -> None:
    for (feed, reason), count in refused.items():
        print(f"{feed}: {count:,} × {reason}", file=sys.stderr)


def _file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or not path:
        raise HallError(f"--file {text!r}: write FEED=FILE")
    return name, Path(path).resolve()


def laid_over(config: HallConfig, path: Path) -> HallConfig:
    """The configuration with the rules of `path` instead of its own. Raises ConfigError with the place in `path`."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None
    if "city" in data:
        return configuration.load(path)
    made = msgspec.structs.replace(config, file=str(path.resolve()), text=text)
    unknown = [name for name in data if name not in ("thresholds", "dispatch")]
    unknown += [f"dispatch.{name}" for name in data.get("dispatch", {}) if name != "alarms"]
    if unknown or not data:
        raise made.error((unknown or ["thresholds"])[0], "only [[thresholds]] and [dispatch.alarms] are rules")
    if "thresholds" in data:
        try:
            made.thresholds = msgspec.convert(data["thresholds"], list[GaugeRule])
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at `$")
            raise made.error(f"thresholds{place.rstrip('`')}", problem) from None
    if "dispatch" in data:
        made.dispatch = {**config.dispatch, **data["dispatch"]}
    return made


def inputs_of(facts: Iterable[Any]) -> Iterator[Input]:
    """What the engine is told of facts `(time, subject, doc)`; documents that no rule hears are left out."""
    for time, subject, doc in facts:
        if isinstance(doc, model.Observation):
            yield reading_of(doc, time)
        elif isinstance(doc, model.SuppliedAlarm):
            yield supplied_of(doc, time)
        elif isinstance(doc, model.Sensor):
            yield SensorSeen(sensor=doc, at=time, time=time)
        elif isinstance(doc, model.Position):
            yield Position(
                feed=doc.feed, unit=doc.unit_id, kind=doc.kind, name=doc.name, time=time, lon=doc.lon, lat=doc.lat
            )  # fmt: skip
        elif doc is None and subject.startswith("sensor/"):
            _, feed, sensor = subject.split("/", 2)
            yield SensorGone(feed=feed, sensor=sensor, at=time, time=time)


# -- what happened -----------------------------------------------------------------------------------------------------------


def floods_of_file(path: Path, config: HallConfig) -> list[Flood]:
    """Rows of a list; raises ConfigError naming file and line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [_flood(row, number, path, config.city.timezone) for number, row in enumerate(csv.DictReader(file), 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None


def _flood(row: dict[str, str], number: int, path: Path, zone: str) -> Flood:
    try:
        made = Flood(row["site"], parse_moment(row["start"], zone), parse_moment(row["end"], zone), row.get("name") or "")
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigError(f"give site, start and end (ISO 8601): {error}", file=str(path), line=number) from None
    if made.end < made.start or not made.site:
        raise ConfigError("a flood ends after it starts, at a site", file=str(path), line=number)
    return made


def _confirmed() -> list[Flood]:
    ledger = Ledger(settings_module.read().database_url, {}, migrate=False)
    try:
        return confirmed_in(_entries(ledger))
    finally:
        ledger.close()


def _entries(ledger: Ledger) -> Iterator[Any]:
    last = 0
    while found := ledger.entries(last, _PAGE, subject_prefix="alarm/"):
        yield from found
        last = found[-1].seq


def confirmed_in(entries: Iterable[Any]) -> list[Flood]:
    """One flood for each occurrence of an alarm whose newest disposition is `confirmed`: from its raise to its return, or to
    the last line about it where it has not returned."""
    spans: dict[str, list[int]] = {}
    verdicts: dict[tuple[str, int], tuple[str, int]] = {}
    for entry in entries:
        site = entry.subject.partition("/")[2]
        span = spans.get(site)
        if entry.move == "raise" and (span is None or span[2]):
            span = spans[site] = [entry.time, entry.time, 0]
        if span is None:
            continue
        if entry.move == "return":
            span[2] = 1
        if entry.move in ("raise", "change", "return"):
            span[1] = max(span[1], entry.time)
        if entry.move == "dispose":
            verdicts[site, span[0]] = entry.data.get("found", ""), 0
        if (site, span[0]) in verdicts:
            verdicts[site, span[0]] = verdicts[site, span[0]][0], span[1]
    return [Flood(site, start, end) for (site, start), (found, end) in verdicts.items() if found == "confirmed"]

"""`hall alarms try RULES.toml`: a history through the rules in force and through changed ones, before they are switched on.

RULES.toml is a whole hall.toml, or just its tables `[[thresholds]]` and `[dispatch.alarms]`, which then take the place of the
city's own. What really happened is taken from a list (`--floods`) or from the alarms of the ledger that somebody confirmed.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import os
import re
import resource
import sqlite3
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from dispatch.alarming import Engine, compile_rules
from dispatch.alarming.episodes import Flood
from dispatch.alarming.happened import happened
from dispatch.alarming.hearing import Hearing, reading_of, supplied_of
from dispatch.alarming.inputs import Input, Position, SensorGone, SensorSeen
from dispatch.alarming.rulebook import Rulebook
from dispatch.alarming.trial import Comparison, compare
from dispatch.alarming.trialtext import LANGUAGES, lines_of
from dispatch.ledger.ledger import Ledger
from dispatch.readings.ring import Past
from dispatch.readings.settings import FILE
from hall.core import config as configuration
from hall.core import model
from hall.core import settings as settings_module
from hall.core.config import GaugeRule, HallConfig
from hall.core.errors import ConfigError, HallError
from hall.core.process import parse_moment

_PAGE = 2_000
#: lists of differences, and how much of each a screen is told
LISTS = ("anew", "gone", "newly_missed", "newly_found")
MOST_NAMED = 200
#: of a worker whose hall has died
CPU_SECONDS = 3_600


def main(argv: list[str], history: Any) -> int:
    """`history(config, files)` gives an object with `feeds`, `facts(since, until)` and `refused` (feeds.history.History).
    0: no flood is newly missed; 1: some are; 2 with `--worker`: a fault, told as JSON. Raises ConfigError."""
    options = _options(argv)
    if not options.worker:
        return _tried(options, history)
    _gentle(options.worker)
    try:
        return _tried(options, history)
    except HallError as error:
        told = {"problem": str(error)}
        if isinstance(error, ConfigError):
            told = {"problem": error.problem, "line": error.line or _line_in(error.problem), "key": error.key}
            told["file"] = "" if Path(error.file).name == options.rules.name else Path(error.file).name
        print(msgspec.json.encode({"error": told}).decode())
    except MemoryError:
        print('{"error": {"problem": "memory"}}')
    return 2


def _tried(options: argparse.Namespace, history: Any) -> int:
    config = configuration.load(options.history or settings_module.read().config_path or "hall.toml")
    changed = laid_over(config, options.rules)
    books = compile_rules(config), compile_rules(changed)
    since, until = (parse_moment(text, config.city.timezone) if text else None for text in (options.since, options.until))
    refused, count = Counter[tuple[str, str]](), 0
    if options.from_hall:
        inputs, count = _of_hall(books, since, until)
    else:
        told = history(config, dict(map(_file, options.file)))
        if not told.feeds:
            raise HallError("this city has no recording: --from-hall, --history examples/.../hall.toml or --file FEED=FILE")
        known = _points(books) if options.file else ()
        inputs, refused = itertools.chain(known, inputs_of(told.facts(since, until))), told.refused
    floods = [*(floods_of_file(options.floods, config) if options.floods else ())]
    floods += _known_to_have_happened() if options.ledger else ()
    progress = partial(_say, count) if options.worker else _progress
    found = compare(Engine(books[0]), Engine(books[1]), inputs, floods, progress)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if options.worker:
        print(msgspec.json.encode({"found": _cut(found), "refused": [[*key, n] for key, n in refused.items()]}).decode())
    elif options.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        print("\n".join(lines_of(found, options.language, options.list, config.city.timezone)))
        _say_refused(refused)
    return 1 if found.newly_missed else 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hall alarms try", description="A history through other rules.")
    add = parser.add_argument
    add("rules", type=Path, metavar="RULES.toml", help="changed rules: [[thresholds]] and [dispatch.alarms], or a hall.toml")
    add("--history", default="", metavar="HALL.toml", help="whose recordings and rules in force; default: HALL_CONFIG")
    add("--from-hall", action="store_true", help="what this hall itself heard in the last days")
    add("--file", action="append", default=[], metavar="FEED=FILE", help="read this feed from a recorded file (repeatable)")
    add("--since", default="", metavar="TIME", help="ISO 8601, in the city's zone where it names none; default: all")
    add("--until", default="", metavar="TIME", help="before this moment")
    add("--floods", type=Path, metavar="FILE.csv", help="what happened: columns site, start, end, perhaps name")
    add("--ledger", action="store_true", help="what happened: confirmed alarms and closures, registered cases of the ledger")
    add("--language", choices=tuple(LANGUAGES), default="zh-CN", help="of the text")
    add("--json", action="store_true", help="print everything as JSON")
    add("--worker", type=int, default=0, metavar="MB", help="for the hall itself: low priority, so much memory, JSON, progress")
    add("--list", type=int, default=10, metavar="N", help="name at most N alarms of each kind of difference (10)")
    return parser.parse_args(argv)


def _progress(count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count:,}", end="", file=sys.stderr, flush=True)


def _say(total: int, count: int) -> None:
    """A line for whoever started it."""
    print(f"progress {count} {total}", file=sys.stderr, flush=True)


def _cut(found: Comparison) -> dict[str, Any]:
    """The answer without endless lists; `counts` says how long they were."""
    made = msgspec.to_builtins(found)
    counts = {name: len(made[name]) for name in LISTS}
    made |= {name: made[name][:MOST_NAMED] for name in LISTS} | {"counts": counts}
    for side in ("before", "after"):
        made[side]["missed"] = made[side].get("missed", [])[:MOST_NAMED]
        made[side].pop("delays", None)
    return made


def _gentle(megabytes: int) -> None:
    """The hall's own work comes first, and its memory."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * 1024 * 1024,) * 2)


def _line_in(problem: str) -> int | None:
    """tomllib says where in words."""
    found = re.search(r"\(at line (\d+),", problem)
    return int(found[1]) if found else None


def _of_hall(books: tuple[Rulebook, Rulebook], since: int | None, until: int | None) -> tuple[Iterator[Input], int]:
    """What the hall's engine heard, and about how many events that is. Raises HallError where nothing is kept."""
    try:
        past = Past(settings_module.read().data_dir / FILE)
        count = past.extent(since, until).count
    except (FileNotFoundError, sqlite3.Error) as error:
        raise HallError(f"this hall keeps no readings ([dispatch.readings]): {error}") from None
    if not count:
        raise HallError("this hall kept no readings in that time")
    hearing = Hearing(*books)

    def inputs() -> Iterator[Input]:
        try:
            for head in past.heads(since, until):
                with contextlib.suppress(msgspec.MsgspecError, KeyError, TypeError, ValueError):
                    yield from hearing.inputs(head)
        finally:
            past.close()

    return inputs(), count


def _points(books: tuple[Rulebook, Rulebook]) -> Iterator[Input]:
    """The measuring points this hall knows, for a file that has readings alone."""
    try:
        past = Past(settings_module.read().data_dir / FILE)
    except (FileNotFoundError, sqlite3.Error):
        return
    hearing = Hearing(*books)
    for head in past.points():
        yield from hearing.inputs(head)
    past.close()


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


def _known_to_have_happened() -> list[Flood]:
    ledger = Ledger(settings_module.read().database_url, {}, migrate=False)
    try:
        return happened(_entries(ledger, "alarm/"), _entries(ledger, "closure/"), ledger.history)
    finally:
        ledger.close()


def _entries(ledger: Ledger, prefix: str) -> Iterator[Any]:
    last = 0
    while found := ledger.entries(last, _PAGE, subject_prefix=prefix):
        yield from found
        last = found[-1].seq

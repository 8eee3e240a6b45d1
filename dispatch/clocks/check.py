"""`hall limits check FILE`: what a city's clocks make of its configuration, or a rule table yields, before it is relied on.

FILE is a hall.toml (calendar, limits and ladder as the hall would use them) or a .csv / .xlsx rule table; `--mapping` is a
TOML file with the table's mapping, or the name of one of ours (docs/CLOCKS.md).
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from dispatch.clocks import ruletable
from dispatch.clocks.calendar import DAY_MS, KINDS
from dispatch.clocks.city import CityClocks
from dispatch.clocks.ruletable import Refusal, Rule
from hall.core import config as hall_config
from hall.core.clock import real_ms
from hall.core.errors import ConfigError

_SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """0: everything can be used; 1: rows were refused; 2: the file cannot be used."""
    parser = argparse.ArgumentParser(prog="hall limits check", description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--mapping", default="", help="TOML file with the table's mapping, or gb30428")
    given = parser.parse_args(arguments)
    try:
        found = _city(given.file) if given.file.suffix == ".toml" else _table(given.file, given.mapping)
    except (ConfigError, OSError, UnicodeDecodeError) as error:
        print(f"cannot be used: {error}")
        return 2
    return found


def _city(path: Path) -> int:
    config = hall_config.load(path)
    clocks = CityClocks.from_table(config.dispatch, config.city.timezone, config.path)
    now = real_ms()
    for code, year, text in clocks.calendar.warnings(now, now + 365 * DAY_MS):
        print(f"calendar {year}: {code}: {text}")
    for kind in KINDS:
        names = ", ".join(f"{rung.name} -> {'+'.join(rung.to)}" for rung in clocks.ladder.rungs(kind))
        print(f"ladder, {kind}: {names}")
    return _tell(clocks.limits.rules, clocks.limits.refusals)


def _table(path: Path, mapping: str) -> int:
    return _tell(*ruletable.load(path, ruletable.mapping(mapping, Path) if mapping else {}))


def _tell(rules: list[Rule], refusals: list[Refusal]) -> int:
    kinds = Counter(rule.limit.kind for rule in rules)
    classes = {(rule.kind, rule.class_code or rule.subclass_name) for rule in rules}
    by_kind = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
    print(f"{len(rules)} rules for {len(classes)} classes: {by_kind}")
    for rule in rules:
        if rule.note:
            print(f"row {rule.row}: {rule.limit.label!r} read as {rule.limit.amount:g} {rule.limit.kind}, noted: {rule.note}")
    for refusal in refusals[:_SHOWN]:
        print(f"{refusal.source} row {refusal.row}: {refusal.reason}: {refusal.detail}")
    if len(refusals) > _SHOWN:
        print(f"... and {len(refusals) - _SHOWN} more rows that became no rule")
    return 1 if refusals else 0


if __name__ == "__main__":
    raise SystemExit(main())

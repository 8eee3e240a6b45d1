"""`hall audit`: is the ledger as it was written, and what does it say. Reads only; works beside a running hall.

The chain proves that no line was changed alone. Whoever can rewrite the whole database could chain it anew: note down the
head that `verify` prints somewhere else, and give it back later with `--expect`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import sys
from collections.abc import Iterator

import msgspec

from dispatch.ledger.ledger import Ledger
from hall.core import settings as settings_module
from hall.core.command import Entry
from hall.core.errors import ConfigError, HallError
from hall.core.process import parse_moment
from hall.core.settings import Settings

_PAGE = 2_000


def main(options: argparse.Namespace) -> int:
    settings = settings_module.read()
    ledger = Ledger(settings.database_url, {}, migrate=False)
    try:
        return _verify(ledger, options.expect) if options.audit == "verify" else _export(ledger, options, settings)
    except BrokenPipeError:  # the reader (`head`) has seen enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        ledger.close()


def _verify(ledger: Ledger, expect: str | None) -> int:
    verdict = ledger.verify()
    if not verdict.ok:
        print(f"BROKEN at line {verdict.first_bad_seq}: {verdict.what} ({verdict.lines} lines before it are right)")
        return 1
    if expect and not _holds(ledger, expect):
        print(f"BROKEN: the chain is whole, yet {expect} is not in it: it was written anew, or is another ledger")
        return 1
    print(f"{verdict.lines} lines are as they were written. Head: {verdict.lines}:{verdict.head}")
    return 0


def _holds(ledger: Ledger, expect: str) -> bool:
    seq, _, digest = expect.partition(":")
    if not seq.isdigit() or not digest:
        raise HallError(f"--expect {expect!r}: give it as `hall audit verify` printed it, SEQ:HASH")
    if int(seq) == 0:
        return True
    found = ledger.entries(int(seq) - 1, 1)
    return bool(found) and found[0].seq == int(seq) and found[0].hash == digest


def _export(ledger: Ledger, options: argparse.Namespace, settings: Settings) -> int:
    chosen = _chosen(ledger, options, settings)
    if options.format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(Entry.__struct_fields__)
        for entry in chosen:
            writer.writerow([_cell(getattr(entry, name)) for name in Entry.__struct_fields__])
        return 0
    for entry in chosen:
        sys.stdout.write(msgspec.json.encode(msgspec.structs.asdict(entry), order="sorted").decode() + "\n")
    return 0


def _chosen(ledger: Ledger, options: argparse.Namespace, settings: Settings) -> Iterator[Entry]:
    since, until = (_moment(text, settings) for text in (options.since, options.until))
    last = 0
    while True:
        found = ledger.entries(last, _PAGE, subject_prefix=options.subject, who=options.who, since=since, until=until)
        yield from found
        if len(found) < _PAGE:
            return
        last = found[-1].seq


def _moment(text: str | None, settings: Settings) -> int | None:
    if not text:
        return None
    try:
        zone = settings_module.load_config(settings).city.timezone
    except ConfigError:
        zone = "UTC"
    try:
        return parse_moment(text, zone)
    except ValueError:
        raise HallError(f"{text!r} is no moment; write it as 2026-07-22T14:00") from None


def _cell(value: object) -> object:
    """A cell as text. One that a spreadsheet would take for a formula gets an apostrophe: reasons are typed by anybody."""
    if isinstance(value, dict):
        return msgspec.json.encode(value, order="sorted").decode()
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value

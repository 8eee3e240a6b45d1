"""`hall map build · check`: what people say at a terminal about the city's map."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from pathlib import Path

import msgspec

from hall.core import settings as settings_module
from hall.core.errors import HallError
from hall.map.build import Order, build
from hall.map.check import check

_YIELD = 10  # a build gives way to the hall that runs beside it
#: what a map may be called in an address
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ENDINGS = (".osm.pbf", ".osm.gz", ".osm.bz2", ".osm", ".geojson", ".json", ".pbf")


def main(options: argparse.Namespace) -> int:
    """0: done; 1: the checked file has faults; 2 (by HallError): it cannot be."""
    if options.map == "check":
        found = check(options.file)
        print("\n".join(found.lines()))
        return 1 if found.problems else 0
    with contextlib.suppress(OSError):
        os.nice(_YIELD)
    out = options.out or maps_of(settings_module.read().data_dir) / f"{_name(options.extract)}.mbtiles"
    order = Order(
        options.extract, out, options.clip, options.clip_crs, options.crs, options.way, options.attribution
    )  # fmt: skip
    report = build(order, _progress if sys.stderr.isatty() else _quiet)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(f"{out}\n" + "\n".join(report.lines()))
    out.with_suffix(".report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return 0


def maps_of(data_dir: Path) -> Path:
    """Where maps are that hall.toml does not name."""
    return data_dir / "maps"


def _name(extract: Path) -> str:
    low = extract.name.lower()
    ending = next((one for one in _ENDINGS if low.endswith(one)), None)
    if ending is None:
        raise HallError(f"{extract.name}: an extract is one of {', '.join(_ENDINGS)}")
    name = re.sub(r"[^a-z0-9_-]+", "-", low.removesuffix(ending)).strip("-_")
    if not NAME.fullmatch(name):
        raise HallError(f"{extract.name}: name the map with --out NAME.mbtiles (small letters, digits, - and _)")
    return name


def _progress(what: str, part: float) -> None:
    print(f"\r\033[K  {part:4.0%}  {what}", end="", file=sys.stderr, flush=True)


def _quiet(what: str, part: float) -> None:
    """Nobody is looking at a terminal."""

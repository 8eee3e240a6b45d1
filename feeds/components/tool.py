"""`hall components import · list · undo`: what people say at a terminal about the city's components."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from pathlib import Path

from feeds.components import versions
from feeds.components.importing import Order, import_components, told
from feeds.components.settings import source_of
from feeds.components.store import open_current
from hall.core import settings as settings_module
from hall.core.clock import real_ms
from hall.core.errors import HallError

_YIELD = 10  # an import gives way to the hall that runs beside it


def root_of(data_dir: Path) -> Path:
    return data_dir / "components"


def main(options: argparse.Namespace) -> int:
    """0: done; 1: nothing of the source was taken; 2 (by HallError): it cannot be."""
    settings = settings_module.read()
    root = root_of(settings.data_dir)
    if options.components == "list":
        return _list(root)
    if options.components == "undo":
        return _undo(root)
    with contextlib.suppress(OSError):
        os.nice(_YIELD)
    config = settings_module.load_config(settings)
    order = Order(
        where=options.where,
        source=source_of(config, options.mapping),
        whole=not (options.update or options.parked),
        at=real_ms(),
        by=_who(),
        force=options.withdraw,
        parked=options.parked,
        progress=_progress if sys.stderr.isatty() else None,
    )
    report = import_components(config, root, order)
    print("\n".join(report.lines()))
    return 0 if report.taken or report.version else 1


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _progress(rows: int) -> None:
    print(f"\r  {rows:,} rows", end="", file=sys.stderr, flush=True)


def _list(root: Path) -> int:
    store = open_current(root)
    if store is None:
        print("no components yet; hall components import SOURCE --mapping NAME")
        return 0
    print(f"{store.name}: {len(store):,} components" + (f"; before it {before}" if (before := versions.previous(root)) else ""))
    for name, source in store.meta.sources.items():
        print(f"  {name}: {source.rows:,} from {source.origin} ({source.crs})")
    log = root / "imports.jsonl"
    for line in log.read_text("utf-8").splitlines()[-10:] if log.exists() else []:
        print(f"  {line}")
    return 0


def _undo(root: Path) -> int:
    with versions.importing(root):
        name = versions.previous(root)
        if name is None:
            raise HallError("there is no version before this one")
        versions.choose(root, name)
        told(root, {"at": real_ms(), "by": _who(), "undo": True, "version": name})
    store = open_current(root)
    print(f"{name}: {len(store or ()):,} components")
    return 0

"""The `hall` command line: the composition root for processes and tools. Heavy rooms are imported only when asked for."""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import os
import resource
import sys
from pathlib import Path

from hall import __version__
from hall.core import settings as settings_module
from hall.core.errors import HallError

#: open files a process may need: each screen is one, and many machines allow a thousand unasked
FILES = 65_536
#: process -> where its body is, and what it does
PROCESSES = {
    "gate": ("hall.gate:serve", "fans the current picture out to screens (WebSocket)"),
    "web": ("hall.app:serve", "serves pages and the API"),
    "dispatch": ("dispatch:run", "keeps the case book, indicators and alarms"),
    "relay": ("video.relay:run", "takes in and passes on moving pictures of shared channels"),
    "video": ("video:run", "serves still pictures of shared channels, keeps their catalogue, looks after them"),
}


def _process(options: argparse.Namespace) -> int:
    from hall.core.process import main

    module, _, body = PROCESSES[options.command][0].partition(":")
    main(options.command, getattr(importlib.import_module(module), body))
    return 0


def _feeds(options: argparse.Namespace) -> int:
    if options.check is not None:
        from feeds.check import main as check

        return check(options.check)
    from feeds import run
    from hall.core.process import main

    main("feeds", run)
    return 0


def _bus(_: argparse.Namespace) -> int:
    """Becomes the embedded Valkey server."""
    from hall.core.embedded import server_command

    settings = settings_module.read()
    if not settings.embedded:
        print("HALL_REDIS_URL names an outside server; nothing to start", file=sys.stderr)
        return 0
    command = server_command(settings.data_dir, settings_module.bus_socket(settings.data_dir))
    os.execv(command[0], command)


def _run(options: argparse.Namespace) -> int:
    from hall.start import run

    return run(fresh=options.fresh)


def _doctor(_: argparse.Namespace) -> int:
    from hall.doctor import main

    return main()


def _list(_: argparse.Namespace) -> int:
    from hall.plugins import print_all

    print_all()
    return 0


def _replay(options: argparse.Namespace) -> int:
    import asyncio

    from hall.replay import main

    return asyncio.run(main(options))


def _limits(options: argparse.Namespace) -> int:
    from dispatch.clocks.check import main

    return main(options.check)


def _audit(options: argparse.Namespace) -> int:
    from dispatch.ledger.audit import main

    return main(options)


def _audit_parser(audit: argparse.ArgumentParser) -> None:
    audit.set_defaults(act=_audit)
    what = audit.add_subparsers(dest="audit", required=True, metavar="WHAT")
    check = what.add_parser("verify", help="walk the chain of all lines; exit code 1 where one was changed, added or taken out")
    check.add_argument("--expect", metavar="SEQ:HASH", help="a head noted down earlier, which must still be in the chain")
    export = what.add_parser("export", help="print the lines")
    export.add_argument("--since", metavar="TIME", help="recorded at or after, ISO 8601; without an offset in the city's zone")
    export.add_argument("--until", metavar="TIME", help="recorded before")
    export.add_argument("--subject", default="", metavar="PREFIX", help="only subjects that begin so, e.g. file/gcm/")
    export.add_argument("--who", default="", metavar="NAME", help="only what this person did")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="jsonl: as it was hashed; csv: for people")


def _alarms(options: argparse.Namespace) -> int:
    from dispatch.alarming.tryout import main

    def history(*given: object) -> object:
        from feeds.history import History

        return History(*given)

    return main(options.check, history)


def _components(options: argparse.Namespace) -> int:
    from feeds.components.tool import main

    return main(options)


def _components_parser(components: argparse.ArgumentParser) -> None:
    components.set_defaults(act=_components)
    what = components.add_subparsers(dest="components", required=True, metavar="WHAT")
    bring = what.add_parser("import", help="take a source in: inserted, updated, withdrawn by number; all of it or nothing")
    bring.add_argument(
        "where", metavar="SOURCE", help="CSV(.gz), GeoJSON, Parquet, Shapefile, GeoPackage ..., or postgresql://..."
    )
    bring.add_argument("--mapping", required=True, metavar="NAME", help="[components.NAME] of hall.toml, or a TOML file")
    bring.add_argument("--update", action="store_true", help="SOURCE holds changes only: nothing missing in it is withdrawn")
    bring.add_argument("--parked", action="store_true", help="SOURCE is a corrected file of parked rows (an update)")
    bring.add_argument("--withdraw", action="store_true", help="withdraw what SOURCE no longer has, however much it is")
    what.add_parser("list", help="what is there: versions, sources, the last imports")
    what.add_parser("undo", help="go back to the version before (once more: forward again)")


def _map(options: argparse.Namespace) -> int:
    from hall.map.tool import main

    return main(options)


def _map_parser(maps: argparse.ArgumentParser) -> None:
    maps.set_defaults(act=_map)
    what = maps.add_subparsers(dest="map", required=True, metavar="WHAT")
    made = what.add_parser("build", help="an extract becomes one MBTiles file of vector tiles")
    made.add_argument("extract", type=Path, metavar="EXTRACT", help=".osm.pbf, .osm(.gz), or GeoJSON with a property `layer`")
    made.add_argument("--clip", type=Path, metavar="BOUNDARY.json", help="GeoJSON; nothing outside of its polygons is kept")
    made.add_argument("--clip-crs", default="WGS-84", metavar="CRS", help="of BOUNDARY: WGS-84, CGCS2000, GCJ-02, EPSG:n")
    made.add_argument("--crs", default="WGS-84", metavar="CRS", help="of a GeoJSON extract")
    made.add_argument("--out", type=Path, metavar="FILE.mbtiles", help="default: maps/NAME.mbtiles in the data directory")
    made.add_argument(
        "--way", choices=("auto", "tools", "python"), default="auto", help="auto: osmium and tilemaker where installed"
    )
    made.add_argument("--attribution", default="", metavar="TEXT", help="shown on the map, where it is not OpenStreetMap's")
    look = what.add_parser("check", help="whether a map file is whole; exit code 1 where it is not")
    look.add_argument("file", type=Path, metavar="FILE.mbtiles")


def _evidence(options: argparse.Namespace) -> int:
    from video.record.proof import main

    return main(options)


def _version(_: argparse.Namespace) -> int:
    print(f"hall {__version__}")
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="hall", description="Command Hall: one city's command centre, on your own machine.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="start everything under one supervisor and print the addresses")
    run.add_argument("--fresh", action="store_true", help="forget what earlier runs received (users and the ledger are kept)")
    run.set_defaults(act=_run)
    commands.add_parser("bus", help="the embedded Valkey server (a Procfile line)").set_defaults(act=_bus)
    for name, (_, text) in PROCESSES.items():
        commands.add_parser(name, help=text, description=text).set_defaults(act=_process)
    feeds = commands.add_parser("feeds", help="receive what the city reports; `feeds check FILE` tries a mapping")
    feeds.set_defaults(act=_feeds, check=None)
    tools = feeds.add_subparsers(metavar="TOOL")
    tools.add_parser("check", help="run a feed's mapping over a sample and say what was understood", add_help=False)
    commands.add_parser("list", help="print every plug-in: transports, formats, walls, panels").set_defaults(act=_list)
    commands.add_parser("doctor", help="check this machine and this hall; say what to do about each fault").set_defaults(
        act=_doctor
    )
    replay = commands.add_parser("replay", help="steer the city clock of a running replay")
    replay.add_argument("do", choices=("status", "pause", "resume", "speed", "skip"), help="what to do")
    replay.add_argument("value", nargs="?", help="speed: city seconds per second; pause/skip: a moment, ISO 8601")
    replay.set_defaults(act=_replay)
    limits = commands.add_parser("limits", help="`limits check FILE`: what a rule table or a hall.toml's clocks come to")
    limits.add_argument("check", choices=("check",))
    limits.set_defaults(act=_limits)
    _audit_parser(commands.add_parser("audit", help="check the ledger's chain of lines, or print its lines"))
    alarms = commands.add_parser(
        "alarms", help="`alarms try RULES.toml`: a history through other rules before they are switched on"
    )
    alarms.add_argument("check", choices=("try",))
    alarms.set_defaults(act=_alarms)
    components = "street components (部件): import a source, list what is there, undo an import (docs/COMPONENTS.md)"
    _components_parser(commands.add_parser("components", help=components))
    _map_parser(commands.add_parser("map", help="the city's own map: build it from an extract, check it (docs/MAP.md)"))
    evidence = commands.add_parser("evidence", help="check an exported recording: is it what a hall handed over")
    evidence.add_argument("file", type=Path, metavar="FILE.zip", nargs="?")
    evidence.add_argument("--key", type=Path, metavar="FILE.pem", help="public key of the hall that made it")
    evidence.add_argument("--public-key", action="store_true", help="print this hall's, to be made known to who gets exports")
    evidence.add_argument("--sha256", default="", metavar="HEX", help="of the whole file, as the screen and the audit named it")
    evidence.set_defaults(act=_evidence)
    commands.add_parser("version", help="print the version").set_defaults(act=_version)
    return top


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES and soft != resource.RLIM_INFINITY:
        with contextlib.suppress(ValueError, OSError):  # the machine's own limit stands
            resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if hard == resource.RLIM_INFINITY else min(FILES, hard), hard))


def main(argv: list[str] | None = None) -> None:
    os.umask(0o077)  # what the hall keeps is for its own user: cases, stream addresses, the bus
    _allow_files()
    given = sys.argv[1:] if argv is None else argv
    checking = given[:2] in (["feeds", "check"], ["limits", "check"], ["alarms", "try"])
    options = parser().parse_args(given[:2] if checking else given)
    if checking:
        options.check = given[2:]  # the tool reads its own options
    try:
        code = options.act(options)
    except HallError as error:
        print(f"hall: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    finally:
        gc.freeze()  # Python looks through everything it loaded once more before it ends: half as long as loading took
    raise SystemExit(code)


if __name__ == "__main__":
    main()

"""`hall doctor`: looks at the machine and the hall and says, for each fault, what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hall import __version__
from hall.core import secrets
from hall.core import settings as settings_module
from hall.core.bus import Bus
from hall.core.clock import ClockState, real_ms
from hall.core.config import HallConfig
from hall.core.embedded import server_binary
from hall.core.errors import BusLost, BusRefuses, ConfigError, HallError
from hall.core.settings import Settings

ROOT = Path(__file__).parent.parent
EARLIEST_SANE_MS = 1_767_225_600_000  # 2026-01-01: an earlier machine clock is wrong
YEAR_MS = 366 * 86_400_000
ASSETS = ("10-hall.js", "20-link.js", "30-store.js", "40-panels.js", "i18n/zh-CN.json", "i18n/en.json", "fonts")


class Finding(msgspec.Struct):
    """One line of the report: `state` is ok, note or fault; `remedy` says what to do."""

    state: str
    what: str
    remedy: str = ""


def _versions() -> Iterator[Finding]:
    yield Finding("ok", f"hall {__version__}, Python {sys.version.split()[0]}")
    wrong = []
    for name, wanted in re.findall(r"^([\w.-]+)==([\w.]+) \\$", (ROOT / "requirements.lock").read_text(), re.M):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found = importlib.metadata.version(name)
            if found != wanted:
                wrong.append(f"{name} {found} instead of {wanted}")
    if wrong:
        yield Finding("note", "other versions than pinned: " + ", ".join(wrong[:5]), "run `make install`")
    else:
        yield Finding("ok", "packages are as pinned in requirements.lock")


def _disk(settings: Settings) -> Iterator[Finding]:
    place = settings.data_dir if settings.data_dir.exists() else settings.data_dir.parent
    try:
        free = shutil.disk_usage(place).free / 2**30
    except OSError as error:
        yield Finding("fault", f"data directory {settings.data_dir}: {error.strerror}", "set HALL_DATA_DIR to a writable place")
        return
    if free < 1:
        yield Finding("fault", f"{free:.2f} GiB free at {place}", "free at least 1 GiB; the bus refuses writes on a full disk")
    else:
        yield Finding("ok", f"{free:.0f} GiB free at {place}")


def _memory() -> Iterator[Finding]:
    setting = Path("/proc/sys/vm/overcommit_memory")
    if setting.exists() and setting.read_text().strip() == "0":
        yield Finding(
            "note",
            "vm.overcommit_memory is 0",
            "`sysctl vm.overcommit_memory=1` lets the bus rewrite its log when memory is low",
        )


def _clock() -> Iterator[Finding]:
    if real_ms() < EARLIEST_SANE_MS:
        yield Finding("fault", "the machine's clock is before 2026", "set the clock, and switch on NTP")
        return
    yield Finding("ok", "the machine's clock is plausible")
    if sys.platform == "linux" and shutil.which("timedatectl"):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            answer = subprocess.run(
                ["timedatectl", "show", "-p", "NTPSynchronized", "--value"], capture_output=True, text=True, timeout=3
            )
            if answer.stdout.strip() == "no":
                yield Finding("note", "the clock is not synchronised by NTP", "switch on NTP: ages on screens depend on it")


def _assets() -> Iterator[Finding]:
    missing = [name for name in ASSETS if not (ROOT / "assets" / name).exists()]
    if missing:
        yield Finding("fault", f"browser assets missing: {', '.join(missing)}", "check the installation out again")
    else:
        yield Finding("ok", "browser assets are all here; nothing is loaded from outside")


def _config(settings: Settings) -> Iterator[Finding | HallConfig]:
    if not settings.config_path:
        yield Finding("ok", "no configuration: the demo city will run")
        return
    try:
        config = settings_module.load_config(settings)
        yield Finding("ok", f"{settings.config_path}: {len(config.feeds)} feeds")
        yield config
    except HallError as error:
        yield Finding("fault", str(error), "correct that line")


def _feeds(config: HallConfig) -> Iterator[Finding]:
    """Whether each feed's mapping can be compiled; the feeds room is asked, as the command line may."""
    from feeds.decoding import Decoding

    for feed in config.feeds:
        try:
            Decoding(feed, config)
            yield Finding("ok", f"feed {feed.name}: {feed.kind} from {feed.url.split('://')[0]}://")
        except HallError as error:
            yield Finding("fault", f"feed {feed.name}: {error}", "correct the mapping; try it with `hall feeds check`")


def _dispatch(config: HallConfig) -> Iterator[Finding]:
    """What the dispatch room makes of `[dispatch]`: its rules, its calendar's unsure years."""
    from dispatch.policy import compile_policy

    try:
        clocks = compile_policy(config).clocks
    except HallError as error:
        yield Finding("fault", str(error), "correct that line")
        return
    yield Finding("ok", f"dispatch: {len(clocks.limits.rules)} limits")
    for refusal in clocks.limits.refusals[:5]:
        yield Finding("note", f"{refusal.source} row {refusal.row}: {refusal.reason}", "see `hall limits check`")
    now = real_ms()
    for _, _, text in clocks.calendar.warnings(now, now + YEAR_MS):
        yield Finding("note", text, "docs/CLOCKS.md says where; deadlines around those days depend on it")


def _ledger(settings: Settings, config: HallConfig) -> Iterator[Finding]:
    """Whether the ledger opens; whole verification is `hall audit verify`."""
    from dispatch.ledger import Ledger
    from dispatch.policy import compile_policy

    file = settings.data_dir / "ledger.db"
    if settings.database_url.startswith("sqlite") and not file.exists():
        return
    with contextlib.suppress(ConfigError):  # told already
        policy = compile_policy(config)
        try:
            ledger = Ledger(settings.database_url, policy.aggregates(), migrate=False)
            yield Finding("ok", f"the ledger has {ledger.head()[0]} lines")
            ledger.close()
        except HallError as error:
            yield Finding("fault", f"the ledger: {error}", "is the database up? `hall audit verify` checks every line")


def _video(settings: Settings, config: HallConfig) -> Iterator[Finding]:
    """What the relay makes of `[video]`, and whether the key that opens stream addresses is there and readable by us only."""
    from video import guard

    watch = guard.of(config, settings)
    reach = f"only in {len(watch.allow)} networks" if watch.allow else "in every network but the hall's own machine"
    yield Finding("ok", f"video: cameras are reached {reach}, {len(watch.deny)} networks denied")
    if watch.allow_loopback and not config.city.demo:
        yield Finding(
            "note", "video.allow_loopback is on", "only for cameras on this machine: a channel's address may lead here"
        )
    key = settings.data_dir / secrets.FILE
    if key.exists() and key.stat().st_mode & 0o077:
        yield Finding("fault", f"{key} can be read by other users", f"`chmod 600 {key}`, and give cameras new passwords")


def _map(config: HallConfig) -> Iterator[Finding]:
    """Services that the map is laid on (whether each has its key), and each level of boundaries."""
    from hall.core import boundaries
    from hall.map.services.settings import sources

    try:
        for source in sources(config).values():
            if source.fault:
                yield Finding("fault", f"map source {source.name}: {source.fault}", "set it where the hall is started")
            else:
                yield Finding("ok", f"map source {source.name}: {source.crs}, zoom {source.least} to {source.most}")
        names = list(boundaries.settings(config))
    except ConfigError as error:
        yield Finding("fault", str(error), "correct that line")
        return
    for name in names:
        try:
            level = boundaries.load(config, name)
        except ConfigError as error:
            yield Finding("fault", str(error), "correct that line")
            continue
        yield Finding("ok", f"boundary {name}: {len(level.areas)} areas, {len(level.repaired)} of them repaired")
        for note in level.left_out[:5]:
            yield Finding(
                "note", f"boundary {name}: feature {note.number} {note.name!r} is left out: {note.reason} {note.detail}"
            )


def _ports(settings: Settings) -> Iterator[Finding]:
    for port, what in ((settings.port, "web"), (settings.gate_port, "gate"), (settings.pictures_port, "relay")):
        with socket.socket() as probe:
            probe.settimeout(1)
            taken = probe.connect_ex(("127.0.0.1" if settings.loopback else settings.host, port)) == 0
        if taken:
            yield Finding("note", f"port {port} ({what}) is in use, by a hall or another program", "HALL_PORT chooses another")
        else:
            yield Finding("ok", f"port {port} ({what}) is free")


async def _bus(settings: Settings) -> list[Finding]:
    found = []
    if settings.embedded:
        try:
            found.append(Finding("ok", f"embedded server: {Path(server_binary()).name}"))
        except HallError as error:
            found.append(Finding("fault", str(error), "see the message"))
    bus = Bus(settings.redis_url, settings.bus_prefix)
    try:
        await bus.ping()
        found.append(Finding("ok", "the bus answers"))
        stored = await bus.get("clock")
        if stored and not msgspec.json.decode(stored, type=ClockState).live:
            found.append(Finding("note", "the city clock is a replay's", "see `hall replay status`"))
        found.extend(await _feed_states(bus))
    except BusRefuses as error:
        found.append(Finding("fault", f"the bus refuses writes: {error}", "free space on its disk: it goes on by itself then"))
    except BusLost as error:
        state = "note" if settings.embedded else "fault"
        found.append(Finding(state, f"the bus does not answer: {error}", "`make run` starts it; or correct HALL_REDIS_URL"))
    finally:
        await bus.close()
    return found


async def _feed_states(bus: Bus) -> list[Finding]:
    from hall.core.board import Board

    board = Board()
    await bus.load_board(board)
    found = []
    for entry in board.current(("feed",)):
        data = msgspec.json.decode(entry.raw)["data"]
        counts = f"{data.get('accepted', 0)} taken, {data.get('parked', 0)} parked"
        line = f"feed {data['name']}: {data.get('state', 'waiting')}, {counts}"
        bad = data.get("state") in ("stale", "lost")
        remedy = data.get("error") or "look at /admin/feeds; is the supplier up?" if bad else ""
        found.append(Finding("fault" if bad else "ok", line, remedy))
    return found


def main() -> int:
    """Prints the report; returns 1 when there is a fault."""
    settings = settings_module.read()
    findings: list[Finding] = [*_versions(), *_clock(), *_memory(), *_disk(settings), *_assets(), *_ports(settings)]
    for item in _config(settings):
        if isinstance(item, HallConfig):
            findings.extend(_feeds(item))
            findings.extend(_dispatch(item))
            findings.extend(_ledger(settings, item))
            findings.extend(_video(settings, item))
            findings.extend(_map(item))
        else:
            findings.append(item)
    findings.extend(asyncio.run(_bus(settings)))
    for finding in findings:
        print(f"{finding.state:>5}  {finding.what}")
        if finding.remedy:
            print(f"       -> {finding.remedy}")
    faults = sum(finding.state == "fault" for finding in findings)
    print(f"{faults} fault{'s' if faults != 1 else ''}")
    return 1 if faults else 0

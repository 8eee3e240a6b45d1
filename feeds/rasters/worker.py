"""Reads one body of radar files in a process of its own: `python -m feeds.rasters.worker`, Job on stdin, Results on stdout.

HDF5 is a large library in C that is handed what strangers send, and a composite of a whole country takes memory and time: here
it can end nothing but itself, and its memory is given back.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from feeds.rasters.settings import DepthOptions
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput
from hall.core.raster import Grid

LIMIT_SECONDS = 60
LIMIT_MEMORY = 3 * 1024 * 1024 * 1024  # bytes of address space, most of it never touched
PARKED = 16_384  # bytes of a refused file that are kept


class Job(msgspec.Struct):
    body: bytes
    grid: Grid
    quantity: str = ""
    z_r: tuple[float, float] = (200.0, 1.6)
    depth: dict[str, Any] | None = None  # feeds.rasters.depth.About: these are water depths


def job_of(body: bytes, grid: Grid, settings: Any, feed: FeedConfig, config: HallConfig) -> Job:
    """What the worker is asked of one body of this feed."""
    if not isinstance(settings, DepthOptions):
        return Job(body, grid, settings.quantity, settings.z_r)
    zone = feed.timezone or config.city.timezone
    return Job(body, grid, depth={"depth": settings.depth, "unit": settings.unit, "crs": feed.crs, "zone": zone})


class Made(msgspec.Struct, tag="made"):
    """One frame: see feeds.rasters.odim.Read; `version` names its pixels."""

    time: int
    start: int
    run: int
    version: str
    codes: bytes
    most: float
    covered: float
    source: str = ""
    estimated: str = ""


class Refused(msgspec.Struct, tag="refused"):
    """One file that could not be read."""

    raw: bytes
    reason: str
    detail: str


class Results(msgspec.Struct):
    """What a body gave, in its order; `reason` where the rest of it could not be read."""

    found: list[Made | Refused]
    reason: str = ""
    detail: str = ""


def work(job: Job) -> Results:
    """Every frame of every file; never raises for bad input."""
    from feeds.rasters.packs import members

    frames = _reader(job)
    results = Results([])
    try:
        for name, body in members(job.body):
            try:
                for read in frames(body, name):
                    results.found.append(_made(read, job.grid))
            except BadInput as error:
                detail = f"{name[-120:]}: {error.detail}" if name else error.detail
                results.found.append(Refused(body[:PARKED], error.reason, detail[:300]))
    except BadInput as error:
        results.reason, results.detail = error.reason, error.detail
    return results


def _reader(job: Job) -> Callable[[bytes, str], Iterator[Any]]:
    """What reads one file of a body; loads only the library it needs."""
    if job.depth is not None:
        from feeds.rasters import depth

        about = msgspec.convert(job.depth, depth.About)
        return lambda body, name: depth.frames(body, name, job.grid, about)
    from feeds.rasters import odim

    return lambda body, name: odim.frames(body, job.grid, job.quantity, job.z_r)


def _made(read, grid: Grid) -> Made:
    mark = blake2b(read.codes, digest_size=10, key=f"{read.time} {read.run} {grid.width} {grid.height}".encode())
    return Made(
        read.time, read.start, read.run, mark.hexdigest(), read.codes, read.most, read.covered, read.source, read.estimated
    )


def ask(job: Job) -> Results:
    """Has a process of its own do the work; raises BadInput where it ends or hangs. Blocking: call it in a thread."""
    command = [sys.executable, "-m", "feeds.rasters.worker"]
    try:
        done = subprocess.run(
            command, input=msgspec.msgpack.encode(job), capture_output=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise BadInput("raster-too-slow", f"not read within {LIMIT_SECONDS} s") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise BadInput("raster-unreadable", f"its reader ended with {done.returncode}: {said[-1][:200] if said else 'no word'}")
    return msgspec.msgpack.decode(done.stdout, type=Results)


def main() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_MEMORY, LIMIT_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    results = work(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job))
    sys.stdout.buffer.write(msgspec.msgpack.encode(results))


if __name__ == "__main__":
    main()

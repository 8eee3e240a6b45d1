"""The relay's side of the workshop: starts children when there is work, hears them, ends them when there is none."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import sys
from pathlib import Path
from typing import Any, Protocol

import msgspec

from video.media import SourceFailed, StreamInfo
from video.workshop import wire

log = logging.getLogger("hall.workshop")

#: kind of work -> the child that does it. Cards are our own drawing; what takes foreign bytes is kept apart from it, and what
#: needs a core for itself from both.
GROUPS = {
    "card": "cards", "play": "containers", "demux": "containers", "still": "containers", "moment": "containers",
    "convert": "converters", "mosaic": "mosaics",
}  # fmt: skip
#: what a child is told of this process's surroundings: it reads strangers' bytes and needs no key and no database
_GIVEN = frozenset({
    "PATH", "HOME", "TMPDIR", "LANG", "TZ", "VIRTUAL_ENV", "SYSTEMROOT", "HALL_LOG", "HALL_DATA_DIR",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
})  # fmt: skip
LINGER = 10.0  # seconds a child without work is kept
MOST_UNSENT = 8 * 1024 * 1024  # bytes waiting for one child before material is dropped
_ROOT = Path(__file__).resolve().parents[2]


class Listener(Protocol):
    """Who takes what a job makes. Must neither block nor raise."""

    def began(self, info: StreamInfo) -> None: ...

    def made(self, picture: wire.Made) -> None: ...

    def told(self, about: dict[str, Any]) -> None: ...


class Job:
    """One piece of work. `ended` resolves to None, or raises SourceFailed with the child's reason."""

    def __init__(self, number: int, kind: str, child: _Child, listener: Listener) -> None:
        self.number, self.kind, self.listener = number, kind, listener
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.dropped = 0
        self._child = child

    def feed(self, data: bytes, *, key: bool = False, pts: int = 0, captured: float = 0.0) -> bool:
        """Hands material over; False: the child is behind (or gone) and this was dropped, which is counted."""
        if self.ended.done() or self._child.unsent() > MOST_UNSENT:
            self.dropped += 1
            return False
        return self._child.send(wire.Feed(self.number, data, key, pts, captured))

    def end(self, failed: SourceFailed | None = None) -> None:
        """The work is over; only the first word counts."""
        if self.ended.done():
            return
        if failed is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(failed)
            self.ended.exception()  # read once here: a job that nobody waits for must not be reported as forgotten

    def close(self) -> None:
        """Nobody wants it any more; may be said more than once."""
        self._child.forget(self)
        self.end()


class _Child:
    """One child process and its jobs."""

    def __init__(self, group: str, process: asyncio.subprocess.Process) -> None:
        self.group, self.process = group, process
        self.jobs: dict[int, Job] = {}
        self.idle: asyncio.TimerHandle | None = None
        self.hearing = asyncio.create_task(self._hear(), name=f"workshop {group}")

    @property
    def alive(self) -> bool:
        return not self.hearing.done() and self.process.returncode is None

    def send(self, message: wire.Order) -> bool:
        if not self.alive or self.process.stdin is None or self.process.stdin.is_closing():
            return False
        self.process.stdin.write(wire.packed(message))
        return True

    def unsent(self) -> int:
        return self.process.stdin.transport.get_write_buffer_size() if self.process.stdin else 0

    def forget(self, job: Job) -> None:
        if self.jobs.pop(job.number, None) is None:
            return
        self.send(wire.Close(job.number))
        if not self.jobs and self.idle is None:
            self.idle = asyncio.get_running_loop().call_later(LINGER, self._rest)

    def _rest(self) -> None:
        self.idle = None
        if not self.jobs:
            self.stop()

    def stop(self) -> None:
        """Closes its ear: the child ends by itself; what does not is killed by `Workshop.close`."""
        if self.process.stdin:
            self.process.stdin.close()

    async def _hear(self) -> None:
        assert self.process.stdout is not None
        problem = "the workshop's child ended"
        try:
            while True:
                length = int.from_bytes(await self.process.stdout.readexactly(4), "big")
                if length > wire.LONGEST:
                    problem = "the workshop's child does not speak as it should"
                    break
                self._said(wire.reply(await self.process.stdout.readexactly(length)))
        except msgspec.DecodeError:
            problem = "the workshop's child does not speak as it should"
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            await self._over(problem)

    async def _over(self, problem: str) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        jobs, self.jobs = list(self.jobs.values()), {}
        for job in jobs:
            job.end(SourceFailed("gone", f"{problem}; it is started anew"))
        if jobs:
            log.warning("%s (%s) with %s jobs", problem, self.group, len(jobs))
        try:
            async with asyncio.timeout(2):  # killing one that has just ended would take its end from asyncio's own watcher
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    def _said(self, message: wire.Reply) -> None:
        job = self.jobs.get(message.job)
        if job is None:
            return
        match message:
            case wire.Made():
                job.listener.made(message)
            case wire.Began():
                job.listener.began(message.info)
            case wire.Told():
                job.listener.told(message.about)
            case wire.Ended(_, reason, detail, lasting):
                self.forget(job)
                job.end(SourceFailed(reason, detail, lasting=lasting) if reason else None)


class Workshop:
    """The children of one process. `counters`: started, jobs."""

    def __init__(self) -> None:
        self.counters = {"workshop_started": 0, "workshop_jobs": 0}
        self._children: dict[str, _Child] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._numbers = itertools.count(1)

    async def open(self, kind: str, about: dict[str, Any], listener: Listener) -> Job:
        """Begins a job; `close()` it. Raises SourceFailed when no child can be started."""
        child = await self._child(GROUPS[kind])
        job = Job(next(self._numbers), kind, child, listener)
        child.jobs[job.number] = job
        if child.idle:
            child.idle.cancel()
            child.idle = None
        self.counters["workshop_jobs"] += 1
        child.send(wire.Open(job.number, kind, about))
        return job

    async def _child(self, group: str) -> _Child:
        async with self._starting.setdefault(group, asyncio.Lock()):
            child = self._children.get(group)
            if child is None or not child.alive or child.process.stdin.is_closing():
                self._children[group] = child = _Child(group, await _start(group))
                self.counters["workshop_started"] += 1
            return child

    def pids(self) -> dict[str, int]:
        """The living children by group."""
        return {group: child.process.pid for group, child in self._children.items() if child.alive}

    async def close(self) -> None:
        """Ends all children and all jobs."""
        children, self._children = list(self._children.values()), {}
        for child in children:
            child.stop()
            if child.idle:
                child.idle.cancel()
        for child in children:
            _, slow = await asyncio.wait({child.hearing}, timeout=2)
            if slow:
                child.process.kill()
                await asyncio.wait({child.hearing}, timeout=2)


async def _start(group: str) -> asyncio.subprocess.Process:
    given = {name: value for name, value in os.environ.items() if name in _GIVEN or name.startswith("LC_")}
    environment = {**given, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))}
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "video.workshop", group,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment, limit=1024 * 1024,
            start_new_session=True,  # a Ctrl-C at the terminal ends the relay, which ends its children in order
        )  # fmt: skip
    except OSError as error:
        raise SourceFailed("gone", f"no workshop can be started: {error}") from None


_shared: tuple[asyncio.AbstractEventLoop, Workshop] | None = None


def shared() -> Workshop:
    """The one workshop of the running loop's process; its children end by themselves when nothing needs them."""
    global _shared
    loop = asyncio.get_running_loop()
    if _shared is None or _shared[0] is not loop:
        _shared = loop, Workshop()
    return _shared[1]

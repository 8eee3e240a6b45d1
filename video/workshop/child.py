"""The child's side: one thread reads orders, jobs do them, one lock orders what is written.

Writing blocks when the relay does not read: that is the bound of what a child can have made and not delivered.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import resource
import sys
import threading
from typing import Any, BinaryIO, Protocol

from video.media import StreamInfo
from video.workshop import wire

log = logging.getLogger("hall.workshop")

#: kind of work -> module with `work(about, outlet) -> Work`; imported when first wanted, for a small child
KINDS = {
    "card": "video.workshop.cards",
    "play": "video.workshop.play",
    "demux": "video.workshop.demux",
    "still": "video.workshop.still",
    "moment": "video.workshop.moment",
    "convert": "video.workshop.convert",
    "mosaic": "video.workshop.mosaic",
}
#: address space of a child that reads foreign bytes: a file that makes its decoder ask for more ends the child, not the machine
MOST_MEMORY = 6 * 1024**3
_NICE = 5  # the relay's own loop goes first


class Work(Protocol):
    """One job in the child."""

    def feed(self, material: wire.Feed) -> None:
        """Takes material without waiting; bounded, drops and counts."""

    def close(self) -> None:
        """Nobody wants it any more; returns at once."""


class Outlet:
    """Where one job's results go. For any thread; says nothing any more once the job was closed."""

    def __init__(self, job: int, write: Any) -> None:
        self.job, self._write = job, write
        self.open = True

    def began(self, info: StreamInfo) -> None:
        self._say(wire.Began(self.job, info))

    def made(self, data: bytes, key: bool, pts: int, captured: float = 0.0) -> None:
        self._say(wire.Made(self.job, data, key, pts, captured))

    def told(self, **about: Any) -> None:
        self._say(wire.Told(self.job, about))

    def ended(self, reason: str = "", detail: str = "", lasting: bool = False) -> None:
        self._say(wire.Ended(self.job, reason, detail, lasting))
        self.open = False

    def _say(self, message: wire.Reply) -> None:
        if self.open:
            self._write(wire.packed(message))


class Child:
    """Reads orders until its input ends."""

    def __init__(self, orders: BinaryIO, replies: BinaryIO) -> None:
        self._orders, self._replies = orders, replies
        self._lock = threading.Lock()
        self._jobs: dict[int, tuple[Work, Outlet]] = {}

    def run(self) -> None:
        while head := self._orders.read(4):
            length = int.from_bytes(head, "big")
            if len(head) < 4 or length > wire.LONGEST:
                return
            body = self._orders.read(length)
            if len(body) < length:
                return
            self._do(wire.order(body))

    def _do(self, order: wire.Order) -> None:
        match order:
            case wire.Feed(job=job):
                if job in self._jobs:
                    self._feed(order)
            case wire.Open(job, kind, about):
                self._begin(job, kind, about)
            case wire.Close(job):
                if found := self._jobs.pop(job, None):
                    found[1].open = False
                    found[0].close()

    def _feed(self, material: wire.Feed) -> None:
        work, outlet = self._jobs[material.job]
        try:
            work.feed(material)
        except Exception as error:  # as in _begin
            log.exception("workshop: a job cannot take its material")
            outlet.ended("garbled", f"the work cannot take this: {type(error).__name__}")

    def _begin(self, job: int, kind: str, about: dict[str, Any]) -> None:
        outlet = Outlet(job, self._write)
        try:
            self._jobs[job] = importlib.import_module(KINDS[kind]).work(about, outlet), outlet
        except Exception as error:  # one job that cannot begin is no reason to end the others
            log.exception("workshop: a job of kind %s cannot begin", kind)
            outlet.ended("gone", f"the work cannot begin: {error}")

    def _write(self, data: bytes) -> None:
        with self._lock:
            self._replies.write(data)
            self._replies.flush()


def main(group: str) -> None:
    """Runs the child of a group until the relay closes its input; then ends at once, whatever its threads do."""
    logging.basicConfig(level=os.environ.get("HALL_LOG") or "INFO", format="workshop %(levelname)s %(message)s")
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    if group == "containers":
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not get between the messages
    try:
        Child(sys.stdin.buffer, _Whole(replies)).run()
    except BrokenPipeError:
        pass
    finally:
        os._exit(0)


class _Whole:
    """A raw file whose `write` writes everything: a pipe takes 64 KiB at a time."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[self._raw.write(view) :]
        except BrokenPipeError:
            os._exit(0)  # the relay is gone: nobody is left to work for

    def flush(self) -> None:
        pass

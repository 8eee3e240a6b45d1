"""Child processes forked from one that has imported our code already: as real as any other, to be signalled and killed,
without two CPU-seconds of imports each. What is to be true of a process that starts from nothing starts one with `subprocess`.

Run as a program, this file is the process that is forked from; it lives as long as the test process that started it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent


class Child:
    """A forked process, with the part of `subprocess.Popen` that tests need."""

    def __init__(self, pid: int, news: socket.socket) -> None:
        self.pid, self.returncode, self._news = pid, None, news
        self._asked = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal; raises subprocess.TimeoutExpired."""
        with self._asked:
            if self.returncode is None:
                self._news.settimeout(timeout)
                try:
                    told = self._news.recv(8)
                except (TimeoutError, BlockingIOError):
                    raise subprocess.TimeoutExpired("forked process", timeout or 0) from None
                self._news.close()
                assert told, "the process that all others are forked from has ended"
                self.returncode = int.from_bytes(told, signed=True)
        return self.returncode

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Prefork:
    """The process that is forked from, as its test process sees it."""

    def __init__(self, **environment: str) -> None:
        self._line, theirs = socket.socketpair()
        self._asked = threading.Lock()
        with theirs:
            command = [sys.executable, "-m", "tests.prefork", str(theirs.fileno())]
            env = os.environ | environment
            self._process = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[theirs.fileno()])

    def start(
        self,
        code: str,
        *arguments: object,
        after: tuple[str, ...],
        env: Mapping[str, str] | None = None,
        out: IO | None = None,
        err: IO | None = None,
    ) -> Child:
        """Runs `code` like `python -c CODE ARGUMENTS`, once the modules `after` are imported. It writes to
        `out` and `err`, or where this process does."""
        wanted = {
            "code": code,
            "arguments": [str(given) for given in arguments],
            "after": after,
            "env": dict(env or os.environ),
        }
        news, theirs = socket.socketpair()
        with theirs, self._asked:
            files = [theirs.fileno(), out.fileno() if out else 1, err.fileno() if err else 2]
            text = json.dumps(wanted).encode() + b"\n"
            sent = socket.send_fds(self._line, [text], files)
            self._line.sendall(text[sent:])
            told = news.recv(8)  # while nobody else asks: one request at a time lies in the line
        assert told, "the process that all others are forked from has ended"
        return Child(int.from_bytes(told, signed=True), news)

    def run(self, code: str, *arguments: object, timeout: float = 60, **how: object) -> tuple[int, str, str]:
        """Until it ends: its exit code, and what it wrote to stdout and stderr."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = self.start(code, *arguments, out=out, err=err, **how)
            try:
                child.wait(timeout)
            finally:
                child.kill()
            out.seek(0), err.seek(0)
            return child.returncode, out.read().decode(), err.read().decode()

    def close(self) -> None:
        self._line.close()
        self._process.wait(60)


@functools.cache
def prefork() -> Prefork:
    """The one of this test process."""
    found = Prefork()
    atexit.register(found.close)
    return found


def _number(told: int) -> bytes:
    return told.to_bytes(8, signed=True)


class _Server:
    """Takes one request after another; `serve` returns in the children only, with what they are to do."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.children = line, {}
        self._woken, waker = socket.socketpair()
        waker.setblocking(False)
        self._woken.setblocking(False)
        self._waker = waker
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the tests' business
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)

    def serve(self) -> dict | None:
        with selectors.DefaultSelector() as ready:
            ready.register(self.line, selectors.EVENT_READ)
            ready.register(self._woken, selectors.EVENT_READ)
            while True:
                found = [key.fileobj for key, _ in ready.select()]
                if self._woken in found:
                    self._woken.recv(4096)
                    self._reap()
                if self.line in found:
                    wanted, files = self._request()
                    if wanted is None or (pid := self._forked(wanted, files)) == 0:
                        return wanted
                    news = socket.socket(fileno=files.pop(0))
                    self.children[pid] = news
                    news.sendall(_number(pid))
                    for number in files:
                        os.close(number)

    def _request(self) -> tuple[dict | None, list[int]]:
        text, files, *_ = socket.recv_fds(self.line, 1 << 16, 3)
        while text and not text.endswith(b"\n"):
            text += self.line.recv(1 << 16)
        return (json.loads(text) if text else None), files

    def _forked(self, wanted: dict, files: list[int]) -> int:
        known = len(sys.modules)
        for name in wanted["after"]:
            importlib.import_module(name)
        if len(sys.modules) > known:
            gc.collect()
            gc.freeze()  # what was imported is shared for good
        if pid := os.fork():
            return pid
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for ours in (self.line, self._woken, self._waker, *self.children.values()):
            ours.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, place in zip((nothing, *files[1:]), range(3), strict=True):
            os.dup2(number, place)
        for number in {nothing, *files} - {0, 1, 2}:
            os.close(number)
        return 0

    def _reap(self) -> None:
        for pid in list(self.children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self.children.pop(pid) as news, contextlib.suppress(OSError):
                    news.sendall(_number(os.waitstatus_to_exitcode(status)))


def _main() -> None:
    wanted = _Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if wanted is None:
        os._exit(0)  # nothing to tidy up, and much that would be
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.argv[:] = ["-c", *wanted["arguments"]]
    exec(compile(wanted["code"], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102


if __name__ == "__main__":
    _main()

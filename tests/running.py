"""A whole hall as a child process, for journeys, browser tests and measurements."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent


#: below the ports that the system hands out by itself, so that nobody else is given one between our look and its use
_PORTS = itertools.cycle(range(20_000, 32_000, 4))
for _ in range(os.getpid() * 97 % 3_000):  # test processes that run side by side begin at different places
    next(_PORTS)


def free_port_pair() -> int:
    """A port that is free together with the two after it; not given twice by one process for a long time."""
    for port in _PORTS:
        with contextlib.ExitStack() as looked, contextlib.suppress(OSError):
            for number in range(3):
                looked.enter_context(socket.socket()).bind(("127.0.0.1", port + number))
            return port
    raise AssertionError("unreachable: the ports go round")


class RunningHall:
    """`hall run` on ports and data of its own; a context manager that ends it and everything it started."""

    def __init__(self, data_dir: Path, config: Path | None = None, **environment: str) -> None:
        self.port = free_port_pair()
        self.data_dir, self.lines = data_dir, []
        self.env = dict(os.environ, HALL_DATA_DIR=str(data_dir), HALL_PORT=str(self.port), **environment)
        self.env.pop("HALL_CONFIG", None)
        if config:
            self.env["HALL_CONFIG"] = str(config)
        self._ready, self._changed = threading.Event(), threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream(self) -> str:
        return f"ws://127.0.0.1:{self.port + 1}/v1/stream"

    @property
    def desk_link(self) -> str:
        return re.search(r"(http://\S+/enter/\S+)", "\n".join(self.lines))[1]

    def __enter__(self) -> RunningHall:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hall.cli", "run"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        assert self._ready.wait(60), "the hall did not become ready:\n" + "\n".join(self.lines[-40:])
        assert self.process.poll() is None, "\n".join(self.lines[-40:])
        return self

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip())
                self._changed.notify_all()
            if "Ctrl-C stops" in line:
                self._ready.set()
        self._ready.set()

    def wait_for_line(self, text: str, seconds: float = 30) -> None:
        """Returns once a printed line contains `text`."""
        with self._changed:
            found = self._changed.wait_for(lambda: any(text in line for line in self.lines), seconds)
        assert found, f"never printed: {text}\n" + "\n".join(self.lines[-40:])

    def child(self, name: str) -> psutil.Process:
        """The process of one Procfile line, e.g. `gate`; the bus is the Valkey server itself."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                line = child.cmdline()
                if line[-1:] == [name] or (name == "bus" and any("unixsocket" in part for part in line)):
                    return child
        raise AssertionError(f"no process {name}")

    def kill(self, name: str) -> int:
        """kill -9 of one process; returns its pid."""
        child = self.child(name)
        child.send_signal(signal.SIGKILL)
        return child.pid

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def __exit__(self, *_: object) -> None:
        children = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        try:
            self.stop()
        finally:
            if self.process.poll() is None:  # it would start again what ends
                self.process.kill()
                self.process.wait()
            for child in children:
                with contextlib.suppress(psutil.Error):
                    child.kill()

"""`hall run`: starts every process of the Procfile, waits until they are healthy, keeps them alive, ends them cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shlex
import shutil
import signal
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import msgspec

from hall.beats import Beats
from hall.core.bus import Bus
from hall.core.clock import ClockState, monotonic
from hall.core.errors import BusLost, HallError
from hall.core.settings import Settings, bus_socket
from hall.ports import free_port, healthz, require_port

ROOT = Path(__file__).parent.parent
SLOWEST_START_SECONDS = 30.0
STOP_SECONDS = 8.0
TELL_SECONDS = 3.0  # a wait for a bus that refuses us is said after this
#: what `--fresh` clears: everything a run made, nothing a person configured (users stay)
RUN_STATE = (
    "bus",
    *(f"{name}.db{part}" for name in ("cases", "alarms", "readings", "history") for part in ("", "-wal", "-shm")),
)


def read_procfile(text: str) -> dict[str, list[str]]:
    """`name: command` lines to argument lists; raises HallError naming a line it cannot read."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, command = line.partition(":")
        if not colon or not command.strip():
            raise HallError(f"Procfile:{number}: expected `name: command`")
        found[name.strip()] = shlex.split(command)
    return found


def harmless(line: bytes) -> str:
    """A line of a log as text that a terminal only shows: suppliers' words get into logs, and control characters in them
    could clear the screen or write lines of their own."""
    text = line.decode(errors="replace").rstrip()
    if text.isprintable():
        return text
    return "".join(c if c == "\t" or unicodedata.category(c)[0] != "C" else ascii(c)[1:-1] for c in text)


def _die_with_parent() -> None:
    """On Linux the kernel ends a child whose supervisor was killed, so that no half hall is left running."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Child:
    """One supervised process: started again when it ends, with a growing pause while it keeps failing."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], tell: Callable[[str], None]) -> None:
        self.name, self.command, self.env, self.tell = name, command, env, tell
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0
        self.fatal = False  # its first start ended with code 2: the configuration or a port is at fault
        self._task: asyncio.Task | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        pause = 0.1
        while True:
            self.starts += 1
            began = monotonic()
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
            await self._relay(self.process.stdout)
            code = await self.process.wait()
            if code == 2 and self.starts == 1 and monotonic() - began < 10:
                self.fatal = True
                return
            pause = 0.1 if monotonic() - began > 10 else min(pause * 2, 5.0)
            self.tell(f"{self.name} ended with code {code}; starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)

    async def _relay(self, stream: asyncio.StreamReader) -> None:
        """Passes the child's lines on with its name in front; a line without end is cut, not collected."""
        while True:
            try:
                line = await stream.readline()
            except ValueError:
                continue
            if not line:
                return
            if b"overcommit_memory" in line:
                continue  # advice for the machine's owner, `hall doctor` gives it; not a fault of this run
            self.tell(f"{self.name:>8} | {harmless(line)}")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.tell(f"{self.name} did not end within {STOP_SECONDS:.0f} s; killing it")
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


class Supervisor:
    """The run: `children` in Procfile order, the bus first. `on_ready` is called once when everything is healthy."""

    def __init__(self, settings: Settings, tell: Callable[[str], None] = print) -> None:
        self.settings, self.tell = settings, tell
        self.children: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        self._lock = None
        self._bus_fault = ""
        self.replays = False

    def prepare(self, fresh: bool) -> None:
        """Takes the data directory and checks the ports; raises HallError saying what stands in the way."""
        run = self.settings.data_dir / "run"
        try:
            run.mkdir(parents=True, exist_ok=True)
            self._keep_private()
            self._lock = open(run / "lock", "a+")  # noqa: SIM115 - held for the whole run
        except OSError as error:
            raise HallError(f"data directory {self.settings.data_dir}: {error.strerror}; set HALL_DATA_DIR") from None
        require_port(self.settings.host, self.settings.port, "the web pages")
        require_port(self.settings.host, self.settings.gate_port, "the gate, always the port after HALL_PORT")
        require_port(self.settings.host, self.settings.pictures_port, "the relay, always the second port after HALL_PORT")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HallError(f"another hall runs on {self.settings.data_dir}; set HALL_DATA_DIR to run a second one") from None
        if fresh:
            for name in RUN_STATE:
                path = self.settings.data_dir / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            self._put_ledger_aside()
        if self.settings.embedded:
            bus_socket(self.settings.data_dir).unlink(missing_ok=True)

    def _put_ledger_aside(self) -> None:
        """A record of decisions is never deleted: the next run begins a new one beside it."""
        folder = self.settings.data_dir
        if not (folder / "ledger.db").exists():
            return
        number = 1 + sum(1 for _ in folder.glob("ledger-before-*.db"))
        for suffix in ("", "-wal", "-shm"):
            old = folder / f"ledger.db{suffix}"
            if old.exists():
                old.rename(folder / f"ledger-before-{number}.db{suffix}")
        self.tell(f"the ledger of earlier runs is kept as {folder / f'ledger-before-{number}.db'}")

    def _keep_private(self) -> None:
        """Takes what an earlier version kept readable for other users of this machine away from them: stream addresses
        with passwords lie in the bus's files, people's reports in the casebook. What is new is private by the umask."""
        for name in ("run", *RUN_STATE, "users.db", "ledger.db", "ledger.db-wal", "media"):
            path = self.settings.data_dir / name
            if path.exists():
                path.chmod(0o700 if path.is_dir() else 0o600)

    def make_children(self, config_path: str, replays: bool) -> None:
        """Reads the Procfile; `replays` tells whether the configuration's clock is a replay's."""
        self.replays = replays
        commands = read_procfile((ROOT / "Procfile").read_text())
        if not self.settings.embedded:
            commands.pop("bus", None)
        env = dict(
            os.environ,
            HALL_CONFIG=config_path,
            HALL_DATA_DIR=str(self.settings.data_dir),
            HALL_VIDEO_PORT=str(self.settings.video_port or free_port()),
            HALL_RELAY_PORT=str(self.settings.relay_port or free_port()),
            PYTHONUNBUFFERED="1",
        )
        for name, command in commands.items():
            if command[0] == "hall":
                command = [sys.executable, "-m", "hall.cli", *command[1:]]
            self.children[name] = Child(name, command, env, self.tell)

    async def run(self, on_ready: Callable[[Bus], object]) -> int:
        """Runs until a signal; returns the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        bus = Bus(self.settings.redis_url, self.settings.bus_prefix)
        try:
            return await self._run(bus, on_ready)
        finally:
            await bus.close()
            await self._stop_all()

    async def _run(self, bus: Bus, on_ready: Callable[[Bus], object]) -> int:
        if "bus" in self.children:
            self.children["bus"].start()
        named = "the bus" if self.settings.embedded else "the server that HALL_REDIS_URL names"
        if not await self._wait(lambda: self._bus_answers(bus), named):
            return 0 if self._stopping.is_set() else 1
        since = await bus.last_entry("bulk")
        await self._forget_other_clock(bus)
        for name, child in self.children.items():
            if name != "bus":
                child.start()
        beats = Beats(bus, since, {name for name in self.children if name != "bus"})
        healthy = await self._wait(beats.all, "all processes")
        healthy = healthy and await self._wait(self._doors_open, "web and gate")
        if not healthy and (self._stopping.is_set() or self._fatal()):
            return 2 if self._fatal() else 0
        made = on_ready(bus)
        if asyncio.iscoroutine(made):
            await made
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 1.0)
            if self._fatal():
                return 2
        self.tell("stopping")
        return 0

    async def _forget_other_clock(self, bus: Bus) -> None:
        """Drops a replay's clock when the hall now runs live, and the other way round; the same kind goes on."""
        stored = await bus.get("clock")
        if stored and msgspec.json.decode(stored, type=ClockState).live == self.replays:
            await bus.delete("clock")

    def _fatal(self) -> list[str]:
        return [child.name for child in self.children.values() if child.fatal]

    async def _wait(self, ready: Callable[[], object], what: str) -> bool:
        began, told = monotonic(), False
        while not self._stopping.is_set() and not self._fatal():
            if await ready():
                return True
            why = f" ({self._bus_fault})" if self._bus_fault else ""
            if why and not told and monotonic() > began + TELL_SECONDS:
                self.tell(f"waiting for {what}{why}")
                told = True
            if monotonic() > began + SLOWEST_START_SECONDS:
                self.tell(f"{what} not healthy after {SLOWEST_START_SECONDS:.0f} s{why}; see the lines above, or `hall doctor`")
                return False
            await asyncio.sleep(0.05)
        return False

    async def _bus_answers(self, bus: Bus) -> bool:
        try:
            await bus.ping()
        except BusLost as error:
            self._bus_fault = str(error)
            return False
        self._bus_fault = ""
        return True

    async def _doors_open(self) -> bool:
        """Whether web and gate answer `GET /healthz`: a process beats before its pages are assembled."""
        ports = [self.settings.port] * ("web" in self.children) + [self.settings.gate_port] * ("gate" in self.children)
        answers = [await asyncio.to_thread(healthz, self.settings.host, port) for port in ports]
        return all(answers)

    async def _stop_all(self) -> None:
        """Everything that writes first, the bus last, so that what was acknowledged is on disk."""
        await asyncio.gather(*(child.stop() for name, child in self.children.items() if name != "bus"))
        if "bus" in self.children:
            await self.children["bus"].stop()

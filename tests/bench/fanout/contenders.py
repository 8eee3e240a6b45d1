"""The hall and its peers as processes: how to start each, where screens connect, how events are sent in."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hall.core.embedded import server_command

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
GATE = "from hall.core.process import main; from hall.gate import serve; main('gate', serve)"
CITY = '[city]\nname = {en = "Bench"}\ncentre = [113.9, 35.3]\ndemo = true\n'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not listen on {port}")


class Contender:
    """One system under load. `screens` are the options of client.py, `producer` the arguments of producer.py."""

    name = ""
    per_event = False
    deflate = False
    slow = False  # begins at the lowest rate, like those that send a message per event

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="fan"))
        self.port = free_port()
        self.processes: list[subprocess.Popen] = []
        self.main: subprocess.Popen | None = None  # whose CPU and memory are measured

    def spawn(self, *command: str, **environment: str) -> subprocess.Popen:
        found = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, cwd=self.home,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(found)
        return found

    def start(self) -> None:
        raise NotImplementedError

    @property
    def screens(self) -> dict:
        return {"kind": "ws", "host": "127.0.0.1", "port": self.port, "path": "/screen", "deflate": self.deflate}

    def producer(self, rate: float, seconds: float) -> list[str]:
        return ["ws", f"ws://127.0.0.1:{self.port}/publish", str(rate), str(seconds), "0" if self.per_event else "40"]

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


class Hall(Contender):
    """Producer → Valkey → gate → screens: the whole path of the product."""

    name = "hall"

    def start(self) -> None:
        self.bus = self.home / "s"
        bus = self.spawn(*server_command(self.home, self.bus))
        while not self.bus.exists():
            if bus.poll() is not None:
                raise RuntimeError("Valkey ended")
            time.sleep(0.05)
        (self.home / "hall.toml").write_text(CITY, encoding="utf-8")
        self.start_gate()

    def start_gate(self) -> None:
        self.main = self.spawn(
            sys.executable, "-c", GATE,
            HALL_REDIS_URL=f"unix://{self.bus}", HALL_BUS_PREFIX="{bench}", HALL_PORT=str(self.port - 1),
            HALL_CONFIG=str(self.home / "hall.toml"), HALL_DATA_DIR=str(self.home), HALL_LOG="ERROR",
        )  # fmt: skip
        wait_for_port(self.port, self.main)

    @property
    def screens(self) -> dict:
        return {"kind": "hall", "host": "127.0.0.1", "port": self.port, "path": "/v1/stream", "deflate": self.deflate}

    def producer(self, rate: float, seconds: float) -> list[str]:
        return ["hall", f"unix://{self.bus}", str(rate), str(seconds), "40", "{bench}"]


class HallDeflated(Hall):
    name, deflate = "hall, deflated once", True


class Node(Contender):
    """Node `ws` with the producer's packs sent on as frames."""

    name = "Node ws, frames"

    def start(self) -> None:
        cache = ROOT / "var" / "bench-node"
        if not (cache / "node_modules" / "ws").exists():
            cache.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "peers" / "package.json", cache)
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=cache, check=True)
        shutil.copy(HERE / "peers" / "node_peer.mjs", cache)
        self.main = self.spawn("node", str(cache / "node_peer.mjs"), str(self.port))
        wait_for_port(self.port, self.main)


class NodePerEvent(Node):
    name, per_event = "Node ws, message per event", True


class FastApi(Contender):
    name = "FastAPI, frames"

    def start(self) -> None:
        self.main = self.spawn(sys.executable, str(HERE / "peers" / "fastapi_peer.py"), str(self.port))
        wait_for_port(self.port, self.main)


class FastApiPerEvent(FastApi):
    name, per_event = "FastAPI, message per event", True


class LibraryDeflate(Contender):
    """The same library as the gate's, deflating for each connection."""

    name, deflate, slow = "websockets, deflate per connection", True, True

    def start(self) -> None:
        self.main = self.spawn(sys.executable, str(HERE / "peers" / "library_peer.py"), str(self.port))
        wait_for_port(self.port, self.main)


class Mosquitto(Contender):
    name, per_event = "Mosquitto, message per event", True

    def start(self) -> None:
        self.inward = free_port()
        text = (
            f"listener {self.inward} 127.0.0.1\nlistener {self.port} 127.0.0.1\nprotocol websockets\n"
            "allow_anonymous true\npersistence false\nmax_queued_messages 0\nlog_dest none\nset_tcp_nodelay true\n"
        )
        (self.home / "m.conf").write_text(text, encoding="utf-8")
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.main = self.spawn(binary, "-c", str(self.home / "m.conf"))
        wait_for_port(self.port, self.main)

    @property
    def screens(self) -> dict:
        return {**super().screens, "kind": "mqtt", "path": "/mqtt"}

    def producer(self, rate: float, seconds: float) -> list[str]:
        return ["mqtt", f"127.0.0.1:{self.inward}", str(rate), str(seconds), "0"]


class Nats(Contender):
    name, per_event = "NATS, message per event", True

    def start(self) -> None:
        self.inward = free_port()
        text = (
            f"listen: 127.0.0.1:{self.inward}\nmax_payload: 8MB\nmax_pending: 256MB\n"
            f'websocket {{ listen: "127.0.0.1:{self.port}", no_tls: true }}\n'
        )
        (self.home / "n.conf").write_text(text, encoding="utf-8")
        binary = shutil.which("nats-server") or "/usr/sbin/nats-server"
        self.main = self.spawn(binary, "-c", str(self.home / "n.conf"))
        wait_for_port(self.port, self.main)

    @property
    def screens(self) -> dict:
        return {**super().screens, "kind": "nats", "path": "/"}

    def producer(self, rate: float, seconds: float) -> list[str]:
        return ["nats", f"127.0.0.1:{self.inward}", str(rate), str(seconds), "0"]


ALL: list[type[Contender]] = [
    Hall, HallDeflated, Node, NodePerEvent, FastApi, FastApiPerEvent, LibraryDeflate, Mosquitto, Nats,
]  # fmt: skip

"""WebRTC viewers per core, with NACK and RTCP at work: our egress, aiortc's own MediaRelay, Janus' streaming plugin, in one run.

One channel 720p25 at 2 Mbit/s, key picture every 2 s, AES_CM_128_HMAC_SHA1_80. Viewers are light players in another process that
throw away 1 % of the packets, ask for them again and report every second. CPU is the server's on-CPU time (schedstat of all its
threads), marginal between few and many viewers, in interleaved rounds; memory per viewer likewise.

Run: `python -m tests.bench.video_webrtc [few] [many] [rounds]`; beside other work with `chrt -r 10` before it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.video_peers import clip, janus

SETTLE, SECONDS, LOSS = 3.0, 6.0, 0.01
ROOT = Path(__file__).parent.parent.parent
KINDS = {
    "ours": "this hall",
    "single": "this hall, one call per packet",
    "stock": "aiortc MediaRelay",
    "janus": "Janus streaming plugin",
}
PROFILE = "AES_CM_128_HMAC_SHA1_80"


def own_address() -> str:
    """An address of this machine that is not loopback, which aiortc and Janus do not offer; packets stay in the kernel."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))  # nothing is sent
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def cpu(pid: int) -> float:
    """Seconds that all threads of a process were on a CPU."""
    return sum(int(p.read_text().split()[0]) for p in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def rss(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(module: str, *words: object, **more) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", f"tests.bench.video_peers.{module}", *map(str, words)], cwd=ROOT, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)  # fmt: skip


class Server:
    """One contender; `pid` is what is measured."""

    def __init__(self, kind: str, host: str) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.parts: list[subprocess.Popen] = []
        self.ticket = "-"
        if kind == "janus":
            server, self.url, rtp = janus.start(self.folder, host)
            self.parts = [server, run("janus", rtp)]
            time.sleep(2)
        else:
            server = run("ours", host, "one") if kind == "single" else run(kind, host)
            self.parts = [server]
            self.url, self.ticket = server.stdout.readline().split()
        self.pid = server.pid

    def close(self) -> None:
        for part in self.parts:
            part.terminate()
            part.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def measure(kind: str, viewers: int, host: str) -> dict:
    """Figures of one contender with so many viewers."""
    server = Server(kind, host)
    players = run("viewers", kind, server.url, server.ticket, viewers, LOSS, host)
    try:
        assert players.stdout.readline().strip() == "ready", f"{kind}: players did not connect"
        time.sleep(SETTLE)

        def ask() -> dict:
            players.stdin.write("now\n")
            players.stdin.flush()
            return json.loads(players.stdout.readline())

        ask()
        began, spent = time.monotonic(), cpu(server.pid)
        time.sleep(SECONDS)
        spent, took = cpu(server.pid) - spent, time.monotonic() - began
        figures = ask()
        return {"cpu": spent / took, "rss": rss(server.pid), **figures}
    finally:
        players.stdin.close()
        players.wait(20)
        server.close()


def main() -> None:
    few, many, rounds = (int(word) for word in (*sys.argv[1:], *("10", "60", "2")[len(sys.argv) - 1 :]))
    host, found = own_address(), {}
    clip.clip()
    for _ in range(rounds):
        for viewers in (few, many):
            for kind in KINDS:
                if kind == "janus" and not janus.PROGRAM.exists():
                    continue
                figures = measure(kind, viewers, host)
                found.setdefault((kind, viewers), []).append(figures)
                print(f"  {kind} {viewers}: {json.dumps(figures)}", file=sys.stderr, flush=True)
    report(found, few, many)


def report(found: dict, few: int, many: int) -> None:
    def middle(kind: str, viewers: int, name: str) -> float:
        return statistics.median(figures.get(name, 0) for figures in found[kind, viewers])

    kinds = [kind for kind in KINDS if (kind, many) in found]
    cost = {kind: (middle(kind, many, "cpu") - middle(kind, few, "cpu")) / (many - few) for kind in kinds}
    print(f"WebRTC, {few} to {many} viewers of one 720p25 channel, {LOSS:.0%} of packets thrown away, {PROFILE}\n")
    print(
        "| server | viewers per core | % of a core per viewer | times ours | MiB per viewer | packets/s per viewer | lost ones repaired |"
    )
    print("|---|---|---|---|---|---|---|")
    for kind in kinds:
        memory = (middle(kind, many, "rss") - middle(kind, few, "rss")) / (many - few)
        packets = middle(kind, many, "packets") / middle(kind, many, "seconds") / many
        repaired = middle(kind, many, "repaired") / max(1.0, middle(kind, many, "gaps"))
        print(f"| {KINDS[kind]} | {1 / cost[kind]:.0f} | {cost[kind]:.3%} | {cost[kind] / cost['ours']:.2f} | {memory:.2f} "
              f"| {packets:.0f} | {repaired:.1%} |")  # fmt: skip


if __name__ == "__main__":
    main()

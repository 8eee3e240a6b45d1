"""Commands acknowledged per second, each durable when acknowledged, at 1 and 16 threads, on SQLite (FULL) and PostgreSQL (fsync on).

Beside each, in the same run: the least that could do the same, written by hand on the bare driver (sqlite3, psycopg): one version-checked
UPDATE and one INSERT per transaction, without chain, rules, outbox or idempotency.

python -m tests.bench.ledger [seconds]
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import psycopg

from dispatch.ledger import Ledger
from hall.core.command import Actor, Command, Draft
from tests.dispatch.ledger import postgres

ACTOR = Actor(name="bench", role="operator", desk="desk-1")
THREADS = (1, 16)
STREAMS = 400  # per thread
#: what a note of a dispatcher weighs
TEXT = "积水约 30 厘米，已派排水抢险队前往处置，请注意安全。" * 3


class Noted(msgspec.Struct, kw_only=True):
    revision: int = 0
    ended: bool = False
    text: str = ""


class Notes:
    """One stream per case; every command is one entry."""

    topic = "bench"
    State = Noted

    def decide(self, view, command, actor):
        return [Draft(subject=command.subject, move="noted", data=command.data)]

    def evolve(self, state, entry):
        return Noted(revision=entry.revision, text=entry.data["text"])

    def document(self, state):
        return {"text": state.text, "revision": state.revision}

    def needs_revision(self, move):
        return True


def measured(threads: int, seconds: float, worker) -> tuple[float, float, float]:
    """Runs `worker(number)() -> None` in every thread for `seconds`: operations per second, p50 and p99 in ms."""
    took: list[list[float]] = [[] for _ in range(threads)]
    ready, stop = threading.Barrier(threads + 1), threading.Event()

    def run(number: int) -> None:
        once = worker(number)
        once()
        ready.wait()
        while not stop.is_set():
            began = time.perf_counter()
            once()
            took[number].append(time.perf_counter() - began)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    for thread in running:
        thread.join()
    every = sorted(itertools.chain(*took))
    elapsed = time.perf_counter() - began
    return len(every) / elapsed, statistics.median(every) * 1000, every[int(len(every) * 0.99)] * 1000


def of_ledger(url: str):
    ledger = Ledger(url, {"bench": Notes()})

    def worker(number: int):
        count = itertools.count()

        def once() -> None:
            n = next(count)
            subject, revision = f"bench/{number}-{n % STREAMS}", n // STREAMS
            command = Command(id=f"{number}-{n}", subject=subject, move="note", revision=revision, data={"text": TEXT})
            ledger.execute(command, ACTOR, 1_700_000_000_000 + n, 0)

        return once

    return worker, ledger


_UPDATE = "UPDATE streams SET revision = revision + 1, state = {0} WHERE subject = {0} AND revision = {0}"
_INSERT = "INSERT INTO entries(subject, revision, data) VALUES({0}, {0}, {0})"
_TABLES = (
    "CREATE TABLE streams(subject TEXT PRIMARY KEY, revision INTEGER NOT NULL, state TEXT NOT NULL)",
    "CREATE TABLE entries({0}, subject TEXT NOT NULL, revision INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE(subject, revision))",
)


def of_driver(connect, begin: str, mark: str, key: str):
    """`connect()` gives a connection that commits nothing by itself but what BEGIN and COMMIT say."""
    first = connect()
    for table in _TABLES:
        first.execute(table.format(key))
    names = [(f"bench/{number}-{n}", 0, "") for number in range(max(THREADS)) for n in range(STREAMS)]
    first.execute("BEGIN")
    first.cursor().executemany(f"INSERT INTO streams VALUES({mark}, {mark}, {mark})", names)
    first.execute("COMMIT")
    update, insert = _UPDATE.format(mark), _INSERT.format(mark)

    def worker(number: int):
        connection, count = connect(), itertools.count()

        def once() -> None:
            n = next(count)
            subject, revision = f"bench/{number}-{n % STREAMS}", n // STREAMS
            connection.execute(begin)
            assert connection.execute(update, (TEXT, subject, revision)).rowcount == 1
            connection.execute(insert, (subject, revision + 1, TEXT))
            connection.execute("COMMIT")

        return once

    return worker


def bare_sqlite(folder: Path):
    def connect():
        connection = sqlite3.connect(folder / "bare.db", isolation_level=None, timeout=30, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    return of_driver(connect, "BEGIN IMMEDIATE", "?", "seq INTEGER PRIMARY KEY")


def bare_postgresql(server: str, name: str):
    postgres.new_database(server, name)
    return of_driver(
        lambda: psycopg.connect(f"host={server} user=hall dbname={name}", autocommit=True),
        "BEGIN",
        "%s",
        "seq BIGSERIAL PRIMARY KEY",
    )


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    rows: list[str] = []
    with tempfile.TemporaryDirectory() as folder, postgres.running(fsync=True) as server:
        for threads in THREADS:
            for kind in ("SQLite FULL", "PostgreSQL"):
                home = Path(tempfile.mkdtemp(dir=folder))
                if kind == "PostgreSQL":
                    url = postgres.new_database(server, f"ours{threads}")
                    bare = measured(threads, seconds, bare_postgresql(server, f"bare{threads}"))
                else:
                    url = f"sqlite:///{home}/ledger.db"
                    bare = measured(threads, seconds, bare_sqlite(home))
                worker, ledger = of_ledger(url)
                ours = measured(threads, seconds, worker)
                verdict = ledger.verify()
                ledger.close()
                assert verdict.ok, verdict
                figures = "".join(f" {rate:,.0f}/s, {p50:.1f} / {p99:.1f} ms |" for rate, p50, p99 in (ours, bare))
                rows.append(f"| {kind}, {threads} thread{'s' * (threads > 1)} | **{ours[0] / bare[0]:.2f}** |{figures}")
    print("Every command is on the medium when it is acknowledged; the chain was walked afterwards and is whole.\n")
    print(
        "| database, writers | ratio | ledger: acknowledged, p50 / p99 | bare driver: UPDATE + INSERT, p50 / p99 |\n|---|---|---|---|"
    )
    print("\n".join(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

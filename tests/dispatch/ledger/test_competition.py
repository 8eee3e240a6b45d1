"""Many writers at once, in one process and in several: one winner per revision, no number twice, no gap."""

from __future__ import annotations

import threading
from collections import Counter as Count

from dispatch.ledger import Ledger
from hall.core.command import Actor, Command, Stale
from hall.core.errors import Refused
from tests.dispatch.ledger.conftest import IMPORTED, MORTAL
from tests.dispatch.ledger.counters import AGGREGATES, NOW, REAL, Counters, add
from tests.prefork import prefork

WRITERS, STREAMS = 8, 100


def compete(ledger, name, results):
    """Every writer wants to be the first on every stream."""
    actor = Actor(name=name, role="operator")
    for n in range(STREAMS):
        try:
            ledger.execute(add(f"x{n}", f"{name}-{n}", 0), actor, NOW, REAL)
            results.append((n, "won"))
        except Stale as stale:
            results.append((n, stale.changed[0].who))


def test_of_eight_writers_on_a_hundred_streams_one_wins_each(ledger, url):
    other = Ledger(url, AGGREGATES)  # as another process has it open
    results = {f"w{n}": [] for n in range(WRITERS)}
    threads = [
        threading.Thread(target=compete, args=((ledger, other)[n % 2], name, results[name])) for n, name in enumerate(results)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    winners = {n: name for name, found in results.items() for n, what in found if what == "won"}
    assert Count(what == "won" for found in results.values() for _, what in found) == {
        True: STREAMS,
        False: STREAMS * (WRITERS - 1),
    }
    assert {int(s.removeprefix("counter/x")): state.by for s, state in ledger.states("counter")} == {
        n: [w] for n, w in winners.items()
    }
    assert all(what in ("won", winners[n]) for found in results.values() for n, what in found)
    assert [e.seq for e in ledger.entries(0, 1_000)] == list(range(1, STREAMS + 1)) and ledger.verify().ok


def test_several_processes_write_without_a_gap_and_in_the_order_of_their_commits(ledger, url, tmp_path):
    heard = {name: tmp_path / name for name in "pqr"}
    children = []
    for name, path in heard.items():
        with path.open("w") as out:
            children.append(prefork().start(MORTAL, "write", url, name, 60, after=IMPORTED, out=out))
    seen = []  # a reader that follows while they write must never have to go back
    while len(seen) < 3 * 180:
        seen += [row.seq for row in ledger.outbox(seen[-1] if seen else 0, 50)]
        assert seen == list(range(1, len(seen) + 1))
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert all(len(path.read_text().splitlines()) == 60 for path in heard.values())
    assert ledger.verify().ok and ledger.head()[0] == 3 * 180


def test_a_hall_opened_by_several_processes_at_once_is_made_once(url):
    children = [prefork().start(MORTAL, "write", url, name, 1, after=IMPORTED) for name in "pqrs"]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    ledger = Ledger(url, AGGREGATES)
    assert ledger.verify().lines == 12
    ledger.close()


class Gated(Counters):
    """Its first decision waits until others are waiting behind it."""

    def __init__(self):
        self.deciding, self.go = threading.Event(), threading.Event()

    def decide(self, view, command, actor):
        if command.subject == "counter/first":
            self.deciding.set()
            assert self.go.wait(20)
        return super().decide(view, command, actor)


def test_those_who_wait_share_one_transaction_and_get_each_their_own_answer(url):
    gate, written = Gated(), []

    class Watched(Ledger):
        def reached(self, step):
            written.append(step)

    ledger, answers = Watched(url, {"counter": gate}), {}

    def ask(name, command):
        try:
            answers[name] = ledger.execute(command, Actor(name="w", role="operator"), NOW, REAL)
        except (Refused, ZeroDivisionError) as error:
            answers[name] = error

    commands = {
        "first": add("first", "c0", 0),
        "good": add("a", "c1", 0),
        "also": add("b", "c2", 0),
        "stale": add("c", "c3", 4),
    }
    commands["faulty"] = Command(id="c4", subject="counter/d", move="break", revision=0)
    threads = {name: threading.Thread(target=ask, args=(name, command)) for name, command in commands.items()}
    threads["first"].start()
    assert gate.deciding.wait(20)
    for name in list(commands)[1:]:
        threads[name].start()
    while len(ledger._waiting) < 4:
        pass
    gate.go.set()
    for thread in threads.values():
        thread.join()
    assert written.count("committed") == 2
    assert (answers["good"].revision, answers["also"].revision) == (1, 1)
    assert isinstance(answers["stale"], Stale) and isinstance(answers["faulty"], ZeroDivisionError)
    assert ledger.head()[0] == 3
    ledger.close()

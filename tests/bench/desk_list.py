"""The desk's list over HTTP: a million cases, decisions of the hall laid over 50,000 of them, and opening one of those.

The book and the ledger are written first by the hall's own code, then a whole hall runs on them and is asked as a console asks.
`--keep FOLDER` keeps both there (or uses those that are there already).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec

from dispatch.casebook import Casebook
from dispatch.laidover import of_document
from dispatch.ledger import Ledger
from dispatch.policy import compile_policy
from hall import access
from hall.core import config as configuration
from hall.core.bus import Bus
from hall.core.command import Actor, Command
from hall.core.model import Case
from hall.core.settings import bus_socket
from tests.bench import casebook
from tests.bench._desk import HEADER, parts, row
from tests.running import RunningHall

TOGETHER, RUNS, LIST_GOAL_MS, OPEN_GOAL_MS = 1_000, 10, 150, 200
SYSTEM = Actor(name="system", role="system", kind="system")
PEOPLE = [Actor(name=f"operator-{n}", role="operator") for n in range(40)]
LEAD = Actor(name="lead", role="supervisor")
CITY = f"""[city]
name = {{en = "Bench"}}
centre = [113.9, 35.3]
timezone = "UTC"
[clock]
start = "{datetime.fromtimestamp(casebook.NOW / 1000, UTC):%Y-%m-%dT%H:%M:%S}"
"""


def cases(count: int, decided: int) -> Iterator[Case]:
    """The cases of `casebook`, the newest `decided` of them just reported."""
    for n, case in enumerate(casebook.cases(count)):
        fresh = msgspec.structs.replace(case.stages, closed=None)
        yield case if n < count - decided else msgspec.structs.replace(case, state="reported", stages=fresh)


def decide(folder: Path, config: Path, count: int, decided: int) -> float:
    """Opens a file for each of them; one half is claimed, the other dispatched; lays it over the book. Commands per second."""
    policy = compile_policy(configuration.load(config))
    ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}", policy.aggregates())
    book, dice, began, commands = Casebook.open_writer(folder / "cases.db"), random.Random(2), time.perf_counter(), 0
    source = itertools.islice(cases(count, decided), count - decided, None)
    while chunk := list(itertools.islice(source, TOGETHER)):
        names = [f"file/{case.feed}/{case.case_id}" for case in chunk]
        opened = [
            (Command(id=f"open-{name}", subject=name, move="supplied", data={"case": msgspec.to_builtins(case)}), SYSTEM)
            for name, case in zip(names, chunk, strict=True)
        ]
        moved = [_moved(name, case, dice) for name, case in zip(names, chunk, strict=True)]
        for asked in (opened, moved):
            refused = [
                result for result in ledger.execute_many(asked, casebook.NOW, casebook.NOW) if isinstance(result, Exception)
            ]
            assert not refused, refused[0]
            commands += len(asked)
        states = {name: ledger.state(name) for name in names}
        book.lay_over({"case" + n[4:]: of_document(policy.files.document(state) or {}) for n, state in states.items()})
    book.tidy()
    book.close()
    ledger.close()
    return commands / (time.perf_counter() - began)


def _moved(name: str, case: Case, dice: random.Random) -> tuple[Command, Actor]:
    if dice.random() < 0.5:
        return Command(id=f"claim-{name}", subject=name, move="claim", revision=1), dice.choice(PEOPLE)
    return Command(id=f"send-{name}", subject=name, move="dispatch", revision=1, data={"unit": case.unit}), LEAD


QUESTIONS: dict[str, list[dict]] = {
    "first page, any order": [
        {"sort": f"{name} {way}"} for name in ("reported", "due", "number", "severity", "district", "owner", "ended", "time", "state")
        for way in ("asc", "desc")
    ],
    "filter by what was decided": [
        {"owner": "operator-7"}, {"owner": ["operator-1", "operator-2"]}, {"state": "pending_handle"}, {"open": True},
        {"owner": "operator-7", "district": "牧野区"}, {"state": "reported", "open": True, "severity": 4},
        {"state": "pending_handle", "unit": "牧野区市政处"}, {"overdue": True}, {"owner": "operator-9", "sort": "due asc"},
        {"open": True, "overdue": True, "district": "凤泉区", "sort": "due asc"},
    ],
    "filter by what was reported": [
        {"district": "牧野区"}, {"class_name": "井盖损坏"}, {"report_source": "门户网站", "state": "closed"},
        {"district": "牧野区", "severity": 4, "sort": "due asc"},
    ],
    "search": [{"q": text} for text in ("井盖缺失", "交叉口向东", "先生0042", "没有这样的", "井盖", "路", "积水 立交桥 较深")],
    "search and filter": [
        {"q": text, **more}
        for text in ("井盖", "红旗区", "先生0042")
        for more in ({"owner": "operator-7"}, {"state": "pending_handle"}, {"open": True, "sort": "due asc"})
    ],
}  # fmt: skip


def timed(client: httpx.Client, path: str, **question) -> float:
    began = time.perf_counter()
    answer = client.get(path, params=question)
    assert answer.status_code == 200, f"{path} {question}: {answer.text[:300]}"
    return time.perf_counter() - began


def measure(client: httpx.Client, count: int, decided: int) -> bool:
    timed(client, "/api/v1/cases")
    everything, slowest = [], (0.0, {})
    print(HEADER)
    for name, asked in QUESTIONS.items():
        took = [(timed(client, "/api/v1/cases", **question), question) for question in asked for _ in range(RUNS)]
        slowest = max(slowest, *took, key=lambda one: one[0])
        everything += [one for one, _ in took]
        print(row(name, [one for one, _ in took]))
    newest = [case.case_id for case in itertools.islice(cases(count, decided), count - decided, None)]
    chosen = random.Random(3).sample(newest, min(300, len(newest)))
    opened = [timed(client, f"/api/v1/files/b/{case_id}") for case_id in chosen]
    print(row("**all of the list**", everything))
    print(row("**opening a case**", opened))
    listed, looked = parts(everything)[1] * 1000, parts(opened)[1] * 1000
    print(
        f"\nSlowest question: `{slowest[1]}`. List p95 <= {LIST_GOAL_MS} ms: {'met' if listed <= LIST_GOAL_MS else 'NOT met'}. ",
        end="",
    )
    print(f"Opening p95 <= {OPEN_GOAL_MS} ms: {'met' if looked <= OPEN_GOAL_MS else 'NOT met'}.")
    return True


def signed_in(hall: RunningHall) -> dict[str, str]:
    async def sign_in() -> str:
        bus = Bus(f"unix://{bus_socket(hall.data_dir)}")
        secret = await access.open_session(bus, "operator-7", "operator")
        await bus.close()
        return secret

    return {access.COOKIE: asyncio.run(sign_in())}


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench.desk_list", description=__doc__)
    options.add_argument("--cases", type=int, default=1_000_000)
    options.add_argument("--decided", type=int, default=50_000)
    options.add_argument("--keep", default="")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hall-list-") as temporary:
        folder = Path(chosen.keep or temporary)
        config = folder / "hall.toml"
        config.write_text(CITY, encoding="utf-8")
        print(
            f"{chosen.cases:,} cases, decisions laid over {chosen.decided:,} of them; asked over HTTP, pages of 100. ", end=""
        )
        if not (folder / "ledger.db").exists():
            casebook.build(folder / "cases.db", cases(chosen.cases, chosen.decided))
            rate = decide(folder, config, chosen.cases, chosen.decided)
            print(f"Decided and laid over at {rate:,.0f} commands/s.", end="")
        print("\n")
        with (
            RunningHall(folder, config) as hall,
            httpx.Client(base_url=hall.url, cookies=signed_in(hall), timeout=60) as client,
        ):
            measure(client, chosen.cases, chosen.decided)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

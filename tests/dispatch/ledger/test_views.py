"""The record of who watched what, on both databases. Oracle: the same rows in a plain list."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from types import SimpleNamespace

import pytest

from dispatch import views
from dispatch.ledger import Ledger
from dispatch.ledger.database import Database
from dispatch.views import Filter, View, ViewBook, ViewDesk, Watch, watch_of
from hall.core import settings as settings_module
from hall.core.clock import real_ms
from hall.core.config import parse
from hall.core.errors import LedgerFault
from hall.core.event import Event, encode, unpack
from hall.core.process import Process
from tests.conftest import ROOT
from tests.dispatch.ledger.conftest import IMPORTED
from tests.prefork import prefork
from video.relay.documents import Watched

HOUR = 3_600_000


@pytest.fixture
def book(url):
    database = Database(url)
    yield ViewBook(database)
    database.close()


def view(number: int, channel: str = "channel/c/1", **more) -> View:
    told = dict(view=f"v{number:03d}", channel=channel, opened=number * 1000, real=number * 1000, until=number * 1000 + HOUR)
    return View(**{**told, "who": "li.ming", "role": "operator", **more})


def some(seed: int = 1) -> list[View]:
    chance = random.Random(seed)
    return [
        view(
            chance.randrange(40), f"channel/c/{chance.randrange(6)}", who=chance.choice(("li.ming", "wang.wu", "wall:east")),
            district=chance.choice(("红旗区", "卫滨区", "")), reason=chance.choice(("case", "patrol", "text")),
            why=chance.choice(("case/desk/20260722-000001", "patrol", "100% 积水_看一下")),
        )
        for _ in range(120)
    ]  # fmt: skip


QUESTIONS = [
    {}, {"channel": "channel/c/3"}, {"who": "wang.wu"}, {"reason": "patrol"}, {"why": "20260722"}, {"why": "100%"}, {"why": "_"},
    {"since": 10_000, "until": 20_000}, {"districts": ("红旗区",)}, {"districts": ()}, {"view": "v007"}, {"who": "nobody"},
]  # fmt: skip


@pytest.mark.parametrize("asked", QUESTIONS)
def test_every_question_gets_the_rows_a_loop_finds_newest_first_page_by_page(book, asked):
    kept: dict[tuple[str, str], View] = {}
    for one in some():
        kept.setdefault((one.view, one.channel), one)  # the first word on a channel of a view stands
    book.add(some()[:50])
    book.add(some()[50:])

    def fits(one: View) -> bool:
        return all(getattr(one, name) == asked[name] for name in ("channel", "who", "reason", "view") if name in asked) and (
            asked.get("why", "") in one.why
            and asked.get("since", 0) <= one.opened < asked.get("until", 10**9)
            and ("districts" not in asked or one.district in ("", *asked["districts"]))
        )

    expected = sorted(((v.opened, v.view, v.channel) for v in kept.values() if fits(v)), reverse=True)
    found, after = [], None
    while page := book.listed(Filter(**asked), after, 7):
        found += [(row["opened"], row["view"], row["channel"]) for row in page]
        after = found[-1]
    assert found == expected


def test_what_the_relay_says_is_added_up_and_counts_once(book):
    book.add([view(1), view(2), view(1, "channel/c/2")])
    told = [
        Watch(id="a", view="v001", channel="channel/c/1", kind="websocket", started=1_000, ended=5_000, shown=100, bytes=9),
        Watch(id="b", view="v001", channel="channel/c/1", kind="webrtc", started=6_000, ended=6_500, shown=1, bytes=1),
        Watch(id="c", view="v001", channel="channel/c/2", started=2_000, ended=3_000, shown=25, bytes=4),
    ]
    for batch in (told, told[:1], told[1:], []):
        book.watched(batch)
    rows = {(row["view"], row["channel"]): row for row in book.listed(Filter(), None, 10)}
    first = rows["v001", "channel/c/1"]
    assert [first[n] for n in ("started", "ended", "watched_ms", "shown", "bytes", "watches")] == [
        1_000,
        6_500,
        4_500,
        101,
        10,
        2,
    ]
    assert rows["v001", "channel/c/2"]["shown"] == 25
    assert rows["v002", "channel/c/1"]["started"] is None and rows["v002", "channel/c/1"]["watches"] == 0


def test_old_lines_go_and_younger_ones_stay(book):
    book.add([view(number) for number in range(10)])
    book.watched(
        [Watch(id=str(n), view=f"v{n:03d}", channel="channel/c/1", started=n * 1000, ended=n * 1000) for n in range(10)]
    )
    assert book.tidy(6_000) == 6
    assert [row["view"] for row in book.listed(Filter(), None, 20)] == ["v009", "v008", "v007", "v006"]
    assert all(row["watches"] == 1 for row in book.listed(Filter(), None, 20))


def test_a_ledger_of_before_is_brought_up_to_date_and_keeps_its_lines(tmp_path):
    from alembic import command
    from alembic.config import Config

    url, config = f"sqlite:///{tmp_path}/ledger.db", Config()
    config.set_main_option("script_location", str(ROOT / "dispatch/ledger/migrations"))
    Database(url).close()
    old = Database(url)
    with old._transaction() as connection:
        for table in ("watches", "views"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        config.attributes["connection"] = connection
        command.stamp(config, "0001")
    old.close()
    upgraded = Database(url)
    ViewBook(upgraded).add([view(1)])
    upgraded.close()


def test_a_database_that_is_away_says_so(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/ledger.db")
    book = ViewBook(database)
    with database._writer.begin() as connection:
        connection.exec_driver_sql("DROP TABLE views")
    with pytest.raises(LedgerFault):
        book.add([view(1)])
    database.close()


_WRITER = """
import sys
from dispatch.ledger.database import Database
from dispatch.views import View, ViewBook
book = ViewBook(Database(sys.argv[1]))
for number in range(10_000):
    book.add([View(view=str(number), channel=f"channel/c/{n}", opened=number, real=number, until=1, who="w", role="r") for n in range(3)])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 17])
def test_a_view_that_was_acknowledged_survives_a_kill_whole(url, after):
    heard, mouth = os.pipe()
    with open(mouth, "w") as out:
        writer = prefork().start(_WRITER, url, after=("dispatch.views", *IMPORTED), out=out)
    with open(heard) as said:
        told = [int(said.readline()) for _ in range(after)]
        writer.kill()
        told += [int(line) for line in said.read().split()]
    writer.wait(10)
    database = Database(url)
    rows = ViewBook(database).listed(Filter(), None, 100_000)
    database.close()
    kept = {row["view"] for row in rows}
    assert {str(number) for number in told} <= kept and len(rows) == 3 * len(kept)


async def test_views_opened_at_the_same_time_share_a_transaction(tmp_path):
    database, turns = Database(f"sqlite:///{tmp_path}/ledger.db"), []

    async def run(work):
        turns.append(1)
        return await asyncio.to_thread(work)

    desk = ViewDesk(run, database)
    plain = [{name: getattr(view(n), name) for name in View.__struct_fields__} for n in range(60)]
    await asyncio.gather(*(desk.add([one]) for one in plain))
    assert len(turns) <= 4 and len(await desk.listed({}, None, 100)) == 60
    database.close()


def test_only_the_relays_word_on_views_is_read():
    def event(subject, data):
        return encode(Event(id="e1", source="relay", subject=subject, time=1, recordedtime=1, data=data))

    good = {"view": "v", "channel": "channel/c/1", "started": 5, "ended": 9, "shown": 3, "kind": "webrtc", "bytes": 7, "new": 1}
    assert watch_of(event("audit/view/v", good)) == Watch(id="e1", view="v", channel="channel/c/1", kind="webrtc", started=5,
                                                          ended=9, shown=3, bytes=7)  # fmt: skip
    for subject, data in (
        ("audit/refused", good),
        ("audit/view/v", {"view": 3}),
        ("audit/view/v", None),
        ("channel/c/1", good),
    ):
        assert watch_of(event(subject, data)) is None
    assert watch_of(b"{") is None


@pytest.fixture
async def process(bus, tmp_path, monkeypatch):
    monkeypatch.setenv("HALL_REDIS_URL", bus.url)
    monkeypatch.setenv("HALL_BUS_PREFIX", bus.prefix)
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path))
    made = Process("dispatch", settings_module.read(), parse('[city]\nname={en="T"}\ncentre=[1,2]\n'))
    yield made
    await made.end_tasks()
    await made.bus.close()


async def test_what_the_relay_says_at_the_end_of_a_watch_is_what_the_record_reads(process):
    hub = SimpleNamespace(mosaics=SimpleNamespace(members=lambda channel: ()))  # it joins no channels to one picture
    Watched(process, hub).ended("v7", "channel/c/1", 5, 9, kind="webrtc", shown=3, pictures=4, bytes=7)
    await process.fast.flush()
    (raw,) = unpack(await process.bus.newest_pack("fast"))
    watch = watch_of(bytes(raw))
    told = (watch.view, watch.channel, watch.kind, watch.started, watch.ended, watch.shown, watch.bytes)
    assert told == ("v7", "channel/c/1", "webrtc", 5, 9, 3, 7) and watch.id


async def test_watches_reach_the_record_from_the_bus_also_those_told_while_nobody_listened(process, tmp_path):
    database = Database(f"sqlite:///{tmp_path}/ledger.db")
    book = ViewBook(database)
    now = real_ms()
    book.add([view(number, real=now) for number in range(6)])

    async def tell(*numbers):
        data = [{"view": f"v{n:03d}", "channel": "channel/c/1", "started": now, "ended": now + n, "shown": 1} for n in numbers]
        events = [process.event(f"audit/view/{one['view']}", one) for one in data]
        await process.bus.publish([encode(event) for event in (*events, process.event("log/1", {"x": 1}))], "fast")

    async def shown(count):
        async with asyncio.timeout(20):
            while sum(row["watches"] for row in book.listed(Filter(), None, 10)) != count:
                await asyncio.sleep(0.02)

    for told, count in (((0, 1), 2), ((2,), 3), ((3, 4, 5), 6)):
        await tell(*told)  # before anybody follows: the cursor finds them
        following = asyncio.create_task(views.follow_watches(process, database))
        await shown(count)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
    database.close()


def test_the_ledgers_own_reading_does_not_mind_the_record(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", {})
    ViewBook(ledger.database).add([view(1)])
    assert ledger.verify().ok and ledger.head() == (0, "")
    ledger.close()

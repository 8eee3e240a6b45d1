"""A stream of somebody else, on a real Valkey."""

import redis.asyncio

from feeds.transports.redis_stream import TRANSPORT, split_url
from tests.tasks import ended


async def test_entries_become_rows_and_a_restart_goes_on_behind_the_last_one(tcp_valkey, rim, running):
    client = redis.asyncio.Redis.from_url(tcp_valkey)
    await client.xadd("out:side", {"id": "1", "depth": "0.1"})
    await client.xadd("out:side", {"id": "2", "depth": "0.2"})
    feed = rim(f"{tcp_valkey}/out:side", options={"start": "all"})
    task = running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.taken_rows) == 2)
    await ended(task)
    await client.xadd("out:side", {"id": "3", "depth": "0.3"})
    again = rim(f"{tcp_valkey}/out:side", options={"start": "all"}, kept=feed.kept)
    running(TRANSPORT, again)
    await again.until(lambda: again.taken_rows)
    assert [row["id"] for row in feed.taken_rows + again.taken_rows] == ["1", "2", "3"]
    await client.aclose()


async def test_only_what_is_new_is_taken_unless_all_is_asked_for(tcp_valkey, rim, running):
    client = redis.asyncio.Redis.from_url(tcp_valkey)
    await client.xadd("news", {"body": "old"})
    feed = rim(f"{tcp_valkey}/news", options={"field": "body"})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.connections)
    await client.xadd("news", {"body": '{"new": 1}'})
    await client.xadd("news", {"other": "x"})
    await feed.until(lambda: feed.parked)
    assert feed.json() == [{"new": 1}]
    assert feed.parked[0][1] == "field-missing"
    await client.aclose()


async def test_a_connection_cut_by_the_server_loses_and_repeats_nothing(tcp_valkey, rim, running):
    client = redis.asyncio.Redis.from_url(tcp_valkey)
    feed = rim(f"{tcp_valkey}/cut", options={"start": "all"})
    running(TRANSPORT, feed)
    wanted = []
    for n in range(40):
        await client.xadd("cut", {"n": str(n)})
        wanted.append(str(n))
        if n % 10 == 5:
            await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await feed.until(lambda: len(feed.taken_rows) >= 40)
    assert [row["n"] for row in feed.taken_rows] == wanted
    await client.aclose()


def test_a_url_is_split_into_server_and_stream(rim):
    feed = rim("redis://h/s")
    assert split_url("redis://h:6379/2/a:b", feed) == ("redis://h:6379/2", "a:b")
    assert split_url("rediss://u:p@h/city/events", feed) == ("rediss://u:p@h/0", "city/events")

"""POST /api/v1/ingest/{feed}: what is answered, and what lies on the bus afterwards."""

import asyncio
import gzip

import httpx
import msgspec
import pytest

from hall.app import ingest

TOKEN = {"Authorization": "Bearer open sesame"}


@pytest.fixture
async def web():
    async with httpx.AsyncClient(timeout=20, verify=False) as client:
        yield client


async def test_a_body_is_on_the_bus_when_it_is_accepted(hall, web):
    reply = await web.post(f"{hall.web}/gauges", content=b'{"depth": 1}', headers={**TOKEN, "Content-Type": "application/json"})
    ((at, fields),) = await hall.bus.queue_read("inbox", "gauges")
    assert reply.status_code == 202
    assert reply.json() == {"accepted": True, "entry": f"{at[0]}-{at[1]}"}
    assert (fields["body"], fields["type"]) == (b'{"depth": 1}', b"application/json")
    assert int(fields["at"]) > 0 and "wait" not in fields


@pytest.mark.parametrize(
    "body", [b"\0", b"{broken", b"\xff\xfe\0", b"[" * 100_000, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"x" * 1_000_000]
)
async def test_whatever_the_bytes_are_they_are_accepted_unchanged(hall, web, body):
    reply = await web.post(f"{hall.web}/gauges", content=body, headers=TOKEN)
    ((_, fields),) = await hall.bus.queue_read("inbox", "gauges")
    assert reply.status_code == 202 and fields["body"] == body


@pytest.mark.parametrize(
    ("feed", "headers", "status", "reason"),
    [
        ("gauges", {}, 401, "wrong-token"),
        ("gauges", {"Authorization": "Bearer wrong"}, 401, "wrong-token"),
        ("gauges", {"Authorization": "Basic open sesame"}, 401, "wrong-token"),
        ("gauges", {"Authorization": "Bearer \u00e9".encode("latin-1")}, 401, "wrong-token"),
        ("tokenless", {"Authorization": "Bearer x"}, 401, "no-token-configured"),
        ("secret", {"Authorization": "Bearer env:INGEST_TEST_TOKEN"}, 401, "no-token-configured"),
        ("nobody", TOKEN, 404, "unknown-feed"),
        ("polled", TOKEN, 404, "not-a-push-feed"),
        ("off", TOKEN, 404, "not-a-push-feed"),
    ],
)
async def test_who_may_not_push_is_told_why_and_nothing_is_kept(hall, web, feed, headers, status, reason):
    reply = await web.post(f"{hall.web}/{feed}", content=b"{}", headers=headers)
    assert (reply.status_code, reply.json()["reason"]) == (status, reason)
    assert await hall.bus.queue_length("inbox", feed) == 0


async def test_a_token_may_come_from_the_environment_and_in_the_address(hall, web, monkeypatch):
    monkeypatch.setenv("INGEST_TEST_TOKEN", "from the environment")
    reply = await web.post(f"{hall.web}/secret", params={"token": "from the environment"}, content=b"{}")
    assert reply.status_code == 202


async def test_a_body_too_large_is_refused_with_and_without_a_declared_length(hall, web):
    big = b"x" * (ingest.MAX_BODY_BYTES + 1)

    async def stream():
        yield big

    declared = await web.post(f"{hall.web}/gauges", content=big, headers=TOKEN)
    streamed = await web.post(f"{hall.web}/gauges", content=stream(), headers=TOKEN)
    fits = await web.post(f"{hall.web}/gauges", content=big[:-1], headers=TOKEN)
    assert (declared.status_code, streamed.status_code, fits.status_code) == (413, 413, 202)
    assert await hall.bus.queue_length("inbox", "gauges") == 1


async def test_gzip_is_unpacked_and_a_gzip_bomb_is_refused(hall, web):
    packed = {**TOKEN, "Content-Encoding": "gzip"}
    fine = await web.post(f"{hall.web}/gauges", content=gzip.compress(b"[1]"), headers=packed)
    bomb = await web.post(f"{hall.web}/gauges", content=gzip.compress(b"\0" * 50_000_000), headers=packed)
    broken = await web.post(f"{hall.web}/gauges", content=gzip.compress(b"[1]")[:-6], headers=packed)
    other = await web.post(f"{hall.web}/gauges", content=b"x", headers={**TOKEN, "Content-Encoding": "br"})
    assert [r.status_code for r in (fine, bomb, broken, other)] == [202, 413, 400, 415]
    ((_, fields),) = await hall.bus.queue_read("inbox", "gauges")
    assert fields["body"] == b"[1]"


async def test_an_empty_body_is_refused(hall, web):
    reply = await web.post(f"{hall.web}/gauges", headers=TOKEN)
    assert (reply.status_code, reply.json()["reason"]) == (400, "empty-body")


async def test_a_full_inbox_says_when_to_come_back_and_takes_again_when_there_is_room(hall, web, monkeypatch):
    monkeypatch.setattr(ingest, "BACKLOG_ENTRIES", 3)
    replies = [await web.post(f"{hall.web}/gauges", content=b"{}", headers=TOKEN) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [202, 202, 202, 503]
    assert int(replies[-1].headers["Retry-After"]) > 0 and replies[-1].json()["reason"] == "backlog-full"
    ((at, _), *_) = await hall.bus.queue_read("inbox", "gauges")
    await hall.bus.queue_remove([at], "inbox", "gauges")
    assert (await web.post(f"{hall.web}/gauges", content=b"{}", headers=TOKEN)).status_code == 202


async def test_few_large_bodies_fill_an_inbox_too(hall, web, monkeypatch):
    monkeypatch.setattr(ingest, "BACKLOG_BYTES", 3_000_000)
    replies = [await web.post(f"{hall.web}/gauges", content=b"x" * 1_000_000, headers=TOKEN) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [202, 202, 503, 503]


async def test_a_lost_bus_is_a_503_and_not_an_acceptance(hall, web):
    await hall.process.bus.close()
    hall.process.bus.redis.connection_pool.connection_kwargs["path"] = "/nowhere/bus.sock"
    reply = await web.post(f"{hall.web}/gauges", content=b"{}", headers=TOKEN)
    assert (reply.status_code, reply.json()["reason"]) == (503, "bus-lost") and "Retry-After" in reply.headers


async def test_a_waiting_supplier_is_told_what_became_of_its_data(hall, web):
    outcome = {"accepted": 1, "duplicates": 0, "parked": 2, "reasons": ["time-missing"]}

    async def feed():
        while not (entries := await hall.bus.queue_read("inbox", "gauges", block_ms=1000)):
            pass
        ((ms, seq), fields) = entries[0]
        assert fields["wait"] == b"1"
        await hall.bus.set(msgspec.json.encode(outcome), "outcome", "gauges", f"{ms}-{seq}", ttl_seconds=30)

    reply, _ = await asyncio.gather(web.post(f"{hall.web}/gauges?wait=1", content=b"{}", headers=TOKEN), feed())
    assert reply.status_code == 202 and reply.json()["outcome"] == outcome


async def test_a_supplier_does_not_wait_for_ever(hall, web, monkeypatch):
    monkeypatch.setattr(ingest, "WAIT_SECONDS", 0.05)
    reply = await web.post(f"{hall.web}/gauges?wait=1", content=b"{}", headers=TOKEN)
    assert reply.status_code == 202 and reply.json()["outcome"] is None


async def test_bodies_on_their_way_are_bounded_per_feed_and_make_room_when_they_have_come(hall, web, monkeypatch):
    monkeypatch.setattr(ingest, "RECEIVING_BYTES", 100_000)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield b"x" * 90_000
        arrived.set()
        await go_on.wait()
        yield b"x"

    first = asyncio.create_task(web.post(f"{hall.web}/gauges", content=slow(), headers=TOKEN))
    await arrived.wait()
    while (reply := await web.post(f"{hall.web}/gauges", content=b"y" * 20_000, headers=TOKEN)).status_code == 202:
        await asyncio.sleep(0)  # the first bytes are still between the sockets
    assert (reply.status_code, reply.json()["reason"]) == (503, "busy") and int(reply.headers["retry-after"]) > 0
    go_on.set()
    assert (await first).status_code == 202
    assert (await web.post(f"{hall.web}/gauges", content=b"y" * 99_000, headers=TOKEN)).status_code == 202


async def test_a_body_that_never_ends_is_given_up(hall, monkeypatch):
    monkeypatch.setattr(ingest, "BODY_SECONDS", 0.05)
    place = httpx.URL(hall.web)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    head = f"POST {place.path}/gauges HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer open sesame\r\nContent-Length: 99\r\n\r\nx"
    writer.write(head.encode())
    reply = await reader.readuntil(b"}")
    assert reply.startswith(b"HTTP/1.1 408 ") and b'"reason":"too-slow"' in reply
    assert await hall.bus.queue_length("inbox", "gauges") == 0
    writer.close()

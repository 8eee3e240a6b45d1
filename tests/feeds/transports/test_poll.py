"""Polling against a real HTTP server."""

import asyncio
import json

import httpx
import pytest

from feeds.transports.poll import TRANSPORT, run
from feeds.web import OwnNetwork, SupplierError
from hall.core.errors import ConfigError

FAST = {"every_seconds": 0.02}


async def test_an_unchanged_reply_is_asked_for_conditionally_and_not_taken_twice(web_server, rim, running):
    asked = []

    def answer(path, query, headers):
        asked.append(headers.get("If-None-Match"))
        version = "v1" if len(asked) < 4 else "v2"
        if headers.get("If-None-Match") == version:
            return 304, {}, b""
        return 200, {"ETag": version, "Content-Type": "application/json; charset=utf-8"}, json.dumps({"is": version}).encode()

    feed = rim(f"http+poll://{web_server(answer)}/gauges", options=FAST)
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.bodies) == 2)
    assert asked[:4] == [None, "v1", "v1", "v1"]
    assert feed.bodies == [(b'{"is": "v1"}', "application/json"), (b'{"is": "v2"}', "application/json")]
    assert feed.lives >= 2 and feed.connections == 1


async def test_last_modified_is_used_where_there_is_no_etag(web_server, rim, running):
    asked = []
    stamp = "Fri, 23 Jun 2023 10:00:00 GMT"

    def answer(path, query, headers):
        asked.append(headers.get("If-Modified-Since"))
        return (304, {}, b"") if asked[-1] == stamp else (200, {"Last-Modified": stamp}, b"[]")

    feed = rim(f"http+poll://{web_server(answer)}/x", options=FAST)
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.lives >= 2)
    assert asked[:3] == [None, stamp, stamp] and len(feed.bodies) == 1


async def test_pages_are_followed_by_a_path_in_the_reply(web_server, rim, running, real_data):
    page = json.loads((real_data / "sensors" / "sensorthings_frost_things_page1.json").read_text())
    last = {"value": [{"name": "last"}]}

    def answer(path, query, headers):
        if query.get("$skip") is None:
            return 200, {}, json.dumps({**page, "@iot.nextLink": "things?$skip=2"}).encode()
        return 200, {}, json.dumps(last).encode()

    feed = rim(f"http+poll://{web_server(answer)}/v1.1/things", options={"every_seconds": 60, "next": "@iot.nextLink"})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.flushes)
    assert feed.json() == [{**page, "@iot.nextLink": "things?$skip=2"}, last]


async def test_pages_are_followed_by_link_headers(web_server, rim, running):
    def answer(path, query, headers):
        page = int(query.get("page", 1))
        return 200, {"Link": f'</x?page={page + 1}>; rel="next"'} if page < 4 else {}, str(page).encode()

    feed = rim(f"http+poll://{web_server(answer)}/x", options={"every_seconds": 60})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.flushes)
    assert feed.json() == [1, 2, 3, 4]


async def test_a_next_page_that_loops_ends_and_one_on_another_server_is_not_followed(web_server, rim, running):
    def answer(path, query, headers):
        return 200, {}, json.dumps({"next": path if path == "/loop" else "http://192.0.2.1/steal"}).encode()

    base = web_server(answer)
    for path in ("loop", "away"):
        feed = rim(f"http+poll://{base}/{path}", options={"every_seconds": 60, "next": "next"})
        running(TRANSPORT, feed)
        await feed.until(lambda feed=feed: feed.flushes)
        assert len(feed.bodies) == 1
    assert any("another server" in note for note in feed.notes)


async def test_an_endless_chain_of_pages_is_bounded_and_told(web_server, rim, running):
    def answer(path, query, headers):
        return 200, {}, json.dumps({"next": f"/x?page={int(query.get('page', 0)) + 1}"}).encode()

    feed = rim(f"http+poll://{web_server(answer)}/x", options={"every_seconds": 60, "next": "next", "max_pages": 5})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.flushes)
    assert len(feed.bodies) == 5 and "more than 5 pages" in feed.notes[-1]


async def test_an_error_reply_is_shown_with_what_the_supplier_said_and_recovers(web_server, rim, running):
    replies = iter(
        [(500, {}, b"<html><h1>database  down</h1><script>x()</script></html>"), (429, {"Retry-After": "0"}, b"slow")]
    )

    def answer(path, query, headers):
        return next(replies, (200, {}, b"[1]"))

    feed = rim(f"http+poll://{web_server(answer)}/x", options=FAST)
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.bodies)
    assert feed.losses == ["HTTP 500: database down", "HTTP 429: slow"]
    assert feed.connections == 1


async def test_a_server_that_is_away_is_asked_again(web_server, rim, running):
    feed = rim("http+poll://127.0.0.1:9/x", options=FAST)
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.losses) >= 2)
    assert not feed.bodies


async def test_a_reply_larger_than_the_bound_is_parked(web_server, rim, running):
    def answer(path, query, headers):
        return 200, {}, b"x" * 5000

    feed = rim(f"http+poll://{web_server(answer)}/x", options={**FAST, "max_bytes": 1000})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.parked)
    assert feed.parked[0][1] == "too-large" and not feed.bodies


async def test_a_supplier_that_never_finishes_its_reply_is_given_up(web_server, rim, running):
    def answer(path, query, headers):
        return 200, {"Content-Length": "100"}, b"half"

    feed = rim(f"http+poll://{web_server(answer)}/x", options={**FAST, "timeout_seconds": 0.2})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.losses)
    assert not feed.bodies


async def test_a_redirect_is_not_followed_when_a_secret_header_would_go_along(web_server, rim, running, monkeypatch):
    monkeypatch.setenv("KEY", "secret")
    seen = []

    def other(path, query, headers):
        seen.append(headers.get("X-Key"))
        return 200, {}, b"[]"

    away = web_server(other)

    def answer(path, query, headers):
        return 302, {"Location": f"http://{away}/"}, b""

    feed = rim(f"http+poll://{web_server(answer)}/x", options={**FAST, "headers": {"X-Key": "${KEY}"}})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.losses)
    assert "HTTP 302" in feed.losses[0] and not seen


async def test_a_feed_asked_never_is_a_configuration_error(rim):
    feed = rim("http+poll://127.0.0.1:9/x", options={"every_seconds": -1})
    with pytest.raises(ConfigError, match="every_seconds"):
        await run(feed.feed, feed)


@pytest.mark.parametrize(
    ("supplier", "target", "followed"),
    [
        ("93.184.216.34", "93.184.216.35", True),  # a public supplier's storage
        ("93.184.216.34", "10.0.0.7", False),  # into our network
        ("93.184.216.34", "fd00::7", False),
        ("10.0.0.7", "10.0.0.8", True),  # a supplier within it already
        ("10.0.0.7", "127.0.0.1", False),  # to services that trust this machine
        ("10.0.0.7", "::ffff:127.0.0.1", False),
        ("10.0.0.7", "169.254.169.254", False),  # what a cloud tells its machines
        ("93.184.216.34", "0.0.0.0", False),
    ],
)
async def test_a_redirect_into_our_own_network_is_not_followed(monkeypatch, supplier, target, followed):
    means = {"supplier.example": supplier, "target.example": target}

    async def resolve(host, *_, **__):
        return [(None, None, None, "", (means[host], 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
    asked = []

    def answer(request):
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "http://target.example/"}) if len(asked) == 1 else httpx.Response(200)

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(answer), follow_redirects=True, event_hooks={"request": [OwnNetwork()]}
    ) as web:
        if followed:
            assert (await web.get("http://supplier.example/")).status_code == 200
        else:
            with pytest.raises(SupplierError, match="not followed"):
                await web.get("http://supplier.example/")
    assert asked == ["supplier.example", "target.example"][: 1 + followed]


async def test_a_supplier_that_redirects_to_this_machine_is_named_and_gets_nothing(web_server, rim, running):
    seen = []

    def inner(path, query, headers):
        seen.append(path)
        return 200, {}, b"[]"

    inside = web_server(inner)

    def answer(path, query, headers):
        return 302, {"Location": f"http://{inside}/admin"}, b""

    feed = rim(f"http+poll://{web_server(answer).replace('127.0.0.1', 'localhost')}/x", options=FAST)
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.losses)
    assert "this machine: not followed" in feed.losses[0] and not seen

"""A warning on every way in: an index of links, a poll, a broker, a file, the hall's inbox, each with its real server."""

import json
import shutil

import aiomqtt
import httpx
import pytest

from feeds.transports.capindex import TRANSPORT, Entry, entries
from hall.app import ingest
from hall.core.errors import BadInput
from hall.core.process import Process
from tests.feeds.special.test_cap import _alert
from tests.feeds.transports.broker import MOSQUITTO, Broker
from tests.feeds.transports.test_whole import TOKEN, _documents, _feed, feeding
from tests.hall.ingest.serving import serving

FAST = {"every_seconds": 0.02}
ENTRY = '<entry><id>urn:{0}</id><updated>2026-07-20T0{0}:00:00Z</updated><link rel="self" href="self"/><link type="application/cap+xml" href="/cap/{0}.xml"/></entry>'


def _atom(*numbers):
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(ENTRY.format(n) for n in numbers)}</feed>'.encode()


def test_atom_and_rss_name_their_messages():
    assert entries(_atom(2, 1)) == [
        Entry("urn:2\n2026-07-20T02:00:00Z", "/cap/2.xml"), Entry("urn:1\n2026-07-20T01:00:00Z", "/cap/1.xml"),
    ]  # fmt: skip
    rss = b"<rss><channel><item><guid>g</guid><pubDate>d</pubDate><link>http://o/a.xml</link></item><item><title>no link</title></item></channel></rss>"
    assert entries(rss) == [Entry("g\nd", "http://o/a.xml")]
    with pytest.raises(BadInput, match="not-an-index"):
        entries(b"<html/>")


async def test_every_message_of_an_index_is_fetched_once_oldest_first_also_after_a_restart(web_server, rim, running):
    listed, asked, missing = [2, 1], [], {"/cap/3.xml"}

    def answer(path, query, headers):
        asked.append(path)
        if path == "/index":
            return 200, {"ETag": f"v{listed}"}, _atom(*listed)
        return (404, {}, b"") if path in missing else (200, {}, path.encode())

    feed = rim(f"http+capindex://{web_server(answer)}/index", kind="warning", options=FAST)
    running(TRANSPORT, feed)
    await feed.until(lambda: len(feed.bodies) == 2)
    assert feed.bodies == [(b"/cap/1.xml", "application/cap+xml"), (b"/cap/2.xml", "application/cap+xml")]
    listed.insert(0, 3)  # which cannot be fetched at first
    await feed.until(lambda: asked.count("/cap/3.xml") >= 2 and any("404" in note for note in feed.notes))
    missing.clear()
    await feed.until(lambda: len(feed.bodies) == 3)
    again = rim(f"http+capindex://{web_server(answer)}/index", kind="warning", kept=feed.kept, options=FAST)
    listed.insert(0, 4)
    running(TRANSPORT, again)
    await again.until(lambda: again.bodies)
    assert [body for body, _ in again.bodies] == [b"/cap/4.xml"] and asked.count("/cap/1.xml") == 1


async def test_an_index_that_is_none_is_parked_and_secrets_stay_with_their_server(web_server, rim, running):
    other = _atom(1).replace(b'"/cap', b'"http://other.example/cap')
    replies = [b"<html/>", other]
    feed = rim(
        f"http+capindex://{web_server(lambda *_: (200, {}, replies[0]))}/x",
        kind="warning",
        options={**FAST, "headers": {"X-Key": "s"}},
    )
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.parked)
    assert feed.parked[0][1] == "not-an-index"
    replies[0] = other
    await feed.until(lambda: any("another server" in note for note in feed.notes))
    assert not feed.bodies


async def test_the_same_warning_comes_in_by_poll_index_push_broker_and_file(bench, web_server, tmp_path):
    if not shutil.which(MOSQUITTO):
        pytest.skip("Mosquitto is not installed")
    broker = Broker(tmp_path)
    await broker.start()
    async with aiomqtt.Client("127.0.0.1", broker.port) as office_client:
        await office_client.publish("cap/henan", _alert(), qos=1, retain=True)
    alert, broken = _alert(), _alert("B").replace(b"<urgency>Immediate</urgency>", b"")

    def answer(path, query, headers):
        if path == "/index":
            return 200, {}, _atom(1)
        return 200, {"Content-Type": "application/cap+xml"}, alert

    office = web_server(answer)
    (tmp_path / "alert.cap").write_bytes(alert)
    bench.configure(
        _feed("poll", "warning", f"http+poll://{office}/alert")
        + _feed("index", "warning", f"http+capindex://{office}/index")
        + _feed("push", "warning", "push://", format='"cap"')
        + _feed("file", "warning", f"replay://{tmp_path}/alert.cap", format='"cap"')
        + _feed("broker", "warning", f"mqtt://127.0.0.1:{broker.port}", format='"cap"', options='{topics = ["cap/#"]}')
    )
    bench.set_clock("2026-07-20T10:00:00+08:00")
    inbox = Process("web", bench.process.settings, bench.process.config)
    try:
        async with serving(ingest.router(inbox)) as place, feeding(bench.process), httpx.AsyncClient(timeout=20) as client:
            pushed = await client.post(f"http://{place}/push?wait=1", content=alert, headers=TOKEN)
            refused = await client.post(f"http://{place}/push?wait=1", content=broken, headers=TOKEN)
            found = await _documents(bench, "warning", lambda warnings: len(warnings) == 5)
    finally:
        await inbox.bus.close()
        broker.stop()
    assert set(found) == {f"warning/{name}/A1" for name in ("poll", "index", "push", "file", "broker")}
    assert len({json.dumps({**document, "feed": ""}, sort_keys=True) for document in found.values()}) == 1
    assert pushed.json()["outcome"]["accepted"] == 1
    assert "cap-schema: line 1, <severity>" in refused.json()["outcome"]["reasons"][0]
    assert [item["reason"] for item in await bench.parked("push")] == ["cap-schema"]

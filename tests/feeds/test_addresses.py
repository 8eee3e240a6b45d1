"""Stream addresses: sealed on their way to the bus, concealed in whatever a supplier says beside them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.addresses import conceal
from hall.core import secrets
from hall.core.model import Channel

FEED = """
[[feeds]]
name = "c"
kind = "channel"
url = "push://"
[feeds.mapping]
channel_id = "id"
stream_url = "u"
sub_url = "s"
ptz_url = "p"
extra = "*"
"""


async def kept(bench) -> dict[str, str]:
    """What the relay would read: every address, opened."""
    key = secrets.load(bench.process.settings.data_dir)
    return {name: key.unseal(value.decode(), name) for name, value in (await bench.process.bus.hash_all("channel-url")).items()}


async def test_main_and_sub_stream_are_kept_apart_and_the_document_says_that_there_are_two(bench):
    bench.configure(FEED)
    rim = await bench.rim("c")
    await rim.rows(
        [{"id": "1", "u": "rtsp://u:pw@h/main", "s": "rtsp://u:pw@h/sub"}, {"id": "2", "u": "http://h/2"}, {"id": "3"}]
    )
    await rim.durable()
    assert await kept(bench) == {
        "channel/c/1": "rtsp://u:pw@h/main", "channel/c/1#sub": "rtsp://u:pw@h/sub", "channel/c/2": "http://h/2",
    }  # fmt: skip
    shown = {doc["channel_id"]: (doc.get("has_stream", False), doc.get("has_sub", False)) for doc in (await bench.documents("channel")).values()}  # noqa: E501  # fmt: skip
    assert shown == {"1": (True, True), "2": (True, False), "3": (False, False)}


async def test_how_a_camera_is_turned_is_kept_sealed_and_its_document_says_that_it_turns(bench):
    bench.configure(FEED)
    rim = await bench.rim("c")
    await rim.rows([{"id": "1", "u": "rtsp://h/1", "p": "onvif://u:pw@h"}, {"id": "2", "u": "rtsp://h/2"}])
    await rim.durable()
    assert (await kept(bench))["channel/c/1#ptz"] == "onvif://u:pw@h"
    documents = await bench.documents("channel")
    assert {doc["channel_id"]: doc.get("ptz", False) for doc in documents.values()} == {"1": True, "2": False}
    assert "pw" not in str(documents)


async def test_a_sub_stream_that_is_no_longer_there_is_forgotten_and_a_new_address_replaces_the_old(bench):
    bench.configure(FEED)
    rim = await bench.rim("c")
    for row in ({"id": "1", "u": "rtsp://h/a", "s": "rtsp://h/b"}, {"id": "1", "u": "rtsp://h/new"}):
        await rim.row(row)
    assert await kept(bench) == {"channel/c/1": "rtsp://h/new"}


async def test_an_address_that_did_not_change_is_not_sealed_and_told_again(bench):
    bench.configure(FEED)
    rim = await bench.rim("c")
    rows = [{"id": str(n), "u": f"rtsp://h/{n}"} for n in range(1_200)]
    await rim.rows(rows)
    first = await bench.process.bus.hash_all("channel-url")
    await rim.rows([*rows[:-1], {"id": "1199", "u": "rtsp://h/moved"}])
    second = await bench.process.bus.hash_all("channel-url")
    assert len(first) == 1_200 and {name for name in first if first[name] != second[name]} == {"channel/c/1199"}


async def test_swapped_lines_do_not_open(bench):
    bench.configure(FEED)
    rim = await bench.rim("c")
    await rim.rows([{"id": "1", "u": "rtsp://h/1"}, {"id": "2", "u": "rtsp://h/2"}])
    found = await bench.process.bus.hash_all("channel-url")
    key = secrets.load(bench.process.settings.data_dir)
    with pytest.raises(Exception, match="sealed"):
        key.unseal(found["channel/c/1"].decode(), "channel/c/2")


async def test_no_document_holds_an_address_that_a_supplier_put_beside_it(bench):
    bench.configure(FEED)
    rim = await bench.rim("c")
    await rim.row({
        "id": "1", "u": "rtsp://a:open-sesame@h/1", "rtsp": "RTSP://a:open-sesame@h/1?x=1", "page": "http://a:open-sesame@h/x",
        "deep": {"list": [{"url": "rtmp://h/open-sesame"}], "rtsp://h/open-sesame": 1}, "site": "https://city.example/cam",
    })  # fmt: skip
    await rim.durable()
    events = [msgspec.json.encode(event) for event in await bench.events()]
    assert events and not any(b"open-sesame" in event for event in events)
    (doc,) = (await bench.documents("channel")).values()
    assert doc["extra"]["site"] == "https://city.example/cam" and doc["extra"]["page"] == "http://•••@h/x"


words = st.text(max_size=20) | st.sampled_from(["rtsp://u:hidden@h/1", "see rtsps://h/hidden?p=1 there", "http://u:hidden@h/p"])
extras = st.recursive(
    words | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
)


@settings(deadline=None)
@given(words, st.dictionaries(words, extras, max_size=4))
def test_wherever_an_address_hides_it_is_concealed_and_other_words_stand(name, extra):
    doc = Channel(feed="f", channel_id="1", name=name, extra=extra)
    conceal(doc)
    assert "hidden" not in msgspec.json.encode(doc).decode()
    if "://" not in msgspec.json.encode([name, extra]).decode():
        assert (doc.name, doc.extra) == (name, extra)

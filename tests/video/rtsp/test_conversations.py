"""Whatever a camera answers: the opening ends in a reason, within its time, and nothing stays open."""

from __future__ import annotations

import asyncio
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.video.cameras import make, packets
from tests.video.rtsp.playing import request
from video.media import SourceFailed
from video.rtsp import client, opening, visit

REASONS = {"unreachable", "unauthorised", "no-such-stream", "silent", "codec", "refused-address", "garbled", "gone"}

statuses = st.sampled_from([b"200", b"200", b"200", b"401", b"302", b"404", b"461", b"500", b"100", b"2x0", b"99999"])
headers = st.lists(st.sampled_from([
    b"WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"", b"WWW-Authenticate: Digest " + b"a" * 9000, b"WWW-Authenticate: Basic",
    b"WWW-Authenticate: Digest nonce=\"\xff\xfe\", realm=\xe4", b"Location: rtsp://127.0.0.1:1/x", b"Location: rtsp://[", b"Location: \xff",
    b"Content-Base: rtsp://\xff\xff/", b"Content-Base: rtsp://x/\x00y", b"Session: a;timeout=0", b"Session: " + b"s" * 5000, b"Session:",
    b"Transport: RTP/AVP/TCP;interleaved=2-3", b"Transport: RTP/AVP;unicast;client_port=1-2", b"Transport: interleaved=999",
    b"Transport:", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 9999999999999", b"Public: \xff", b": x", b"x",
]), max_size=4)  # fmt: skip
DESCRIPTION = (
    f"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 {packets.sprop(make())}\r\na=control:t\r\n".encode()
)
bodies = st.one_of(
    st.just(DESCRIPTION), st.just(DESCRIPTION), st.binary(max_size=100), st.just(b"m=video 0 RTP/AVP " + b"9" * 5000 + b"\na=rtpmap:" + b"9" * 5000 + b" H264/" + b"9" * 5000),
    st.just(DESCRIPTION.replace(b"a=control:t", b"a=control:rtsp://\xff[")), st.just(DESCRIPTION + b"a=control:\x01\x00\r\n"),
)  # fmt: skip
answers = st.lists(st.tuples(statuses, headers, bodies), min_size=1, max_size=8)


async def converse(script: list) -> BaseException | None:
    open_now = 0

    async def camera(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now
        open_now += 1
        try:
            for status, fields, body in script:
                asked = await reader.readuntil(b"\r\n\r\n")
                cseq = re.search(rb"CSeq: (\d+)", asked)[0]
                length = [b"Content-Length: %d" % len(body)] if body else []
                writer.write(b"\r\n".join([b"RTSP/1.0 " + status + b" x", cseq, *length, *fields]) + b"\r\n\r\n" + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
            open_now -= 1

    server = await asyncio.start_server(camera, "127.0.0.1", 0)
    try:
        await visit(request(f"rtsp://u:p@127.0.0.1:{server.sockets[0].getsockname()[1]}/a"))
    except SourceFailed as error:
        return error
    finally:
        while open_now:
            await asyncio.sleep(0.001)
        server.close()


@given(answers)
@settings(max_examples=150, deadline=None)
def test_any_answers_end_in_a_reason(script):
    before = client.FIRST_PICTURE_SECONDS, opening.FIRST_PICTURE_SECONDS, client._LOOK_SECONDS
    client.FIRST_PICTURE_SECONDS = opening.FIRST_PICTURE_SECONDS = 0.15
    client._LOOK_SECONDS = 0.01
    try:
        error = asyncio.run(asyncio.wait_for(converse(script), 20))
    finally:
        client.FIRST_PICTURE_SECONDS, opening.FIRST_PICTURE_SECONDS, client._LOOK_SECONDS = before
    assert error.reason in REASONS

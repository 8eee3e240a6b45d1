"""From an address to a stream that plays: OPTIONS, DESCRIBE, SETUP, PLAY, on the way past logins and redirections."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hall.core.clock import monotonic
from video.media import SourceFailed
from video.rtsp import sdp, wire
from video.rtsp.address import Address, parse, redirected
from video.rtsp.auth import Login
from video.rtsp.connection import Connection, connect

FIRST_PICTURE_SECONDS = 8.0  # from the connection to the first packet, all requests included
_MOST_REDIRECTIONS = 3
_USUAL_TIMEOUT = 60.0  # seconds, RFC 2326 12.37
_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})", re.I)
_TIMEOUT = re.compile(r"timeout\s*=\s*\"?(\d{1,6})", re.I)


class Playing(msgspec.Struct):
    """What was opened. `url` is what the session's requests name, `channel` where its RTP comes (RTCP: one above)."""

    connection: Connection
    video: sdp.Video
    url: str
    session: str
    timeout: float
    channel: int
    public: set[str]
    deadline: float


class _Redirected(Exception):
    def __init__(self, location: str) -> None:
        self.location = location


class Opening:
    """One way to a camera. `receiver(connection, video, channel)` makes what takes the packets of the stream (see
    Connection.take_packets), once it is known which it is."""

    def __init__(self, url: str, guard: Any, receiver: Any, *, ask_options: bool = True) -> None:
        self._address, self._guard, self._receiver, self._ask_options = parse(url), guard, receiver, ask_options
        self._login = _login(self._address)

    async def run(self) -> Playing:
        """Raises SourceFailed; whatever it opened is closed then."""
        deadline = None
        redirections = reconnections = 0
        while True:
            connection = await connect(self._address, self._login, self._guard)
            deadline = deadline or monotonic() + FIRST_PICTURE_SECONDS
            try:
                return await self._steps(connection, deadline)
            except _Redirected as elsewhere:
                connection.close()
                redirections += 1
                if redirections > _MOST_REDIRECTIONS:
                    raise SourceFailed("no-such-stream", "the camera redirects in a circle", lasting=True) from None
                before, self._address = self._address, redirected(self._address, elsewhere.location)
                if before.host != self._address.host or self._address.user != before.user:
                    self._login = _login(self._address)
            except SourceFailed as error:
                connection.close()
                # some cameras hang up after each refusal: once more, signed from the start
                if error.reason != "gone" or not connection.challenged or reconnections:
                    raise
                reconnections += 1
            except BaseException:
                connection.close()
                raise

    async def _steps(self, connection: Connection, deadline: float) -> Playing:
        url = self._address.url

        async def ask(method: str, url: str, **headers: str) -> wire.Message:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await connection.ask(method, url, named, max(0.05, deadline - monotonic()))

        public: set[str] = set()
        if self._ask_options:
            answer = await ask("OPTIONS", url)
            public = {word.strip().upper() for word in answer.headers.get("public", "").split(",")}
        described = _good(await ask("DESCRIBE", url, Accept="application/sdp"), "DESCRIBE")
        video = sdp.choose(described.body)
        base = _base(described, url)
        setup = sdp.control_url(base, video.control)
        connection.take_packets(self._receiver(connection, video, 0))
        answer = _good(await ask("SETUP", setup, Transport="RTP/AVP/TCP;unicast;interleaved=0-1"), "SETUP")
        session, timeout = _session(answer)
        channel = _channel(answer)
        if channel:
            connection.take_packets(self._receiver(connection, video, channel))
        aggregate = sdp.control_url(base, video.aggregate)
        named = {"Session": session} if session else {}
        _good(await ask("PLAY", aggregate, **named, Range="npt=0.000-"), "PLAY")
        return Playing(connection, video, aggregate, session, timeout, channel, public, deadline)


def _login(address: Address) -> Login:
    return Login(address.user, address.password)


def _good(answer: wire.Message, method: str) -> wire.Message:
    """Raises SourceFailed for a refusal, with the reason that fits its status."""
    status = answer.status
    if 200 <= status < 300:
        return answer
    location = answer.headers.get("location", "")
    if 300 <= status < 400 and location:
        raise _Redirected(location)
    said = f"the camera answers {method} with {status}"
    if status == 403:
        raise SourceFailed("unauthorised", said, lasting=True)
    if status in (404, 410):
        raise SourceFailed("no-such-stream", said, lasting=True)
    if status in (415, 461):
        raise SourceFailed("codec", f"{said}: it does not send over TCP", lasting=True)
    raise SourceFailed("unreachable" if status in (453, 503) or status >= 500 else "garbled", said)


def _base(described: wire.Message, url: str) -> str:
    """What relative addresses of streams are appended to."""
    for name in ("content-base", "content-location"):
        found = described.headers.get(name, "").strip()
        if found.lower().startswith(("rtsp://", "rtsps://")):
            return found
    return url


def _session(answer: wire.Message) -> tuple[str, float]:
    """The session's id and how many seconds it lives without a sign of life; odd cameras leave one or both out."""
    text = answer.headers.get("session", "")
    found = _TIMEOUT.search(text)
    seconds = float(found[1]) if found else _USUAL_TIMEOUT
    return text.split(";")[0].strip()[:256], seconds if seconds >= 1 else _USUAL_TIMEOUT


def _channel(answer: wire.Message) -> int:
    """The interleaved channel that the camera sends RTP on; it may choose another than was asked for."""
    transport = answer.headers.get("transport", "")
    if "tcp" not in transport.lower() and "interleaved" not in transport.lower() and transport:
        raise SourceFailed("codec", "the camera does not send over TCP", lasting=True)
    found = _INTERLEAVED.search(transport)
    return int(found[1]) if found and int(found[1]) < 255 else 0

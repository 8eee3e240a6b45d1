"""One TCP connection to a camera: requests answered by number, packets handed on as they come. No task per packet."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from hall.core.clock import real_ms
from video.bitstream import Pictures
from video.media import SourceFailed
from video.rtsp import wire
from video.rtsp.address import Address, tls
from video.rtsp.auth import Login

log = logging.getLogger("hall.video.rtsp")

CONNECT_SECONDS = 3.0
_AGENT = "CommandHall"
_TRIES = 3  # of one request: unsigned, signed, signed with a fresh nonce
_GONE = {"TEARDOWN", "REDIRECT"}


class Packets(Protocol):
    """Who takes packets: those of `channel` go to `pictures`, all others to `packet(channel, data, start, stop)`."""

    channel: int
    pictures: Pictures

    def packet(self, channel: int, data: bytes, start: int, stop: int) -> None: ...


def _nobody(channel: int, data: bytes, start: int, stop: int) -> None:
    """Packets before anything was set up."""


class Connection(asyncio.Protocol):
    """`ended` is resolved with the SourceFailed that ended it. `now`: real ms when the last bytes came."""

    def __init__(self, login: Login, encrypted: bool) -> None:
        self.login, self.encrypted = login, encrypted
        self.ended: asyncio.Future[SourceFailed] = asyncio.get_running_loop().create_future()
        self.now = float(real_ms())
        self.challenged = False  # was asked to sign in on this connection
        self._splitter = wire.Splitter(_nobody, self._message)
        self._transport: Any = None
        self._cseq = 0
        self._answers: dict[int, asyncio.Future[wire.Message]] = {}

    @property
    def resyncs(self) -> int:
        """How many times bytes came that were neither packet nor answer."""
        return self._splitter.resyncs

    async def ask(self, method: str, url: str, headers: dict[str, str], seconds: float) -> wire.Message:
        """The answer, signed in where the camera wants it. Raises SourceFailed `unauthorised`, `silent`, or what ended it."""
        for _ in range(_TRIES):
            found = await self._ask(method, url, headers, seconds)
            if found.status != 401:
                if found.status < 300:
                    self.login.accepted()
                return found
            self.challenged = True
            if not self.login.take(found.all("www-authenticate"), self.encrypted):
                break
        wrong = "user and password are not accepted" if self.login.known else "the camera wants a user and a password"
        raise SourceFailed("unauthorised", wrong, lasting=True)

    def take_packets(self, to: Packets | None) -> None:
        """Hands packets on from now on; None: to nobody."""
        splitter = self._splitter
        if to is None:
            splitter.packet = _nobody
            splitter.divert(-1, lambda data, start, stop: None)
        else:
            splitter.packet = to.packet
            splitter.divert(to.channel, to.pictures.packet, to.pictures.run)

    def tell(self, method: str, url: str, headers: dict[str, str]) -> None:
        """A request whose answer nobody waits for."""
        self._write(method, url, headers)

    def send(self, data: bytes) -> None:
        """Interleaved bytes; dropped where the camera takes nothing in."""
        if not self._transport.is_closing() and self._transport.get_write_buffer_size() < 65_536:
            self._transport.write(data)

    def fail(self, error: SourceFailed) -> None:
        """Ends the connection; whoever waits for an answer hears why."""
        if self.ended.done():
            return
        self.ended.set_result(error)
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(SourceFailed(error.reason, error.detail, lasting=error.lasting))
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Says nothing more; what was written goes out where it can."""
        self.take_packets(None)
        if not self.ended.done():
            self.ended.set_result(SourceFailed("gone", "closed by the hall"))
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()
            if self.encrypted:  # a camera that does not answer TLS's goodbye
                asyncio.get_running_loop().call_later(1.0, self._transport.abort)

    # -- asyncio -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.now = float(real_ms())
        try:
            self._splitter.feed(data)
        except SourceFailed as error:
            self.fail(error)
        except Exception as error:  # whatever a camera sends, the others' pictures go on
            log.exception("a camera's bytes were taken wrongly")
            self.fail(SourceFailed("garbled", f"could not be read: {type(error).__name__}"))

    def connection_lost(self, error: Exception | None) -> None:
        why = "the camera hung up" if error is None else f"the connection broke: {type(error).__name__}"
        self.fail(SourceFailed("gone", why))

    # -- inside --------------------------------------------------------------------------------------------------

    async def _ask(self, method: str, url: str, headers: dict[str, str], seconds: float) -> wire.Message:
        if self.ended.done():
            raise _again(self.ended.result())
        future = asyncio.get_running_loop().create_future()
        number = self._write(method, url, headers, future)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise SourceFailed("silent", f"the camera does not answer {method}") from None
        finally:
            self._answers.pop(number, None)

    def _write(self, method: str, url: str, headers: dict[str, str], answer: asyncio.Future | None = None) -> int:
        self._cseq += 1
        signed = {"User-Agent": _AGENT, **headers, **self.login.header(method, url)}
        text = wire.request(method, url, self._cseq, signed)
        if answer is not None:
            self._answers[self._cseq] = answer
        if not self._transport.is_closing():
            self._transport.write(text)
        return self._cseq

    def _message(self, found: wire.Message) -> None:
        if found.method:
            self._asked(found)
            return
        waiting = self._answers.get(found.cseq)
        if waiting is None and found.cseq < 0 and len(self._answers) == 1:  # servers that forget the number
            waiting = next(iter(self._answers.values()))
        if waiting is not None and not waiting.done():
            waiting.set_result(found)

    def _asked(self, found: wire.Message) -> None:
        """A camera's own request."""
        if found.method in _GONE:
            self.fail(SourceFailed("gone", f"the camera ended the stream ({found.method})"))
        elif not self._transport.is_closing():
            self._transport.write(wire.answer(found, 200 if found.method in ("OPTIONS", "GET_PARAMETER") else 501))


def _again(error: SourceFailed) -> SourceFailed:
    return SourceFailed(error.reason, error.detail, lasting=error.lasting)


async def connect(address: Address, login: Login, guard: Any) -> Connection:
    """A connection within 3 s, to an address that the guard lets pass (None: any). Raises SourceFailed."""
    secure = tls(address.checked) if address.encrypted else None

    def factory() -> Connection:
        return Connection(login, address.encrypted)

    if guard is not None:
        return (await guard.connect(factory, address.host, address.port, timeout=CONNECT_SECONDS, ssl=secure))[1]
    options = {"ssl": secure, "server_hostname": address.host} if secure else {}
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return (await asyncio.get_running_loop().create_connection(factory, address.host, address.port, **options))[1]
    except TimeoutError:
        raise SourceFailed("unreachable", "no connection: no answer in time") from None
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise SourceFailed("unreachable", f"no connection: {why}") from None

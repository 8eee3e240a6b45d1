"""HTTP to cameras and servers of playlists: guarded at every connection, bounded in time and bytes, signed in where asked.

Every connection, whatever redirect or playlist led to it, goes to an address that `video.guard` has passed; the name is
resolved once, for that check. Bodies are never unpacked: a camera has no reason to compress, and a bomb would.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Generator, Iterable
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpcore
import httpx

from video.media import SourceFailed
from video.rtsp.address import tls
from video.rtsp.auth import Login

CONNECT_SECONDS, READ_SECONDS = 3.0, 5.0
REDIRECTS = 5
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to addresses the guard has passed, and to nothing else."""

    def __init__(self, guard: Any) -> None:
        self._guard, self._real = guard, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = [host] if self._guard is None else await self._guard.addresses(host, port)
        failed: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._real.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        raise httpcore.ConnectError("no socket of this machine is a camera")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, guard: Any, checked: bool) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls(checked), max_connections=4, max_keepalive_connections=2, keepalive_expiry=30,
            network_backend=_Backend(guard),
        )  # fmt: skip

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        inner = httpcore.Request(
            request.method, target, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        answer = await self._pool.handle_async_request(inner)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _SignedIn(httpx.Auth):
    """Signs requests to the machine the address names, and to no other that it may redirect to; never openly what was to be
    encrypted."""

    def __init__(self, login: Login, home: httpx.URL) -> None:
        self._login, self._home = login, home

    def _ours(self, url: httpx.URL) -> bool:
        same = (url.host, url.port) == (self._home.host, self._home.port)
        return same and (url.scheme == "https" or self._home.scheme == "http")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        target, ours = request.url.raw_path.decode(), self._ours(request.url)
        if ours:
            request.headers.update(self._login.header(request.method, target))
        answer = yield request
        if not ours or answer.status_code != 401 or not self._ours(answer.request.url):
            return
        if self._login.take(answer.headers.get_list("www-authenticate"), request.url.scheme == "https"):
            request.headers.update(self._login.header(request.method, target))
            answer = yield request
        if answer.status_code < 400:
            self._login.accepted()


class Fetch:
    """One source's HTTP client; `close` it. Raises SourceFailed throughout."""

    def __init__(self, url: str, guard: Any) -> None:
        """`url` may hold user and password; with `#check-certificate` the server's certificate has to be good."""
        try:
            parts = urlsplit(url.strip())
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
            plain = httpx.URL(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl())
            if plain.scheme not in ("http", "https") or not plain.host or parts.port == 0:
                raise ValueError
        except (ValueError, httpx.InvalidURL):
            raise SourceFailed("no-such-stream", "no address: http://user:password@host/path", lasting=True) from None
        self.url = str(plain)
        limits = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        self._client = httpx.AsyncClient(
            transport=_Transport(guard, parts.fragment == "check-certificate"), timeout=limits, follow_redirects=True,
            max_redirects=REDIRECTS, trust_env=False, auth=_SignedIn(Login(user, password), plain),
            headers={"accept-encoding": "identity", "user-agent": "command-hall"},
        )  # fmt: skip

    async def close(self) -> None:
        await self._client.aclose()

    @contextlib.asynccontextmanager
    async def open(self, url: str = "", method: str = "GET", **more: Any) -> AsyncIterator[httpx.Response]:
        """A granted answer whose body is still to be read."""
        try:
            async with self._client.stream(method, url or self.url, **more) as answer:
                _granted(answer)
                yield answer
        except _FAULTS as error:
            raise _failed(error) from None

    async def body(self, url: str, most: int, seconds: float, headers: dict[str, str] | None = None) -> tuple[bytes, str]:
        """A whole body of at most `most` bytes within `seconds`, and the address it finally came from."""
        try:
            async with asyncio.timeout(seconds), self.open(url, headers=headers or {}) as answer:
                return await read(answer, most), str(answer.url)
        except TimeoutError:
            raise SourceFailed("silent", "the server does not finish its answer") from None


async def read(answer: httpx.Response, most: int) -> bytes:
    """The body; raises SourceFailed `garbled` when it is longer."""
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > most:
            raise SourceFailed("garbled", f"the answer is longer than {most} bytes")
    return bytes(body)


def joined(base: str, reference: str) -> str:
    """An address inside a document that came from `base`; raises SourceFailed for one that is not of the web."""
    found = urljoin(base, reference)
    if not found.startswith(("http://", "https://")):
        raise SourceFailed("refused-address", "it names an address that is not http", lasting=True)
    return found


def _granted(answer: httpx.Response) -> None:
    code = answer.status_code
    if code in (401, 403):
        raise SourceFailed("unauthorised", f"the server answers {code}", lasting=True)
    if code in (404, 410):
        raise SourceFailed("no-such-stream", f"the server answers {code}", lasting=True)
    if code >= 300:
        raise SourceFailed("gone", f"the server answers {code}")


def _failed(error: Exception) -> SourceFailed:
    if isinstance(error, httpx.TimeoutException | httpcore.TimeoutException):
        reason = "unreachable" if "Connect" in type(error).__name__ else "silent"
        return SourceFailed(reason, "no answer in time")
    if isinstance(error, httpx.TooManyRedirects):
        return SourceFailed("garbled", f"it redirects more than {REDIRECTS} times", lasting=True)
    if isinstance(error, httpx.ConnectError | httpcore.ConnectError):
        return SourceFailed("unreachable", "no connection")
    if isinstance(error, httpx.ProtocolError | httpcore.ProtocolError | httpx.InvalidURL | httpx.DecodingError):
        return SourceFailed("garbled", f"not HTTP as it should be: {type(error).__name__}")
    return SourceFailed("gone", f"the connection ended: {type(error).__name__}")

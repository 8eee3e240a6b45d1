"""HTTP for transports that ask: bounded replies, time-outs, and faults that carry what the supplier said."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from feeds.source import Rim
from feeds.supplier import MAX_BYTES, Options, expanded_all
from hall.core.errors import HallError


class WebOptions(Options, kw_only=True):
    """What every asking transport takes. `ca`: PEM file that signed the supplier's certificate."""

    headers: dict[str, str] = {}
    timeout_seconds: float = 20.0
    max_bytes: int = MAX_BYTES
    ca: str = ""


@dataclass(frozen=True)
class Reply:
    """A whole reply of status 200 or 304. `links` are its Link headers by relation."""

    status: int
    body: bytes
    content_type: str
    headers: httpx.Headers
    links: dict[str, str]
    url: httpx.URL


class SupplierError(HallError):
    """The supplier answered with an error; the text holds its status and what it said, `retry_after` its wish."""

    def __init__(self, status: int, said: str, retry_after: float | None = None) -> None:
        self.status, self.retry_after = status, retry_after
        super().__init__(f"HTTP {status}: {said}" if said else f"HTTP {status}")


class TooLarge(HallError):
    """A reply is larger than `max_bytes`."""


def client(options: WebOptions, rim: Rim) -> httpx.AsyncClient:
    """A client with the feed's headers. It follows redirects only when no header could leak to another host by that, and
    never to an address inside our own network that the supplier itself is not in."""
    headers = expanded_all(options.headers, rim, "options.headers")
    try:
        verify = ssl.create_default_context(cafile=rim.config.path(options.ca) if options.ca else None)
    except OSError as error:
        raise rim.wrong("options.ca", str(error)) from None
    return httpx.AsyncClient(
        headers={"User-Agent": "command-hall", **headers},
        timeout=options.timeout_seconds,
        follow_redirects=not headers,
        verify=verify,
        event_hooks={"request": [OwnNetwork()]},
    )


async def fetch(web: httpx.AsyncClient, url: httpx.URL | str, options: WebOptions, rim: Rim, **request: dict) -> Reply:
    """GETs one reply; raises SupplierError, TooLarge, httpx.TransportError. `request` may hold `params` and `headers`."""
    async with web.stream("GET", url, **request) as response:
        parts, size = [], 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > options.max_bytes:
                raise TooLarge(f"more than {options.max_bytes} bytes")
            parts.append(part)
        body = b"".join(parts)
        if response.status_code not in (200, 304):
            raise SupplierError(response.status_code, excerpt(body), _retry_after(response, rim))
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        links = {name: link["url"] for name, link in response.links.items() if "url" in link}
        return Reply(response.status_code, body, kind, response.headers, links, response.url)


class OwnNetwork:
    """Looks at every request before it is sent: the first names the supplier's host, each to another host is a redirect.

    A supplier could send us to services that trust this machine, and read in the parked input what they said.
    """

    def __init__(self) -> None:
        self._host: str | None = None

    async def __call__(self, request: httpx.Request) -> None:
        host = request.url.host
        if self._host is None or host == self._host:
            self._host = host
            return
        told = await _addresses(host)
        if any(a.is_loopback or a.is_link_local or a.is_unspecified or a.is_multicast for a in told):
            raise SupplierError(302, f"redirected to {host[:80]}, which is this machine: not followed")
        if any(not a.is_global for a in told) and all(a.is_global for a in await _addresses(self._host)):
            raise SupplierError(302, f"redirected to {host[:80]}, which is inside this network: not followed")


async def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """What a name means now; an unknown name raises httpx.ConnectError like the request itself would."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx.ConnectError(f"{host[:80]}: {error}") from None
    addresses = [ipaddress.ip_address(entry[4][0].partition("%")[0]) for entry in found]
    return [getattr(address, "ipv4_mapped", None) or address for address in addresses]


def excerpt(body: bytes, length: int = 300) -> str:
    """The beginning of an error reply as one line of text, markup removed; of a few kilobytes: the pattern's time grows
    with the square of the text."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", body[:4_000].decode("utf-8", "replace"), flags=re.S | re.I)
    return " ".join(text.split())[:length]


def _retry_after(response: httpx.Response, rim: Rim) -> float | None:
    """Seconds the supplier asks us to stay away, at most an hour."""
    text = response.headers.get("retry-after", "")
    if text.isdigit():
        return min(float(text), 3600.0)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return min(max(until - rim.clock.real() / 1000, 0.0), 3600.0)

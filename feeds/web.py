"""HTTP for transports that ask: bounded replies, time-outs, and faults that carry what the supplier said."""

from __future__ import annotations

import re
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
    """A client with the feed's headers. It follows redirects only when no header could leak to another host by that."""
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


def excerpt(body: bytes, length: int = 300) -> str:
    """The beginning of an error reply as one line of text, markup removed."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", body[:20_000].decode("utf-8", "replace"), flags=re.S | re.I)
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

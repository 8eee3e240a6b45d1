"""A supplier's web address asked again and again: what the transports that ask share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from feeds.source import Rim
from feeds.supplier import expanded, pause
from feeds.web import Reply, SupplierError, TooLarge, WebOptions
from hall.core.config import FeedConfig
from hall.core.errors import BadInput


class AskingOptions(WebOptions, kw_only=True):
    """`every_seconds` between two questions; 0: the feed's `expected_seconds`."""

    every_seconds: float = 0.0


def rhythm(options: AskingOptions, feed: FeedConfig, rim: Rim) -> float:
    """Seconds between two questions; raises ConfigError."""
    every = options.every_seconds or feed.expected_seconds
    if every <= 0:
        raise rim.wrong("options.every_seconds", "must be more than 0")
    return every


def address(feed: FeedConfig, rim: Rim, scheme: str) -> httpx.URL:
    """The feed's url without `+scheme`; raises ConfigError."""
    try:
        return httpx.URL(expanded(feed.url, rim, "url").replace(f"+{scheme}://", "://", 1))
    except httpx.InvalidURL as error:
        raise rim.wrong("url", str(error)) from None


def marks(reply: Reply) -> dict[str, str]:
    """Request headers that make the next question conditional: by ETag and Last-Modified, where the supplier sends them."""
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
    return {asked: reply.headers[told] for asked, told in pairs if told in reply.headers}


async def for_ever(rim: Rim, every: float, ask: Callable[[], Awaitable[Any]], lost: Callable[[], None]) -> None:
    """Asks until cancelled. A fault is shown, `lost` is called, and it is asked again after a growing, jittered pause, or as
    the supplier wishes."""
    failed = 0
    while True:
        try:
            await ask()
            failed, wait = 0, every
        except (SupplierError, TooLarge, BadInput, httpx.HTTPError) as error:
            failed += 1
            lost()
            rim.lost(str(error) or type(error).__name__)
            wished = getattr(error, "retry_after", None)
            wait = wished if wished is not None else min(pause(rim, failed), every)
        await asyncio.sleep(wait)

"""`http+poll://` and `https+poll://` (also plain `http://`, `https://`): a web address asked again and again.

Options: `every_seconds` (default `expected_seconds`), `next` (path in a JSON reply to the next page's address; a `Link`
header of relation `next` is followed too), `max_pages` (100), `headers`, `timeout_seconds`, `max_bytes`, `ca`. A reply is asked
for only when it changed, by ETag or Last-Modified, where the supplier sends one and the reply has one page.
"""

from __future__ import annotations

import httpx
import msgspec

from feeds.asking import AskingOptions, address, for_ever, marks, rhythm
from feeds.source import Rim, Transport
from feeds.supplier import read_options, reader
from feeds.web import Reply, TooLarge, client, fetch
from hall.core.config import FeedConfig


class PollOptions(AskingOptions, kw_only=True):
    next: str | list[str | int] = ""
    max_pages: int = 100


class Poll:
    """The state of one polled address: what its last whole reply was marked with."""

    def __init__(self, web: httpx.AsyncClient, url: httpx.URL, options: PollOptions, rim: Rim) -> None:
        self.web, self.url, self.options, self.rim = web, url, options, rim
        self.next = reader(options.next, rim, "options.next") if options.next else None
        self.marks: dict[str, str] = {}  # request headers that make the next question conditional
        self.reachable = False

    async def once(self) -> None:
        """Asks once, all pages. Raises SupplierError, httpx.TransportError; a reply too large is parked."""
        url: httpx.URL | None = self.url
        seen: set[str] = set()
        marked: dict[str, str] = {}
        while url is not None:
            seen.add(str(url))
            try:
                reply = await fetch(self.web, url, self.options, self.rim, headers=dict(self.marks if len(seen) == 1 else {}))
            except TooLarge as error:
                await self.rim.park(b"", "too-large", str(error))
                return
            if not self.reachable:
                self.rim.connected()
            self.reachable = True
            if reply.status == 304:
                self.rim.seen()
                return
            if len(seen) == 1:
                self.rim.note("")
            await self.rim.bytes(reply.body, reply.content_type)
            url = self._following(reply, seen)
            marked = marks(reply) if len(seen) == 1 and url is None else {}
        await self.rim.durable()
        self.marks = marked  # only now: a crash before must not make us pass over this reply

    def lost(self) -> None:
        self.reachable = False

    def _following(self, reply: Reply, seen: set[str]) -> httpx.URL | None:
        """The next page's address; None at the end, and with a note where following would loop, leak or never end."""
        found = reply.links.get("next")
        if self.next is not None:
            try:
                found = self.next(msgspec.json.decode(reply.body)) or found
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return None  # the decoder has parked it
        if not isinstance(found, str) or not found:
            return None
        try:
            url = reply.url.join(found)
        except httpx.InvalidURL:
            self.rim.note(f"next page: not an address: {found[:80]!r}")
            return None
        if (url.scheme, url.netloc) != (reply.url.scheme, reply.url.netloc):
            self.rim.note("next page: on another server, not followed")
            return None
        if str(url) in seen:
            return None
        if len(seen) >= self.options.max_pages:
            self.rim.note(f"more than {self.options.max_pages} pages: the rest was not read")
            return None
        return url


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Asks for ever."""
    options = read_options(PollOptions, rim)
    every, url = rhythm(options, feed, rim), address(feed, rim, "poll")
    async with client(options, rim) as web:
        poll = Poll(web, url, options, rim)
        await for_ever(rim, every, poll.once, poll.lost)


TRANSPORT = Transport("poll", ("http+poll", "https+poll", "http", "https"), run, options=PollOptions.__struct_fields__)

"""`http+capindex://` and `https+capindex://`: an Atom or RSS index whose entries lead to one CAP message each.

Offices publish so: the index is asked again and again (conditionally), every message it names is fetched once, oldest first,
and remembered by its entry's id and date, also over a restart. One that cannot be fetched is noted and asked for next time.
Options: `every_seconds` (default `expected_seconds`), `max_alerts` (fetched per look, 200), `headers`, `timeout_seconds`,
`max_bytes`, `ca`. With `headers` only messages on the index's own server are fetched: others would be told them.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.etree.ElementTree import Element

import httpx
import msgspec

from feeds.asking import AskingOptions, address, for_ever, marks, rhythm
from feeds.source import Rim, Transport
from feeds.supplier import read_options
from feeds.web import SupplierError, TooLarge, client, fetch
from hall.core.config import FeedConfig
from hall.core.errors import BadInput
from hall.core.xmltree import content, named, root

CAP = "application/cap+xml"
#: entries remembered; an index that lists more has them fetched again
REMEMBERED = 5_000


class IndexOptions(AskingOptions, kw_only=True):
    max_alerts: int = 200


class Entry(NamedTuple):
    """One line of an index: what it is known by (id and date), and where its message lies, as written."""

    key: str
    link: str


def entries(body: bytes) -> list[Entry]:
    """The entries of an Atom or RSS document, as listed. Raises BadInput for anything else."""
    top = root(body)
    if top.tag == "feed":
        found = [Entry(f"{content(e, 'id')}\n{content(e, 'updated')}", _atom_link(e)) for e in named(top, "entry")]
    elif top.tag in ("rss", "RDF"):
        items = list(named(top, "item"))
        found = [Entry(f"{content(i, 'guid') or content(i, 'link')}\n{content(i, 'pubDate')}", _rss_link(i)) for i in items]
    else:
        raise BadInput("not-an-index", f"<{top.tag[:40]}> is neither Atom nor RSS")
    return [entry for entry in found if entry.link]


def _atom_link(entry: Element) -> str:
    """The link that says it is CAP, else the first that shows the entry itself."""
    links = list(entry.iterfind("link"))
    for link in links:
        if link.get("type", "").lower() == CAP:
            return link.get("href", "")
    return next((link.get("href", "") for link in links if link.get("rel", "alternate") == "alternate"), "")


def _rss_link(item: Element) -> str:
    enclosed = next((e.get("url", "") for e in item.iterfind("enclosure") if e.get("type", "").lower() == CAP), "")
    return enclosed or content(item, "link")


class Index:
    """One index: what of it was read. `seen` holds keys, oldest first."""

    def __init__(self, web: httpx.AsyncClient, url: httpx.URL, options: IndexOptions, rim: Rim, seen: dict[str, None]) -> None:
        self.web, self.url, self.options, self.rim, self.seen = web, url, options, rim, seen
        self.marks: dict[str, str] = {}
        self.reachable = False

    async def once(self) -> None:
        """One look. Raises SupplierError, httpx.HTTPError for the index itself."""
        try:
            reply = await fetch(self.web, self.url, self.options, self.rim, headers=dict(self.marks))
        except TooLarge as error:
            await self.rim.park(b"", "too-large", str(error))
            return
        if not self.reachable:
            self.rim.connected()
        self.reachable = True
        self.rim.seen()
        if reply.status == 304:
            return
        try:
            listed = entries(reply.body)
        except BadInput as error:
            await self.rim.park(reply.body, error.reason, error.detail, reply.content_type)
            return
        self.rim.note("")
        new = [entry for entry in listed if entry.key not in self.seen]
        whole = True
        for entry in reversed(new[-self.options.max_alerts :]):  # the newest stands first in such lists
            whole &= await self._take(entry, reply.url)
        if whole and len(new) <= self.options.max_alerts:
            self.marks = marks(reply)
        else:
            self.marks = {}  # something is still to be fetched: ask for the whole index again

    def lost(self) -> None:
        self.reachable = False

    async def _take(self, entry: Entry, index: httpx.URL) -> bool:
        """Whether the entry's message was fetched and handed in."""
        try:
            url = index.join(entry.link)
            if self.options.headers and url.host != index.host:
                raise SupplierError(0, f"{url.host[:80]} is another server: not asked, it would be told our headers")
            reply = await fetch(self.web, url, self.options, self.rim)
        except (SupplierError, TooLarge, httpx.HTTPError, httpx.InvalidURL) as error:
            self.rim.note(f"{entry.link[:120]}: {error}")
            return False
        await self.rim.bytes(reply.body, CAP)
        self.seen[entry.key] = None
        while len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]
        self.rim.cursor(msgspec.json.encode(list(self.seen)))
        await self.rim.durable()
        return True


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Asks for ever."""
    options = read_options(IndexOptions, rim)
    every, url = rhythm(options, feed, rim), address(feed, rim, "capindex")
    if options.max_alerts < 1:
        raise rim.wrong("options.max_alerts", "at least 1")
    known = await rim.load_cursor()
    try:
        seen = dict.fromkeys(msgspec.json.decode(known, type=list[str]) if known else [])
    except msgspec.MsgspecError:
        seen = {}  # another transport's cursor, from before the feed was changed
    async with client(options, rim) as web:
        index = Index(web, url, options, rim, seen)
        await for_ever(rim, every, index.once, index.lost)


TRANSPORT = Transport(
    "capindex", ("http+capindex", "https+capindex"), run, format="cap", options=IndexOptions.__struct_fields__
)

"""`redis://HOST/DB/STREAM` (and `rediss://`): a stream in somebody else's Redis or Valkey, read with XREAD.

Options: `field` (the entry's field that holds a body; without it each entry's fields are one row), `start` (`new`: what
comes from now on, the default; `all`: everything the stream holds). The entry id is the cursor.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from feeds.source import Rim, Transport
from feeds.supplier import Options, expanded, read_options
from hall.core.board import START, EntryId
from hall.core.bus import Bus, entry_id
from hall.core.config import FeedConfig


class StreamOptions(Options, kw_only=True):
    field: str = ""
    start: Literal["new", "all"] = "new"


def split_url(url: str, rim: Rim) -> tuple[str, str]:
    """`(server url, stream key)`; the key is what follows the database number. Raises ConfigError without one."""
    parts = urlsplit(url)
    database, _, stream = parts.path.lstrip("/").partition("/")
    if not database.isdigit():
        database, stream = "0", parts.path.lstrip("/")
    if not stream:
        raise rim.wrong("url", "name the stream: redis://host:6379/0/stream")
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, "")), stream


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Reads the stream for ever; raises BusLost when its server cannot be reached."""
    options = read_options(StreamOptions, rim)
    url, stream = split_url(expanded(feed.url, rim, "url"), rim)
    server = Bus(url, "")
    try:
        last = await _first(server, stream, options, rim)
        rim.connected()
        while True:
            for at, fields in await server.stream_read(stream, last, 500, 1000):
                await _take(fields, options, rim)
                rim.cursor(f"{at[0]}-{at[1]}".encode())
                last = at
    finally:
        await server.close()


async def _first(server: Bus, stream: str, options: StreamOptions, rim: Rim) -> EntryId:
    """Where to go on: after the stored cursor, else the stream's end or beginning. The choice itself is stored, so that
    what arrives before the first entry was taken is not passed over by a restart."""
    known = await rim.load_cursor()
    if known is not None:
        return entry_id(known)
    last = await server.stream_end(stream) if options.start == "new" else START
    rim.cursor(f"{last[0]}-{last[1]}".encode())
    return last


async def _take(fields: dict[str, bytes], options: StreamOptions, rim: Rim) -> None:
    if not options.field:
        await rim.row({name: value.decode("utf-8", "replace") for name, value in fields.items()})
    elif options.field in fields:
        await rim.bytes(fields[options.field])
    else:
        await rim.park(repr(fields).encode(), "field-missing", f"the entry has no field {options.field!r}")


TRANSPORT = Transport("redis_stream", ("redis", "rediss"), run, options=StreamOptions.__struct_fields__)

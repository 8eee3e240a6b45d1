"""XML as nested dicts (hall/core/xmltree.py). `options.rows` is the path of the elements that are rows, from below the root;
without it the root itself is the row.
"""

from __future__ import annotations

from collections.abc import Iterator

from feeds.formats.json import objects
from feeds.mapping.paths import getter
from feeds.source import Format, Row
from hall.core.config import FeedConfig, HallConfig
from hall.core.xmltree import plain, root


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    found = plain(root(body))
    if path := feed.options.get("rows"):
        found = getter(path)(found) if isinstance(found, dict) else None
        if found is None:
            return  # a reply without a single row is an empty element: nothing is wrong with it
    yield from objects(found)


FORMAT = Format("xml", rows, types=("application/xml", "text/xml"), suffixes=(".xml",), options=("rows",))

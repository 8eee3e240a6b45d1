"""JSON bodies: one object, a list of objects, or a list at `options.rows` (a path)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from feeds.mapping.paths import getter
from feeds.source import Format, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput

_decode = msgspec.json.Decoder().decode


def decoded(body: bytes, reason: str = "json-malformed") -> Any:
    """Plain data of JSON bytes; a UTF-8 byte order mark is allowed. Raises BadInput."""
    try:
        return _decode(body[3:] if body[:3] == b"\xef\xbb\xbf" else body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(reason, f"{type(error).__name__}: {error}") from None


def objects(found: Any) -> Iterator[Row]:
    """The objects of a list, or the one object; anything else in it is unread."""
    for part in found if isinstance(found, list) else [found]:
        if isinstance(part, dict):
            yield part
        else:
            yield Unread(msgspec.json.encode(part), "row-not-object", type(part).__name__)


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    found = decoded(body)
    if path := feed.options.get("rows"):
        found = getter(path)(found) if isinstance(found, dict) else None
        if found is None:
            raise BadInput("rows-missing", f"nothing at {path}")
    yield from objects(found)


FORMAT = Format("json", rows, types=("application/json", "text/json"), suffixes=(".json",), options=("rows",))

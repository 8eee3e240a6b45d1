"""JSON lines: one object a line; a broken line is parked, the others are kept."""

from __future__ import annotations

from collections.abc import Iterator

from feeds.formats.json import decoded, objects
from feeds.source import Format, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        try:
            yield from objects(decoded(line))
        except BadInput as error:
            yield Unread(line, error.reason, error.detail)


FORMAT = Format("jsonl", rows, types=("application/x-ndjson", "application/jsonl"), suffixes=(".jsonl", ".ndjson"))

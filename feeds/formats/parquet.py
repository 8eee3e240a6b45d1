"""Parquet bodies; pyarrow is imported when the first one comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feeds.source import Format, Row
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput


def rows_of_file(source: Any) -> Iterator[Row]:
    """Rows of a path or file object, a few thousand in memory at a time."""
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(source) as file:
            for batch in file.iter_batches(batch_size=4096):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise BadInput("parquet-malformed", str(error)[:200]) from None


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    import pyarrow

    yield from rows_of_file(pyarrow.BufferReader(body))


FORMAT = Format("parquet", rows, types=("application/vnd.apache.parquet",), suffixes=(".parquet",))

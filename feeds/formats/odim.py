"""ODIM_H5 radar composites: rain rate, accumulation or reflectivity; one file, or a tar or zip of them (docs/FEEDS.md).

For feeds of kind `raster` only. Every body is read in a process of its own (feeds/rasters/worker.py). Options:
feeds/rasters/settings.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from feeds.rasters.settings import KIND, RasterOptions, grid_of, settings_of
from feeds.rasters.worker import Made, ask, job_of
from feeds.source import Format, Pixels, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    """Frames of rain in the order of the files; what cannot be read is Unread. Raises BadInput for the rest of a body."""
    return pixels_of(body, feed, config)


def pixels_of(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    """The same for every format of pixels."""
    if feed.kind != KIND:
        raise BadInput("kind-unknown", f"frames of pixels are for feeds of kind {KIND}, this one is of kind {feed.kind}")
    settings, grid = settings_of(feed, config), grid_of(feed, config)
    results = ask(job_of(body, grid, settings, feed, config))
    for one in results.found:
        if isinstance(one, Made):
            yield Pixels(
                product=settings.product, time=one.time, start=one.start, run=one.run, version=one.version, grid=grid,
                codes=one.codes, most=one.most, covered=one.covered, source=one.source, estimated=one.estimated,
            )  # fmt: skip
        else:
            yield Unread(one.raw, one.reason, one.detail)
    if results.reason:
        raise BadInput(results.reason, results.detail)


FORMAT = Format(
    "odim",
    rows,
    types=("application/x-hdf5", "application/x-hdf", "application/x-odim"),
    suffixes=(".h5", ".hdf", ".hd5", "-hd5", ".hdf5"),
    options=RasterOptions.__struct_fields__,
    apart=True,
)

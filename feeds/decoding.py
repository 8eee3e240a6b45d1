"""Which format decodes a feed's bytes, and the feed's mapping with the defaults of its plug-ins."""

from __future__ import annotations

import functools
from typing import Any

import feeds.formats
import feeds.transports
from feeds.mapping import Mapping, options_problem
from feeds.rasters.settings import KIND as RASTER
from feeds.rasters.settings import grid_of
from feeds.source import Format, Transport
from hall.core.config import FeedConfig, HallConfig
from hall.core.discover import discover

#: options that the core itself reads, for any transport
CORE_OPTIONS = {"placeholder", "video_roots"}
#: transports that hand over whole bodies, as frames of pixels are
RASTER_FORMATS = ("odim", "depth")
RASTER_TRANSPORTS = ("poll", "inbox", "mqtt", "ws", "redis_stream", "demo")
_PACKED = (".gz", ".zip")


@functools.cache
def formats() -> dict[str, Format]:
    return discover(feeds.formats, "FORMAT")


@functools.cache
def transports() -> dict[str, Transport]:
    """Transports by url scheme."""
    found: dict[str, Transport] = {}
    for transport in discover(feeds.transports, "TRANSPORT").values():
        for scheme in transport.schemes:
            found[scheme] = transport
    return found


def transport_of(feed: FeedConfig, config: HallConfig) -> Transport:
    """The transport of the feed's url scheme; raises ConfigError."""
    scheme = feed.url.partition(":")[0].lower()
    try:
        return transports()[scheme]
    except KeyError:
        index = config.feed(feed.name)[0]
        raise config.error(
            f"feeds[{index}].url", f"no transport for {scheme!r}; there are {', '.join(sorted(transports()))}"
        ) from None


def format_by_name(path: str) -> Format | None:
    """The format of a file name's suffix; a packed file's is the one inside."""
    name = path.lower()
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return next((f for f in formats().values() if f.suffixes and name.endswith(f.suffixes)), None)


def format_by_type(content_type: str) -> Format | None:
    plain = content_type.partition(";")[0].strip().lower()
    for found in formats().values():
        if plain and plain in found.types:
            return found
    if plain.endswith("+json"):
        return formats()["json"]
    return formats()["xml"] if plain.endswith("+xml") else None


class Decoding:
    """How one feed's input is read: fixed or chosen format, mapping with defaults. Raises ConfigError when made."""

    def __init__(self, feed: FeedConfig, config: HallConfig) -> None:
        self.feed, self.config = feed, config
        self.transport = transport_of(feed, config)
        index = config.feed(feed.name)[0]
        name = feed.format or self.transport.format or ("odim" if feed.kind == RASTER else "")
        if name and name not in formats():
            raise config.error(f"feeds[{index}].format", f"no format {name!r}; there are {', '.join(sorted(formats()))}")
        self.fixed = formats()[name] if name else None
        self._by_suffix = format_by_name(feed.url.partition("?")[0])
        if feed.kind == RASTER:
            self._check_raster(index)
        self._check_options(index)
        self.mapping = Mapping(feed, config, self._defaults())

    def _check_raster(self, index: int) -> None:
        if self.fixed is None or self.fixed.name not in RASTER_FORMATS:
            raise self.config.error(f"feeds[{index}].format", 'a raster feed takes format = "odim" or "depth"')
        if self.transport.name not in RASTER_TRANSPORTS:
            raise self.config.error(f"feeds[{index}].url", f"radar frames come by {', '.join(RASTER_TRANSPORTS)}")
        if self.feed.mapping:
            raise self.config.error(f"feeds[{index}].mapping", "frames of pixels need no mapping")
        grid_of(self.feed, self.config)

    def _check_options(self, index: int) -> None:
        known = self.transport.options
        if known is None:
            return
        reading = {name for found in ([self.fixed] if self.fixed else formats().values()) for name in found.options}
        problem = options_problem(self.feed.options, {*known, *reading, *CORE_OPTIONS})
        if problem:
            raise self.config.error(f"feeds[{index}].{problem[0]}", problem[1])

    def _defaults(self) -> dict[str, Any]:
        """Mappings that plug-ins bring along: the format's, over the transport's."""
        kind, found = self.feed.kind, self.fixed or self._by_suffix
        return {**self.transport.mapping.get(kind, {}), **(found.mapping.get(kind, {}) if found else {})}

    def format_for(self, content_type: str = "") -> Format:
        """The feed's own format, else by content type, else by the url's suffix, else JSON."""
        return self.fixed or format_by_type(content_type) or self._by_suffix or formats()["json"]

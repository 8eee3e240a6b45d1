"""What a city's recordings say, in the order of time, as documents: for trying rules on what has been. No bus, no clock.

Reads the `replay://` feeds of a configuration by their own mappings, just as the hall replays them (checked, placed in
districts, moved in time), only all at once. A directory belongs to no moment: it comes first.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from feeds.checks import check
from feeds.decoding import Decoding
from feeds.intake import subject_for
from feeds.places import Places
from feeds.recording import Recording, record
from feeds.replay import settings_of
from feeds.source import Gone, Ready
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput, ConfigError
from hall.core.model import Doc

#: kinds of feeds that say something about sites
KINDS = ("sensor", "observation", "position", "warning", "alarm")
#: positions whose district is remembered
PLACED_BOUND = 100_000


class Fact(NamedTuple):
    """One document as the bus would have told it: `time` in city ms, `doc` None where the subject is gone."""

    time: int
    subject: str
    doc: Doc | None


class _Reading(NamedTuple):
    """Of a rim, just what a replay's settings are read from."""

    config: HallConfig
    index: int

    def wrong(self, key: str, problem: str) -> ConfigError:
        return self.config.error(f"feeds[{self.index}].{key}", problem)


class History:
    """The facts of the replay feeds of `config`. `files`: feed name -> another file to read instead of its own, so that a feed
    that is pushed or polled can be tried on a recorded file, too. `refused` counts by feed and reason what was not fit.
    Raises ConfigError."""

    def __init__(self, config: HallConfig, files: dict[str, Path] | None = None, kinds: tuple[str, ...] = KINDS) -> None:
        self.config, self.files, self.refused = config, files or {}, Counter[tuple[str, str]]()
        for name in self.files:
            if name not in {feed.name for feed in config.feeds}:
                raise ConfigError(f"no feed is called {name!r}", file=config.file, key="feeds")
        self.feeds = [feed for feed in config.feeds if feed.kind in kinds and feed.enabled and self._path(feed) is not None]
        self._places, self._placed = Places(config), dict[tuple[float, float], tuple[str, str]]()

    def _path(self, feed: FeedConfig) -> Path | None:
        if feed.name in self.files:
            return self.files[feed.name]
        if feed.url.startswith("replay://"):
            return self.config.path(feed.url.partition("://")[2].partition("?")[0])
        return None

    def facts(self, since: int | None = None, until: int | None = None) -> Iterator[Fact]:
        """Every fact from `since` on and before `until` (city ms), by time; facts of one moment in the order of the feeds.
        Directories come first, with the time `since` or of the first fact. Raises ConfigError, BadInput."""
        read = [(feed, *self._recording(feed)) for feed in self.feeds]
        try:
            first = min((decoding.mapping.warp(found.time(0)) for _, found, decoding in read if _timed(found)), default=0)
            begin = first if since is None else since
            for feed, recording, decoding in read:
                if not _timed(recording):
                    yield from self._told(feed, recording, decoding, begin, None)
            streams = [self._told(f, r, d, begin if since is not None else None, until) for f, r, d in read if _timed(r)]
            yield from heapq.merge(*streams, key=lambda fact: fact.time)
        finally:
            for _, recording, _ in read:
                recording.close()

    def _recording(self, feed: FeedConfig) -> tuple[Recording, Decoding]:
        decoding, path = Decoding(feed, self.config), self._path(feed)
        recording = record(path, decoding)  # type: ignore[arg-type]
        for refused in recording.refused:
            self.refused[feed.name, refused.reason] += 1
        shift = self._shift(feed, recording)
        decoding.mapping.warp.set(0, shift)
        return recording, decoding

    def _shift(self, feed: FeedConfig, recording: Recording) -> int:
        """By how much a replay moves its times (ms)."""
        if feed.name in self.files or not _timed(recording):
            return 0
        found = settings_of(feed, _Reading(self.config, self.config.feed(feed.name)[0]))  # type: ignore[arg-type]
        if found.shift_to is not None:
            return found.shift_to - recording.time(0)
        return found.shift or 0

    def _told(
        self, feed: FeedConfig, recording: Recording, decoding: Decoding, since: int | None, until: int | None
    ) -> Iterator[Fact]:
        timed, warp = _timed(recording), decoding.mapping.warp
        for index in range(len(recording)):
            moment = warp(recording.time(index)) if timed else since or 0
            if timed and since is not None and moment < since:
                continue
            if until is not None and moment >= until:
                return
            try:
                fact = self._fact(recording.item(index), decoding, moment)
                if fact is not None:
                    yield fact
            except BadInput as error:
                self.refused[feed.name, error.reason] += 1

    def _fact(self, item: Any, decoding: Decoding, moment: int) -> Fact | None:
        if isinstance(item, Gone):
            return Fact(moment, item.subject, None)
        doc = item.doc if isinstance(item, Ready) else decoding.mapping.document(item).doc
        check(doc)
        self._place(doc)
        return Fact(moment, subject_for(doc), doc)

    def _place(self, doc: Any) -> None:
        lon, lat = getattr(doc, "lon", None), getattr(doc, "lat", None)
        if lon is None or lat is None or not hasattr(doc, "district"):
            return
        found = self._placed.get((lon, lat))
        if found is None:
            found = self._places.find([lon], [lat])[0]
            if len(self._placed) < PLACED_BOUND:
                self._placed[lon, lat] = found
        doc.district, doc.cell = found[0] or doc.district, found[1] or getattr(doc, "cell", "")


def _timed(recording: Recording) -> bool:
    return bool(len(recording)) and not recording.untimed

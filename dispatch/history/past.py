"""The file of the last hours, for those who read it while it is written. One connection and one thread each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from dispatch.history.settings import FILE, SEGMENT_MS, TRACKS
from dispatch.history.tracks import Tracks, at, pack, trail, unpack, width
from dispatch.history.versions import unsqueeze
from hall.core.event import topic_of

#: one column of the slider's histogram
BIN_MS = 600_000


class Open(NamedTuple):
    """The segment that is not over: not thinned yet. `tag` changes with it."""

    since: int
    tag: str
    body: bytes


class Past:
    """Methods raise sqlite3.Error; times are city ms, when the hall learnt it."""

    def __init__(self, folder: Path) -> None:
        """Raises FileNotFoundError where nothing was ever kept."""
        path = folder / FILE
        if not path.exists():
            raise FileNotFoundError(path)
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5, check_same_thread=False)
        self._db.execute("PRAGMA query_only=1")
        self._open: Open | None = None
        self._journal = 0, 0, Tracks()  # row that was read, segment, points

    def extent(self) -> dict[str, Any]:
        """`since` and `until` of what is kept (None: nothing), `covered` stretches [since, until] in which the hall was there,
        `segments` [since, until, bytes] that are over, `open` start of the one that is not, `bytes` of the file's rows."""
        covered = [list(row) for row in self._db.execute("SELECT since, until FROM covered ORDER BY since")]
        segments = [list(row) for row in self._db.execute("SELECT since, until, bytes FROM segment ORDER BY since")]
        running = self._db.execute("SELECT max(segment) FROM journal").fetchone()[0]
        return {
            "since": covered[0][0] if covered else None,
            "until": max(row[1] for row in covered) if covered else None,
            "covered": covered,
            "segments": segments,
            "open": running,
        }

    def marks(self, since: int) -> dict[str, Any]:
        """For the slider, from `since` on: `cases` and `alarms` that came up by `bin` ms as [[start, count]]; `warnings` as
        [moment, subject, severity, headline, until]; `levels` of responses as [moment, subject, rank], 0: ended."""
        query = "SELECT since / ? * ?, count(*) FROM doc WHERE topic = ? AND edge > 0 AND since >= ? GROUP BY 1 ORDER BY 1"
        counts = {name: [list(row) for row in self._db.execute(query, (BIN_MS, BIN_MS, topic, since))]
                  for name, topic in (("cases", "case"), ("alarms", "alarm"))}  # fmt: skip
        levels = self._db.execute(
            "SELECT since, subject, edge - 1 FROM doc WHERE topic = 'response' AND edge > 0 AND since >= ? ORDER BY since",
            (since,),
        ).fetchall()
        return {"bin": BIN_MS, **counts, "warnings": list(self._warnings(since)), "levels": [list(row) for row in levels]}

    def _warnings(self, since: int) -> Iterator[list[Any]]:
        query = "SELECT since, subject, until, body FROM doc WHERE topic = 'warning' AND edge > 0 AND since >= ? ORDER BY since"
        for start, subject, _, body in self._db.execute(query, (since,)):
            data = msgspec.json.decode(unsqueeze(body))["data"]
            yield [start, subject, data.get("severity", 0), data.get("headline", {}), data.get("expires")]

    # -- documents -------------------------------------------------------------------------------------------------

    def state(self, moment: int, topics: frozenset[str]) -> list[bytes]:
        """What was known at `moment`, as events; of tracks what does not move."""
        query = "SELECT body FROM doc WHERE until > ? AND since <= ? AND topic = ?"
        return [unsqueeze(row[0]) for topic in sorted(topics) for row in self._db.execute(query, (moment, moment, topic))]

    def changes(
        self, after: int, until: int, topics: frozenset[str], skip: int, limit: int
    ) -> tuple[list[tuple[int, str, bytes | None]], bool]:
        """What was learnt after `after` up to `until`: `(moment, subject, event or None where it is gone)` by moment; the
        second: whether there is more than `limit` after `skip`."""
        marks = ",".join("?" * len(topics))
        query = f"""SELECT moment, subject, body FROM (
            SELECT since AS moment, id, subject, body FROM doc WHERE since > ? AND since <= ? AND topic IN ({marks})
            UNION ALL SELECT until, id, subject, NULL FROM doc WHERE until > ? AND until <= ? AND gone AND topic IN ({marks}))
            ORDER BY moment, id, body IS NULL LIMIT ? OFFSET ?"""
        chosen = sorted(topics)
        rows = self._db.execute(query, (after, until, *chosen, after, until, *chosen, limit + 1, skip)).fetchall()
        return [(m, s, None if body is None else unsqueeze(body)) for m, s, body in rows[:limit]], len(rows) > limit

    def before(self, subject: str, moment: int) -> bytes | None:
        """What was known of a subject until `moment`, when that ended."""
        query = "SELECT body FROM doc WHERE until = ? AND subject = ? ORDER BY id DESC LIMIT 1"
        row = self._db.execute(query, (moment, subject)).fetchone()
        return unsqueeze(row[0]) if row else None

    # -- tracks ----------------------------------------------------------------------------------------------------

    def segment(self, since: int) -> bytes | None:
        """A packed segment that is over (gzip)."""
        row = self._db.execute("SELECT body FROM segment WHERE since = ?", (since,)).fetchone()
        return row[0] if row else None

    def _running(self) -> tuple[int, str, Tracks] | None:
        """The journal as far as it is written: start of its segment, a tag, the points."""
        last, since, tracks = self._journal
        for row, segment, body in self._db.execute(
            "SELECT id, segment, body FROM journal WHERE id > ? OR segment > ?", (last, since)
        ):
            if segment != since:
                since, tracks = segment, Tracks()
            tracks.merge(body)
            last = row
        self._journal = last, since, tracks
        return (since, f"{since}-{last}", tracks) if tracks and self._still(since) else None

    def _still(self, since: int) -> bool:
        return self._db.execute("SELECT 1 FROM segment WHERE since = ?", (since,)).fetchone() is None

    def raster(self, version: str) -> bytes | None:
        """The pixels of a frame that the radar measured (gzip)."""
        row = self._db.execute("SELECT body FROM raster WHERE version = ?", (version,)).fetchone()
        return row[0] if row else None

    def open_segment(self) -> Open | None:
        """The one that is not over, packed as it is; None when nothing waits."""
        found = self._running()
        if found is None:
            return None
        since, tag, tracks = found
        if self._open is None or self._open.tag != tag:
            query = "SELECT body FROM segment WHERE since < ? ORDER BY since DESC LIMIT 1"
            before = self._db.execute(query, (since,)).fetchone()
            topics = unpack(before[0]).topics if before else {}
            last = {topic: {subject: table[-1] for subject, (table, _) in rows.items()} for topic, rows in topics.items()}
            self._open = Open(since, tag, pack(tracks, since, since + SEGMENT_MS, last, thin=False).body)
        return self._open

    def _at(self, moment: int) -> bytes | None:
        """The segment that tells of `moment`."""
        running = self.open_segment()
        if running is not None and running.since <= moment:
            return running.body
        row = self._db.execute("SELECT body FROM segment WHERE since <= ? ORDER BY since DESC LIMIT 1", (moment,)).fetchone()
        return row[0] if row else None

    def told(self, moment: int, topics: frozenset[str]) -> list[dict[str, Any]]:
        """Positions and readings at `moment` as whole events (decoded), for those who cannot read segments."""
        wanted = topics & frozenset(TRACKS)
        body = self._at(moment) if wanted else None
        tracks = unpack(body).topics if body else {}
        made = []
        for raw in self.state(moment, wanted):
            event = msgspec.json.decode(raw)
            topic = topic_of(event["subject"])
            found = at(track, topic, moment) if (track := tracks.get(topic, {}).get(event["subject"])) else None
            if found is not None:
                event["time"], event["data"] = found[0], event["data"] | found[1]
                made.append(event)
        return made

    def trail(self, subject: str, since: int, until: int) -> list[list[float]]:
        """`[time, lon, lat]` of a position's kept points learnt from `since` to `until`, oldest first."""
        made: list[list[float]] = []
        query = "SELECT body FROM segment WHERE until > ? AND since <= ? ORDER BY since"
        bodies = [row[0] for row in self._db.execute(query, (since, until))]
        tables = [found[0] for body in bodies if (found := unpack(body).topics.get("position", {}).get(subject))]
        running = self._running()
        if running is not None and subject in running[2].rows["position"]:
            tables.append(np.frombuffer(running[2].rows["position"][subject]).reshape(-1, width("position")).copy())
        for table in tables:
            made += (point for point in trail(table, since, until) if point not in made[-1:])
        return made

    def close(self) -> None:
        self._db.close()

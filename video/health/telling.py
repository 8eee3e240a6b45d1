"""What the health round publishes: findings at edges, rates and progress as they go, readings that thresholds judge."""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.board import Board, EntryId
from hall.core.clock import real_ms
from hall.core.errors import BusLost
from hall.core.event import Envelope
from hall.core.model import Observation, Picture, Sensor
from hall.core.process import Process
from video.health.judge import Verdict
from video.health.lap import Progress
from video.health.rates import Rates

FEED = "video-health"
_REPEAT_MS = 60_000  # a reading that stays the same is told again this often: its silence would be a fault


class _Findings(Board):
    """Only what an earlier run of this process found."""

    def apply(self, lane: str, at: EntryId, raw: bytes, head: Envelope) -> bool:
        return head.subject.startswith("picture/") and head.subject.endswith("/health") and super().apply(lane, at, raw, head)


class _Told(msgspec.Struct):
    subject: str
    data: Picture | None = None


_told = msgspec.json.Decoder(_Told).decode


class Telling:
    """Publishes for one process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._readings: dict[str, tuple[dict[str, float], int]] = {}
        self._rate = (0.0, 0.0, 0.0)  # when, looks by then, looks a second
        self._waiting: dict[str, Any] = {}  # subject -> its newest document that the bus did not take

    def _put(self, subject: str, document: Any) -> None:
        """Publishes, or keeps the newest of each subject for the next telling: a bus that is away must not end the round."""
        try:
            self._process.bulk.put(self._process.event(subject, document))
        except BusLost:
            self._waiting[subject] = document
        else:
            self._waiting.pop(subject, None)

    async def restored(self) -> dict[str, tuple[str, ...]]:
        """Channel -> findings that were in force when the process last ran: they are cleared by looks, not by a restart."""
        board = _Findings(logs=())
        await self._process.bus.load_board(board)
        found = {}
        for entry in board.current(["picture"]):
            told = _told(entry.raw)
            if told.data is not None and told.data.health:
                found[told.subject.removesuffix("/health").replace("picture/", "channel/", 1)] = tuple(told.data.health)
        return found

    def picture(self, subject: str, verdict: Verdict, now: int, reason: str) -> None:
        """A channel's findings changed, or it was seen for the first time."""
        _, feed, channel = subject.split("/", 2)
        found = Picture(
            feed=feed, channel_id=channel, health=list(verdict.held), checked=now, quality_score=verdict.quality, reason=reason
        )
        self._put(f"picture/{feed}/{channel}/health", found)

    def health(self, rates: Rates, lap: Progress, now: float, counters: dict[str, float], parked: int) -> None:
        """The document `health/video`, and the departments' readings."""
        for subject, document in list(self._waiting.items()):
            self._put(subject, document)
        looks = counters["looks_visited"] + counters["looks_failed"]
        at, before, speed = self._rate
        if now - at >= 10:
            speed = (looks - before) / (now - at) if at else 0.0
            self._rate = now, looks, speed
        left, spent = lap.total - lap.done, now - lap.started
        found = {
            "as_of": real_ms(),
            "total": rates.whole.row(""),
            "departments": rates.rows(),
            "lap": {
                "number": lap.number, "done": lap.done, "total": lap.total, "resting": lap.resting,
                "seconds": round(lap.took if lap.took is not None else spent, 1), "ended": lap.took is not None,
                "looks_per_second": round(speed, 1), "left_seconds": round(left / speed) if speed > 0.5 and left else None,
                "age_seconds": None if lap.took is None else round(spent - lap.took),
            },
            "visiting": counters["visiting"], "parked": parked,
        }  # fmt: skip
        self._put("health/video", found)
        self._readings_of(rates)

    def _readings_of(self, rates: Rates) -> None:
        now = real_ms()
        for owner, values in rates.readings().items():
            before, at = self._readings.get(owner, ({}, 0))
            if values == before and now - at < _REPEAT_MS:
                continue
            self._readings[owner] = values, now
            self._reading(owner, values, first=not before)

    def _reading(self, owner: str, values: dict[str, float], first: bool) -> None:
        sensor = owner.replace("/", "_") or "-"
        if first:
            doc = Sensor(
                feed=FEED, sensor_id=sensor, name=owner, quantity="channels_offline", unit="%", kind="video", owner=owner
            )
            self._put(f"sensor/{FEED}/{sensor}", doc)
        for quantity, value in values.items():
            reading = Observation(feed=FEED, sensor_id=sensor, quantity=quantity, value=value, unit="%")
            self._put(f"observation/{FEED}/{sensor}/{quantity}", reading)

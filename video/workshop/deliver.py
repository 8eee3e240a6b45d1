"""A job's pictures into a track: the one way in which sources of this process use the workshop."""

from __future__ import annotations

import asyncio
from typing import Any

from hall.core.clock import monotonic
from video.media import Intake, SourceFailed, StreamInfo
from video.workshop import wire
from video.workshop.shop import Job, Workshop, shared

FIRST_PICTURE = 8.0  # seconds, as video.media.Source bounds its waiting
SILENCE = 5.0


class ToIntake:
    """A listener that hands on at once. `at`: when the newest picture came (monotonic), None before the first."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.at: float | None = None

    def began(self, info: StreamInfo) -> None:
        self.intake.begin(info)

    def made(self, picture: wire.Made) -> None:
        self.at = monotonic()
        self.intake.picture(picture.key, picture.pts, annexb=picture.data, captured=picture.captured or None)

    def told(self, about: dict[str, Any]) -> None:
        if about.get("damaged"):
            self.intake.damaged(str(about["damaged"]))


async def deliver(kind: str, about: dict[str, Any], intake: Intake, shop: Workshop | None = None) -> None:
    """Runs a job until it ends or is cancelled; raises SourceFailed, `silent` too."""
    listener = ToIntake(intake)
    job = await (shop or shared()).open(kind, about, listener)
    try:
        await watched(job, listener)
    finally:
        job.close()


async def watched(job: Job, listener: ToIntake, silence: float | None = None) -> None:
    """Returns when the job ends; raises SourceFailed when it failed or no picture came for `silence` (SILENCE) seconds."""
    begun, silence = monotonic(), SILENCE if silence is None else silence
    while True:
        due = (begun + FIRST_PICTURE) if listener.at is None else listener.at + silence
        wait = due - monotonic()
        if wait <= 0:
            raise SourceFailed("silent", "the workshop makes no pictures")
        done, _ = await asyncio.wait({job.ended}, timeout=wait)
        if done:
            return job.ended.result()

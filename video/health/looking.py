"""One look, in a thread: decode, measure, judge. And which of a channel's streams to look at."""

from __future__ import annotations

import logging
from typing import Any

from hall.core.errors import Refused
from video.decode import Picture, Undecodable, decode, from_bgr
from video.health.burntclock import seconds_off
from video.health.judge import Memory, Verdict, look
from video.health.limits import CLOCK_AGREES
from video.health.measures import measure
from video.health.relayed import Coded

log = logging.getLogger("hall.video")


def cheapest(tracks: list[dict[str, Any]]) -> dict[str, str]:
    """Live channel -> the quality to look at: the sub-stream where it runs, a main stream's key picture costs three times."""
    live: dict[str, str] = {}
    for track in tracks:
        if track["state"] == "live" and live.get(track["subject"]) != "sub":
            live[track["subject"]] = track["quality"]
    return live


def all_examined(work: list[tuple[Any, ...]]) -> list[tuple[Verdict, str]]:
    return [examined(*one) for one in work]


def examined(
    memory: Memory, picture: Any, now: int, steady: bool, clock: Any, city_now: int, reason: str
) -> tuple[Verdict, str]:
    """One look, in a thread: (verdict, why there was no picture)."""
    if picture is None:
        return look(memory, None, now), reason
    try:
        coded = isinstance(picture, Coded)
        decoded = decode(picture.body, picture.family, rough=True) if coded else from_bgr(picture[0](*picture[1:]))
        extra = {} if clock is None else _clock(memory, decoded, clock, city_now)
        measured = measure(decoded)
    except (Undecodable, Refused) as error:
        return look(memory, None, now), error.reason
    except Exception as error:  # a camera may send what nobody thought of: a line of pixels is no picture, and no end of all
        log.info("health: a picture cannot be measured: %s", type(error).__name__)
        return look(memory, None, now), "garbled"
    return look(memory, measured, now, steady=steady, extra=extra), ""


def _clock(memory: Memory, picture: Picture, region: tuple[float, float, float, float], city_now: int) -> dict[str, float]:
    """How wrong the burnt-in clock is, once two readings agree: a digit misread is misread differently the next time."""
    off, before = seconds_off(picture.luma, region, city_now), memory.clock_off
    if off is None:
        return {}
    memory.clock_off = off
    return {"clock-wrong": abs(off)} if before is not None and abs(off - before) < CLOCK_AGREES else {}

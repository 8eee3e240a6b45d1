"""`[[video.analysis]]`: which analyser looks at which channel. Checked once; errors name file, line and key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

import video.analysis
from hall.core.config import HallConfig
from hall.core.discover import discover
from video.analysis.seam import Analyser, Task

MOST_TASKS = 120  # one socket of the relay takes 128 channels


def analysers() -> dict[str, Analyser]:
    """Every analyser by name."""
    return discover(video.analysis, "ANALYSER")


def tasks(config: HallConfig, kinds: Mapping[str, Analyser]) -> list[Task]:
    """The city's tasks. Raises ConfigError."""
    found = []
    for index, row in enumerate(config.video.analysis):
        key = f"video.analysis[{index}]"
        try:
            found.append(msgspec.convert(row, Task))
            begun(found[-1], kinds)
        except (msgspec.ValidationError, ValueError) as error:
            raise config.error(key, str(error)) from None
    if len(found) > MOST_TASKS:
        raise config.error("video.analysis", f"at most {MOST_TASKS} tasks")
    return found


def begun(task: Task, kinds: Mapping[str, Analyser]) -> Any:
    """The state a task begins with; raises ValueError for one that cannot work."""
    if task.analyser not in kinds:
        raise ValueError(f"analyser: {task.analyser!r}: one of {', '.join(sorted(kinds))}")
    if not task.channel.startswith("channel/") or task.channel.count("/") < 2:
        raise ValueError("channel: give its subject, channel/<feed>/<id>")
    if len(task.region) > 40 or not all(0 <= part <= 1 for corner in task.region for part in corner):
        raise ValueError("region: at most 40 corners, shares of width and height, 0 to 1")
    if not 0 < task.min_confidence <= 1 or not 0.5 <= task.every_seconds <= 3600:
        raise ValueError("min_confidence above 0 and at most 1, every_seconds 0.5 to 3600")
    return kinds[task.analyser].begin(task)

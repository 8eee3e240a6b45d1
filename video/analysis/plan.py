"""`[[video.analysis]]`: which analyser looks at which channel. Checked once; errors name file, line and key."""

from __future__ import annotations

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


def tasks(config: HallConfig, kinds: dict[str, Analyser]) -> list[tuple[Task, Any]]:
    """The city's tasks, each with the state it begins with. Raises ConfigError."""
    found = []
    for index, row in enumerate(config.video.analysis):
        key = f"video.analysis[{index}]"
        try:
            task = msgspec.convert(row, Task)
        except msgspec.ValidationError as error:
            raise config.error(key, str(error)) from None
        if task.analyser not in kinds:
            raise config.error(f"{key}.analyser", f"{task.analyser!r}: one of {', '.join(sorted(kinds))}")
        if not task.channel.startswith("channel/") or task.channel.count("/") < 2:
            raise config.error(f"{key}.channel", "give the channel's subject, channel/<feed>/<id>")
        if not all(0 <= part <= 1 for corner in task.region for part in corner):
            raise config.error(f"{key}.region", "corners are shares of width and height, 0 to 1")
        if not 0 < task.min_confidence <= 1 or task.every_seconds < 0.5:
            raise config.error(key, "min_confidence above 0 and at most 1, every_seconds 0.5 or more")
        try:
            found.append((task, kinds[task.analyser].begin(task)))
        except ValueError as error:
            raise config.error(key, str(error)) from None
    if len(found) > MOST_TASKS:
        raise config.error("video.analysis", f"at most {MOST_TASKS} tasks")
    return found

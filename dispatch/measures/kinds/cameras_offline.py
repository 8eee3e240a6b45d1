"""离线视频: channels their supplier calls offline; nothing where an area has no camera."""

import numpy as np

from dispatch.measures.areas import Level
from dispatch.measures.measure import Measure, Values, World, counted


def _offline(world: World, level: Level, now: int) -> Values:
    cameras = world.cameras
    areas, offline = cameras.areas(level), cameras.value("offline")
    there = counted(level, areas, np.ones(len(areas), bool))
    return Values(np.where(there > 0, counted(level, areas, offline == 1), np.nan), there)


MEASURE = Measure(
    name="cameras_offline",
    label={"zh-CN": "离线视频", "en": "Cameras offline"},
    unit={"zh-CN": "路", "en": "cameras"},
    value=_offline,
    order=110,
)

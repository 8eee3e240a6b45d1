"""What it means: cases, indicators, alarms, series. `hall dispatch` runs `run`."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hall.core.process import Process


async def run(process: Process) -> None:
    """The dispatch process; returns only when cancelled."""
    gc.disable()  # nothing of what is loaded now is ever garbage
    from dispatch.evaluation.keeper import Keeper
    from dispatch.service import Dispatch

    dispatch = Dispatch(process)
    gc.freeze()
    gc.enable()
    process.spawn(Keeper(process).run(), "evaluation")
    await dispatch.run()

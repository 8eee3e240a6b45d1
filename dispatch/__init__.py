"""What it means: cases, indicators, alarms, series. `hall dispatch` runs `run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hall.core.process import Process


async def run(process: Process) -> None:
    """The dispatch process; returns only when cancelled."""
    from dispatch.evaluation.keeper import Keeper
    from dispatch.service import Dispatch

    dispatch = Dispatch(process)
    process.spawn(Keeper(process).run(), "evaluation")
    await dispatch.run()

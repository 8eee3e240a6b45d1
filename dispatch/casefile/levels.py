"""What a level of a response does to a case's deadlines, and how they come back. Pure.

A class that the level lists is an emergency while it is in force: emergency limits, never more time than there was. The line
holds what the case had before, so that taking the level back gives exactly that; after a level's proper end the shorter
promise stays unless the plan says otherwise, because more time than was promised is a postponement, which somebody grants.
"""

from __future__ import annotations

from typing import Any

from dispatch.casefile import timing
from dispatch.casefile.deciding import Deciding
from dispatch.casefile.table import FED_BACK
from hall.core.command import Draft


def raised(d: Deciding) -> list[Draft]:
    """Made an emergency by `by_level` {plan, run, level}; nothing where it is one."""
    if d.file.emergency:
        return []
    before = {"stage_due": d.file.stage_due, "clock": d.clock()}
    after = {"stage_due": d.clocks.stage_due(d.file.state, d.file.state_since, True), "clock": before["clock"]}
    if before["clock"] is not None and d.file.state not in FED_BACK:
        after["clock"] = timing.of_kind(d, before["clock"], True)
    by = {**d.given["by_level"], "state": d.file.state, "before": before, "after": after}
    return [d.draft(emergency=True, **after, by_level=by)]


def settled(d: Deciding) -> list[Draft]:
    """The level is over for this case. `how`: keep what was promised, or restore what was there before; a clock that people
    changed since is counted anew as a routine one, from its dispatch."""
    by, how = d.file.by_level, d.given["how"]
    if not by:
        return []
    if how == "keep" or not d.file.emergency:
        return [d.draft(how="keep", by_level={})]
    before, after, clock = by["before"], by["after"], d.clock()
    data: dict[str, Any] = {"how": how, "emergency": False, "by_level": {}}
    same = (d.file.state, d.file.stage_due) == (by["state"], after["stage_due"])
    data["stage_due"] = before["stage_due"] if same else d.clocks.stage_due(d.file.state, d.file.state_since, False)
    if clock == after["clock"]:
        data["clock"] = before["clock"]
    elif clock is not None and d.file.state not in FED_BACK:
        data["clock"] = timing.of_kind(d, clock, False)
    return [d.draft(**data)]

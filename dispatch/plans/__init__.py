"""Plans 预案: what proposes a response level, who signs it, what a signature sets going and how it is taken back.

`settings` reads the configuration, `proposing` weighs the picture (pure), `response` and `task` are the streams of the ledger,
`effects` says what an act makes and undoes, `watching` and `reminding` are what the dispatch process does by itself.
"""

from __future__ import annotations

from dispatch.desk import Desk
from dispatch.part import Part
from dispatch.plans.following import Follower
from dispatch.plans.lines import lines_of
from dispatch.plans.response import Responses, walls_of
from dispatch.plans.settings import plans_of
from dispatch.plans.task import Tasks
from dispatch.plans.watching import Watcher
from dispatch.rain.gauge import Gauges
from dispatch.tabled import Tabled
from hall.core.config import HallConfig
from hall.core.process import Process


def response_streams(config: HallConfig) -> tuple[Tabled, ...]:
    """The streams of responses and tasks. Raises ConfigError."""
    plans = plans_of(config)
    return Responses(plans, walls_of(config), lines_of(config)), Tasks(plans.language)


def response_parts(process: Process, desk: Desk, rain: Gauges) -> list[Part]:
    """What the dispatch process does for them by itself; `rain` is kept up by dispatch/rain."""
    plans = plans_of(process.config)
    return [Watcher(process, desk, plans, rain), Follower(process, desk, plans)]


__all__ = ["plans_of", "response_parts", "response_streams"]

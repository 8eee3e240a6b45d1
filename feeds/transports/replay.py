"""`replay://FILE?speed=60&from=2011-08-28T00:00:00&loop=0`: a recording as if it happened now (feeds/replay.py).

FILE is relative to the configuration and may name environment variables: `replay://$HALL_REAL_DATA/cases/x.zip`.
"""

from __future__ import annotations

from typing import cast

from feeds.replay import OPTIONS, Player
from feeds.rim import FeedRim
from feeds.source import Rim, Transport
from hall.core.config import FeedConfig


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Plays the recording to its end; raises ConfigError for a file or option that cannot be used."""
    await Player(feed, cast(FeedRim, rim)).run()


TRANSPORT = Transport("replay", ("replay",), run, options=OPTIONS)

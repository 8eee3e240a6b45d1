"""The recommendation as the web process asks it: holds the router, takes crews and positions as they are now."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dispatch.crews import roads
from dispatch.crews.model import Crew
from dispatch.crews.ranking import Fix, Needs, Place, Ranking
from dispatch.crews.recommend import recommend
from dispatch.crews.routing import RoadRouter, Router, StraightRouter
from dispatch.crews.settings import needs_of, settings_of
from hall.core.config import HallConfig
from hall.core.errors import Refused

log = logging.getLogger("hall")


class Recommender:
    """`load()` reads the road network (seconds for a city, once; run it in a thread); until then lines are straight."""

    def __init__(self, config: HallConfig, data_dir: Path) -> None:
        self.settings = settings_of(config)
        self._config, self._cache = config, data_dir / "roads"
        self.router: Router = StraightRouter(self.settings.straight)
        self.problem = ""  # why there is no road network though one is configured

    def load(self) -> None:
        """Builds the router; a network that cannot be read is told once and leaves straight lines. Blocking."""
        if not self._config.city.osm or not self.settings.roads:
            return
        try:
            network = roads.load(self._config.path(self._config.city.osm), self._cache)
            self.router = RoadRouter(network, self.settings.speeds, self.settings.straight)
            self.problem = ""
        except (ValueError, OSError) as error:
            self.problem = str(error)
            log.warning("crews: no road network, straight lines are used: %s", error)

    def recommend(
        self,
        case: dict[str, Any],
        crews: Iterable[Crew],
        positions: Mapping[str, Fix],
        now: int,
        needs: Needs | None = None,
    ) -> Ranking:
        """Ranks crews for a case (plain fields of hall.core.model.Case), at `now` (city ms). Takes milliseconds, does no I/O.

        `needs` replaces what the case's class asks for. Raises Refused for a case without a place.
        """
        lon, lat = case.get("lon"), case.get("lat")
        if lon is None or lat is None:
            raise Refused("place-unknown", "the case has no position: crews cannot be ranked by travel time", 409)
        place = Place(float(lon), float(lat), case.get("district") or "", case.get("cell") or "")
        return recommend(
            place,
            needs if needs is not None else needs_of(self.settings.needs, case),
            crews,
            positions,
            now,
            self.router,
            self.settings.weights,
            zone=self._config.city.timezone,
            limit=self.settings.shown,
        )


def fixes(events: Iterable[tuple[str, int, dict[str, Any]]]) -> dict[str, Fix]:
    """Live positions by subject, of board events (subject, time, data of a Position)."""
    found = {}
    for subject, time, data in events:
        if data and data.get("lon") is not None and data.get("lat") is not None:
            found[subject] = Fix(data["lon"], data["lat"], time)
    return found


def as_json(ranking: Ranking) -> dict[str, Any]:
    return msgspec.to_builtins(ranking)

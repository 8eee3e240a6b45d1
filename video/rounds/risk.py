"""What makes a camera urgent now: alarms near it, rising and standing water, rain, open cases in its cell. Pure.

Everything is read from documents that other rooms publish; this room knows no cases, only how many a grid cell has.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from hall.core.board import Board
from video.catalogue.columns import Columns, on_sphere
from video.rounds.plan import RISKS, RoundPlan

ALARM_METRES, GAUGE_METRES, RAIN_METRES = 500.0, 1_200.0, 8_000.0
RISE_MINUTES = 10
#: so many pairs of a camera and a reading are simply measured, all of them; for more a tree is made
FEW_PAIRS = 250_000
#: what keeps an alarm from drawing attention: another one explains it, somebody shelved it, it is out of service
PUT_AWAY = ("hidden_by", "shelved", "out_of_service")
#: topics this is read from
TOPICS = frozenset({"alarm", "sensor", "observation", "series", "kpi", "picture"})


class _Told(msgspec.Struct):
    subject: str
    data: Any = None


_told = msgspec.json.Decoder(_Told).decode


def _number(value: Any) -> float | None:
    """A finite number of a document; None for whatever else stands in its place: suppliers write anything."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e12:
        return None
    return float(value)


def _place(data: dict[str, Any]) -> tuple[float, float] | None:
    lon, lat = _number(data.get("lon")), _number(data.get("lat"))
    return None if lon is None or lat is None else (lon, lat)


class Ground:
    """The board's present, laid out for `levels`. Build one whenever risks are wanted anew."""

    def __init__(self, board: Board) -> None:
        self.alarms: list[tuple[float, float, float]] = []
        self.gauges: dict[str, list[tuple[float, float, float]]] = {"rise": [], "depth": [], "rain": []}
        self.cells: dict[str, float] = {}
        self.faulty: set[str] = set()
        places: dict[str, tuple[float, float]] = {}
        for entry in board.current(("alarm", "sensor", "kpi", "picture")):
            self._take(_told(entry.raw), places)
        for entry in board.current(("observation", "series")):
            self._reading(_told(entry.raw), places)

    def _take(self, told: _Told, places: dict[str, tuple[float, float]]) -> None:
        data = told.data
        if not isinstance(data, dict):
            return
        at = _place(data)
        if told.subject.startswith("alarm/"):
            if at and data.get("active", True) and not any(data.get(way) for way in PUT_AWAY):
                self.alarms.append((*at, _number(data.get("severity")) or 0.0))
        elif told.subject.startswith("sensor/"):
            if at:
                places[told.subject.partition("/")[2]] = at
        elif told.subject == "kpi/cells":
            self.cells = _cells(data.get("rows"))
        elif told.subject.endswith("/health") and data.get("health"):
            self.faulty.add(told.subject.replace("picture/", "channel/", 1).removesuffix("/health"))

    def _reading(self, told: _Told, places: dict[str, tuple[float, float]]) -> None:
        topic, _, rest = told.subject.partition("/")
        sensor, _, quantity = rest.rpartition("/")
        place = places.get(sensor)
        if place is None or not isinstance(told.data, dict):
            return
        if topic == "series" and quantity in ("water_depth", "water_level"):
            rise = _rise(told.data.get("values"))
            if rise > 0:
                self.gauges["rise"].append((*place, rise * 100))
            return
        value = _number(told.data.get("value"))
        if topic == "observation" and value is not None:
            if quantity == "water_depth":
                self.gauges["depth"].append((*place, value * 100))
            elif quantity in ("rain_1h", "rain_rate"):
                self.gauges["rain"].append((*place, value))

    def levels(self, columns: Columns, subjects: list[str], cells: list[str]) -> dict[str, np.ndarray]:
        """Raw value of each risk for every row (units: `plan.RISKS`); 0 where nothing is known."""
        found = {
            "alarm": _worst_near(columns.place, self.alarms, ALARM_METRES),
            "rise": _nearest(columns.place, self.gauges["rise"], GAUGE_METRES),
            "depth": _nearest(columns.place, self.gauges["depth"], GAUGE_METRES),
            "rain": _nearest(columns.place, self.gauges["rain"], RAIN_METRES),
            "cases": np.array([self.cells.get(cell, 0.0) for cell in cells]),
            "faults": np.array([1.0 if subject in self.faulty else 0.0 for subject in subjects]),
        }
        return {risk: np.maximum(values, 0) for risk, values in found.items()}


def _share(risk: str, level: np.ndarray | float) -> np.ndarray:
    """How much of a risk's weight a level counts for, 0 to 1."""
    least, full, _ = RISKS[risk]
    return np.where(np.asarray(level) >= least, np.minimum(np.asarray(level) / full, 1), 0.0)


def weights(plan: RoundPlan, levels: dict[str, np.ndarray]) -> np.ndarray:
    """Weight of every camera, 1 where nothing is urgent."""
    return 1 + np.sum([plan.weight(risk) * _share(risk, levels[risk]) for risk in RISKS], axis=0)


def reasons(plan: RoundPlan, levels: dict[str, np.ndarray], row: int) -> list[dict[str, Any]]:
    """Why a camera is urgent, weightiest first: `[{risk, value}]`."""
    values = {risk: float(levels[risk][row]) for risk in RISKS}
    told = [(plan.weight(risk) * float(_share(risk, value)), risk, value) for risk, value in values.items()]
    return [{"risk": risk, "value": round(value, 1)} for weight, risk, value in sorted(told, reverse=True) if weight > 0]


def _cells(rows: Any) -> dict[str, float]:
    """Grid cell -> open cases."""
    if not isinstance(rows, dict):
        return {}
    counts = {cell: _number(row[0]) for cell, row in rows.items() if isinstance(row, list) and row}
    return {cell: count for cell, count in counts.items() if count is not None}


def _rise(values: Any) -> float:
    """Metres between the newest reading and the one ten minutes before it; 0 where either is missing."""
    read = [_number(value) for value in values] if isinstance(values, list) else []
    newest = next((place for place in range(len(read) - 1, -1, -1) if read[place] is not None), None)
    if newest is None or newest < RISE_MINUTES or read[newest - RISE_MINUTES] is None:
        return 0.0
    return read[newest] - read[newest - RISE_MINUTES]


def _nearest(places: np.ndarray, told: list[tuple[float, float, float]], reach: float) -> np.ndarray:
    """The value told nearest to each place, 0 beyond `reach` metres."""
    if not told or not len(places):
        return np.zeros(len(places))
    spots = np.array([on_sphere(lon, lat) for lon, lat, _ in told])
    which = (_nearest_of_few if len(spots) * len(places) <= FEW_PAIRS else _nearest_of_many)(places, spots, reach)
    return np.append(np.array([value for *_, value in told]), 0.0)[which]


def _nearest_of_few(places: np.ndarray, spots: np.ndarray, reach: float) -> np.ndarray:
    """Number of the spot nearest to each place; `len(spots)` where none is within `reach`."""
    away = ((places[:, None] - spots) ** 2).sum(axis=2)
    which = away.argmin(axis=1)
    return np.where(away[np.arange(len(places)), which] < reach**2, which, len(spots))


def _nearest_of_many(places: np.ndarray, spots: np.ndarray, reach: float) -> np.ndarray:
    from scipy.spatial import cKDTree  # a small city's hall never loads it

    return cKDTree(spots).query(places, distance_upper_bound=reach)[1]


def _worst_near(places: np.ndarray, told: list[tuple[float, float, float]], reach: float) -> np.ndarray:
    """The greatest value told within `reach` metres of each place."""
    worst = np.zeros(len(places))
    if told and len(places):
        spots = np.array([on_sphere(lon, lat) for lon, lat, _ in told])
        near = (_around_few if len(spots) * len(places) <= FEW_PAIRS else _around_many)(places, spots, reach)
        for rows, (*_, value) in zip(near, told, strict=True):
            worst[rows] = np.maximum(worst[rows], value)
    return worst


def _around_few(places: np.ndarray, spots: np.ndarray, reach: float) -> list[np.ndarray]:
    """For each spot the places within `reach` metres: rows."""
    return [np.flatnonzero(((places - spot) ** 2).sum(axis=1) <= reach**2) for spot in spots]


def _around_many(places: np.ndarray, spots: np.ndarray, reach: float) -> list[list[int]]:
    from scipy.spatial import cKDTree

    return list(cKDTree(places).query_ball_point(spots, reach))

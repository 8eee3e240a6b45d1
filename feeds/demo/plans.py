"""A case's whole life, decided when it is reported; and the document as it stood at any moment of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from random import Random

from feeds.demo.chance import rng
from feeds.demo.city import City
from feeds.demo.classes import CLOSING, REFUSED, CaseClass
from feeds.demo.names import COMMUNITIES, DISTRICTS, SHOPS, UNITS, URBAN
from feeds.demo.plane import distance, nearest_of, to_degrees
from feeds.demo.working import HOUR, add_service, deadline
from hall.core.model import Case, Stages

MINUTE = 60_000
#: stage stamped when a case enters a state
_STAMPS = {
    "reported": "reported", "pending_register": "accepted", "pending_dispatch": "registered", "pending_handle": "dispatched",
    "pending_check": "handled", "closed": "closed",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    district: str
    address: str
    at: tuple[float, float] | None  # metres; None: the caller could not say


@dataclass(frozen=True)
class Plan:
    """`steps` = (ms, state) in time order, the first is the report.

    A state may come twice: at `checked` a case that waited for the check has passed it and waits to be closed.
    """

    case_id: str
    row: CaseClass
    place: Place
    source: str
    unit: str
    text: str
    steps: tuple[tuple[int, str], ...]
    due: int
    checked: int | None = None
    note: str = ""
    severity: int = 0
    extra: dict = field(default_factory=dict)

    @property
    def ended(self) -> int | None:
        """When the case was over, None for one that will not be within the story."""
        time, state = self.steps[-1]
        return time if state in ("closed", "not_accepted") else None

    def document(self, feed: str, time: int) -> Case:
        """The case as known at `time` (at or after its report)."""
        past = [(at, state) for at, state in self.steps if at <= time]
        stamps = {_STAMPS[state]: at for at, state in reversed(past) if state in _STAMPS}  # the first time counts
        state = past[-1][1]
        if self.checked is not None and self.checked <= time and "handled" in stamps:
            stamps["checked"] = self.checked
        dispatched = "dispatched" in stamps
        lon, lat = to_degrees(self.place.at) if self.place.at else (None, None)
        return Case(
            feed=feed, case_id=self.case_id, state=state, kind=self.row.kind, class_name=self.row.main,
            subclass_name=self.row.sub, class_code=self.row.code, description=self.text,
            severity=self.severity or self.row.severity, lon=lon, lat=lat, address=self.place.address,
            district=self.place.district, report_source=self.source, unit=self.unit if dispatched else "",
            due=self.due if dispatched else None, stages=Stages(**stamps),
            closing_note=self.note if state in ("closed", "not_accepted") else "", extra=self.extra,
        )  # fmt: skip


class Places:
    """Where things happen: mostly along the city's streets, some in county towns, a few unknown."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._edges = sorted(city.streets.edges)
        self._corners = [city.streets.at[node] for *_, node in city.crossings]
        at = city.streets.at
        self._weights = [1.0 / (1.0 + (distance((0, 0), at[a]) / 3800.0) ** 2) for a, _ in self._edges]
        total, self._sums = 0.0, []
        for weight in self._weights:
            total += weight
            self._sums.append(total)

    def pick(self, chance: Random) -> Place:
        if chance.random() < 0.1:
            row = chance.choice(DISTRICTS[3:])
            at = (row[3][0] + chance.gauss(0, 420), row[3][1] + chance.gauss(0, 420))
            inside = self.city.district_of(at)
            return Place(
                inside[0] if inside else row[0], f"{row[0]}{chance.choice(COMMUNITIES)}路{chance.randint(1, 180)}号", at
            )
        a, b = chance.choices(self._edges, cum_weights=self._sums)[0]
        (x1, y1), (x2, y2), along = self.city.streets.at[a], self.city.streets.at[b], chance.random()
        at = (x1 + (x2 - x1) * along + chance.uniform(-25, 25), y1 + (y2 - y1) * along + chance.uniform(-25, 25))
        return self.near(at, chance)

    def near(self, at: tuple[float, float], chance: Random) -> Place:
        """A place in the city with an address as a caller gives it."""
        row = self.city.district_of(at)
        nearest = nearest_of(self._corners, at)
        name, corner = self.city.crossings[nearest][0], self._corners[nearest]
        metres = round(distance(corner, at), -1)
        side = ("北" if at[1] > corner[1] else "南") if abs(at[1] - corner[1]) > abs(at[0] - corner[0]) else ""
        side = side or ("东" if at[0] > corner[0] else "西")
        where = f"{name}{side}{metres:.0f}米" if metres >= 20 else name
        district = row[0] if row else ""
        if chance.random() < 0.012:
            return Place(district, f"{district}{chance.choice(COMMUNITIES)}社区(来电人说不清具体位置)", None)
        return Place(district, f"{district}{where}", at)


def unit_for(row: CaseClass, district: str) -> str:
    return UNITS[row.unit].format(district if district in URBAN or row.unit != "traffic" else "")


def _delay(chance: Random, minutes: float, most: float) -> int:
    """A waiting time with the long tail such delays have, ms."""
    return int(min(most, minutes * chance.lognormvariate(0, 0.6)) * MINUTE)


def ordinary(case_id: str, row: CaseClass, place: Place, source: str, reported: int) -> Plan:
    """The life of an everyday case: a few refused, a few returned by the unit, a few late."""
    chance = rng("life", case_id)
    shop = f"{chance.choice(COMMUNITIES)}{chance.choice(SHOPS)}"
    text = row.text.format(place=place.address, shop=shop)
    accepted = reported + _delay(chance, 4, 40)
    steps = [(reported, "reported")]
    plan = partial(Plan, case_id, row, place, source, unit_for(row, place.district), text)
    if chance.random() < 0.04:
        return plan((*steps, (accepted, "not_accepted")), 0, note=chance.choice(REFUSED))
    registered = accepted + _delay(chance, 7, 60)
    dispatched = registered + _delay(chance, 6, 60)
    due = deadline(dispatched, row.limit, row.mode)
    steps += [(accepted, "pending_register"), (registered, "pending_dispatch"), (dispatched, "pending_handle")]
    begun = dispatched
    if chance.random() < 0.03:
        returned = dispatched + _delay(chance, 25, 120)
        begun = returned + _delay(chance, 18, 90)
        steps += [(returned, "returned"), (begun, "pending_handle")]
    urgent = row.mode == "urgent"
    span = row.limit * HOUR * (8 if row.mode == "days" else 1)
    # half the limit is what a typical case takes, one in fifteen takes more than all of it; a working day of 8 hours is a
    # calendar day of 15 service hours
    share = chance.lognormvariate(-0.82, 0.55)
    handled = begun + int(span * share) if urgent else add_service(begun, span * share * 1.9)
    arrived = begun + (handled - begun) * (0.35 if urgent else 0.6)
    pause = _delay(chance, 35, 200)
    checked = handled + pause if urgent else add_service(handled, pause)
    closed = checked + _delay(chance, 8, 60)
    steps += [(int(arrived), "handling"), (handled, "pending_check"), (checked, "pending_check"), (closed, "closed")]
    return plan(tuple(steps), due, checked, note=chance.choice(CLOSING))

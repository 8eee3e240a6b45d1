"""A crew as the ledger keeps it: its roster row, and what it is doing now."""

from __future__ import annotations

from typing import Any

import msgspec


class Part(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """Base of the parts of a roster row: what a row says and nobody knows is an error, not lost. Plain data without cycles."""


class Item(Part, kw_only=True):
    """A resource a crew carries or a depot keeps. `count` pieces; `capacity` of one piece in `unit` (a pump: 500, "m3/h")."""

    name: str
    count: float = 1
    capacity: float | None = None
    unit: str = ""


class Member(Part, kw_only=True):
    """`phone` stays in the ledger: the bus, and so the walls, carry the name only."""

    name: str
    phone: str = ""
    role: str = ""


class Duty(Part, kw_only=True):
    """责任网格: the grid cells and districts a crew answers for. A cell matches every code that begins with it."""

    cells: list[str] = []
    districts: list[str] = []


class Shift(Part, kw_only=True):
    """When a crew is on duty, city local time. `end` <= `start` runs into the next day; equal = 24 hours.

    `days` 1 (Monday) to 7, empty = every day. `every` n > 0: only each n-th day from `since` (上一休二: every = 3). `dates` are
    further days, `off` days without, all as YYYY-MM-DD, of the day the shift begins; `since`/`until` bound it, both included.
    """

    start: str = "00:00"
    end: str = "00:00"
    days: list[int] = []
    every: int = 0
    since: str = ""
    until: str = ""
    dates: list[str] = []
    off: list[str] = []
    name: str = ""


class Base(Part, kw_only=True):
    """Where a crew stands when nothing calls (WGS-84 degrees), or where a depot is."""

    lon: float | None = None
    lat: float | None = None
    address: str = ""


class Roster(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One row of the roster: data of the move `enrol`."""

    crew_id: str
    name: str = ""
    label: dict[str, str] = {}  # name by language tag
    kind: str = "crew"  # crew | vehicle | pump | boat | depot ...
    unit: str = ""  # department it belongs to
    skills: list[str] = []
    equipment: list[Item] = []
    members: list[Member] = []
    duty: Duty = Duty()
    shifts: list[Shift] = []  # empty: always on duty
    position: str = ""  # subject of its live position, position/<feed>/<unit_id>
    base: Base = Base()
    capacity: int = 1  # assignments at the same time
    source: str = ""  # what enrolled it: "roster" rows that vanish from the file are retired


class Assignment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One case a crew is on. `stamps` state -> ms; `implied` are states that a later one stood for: no one saw that moment."""

    subject: str  # file/<feed>/<case id>
    state: str = "assigned"
    stamps: dict[str, int] = {}
    implied: list[str] = []
    by: str = ""
    resources: list[Item] = []  # taken from the equipment while it lasts


class Done(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A finished assignment, for the balance of work. `outcome`: clear | released | declined | out_of_service."""

    subject: str
    start: int
    end: int
    outcome: str = "clear"


class Crew(Roster, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """State of a stream `crew/<crew_id>`. `state`, `stamps` and `assignment` are those of the assignment worked on now."""

    state: str = "available"
    stamps: dict[str, int] = {}
    assignment: str = ""
    assignments: list[Assignment] = []
    since: int = 0  # when `state` began, ms
    reason: str = ""  # why it is out of service
    done: list[Done] = []  # of the last day, newest last
    present: list[Member] = []  # who is there this shift, as the last handover says
    handed_over: int | None = None
    note: str = ""  # of the last handover
    revision: int = 0
    ended: bool = False


def roster_of(row: Any) -> Roster:
    """A roster row out of plain data; raises ValueError naming the field."""
    try:
        found = msgspec.convert(row, Roster, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    if not found.crew_id or not found.crew_id.isprintable() or "/" in found.crew_id or len(found.crew_id) > 100:
        raise ValueError(f"crew_id: {found.crew_id[:40]!r}: 1 to 100 printable characters without /")
    if found.capacity < 1:
        raise ValueError("capacity: at least 1")
    if any(item.count < 0 for item in found.equipment):
        raise ValueError("equipment: a count is below 0")
    return found


def in_use(crew: Crew) -> dict[str, float]:
    """How many pieces of each resource its assignments hold."""
    found: dict[str, float] = {}
    for assignment in crew.assignments:
        for item in assignment.resources:
            found[item.name] = found.get(item.name, 0) + item.count
    return found


def free(crew: Crew) -> dict[str, float]:
    """How many pieces of each resource could be sent now."""
    held = in_use(crew)
    found: dict[str, float] = {}
    for item in crew.equipment:
        found[item.name] = found.get(item.name, 0) + item.count
    return {name: count - held.get(name, 0) for name, count in found.items()}

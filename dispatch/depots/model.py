"""A depot with its stock and a request for some of it, as the ledger keeps them."""

from __future__ import annotations

from typing import Any

import msgspec

KINDS = ("depot", "shelter", "pump_station", "point")
#: what an item is; figures of pumping count `pump`, of places `place`; a returned sandbag is no sandbag
ITEM_KINDS = ("pump", "vehicle", "boat", "sandbag", "place", "generator", "light", "tool", "other")


# Amounts are whole: half a pump is none, and whole numbers add up to what they were.


class Row(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """One item of a depot's list. `count` pieces in `unit`; `capacity` of one piece in `capacity_unit` (a pump: 500, m3/h)."""

    name: str
    count: int = 0
    kind: str = "other"
    unit: str = ""
    capacity: float | None = None
    capacity_unit: str = ""


class Stock(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a depot has of one item. `have`: all that is the depot's; `out` of it is away. Free: `have - out`, never below 0."""

    have: int = 0
    out: int = 0
    kind: str = "other"
    unit: str = ""
    capacity: float | None = None
    capacity_unit: str = ""

    @property
    def free(self) -> int:
        return self.have - self.out


class Depot(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State and document of `depot/<depot_id>`. `rows` is the list it was enrolled with: what a new list changes is the
    difference to it, so that counts which people corrected are not overwritten by a restart."""

    depot_id: str = ""
    name: str = ""
    label: dict[str, str] = {}
    kind: str = "depot"
    lon: float | None = None
    lat: float | None = None
    address: str = ""
    district: str = ""
    unit: str = ""
    phone: str = ""
    stock: dict[str, Stock] = {}
    rows: list[Row] = []
    counted: dict[str, Any] = {}  # the last time somebody looked {at, by, item}
    source: str = ""
    state: str = ""  # open | closed
    revision: int = 0
    ended: bool = False


class Share(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one depot gave for a request."""

    allotted: int = 0
    returned: int = 0
    lost: int = 0  # used up or not come back

    @property
    def out(self) -> int:
        return self.allotted - self.returned - self.lost


class Request(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State and document of `request/<request_id>`. `missing` = wanted - allotted while somebody still waits for it."""

    request_id: str = ""
    item: str = ""
    kind: str = "other"
    wanted: int = 0
    allotted: int = 0
    delivered: int = 0
    returned: int = 0
    lost: int = 0
    missing: int = 0
    measure: str = ""  # what it is counted in
    state: str = ""  # open | partly | allotted | delivered | returned | refused | cancelled
    purpose: str = ""  # subject: closure, incident, file, response, alarm
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    unit: str = ""  # who asked, or for whom
    incident: str = ""
    by: str = ""
    at: int = 0
    needed_by: int | None = None
    since: int = 0
    note: str = ""
    over: dict[str, Any] = {}  # how it ended {at, by, reason}
    depots: dict[str, Share] = {}
    exercise: bool = False
    revision: int = 0
    ended: bool = False


WAITING = ("open", "partly")
LIVE = ("open", "partly", "allotted", "delivered")
OVER = ("returned", "refused", "cancelled")

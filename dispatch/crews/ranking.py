"""What a recommendation is asked with and what it answers: plain data, JSON-able."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from dispatch.crews.model import Item


class Place(NamedTuple):
    """Where somebody is needed, WGS-84 degrees; `district` and `cell` for grid duty."""

    lon: float
    lat: float
    district: str = ""
    cell: str = ""


class Fix(NamedTuple):
    """A live position: degrees and when it was true (city ms)."""

    lon: float
    lat: float
    time: int


class Needs(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a crew must have: all skills, so many pieces of each equipment, one of the kinds, the unit. `prefer_unit`: others
    may come, later."""

    skills: list[str] = []
    equipment: list[Item] = []
    kinds: list[str] = []
    unit: str = ""
    prefer_unit: str = ""


class Weights(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Allowances in seconds of travel time: above 0 puts a crew later, below earlier. `off_shift_s` None: off shift is out."""

    per_case_s: float = 120.0  # for each case handled this shift
    per_busy_minute_s: float = 2.0  # for each minute it was on a case this shift
    also_on_s: float = 900.0  # for each case it is on now (capacity above 1)
    own_cell_s: float = -180.0
    own_district_s: float = -90.0
    other_unit_s: float = 300.0
    fresh_s: float = 120.0  # a position is fresh for so long
    per_stale_minute_s: float = 30.0
    stale_most_s: float = 900.0
    at_base_s: float = 300.0  # no live position: it is thought to be at its base
    lost_s: float = 3600.0  # after so long the base counts instead, where there is one
    off_shift_s: float | None = None


class Why(msgspec.Struct, omit_defaults=True):
    """One reason: a code for the catalogue (`crew.why.<code>`), its values, and what it adds to the score."""

    code: str
    values: dict[str, Any] = {}
    seconds: float = 0.0


class Ranked(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One crew's place in the order; `excluded` says why it has none (`crew.excluded.<code>`), with `values`."""

    crew: str
    name: str = ""
    kind: str = ""
    unit: str = ""
    state: str = "available"
    rank: int = 0  # from 1; 0 = excluded
    eta_s: float | None = None
    distance_m: float | None = None
    how: str = ""  # road | straight
    score: float | None = None
    why: list[Why] = []
    excluded: str = ""
    values: dict[str, Any] = {}


class Ranking(msgspec.Struct, kw_only=True):
    """`ranked` best first, `excluded` by crew id; both cut at the limit asked for, `counts` are of all. `factor` and `kmh`:
    how straight lines were counted."""

    ranked: list[Ranked]
    excluded: list[Ranked]
    counts: dict[str, int]  # "ranked" and each exclusion code
    routing: str
    factor: float
    kmh: float

"""Units that rules may be written in, turned into a quantity's canonical one. Pure.

A unit is `(dimension, factor to the base)`; a rate is a unit over a time (`cm/min`). Temperatures have an offset, so only Cel.
"""

from __future__ import annotations

from hall.core.model import QUANTITY_UNITS

UNITS: dict[str, tuple[str, float]] = {
    "mm": ("length", 0.001), "cm": ("length", 0.01), "m": ("length", 1.0), "km": ("length", 1000.0),
    "in": ("length", 0.0254), "ft": ("length", 0.3048),
    "mm/h": ("length/time", 0.001 / 3600), "cm/min": ("length/time", 0.01 / 60), "cm/h": ("length/time", 0.01 / 3600),
    "mm/min": ("length/time", 0.001 / 60), "m/h": ("length/time", 1 / 3600), "m/s": ("length/time", 1.0), "in/h":
    ("length/time", 0.0254 / 3600),
    "m3/s": ("flow", 1.0), "m3/h": ("flow", 1 / 3600), "l/s": ("flow", 0.001), "L/s": ("flow", 0.001),
    "deg": ("angle", 1.0), "rad": ("angle", 57.29577951308232),
    "%": ("share", 1.0), "%LEL": ("methane", 1.0), "%VOL": ("methane", 20.0),
    "Pa": ("pressure", 1e-6), "kPa": ("pressure", 0.001), "MPa": ("pressure", 1.0), "bar": ("pressure", 0.1),
    "Cel": ("temperature", 1.0),
}  # fmt: skip
TIMES = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class UnitFault(ValueError):
    """A unit that is unknown or measures something else."""


def canonical(quantity: str) -> str:
    """The unit readings of a quantity are kept in; "" where the hall has no term for it."""
    return QUANTITY_UNITS.get(quantity, "")


def factor(unit: str, quantity: str) -> float:
    """What a figure in `unit` is multiplied with to be in the quantity's canonical unit. Raises UnitFault."""
    own = canonical(quantity)
    if not unit or unit == own or not own:
        return 1.0
    if unit not in UNITS:
        raise UnitFault(f"unit {unit!r} is not known; {quantity} is measured in {own}")
    (dimension, size), (wanted, base) = UNITS[unit], UNITS[own]
    if dimension != wanted:
        raise UnitFault(f"{unit} is a unit of {dimension}; {quantity} is measured in {own}")
    return size / base


def rate_factor(unit: str, quantity: str) -> float:
    """As `factor`, of a change per time (`cm/min`) to canonical units per second. Raises UnitFault."""
    if not unit:
        raise UnitFault(f"a rate needs its unit, such as {canonical(quantity) or 'm'}/min")
    amount, slash, per = unit.rpartition("/")
    if not slash or per not in TIMES:
        raise UnitFault(f"{unit}: a rate is written as unit/s, unit/min or unit/h")
    return factor(amount, quantity) / TIMES[per]


def ratios(quantity: str) -> tuple[float, ...]:
    """By how much a reading jumps when its unit is changed by mistake, either way."""
    own = canonical(quantity)
    if own not in UNITS:
        return ()
    dimension, base = UNITS[own]
    found = {size / base for name, (kind, size) in UNITS.items() if kind == dimension and size != base}
    return tuple(sorted(found | {1 / one for one in found}))

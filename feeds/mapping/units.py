"""Units suppliers use, brought to the canonical one: `canonical = value * factor + shift`."""

from __future__ import annotations

from hall.core.model import QUANTITY_UNITS

#: dimension -> unit -> (factor, shift) to that dimension's base; the base has (1, 0)
_DIMENSIONS: dict[str, dict[str, tuple[float, float]]] = {
    "length": {
        "m": (1, 0), "mm": (0.001, 0), "cm": (0.01, 0), "dm": (0.1, 0), "km": (1000, 0),
        "in": (0.0254, 0), "ft": (0.3048, 0), "yd": (0.9144, 0), "mi": (1609.344, 0),
    },
    "speed": {
        "m/s": (1, 0), "km/h": (1 / 3.6, 0), "mph": (0.44704, 0), "kn": (1852 / 3600, 0),
        "mm/h": (0.001 / 3600, 0), "in/h": (0.0254 / 3600, 0), "mm/min": (0.001 / 60, 0),
    },
    "flow": {"m3/s": (1, 0), "l/s": (0.001, 0), "m3/h": (1 / 3600, 0), "ft3/s": (0.3048**3, 0)},
    "temperature": {"Cel": (1, 0), "K": (1, -273.15), "F": (5 / 9, -160 / 9)},
    "pressure": {"Pa": (1, 0), "hPa": (100, 0), "kPa": (1000, 0), "MPa": (1e6, 0), "bar": (1e5, 0), "psi": (6894.757, 0)},
    "angle": {"deg": (1, 0), "rad": (57.29577951308232, 0)},
    "share": {"%": (1, 0), "1": (100, 0)},
    "methane": {"%LEL": (1, 0), "%vol": (20, 0), "ppm": (0.002, 0)},
    "time": {"s": (1, 0), "ms": (0.001, 0), "min": (60, 0), "h": (3600, 0), "d": (86400, 0)},
}  # fmt: skip
_SAME = {
    "inch": "in", "inches": "in", "feet": "ft", "foot": "ft", "metre": "m", "meter": "m", "metres": "m", "meters": "m",
    "°C": "Cel", "C": "Cel", "°F": "F", "kmh": "km/h", "kph": "km/h", "mps": "m/s", "knots": "kn", "cfs": "ft3/s",
    "percent": "%", "degrees": "deg", "°": "deg",
}  # fmt: skip
#: canonical unit of number fields that are not a quantity's value
FIELD_UNITS = {"speed_mps": "m/s", "accuracy_m": "m", "heading_deg": "deg", "bearing_deg": "deg"}


def dimension_of(unit: str) -> str | None:
    unit = _SAME.get(unit, unit)
    return next((name for name, units in _DIMENSIONS.items() if unit in units), None)


def factor(unit: str, canonical: str) -> tuple[float, float]:
    """`(scale, shift)` with `canonical = value * scale + shift`; raises ValueError when the units do not fit."""
    unit, canonical = _SAME.get(unit, unit), _SAME.get(canonical, canonical)
    if unit == canonical:
        return 1.0, 0.0
    units = _DIMENSIONS.get(dimension_of(unit) or "", {})
    if canonical not in units:
        raise ValueError(f"{unit!r} cannot be converted to {canonical!r}")
    (scale, shift), (base_scale, base_shift) = units[unit], units[canonical]
    return scale / base_scale, (shift - base_shift) / base_scale


def canonical_of(quantity: str) -> str | None:
    """The hall's unit of a quantity, None where the mapping's own unit is kept."""
    return QUANTITY_UNITS.get(quantity)

"""Compiles the target fields of one feed into functions from a row to a document."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable
from typing import Any

from feeds.mapping import fields, units
from feeds.mapping.values import Spec, Take, Wrong, raw_value, spec_of
from hall.core.errors import BadInput
from hall.core.model import KINDS, Doc, Stages, Threshold

Make = Callable[[Any], Doc]


class Compiler:
    """State of compiling one feed: which columns are read, which zone and warp times use."""

    def __init__(self, kind: str, zone: str, warp: fields.Warp) -> None:
        self.type, _, self.id_field = KINDS[kind]
        self.kind, self.zone, self.warp = kind, zone, warp
        self.types = typing.get_type_hints(self.type)
        self.columns: set[str] = set()
        self.all_columns = False  # `extra = "*"`: every column is read

    def spec(self, data: Any, key: str) -> tuple[Spec, Take]:
        spec = spec_of(data, key)
        take, columns = raw_value(spec, key)
        self.columns |= columns
        return spec, take

    def field(self, name: str, data: Any) -> Take:
        """The function that makes the document's field `name`; raises Wrong."""
        hint = str(self.types[name])
        if name == "stages":
            return self._stages(data)
        if name == "thresholds":
            return self._thresholds(data)
        if name == "areas":
            raise Wrong(name, "cannot be mapped field by field: use format cap")
        if hint.startswith("dict"):
            return self._table(name, data)
        spec, take = self.spec(data, name)
        return self.typed(name, hint, spec, take)

    def typed(self, name: str, hint: str, spec: Spec, take: Take) -> Take:
        if hint == "<class 'str'>":
            return fields.text_field(take, spec)
        if hint == "<class 'int'>":
            return fields.integer_field(take)
        if hint == "int | None":
            return fields.time_field(take, spec, self.zone, name, self.warp)
        if hint == "<class 'bool'>":
            return fields.flag_field(take)
        if hint == "list[str]":
            return fields.texts_field(take)
        return fields.number_field(take, spec, units.FIELD_UNITS.get(name), name)

    def _stages(self, data: Any) -> Take:
        if not isinstance(data, dict):
            raise Wrong("stages", "give a table, such as stages.reported = {...}")
        known = Stages.__struct_fields__
        takes = {}
        for stage, part in data.items():
            if stage not in known:
                raise Wrong(f"stages.{stage}", f"unknown stage; there are {', '.join(known)}")
            spec, take = self.spec(part, f"stages.{stage}")
            takes[stage] = fields.time_field(take, spec, self.zone, f"stages.{stage}", self.warp)
        return lambda row: Stages(**{stage: take(row) for stage, take in takes.items()})

    def _table(self, name: str, data: Any) -> Take:
        if data == "*" and name == "extra":
            self.all_columns = True
            return lambda row: {k: v for k, v in row.items() if v not in (None, "")}
        if isinstance(data, list):
            data = {column: {"path": [column]} for column in data}
        if not isinstance(data, dict):
            raise Wrong(name, "give a table or a list of columns")
        takes = {}
        for inner, part in data.items():
            spec, take = self.spec(part, f"{name}.{inner}")
            text = "str]" in str(self.types[name])
            takes[inner] = self._inner(spec, take, text, f"{name}.{inner}")
        return lambda row: {k: v for k, take in takes.items() if (v := take(row)) not in (None, "")}

    def _inner(self, spec: Spec, take: Take, text: bool, key: str) -> Take:
        if spec.time:
            return fields.time_field(take, spec, self.zone, key, self.warp)
        if spec.scale is not None:
            return fields.number_field(take, spec, None, key)
        return fields.text_field(take, spec) if text else fields.any_field(take)

    def _thresholds(self, data: Any) -> Take:
        """`thresholds = [{value = {path = "limit_cm", unit = "cm"}, severity = 2, label = "..."}]`."""
        if not isinstance(data, list):
            raise Wrong("thresholds", "give a list of tables with value and severity")
        made: list[tuple[Take, int, str]] = []
        canonical = units.canonical_of(self.const("quantity") or "water_depth")
        for index, part in enumerate(data):
            key, names = f"thresholds[{index}]", set(part) if isinstance(part, dict) else set()
            if names - {"value", "severity", "label"} or not {"value", "severity"} <= names:
                raise Wrong(key, "give value, severity and perhaps label")
            value = part["value"]
            spec, take = self.spec({"const": value} if isinstance(value, (int, float)) else value, f"{key}.value")
            number = fields.number_field(take, spec, canonical, f"{key}.value")
            made.append((number, int(part["severity"]), part.get("label", "")))

        def thresholds(row: Any) -> list[Threshold]:
            found = [(take(row), severity, label) for take, severity, label in made]
            return [Threshold(value=v, severity=s, label=label) for v, s, label in found if v is not None]

        return thresholds

    raw: dict[str, Any] = {}

    def const(self, name: str) -> Any:
        """The fixed value a field is given in the mapping, None where it varies."""
        part = self.raw.get(name)
        return part.get("const") if isinstance(part, dict) else None

    # -- readings ----------------------------------------------------------------------------------------------------

    def reading(self, data: Any) -> tuple[Take, str]:
        """The function for an observation's value in the canonical unit of its quantity, and that unit where fixed."""
        spec, take = self.spec(data, "value")
        quantity = self.const("quantity")
        if quantity is not None and isinstance(spec.unit, str):
            canonical = units.canonical_of(quantity) or spec.unit
            return fields.number_field(take, spec, canonical, "value"), canonical
        _, quantity_of = self.spec(self.raw["quantity"], "quantity")
        unit_of = self.spec(spec.unit, "value.unit")[1] if isinstance(spec.unit, dict) else (lambda row: spec.unit)
        scale = spec.scale if spec.scale is not None else 1.0

        def value(row: Any) -> float | None:
            number = fields.number_of(take(row))
            if number is None:
                return None
            by, shift = _factor(str(unit_of(row) or ""), str(quantity_of(row) or ""))
            return float(f"{number * scale * by + shift:.10g}")

        return value, ""


@functools.lru_cache(maxsize=1024)
def _factor(unit: str, quantity: str) -> tuple[float, float]:
    canonical = units.canonical_of(quantity)
    if not canonical or not unit:
        return 1.0, 0.0
    try:
        return units.factor(unit, canonical)
    except ValueError as error:
        raise BadInput("unit-unknown", str(error)) from None

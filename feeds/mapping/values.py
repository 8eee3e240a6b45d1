"""One target field's specification, compiled to a function from a row to a raw value.

A specification is a source path, or a table (`Spec`). Order of work: take (path | first | join | template | const) →
split/index → strip/lower → null sentinels → map → default. Types, times and units follow in `fields`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from feeds.mapping.paths import getter, top_of
from hall.core.errors import BadInput

Take = Callable[[Any], Any]
Path = str | list[str | int]


class Wrong(Exception):
    """A specification that cannot be used; `key` is its place below the mapping."""

    def __init__(self, key: str, problem: str) -> None:
        self.key, self.problem = key, problem
        super().__init__(f"{key}: {problem}")


class Spec(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How one target field is made of a row. Everything is optional but exactly one source."""

    path: Path | None = None
    first: list[Path] | None = None  # the first of these that is there
    join: list[Path] | None = None  # those that are there, with `separator` between
    template: str | None = None  # "{street} {number}"
    const: Any = msgspec.UNSET
    default: Any = None  # where the source is missing, null or not in `map`
    map: dict[str, Any] | None = None  # source text -> value
    null: list[Any] = []  # sentinels that mean "unknown"
    null_after: str = ""  # a time at or after this means "unknown" ("2050-01-01")
    null_before: str = ""
    time: str | list[str] = ""
    zone: str = ""
    unit: str | dict[str, Any] = ""  # unit of the source value, or a specification that finds it in the row
    scale: float | None = None
    split: str | None = None
    index: int | None = None
    separator: str = " "
    lower: bool = False
    strip: bool = True


_SOURCES = ("path", "first", "join", "template", "const")
_PLACE = re.compile(r"\{([^{}]+)\}")


def spec_of(data: Any, key: str) -> Spec:
    """Reads a specification; raises Wrong naming the key."""
    if isinstance(data, (str, list)):
        data = {"path": data}
    if not isinstance(data, dict):
        raise Wrong(key, 'give a source path or a table such as {path = "a.b"}; a fixed value is {const = ...}')
    try:
        spec = msgspec.convert(data, Spec)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise Wrong(f"{key}{place.rstrip('`')}", problem) from None
    given = [name for name in _SOURCES if name in data]
    if len(given) != 1 and not (given == [] and "default" in data):
        raise Wrong(key, f"give exactly one of {', '.join(_SOURCES)}")
    return spec


def scalar_of(value: Any) -> Any:
    """The text of an XML element that has attributes, None when it has nothing but attributes; else the value itself."""
    if isinstance(value, dict) and value:
        if "#text" in value:
            return value["#text"]
        if all(name.startswith("@") for name in value):
            return None
    return value


def text_of(value: Any) -> str:
    """A scalar as text: whole numbers without `.0`; raises BadInput for what is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict) and "#text" in value:
        return text_of(value["#text"])
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise BadInput("text-expected", f"{type(value).__name__}: {str(value)[:80]}")


def _source(spec: Spec, key: str) -> tuple[Take, set[str]]:
    """The function that takes the raw value, and the columns it touches."""
    try:
        if spec.path is not None:
            return getter(spec.path), top_of(spec.path)
        if spec.first is not None:
            return _first([getter(path) for path in spec.first]), set().union(*map(top_of, spec.first))
        if spec.join is not None:
            return _join([getter(path) for path in spec.join], spec.separator), set().union(*map(top_of, spec.join))
        if spec.template is not None:
            names = _PLACE.findall(spec.template)
            return _template(spec.template, {n: getter(n) for n in names}), set().union(*map(top_of, names))
    except ValueError as error:
        raise Wrong(key, str(error)) from None
    value = None if spec.const is msgspec.UNSET else spec.const
    return (lambda row: value), set()


def _first(gets: list[Take]) -> Take:
    def take(row: Any) -> Any:
        for get in gets:
            value = get(row)
            if value is not None and value != "":
                return value
        return None

    return take


def _join(gets: list[Take], separator: str) -> Take:
    def take(row: Any) -> Any:
        parts = [text_of(value).strip() for get in gets if (value := get(row)) is not None]
        return separator.join(part for part in parts if part) or None

    return take


def _template(template: str, gets: dict[str, Take]) -> Take:
    def take(row: Any) -> Any:
        found = {name: get(row) for name, get in gets.items()}
        if all(value is None for value in found.values()):
            return None
        return _PLACE.sub(lambda m: "" if found[m[1]] is None else text_of(found[m[1]]).strip(), template)

    return take


def _shaped(take: Take, spec: Spec) -> Take:
    """Adds split, index, strip and lower, where asked for."""
    split, index, lower, strip = spec.split, spec.index, spec.lower, spec.strip

    def shaped(row: Any) -> Any:
        value = take(row)
        if split is not None and isinstance(value, str):
            value = [part.strip() for part in value.split(split)]
        if index is not None and isinstance(value, list):
            value = value[index] if -len(value) <= index < len(value) else None
        if isinstance(value, str):
            value = value.strip() if strip else value
            value = value.lower() if lower else value
        return value

    return shaped


def _sentinels(take: Take, spec: Spec) -> Take:
    """Adds null sentinels, the value map and the default."""
    nulls, numbers = {text_of(v) for v in spec.null}, {float(v) for v in spec.null if isinstance(v, (int, float))}
    table, default = spec.map, spec.default

    def finished(row: Any) -> Any:
        value = take(row)
        value = scalar_of(value) if isinstance(value, dict) else value
        if value is not None and nulls and not isinstance(value, (dict, list)):
            if (isinstance(value, (int, float)) and value in numbers) or text_of(value).strip() in nulls:
                value = None
        if value is None or value == "":
            return default
        if table is not None:
            found = table.get(text_of(value).strip(), table)
            return (value if default is None else default) if found is table else found
        return value

    return finished


def raw_value(spec: Spec, key: str) -> tuple[Take, set[str]]:
    """The function from a row to the field's value before its type, and the columns of the row it reads.

    Empty text counts as missing.
    """
    take, columns = _source(spec, key)
    if spec.split is not None or spec.index is not None or spec.lower or not spec.strip:
        take = _shaped(take, spec)
    if spec.null or spec.map is not None or spec.default is not None:
        take = _sentinels(take, spec)
    return take, columns

"""Rule tables as cities keep them: title rows, merged cells, line breaks in cells, limits in prose. Every row becomes a rule or
is listed with the reason why not.

A *mapping* says how to read one: `header` the row (from 1) with the column names (default: the first that has the columns of
`columns`), `columns` our field -> their column or list of columns that are joined (codes), `levels` lists of columns outer
to inner: a row in which a level's first column is blank belongs to the group above and inherits the level's cells, and a new
outer group ends the inner ones; `constants` our field -> value; `units` their word for a unit -> [kind, factor];
`encoding`, `delimiter`, `sheet`. A mapping may be kept in a TOML file; ours is `gb30428`.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dispatch.clocks import amounts
from dispatch.clocks.calendar import KINDS, length
from hall.core.errors import ConfigError

_FIELDS = "kind class_code class_name subclass_name condition limit closing unit competent law collect".split()
_MAX_ROWS, _MAX_CELL = 50_000, 4_000
_OURS = {"gb30428": Path(__file__).parent.parent / "defaults" / "limits-gb30428.mapping.toml"}


class _Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping's keys, as the module says them."""

    header: int | None = None
    columns: dict[str, str | list[str]] | None = None
    levels: list[list[str]] = []
    constants: dict[str, str] = {}
    units: dict[str, tuple[str, float]] = {}
    encoding: str = ""
    delimiter: str = ","
    sheet: str = ""


class Limit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`amount` hours (emergency, working_hour) or days (working_day, natural_day); `label` as the city writes it."""

    amount: float
    kind: str
    label: str = ""

    @property
    def ms(self) -> int:
        """Clock ms (dispatch.clocks.calendar)."""
        return length(self.amount, self.kind)


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the standard: a class under one filing condition. `id` is stable while file and row stay."""

    id: str
    limit: Limit
    kind: str = ""  # component | occurrence | service; empty: any
    class_code: str = ""
    class_name: str = ""  # 大类
    subclass_name: str = ""  # 小类
    condition: str = ""  # 立案条件
    note: str = ""  # what the limit's cell says besides: 种植季节
    closing: str = ""  # 结案条件
    unit: str = ""  # 责任主体
    competent: str = ""  # 监管主体
    law: str = ""
    collect: str = ""  # 采集要求
    source: str = ""  # file
    row: int = 0  # its row, from 1


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A row that became no rule. `reason` is a stable code, `row` counts from 1 as a spreadsheet does."""

    source: str
    row: int
    reason: str
    detail: str = ""


def mapping(name: str, path_of: Callable[[str], Path]) -> dict[str, Any]:
    """A mapping kept in a file, or one of ours by name; raises ConfigError."""
    path = _OURS.get(name) or path_of(name)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None


def load(path: Path, table: Mapping[str, Any]) -> tuple[list[Rule], list[Refusal]]:
    """Rules of a .csv or .xlsx file, read by the mapping `table`; raises ConfigError when it cannot be used at all."""
    try:
        reading = msgspec.convert(table, _Mapping)
    except msgspec.ValidationError as error:
        raise ConfigError(f"mapping: {error}", file=str(path)) from None
    wrong = [unit for unit, (kind, _) in reading.units.items() if kind not in KINDS] + [
        row for row in reading.levels if not row
    ]
    if wrong:
        raise ConfigError(f"mapping: {wrong[0]!r}: units are [kind, factor], levels have columns", file=str(path))
    cells = _cells(path, reading)
    start, names = _header(path, cells, reading)
    rows = []
    for number, row in enumerate(cells[start:], start + 1):
        if any(row):
            rows.append({"": number} | dict(zip(names, row, strict=False)))
    return read(_mapped(_inherited(rows, reading.levels), reading), path.name, reading.units)


def read(
    rows: Iterable[Mapping[str, Any]], source: str, words: Mapping[str, tuple[str, float]]
) -> tuple[list[Rule], list[Refusal]]:
    """Rules of rows that have our field names (and `` = the row's number); `words` a city's own words for units."""
    rules: list[Rule] = []
    refusals: list[Refusal] = []
    taken: dict[str, int] = {}
    for index, row in enumerate(rows, 1):
        number = row.get("", index)
        made = _rule(row, source, number, words)
        if isinstance(made, Rule) and made.id in taken:
            made = Refusal(source=source, row=number, reason="same-rule-twice", detail=f"as row {taken[made.id]}: {made.id}")
        if isinstance(made, Refusal):
            refusals.append(made)
        else:
            taken[made.id] = number
            rules.append(made)
    return rules, refusals


def _rule(row: Mapping[str, Any], source: str, number: int, words: Mapping[str, tuple[str, float]]) -> Rule | Refusal:
    cells = {name: _clean(row.get(name, "")) for name in _FIELDS}

    def refused(reason: str, detail: str) -> Refusal:
        return Refusal(source=source, row=number, reason=reason, detail=detail[:200])

    unknown = sorted(set(row) - {*_FIELDS, ""})
    if unknown:
        return refused("field-unknown", unknown[0])
    if not (cells["class_code"] or cells["subclass_name"] or cells["class_name"]):
        return refused("class-missing", " · ".join(filter(None, cells.values())))
    try:
        found = amounts.parse(cells["limit"], words)
    except amounts.NoAmount as error:
        return refused(error.reason, cells["limit"])
    text = cells.pop("limit")
    name = cells["class_code"] or cells["subclass_name"] or cells["class_name"]
    parts = [cells["kind"], name, cells["condition"], found.note]
    limit = Limit(amount=found.amount, kind=found.kind, label=text)
    return Rule(id=":".join(filter(None, parts))[:300], limit=limit, note=found.note, source=source, row=number, **cells)


def _clean(value: Any) -> str:
    """One line per paragraph, no spaces around, no blank lines."""
    lines = (" ".join(part.split()) for part in str("" if value is None else value)[:_MAX_CELL].splitlines())
    return "\n".join(filter(None, lines))


def _inherited(rows: list[dict[Any, Any]], levels: list[list[str]]) -> list[dict[Any, Any]]:
    """Fills what merged cells left blank. A group begins where its first column changes; blank, or said again after a page
    break, it goes on."""
    held: list[dict[str, str]] = [{} for _ in levels]
    made = []
    for row in rows:
        full = dict(row)
        for depth, columns in enumerate(levels):
            first = row.get(columns[0], "")
            if first and first != held[depth].get(columns[0]):
                held[depth:] = [{} for _ in levels[depth:]]
            held[depth] |= {name: row[name] for name in columns if row.get(name)}
            full |= held[depth]
        made.append(full)
    return made


def _mapped(rows: list[dict[Any, Any]], reading: _Mapping) -> list[dict[str, Any]]:
    """Their columns under our names."""
    columns = reading.columns
    if columns is None:
        return rows
    made = []
    for row in rows:
        ours: dict[str, Any] = {"": row[""]} | reading.constants
        for field, names in columns.items():
            parts = [row.get(name, "") for name in ([names] if isinstance(names, str) else names)]
            ours[field] = "".join(parts) if all(parts) else parts[0] if len(parts) == 1 else ""
        made.append(ours)
    return made


def _header(path: Path, cells: list[list[str]], reading: _Mapping) -> tuple[int, list[str]]:
    """How many rows to leave out, and the columns' names."""
    columns = reading.columns or {}
    unknown = sorted(set(columns) - set(_FIELDS))
    if unknown:
        raise ConfigError(f"columns.{unknown[0]}: no such field; there are {', '.join(_FIELDS)}", file=str(path))
    wanted = {name for names in columns.values() for name in ([names] if isinstance(names, str) else names)} or {"limit"}
    at = reading.header
    found = range(len(cells)) if at is None else [at - 1] if 0 < at <= len(cells) else []
    for index in found:
        if wanted <= set(cells[index]):
            return index + 1, cells[index]
    where = f"row {at}" if at else "no row"
    raise ConfigError(f"{where} has the columns {', '.join(sorted(wanted))}", file=str(path))


def _cells(path: Path, reading: _Mapping) -> list[list[str]]:
    try:
        if path.suffix.lower() == ".xlsx":
            rows = _sheet(path, reading.sheet)
        else:
            text = _text(path.read_bytes(), reading.encoding)
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=reading.delimiter))
    except (OSError, UnicodeDecodeError, LookupError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None
    if len(rows) > _MAX_ROWS:
        raise ConfigError(f"more than {_MAX_ROWS} rows", file=str(path))
    return [[_clean(cell) for cell in row] for row in rows]


def _text(raw: bytes, encoding: str) -> str:
    """UTF-8 with or without its mark; files from Chinese Excel are GB 18030."""
    if encoding:
        return raw.decode(encoding)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def _sheet(path: Path, sheet: str) -> list[list[Any]]:
    import openpyxl  # only cities with .xlsx tables pay for it

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        chosen = book[sheet] if sheet else book.worksheets[0]
        return [list(row) for row in chosen.iter_rows(values_only=True)]
    finally:
        book.close()

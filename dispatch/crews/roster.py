"""The roster of a city: crews and depots out of its files, and the commands that bring the ledger up to them.

A file is CSV (with a header), JSON (a list of objects) or TOML (`[[crews]]` tables). `columns` says which column holds which
field; without it Chinese and English names of the fields themselves are known. Text in a cell is read where a list is meant:
skills `排水;电工`, equipment `水泵*2;沙袋*300`, members `张三 13800000000;李四`, shifts `1-5 08:00-20:00;6,7 09:00-17:00`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from dispatch import listfile
from dispatch.crews import shifts
from dispatch.crews.aggregate import row_of
from dispatch.crews.model import Crew, Roster, roster_of
from dispatch.crews.settings import CrewsConfig
from hall.core.command import Command
from hall.core.config import HallConfig
from hall.core.errors import BadInput

ROWS_BOUND = 100_000
BYTES_BOUND = 64 * 1024 * 1024
#: who enrolled it: such a crew is retired when its row is gone
FROM_FILE = "roster"
#: fields of a row -> names of columns that are known without `columns`
NAMES: dict[str, tuple[str, ...]] = {
    "crew_id": ("crew_id", "id", "编号", "队伍编号"), "name": ("name", "名称", "队伍名称"), "kind": ("kind", "类型", "类别"),
    "unit": ("unit", "所属单位", "单位", "部门"), "skills": ("skills", "技能", "专业"),
    "equipment": ("equipment", "resources", "装备", "物资", "设备"), "members": ("members", "成员", "人员"),
    "cells": ("cells", "责任网格", "网格"), "districts": ("districts", "责任区域", "区县"),
    "shifts": ("shifts", "班次", "值班"),
    "position": ("position", "定位", "终端"), "lon": ("lon", "longitude", "经度"), "lat": ("lat", "latitude", "纬度"),
    "address": ("address", "驻地", "地址"), "capacity": ("capacity", "可派数"), "label": ("label",), "duty": ("duty",),
    "base": ("base",),
}  # fmt: skip
_COUNT = re.compile(r"^(.*?)\s*[*xX×:：]\s*(\d+(?:\.\d+)?)$")
_SHIFT = re.compile(r"^(?:([\d,\-]+)\s+)?(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})$")


class Refusal(msgspec.Struct):
    """A row that was not taken: the file, its number there (from 1, the header not counted), and why."""

    file: str
    row: int
    reason: str


class Loaded(msgspec.Struct):
    """Rows by crew id, as `enrol` takes them, and what was refused. `filtered`: rows that `where` does not want."""

    rows: dict[str, dict[str, Any]]
    refused: list[Refusal]
    filtered: int = 0


def load(config: HallConfig, settings: CrewsConfig) -> Loaded:
    """Reads `roster` and `resources`. Raises ConfigError for a file that cannot be read at all; rows are refused singly."""
    found = Loaded({}, [])
    for key, file in (("roster", settings.roster), ("resources", settings.resources)):
        if not file:
            continue
        path = config.path(file)
        try:
            records = listfile.records(path, "crews", ROWS_BOUND, BYTES_BOUND)
        except listfile.UNREADABLE as error:
            raise config.error(f"dispatch.crews.{key}", f"{path.name}: {error}") from None
        kind = "depot" if key == "resources" else "crew"
        for number, record in enumerate(records, 1):
            if not listfile.wanted(record, settings.where):
                found.filtered += 1
                continue
            try:
                row = row_from(record, settings, kind)
                if row["crew_id"] in found.rows:
                    raise ValueError(f"{row['crew_id']} is there twice")
                found.rows[row["crew_id"]] = row
            except (ValueError, BadInput) as error:
                found.refused.append(Refusal(path.name, number, str(error)))
    return found


def row_from(record: Mapping[str, Any], settings: CrewsConfig, kind: str = "crew") -> dict[str, Any]:
    """One record as data of `enrol`; raises ValueError naming the field, BadInput for coordinates outside the crs."""
    given = listfile.fields(record, NAMES, settings.columns)
    row: dict[str, Any] = {"kind": kind, "source": FROM_FILE, "crew_id": str(given.get("crew_id", ""))}
    for field in ("name", "kind", "unit", "position"):
        if field in given:
            row[field] = str(given[field])
    for field, read in (("skills", _words), ("equipment", _items), ("members", _members), ("shifts", _shifts)):
        if field in given:
            row[field] = read(given[field]) if isinstance(given[field], str) else given[field]
    if "capacity" in given:
        row["capacity"] = _whole(given["capacity"])
    elif kind == "depot":
        row["capacity"] = 1000  # a store serves any number of cases; its counts are the bound
    row |= {field: given[field] for field in ("label", "duty", "base") if isinstance(given.get(field), dict)}
    duty = {f: _words(given[f]) if isinstance(given[f], str) else given[f] for f in ("cells", "districts") if f in given}
    if duty:
        row["duty"] = {**row.get("duty", {}), **duty}
    base: dict[str, Any] = {"address": str(given["address"])} if "address" in given else {}
    if "lon" in given and "lat" in given:
        base |= listfile.place(given["lon"], given["lat"], settings.crs)
    if base:
        row["base"] = {**row.get("base", {}), **base}
    checked = roster_of(row)
    for shift in checked.shifts:
        shifts.check(shift)
    return msgspec.to_builtins(checked)


def _words(text: str) -> list[str]:
    return listfile.words(text.replace(",", ";").replace("，", ";"))


def _items(text: str) -> list[dict[str, Any]]:
    found = []
    for word in _words(text):
        match = _COUNT.match(word)
        found.append({"name": match[1].strip(), "count": float(match[2])} if match else {"name": word})
    return found


def _members(text: str) -> list[dict[str, Any]]:
    found = []
    for word in _words(text):
        name, _, phone = word.rpartition(" ")
        known = name and re.fullmatch(r"[+\d\-]{5,20}", phone)
        found.append({"name": name.strip(), "phone": phone} if known else {"name": word})
    return found


def _shifts(text: str) -> list[dict[str, Any]]:
    found = []
    for part in listfile.words(text):
        match = _SHIFT.match(part)
        if not match:
            raise ValueError(f"shifts: {part[:40]!r}: write `1-5 08:00-20:00`")
        days: list[int] = []
        for span in filter(None, (match[1] or "").split(",")):
            first, _, last = span.partition("-")
            days += range(int(first), int(last or first) + 1)
        found.append({"start": match[2], "end": match[3], "days": days})
    return found


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"capacity: {str(value)[:20]!r} is no whole number") from None


def commands(rows: Mapping[str, dict[str, Any]], known: Mapping[str, Crew], retire_missing: bool = True) -> list[Command]:
    """What brings the ledger's crews (`known` by subject, retired ones too where they are at hand) up to the file: `enrol` for
    new and changed rows, `retire` for crews of the file that are gone from it. Same input, same ids: asking twice, or two
    processes asking at once, does it once."""
    found = []
    for crew_id, row in rows.items():
        crew = known.get(f"crew/{crew_id}")
        if crew is None or crew.ended or row_of(crew) != row:
            found.append(_command(f"crew/{crew_id}", "enrol", crew, row))
    if retire_missing:
        for subject, crew in known.items():
            gone = crew.source == FROM_FILE and not crew.ended and crew.crew_id not in rows
            if gone and not crew.assignments:
                found.append(_command(subject, "retire", crew, {}, "no longer on the roster"))
    return found


def _command(subject: str, move: str, crew: Crew | None, data: dict[str, Any], reason: str = "") -> Command:
    """The id holds the revision, so that a row that is changed and changed back is not taken for one already done."""
    revision = crew.revision if crew is not None else 0
    text = msgspec.json.encode([subject, move, revision, data], order="deterministic")
    digest = hashlib.sha256(text).hexdigest()[:32]
    return Command(id=f"roster-{digest}", subject=subject, move=move, revision=revision, reason=reason, data=data)


__all__ = ["Loaded", "Refusal", "Roster", "commands", "load", "row_from"]

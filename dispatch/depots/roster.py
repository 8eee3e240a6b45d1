"""The city's list of depots: files to rows, rows to the commands that bring the ledger up to them.

Fields are known by the names in NAMES or as `columns` says (dispatch/listfile.py; `[[depots]]` in TOML). Items are a list of
objects `{name, count, kind, unit, capacity, capacity_unit}` or text: `排水泵*4@500m3/h;沙袋*3000`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dispatch import listfile, overlay
from dispatch.depots.model import KINDS, Depot, Row
from hall.core.command import Command
from hall.core.config import HallConfig
from hall.core.coordinates import to_wgs84
from hall.core.errors import BadInput

ROWS_BOUND, BYTES_BOUND = 20_000, 32 * 1024 * 1024
FROM_FILE = "list"
NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "depot_id", "编号"), "name": ("name", "名称"), "kind": ("kind", "类型"), "unit": ("unit", "所属单位", "单位"),
    "lon": ("lon", "longitude", "经度"), "lat": ("lat", "latitude", "纬度"), "address": ("address", "地址"),
    "district": ("district", "区县", "区域"), "phone": ("phone", "电话"), "items": ("items", "物资", "装备"),
    "label": ("label",),
}  # fmt: skip
_WORDS = {"物资库": "depot", "仓库": "depot", "避难所": "shelter", "安置点": "shelter", "泵站": "pump_station", "点位": "point"}
_ITEM = re.compile(r"^(?P<name>.+?)\s*[*xX×:：]\s*(?P<count>\d+)\s*(?:@\s*(?P<capacity>\d+(?:\.\d+)?)\s*(?P<unit>\S+))?$")


class DepotRules(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`[dispatch.depots]`; the list's path is beside hall.toml."""

    file: str = ""
    columns: dict[str, Any] = {}
    where: dict[str, list[str]] = {}
    crs: str = "WGS-84"
    retire_missing: bool = True
    keep_minutes: float = 240.0
    item_kinds: dict[str, str] = {}
    unit_of: dict[str, str] = {}


class Loaded(msgspec.Struct):
    """Data of `enrol` by depot id; `refused` says which row was not taken and why."""

    rows: dict[str, dict[str, Any]]
    refused: list[str]
    filtered: int = 0


def settings_of(config: HallConfig) -> DepotRules:
    """Raises ConfigError naming file, line and key."""
    made = overlay.settings(config, "depots", "depots-cn.toml", DepotRules)
    for name in made.columns:
        if name not in NAMES:
            raise config.error(f"dispatch.depots.columns.{name}", f"no such field: one of {', '.join(NAMES)}")
    if made.keep_minutes <= 0:
        raise config.error("dispatch.depots.keep_minutes", "above 0")
    try:
        to_wgs84(made.crs)
    except (BadInput, ValueError, KeyError) as error:
        raise config.error("dispatch.depots.crs", str(error)) from None
    return made


def load(config: HallConfig, rules: DepotRules) -> Loaded:
    """Reads the list. Raises ConfigError for a file that cannot be read at all; rows are refused singly."""
    found = Loaded({}, [])
    if not rules.file:
        return found
    path = config.path(rules.file)
    try:
        records = listfile.records(path, "depots", ROWS_BOUND, BYTES_BOUND)
    except listfile.UNREADABLE as error:
        raise config.error("dispatch.depots.file", f"{path.name}: {error}") from None
    for number, record in enumerate(records, 1):
        if not listfile.wanted(record, rules.where):
            found.filtered += 1
            continue
        try:
            depot_id, row = row_from(record, rules)
            if depot_id in found.rows:
                raise ValueError(f"{depot_id} is there twice")
            found.rows[depot_id] = row
        except (ValueError, BadInput) as error:
            found.refused.append(f"{path.name}, row {number}: {error}")
    return found


def row_from(record: Mapping[str, Any], rules: DepotRules) -> tuple[str, dict[str, Any]]:
    """One record as id and data of `enrol`; raises ValueError naming the field, BadInput for coordinates outside the crs."""
    given = listfile.fields(record, NAMES, rules.columns)
    depot_id, name = str(given.get("id", "")), str(given.get("name", ""))
    if not depot_id or "/" in depot_id or not depot_id.isprintable() or len(depot_id) > 100:
        raise ValueError(f"id: {depot_id[:40]!r}: 1 to 100 printable characters without /")
    if not name:
        raise ValueError("name: missing")
    kind = str(given.get("kind", KINDS[0]))
    kind = _WORDS.get(kind, kind)
    if kind not in KINDS:
        raise ValueError(f"kind: {kind[:40]!r}: one of {', '.join(KINDS)}")
    row: dict[str, Any] = {"name": name, "kind": kind, "source": FROM_FILE}
    row |= {field: str(given[field]) for field in ("unit", "address", "district", "phone") if field in given}
    row |= {"label": given["label"]} if isinstance(given.get("label"), dict) else {}
    if "lon" in given and "lat" in given:
        row["place"] = listfile.place(given["lon"], given["lat"], rules.crs)
    items = given.get("items", [])
    rows = _items(items) if isinstance(items, str) else items
    row["items"] = [_named(item, rules) for item in rows]
    return depot_id, row


def _items(text: str) -> list[dict[str, Any]]:
    found = []
    for word in listfile.words(text):
        match = _ITEM.match(word)
        if match is None:
            raise ValueError(f"items: {word[:40]!r}: write name*count or name*count@capacity unit")
        item: dict[str, Any] = {"name": match["name"].strip(), "count": int(match["count"])}
        if match["capacity"]:
            item |= {"capacity": float(match["capacity"]), "capacity_unit": match["unit"]}
        found.append(item)
    return found


def _named(item: Any, rules: DepotRules) -> dict[str, Any]:
    """An item with its kind and measure; raises ValueError."""
    try:
        row = msgspec.convert(item, Row)
    except msgspec.ValidationError as error:
        raise ValueError(f"items: {error}") from None
    kind = row.kind
    if kind == "other":
        kind = next((found for word, found in rules.item_kinds.items() if word in row.name.lower()), "other")
    return msgspec.to_builtins(msgspec.structs.replace(row, kind=kind, unit=row.unit or rules.unit_of.get(kind, "")))


def commands(rows: Mapping[str, dict[str, Any]], known: Mapping[str, Depot], retire_missing: bool = True) -> list[Command]:
    """Every row enrolled (the aggregate writes nothing for one that stands so), depots that left the list closed. The same list
    asks under the same ids; the id holds the revision, so that a row changed back is not taken for done."""
    found = []
    for depot_id, row in rows.items():
        found.append(_command(f"depot/{depot_id}", "enrol", known.get(f"depot/{depot_id}"), row))
    for subject, depot in known.items() if retire_missing else ():
        gone = depot.source == FROM_FILE and not depot.ended and depot.depot_id not in rows
        if gone and not any(stock.out for stock in depot.stock.values()):
            found.append(_command(subject, "close", depot, {}))
    return found


def _command(subject: str, move: str, depot: Depot | None, data: dict[str, Any]) -> Command:
    revision = depot.revision if depot is not None else 0
    digest = hashlib.sha256(msgspec.json.encode([subject, move, revision, data], order="deterministic")).hexdigest()[:32]
    return Command(id=f"depots-{digest}", subject=subject, move=move, revision=revision, data=data)


def told(refused: Iterable[str], most: int = 5) -> list[str]:
    """The first few reasons, for the log."""
    return list(refused)[:most]

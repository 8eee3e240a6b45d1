"""GB/T 28181 Catalog answers (目录): XML in UTF-8 or the GB2312 family, one message or several parts after each other.

Each camera becomes a row with the device's own fields, and beside them what the directory tells about it:
`kind`, `id_parts` (of the 20-digit id: centre, sector, type, serial), `path` and `path_ids` (names and ids of its ancestors,
outermost first, as far as the same body holds them), `ptz` and the sector. Nodes that are no cameras (civil regions, systems,
business groups, virtual organisations, recorders) give names to paths and are rows themselves only with
`options.directory = true`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from feeds.source import Format, Row, Unread
from hall.core import gb28181
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput
from hall.core.xmltree import content, plain, root

#: what devices write as a channel's status, and as the event of a change notice
STATES = {
    "ON": "online", "OK": "online", "ONLINE": "online", "1": "online",
    "OFF": "offline", "OFFLINE": "offline", "0": "offline", "VLOST": "offline", "DEFECT": "offline", "DEL": "offline",
}  # fmt: skip
_PARTS = re.compile(rb"(?=<\?xml)|(?<=</Response>)|(?<=</Notify>)")
#: a path longer than this is a loop in the supplier's tree
MAX_ANCESTORS = 20
#: DirectionType -> where it looks, degrees clockwise from north (1 east, 2 west, 3 south, 4 north, 5 south-east ...)
DIRECTIONS = {"1": 90.0, "2": 270.0, "3": 180.0, "4": 0.0, "5": 135.0, "6": 45.0, "7": 225.0, "8": 315.0}
#: messages in one body
MAX_PARTS = 10_000


def id_parts(text: str) -> dict[str, str]:
    """A 20-digit id in its parts; a civil region's shorter code (2, 4, 6 or 8 digits) has a centre only.

    Raises BadInput `gb28181-id` for anything else.
    """
    parts = gb28181.parts_of(text)
    if parts is None:
        raise BadInput("gb28181-id", f"{text[:40]!r}: 20 digits, or a region's 2 to 8")
    return parts._asdict()


def kind_of(parts: dict[str, str]) -> str:
    return gb28181.Parts(**parts).kind


def parent_of(item: dict[str, Any]) -> str:
    """The nearest parent: the edition of 2022 may list several, outermost first, with slashes."""
    for source in (item, item.get("Info")):
        if isinstance(source, dict):
            for name in ("ParentID", "BusinessGroupID"):
                if isinstance(source.get(name), str) and source[name].strip("/ "):
                    return source[name].strip("/ ").rpartition("/")[2]
    return ""


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    """One row per camera of the body; a broken part of several is `Unread`, a single one raises BadInput."""
    if body.count(b"<?xml") + body.count(b"</Response>") + body.count(b"</Notify>") > MAX_PARTS:
        raise BadInput("too-large", f"more than {MAX_PARTS} messages in one body")
    parts = [part for part in _PARTS.split(body.strip(b"\xef\xbb\xbf\0 \r\n\t")) if part.strip()]
    if not parts:
        raise BadInput("empty", "no XML in the body")
    items: list[dict[str, Any]] = []
    unread: list[Unread] = []
    for part in parts:
        try:
            items.extend(_items(part))
        except BadInput as error:
            if len(parts) == 1:
                raise
            unread.append(Unread(part, error.reason, error.detail))
    yield from _rows(items, bool(feed.options.get("directory")))
    yield from unread


def _items(part: bytes) -> list[dict[str, Any]]:
    top = root(part)
    command = content(top, "CmdType")
    if command != "Catalog":
        raise BadInput("not-a-catalog", f"CmdType {command[:40]!r}")
    items = [plain(item) for item in top.iterfind("DeviceList/Item")]
    return [item if isinstance(item, dict) else {} for item in items]


def _rows(items: list[dict[str, Any]], directory: bool) -> Iterator[Row]:
    nodes = {item["DeviceID"]: item for item in items if isinstance(item.get("DeviceID"), str)}
    for item in items:
        try:
            parts = id_parts(str(item.get("DeviceID") or ""))
        except BadInput as error:
            yield Unread(repr(item).encode(), error.reason, error.detail)
            continue
        kind = kind_of(parts)
        if kind == "camera" or directory:
            names, ids = _path(item, nodes)
            item |= {"kind": kind, "id_parts": parts, "parent": parent_of(item), "path": names, "path_ids": ids}
            item |= _capabilities(item)
            item["state"] = STATES.get(str(item.get("Event") or item.get("Status") or "").strip().upper(), "unknown")
            if item.get("Event") in ("ADD", "UPDATE"):
                item["state"] = STATES.get(str(item.get("Status") or "").strip().upper(), "unknown")
            yield item


def _path(item: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """Names and ids of the ancestors that the same body holds, outermost first, with slashes; a tree in a circle ends."""
    found: dict[str, str] = {}
    above = nodes.get(parent_of(item))
    while above is not None and len(found) < MAX_ANCESTORS and above["DeviceID"] not in found:
        name = above.get("Name")
        found[above["DeviceID"]] = name.replace("/", "／") if isinstance(name, str) else ""
        above = nodes.get(parent_of(above))
    outermost_first = list(found)[::-1]
    return "/".join(found[key] for key in outermost_first if found[key]), "/".join(outermost_first)


def _capabilities(item: dict[str, Any]) -> dict[str, Any]:
    """What a camera can do and what it sees; what a device says wrongly is left out, not the device."""
    info = item.get("Info") if isinstance(item.get("Info"), dict) else {}

    def said(name: str) -> str:
        value = item.get(name) or info.get(name)
        return value.strip() if isinstance(value, str) else ""

    streams = {number for number in said("StreamNumberList").split("/") if number.isdigit()}
    return {
        "ptz": not gb28181.TURNING.isdisjoint(said("PTZType").split("/")),
        "has_sub": bool(streams - {"0"}),
        "bearing_deg": DIRECTIONS.get(said("DirectionType")),
        "fov_deg": _within(said("HorizontalFieldAngle"), 360.0),
        "range_m": _within(said("MaxViewDistance"), 100_000.0),
    }


def _within(text: str, most: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 < value <= most else None


MAPPING = {
    "channel": {
        "channel_id": "DeviceID",
        "name": "Name",
        "owner": "Owner",
        "parent": "parent",
        "civil_code": {"first": ["CivilCode", "id_parts.centre"]},
        "kind": "kind",
        "state": "state",
        "lon": "Longitude",
        "lat": "Latitude",
        "bearing_deg": "bearing_deg",
        "fov_deg": "fov_deg",
        "range_m": "range_m",
        "ptz": "ptz",
        "has_sub": "has_sub",
        "group": {"first": ["BusinessGroupID", "Info.BusinessGroupID"]},
        "extra": {
            "path": "path",
            "path_ids": "path_ids",
            "address": "Address",
            "manufacturer": "Manufacturer",
            "model": "Model",
            "ptz_type": {"first": ["PTZType", "Info.PTZType"]},
            "business_group": {"first": ["BusinessGroupID", "Info.BusinessGroupID"]},
            "sector": "id_parts.sector",
            "serial": "id_parts.serial",
        },
    }
}

FORMAT = Format("gb28181", rows, mapping=MAPPING, options=("directory",))

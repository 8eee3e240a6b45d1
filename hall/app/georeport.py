"""Open311 GeoReport v2 on the wire: services, requests and errors as XML and JSON, the standard's names. Pure."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from typing import Any
from xml.etree import ElementTree

import msgspec

from hall.core.errors import Refused
from hall.core.model import CASE_ENDED

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
#: what XML 1.0 cannot hold
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Service(msgspec.Struct, frozen=True):
    """A kind of report that is taken: a minor class of the city's standard."""

    code: str
    name: str
    group: str
    kind: str = ""  # component | occurrence | service


def fault(code: int, description: str) -> Refused:
    """A refusal in the standard's own form: the code is the HTTP status."""
    return Refused("open311", description, code)


def body(form: str, root: str, one: str, rows: list[dict[str, Any]]) -> bytes:
    """Rows as `<root><one>..` or as a JSON list; `form` xml or json."""
    if form == "json":
        return msgspec.json.encode(rows)
    top = ElementTree.Element(root)
    for row in rows:
        _add(ElementTree.SubElement(top, one), row)
    return ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)


def document(form: str, root: str, row: dict[str, Any]) -> bytes:
    """One object: `<root>..` or a JSON object."""
    if form == "json":
        return msgspec.json.encode(row)
    top = ElementTree.Element(root)
    _add(top, row)
    return ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)


def _add(node: ElementTree.Element, row: dict[str, Any]) -> None:
    for name, value in row.items():
        child = ElementTree.SubElement(node, name)
        if isinstance(value, list):
            singular = name[:-1]
            for item in value:
                below = ElementTree.SubElement(child, singular)
                _add(below, item) if isinstance(item, dict) else _say(below, item)
        else:
            _say(child, value)


def _say(node: ElementTree.Element, value: Any) -> None:
    shown = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    node.text = _NOT_XML.sub("\ufffd", shown)


def errors(form: str, code: int, description: str) -> bytes:
    return body(form, "errors", "error", [{"code": code, "description": description}])


def service_row(service: Service) -> dict[str, Any]:
    shown = {"service_code": service.code, "service_name": service.name, "description": service.name}
    return {**shown, "metadata": False, "type": "realtime", "keywords": service.group, "group": service.group}


def discovery(base: str, name: str) -> dict[str, Any]:
    """What a client needs to begin; `base` is the address of this server as the client sees it."""
    endpoint = {
        "specification": SPECIFICATION,
        "url": f"{base}/open311/v2",
        "changeset": "2026-11-01T00:00:00Z",
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    key = "ask the hall's administrator for an api_key"
    return {"changeset": "2026-11-01T00:00:00Z", "contact": name, "key_service": key, "endpoints": [endpoint]}


def number(subject: str) -> str:
    """A case's or file's subject as `service_request_id`: a report made in the hall by its number, others with their feed."""
    _, feed, case_id = subject.split("/", 2)
    return case_id if feed == "desk" else f"{feed}:{case_id}"


def rehearsed(subject: str) -> bool:
    """Whether a case belongs to an exercise (dispatch/plans): no citizen's app must ever hear of it."""
    return number(subject).removeprefix("desk.").startswith("exercise-")


def file_of(request_id: str) -> str:
    feed, colon, case_id = request_id.partition(":")
    return f"file/{feed}/{case_id}" if colon else f"file/desk/{request_id}"


def request_row(subject: str, case: dict[str, Any], updated: int, timezone: str) -> dict[str, Any]:
    """A case in the standard's words. Who reported it is not told."""
    zone = zoneinfo.ZoneInfo(timezone)
    stages = case.get("stages") or {}

    def moment(ms: int | None) -> str | None:
        return None if ms is None else datetime.datetime.fromtimestamp(ms // 1000, zone).isoformat()

    return {
        "service_request_id": number(subject),
        "status": "closed" if case.get("state", "reported") in CASE_ENDED else "open",
        "status_notes": case.get("closing_note") or None,
        "service_name": case.get("subclass_name") or case.get("class_name", ""),
        "service_code": case.get("class_code") or case.get("subclass_name", ""),
        "description": case.get("description", ""),
        "agency_responsible": case.get("unit") or None,
        "service_notice": None,
        "requested_datetime": moment(stages.get("reported")),
        "updated_datetime": moment(updated),
        "expected_datetime": moment(case.get("due")),
        "address": case.get("address", ""),
        "lat": case.get("lat"),
        "long": case.get("lon"),
    }


def moment_of(text: str, name: str) -> int:
    """A W3C date-time as ms; raises the standard's error."""
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        raise fault(400, f"{name}: a date-time such as 2026-11-21T08:00:00+08:00") from None
    if found.tzinfo is None:
        raise fault(400, f"{name}: with its offset from UTC")
    return int(found.timestamp() * 1000)

"""Open311 GeoReport v2: service requests in XML or JSON, with a default mapping, so that a feed needs only its url.

GeoReport knows `open` and `closed` and no steps between; when a request was closed is not told, so the last update of a
closed request stands for it (`closed_datetime`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from feeds.source import Format, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput
from hall.core.xmltree import plain, root


def elements(body: bytes, group: str, one: str) -> list[Any]:
    """The items of a GeoReport reply: `<group><one>..` in XML, a list (or one object) in JSON.

    Raises BadInput: `supplier-error` with its own words for an error reply, else what is wrong with the bytes.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    found = _xml_elements(body, group, one) if start == b"<" else _json_elements(body)
    errors = [item for item in found if isinstance(item, dict) and _is_error(item)]
    if errors and len(errors) == len(found):
        raise BadInput("supplier-error", "; ".join(f"{e['code']}: {e['description']}" for e in errors)[:500])
    return found


def _is_error(item: dict[str, Any]) -> bool:
    return "code" in item and "description" in item and not {"service_request_id", "service_code"} & item.keys()


def _xml_elements(body: bytes, group: str, one: str) -> list[Any]:
    top = root(body)
    if top.tag == "errors":
        return [plain(error) for error in top.iter("error")]
    if top.tag != group:
        raise BadInput("not-georeport", f"<{top.tag[:80]}> where <{group}> belongs")
    return [plain(item) for item in top.iter(one)]


def _json_elements(body: bytes) -> list[Any]:
    try:
        data = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput("json-malformed", str(error)) from None
    return data if isinstance(data, list) else [data]


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    """One row per request, as the supplier wrote it, plus `closed_datetime`."""
    for item in elements(body, "service_requests", "request"):
        if not isinstance(item, dict):
            yield Unread(msgspec.json.encode(item), "not-an-object", "a service request is an object")
        elif "service_request_id" not in item and "token" in item:
            yield Unread(msgspec.json.encode(item), "token-only", "the supplier gave a token, no request yet")
        else:
            if str(item.get("status")).strip().lower() == "closed":
                item["closed_datetime"] = item.get("updated_datetime")
            yield item


MAPPING = {
    "case": {
        "case_id": "service_request_id",
        "state": {"path": "status", "lower": True, "map": {"closed": "closed"}, "default": "reported"},
        "time": {"first": ["updated_datetime", "requested_datetime"], "time": "iso"},
        "kind": {"const": "service"},
        "class_name": {"first": ["service_group", "service_name"]},
        "subclass_name": "service_name",
        "class_code": "service_code",
        "description": "description",
        "lon": "long",
        "lat": "lat",
        "address": "address",
        "unit": "agency_responsible",
        "due": {"path": "expected_datetime", "time": "iso"},
        "stages": {
            "reported": {"path": "requested_datetime", "time": "iso"},
            "closed": {"path": "closed_datetime", "time": "iso"},
        },
        "closing_note": "status_notes",
        "media": "media_url",
        "extra": {"zipcode": "zipcode", "address_id": "address_id", "service_notice": "service_notice"},
    }
}

FORMAT = Format("open311", rows, mapping=MAPPING)

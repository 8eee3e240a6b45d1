"""What a department's system is told, and the signature it comes with. Pure.

The body is a CloudEvents 1.0 event in JSON; the headers are those of the Standard Webhooks specification, so that receivers
can use its libraries: `webhook-id` (the same at every attempt), `webhook-timestamp` (seconds), `webhook-signature`
(`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`).
"""

from __future__ import annotations

import base64
import datetime
import hmac
from typing import Any

import msgspec

from dispatch.casefile.model import CaseFile
from dispatch.webhooks.settings import Hook
from hall.core.command import Entry

#: of the case a department needs to go there; never what the caller said of himself
_CASE = (
    "feed", "case_id", "kind", "class_name", "subclass_name", "class_code", "description", "severity", "lon", "lat", "address",
    "district", "cell",
)  # fmt: skip
_GIVEN = ("what", "text", "level", "emergency", "condition", "to", "crews", "urge", "ask", "until", "moves")
TYPE = "org.command-hall.case."


def wanted(hook: Hook, entry: Entry, file: CaseFile | None) -> bool:
    """Whether a hook is told of this line: one of its moves, of a case that one of its units holds or held.

    What a department's own system did through the API is not told back to it.
    """
    if not entry.subject.startswith("file/") or entry.move not in hook.moves or file is None:
        return False
    if entry.kind == "supplier" and entry.unit and entry.unit in hook.units:
        return False
    units = {file.unit, str(entry.data.get("unit", ""))} - {""}
    return bool(units) and (not hook.units or not units.isdisjoint(hook.units))


def of_exercise(file: CaseFile | None) -> bool:
    """Whether a case was made in an exercise: outsiders must never take it for a real one."""
    return file is not None and bool(file.report.get("extra", {}).get("exercise"))


def body_of(hook: Hook, entry: Entry, file: CaseFile, city: str) -> bytes:
    """The event as it is sent; made once, so that every attempt carries the same bytes."""
    clock = file.clock
    data: dict[str, Any] = {
        "move": entry.move,
        "reason": entry.reason,
        "who": entry.who,
        "role": entry.role,
        "seq": entry.seq,
        "revision": entry.revision,
        "state": entry.data.get("to") or file.state,
        "unit": entry.data.get("unit") or file.unit,
        "emergency": file.emergency,
        "case": {name: file.report[name] for name in _CASE if file.report.get(name) not in (None, "")},
        "given": {name: entry.data[name] for name in _GIVEN if entry.data.get(name) not in (None, "", [])},
        "answer": f"/api/v1/cases/{entry.subject.partition('/')[2]}/commands",
    }
    if of_exercise(file):
        data["exercise"] = True  # told to those only who take part (`exercise = true` of the hook)
    if clock is not None:
        data["clock"] = {"due": iso(clock.due), "limit": clock.label, "stopped": clock.stopped_at is not None}
    event = {
        "specversion": "1.0",
        "id": delivery_id(hook, entry),
        "source": f"/command-hall/{city or 'city'}",
        "type": TYPE + entry.move,
        "subject": entry.subject,
        "time": iso(entry.time),
        "datacontenttype": "application/json",
        "data": data,
    }
    return msgspec.json.encode(event)


def delivery_id(hook: Hook, entry: Entry) -> str:
    """The same line to the same hook is the same delivery."""
    return f"{hook.name}-{entry.seq:012d}"


def signed_headers(key: bytes, delivery: str, seconds: int, body: bytes) -> dict[str, str]:
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": "command-hall",
        "webhook-id": delivery,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature(key, delivery, seconds, body),
    }


def signature(key: bytes, delivery: str, seconds: int, body: bytes) -> str:
    made = hmac.new(key, f"{delivery}.{seconds}.".encode() + body, "sha256").digest()
    return "v1," + base64.b64encode(made).decode()


def iso(ms: int) -> str:
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

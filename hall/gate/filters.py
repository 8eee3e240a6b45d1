"""`where`: which documents of a topic a subscription wants, by equality or a lower bound on fields of `data`."""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core import model
from hall.core.errors import Refused

Where = dict[str, dict[str, list[Any] | dict[str, float]]]
_MAX_FIELDS, _MAX_VALUES = 16, 1000


def _defaults(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Fields at their default are not sent: a filter has to know what their absence means."""
    return {
        field.encode_name: field.default
        for field in msgspec.structs.fields(kind)
        if field.default is not msgspec.NODEFAULT and isinstance(field.default, (str, int, float, bool, type(None)))
    }


DEFAULTS: dict[str, dict[str, Any]] = {
    topic: _defaults(kind)
    for topic, kind in {
        **{topic: kind for kind, topic, _ in model.KINDS.values()},
        "alarm": model.Alarm,
        "feed": model.FeedStatus,
        "process": model.ProcessStatus,
    }.items()
}


class Filter:
    """A checked `where`, ready to be asked. Equal filters have equal `key`s."""

    def __init__(self, where: Where | None = None) -> None:
        self._tests: dict[str, list[tuple[str, Any, set | None, float | None]]] = {}
        for topic, fields in (where or {}).items():
            if topic in model.LOG_TOPICS:
                raise Refused("filter-malformed", f"{topic} is a history: it is told whole")
            if len(fields) > _MAX_FIELDS:
                raise Refused("filter-malformed", f"{topic}: at most {_MAX_FIELDS} fields")
            if fields:
                self._tests[topic] = [self._test(topic, name, wanted) for name, wanted in fields.items()]
        self.key = msgspec.json.encode(where or {}, order="deterministic")

    @staticmethod
    def _test(topic: str, name: str, wanted: Any) -> tuple[str, Any, set | None, float | None]:
        default = DEFAULTS.get(topic, {}).get(name)
        if isinstance(wanted, dict):
            low = wanted.get("min")
            if set(wanted) != {"min"} or isinstance(low, bool) or not isinstance(low, (int, float)):
                raise Refused("filter-malformed", f'{topic}.{name}: write {{"min": number}}')
            try:
                return name, default, None, float(low)
            except OverflowError:
                raise Refused("filter-malformed", f"{topic}.{name}: no number is that large") from None
        if len(wanted) > _MAX_VALUES or not all(isinstance(v, (str, int, float, bool, type(None))) for v in wanted):
            raise Refused("filter-malformed", f"{topic}.{name}: at most {_MAX_VALUES} plain values")
        return name, default, set(wanted), None

    @property
    def topics(self) -> frozenset[str]:
        """Topics of which not everything is let through."""
        return frozenset(self._tests)

    def matches(self, topic: str, data: Any) -> bool:
        """Whether a document (the decoded `data` of an event, None when the subject is gone) is let through."""
        if not isinstance(data, dict):
            return False
        for name, default, values, low in self._tests.get(topic, ()):
            found = data.get(name, default)
            if values is not None:
                if isinstance(found, (dict, list)) or found not in values:
                    return False
            elif isinstance(found, bool) or not isinstance(found, (int, float)) or found < low:
                return False
        return True


def within(asked: Where | None, bounds: Where) -> Where | None:
    """A `where` that asks for no more than `bounds` allows, however it was asked."""
    if not bounds:
        return asked
    found = dict(asked or {})
    for topic, fields in bounds.items():
        wanted = dict(found.get(topic, {}))
        for name, allowed in fields.items():
            given = wanted.get(name)
            wanted[name] = [value for value in given if value in allowed] if isinstance(given, list) else allowed
        found[topic] = wanted
    return found


def tombstone(event: dict[str, Any]) -> bytes:
    """The event as told to whom its document has left: same identity, `data` null."""
    kept = {name: event[name] for name in ("id", "source", "subject", "time", "recordedtime") if name in event}
    return msgspec.json.encode({**kept, "data": None})

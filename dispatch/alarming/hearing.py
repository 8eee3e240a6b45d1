"""Bus events as the alarm engine's inputs. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.alarming.inputs import Heard, Input, Position, Posture, Reading, SensorGone, SensorSeen, Supplied
from dispatch.alarming.rulebook import RESPOND_SECONDS, Rulebook
from dispatch.alarming.supplied import RULE
from dispatch.reader import Head, document
from hall.core.event import topic_of
from hall.core.model import Observation, SuppliedAlarm

_decode_plain = msgspec.json.Decoder(dict[str, Any]).decode
LEVELS = ("", "IV", "III", "II", "I")
#: characters of a supplier's words that an alarm shows
TEXT = 300


class Hearing:
    """Which topics the rules need, and what an event of them says. Remembers which responses are in force."""

    def __init__(self, *books: Rulebook) -> None:
        """More than one: what any of them needs (both sides of a trial)."""
        rules = [rule for book in books for rule in book.rules]
        kinds = {rule.kind.scope for rule in rules}
        self._subjects = tuple({rule.settings.subject: None for rule in rules if rule.kind.scope == "subject"})
        self._responses: dict[str, str] = {}
        topics = {"observation", "sensor", "response", "supplied"} | {topic_of(subject) for subject in self._subjects}
        self.topics = frozenset(topics | ({"position"} if "unit" in kinds else set()))

    def inputs(self, head: Head) -> list[Input]:
        """Raises msgspec.MsgspecError for a document that is not of its kind."""
        made: list[Input] = []
        match topic_of(head.subject):
            case "observation" if not head.gone:
                made.append(reading_of(document(head), head.time, head.recordedtime))
            case "sensor":
                made.append(self._sensor(head))
            case "position" if not head.gone:
                made.append(self._position(head))
            case "supplied":
                made.append(self._supplied(head))
            case "response":
                made.append(self._posture(head))
        if self._subjects and head.subject.startswith(self._subjects):
            made.append(Heard(subject=head.subject, time=head.time, at=head.recordedtime))
        return made

    def _sensor(self, head: Head) -> Input:
        if head.gone:
            feed, _, sensor = head.subject.partition("/")[2].partition("/")
            return SensorGone(feed=feed, sensor=sensor, time=head.time, at=head.recordedtime)
        return SensorSeen(sensor=document(head), time=head.time, at=head.recordedtime)

    def _position(self, head: Head) -> Input:
        found = document(head)
        return Position(
            feed=found.feed, unit=found.unit_id, kind=found.kind, name=found.name, lon=found.lon, lat=found.lat,
            district=found.district, time=head.time, at=head.recordedtime,
        )  # fmt: skip

    def _supplied(self, head: Head) -> Input:
        if head.gone:
            return Supplied(site="", active=False, id=head.subject.partition("/")[2], time=head.time, at=head.recordedtime)
        return supplied_of(document(head), head.time, head.recordedtime)

    def _posture(self, head: Head) -> Input:
        """The worst level of all responses in force; an exercise is none."""
        found: dict[str, Any] = {} if head.gone else _decode_plain(head.data)
        level = found.get("level") if found.get("state") == "in_force" and not found.get("exercise") else ""
        self._responses[head.subject] = level if level in LEVELS else ""
        worst = max(self._responses.values(), key=LEVELS.index)
        return Posture(level=worst, time=head.time, at=head.recordedtime)


def reading_of(found: Observation, time: int, at: int | None = None) -> Reading:
    """`time`: when it was measured, `at` when the hall learnt it (city ms)."""
    return Reading(
        feed=found.feed, sensor=found.sensor_id, quantity=found.quantity, value=found.value, unit=found.unit, time=time, at=at,
        quality=found.quality, confidence=_confidence(found.extra), picture=_picture(found.extra), lon=found.lon,
        lat=found.lat, district=found.district,
    )  # fmt: skip


def supplied_of(found: SuppliedAlarm, time: int, at: int | None = None) -> Supplied:
    """`time`: when the supplier's system saw it, `at` when the hall learnt it (city ms)."""
    rule = f"{RULE}/{found.kind}" if found.kind else RULE
    seconds = found.respond_seconds
    return Supplied(
        site=found.site, active=found.active, severity=found.severity, rule=rule, family=found.family, time=time, at=at,
        id=f"{found.feed}/{found.alarm_id}", feed=found.feed, device=found.device, name=found.name, word=found.severity_label,
        label=found.label or ({"": found.kind} if found.kind else {}), text=found.text[:TEXT], picture=found.picture[:TEXT],
        station=found.station, lasts_seconds=found.lasts_seconds, lon=found.lon, lat=found.lat, district=found.district,
        respond_seconds=RESPOND_SECONDS.get(found.severity, 1800.0) if seconds is None else seconds,
    )  # fmt: skip


def _confidence(extra: dict[str, Any]) -> float | None:
    """How sure an analyser was of the reading, 0..1; None where nobody said."""
    found = extra.get("confidence")
    known = isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found <= 1
    return round(float(found), 3) if known else None


def _picture(extra: dict[str, Any]) -> str:
    """Address of the picture behind the reading; only the hall's own, so that no supplier leads a screen elsewhere."""
    found = extra.get("picture")
    return found if isinstance(found, str) and found.startswith("/video/poster/analysis/") and len(found) <= 500 else ""

"""CAP 1.2 warnings: one XML, several in one, or a zip of them; every language, Update and Cancel chains.

No mapping is needed: an `Alert` or `Update` becomes a PublicWarning, and whatever an `Update` or `Cancel` refers to is
gone. All infos of one alert are one warning: texts by language, the worst severity, the areas of one language (they
repeat in the others).

Every message is checked before it is read (feeds/capmessages.py: options `schema`, `signature`, `certificates`), and its signal
recognised (feeds/capsignals.py: option `signals`): `extra.signal {kind, colour}`, the severity is then the colour's unless the
option `severity` names the sender's word.

Options: `severity` (table from the sender's word to 0..4; default Minor..Extreme and 蓝色..红色 = 1..4), `areas` (file that
knows geocodes: GeoJSON, or JSON `{code: [lon, lat] or ring}`), `areas_code` (its property that holds the code),
`point_radius_km` (size a point is drawn with, 5), `statuses` (default all five of the standard; screens mark whatever is not
Actual, and others are parked).
"""

from __future__ import annotations

import datetime
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

from feeds.capareas import Areas, areas_of
from feeds.capmessages import OPTIONS, Message, messages
from feeds.capsignals import Meaning, signal_of
from feeds.signalwords import COLOUR_VALUES
from feeds.source import Format, Gone, Ready, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput
from hall.core.model import PublicWarning
from hall.core.xmltree import content

#: CAP's words, and the colours China's warnings are named by, -> blue, yellow, orange, red
SEVERITY = {
    "Unknown": 0, "Minor": 1, "Moderate": 2, "Severe": 3, "Extreme": 4,
    "Blue": 1, "Yellow": 2, "Orange": 3, "Red": 4, "蓝色": 1, "黄色": 2, "橙色": 3, "红色": 4,
}  # fmt: skip
#: all that CAP 1.2 knows; a screen marks every one but the first as no real warning
STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
#: characters of a parameter's value that can be a signal's name
SIGNAL_VALUE = 40
MAX_MEMBERS = 5_000
MAX_UNPACKED = 32 * 1024 * 1024


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    """Ready warnings and Gone subjects, in the order they were sent; what cannot be read of several is Unread.

    Raises BadInput when the whole body is of no use.
    """
    areas = Areas.of(feed, config)
    found: list[tuple[int, int, list[Row]]] = []
    unread: list[Unread] = []
    documents = list(_documents(body))
    for document in documents:
        for message in _messages(document, unread, feed, config, alone=len(documents) == 1):
            try:
                if message.refused:
                    raise message.refused
                time, made = _warning(message, feed, config, areas)
                found.append((time, len(found), made))
            except BadInput as error:
                if len(documents) == 1 and message.raw is document:
                    raise
                unread.append(Unread(message.raw, error.reason, error.detail))
    for _, _, made in sorted(found, key=lambda item: item[:2]):
        yield from made
    yield from unread


def _documents(body: bytes) -> Iterator[bytes]:
    """The XML texts of a body; raises BadInput for a broken, empty or overlarge zip."""
    if not body.startswith(b"PK"):
        yield body
        return
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [member for member in archive.infolist() if member.filename.lower().endswith((".xml", ".cap"))]
            if not members:
                raise BadInput("zip-empty", "no .xml in the zip")
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
                raise BadInput("too-large", f"at most {MAX_MEMBERS} files and {MAX_UNPACKED} bytes in a zip")
            for member in members:
                with archive.open(member) as file:
                    yield file.read(member.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise BadInput("zip-broken", str(error)) from None


def _messages(document: bytes, unread: list[Unread], feed: FeedConfig, config: HallConfig, alone: bool) -> list[Message]:
    """The alerts of one XML text. One of several that holds none is added to `unread`; for the only one it raises BadInput."""
    try:
        return messages(document, feed, config)
    except BadInput as error:
        if alone:
            raise
        unread.append(Unread(document, error.reason, error.detail))
        return []


def _moment(text: str, zone: str, place: str) -> int | None:
    """ms of a CAP date-time, None when it is empty; without an offset (the standard wants one) in the feed's zone."""
    if not text:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise BadInput("time-unparsable", f"{place}: {text[:60]!r}") from None


def _texts(alert: Element, path: str) -> list[str]:
    return [text.strip() for element in alert.iterfind(path) if (text := element.text or "").strip()]


def references(alert: Element) -> list[tuple[str, str]]:
    """Identifier and moment of sending of the alerts this one refers to: `sender,identifier,sent` triples between blanks."""
    found = []
    for triple in content(alert, "references").split():
        parts = triple.split(",")
        if len(parts) < 3:
            raise BadInput("cap-references", f"not sender,identifier,sent: {triple[:80]!r}")
        found.append((",".join(parts[1:-1]), parts[-1]))
    return found


def _replaced(alert: Element, identifier: str, sent: int, feed: FeedConfig, zone: str) -> list[Row]:
    """What an Update or Cancel takes off the screens. Whatever the clocks say, it is newer than what it refers to: an alert
    sent in the same second, or repeated later, does not come back."""
    made: list[Row] = []
    for old, told in references(alert):
        if old == identifier:
            continue
        try:
            before = _moment(told, zone, "references") or 0
        except BadInput:
            before = 0  # who is meant is clear all the same
        made.append(Gone(f"warning/{feed.name}/{old}", max(sent, before + 1)))
    return made


def _warning(message: Message, feed: FeedConfig, config: HallConfig, areas: Areas) -> tuple[int, list[Row]]:
    """When an alert was sent and what it makes; raises BadInput."""
    alert, zone = message.alert, feed.timezone or config.city.timezone
    identifier, status, kind = content(alert, "identifier"), content(alert, "status"), content(alert, "msgType")
    sent = _moment(content(alert, "sent"), zone, "sent")
    if not identifier or sent is None:
        raise BadInput("cap-incomplete", "identifier and sent are required")
    _check_kind(identifier, status, kind, feed)
    referred = [old for old, _ in references(alert)]
    if kind == "Cancel" and not referred:
        raise BadInput("cap-references", f"{identifier}: a Cancel that names no warning")
    made = _replaced(alert, identifier, sent, feed, zone) if kind in ("Update", "Cancel") else []
    if kind == "Cancel":
        return sent, made
    infos = alert.findall("info")
    if not infos:
        raise BadInput("cap-incomplete", f"{identifier}: no <info>")
    document = _document(alert, infos, feed, config, areas)
    if message.signature:
        document.extra["signature"] = message.signature
    document.status, document.message_type, document.references = status, kind, referred
    return sent, [*made, Ready(document, sent)]


def _check_kind(identifier: str, status: str, kind: str, feed: FeedConfig) -> None:
    if status not in STATUSES:
        raise BadInput("cap-status", f"{identifier}: no status of the standard: {status[:40]!r}")
    if status not in feed.options.get("statuses", STATUSES):
        raise BadInput("cap-status", f"{identifier}: this feed takes no {status}; its option `statuses` says what it takes")
    if kind not in ("Alert", "Update", "Cancel"):
        raise BadInput("cap-message-type", f"{identifier}: {kind[:40]!r} is no warning")


def _document(alert: Element, infos: list[Element], feed: FeedConfig, config: HallConfig, areas: Areas) -> PublicWarning:
    zone = feed.timezone or config.city.timezone
    ranks: dict[str, int] = {**SEVERITY, **feed.options.get("severity", {})}
    worst = max(infos, key=lambda info: ranks.get(content(info, "severity"), 0))
    label = content(worst, "severity")
    mine = [info for info in infos if _language(info) == _own_language(infos, config)]
    lead = next((info for info in mine if content(info, "severity") == label), worst)
    onsets = [_moment(content(i, "onset") or content(i, "effective"), zone, "onset") for i in infos]
    signal, renamed = _signal(lead, feed), label in feed.options.get("severity", {})
    ends = [_moment(content(i, "expires"), zone, "expires") for i in infos]
    return PublicWarning(
        feed=feed.name,
        warning_id=content(alert, "identifier"),
        sender=content(lead, "senderName") or content(alert, "sender"),
        event=_event(lead),
        severity=ranks.get(label, 0) if renamed or signal.severity is None else signal.severity,
        severity_label=label,
        urgency=content(lead, "urgency"),
        certainty=content(lead, "certainty"),
        headline=_by_language(infos, lambda info: content(info, "headline") or content(info, "event")),
        description=_by_language(infos, lambda info: content(info, "description")),
        onset=min((onset for onset in onsets if onset is not None), default=None),
        expires=None if None in ends else max(end for end in ends if end is not None),
        areas=areas_of(mine, areas),
        extra=_extra(alert, infos, lead, signal),
    )


def _extra(alert: Element, infos: list[Element], lead: Element, signal: Meaning) -> dict[str, Any]:
    """What warnings carry beyond our terms: instruction by language, categories, parameters, the note."""
    pairs = {content(p, "valueName"): content(p, "value") for p in lead.iterfind("parameter")}
    found = {
        "instruction": _by_language(infos, lambda info: content(info, "instruction")),
        "category": _texts(lead, "category"),
        "parameters": {name: value for name, value in pairs.items() if name},
        "note": content(alert, "note"),
        "scope": content(alert, "scope"),
        "web": content(lead, "web"),
        "signal": {name: value for name, value in (("kind", signal.kind), ("colour", signal.colour)) if value},
    }
    return {name: value for name, value in found.items() if value}


def _event(info: Element) -> str:
    """The event; China's national centre writes a code into <eventType> instead (no valid CAP: option `schema = "off"`)."""
    return content(info, "event") or content(info, "eventType")


def _signal(info: Element, feed: FeedConfig) -> Meaning:
    """The signal an info names: in its event, its codes, its parameters, its headline."""
    codes = [content(code, "value") for code in info.iterfind("eventCode")]
    values = [COLOUR_VALUES.get(value.lower(), value) for p in info.iterfind("parameter") if (value := content(p, "value"))]
    # a long value is a text, which may speak of other signals too
    values = [value for value in values if len(value) <= SIGNAL_VALUE]
    try:
        texts = (content(info, "event"), content(info, "eventType"), *codes, *values, content(info, "headline"))
        return signal_of(texts, feed.options.get("signals"))
    except ValueError as error:
        raise BadInput("cap-signals", f"option `signals`: {error}") from None


def _language(info: Element) -> str:
    return content(info, "language") or "en-US"  # the standard's default


def _own_language(infos: list[Element], config: HallConfig) -> str:
    """The info language this city reads: its own languages in order, English, else the first given."""
    given = [_language(info) for info in infos]
    for wanted in [*config.city.languages, "en"]:
        for language in given:
            if language.lower().partition("-")[0] == wanted.lower().partition("-")[0]:
                return language
    return given[0]


def _by_language(infos: list[Element], read: Any) -> dict[str, str]:
    """Texts by language tag; several infos of one language are joined, each text once."""
    found: dict[str, list[str]] = {}
    for info in infos:
        text, texts = read(info), found.setdefault(_language(info), [])
        if text and text not in texts:
            texts.append(text)
    return {language: "\n".join(texts) for language, texts in found.items() if texts}


FORMAT = Format(
    "cap",
    rows,
    types=("application/cap+xml",),
    suffixes=(".cap",),
    options=("severity", "areas", "areas_code", "point_radius_km", "statuses", "signals", *OPTIONS),
)

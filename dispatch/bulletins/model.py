"""What is kept of one bulletin, and how each line changes it. Pure; times city ms, texts {language tag: text}."""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.command import Entry

#: what a draft says; everything else is made of it
CONTENT = (
    "kind", "template", "severity", "event", "headline", "text", "instruction", "category", "responses", "urgency", "certainty",
    "areas", "audience", "onset", "expires", "expires_minutes", "exercise", "signal", "message_type", "replaces", "note",
    "cause", "district",
)  # fmt: skip
OVER = ("cancelled", "replaced", "refused", "expired", "withdrawn")
TEXTS = ("event", "headline", "text", "instruction")


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was frozen when it was submitted, and is sent: `texts` [{audience, language, text}], `digest` the SHA-256 of
    `xml` and `texts`. What was approved is this, letter for letter."""

    identifier: str
    sent: int
    expires: int
    reference: str = ""  # sender,identifier,sent: how later messages name it
    references: list[str] = []  # whom it replaces or cancels, the whole chain
    areas: list[dict[str, Any]] = []  # with the polygons that were made of districts
    xml: str = ""
    texts: list[dict[str, str]] = []
    digest: str = ""


class Act(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Somebody did something."""

    by: str
    role: str = ""
    at: int = 0
    reason: str = ""
    digest: str = ""


class Bulletin(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of `bulletin/<id>`."""

    bulletin_id: str = ""
    state: str = ""
    kind: str = "message"
    template: str = ""
    severity: int = 0
    event: dict[str, str] = {}
    headline: dict[str, str] = {}
    text: dict[str, str] = {}
    instruction: dict[str, str] = {}
    category: list[str] = []
    responses: list[str] = []
    urgency: str = ""
    certainty: str = ""
    areas: list[dict[str, Any]] = []
    audience: list[str] = []
    onset: int | None = None
    expires: int | None = None
    expires_minutes: int = 0
    exercise: bool = False
    signal: dict[str, str] = {}
    message_type: str = "Alert"
    replaces: str = ""
    note: str = ""
    cause: str = ""  # what the hall drafted it for: response/<plan>, closure/<id>
    district: str = ""
    drafted_by: str = ""
    drafted_at: int = 0
    authors: list[str] = []  # everybody whose hand is in it
    submitted: Act | None = None
    approvals: list[Act] = []
    needed: int = 0  # approvals it needs, fixed when it was submitted
    refused: Act | None = None
    issued_at: int | None = None
    issued_by: str = ""
    over: Act | None = None
    followed_by: str = ""
    message: Message | None = None
    revision: int = 0
    ended: bool = False


def change(state: Bulletin, entry: Entry, languages: tuple[str, ...]) -> None:
    """Folds one line in; a line that cannot be read leaves everything but the revision."""
    fold = _FOLDS.get(entry.move)
    if fold:
        fold(state, entry, entry.data, languages)


def _draft(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    """Also of other aggregates' writing (a plan's signing, a closure), which nobody checked: what does not fit is left out."""
    state.bulletin_id = entry.subject.partition("/")[2]
    state.state, state.drafted_at = "draft", entry.time
    _say(state, data, languages)
    if "cause" not in data and data.get("response"):
        state.cause = str(data["response"])[:300]
    person = entry.kind != "system" and not state.cause
    state.drafted_by = entry.who if person else "system"
    state.authors = [entry.who] if person else []


def _say(state: Bulletin, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    """Takes over every field of `data` that is of its type."""
    types = {field.name: field.type for field in msgspec.structs.fields(Bulletin)}
    for name in CONTENT:
        if name not in data:
            continue
        value = data[name]
        if name in TEXTS and isinstance(value, str):
            value = {languages[0] if languages else "zh-CN": value}
        try:
            setattr(state, name, msgspec.convert(value, types[name]))
        except msgspec.ValidationError:
            continue


def _edit(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    _say(state, data, languages)
    _take_back(state, entry, data, languages)
    _author(state, entry)


def _take_back(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    state.state, state.message, state.approvals, state.submitted, state.refused = "draft", None, [], None, None


def _author(state: Bulletin, entry: Entry) -> None:
    if entry.kind != "system" and entry.who not in state.authors:
        state.authors = [*state.authors, entry.who]


def _submit(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    state.state, state.submitted, state.approvals = "submitted", _act(entry), []
    state.message, state.needed = msgspec.convert(data["message"], Message), int(data["needed"])
    _author(state, entry)


def _approve(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    state.approvals = [*state.approvals, _act(entry, data.get("digest", ""))]
    if data.get("complete"):
        state.state = "approved"


def _refuse(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    state.state, state.refused, state.approvals = "refused", _act(entry), []


def _issue(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    state.state, state.issued_at, state.issued_by = "issued", entry.time, entry.who


def _over(name: str) -> Any:
    def fold(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
        state.state, state.over = name, _act(entry)
        state.followed_by = str(data.get("by", state.followed_by))

    return fold


def _retire(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    state.ended = True


def _withdraw(state: Bulletin, entry: Entry, data: dict[str, Any], languages: tuple[str, ...]) -> None:
    state.state, state.over, state.ended = "withdrawn", _act(entry), True


def _act(entry: Entry, digest: str = "") -> Act:
    return Act(by=entry.who, role=entry.role, at=entry.time, reason=entry.reason, digest=digest)


_FOLDS = {
    "draft": _draft, "edit": _edit, "take_back": _take_back, "submit": _submit, "approve": _approve, "refuse": _refuse,
    "issue": _issue, "withdraw": _withdraw, "expire": _over("expired"), "replaced": _over("replaced"),
    "cancelled": _over("cancelled"), "retire": _retire,
}  # fmt: skip

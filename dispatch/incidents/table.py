"""Every move of an incident: from where, by whom, what it asks for."""

from __future__ import annotations

import msgspec

from dispatch.incidents.settings import GRADES, IncidentRules
from dispatch.tabled import COMMAND, HALL, SEATS, Field, Move

#: topics whose things can be under an incident's roof; a case is its file
MEMBERS = ("file", "alarm", "group", "closure", "task", "channel", "bulletin", "request", "response", "reporting")
OPEN, CLOSED, THERE = ("open",), ("closed",), ("open", "closed")
#: seats and leaders; who commands the incident is "own"
_DESK = (*SEATS, "leader")
_COMMAND = (*COMMAND, "own")
TEXT = 2000
_SHORT = Field(kind="line", longest=200)
_LONG, _FACT = Field(kind="text", longest=TEXT), Field(kind="text", longest=500)
_PERSON = Field(kind="line", must=True, longest=64, offer="persons")


def _must(field: Field) -> Field:
    return msgspec.structs.replace(field, must=True)


def _number() -> Field:
    return Field(kind="whole", must=True, low=1, high=10_000)


def moves_of(rules: IncidentRules) -> dict[str, Move]:
    """The table of one city, in the order in which screens offer moves: grades, roles, kinds and figures are its own."""
    return {**_holding(rules), **_aiming(rules), **COMMANDING, **REPORTING, **ENDING}


def _holding(rules: IncidentRules) -> dict[str, Move]:
    """What is under the roof, and what is known of it."""
    grade = Field(kind="choice", must=True, choices=GRADES)
    kind = Field(kind="choice", choices=tuple(row.name for row in rules.kinds))
    person = msgspec.structs.replace(_PERSON, must=False)
    facts = {
        "place": _SHORT, "source": _SHORT, "cause": _FACT, "trend": _FACT, "measures": _FACT, "officer": _SHORT,
        "started": Field(kind="moment"), "district": Field(kind="line", longest=100, offer="districts"),
        "spot": Field(kind="place"),
    }  # fmt: skip
    members = Field(kind="texts", longest=300, offer="members")
    return {
        "begin": Move(
            frm=("",), by=_DESK, revision=False,
            fields={"title": _must(_SHORT), "grade": grade, "kind": kind, "commander": person, "members": members,
                    **facts, "exercise": Field(kind="yes")},
        ),
        "correct": Move(frm=THERE, by=(*_DESK, "own"), fields={"title": _SHORT, "kind": kind, **facts}),
        "grade": Move(frm=THERE, by=COMMAND, reason=True, fields={"grade": grade}),
        "link": Move(frm=OPEN, by=(*_DESK, "own"), revision=False, fields={"members": _must(members)}),
        "unlink": Move(frm=OPEN, by=(*_DESK, "own"), reason=True, revision=False, fields={"members": _must(members)}),
        "linked": Move(frm=THERE, by=HALL, revision=False, fields={"members": _must(members)}),
        "unlinked": Move(frm=THERE, by=HALL, revision=False, fields={"members": _must(members)}),
        "note": Move(frm=THERE, by=(*_DESK, "own", "inspector"), revision=False, fields={"text": _must(_LONG)}),
        "figures": Move(
            frm=THERE, by=(*_DESK, "own"), revision=False,
            fields={"figures": Field(kind="amounts", must=True, low=0, high=1e12, longest=31), "source": _must(_SHORT),
                    "at": Field(kind="moment")},
        ),
    }  # fmt: skip


def _aiming(rules: IncidentRules) -> dict[str, Move]:
    """What is to be reached, and by whom."""
    role = Field(kind="choice", must=True, choices=tuple(row.name for row in rules.roles))
    person = msgspec.structs.replace(_PERSON, must=False)
    return {
        "objective": Move(
            frm=OPEN, by=_COMMAND, revision=False,
            fields={"text": _must(Field(kind="text", longest=300)), "priority": Field(kind="whole", low=1, high=5)},
        ),
        "objective_done": Move(frm=THERE, by=(*_DESK, "own"), revision=False, fields={"number": _number()}),
        "objective_dropped": Move(frm=THERE, by=_COMMAND, reason=True, revision=False, fields={"number": _number()}),
        "assign": Move(frm=OPEN, by=_COMMAND, fields={"role": role, "person": person}),
    }  # fmt: skip


_BRIEF = {"situation": _LONG, "organisation": _LONG, "resources": _LONG, "objectives": _LONG}
#: appointed once, then handed over by two signatures
COMMANDING = {
    "appoint": Move(frm=OPEN, by=COMMAND, reason=True, fields={"person": _PERSON}),
    "brief": Move(frm=OPEN, by=_COMMAND, fields={"to": _PERSON}),
    "edit_brief": Move(frm=OPEN, by=_COMMAND, fields=_BRIEF),
    "hand_over": Move(frm=OPEN, by=_COMMAND),
    "take_command": Move(frm=OPEN, by=("own",)),
    "decline_command": Move(frm=OPEN, by=("own",), reason=True, revision=False),
    "recall_brief": Move(frm=OPEN, by=_COMMAND, reason=True, revision=False),
}  # fmt: skip
#: drafted by the hall, edited, signed, told, sent
REPORTING = {
    "draft_report": Move(
        frm=THERE, by=(*_DESK, "own"),
        fields={"kind": Field(kind="choice", must=True, choices=("initial", "further", "final"))},
    ),
    "edit_report": Move(frm=THERE, by=(*_DESK, "own"), fields={"text": Field(kind="text", must=True, longest=8000)}),
    "discard_report": Move(frm=THERE, by=(*_DESK, "own"), reason=True),
    "sign_report": Move(frm=THERE, by=COMMAND),
    "phone_report": Move(frm=THERE, by=(*_DESK, "own"), revision=False, fields={"to": _must(_SHORT)}),
    "send_report": Move(frm=THERE, by=(*_DESK, "own"), fields={"to": _must(_SHORT)}),
}  # fmt: skip
ENDING = {
    "close": Move(frm=OPEN, by=COMMAND, reason=True),
    "reopen": Move(frm=("closed", "archived"), by=COMMAND, reason=True),
    "merge": Move(
        frm=OPEN, by=COMMAND, reason=True, fields={"into": Field(kind="subject", must=True, topic="incident")},
    ),
    "archive": Move(frm=CLOSED, by=COMMAND, reason=True),
}  # fmt: skip

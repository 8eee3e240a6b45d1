"""The moves of an alarm: which start from which state, who makes them, what they take. Data; docs/ALARMS.md shows it to people.

States are words for combinations of the independent bits: `unanswered` (active), `acknowledged` (active), `returned` (over, and
nobody answered), `latched` (over, and stands until it is reset), `over` (returned and answered), `gone` (left the board).
"""

from __future__ import annotations

from dispatch.tabled import HALL, LEAD, SEATS, Field, Move

ACTIVE = ("unanswered", "acknowledged")
STANDING = (*ACTIVE, "returned", "latched")
SHOWN = (*STANDING, "over")
EVER = (*SHOWN, "gone")
ANYTIME = ("", *EVER)
#: who answers an alarm; leaders look
PEOPLE = SEATS

#: what the engine knows of an alarm: fields of hall.core.model.Alarm that only it writes. Their kinds are checked one by one
#: (dispatch/alarmlife/edges.py): a supplier's odd name must not keep an alarm from being raised
EDGE: dict[str, Field] = dict.fromkeys(
    (
        "rule", "rules", "cause", "label", "labels", "severity", "priority", "respond_seconds", "value", "unit", "threshold",
        "quantity", "kind", "name", "group", "group_was", "family", "hidden_by", "hidden_why", "doubtful", "chattering",
        "latched", "forecast", "advice", "confidence", "picture", "lon", "lat", "district", "since", "doubts", "fleeting",
        "supplied",
    ),
    Field(kind="record"),
)  # fmt: skip

#: the occurrence that was looked at and how severe it was (0-4): what somebody answers must be what he saw. A screen fills
#: them in, so no form shows them
_SEEN = {"alarm_id": Field(kind="record"), "seen": Field(kind="record")}
#: said by the hall about its own moves (why a shelf ended, how far a case is): no form shows it
_HALL_ONLY = Field(kind="record")
_COMMENT = Field(kind="text", longest=1_000)


def _hall(frm: tuple[str, ...], fields: dict[str, Field] | None = None) -> Move:
    return Move(frm=frm, by=HALL, fields=fields or {}, revision=False)


def _people(frm: tuple[str, ...], by: tuple[str, ...] = PEOPLE, *, reason: bool = False, **fields: Field) -> Move:
    """Bits are independent, so no move needs the newest revision: `alarm_id` and `seen` say what was looked at."""
    return Move(frm=frm, by=by, fields={**_SEEN, **fields}, reason=reason, revision=False)


MOVES: dict[str, Move] = {
    # people
    "acknowledge": _people(STANDING, comment=_COMMENT),
    "comment": _people(SHOWN, text=Field(kind="text", must=True, longest=1_000)),
    "shelve": _people(SHOWN, reason=True, until=Field(kind="moment", must=True)),
    "unshelve": _people(SHOWN, (*PEOPLE, *HALL), because=_HALL_ONLY),
    "dispose": _people(SHOWN, reason=True, found=Field(kind="choice", must=True, choices=("confirmed", "false"))),
    "link_case": _people(
        SHOWN, (*PEOPLE, *HALL), case=Field(kind="subject", topic="file", must=True),
        metres=_HALL_ONLY,
    ),
    "unlink_case": _people(SHOWN, reason=True, case=Field(kind="subject", topic="file", must=True)),
    "link_closure": _people(SHOWN, (*PEOPLE, "leader", *HALL), closure=Field(kind="subject", topic="closure", must=True)),
    "reset": _people(("latched",)),
    "out_of_service": _people(SHOWN, LEAD, reason=True),
    "in_service": _people(SHOWN, LEAD),
    # the hall
    "raise": _hall(ANYTIME, EDGE),
    "change": _hall(ANYTIME, EDGE),
    "return": _hall(ANYTIME, EDGE),
    "retire": _hall(("over", "returned"), {"because": Field(kind="choice", choices=("answered", "unanswered"))}),
}  # fmt: skip

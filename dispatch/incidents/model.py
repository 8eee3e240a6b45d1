"""What is kept of one incident. Times city ms."""

from __future__ import annotations

from typing import Any

import msgspec


class Figure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A number of casualties or losses: who said it, as of when."""

    value: float
    source: str = ""
    at: int = 0
    by: str = ""


class Objective(msgspec.Struct, kw_only=True):
    """What is to be reached; `priority` 1 first."""

    number: int
    text: str
    priority: int = 2
    state: str = "open"  # open | done | dropped
    by: str = ""
    at: int = 0
    ended_by: str = ""
    ended_at: int | None = None


class Note(msgspec.Struct, kw_only=True, omit_defaults=True):
    at: int
    by: str
    text: str


class Brief(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a commander hands over: situation, organisation, resources assigned, objectives and priorities."""

    situation: str = ""
    organisation: str = ""
    resources: str = ""
    objectives: str = ""


class Transfer(msgspec.Struct, kw_only=True):
    """Command going from one person to another. Both sign: `handed_at` the first signature, `taken_at` the second."""

    number: int
    giver: str = ""
    to: str = ""
    brief: Brief = msgspec.field(default_factory=Brief)
    drafted_at: int = 0
    drafted_by: str = ""
    handed_at: int | None = None
    handed_by: str = ""
    taken_at: int | None = None
    outcome: str = ""  # taken | recalled | declined | appointed
    reason: str = ""


class Report(msgspec.Struct, kw_only=True):
    """初报, 续报一, 续报二 ... 终报. `facts`: what was known when it was drafted, which the next one compares with."""

    number: int
    kind: str  # initial | further | final
    state: str = "draft"  # draft | signed | sent | discarded
    title: str = ""
    text: str = ""
    facts: dict[str, Any] = {}
    drafted_at: int = 0
    drafted_by: str = ""
    edited: bool = False
    signed_at: int | None = None
    signed_by: str = ""
    signed_role: str = ""
    phones: list[dict[str, Any]] = []  # {to, at, by}
    sent_at: int | None = None
    sent_by: str = ""
    sent_to: str = ""
    overtaken: bool = False  # a final one of an incident that was opened again


class Incident(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of `incident/<id>`."""

    incident_id: str = ""
    state: str = ""  # open | closed | merged | archived
    title: str = ""
    kind: str = ""
    grade: str = ""
    graded_at: int = 0
    graded_by: str = ""
    grades: list[dict[str, Any]] = []  # {grade, at, who, role, reason}
    facts: dict[str, Any] = {}  # source place cause trend measures officer
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    started: int = 0  # when it happened; 0: nobody has said
    since: int = 0  # when it was opened here
    opened_by: str = ""
    commander: str = ""
    commander_since: int = 0
    roles: dict[str, str] = {}
    objectives: list[Objective] = []
    figures: dict[str, Figure] = {}
    notes: list[Note] = []
    members: list[str] = []
    let_go: list[str] = []  # unlinked by a person: not taken in again by the hall
    transfers: list[Transfer] = []
    papers: list[Report] = []  # documents say `reports`: without their texts
    closed_at: int | None = None
    closed_by: str = ""
    merged_into: str = ""
    absorbed: list[str] = []
    exercise: bool = False
    revision: int = 0
    ended: bool = False


def pending_transfer(state: Incident) -> Transfer | None:
    """The transfer of command that is not over."""
    return next((one for one in state.transfers if not one.outcome), None)


def under_way(state: Incident) -> Report | None:
    """The report that is drafted or signed and not sent yet: one at a time."""
    return next((one for one in state.papers if one.state in ("draft", "signed")), None)


def sent(state: Incident, kind: str = "") -> list[Report]:
    """Reports that were sent, oldest first; of one kind where it is named."""
    return [one for one in state.papers if one.state == "sent" and kind in ("", one.kind) and not one.overtaken]

"""What the model of a shift keeps of a case and of a crew, and how both change hands and states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.journeys.shift.domain import ENDED, GOES_ON


class Impossible(AssertionError):
    """The ledger acknowledged what the model says cannot be."""


@dataclass
class Case:
    state: str = "reported"
    owner: str = ""
    owner_role: str = ""
    unit: str = ""
    crews: set[str] = field(default_factory=set)
    asks: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0
    barred: set[str] = field(default_factory=set)
    moved: bool = False
    merged_into: str = ""
    absorbed: list[str] = field(default_factory=list)
    parent: str = ""
    children: list[str] = field(default_factory=list)
    open_children: set[str] = field(default_factory=set)
    with_parent: bool = False
    returns: int = 0
    reworks: int = 0
    postponed: int = 0
    before: str = ""  # state before a suspension
    until: int = 0
    ended_from: str = ""
    sender: dict[str, str] = field(default_factory=dict)  # stage -> who made it: a return comes back to him
    checked: bool = False
    last: tuple[str, dict[str, Case]] | None = None  # who made the newest command, and what was before it


@dataclass
class Crew:
    case: str = ""
    out: bool = False


class Book:
    """`cases` and `crews` by subject and id."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.crews: dict[str, Crew] = {}
        self._undoable: tuple[str, dict[str, Case]] | None = None

    def must(self, holds: bool, what: str) -> None:
        if not holds:
            raise Impossible(what)

    def _go(self, case: Case, to: str, barred: set[str] | None = None) -> None:
        if barred is not None:
            case.barred = barred
        if to == "suspended" and case.state not in ENDED:
            case.before = case.state
        if to in ENDED:
            case.ended_from = case.state
        case.state = to
        stays = to not in ENDED and case.owner not in (barred or ()) and case.owner_role in GOES_ON.get(to, {case.owner_role})
        if not stays:
            case.owner = case.owner_role = ""

    def _send(self, case: Case, asked: Any) -> None:
        for name in asked.data.get("crews", []):
            crew = self.crews[name]
            self.must(not crew.case and not crew.out, f"{name} was sent to {asked.subject}, being on {crew.case or 'no duty'}")
            crew.case = asked.subject
            case.crews.add(name)

    def _free(self, case: Case, names: set[str]) -> None:
        for name in names:
            self.crews[name].case = ""
        case.crews -= names

    def _own(self, case: Case, who: str, role: str) -> None:
        case.owner, case.owner_role = who, role
        case.asks = {number: ask for number, ask in case.asks.items() if ask["what"] != "takeover"}

"""What the state of every case and crew must be: a second, small telling of the rules, written from the domain and not from
the product's table. It is fed with the commands that were acknowledged, in the ledger's order, and says where they cannot be.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.journeys.shift.cases import Case, Crew
from tests.journeys.shift.domain import ENDED, ENDS, LOOP, ONWARD, OPEN, OWNERS, TAKEN_BACK, WORDS
from tests.journeys.shift.sidemoves import SideMoves


class Model(SideMoves):
    """Feed it every ledger line of files and crews in order, `system` or `command`; raises Impossible."""

    # -- the hall and its suppliers --------------------------------------------------------------------------------

    def system(self, entries: list[dict[str, Any]]) -> None:
        """What the hall itself wrote in one command: its first line says what."""
        for entry in entries:
            topic, _, name = entry["subject"].partition("/")
            move, data = entry["move"], entry["data"]
            if topic == "crew" and move == "enrol":
                self.crews.setdefault(name, Crew())
            elif topic == "file" and move == "open":
                self.cases[entry["subject"]] = Case(data["to"], unit=data.get("unit", ""))
            elif topic == "file":
                self._system_on(self.cases[entry["subject"]], entry["subject"], move, data)

    def _system_on(self, case: Case, subject: str, move: str, data: dict[str, Any]) -> None:
        case.last = None
        if move == "supplied" and data.get("to"):
            self.must(not case.moved, f"a supplier changed {subject}, which people had moved")
            owner = (case.owner, case.owner_role)
            self._go(case, data["to"])
            if case.state not in ENDED:
                case.owner, case.owner_role = owner
        elif move == "resume":
            self.must(case.state == "suspended", f"{subject} resumed from {case.state}")
            self._go(case, case.before or "pending_handle")
            case.before = ""
        else:
            self.must(move in ("supplied", "escalate"), f"the hall did {move} to {subject}")

    # -- people ----------------------------------------------------------------------------------------------------

    def command(self, asked: Any, entries: list[dict[str, Any]]) -> None:
        """One acknowledged command; `entries` only for the names of what it made and the moment it was recorded."""
        if asked.subject.startswith("crew/"):
            return self._crew(asked)
        case = self.cases[asked.subject]
        self._may(case, asked)
        family = {asked.subject: copy.deepcopy(case)} | {name: copy.deepcopy(self.cases[name]) for name in case.children}
        for kept in family.values():
            kept.last = None
        self._undoable, case.last = case.last, None
        self._do(case, asked, entries)
        if asked.move in TAKEN_BACK:
            case.last = (asked.who, family)

    def _may(self, case: Case, asked: Any) -> None:
        owned = case.owner not in ("", asked.who) and asked.role in ("operator", "dispatcher")
        self.must(not (asked.move in OWNERS and owned), f"{asked.who} did {asked.move} on {asked.subject} of {case.owner}")
        barred = asked.move in ONWARD and asked.who in case.barred
        self.must(not barred, f"{asked.who} sent {asked.subject} on again alone after its return")

    def _do(self, case: Case, asked: Any, entries: list[dict[str, Any]]) -> None:
        move = asked.move
        if move in LOOP:
            self._loop(case, asked)
        elif move in ENDS:
            self._end(case, asked)
        elif move in WORDS:
            self.must(case.state in WORDS[move], f"{move} in {case.state}")
        else:
            getattr(self, f"_{move}")(case, asked, entries)

    def _loop(self, case: Case, asked: Any) -> None:
        sources, to = LOOP[asked.move]
        self.must(case.state in sources, f"{asked.move} of {asked.subject} from {case.state}")
        if asked.move in ("register", "dispatch") and case.state in ("reported", "pending_register"):
            case.sender["registered"] = asked.who  # a dispatch from before registration registers too
        if to:
            self._go(case, to)
            case.moved = True
        if asked.move in ONWARD:
            case.barred = set()
        self._stamp(case, asked)
        if asked.move == "dispatch":
            self._send(case, asked)

    def _stamp(self, case: Case, asked: Any) -> None:
        move = asked.move
        if move == "register":
            case.unit = asked.data.get("unit") or case.unit
        if move == "dispatch":
            case.sender["dispatched"], case.unit = asked.who, asked.data["unit"]
        if move == "rework":
            case.reworks, case.checked = case.reworks + 1, False
        if move == "report_check":
            case.checked = asked.data["passed"]
        if move == "request_check":
            case.checked = False

    def _end(self, case: Case, asked: Any) -> None:
        sources, to = ENDS[asked.move]
        self.must(case.state in sources, f"{asked.move} of {asked.subject} from {case.state}")
        self.must(asked.move != "close" or case.checked, f"{asked.subject} closed without a passed check")
        self.must(asked.move not in ("close", "merge") or not case.open_children, f"{asked.subject} ended before its tasks")
        self._over(case, asked.subject, to)
        for name in case.children:
            child = self.cases[name]
            child.last = None
            if child.state not in ENDED:
                self._over(child, name, to)
                child.with_parent = True
        if asked.move == "merge":
            main = self.cases[asked.data["into"]]
            self.must(main.state in OPEN and main is not case, f"merged into {asked.data['into']}, which is {main.state}")
            case.merged_into = asked.data["into"]
            main.absorbed.append(asked.subject)
            main.last = None

    def _over(self, case: Case, subject: str, to: str) -> None:
        self._free(case, set(case.crews))
        self._go(case, to)
        if to in ("closed", "not_accepted"):
            case.barred = set()
        case.moved, case.open_children = True, set()
        if case.parent and case.parent in self.cases:
            self.cases[case.parent].open_children.discard(subject)

    # -- crews -----------------------------------------------------------------------------------------------------

    def _crew(self, asked: Any) -> None:
        name = asked.subject.partition("/")[2]
        crew, subject = self.crews[name], asked.data.get("subject", "")
        if asked.move == "out_of_service":
            if crew.case:
                self._leaves(name, crew.case)
            crew.out = True
        elif asked.move == "in_service":
            self.must(crew.out, f"{name} came back from nowhere")
            crew.out = False
        else:
            self.must(crew.case == subject, f"{name} reported {asked.move} on {subject}, being on {crew.case}")
            case = self.cases[subject]
            case.last = None
            if asked.move in ("clear", "decline"):
                self._leaves(name, subject)
            elif case.state == "pending_handle":
                case.state = "handling"

    def _leaves(self, crew: str, subject: str) -> None:
        self.crews[crew].case = ""
        self.cases[subject].crews.discard(crew)
        self.cases[subject].last = None

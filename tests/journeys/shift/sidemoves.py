"""The side moves of a case in the model of a shift: whose it is, returns, questions and answers, families, undo."""

from __future__ import annotations

import copy
from typing import Any

from tests.journeys.shift.cases import Book, Case
from tests.journeys.shift.domain import ENDED, HANDS, OPEN, SENDABLE


class SideMoves(Book):
    """One method per move: `_<move>(case, asked, entries)`."""

    # -- side moves ------------------------------------------------------------------------------------------------

    def _return(self, case: Case, asked: Any, entries: Any) -> None:
        in_hands = case.state in HANDS
        self.must(case.state in HANDS | SENDABLE, f"return of {asked.subject} from {case.state}")
        stage = "dispatched" if in_hands else "registered"
        barred = {case.sender[stage]} if stage in case.sender else set()
        case.sender.pop("dispatched", None)
        if not in_hands:
            case.sender.pop("registered", None)
        self._free(case, set(case.crews))
        self._go(case, "returned" if in_hands else "pending_register", barred)
        case.returns, case.moved = case.returns + 1, True

    def _confirm_return(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(bool(case.barred) and asked.who not in case.barred, f"{asked.who} confirmed a return to himself")
        case.barred = set()

    def _claim(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(not case.owner, f"{asked.who} claimed {asked.subject}, which {case.owner} has")
        self.must(case.state in OPEN, f"claim in {case.state}")
        self._own(case, asked.who, asked.role)

    def _release(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.owner == asked.who, f"{asked.who} released {asked.subject} of {case.owner}")
        self._own(case, "", "")

    def _seize(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.owner not in ("", asked.who), f"{asked.who} seized {asked.subject} of nobody else")
        self._own(case, asked.who, asked.role)

    def _give(self, case: Case, asked: Any, entries: Any) -> None:
        self._own(case, asked.data["whom"], asked.data.get("whom_role", ""))

    def _ask(self, case: Case, asked: Any, what: str) -> None:
        case.asked += 1
        case.asks[case.asked] = {"what": what, "who": asked.who, "role": asked.role, "data": asked.data, "granted": ""}

    def _ask_takeover(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.owner not in ("", asked.who), f"{asked.who} asked nobody for {asked.subject}")
        self._ask(case, asked, "takeover")

    def _ask_postpone(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.state in HANDS, f"postponing asked in {case.state}")
        self._ask(case, asked, "postpone")

    def _ask_suspend(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.state in HANDS | SENDABLE, f"suspending asked in {case.state}")
        self._ask(case, asked, "suspend")

    def _appeal(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.state in ("closed", "forced_close"), f"appeal in {case.state}")
        self._ask(case, asked, "appeal")

    def _answered(self, case: Case, asked: Any) -> dict[str, Any]:
        ask = case.asks.get(asked.data["ask"])
        self.must(ask is not None, f"{asked.who} answered ask {asked.data['ask']} of {asked.subject}, which is none")
        self.must(asked.who not in (ask["who"], ask["granted"]), f"{asked.who} answered himself on {asked.subject}")
        return ask

    def _refuse(self, case: Case, asked: Any, entries: Any) -> None:
        self._answered(case, asked)
        del case.asks[asked.data["ask"]]

    def _grant(self, case: Case, asked: Any, entries: Any) -> None:
        ask = self._answered(case, asked)
        if ask["what"] == "appeal" and not ask["granted"]:
            ask["granted"] = asked.who
            return
        del case.asks[asked.data["ask"]]
        if ask["what"] == "takeover":
            self._own(case, ask["who"], ask["role"])
        elif ask["what"] == "postpone":
            case.postponed += 1
        elif ask["what"] == "suspend":
            self._free(case, set(case.crews))
            self._go(case, "suspended")
            case.until, case.moved = ask["data"]["until"], True

    def _resume(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.state == "suspended", f"resumed from {case.state}")
        self._go(case, case.before or "pending_handle")
        case.before = ""

    def _assign(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(case.state in HANDS, f"crews sent in {case.state}")
        self._send(case, asked)
        case.moved = True

    def _unassign(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(set(asked.data["crews"]) <= case.crews, f"{asked.data['crews']} were not on {asked.subject}")
        self._free(case, set(asked.data["crews"]))

    # -- families --------------------------------------------------------------------------------------------------

    def _split(self, case: Case, asked: Any, entries: list[dict[str, Any]]) -> None:
        made = [entry["subject"] for entry in entries if entry["move"] == "open"]
        self.must(len(made) == len(asked.data["tasks"]), f"{len(made)} tasks were made of {asked.subject}")
        for name, task in zip(made, asked.data["tasks"], strict=True):
            self.must(name not in self.cases, f"{name} was there before")
            barred = set(case.barred)
            self.cases[name] = Case("pending_dispatch", unit=task["unit"], barred=barred, parent=asked.subject, moved=True)
        case.children += made
        case.open_children |= set(made)
        case.moved = True

    def _unmerge(self, case: Case, asked: Any, entries: list[dict[str, Any]]) -> None:
        self.must(bool(case.merged_into), f"{asked.subject} was merged into nothing")
        main = self.cases[case.merged_into]
        main.absorbed.remove(asked.subject)
        main.last, case.merged_into = None, ""
        self._again(case, asked.subject, entries)

    def _reopen(self, case: Case, asked: Any, entries: list[dict[str, Any]]) -> None:
        self.must(case.state in ENDED and not case.merged_into, f"reopened from {case.state}")
        case.checked = False
        self._again(case, asked.subject, entries)

    def _again(self, case: Case, subject: str, entries: list[dict[str, Any]]) -> None:
        to = case.ended_from or "pending_register"
        if to == "suspended" and case.until <= entries[0]["recorded"]:
            to = case.before or "pending_handle"
        self._go(case, to)
        case.ended_from, case.with_parent = "", False
        if case.state != "suspended":
            case.before = ""
        self._goes_on(case, subject)

    def _goes_on(self, case: Case, subject: str) -> None:
        """The end is taken back: the parent waits for it again, its tasks may be reopened."""
        if case.parent:
            self.cases[case.parent].open_children.add(subject)
            self.cases[case.parent].last = None
        for name in case.children:
            self.cases[name].with_parent, self.cases[name].last = False, None

    def _undo(self, case: Case, asked: Any, entries: Any) -> None:
        self.must(self._undoable is not None and self._undoable[0] == asked.who, f"{asked.who} undid another's move")
        family = self._undoable[1]
        then = family[asked.subject]
        if case.merged_into and not then.merged_into:
            self.cases[case.merged_into].absorbed.remove(asked.subject)
            self.cases[case.merged_into].last = None
        if case.state in ENDED and then.state not in ENDED:
            ended_too = [name for name in case.children if self.cases[name].with_parent and not family[name].with_parent]
            self._goes_on(case, asked.subject)
            for name in ended_too:
                self._restore(name, family[name])
        self._restore(asked.subject, then)

    def _restore(self, subject: str, then: Case) -> None:
        now = self.cases[subject]
        for name in now.crews - then.crews:
            self.crews[name].case = ""
        for name in then.crews - now.crews:
            self.must(not self.crews[name].case and not self.crews[name].out, f"{name} was called back, being elsewhere")
            self.crews[name].case = subject
        now.__dict__.update(copy.deepcopy(then).__dict__)

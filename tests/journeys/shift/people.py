"""Twenty people with policies of their own: what each looks for, which of the allowed moves he likes, what he says with it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.journeys.shift.city import City
from tests.journeys.shift.link import Asked, Seat

ENDED = frozenset({"closed", "forced_close", "cancelled", "not_accepted"})
LOOKS_AT: dict[str, Callable[[dict], bool]] = {
    "operator": lambda d: d.get("state", "reported") in (
        "reported", "pending_verify", "pending_register", "handle_finish", "pending_check"),
    "dispatcher": lambda d: d.get("state", "reported") in ("pending_dispatch", "returned", "pending_handle", "suspended"),
    "supervisor": lambda d: bool(d.get("asks") or d.get("barred")) or d.get("state") in ("returned", "pending_check") or _now_and_then(d),
    "department": lambda d: d.get("state") in ("pending_handle", "handling") or bool(d.get("urges")) or _now_and_then(d),
    "inspector": lambda d: d.get("state") in ("pending_verify", "pending_check"),
}  # fmt: skip


def _now_and_then(document: dict) -> bool:
    """Some of what has ended is looked at again: reopened, appealed against, unmerged."""
    return document.get("state") in ENDED and document["revision"] % 4 == 0


#: move -> how much he likes it; what is not named he never does
LIKES: dict[str, dict[str, float]] = {
    "operator": {
        "claim": 3, "accept": 6, "register": 6, "reject": 0.7, "send_verify": 1, "request_check": 9, "close": 12, "rework": 1,
        "note": 0.2, "merge": 0.5, "call_back": 0.1, "release": 0.4, "ask_takeover": 0.7, "grant": 3, "refuse": 0.5, "link": 0.3,
        "correct": 0.4, "undo": 0.5,
    },
    "dispatcher": {
        "claim": 1, "dispatch": 9, "urge": 0.7, "split": 0.4, "assign": 1, "unassign": 0.4, "resume": 0.4, "return": 0.5,
        "merge": 0.3, "ask_takeover": 0.4, "grant": 3, "emergency": 0.3, "release": 0.3, "undo": 0.5,
    },
    "supervisor": {
        "grant": 5, "refuse": 1, "confirm_return": 5, "urge": 0.7, "force_close": 0.5, "seize": 0.7, "reopen": 0.5, "cancel": 0.3,
        "unmerge": 0.5, "dispatch": 2, "close": 3, "give": 0.4, "report_check": 3, "stop_ladder": 0.2, "undo": 0.5,
    },
    "department": {
        "take": 5, "assign": 4, "feed_back": 9, "return": 1, "ask_postpone": 1, "ask_suspend": 0.8, "reply_urge": 4,
        "unassign": 0.5, "note": 0.2, "appeal": 0.4, "undo": 0.5,
    },
    "inspector": {"report_verify": 5, "report_check": 8, "note": 0.3},
}  # fmt: skip
CREW_LIKES = {"acknowledge": 4, "muster": 1, "en_route": 4, "on_scene": 4, "clear": 2, "decline": 0.4}
UNDO_SHARE, TWICE_SHARE, REDO_SHARE, REDO_MOST = 0.06, 0.05, 0.7, 3


class Person:
    """Works until told to stop; `think` is the mean number of seconds between looking and acting."""

    def __init__(self, seat: Seat, city: City, colleagues: list[tuple[str, str]], seed: int, think: float) -> None:
        self.seat, self.city, self.colleagues, self.think = seat, city, colleagues, think
        self.dice = random.Random(f"{seed}-{seat.name}")
        self.counts: Counter[str] = Counter()
        self.broken_promises: list[Asked] = []
        seat.wants = LOOKS_AT.get(seat.role, lambda d: False)

    async def work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await (self._crew_turn() if self.seat.role == "crew" else self._turn()):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.3)
            await asyncio.sleep(self.dice.expovariate(1 / self.think))

    # -- one turn --------------------------------------------------------------------------------------------------

    async def _turn(self) -> bool:
        if self.seat.role == "department" and self.dice.random() < 0.15:
            return await self._radio()
        subject = self._pick()
        view = await self.seat.view(subject) if subject else None
        choice = self._choose(view) if view else None
        if choice is None:
            return False
        await self._act(view, choice)
        return True

    def _pick(self) -> str | None:
        """Most people reach for what just came in, and so for the same."""
        wanted = self.seat.wanted
        if not wanted:
            return None
        if self.dice.random() < 0.6:
            return self.dice.choice(list(itertools.islice(reversed(wanted), 6)))
        return self.dice.choice(list(wanted))

    def _choose(self, view: dict[str, Any]) -> dict[str, Any] | None:
        likes = LIKES[self.seat.role]
        open_now = [choice for choice in view["allowed"] if choice["move"] in likes]
        return self.dice.choices(open_now, [likes[c["move"]] for c in open_now])[0] if open_now else None

    async def _act(self, view: dict[str, Any], choice: dict[str, Any]) -> None:
        """Asks for it on the revision that was looked at; when that is stale, looks at what changed and redoes it on top."""
        for _ in range(REDO_MOST):
            data = self._says(choice["move"], choice, view)
            if data is None:
                return
            await asyncio.sleep(self.dice.expovariate(1 / self.think))
            asked = await self.seat.ask(
                view["subject"], choice["move"], view["revision"], data, "because" if choice["reason"] else "",
                twice=self.dice.random() < TWICE_SHARE,
            )  # fmt: skip
            self.counts[f"{asked.status} {asked.answer.get('reason', '')}".strip()] += 1
            if asked.acknowledged and asked.answer["seqs"] and self.dice.random() < UNDO_SHARE:
                await self._undo(view["subject"], asked.answer["revision"])
            if asked.answer.get("reason") != "stale":
                return
            self._check_stale(asked)
            view = await self.seat.view(view["subject"]) if self.dice.random() < REDO_SHARE else None
            choice = next((c for c in view["allowed"] if c["move"] == choice["move"]), None) if view else None
            if choice is None:
                return
            self.counts["redone"] += 1

    async def _undo(self, subject: str, revision: int) -> None:
        asked = await self.seat.ask(subject, "undo", revision, {})
        self.counts["undone" if asked.acknowledged else f"undo {asked.answer.get('reason')}"] += 1

    def _check_stale(self, asked: Asked) -> None:
        """A stale answer says what was written since, by whom, up to the present revision."""
        changed = asked.answer.get("changed", [])
        told = [entry["revision"] for entry in changed]
        expected = list(range(asked.revision + 1, asked.answer["revision"] + 1))
        if told != expected or not all(entry["who"] and entry["move"] for entry in changed):
            self.seat.faults.append(f"stale {asked.id} on {asked.revision} told {told}, expected {expected}")

    # -- what he says ----------------------------------------------------------------------------------------------

    def _says(self, move: str, choice: dict[str, Any], view: dict[str, Any]) -> dict[str, Any] | None:
        """Data of a move; None when he has nothing to say after all."""
        file, dice = view["file"], self.dice
        unit = self.seat.known.get("unit") or file.get("unit") or dice.choice(self.city.units)
        simple = {
            "note": {"text": "seen"}, "feed_back": {"opinion": "done"}, "report_check": {"passed": dice.random() < 0.85},
            "report_verify": {"found": dice.random() < 0.9}, "call_back": {"reached": True}, "link": {"incident": "storm"},
            "correct": {"fields": {"description": f"corrected {dice.random():.6f}"}},
            "emergency": {"emergency": not file.get("emergency", False)},
            "split": {"tasks": [{"unit": dice.choice(self.city.units), "text": f"part {n}"} for n in range(2)]},
            "ask_postpone": {"amount": 0.4 * file.get("clock", {}).get("amount", 1)},
            "ask_suspend": {"until": view["now"] + dice.randrange(3, 15) * 60_000},
        }  # fmt: skip
        if move in simple:
            return simple[move]
        if move in ("dispatch", "assign", "unassign"):
            return self._sends(move, unit, file)
        if move == "merge":
            others = [s for s in itertools.islice(reversed(self.seat.wanted), 12) if s != view["subject"]]
            return {"into": dice.choice(others)} if others else None
        if move in ("grant", "refuse"):
            return {"ask": choice["answers"][0]}
        if move == "reply_urge":
            return {"urge": choice["urges"][0], "text": "on it"}
        if move == "give":
            whom, role = dice.choice(self.colleagues)
            return {"whom": whom, "whom_role": role}
        return {}

    def _sends(self, move: str, unit: str, file: dict[str, Any]) -> dict[str, Any] | None:
        if move == "unassign":
            at_work = [work["crew"] for work in file.get("crews", []) if work["state"] != "clear"]
            return {"crews": [self.dice.choice(at_work)]} if at_work else None
        crews = self.seat.present("crew")
        unit = unit if unit in self.city.crews else self.dice.choice(self.city.units)
        free = [name for name in self.city.crews[unit] if crews.get(f"crew/{name}", {}).get("state") == "available"]
        anyone = free if free and self.dice.random() < 0.8 else self.city.crews[unit]
        sent = {"crews": [self.dice.choice(anyone)], "override": "knows the place"}
        if move == "assign":
            return sent
        return {"unit": unit, **(sent if self.dice.random() < 0.6 else {})}

    # -- crews -----------------------------------------------------------------------------------------------------

    async def _crew_turn(self) -> bool:
        """A crew's phone follows no stream: it asks for its tasks."""
        told = await self.seat.get("/api/v1/field/tasks")
        tasks = told["tasks"] if told else []
        if not tasks:
            return False
        task = self.dice.choice(tasks)
        moves = [move for move in task["moves"] if move in CREW_LIKES]
        if moves:
            move = self.dice.choices(moves, [CREW_LIKES[m] for m in moves])[0]
            await self._crew_move(self.seat.known["crew"], move, task["subject"])
        return bool(moves)

    async def _radio(self) -> bool:
        """A department's seat reports for a crew of its own that called by radio; now and then one breaks down."""
        crews = self.seat.present("crew")
        name = self.dice.choice(self.city.crews[self.seat.known["unit"]])
        crew = crews.get(f"crew/{name}")
        if crew is None:
            return False
        if crew.get("state") == "out_of_service":
            await self._crew_move(name, "in_service", None, crew["revision"])
        elif self.dice.random() < 0.1:
            await self._crew_move(name, "out_of_service", None, crew["revision"])
        elif crew.get("assignment"):
            await self._crew_move(name, self.dice.choice(("acknowledge", "en_route", "on_scene", "clear")), crew["assignment"])
        else:
            return False
        return True

    async def _crew_move(self, crew: str, move: str, subject: str | None, revision: int | None = None) -> None:
        data = {"subject": subject} if subject else {}
        asked = await self.seat.ask(
            f"crew/{crew}", move, revision, data, "because" if move in ("decline", "out_of_service") else ""
        )
        self.counts[f"crew {asked.status} {asked.answer.get('reason', '')}".strip()] += 1


def staffed(hall, city: City, seed: int, think: float) -> list[Person]:
    """Twenty: six operators, four dispatchers, two supervisors, a seat of each of three units, an inspector, four crews."""
    desk = [("operator", 6), ("dispatcher", 4), ("supervisor", 2)]
    colleagues = [(f"{role}-{n}", role) for role, count in desk for n in range(count)]
    seats = [Seat(hall, name, role, ["file", "crew"]) for name, role in colleagues]
    seats += [Seat(hall, f"seat-{unit}", "department", ["file", "crew"], unit=unit) for unit in city.units[:3]]
    seats.append(Seat(hall, "inspector-0", "inspector", ["file"]))
    for unit, number in itertools.islice(itertools.product(city.units, range(2)), 4):
        crew = city.crews[unit][number]
        seats.append(Seat(hall, f"phone-{crew}", "crew", [], crew=crew, unit=unit, kind="crew"))
    assert len(seats) == 20
    return [Person(seat, city, colleagues, seed, think) for seat in seats]


async def work_for(people: list[Person], seconds: float, meanwhile: asyncio.Task | None = None) -> None:
    """The shift: everybody works until the time is over, `meanwhile` has ended and his last command is answered."""
    stop = asyncio.Event()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(person.work(stop))
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        if meanwhile:
            await asyncio.wait([meanwhile])
        stop.set()

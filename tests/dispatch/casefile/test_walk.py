"""Random people make random moves on a few cases; a second opinion, written apart from the table, says what must come of it."""

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hall.core.command import Actor, Command
from hall.core.errors import Refused
from tests.dispatch.casefile import world as w
from tests.dispatch.casefile.secondopinion import (
    ENDS,
    FORWARD,
    LETTER,
    MOVES,
    PLACES,
    REASONS,
    UNDOABLE,
    Opinion,
    answerable,
    forbidden,
    repliable,
)  # fmt: skip
from tests.dispatch.casefile.secondstep import go, step

PEOPLE = (
    *w.PEOPLE,
    Actor(name="领导乙", role="leader"),
    Actor(name="管理员乙", role="admin"),
    Actor(name="市政坐席乙", role="department", unit="roads"),
    Actor(name="crew:c2", role="crew", kind="crew", crew="c2"),
    Actor(name="监督员乙", role="inspector"),
)
DESK = [person for person in PEOPLE if person.role in ("operator", "dispatcher", "supervisor", "admin")]
CREWS = ("c1", "c2", "c3")
LOOP = FORWARD | set("report_verify report_check take feed_back return grant resume reopen ask_suspend undo appeal".split())
#: what the newest move of other streams may forbid to an undo, beyond what the case itself tells
OF_OTHER_STREAMS = ("changed-since", "crew-busy", "crew-already-assigned", "crew-out-of-service", "not-permitted")
WAITS = st.sampled_from((0, 1_000, 1_000, 5_000, 11_000, w.HOUR))
people, cases = st.sampled_from(PEOPLE), st.integers(0, 7)


class Walk(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world, self.opinions = w.World(crews=CREWS), {}
        for subject in ("file/f/1", "file/f/2"):
            self.world.supplied(subject, state="reported")
            self.opinions[subject] = Opinion(subject)
        self.looked_at = ("file/f/1", w.OPERATOR)

    def _subject(self, number):
        return list(self.opinions)[number % len(self.opinions)]

    # -- what can be filled in

    def _free(self):
        busy = {crew for case in self.opinions.values() for crew in case.crews}
        return [crew for crew in CREWS if crew not in busy]

    def _data(self, subject, move, actor, n=0):
        """Data that is right for the move now; None where there is none."""
        case, now = self.opinions[subject], self.world.now
        other = next(person for person in DESK[n % 4 :] if person.name not in (case.owner, actor.name))
        free = self._free() if actor.role != "department" or actor.unit == "roads" else []
        into = [name for name, it in self.opinions.items() if name != subject and not it.ended]
        urges = repliable(case, actor)
        asks = [ask for ask in answerable(case, actor) if ask.what != "suspend" or ask.until > now or move == "refuse"]
        photo = {"media": "ab12", "usage": "after"}
        made = {
            "report_verify": {"found": True},
            "report_check": {"passed": n % 3 > 0},
            "dispatch": {"unit": "water" if n % 5 == 4 else "roads"} | ({"crews": free[:1]} if free and n % 2 else {}),
            "feed_back": {"opinion": "已排除", "photos": [photo]},
            "ask_postpone": {"amount": 1},
            "ask_suspend": {"until": now + (1 + n % 3) * w.DAY},
            "grant": {"ask": asks[n % len(asks)].number} if asks else None,
            "refuse": {"ask": asks[n % len(asks)].number} if asks else None,
            "reply_urge": {"urge": urges[0], "text": "马上到"} if urges else None,
            "merge": {"into": into[n % len(into)]} if into else None,
            "split": {"tasks": [{"unit": "water", "text": "抽水"}]},
            "link": {"incident": f"暴雨{n}"},
            "give": {"whom": other.name, "whom_role": other.role},
            "assign": {"crews": free[:1]} if free else None,
            "unassign": {"crews": sorted(case.crews)[:1]} if case.crews else None,
            "note": {"text": "看过"},
            "call_back": {"reached": True},
            "attach": {"photos": [photo]},
            "correct": {"fields": {"description": f"积水 {now}"}},
            "emergency": {"emergency": not case.emergency},
        }
        return made.get(move, {})

    # -- moves

    @rule(number=cases, actor=people, move=st.sampled_from(MOVES), n=st.integers(0, 9), wait=WAITS)
    def anybody_tries_anything(self, number, actor, move, n, wait):
        self._try(self._subject(number), move, actor, n, wait)

    @rule(number=cases, actor=people, pick=st.integers(0, 60), n=st.integers(0, 9), wait=WAITS)
    def somebody_does_what_he_may(self, number, actor, pick, n, wait):
        subject = self._subject(number)
        if possible := sorted(self.world.can(actor, subject)):
            self._try(subject, possible[pick % len(possible)], actor, n, wait)

    @rule(number=cases, pick=st.integers(0, 60), n=st.integers(0, 9), wait=WAITS)
    def the_loop_goes_on(self, number, pick, n, wait):
        subject = self._subject(number)
        possible = [(person, move) for person in PEOPLE for move in sorted(self.world.can(person, subject) & LOOP)]
        if possible:
            actor, move = possible[pick * 7 % len(possible)]
            self._try(subject, move, actor, n, wait)

    def _try(self, subject, move, actor, n, wait):
        self.world.now += wait
        case, now, before = self.opinions[subject], self.world.now, self.world.file(subject)
        if move == "split" and len(self.opinions) > 5:
            return
        self.looked_at = (subject, actor)
        data, no = self._data(subject, move, actor, n), forbidden(case, move, actor, now)
        known, written = case.barred, len(self.world.entries)
        try:
            self.world.do(move, actor, subject, wait=0, **(data or {}))
        except Refused as refused:
            assert no or data is None or (move == "undo" and refused.reason in OF_OTHER_STREAMS), (
                move,
                actor.name,
                refused.reason,
            )
            assert len(self.world.entries) == written, "what is refused writes nothing"
            return
        assert not no and data is not None, f"{actor.name} did {move} in {case.state}"
        assert not (move in FORWARD and actor.name in known), "who got a return back took the next step alone"
        names = [name for name in self.world.stored if name.startswith("file/") and name not in self.opinions]
        step(self.opinions, subject, move, actor, {**data, "names": names, "people": PEOPLE}, now)
        if move == "rework":
            assert self.world.file(subject).unit == before.unit and self.world.file(subject).reworks == before.reworks + 1
        self._touched(written, subject if move in UNDOABLE else "")

    @rule(
        crew=st.sampled_from(CREWS),
        move=st.sampled_from(("acknowledge", "en_route", "on_scene", "clear", "decline")),
        wait=WAITS,
    )
    def a_crew_tells_where_it_is(self, crew, move, wait):
        self.world.now += wait
        case = next((case for case in self.opinions.values() if crew in case.crews), None)
        subject, written = case.subject if case else "file/f/1", len(self.world.entries)
        actor = Actor(name=f"crew:{crew}", role="crew", kind="crew", crew=crew)
        try:
            self.world.do(move, actor, f"crew/{crew}", wait=0, subject=subject)
        except Refused as refused:
            assert case is None or refused.reason in ("state-passed", "state-wrong"), refused.reason
            return
        assert case is not None, f"{crew} told of a case it is not on"
        if move in ("clear", "decline"):
            case.crews = case.crews - {crew}
            case.moved = case.moved or move == "decline"
        elif case.state == "pending_handle":
            case.state = "handling"
        self._touched(written)

    @rule(number=st.integers(1, 2), state=st.sampled_from(sorted(PLACES)))
    def the_supplier_says(self, number, state):
        subject, written = f"file/f/{number}", len(self.world.entries)
        case = self.opinions[subject]
        self.world.supplied(subject, state=state)
        if not case.moved and case.state != state:
            go(case, state, self.world.now, keeps=state not in ENDS)
        self._touched(written)

    @rule(days=st.sampled_from((0.2, 1, 3)))
    def time_passes(self, days):
        """The hall itself takes up what was suspended until now."""
        self.world.now += int(days * w.DAY)
        for subject, case in self.opinions.items():
            written = len(self.world.entries)
            if case.state != "suspended":
                continue
            if case.until > self.world.now:
                code = refused_for(self.world, subject, "resume", w.SYSTEM, {})
                assert code == "too-early"
                continue
            self.world.do("resume", w.SYSTEM, subject, reason="", wait=0)
            step(self.opinions, subject, "resume", w.SYSTEM, {}, self.world.now)
            self._touched(written)

    def _touched(self, written, undoable=""):
        """Whatever else was written into a file, nobody takes back the move before it."""
        for subject in {entry.subject for entry in self.world.entries[written:]} & set(self.opinions):
            if subject != undoable:
                self.opinions[subject].last = None
        for subject, case in self.opinions.items():
            clock = self.world.file(subject).clock
            if clock is None:
                continue
            if case.remaining is not None and case.state != "suspended" and not case.ended:
                assert clock.due == self.world.now + case.remaining, "what was left when it stood still is left now"
                case.remaining = None
            assert clock.remaining == case.remaining
            case.due = clock.due

    # -- what always holds

    @invariant()
    def the_file_is_as_the_second_opinion_says(self):
        for subject, case in self.opinions.items():
            assert seen(self.world.file(subject)) == expected(case), subject

    @invariant()
    def who_is_shown_a_move_can_make_it_and_no_other(self):
        subject, actor = self.looked_at
        case, now = self.opinions[subject], self.world.now
        shown = {made["move"]: made for made in self.world.files.allowed(self.world.file(subject), actor, now)}
        for move in MOVES:
            assert (move in shown) != forbidden(case, move, actor, now), (move, actor.name, case.state)
            data = self._data(subject, move, actor)
            code = refused_for(self.world, subject, move, actor, data or {})
            if data is None or (move == "undo" and code in OF_OTHER_STREAMS):
                continue
            assert (move in shown) == (code is None), (move, actor.name, case.state, code)
            if move in shown:
                needed = move in REASONS or (move == "give" and case.owner not in ("", actor.name))
                assert shown[move]["reason"] == needed
                assert (refused_for(self.world, subject, move, actor, data, reason=" ") == "reason-missing") == needed, move

    @invariant()
    def all_entries_add_up_to_what_was_kept_on_the_way(self):
        for subject in self.world.stored:
            assert msgspec.json.encode(self.world.folded(subject)) == self.world.stored[subject]

    @invariant()
    def nothing_ended_has_a_crew_at_work_or_an_open_question(self):
        for subject in self.opinions:
            file = self.world.file(subject)
            assert file.ended == (file.state in ENDS)
            if file.ended:
                assert not [work for work in file.crews if work.state != "clear"] and not file.owner
                assert {ask.what for ask in file.asks} <= {"appeal"}

    @invariant()
    def a_crew_is_on_one_case_and_both_sides_know_it(self):
        for crew in CREWS:
            on = [subject for subject, case in self.opinions.items() if crew in case.crews]
            assert [assignment.subject for assignment in self.world.crew(crew).assignments] == on and len(on) <= 1


def refused_for(world, subject, move, actor, data, reason="因为"):
    """The code with which it would be refused; None: it would be written. Nothing is."""
    try:
        world.files.decide(world, Command(id="trial", subject=subject, move=move, reason=reason, data=data), actor)
    except Refused as refused:
        return refused.reason
    return None


def seen(file):
    return {
        "state": file.state, "unit": file.unit if file.moved else "", "owner": file.owner, "owner_role": file.owner_role,
        "barred": file.barred, "crews": {work.crew for work in file.crews if work.state != "clear"}, "moved": file.moved,
        "asks": [(ask.number, ask.what, ask.who, ask.granted_by) for ask in file.asks], "postponed": file.clock.postponed if file.clock else 0,
        "urges": [urge.number for urge in file.urges if urge.replied_at is None], "clock": file.clock is not None,
        "suspensions": file.suspensions, "merged_into": file.merged_into, "absorbed": file.absorbed, "children": file.children,
        "open_children": set(file.open_children), "parent_ended": file.parent_ended, "incident": file.incident,
        "emergency": file.emergency, "reworks": file.reworks, "appealed": file.appealed, "exempt": file.exempt,
    }  # fmt: skip


def expected(case):
    return {
        "state": case.state, "unit": case.unit, "owner": case.owner, "owner_role": case.owner_role, "barred": case.barred,
        "crews": case.crews, "moved": case.moved, "asks": [(ask.number, ask.what, ask.who, ask.granted_by) for ask in case.asks],
        "postponed": case.postponed, "urges": list(case.urges), "clock": case.clock, "suspensions": case.suspensions,
        "merged_into": case.merged_into, "absorbed": case.absorbed, "children": case.children,
        "open_children": case.open_children, "parent_ended": case.parent_ended, "incident": case.incident,
        "emergency": case.emergency, "reworks": case.reworks, "appealed": case.appealed, "exempt": case.exempt,
    }  # fmt: skip


def test_every_role_has_two_people_but_those_who_only_look():
    roles = [person.role for person in PEOPLE]
    assert all(roles.count(role) >= 2 for role in LETTER if role != "viewer")


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

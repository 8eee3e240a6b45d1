"""However cases are linked, let go, merged, closed and opened again: a case and the incident it is under agree."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.errors import Refused
from tests.dispatch.incidents.world import LI, SUN, World

CASES = [f"file/t/{n}" for n in range(4)]
INCIDENTS = [f"incident/{name}" for name in "abc"]
STEPS = st.lists(
    st.tuples(st.sampled_from(["link", "unlink", "merge", "close", "reopen"]), st.sampled_from(INCIDENTS),
              st.sampled_from(CASES), st.sampled_from(INCIDENTS)),
    max_size=25,
)  # fmt: skip


def expected(roof, state, step):
    """One step on a plain dict of case -> incident and incident -> state; whether it is possible at all."""
    what, incident, case, other = step
    open_ = state[incident] == "open"
    if what == "link":
        held = roof.get(case)
        if not open_ or (held not in (None, incident) and state[held] == "open"):
            return False
        roof[case] = incident
    elif what == "unlink":
        if not open_:
            return False
        if roof.get(case) == incident:
            del roof[case]
    elif what == "merge":
        if not open_ or other == incident or state[other] != "open":
            return False
        state[incident] = "merged"
        roof |= {one: other for one, held in roof.items() if held == incident}
    elif what == "close":
        if not open_:
            return False
        state[incident] = "closed"
    elif what == "reopen":
        if state[incident] != "closed":
            return False
        state[incident] = "open"
    return True


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_a_case_is_under_one_open_roof_and_both_say_the_same(steps):
    hall = World()
    for case in CASES:
        hall.case(case.rpartition("/")[2])
    for incident in INCIDENTS:
        hall.do(incident, "begin", SUN, title=incident, grade="IV")
    roof, state = {}, dict.fromkeys(INCIDENTS, "open")
    for step in steps:
        what, incident, case, other = step
        data = {"link": {"members": [case]}, "unlink": {"members": [case]}, "merge": {"into": other}}.get(what, {})
        try:
            hall.do(incident, what, LI if what == "link" else SUN, "x", **data)
            done = True
        except Refused:
            done = False
        assert done == expected(roof, state, step), step
        assert {name: hall.get(name).state for name in INCIDENTS} == state
        assert {case: f"incident/{hall.get(case).incident}" for case in CASES if hall.get(case).incident} == roof
        for name in INCIDENTS:
            if state[name] == "open":
                assert set(hall.get(name).members) == {case for case, held in roof.items() if held == name}

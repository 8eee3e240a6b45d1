"""What the desk tells crews: who may, who gets it, what each did with it, and what stays when it is taken back."""

from __future__ import annotations

import pytest

from dispatch.crews.aggregate import Crews
from dispatch.messages import Messages
from dispatch.messages.model import KEPT_MS, ROLES, TEXT
from hall.app.messages import RECEIVERS
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.model import STATE_TOPICS
from hall.roles import MATRIX
from tests.dispatch.plainledger import SYSTEM, PlainLedger

LI, SUN = Actor(name="li", role="dispatcher"), Actor(name="sun", role="supervisor")
M = "message/one"


def phone(crew):
    return Actor(name=f"crew:{crew}", role="crew", kind="crew", crew=crew)


def hall(**duties):
    """A ledger with crews `a` and `b` of the whole city, and those of `duties` by name."""
    ledger = PlainLedger(Messages(), Crews())
    for name, districts in {"a": [], "b": [], **duties}.items():
        ledger.do(f"crew/{name}", "enrol", SYSTEM, crew_id=name, name=f"{name}班", duty={"districts": districts})
    return ledger


def sent(ledger, actor=LI, crews=("crew/a", "crew/b"), **more):
    ledger.do(M, "send", actor, text="桥下积水，绕行", crews=list(crews), **more)
    return ledger


def told(ledger):
    return {one.crew: (one.received, one.read) for one in ledger.states[M].crews}


def test_only_those_who_dispatch_tell_crews_and_only_crews_that_are_theirs():
    assert "message" in STATE_TOPICS and MATRIX["tell-crews"] == set(ROLES)
    for role in set(MATRIX["see-desk"]) - set(ROLES) | {"crew", "wall"}:
        with pytest.raises(Refused, match="may not send"):
            sent(hall(), Actor(name="x", role=role, unit="排水处", crew="a"))
    east = Actor(name="x", role="dispatcher", districts=("红旗区",))
    with pytest.raises(Refused, match="not yours"):
        sent(hall(w=["牧野区"]), east, ("crew/a", "crew/w"))
    ledger = sent(hall(e=["红旗区"]), east, ("crew/e",))
    assert ledger.document(M)["district"] == "红旗区"
    with pytest.raises(Refused, match="may not withdraw"):
        ledger.do(M, "withdraw", Actor(name="y", role="dispatcher", districts=("牧野区",)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"crews": []}, "field-missing"), ({"crews": ["crew/none"]}, "crew-unknown"), ({"crews": ["file/a/b"]}, "bad-field"),
        ({"crews": [f"crew/{n}" for n in range(RECEIVERS + 1)]}, "bad-field"), ({"text": " "}, "bad-field"), ({"text": ""}, "field-missing"),
        ({"text": "字" * (TEXT + 1)}, "bad-field"), ({"text": "a\u0007"}, "bad-field"), ({"urgency": "now"}, "bad-field"),
        ({"about": "file/x/y"}, "about-unknown"), ({"place": {"lon": 400, "lat": 1}}, "bad-field"), ({"sender": "sun"}, "bad-field"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_message_is_named(change, code):
    ledger = hall()
    with pytest.raises(Refused) as refused:
        ledger.do(M, "send", LI, **{"text": "绕行", "crews": ["crew/a"], **change})
    assert refused.value.reason == code and M not in ledger.states


def test_each_crew_says_for_itself_what_it_received_and_read_once():
    ledger = sent(hall())
    begun = ledger.now
    ledger.now += 5_000
    ledger.do(M, "received", phone("a"))
    assert ledger.do(M, "received", phone("a")) == []
    ledger.now += 5_000
    ledger.do(M, "read", phone("b"))
    assert told(ledger) == {"a": (begun + 5_000, None), "b": (begun + 10_000, begun + 10_000)}, "who read it had received it"
    for who in (phone("c"), LI, SUN, SYSTEM):
        with pytest.raises(Refused, match="may not read"):
            ledger.do(M, "read", who)


def test_it_is_urged_while_somebody_has_not_read_it_and_over_a_day_later():
    ledger = sent(hall(), crews=("crew/a",))
    ledger.do(M, "urge", SUN)
    ledger.do(M, "read", phone("a"))
    with pytest.raises(Refused, match="every crew"):
        ledger.do(M, "urge", LI)
    assert "urge" not in {row["move"] for row in Messages().offered(ledger.states[M], LI)}
    ledger.now += KEPT_MS - 1
    assert ledger.do(M, "expire", SYSTEM) == []
    ledger.now += 1
    ledger.do(M, "expire", SYSTEM)
    assert ledger.document(M) is None


def test_a_crew_that_had_it_learns_that_it_was_withdrawn_and_a_late_reading_from_before_counts():
    ledger = sent(hall())
    ledger.do(M, "received", phone("a"))
    before, ledger.now = ledger.now, ledger.now + 60_000
    with pytest.raises(Refused, match="say why"):
        ledger.do(M, "withdraw", LI, "")
    ledger.do(M, "withdraw", LI, "误发")
    late, ledger.now = ledger.now, before + 10
    ledger.do(M, "read", phone("a"))  # tapped without a network before it was withdrawn, heard after
    assert told(ledger)["a"][1] == before + 10
    ledger.now = late + 10
    ledger.do(M, "read", phone("a"))
    assert ledger.states[M].crews[0].withdrawal_read == late + 10 and ledger.document(M)["state"] == "withdrawn"
    with pytest.raises(Refused, match="withdrawn"):
        ledger.do(M, "urge", LI)

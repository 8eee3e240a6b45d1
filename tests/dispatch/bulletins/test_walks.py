"""Whatever people try in whatever order: nothing goes out that two others than its authors did not approve letter for letter."""

import hashlib
import random

import msgspec
import pytest

from hall.core.command import Actor
from hall.core.errors import Refused
from tests.dispatch.bulletins.world import CHEN, HALL, LI, MINUTE, WANG, WATER, ZHAO, World

ADMIN = Actor(name="root", role="admin")
PEOPLE = (WANG, LI, ZHAO, CHEN, ADMIN)
EVERY = ("draft", "edit", "submit", "approve", "take_back", "refuse", "issue", "update", "cancel", "withdraw", "expire")
#: what mostly comes next in a state; now and then somebody tries anything
LIKELY = {
    "": ("draft",), "draft": ("submit", "submit", "edit"), "submitted": ("approve",) * 9 + ("take_back", "refuse", "edit"),
    "approved": ("issue", "issue", "take_back", "approve"), "refused": ("edit",), "issued": ("update", "cancel", "approve"),
}  # fmt: skip


def _data(dice, world, subject, move):
    state = world.states.get(subject)
    if move == "draft":
        return {**WATER, "severity": dice.choice([2, 4]), "exercise": dice.random() < 0.3}
    if move == "edit":
        return {"headline": {"zh-CN": f"改{dice.randrange(9)}"}, **({"exercise": False} if dice.random() < 0.5 else {})}
    if move == "approve":
        right = state is not None and state.message is not None and dice.random() < 0.9
        return {"digest": state.message.digest if right else "0" * 64}
    return {}


def _approved_by_others(world, subject):
    """What the ledger's lines themselves say of an issued bulletin, beside the fold's own bookkeeping."""
    lines = world.history(subject)
    last = max(n for n, line in enumerate(lines) if line.move == "submit")
    hands = {line.who for line in lines if line.move in ("draft", "edit", "submit") and line.kind == "person"}
    approvals = [line for line in lines[last:] if line.move == "approve"]
    frozen = lines[last].data["message"]
    digest = hashlib.sha256(msgspec.json.encode([frozen.get("xml", ""), frozen["texts"]])).hexdigest()
    names = {line.who for line in approvals}
    drafted = [line for line in lines if line.move == "draft"][0]
    authors = hands if not drafted.data.get("cause") else hands - {drafted.who}
    roles = {line.role for line in approvals}
    return {
        "two": len(names) >= 2,
        "others": names.isdisjoint(authors),
        "same": {line.data["digest"] for line in approvals} == {digest},
        "unchanged": all(line.move not in ("edit", "take_back", "refuse") for line in lines[last + 1 :]),
        "lead": "<severity>Extreme" not in frozen["xml"] or "<msgType>Cancel" in frozen["xml"] or "leader" in roles,
    }


@pytest.mark.parametrize("issue", ["on_approval", "by_hand"])
def test_sixty_random_walks_issue_nothing_that_two_others_did_not_approve(issue):
    sent = 0
    for seed in range(60):
        dice, world = random.Random(seed), World(f'[dispatch.bulletins]\nissue = "{issue}"\n')
        names = ["one"]
        for _ in range(40):
            name = dice.choice(names)
            known = world.states.get(f"bulletin/{name}")
            likely = LIKELY.get(known.state if known else "", EVERY)
            move = dice.choice(likely if dice.random() < 0.9 else EVERY)
            actor = HALL if move == "expire" else dice.choice(PEOPLE)
            world.now += dice.choice([0, MINUTE, 10 * MINUTE])
            before = {subject: state.state for subject, state in world.states.items()}
            try:
                world.do(actor, move, name, **_data(dice, world, f"bulletin/{name}", move))
            except Refused:
                continue
            names = [subject.partition("/")[2] for subject in world.states] or ["one"]
            for subject, state in world.states.items():
                if state.state == "issued" and before.get(subject) != "issued":
                    sent += 1
                    found = _approved_by_others(world, subject)
                    assert all(found.values()), (seed, subject, found)
                    assert not state.exercise or "<status>Exercise</status>" in state.message.xml
        for state in world.states.values():  # of one chain one message at most is in force
            if state.replaces and state.state == "issued":
                assert world.states[state.replaces].state != "issued"
    assert sent > 12, sent

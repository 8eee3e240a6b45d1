"""Pushing to walls over HTTP: the real web process with its ledger; screens' reports as the gate publishes them."""

from __future__ import annotations

import time
import uuid

import pytest

from dispatch.ledger import Ledger
from dispatch.shows import Push, Show, Shows
from hall.app.shows import Shows as ShowsApi
from hall.app.shows import answer, concerns
from hall.core.event import Event, encode

MESSAGE = {"what": "message", "content": {"text": "<b>封闭</b> 洪门桥", "severity": 4}, "priority": 2, "seconds": 600}


def body(wall, **more):
    return {"id": uuid.uuid4().hex, "wall": wall, **MESSAGE, **more}


async def told(hall, screen, **document):
    """The gate publishes what a screen reported."""
    now = time.time_ns() // 1_000_000
    data = {"id": screen, "state": "live", "at": now, "part": "", **document}
    bus = hall.bus()
    made = Event(
        id=f"{screen}-{now}-{uuid.uuid4().hex}",
        source="gate",
        subject=f"screen/{screen}",
        time=now,
        recordedtime=now,
        data=data,
    )
    await bus.publish([encode(made)])
    await bus.close()


async def pushes(client, wall):
    found = (await client.get("/api/v1/shows")).json()["pushes"]
    return [row for row in found if row["subject"].startswith(f"show/{wall}/")]


def lines(hall, subject):
    """What the ledger holds of a stream."""
    ledger = Ledger(f"sqlite:///{hall.home / 'var' / 'ledger.db'}", {"show": Shows()})
    found = ledger.history(subject)
    ledger.close()
    return found


async def test_a_push_is_in_the_ledger_with_who_and_why_and_its_screen_answers(city_hall):
    async with await city_hall.client("supervisor", "li") as client:
        made = await client.post(
            "/api/v1/shows", json=body("north", reason="rain", part=[2, 0]), headers={"x-hall-desk": "desk-3"}
        )
        assert made.status_code == 201
        subject, number = made.json()["subject"], made.json()["number"]
        assert subject == "show/north/part-2,0"
        await told(city_hall, "n3", wall="north", part="2,0", number=3)
        await told(city_hall, "n1", wall="north", part="0,0", number=1)
        waiting = (await pushes(client, "north"))[0]
        assert [(row["number"], row["state"]) for row in waiting["screens"]] == [(3, "waiting")]
        shows = {"subject": subject, "number": number, "since": 1_700_000_000_000}
        await told(city_hall, "n3", wall="north", part="2,0", number=3, shows=shows)
        shown = (await pushes(client, "north"))[0]
        assert shown["screens"] == [{"screen": "n3", "number": 3, "part": "2,0", "state": "shown", "since": 1_700_000_000_000}]
        assert shown["content"]["text"] == "<b>封闭</b> 洪门桥" and shown["until"] - shown["since"] == 600_000
    line = lines(city_hall, subject)[-1]
    assert (line.move, line.who, line.role, line.reason, line.desk) == ("push", "li", "supervisor", "rain", "desk-3")


async def test_the_same_id_asked_twice_pushes_once(city_hall):
    asked = body("twice")
    async with await city_hall.client("operator", "li") as client:
        first, again = [(await client.post("/api/v1/shows", json=asked)).json() for _ in range(2)]
        assert again["outcome"].pop("repeated") is True and again == first
        assert len(await pushes(client, "twice")) == 1
    assert len(lines(city_hall, "show/twice/all")) == 1


async def test_taking_a_screen_from_somebody_of_the_same_priority_needs_a_reason(city_hall):
    async with await city_hall.client("operator", "li") as li, await city_hall.client("operator", "wang") as wang:
        await li.post("/api/v1/shows", json=body("east"))
        refused = await wang.post("/api/v1/shows", json=body("east"))
        assert refused.status_code == 409 and refused.json()["reason"] == "reason-missing" and "li" in refused.json()["detail"]
        assert (await wang.post("/api/v1/shows", json=body("east", reason="newer picture"))).status_code == 201
        assert [(row["who"], row["reason"]) for row in await pushes(li, "east")] == [("wang", "newer picture")]


async def test_a_push_is_withdrawn_by_its_owner_and_by_others_with_a_reason_only(city_hall):
    async with await city_hall.client("operator", "li") as li, await city_hall.client("dispatcher", "wang") as wang:
        number = (await li.post("/api/v1/shows", json=body("west"))).json()["number"]
        address = f"/api/v1/shows/west/all/{number}"
        assert (await wang.delete(address, params={"id": "w-1"})).json()["reason"] == "reason-missing"
        assert (await wang.delete(address, params={"id": "w-2", "reason": "wrong place"})).status_code == 200
        assert await pushes(li, "west") == []
    assert [(line.move, line.who, line.reason) for line in lines(city_hall, "show/west/all")][-1] == (
        "withdraw",
        "wang",
        "wrong place",
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"what": "scene", "content": {"layout": "none"}}, {"wall": "../x"}, {"what": "page"}, {"content": {"html": "x"}},
        {"seconds": 1}, {"priority": 9}, {"part": [1]}, {"part": [0, 0], "screen": "s1"}, {"surprise": 1},
    ],
    ids=str,
)  # fmt: skip
async def test_unfit_pushes_are_refused_with_a_reason(city_hall, bad):
    async with await city_hall.client("admin") as client:
        answer = await client.post("/api/v1/shows", json=body("bad") | bad)
        assert answer.status_code == 422 and answer.json()["reason"] and answer.json()["detail"]


async def test_a_switch_of_the_walls_layout_is_in_the_ledger_too(city_hall):
    async with await city_hall.client("operator", "li") as client:
        made = await client.post("/api/v1/scene/hall2", json={"layout": "flood"})
        assert made.status_code == 200
    line = lines(city_hall, "show/hall2/all")[-1]
    assert (line.move, line.who, line.data) == ("scene", "li", {"layout": "flood", "at": made.json()["at"]})


# -- what a screen's report means, without a server ---------------------------------------------------------------------------

PUSH = Push(number=7, what="message", content={}, priority=2, since=100_000)
SUBJECT = "show/main/all"


@pytest.mark.parametrize(
    ("said", "now", "state"),
    [
        (None, 102_999, "waiting"),
        (None, 103_000, "no-answer"),
        ({"subject": SUBJECT, "number": 7}, 102_000, "waiting"),
        ({"subject": SUBJECT, "number": 7}, 110_000, "no-answer"),
        ({"subject": SUBJECT, "number": 7, "since": 100_200}, 110_000, "shown"),
        ({"subject": SUBJECT, "number": 6, "since": 100_200}, 110_000, "covered"),
        ({"subject": "show/main/part-1,0", "number": 7, "since": 1}, 110_000, "covered"),
        ({"subject": SUBJECT, "number": 7, "held": "wang"}, 110_000, "held"),
        ({"subject": SUBJECT, "number": 7, "fault": "show-failed"}, 110_000, "failed"),
    ],
)
def test_what_one_screen_says_of_a_push(said, now, state):
    assert answer({"id": "s", "wall": "main", "shows": said}, SUBJECT, PUSH, now)["state"] == state


def test_a_screen_on_which_the_push_does_not_lie_is_not_counted():
    said = {"subject": SUBJECT, "number": 7, "since": 5, "here": False}
    assert answer({"id": "s", "wall": "main", "shows": said}, SUBJECT, PUSH, 110_000) is None


def test_which_screens_a_target_means():
    one, other, whole, far = ({"id": "a", "wall": "m", "part": "0,0"}, {"id": "b", "wall": "m", "part": "1,0"},
                              {"id": "c", "wall": "m", "part": ""}, {"id": "d", "wall": "n", "part": "0,0"})  # fmt: skip
    meant = {
        target: [s["id"] for s in (one, other, whole, far) if concerns(f"show/m/{target}", s)]
        for target in ("all", "part-1,0", "screen-a")
    }
    assert meant == {"all": ["a", "b", "c"], "part-1,0": ["b", "c"], "screen-a": ["a"]}


async def test_the_ledger_is_told_once_of_what_is_over():
    class Desk:
        def __init__(self) -> None:
            self.states_ = {
                "show/m/all": Show(
                    pushes=[PUSH, Push(number=8, what="case", content={}, priority=3, since=1, until=500)], revision=8
                )
            }
            self.asked = []

        async def states(self, topic):
            return self.states_

        async def execute(self, command, actor):
            self.asked.append((command.id, command.move, actor.kind))

    desk = Desk()
    api = ShowsApi(None, desk, [])
    await api.tidy_once(499)
    assert desk.asked == []
    await api.tidy_once(500)
    assert desk.asked == [("expire-show/m/all-8", "expire", "system")]

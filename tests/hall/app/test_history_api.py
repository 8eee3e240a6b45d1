"""The last hours over HTTP: as each role's stream would have told them, page by page, what never changes without asking again."""

from __future__ import annotations

import gzip

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from dispatch.history.past import Past
from dispatch.history.settings import SEGMENT_MS, TOPICS
from dispatch.history.tracks import unpack
from hall.access import Identity
from hall.app import history as history_module
from hall.app.answers import install
from hall.app.history import History
from hall.app.visit import Visit, set_visit
from tests.dispatch.history.test_history import HOURS, NOW, head, store, unit

DOCS = TOPICS - {"process"}


def case(n: int, moment: int, district: str, state: str = "reported"):
    return head(f"case/t/{n}", moment, {"feed": "t", "case_id": str(n), "state": state, "district": district, "severity": 2})


@pytest.fixture
async def hall(tmp_path):
    """A client of the router alone; `as_(identity)` says who asks, `write` keeps events."""
    who = [Identity("o", "operator")]
    app = FastAPI()
    install(app)
    parts = History(lambda: Past(tmp_path), DOCS, HOURS)

    @app.middleware("http")
    async def visiting(request, call_next):
        set_visit(Visit(page="/", identity=who[0]))
        return await call_next(request)

    app.include_router(parts.router)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall/api/v1/history", follow_redirects=True)
    client.as_ = lambda *a, **k: who.__setitem__(0, Identity(*a, **k))
    client.write = lambda heads: store(tmp_path).write(heads, {})
    yield client
    await client.aclose()
    parts.close()


def told(answer) -> dict[str, str | None]:
    events = [one[1] if isinstance(one, list) else one for one in answer.json()["events"]]
    return {event["subject"]: (event["data"] or {}).get("state") for event in events}


async def test_a_person_of_a_district_sees_of_the_past_what_his_stream_would_have_told_him(hall, monkeypatch):
    assert (await hall.get("")).json()["reason"] == "history-none"
    hall.write(
        [
            case(1, NOW, "N"),
            case(2, NOW + 1, "S"),
            case(3, NOW + 2, "S"),
            case(2, NOW + 9, "N"),
            case(3, NOW + 9, "S", "closed"),
        ]
    )
    hall.write([case(1, NOW + 20, "S"), unit(1, NOW + 30, 113.5), head("process/web", NOW + 60, {})])
    assert set(told(await hall.get(f"?at={NOW + 5}"))) == {"case/t/1", "case/t/2", "case/t/3"}
    everything = (await hall.get("")).json()
    assert (everything["since"], everything["until"], everything["marks"]["cases"]) == (NOW, NOW + 60, [[NOW, 3]])
    hall.as_("n", "operator", districts=("N",))
    assert told(await hall.get(f"?at={NOW + 5}")) == {"case/t/1": "reported"}
    assert told(await hall.get(f"/changes?after={NOW + 5}&until={NOW + 25}")) == {"case/t/2": "reported", "case/t/1": None}
    monkeypatch.setattr(history_module, "PAGE", 1)
    first = await hall.get(f"/changes?after={NOW + 5}&until={NOW + 25}")
    assert told(first) == {"case/t/2": "reported"} and first.json()["next"] == 1
    hall.as_("crew", "crew")
    assert (await hall.get(f"?at={NOW + 5}")).json()["events"] == []
    assert (await hall.get(f"/positions?subject=position/v/1&from={NOW}")).status_code == 403
    assert (await hall.get("/segments/open")).status_code == 403


async def test_a_drawing_of_the_past_is_told_to_whom_it_was_shared_with_then(hall):
    hall.write([head("shape/s", NOW, {"to": "walls", "state": "1"}), head("shape/s", NOW + 5, {"to": "room", "state": "2"})])
    hall.write([head("shape/u", NOW, {"to": "unit:water", "state": "3"}), head("process/web", NOW + 60, {})])
    for who, before, after in (
        (("o", "operator"), {"shape/s": "1"}, {"shape/s": "2"}),
        (("v", "viewer"), {"shape/s": "1"}, {}),
        (("d", "department", "water"), {"shape/s": "1", "shape/u": "3"}, {"shape/u": "3"}),
    ):
        hall.as_(*who[:2], **({"unit": who[2]} if who[2:] else {}))
        assert told(await hall.get(f"?at={NOW + 2}&topics=shape")) == before
        assert told(await hall.get(f"?at={NOW + 9}&topics=shape")) == after
        assert told(await hall.get(f"/changes?after={NOW + 2}&until={NOW + 9}&topics=shape")).get("shape/s") == after.get(
            "shape/s"
        )


async def test_what_is_over_is_sent_once_and_what_runs_says_its_version(hall):
    hall.write([unit(1, NOW + n * 10_000, 113.5 + n / 1e3) for n in range(70)])
    held = await hall.get(f"/segments/{NOW}")
    assert "immutable" in held.headers["cache-control"] and unpack(gzip.compress(held.content)).until == NOW + SEGMENT_MS
    running = await hall.get("/segments/open")
    same = {"if-none-match": running.headers["etag"]}
    assert (await hall.get("/segments/open", headers=same)).status_code == 304
    hall.write([unit(1, NOW + 700_000, 113.6)])
    assert (await hall.get("/segments/open", headers=same)).status_code == 200
    state = await hall.get(f"?at={NOW + 95_000}&topics=position")
    (event,) = msgspec.json.decode(state.content)["events"]
    # between two reports that were kept: on the line
    assert event["data"]["lon"] == pytest.approx(113.5095, abs=1e-5) and event["time"] == NOW + 95_000
    again = await hall.get(f"?at={NOW + 95_000}&topics=position", headers={"if-none-match": state.headers["etag"]})
    assert again.status_code == 304
    rows = (await hall.get(f"/positions?subject=position/v/1&from={NOW + 650_000}")).json()["rows"]
    assert rows == [[NOW + 650_000, 113.565, 35.0], [NOW + 660_000, 113.566, 35.0], [NOW + 670_000, 113.567, 35.0],
                    [NOW + 680_000, 113.568, 35.0], [NOW + 690_000, 113.569, 35.0], [NOW + 700_000, 113.6, 35.0]]  # fmt: skip


async def test_refusals_say_what_is_wrong(hall):
    hall.write([case(1, NOW, "N"), head("process/web", NOW + 10, {}), head("process/web", NOW + 90_000, {})])
    assert (await hall.get(f"?at={NOW - 1}")).json()["reason"] == "history-before"
    assert (await hall.get(f"?at={NOW}&topics=audit")).json()["reason"] == "unknown-topic"
    assert (await hall.get(f"/changes?after={NOW}&until={NOW - 1}")).json()["reason"] == "bad-request"
    assert (await hall.get("/segments/5")).json()["reason"] == "segment-unknown"
    assert (await hall.get(f"?at={NOW + 30_000}")).json()["gap"] == [NOW + 10, NOW + 90_000]
    off = History(lambda: None, DOCS, 0)
    with pytest.raises(history_module.Refused, match="history"):
        await off._run(lambda past: past)

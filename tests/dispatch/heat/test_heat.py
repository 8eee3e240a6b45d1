"""Heat of past cases against a plain loop over them; over HTTP as each role may see it."""

from __future__ import annotations

import json
import math
import random

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from dispatch.casebook import Casebook, Version
from dispatch.heat import index as reading
from dispatch.heat.columns import MOST_CELLS, HeatColumns, Question, Reported
from dispatch.heat.index import HeatIndex
from hall.access import Identity
from hall.app.answers import install
from hall.app.heat import Heat
from hall.app.visit import Visit, set_visit
from hall.core.model import Case, Stages

DAY = 86_400_000
BOX = (113.8, 35.2, 114.0, 35.4)
CLASSES, DISTRICTS, UNITS = ("市容环境", "公用设施", ""), ("红旗区", "卫滨区", ""), ("市政处", "")


def a_case(chance: random.Random, number: int) -> Reported:
    place = (None, None) if chance.random() < 0.1 else (chance.uniform(113.75, 114.05), chance.uniform(35.15, 35.45))
    state = "withdrawn" if chance.random() < 0.05 else "closed"
    names = chance.choice(CLASSES), chance.choice(DISTRICTS), chance.choice(UNITS)
    return Reported(number, state, *names, chance.randrange(100 * DAY), *place)


def tile(lon: float, lat: float, level: int) -> tuple[int, int]:
    """The usual formula of map tiles."""
    x = (lon + 180) / 360 * 2**level
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**level
    return int(x), int(y)


def test_counts_are_those_of_a_loop_through_corrections_and_withdrawals():
    chance, columns, known = random.Random(5), HeatColumns(), {}
    for _ in range(6):
        rows = [a_case(chance, chance.randrange(1, 3_000)) for _ in range(1_500)]
        known |= {row.id: row for row in rows}
        columns.put(list({row.id: row for row in rows}.values()))
    version = columns.version
    assert not columns.put(rows[-1:] if known[rows[-1].id] == rows[-1] else []) and columns.version == version
    for zoom in (9, 12, 15):
        for classes, districts, unit in (
            (None, None, None),
            (CLASSES[:1], None, None),
            (None, ("", "红旗区"), "市政处"),
            (("?",), None, None),
        ):
            since = chance.randrange(90 * DAY)
            found = columns.grid(Question(since, since + 20 * DAY, BOX, zoom, classes, districts, unit))
            wanted, unplaced, placed = {}, 0, 0
            for row in known.values():
                if row.state == "withdrawn" or not since <= row.reported < since + 20 * DAY:
                    continue
                if (classes and row.class_name not in classes) or (unit and row.unit != unit):
                    continue
                if districts and row.district not in districts:
                    continue
                if row.lon is None:
                    unplaced += 1
                    continue
                placed += 1
                x, y = tile(row.lon, row.lat, found.level)
                if 0 <= x - found.x < found.width and 0 <= y - found.y < found.height:
                    wanted[x - found.x, y - found.y] = wanted.get((x - found.x, y - found.y), 0) + 1
            counts = found.counts.reshape(found.height, found.width)
            assert {(x, y): int(counts[y, x]) for y, x in np.argwhere(counts).tolist()} == wanted
            assert (found.placed, found.unplaced, found.inside) == (placed, unplaced, sum(wanted.values()))
            assert found.level == min(zoom + 6, 20), "21 would be more cells than one answer has"


def test_a_view_of_the_world_gets_wider_cells_and_a_cell_counts_no_further_than_its_number_reaches():
    columns = HeatColumns()
    columns.put([Reported(n, "", "", "", "", 5, 113.9, 35.3) for n in range(1, 70_001)])
    found = columns.grid(Question(0, 10, (-180, -90, 180, 90), 14))
    assert found.width * found.height <= MOST_CELLS and found.counts.max() == 65_535 and found.inside == 70_000
    strange = [(181.0, 0.0), (0.0, 89.9), (float("nan"), 1.0)]
    columns.put([Reported(80_000 + n, "", "", "", "", 5, lon, lat) for n, (lon, lat) in enumerate(strange)])
    assert columns.grid(Question(0, 10, BOX, 10)).unplaced == len(strange)


@pytest.fixture
def book(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "SLICE", 7)
    writer = Casebook.open_writer(tmp_path / "cases.db")
    yield writer
    writer.close()


def version(number, **more):
    more = {"lon": 113.9, "lat": 35.3, "class_name": "市容环境", "stages": Stages(reported=number * DAY)} | more
    return Version(f"case/f/{number}", (number * DAY + len(more), 0, "a"), "t", Case(feed="f", case_id=str(number), **more))


def read(index):
    while index.step():
        pass


def everything(index, **more):
    return index.grid(Question(0, 10**15, BOX, 12, **more))[0]


def test_the_index_reads_the_newest_first_and_follows_what_is_added_and_what_changes(book, tmp_path):
    index = HeatIndex(Casebook.open_reader(tmp_path / "cases.db"))
    assert not index.step() and everything(index).placed == 0, "an empty book"
    book.record([version(n) for n in range(1, 41)])
    index = HeatIndex(Casebook.open_reader(tmp_path / "cases.db"))
    index.step()
    index.step()
    assert index.about()["oldest"] == 34 * DAY and 0 < index.share < 1, "a slice of the newest"
    read(index)
    assert everything(index).placed == 40 and index.share == 1
    assert not index.step(), "nothing to do"
    book.record(
        [version(41), version(3, class_name="公用设施", unit="市政处"), Version("case/f/5", (99 * DAY, 0, "b"), "t", None)]
    )
    read(index)
    assert everything(index).placed == 40
    assert everything(index, classes=("公用设施",)).placed == 1
    assert [one["name"] for one in index.about()["classes"]] == ["市容环境", "公用设施"]


async def test_over_http_each_sees_his_own_and_an_unchanged_answer_is_not_sent_again(book, tmp_path):
    book.record([version(n, district=DISTRICTS[n % 2], unit="市政处" if n < 5 else "园林处") for n in range(1, 31)])
    book.record([version(31, lon=None, lat=None)])
    index = HeatIndex(Casebook.open_reader(tmp_path / "cases.db"))
    read(index)
    heat = Heat(index, Question)
    server, who = FastAPI(), [Identity("a", "wall")]
    install(server)
    server.include_router(heat.router)

    @server.middleware("http")
    async def visit(request, call):
        set_visit(Visit(identity=who[0]))
        return await call(request)

    query = {"bbox": ",".join(map(str, BOX)), "zoom": 12, "from": 0, "to": 40 * DAY}

    async def placed(identity=None, **more):
        who[0] = identity or Identity("a", "wall")
        answer = await client.get("/api/v1/heat", params=query | more)
        assert answer.status_code == 200, answer.text
        n = int.from_bytes(answer.content[4:8], "little")
        head = json.loads(answer.content[8 : 8 + n])
        counts = np.frombuffer(answer.content[8 + n :], "<u2")
        assert answer.content[:4] == b"HCH1" and len(counts) == head["width"] * head["height"]
        assert counts.sum() == head["inside"] and head["ready"] == 1
        return head["placed"], head["unplaced"]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://hall") as client:
        assert await placed() == (30, 1)
        assert await placed(Identity("b", "operator", districts=("红旗区",))) == (15, 1), "and what lies in no district"
        assert await placed(Identity("c", "department", unit="市政处")) == (4, 0)
        assert await placed(Identity("d", "department")) == (0, 0)
        assert await placed(**{"class": "公用设施"}) == (0, 0)
        assert await placed(**{"from": 29 * DAY}) == (2, 1)
        about = (await client.get("/api/v1/heat/about")).json()
        assert about["total"] == 31 and about["unplaced"] == 1
        who[0] = Identity("c", "department", unit="市政处")
        assert set((await client.get("/api/v1/heat/about")).json()) == {"classes", "ready"}

        first = await client.get("/api/v1/heat", params=query)
        again = {"If-None-Match": first.headers["etag"]}
        assert (await client.get("/api/v1/heat", params=query, headers=again)).status_code == 304
        who[0] = Identity("a", "wall")
        assert (await client.get("/api/v1/heat", params=query, headers=again)).status_code == 200, "not another's"
        for wrong in ({"bbox": "1,2,3"}, {"to": 0}, {"bbox": "5,1,4,2"}):
            refused = await client.get("/api/v1/heat", params=query | wrong)
            assert refused.status_code == 422 and refused.json()["reason"] == "bad-request"
    heat.close()

"""From the question of a screen to its table: only what is asked for is worked out, and for as long as somebody asks."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from dispatch.measures import part as measuring
from dispatch.measures.columns import CaseColumns
from dispatch.measures.part import MeasurePart, Tables, measures
from dispatch.rain.totals import RainTotals
from hall.app import measures as web
from hall.app.answers import install
from tests.dispatch.measures.test_measures import HOUR, NOW, facts, squares

ADDRESS = "/api/v1/measures/open_cases/cells"


class Told(list):
    put = list.append


@pytest.fixture
async def hall(bus, monkeypatch):
    """A part on the test's bus, a client of the addresses, and the documents that were told."""
    process = SimpleNamespace(bus=bus, counters={}, bulk=Told(), event=lambda subject, data: (subject, data))
    cases = CaseColumns()
    part = MeasurePart(process, cases, RainTotals())
    part._tables = Tables(part.kept, [squares()], measures())
    server = FastAPI()
    install(server)
    server.include_router(web.router(process))
    monkeypatch.setattr(measuring, "AGAIN_SECONDS", 0.0)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://hall") as client:
        yield SimpleNamespace(part=part, cases=cases, client=client, told=process.bulk, bus=bus)


async def test_a_table_is_made_when_asked_for_and_its_version_told_when_it_changes(hall):
    refused = await hall.client.get(ADDRESS)
    assert refused.status_code == 503 and refused.json()["reason"] == "measures-none"
    await hall.part.look(NOW)
    listed = (await hall.client.get("/api/v1/measures")).json()
    assert [level["name"] for level in listed["levels"]] == ["cells"] and listed["levels"][0]["areas"] == 16
    assert {"zh-CN", "en"} == set(listed["measures"][0]["label"])
    assert hall.told == [] and await hall.bus.hash_names("measures") == [""], "nothing is worked out unasked"

    counting = await hall.client.get(ADDRESS)
    assert counting.status_code == 202 and counting.json() == {"state": "counting"}
    await hall.part.look(NOW)
    ((subject, document),) = hall.told
    found = await hall.client.get(ADDRESS)
    assert subject == "kpi/measures" and document["tables"] == {"open_cases/cells": found.json()["version"]}
    assert found.json()["rows"] == {} and found.json()["absent"] == 0
    again = await hall.client.get(ADDRESS, headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304

    await hall.part.look(NOW + 1)
    assert len(hall.told) == 1, "the same numbers are no news"
    hall.cases.case("case/f/1", facts(NOW - 2 * HOUR, lon=113.905, lat=35.305))
    await hall.part.look(NOW + 2)
    assert hall.told[-1][1]["tables"] != document["tables"]
    plain = await hall.client.get(ADDRESS, headers={"If-None-Match": found.headers["etag"], "Accept-Encoding": "identity"})
    assert plain.json()["rows"] == {"c00": [1, 1]} and plain.json()["as_of"] == NOW + 2


async def test_what_nobody_asks_for_any_more_is_forgotten(hall, monkeypatch):
    await hall.part.look(NOW)
    await hall.client.get(ADDRESS)
    await hall.part.look(NOW)
    assert set(await hall.bus.hash_names("measures")) == {"", "open_cases/cells"}
    monkeypatch.setattr(measuring, "ASKED_MS", -1)
    await hall.part.look(NOW)
    assert await hall.bus.hash_names("measures") == [""] and await hall.bus.hash_names("measures-asked") == []


async def test_a_measure_or_level_that_is_not_there_is_named(hall):
    await hall.part.look(NOW)
    for path, reason in (("happiness/cells", "measure-unknown"), ("open_cases/parish", "level-unknown")):
        found = await hall.client.get(f"/api/v1/measures/{path}")
        assert found.status_code == 404 and found.json()["reason"] == reason and ":" in found.json()["detail"]
    assert await hall.bus.hash_names("measures-asked") == []

"""Components over HTTP: one record with its cases, as each role may see it; a version that went; refusals with their reasons."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from dispatch.casebook import Casebook, Version
from feeds.components.asking import Inventory
from feeds.components.importing import Order, import_components
from feeds.components.settings import source_of
from hall.access import Identity
from hall.app.answers import install
from hall.app.components import Components
from hall.app.visit import Visit, set_visit
from hall.core import config
from hall.core.model import Case, Stages

NUMBER = "4107020104000001"
TOML = """
[city]
name = {en = "X"}
centre = [113.9, 35.3]
[components.parts]
crs = "WGS-84"
[components.parts.mapping]
component_id = "id"
department = "unit"
owner = "owner"
extra = ["unit"]
lon = "x"
lat = "y"
"""


def a_case(number, **more):
    more = {"lon": 113.912345, "lat": 35.312345, "state": "closed", "stages": Stages(reported=int(number))} | more
    return Version(f"case/f/{number}", (int(number), 0, number), "t", Case(feed="f", case_id=number, **more))


CASES = [
    a_case("1", component=NUMBER, lon=None, lat=None, district="红旗区"),
    a_case("2", description=f"部件{NUMBER}破损", lon=113.5, state="handling", unit="市政处"),
    a_case("3", lon=113.91236, unit="园林处"),  # 1.4 m beside it
    a_case("4", lon=113.9126),  # 23 m
    a_case("5", component="4107020104000009"),  # of its neighbour, at the same place
    Version("case/f/6", (6, 0, "6"), "t", None),
]


@pytest.fixture
async def hall(tmp_path):
    """A client of the router alone, over an import of three components and a casebook; `as_(identity)` says who asks."""
    (tmp_path / "hall.toml").write_text(TOML, "utf-8")
    rows = [
        f"{NUMBER},市政处,113.912345,35.312345,王师傅 13803731234",
        "4107020104000002,园林处,113.95,35.31234,",
        "4107020104000003,,113.96,35.31234,",
    ]
    book = Casebook.open_writer(tmp_path / "cases.db")
    book.record(CASES)
    told = config.load(tmp_path / "hall.toml")

    def imported(count):
        (tmp_path / "c.csv").write_text("\n".join(["id,unit,x,y,owner", *rows[:count]]) + "\n", "utf-8")
        order = Order(where=str(tmp_path / "c.csv"), source=source_of(told, "parts"), whole=True, at=1)
        import_components(told, tmp_path / "components", order)

    who = [Identity("o", "operator")]
    app = FastAPI()
    install(app)
    crews = {"crew/c1": SimpleNamespace(unit="市政处", ended=0), "crew/c2": SimpleNamespace(unit="", ended=0)}

    async def crew(subject):
        return crews.get(subject)

    parts = Components(Inventory(tmp_path / "components"), book, crew=crew)

    @app.middleware("http")
    async def visiting(request, call_next):
        set_visit(Visit(page="/", identity=who[0]))
        return await call_next(request)

    app.include_router(parts.router)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://hall/api/v1/components", verify=False, follow_redirects=True
    )
    client.imported, client.as_ = imported, lambda *a, **k: who.__setitem__(0, Identity(*a, **k))
    yield client
    await client.aclose()
    parts.close()
    book.close()


async def test_a_component_tells_its_cases_those_that_name_it_and_those_at_its_place(hall):
    hall.imported(3)
    found = (await hall.get(f"/{NUMBER}")).json()
    assert found["component"]["component_id"] == NUMBER
    assert [(case["case_id"], case["names"]) for case in found["cases"]] == [("3", False), ("2", True), ("1", True)]
    hall.as_("d", "department", unit="市政处")
    assert [case["case_id"] for case in (await hall.get(f"/{NUMBER}")).json()["cases"]] == ["2"]
    assert (await hall.get("/4107020104000002")).json()["reason"] == "wrong-component"
    assert (await hall.get("")).json()["total"] == 1
    hall.as_("s", "operator", districts=("卫滨区",))
    assert [case["case_id"] for case in (await hall.get(f"/{NUMBER}")).json()["cases"]] == ["3", "2"]
    hall.as_("wall:east", "wall")
    assert (await hall.get(f"/{NUMBER}")).json()["cases"] is None


async def test_a_phone_is_shown_what_its_crews_unit_is_competent_for_without_words_and_people(hall):
    hall.imported(3)
    hall.as_("crew:c1", "crew", crew="c1")
    about = (await hall.get("")).json()
    grid = (await hall.get("/grid?bbox=113,35,114,36&zoom=12")).json()
    assert (about["total"], len(grid["features"]), grid["version"]) == (1, 1, about["version"])
    found = (await hall.get(f"/at/{grid['features'][0][3]}?version={grid['version']}")).json()
    assert found["component"]["component_id"] == NUMBER and found["component"]["owner"] == "王师傅 •••"
    assert not {"extra", "x", "y", "source"} & set(found["component"])
    assert [(case["case_id"], case["open"], case["reported"]) for case in found["cases"]] == [("2", True, 2)]
    assert "description" not in found["cases"][0] and "subject" not in found["cases"][0]
    for who, why in (("c2", "no-unit"), ("gone", "crew-unknown")):
        hall.as_("x", "crew", crew=who)
        for address in ("", "/grid?bbox=113,35,114,36&zoom=12", f"/at/0?version={about['version']}"):
            assert (await hall.get(address)).json()["reason"] == why
    hall.as_("crew:c1", "crew", crew="c1", case="file/f/2")
    assert (await hall.get("/grid?bbox=113,35,114,36&zoom=12")).json()["reason"] == "one-case-link"


async def test_a_view_is_sent_once_and_small(hall):
    hall.imported(3)
    address = "/grid?bbox=113,35,114,36&zoom=12&most=50"
    plain = await hall.get(address, headers={"accept-encoding": "identity"})
    packed = await hall.get(address, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.json() == plain.json() and packed.json()["total"] == 3
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"
    tag = {"if-none-match": plain.headers["etag"]}
    again = await hall.get(address, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    hall.as_("d", "department", unit="市政处")
    assert (await hall.get(address, headers=tag)).json()["total"] == 1, "what another may see is another answer"
    assert (await hall.get("/grid?bbox=113,35,114,36&zoom=12&most=2001")).status_code == 422


async def test_a_row_holds_for_its_version_only_and_the_pack_is_sent_once(hall):
    assert (await hall.get("")).json() == {"version": None, "total": 0, "importing": False}
    assert (await hall.get("/pack")).json()["reason"] == "components-none"
    hall.imported(1)
    pack = await hall.get("/pack")
    version = pack.headers["etag"].strip('"')
    assert (await hall.get("/pack", headers={"if-none-match": f'"{version}"'})).status_code == 304
    assert (await hall.get(f"/at/0?version={version}")).json()["component"]["component_id"] == NUMBER
    hall.imported(3)
    assert (await hall.get(f"/at/0?version={version}")).json()["reason"] == "components-changed"
    assert (await hall.get("/pack", headers={"if-none-match": f'"{version}"'})).status_code == 200
    grid = (await hall.get("/grid?bbox=113,35,114,36&zoom=12&department=园林处")).json()
    assert grid["total"] == 1 and grid["features"][0][:3] == [113.95, 35.31234, 1]
    assert (await hall.get("/search?q=000003")).json()["rows"][0]["component_id"] == "4107020104000003"
    assert len((await hall.get("/filter?kind=01")).content) == 13


@pytest.mark.parametrize(
    "asked",
    ["/grid?bbox=1,2,3&zoom=1", "/grid?bbox=3,2,1,4&zoom=1", "/grid?bbox=nan,0,1,1&zoom=1", "/grid?zoom=3", "/grid?bbox=1,2,3,4&zoom=99",
     "/filter?state=rusty", "/filter?color=red", "/search?limit=0", "/search?q=" + "x" * 201, "/at/x?version=1", "/at/1"],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_with_a_reason(hall, asked):
    hall.imported(3)
    answer = await hall.get(asked)
    assert answer.status_code == 422 and json.loads(answer.content)["reason"] == "bad-request", answer.text


async def test_the_demo_citys_come_in_with_the_first_question_once(tmp_path):
    asked, done = [], asyncio.Event()

    async def first():
        asked.append(1)
        await done.wait()
        return ""

    app = FastAPI()
    install(app)
    parts = Components(Inventory(tmp_path / "components"), Casebook.open_reader(tmp_path / "none"), first)
    app.include_router(parts.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall", verify=False) as client:
        for _ in range(2):
            assert (await client.get("/api/v1/components/pack")).json()["reason"] == "components-none"
            assert (await client.get("/api/v1/components")).json()["importing"] is True
        done.set()
        await asyncio.sleep(0)
        await parts._importing
        assert (await client.get("/api/v1/components")).json()["importing"] is False and asked == [1]
    parts.close()

"""Boundaries as screens fetch them."""

from __future__ import annotations

import json
import random

import httpx
import pytest
import shapely
from fastapi import FastAPI
from shapely.geometry import shape

from hall.app import answers, boundaries
from hall.core import config, settings
from hall.core.process import Process


def _areas(*named):
    made = []
    for code, (west, south, side) in named:
        ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        made.append({"type": "Feature", "properties": {"name": f"{code} 街道", "code": code}, "geometry": geometry})
    return json.dumps({"type": "FeatureCollection", "features": made})


@pytest.fixture
async def client(tmp_path, monkeypatch):
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "var"))
    (tmp_path / "d.geojson").write_text(_areas(("d1", (113.0, 35.0, 0.2)), ("d2", (113.2, 35.0, 0.2))), "utf-8")
    (tmp_path / "s.geojson").write_text(_areas(("s1", (113.0, 35.0, 0.1)), ("s2", (113.25, 35.0, 0.1))), "utf-8")
    lines = '[city]\nname = {en = "X"}\ncentre = [113.9, 35.3]\nboundary = "d.geojson"\nboundary_name = "code"\n'
    lines += '[map.boundaries.streets]\nfile = "s.geojson"\nlevel = 8\ncode = "code"\n'
    lines += '[map.boundaries.broken]\nfile = "none.geojson"\nlevel = 9\n'
    path = tmp_path / "hall.toml"
    path.write_text(lines, "utf-8")
    app = FastAPI()
    answers.install(app)
    app.include_router(boundaries.router(Process("web", settings.read(), config.load(path))))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall", verify=False) as made:
        yield made


async def test_levels_are_listed_coarsest_first_and_one_that_cannot_be_read_says_why(client):
    levels = (await client.get("/api/v1/boundaries")).json()["levels"]
    assert [(row["name"], row.get("level"), row.get("areas"), row.get("above")) for row in levels] == [
        ("districts", 6, 2, ""), ("streets", 8, 2, "districts"), ("broken", None, None, None),
    ]  # fmt: skip
    assert "map.boundaries.broken.file" in levels[2]["error"] and "none.geojson" in levels[2]["error"]


async def test_areas_come_with_code_parent_and_size_and_are_not_sent_twice(client):
    answer = await client.get("/api/v1/boundaries/streets")
    rows = [feature["properties"] for feature in answer.json()["features"]]
    assert [(row["code"], row["parent"]) for row in rows] == [("s1", "d1"), ("s2", "d2")]
    assert rows[0]["square_metres"] == pytest.approx(0.1 * 0.1 * 91.09e3 * 111.19e3, rel=0.01)
    again = await client.get("/api/v1/boundaries/streets", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    unknown, broken = await client.get("/api/v1/boundaries/nix"), await client.get("/api/v1/boundaries/broken")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "boundary-unknown")
    assert (broken.status_code, broken.json()["reason"]) == (503, "boundary-unreadable")


async def test_a_surveyed_border_lies_where_it_was_surveyed_within_a_pixel_of_the_closest_zoom(client, tmp_path):
    """A corner each metre or two, of a river bank, beside and between which it goes to and fro by up to a metre and a half."""
    chance, metre = random.Random(7), 1 / 111_195
    across = [113.0 + 0.01 * n / 1_000 for n in range(1_001)]
    bank = [[lon, 35.01 + chance.uniform(-1.5, 1.5) * metre] for lon in reversed(across)]
    ring = [[113.0, 35.0], [113.01, 35.0], *bank, [113.0, 35.0]]
    feature = {
        "type": "Feature",
        "properties": {"name": "s", "code": "s"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (tmp_path / "s.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    (told,) = (await client.get("/api/v1/boundaries/streets")).json()["features"]
    moved = shapely.hausdorff_distance(shapely.Polygon(ring), shape(told["geometry"])) / metre
    assert moved < 0.73, "1.5 px of zoom 18 at this latitude"


async def test_a_place_is_told_by_its_area_of_each_level(client):
    found = (await client.get("/api/v1/boundaries/at", params={"lon": 113.26, "lat": 35.05})).json()["areas"]
    assert [(row["boundary"], row["code"]) for row in found] == [("districts", "d2"), ("streets", "s2")]
    assert (await client.get("/api/v1/boundaries/at", params={"lon": 1, "lat": 2})).json()["areas"] == []

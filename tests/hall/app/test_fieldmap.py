"""What a crew's phone is told for its map: what is shut, warned of and wet; nobody's case, nobody else's place."""

from __future__ import annotations

import re

from hall.app.fieldmap import FRESH_MS, warnings_now, wet_gauges
from hall.app.fieldpages import CITYMAP, FOLDER
from hall.app.picture import Row
from tests.hall.app.test_field import phone, side

__all__ = ["side"]
NOW = 1_800_000_000_000
RING = [[113.9, 35.3], [113.92, 35.3], [113.92, 35.32], [113.9, 35.3]]


def warning(name, **more):
    data = {
        "warning_id": name,
        "headline": {"zh-CN": name},
        "severity": 2,
        "areas": [{"polygons": [RING]}],
        "extra": {"by": "x"},
    }
    return Row(f"warning/w/{name}", NOW - 5, data | more)


def test_only_warnings_that_hold_now_are_told_the_mildest_first():
    rows = [
        warning("holds", severity=3), warning("drill", status="Exercise"), warning("over", expires=NOW), warning("later", onset=NOW + 1),
        warning("test", status="Test"), warning("ended", message_type="Cancel", references=["taken"]), warning("taken"),
    ]  # fmt: skip
    found = warnings_now(rows, NOW)
    assert [(one["subject"], one.get("status")) for one in found] == [
        ("warning/w/drill", "Exercise"),
        ("warning/w/holds", None),
    ]
    assert found[1]["polygons"] == [RING] and "extra" not in found[1]


def test_only_gauges_where_water_stands_now_are_told_the_deepest_first():
    sensors = [Row(f"sensor/g/{name}", NOW, {"name": name, "lon": 113.9, "lat": 35.3}) for name in "abcd"]
    sensors.append(Row("sensor/g/e", NOW, {"name": "e", "lon": None, "lat": None}))

    def read(name, value, quantity="water_depth", age=0):
        return Row(f"observation/g/{name}/{quantity}", NOW - age, {"value": value, "quantity": quantity})

    rows = [
        read("a", 0.2),
        read("b", 0.6),
        read("c", 0.01),
        read("d", 0.9, age=FRESH_MS + 1),
        read("d", 9.0, "rain_1h"),
        read("e", 1.0),
    ]
    rows += [read("unknown", 1.0), read("c", None)]
    assert [(one["name"], one["metres"]) for one in wet_gauges(sensors, rows, NOW)] == [("b", 0.6), ("a", 0.2)]


def test_the_phones_map_is_made_of_files_that_are_there():
    assert all((FOLDER.parent / f"{name}.js").is_file() for name in CITYMAP)
    code = "\n".join((FOLDER.parent / f"{name}.js").read_text("utf-8") for name in CITYMAP)
    called = set(re.findall(r"citymap\.(\w+)\(", code))
    made = set(re.findall(r"citymap\.(\w+) = ", code))
    assert called - made == set(), "a part of the phone's map calls what is not among its files"


async def test_a_phone_gets_the_ground_and_a_link_for_one_case_nothing_else(city_hall, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with (
        phone(city_hall, crew) as client,
        phone(city_hall, crew, case=subject) as narrow,
        await city_hall.client("admin") as desk,
    ):
        answer = await client.get("/api/v1/field/map")
        assert answer.status_code == 200 and set(answer.json()) == {"closures", "warnings", "gauges"}
        again = await client.get("/api/v1/field/map", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for path in ("/api/v1/geography/districts.json", "/tiles"):
            assert (await client.get(path)).status_code not in (401, 403)
        assert (await narrow.get("/api/v1/field/map")).json() == {"closures": [], "warnings": [], "gauges": []}
        assert (await desk.get("/api/v1/field/map")).status_code == 403

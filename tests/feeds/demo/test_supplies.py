"""The demo's list of places to close and its depots are ones that the hall can use."""

import math

import msgspec

from feeds.demo.supplies import closures, depots
from feeds.demo.write import write_city
from hall.core import config as configuration


def test_every_underpass_may_be_closed_has_a_gauge_cameras_that_see_it_and_another_way_round(tmp_path, world):
    config = configuration.load(write_city(tmp_path, world.city.seed))
    places = {place["id"]: place for place in config.dispatch["closures"]["places"]}
    sites = {site.id: site for site in world.city.sites}
    assert {site.id for site in sites.values() if site.kind == "underpass"} <= set(places) and len(places) == 14
    for name, place in places.items():
        site = sites[name]
        assert place["site"] == f"gauges/{name}" and place["kind"] == site.kind
        assert place["name"]["zh-CN"] == site.name and place["cameras"], "a camera looks at every gauge of the demo"
        assert not site.name.startswith(place["detour"]["zh-CN"].removeprefix("请绕行"))


def test_the_depots_hold_pumps_sandbags_and_beds_and_stand_in_the_city(world):
    rows = depots(world.city)
    assert {item["kind"] for row in rows for item in row["items"]} >= {"pump", "sandbag", "place", "boat"}
    assert len({row["id"] for row in rows}) == len(rows) == 8 and all(row["district"] for row in rows)
    assert all(math.hypot(row["lon"] - 113.92, row["lat"] - 35.3) < 0.1 for row in rows)
    assert depots(world.city) == rows and closures(world.city) == closures(world.city)
    assert msgspec.json.encode(rows)

"""The demo city's components: standard numbers, along its own streets, in by the import that any city's use."""

from __future__ import annotations

from collections import Counter

import shapely

from feeds.components.importing import Order, import_components
from feeds.components.settings import source_of
from feeds.components.store import open_current
from feeds.demo import SEED, inventory, prepare
from feeds.demo.city import build
from feeds.demo.plane import to_metres
from hall.core.config import load


def test_all_of_them_are_taken_and_stand_beside_a_street_of_their_name(tmp_path, monkeypatch):
    rows = list(inventory.rows(build(SEED)))
    assert len({row["编号"] for row in rows}) == len(rows) > 40_000
    monkeypatch.setattr(inventory, "rows", lambda city: rows[::10])
    config = load(prepare(tmp_path))
    order = Order(where="demo://city", source=source_of(config, "demo"), whole=True, at=1)
    report = import_components(config, tmp_path / "components", order)
    assert report.taken == report.rows > 4_000 and not report.parked and not report.marked
    store = open_current(tmp_path / "components")
    assert {kind.sub for kind in store.tables.classes} >= {"路灯", "雨水箅子", "行道树"}
    streets: dict[str, list] = {}
    for road in build(SEED).roads:
        streets.setdefault(road.name, []).extend(shapely.LineString(line) for line in road.lines)
    for row in range(0, len(store), 97):
        record = store.record(row)
        at = shapely.Point(*to_metres(record["lon"], record["lat"]))
        assert min(line.distance(at) for line in streets[record["address"]]) < 12
        assert record["component_id"][:6] == {"红旗区": "410702", "卫滨区": "410703", "牧野区": "410711"}.get(
            record["district"], record["component_id"][:6]
        )
    states = Counter(store.record(row)["state"] for row in range(len(store)))
    assert states["intact"] > 0.9 * sum(states.values()) and states["damaged"]

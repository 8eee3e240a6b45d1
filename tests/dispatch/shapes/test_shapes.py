"""A drawing belongs to who drew it, every version of it stays, and a stranger's file is taken feature by feature."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from dispatch.shapes import Shapes
from dispatch.shapes.model import COLOURS, CORNERS, KINDS, SHARES
from dispatch.shapes.outline import Fault, parts_of
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.model import STATE_TOPICS
from tests.dispatch.plainledger import SYSTEM, PlainLedger

LI, WANG = Actor(name="li", role="operator"), Actor(name="wang", role="operator")
SUN, CHEN = Actor(name="sun", role="supervisor"), Actor(name="chen", role="leader")
WU = Actor(name="wu", role="department", unit="排水处")
RING = [[113.90, 35.30], [113.92, 35.30], [113.92, 35.32], [113.90, 35.30]]
AREA = {"kind": "polygon", "title": "警戒区", "geometry": {"type": "Polygon", "coordinates": [RING]}, "share": "room"}
S = "shape/one"


def drawn(actor=LI, **more):
    ledger = PlainLedger(Shapes())
    ledger.do(S, "draw", actor, **{**AREA, **more})
    return ledger


def test_its_owner_and_supervisors_change_it_and_nobody_else():
    assert "shape" in STATE_TOPICS
    ledger = drawn()
    for who in (WANG, CHEN, WU, SYSTEM):
        with pytest.raises(Refused, match="may not change"):
            ledger.do(S, "change", who, **{**AREA, "title": "另一个"})
    ledger.do(S, "change", LI, **{**AREA, "title": "内圈"})
    ledger.do(S, "change", SUN, **{**AREA, "title": "外圈", "colour": "violet"})
    shown = ledger.document(S)
    assert (shown["title"], shown["colour"], shown["owner"], shown["changed_by"], shown["to"]) == (
        "外圈",
        "violet",
        "li",
        "sun",
        "room",
    )
    assert ledger.do(S, "change", LI, **{**AREA, "title": "外圈", "colour": "violet"}) == [], "nothing is new: no line"


def test_any_earlier_version_comes_back_and_what_was_removed_too():
    ledger = drawn(note="一", radius_m=None)
    ledger.do(S, "change", LI, **{**AREA, "title": "二"})
    ledger.do(S, "remove", LI)
    assert ledger.document(S) is None
    ledger.do(S, "restore", SUN)
    assert ledger.document(S)["title"] == "二"
    ledger.do(S, "go_back", LI, to=1)
    assert (ledger.document(S)["title"], ledger.document(S)["note"]) == ("警戒区", "一")
    ledger.do(S, "go_back", LI, to=2)
    assert "note" not in ledger.document(S), "what that version did not have is gone again"
    with pytest.raises(Refused, match="earlier"):
        ledger.do(S, "go_back", LI, to=99)


def test_who_is_told_follows_from_whom_it_is_shared_with():
    assert drawn(share="me").document(S) is None, "his own alone: never on the stream"
    assert drawn(share="walls").document(S)["to"] == "walls"
    assert drawn(WU, share="unit").document(S)["to"] == "unit:排水处"
    with pytest.raises(Refused, match="no department"):
        drawn(LI, share="unit")
    ledger = drawn(WU, share="unit")
    ledger.do(S, "change", SUN, **{**AREA, "share": "unit"})
    assert ledger.document(S)["to"] == "unit:排水处", "a supervisor's change leaves it with the department it was drawn for"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "blob"}, "bad-field"), ({"colour": "red"}, "bad-field"), ({"title": ""}, "field-missing"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "bad-field"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}}, "shape-crossing"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}}, "shape-few"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[n / 1000, n % 2] for n in range(CORNERS + 2)]]}}, "shape-corners"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[400, 0], [1, 1], [1, 0]]]}}, "shape-place"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[float("nan"), 0], [1, 1], [1, 0]]]}}, "bad-field"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[10**400, 0], [1, 1], [1, 0]]]}}, "bad-field"),
        ({"kind": "circle", "geometry": {"type": "Point", "coordinates": [1, 2]}}, "bad-field"),
        ({"radius_m": 5}, "bad-field"), ({"about": "incident/none"}, "about-unknown"), ({"about": "user/li"}, "about-unknown"),
        ({"expires": 1}, "expired-already"), ({"owner": "sun"}, "bad-field"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_shape_is_refused_with_its_reason(change, code):
    with pytest.raises(Refused) as refusal:
        drawn(**change)
    assert refusal.value.reason == code and refusal.value.detail


def test_the_hall_takes_off_what_has_expired_and_it_comes_back_without_an_end():
    ledger = drawn(expires=1_800_000_060_000)
    ledger.now += 120_000
    ledger.do(S, "remove", SYSTEM, "expired")
    ledger.do(S, "restore", LI)
    assert "expires" not in ledger.document(S)


def test_a_file_is_taken_feature_by_feature_repaired_or_left_out_with_the_reason():
    bow = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    geometries = [
        {"type": "Point", "coordinates": [113.9, 35.3, 70.0]},
        {"type": "Polygon", "coordinates": bow},
        None,
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [0, 0]]]},
        {"type": "LineString", "coordinates": [[0, 0], ["x", 1]]},
        {"type": "GeometryCollection", "geometries": [{"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}]},
        {"type": "Point", "coordinates": [500000.0, 3900000.0]},
    ]
    features = [{"type": "Feature", "geometry": one, "properties": {"title": "x"}} for one in geometries]
    found = list(parts_of({"type": "FeatureCollection", "features": features}))
    taken = [(part.number, part.kind) for part in found if not isinstance(part, Fault)]
    assert taken == [(1, "point"), (2, "polygon"), (2, "polygon"), (6, "point"), (6, "point")]
    faults = {fault.number: fault.reason for fault in found if isinstance(fault, Fault)}
    assert faults == {3: "geometry-missing", 4: "geometry-broken", 5: "geometry-unreadable", 7: "shape-place"}
    areas = [part for part in found if not isinstance(part, Fault) and part.kind == "polygon"]
    repaired = shapely.union_all([shapely.geometry.shape(part.geometry) for part in areas])
    assert all(part.repaired for part in areas) and repaired.area == pytest.approx(0.5), "shapely's own area of both halves"


@pytest.mark.parametrize(
    "document", [None, [], {"type": "Topology"}, {"type": "FeatureCollection"}, {"crs": "EPSG:27700", "type": "Feature"}]
)
def test_what_is_no_geojson_in_degrees_is_refused_as_a_whole(document):
    with pytest.raises(Refused):
        list(parts_of(document))


def test_the_browser_knows_the_same_kinds_colours_and_shares():
    script = (Path(__file__).parents[3] / "assets/map/86-shapes.js").read_text(encoding="utf-8")
    for name in (*KINDS, *COLOURS, *SHARES):
        assert f'"{name}"' in script or f"{name}:" in script

"""Importing components: what comes in, what is parked and why, what a second import changes. Reality as suppliers send it."""

from __future__ import annotations

import csv
import gzip
import json
import os

import pytest

from feeds.components import versions
from feeds.components.importing import Order, import_components
from feeds.components.merging import TooMany
from feeds.components.reading import Unreadable
from feeds.components.settings import source_of
from hall import cli
from hall.core.errors import ConfigError
from tests.feeds.components.conftest import STANDARD


def reasons(report):
    return {reason: counted.count for reason, counted in report.parked.items()}


def marks(report):
    return {name: counted.count for name, counted in report.marked.items()}


def test_a_standard_row_becomes_a_whole_record(city, table, row):
    report = city.imported(table(row(1)))
    assert (report.rows, report.taken, report.inserted, reasons(report), marks(report)) == (1, 1, 1, {}, {})
    assert city.records()["4107020104000001"] == {
        "component_id": "4107020104000001", "source": "parts", "class_code": "0104", "class_name": "公用设施", "name": "路灯",
        "state": "intact", "state_label": "完好", "accuracy_m": 1.0, "department": "市政处", "owner": "供电公司",
        "district": "红旗区", "address": "平原路", "lon": 113.912345, "lat": 35.312345, "crs": "WGS-84", "x": 113.912345,
        "y": 35.312345, "extra": {"材质": "钢"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("gb18030", "gb18030"),
        ("utf-8-sig", "byte order mark"),
        ("utf-16", "utf-16"),
    ],
)
def test_the_encoding_of_a_file_is_found_out(city, table, row, body, note):
    report = city.imported(table(row(1), row(2, name="上水井盖")).encode(body))
    assert note in report.notes[0] and city.records()["4107020104000002"]["name"] == "上水井盖"


def test_in_a_gzipped_file_a_broken_quote_and_a_broken_letter_cost_the_broken_rows_only(city, table, row):
    lines = [row(1), row(2, name='"路灯'), row(3), row(4) + ",more", row(5)]
    body = table(*lines).encode() + row(6, name="灯").encode("gb18030") + b"\n" + row(7).encode() + b"\n"
    report = city.imported(gzip.compress(body), "parts.csv.gz")
    assert sorted(int(i[-1]) for i in city.records()) == [1, 2, 3, 5, 7]
    assert report.rows == 7 and reasons(report) == {"csv-columns": 1, "encoding-broken": 1}
    assert "parts.csv.gz:5: 12 cells, 11 columns" in report.parked["csv-columns"].examples


POSITIONS = {
    "position-missing": [("", "35.3"), ("113.9", "")],
    "position-placeholder": [("0", "0"), ("-1", "-1"), ("999", "999"), ("9999.0", "9999.0")],
    "position-impossible": [("1e9", "35.3")],
    "position-outside": [("116.397128", "39.916527")],
    "number-unparsable": [("113°54'", "35.3")],
}


@pytest.mark.parametrize(("reason", "lon", "lat"), [(r, *p) for r, pairs in POSITIONS.items() for p in pairs])
def test_a_position_that_is_none_parks_its_row_and_says_where(city, table, row, reason, lon, lat):
    report = city.imported(table(row(1), row(2, lon=lon, lat=lat)))
    assert reasons(report) == {reason: 1} and report.parked[reason].examples[0].startswith("parts.csv:3: ")
    assert list(city.records()) == ["4107020104000001"]


def test_swapped_coordinates_are_put_right_coarse_ones_marked_or_both_parked_as_configured(city, table, row):
    body = table(row(1), row(2, lon="35.312345", lat="113.912345"), row(3, lon="113.91", lat="35.31"), row(4, lon="113.91"))
    assert marks(city.imported(body)) == {"swapped": 1, "coarse": 1}
    found = city.records()["4107020104000002"]
    assert (found["lon"], found["lat"], found["x"], found["marks"]) == (113.912345, 35.312345, 35.312345, ["swapped"])
    city.configure('coarse = "park"\nswapped = "park"\n' + STANDARD)
    assert reasons(city.imported(body)) == {"position-swapped": 1, "position-coarse": 1}
    assert city.report.kept_as_was == 2 and city.report.withdrawn == 0 and len(city.records()) == 4


def test_hundreds_of_rows_at_one_position_are_nowhere(city, table, row):
    body = table(*(row(n) for n in range(100)), *(row(200 + n, lon=f"113.9{n}1234") for n in range(10, 30)))
    assert reasons(city.imported(body)) == {"position-shared": 100} and len(city.records()) == 20


@pytest.mark.parametrize("number", ["41070201040001", "41070201040000011", "0000000104000001", "4107０20104000001", "", "ABC"])
def test_a_number_that_is_not_the_standards_is_parked(city, table, row, number):
    report = city.imported(table(row(1), row(2).replace("4107020104000002", number)))
    assert reasons(report) == {"id-malformed" if number else "id-missing": 1} and len(city.records()) == 1


@pytest.mark.parametrize(("policy", "name"), [("last", "b"), ("first", "a"), ("park", None)])
def test_which_of_two_rows_with_one_number_wins_is_stated(city, table, row, policy, name):
    city.configure(f'duplicates = "{policy}"\n' + STANDARD)
    report = city.imported(table(row(1, name="a"), row(1, name="b"), row(2), row(2)))
    found = city.records()
    assert report.repeated == 1 and reasons(report) == {"duplicate-id": 1 if name else 2}
    assert found.get("4107020104000001", {}).get("name") == name and "4107020104000002" in found


def test_unknown_states_other_classes_and_districts_are_marked_and_bad_accuracy_parked(city, table, row):
    table_ = STANDARD + 'class_code = "材质"\ndistrict = "网格"\n'
    city.configure(table_)
    body = table(
        row(1, 材质="0104", 网格="红旗区"),
        row(2, state="半新", 材质="104"),
        row(3, 网格="卫滨区", 材质="0104"),
        row(4, 精度="很准", 材质="0104"),
    )
    report = city.imported(body)
    assert marks(report) == {"state-unknown": 1, "class-differs": 1, "district-differs": 1}
    assert reasons(report) == {"accuracy-unknown": 1}
    assert city.records()["4107020104000003"]["extra"]["district_said"] == "卫滨区"


def test_a_second_import_inserts_updates_withdraws_by_number_and_an_update_withdraws_nothing(city, table, row):
    city.imported(table(*(row(n, lon=f"113.9{n:03d}45") for n in range(1, 31))))
    first = city.store
    report = city.imported(table(row(1, lon="113.950145"), row(99)), whole=False)
    assert (report.inserted, report.updated, report.unchanged, report.withdrawn) == (1, 1, 0, 0)
    body = table(*(row(n, lon=f"113.9{n:03d}45") for n in range(2, 31)))
    report = city.imported(body)
    assert (report.inserted, report.updated, report.unchanged, report.withdrawn) == (0, 0, 29, 2)
    assert len(city.store) == 29 and city.store.row_of("4107020104000099") is None
    version = city.store.name
    assert city.imported(body).version == "" and city.store.name == version
    assert len(first) == 30 and first.record(first.row_of("4107020104000001"))["lon"] == 113.900145  # who reads it goes on


def test_a_source_cut_short_withdraws_nothing_until_somebody_says_so(city, table, row):
    city.imported(table(*(row(n, lon=f"113.9{n:03d}45") for n in range(1, 101))))
    body = table(*(row(n, lon=f"113.9{n:03d}45") for n in range(1, 50)))
    with pytest.raises(TooMany, match="51 of 100 components of parts"):
        city.imported(body)
    assert len(city.store) == 100
    assert city.imported(body, force=True).withdrawn == 51 and len(city.store) == 49


def test_another_sources_number_is_not_taken_over(city, table, row):
    city.imported(table(row(1)))
    (city.home / "other.toml").write_text(STANDARD.replace("[components.parts.mapping]", "[mapping]"), "utf-8")
    report = city.imported(table(row(1, name="x"), row(2)), source=str(city.home / "other.toml"))
    assert reasons(report) == {"id-of-another-source": 1} and city.records()["4107020104000001"]["name"] == "路灯"
    assert {s: i.rows for s, i in city.store.meta.sources.items()} == {"parts": 1, "other": 1}


def test_parked_rows_come_in_once_they_are_corrected(city, table, row):
    report = city.imported(table(row(1), row(2, lon="0", lat="0"), row(3, lon="113.7")))
    with open(report.parked_file, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["parked:reason"], r["parked:place"], r["编号"]) for r in rows] == [
        ("position-placeholder", "parts.csv:3", "4107020104000002")
    ]
    rows[0] |= {"经度": "113.95", "纬度": "35.3123"}
    with (city.home / "fixed.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    report = city.imported(None, str(city.home / "fixed.csv"), parked=True, whole=False)
    assert (report.inserted, report.parked) == (1, {}) and len(city.records()) == 3
    assert city.records()["4107020104000002"]["lon"] == 113.95
    assert json.loads((city.root / "imports.jsonl").read_text("utf-8").splitlines()[0])["parked"] == 1


GEOMETRY = """
id_structure = "free"
[components.parts.mapping]
component_id = "id"
geometry = "geometry"
"""


def feature(number, kind, coordinates):
    return {"type": "Feature", "id": number, "properties": {}, "geometry": kind and {"type": kind, "coordinates": coordinates}}


def test_lines_and_areas_get_a_point_bad_ones_are_repaired_or_parked(city):
    city.configure(GEOMETRY)
    bow_tie = [[[113.90, 35.30], [113.92, 35.32], [113.92, 35.30], [113.90, 35.32], [113.90, 35.30]]]
    features = [
        feature("a", "LineString", [[113.90, 35.30], [113.92, 35.30]]),
        feature("b", "Polygon", bow_tie),
        feature("c", None, None),
        feature("d", "Polygon", [[[113.9, 35.3], [113.9, 35.3], [113.9, 35.3], [113.9, 35.3]]]),
        feature("e", "Point", ["x", 1]),
        feature("f", "Point", [113.9123456, 35.3123456]),
    ]
    report = city.imported(json.dumps({"type": "FeatureCollection", "features": features}), "parts.geojson")
    found = city.records()
    assert set(found) == {"a", "b", "f"} and marks(report) == {"geometry-repaired": 1}
    assert reasons(report) == {"geometry-missing": 1, "geometry-broken": 1, "geometry-unreadable": 1}
    assert (found["a"]["lon"], found["a"]["geometry"]["type"]) == (113.91, "LineString") and "geometry" not in found["f"]


def test_one_import_at_a_time_and_a_damaged_source_changes_nothing(city, table, row):
    city.imported(table(row(1)))
    cut = gzip.compress(table(*(row(n, lon=f"113.9{n:03d}45") for n in range(1, 400))).encode())[:-900]
    with pytest.raises(Unreadable, match="cut short or damaged"):
        city.imported(cut, "parts.csv.gz")
    with versions.importing(city.root), pytest.raises(versions.Busy):
        city.imported(table(row(2)))
    with pytest.raises(ConfigError, match="no field 'farbe'"):
        city.configure(STANDARD + 'farbe = "x"\n') or source_of(city.config, "parts")
    assert list(city.records()) == ["4107020104000001"] and not list(city.root.glob("*.staging"))


def test_killed_at_any_moment_readers_have_the_old_version_or_the_new_one(city, table, row):
    city.imported(table(row(1)))
    body = city.home / "new.csv"
    body.write_text(table(row(1), row(2)), "utf-8")
    seen = set()
    for at in (1, 19, *range(20, 30)):
        pid = os.fork()
        if not pid:
            _die_at(at, city, str(body))
        assert os.waitpid(pid, 0)[1] in (0, 9)
        store = city.store
        records = [store.record(i) for i in range(len(store))]
        assert {r["component_id"][-1] for r in records} in ({"1"}, {"1", "2"}), at
        seen.add(len(records))
        if len(records) == 2:
            versions.choose(city.root, versions.previous(city.root))
    assert seen == {1, 2}
    city.imported(None, str(body))
    assert len(city.store) == 2 and not list(city.root.glob("*.staging"))


def _die_at(at, city, path):
    """In a child: the at-th of the system's calls that make something durable kills it."""
    calls = iter(range(1, 1_000))

    def dying(real):
        def call(*args, **kwargs):
            if next(calls) == at:
                os.kill(os.getpid(), 9)
            return real(*args, **kwargs)

        return call

    for name in ("rename", "replace", "fsync"):
        setattr(os, name, dying(getattr(os, name)))
    try:
        import_components(city.config, city.root, Order(where=path, source=source_of(city.config, "parts"), whole=True, at=5))
    finally:
        os._exit(0)


def test_undo_goes_back_and_forth_and_the_command_prints_what_it_did(city, table, row, monkeypatch, capsys):
    monkeypatch.setenv("HALL_CONFIG", str(city.home / "hall.toml"))
    monkeypatch.setenv("HALL_DATA_DIR", str(city.home))
    monkeypatch.setattr("os.nice", lambda _: 0)

    def said(*words):
        options = cli.parser().parse_args(["components", *words])
        assert options.act(options) == 0
        return capsys.readouterr().out

    for count in (1, 2):
        (city.home / "rows.csv").write_text(table(*(row(n, lon=f"113.9{n}123") for n in range(count))), "utf-8")
        assert f"inserted 1 · updated 0 · unchanged {count - 1}" in said(
            "import", str(city.home / "rows.csv"), "--mapping", "parts"
        )
    for left in (1, 2):
        assert f": {left} components" in said("undo") and len(city.store) == left
    assert f"{city.store.name}: 2 components; before it v000001" in said("list")

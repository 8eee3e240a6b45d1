"""The declarative mapping, against values worked out by hand."""

from __future__ import annotations

import datetime

import pytest

from feeds.decoding import Decoding
from feeds.mapping import Mapping
from hall.core.config import parse
from hall.core.errors import BadInput, ConfigError

HEAD = """
[city]
name = {en = "Test"}
centre = [0, 0]
timezone = "Asia/Shanghai"
[[feeds]]
name = "f"
url = "push://"
"""


def mapping(kind: str, text: str, feed: str = "") -> Mapping:
    config = parse(f'{HEAD}kind = "{kind}"\n{feed}\n[feeds.mapping]\n{text}')
    return Mapping(config.feeds[0], config)


def one(made: Mapping, row: dict):
    (view,) = list(made.views(row))
    return made.document(view)


def refused(kind: str, text: str, feed: str = "") -> ConfigError:
    config = parse(f'{HEAD}kind = "{kind}"\n{feed}\n[feeds.mapping]\n{text}')
    with pytest.raises(ConfigError) as caught:
        Decoding(config.feeds[0], config)
    return caught.value


def utc(*parts: int) -> int:
    return int(datetime.datetime(*parts, tzinfo=datetime.UTC).timestamp() * 1000)


def test_a_path_reaches_into_lists_and_nested_objects():
    made = mapping("case", 'case_id = "a.b[1].c"\naddress = ["odd.name"]\ndescription = "x[0].y"')
    doc = one(made, {"a": {"b": [{}, {"c": 7}]}, "odd.name": " here ", "x": {"y": "once"}}).doc
    assert (doc.case_id, doc.address, doc.description) == ("7", "here", "once")


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        ('{path = "t", time = "iso"}', "2024-07-21 08:30:00", utc(2024, 7, 21, 0, 30)),
        ('{path = "t", time = "iso"}', "2024-07-21T08:30:00Z", utc(2024, 7, 21, 8, 30)),
        ('{path = "t", time = "iso", zone = "America/New_York"}', "2024-07-21T08:30:00", utc(2024, 7, 21, 12, 30)),
        ('{path = "t", time = "iso", zone = "+05:30"}', "2024-07-21T08:30:00", utc(2024, 7, 21, 3, 0)),
        ('{path = "t", time = "epoch"}', 1721521800, utc(2024, 7, 21, 0, 30)),
        ('{path = "t", time = "epoch_ms"}', "1721521800000", utc(2024, 7, 21, 0, 30)),
        ('{path = "t", time = "%d/%m/%Y %I:%M %p", zone = "UTC"}', "03/02/2024 01:05 PM", utc(2024, 2, 3, 13, 5)),
        ('{path = "t", time = "%m/%d/%Y %H:%M", zone = "UTC"}', "03/02/2024 13:05", utc(2024, 3, 2, 13, 5)),
        ('{path = "t", time = ["epoch_ms", "%Y年%m月%d日 %H时"]}', "2024年07月21日 08时", utc(2024, 7, 21)),
    ],
)
def test_times_in_every_form_become_utc_milliseconds(spec, value, expected):
    made = mapping("case", f'case_id = "id"\ntime = {spec}')
    assert one(made, {"id": "1", "t": value}).time == expected


def test_the_repeated_hour_of_autumn_means_the_earlier_one():
    made = mapping("case", 'case_id = "id"\ntime = {path = "t", zone = "America/New_York"}')
    assert one(made, {"id": "1", "t": "2011-11-06 01:30:00"}).time == utc(2011, 11, 6, 5, 30)


def test_sentinels_of_the_far_future_mean_unknown():
    made = mapping("case", 'case_id = "id"\ndue = {path = "t", null_after = "2050-01-01", null = ["none"]}')
    assert one(made, {"id": "1", "t": "2059-12-31 00:00:00"}).doc.due is None
    assert one(made, {"id": "1", "t": "none"}).doc.due is None
    assert one(made, {"id": "1", "t": " "}).doc.due is None
    assert one(made, {"id": "1", "t": "2049-12-31 08:00:00"}).doc.due == utc(2049, 12, 31)


@pytest.mark.parametrize(
    ("quantity", "unit", "value", "expected"),
    [
        ("water_depth", "in", "10", 0.254), ("water_depth", "ft", 1, 0.3048), ("water_depth", "mm", 250, 0.25),
        ("water_depth", "cm", "27", 0.27), ("rain_1h", "in", 2, 50.8), ("rain_rate", "in/h", 1, 25.4),
        ("temperature", "F", 212, 100.0), ("temperature", "K", 273.15, 0.0), ("discharge", "ft3/s", 1000, 28.316846592),
        ("pressure", "bar", 4, 0.4),
    ],
)  # fmt: skip
def test_units_are_converted_to_the_canonical_one(quantity, unit, value, expected):
    text = f'sensor_id = "id"\nquantity = {{const = "{quantity}"}}\nvalue = {{path = "v", unit = "{unit}"}}'
    doc = one(mapping("observation", text), {"id": "1", "v": value}).doc
    assert doc.value == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_unit_may_stand_in_the_row_and_differ_from_row_to_row():
    text = 'sensor_id = "id"\nquantity = "q"\nvalue = {path = "v", unit = {path = "u"}}'
    made = mapping("observation", text)
    assert one(made, {"id": "1", "q": "water_level", "v": 100, "u": "cm"}).doc.value == 1.0
    assert one(made, {"id": "1", "q": "water_level", "v": 2, "u": "m"}).doc.unit == "m"
    with pytest.raises(BadInput, match="unit-unknown"):
        one(made, {"id": "1", "q": "water_level", "v": 100, "u": "furlong"})


def test_value_maps_defaults_joins_templates_and_splits():
    text = """
case_id = {template = "{year}-{no}"}
state = {path = "s", map = {"6" = "closed", "4" = "handling"}, default = "reported"}
address = {join = ["street", "number"], separator = ", "}
unit = {first = ["who", "team"]}
class_name = {path = "codes", split = "|", index = 1, lower = true}
severity = {const = 2}
media = {path = "pics", split = ";"}
extra = ["z"]
"""
    row = {"year": 2024, "no": 12, "s": 6, "street": "A St", "number": "", "who": "", "team": "T", "codes": "X|Y|Z"}
    doc = one(mapping("case", text), {**row, "pics": "a.jpg;b.jpg", "z": 5}).doc
    assert (doc.case_id, doc.state, doc.address, doc.unit, doc.class_name) == ("2024-12", "closed", "A St", "T", "y")
    assert (doc.severity, doc.media, doc.extra) == (2, ["a.jpg", "b.jpg"], {"z": 5})
    assert one(mapping("case", text), {**row, "s": "99"}).doc.state == "reported"


def test_a_british_grid_position_becomes_degrees():
    # Greenwich observatory, OS grid reference TQ 38874 77325; WGS-84 about 51.4778 N, 0.0015 W
    doc = one(
        mapping("case", 'case_id = "id"\nlon = "e"\nlat = "n"', 'crs = "EPSG:27700"'), {"id": "1", "e": 538874, "n": 177325}
    ).doc
    assert doc.lon == pytest.approx(-0.0015, abs=0.0003)
    assert doc.lat == pytest.approx(51.4778, abs=0.0003)


def test_chinese_map_positions_are_moved_some_hundred_metres():
    doc = one(
        mapping("case", 'case_id = "id"\nlon = "x"\nlat = "y"', 'crs = "GCJ-02"'), {"id": "1", "x": 116.404, "y": 39.915}
    ).doc
    assert doc.lon == pytest.approx(116.39775, abs=1e-4)
    assert doc.lat == pytest.approx(39.91360, abs=1e-4)


@pytest.mark.parametrize("pair", [("0", "0"), (-1, -1), ("-71.0587", "42.3594"), ("", ""), (None, 3)])
def test_placeholder_positions_are_unknown(pair):
    made = mapping("case", 'case_id = "id"\nlon = "x"\nlat = "y"', "options = {placeholder = [[-71.0587, 42.3594]]}")
    doc = one(made, {"id": "1", "x": pair[0], "y": pair[1]}).doc
    assert doc.lon is None and doc.lat is None


def test_positions_outside_the_earth_are_refused():
    made = mapping("case", 'case_id = "id"\nlon = "x"\nlat = "y"')
    with pytest.raises(BadInput, match="coordinates-out-of-range"):
        one(made, {"id": "1", "x": 200, "y": 10})


def test_an_offset_moves_positions_for_an_exercise():
    made = mapping("case", 'case_id = "id"\nlon = "x"\nlat = "y"\noffset = {lon = 10, lat = -1}')
    doc = one(made, {"id": "1", "x": 1.5, "y": 2.5}).doc
    assert (doc.lon, doc.lat) == (11.5, 1.5)


def test_a_finished_case_unfolds_into_what_was_known_when():
    text = """
case_id = "id"
time = {path = "opened", zone = "UTC"}
state = {path = "status", map = {Closed = "closed"}, default = "reported"}
closing_note = "note"
stages.reported = {path = "opened", zone = "UTC"}
stages.dispatched = {path = "sent", zone = "UTC"}
stages.closed = {path = "closed", zone = "UTC"}
[feeds.mapping.unfold]
opened = []
sent = ["crew"]
closed = ["status", "note"]
"""
    made = mapping("case", text)
    row = {"id": "1", "opened": "2024-01-01", "sent": "2024-01-02", "closed": "2024-01-03", "status": "Closed", "note": "done"}
    found = [made.document(view) for view in made.views(row)]
    assert [m.time for m in found] == [utc(2024, 1, 1), utc(2024, 1, 2), utc(2024, 1, 3)]
    assert [m.doc.state for m in found] == ["reported", "reported", "closed"]
    assert [m.doc.closing_note for m in found] == ["", "", "done"]
    assert [m.doc.stages.dispatched for m in found] == [None, utc(2024, 1, 2), utc(2024, 1, 2)]
    assert [m.doc.stages.closed for m in found] == [None, None, utc(2024, 1, 3)]


def test_an_open_case_never_shows_columns_that_were_never_known():
    text = 'case_id = "id"\ntime = {path = "o", zone = "UTC"}\nclosing_note = "n"\nunfold = {o = [], c = ["n"]}'
    found = [
        m
        for m in map(
            mapping("case", text).document, mapping("case", text).views({"id": "1", "o": "2024-01-01", "c": "", "n": "x"})
        )
    ]
    assert [m.doc.closing_note for m in found] == [""]


def test_a_series_written_as_text_becomes_one_reading_per_sample():
    text = """
sensor_id = "id"
quantity = {const = "water_depth"}
value = {path = "value", unit = "in"}
time = {path = "start", zone = "UTC"}
series = {values = "depths", times = "seconds"}
"""
    made = mapping("observation", text)
    found = [
        made.document(v) for v in made.views({"id": "a", "start": "2024-01-01", "depths": "[0, 1.5]", "seconds": "[0, 90]"})
    ]
    assert [(m.time, m.doc.value) for m in found] == [(utc(2024, 1, 1), 0.0), (utc(2024, 1, 1, 0, 1, 30), 0.0381)]
    for broken in ({"depths": "[0, 1"}, {"depths": "[0]"}, {"seconds": None}):
        with pytest.raises(BadInput, match="series"):
            list(made.views({"id": "a", "start": "2024-01-01", "depths": "[0, 1]", "seconds": "[0, 9]", **broken}))


def test_each_element_of_a_list_is_a_row_that_knows_its_parent():
    text = 'sensor_id = "parent.station"\nquantity = "name"\nvalue = "v"\neach = "readings"'
    made = mapping("observation", text)
    row = {"station": "S1", "readings": [{"name": "tilt", "v": 1}, {"name": "battery", "v": 80}]}
    assert [(m.doc.sensor_id, m.doc.quantity, m.doc.value) for m in map(made.document, made.views(row))] == [
        ("S1", "tilt", 1.0),
        ("S1", "battery", 80.0),
    ]


def test_a_filter_keeps_what_is_wanted():
    text = """
case_id = "id"
time = {path = "t", zone = "UTC"}
filter = [{path = "area", in = ["N", "S"]}, {path = "t", from = "2024-01-01", to = "2024-02-01"}, {path = "id", matches = "^A"}]
"""
    made = mapping("case", text)
    rows = [("A1", "N", "2024-01-05"), ("A2", "E", "2024-01-05"), ("A3", "S", "2024-02-01"), ("B4", "S", "2024-01-05")]
    kept = [i for i, area, t in rows for view in made.views({"id": i, "area": area, "t": t}) if view is not None]
    assert kept == ["A1"]


def test_a_warped_mapping_moves_every_time_of_the_document():
    made = mapping("case", 'case_id = "id"\ntime = {path = "t", zone = "UTC"}\ndue = {path = "d", zone = "UTC"}')
    made.warp.set(utc(2024, 1, 1), utc(2026, 1, 1), 60.0)
    found = one(made, {"id": "1", "t": "2024-01-01T01:00:00", "d": "2024-01-02"})
    assert found.time == utc(2026, 1, 1, 0, 1)
    assert found.doc.due == utc(2026, 1, 1, 0, 24)


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("case", 'case_id = "id"\nnmae = "x"', "feeds[0].mapping.nmae"),
        ("case", 'address = "x"', "feeds[0].mapping.case_id"),
        ("case", 'case_id = "id"\ntime = {path = "t", time = "julian"}', "feeds[0].mapping.time"),
        ("case", 'case_id = "id"\ntime = {path = "t", zone = "Mars/Olympus"}', "feeds[0].mapping.time"),
        ("case", 'case_id = "id"\ndue = {pth = "t"}', "feeds[0].mapping.due"),
        ("case", 'case_id = "id"\nlon = "x"', "feeds[0].mapping.lat"),
        ("case", 'case_id = "id"\naddress = {path = "a", const = "b"}', "feeds[0].mapping.address"),
        ("case", 'case_id = "id"\nstages.solved = "x"', "feeds[0].mapping.stages.solved"),
        ("case", 'case_id = "a[b"', "feeds[0].mapping.case_id"),
        ("observation", 'sensor_id = "i"\nquantity = {const = "water_depth"}\nvalue = {path = "v", unit = "Cel"}', "feeds[0].mapping.value.unit"),
        ("observation", 'sensor_id = "i"\nvalue = "v"', "feeds[0].mapping.quantity"),
        ("case", 'case_id = "id"\nfilter = {path = "x"}', "feeds[0].mapping.filter"),
    ],
)  # fmt: skip
def test_what_a_mapping_cannot_mean_is_an_error_with_file_line_and_key(kind, text, key):
    error = refused(kind, text)
    assert error.key == key
    assert error.line is not None and str(error).startswith(f"hall.toml:{error.line}: {key}: ")


def test_an_option_nobody_reads_is_an_error():
    assert refused("case", 'case_id = "id"', "options = {rosw = 1}").key == "feeds[0].options.rosw"


def test_an_unknown_crs_or_transport_or_format_is_an_error():
    assert refused("case", 'case_id = "id"\nlon = "x"\nlat = "y"', 'crs = "MOON-1"').key.endswith("lon")
    assert refused("case", 'case_id = "id"', 'format = "cobol"').key == "feeds[0].format"

"""What `hall map build` reads and where it writes: files of offices in GB 18030, and names that the hall finds."""

from __future__ import annotations

import json

import pytest

from hall.core.errors import HallError
from hall.map.build import Order, build
from hall.map.extract import boundary, things
from hall.map.report import Report
from tests.hall.geography.test_map import polygon

RING = [[113.9, 35.3], [113.91, 35.3], [113.91, 35.31], [113.9, 35.3]]
CROSSED = [[113.9, 35.3], [113.91, 35.31], [113.91, 35.3], [113.9, 35.31], [113.9, 35.3]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_boundary_is_read_in_the_letters_it_is_written_in(tmp_path, encoding):
    path, report = tmp_path / "clip.geojson", Report()
    path.write_text(json.dumps(polygon(CROSSED, name="卫滨区"), ensure_ascii=False), encoding)
    assert boundary(path, "WGS-84", report).area > 0
    assert report.repaired == {"boundary": 1} and "卫滨区" in str(report)


def test_a_basemap_in_gb18030_keeps_its_names(tmp_path):
    document = polygon(RING, name="人民公园")
    document["features"][0]["properties"]["layer"] = "park"
    path = tmp_path / "city.geojson"
    path.write_text(json.dumps(document, ensure_ascii=False), "gb18030")
    assert [thing.fields["name"] for thing in things(path, "WGS-84", Report())] == ["人民公园"]


@pytest.mark.parametrize(
    "raw", [b'{"a": "\xff\xff", "b": "\xff\xfe"}', b'{"a": "\xe4\xb8\xad", "b": "\xff"}', b"{", b"\xff\xfe{", b"[" * 9999]
)
def test_what_no_letters_read_is_refused_by_name_in_plain_words(tmp_path, raw):
    path = tmp_path / "clip.geojson"
    path.write_bytes(raw)
    with pytest.raises(HallError, match=r"^clip\.geojson: ") as error:
        boundary(path, "WGS-84", Report())
    assert "codec" not in str(error.value) and str(error.value).count("clip.geojson") == 1


@pytest.mark.parametrize("name", ["x.foo", "x", "x.mbtiles.bak", "x.MBTILES"])
def test_a_map_of_another_ending_is_refused_before_anything_is_built(tmp_path, name):
    (tmp_path / "town.geojson").write_text("{}", "utf-8")
    with pytest.raises(HallError, match=r"\.mbtiles"):
        build(Order(tmp_path / "town.geojson", tmp_path / "maps" / name), lambda what, part: None)
    assert not (tmp_path / "maps").exists()

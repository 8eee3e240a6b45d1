"""Kinds of bytes to rows: encodings, packing and shapes as suppliers really send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.decoding import Decoding, format_by_name, format_by_type, formats
from feeds.source import Unread
from hall.core.config import parse
from hall.core.errors import BadInput

HEAD = '[city]\nname = {en = "T"}\ncentre = [0, 0]\n[[feeds]]\nname = "f"\nkind = "case"\nurl = "push://"\n'


def rows(form: str, body: bytes, options: str = "{}") -> list:
    config = parse(f'{HEAD}format = "{form}"\noptions = {options}\n[feeds.mapping]\ncase_id = "id"\n')
    return list(Decoding(config.feeds[0], config).format_for().rows(body, config.feeds[0], config))


def test_csv_is_read_with_byte_order_mark_quotes_and_newlines_in_cells():
    assert rows("csv", '\ufeffid,说明\r\n1,"两行\n积水, 深"\r\n\r\n2,x\r\n'.encode()) == [
        {"id": "1", "说明": "两行\n积水, 深"},
        {"id": "2", "说明": "x"},
    ]


def test_csv_of_a_chinese_office_is_read_in_its_declared_encoding():
    body = "标题行\n编号;地址\n7;解放路\n".encode("gb18030")
    assert rows("csv", body, '{encoding = "gb18030", delimiter = ";", skip_lines = 1}') == [{"编号": "7", "地址": "解放路"}]


def test_csv_without_a_header_takes_the_declared_names():
    assert rows("csv", b"1,2\n", '{header = ["id", "v"]}') == [{"id": "1", "v": "2"}]


def test_a_csv_row_in_another_encoding_is_unread_alone():
    found = rows("csv", b"id,a\n1,x\n2,\xbb\xfd\n3,y\n")
    assert [type(row) for row in found] == [dict, Unread, dict]
    assert found[1].reason == "encoding-broken"


def test_json_rows_may_lie_deep_in_the_reply():
    assert rows("json", b'{"data": {"list": [{"id": 1}, {"id": 2}]}}', '{rows = "data.list"}') == [{"id": 1}, {"id": 2}]
    with pytest.raises(BadInput, match="rows-missing"):
        rows("json", b'{"error": "busy"}', '{rows = "data.list"}')


def test_xml_keeps_attributes_text_and_repeated_elements():
    body = b'<r xmlns="urn:x"><c n="1"><id>7</id><m>a</m><m>b</m></c><c n="2"><id unit="x">8</id></c></r>'
    assert rows("xml", body, '{rows = "c"}') == [
        {"@n": "1", "id": "7", "m": ["a", "b"]},
        {"@n": "2", "id": {"@unit": "x", "#text": "8"}},
    ]


def test_xml_that_declares_gb2312_is_read():
    body = '<?xml version="1.0" encoding="GB2312"?><r><id>1</id><a>新乡市</a></r>'.encode("gb18030")
    assert rows("xml", body) == [{"id": "1", "a": "新乡市"}]


def test_geojson_of_lines_and_areas_has_a_position_inside():
    body = b"""{"type": "FeatureCollection", "features": [
      {"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Polygon", "coordinates": [[[0,0],[4,0],[4,2],[0,2],[0,0]]]}},
      {"type": "Feature", "properties": null, "geometry": null},
      {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": []}}]}"""
    found = rows("geojson", body)
    assert (found[0]["lon"], found[0]["lat"]) == (2.0, 1.0)
    assert (found[1]["lon"], found[1]["properties"]) == (None, {})
    assert isinstance(found[2], Unread) and found[2].reason == "geometry-broken"


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.csv", "csv"), ("A.CSV.GZ", "csv"), ("x.geojson", "geojson"), ("x.json.zip", "json"), ("x.parquet", "parquet")],
)
def test_the_format_follows_from_the_name(name, form):
    assert format_by_name(name) is formats()[form]


def test_the_format_follows_from_the_content_type():
    assert format_by_type("application/json; charset=utf-8") is formats()["json"]
    assert format_by_type("application/vnd.api+json") is formats()["json"]
    assert format_by_type("application/soap+xml") is formats()["xml"]
    assert format_by_type("") is None


@given(
    st.sampled_from(["csv", "json", "jsonl", "geojson", "xml", "parquet", "cap", "gb28181", "open311"]), st.binary(max_size=300)
)
def test_no_bytes_make_a_format_raise_anything_but_bad_input(form, body):
    try:
        rows(form, body)
    except BadInput as error:
        assert error.reason

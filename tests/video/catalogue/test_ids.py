"""GB/T 28181 ids: parts, kinds, regions. Oracle: the standard's table, written out by hand, and slices of the text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core import gb28181


def test_an_id_of_twenty_digits_is_taken_apart_as_the_standard_says():
    parts = gb28181.parts_of("41070211081320000042")
    assert parts == ("41070211", "08", "132", "0000042")
    assert parts.kind == "camera" and gb28181.SECTORS[parts.sector] == "urban_management"


def test_types_are_those_of_annex_e():
    named = {"111": "dvr", "118": "nvr", "131": "camera", "132": "camera", "134": "alarm_in", "200": "system",
             "215": "business_group", "216": "virtual_organisation"}  # fmt: skip
    for digits, kind in named.items():
        assert gb28181.parts_of(f"4107020000{digits}0000001").kind == kind
    assert gb28181.parts_of("41070200009990000001").kind == "type_999"
    assert gb28181.parts_of("410702").kind == "civil_region"


@settings(deadline=None)
@given(st.text(max_size=30))
def test_what_is_no_id_is_none_and_what_is_one_comes_back_whole(text):
    parts = gb28181.parts_of(text)
    fit = text.isascii() and text.isdigit() and len(text) in (2, 4, 6, 8, 20)
    assert (parts is not None) == fit
    assert parts is None or "".join(parts) == text


def test_a_region_is_read_without_the_empty_pairs_at_its_end():
    cases = {"410700": "4107", "410000": "41", "41070200": "410702", "41070203": "41070203", "410702001": "410702",
             "410702013001": "41070201", "4107": "4107", "": "", "x": "", "0": "", "河南": "", "0000": ""}  # fmt: skip
    assert {code: gb28181.region_of(code) for code in cases} == cases


def test_a_region_lies_in_province_city_district_and_street():
    assert gb28181.regions_above("41070201") == ["41", "4107", "410702", "41070201"]
    assert gb28181.regions_above("4107") == ["41", "4107"] and gb28181.regions_above("") == []
    assert gb28181.PROVINCES["41"] == "河南省" and len(gb28181.PROVINCES) == 34

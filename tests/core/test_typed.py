"""What somebody types to find a place."""

from __future__ import annotations

import pytest

from hall.core.coordinates import wgs84_to_gcj02
from hall.core.typed import BEGINS, HOLDS, INITIALS, WHOLE, Directory, Names, coordinates_of, words_of

CITY = (113.9, 35.3)


@pytest.mark.parametrize(
    "text", ["35.3, 113.9", "113.9,35.3", "35.3 113.9", "35.3，113.9", "N35.3 E113.9", "113.9°E, 35.3°N", "北35.3，东113.9"]
)
def test_two_numbers_are_a_place_in_either_order_as_wgs_84_and_as_gcj_02(text):
    wgs, gcj = coordinates_of(text, CITY)
    assert (wgs.lon, wgs.lat, wgs.crs) == (113.9, 35.3, "WGS-84")
    assert gcj.crs == "GCJ-02" and wgs84_to_gcj02(gcj.lon, gcj.lat) == pytest.approx((113.9, 35.3), abs=1e-6)


@pytest.mark.parametrize("text", ["人民路", "12", "4107030201", "35.3, 213.9", "1.2.3, 4", "35.3, 113.9 x", ""])
def test_what_is_no_place_on_earth_is_none(text):
    assert coordinates_of(text, CITY) == []


def test_letters_decide_the_order_also_against_the_city_and_abroad_there_is_no_shift():
    (one,) = coordinates_of("S 24.9, E 60.1", CITY)
    assert (one.lon, one.lat) == (60.1, -24.9)


def test_a_name_is_found_whole_from_its_beginning_within_and_by_pinyin_initials():
    names = Names.of("人民路与文化街路口", "豫G12345")
    ranks = {text: names.rank(words_of(text)) for text in ("豫g12345", "人民路", "文化 街", "12345", "rmlywhj", "解放", "")}
    expected = {"豫g12345": WHOLE, "人民路": BEGINS, "文化 街": HOLDS, "12345": HOLDS, "rmlywhj": INITIALS, "解放": None}
    assert ranks == expected | {"": None}


def test_a_directory_finds_what_each_name_alone_would():
    streets = ("人民路", "人民东路", "解放大道", "学院街", "Main St")
    names = [Names.of(f"{streets[n % 5]}{n}号", str(n)) for n in range(300)]
    directory = Directory(names)
    for text in ("人民", "人民 7", "rm", "main", "299", "解放大道 12号", "没有", "号 1"):
        words = words_of(text)
        right = [(rank, number) for number, name in enumerate(names) if (rank := name.rank(words)) is not None]
        assert directory.ranked(words) == right, text

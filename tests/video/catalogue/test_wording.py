"""Words that find a channel. Oracle: readings of characters written out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.wording import haystack, initials, plain, words_of

READINGS = {
    "人民路": "rml", "解放大道": "jfdd", "平原路口积水点": "pylkjsd", "新飞大道": "xfdd", "牧野湖公园南门": "myhgynm",
    "卫河10号桥": "wh10hq", "安全": "aq", "座山": "zs", "鹅湖": "eh", "哦": "o", "区政府": "qzf", "三中": "sz", "瓦店": "wd",
}  # fmt: skip


@pytest.mark.parametrize("name", READINGS)
def test_initials_are_those_a_person_would_type(name):
    assert initials(name) == READINGS[name]


def test_a_rare_character_and_foreign_signs_are_left_out():
    assert initials("沣河大桥") == "hdq", "the second level of GB 2312 is in the order of strokes"
    assert initials("Main St") == "" and initials("𠮷野家") == "yj"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_gives_plain_letters_only(text):
    assert set(initials(text)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_every_part_of_a_name_is_found_in_its_haystack(text):
    found = haystack(text, "somebody")
    assert all(plain(text)[a:b] in found for a in range(0, len(plain(text)), 5) for b in (a + 1, a + 3))


def test_width_and_case_do_not_matter_and_words_are_bounded():
    assert words_of("ＡＢｃ  人民路\t12 12") == ("abc", "人民路", "12")
    assert len(words_of(" ".join(map(str, range(100))))) == 8

"""What walls are told about how soon a crew is at water."""

from __future__ import annotations

from dispatch.crews.approach import approach_of
from hall.core.config import parse

CITY = '[city]\nname = { "zh-CN" = "试验市" }\ncentre = [113.9, 35.3]\n'


def test_the_default_set_sends_drainage_crews_to_ponding():
    assert approach_of(parse(CITY)) == {"factor": 1.4, "kmh": 30.0, "skills": ["排水"]}


def test_a_city_with_other_streets_and_other_words_says_so():
    more = """
    [dispatch.crews.straight]
    kmh = 18.0
    [[dispatch.crews.needs]]
    classes = ["积水", "内涝"]
    skills = ["抽排", "交通"]
    """
    assert approach_of(parse(CITY + more)) == {"factor": 1.4, "kmh": 18.0, "skills": ["交通", "抽排"]}

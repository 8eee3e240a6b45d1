"""Plans are configuration: the Chinese default set, a city's own words over it, and every mistake by its file, line and key."""

from __future__ import annotations

import pytest

from dispatch.plans.settings import plans_of
from hall.core.config import parse
from hall.core.errors import ConfigError

CITY = '[city]\nname = { "zh-CN" = "市" }\ncentre = [113.9, 35.3]\n'


def plan(text: str = ""):
    return plans_of(parse(CITY + text)).by_name["flood"]


def test_the_default_plan_has_four_levels_and_the_graver_two_are_the_leaders_to_sign():
    levels = plan().levels
    assert list(levels) == ["IV", "III", "II", "I"]
    assert [("supervisor" in level.sign, "leader" in level.sign) for level in levels.values()] == [
        (True, True), (True, True), (False, True), (False, True),
    ]  # fmt: skip
    assert plan().signals == {"blue": "IV", "yellow": "III", "orange": "II", "red": "I"}


def test_a_city_changes_one_figure_and_keeps_the_rest():
    own = plan("[dispatch.plans.flood.tasks.preplace]\ndue_minutes = 40\n")
    assert own.tasks["preplace"].due_minutes == 40
    assert own.tasks["preplace"].label == plan().tasks["preplace"].label
    assert own.tasks["inlets"] == plan().tasks["inlets"]


def test_a_city_maps_a_signal_otherwise_and_switches_a_task_off():
    own = plan('[dispatch.plans.flood.signals]\norange = "III"\n[dispatch.plans.flood.tasks.covers]\nlevel = ""\n')
    assert own.signals == {"blue": "IV", "yellow": "III", "orange": "III", "red": "I"}
    assert own.tasks["covers"].level == ""


def test_a_text_in_one_language_replaces_the_whole_text():
    own = plan('[dispatch.plans.flood]\nlabel = { "zh-CN" = "本市防汛预案" }\n')
    assert own.label == {"zh-CN": "本市防汛预案"}


def test_a_plan_of_its_own_stands_beside_the_default_one_and_either_can_be_switched_off():
    table = """
[dispatch.plans.flood]
enabled = false
[dispatch.plans.snow]
label = { "zh-CN" = "除雪预案" }
events = ["暴雪"]
[dispatch.plans.snow.levels.III]
sign = ["supervisor"]
"""
    assert list(plans_of(parse(CITY + table)).by_name) == ["snow"]


def test_a_demo_city_only_ever_has_exercises():
    assert plans_of(parse(CITY + "demo = true\n")).exercise
    assert not plans_of(parse(CITY)).exercise
    assert plans_of(parse(CITY + "[dispatch.plans]\nexercise = true\n")).exercise


@pytest.mark.parametrize(
    "text, key, line",
    [
        ("[dispatch.plans]\nundo_minute = 3\n", "dispatch.plans.undo_minute", 5),
        ("[dispatch.plans]\nundo_minutes = -3\n", "dispatch.plans.undo_minutes", 5),
        ('[dispatch.plans.flood]\nease = "much"\n', "dispatch.plans.flood.ease", 5),
        ('[dispatch.plans.flood]\nautomatic = ["V"]\n', "dispatch.plans.flood.automatic", 5),
        ('[dispatch.plans.flood.signals]\npurple = "I"\n', "dispatch.plans.flood.signals.purple", 5),
        ('[dispatch.plans.flood.signals]\nred = "0"\n', "dispatch.plans.flood.signals.red", 5),
        ('[dispatch.plans.flood.levels.V]\nsign = ["leader"]\n', "dispatch.plans.flood.levels.V", 4),
        ('[dispatch.plans.flood.levels.II]\nsign = ["mayor"]\n', "dispatch.plans.flood.levels.II.sign", 5),
        ("[dispatch.plans.flood.levels.II]\nsign = []\n", "dispatch.plans.flood.levels.II.sign", 5),
        ("[dispatch.plans.flood.levels.II]\nwhen = [{ sites = 3 }]\n", "dispatch.plans.flood.levels.II.when[0]", 5),
        ("[dispatch.plans.flood.levels.II]\nwhen = [{ rain_mm = 3, rain_hours = 5 }]\n", "dispatch.plans.flood.levels.II.when[0].rain_hours", 5),
        ("[dispatch.plans.flood.tasks.preplace]\ndue_minute = 3\n", "dispatch.plans.flood.tasks.preplace.due_minute", 5),
        ("[dispatch.plans.flood.tasks.preplace]\nack_minutes = 90\n", "dispatch.plans.flood.tasks.preplace.ack_minutes", 5),
        ('[dispatch.plans.flood.tasks.preplace]\nrole = "leader"\n', "dispatch.plans.flood.tasks.preplace.unit", 4),
        ('[dispatch.plans.flood.spots.x]\nname = { en = "X" }\nlevel = "V"\n', "dispatch.plans.flood.spots.x.level", 6),
        ('[dispatch.plans.flood.spots.x]\nname = { en = "X" }\nlon = 3.0\n', "dispatch.plans.flood.spots.x.lon", 6),
        ('[dispatch.plans.flood.messages.units]\nkind = "fax"\n', "dispatch.plans.flood.messages.units.kind", 5),
        ('[dispatch.plans.flood]\ntasks = ["a"]\n', "dispatch.plans.flood.tasks", 5),
    ],
)  # fmt: skip
def test_every_mistake_is_named_by_key_and_line(text, key, line):
    with pytest.raises(ConfigError) as found:
        plans_of(parse(CITY + text))
    assert (found.value.key, found.value.line) == (key, line), found.value

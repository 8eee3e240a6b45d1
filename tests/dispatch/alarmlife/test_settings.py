"""What a city's file says about people and alarms; a mistake is named with file, line and key."""

from __future__ import annotations

import pytest

from dispatch.alarmlife.settings import settings_of
from hall.core.config import load
from hall.core.errors import ConfigError

CITY = '[city]\nname = { en = "Trial" }\ncentre = [113.92, 35.30]\n'


def settings(folder, text: str = ""):
    (folder / "hall.toml").write_text(CITY + text, encoding="utf-8")
    return settings_of(load(folder / "hall.toml"))


def test_a_city_that_says_nothing_has_the_figures_of_the_standards(tmp_path):
    found = settings(tmp_path)
    assert (found.flood.begins, found.flood.ends_below, found.flood.window) == (10, 5, 600_000)
    assert (found.targets.per_window, found.targets.flood_share, found.targets.standing_most) == (1, 0.01, 5)
    assert "道路积水" in found.ponding.classes


def test_a_city_replaces_single_figures_and_keeps_the_others(tmp_path):
    found = settings(tmp_path, "[dispatch.alarms.life]\nshelf_hours_most = 4\n[dispatch.alarms.life.flood]\nbegins = 20\n")
    assert (found.shelf_most, found.flood.begins, found.flood.ends_below) == (4 * 3_600_000, 20, 5)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("dispatch.alarms.life", "[dispatch.alarms.life]\nshelf_hour = 4\n"),
        ("dispatch.alarms.life.shelf_hours_most", "[dispatch.alarms.life]\nshelf_hours_most = 0\n"),
        ("dispatch.alarms.life.flood.ends_below", "[dispatch.alarms.life.flood]\nends_below = 11\n"),
        ("dispatch.alarms.life.chatter.times", "[dispatch.alarms.life.chatter]\ntimes = 1\n"),
        ("dispatch.alarms.life.case_note", '[dispatch.alarms.life]\ncase_note = "seen by {gauge}"\n'),
        ("dispatch.alarms.life.notices.first_seconds", '[dispatch.alarms.life.notices]\nfirst_seconds = "soon"\n'),
    ],
)
def test_a_mistake_is_named_before_anything_starts(tmp_path, key, text):
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert caught.value.key == key and caught.value.file.endswith("hall.toml")

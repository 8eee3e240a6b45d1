"""Every configuration error names file, line and key."""

import pytest

from hall.core.config import load, parse
from hall.core.errors import ConfigError
from hall.core.tomlplaces import line_of

GOOD = """[city]
name = {zh = "新乡", en = "Xinxiang"}
centre = [113.9, 35.3]

[walls.main]
columns = 3

[[feeds]]
name = "a"
kind = "case"
url = "push://"
[feeds.mapping]
case_id = "id"
[feeds.mapping.lon]
path = "x"

[[feeds]]
name = "b"
kind = "case"
url = "push://"
mapping.time = {path = "t"}
"""


def test_a_good_file_is_read():
    config = parse(GOOD)
    assert [feed.name for feed in config.feeds] == ["a", "b"] and config.walls["main"].columns == 3


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("centre = [113.9, 35.3]", "centre = [113.9]"), "hall.toml:3: city.centre"),
        (("columns = 3", 'columns = "three"'), "hall.toml:6: walls"),
        (('name = "b"', 'name = "a"'), "hall.toml:18: feeds[1].name"),
        (('name = "b"', 'nam = "b"'), "hall.toml:"),
        (('name = "b"', 'name = "b b"'), "hall.toml:18: feeds[1].name"),
        (("[walls.main]", "[walls.main"), "hall.toml:5"),
        (('kind = "case"\nurl = "push://"\nmapping', 'kind = 3\nurl = "push://"\nmapping'), "hall.toml:19: feeds[1].kind"),
    ],
)
def test_an_error_names_its_place(change, place):
    with pytest.raises(ConfigError) as error:
        parse(GOOD.replace(*change))
    assert str(error.value).startswith(place)


@pytest.mark.parametrize(
    "shown, place, words",
    [
        ('["heat", "roads"]', "map.walls_show[1]", "'roads': one of components, heat, measures"),
        ('["heat", "measures"]', "map.walls_show", "colour the same ground"),
    ],
)
def test_what_walls_show_from_the_start_is_a_layer_that_is_else_off(shown, place, words):
    assert parse(GOOD + '[map]\nwalls_show = ["components", "heat"]').map.walls_show == ["components", "heat"]
    with pytest.raises(ConfigError, match=words) as error:
        parse(GOOD + f"[map]\nwalls_show = {shown}")
    assert error.value.key == place and error.value.line == GOOD.count("\n") + 2


def test_the_line_of_a_nested_key_is_found():
    assert line_of(GOOD, "feeds[0].mapping.case_id") == 13
    assert line_of(GOOD, "feeds[0].mapping.lon.path") == 15
    assert line_of(GOOD, "feeds[1].mapping.time") == 21
    assert line_of(GOOD, "feeds[1].mapping.nowhere") in (17, 21)


def test_a_missing_or_undecodable_file_is_an_error_with_its_name(tmp_path):
    with pytest.raises(ConfigError, match="nothing.toml"):
        load(tmp_path / "nothing.toml")
    (tmp_path / "x.toml").write_bytes("名".encode("gb2312"))
    with pytest.raises(ConfigError, match="x.toml"):
        load(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[city]\nname = "新乡市"\n', 2, 'city.name: expected a table { … }, for example name = { "zh-CN" = "…", en = "…" }; there is a text'),
        ('[city]\ncentre = "113.9"\n', 2, "city.centre: expected a list [ … ], for example centre = [113.92, 35.30]; there is a text"),
        ('[city]\ndemo = "yes"\n', 2, "city.demo: expected true or false, without quotes, for example demo = true; there is a text"),
        ("city = 3\n", 1, "city: expected a table { … }; there is a whole number"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_told_in_words_with_an_example(text, line, words):
    with pytest.raises(ConfigError) as told:
        parse(text)
    assert str(told.value) == f"hall.toml:{line}: {words}"

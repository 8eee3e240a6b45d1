"""What a city writes about alarms: units are checked, every mistake is named by file, line and key."""

from pathlib import Path

import pytest

from dispatch.alarming import rules_of
from dispatch.alarming.rulebook import compile_rules, kinds
from dispatch.alarming.units import UNITS, UnitFault, canonical, factor, rate_factor, ratios
from hall.core.config import load, parse
from hall.core.errors import ConfigError
from hall.core.model import QUANTITY_UNITS

ROOT = Path(__file__).parent.parent.parent.parent
CITY = '[city]\nname = {en = "T"}\ncentre = [1.0, 2.0]\n'
RULE = '[[dispatch.alarms.rules]]\nname = "r"\nkind = "threshold"\nquantity = "water_depth"\n'


def _mistake(text):
    with pytest.raises(ConfigError) as found:
        compile_rules(parse(CITY + text, "hall.toml"))
    return found.value.line, found.value.key, found.value.problem


def test_the_default_set_compiles_and_has_the_lines_of_the_domain():
    book = rules_of({})
    lines = {rule.name: (rule.settings.value, rule.severity) for rule in book.rules if rule.kind.name == "threshold"}
    assert [lines[name][0] for name in ("underpass-care", "underpass-close", "underpass-must-close")] == [0.20, 0.25, 0.27]
    assert [lines[name][0] for name in ("road-care", "road-slow", "road-close")] == [0.15, 0.25, 0.40]
    assert all(
        rule.levels["I"].value < rule.settings.value for rule in book.rules if rule.name in ("road-care", "underpass-close")
    )
    assert all(rule.labels.get("zh-CN") and rule.labels.get("en") for rule in book.rules if rule.severity)


def test_all_nine_kinds_are_found():
    assert sorted(kinds()) == [
        "combination", "forecast", "geofence", "missing_report", "n_of_m", "rate", "silence", "stuck", "threshold",
    ]  # fmt: skip


@pytest.mark.parametrize("file", sorted(ROOT.glob("examples/*/hall.toml")), ids=str)
def test_every_example_compiles(file):
    assert compile_rules(load(file)).rules


def test_figures_become_canonical_by_the_units_of_the_world():
    metres = {"mm": 0.001, "cm": 0.01, "m": 1, "km": 1000, "in": 0.0254, "ft": 0.3048}
    assert {unit: factor(unit, "water_depth") for unit in metres} == pytest.approx(metres)
    assert factor("in", "rain_1h") == pytest.approx(25.4) and factor("kPa", "pressure") == pytest.approx(0.001)
    assert rate_factor("cm/min", "water_depth") == pytest.approx(0.01 / 60)
    assert 100 in [pytest.approx(one) for one in ratios("water_depth")]
    for quantity, own in QUANTITY_UNITS.items():
        assert own in UNITS and canonical(quantity) == own


def test_a_unit_of_something_else_is_a_mistake_with_its_line():
    assert _mistake(RULE + 'severity = 2\nvalue = 25\nunit = "mm/h"\n') == (
        10, "dispatch.alarms.rules[0].unit", "mm/h is a unit of length/time; water_depth is measured in m",
    )  # fmt: skip
    assert _mistake(RULE + "severity = 2\nvalue = 25\n")[1] == "dispatch.alarms.rules[0].unit", "a unit must be written"
    with pytest.raises(UnitFault):
        rate_factor("cm", "water_depth")


@pytest.mark.parametrize(
    ("more", "line", "key"),
    [
        ('unit = "cm"\nvalue = "deep"\n', 9, "value"),
        ('unit = "cm"\nvalue = 5\nfrom = 3\n', 10, "from"),
        ('unit = "cm"\nvalue = 5\nseverity = 7\n', 10, "severity"),
        ('unit = "cm"\nvalue = 5\nwhen = "beside"\n', 10, "when"),
        ('unit = "cm"\nvalue = 5\nreadings_on = 0\n', 10, "readings_on"),
        ('unit = "cm"\nvalue = 5\nat_level = {V = {value = 3}}\n', 10, "at_level.V"),
        ('unit = "cm"\n', 4, "value"),
    ],
)
def test_a_mistake_names_its_line_and_key(more, line, key):
    found = _mistake(RULE + more)
    assert found[:2] == (line, f"dispatch.alarms.rules[0].{key}")


def test_a_kind_that_does_not_exist_and_a_rule_without_a_name_are_mistakes():
    assert "none of" in _mistake('[[dispatch.alarms.rules]]\nname = "r"\nkind = "magic"\n')[2]
    assert _mistake('[[dispatch.alarms.rules]]\nkind = "silence"\nminutes = 3\n')[1] == "dispatch.alarms.rules[0].name"
    assert _mistake(f"{RULE}unit = 'cm'\nvalue = 5\n" * 2)[1] == "dispatch.alarms.rules[0].name"


def test_a_rule_that_builds_on_one_that_is_not_there_or_on_itself_is_a_mistake():
    unknown = '[[dispatch.alarms.rules]]\nname = "c"\nkind = "combination"\nall = ["nothing", "rain-falls"]\n'
    assert "there is no rule 'nothing'" in _mistake(unknown)[2]
    circle = (
        '[[dispatch.alarms.rules]]\nname = "a"\nkind = "n_of_m"\nof = ["b"]\ncount = 1\n'
        '[[dispatch.alarms.rules]]\nname = "b"\nkind = "n_of_m"\nof = ["a"]\ncount = 1\n'
    )
    assert "builds on itself" in _mistake(circle)[2]


def test_a_table_that_does_not_exist_and_a_figure_that_cannot_be_are_mistakes():
    assert _mistake("[dispatch.alarms.calmness]\ntimes = 3\n")[1] == "dispatch.alarms.calmness"
    assert _mistake("[dispatch.alarms.calming]\ntimes = 1\n")[1] == "dispatch.alarms.calming"
    assert (
        _mistake('[dispatch.alarms.belief.water_depth]\nunit = "Pa"\nhigh = 3\n')[1]
        == "dispatch.alarms.belief.water_depth.unit"
    )


def test_a_city_changes_single_keys_of_a_default_rule_and_switches_others_off():
    text = '[[dispatch.alarms.rules]]\nname = "road-care"\nvalue = 12\n[[dispatch.alarms.rules]]\nname = "gas-25"\nenabled = false\n'
    book = compile_rules(parse(CITY + text, "hall.toml"))
    care = next(rule for rule in book.rules if rule.name == "road-care")
    assert (care.settings.value, care.severity, care.advice) == (0.12, 2, ("inspect", "drain"))
    assert all(rule.name != "gas-25" for rule in book.rules)


def test_a_default_rule_that_builds_on_one_that_is_off_is_off_too():
    book = compile_rules(parse(f'{CITY}[[dispatch.alarms.rules]]\nname = "sensor-silent"\nenabled = false\n', "hall.toml"))
    assert not {"sensor-silent", "station-silent", "feed-silent"} & {rule.name for rule in book.rules}


def test_the_citys_own_table_of_the_life_of_alarms_is_let_pass():
    assert compile_rules(parse(CITY + "[dispatch.alarms.life]\n", "hall.toml")).rules

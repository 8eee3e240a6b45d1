"""Who reports for whom, what turns red when, and what the figures add up to."""

from __future__ import annotations

import pytest

from dispatch.reporting import reminders, rules_of
from hall.core.command import Actor
from hall.core.config import parse
from hall.core.errors import ConfigError, Refused
from tests.dispatch.reporting.world import CLERK, HALL, HOUR, LEADER, MINUTE, START, UNITS, Stream, started

RED, WEI, MU = UNITS


def why(call, *args, **data):
    with pytest.raises(Refused) as refused:
        call(*args, **data)
    return refused.value.reason


def test_what_has_not_reported_is_red_from_the_due_moment_until_it_reports():
    stream = started()
    stream.do(START + 30 * MINUTE, "report", unit=RED, text="无积水")
    stream.do(START + 69 * MINUTE, "roll", HALL)
    assert (stream.document()["missing"], stream.document()["waiting"]) == ([], [WEI, MU])
    stream.do(START + 70 * MINUTE, "roll", HALL)
    shown = stream.document()
    assert (shown["missing"], shown["missing_since"]) == ([WEI, MU], START + 70 * MINUTE)
    assert shown["units"][RED]["text"] == "无积水" and shown["units"][WEI] == {}
    assert (shown["period_start"], shown["due"]) == (START + HOUR, START + 130 * MINUTE)
    stream.do(START + 80 * MINUTE, "report", unit=WEI, text="出动两队")
    shown = stream.document()
    assert (shown["missing"], shown["late"], shown["waiting"]) == ([MU], [WEI], UNITS)


def test_whoever_missed_an_hour_and_reports_the_next_in_time_is_no_longer_red_but_stays_missing_in_the_record():
    stream = started()
    stream.do(START + 125 * MINUTE, "report", unit=RED, text="迟到的")  # within the grace of the second hour
    state = stream.do(START + 126 * MINUTE, "roll", HALL)
    assert RED in stream.state.periods[0].missing and RED not in stream.document()["missing"]
    state = stream.do(START + 130 * MINUTE, "roll", HALL)
    assert state.periods[1].reported == [RED]


def test_a_seat_reports_for_its_own_district_and_the_citys_seats_for_any():
    stream = started()
    district = Actor(name="wu", role="inspector", districts=(RED,))
    office = Actor(name="bao", role="department", unit=WEI)
    cared = Actor(name="ma", role="department", unit="排水处", districts=(MU,))
    stranger = Actor(name="xu", role="department", unit="路灯所")
    for actor, unit in ((district, RED), (office, WEI), (cared, MU), (CLERK, MU)):
        stream.do(START + MINUTE, "report", actor, unit=unit, text="x")
    assert why(stream.do, START, "report", district, unit=WEI, text="x") == "not-your-unit"
    assert why(stream.do, START, "report", office, unit=RED, text="x") == "not-your-unit"
    assert why(stream.do, START, "report", stranger, unit=RED, text="x") == "not-permitted"
    assert why(stream.do, START, "report", Actor(name="v", role="viewer"), unit=RED, text="x") == "not-permitted"


def test_a_report_without_content_for_nobody_or_with_unknown_figures_is_refused():
    stream = started()
    assert why(stream.do, START, "report", unit=RED) == "field-missing"
    assert why(stream.do, START, "report", unit="火星区", text="x") == "unit-unknown"
    assert why(stream.do, START, "report", unit=RED, numbers={"boats": 1}) == "bad-field"
    assert why(stream.do, START, "report", unit=RED, numbers={"pumps": -1}) == "bad-field"


def test_who_is_excused_is_not_missing_and_is_again_when_the_excuse_is_over():
    stream = started()
    stream.do(START + MINUTE, "excuse", LEADER, reason="全区停电", unit=MU, until=START + 2 * HOUR)
    state = stream.do(START + 4 * HOUR, "roll", HALL)
    assert [(period.excused, period.missing) for period in state.periods] == [
        ([MU], [RED, WEI]), ([MU], [RED, WEI]), ([], UNITS),
    ]  # fmt: skip
    assert why(stream.do, START, "excuse", CLERK, unit=MU) == "not-permitted"
    stream.do(START + 4 * HOUR, "unexcuse", LEADER, unit=MU)
    assert stream.document()["excused"] == {}


def test_standing_figures_are_of_now_and_running_ones_add_up():
    stream = started()
    figure = lambda name: next(one for one in stream.document()["figures"] if one["name"] == name)  # noqa: E731
    assert figure("pumps")["value"] is None and figure("wells_cleared")["value"] is None
    stream.do(START + 5 * MINUTE, "report", unit=RED, numbers={"pumps": 3, "wells_cleared": 10})
    stream.do(START + 6 * MINUTE, "report", unit=RED, numbers={"pumps": 4, "wells_cleared": 12})  # put right within the hour
    stream.do(START + 7 * MINUTE, "report", unit=WEI, numbers={"pumps": 2, "wells_cleared": 1})
    assert (figure("pumps")["value"], figure("wells_cleared")["value"]) == (6, 13)
    stream.do(START + 90 * MINUTE, "report", unit=RED, numbers={"pumps": 1, "wells_cleared": 5})
    stream.do(START + 90 * MINUTE, "report", unit=MU, numbers={"wells_cleared": 7})  # late for the first hour
    assert figure("pumps")["value"] == 1 + 2 and figure("wells_cleared")["value"] == 12 + 1 + 5 + 7
    stream.do(START + 3 * HOUR, "roll", HALL)  # 卫滨 has said nothing for two hours: its pumps are not what is there now
    assert (figure("pumps")["value"], figure("pumps")["units"], figure("wells_cleared")["value"]) == (1, 1, 25)


def test_another_rhythm_owes_nothing_to_the_old_one_and_keeps_what_was_said():
    stream = started()
    stream.do(START + MINUTE, "report", unit=RED, numbers={"wells_cleared": 3}, text="第一报")
    stream.do(START + 65 * MINUTE, "schedule", LEADER, every_minutes=30, reason="提级")
    shown = stream.document()
    assert shown["every_minutes"] == 30 and shown["units"][RED]["text"] == "第一报" and shown["waiting"] == UNITS
    assert shown["due"] == START + 90 * MINUTE + 10 * MINUTE  # from 09:00 local, half an hour and the grace
    assert [one["value"] for one in shown["figures"]] == [None, 3]
    assert stream.do(START + 2 * HOUR, "stop", LEADER).ended and stream.kind.document(stream.state) is None
    again = stream.do(START + 9 * HOUR, "schedule", LEADER)
    assert not again.ended and again.last == {} and again.added == {} and again.periods == []


def test_a_schedule_drafted_by_a_signature_is_filled_once_by_the_hall():
    stream = Stream()
    state = stream.write(START + 37 * MINUTE, "schedule", {"every_minutes": 60, "from": START + 37 * MINUTE, "exercise": True})
    assert not state.settled and state.units == [] and state.exercise
    state = stream.do(START + 37 * MINUTE, "settle", HALL)
    assert (state.settled, state.units, state.start, state.grace_minutes) == (True, UNITS, START, 10)
    assert stream.kind.decide(stream, _command("settle"), HALL) == []
    assert why(stream.do, START, "schedule", LEADER, every_minutes=60) == "exercise"


def _command(move):
    from hall.core.command import Command

    return Command(id="again", subject="reporting/flood", move=move)


def test_reminders_go_to_those_who_have_not_reported_and_end_when_they_do():
    stream = started(tell=["unit", "role:inspector"], tell_missing=["role:supervisor"])
    rules = stream.kind.rules
    stream.do(START + MINUTE, "report", unit=RED, text="x")
    subject = "reporting/flood"
    assert reminders.near(subject, stream.state, rules, START + 59 * MINUTE) == []
    near = reminders.near(subject, stream.state, rules, START + 60 * MINUTE)
    assert [(tell.data["to"], tell.data.get("district")) for tell in near] == [
        ({"unit": WEI}, None), ({"role": "inspector"}, WEI), ({"unit": MU}, None), ({"role": "inspector"}, MU),
    ]  # fmt: skip
    assert len({tell.subject for tell in near}) == 4
    stream.do(START + 70 * MINUTE, "roll", HALL)
    missing = reminders.missing(subject, stream.state, rules, START + 70 * MINUTE)
    assert missing[-1].data["to"] == {"role": "supervisor"} and missing[-1].data["values"]["units"] == f"{WEI}、{MU}"
    assert (
        reminders.missing(subject, stream.state, rules, START + 70 * MINUTE) == missing
    )  # the same words under the same names
    stream.do(START + 80 * MINUTE, "report", unit=WEI, text="x")
    gone = {command.subject for command in reminders.settled(subject, stream.state, rules, WEI)}
    assert {
        tell.subject for tell in (*near, *missing) if WEI in (tell.data["values"].get("unit"), tell.data.get("district"))
    } <= gone
    assert not {tell.subject for tell in near if tell.data["values"]["unit"] == MU} & gone
    assert reminders.missing(subject, stream.state, rules, START + 131 * MINUTE) == []  # an hour later it is no news
    stream.do(START + 3 * HOUR, "schedule", LEADER, exercise=True)
    (drill,) = {tell.data["values"]["plan"] for tell in reminders.near(subject, stream.state, rules, START + 241 * MINUTE)}
    assert drill == "【演练】flood"


CITY = '[city]\nname = {en = "T"}\ncentre = [1.0, 2.0]\n%s\n[dispatch.reporting]\n%s\n'


def test_units_are_the_districts_of_the_boundary_unless_the_city_names_others(tmp_path):
    shape = '{"type": "Feature", "properties": {"name": "%s"}, "geometry": null}'
    features = ",".join(shape % name for name in ("北区", "南区", "北区"))
    (tmp_path / "b.json").write_text(f'{{"type": "FeatureCollection", "features": [{features}]}}')
    path = str(tmp_path / "hall.toml")
    assert rules_of(parse(CITY % ('boundary = "b.json"', ""), path)).units == ["北区", "南区"]
    assert rules_of(parse(CITY % ('boundary = "b.json"', 'units = ["水务局"]'), path)).units == ["水务局"]
    assert rules_of(parse(CITY % ("", ""), path)).units == []
    assert [number.name for number in rules_of(parse(CITY % ("", ""), path)).numbers][:2] == ["teams", "people"]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("every_minutes = 1", "dispatch.reporting.every_minutes"),
        ("colour = 1", "dispatch.reporting"),
        ('tell = ["everybody"]', "dispatch.reporting.tell[0]"),
        ('numbers = [{name = "a", how = "guess"}]', "dispatch.reporting.numbers[0].how"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_key(line, key):
    with pytest.raises(ConfigError) as error:
        rules_of(parse(CITY % ("", line), "hall.toml"))
    assert error.value.key == key and error.value.line == 6 or error.value.key == "dispatch.reporting"

"""The way into the hall: once, newest wins, placed, also after a restart. Oracles: plain dicts, point in polygon by hand."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.intake import Intake, Item
from feeds.known import Known, Subjects
from feeds.places import Places
from feeds.source import Ready
from hall.core import secrets
from hall.core.board import Board
from hall.core.config import parse
from hall.core.event import decode, envelope
from hall.core.model import Case, Observation, Position

NOW = 1_700_000_000_000
CONFIG = '[city]\nname = {en = "T"}\ncentre = [0, 0]\n'
FEED = """
[[feeds]]
name = "g"
kind = "observation"
url = "push://"
[feeds.mapping]
sensor_id = "id"
quantity = {const = "water_depth"}
value = "v"
time = {path = "t", time = "epoch_ms"}
"""


class Clock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> int:
        return self.moment


class Sink:
    """Events in the order they were put, and the board they make."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    def put_raw(self, encoded: bytes) -> None:
        self.raw.append(encoded)

    def board(self) -> Board:
        made = Board()
        for number, raw in enumerate(self.raw, 1):
            made.apply("bulk", (number, 0), raw, envelope(raw))
            made.advance("bulk", (number, 0))
        return made


def intake(config: str = CONFIG, file: str = "hall.toml") -> tuple[Intake, Sink]:
    sink = Sink()
    return Intake(sink, Clock(), Places(parse(config, file)), Subjects()), sink


def never(origin, reason, detail):
    raise AssertionError(f"{reason}: {detail}")


def reading(sensor: str, value: float) -> Observation:
    return Observation(feed="g", sensor_id=sensor, quantity="water_depth", value=value, unit="m")


def test_the_same_reading_twice_is_one_event():
    made, sink = intake()
    first = made.take("g", [Item(reading("a", 0.1), NOW)], never)
    second = made.take("g", [Item(reading("a", 0.1), NOW), Item(reading("a", 0.1), NOW + 1)], never)
    assert (first.accepted, second.duplicates, second.accepted, len(sink.raw)) == (1, 1, 1, 2)


def test_late_data_is_counted_and_never_published():
    made, sink = intake()
    made.take("g", [Item(reading("a", 0.5), NOW)], never)
    assert made.take("g", [Item(reading("a", 0.1), NOW - 1)], never).late == 1
    assert len(sink.raw) == 1


def test_a_correction_at_the_same_moment_replaces_what_was_said_first():
    made, sink = intake()
    for value in (0.5, 0.4, 0.3):
        made.take("g", [Item(reading("a", value), NOW)], never)
    assert sink.board().decode("observation/g/a/water_depth")["data"]["value"] == 0.3


def test_a_directory_without_times_is_news_only_when_its_content_changes():
    made, sink = intake()
    crew = Position(feed="g", unit_id="1", name="A")
    made.take("g", [Item(crew, None)], never)
    made.clock.moment += 5_000
    assert made.take("g", [Item(Position(feed="g", unit_id="1", name="A"), None)], never).duplicates == 1
    assert made.take("g", [Item(Position(feed="g", unit_id="1", name="B"), None)], never).accepted == 1
    assert sink.board().decode("position/g/1")["time"] == NOW + 5_000


def test_a_clock_that_was_set_back_does_not_make_news_late():
    made, sink = intake()
    made.take("g", [Item(Position(feed="g", unit_id="1", name="A"), None)], never)
    made.clock.moment -= 3_600_000
    assert made.take("g", [Item(Position(feed="g", unit_id="1", name="B"), None)], never).accepted == 1
    assert sink.board().decode("position/g/1")["data"]["name"] == "B"


def test_a_supplier_whose_clock_was_set_back_with_ours_is_not_held_up():
    made, sink = intake()
    made.take("g", [Item(reading("a", 0.1), NOW)], never)
    for step, value in enumerate((0.2, 0.3, 0.2)):
        made.clock.moment = NOW - 3_600_000 + step * 1000
        assert made.take("g", [Item(reading("a", value), made.clock.moment)], never).accepted == 1
        assert sink.board().decode("observation/g/a/water_depth")["data"]["value"] == value
    made.clock.moment = NOW + 60_000  # the clock has caught up: late is late again
    assert made.take("g", [Item(reading("a", 0.5), NOW + 50_000)], never).accepted == 1
    assert made.take("g", [Item(reading("a", 0.9), NOW + 40_000)], never).late == 1
    assert sink.board().decode("observation/g/a/water_depth")["data"]["value"] == 0.5


def test_an_old_state_of_a_case_stays_late_whatever_the_clock_does():
    made, sink = intake()
    day = 86_400_000
    for moment in (NOW, NOW - day, NOW - 3_600_000):
        made.clock.moment = moment
        for minute, state in ((0, "handling"), (60_000, "closed")):
            made.take("g", [Item(Case(feed="g", case_id="1", state=state), NOW - 3 * day + minute)], never)
    assert [decode(raw).data["state"] for raw in sink.raw] == ["handling", "closed"]


def test_what_was_right_before_the_clock_was_set_back_is_not_of_the_future_after():
    made, _ = intake()
    made.take("g", [Item(reading("a", 0.1), NOW)], never)
    made.clock.moment = NOW - 86_400_000
    assert made.take("g", [Item(reading("a", 0.2), NOW + 1_000)], never).accepted == 1


steps = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6), st.integers(0, 3)), max_size=40)


@given(steps, st.randoms(use_true_random=False))
def test_any_order_and_repetition_ends_with_the_newest_of_each_subject(told, chance: random.Random):
    made, sink = intake()
    told = told + chance.sample(told, len(told) // 2)
    oracle: dict[str, tuple[int, int]] = {}
    for sensor, minute, value in told:
        made.take("g", [Item(reading(sensor, float(value)), NOW + minute)], never)
        if sensor not in oracle or minute >= oracle[sensor][0]:
            oracle[sensor] = (minute, value)
    board = sink.board()
    shown = {s: board.decode(f"observation/g/{s}/water_depth") for s in oracle}
    assert {s: (e["time"] - NOW, e["data"].get("value")) for s, e in shown.items()} == oracle


SQUARES = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {"name": "west"}, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [5, 0], [5, 10], [0, 10], [0, 0]]]}},
        {"type": "Feature", "properties": {"name": "east"}, "geometry": {"type": "Polygon", "coordinates": [[[5, 0], [10, 0], [10, 10], [5, 10], [5, 0]]]}},
        # a bow tie: invalid, must be repaired and not stop the start
        {"type": "Feature", "properties": {"name": "bow"}, "geometry": {"type": "Polygon", "coordinates": [[[20, 0], [22, 2], [22, 0], [20, 2], [20, 0]]]}},
    ],
}  # fmt: skip


def test_cases_get_their_district_and_keep_the_suppliers_where_there_is_none(tmp_path):
    (tmp_path / "b.json").write_bytes(msgspec.json.encode(SQUARES))
    made, sink = intake(CONFIG + 'boundary = "b.json"\n', str(tmp_path / "hall.toml"))
    chance, expected = random.Random(1), {}
    for number in range(500):
        lon, lat = round(chance.uniform(-2, 12), 3), round(chance.uniform(-2, 12), 3)
        case = Case(feed="g", case_id=str(number), lon=lon, lat=lat, district="theirs")
        made.take("g", [Item(case, NOW)], never)
        inside = 0 <= lat <= 10 and 0 <= lon <= 10 and lon != 5
        if lon != 5:
            expected[str(number)] = ("west" if lon < 5 else "east") if inside else "theirs"
    made.take("g", [Item(Case(feed="g", case_id="none", district="theirs"), NOW)], never)
    expected["none"] = "theirs"
    shown = {(e := decode(raw)).data["case_id"]: e.data["district"] for raw in sink.raw}
    assert {number: shown[number] for number in expected} == expected


def test_a_unit_that_moves_changes_its_district_and_one_that_stands_is_not_looked_up_again(tmp_path):
    (tmp_path / "b.json").write_bytes(msgspec.json.encode(SQUARES))
    made, sink = intake(CONFIG + 'boundary = "b.json"\n', str(tmp_path / "hall.toml"))
    asked = []
    find = made.places.find
    made.places.find = lambda lons, lats: asked.extend(lons) or find(lons, lats)
    for second, lon in enumerate((1.0, 1.0, 1.0, 9.0, 9.0, 50.0)):
        made.take("g", [Item(Position(feed="g", unit_id="u", lon=lon, lat=5.0), NOW + second)], never)
    assert [decode(raw).data.get("district", "") for raw in sink.raw] == ["west", "west", "west", "east", "east", ""]
    assert asked == [1.0, 9.0, 50.0]


def test_boundaries_that_cannot_be_read_are_an_error_with_file_and_key(tmp_path):
    from hall.core.errors import ConfigError

    for content in (b"{", b"[]", b'{"type": "FeatureCollection", "features": []}'):
        (tmp_path / "b.json").write_bytes(content)
        with pytest.raises(ConfigError, match="city.boundary"):
            intake(CONFIG + 'boundary = "b.json"\n', str(tmp_path / "hall.toml"))


def test_what_is_known_is_bounded_and_the_longest_unchanged_go_first():
    subjects = Subjects(bound=100)
    for number in range(100):
        subjects.put(f"s{number}", Known(number, "", number))
    subjects.put("s0", Known(200, "", 200))
    subjects.put("new", Known(201, "", 201))
    assert subjects.get("s0") is not None and subjects.get("new") is not None and subjects.get("s1") is None
    assert len(subjects) <= 100 and subjects.forgotten == 10


def test_a_supplier_that_invents_subjects_without_end_is_stopped_and_its_known_ones_go_on(monkeypatch):
    monkeypatch.setattr("feeds.intake.GROWTH_BYTES", 20_000)
    made, sink = intake()
    refused: list[str] = []
    for number in range(500):
        made.take("f", [Item(reading(f"s{number}", 1.0), NOW)], lambda origin, reason, detail: refused.append(reason))
    kept = sink.board().count("observation")
    assert refused == ["feed-grows-too-fast"] * (500 - kept) and 100 < kept < 400
    for moment in range(1, 500):
        made.take("f", [Item(reading("s0", moment / 7), NOW + moment)], never)
    for number in range(50):
        made.gone("f", f"observation/g/s{number}/water_depth", NOW + 600)
    made.take("f", [Item(reading(f"t{number}", 1.0), NOW) for number in range(40)], never)
    made.clock.moment = NOW + 86_400_000
    made.take("f", [Item(reading(f"u{number}", 1.0), NOW) for number in range(100)], never)
    other = Intake(sink, made.clock, made.places, made.subjects)
    other.take("h", [Item(reading(f"v{number}", 1.0), NOW) for number in range(100)], never)


async def test_after_a_restart_repeats_are_known_and_late_ones_stay_late(bench):
    bench.configure(FEED)
    bench.set_clock(NOW)
    rows = [{"id": "a", "v": 1, "t": NOW}, {"id": "b", "v": 2, "t": NOW}]
    rim = await bench.rim("g")
    await rim.rows(rows)
    await rim.durable()
    again = await bench.rim("g")
    outcome = await again.rows([*rows, {"id": "a", "v": 0, "t": NOW - 1}, {"id": "b", "v": 3, "t": NOW + 1}])
    await again.durable()
    assert (outcome.accepted, outcome.duplicates, outcome.late) == (1, 2, 1)
    assert {d["sensor_id"]: d["value"] for d in (await bench.documents("observation")).values()} == {"a": 1, "b": 3}


async def test_a_subject_that_is_gone_leaves_the_board_and_an_older_word_does_not_bring_it_back(bench):
    bench.configure(FEED)
    bench.set_clock(NOW)
    rim = await bench.rim("g")
    await rim.doc(Case(feed="g", case_id="1"), NOW - 10)
    await rim.gone("case/g/1", NOW - 5)
    outcome = await rim.doc(Case(feed="g", case_id="1", description="older"), NOW - 7)
    await rim.durable()
    assert outcome.late == 1 and await bench.documents("case") == {}
    assert (await rim.gone("kpi/today", NOW)).parked == 1


async def test_archived_cases_are_history_and_not_on_the_board(bench):
    bench.configure(FEED)
    bench.set_clock(NOW)
    rim = await bench.rim("g")
    await rim.archive(Case(feed="g", case_id="1", state="closed"), NOW - 10)
    await rim.archive(Case(feed="g", case_id="1", state="closed"), NOW - 10)
    await rim.durable()
    assert list(await bench.documents("archive")) == ["archive/g/1"] and await bench.documents("case") == {}


async def test_a_channels_stream_address_never_enters_its_document(bench):
    bench.configure(
        '[[feeds]]\nname = "c"\nkind = "channel"\nurl = "push://"\n[feeds.mapping]\nchannel_id = "id"\nstream_url = "u"'
    )
    rim = await bench.rim("c")
    await rim.rows([{"id": "1", "u": "rtsp://secret@10.0.0.1/1"}, {"id": "2", "u": ""}])
    await rim.durable()
    kept = await bench.process.bus.hash_all("channel-url")
    assert list(kept) == ["channel/c/1"] and b"secret" not in kept["channel/c/1"], "sealed"
    key = secrets.load(bench.process.settings.data_dir)
    assert key.unseal(kept["channel/c/1"].decode(), "channel/c/1") == "rtsp://secret@10.0.0.1/1"
    assert not any(b"secret" in msgspec.json.encode(event) for event in await bench.events())
    assert [d.get("has_stream", False) for d in (await bench.documents("channel")).values()] == [True, False]


async def test_many_ready_documents_come_in_their_order(bench):
    bench.configure(FEED)
    bench.set_clock(NOW)
    rim = await bench.rim("g")
    outcome = await rim.docs(Ready(reading(f"s{n % 7}", float(n)), NOW - 2000 + n) for n in range(1500))
    await rim.durable()
    assert outcome.accepted == 1500
    assert {d["value"] for d in (await bench.documents("observation")).values()} == {float(n) for n in range(1493, 1500)}

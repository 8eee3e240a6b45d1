"""Alarms of suppliers' own systems as feeds: the example's mappings, from bytes to the alarm of the site. No hall."""

from __future__ import annotations

import re
import tarfile
import tomllib
from pathlib import Path

import msgspec
import pytest

from dispatch.alarming import Engine, compile_rules
from dispatch.alarming.hearing import Hearing
from dispatch.alarming.tryout import inputs_of
from dispatch.reader import Head
from feeds import devices as devices_module
from feeds.decoding import Decoding
from feeds.devices import Devices
from feeds.history import History
from feeds.intake import Intake, Item
from feeds.known import Subjects
from feeds.places import Places
from hall.core.board import Board
from hall.core.config import parse
from hall.core.errors import BadInput
from hall.core.event import envelope
from hall.core.model import Channel, Observation, Sensor, SuppliedAlarm
from tests.proof.tennessee import FILE, default_rules, inputs, lines

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "suppliers-alarms.toml"
CITY = '[city]\nname = {en = "T"}\ncentre = [0, 0]\ntimezone = "UTC"\nlanguages = ["zh-CN", "en"]\n'
NOW = 1_700_000_000_000
LINES = '[[thresholds]]\nquantity = "water_depth"\nvalue = 0.15\nseverity = 2\n'


class Hall:
    """The intake and the engine, joined by a board instead of a bus."""

    def __init__(self, text: str) -> None:
        self.config = parse(CITY + text, "hall.toml")
        self.moment, self.parked, self.board = NOW, [], Board()
        self.intake = Intake(self, self, Places(self.config), Subjects())
        rules = compile_rules(self.config)
        self.engine, self.hearing, self.edges = Engine(rules), Hearing(rules), []

    def now(self) -> int:
        return self.moment

    def put_raw(self, encoded: bytes) -> None:
        at = (len(self.board._recent["bulk"]) + 1, self.moment % 1000)
        self.board.apply("bulk", at, encoded, envelope(encoded))
        for one in self.hearing.inputs(msgspec.json.decode(encoded, type=Head)):
            self.edges += self.engine.take((one,))

    def docs(self, *docs) -> None:
        self.intake.take("t", [Item(doc, self.moment) for doc in docs], self._refuse)

    def tell(self, feed: str, body: bytes, kind: str = "application/json") -> None:
        decoding = Decoding(self.config.feed(feed)[1], self.config)
        for row in decoding.format_for(kind).rows(body, decoding.feed, self.config):
            for view in decoding.mapping.views(row):
                try:
                    doc, time, *_ = decoding.mapping.document(view)
                except BadInput as error:
                    self.parked.append(error.reason)
                    continue
                self.intake.take(feed, [Item(doc, time)], self._refuse)

    def _refuse(self, origin, reason, detail) -> None:
        self.parked.append(reason)

    @property
    def alarms(self):
        return self.engine.told()


@pytest.fixture
def hall():
    made = Hall(EXAMPLE.read_text(encoding="utf-8") + LINES)
    made.docs(
        Sensor(feed="pumps", sensor_id="p7", name="7号泵站", kind="pump", site="tunnel", station="p7", lon=1.0, lat=2.0),
        Channel(feed="cameras", channel_id="c1", name="桥下", lon=3.0, lat=4.0),
    )
    return made


def scada(
    state: str, level: str = "重要", ts: int = NOW, code: str = "PUMP_TRIP", text: str = "P1 0x3", name: str = "9"
) -> bytes:
    row = {"id": name, "station": "p7", "code": code, "state": state, "level": level, "message": text, "ts": ts}
    return msgspec.json.encode(row)


def test_every_mapping_of_the_example_compiles_and_its_cause_is_one():
    config = parse(CITY + EXAMPLE.read_text(encoding="utf-8"), "hall.toml")
    assert len([Decoding(feed, config) for feed in config.feeds]) == len(tomllib.loads(EXAMPLE.read_text("utf-8"))["feeds"])
    assert "station-power" in {cause.name for cause in compile_rules(config).tables.causes}


def test_scada_raises_changes_repeats_and_clears_in_any_order(hall):
    hall.tell("pump-scada-alarms", scada("ALM"))
    alarm = hall.alarms["tunnel"]
    assert (alarm["label"], alarm["severity"], alarm["name"]) == ("7号泵站 · 水泵跳闸", 3, "7号泵站")
    assert (alarm["supplied"]["word"], alarm["supplied"]["text"], alarm["kind"]) == ("重要", "P1 0x3", "pump")
    for _ in range(2):
        hall.docs(Observation(feed="pumps", sensor_id="p7", quantity="water_depth", value=0.2, unit="m"))
        hall.moment += 1
    assert hall.alarms["tunnel"]["rules"] == ["supplied/PUMP_TRIP", "threshold/water_depth"]  # one alarm of the site
    hall.tell("pump-scada-alarms", scada("ALM"))
    hall.tell("pump-scada-alarms", scada("RTN", ts=NOW - 5))  # told late: the alarm came after it
    hall.tell("pump-scada-alarms", scada("ALM", "紧急", ts=NOW + 10))
    assert hall.alarms["tunnel"]["severity"] == 4
    hall.tell("pump-scada-alarms", b'{"id": "9", "state": "RTN", "ts": %d}' % (NOW + 20))  # only the number
    assert hall.alarms["tunnel"]["rules"] == ["threshold/water_depth"] and "supplied" not in hall.alarms["tunnel"]
    hall.tell("pump-scada-alarms", scada("ALM", "??", ts=NOW + 30, name="10"))
    hall.tell("pump-scada-alarms", scada("maybe", ts=NOW + 30, name="11"))
    assert "supplied/PUMP_TRIP" in hall.alarms["tunnel"]["rules"] and hall.parked == ["flag-unparsable"]


def test_a_camera_that_is_known_gives_the_place_one_that_is_not_needs_coordinates_or_is_parked(hall):
    row = {
        "camera": "c1",
        "type": "ponding",
        "grade": "high",
        "desc": "积水",
        "imageId": "img-1",
        "time": "2023-11-14T22:13:20Z",
    }
    hall.tell("video-analytics", msgspec.json.encode(row))
    assert (hall.alarms["cameras/c1"]["lon"], hall.alarms["cameras/c1"]["name"]) == (3.0, "桥下")
    assert hall.alarms["cameras/c1"]["supplied"]["picture"] == "img-1"
    hall.tell("video-analytics", msgspec.json.encode(row | {"camera": "c2"}))
    assert hall.parked == ["device-unknown"]
    hall.tell("video-analytics", msgspec.json.encode(row | {"camera": "c3", "x": 8.5, "y": 50.0}))
    assert hall.alarms["cameras/c3"]["lon"] == 8.5
    hall.docs(Channel(feed="cameras", channel_id="c2", name="new", lon=5.0, lat=6.0))
    hall.tell("video-analytics", msgspec.json.encode(row | {"camera": "c2"}))  # as the parked one is taken again
    assert hall.alarms["cameras/c2"]["lon"] == 5.0
    hall.engine.advance(NOW + 601_000)
    assert hall.alarms == {}


def test_a_list_of_what_stands_ends_what_it_no_longer_lists(hall):
    body = b'{"alarms": [{"no": 1, "gate": "G1", "lng": 1, "lat": 1}, {"no": 2, "gate": "G2", "lng": 2, "lat": 1}]}'
    for _ in range(5):
        hall.tell("flap-gates", body)
        hall.moment += 60_000
        hall.engine.advance(hall.moment)
    assert sorted(hall.alarms) == ["flap-gates/1", "flap-gates/2"]
    for _ in range(4):
        hall.tell("flap-gates", body.replace(b', {"no": 2, "gate": "G2", "lng": 2, "lat": 1}', b""))
        hall.moment += 60_000
        hall.engine.advance(hall.moment)
    assert sorted(hall.alarms) == ["flap-gates/1"]


def test_csv_of_a_platform_that_is_polled(hall):
    head = "gauge,type,standing,level,remark,changed\n"
    hall.tell("gauge-platform", f"{head}g1,HIGH,1,II,over,2023-11-14 22:13:20\n".encode(), "text/csv")
    assert hall.alarms["gauges/g1"]["severity"] == 3
    hall.tell("gauge-platform", f"{head}g1,HIGH,0,II,,2023-11-14 22:14:20\n".encode(), "text/csv")
    assert hall.alarms == {}


def test_what_stands_is_bounded_and_what_is_over_leaves_the_board(hall, monkeypatch):
    monkeypatch.setattr(devices_module, "STANDING", 50)
    monkeypatch.setattr(devices_module, "CLEARED", 20)
    for n in range(60):
        hall.tell("pump-scada-alarms", scada("ALM", ts=NOW + n, name=f"n{n}"))
    assert hall.parked == ["alarms-standing"] * 10
    for n in range(60):
        hall.tell("pump-scada-alarms", scada("RTN", ts=NOW + 100 + n, name=f"n{n}"))
    assert hall.alarms == {} and len(list(hall.board.current(["supplied"]))) == 20
    again = Devices()
    again.fill(hall.board)  # after a restart: bounds go on from what the board has
    with pytest.raises(BadInput, match="device-unknown"):
        again.place(SuppliedAlarm(feed="pumps", alarm_id="x", device="p8"), "supplied/pumps/x")
    assert again.spent("pumps", NOW) == []


TENNESSEE = """
[[feeds]]
name = "tep"
kind = "alarm"
url = "replay://FILE"
[feeds.mapping]
alarm_id = {join = ["tag", "type"], separator = "/", split = " NR", index = 0}
site = {template = "tep/{tag}"}
device = "tag"
kind = {join = ["tag", "type"], separator = ".", split = " NR", index = 0}
active = {path = "type", map = {"LL NR" = false, "L NR" = false, "H NR" = false, "HH NR" = false}, default = true}
severity = {path = "type", map = {LL = 3, HH = 3, "LL NR" = 3, "HH NR" = 3}, default = 2}
family = {const = "process"}
time = {path = "timestamp", time = "iso"}
"""


@pytest.mark.realdata
def test_a_run_of_the_tennessee_eastman_log_through_the_whole_path_is_as_read_by_hand(real_data, tmp_path):
    with tarfile.open(real_data / FILE) as archive:
        name = min((m.name for m in archive if m.name.endswith(".csv")), key=lambda name: int(re.findall(r"\d+", name)[-1]))
        (tmp_path / "run.csv").write_bytes(b"".join(archive.extractfile(name).readlines()[:2001]))
    config = parse(CITY + TENNESSEE.replace("FILE", str(tmp_path / "run.csv")), str(tmp_path / "hall.toml"))
    history, run = History(config), next(iter(lines(real_data, 1).values()))[:2000]
    found = [one for one in inputs_of(history.facts()) if type(one).__name__ == "Supplied"]
    assert not history.refused and len(found) == len(run)
    ours, theirs = Engine(default_rules()), Engine(default_rules())
    made = [(e.site, e.move, e.time // 1000) for e in ours.take(found) + ours.advance(run[-1].time + 600_000)]
    assert made == [(e.site, e.move, e.time // 1000) for e in theirs.take(inputs(run))]
    assert len(made) > 20

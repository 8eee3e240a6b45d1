"""What is sent: valid CAP 1.2 whatever is written in it, read back by the hall's own reader as the very warning that is shown."""

import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from dispatch.bulletins import rules_of
from dispatch.bulletins.drawn import ring_of
from dispatch.bulletins.inforce import subject_of, warning_of
from dispatch.bulletins.posting import body_of, wanted
from dispatch.bulletins.telling import receivers
from dispatch.webhooks.settings import Hook
from feeds.formats.cap import rows
from feeds.source import Ready
from hall.core.command import Entry
from hall.core.config import CityConfig, FeedConfig, HallConfig, parse
from hall.core.errors import ConfigError, Refused
from tests.dispatch.bulletins.world import CHEN, CITY, HOUR, LI, START, WANG, WATER, World, rules

NS = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}
FEED = FeedConfig(name="hall", kind="warning", url="push://")
READER = HallConfig(city=CityConfig(name={"zh-CN": "新乡"}, centre=(113.9, 35.3)), feeds=[FEED])


def _read(xml):
    return [row for row in rows(xml.encode(), FEED, READER)]


def _same(text):
    """What CAP carries exactly: no blanks at the ends."""
    return st.text(text, min_size=1, max_size=60).map(str.strip).filter(bool)


PRINTED = st.characters(exclude_categories=("Cs", "Cc", "Cn"))


@settings(max_examples=25, deadline=None)
@given(
    headline=_same(PRINTED), text=_same(PRINTED), instruction=st.one_of(st.just(""), _same(PRINTED)), severity=st.integers(1, 4),
    exercise=st.booleans(), lon=st.floats(-179, 179), lat=st.floats(-80, 80), radius=st.floats(10, 100_000), onset=st.integers(-5, 5),
)  # fmt: skip
def test_whatever_is_written_is_valid_cap_and_reads_back_as_the_warning_that_is_shown(
    headline, text, instruction, severity, exercise, lon, lat, radius, onset
):
    world = World()
    said = {
        **WATER, "headline": {"zh-CN": headline}, "text": {"zh-CN": text}, "instruction": {"zh-CN": instruction}, "severity": severity,
        "exercise": exercise, "onset": START + onset * HOUR // 10, "areas": [{"description": "区", "circle": {"lon": lon, "lat": lat, "radius_m": radius}}],
    }  # fmt: skip
    state = world.issued(**said)
    made = warning_of(state, world.kind.rules)
    (row,) = _read(state.message.xml)  # the reader checks against the standard's schema first
    for name in (
        "warning_id",
        "status",
        "message_type",
        "severity",
        "severity_label",
        "headline",
        "description",
        "onset",
        "expires",
    ):
        assert getattr(row.doc, name) == getattr(made, name), name
    assert row.doc.extra.get("instruction", {}) == {tag: words for tag, words in (("zh-CN", instruction),) if words}
    assert len(row.doc.areas) == len(made.areas) == 1
    for ours, theirs in zip(made.areas[0].polygons[0], row.doc.areas[0].polygons[0], strict=True):
        assert ours == pytest.approx(theirs, abs=max(2e-5, 2e-5 / max(0.1, abs(90 - abs(lat)) / 90)))


def test_every_language_is_an_info_and_the_city_s_comes_first():
    state = World().issued()
    alert = etree.fromstring(state.message.xml.encode())
    assert alert.xpath("c:info/c:language/text()", namespaces=NS) == ["zh-CN", "en"]
    assert alert.xpath("c:info/c:headline/text()", namespaces=NS) == ["部分路段积水", "Streets are flooding"]
    assert alert.xpath("string(c:scope)", namespaces=NS) == "Public"
    assert alert.xpath("c:info[1]/c:parameter/c:value/text()", namespaces=NS) == ["Orange"]


def test_identifiers_are_those_of_the_national_standard_where_an_issuer_is_configured():
    world = World('[dispatch.bulletins]\nissuer = "41070041600000"\n')
    names = []
    for name in ("one", "two", "three"):
        world.do(WANG, "draft", name, **WATER)
        names.append(world.do(WANG, "submit", name).message.identifier)
    assert names == [f"41070041600000_20260720080000_{n}" for n in (1, 2, 3)] and {len(name) for name in names} == {31}


def test_an_exercise_says_so_first_in_every_text_and_in_its_status():
    state = World().issued(exercise=True)
    alert = etree.fromstring(state.message.xml.encode())
    assert alert.findtext("c:status", namespaces=NS) == "Exercise"
    assert all(
        text.startswith(("【演练】", "EXERCISE: "))
        for text in alert.xpath("//c:headline/text()|//c:description/text()", namespaces=NS)
    )
    assert all(text["text"].startswith(("【演练】", "EXERCISE: ")) for text in state.message.texts)
    assert warning_of(state, rules()).status == "Exercise"


def test_a_chain_sent_to_another_hall_leaves_there_what_is_in_force_here():
    world = World()
    world.issued()
    world.do(WANG, "update")
    world.do(WANG, "submit", "one-update1")
    for actor in (LI, CHEN):
        world.approve(actor, "one-update1")
    there = {}

    def send(name):
        for row in _read(world.states[f"bulletin/{name}"].message.xml):
            there[f"warning/hall/{row.doc.warning_id}" if isinstance(row, Ready) else row.subject] = isinstance(row, Ready)

    send("one"), send("one-update1")
    here = {subject_of(state): warning_of(state, world.kind.rules) is not None for state in world.states.values()}
    assert there == here and sorted(there.values()) == [False, True]
    world.do(WANG, "cancel", "one-update1", reason="over")
    world.do(WANG, "submit", "one-update1-cancel1")
    for actor in (LI, CHEN):
        world.approve(actor, "one-update1-cancel1")
    send("one-update1-cancel1")
    assert not any(there.values()) and not any(warning_of(state, world.kind.rules) for state in world.states.values())


def test_districts_become_their_outlines_and_codes_and_no_area_is_the_whole_city(tmp_path):
    square = lambda x: [[[x, 35], [x + 1, 35], [x + 1, 36], [x, 36], [x, 35]]]  # noqa: E731
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, "adcode": code},
            "geometry": {"type": "Polygon", "coordinates": square(x)},
        }
        for name, code, x in (("东区", "410702", 113), ("西区", "410703", 114))
    ]
    (tmp_path / "b.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    world = World(city=CITY + 'boundary = "b.json"\n', file=str(tmp_path / "hall.toml"))
    state = world.issued(areas=[{"districts": ["东区"]}])
    (area,) = warning_of(state, world.kind.rules).areas
    assert (area.description, area.geocodes) == ("东区", ["410702"])
    assert sorted(map(tuple, area.polygons[0][:-1])) == [(113, 35), (113, 36), (114, 35), (114, 36)]
    (row,) = _read(state.message.xml)
    assert row.doc.areas[0].geocodes == ["410702"]
    world.do(WANG, "draft", "two", **{**WATER, "areas": []})
    (whole,) = world.do(WANG, "submit", "two").message.areas
    assert (whole["description"], whole["geocodes"]) == ("新乡市", ["410702", "410703"])
    xs = [x for ring in whole["polygons"] for x, _ in ring]
    assert len(whole["polygons"]) == 1 and (min(xs), max(xs)) == (113, 115)


def test_texts_are_made_for_each_audience_and_one_too_long_is_refused():
    short = '[dispatch.bulletins.audiences.sms]\nlongest = 20\ntext = { "zh-CN" = "{event}：{headline}" }\n'
    world = World(short)
    world.do(WANG, "draft", **{**WATER, "audience": ["public", "sms"], "headline": {"zh-CN": "积水"}})
    texts = {text["audience"]: text["text"] for text in world.do(WANG, "submit").message.texts}
    assert texts == {"public": "城市运行指挥中心7月20日08:00发布：积水。下穿通道积水。请绕行。", "sms": "城市内涝：积水"}
    world.do(WANG, "take_back")
    world.do(WANG, "edit", headline={"zh-CN": "积" * 30})
    with pytest.raises(Refused, match="text-too-long: sms"):
        world.do(WANG, "submit")


# -- who is told -------------------------------------------------------------------------------------------------------------

MEDIA = Hook(name="tv", url="https://tv.example", secret="x" * 16, audiences=["media", "public"])
DRILL = msgspec.structs.replace(MEDIA, name="school", exercise=True)
OTHER = msgspec.structs.replace(MEDIA, name="gas", audiences=["police"], exercise=True)


@pytest.mark.parametrize(("exercise", "told"), [(False, ["tv", "school"]), (True, ["school"])])
def test_outsiders_get_an_exercise_only_where_configuration_says_so(exercise, told):
    world = World()
    state = world.issued(exercise=exercise)
    entry = next(entry for entry in world.entries if entry.move == "issue")
    assert [hook.name for hook in (MEDIA, DRILL, OTHER) if wanted(hook, entry, state)] == told
    assert receivers(state, world.kind.rules, [MEDIA, DRILL, OTHER]) == [
        {"role": "department"},
        *({"unit": name} for name in told),
    ]
    data = json.loads(body_of(DRILL, entry, state, "410700"))["data"]
    assert data["status"] == ("Exercise" if exercise else "Actual") and data["cap"] == state.message.xml
    assert [text["audience"] for text in data["texts"]] == ["public", "public"]
    assert not wanted(DRILL, Entry(**{**msgspec.structs.asdict(entry), "move": "approve"}), state)


# -- configuration -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[dispatch.bulletins]\nissuer = "4107"', "issuer"), ('[dispatch.bulletins]\nsender = "a,b"', "sender"),
        ('[dispatch.bulletins]\nissue = "never"', "issue"), ("[dispatch.bulletins.approvals.warning]\nnumber = 0", "approvals.warning.number"),
        ('[dispatch.bulletins.approvals.warning]\nroles = ["mayor"]', "approvals.warning.roles"),
        ('[dispatch.bulletins.audiences.x]\nnotices = ["all"]', "audiences.x.notices[0]"),
        ('[dispatch.bulletins.audiences.x]\ntext = {en = "{moon}"}', "audiences.x.text.en"),
        ('[dispatch.bulletins.templates.x]\naudience = ["moon"]', "templates.x.audience"), ("[dispatch.bulletins]\nodd = 1", "odd"),
        ('[dispatch.bulletins.feed]\nkey = "none.pem"\ncertificate = "none.pem"', "feed.key"),
        ('[[dispatch.webhooks]]\nname = "a"\nurl = "https://a.b"\nsecret = "0123456789abcdef"\naudiences = ["moon"]', "webhooks[0].audiences"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_key(text, key):
    with pytest.raises(ConfigError) as wrong:
        rules_of(parse(CITY + text))
    assert re.search(re.escape(key), str(wrong.value)), str(wrong.value)


def test_drawn_outlines_are_closed_written_lat_before_lon_and_read_back_as_they_were_drawn():
    low, high = (
        [[113.9, 35.3], [113.92, 35.3], [113.91, 35.32]],
        [[114.0, 35.2], [114.01, 35.2], [114.01, 35.21], [114.0, 35.21]],
    )
    state = World().issued(
        areas=[{"description": "低洼片区", "polygons": [low, high]}, {"description": "河边", "polygon": low}]
    )
    written = etree.fromstring(state.message.xml.encode()).xpath("c:info[1]/c:area/c:polygon/text()", namespaces=NS)
    assert written[0] == "35.30000,113.90000 35.30000,113.92000 35.32000,113.91000 35.30000,113.90000" and len(written) == 3
    (row,) = _read(state.message.xml)
    assert [area.polygons for area in row.doc.areas] == [[[*low, low[0]], [*high, high[0]]], [[*low, low[0]]]]


@pytest.mark.parametrize(
    ("points", "reason", "said"),
    [
        ([[0, 0], [1, 1], [1, 0], [0, 1]], "outline-crossing", "sides 1 and 3 cross"),
        ([[0, 0], [2, 0], [1, 0], [1, 1]], "outline-crossing", "sides 1 and 2 cross"),
        ([[0, 0], [1, 1], [2, 2]], "outline-crossing", "cross"),
        ([[0, 0], [1, 1], [1.000001, 1]], "outline-corners", "2 corners"),
        ([[i / 1000, (i % 2) / 1000] for i in range(101)], "outline-corners", "101 corners"),
        ([[0, 0], [1, 91], [1, 0]], "bad-field", "lon, lat"),
    ],
)
def test_an_outline_that_is_no_area_is_refused_saying_why(points, reason, said):
    with pytest.raises(Refused) as refused:
        ring_of(points)
    assert refused.value.reason == reason and said in refused.value.detail

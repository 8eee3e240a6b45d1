"""Searches, filters, pages and scopes. Oracle: a loop over plain documents."""

import math
import random
import statistics
import unicodedata

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.errors import Refused
from hall.core.model import Channel
from tests.video.catalogue.cameras import DISTRICTS, OWNERS, STATES, Told, camera, city_of
from video.catalogue import columns as c
from video.catalogue.grids import MOST_CELLS, grid
from video.catalogue.index import Query
from video.catalogue.scope import ALL, Scope

TOLD = city_of(400)
READING = {"人民路": "rml", "解放大道": "jfdd", "平原路": "pyl", "学院街": "xyj", "牧野湖公园": "myhgy"}


def subjects(answer):
    return [row["subject"] for row in answer["rows"]]


def words_found(channel: Channel, word: str) -> bool:
    word = unicodedata.normalize("NFKC", word).lower()
    said = (channel.name, channel.owner, channel.district)
    spoken = channel.name.replace("号", "h")
    for name, letters in READING.items():
        spoken = spoken.replace(name, letters)
    texts = [text.lower() for text in said] + ([spoken.lower()] if not channel.name.isascii() else [])
    return any(word in text for text in texts) or (word.isascii() and channel.channel_id.lower().startswith(word))


def in_order(channels: dict[str, Channel], keep) -> list[str]:
    return [subject for _, subject in sorted((ch.name, subject) for subject, ch in channels.items() if keep(ch))]


@pytest.mark.parametrize("text", [
    "", "人民路", "rml", "RML1", "人民路 公安", "main", "STREET 卫滨区", "41070200", "cam-1", "号 12", "号 12 牧野", "没有这样的", "jfdd 城管局",
    "ｃａｍ-2", "132",
])  # fmt: skip
def test_all_words_must_be_found_in_name_owner_district_initials_or_at_the_ids_beginning(text):
    found = subjects(TOLD.catalogue.search(Query(text=text), ALL, "", 500))
    assert found == in_order(TOLD.channels, lambda ch: all(words_found(ch, word) for word in text.split()))


choices = st.builds(
    Query,
    text=st.sampled_from(["", "路", "rml", "1"]),
    district=st.lists(st.sampled_from(DISTRICTS), max_size=2).map(tuple),
    owner=st.lists(st.sampled_from([*OWNERS, "nobody"]), max_size=2).map(tuple),
    state=st.lists(st.sampled_from(STATES), max_size=2).map(tuple),
    needs=st.integers(0, 15),
    box=st.none() | st.sampled_from([(113.85, 35.2, 113.95, 35.4), (113.9, 35.3, 114.2, 35.6), (170.0, -90.0, 113.9, 90.0)]),
)
scopes = st.builds(
    Scope,
    districts=st.none() | st.lists(st.sampled_from(DISTRICTS), max_size=2).map(tuple),
    departments=st.none() | st.lists(st.sampled_from(OWNERS), max_size=2).map(tuple),
)


def inside(ch: Channel, west: float, south: float, east: float, north: float) -> bool:
    if ch.lon is None or not south <= ch.lat <= north:
        return False
    return west <= ch.lon <= east if west <= east else ch.lon >= west or ch.lon <= east


def fits(query: Query, scope: Scope, ch: Channel) -> bool:
    flags = c.PTZ * ch.ptz + c.AUDIO * ch.audio + c.SUB * ch.has_sub + c.STREAM * ch.has_stream
    return (
        all(words_found(ch, word) for word in query.text.split())
        and (not query.district or ch.district in query.district)
        and (not query.owner or ch.owner in query.owner)
        and (not query.state or ch.state in query.state)
        and query.needs & flags == query.needs
        and (query.box is None or inside(ch, *query.box))
        and (scope.districts is None or ch.district in ("", *scope.districts))
        and (scope.departments is None or ch.owner in scope.departments)
    )


@settings(max_examples=150, deadline=None)
@given(choices, scopes)
def test_filters_and_scope_leave_what_a_loop_over_all_leaves(query, scope):
    answer = TOLD.catalogue.search(query, scope, "", 500)
    expected = in_order(TOLD.channels, lambda ch: fits(query, scope, ch))
    assert subjects(answer) == expected and answer["total"] == len(expected)
    assert answer["online"] == sum(TOLD.channels[subject].state == "online" for subject in expected)


@given(st.integers(1, 60))
@settings(max_examples=15, deadline=None)
def test_pages_together_are_the_whole_and_no_row_comes_twice(limit):
    found, cursor = [], ""
    while cursor is not None:
        answer = TOLD.catalogue.search(Query(text="号"), ALL, cursor, limit)
        found, cursor = found + subjects(answer), answer["cursor"]
        assert len(answer["rows"]) <= limit
    assert found == in_order(TOLD.channels, lambda ch: "号" in ch.name)


def test_a_page_goes_on_where_it_ended_whatever_came_and_went_meanwhile():
    told, chance = city_of(120, seed=3), random.Random(8)
    first = told.catalogue.search(Query(), ALL, "", 40)
    before = subjects(first)
    told.gone(before[-1])  # the very row the cursor names
    for number in range(1_000, 1_020):
        told.tell(camera(number, chance))
    rest, cursor = [], first["cursor"]
    while cursor is not None:
        answer = told.catalogue.search(Query(), ALL, cursor, 40)
        rest, cursor = rest + subjects(answer), answer["cursor"]
    last = (first["rows"][-1]["name"], before[-1])
    keys = sorted((channel.name, subject) for subject, channel in told.channels.items())
    assert rest == [subject for name, subject in keys if (name, subject) > last]


def test_a_made_up_cursor_is_refused():
    for cursor in ("x", "WyJhIl0", "!!!!", "W10"):
        with pytest.raises(Refused):
            TOLD.catalogue.search(Query(), ALL, cursor, 10)


@pytest.mark.parametrize("seed", range(4))
def test_after_any_news_the_index_is_that_of_the_newest_documents(seed):
    chance, told = random.Random(seed), Told()
    for step in range(1_500):
        known = list(told.channels)
        if known and chance.random() < 0.15:
            told.gone(chance.choice(known))
        elif known and chance.random() < 0.6:
            changed = told.channels[chance.choice(known)]
            other = camera(0, chance)
            for name in chance.sample(["name", "state", "owner", "district", "lon", "lat", "parent", "ptz"], 2):
                setattr(changed, name, getattr(other, name))
            if changed.lon is None or changed.lat is None:
                changed.lon = changed.lat = None
            told.tell(changed)
        else:
            told.tell(camera(step, chance))
        if step % 250 == 0:
            told.catalogue.search(Query(), ALL, "", 1)  # somebody looks in between
    fresh = Told()
    for channel in told.channels.values():
        fresh.tell(channel)
    for query in (Query(), Query(text="路 1"), Query(owner=("公安局",), state=("online",))):
        found, expected = (which.catalogue.search(query, ALL, "", 500) for which in (told, fresh))
        assert subjects(found) == subjects(expected) == in_order(told.channels, lambda ch, q=query: fits(q, ALL, ch))[:500]
    place = 113.9, 35.3
    assert [n.metres for n in told.catalogue.index.nearest(*place, 50)] == pytest.approx(
        [n.metres for n in fresh.catalogue.index.nearest(*place, 50)]
    )


def test_a_row_says_since_when_its_state_is_known():
    told = Told()
    subject = told.tell(Channel(feed="f", channel_id="1", name="a", state="online"))
    begun = told.time
    told.tell(Channel(feed="f", channel_id="1", name="b", state="online"))
    row = told.catalogue.search(Query(), ALL, "", 10)["rows"][0]
    assert (row["subject"], row["state_at"], row["told_at"]) == (subject, begun, told.time)
    told.tell(Channel(feed="f", channel_id="1", name="b", state="offline"))
    row = told.catalogue.one(subject, ALL)
    assert (row["state"], row["state_at"]) == ("offline", told.time)


def test_what_cannot_be_read_changes_nothing():
    told = city_of(20)
    for raw in (
        b"",
        b"{",
        b"[]",
        b'{"subject":"channel/x/1","time":1,"data":{"feed":3}}',
        b'{"subject":"channel/x/1","time":1}',
    ):
        told.catalogue.take(raw)
    assert told.catalogue.search(Query(), ALL, "", 1)["total"] == 20


@pytest.mark.parametrize("seed", range(3))
def test_asked_since_a_version_a_box_tells_exactly_what_was_told_after_it(seed):
    chance, told = random.Random(seed), city_of(60)
    box = Query(box=(113.8, 35.2, 114.0, 35.4))
    answer = told.catalogue.search(box, ALL, "", 500)
    known = {row["subject"]: row for row in answer["rows"]}
    for _ in range(20):
        for _ in range(chance.randrange(4)):
            told.tell(camera(chance.randrange(70), chance))
        before, answer = answer, told.catalogue.search(box, ALL, "", 500, answer["version"])
        whole = {row["subject"]: row for row in told.catalogue.search(box, ALL, "", 500)["rows"]}
        known |= {row["subject"]: row for row in answer["rows"]}
        if set(known) != set(whole):  # some moved out of the box: who asks sees it by the total
            assert len(known) > answer["total"] == len(whole)
            known = dict(whole)
        assert known == whole
        assert len(told.catalogue.search(box, ALL, "", 500, answer["version"])["rows"]) == 0
    for other in ("", "x", "0-5", f"another-{before['version']}", answer["version"].split("-")[0]):
        assert told.catalogue.search(box, ALL, "", 500, other)["rows"] == list(whole.values())


def test_where_a_supplier_tells_no_state_a_look_does_until_he_tells_one():
    town = Told()
    silent = Channel(feed="gb", channel_id="1", name="甲", state="unknown", has_stream=True)
    subject = town.tell(silent)

    def shown():
        row = town.catalogue.search(Query(), ALL, "", 10)["rows"][0]
        return row["state"], row.get("state_by"), row["state_at"]

    town.catalogue.index.look(subject, True, 2_000)
    assert shown() == ("online", "look", 2_000)
    assert town.catalogue.search(Query(state=("online",)), ALL, "", 10)["online"] == 1
    before = town.catalogue.search(Query(), ALL, "", 10)["version"]
    town.catalogue.index.look(subject, True, 3_000)  # nothing new
    assert shown()[2] == 2_000 and town.catalogue.search(Query(), ALL, "", 10)["version"] == before
    town.catalogue.index.look(subject, False, 4_000)
    assert shown() == ("offline", "look", 4_000)
    assert subjects(town.catalogue.search(Query(), ALL, "", 10, since=before)) == [subject]
    town.tell(msgspec.structs.replace(silent, name="乙"))  # other news of him leave what was seen
    assert shown()[:2] == ("offline", "look")
    town.tell(msgspec.structs.replace(silent, state="online"))
    assert shown()[:2] == ("online", None)
    town.catalogue.index.look(subject, False, 9_000)  # his word stands; the picture's health says the rest
    assert shown()[:2] == ("online", None)
    town.gone(subject)
    town.catalogue.index.look(subject, True, 9_500)
    town.tell(silent)
    assert shown()[:2] == ("unknown", None)


@pytest.mark.parametrize(
    ("level", "scope", "box"),
    [
        (0, ALL, None),
        (13, ALL, None),
        (15, Scope(districts=("红旗区",)), (113.8, 35.2, 114.0, 35.4)),
        (24, Scope(departments=()), None),
    ],
)
def test_the_grid_counts_in_each_cell_what_a_loop_counts(level, scope, box):
    expected: dict = {}
    for ch in TOLD.channels.values():
        if ch.lon is not None and fits(Query(box=box), scope, ch):
            south = 0.5 - math.asinh(math.tan(math.radians(ch.lat))) / (2 * math.pi)
            cell = (int((ch.lon / 360 + 0.5) * 2**level), int(south * 2**level))
            expected.setdefault(cell, []).append(ch)
    answer = grid(TOLD.catalogue.index, Query(box=box), scope, level)
    rows = [
        [statistics.fmean(ch.lon for ch in those), statistics.fmean(ch.lat for ch in those), len(those),
         sum(ch.state == "online" for ch in those), sum(ch.state == "offline" for ch in those)] for those in expected.values()
    ]  # fmt: skip
    assert answer["level"] == level and answer["total"] == sum(row[2] for row in rows)
    assert sorted(answer["cells"]) == [pytest.approx(row, abs=1e-6) for row in sorted(rows)]


def test_a_grid_too_fine_for_one_answer_is_answered_coarser():
    told = Told()
    for n in range(MOST_CELLS + 500):
        told.tell(Channel(feed="f", channel_id=str(n), name="a", state="online", lon=100 + n * 0.001, lat=35.0))
    answer = grid(told.catalogue.index, Query(), ALL, 24)
    assert answer["level"] < 24 and len(answer["cells"]) <= MOST_CELLS
    assert sum(cell[2] for cell in answer["cells"]) == answer["total"] == answer["online"] == MOST_CELLS + 500

"""Trees of channels: regions by their codes, groups as suppliers tell them, owners, districts. Oracle: counting documents by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.errors import Refused
from hall.core.model import Channel
from tests.video.catalogue.cameras import Told, city_of
from video.catalogue.index import NOT_CHANNELS, Query
from video.catalogue.scope import ALL, Scope

RED = Scope(districts=("红旗区",))


def counted(channels, keep):
    found = [ch for ch in channels.values() if keep(ch)]
    return sum(ch.state == "online" for ch in found), len(found)


def shown(answer):
    return {row["id"]: (row["online"], row["total"]) for row in answer["children"]}


@pytest.mark.parametrize("scope", [ALL, RED, Scope(departments=("水利局",)), Scope(departments=())])
def test_counts_of_owners_and_districts_are_those_of_the_channels_in_scope(scope):
    told = city_of(300)
    seen = {s: ch for s, ch in told.channels.items() if scope.unseen(ch) is None}
    for division, field in (("owner", "owner"), ("district", "district")):
        answer = told.catalogue.trees.children(division, scope)
        values = {getattr(ch, field) for ch in seen.values()}
        expected = {f"{division}:{v}": counted(seen, lambda ch, f=field, v=v: getattr(ch, f) == v) for v in values}
        found = {name: counts for name, counts in shown(answer).items() if counts[1]}
        assert found == expected
        assert (answer["online"], answer["total"]) == counted(seen, lambda ch: True)


def test_regions_nest_by_pairs_of_digits_and_carry_names():
    told = city_of(300)
    trees = told.catalogue.trees
    province = next(row for row in trees.children("region", ALL)["children"] if row["id"] == "region:41")
    assert (province["name"], province["online"], province["total"]) == (
        "河南省",
        *counted(told.channels, lambda ch: ch.civil_code),
    )
    below = trees.children("region:41", ALL)
    assert {row["id"]: row["name"] for row in below["children"]} == {"region:4101": "4101", "region:4107": "新乡市"}
    city = trees.children("region:4107", ALL)
    assert [step["name"] for step in city["path"]] == ["", "河南省", "新乡市"]
    assert shown(city) == {f"region:{code}": counted(told.channels, lambda ch, c=code: ch.civil_code == c) for code in ("410702", "410703", "410711")}  # noqa: E501  # fmt: skip


def test_a_region_nobody_named_is_called_as_the_halls_own_boundary_calls_its_channels():
    told = Told()
    for number in range(3):
        told.tell(Channel(feed="f", channel_id=str(number), civil_code="410702", district="红旗区"))
    told.tell(Channel(feed="f", channel_id="9", civil_code="410703", district="红旗区"))
    told.tell(Channel(feed="f", channel_id="10", civil_code="410703", district="卫滨区"))
    rows = {row["id"]: (row["name"], row["known"]) for row in told.catalogue.trees.children("region:4107", ALL)["children"]}
    assert rows == {"region:410702": ("红旗区", False), "region:410703": ("410703", False)}


def directory(kind, number, name, parent="", group=""):
    digits = {"system": "200", "business_group": "215", "virtual_organisation": "216"}[kind]
    return Channel(feed="gb", channel_id=f"4107000000{digits}{number:07d}", name=name, kind=kind, parent=parent, group=group)


def gb_tree(told):
    told.tell(Channel(feed="gb", channel_id="410700", name="新乡市公安局辖区", kind="civil_region", parent="41"))
    told.tell(directory("system", 1, "视频平台", parent="410700"))
    told.tell(directory("business_group", 1, "防汛"))
    told.tell(directory("virtual_organisation", 1, "下穿立交", parent="41070000002000000001", group="41070000002150000001"))
    told.tell(directory("virtual_organisation", 2, "河道", group="41070000002150000001"))
    for number, organisation in enumerate((1, 1, 2, 7)):
        told.tell(
            Channel(
                feed="gb", channel_id=f"4107020008132{number:07d}", name=f"摄像机{number}", state="online",
                parent=f"4107000000216{organisation:07d}", civil_code="410702",
            )
        )  # fmt: skip


def test_virtual_organisations_hang_below_their_business_group_and_strangers_at_the_top():
    told = Told()
    gb_tree(told)
    trees = told.catalogue.trees
    top = {
        row["id"]: (row["name"], row["kind"], row["known"], row["total"]) for row in trees.children("group", ALL)["children"]
    }
    assert top["group:41070000002150000001"] == ("防汛", "business_group", True, 3)
    assert top["group:41070000002160000007"] == ("41070000002160000007", "virtual_organisation", False, 1)
    assert shown(trees.children("group:41070000002150000001", ALL)) == {
        "group:41070000002160000001": (2, 2), "group:41070000002160000002": (1, 1),
    }  # fmt: skip
    region = trees.children("region:41", ALL)["children"][0]
    assert (region["name"], region["known"]) == ("新乡市公安局辖区", True)


def test_nodes_of_a_directory_are_no_channels():
    told = Told()
    gb_tree(told)
    assert len(told.catalogue.index) == 4
    assert told.catalogue.trees.children("", ALL)["total"] == 4


def test_a_node_that_vanishes_leaves_its_channels_where_they_can_be_found():
    told = Told()
    gb_tree(told)
    told.gone("channel/gb/41070000002160000001")
    top = shown(told.catalogue.trees.children("group", ALL))
    assert top["group:41070000002160000001"] == (2, 2) and top["group:41070000002150000001"] == (1, 1)


def test_names_of_ancestors_told_with_a_camera_are_enough_for_a_tree():
    told = Told()
    told.tell(
        Channel(
            feed="gb", channel_id="41070200081320000001", parent="41070000002160000001",
            extra={"path": "省厅/防汛/下穿立交", "path_ids": "41/41070000002150000001/41070000002160000001"},
        )
    )  # fmt: skip
    group = told.catalogue.trees.children("group", ALL)["children"][0]
    assert (group["name"], group["id"], group["children"]) == ("防汛", "group:41070000002150000001", True)
    one = told.catalogue.one("channel/gb/41070200081320000001", ALL)
    assert [step["name"] for step in one["trees"]["group"]] == ["防汛", "下穿立交"]
    assert (one["id"]["kind"], one["id"]["run_by"]) == ("camera", "urban_management")


def test_a_suppliers_own_words_are_groups_of_his_own():
    told = Told()
    for feed in ("a", "b"):
        told.tell(Channel(feed=feed, channel_id="1", parent="east yard"))
    top = {row["id"]: row["name"] for row in told.catalogue.trees.children("group", ALL)["children"]}
    assert top == {"group:a/east yard": "east yard", "group:b/east yard": "east yard"}


def test_circles_in_a_suppliers_tree_end():
    told = Told()
    told.tell(directory("virtual_organisation", 1, "甲", parent="41070000002160000002"))
    told.tell(directory("virtual_organisation", 2, "乙", parent="41070000002160000001"))
    told.tell(directory("virtual_organisation", 3, "丙", parent="41070000002160000003"))
    told.tell(Channel(feed="gb", channel_id="1", parent="41070000002160000002", state="online"))
    top = shown(told.catalogue.trees.children("group", ALL))
    assert top["group:41070000002160000001"] == (1, 1) and top["group:41070000002160000003"] == (0, 0)


def test_who_is_bounded_sees_no_node_that_holds_nothing_for_him():
    told = city_of(200)
    answer = told.catalogue.trees.children("district", RED)
    assert {row["name"] for row in answer["children"]} == {"红旗区", ""}
    for unknown in ("nothing", "region:99", "owner:nobody"):
        with pytest.raises(Refused):
            told.catalogue.trees.children(unknown, RED)


def test_a_feed_that_is_not_heard_shows_in_every_answer():
    from hall.core.event import Event, encode
    from hall.core.model import FeedStatus

    told = city_of(3)
    for state in ("live", "lost"):
        status = FeedStatus(name="gb", kind="channel", state=state, last_seen=5)
        told.catalogue.take(encode(Event(id=state, source="f", subject="feed/gb", time=1, recordedtime=1, data=status)))
    assert told.catalogue.feeds["gb"].state == "lost" and told.catalogue.feeds["gb"].last_seen == 5


ids = st.sampled_from(
    ["41070000002150000001", "41070000002160000001", "41070000002160000002", "410700", "0000", "4107", "x", "", "/", "41//x"]
)
words = st.text(max_size=6) | ids
odd = st.builds(
    Channel,
    feed=st.sampled_from(["a", "b"]),
    channel_id=ids.filter(bool) | st.integers(0, 9).map(str),
    kind=st.sampled_from(["camera", "civil_region", "business_group", "virtual_organisation", "dome", ""]),
    name=words, owner=words, district=words, parent=words, group=words, civil_code=words,
    state=st.sampled_from(["online", "offline", "unknown", "else"]),
    lon=st.none() | st.floats(-180, 180), lat=st.none() | st.floats(-90, 90),
    extra=st.dictionaries(st.sampled_from(["path", "path_ids", "address"]), words | st.integers() | st.lists(words, max_size=2)),
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(odd, st.booleans()), max_size=25))
def test_whatever_a_directory_says_every_channel_is_counted_once_in_each_division(told_of):
    told = Told()
    for channel, gone in told_of:
        subject = told.tell(channel)
        if gone:
            told.gone(subject)
    trees, index = told.catalogue.trees, told.catalogue.index
    cameras = {s for s, ch in told.channels.items() if ch.kind not in NOT_CHANNELS}
    assert set(index.rows) == cameras
    for division in ("region", "group", "owner", "district"):
        answer = trees.children(division, ALL)
        assert answer["total"] == len(cameras) == sum(row["total"] for row in answer["children"])
        waiting, leaves = [row["id"] for row in answer["children"]], 0
        for node in waiting:
            inside = trees.children(node, ALL)
            waiting += [row["id"] for row in inside["children"]]
            found = told.catalogue.search(Query(node=node), ALL, "", 500)
            assert found["total"] == inside["total"]
            leaves += inside["total"] - sum(row["total"] for row in inside["children"])
        assert leaves == len(cameras)
    for subject in cameras:
        assert told.catalogue.one(subject, ALL)["subject"] == subject

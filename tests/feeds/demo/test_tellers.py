"""What the feeds say: the same whether the process lived through it or was killed on the way."""

import random

import pytest

from feeds.demo import SEED
from feeds.demo.story import DAY, HOUR, MINUTE
from feeds.demo.tellers import TELLERS
from feeds.demo.world import Memory, World, world_of
from tests.feeds.demo.conftest import Notebook


async def _tell(world, what, start, moments, notebook):
    teller = TELLERS[what](world, what)
    await teller.resume(notebook, start)
    await teller.begin(notebook, start)
    for after, now in zip([start, *moments], moments, strict=False):
        await teller.tell(notebook, after, now)


@pytest.mark.parametrize("what", ["cases", "warnings", "cameras", "pumps"])
async def test_a_story_told_with_interruptions_ends_in_the_same_picture(what, world, anchor):
    whole, broken = Notebook(), Notebook()
    end = anchor + 3 * HOUR
    await _tell(world, what, anchor, list(range(anchor + 30_000, end + 1, 30_000)), whole)
    cuts = sorted(random.Random(5).sample(range(anchor + 1000, end), 6))
    again = World(SEED, Memory(anchor))
    await _tell(again, what, anchor, [*cuts, end], broken)
    assert broken.board() == whole.board()
    assert broken.archived == whole.archived
    if what != "cameras":
        assert len(set(whole.said)) == len(whole.said)
        assert set(broken.said) == set(whole.said)


@pytest.mark.parametrize("what", ["gauges", "rain", "river", "crews"])
async def test_readings_of_a_moment_are_the_same_for_every_process_that_tells_them(what, world, anchor):
    one, other = Notebook(), Notebook()
    start = anchor + 10 * MINUTE
    await _tell(world, what, start, list(range(start + 500, start + 120_000, 500)), one)
    await _tell(World(SEED, Memory(anchor)), what, start, list(range(start + 1700, start + 120_000, 1700)), other)
    known = {(subject, time): data for subject, time, data in one.said}
    both = [(known[subject, time], data) for subject, time, data in other.said if (subject, time) in known]
    assert len(both) > 30
    assert all(a == b for a, b in both)


async def test_gauges_report_every_thirty_seconds_and_every_ten_in_a_storm(world, anchor, notebook):
    dry, wet = anchor - 90 * MINUTE, anchor + 12 * MINUTE
    for start in (dry, wet):
        await _tell_only(world, "gauges", start, notebook)
    times = {}
    for subject, time, _ in notebook.said:
        times.setdefault(subject, []).append(time)
    assert len(times) == 28
    for found in times.values():
        assert sum(dry < t <= dry + 5 * MINUTE for t in found) == 10
        assert sum(wet < t <= wet + 5 * MINUTE for t in found) == 30


async def _tell_only(world, what, start, notebook):
    teller = TELLERS[what](world, what)
    for after in range(start, start + 5 * MINUTE, 500):
        await teller.tell(notebook, after, after + 500)


async def test_history_is_archived_when_it_ended_a_day_ago_and_live_otherwise(world, anchor, notebook):
    await TELLERS["cases"](world, "cases").begin(notebook, anchor)
    archived = {subject for subject, _, _ in notebook.archived}
    live = {subject for subject, _, _ in notebook.said}
    assert not archived & live
    assert len(archived) > 1500 and len(live) > 300
    assert all(time < anchor - DAY for _, time, _ in notebook.archived)
    assert all(time <= anchor for _, time, _ in notebook.said)


async def test_every_channel_has_a_test_picture_address_that_no_document_carries(world, anchor, notebook):
    await TELLERS["cameras"](world, "cameras").resume(notebook, anchor)
    assert set(notebook.urls) == {subject for subject, _, _ in notebook.said}
    assert all(url.startswith("test://") for url in notebook.urls.values())
    assert not any(b"test://" in data for _, _, data in notebook.said)
    assert 1 <= sum(b'"offline"' in data for _, _, data in notebook.said) <= 15


async def test_a_warning_is_an_exercise_is_raised_and_is_lifted(world, anchor, notebook):
    await _tell(world, "warnings", anchor, list(range(anchor + MINUTE, anchor + 2 * HOUR, MINUTE)), notebook)
    kinds = [data for _, _, data in notebook.said]
    assert all(b'"Exercise"' in data for data in kinds[:-1])
    assert [b'"Cancel"' in data for data in kinds[:-1]] == [False, False, False, False, True]
    assert kinds[-1] == b"null"
    assert len({subject for subject, _, _ in notebook.said}) == 1


async def test_all_feeds_share_one_story_that_the_bus_remembers(bus, anchor):
    first = await world_of(bus, SEED, anchor)
    assert await world_of(bus, SEED, anchor + 5) is first
    from hall.core.bus import Bus

    later = Bus(bus.url, bus.prefix)  # a process started after a kill
    try:
        second = await world_of(later, SEED, anchor + 10 * MINUTE)
        assert second.story.anchor == anchor
        assert second.story.storms(anchor, anchor + DAY) == first.story.storms(anchor, anchor + DAY)
    finally:
        await later.close()


async def test_pumps_trip_in_the_first_storm_at_places_whose_gauge_sees_the_water_and_are_cleared(world, anchor, notebook):
    await _tell(world, "pumps", anchor, [anchor + HOUR, anchor + 3 * HOUR], notebook)
    states = {}
    for subject, _, data in notebook.said:
        states.setdefault(subject, []).append(b'"active":false' not in data)
    assert 1 <= len(states) <= 3 and all(told == [True, False] for told in states.values())

"""What the dispatch process does for alarms by itself, on a real ledger: exact, once, and the same after a restart."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from dispatch.alarmlife.aggregate import Alarms
from dispatch.alarmlife.keeper import AlarmKeeper
from dispatch.alarmlife.merging import PondingMerger
from dispatch.alarmlife.settings import settings_of
from dispatch.reader import Head
from hall.app.signin import answers_for
from hall.core.model import Case, Stages
from tests.dispatch.ledgerdesk import OPERATOR, SUPERVISOR, SYSTEM, Town

MINUTE, HOUR = 60_000, 3_600_000
EDGE = {"rule": "r", "cause": "c", "severity": 3, "priority": 2, "kind": "road", "quantity": "water_depth"}


class Lane:
    """A publisher that keeps the newest of each subject."""

    def __init__(self):
        self.newest, self.waiting = {}, 0

    def put(self, event):
        subject, data = event
        self.newest[subject] = data


@pytest.fixture
async def town(tmp_path, bus):
    made = Town(tmp_path, bus, more=(Alarms(settings_of()),))
    made.process.fast, made.process.bulk = Lane(), Lane()
    made.process.event = lambda subject, data: (subject, data)
    yield made
    made.close()


class Follower:
    """A part that is told the ledger's lines as the dispatch process tells them."""

    def __init__(self, town, part):
        self.town, self.part, self.seen = town, part, 0

    async def told(self):
        while entries := await self.town.desk.entries(self.seen, 500):
            await self.part.take(entries)
            self.seen = entries[-1].seq
        return self.part


async def keeper_of(town):
    part = AlarmKeeper(town.process, town.desk, settings_of())
    await part.start()
    follower = Follower(town, part)
    follower.seen = part.seen
    return follower


async def look(follower):
    """One turn of its work: what fell due, what it tells."""
    part = await follower.told()
    await part._fall()
    await follower.told()
    part._tell(0.0)
    return part


def later(town, ms):
    town.process.set(town.process.clock.now() + ms)


async def test_a_shelf_ends_by_itself_at_its_moment_also_after_a_restart(town):
    now = town.process.clock.now()
    await town.do("alarm/g/1", "raise", SYSTEM, **EDGE)
    await town.do("alarm/g/1", "shelve", OPERATOR, "works", until=now + HOUR)
    follower = await keeper_of(town)
    later(town, HOUR - 1)
    await look(follower)
    assert (await town.desk.state("alarm/g/1")).shelved
    later(town, 5 * MINUTE)
    await look(await keeper_of(town))  # another process: the first one was killed
    state = await town.desk.state("alarm/g/1")
    assert state.shelved is None and state.revision == 3
    lines = await town.desk.history("alarm/g/1")
    assert (lines[-1].move, lines[-1].time) == ("unshelve", now + HOUR)
    await look(follower)
    assert (await town.desk.state("alarm/g/1")).revision == 3, "done once"


async def test_what_is_over_and_answered_leaves_the_board_a_day_later(town):
    await town.do("alarm/g/1", "raise", SYSTEM, **EDGE, group="e")
    follower = await keeper_of(town)
    await look(follower)
    assert town.process.fast.newest["group/e"]["total"] == 1
    await town.do("alarm/g/1", "acknowledge", OPERATOR)
    later(town, MINUTE)
    await town.do("alarm/g/1", "return", SYSTEM)
    await look(follower)
    assert town.process.fast.newest["group/e"] is None
    later(town, 24 * HOUR - 1)
    await look(follower)
    assert not (await town.desk.state("alarm/g/1")).ended
    later(town, 1)
    await look(follower)
    assert (await town.desk.state("alarm/g/1")).ended


async def test_a_restart_in_mid_flood_knows_groups_flood_and_load_as_before(town):
    follower = await keeper_of(town)
    for n in range(14):
        await town.do(f"alarm/g/{n}", "raise", SYSTEM, **EDGE, group=f"e{n % 2}", district="红旗区")
        later(town, 20_000)
    await town.do("alarm/g/3", "acknowledge", OPERATOR)
    part = await look(follower)
    before = part.overview.health(town.process.clock.now())
    groups = {name: data for name, data in town.process.fast.newest.items() if data}
    town.process.fast.newest.clear()
    again = AlarmKeeper(town.process, town.desk, settings_of())
    stale = {"id": "x", "source": "dispatch", "subject": "group/old", "time": 1, "recordedtime": 1}
    again.hear(Head(**stale, data=msgspec.Raw(b'{"group_id":"old"}')))
    await again.start()
    again._tell(0.0)
    assert again.overview.health(town.process.clock.now()) == before
    assert before["flood"]["since"] and before["answered"]["of"] == 1
    assert {name: data for name, data in town.process.fast.newest.items() if data} == groups
    assert town.process.fast.newest["group/old"] is None, "what is over leaves the screens"


async def test_an_urgent_alarm_that_nobody_answers_is_told_to_one_and_then_to_the_next(town):
    follower = await keeper_of(town)
    await town.do("alarm/g/1", "raise", SYSTEM, **EDGE | {"priority": 1}, name="建设路下穿")
    await town.do("alarm/g/2", "raise", SYSTEM, **EDGE)
    for _ in range(3):
        later(town, MINUTE)
        await look(follower)
    told = list((await town.desk.states("notice")).values())
    assert [(n.to, n.about, n.key, n.values["name"]) for n in told] == [
        ({"role": "dispatcher"}, "alarm/g/1", "notice.alarm_first", "建设路下穿")
    ]
    later(town, 3 * MINUTE)
    await look(follower)
    assert {n.to["role"]: n.urgency for n in (await town.desk.states("notice")).values()} == {
        "dispatcher": "urgent", "supervisor": "emergency",
    }  # fmt: skip
    await town.do("alarm/g/1", "acknowledge", SUPERVISOR)
    await look(follower)
    assert await town.desk.states("notice") == {}, "what was answered calls nobody any more"


async def test_in_a_flood_a_group_calls_once_not_every_alarm_of_it(town):
    follower = await keeper_of(town)
    for n in range(30):
        await town.do(f"alarm/g/{n}", "raise", SYSTEM, **EDGE | {"priority": 1}, group="rain")
        later(town, 1_000)
    for _ in range(5):
        later(town, 30_000)
        await look(follower)
    told = list((await town.desk.states("notice")).values())
    groups = [notice for notice in told if notice.about == "group/rain"]
    assert len(groups) <= 2, "of one window of the clock each"
    assert len(told) - len(groups) <= 9, "only those that came before it was a flood"
    assert groups[0].values["n"] == "30"


# -- ponding ------------------------------------------------------------------------------------------------------------------


def heard(case):
    encoded = msgspec.json.encode(case)
    subject = f"case/{case.feed}/{case.case_id}"
    return Head(id="h", source="t", subject=subject, time=1, recordedtime=1, data=msgspec.Raw(encoded))


def case_near(name, at, lon=113.9, **more):
    known = {"subclass_name": "道路积水", "lon": lon, "lat": 35.3, "stages": Stages(reported=at)}
    return Case(feed="t", case_id=name, **{**known, **more})


@pytest.mark.parametrize("case_first", [True, False])
async def test_a_report_of_ponding_is_linked_with_the_gauge_that_saw_it_whichever_came_first(town, case_first):
    now = town.process.clock.now()
    merger = PondingMerger(town.process, town.desk, settings_of())
    follower = Follower(town, merger)
    near = case_near("near", now - 10 * MINUTE, lon=113.9005)
    others = [
        case_near("far", now, lon=113.91), case_near("old", now - 5 * HOUR), case_near("cable", now, subclass_name="架空线缆脱落"),
        case_near("closed", now, state="closed"),
    ]  # fmt: skip
    if case_first:
        for case in (near, *others):
            merger.hear(heard(case))
    await town.do("alarm/g/1", "raise", SYSTEM, **EDGE, name="建设路", lon=113.9, lat=35.3)
    await follower.told()
    if not case_first:
        for case in (near, *others):
            merger.hear(heard(case))
    await merger.look()
    assert (await town.desk.state("alarm/g/1")).cases == [], "its file is not opened yet"
    await town.case("near")
    await merger.look()
    await merger.look()
    state = await town.desk.state("alarm/g/1")
    assert (state.cases, state.case, state.acknowledged) == (["file/t/near"], "file/t/near", False)
    notes = [line for line in await town.desk.history("file/t/near") if line.move == "note"]
    assert len(notes) == 1 and "建设路" in notes[0].data["text"]


async def test_a_link_that_somebody_took_back_is_not_made_again(town):
    merger = PondingMerger(town.process, town.desk, settings_of())
    follower = Follower(town, merger)
    await town.do("alarm/g/1", "raise", SYSTEM, **EDGE, lon=113.9, lat=35.3)
    await town.case("near")
    await follower.told()
    case = case_near("near", town.process.clock.now())
    merger.hear(heard(case))
    await merger.look()
    await town.do("alarm/g/1", "unlink_case", OPERATOR, "another street", case="file/t/near")
    case.description = "told again"
    merger._due["file/t/near"] = 0
    merger.hear(heard(case))
    await merger.look()
    await follower.told()
    assert (await town.desk.state("alarm/g/1")).cases == []


async def test_a_case_goes_with_the_nearest_of_two_gauges(town):
    merger = PondingMerger(town.process, town.desk, settings_of())
    await town.do("alarm/g/1", "raise", SYSTEM, **EDGE, lon=113.9010, lat=35.3)
    await town.do("alarm/g/2", "raise", SYSTEM, **EDGE, lon=113.9001, lat=35.3)
    await Follower(town, merger).told()
    await town.case("near")
    merger.hear(heard(case_near("near", town.process.clock.now())))
    await merger.look()
    states = await asyncio.gather(*(town.desk.state(f"alarm/g/{n}") for n in (1, 2)))
    assert [state.cases for state in states] == [[], ["file/t/near"]]


async def test_who_signed_in_for_some_districts_has_a_line_of_the_load_of_his_own(town):
    follower = await keeper_of(town)
    for n in range(12):
        await town.do(f"alarm/g/{n}", "raise", SYSTEM, **EDGE, district="红旗区" if n < 11 else "卫滨区")
    await follower.told()
    await answers_for(town.process.bus, ["卫滨区", "红旗区", "卫滨区"])
    await answers_for(town.process.bus, ["卫滨区"])
    await answers_for(town.process.bus, [])
    await follower.part._follow_scopes()
    found = {tuple(one["districts"]): one for one in follower.part.overview.health(town.process.clock.now())["scopes"]}
    both, one = found["卫滨区", "红旗区"], found["卫滨区",]
    assert len(found) == 2 and both["since"] is not None and one["since"] is None
    assert (both["unacknowledged"], one["unacknowledged"]) == (12, 1)

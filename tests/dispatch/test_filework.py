"""What the dispatch process does for case files by itself: it goes on whatever one of them holds, and climbs each ladder."""

import asyncio

import pytest

from dispatch.filework import FileWork
from dispatch.laidover import LaidOver
from hall.core.model import Case, Stages
from tests.dispatch.ledgerdesk import DISPATCHER, SUPERVISOR, UNIT, Town
from tests.tasks import ended

DAY = 86_400_000


class Quiet:
    """A publisher that keeps what it is given."""

    def __init__(self):
        self.events = []

    def put(self, event):
        self.events.append(event)


@pytest.fixture
async def town(tmp_path, bus):
    made = Town(tmp_path, bus)
    made.process.fast = Quiet()
    yield made
    made.close()


@pytest.fixture
async def work(town):
    laid: dict[str, LaidOver] = {}

    async def lay_over(decided):
        laid.update(decided)

    made = FileWork(town.process, town.desk, town.desk.files.clocks, lay_over, [])
    made.laid = laid
    await made.start(0)
    running = [asyncio.create_task(loop()) for loop in (made.open_files, made.follow_ledger, made.watch_clocks)]
    yield made
    await ended(*running)


async def until(condition):
    """Waits for what the loops bring about."""
    async with asyncio.timeout(20):
        while not (found := await condition()):
            await asyncio.sleep(0.01)
    return found


def supplied(name, **more):
    return Case(feed="f", case_id=name, district="红旗区", subclass_name="道路积水", stages=Stages(reported=1), **more)


async def test_every_case_gets_a_file_once_however_often_it_is_told(town, work):
    for _ in range(3):
        for n in range(450):
            work.supplied(f"case/f/{n}", f"v{n}", supplied(str(n)))
    work.supplied("case/f/ended", "e", supplied("ended", state="closed"))

    async def all_open():
        return len(await town.desk.states("file")) == 450

    await until(all_open)
    entries = await town.desk.entries(0, 1000)
    assert len(entries) == 450 and {entry.move for entry in entries} == {"open"}


async def test_a_listener_that_fails_on_one_line_is_told_the_others(town, work):
    told = []

    async def listener(entries):
        if any(entry.subject.endswith("/bad") for entry in entries):
            raise ValueError("this line is beyond me")
        told.extend(entry.subject for entry in entries)

    work.listeners.append(listener)
    for name in ("one", "bad", "two"):
        await town.case(name)
    work.wake()

    async def worked_in():
        return work.seen == 3

    await until(worked_in)
    assert told[-1] == "file/t/two" and "file/t/one" in told and "file/t/bad" not in told
    assert town.process.counters["files_faulty"] == 1


async def test_a_suspended_case_resumes_by_itself_with_the_time_it_had_left(town, work):
    subject = await town.dispatched("s", severity=1)
    left = (await town.desk.state(subject)).clock
    now = town.process.clock.now()
    await town.do(subject, "ask_suspend", UNIT, "冬季", until=now + 10 * DAY)
    await town.do(subject, "grant", SUPERVISOR, ask=1)
    town.process.set(now + 10 * DAY + 1)

    async def resumed():
        file = await town.desk.state(subject)
        return file if file.state != "suspended" else None

    file = await until(resumed)
    assert file.state == "pending_handle" and file.clock.due - (now + 10 * DAY) == pytest.approx(left.due - now, abs=1_000)


async def test_the_ladder_is_climbed_again_after_a_return_and_a_second_dispatch(town, work):
    subject = await town.dispatched("l", severity=4)
    clock = (await town.desk.state(subject)).clock
    town.process.set(clock.near + 1)

    async def told():
        file = await town.desk.state(subject)
        return file.rungs.get("near")

    assert await until(told)
    await town.do(subject, "return", UNIT, "非本单位职责")
    await town.do(subject, "confirm_return", SUPERVISOR)
    await town.do(subject, "dispatch", DISPATCHER, unit="排水所")

    async def told_again():
        return [e for e in await town.desk.entries(0, 100) if e.move == "escalate" and e.data["rung"] == "near"][1:]

    assert await until(told_again)


async def test_refusals_of_one_person_are_written_so_often_a_minute_and_the_rest_counted(town, monkeypatch):
    from dispatch import desk as desk_module
    from hall.core.errors import Refused

    monkeypatch.setattr(desk_module, "REFUSALS_A_MINUTE", 5)
    minute = [60_000_000]
    monkeypatch.setattr(desk_module, "real_ms", lambda: minute[0])
    subject = await town.case("r")

    async def refused(times):
        for _ in range(times):
            with pytest.raises(Refused):
                await town.do(subject, "close", UNIT)

    await refused(20)
    minute[0] += 60_000
    await refused(1)
    lines = [entry for entry in await town.desk.entries(0, 100) if entry.move == "refused"]
    assert len(lines) == 6 and lines[-1].data["unwritten_before"] == 15

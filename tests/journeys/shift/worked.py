"""A whole shift from the first report to the verdict; what the tests and the chaos share."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from hall.core.settings import bus_socket
from tests.journeys.shift import verdict
from tests.journeys.shift.city import City
from tests.journeys.shift.link import Asked, Hall, Seat
from tests.journeys.shift.people import Person, staffed, work_for
from tests.running import RunningHall

#: refusals that competition explains; any other says that a person was offered what the hall does not do
EXPECTED = {
    "stale", "state", "owned", "needs-second-person", "crew-busy", "crew-out-of-service", "crew-already-assigned", "bad-target",
    "changed-since", "undo-too-late", "not-assigned", "state-passed", "state-wrong", "unknown-ask", "nothing-to-undo", "no-crew",
    "ask-overtaken", "nothing-to-reply", "too-long", "not-your-case", "already-overdue", "not-yours-to-answer", "not-yours",
    "not-your-unit", "parent-ended", "tasks-open", "not-owned", "ask-open",
}  # fmt: skip
Meanwhile = Callable[[RunningHall, Seat], Awaitable[None]]


async def shift(
    hall: RunningHall,
    city: City,
    seconds: float,
    seed: int,
    think: float,
    meanwhile: Meanwhile | None = None,
    earlier: list[Asked] | None = None,
) -> str:
    """Twenty people work for `seconds`; then everything is judged, with what was asked in `earlier` shifts of the same hall,
    to which this one's is added. Returns what happened, in words."""
    place = Hall(hall.url, hall.stream, f"unix://{bus_socket(hall.data_dir)}")
    people = staffed(place, city, seed, think)
    watcher = Seat(place, "watcher", "supervisor", ["file", "crew", "process"])
    seats = (watcher, *(person.seat for person in people))
    earlier = [] if earlier is None else earlier
    if city.ends:
        await city.goes_on(place.bus_url, seconds)
    async with AsyncExitStack() as stack:
        stack.callback(lambda: earlier.extend(one for seat in seats for one in seat.asked))
        for seat in seats:
            await stack.enter_async_context(seat)
        crews = sum(map(len, city.crews.values()))
        await watcher.until(lambda: len(watcher.present("crew")) == crews, 60, "the roster is on the screen")
        disturbing = asyncio.create_task(meanwhile(hall, watcher)) if meanwhile else None
        await work_for(people, seconds, disturbing)
        if disturbing:
            await disturbing
        record = await _settled(hall, watcher)
        asked = [one for seat in seats for one in seat.asked]
        await _judge(hall, watcher, record, earlier + asked)
        faults = [fault for seat in seats for fault in seat.faults]
        assert not faults, faults[:5]
        return _told(people, asked, record)


async def _settled(hall: RunningHall, watcher: Seat) -> verdict.Record:
    """The ledger once two looks at it, with the screen up to date in between, found nothing new: the replay's last reports
    and the timers write a while longer than people do."""
    until = asyncio.get_running_loop().time() + 60
    record = verdict.Record.of(hall.data_dir)
    while True:
        with contextlib.suppress(AssertionError):
            await verdict.screens_tell_the_same(watcher, record, 5.0)
            again = verdict.Record.of(hall.data_dir)
            if len(again.acts()) == len(record.acts()):
                return again
        assert asyncio.get_running_loop().time() < until, "the hall never came to rest"
        record = verdict.Record.of(hall.data_dir)


async def _judge(hall: RunningHall, watcher: Seat, record: verdict.Record, asked: list[Asked]) -> None:
    verdict.nothing_lost_nothing_made_up(record, asked)
    verdict.nobody_was_overwritten(record, asked)
    verdict.no_crew_twice(record)
    verdict.as_the_model_says(record, verdict.judged(record, asked))
    await verdict.screens_tell_the_same(watcher, record)
    await verdict.the_list_tells_the_same(watcher, record)
    strange = Counter((a.move, a.answer.get("reason")) for a in asked if not a.acknowledged)
    strange = {key: n for key, n in strange.items() if key[1] not in EXPECTED}
    assert not strange, strange
    await asyncio.to_thread(verdict.the_chain_holds, hall.env)


def _told(people: list[Person], asked: list[Asked], record: verdict.Record) -> str:
    done, refused = Counter(), Counter()
    for one in asked:
        (done if one.acknowledged else refused)[one.move if one.acknowledged else one.answer.get("reason", "")] += 1
    took = sorted(one.answered - one.sent for one in asked) or [0.0]
    redone = sum(person.counts["redone"] for person in people)
    states = Counter(file.get("state", "reported") for file in record.files().values())
    return (
        f"{len(asked)} commands, {sum(done.values())} acknowledged, {redone} redone on top of what had changed; "
        f"answer p50 {took[len(took) // 2] * 1000:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1000:.0f} ms; "
        f"ledger {len(record.entries)} lines\ndone {dict(done.most_common())}\nrefused {dict(refused.most_common())}\nstates {dict(states)}"
    )

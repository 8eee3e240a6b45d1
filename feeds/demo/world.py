"""The demo's world: one city and one story, shared by all demo feeds of a process, remembered on the bus."""

from __future__ import annotations

import asyncio
import weakref

import msgspec

from feeds.demo.cases import Cases
from feeds.demo.city import build
from feeds.demo.flooding import Flooding
from feeds.demo.story import Story
from feeds.demo.water import Water
from hall.core.bus import Bus

_REMEMBER_EVERY = 30_000  # ms of city time


class Memory(msgspec.Struct):
    """What must outlive the process: the story's anchor, storms added at restarts, and when it was last told."""

    anchor: int
    added: tuple[int, ...] = ()
    seen: int = 0


class World:
    def __init__(self, seed: int, memory: Memory) -> None:
        self.seed, self.memory = seed, memory
        self.city = build(seed)
        self.story = Story(seed, memory.anchor, memory.added)
        self.water = Water(self.story)
        self.flooding = Flooding(self.city, self.water)
        self.cases = Cases(self.city, self.story, self.flooding)

    async def remember(self, bus: Bus, now: int) -> None:
        """Notes now and then how far the story was told."""
        if now - self.memory.seen >= _REMEMBER_EVERY:
            self.memory.seen = now
            await bus.set(msgspec.json.encode(self.memory), "replay", f"demo-{self.seed}")


_worlds: weakref.WeakKeyDictionary[Bus, dict[int, asyncio.Task[World]]] = weakref.WeakKeyDictionary()


async def world_of(bus: Bus, seed: int, now: int) -> World:
    """The world of a seed on this bus; the first to ask begins its story at `now` unless the bus remembers one."""
    known = _worlds.setdefault(bus, {})
    task = known.get(seed)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        task = known[seed] = asyncio.create_task(_load(bus, seed, now), name="demo world")
    return await asyncio.shield(task)


async def _load(bus: Bus, seed: int, now: int) -> World:
    key = ("replay", f"demo-{seed}")
    await bus.set(msgspec.json.encode(Memory(now, (), now)), *key, only_new=True)
    stored = await bus.get(*key)
    memory = msgspec.json.decode(stored, type=Memory) if stored else Memory(now, (), now)
    if memory.anchor > now + 60_000:  # the city's clock was set back to before the story: a new one begins
        memory = Memory(now, (), now)
    story = Story(seed, memory.anchor, memory.added).restarted(now, memory.seen)
    memory = Memory(story.anchor, story.added, now)
    await bus.set(msgspec.json.encode(memory), *key)
    return await asyncio.to_thread(World, seed, memory)

"""The alarm engine: from readings to the edges of alarms. Pure: the same inputs in the same order give the same edges, however
they are batched, however often the clock ticks between them, and over a restart anywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.alarming.believe import Believe
from dispatch.alarming.calm import Calm, Rank
from dispatch.alarming.detect import Detect
from dispatch.alarming.explain import Explain
from dispatch.alarming.findings import Edge
from dispatch.alarming.gather import Gather
from dispatch.alarming.ground import Ground
from dispatch.alarming.inputs import Input, Posture, Reading, SensorGone, SensorSeen, Tick
from dispatch.alarming.join import Hold, Join
from dispatch.alarming.rulebook import Rulebook
from dispatch.alarming.snapshot import Snapshot
from dispatch.alarming.tell import Tell

#: From an input to an edge, in this order. Every stage: dispatch/alarming/ground.py.
PIPELINE = (
    Believe,  # is the reading one to go by?
    Detect,  # which rules does it meet?
    Join,  # one alarm per site: the worst of its rules
    Hold,  # what stays until somebody resets it
    Explain,  # what is only the consequence of something else?
    Gather,  # which event does it belong to?
    Rank,  # how urgent: severity and time to respond
    Calm,  # what comes and goes is held, and marked
    Tell,  # what of it is new?
)
#: version of what `state` writes
VERSION = 2


class Engine:
    """`rules`: dispatch.alarming.compile_rules. One engine has a state of its own; several may share the rules."""

    def __init__(self, rules: Rulebook) -> None:
        self.ground = Ground(rules)
        self.stages = [stage(self.ground, number) for number, stage in enumerate(PIPELINE)]
        self.now = 0
        self._by_name: dict[str, Any] = {stage.name: stage for stage in self.stages}
        self._snapshot: Snapshot | None = None  # one that is not whole yet

    @property
    def counters(self) -> dict[str, int]:
        return self.ground.counters

    @property
    def active(self) -> int:
        """Alarms that are told as active."""
        return self._by_name["tell"].active

    def told(self) -> dict[str, dict[str, Any]]:
        """What was told of each active alarm, by site."""
        return self._by_name["tell"].sites()

    def take(self, inputs: Iterable[Input]) -> list[Edge]:
        """The edges that these inputs make, each after the wakes that fell due before it."""
        edges: list[Edge] = []
        first, rest = self.stages[0], self.stages[1:]
        for item in inputs:
            at = item.time if item.at is None else item.at
            if at > self.now:
                self._until(at, edges)
            if type(item) is Tick:
                continue
            if self._snapshot is not None:
                self._keep_before(item)
            if type(item) is SensorGone:
                self._by_name["believe"].forget(f"{item.feed}/{item.sensor}")
            found = first.step(item, self.now)
            if found:
                self._through(found, rest, edges)
        return edges

    def advance(self, now: int) -> list[Edge]:
        """Time goes by to `now` (city ms); never back."""
        edges: list[Edge] = []
        if now > self.now:
            self._until(now, edges)
        return edges

    def settle(self) -> list[Edge]:
        """Once after `restore` or `adopt`: ends what no rule stands for any more."""
        edges: list[Edge] = []
        self._through(self._by_name["detect"].settle(self.now), self.stages[2:], edges)
        return edges

    def _until(self, now: int, edges: list[Edge]) -> None:
        for due, number, key in self.ground.fallen(now):
            self.now = max(self.now, due)
            if self._snapshot is not None:
                self._keep_before_fall(key)
            self._through(self.stages[number].fall(key, due), self.stages[number + 1 :], edges)
        self.now = now

    def _through(self, items: Iterable[Any], stages: list[Any], edges: list[Edge]) -> None:
        """Each stage sees the items in the order the one before made them."""
        for stage in stages:
            items = stage.steps(items, self.now)
            if not items:
                return
        edges += items

    # -- restart -------------------------------------------------------------------------------------------------------

    def state(self) -> bytes:
        """Everything it knows; `restore` of it goes on as if nothing had been."""
        snapshot = self.snapshot()
        snapshot.work(sys.maxsize)
        return snapshot.state

    def snapshot(self) -> Snapshot:
        """Its state of this moment, encoded by and by (`work`) while it goes on. One at a time: a new one spoils the last."""
        kept = {stage.name: stage.dump() for stage in self.stages}
        self._snapshot = Snapshot({"version": VERSION, "now": self.now}, kept)
        return self._snapshot

    def _keep_before(self, item: Input) -> None:
        """What this input may change of sensors. A posture changes the figures of all."""
        if not self._snapshot.waiting:
            self._snapshot = None
        elif isinstance(item, (Reading, SensorGone)):
            self._snapshot.save(f"{item.feed}/{item.sensor}")
        elif isinstance(item, SensorSeen):
            self._snapshot.save(f"{item.sensor.feed}/{item.sensor.sensor_id}")
        elif isinstance(item, Posture):
            self._snapshot.save_all()

    def _keep_before_fall(self, key: str) -> None:
        """A wake of a sensor is named `<rule>|<sensor>` or `<rule>|<sensor>/<quantity>`."""
        scope = key.partition("|")[2]
        self._snapshot.save(scope)
        self._snapshot.save(scope.rpartition("/")[0])

    def restore(self, kept: bytes) -> None:
        """Raises ValueError for what another version wrote, or what is no state; the engine is to be made anew then."""
        try:
            found = msgspec.msgpack.decode(kept)
            if found["version"] != VERSION:
                raise ValueError(f"state of version {found['version']}")
            self.now = found["now"]
            self.ground.forget_wakes()
            for stage in self.stages:
                stage.load(found["stages"].get(stage.name))
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"not a state of the alarm engine: {error}") from None

    def adopt(self, alarms: dict[str, dict[str, Any]]) -> None:
        """Active alarms as the ledger has them (site -> fields), where the state was lost: readings go on from them."""
        for site, data in alarms.items():
            rules = data.get("rules") or [data.get("rule", "")]
            self._by_name["detect"].adopt(site, rules, data.get("severity", 0))
            if data.get("since") is not None:
                self._by_name["join"].adopt(site, data["since"])
            if data.get("group"):
                self._by_name["gather"].adopt(site, data)
            self._by_name["tell"].adopt(site, data)

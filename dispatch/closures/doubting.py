"""Whether somebody should look before a place is closed: what a gauge did, against what people and neighbours say. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.closures.gauge import Gauge
from dispatch.closures.model import Closure
from dispatch.closures.onsite import metres
from dispatch.closures.settings import ClosureRules


class Doubting:
    """The half of an Advisor that doubts."""

    rules: ClosureRules
    alarms: dict[str, dict[str, Any]]

    def _gauge(self, site: str) -> Gauge | None:
        raise NotImplementedError

    def _doubtful(self, site: str) -> bool:
        raise NotImplementedError

    def _doubts(self, alarm: dict[str, Any], gauge: Gauge) -> list[dict[str, Any]]:
        """Why somebody should look before it is closed, `[{code, values}]`: what neither people nor a neighbour speak for."""
        if self._people(alarm):
            return []
        near = self._neighbour(alarm)
        return [sign for sign in gauge.signs.told() if not (near and sign["code"] == "steep")]

    def _trust(self, state: Closure, alarm: dict[str, Any], gauge: Gauge) -> list[dict[str, Any]]:
        """What speaks against the doubt of a proposal: reports of people, a neighbour's water, readings that move again. That a
        sign is not held proves nothing: a process begun anew holds none."""
        if reports := self._people(alarm):
            return [{"code": "people", "values": {"n": len(reports)}}]
        codes = {sign["code"] for sign in state.doubt}
        if codes == {"steep"} and (near := self._neighbour(alarm)):
            return [{"code": "neighbour", "values": {"name": near}}]
        moved = all(gauge.value != sign["values"].get("value") for sign in state.doubt)
        return [{"code": "moves", "values": {"value": gauge.value}}] if codes == {"frozen"} and gauge.known and moved else []

    @staticmethod
    def _people(alarm: dict[str, Any]) -> list[str]:
        """Cases that others than the hall reported at the same place."""
        return [case for case in alarm.get("cases") or () if not str(case).startswith("file/desk/")]

    def _neighbour(self, alarm: dict[str, Any]) -> str:
        """Another site near by whose own gauge, without any sign, stands over the line of care; its name, or nothing."""
        if alarm.get("lon") is None or alarm.get("lat") is None:
            return ""
        for site, other in self.alarms.items():
            gauge = self._gauge(site)
            if other is alarm or other.get("lon") is None or gauge is None or gauge.signs.told() or self._doubtful(site):
                continue
            apart = metres(alarm["lon"], alarm["lat"], other["lon"], other["lat"])
            if apart <= self.rules.doubt.neighbour_metres and gauge.above(gauge.lines.care, self.rules):
                return str(other.get("name") or site)
        return ""

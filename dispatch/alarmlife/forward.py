"""Which group went into which: the engine says it on the alarms that moved. Pure, incremental."""

from __future__ import annotations

from collections.abc import Iterable


class Forward:
    """Fed with each alarm's group and those it was in before; the answer depends on the alarms there are only."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, str]] = {}  # group that went -> site that says so -> into which
        self._of: dict[str, tuple[str, ...]] = {}  # site -> the groups it was in

    def put(self, site: str, group: str, was: Iterable[str]) -> set[str]:
        """An alarm as it stands ("", () when it left); the groups of which something else is said now."""
        now = tuple(name for name in was if name and name != group) if group else ()
        before = self._of.pop(site, ())
        if now:
            self._of[site] = now
        changed = set()
        for name in before:
            if name not in now:
                del self._told[name][site]
                changed.add(name)
                if not self._told[name]:
                    del self._told[name]
        for name in now:
            told = self._told.setdefault(name, {})
            if told.get(site) != group:
                told[site] = group
                changed.add(name)
        return changed

    def into(self, group: str) -> str:
        """Where it is now: itself where it did not go anywhere."""
        seen = {group}
        while (told := self._told.get(group)) and (found := told[min(told)]) not in seen:
            seen.add(found)
            group = found
        return group

    def gone(self) -> Iterable[str]:
        """Groups that went into another one."""
        return list(self._told)

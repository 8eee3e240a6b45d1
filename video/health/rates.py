"""在线率 and 完好率 by department, kept up to date look by look. Pure.

在线率 (online rate): channels that gave a picture, of those examined. 完好率 (soundness rate): channels without a finding, of
those online. What was not examined yet is in neither, and is said beside them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: departments told one by one; further ones are summed up under an empty name
MOST_DEPARTMENTS = 200
#: share of a department's channels that must have been examined before its rates may raise an alarm
EXAMINED_LEAST = 0.9


class Standing(NamedTuple):
    """How one channel counts."""

    owner: str
    examined: bool = False
    online: bool = False
    reported: bool = False  # its supplier calls it online
    faults: tuple[str, ...] = ()


class Tally:
    """Sums of one department."""

    __slots__ = ("total", "examined", "online", "sound", "reported", "faults")

    def __init__(self) -> None:
        self.total = self.examined = self.online = self.sound = self.reported = 0
        self.faults: dict[str, int] = {}

    def add(self, one: Standing, sign: int) -> None:
        self.total += sign
        self.examined += sign * one.examined
        self.online += sign * (one.examined and one.online)
        self.sound += sign * (one.examined and one.online and not one.faults)
        self.reported += sign * one.reported
        for fault in one.faults:
            self.faults[fault] = self.faults.get(fault, 0) + sign
            if not self.faults[fault]:
                del self.faults[fault]

    def row(self, name: str) -> dict[str, Any]:
        """As the document `health/video` has it; a rate without a denominator is null."""
        return {
            "name": name,
            "total": self.total,
            "examined": self.examined,
            "online": self.online,
            "sound": self.sound,
            "reported_online": self.reported,
            "online_rate": round(self.online / self.examined, 4) if self.examined else None,
            "sound_rate": round(self.sound / self.online, 4) if self.online else None,
            "faults": dict(sorted(self.faults.items(), key=lambda item: -item[1])),
        }


class Rates:
    """All departments. `put` replaces what was known of a channel, `drop` forgets it."""

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}
        self._tallies: dict[str, Tally] = {}
        self.whole = Tally()

    def put(self, subject: str, now: Standing) -> None:
        before = self._standings.get(subject)
        if before == now:
            return
        self.drop(subject)
        self._standings[subject] = now
        self._tallies.setdefault(now.owner, Tally()).add(now, 1)
        self.whole.add(now, 1)

    def drop(self, subject: str) -> None:
        before = self._standings.pop(subject, None)
        if before is None:
            return
        self.whole.add(before, -1)
        tally = self._tallies[before.owner]
        tally.add(before, -1)
        if not tally.total:
            del self._tallies[before.owner]

    def rows(self) -> list[dict[str, Any]]:
        """Departments, largest first."""
        ordered = sorted(self._tallies.items(), key=lambda item: (-item[1].total, item[0]))
        rows = [tally.row(name) for name, tally in ordered[:MOST_DEPARTMENTS]]
        if len(ordered) > MOST_DEPARTMENTS:
            rest = Tally()
            named = {name for name, _ in ordered[:MOST_DEPARTMENTS]}
            for one in self._standings.values():
                if one.owner not in named:
                    rest.add(one, 1)
            rows.append(rest.row(""))
        return rows

    def readings(self) -> dict[str, dict[str, float]]:
        """Department -> quantity -> percent, for those of which enough was examined: what thresholds are held against.
        Both grow as things get worse: an alarm's line is crossed upwards."""
        found = {}
        for name, tally in self._tallies.items():
            if tally.examined and tally.examined >= EXAMINED_LEAST * tally.total:
                found[name] = {"channels_offline": round(100 * (1 - tally.online / tally.examined), 1)}
                if tally.online:
                    found[name]["channels_unsound"] = round(100 * (1 - tally.sound / tally.online), 1)
        return found

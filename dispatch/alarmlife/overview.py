"""From all alarms of the hall to what one operator can take in: groups, flood mode, figures of his load. Pure, incremental.

Fed with the ledger's lines (`take`, what was announced and answered) and with each alarm as it stands after them (`put`). Asked
for documents at any moment; the answer depends on what was fed and the moment, not on how often it was asked.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from dispatch.alarmlife.forward import Forward
from dispatch.alarmlife.groups import group_document
from dispatch.alarmlife.health import Load, health_document
from dispatch.alarmlife.lines import lines_of
from dispatch.alarmlife.model import AlarmState
from dispatch.alarmlife.scopes import Scopes
from dispatch.alarmlife.settings import HOUR, LifeSettings
from dispatch.alarmlife.stages import Around, Row, row_of
from dispatch.alarmlife.windows import Flood, Told, Window
from hall.core.command import Entry

DAY = 24 * HOUR
#: districts whose own flood is watched
DISTRICTS = 500
#: times to answer that are kept
ANSWERS = 10_000
#: moves by which a person answers an alarm
ANSWERING = frozenset({"acknowledge", "dispose", "link_case"})


class Overview:
    """All rows and counts; `flood` is the whole hall's, which one operator may have to answer alone."""

    def __init__(self, settings: LifeSettings) -> None:
        self.settings, figures = settings, settings.flood
        self.rows: dict[str, Row] = {}
        self.day = Window(DAY)
        self.recent = Window(settings.chatter.window)
        self.buckets: Counter[int] = Counter()
        self._figures = (figures.window, figures.begins, figures.ends_below, DAY)
        self.flood = Flood(*self._figures)
        self.districts: dict[str, Flood] = {}
        self.answers: deque[tuple[int, int]] = deque(maxlen=ANSWERS)  # (when, ms from announcement to answer)
        self._asked: dict[str, int] = {}  # site -> since when it has been waiting for an answer
        self._members: dict[str, set[str]] = {}
        self._own: dict[str, set[str]] = {}  # as the alarms themselves say, wherever that group went
        self._dirty: set[str] = set()
        self._documents: dict[str, dict[str, Any]] = {}  # of each group, as it stands
        self._told: dict[str, dict[str, Any]] = {}
        self._forward = Forward()
        self.scopes = Scopes(self._figures)

    # -- fed ---------------------------------------------------------------------------------------------------------------

    def take(self, entry: Entry) -> None:
        """One ledger line of an alarm, in order."""
        site, at = entry.subject.partition("/")[2], entry.recorded
        self._slide(at)
        if entry.data.get("announced"):
            told = Told(at, site, entry.data.get("priority") or 3, entry.data.get("district") or "")
            self.day.take(told)
            self.recent.take(told)
            self.buckets[at // self.settings.flood.window] += 1
            self.flood.take(at)
            self._district(told.district, at)
            self.scopes.take(told)
            self._asked.setdefault(site, at)
            self._again(site)
        if entry.move in ANSWERING and entry.kind != "system" and (asked := self._asked.pop(site, None)) is not None:
            self.answers.append((at, max(0, at - asked)))

    def put(self, site: str, alarm: AlarmState | None) -> None:
        """An alarm as it stands now; None or ended: it left."""
        before = self.rows.get(site)
        if before is not None:
            self._leave(site, before.group)
            _discard(self._own, before.alarm.group, site)
        if alarm is None or alarm.ended:
            self.rows.pop(site, None)
            self._asked.pop(site, None)
            self._moved(self._forward.put(site, "", ()))
            return
        changed = self._forward.put(site, alarm.group, alarm.group_was)
        self._enter(row_of(site, alarm, self._around()))
        self._own.setdefault(alarm.group, set()).add(site)
        self._moved(changed)

    # -- asked -------------------------------------------------------------------------------------------------------------

    def groups(self, now: int) -> list[tuple[str, dict[str, Any] | None]]:
        """`(subject, document)` of the groups that changed since they were asked for last; None: it is over."""
        self._advance(now)
        for group in self._dirty:
            document = group_document(group, self._rows_of(group))
            if document is not None:
                self._documents[group] = document
            else:
                self._documents.pop(group, None)
        again = bool(self._dirty)
        self._dirty.clear()
        return self._news() if again else []

    def _news(self) -> list[tuple[str, dict[str, Any] | None]]:
        """What is said of every group now, where it is not what was said before: the group, the line it stands in, the group
        it went into."""
        line_of, lines = lines_of(self._documents, self.settings.lines)
        said = {name: {**one, "line": line_of[name]} if name in line_of else one for name, one in self._documents.items()}
        said |= lines
        for name in self._forward.gone():
            if name not in said and (into := self._forward.into(name)) in self._documents:
                said[name] = {"group_id": name, "into": into}
        found: list[tuple[str, dict[str, Any] | None]] = []
        for name in sorted(said.keys() | self._told.keys()):
            if said.get(name) != self._told.get(name):
                found.append((f"group/{name}", said.get(name)))
        self._told = said
        return found

    def health(self, now: int) -> dict[str, Any]:
        """`kpi/alarms`."""
        self._advance(now)
        self._tidy(now)
        load = Load(self.day, self.buckets, self.flood, self.districts, list(self.answers), self.recent.sites)
        scopes = self.scopes.documents(self.rows.values(), now)
        return health_document(self.rows.values(), load, self.settings, now) | {"scopes": scopes}

    def follow(self, scopes: Iterable[tuple[str, ...]]) -> None:
        """The districts that operators answer for: each of these sets has a flood of its own from now on."""
        self.scopes.follow(scopes, self.day)

    def into(self, group: str) -> str:
        """The group that it went into, or itself."""
        return self._forward.into(group)

    def group(self, name: str) -> dict[str, Any] | None:
        """The document of one group as it stands, of the one it went into."""
        name = self._forward.into(name)
        return group_document(name, self._rows_of(name))

    def tell_again(self) -> None:
        """As if no group had been told: the next `groups` gives all."""
        self._dirty |= set(self._members)
        self._told = dict.fromkeys(self._told, {})

    def known_groups(self) -> set[str]:
        """Ids of everything that was said of groups and stands."""
        return set(self._told)

    # -- inside ------------------------------------------------------------------------------------------------------------

    def _rows_of(self, group: str) -> list[Row]:
        return [self.rows[site] for site in self._members.get(group, ())]

    def _advance(self, now: int) -> None:
        self._slide(now)
        self.flood.advance(now)

    def _slide(self, now: int) -> None:
        self.day.advance(now)
        for told in self.recent.advance(now):
            self._again(told.site)

    def _tidy(self, now: int) -> None:
        """Forgets what is older than a day."""
        while self.answers and self.answers[0][0] <= now - DAY:
            self.answers.popleft()
        first = (now - DAY) // self.settings.flood.window
        for bucket in [bucket for bucket in self.buckets if bucket < first]:
            del self.buckets[bucket]
        for district, flood in list(self.districts.items()):
            flood.advance(now)
            if flood.idle(now):
                del self.districts[district]

    def _district(self, name: str, at: int) -> None:
        if name and (name in self.districts or len(self.districts) < DISTRICTS):
            self.districts.setdefault(name, Flood(*self._figures)).take(at)

    def _enter(self, row: Row) -> None:
        self.rows[row.site] = row
        self._members.setdefault(row.group, set()).add(row.site)
        self._dirty.add(row.group)

    def _moved(self, changed: set[str]) -> None:
        """Other groups went somewhere else than was known: the alarms that were told in them go along."""
        if not changed:
            return
        self._dirty |= changed
        around = self._around()
        for name in changed.union(self._forward.gone()):
            into = self._forward.into(name)
            for site in list(self._own.get(name, ())):
                if (row := self.rows[site]).group != into:
                    self._leave(site, row.group)
                    self._enter(row_of(site, row.alarm, around))

    def _again(self, site: str) -> None:
        """Whether it chatters may have changed."""
        row = self.rows.get(site)
        if row is not None and (made := row_of(site, row.alarm, self._around())) != row:
            self.rows[site] = made
            self._dirty.add(made.group)

    def _around(self) -> Around:
        return Around(self.recent.sites, self.settings.chatter.times, self._forward.into)

    def _leave(self, site: str, group: str) -> None:
        self._dirty.add(group)
        _discard(self._members, group, site)


def _discard(index: dict[str, set[str]], name: str, site: str) -> None:
    found = index.get(name, set())
    found.discard(site)
    if not found:
        index.pop(name, None)

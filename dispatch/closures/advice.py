"""What the water says about closing and reopening. Pure: readings, alarms, crews and closures in, advice out.

Three things must agree before a closing is proposed: an alarm of the site that nobody doubts, readings that stood at the line
for long enough, and clocks that make sense. A gauge that jumps once, that is in doubt, or that speaks of another day, proposes
nothing; what it proposes somebody has to decide. What water hardly does (dispatch/closures/gauge.py) is the first word of the
proposal: look first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dispatch.closures.doubting import Doubting
from dispatch.closures.gauge import Gauge
from dispatch.closures.model import DRILL, OVER, Closure
from dispatch.closures.settings import MINUTE, ClosureRules, Place, plain

#: so long a closed place that is open again waits for the word that a crew's barriers are away
BARRIERS_MS = 24 * 3_600_000
#: sites that are watched at once; further ones are counted
BOUND = 5_000
#: of them gauges without an alarm or a place
FOLLOWED = 4_000


class Advice(NamedTuple):
    """A command of the hall's: made on `revision` of `closure/<closure_id>`."""

    closure_id: str
    move: str
    revision: int
    data: dict[str, Any]


class Advisor(Doubting):
    """Everything that is known of places that may have to be closed, and what follows from it."""

    def __init__(self, rules: ClosureRules) -> None:
        self.rules = rules
        self._place = rules.by_site()
        self.alarms: dict[str, dict[str, Any]] = {}  # site -> document
        self.gauges: dict[str, Gauge] = {}  # subject of readings
        self._site_of: dict[str, str] = {}  # subject of readings -> site
        self._subject_of: dict[str, str] = {}
        self.closures: dict[str, Closure] = {}  # closure id
        self._crews: dict[str, frozenset[str]] = {}  # crew -> files it is on
        self._supplies: dict[str, tuple[str, str, float]] = {}  # request -> closure, item, pieces still out there
        self.counters = {"closure_sites_refused": 0, "closure_readings_refused": 0}
        for place in rules.places:  # whether others are closed is known from their first alarm on, however mild
            if place.site:
                self.watch(place.site, f"observation/{place.site}/{rules.quantities[0]}", place.kind)

    # -- what is heard -----------------------------------------------------------------------------------------------------

    def alarm(self, site: str, document: dict[str, Any] | None) -> None:
        """`alarm/<site>`: None, it is gone from the board."""
        if document is None:
            self.alarms.pop(site, None)
            return
        place = self._place.get(site)
        kind = place.kind if place is not None else document.get("kind", "")
        cause = str(document.get("cause") or "")
        quantity = document.get("quantity") or cause.rpartition("/")[2]
        if self.rules.lines_of(kind, place) is None or quantity not in self.rules.quantities:
            self.alarms.pop(site, None)
            return
        if site not in self.alarms and len(self.alarms) >= BOUND:
            self.counters["closure_sites_refused"] += 1
            return
        self.alarms[site] = document
        measured = cause if cause.startswith("observation/") else f"observation/{site}/{quantity}"
        self.watch(site, measured, kind)

    def watch(self, site: str, subject: str, kind: str) -> None:
        """From now on readings of `subject` are those of `site`."""
        lines = self.rules.lines_of(kind, self._place.get(site))
        if lines is None or self._subject_of.get(site) == subject:
            return
        if subject not in self.gauges and len(self.gauges) >= BOUND:
            self.counters["closure_sites_refused"] += 1
            return
        self._subject_of[site], self._site_of[subject] = subject, site
        self.gauges.setdefault(subject, Gauge(lines)).judged_by(lines)

    def watches(self, subject: str) -> bool:
        """Gauges of places, and others of these quantities: what one did before its alarm says whether it is believed."""
        if subject in self.gauges:
            return True
        if subject.rpartition("/")[2] not in self.rules.quantities or len(self.gauges) >= FOLLOWED:
            return False
        self.gauges[subject] = Gauge(next(iter(self.rules.lines.values())))
        return True

    def reading(self, subject: str, value: float | None, time: int, now: int) -> None:
        """City ms. One from another day, or older than the last, is counted and left out; an impossible depth is no depth."""
        gauge = self.gauges[subject]
        if abs(now - time) > self.rules.stale_seconds * 1000:
            self.counters["closure_readings_refused"] += 1
        elif time > gauge.time:
            if value is None or not 0 <= value <= self.rules.believable_metres:
                self.counters["closure_readings_refused"] += 1
                gauge.forget(time)
            else:
                gauge.take(value, time, self.rules)

    def crew(self, subject: str, document: dict[str, Any] | None) -> None:
        """`crew/<id>`: which files it is working on."""
        found = frozenset(
            one["subject"] for one in (document or {}).get("assignments", []) if one.get("state", "assigned") != "clear"
        )
        self._crews.pop(subject, None)
        if found:
            self._crews[subject] = found

    def request(self, subject: str, document: dict[str, Any] | None) -> None:
        """`request/<id>`: what stands at a closed place."""
        known = document or {}
        out = known.get("allotted", 0) - known.get("returned", 0) - known.get("lost", 0)
        self._supplies.pop(subject, None)
        if out > 0 and known.get("kind") in self.rules.waits_for and str(known.get("purpose", "")).startswith("closure/"):
            self._supplies[subject] = (known["purpose"].partition("/")[2], known.get("item", ""), out)

    def closure(self, state: Closure) -> None:
        self.closures[state.closure_id] = state
        if state.site and state.gauge:
            self.watch(state.site, state.gauge, state.kind)

    # -- what follows ------------------------------------------------------------------------------------------------------

    def advise(self, now: int) -> list[Advice]:
        """Everything that is to be said at `now`; said again until the closures show that it was heard."""
        found = [advice for site, alarm in self.alarms.items() if (advice := self._to_close(site, alarm, now)) is not None]
        for state in self.closures.values():
            advice = self._about(state, now)
            if advice is not None:
                found.append(Advice(state.closure_id, advice[0], state.revision, advice[1]))
        return found

    def waiting(self, state: Closure, now: int) -> list[dict[str, Any]]:
        """Why the hall does not propose to reopen yet, `[{code, values}]`; empty: nothing is in the way."""
        gauge = self._gauge(state.site)
        if gauge is None or now - gauge.time > self.rules.stale_seconds * 1000:
            return [{"code": "no-reading", "values": {}}]
        if self._doubtful(state.site):
            return [{"code": "doubtful", "values": {}}]
        since = gauge.below_since(self.rules)
        if since is None:
            return [{"code": "level", "values": {"value": gauge.value, "line": gauge.lines.reopen}}]
        if not state.alarm and gauge.wet < state.proposed.get("at", 0):
            return [{"code": "never-wet", "values": {"value": gauge.value}}]  # what people saw the gauge did not: they decide
        found = []
        since = max(since, state.ordered.get("at", 0))
        if now - since < self.rules.reopen_minutes * MINUTE or gauge.time < since:
            found.append({"code": "time", "values": {"since": since, "minutes": self.rules.reopen_minutes}})
        if crews := self.crews_of(state):
            found.append({"code": "crews", "values": {"crews": crews}})
        out = [(item, count) for closure, item, count in self._supplies.values() if closure == state.closure_id]
        found += [{"code": "supplies", "values": {"item": item, "count": count}} for item, count in sorted(out)]
        return found

    def crews_of(self, state: Closure) -> list[str]:
        """Crews on the closure's case, by id."""
        return sorted(name.partition("/")[2] for name, files in self._crews.items() if state.case and state.case in files)

    def _gauge(self, site: str) -> Gauge | None:
        return self.gauges.get(self._subject_of.get(site, ""))

    def _doubtful(self, site: str) -> bool:
        alarm = self.alarms.get(site, {})
        return bool(alarm.get("doubtful") or alarm.get("out_of_service"))

    def _holds(self, site: str, alarm: dict[str, Any], now: int) -> Gauge | None:
        """The gauge, when its alarm and its readings agree that water stands at the line."""
        gauge = self._gauge(site)
        standing = alarm.get("active", True) and not self._doubtful(site) and not alarm.get("hidden_by")
        if not standing or gauge is None or abs(now - gauge.time) > self.rules.stale_seconds * 1000:
            return None
        told = any(code in self.rules.advice for code in alarm.get("advice") or ())
        return gauge if gauge.above(gauge.lines.care if told else gauge.lines.close, self.rules) else None

    def _to_close(self, site: str, alarm: dict[str, Any], now: int) -> Advice | None:
        gauge = self._holds(site, alarm, now)
        if gauge is None:
            return None
        place = self._place.get(site)
        drill = alarm.get("exercise") and not self.rules.exercise
        closure_id = (place.id if place is not None else site) + (DRILL if drill else "")
        state = self.closures.get(closure_id)
        if state is not None and (state.state not in OVER or not self._again(state, gauge, alarm, now)):
            return None
        data = self._facts(alarm, gauge, place) | self._named(site, alarm, place)
        return Advice(closure_id, "propose", state.revision if state is not None else 0, data)

    def _again(self, state: Closure, gauge: Gauge, alarm: dict[str, Any], now: int) -> bool:
        """Whether to ask once more after a no, a lapse or a reopening: another alarm, much later, or much deeper."""
        last = state.reopened or state.over
        depth = state.depth if state.depth is not None else gauge.lines.close
        new = bool(alarm.get("alarm_id")) and alarm["alarm_id"] != state.alarm_id
        late = now - last.get("at", 0) >= self.rules.again_minutes * MINUTE
        return new or late or gauge.value >= depth + self.rules.again_metres

    def _facts(self, alarm: dict[str, Any], gauge: Gauge, place: Place | None) -> dict[str, Any]:
        lines = gauge.lines
        must = gauge.above(lines.must, self.rules)
        deep = gauge.above(lines.close, self.rules)
        line = lines.must if must else lines.close if deep else lines.care
        why = [{"code": "past-must" if must else "depth" if deep else "advice", "values": {"value": gauge.value, "line": line}}]
        doubt = self._doubts(alarm, gauge)
        found = {
            "depth": gauge.value,
            "urgent": must and not doubt,
            "doubt": doubt,
            "why": why,
            "alarm_id": str(alarm.get("alarm_id", "")),
        }
        if gauge.jumped is not None:
            why.append({"code": "jump", "values": {"rise": round(gauge.jumped[1], 3), "at": gauge.jumped[0]}})
        forecast = alarm.get("forecast")
        if isinstance(forecast, dict) and forecast.get("at"):
            why.append({"code": "forecast", "values": {key: forecast[key] for key in ("at", "value") if key in forecast}})
        return {key: value for key, value in found.items() if value not in ("", False, [])}

    def _named(self, site: str, alarm: dict[str, Any], place: Place | None) -> dict[str, Any]:
        found: dict[str, Any] = {"alarm": f"alarm/{site}", "gauge": self._subject_of[site]}
        if place is None:
            found |= {"name": alarm.get("name") or alarm.get("label") or site, "kind": alarm["kind"], "site": site}
            if alarm.get("lon") is not None and alarm.get("lat") is not None:
                found["place"] = {"lon": alarm["lon"], "lat": alarm["lat"]}
        else:
            found |= plain(self.rules, place)
        found |= {key: alarm[key] for key in ("case", "district") if alarm.get(key) and not found.get(key)}
        return found | ({"exercise": True} if alarm.get("exercise") else {})

    def _about(self, state: Closure, now: int) -> tuple[str, dict[str, Any]] | None:
        """What the hall has to say about a closure that is under way or over: move and data."""
        gauge, rules = self._gauge(state.site), self.rules
        if state.state in OVER:
            standing = state.on_site.get("role") == "crew" and not state.cleared  # its phone still asks for the barriers
            keep = max(rules.keep_minutes * MINUTE, BARRIERS_MS if standing else 0)
            return ("retire", {}) if not state.ended and now - state.since >= keep else None
        alarm = self.alarms.get(state.site, {})
        if alarm.get("case") and not state.case and bool(alarm.get("exercise")) == state.exercise:
            return "link", {"case": alarm["case"]}
        if gauge is None or self._doubtful(state.site) or abs(now - gauge.time) > rules.stale_seconds * 1000:
            return None
        told = {"value": gauge.value, "line": gauge.lines.must}
        if state.state == "proposed":
            if state.doubt and (why := self._trust(state, alarm, gauge)):
                return "trust", {"why": why}
            if not (state.doubt or state.trusted or state.verified) and (doubt := self._doubts(alarm, gauge)):
                return "doubt", {"doubt": doubt}
            if not state.urgent and not state.doubt and gauge.above(gauge.lines.must, rules):
                return "worsen", {"depth": gauge.value, "urgent": True, "why": [{"code": "past-must", "values": told}]}
            gone = gauge.below_since(rules)
            if (
                gone is not None
                and state.proposed.get("role") == "system"
                and gauge.time - gone >= rules.reopen_minutes * MINUTE
            ):
                return "lapse", {"why": [{"code": "water-gone", "values": {"value": gauge.value, "since": gone}}]}
            return None
        if state.state == "reopening_proposed":
            if not gauge.above(gauge.lines.close, rules):
                return None
            return "keep_closed", {"why": [{"code": "rose-again", "values": told | {"line": gauge.lines.close}}]}
        if now - state.kept.get("at", 0) < rules.again_minutes * MINUTE or self.waiting(state, now):
            return None
        values = {"value": gauge.value, "line": gauge.lines.reopen, "since": gauge.below_since(rules)}
        return "propose_reopening", {"depth": gauge.value, "why": [{"code": "water-down", "values": values}]}

"""The same input gives the same edges: however it is batched, however often the clock ticks, over a restart anywhere."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.alarming import Engine
from dispatch.alarming.inputs import Heard, Position, Posture, Reading, SensorGone, SensorSeen, Supplied, Tick
from hall.core.model import Sensor, Threshold
from tests.dispatch.alarming.told import MINUTE, rules

BOOK = rules(
    {
        "rules": [
            {"name": "sensor-silent", "minutes": 4, "where": {}},
            {"name": "ponding-forecast", "readings": 3, "window_seconds": 600, "horizon_seconds": 3600},
            {"name": "depth-unmoved", "minutes": 3, "readings": 3},
            {"name": "station-silent", "count": 2},
            {
                "name": "wet",
                "kind": "n_of_m",
                "of": ["road-care", "underpass-care"],
                "count": 2,
                "per": "district",
                "severity": 3,
            },
            {"name": "away", "kind": "geofence", "severity": 1, "centre": [10.0, 10.0], "metres": 500.0},
            {"name": "late-word", "kind": "missing_report", "severity": 1, "subject": "feed/x", "minutes": 3},
            {"name": "road-care", "at_level": {"II": {"value": 10}}},
            {"name": "road-slow", "seconds_on": 90, "readings_on": 1, "seconds_off": 200, "readings_off": 1},
        ],
        "calming": {"minutes": 6, "quiet_minutes": 3, "times": 2},
        # b lies between a and c, who do not reach one another: groups go into one another
        "gathering": {"metres": 1500.0, "minutes": 60.0, "span_metres": 6000.0},
        "families": {
            name: {"metres": 1500.0, "minutes": 60.0, "span_metres": 6000.0} for name in ("ponding", "rain", "silence")
        },
    },
    defaults=True,
)
SENSORS = ("a", "b", "c")


def _sensor(name, kind, lines):
    found = [Threshold(value=0.1 * n, severity=n) for n in range(1, lines + 1)]
    return Sensor(
        feed="g", sensor_id=name, kind=kind, station="s", district="N", lon=10.0 + ord(name) / 1e2, lat=10.0, thresholds=found
    )


VALUES = st.sampled_from([0.0, 0.0, 0.06, 0.1, 0.12, 0.16, 0.16, 0.2, 0.2, 0.26, 0.3, 0.45, 4.0, 12.0, -3.0])
NAMES = st.sampled_from(SENSORS)
ITEMS = st.one_of(
    st.builds(lambda n, v, q: Reading(feed="g", sensor=n, quantity=q, value=v), NAMES, VALUES, st.sampled_from(["water_depth"] * 3 + ["rain_10min"])),
    st.builds(lambda n, v: Reading(feed="g", sensor=n, quantity="water_depth", value=v), NAMES, VALUES),
    st.builds(lambda n, k, c: SensorSeen(sensor=_sensor(n, k, c)), NAMES, st.sampled_from(["road", "underpass", ""]), st.integers(0, 2)),
    st.builds(lambda n: SensorGone(feed="g", sensor=n), NAMES),
    st.builds(lambda level: Posture(level=level), st.sampled_from(["", "II"])),
    st.builds(lambda d: Position(feed="c", unit="u", lon=10.0 + d, lat=10.0), st.sampled_from([0.0, 0.1])),
    st.builds(lambda: Heard(subject="feed/x")),
    st.builds(lambda a: Supplied(site="t/1", active=a, severity=3), st.booleans()),
    st.builds(
        lambda n, d, a, s, text, lasts: Supplied(
            site="", id=f"g/{n}", feed="g", device=d, active=a, severity=s, rule="supplied/pump", text=text, lasts_seconds=lasts,
        ),
        st.integers(0, 3), NAMES, st.booleans(), st.integers(0, 4), st.sampled_from(["", "x 1", "x 2"]),
        st.sampled_from([None, None, 90.0]),
    ),
)  # fmt: skip


#: water that rises or falls evenly: what rates and forecasts see
RAMPS = st.builds(
    lambda n, first, step: [
        Reading(feed="g", sensor=n, quantity="water_depth", value=round(first + step * k, 3)) for k in range(9)
    ],
    NAMES, st.sampled_from([0.02, 0.06, 0.3]), st.sampled_from([0.01, 0.02, 0.03, -0.03]),
)  # fmt: skip


@st.composite
def histories(draw):
    """Inputs with the moments they were heard at; some were measured a little earlier, or say that they were a day ago."""
    found, at = [], 10_000 * MINUTE
    drawn = draw(st.lists(st.one_of(ITEMS.map(lambda one: [one]), RAMPS), min_size=6, max_size=50))
    for item in [one for part in drawn for one in part]:
        at += draw(st.sampled_from([0, 1_000, MINUTE, MINUTE, MINUTE, 2 * MINUTE, 6 * MINUTE]))
        item.at = at
        item.time = at - draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1_000, 90_000, 24 * 60 * MINUTE, -24 * 60 * MINUTE]))
        found.append(item)
    return found


END = 40 * MINUTE


def _edges(history, after=()):
    engine = Engine(BOOK)
    found = [edge for item in history for edge in engine.take([item])]
    return found + engine.advance(history[-1].at + END)


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_batches_and_ticks_change_nothing(history, data):
    expected, engine, found, rest = _edges(history), Engine(BOOK), [], list(history)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        batch, rest = rest[:size], rest[size:]
        found += engine.take(batch)
        if rest and data.draw(st.booleans()):
            between = data.draw(st.integers(batch[-1].at, rest[0].at))
            found += engine.advance(between) if data.draw(st.booleans()) else engine.take([Tick(at=between)])
    assert found + engine.advance(history[-1].at + END) == expected


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_a_restart_anywhere_changes_nothing(history, data):
    engine, found = Engine(BOOK), []
    for item in history:
        found += engine.take([item])
        if data.draw(st.booleans()):
            kept = engine.state()
            engine = Engine(BOOK)
            engine.restore(kept)
            assert engine.settle() == []
    assert found + engine.advance(history[-1].at + END) == _edges(history)


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_a_state_that_is_encoded_while_the_engine_goes_on_is_that_of_its_moment(history, data):
    engine, twin = Engine(BOOK), Engine(BOOK)
    at = data.draw(st.integers(0, len(history) - 1))
    engine.take(history[:at])
    twin.take(history[:at])
    expected, snapshot, done = twin.state(), engine.snapshot(), False
    for item in history[at:]:
        done = done or snapshot.work(data.draw(st.integers(0, 2)))
        engine.take([item])
    engine.advance(history[-1].at + END)
    assert done or snapshot.work(1_000_000)
    assert snapshot.state == expected


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_what_is_told_again_or_too_late_changes_nothing(history, data):
    """Suppliers and the bus repeat measurements and positions; documents and postures come in order by the board's own rule."""
    measured = (Reading, Position, Heard)
    again = []
    for n, item in enumerate(history):
        again.append(item)
        if data.draw(st.booleans()):
            earlier = data.draw(st.sampled_from(history[: n + 1]))
            if isinstance(earlier, measured) and not _gone_since(earlier, history[: n + 1]) and earlier.time <= item.at:
                again.append(_told_at(earlier, item.at))
    assert _edges(again) == _edges(history)


def _gone_since(reading, history):
    place = next(n for n, item in enumerate(history) if item is reading)
    return any(isinstance(item, SensorGone) for item in history[place:])


def _told_at(item, at):
    import msgspec

    return msgspec.structs.replace(item, at=at)


@settings(max_examples=40, deadline=None)
@given(histories())
def test_raise_change_and_return_alternate_and_every_edge_has_an_id_of_its_own(history):
    active, ids = set(), set()
    for edge in _edges(history):
        assert edge.id not in ids
        ids.add(edge.id)
        assert (edge.site in active) == (edge.move != "raise")
        (active.discard if edge.move == "return" else active.add)(edge.site)
        assert edge.time <= history[-1].at + END

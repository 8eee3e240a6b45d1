"""The MQTT client against a real Mosquitto: what is not acknowledged comes again, what is acknowledged does not."""

import asyncio
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from feeds.transports.mqtt import TRANSPORT, Backlog, run
from hall.core.errors import ConfigError
from tests.feeds.transports.broker import MOSQUITTO, Broker
from tests.tasks import ended


@pytest.fixture
async def broker(tmp_path):
    if not shutil.which(MOSQUITTO):
        pytest.skip("Mosquitto is not installed")
    found = Broker(tmp_path)
    await found.start()
    yield found
    found.stop()


def _bodies(feed):
    return [body.decode() for body, _ in feed.bodies]


@pytest.mark.parametrize("protocol", [4, 5])
async def test_what_was_sent_while_the_hall_was_away_arrives_when_it_is_back(broker, rim, running, protocol):
    feed = rim(f"mqtt://127.0.0.1:{broker.port}", options={"topics": ["gauges/#"], "protocol": protocol})
    task = running(TRANSPORT, feed)
    await feed.until(lambda: feed.connections)
    await broker.publish("1", "2")
    await feed.until(lambda: len(feed.bodies) == 2 and feed.flushes)
    await ended(task)
    await broker.publish("3", "4")
    again = rim(f"mqtt://127.0.0.1:{broker.port}", options={"topics": ["gauges/#"], "protocol": protocol})
    running(TRANSPORT, again)
    await again.until(lambda: len(again.bodies) >= 2)
    assert _bodies(feed) == ["1", "2"] and _bodies(again) == ["3", "4"]


async def test_what_was_not_on_the_bus_when_the_hall_died_is_sent_again(broker, rim, running):
    feed = rim(f"mqtt://127.0.0.1:{broker.port}", options={"topics": ["gauges/#"]})
    feed.hold = asyncio.Event()  # the bus never takes it
    task = running(TRANSPORT, feed)
    await feed.until(lambda: feed.connections)
    await broker.publish("a", "b", "c")
    await feed.until(lambda: feed.bodies)
    await ended(task)
    assert feed.flushes == 0
    again = rim(f"mqtt://127.0.0.1:{broker.port}", options={"topics": ["gauges/#"]})
    running(TRANSPORT, again)
    await again.until(lambda: len(again.bodies) >= 3)
    assert _bodies(again) == ["a", "b", "c"]


async def test_a_broker_killed_and_started_again_is_found_again(broker, rim, running):
    feed = rim(f"mqtt://127.0.0.1:{broker.port}", options={"topics": ["gauges/#"]})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.connections)
    await broker.publish("before")
    await feed.until(lambda: feed.bodies)
    broker.stop(kill=True)
    await feed.until(lambda: feed.losses)
    await broker.start()
    await feed.until(lambda: feed.connections == 2)
    await broker.publish("after")
    await feed.until(lambda: "after" in _bodies(feed))


async def test_a_burst_larger_than_the_window_arrives_whole_and_in_order(broker, rim, running):
    feed = rim(f"mqtt://127.0.0.1:{broker.port}", options={"topics": ["gauges/#"]})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.connections)
    wanted = [str(n) for n in range(500)]
    await broker.publish(*wanted)
    await feed.until(lambda: len(feed.bodies) >= 500)
    assert _bodies(feed) == wanted


async def test_rows_carry_their_topic_where_it_is_asked_for(broker, rim, running):
    options = {"topics": ["gauges/+", "pumps/+"], "topic_field": "topic"}
    feed = rim(f"mqtt://127.0.0.1:{broker.port}", options=options)
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.connections)
    await broker.publish('{"depth": 0.2}', topic="gauges/7")
    await broker.publish("[1, 2]", topic="pumps/3")
    await broker.publish("{broken", topic="pumps/4")
    await feed.until(lambda: len(feed.taken_rows) == 3 and feed.parked)
    assert feed.taken_rows == [
        {"topic": "gauges/7", "depth": 0.2},
        {"topic": "pumps/3", "value": 1},
        {"topic": "pumps/3", "value": 2},
    ]
    raw, reason, detail = feed.parked[0]
    assert (raw, reason) == (b"{broken", "json-malformed") and "pumps/4" in detail


async def test_missing_topics_are_a_configuration_error(rim):
    feed = rim("mqtt://127.0.0.1:1")
    with pytest.raises(ConfigError, match="topics"):
        await run(feed.feed, feed)


async def test_a_wrong_password_is_told(tmp_path, rim, running, monkeypatch):
    passwords = tmp_path / "passwords"
    subprocess.run([shutil.which("mosquitto_passwd") or "mosquitto_passwd", "-b", "-c", passwords, "hall", "right"], check=True)
    found = Broker(tmp_path)
    found.file.write_text(
        found.file.read_text().replace("allow_anonymous true", f"allow_anonymous false\npassword_file {passwords}")
    )
    await found.start()
    try:
        monkeypatch.setenv("BROKER_PASSWORD", "wrong")
        feed = rim(f"mqtt://hall:$BROKER_PASSWORD@127.0.0.1:{found.port}", options={"topics": ["a"]})
        running(TRANSPORT, feed)
        await feed.until(lambda: feed.losses)
        assert "uthor" in feed.losses[0] and "wrong" not in feed.losses[0]
        monkeypatch.setenv("BROKER_PASSWORD", "right")
        await feed.until(lambda: feed.connections)
    finally:
        found.stop()


def test_messages_that_wait_are_bounded_in_number_and_bytes_and_what_is_dropped_is_counted(monkeypatch):
    monkeypatch.setattr("feeds.transports.mqtt.BACKLOG", 5)
    monkeypatch.setattr("feeds.transports.mqtt.BACKLOG_BYTES", 100)
    backlog = Backlog()
    for size in (60, 30, 30, 10):
        backlog.put_nowait(SimpleNamespace(qos=0, payload=b"x" * size))
    backlog.put_nowait(SimpleNamespace(qos=1, payload=b"x" * 500))
    assert (backlog.qsize(), backlog.dropped) == (4, 1)
    assert [len(backlog.get_nowait().payload) for _ in range(4)] == [60, 30, 10, 500]
    for _ in range(7):
        backlog.put_nowait(SimpleNamespace(qos=0, payload=b"x"))
    assert (backlog.qsize(), backlog.dropped) == (5, 3)

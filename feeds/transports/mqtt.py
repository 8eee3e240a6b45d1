"""`mqtt://HOST[:PORT]` and `mqtts://`: a broker of the supplier, QoS 1, persistent session, one connection per run.

A message is acknowledged only once what it gave is on the bus, so the broker keeps and repeats whatever a crash
interrupts. Options: `topics` (required; wildcards allowed), `qos` (1), `protocol` (4 = MQTT 3.1.1, or 5), `client_id` (made
once and remembered), `topic_field` (JSON field in which each row carries its topic), `ca`, `certificate`, `key` (PEM
files), `keepalive_seconds`. User and password stand in the url, as `$NAME` from the environment.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from feeds.source import Rim, Transport
from feeds.supplier import Options, expanded, read_options
from hall.core.config import FeedConfig
from hall.core.errors import HallError

if TYPE_CHECKING:
    import aiomqtt

#: messages taken in before one flush and their acknowledgements
BATCH = 200
#: QoS 0 messages may come faster than they are taken in; beyond this many the newest are dropped and counted
BACKLOG, BACKLOG_BYTES = 10_000, 64 * 1024 * 1024
SESSION_SECONDS = 7 * 86400


class MqttOptions(Options, kw_only=True):
    topics: list[str]
    qos: Literal[0, 1] = 1
    protocol: Literal[4, 5] = 4
    client_id: str = ""
    topic_field: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    keepalive_seconds: int = 30


class SubscriptionRefused(HallError):
    """The broker does not let us read a topic."""


class Backlog(asyncio.Queue):
    """The client's queue. QoS 1 is bounded by the broker's window of unacknowledged messages; QoS 0 here, in number and
    bytes, with a count."""

    dropped = 0
    size = 0  # bytes that wait

    def put_nowait(self, item: aiomqtt.Message) -> None:
        if item.qos == 0 and (self.qsize() >= BACKLOG or self.size + len(item.payload) > BACKLOG_BYTES):
            self.dropped += 1
        else:
            super().put_nowait(item)
            self.size += len(item.payload)

    def _get(self) -> aiomqtt.Message:
        item = super()._get()
        self.size -= len(item.payload)
        return item


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Reads one connection until it is lost; raises MqttError, SubscriptionRefused, OSError or ConfigError."""
    options = read_options(MqttOptions, rim)
    queues: list[Backlog] = []

    def queue(maxsize: int) -> Backlog:
        queues.append(Backlog(maxsize))
        return queues[-1]

    async with _client(feed, options, rim, await _client_id(feed, options, rim), queue) as client:
        # aiomqtt acknowledges on arrival; paho underneath can leave that to us, which is what makes nothing get lost
        client._client.manual_ack_set(True)
        for topic in options.topics:
            codes = await client.subscribe(topic, qos=options.qos)
            if any(getattr(code, "value", code) >= 0x80 for code in codes):
                raise SubscriptionRefused(f"the broker refuses topic {topic!r}")
        if asyncio.current_task().cancelling():
            raise asyncio.CancelledError  # aiomqtt waits with wait_for, which before Python 3.12 can swallow this
        rim.connected()
        await _read(client, queues[0], options, rim)


async def _client_id(feed: FeedConfig, options: MqttOptions, rim: Rim) -> str:
    """The same on every start, another in every hall: a broker drops the elder of two clients of one id."""
    if options.client_id:
        return options.client_id
    await rim.bus.set(f"hall-{feed.name[:40]}-{rim.random.getrandbits(40):010x}", "mqtt-client", feed.name, only_new=True)
    return (await rim.bus.get("mqtt-client", feed.name) or b"").decode()


def _client(
    feed: FeedConfig, options: MqttOptions, rim: Rim, identifier: str, queue: Callable[[int], Backlog]
) -> aiomqtt.Client:
    import aiomqtt  # brings a DNS library and more, which only those need that read MQTT
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    url = urlsplit(expanded(feed.url, rim, "url"))
    secure = url.scheme == "mqtts"
    if not url.hostname:
        raise rim.wrong("url", "name the broker: mqtt://host:1883")
    properties, five = None, options.protocol == 5
    if five:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_SECONDS
        properties.ReceiveMaximum = BATCH
    return aiomqtt.Client(
        url.hostname,
        url.port or (8883 if secure else 1883),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        identifier=identifier,
        queue_type=queue,
        protocol=aiomqtt.ProtocolVersion(options.protocol),
        clean_session=None if five else False,
        **({"clean_start": False} if five else {}),
        properties=properties,
        keepalive=options.keepalive_seconds,
        tls_context=_tls(options, rim) if secure else None,
    )


def _tls(options: MqttOptions, rim: Rim) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=rim.config.path(options.ca) if options.ca else None)
        if options.certificate:
            key = rim.config.path(options.key) if options.key else None
            context.load_cert_chain(rim.config.path(options.certificate), key)
        return context
    except OSError as error:
        raise rim.wrong("options.ca", str(error)) from None


async def _read(client: aiomqtt.Client, backlog: Backlog, options: MqttOptions, rim: Rim) -> None:
    async for first in client.messages:
        batch = [first]
        while len(batch) < BATCH and not backlog.empty():
            batch.append(backlog.get_nowait())
        for message in batch:
            await _take(message, options, rim)
        await rim.durable()
        for message in batch:
            client._client.ack(message.mid, message.qos)
        if backlog.dropped:
            rim.note(f"{backlog.dropped} QoS 0 messages came too fast and were dropped")


async def _take(message: aiomqtt.Message, options: MqttOptions, rim: Rim) -> None:
    if not options.topic_field:
        await rim.bytes(message.payload)
        return
    try:
        data = msgspec.json.decode(message.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        await rim.park(message.payload, "json-malformed", f"{message.topic}: {error}")
        return
    topic = {options.topic_field: str(message.topic)}
    items: list[Any] = data if isinstance(data, list) else [data]
    await rim.rows([topic | (item if isinstance(item, dict) else {"value": item}) for item in items])


TRANSPORT = Transport("mqtt", ("mqtt", "mqtts"), run, options=MqttOptions.__struct_fields__)

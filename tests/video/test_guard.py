"""A channel's address leads to cameras, never to the hall's own services, however it is written."""

import asyncio
import socket

import pytest

from hall.core.config import parse
from hall.core.errors import ConfigError
from tests.video.relay.stage import CONFIG, settings
from video import guard
from video.media import SourceFailed


def made(folder, video="", redis="redis://10.9.9.9:6400/0", port=18050):
    return guard.of(parse(f"{CONFIG}[video]\n{video}\n"), settings(folder, redis, "p", port))


def resolves(monkeypatch, names):
    """Names lead to these addresses; anything else is asked of nobody."""

    def look_up(host, port, **_):
        if host not in names:
            raise socket.gaierror(-2, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in names[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


REFUSED = [
    "127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.1.1", "fe80::1", "224.0.0.1",
    "239.1.1.1", "ff02::1", "255.255.255.255", "240.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "fec0::1", "[::1]", "fe80::1%eth0",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
async def test_addresses_that_are_no_cameras_are_refused_for_good(tmp_path, address):
    with pytest.raises(SourceFailed) as failure:
        await made(tmp_path).addresses(address, 554)
    assert failure.value.reason == "refused-address" and failure.value.lasting


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "172.20.0.9", "192.168.1.64", "100.64.0.1", "fd00::5", "8.8.8.8", "::ffff:10.0.0.1"]
)
async def test_private_and_public_cameras_are_reached(tmp_path, address):
    assert len(await made(tmp_path).addresses(address, 554)) == 1


@pytest.mark.parametrize("written", ["2130706433", "0x7f000001", "127.1", "017700000001", "localhost"])
async def test_other_spellings_of_this_machine_are_refused(tmp_path, written):
    with pytest.raises(SourceFailed) as failure:
        await made(tmp_path).addresses(written, 554)
    assert failure.value.reason in ("refused-address", "unreachable")


async def test_one_bad_address_of_a_name_refuses_the_name(tmp_path, monkeypatch):
    resolves(monkeypatch, {"cam.example": ["10.0.0.5"], "mixed.example": ["10.0.0.5", "127.0.0.1"]})
    assert await made(tmp_path).addresses("cam.example", 554) == ["10.0.0.5"]
    with pytest.raises(SourceFailed, match="refused-address"):
        await made(tmp_path).addresses("mixed.example", 554)
    with pytest.raises(SourceFailed, match="unreachable"):
        await made(tmp_path).addresses("nowhere.example", 554)


async def test_bus_and_database_on_other_machines_are_refused_by_address_and_name(tmp_path, monkeypatch):
    resolves(monkeypatch, {"bus.example": ["10.7.7.7"], "alias.example": ["10.7.7.7"]})
    watch = made(tmp_path, redis="redis://bus.example:6400/0")
    for host in ("10.7.7.7", "bus.example", "alias.example", "::ffff:10.7.7.7", "64:ff9b::a07:707"):
        with pytest.raises(SourceFailed, match="service of the hall"):
            await watch.addresses(host, 6400)
    assert await watch.addresses("10.7.7.7", 554) == ["10.7.7.7"], "a camera may be a neighbour of the bus"


async def test_with_loopback_allowed_the_halls_own_ports_stay_closed(tmp_path):
    watch = made(tmp_path, "allow_loopback = true", port=18050)
    assert await watch.addresses("127.0.0.1", 8554) == ["127.0.0.1"]
    for port in (18050, 18051, 18052):
        with pytest.raises(SourceFailed, match="service of the hall"):
            await watch.addresses("127.0.0.1", port)


async def test_networks_that_the_city_names(tmp_path):
    watch = made(tmp_path, 'allow = ["10.20.0.0/16", "fd00::/8"]\ndeny = ["10.20.99.0/24"]')
    assert await watch.addresses("10.20.1.1", 554) and await watch.addresses("fd00::1", 554)
    for address in ("10.21.0.1", "10.20.99.7", "192.168.1.1", "::ffff:10.20.99.7"):
        with pytest.raises(SourceFailed, match="refused-address"):
            await watch.addresses(address, 554)


def test_a_network_that_is_none_is_named_by_line(tmp_path):
    with pytest.raises(ConfigError) as error:
        made(tmp_path, 'deny = [\n"10.0.0.0/8",\n"10.1.2.3/8"]')
    assert "hall.toml:6: video.deny[1]" in str(error.value)


async def test_it_connects_to_the_address_it_checked(tmp_path, monkeypatch):
    """A name that means a camera when looked at and this machine when used again gets no second look."""
    asked = []

    def look_up(host, port, **_):
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await made(tmp_path, "allow_loopback = true").connect(asyncio.Protocol, "cam.example", port)
    assert transport.get_extra_info("peername")[0] == "127.0.0.1" and asked == ["cam.example"]
    transport.close()
    server.close()


async def test_a_camera_that_does_not_answer_costs_a_bounded_time(tmp_path):
    with socket.socket() as full:  # its queue of connections is full: the next one is not answered
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        with pytest.raises(SourceFailed, match="unreachable"):
            async with asyncio.timeout(5):
                await made(tmp_path, "allow_loopback = true").connect(asyncio.Protocol, "127.0.0.1", port, timeout=0.3)
        for one in waiting:
            one.close()

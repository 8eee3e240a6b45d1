"""Where a channel's address may lead: to cameras, never to the hall's own services (server-side request forgery).

Every source asks here before each connection, at each redirect and for each address inside a playlist, and connects to the
address it was given: a name is resolved once, so that it cannot mean one machine when looked at and another when used.
Refused always: loopback, link-local (with the clouds' metadata), multicast, unspecified, reserved, this machine's own
addresses, and machine and port of the bus, the database, web, gate, video and relay. Private networks are where cameras live:
they are allowed.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from hall.core.config import HallConfig
from hall.core.settings import Settings
from video.media import SourceFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CONNECT_SECONDS = 3.0
_ADDRESSES = 8  # of one name, at most tried
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")


class Guard:
    """Decides for one hall. `services`: host and port of what belongs to it; `own`: ports it listens on, on any address."""

    def __init__(
        self,
        *,
        allow: Iterable[Network] = (),
        deny: Iterable[Network] = (),
        allow_loopback: bool = False,
        own: Iterable[int] = (),
        services: Iterable[tuple[str, int]] = (),
    ) -> None:
        self.allow, self.deny, self.allow_loopback = tuple(allow), tuple(deny), allow_loopback
        self.own = frozenset(port for port in own if port)
        self.services = tuple(services)
        self._threads = ThreadPoolExecutor(16, "resolve")  # a name server that hangs holds up only those who wait for it

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses `host` may be reached at, as text, at least one. Raises SourceFailed `refused-address` (one of them
        may not be reached) or `unreachable` (no such name)."""
        found = await self._resolve(host, port)
        for address in found:
            await self._check(address, port)
        return [str(address) for address in found]

    def check(self, address: str, port: int) -> None:
        """Raises SourceFailed where this address (no name) may not be reached; without the services known by name."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            raise SourceFailed("refused-address", "not an address", lasting=True) from None
        self._judge(found, port)

    async def connect(
        self,
        factory: Callable[[], asyncio.BaseProtocol],
        host: str,
        port: int,
        *,
        timeout: float = CONNECT_SECONDS,
        ssl: Any = None,
    ) -> tuple[asyncio.Transport, Any]:
        """A checked TCP (with `ssl`: TLS) connection; tries each address of the name. Raises SourceFailed."""
        loop, last = asyncio.get_running_loop(), "no answer in time"
        options = {"ssl": ssl, "server_hostname": host} if ssl else {}
        try:
            async with asyncio.timeout(timeout):
                for address in await self.addresses(host, port):
                    try:
                        return await loop.create_connection(factory, address, port, **options)
                    except OSError as error:
                        last = error.strerror or type(error).__name__
        except TimeoutError:
            pass
        raise SourceFailed("unreachable", f"no connection: {last}")

    # -- inside --------------------------------------------------------------------------------------------------

    async def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            return [ipaddress.ip_address(host.strip("[]").partition("%")[0])]
        except ValueError:
            pass
        loop = asyncio.get_running_loop()
        try:
            if not host or len(host) > 253 or not 0 < port < 65536:
                raise OSError("no host or port")
            async with asyncio.timeout(CONNECT_SECONDS):
                rows = await loop.run_in_executor(self._threads, _look_up, host, port)
        except (OSError, UnicodeError, TimeoutError):
            raise SourceFailed("unreachable", "the name of the address is not known") from None
        found = list(dict.fromkeys(ipaddress.ip_address(row[4][0].partition("%")[0]) for row in rows))[:_ADDRESSES]
        if not found:
            raise SourceFailed("unreachable", "the name of the address is not known")
        return found

    async def _check(self, address: Address, port: int) -> None:
        self._judge(address, port)
        for host, used in self.services:
            if used == port and not set(_forms(address)).isdisjoint(await self._of_service(host, port)):
                raise _refused("a service of the hall itself")

    async def _of_service(self, host: str, port: int) -> list[Address]:
        try:
            return [form for address in await self._resolve(host, port) for form in _forms(address)]
        except SourceFailed:
            return []

    def _judge(self, address: Address, port: int) -> None:
        for form in _forms(address):
            if kind := _unfit(form):
                raise _refused(f"an address that is {kind}")
            if form.is_loopback or _is_ours(form):
                if port in self.own:
                    raise _refused("a service of the hall itself")
                if not self.allow_loopback:
                    raise _refused("the hall's own machine")
            if not form.is_loopback:
                self._lists(form)

    def _lists(self, address: Address) -> None:
        if any(address in network for network in self.deny):
            raise _refused("a network that [video] deny names")
        if self.allow and not any(address in network for network in self.allow):
            raise _refused("outside the networks that [video] allow names")


def _look_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _refused(what: str) -> SourceFailed:
    return SourceFailed("refused-address", f"the address leads to {what}", lasting=True)


def _forms(address: Address) -> list[Address]:
    """The address itself, or what it carries inside: IPv4 mapped, translated (NAT64) or tunnelled (6to4, Teredo)."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner: list[Address] = []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour:
        inner.append(address.sixtofour)
    if address.teredo:
        inner.extend(address.teredo)
    if int(address) >> 32 == 0 and int(address) > 1:
        inner.append(ipaddress.IPv4Address(int(address)))  # "IPv4-compatible", long deprecated
    return [address, *inner]


def _unfit(address: Address) -> str:
    """What makes an address no camera's; empty for one that may be."""
    for kind in ("unspecified", "multicast", "link_local"):
        if getattr(address, f"is_{kind}"):
            return kind.replace("_", "-")
    if address.version == 4 and (address.is_reserved or int(address) >> 24 == 0):  # 240/4 with broadcast, 0/8: this machine
        return "reserved"
    return "site-local" if address.version == 6 and address in _SITE_LOCAL else ""


def _is_ours(address: Address) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    if address.is_multicast or address.is_unspecified:
        return False
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL, errno.EACCES, errno.EADDRINUSE)
    return True


def of(config: HallConfig, settings: Settings) -> Guard:
    """The guard of one hall."""
    services = []
    for url, usual in ((settings.redis_url, 6379), (settings.database_url, 5432)):
        try:
            parts = urlsplit(url)
            if parts.hostname:
                services.append((parts.hostname, parts.port or usual))
        except ValueError:
            continue  # who uses it says what is wrong with it
    own = (settings.port, settings.gate_port, settings.pictures_port, settings.video_port, settings.relay_port)
    return Guard(
        allow=map(ipaddress.ip_network, config.video.allow),
        deny=map(ipaddress.ip_network, config.video.deny),
        allow_loopback=config.video.allow_loopback,
        own=(*own, *(port for host, port in services if host in ("127.0.0.1", "localhost", "::1"))),
        services=services,
    )

"""The one UDP port of WebRTC: every viewer comes and goes through it. ICE-lite (RFC 8445, 2.5): the hall has an address
that players reach, so it answers their checks and makes none; which viewer a datagram belongs to its sender's address says.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import socket
import struct
from collections.abc import Sequence
from typing import Any, Protocol

from aioice import stun
from aioice.ice import get_host_addresses

from hall.core.errors import HallError
from video.egress.webrtc_sdp import Candidate

log = logging.getLogger("hall.relay.webrtc")

SEND_BUFFER = 8 * 1024 * 1024  # bytes asked of the kernel; it may give less
RECEIVE_BUFFER = 4 * 1024 * 1024
READS_AT_ONCE = 128  # datagrams per wake-up, so that sending gets its turn
ADDRESSES_PER_PEER = 16  # a player tries several of its own addresses; the oldest is forgotten
_UDP_SEGMENT = 103  # linux/udp.h: one call sends many datagrams of equal length (the last may be shorter)
_NOT_SENT = (
    errno.EAGAIN,
    errno.ENOBUFS,
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EPERM,
    errno.ECONNREFUSED,
)


class Line(Protocol):
    """A viewer's connection, as the port knows it."""

    ufrag: str
    password: bytes

    def reached(self, sock: socket.socket, address: Any, chosen: bool) -> None:
        """A check that proves the password came from there; `chosen`: the player nominates this way."""

    def received(self, data: bytes) -> None:
        """A datagram that is no check."""


class Port:
    """UDP sockets, one per address of this machine, all with the same port number."""

    def __init__(self, hosts: Sequence[str], port: int, announced: Sequence[str] = ()) -> None:
        """Binds at once; raises HallError when nothing can be bound. `announced`: addresses told to players instead."""
        self.sockets: list[socket.socket] = []
        self.lines: dict[str, Line] = {}  # by the hall's ICE user name
        self._by_address: dict[Any, Line] = {}
        self._addresses: dict[str, list[Any]] = {}
        self.segmenting = True
        self.counters = {"datagrams_in": 0, "checks": 0, "strangers": 0, "unsent": 0}
        self.port = port
        for host in hosts:
            self._bind(host)
        if not self.sockets:
            raise HallError(f"UDP port {port} cannot be used on {', '.join(hosts)}")
        own = [sock.getsockname()[0] for sock in self.sockets]
        self.candidates = [Candidate(host, self.port) for host in (announced or own)]

    def _bind(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            with contextlib.suppress(OSError):  # a camera's packets may be longer than some tunnel takes: let the kernel split
                sock.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER = IP_PMTUDISC_DONT
            sock.bind((host, self.port))
        except OSError as error:
            sock.close()
            log.warning("no WebRTC on %s port %s: %s", host, self.port, error.strerror)
            return
        self.port = sock.getsockname()[1]  # port 0: the first socket's choice holds for the others
        self.sockets.append(sock)

    def start(self, loop: Any) -> None:
        for sock in self.sockets:
            loop.add_reader(sock.fileno(), self._readable, sock)

    def close(self, loop: Any) -> None:
        for sock in self.sockets:
            loop.remove_reader(sock.fileno())
            sock.close()
        self.sockets.clear()

    def add(self, line: Line) -> None:
        self.lines[line.ufrag] = line

    def remove(self, line: Line) -> None:
        self.lines.pop(line.ufrag, None)
        for address in self._addresses.pop(line.ufrag, ()):
            if self._by_address.get(address) is line:
                del self._by_address[address]

    def _readable(self, sock: socket.socket) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                data, address = sock.recvfrom(2048)
            except OSError:  # nothing more to read, or a notice about something sent before
                return
            self.counters["datagrams_in"] += 1
            if not data:
                continue
            if data[0] < 4:
                self._check(sock, data, address)
            elif line := self._by_address.get(address):
                line.received(data)
            else:
                self.counters["strangers"] += 1

    def _check(self, sock: socket.socket, data: bytes, address: Any) -> None:
        """Answers a connectivity check whose password is right; says nothing to anybody else."""
        try:
            message = stun.parse_message(data)
            line = self.lines.get(str(message.attributes.get("USERNAME", "")).partition(":")[0])
            if message.message_method != stun.Method.BINDING or message.message_class != stun.Class.REQUEST:
                return
            if line is None or not message.check_message_integrity(line.password):
                self.counters["strangers"] += 1
                return
        except (ValueError, KeyError, struct.error, IndexError, TypeError):
            self.counters["strangers"] += 1
            return
        self.counters["checks"] += 1
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = address[:2]
        answer.add_message_integrity(line.password)
        self.send(sock, bytes(answer), address)
        self._learn(line, address)
        line.reached(sock, address, "USE-CANDIDATE" in message.attributes)

    def _learn(self, line: Line, address: Any) -> None:
        if self._by_address.get(address) is line:
            return
        self._by_address[address] = line
        known = self._addresses.setdefault(line.ufrag, [])
        known.append(address)
        if len(known) > ADDRESSES_PER_PEER:
            oldest = known.pop(0)
            if self._by_address.get(oldest) is line:
                del self._by_address[oldest]

    def send(self, sock: socket.socket, data: Any, address: Any) -> bool:
        """One datagram; False when the kernel had no room or no way for it."""
        try:
            sock.sendto(data, address)
        except OSError as error:
            self._unsent(error)
            return False
        return True

    def send_many(self, sock: socket.socket, data: memoryview, segment: int, address: Any) -> bool:
        """Datagrams of `segment` bytes each (the last may be shorter), in one call where the kernel does that."""
        if len(data) <= segment:
            return self.send(sock, data, address)
        if self.segmenting:
            try:
                sock.sendmsg([data], [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", segment))], 0, address)
                return True
            except OSError as error:
                if error.errno in _NOT_SENT:
                    self._unsent(error)
                    return False
                # longer than this way's largest packet, or a kernel without it: one by one
                self.segmenting = error.errno in (errno.EMSGSIZE, errno.EINVAL) and self.segmenting
        return all([self.send(sock, data[at : at + segment], address) for at in range(0, len(data), segment)])

    def _unsent(self, error: OSError) -> None:
        self.counters["unsent"] += 1
        if error.errno not in _NOT_SENT:
            log.debug("a datagram was not sent: %s", error)


def hosts_of(listen: str) -> list[str]:
    """Addresses to bind for HALL_HOST: loopback alone for a hall on loopback; for all addresses each by its own name, so
    that an answer leaves from where its question came to."""
    if listen in ("", "0.0.0.0", "::"):
        found = get_host_addresses(use_ipv4=True, use_ipv6=listen == "::")
        return [*found, "127.0.0.1"]
    try:
        address = ipaddress.ip_address("127.0.0.1" if listen == "localhost" else listen)
    except ValueError:
        raise HallError(f"{listen}: WebRTC needs an address to listen on, not a name; set HALL_HOST") from None
    return [str(address)] if address.is_loopback else [str(address), "127.0.0.1"]

"""RTSP on the wire (RFC 2326): answers, requests and interleaved packets out of a byte stream. No I/O, every buffer bounded."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from video.media import SourceFailed

LONGEST_HEAD = 16_384
LONGEST_BODY = 65_536
MOST_SKIPPED = 131_072  # bytes that are nothing, between two things that are something
_DOLLAR = 0x24
#: a packet with RTP or RTCP in it, or an answer; one pass over the bytes, however many dollar signs are among them
_LIKELY = re.compile(rb"\$[\x00-\x1f]..[\x80-\xbf]|RTSP/1\.", re.S)
_NAMES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_/abcdefghijklmnopqrstuvwxyz"


class Message(msgspec.Struct):
    """An answer (`status` > 0) or a request of the other side (`method`). Header names in lower case; one of several
    headers of a name is in `headers`, all are in `lines`."""

    status: int = 0
    method: str = ""
    headers: dict[str, str] = {}
    lines: list[tuple[str, str]] = []
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [value for key, value in self.lines if key == name]

    @property
    def cseq(self) -> int:
        """The request it belongs to; -1 where it does not say."""
        text = self.headers.get("cseq", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _nothing(data: bytes, at: int, end: int) -> int:
    """No packets that are alike."""
    return at


class Splitter:
    """`feed` takes bytes as they arrive. `packet(channel, data, start, stop)` is called for each interleaved packet without
    copying it, `message(Message)` for each answer or request. Raises SourceFailed `garbled` for what is no RTSP."""

    __slots__ = ("packet", "skipped", "resyncs", "_message", "_channel", "_media", "_run", "_tail", "_want")

    def __init__(self, packet: Callable[[int, bytes, int, int], None], message: Callable[[Message], None]) -> None:
        self.packet, self._message = packet, message
        self._tail = b""
        self._want = 0  # bytes that the tail has to have before looking again is any use
        self.skipped = 0  # bytes in a row that were nothing
        self.resyncs = 0
        self.divert(-1, lambda data, start, stop: None)

    def divert(
        self, channel: int, media: Callable[[bytes, int, int], None], run: Callable[[bytes, int, int], int] = _nothing
    ) -> None:
        """From now on packets of `channel` go to `media(data, start, stop)` instead. `run(data, at, end)` may take those that
        follow by itself as long as they are alike, and says where it stopped."""
        self._channel, self._media, self._run = channel, media, run

    @property
    def held(self) -> int:
        """Bytes waiting for the rest of what they are part of."""
        return len(self._tail)

    def feed(self, data: bytes) -> None:
        if self._tail:
            data = self._tail + data
            if len(data) < self._want:
                self._tail = data
                return
        at, end = 0, len(data)
        self._want = 0
        while end - at >= 4:
            if data[at] == _DOLLAR:
                stop = at + 4 + (data[at + 2] << 8 | data[at + 3])
                if stop > end:
                    self._want = stop - at
                    break
                if data[at + 1] == self._channel:
                    self._media(data, at + 4, stop)
                    at = self._run(data, stop, end) if stop < end else stop
                else:
                    self.packet(data[at + 1], data, at + 4, stop)
                    at = stop
                self.skipped = 0
            else:
                following = self._text(data, at, end)
                if following < 0:
                    break
                at = following
        self._tail = data[at:] if at < end else b""

    def _text(self, data: bytes, at: int, end: int) -> int:
        """Where what follows the message at `at` begins; -1 while it is incomplete."""
        if data[at] in b"\r\n":
            return at + 1
        if data[at] not in _NAMES:
            return self._resync(data, at, end)
        head, body = _head_end(data, at)
        if head < 0:
            if end - at > LONGEST_HEAD or not _may_be_head(data[at : at + 64]):
                return self._resync(data, at, end)
            return -1
        found = parse_head(data[at:head])
        if found is None:
            return self._resync(data, at, end)
        size = _length(found)
        if body + size > end:
            self._want = body + size - at
            return -1
        found.body = data[body : body + size]
        self.skipped = 0
        self._message(found)
        return body + size

    def _resync(self, data: bytes, at: int, end: int) -> int:
        """Broken cameras put other bytes between packets: on to what looks like a packet or an answer."""
        if not self.skipped:
            self.resyncs += 1
        match = _LIKELY.search(data, at + 1)
        found = match.start() if match else max(at + 1, end - 4)
        self.skipped += found - at
        if self.skipped > MOST_SKIPPED:
            raise SourceFailed("garbled", "what the camera sends is not RTSP")
        return found


def _head_end(data: bytes, at: int) -> tuple[int, int]:
    """Where the head ends and the body begins; odd servers end lines with a line feed only. -1 where it does not end yet."""
    limit = at + LONGEST_HEAD + 4
    full, bare = data.find(b"\r\n\r\n", at, limit), data.find(b"\n\n", at, limit)
    if full >= 0 and (bare < 0 or full < bare):
        return full, full + 4
    return (bare, bare + 2) if bare >= 0 else (-1, -1)


def _may_be_head(start: bytes) -> bool:
    """Whether these bytes may begin an answer or a request: printable."""
    return all(32 <= byte < 127 or byte in b"\r\n\t" for byte in start)


def parse_head(head: bytes) -> Message | None:
    """The start line and headers, or None for what is neither answer nor request."""
    first, *rest = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    words = first.split(None, 2)
    if len(words) < 2:
        return None
    found = Message(headers={}, lines=[])
    if words[0].upper().startswith("RTSP/"):
        if not (words[1].isascii() and words[1].isdigit() and len(words[1]) == 3):
            return None
        found.status = int(words[1])
    elif len(words) == 3 and words[2].strip().upper().startswith("RTSP/"):
        found.method = words[0]
    else:
        return None
    for line in rest:
        if line[:1] in (" ", "\t") and found.lines:  # a folded header
            name, value = found.lines[-1][0], f"{found.lines[-1][1]} {line.strip()}"
            found.lines[-1] = (name, value)
        else:
            name, colon, value = line.partition(":")
            if not colon:
                continue
            name, value = name.strip().lower(), value.strip()
            found.lines.append((name, value))
        found.headers[name] = value
    return found


def _length(found: Message) -> int:
    text = found.headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return 0
    if int(text) > LONGEST_BODY:
        raise SourceFailed("garbled", f"an answer of {text} bytes")
    return int(text)


def request(method: str, url: str, cseq: int, headers: dict[str, str]) -> bytes:
    """A request without a body. Raises SourceFailed where a line break hides in one of its parts."""
    lines = [f"{method} {url} RTSP/1.0", f"CSeq: {cseq}", *(f"{name}: {value}" for name, value in headers.items())]
    if any(c in line for line in lines for c in "\r\n\0"):
        raise SourceFailed("garbled", "an address with a line break in it", lasting=True)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def answer(to: Message, status: int) -> bytes:
    """The answer to a request of the other side."""
    cseq = max(0, to.cseq)
    return f"RTSP/1.0 {status} {'OK' if status == 200 else 'Not Implemented'}\r\nCSeq: {cseq}\r\n\r\n".encode()

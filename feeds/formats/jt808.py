"""JT/T 808 (道路运输车辆卫星定位系统 终端通讯协议) of 2011, 2013 and 2019: frames of vehicle terminals to positions.

A body is raw frames one after the other, or text with one frame in hex per line. Location reports (0x0200), answers to a
location query (0x0201) and batches (0x0704) become rows; what terminals say besides (register, authenticate, heartbeat, sign
off, answers) becomes rows without a position, which the default mapping does not want and which are counted as filtered, like
reports without a fix. What the standard does not know is parked with its reason. Terminals state Beijing time whatever the
city's zone is. The transport `jt808://` (feeds/transports/jt808.py) answers terminals as the standard wants.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

from feeds.source import Format, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput

FLAG = 0x7E
#: 1,023 bytes of body, header and checksum, all escaped
FRAME_BOUND = 2 * (1023 + 40)
BATCH_BOUND = 500
BEIJING = datetime.timezone(datetime.timedelta(hours=8))
REGISTER, SIGN_OFF, AUTHENTICATE, HEARTBEAT, LOCATION, QUERIED, BATCH = 0x0100, 0x0003, 0x0102, 0x0002, 0x0200, 0x0201, 0x0704
#: messages that bring no position and mean no fault
QUIET = {0x0001: "answer", HEARTBEAT: "heartbeat", SIGN_OFF: "sign_off", REGISTER: "register", AUTHENTICATE: "authenticate",
         0x0104: "parameters", 0x0107: "attributes", 0x0702: "driver", 0x0900: "pass_through"}  # fmt: skip
#: bits of the alarm word that everybody uses alike
ALARMS = {
    0: "emergency", 1: "speeding", 2: "fatigue", 4: "gnss_fault", 5: "antenna_cut", 6: "antenna_short", 7: "low_voltage",
    8: "power_cut", 18: "driving_too_long", 19: "parked_too_long", 20: "left_area", 29: "collision", 30: "rollover",
}  # fmt: skip


class Message(NamedTuple):
    """One frame taken apart. `part`, `parts`: 1 of 1, or its place in a message of several frames."""

    kind: int
    phone: str
    serial: int
    body: bytes
    edition: int  # 2013 (2011 looks the same) or 2019
    part: int = 1
    parts: int = 1


def unescaped(content: bytes) -> bytes:
    """What stands between two flags, without escapes; raises BadInput for a broken escape."""
    if 0x7D not in content:
        return content
    if content.count(0x7D) != content.count(b"\x7d\x01") + content.count(b"\x7d\x02"):
        raise BadInput("jt808-escape", "0x7d is followed by neither 01 nor 02")
    return content.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")


def escaped(content: bytes) -> bytes:
    return content.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")


def frame(kind: int, phone: str, serial: int, body: bytes, edition: int = 2013) -> bytes:
    """A whole frame, flags and all: what the platform answers."""
    properties = len(body) | (0x4000 if edition == 2019 else 0)
    head = kind.to_bytes(2, "big") + properties.to_bytes(2, "big")
    head += b"\x01" + bytes.fromhex(phone.zfill(20)) if edition == 2019 else bytes.fromhex(phone.zfill(12))
    content = head + (serial & 0xFFFF).to_bytes(2, "big") + body
    return b"\x7e" + escaped(content + bytes((checksum(content),))) + b"\x7e"


def checksum(content: bytes) -> int:
    found = 0
    for byte in content:
        found ^= byte
    return found


def message_of(content: bytes) -> Message:
    """The message between two flags; raises BadInput saying what is wrong with it."""
    raw = unescaped(content)
    if len(raw) < 13:
        raise BadInput("jt808-short", f"{len(raw)} bytes")
    if checksum(raw[:-1]) != raw[-1]:
        raise BadInput("jt808-checksum", f"0x{checksum(raw[:-1]):02x} expected, 0x{raw[-1]:02x} found")
    kind, properties = int.from_bytes(raw[:2], "big"), int.from_bytes(raw[2:4], "big")
    if properties & 0x1C00:
        raise BadInput("jt808-encrypted", f"message 0x{kind:04x}")
    edition = 2019 if properties & 0x4000 else 2013
    at = 4 + (1 if edition == 2019 else 0)
    phone = raw[at : at + (10 if edition == 2019 else 6)].hex()
    at += len(phone) // 2
    serial = int.from_bytes(raw[at : at + 2], "big")
    at += 2
    part = parts = 1
    if properties & 0x2000:
        parts, part = int.from_bytes(raw[at : at + 2], "big"), int.from_bytes(raw[at + 2 : at + 4], "big")
        at += 4
        if not 1 <= part <= parts:
            raise BadInput("jt808-part", f"part {part} of {parts}")
    body, length = raw[at:-1], properties & 0x03FF
    if len(body) != length:
        raise BadInput("jt808-length", f"message 0x{kind:04x}: {length} bytes announced, {len(body)} there")
    return Message(kind, phone.lstrip("0") or "0", serial, body, edition, part, parts)


def frames(data: bytes) -> Iterator[bytes]:
    """What stands between flags in raw bytes; a last frame without its closing flag is left out."""
    parts = data.split(bytes((FLAG,)))
    yield from filter(None, parts[1:-1])


class Parts:
    """Messages of several frames put together. Bounded: the oldest unfinished message gives way."""

    def __init__(self, bound: int = 64) -> None:
        self._bound = bound
        self._waiting: dict[tuple[str, int, int], dict[int, bytes]] = {}

    def add(self, message: Message) -> Message | None:
        """The whole message once its last part is in, None until then."""
        if message.parts == 1:
            return message
        # the parts of one message carry consecutive serial numbers
        key = (message.phone, message.kind, (message.serial - message.part) & 0xFFFF)
        found = self._waiting.setdefault(key, {})
        found[message.part] = message.body
        if len(found) == message.parts:
            del self._waiting[key]
            body = b"".join(found[number] for number in sorted(found))
            return message._replace(body=body, part=1, parts=1)
        if len(self._waiting) > self._bound:
            del self._waiting[next(iter(self._waiting))]
        return None

    @property
    def waiting(self) -> int:
        return len(self._waiting)


def rows_of(message: Message) -> Iterator[dict[str, Any]]:
    """Rows of one whole message; raises BadInput for what the standard does not know or what is cut short."""
    head = {"terminal": message.phone, "message": f"{message.kind:04x}", "serial": message.serial, "edition": message.edition}
    if message.kind == LOCATION:
        yield head | location(message.body)
    elif message.kind == QUERIED:
        yield head | location(message.body[2:])
    elif message.kind == BATCH:
        yield from (head | row for row in _batch(message.body))
    elif message.kind in QUIET:
        yield head | {"what": QUIET[message.kind], "fixed": False}
    else:
        raise BadInput("jt808-unknown", f"message 0x{message.kind:04x} of terminal {message.phone}")


def _batch(body: bytes) -> Iterator[dict[str, Any]]:
    """0x0704: so many reports, each behind its length. `late`: from where there was no network."""
    if len(body) < 3:
        raise BadInput("jt808-short", f"batch of {len(body)} bytes")
    count, late, at = int.from_bytes(body[:2], "big"), body[2] == 1, 3
    if count > BATCH_BOUND:
        raise BadInput("jt808-batch", f"{count} reports")
    for number in range(count):
        length = int.from_bytes(body[at : at + 2], "big")
        report = body[at + 2 : at + 2 + length]
        if len(report) != length or length == 0:
            raise BadInput("jt808-batch", f"report {number + 1} of {count}: {length} bytes announced, {len(report)} there")
        yield location(report) | {"late": late}
        at += 2 + length


def location(body: bytes) -> dict[str, Any]:
    """One location report (位置信息汇报): degrees in the terminal's datum, speed in km/h, altitude in metres, time in ms.

    Raises BadInput `jt808-short`, `jt808-time`, `coordinates-out-of-range`.
    """
    if len(body) < 28:
        raise BadInput("jt808-short", f"location of {len(body)} bytes")
    alarm, status, lat, lon = (int.from_bytes(body[k : k + 4], "big") for k in (0, 4, 8, 12))
    altitude, speed, course = (int.from_bytes(body[k : k + 2], "big") for k in (16, 18, 20))
    fixed = bool(status & 0b10)
    row: dict[str, Any] = {
        "fixed": fixed, "acc": bool(status & 1), "alarm": alarm, "status": status, "altitude_m": altitude,
        "speed_kmh": speed / 10, "heading": course if course <= 360 else None,
    }  # fmt: skip
    if names := [name for bit, name in ALARMS.items() if alarm >> bit & 1]:
        row["alarms"] = names
    if fixed:
        row["lat"], row["lon"] = lat / 1e6 * (-1 if status & 0b100 else 1), lon / 1e6 * (-1 if status & 0b1000 else 1)
        if abs(row["lat"]) > 90 or abs(row["lon"]) > 180:
            raise BadInput("coordinates-out-of-range", f"lon {row['lon']:.6g}, lat {row['lat']:.6g}")
        row["time"] = _beijing_ms(body[22:28])
    return row | _items(body[28:])


def _beijing_ms(bcd: bytes) -> int:
    """YYMMDDhhmmss in packed decimals, Beijing time, to ms."""
    text = bcd.hex()
    try:
        moment = datetime.datetime.strptime(text, "%y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        raise BadInput("jt808-time", text) from None
    if moment.year > 2068:
        moment = moment.replace(year=moment.year - 100)
    return round(moment.timestamp() * 1000)


def _items(data: bytes) -> dict[str, Any]:
    """Additional items (附加信息): what is standard; makers' own are passed over, and so is a broken rest."""
    found: dict[str, Any] = {}
    at = 0
    while at + 2 <= len(data):
        name, length = data[at], data[at + 1]
        value = data[at + 2 : at + 2 + length]
        at += 2 + length
        if len(value) != length:
            break
        number = int.from_bytes(value, "big")
        if name == 0x01 and length == 4:
            found["mileage_km"] = number / 10
        elif name == 0x02 and length == 2:
            found["fuel_l"] = number / 10
        elif name == 0x30 and length == 1:
            found["signal"] = number
        elif name == 0x31 and length == 1:
            found["satellites"] = number
    return found


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    """Rows of every frame of a body; frames that cannot be read are Unread, one by one."""
    text = body.lstrip(b"\xef\xbb\xbf \r\n\t")
    whole = Parts()
    if text[:1] == bytes((FLAG,)):
        for content in frames(text):
            yield from _rows_of_frame(content, bytes((FLAG,)) + content + bytes((FLAG,)), whole)
    else:
        for line in filter(None, (line.strip() for line in text.split(b"\n"))):
            try:
                raw = bytes.fromhex(line.decode("ascii"))
            except (UnicodeDecodeError, ValueError):
                yield Unread(line, "jt808-hex", "the line is no hex")
                continue
            if len(raw) < 2 or raw[0] != FLAG or raw[-1] != FLAG:
                yield Unread(line, "jt808-flag", "the frame does not begin and end with 7e")
                continue
            yield from _rows_of_frame(raw[1:-1], line, whole)
    if whole.waiting:
        yield Unread(b"", "jt808-part", f"{whole.waiting} messages of several frames are not complete")


def _rows_of_frame(content: bytes, raw: bytes, whole: Parts) -> Iterator[Row]:
    try:
        message = whole.add(message_of(content))
        if message is not None:
            yield from list(rows_of(message))
    except BadInput as error:
        yield Unread(raw, error.reason, error.detail)


MAPPING = {
    "position": {
        "unit_id": "terminal",
        "time": {"path": "time", "time": "epoch_ms"},
        "lon": "lon",
        "lat": "lat",
        "speed_mps": {"path": "speed_kmh", "unit": "km/h"},
        "heading_deg": "heading",
        "extra": {
            "altitude_m": "altitude_m", "alarms": "alarms", "acc": "acc", "satellites": "satellites",
            "mileage_km": "mileage_km", "fuel_l": "fuel_l",
        },
        "filter": {"path": "fixed", "in": [True]},
    }
}  # fmt: skip

FORMAT = Format("jt808", rows, types=("application/x-jt808",), suffixes=(".jt808",), mapping=MAPPING)

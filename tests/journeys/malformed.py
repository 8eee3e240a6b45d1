"""Malformed input for every kind of feed, seeded: each body is one that must be parked whole, whatever it was sent by."""

from __future__ import annotations

import json
import math
import random

COUNT = 200
#: a good row of each kind: the identifier's name, and a value that is not of its type for the fields a mapping reads
GOOD = {
    "case": ("case_id", {"class_name": "积水", "state": "handling", "severity": 2}),
    "sensor": ("sensor_id", {"name": "桥下", "quantity": "water_depth"}),
    "observation": ("sensor_id", {"quantity": "water_depth", "value": 0.2}),
    "position": ("unit_id", {"name": "一队", "kind": "crew"}),
    "channel": ("channel_id", {"name": "桥下", "state": "online"}),
}


def good(kind: str, number: int, now: int) -> dict:
    """A row that is right, with an identifier no malformed one has."""
    name, rest = GOOD[kind]
    return {name: f"good-{number}", **rest, "lon": 113.9, "lat": 35.3, "time": now}


def cap(identifier: str, sent: str, status: str = "Actual") -> str:
    """A CAP 1.2 alert that is right."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{identifier}</identifier><sender>met@example.org</sender><sent>{sent}</sent><status>{status}</status>"
        "<msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language><category>Met</category>"
        "<event>暴雨</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>"
        "<headline>暴雨橙色预警</headline><area><areaDesc>全市</areaDesc></area></info></alert>"
    )


class Spoiler:
    """Makes malformed bodies of one kind of feed."""

    def __init__(self, kind: str, now: int) -> None:
        self.kind, self.now, self.chance = kind, now, random.Random(kind)
        self.name = GOOD[kind][0]

    def row(self, **changes) -> dict:
        return {**good(self.kind, 0, self.now), self.name: f"bad-{self.chance.getrandbits(40):x}", **changes}

    def encoded(self, row: dict) -> bytes:
        return json.dumps(row).encode()

    def truncated(self) -> bytes:
        whole = self.encoded(self.row())
        return whole[: self.chance.randrange(1, len(whole) - 1)]

    def wrong_types(self) -> bytes:
        field = self.chance.choice([self.name, "lon", "lat", "time"])
        return self.encoded(self.row(**{field: self.chance.choice([{"a": 1}, [1, 2], [[]], {"": None}])}))

    def huge(self) -> bytes:
        odd = {self.name: "9" * self.chance.randrange(201, 3000)}
        return self.chance.choice([self.encoded(self.row(**odd)), b"[" * self.chance.randrange(2_000, 60_000)])

    def encodings(self) -> bytes:
        text = json.dumps(self.row(name="积水" + chr(0x4E00 + self.chance.randrange(5000))), ensure_ascii=False)
        return text.encode(self.chance.choice(["gb18030", "utf-16", "utf-32", "big5hkscs"]), "replace")

    def not_a_number(self) -> bytes:
        odd = self.chance.choice(["NaN", "-Infinity", "1e999", math.nan, math.inf, -math.inf])
        return self.encoded(self.row(**{self.chance.choice(["lon", "lat"]): odd}))

    def times(self) -> bytes:
        ahead = self.now + 2 * 86_400_000 + self.chance.randrange(10**12)
        odd = self.chance.choice([ahead, -self.chance.randrange(1, 10**12), 10**30, "31/31/2024", "soon", 1e300])
        return self.encoded(self.row(time=odd))

    def off_the_map(self) -> bytes:
        lon, lat = self.chance.choice([(181, 0.5), (0.5, 91), (-500, -500), (35.3e6, 113.9)])
        return self.encoded(self.row(lon=lon * (1 + self.chance.random() * 1e-3), lat=lat))

    def surrogates(self) -> bytes:
        lone = self.chance.choice(["\\ud83d", "\\udc00x", "\\ud800\\ud800"])
        return self.encoded(self.row()).replace(b"bad-", f"bad-{lone}".encode())

    def nul(self) -> bytes:
        return self.chance.choice([self.encoded(self.row(**{self.name: f"x\0{self.chance.random()}"})), b"\0" * 64, b"\0{}"])

    def deep(self) -> bytes:
        # any is deeper than a parser goes; the deepest, for its stack, are few: they are most of all that is sent
        depth = 20_000 if self.chance.random() < 0.1 else self.chance.randrange(2_000, 4_000)
        return b'{"a":' * depth + b"1" + b"}" * depth

    def noise(self) -> bytes:
        return b"\x89" + self.chance.randbytes(self.chance.randrange(1, 500))

    def all(self) -> list[bytes]:
        """COUNT of each way to be wrong, mixed."""
        ways = (self.truncated, self.wrong_types, self.huge, self.encodings, self.not_a_number, self.times,
                self.off_the_map, self.surrogates, self.nul, self.deep, self.noise)  # fmt: skip
        made = [way() for way in ways for _ in range(COUNT)]
        self.chance.shuffle(made)
        return made


class CapSpoiler:
    """Malformed CAP: broken XML, bombs, entities, foreign encodings, missing and odd elements."""

    def __init__(self) -> None:
        self.chance, self.number = random.Random("cap"), 0

    def whole(self) -> str:
        self.number += 1
        return cap(f"bad-{self.number}", "2026-07-20T08:00:00+08:00")

    def truncated(self) -> bytes:
        whole = self.whole().encode()
        return whole[: self.chance.randrange(1, len(whole) - 2)]

    def bomb(self) -> bytes:
        head = self.chance.choice(
            [
                '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
                '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
                '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>',
            ]
        )
        return self.whole().replace("?><alert", f"?>{head}<alert").encode()

    def deep(self) -> bytes:
        depth = self.chance.randrange(300, 5_000)
        return b"<a>" * depth + b"</a>" * depth

    def encodings(self) -> bytes:
        return self.whole().encode(self.chance.choice(["utf-16-be", "utf-16-le", "utf-32-le"]))

    def elements(self) -> bytes:
        changes = [("<sent>2026", "<sent>never"), ("<status>Actual", "<status>Perhaps"), ("<msgType>Alert", "<msgType>Shout"),
                   ("alert", "alarm"), ("<info>", "<x>"), ("<identifier>bad", "<identifier>\x00bad"), ("<sent>2026", "<sent>2996"),
                   ("<sent>2026", "<sent>1926")]  # fmt: skip
        old, new = self.chance.choice(changes)
        text = self.whole().replace(old, new)
        return (text.replace("</info>", "</x>") if old == "<info>" else text).encode()

    def all(self) -> list[bytes]:
        """COUNT of each way to be wrong, mixed."""
        made = [way() for way in (self.truncated, self.bomb, self.deep, self.encodings, self.elements) for _ in range(COUNT)]
        self.chance.shuffle(made)
        return made

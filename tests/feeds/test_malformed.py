"""Two hundred malformed inputs of each kind: each one parked with a reason, nothing crashes, good input still passes."""

from __future__ import annotations

import json
import math
import random

import pytest

from feeds.parking import RAW_BOUND

NOW = 1_700_000_000_000
COUNT = 200
FEED = """
[[feeds]]
name = "f"
kind = "case"
url = "push://"
format = "{format}"
[feeds.mapping]
case_id = "id"
description = "text"
lon = "lon"
lat = "lat"
due = {{path = "due", time = ["epoch_ms", "iso"]}}
severity = "severity"
state = {{path = "state", default = "reported"}}
time = {{path = "t", time = ["epoch_ms", "iso"]}}
"""
GOOD = {"id": "A-1", "text": "water", "lon": 113.9, "lat": 35.3, "t": NOW}


def as_json(row: dict) -> bytes:
    return json.dumps(row).encode()


def as_xml(row: dict) -> bytes:
    return ("<case>" + "".join(f"<{k}>{v}</{k}>" for k, v in row.items()) + "</case>").encode()


def as_csv(row: dict) -> bytes:
    return (",".join(row) + "\n" + ",".join(f'"{v}"' for v in row.values()) + "\n").encode()


def truncated(chance: random.Random, form: str) -> bytes:
    whole = {"json": as_json, "xml": as_xml, "csv": as_csv}[form](GOOD)
    if form == "csv":
        # cut inside the row of values, before its last cell
        start = whole.index(b"\n") + 1
        return whole[: chance.randrange(start + 1, whole.rindex(b",") - 1)]
    return whole[: chance.randrange(1, len(whole) - 2)]


def wrong_types(chance: random.Random) -> bytes:
    field = chance.choice(["id", "lon", "lat", "t", "severity", "due", "state"])
    odd = chance.choice([{"a": 1}, [1, 2], True, "x\u0000y", "abc"])
    if (field, odd) in (("id", True), ("id", "abc")):
        odd = {"a": 1}
    return as_json({**GOOD, field: odd})


def huge(chance: random.Random) -> bytes:
    kind = chance.randrange(3)
    if kind == 0:
        return as_json({**GOOD, "id": "9" * chance.randrange(201, 3000)})
    if kind == 1:
        return as_json({**GOOD, "text": "水" * chance.randrange(20_001, 60_000)})
    return b"[" * chance.randrange(2_000, 100_000)


def encodings(chance: random.Random) -> bytes:
    text = json.dumps({**GOOD, "text": "积水" + chr(0x4E00 + chance.randrange(5000))}, ensure_ascii=False)
    return text.encode(chance.choice(["gb18030", "utf-16", "big5hkscs", "utf-32"]), "replace")


def not_a_number(chance: random.Random) -> bytes:
    field = chance.choice(["lon", "lat", "severity", "t"])
    odd = chance.choice(["NaN", "inf", "-Infinity", "1e999", math.nan, math.inf])
    return as_json({**GOOD, field: odd})


def odd_times(chance: random.Random) -> bytes:
    future, past = NOW + 86_400_000 + chance.randrange(1, 10**12), -chance.randrange(1, 10**12)
    return as_json({**GOOD, "t": chance.choice([future, past, 10**30, "2999-01-01", "1901-05-05", "31/31/2024", "", None])})


def off_the_map(chance: random.Random) -> bytes:
    lon, lat = chance.choice([(181, 0), (0.5, 91), (-500, -500), (35.3e6, 113.9)])
    return as_json({**GOOD, "lon": lon * (1 + chance.random() * 1e-3), "lat": lat})


def bombs(chance: random.Random) -> bytes:
    return chance.choice(
        [
            b'<!DOCTYPE a [<!ENTITY x "' + b"y" * chance.randrange(1, 99) + b'">]><case><id>&x;</id></case>',
            b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;">]><case><id>&m;</id></case>',
            b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><case><id>1</id></case>',
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><case><id>&x;</id></case>',
            b"<a>" * chance.randrange(200, 5_000),
            b"<a>" * 300 + b"</a>" * 300,
        ]
    )


def noise(chance: random.Random) -> bytes:
    return b"\x89" + chance.randbytes(chance.randrange(1, 500))


def csv_noise(chance: random.Random) -> bytes:
    cells = chance.choice(['"a"b,1,2,3,4', "a,b,c,d,e,f,g", "one", 'x,"open'])
    return as_csv(GOOD)[: as_csv(GOOD).index(b"\n") + 1] + cells.encode() + chance.choice([b"", b"\n", b"\r\n"])


KINDS = {
    "json truncated": ("json", lambda c: truncated(c, "json")),
    "xml truncated": ("xml", lambda c: truncated(c, "xml")),
    "csv truncated": ("csv", lambda c: truncated(c, "csv")),
    "wrong types": ("json", wrong_types),
    "huge": ("json", huge),
    "wrong encodings": ("json", encodings),
    "not a number": ("json", not_a_number),
    "future and past times": ("json", odd_times),
    "positions off the map": ("json", off_the_map),
    "xml bombs": ("xml", bombs),
    "noise as json": ("json", noise),
    "noise as xml": ("xml", noise),
    "noise as geojson": ("geojson", noise),
    "noise as parquet": ("parquet", noise),
    "noise as csv": ("csv", csv_noise),
    "not geojson": (
        "geojson",
        lambda c: as_json({"type": c.choice(["Feature", "x"]), "features": c.choice([3, [None], [[]], {}])}),
    ),
    "noise as json lines": ("jsonl", lambda c: noise(c).replace(b"\n", b"")),
}


@pytest.mark.parametrize("kind", list(KINDS))
async def test_malformed_input_is_parked_with_its_reason_and_nothing_crashes(bench, kind):
    form, make = KINDS[kind]
    bench.configure(FEED.format(format=form))
    bench.set_clock(NOW)
    rim, chance = await bench.rim("f"), random.Random(kind)
    for number in range(COUNT):
        body = make(chance)
        outcome = await rim.bytes(body)
        assert outcome.parked >= 1 and outcome.accepted == 0, (number, body[:200], outcome)
        assert outcome.reasons and outcome.reasons[0].partition(":")[0].strip(), outcome
    await rim.durable()
    parked = await bench.parked("f")
    assert len(parked) == rim.total.parked >= COUNT
    assert all(entry["reason"] and entry["at"] == str(NOW) for entry in parked)
    assert all(len(entry["raw"].encode("utf-8", "replace")) <= 3 * RAW_BOUND for entry in parked)
    counts = await bench.process.bus.hash_all("parked-counts", "f")
    assert sum(map(int, counts.values())) == len(parked)
    assert await bench.events() == []


@pytest.mark.parametrize(("form", "make"), [("json", as_json), ("xml", as_xml), ("csv", as_csv), ("jsonl", as_json)])
async def test_good_input_passes_between_malformed(bench, form, make):
    bench.configure(FEED.format(format=form))
    bench.set_clock(NOW)
    rim, chance = await bench.rim("f"), random.Random(3)
    for number in range(20):
        await rim.bytes(noise(chance))
        await rim.bytes(make({**GOOD, "id": f"A-{number}"}))
    await rim.durable()
    assert len(await bench.documents("case")) == 20


async def test_one_broken_row_of_many_is_parked_alone(bench):
    bench.configure(FEED.format(format="json"))
    bench.set_clock(NOW)
    rim = await bench.rim("f")
    rows = [{**GOOD, "id": f"A-{n}", "lon": 500 if n == 7 else 113.9} for n in range(20)]
    outcome = await rim.bytes(json.dumps([*rows, 5]).encode())
    await rim.durable()
    assert (outcome.accepted, outcome.parked) == (19, 2)
    reasons = {entry["reason"]: entry for entry in await bench.parked("f")}
    assert set(reasons) == {"coordinates-out-of-range", "row-not-object"}
    assert json.loads(reasons["coordinates-out-of-range"]["raw"])["id"] == "A-7"

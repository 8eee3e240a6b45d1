"""Recordings as the tests of the web make them, and the ledger's lines about them."""

import asyncio
import json
import sqlite3

from hall.core.clock import real_ms


async def reported(client, district="红旗区"):
    """A case of the hall's own; its subject."""
    told = {"description": "积水", "address": "平原路", "district": district, "class_name": "市政", "subclass_name": "道路积水"}
    body = {"id": f"report-{real_ms()}", "case": told}
    answer = await client.post("/api/v1/cases", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["case"]


async def recorded(client, *channels, **more):
    answer = await client.post(
        "/api/v1/recordings", json={"channels": channels or ["channel/cams/c0"], "why": "夜间演练", **more}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def grown(client, name, pictures=25):
    """Until the recording holds that many pictures of its first channel."""
    async with asyncio.timeout(40):
        while True:
            row = (await client.get(f"/api/v1/recordings/{name}")).json()
            if row["channels"][0].get("pictures", 0) >= pictures:
                return row
            await asyncio.sleep(0.1)


def lines(hall, what):
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        return [
            json.loads(row[0])
            for row in db.execute("select data from entries where subject = ? order by rowid", (f"audit/{what}",))
        ]


async def finished(hall, made, what):
    """The audit's line about the end of a handing over."""
    async with asyncio.timeout(30):
        while not (found := [line for line in lines(hall, what) if line["export"] == made["export"]]):
            await asyncio.sleep(0.05)
    return found[-1]

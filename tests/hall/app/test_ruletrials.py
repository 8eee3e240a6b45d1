"""Rules tried over HTTP: by whom, on what the hall heard and on an uploaded file, mistakes by their line, cancelled, on record."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from dispatch.reader import Head
from dispatch.readings.ring import Ring
from dispatch.readings.settings import FILE
from hall.app.ruletrials import rules_in
from hall.core.clock import real_ms
from hall.core.model import Observation

URL = "/api/v1/rule-trials"
HIGHER = '[[thresholds]]\nquantity = "water_depth"\nvalue = 0.40\nseverity = 3\n'
HIGHER += '[[dispatch.alarms.rules]]\nname = "ponding-fast"\nenabled = false\n'


def heard(folder, count=60):
    """Two waters a minute apart at s1: 20 cm and 50 cm."""
    ring, start = Ring(folder / FILE, 10**7, 10**12), real_ms() - count * 60_000
    heads = []
    for n in range(count):
        depth = {10: 0.2, 11: 0.2, 40: 0.5, 41: 0.5}.get(n, 0.0)
        doc = Observation(feed="g", sensor_id="s1", quantity="water_depth", value=depth, unit="m")
        at, data = start + n * 60_000, msgspec.Raw(msgspec.json.encode(doc))
        heads.append(Head(f"{n}", "g", "observation/g/s1/water_depth", at, at, data))
    ring.write(heads, {}, {})
    ring.close()


async def ended(client, trial):
    async with asyncio.timeout(90):
        while (found := (await client.get(f"{URL}/{trial}")).json())["state"] == "running":
            await asyncio.sleep(0.05)
    return found


async def test_rules_are_tried_by_those_who_may_and_nothing_is_switched_on(city_hall):
    async with await city_hall.client("operator", "li") as li, await city_hall.client("supervisor", "wu") as wu:
        assert (await li.get(URL)).status_code == 403 and (await li.post(URL, json={"rules": HIGHER})).status_code == 403
        wrong = await wu.post(URL, json={"rules": '[[thresholds]]\nquantity = "water_depth"\nvalue = "deep"\nseverity = 3\n'})
        found = await ended(wu, wrong.json()["trial"])
        assert (found["state"], found["error"]["line"], found["error"]["key"]) == ("failed", 3, "thresholds[0].value")
        heard(city_hall.home / "var")
        listed = (await wu.get(URL)).json()
        assert listed["kept"]["count"] == 60 and [one["state"] for one in listed["trials"]] == ["failed"]
        begun = await wu.post(URL, json={"rules": HIGHER})
        busy = await wu.post(URL, json={"rules": HIGHER})
        assert (busy.status_code, busy.json()["reason"]) == (409, "trial-running")
        done = await ended(wu, begun.json()["trial"])
        assert done["state"] == "done", done
        sides = [done["found"][side]["alarms"] for side in ("before", "after")]
        assert sides[0] > sides[1] == 1 and done["found"]["counts"]["gone"] >= 1 and done["person"]

        other = (await wu.post(URL, json={"rules": HIGHER})).json()["trial"]
        assert (await wu.post(f"{URL}/{other}/cancel")).status_code == 200
        assert (await ended(wu, other))["state"] == "cancelled"
        assert (await wu.post(f"{URL}/{other}/cancel")).json()["reason"] == "not-running"
        bad = await wu.post(f"{URL}/file?name=x.exe", content=b"x")
        assert (bad.status_code, bad.json()["reason"]) == (422, "bad-file")
        kept = (await wu.post(f"{URL}/file?name=past.csv", content=b"id,cm\n1,2\n")).json()["file"]
        unread = await wu.post(URL, json={"rules": HIGHER, "file": kept, "feed": "nobody"})
        assert (unread.status_code, unread.json()["reason"]) == (422, "unknown-feed")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[city]\nname = 1\n[[feeds]]\ntoken = "s"\n', ""),
        ('[city]\na = 1\n[[thresholds]]\nvalue = 1\n[feeds]\nb = 1\n[dispatch.alarms.lies]\nc = 1\n[dispatch.x]\nd = 1\n',
         "[[thresholds]]\nvalue = 1\n[dispatch.alarms.lies]\nc = 1\n"),
    ],
)  # fmt: skip
def test_of_the_configuration_only_the_rules_leave_the_hall(text, found):
    assert rules_in(text) == found

"""A real dispatch process that is killed in the middle of a flood of alarms."""

from __future__ import annotations

import signal

from hall.core.command import Actor
from tests.dispatch.alarmlife.raising import make_moves, raise_alarms
from tests.dispatch.conftest import data_of
from tests.dispatch.test_process import NOW, START

LI = Actor(name="li", role="operator", desk="d1")


async def test_killed_in_mid_flood_it_knows_groups_shelves_and_the_flood_as_before(hall):
    hall.configure(START)
    known = {"group": "e", "kind": "road", "district": "红旗区"}
    raise_alarms(hall.folder, {f"g/{n}": known for n in range(12)}, now=NOW - 60_000)
    shelf = {"until": NOW + 3_600_000}
    make_moves(hall.folder, [("alarm/g/0", "shelve", "works", shelf)], LI, now=NOW - 30_000)
    await hall.start()
    board = await hall.until(lambda b: (data_of(b, "group/e") or {}).get("total") == 12 and b.get("kpi/alarms") is not None)
    before = data_of(board, "kpi/alarms")
    assert data_of(board, "group/e")["unacknowledged"] == 11 and before["flood"]["since"] == NOW - 60_000
    await hall.stop(signal.SIGKILL)
    make_moves(hall.folder, [(f"alarm/g/{n}", "acknowledge", "", {}) for n in (1, 2, 3)], LI, now=NOW)
    await hall.start()
    board = await hall.until(lambda b: (data_of(b, "group/e") or {}).get("unacknowledged") == 8)
    board = await hall.until(lambda b: data_of(b, "kpi/alarms")["counts"]["unacknowledged"] == 8)
    after = data_of(board, "kpi/alarms")
    assert (after["flood"], after["rate"], after["away"]) == (before["flood"], before["rate"], before["away"])
    assert after["away"][0]["why"]["values"] == {"until": shelf["until"], "by": "li", "reason": "works", "at": NOW - 30_000}

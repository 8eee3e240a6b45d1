"""What must hold after a shift, read from the ledger's own tables, the stream, the case list and `hall audit verify`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.journeys.shift.domain import ENDED
from tests.journeys.shift.link import Asked, Seat
from tests.journeys.shift.model import Model
from tests.running import ROOT


class Record:
    """The ledger's tables as rows, read with plain SQL beside the product."""

    def __init__(self, entries: list[dict[str, Any]], states: dict[str, dict[str, Any]], revisions: dict[str, int]) -> None:
        self.entries, self.states, self.revisions = entries, states, revisions

    @classmethod
    def of(cls, data_dir: Path) -> Record:
        with sqlite3.connect(f"file:{data_dir / 'ledger.db'}?mode=ro", uri=True) as db:
            db.row_factory = sqlite3.Row
            db.execute("begin")  # both tables at one moment: the hall's timers may still write
            entries = [
                dict(row) | {"data": json.loads(row["data"])} for row in db.execute("select * from entries order by seq")
            ]
            kept = db.execute("select subject, state, revision from streams").fetchall()
        states = {row["subject"]: json.loads(row["state"]) for row in kept if row["state"] is not None}
        return cls(entries, states, {row["subject"]: row["revision"] for row in kept})

    def files(self) -> dict[str, dict[str, Any]]:
        return {name: state for name, state in self.states.items() if name.startswith("file/")}

    def crews(self) -> dict[str, dict[str, Any]]:
        return {name: state for name, state in self.states.items() if name.startswith("crew/")}

    def acts(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """(command id, its lines) of all that happened to files and crews, in order."""
        kept = [e for e in self.entries if e["subject"].partition("/")[0] in ("file", "crew")]
        return [(command, list(lines)) for command, lines in groupby(kept, lambda e: e["command"])]


def nothing_lost_nothing_made_up(record: Record, asked: list[Asked]) -> None:
    """Every acknowledged command is in the ledger once, with the lines it was told; every refused one is not."""
    assert [e["seq"] for e in record.entries] == list(range(1, len(record.entries) + 1))
    newest: Counter[str] = Counter()
    written: dict[str, list[int]] = {}
    for entry in record.entries:
        newest[entry["subject"]] += 1
        assert entry["revision"] == newest[entry["subject"]], entry
        if entry["command"]:
            written.setdefault(entry["command"], []).append(entry["seq"])
    assert dict(newest) == record.revisions
    for one in asked:
        assert one.status, f"{one} was never answered"
        if one.acknowledged:
            assert written.get(one.id, []) == one.answer["seqs"], one
        else:
            assert one.id not in written, f"refused, and yet written: {one}"
    ids = [command for command, _ in record.acts()]
    assert len(ids) == len(set(ids)), "the lines of a command do not stand together"
    own = {one.id for one in asked}
    strangers = [e for e in record.entries if e["kind"] != "system" and e["command"] not in own and e["command"]]
    assert not strangers, strangers[:3]


def nobody_was_overwritten(record: Record, asked: list[Asked]) -> None:
    """A command that names a revision was written right after it: nobody's change lies between."""
    first = {}
    for entry in record.entries:
        first.setdefault((entry["command"], entry["subject"]), entry["revision"])
    for one in asked:
        if one.acknowledged and one.answer["seqs"] and one.revision is not None and one.move not in _WITHOUT_REVISION:
            assert first[one.id, one.subject] == one.revision + 1, one


#: said on top of whatever there is; moves of a crew's task name the task instead
_WITHOUT_REVISION = {"note", "call_back", "attach", "urge", "reply_urge", "ask_takeover"}


def no_crew_twice(record: Record) -> None:
    """By the crews' own lines alone: nobody is sent out before he came back; and crews and cases tell the same at the end."""
    on: dict[str, str] = {}
    for entry in record.entries:
        if not entry["subject"].startswith("crew/"):
            continue
        name = entry["subject"]
        if entry["move"] == "assigned":
            assert name not in on, f"{name} was sent to {entry['data']['subject']} while on {on[name]}"
            on[name] = entry["data"]["subject"]
        elif entry["move"] in ("released", "clear", "decline", "out_of_service"):
            on.pop(name, None)
    by_crew = {(name, a["subject"]) for name, crew in record.crews().items() for a in crew.get("assignments", [])}
    assert by_crew == {(name, subject) for name, subject in on.items()}
    by_case = {
        (f"crew/{work['crew']}", name)
        for name, file in record.files().items()
        for work in file.get("crews", [])
        if work["state"] != "clear"
    }
    assert by_case == by_crew
    assert not [
        name for name, file in record.files().items() if file.get("ended") and any((c, name) in by_case for c, _ in by_case)
    ]


def judged(record: Record, asked: list[Asked]) -> Model:
    """The model after everything that was acknowledged."""
    model, by_id = Model(), {one.id: one for one in asked}
    for command, lines in record.acts():
        one = by_id.get(command)
        if one is None or one.move == "open":
            model.system(lines)
        else:
            model.command(one, lines)
    return model


def as_the_model_says(record: Record, model: Model) -> None:
    """Every case and every crew stands where the model has it."""
    files = record.files()
    assert files.keys() == model.cases.keys()
    for name, file in files.items():
        case = model.cases[name]
        told = {
            "state": file.get("state", "reported"), "owner": file.get("owner", ""), "unit": file.get("unit", "") if case.moved else "",
            "crews": {work["crew"] for work in file.get("crews", []) if work["state"] != "clear"},
            "merged_into": file.get("merged_into", ""), "absorbed": file.get("absorbed", []), "parent": file.get("parent", ""),
            "open_children": set(file.get("open_children", [])), "returns": file.get("returns", 0),
            "reworks": file.get("reworks", 0), "barred": set(file.get("barred", [])), "moved": file.get("moved", False),
            "postponed": (file.get("clock") or {}).get("postponed", 0), "ended": file.get("ended", False),
        }  # fmt: skip
        expected = {key: getattr(case, key) for key in told if key != "ended"} | {"ended": case.state in ENDED}
        expected["unit"] = case.unit if case.moved else ""
        assert told == expected, f"{name}: {[(k, told[k], expected[k]) for k in told if told[k] != expected[k]]}"
    for name, crew in record.crews().items():
        known = model.crews[name.partition("/")[2]]
        on = [a["subject"] for a in crew.get("assignments", [])]
        assert (on, crew.get("state") == "out_of_service") == ([known.case] if known.case else [], known.out), name


async def screens_tell_the_same(seat: Seat, record: Record, seconds: float = 10.0) -> None:
    """Within a moment the stream shows every open file and every crew at the ledger's revision, with its state and owner."""
    wanted = {name: record.revisions[name] for name, file in record.files().items() if not file.get("ended")}
    wanted |= {name: record.revisions[name] for name in record.crews()}

    def behind() -> list[str]:
        shown = {**seat.present("file"), **seat.present("crew")}
        return [name for name, revision in wanted.items() if shown.get(name, {}).get("revision") != revision]

    await seat.until(lambda: not behind(), seconds, "the screen shows the newest revision of everything")
    shown, files = {**seat.present("file"), **seat.present("crew")}, record.files()
    for name in shown:
        assert name in record.states, f"{name} is shown and nowhere kept"
    for name, file in files.items():
        if document := shown.get(name):
            for key, default in (("state", "reported"), ("owner", ""), ("unit", ""), ("revision", 0)):
                assert document.get(key, default) == file.get(key, default), (name, key)


async def the_list_tells_the_same(seat: Seat, record: Record, seconds: float = 10.0) -> None:
    """The case list shows every file with the state, unit and owner that the hall decided."""
    moved = {"case/" + n.partition("/")[2]: f for n, f in record.files().items() if f.get("moved")}

    async def wrong() -> list[tuple]:
        found: dict[str, dict] = {}
        for offset in range(0, 1_000_000, 500):
            page = await seat.get(f"/api/v1/cases?limit=500&offset={offset}&sort=time desc")
            assert page is not None
            found |= {row["subject"]: row for row in page["rows"]}
            if len(page["rows"]) < 500 or moved.keys() <= found.keys():
                break
        keys = (("state", "reported"), ("unit", ""), ("owner", ""))
        return [
            (name, key, found.get(name, {}).get(key, default), file.get(key, default))
            for name, file in moved.items()
            for key, default in keys
            if name not in found or found[name].get(key, default) != file.get(key, default)
        ]

    for _ in range(int(seconds / 0.25)):
        if not (differ := await wrong()):
            return
        await asyncio.sleep(0.25)  # the list has no stream to wait for: it is asked again
    raise AssertionError(f"the list tells otherwise: {differ[:5]} ({len(differ)})")


def the_chain_holds(hall_env: dict[str, str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "hall.cli", "audit", "verify"], cwd=ROOT, env=hall_env, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr

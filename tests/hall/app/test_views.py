"""Watching: tickets, reasons, refusals, and the record of them. Oracle: the rule in words (`mine`), the ticket read as the relay does."""

from __future__ import annotations

import asyncio
import csv
import io
import signal
import sqlite3

import pytest

from hall import access
from hall.access import Identity
from hall.app.reasons import required, sort_of
from hall.app.stills import Stills
from hall.app.visit import Visit
from hall.core import secrets, tickets
from hall.core.board import Board
from hall.core.clock import real_ms
from hall.core.config import parse
from hall.core.errors import ConfigError, Refused
from hall.core.model import subject_of
from hall.roles import ROLES
from tests.hall.app.channelled import cameras, mine, running
from video.relay.sessions import ended

ALL = [subject_of(channel) for channel in cameras()]


@pytest.fixture(scope="module")
def video_hall(valkey, tmp_path_factory):
    yield from running(tmp_path_factory.mktemp("pictures"), valkey)


async def opened(client, channels=None, **more):
    return await client.post("/api/v1/video/views", json={"channels": channels or ALL[:3], **more})


def read(hall, text) -> tickets.Ticket:
    return tickets.read(secrets.load(hall.home / "var"), text, real_ms())


def lines(hall, view):
    """What the ledger's file itself holds, read by nothing of the hall."""
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("select * from views where view = ?", (view,))]
        notes = [
            row["data"] for row in db.execute("select data from entries where subject = 'audit/watch'") if view in row["data"]
        ]
    return rows, notes


async def test_a_ticket_holds_what_the_relay_must_know_and_its_line_is_on_the_disk_before(video_hall):
    async with await video_hall.client("operator", "li.ming") as client:
        client.headers["x-hall-desk"] = "seat-7"
        answer = await opened(client, why="case/desk/20260722-000001", kind="live")
        found, secret = answer.json(), client.cookies[access.COOKIE]
    rows, notes = lines(video_hall, found["view"])  # at once: nothing may be written after the answer
    ticket = read(video_hall, found["ticket"])
    assert answer.status_code == 201 and found["granted"] == ALL[:3] and found["refused"] == []
    assert (ticket.person, ticket.role, ticket.desk, ticket.channels) == ("li.ming", "operator", "seat-7", tuple(ALL[:3]))
    assert ticket.view == found["view"] and ticket.why == "case/desk/20260722-000001"
    assert 3_590_000 < ticket.until - real_ms() <= 3_600_000 and ticket.until == found["until"]
    assert ticket.session == f"session:{access.digest(secret)}" and found["stream_port"] == video_hall.port + 2
    assert {row["channel"] for row in rows} == set(ALL[:3]) and len(notes) == 1
    named = {subject_of(c): (c.name, c.district, c.owner) for c in cameras()}
    for row in rows:
        assert (row["who"], row["reason"], row["until"]) == ("li.ming", "case", ticket.until)
        assert (row["name"], row["district"], row["owner"]) == named[row["channel"]]


async def test_a_ticket_that_was_tampered_with_or_is_too_old_is_worth_nothing(video_hall):
    async with await video_hall.client("supervisor") as client:
        text = (await opened(client)).json()["ticket"]
    key = secrets.load(video_hall.home / "var")
    for wrong in (text[:-2] + "AA", "x" + text, text.replace(".", ""), ""):
        with pytest.raises(Exception, match="ticket-bad"):
            tickets.read(key, wrong, real_ms())
    with pytest.raises(Exception, match="ticket-expired"):
        tickets.read(key, text, real_ms() + 3_700_000)


WHO = [
    ("operator", (), ""), ("operator", ("红旗区",), ""), ("supervisor", ("卫滨区",), ""), ("department", (), "排水处"),
    ("department", ("红旗区",), "公安局"), ("department", (), ""), ("viewer", ("没有这个区",), ""), ("wall", (), ""),
]  # fmt: skip


@pytest.mark.parametrize("role,districts,unit", WHO)
async def test_only_channels_that_are_ones_own_are_granted_and_each_other_is_refused_by_name(video_hall, role, districts, unit):
    expected = mine(role, districts, unit)
    async with await video_hall.client(role, f"v-{role}-{unit}-{len(districts)}", districts=districts, unit=unit) as client:
        answer = await opened(client, [*ALL, "channel/cams/none", "case/x/1"], why="patrol")
        found = answer.json()
    if not expected:
        assert answer.status_code in (403, 404) and "ticket" not in found
        return
    assert set(found["granted"]) == expected == set(read(video_hall, found["ticket"]).channels)
    refused = {row["channel"]: row["reason"] for row in found["refused"]}
    assert set(refused) == {*ALL, "channel/cams/none", "case/x/1"} - expected
    assert refused["channel/cams/none"] == refused["case/x/1"] == "unknown-channel"
    assert set(refused.values()) <= {"unknown-channel", "wrong-district", "not-your-unit"}
    assert {row["channel"] for row in lines(video_hall, found["view"])[0]} == expected, (
        "who saw nothing leaves no line of seeing"
    )


REASONS = [
    ("operator", "", None), ("department", " ", None), ("viewer", "", None), ("operator", "??", None), ("operator", "!", None),
    ("operator", "alarm/water/J1", "alarm"), ("operator", "patrol", "patrol"), ("operator", "round/rain", "patrol"),
    ("operator", "wall", "wall"), ("operator", "看一下桥下积水", "text"), ("supervisor", "", "none"), ("leader", "", "none"),
    ("admin", "", "none"), ("wall", "", "wall"), ("inspector", "file/desk/1", "case"),
]  # fmt: skip


ASKED = Identity("x", "operator")
ROUNDS = ["round/", "round/a b", "round/" + "x" * 65]


@pytest.mark.parametrize(
    "why", ["case/desk", "case/ /1", "file/x", "alarm/", *ROUNDS, "wall:a b", "看" * 201, "a\x07bc", "abc\u202e", "file//1"]
)
async def test_a_reason_that_nobody_can_look_up_later_is_refused_and_says_how_it_is_written(why):
    for needed in ((), ("operator",)):
        with pytest.raises(Refused) as error:
            sort_of(why, ASKED, needed)
        assert error.value.reason == "why-malformed" and error.value.status == 422 and error.value.detail


@pytest.mark.parametrize("why", ["alarm/t/<b>\"a' b</b>", "case/t/" + "号" * 300, "file/t/1 2"])
async def test_a_suppliers_own_words_in_an_id_are_no_fault_of_who_watches(why):
    assert sort_of(why, ASKED, ("operator",))[1] == why


@pytest.mark.parametrize(
    "why", ["patrolling the river", "wallpaper", "map 35.30000, 113.90000", "看" * 200, "walls of the dam"]
)
async def test_words_that_begin_like_a_kind_are_words(why):
    assert sort_of(why, ASKED, ("operator",)) == ("text", why)


async def test_who_has_to_say_why_is_written_in_the_citys_file():
    head = '[city]\nname={en="T"}\ncentre=[113.92,35.3]\n'
    assert {role for role in ROLES if role in required(parse(head))} == set(ROLES) - {
        "supervisor",
        "leader",
        "admin",
        "wall",
        "crew",
    }
    strict = required(parse(head + '[video]\nwhy_required=["admin"]\n'))
    assert sort_of("", ASKED, strict) == ("none", "")
    with pytest.raises(Refused, match="why-missing|say why"):
        sort_of("", Identity("x", "admin"), strict)
    with pytest.raises(ConfigError, match="video.why_required"):
        required(parse(head + '[video]\nwhy_required=["boss"]\n'))


async def test_stills_are_one_line_by_place_and_none_again_for_ten_minutes(monkeypatch):
    told, now = [], [1000.0]

    async def write(visit, channels):
        told.append((visit.identity.name, visit.page, list(channels)))

    monkeypatch.setattr("hall.app.stills.monotonic", lambda: now[0])
    stills = Stills(write)
    li, wang = (Visit(identity=Identity(name, "operator"), page="/wall/video", address="::1") for name in ("li", "wang"))
    for visit, channel in ((li, "a"), (li, "b"), (wang, "a"), (li, "a")):
        stills.take(visit, channel)
    await stills.close()
    assert told == [("li", "/wall/video", ["a", "b"]), ("wang", "/wall/video", ["a"])]
    now[0] += 599
    stills.take(li, "a")
    now[0] += 1
    stills.take(li, "b")
    await stills.close()
    assert told[2:] == [("li", "/wall/video", ["b"])]
    for number in range(450):
        stills.take(wang, str(number))
    await stills.close()
    assert sorted(len(channels) for _, _, channels in told[3:]) == [50, 200, 200]


@pytest.mark.parametrize("role,why,sort", REASONS)
async def test_who_must_say_why_says_it_and_it_is_sorted(video_hall, role, why, sort):
    async with await video_hall.client(role, f"why-{role}", unit="排水处") as client:
        answer = await opened(client, [ALL[0], ALL[9]], why=why)
    if sort is None:
        assert answer.status_code == 422 and answer.json()["reason"] == "why-missing"
    else:
        row = lines(video_hall, answer.json()["view"])[0][0]
        assert row["reason"] == sort and row["why"] == (why or (f"wall:why-{role}" if role == "wall" else ""))


async def test_a_paired_wall_watches_with_its_own_token_behind_it(video_hall):
    bus = video_hall.bus()
    token = await access.pair_wall(bus, "east", "admin")
    await bus.close()
    async with await video_hall.client() as client:
        client.cookies.set(access.COOKIE, token)
        assert (await opened(client)).status_code == 403, "a page of another site could have sent this"
        foreign = await client.post("/api/v1/video/views", json={"channels": ALL}, headers={"origin": "http://evil.example"})
        assert foreign.status_code == 403
        client.headers["origin"] = video_hall.url
        answer = await opened(client)
    ticket = read(video_hall, answer.json()["ticket"])
    assert (ticket.person, ticket.role, ticket.session) == ("wall:east", "wall", f"wall-token:{access.digest(token)}")


async def test_what_a_machine_client_watches_ends_with_its_token(video_hall):
    bus = video_hall.bus()
    token = await access.make_token(bus, "city-player", "viewer", "", ("红旗区",), "admin")
    async with await video_hall.client() as client:
        client.headers["authorization"] = f"Bearer {token}"
        found = (await opened(client, ALL, why="shown in the museum")).json()
    ticket = read(video_hall, found["ticket"])
    assert ticket.person == "token:city-player" and set(ticket.channels) == mine("viewer", ("红旗区",), "")
    assert await ended(bus, [ticket.session]) == set()
    await access.revoke_token(bus, access.digest(token))
    assert await ended(bus, [ticket.session]) == {ticket.session}, "as the relay asks"
    await bus.close()


async def test_too_many_channels_or_none_are_refused(video_hall):
    async with await video_hall.client("supervisor") as client:
        for channels in ([], [f"channel/cams/{n}" for n in range(129)], ["x" * 421], "channel"):
            answer = await client.post("/api/v1/video/views", json={"channels": channels})
            assert answer.status_code == 422, answer.text
        assert (await client.post("/api/v1/video/views", json={"channels": ALL, "kind": "Live!"})).status_code == 422


async def test_one_person_cannot_fill_the_record(video_hall):
    async with await video_hall.client("operator", "fast.hand") as client:
        said = await asyncio.gather(*(opened(client) for _ in range(200)))  # without a reason: nothing is written
    assert {answer.status_code for answer in said} == {422, 429}


async def test_the_record_answers_who_watched_what_within_the_askers_districts(video_hall):
    async with await video_hall.client("operator", "he.zi") as client:
        told = [(await opened(client, ALL, why=f"看第{n}次")).json()["view"] for n in range(2)]
    async with (
        await video_hall.client("supervisor") as all_of_it,
        await video_hall.client("supervisor", "east", districts=("红旗区",)) as east,
    ):
        rows, cursor = [], ""
        while cursor is not None:
            page = (await all_of_it.get("/api/v1/video/audit", params={"person": "he.zi", "limit": 7, "cursor": cursor})).json()
            rows, cursor = rows + page["rows"], page["cursor"]
        bounded = (await east.get("/api/v1/video/audit?person=he.zi&limit=500")).json()["rows"]
        one = (await all_of_it.get("/api/v1/video/audit", params={"channel": ALL[0], "why": "第1次"})).json()["rows"]
    assert [(row["view"], row["channel"]) for row in rows] == [
        (view, channel) for view in reversed(told) for channel in sorted(ALL, reverse=True)
    ]
    assert {row["district"] for row in bounded} == {"红旗区", ""} and len(bounded) == 2 * 12
    assert [row["view"] for row in one] == [told[1]]


async def test_the_record_as_a_table_opens_in_a_spreadsheet_and_runs_no_formula(video_hall):
    async with await video_hall.client("operator", "=cmd|calc") as client:
        await opened(client, [ALL[0]], why="=1+1 formula")
    async with await video_hall.client("supervisor", "sun") as client:
        answer = await client.get("/api/v1/video/audit.csv", params={"channel": ALL[0], "why": "formula"})
        assert answer.content.startswith(b"\xef\xbb\xbf") and "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 1 and rows[0]["who"] == "'=cmd|calc" and rows[0]["why"] == "'=1+1 formula"
    assert rows[0]["opened"].endswith("+08:00")


async def test_while_the_video_process_hangs_views_are_granted_by_what_the_bus_knows(video_hall):
    """The checkpoint that a gate writes stands in, and binds as much."""
    bus, board = video_hall.bus(), Board(logs=())
    position = await bus.load_board(board)
    await bus.save_checkpoint(list(board.entries()), position)
    await bus.close()
    video = video_hall.children["video"]
    video.send_signal(signal.SIGSTOP)
    try:
        async with await video_hall.client("operator", "li", districts=("红旗区",)) as client:
            assert (await client.get("/api/v1/channels")).json()["reason"] == "video-down"
            found = (await opened(client, [*ALL, "channel/cams/none"], why="patrol")).json()
    finally:
        video.send_signal(signal.SIGCONT)
    assert set(found["granted"]) == mine("operator", ("红旗区",), "")
    assert {row["reason"] for row in found["refused"]} == {"wrong-district", "unknown-channel"}


async def test_a_record_that_cannot_be_written_means_no_ticket(video_hall):
    with sqlite3.connect(f"{video_hall.home}/var/ledger.db") as db:
        db.execute("alter table views rename to views_away")
    try:
        async with await video_hall.client("supervisor", "zhao") as client:
            answer = await opened(client)
        assert answer.status_code == 507 and answer.json()["reason"] == "not-stored" and "ticket" not in answer.text
    finally:
        with sqlite3.connect(f"{video_hall.home}/var/ledger.db") as db:
            db.execute("alter table views_away rename to views")
    async with await video_hall.client("supervisor", "zhao") as client:
        assert (await opened(client)).status_code == 201


async def test_many_at_once_each_get_a_view_of_their_own(video_hall):
    async with await video_hall.client("leader", "many") as client:
        answers = await asyncio.gather(*(opened(client, ALL) for _ in range(30)))
    views = {answer.json()["view"] for answer in answers}
    assert len(views) == 30 and all(len(lines(video_hall, view)[0]) == len(ALL) for view in list(views)[:5])

"""The dispatch process' share, on a real ledger: warnings shown and taken away, people told once, time running out; a signature."""

from __future__ import annotations

import datetime
import json

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from dispatch.bulletins import Bulletins
from dispatch.bulletins.part import BulletinPart
from dispatch.bulletins.signing import Signer
from dispatch.reader import Head
from dispatch.webhooks.settings import Hook
from feeds.formats.cap import rows
from hall.core.board import Board
from hall.core.errors import BadInput
from hall.core.event import Event, encode, envelope
from tests.dispatch.bulletins.test_messages import FEED, READER
from tests.dispatch.bulletins.world import CHEN, HALL, HOUR, LI, MINUTE, START, WANG, WATER, World, rules
from tests.dispatch.ledgerdesk import Town

TV = Hook(name="tv", url="https://tv.example", secret="x" * 16, audiences=["public"])


class Nudged:
    async def nudge(self):
        pass


class Screens:
    """What a screen shows of what was put on the bus, in whatever order it came."""

    def __init__(self):
        self.board, self.told, self._at = Board(log_bound=1), [], 0

    def put(self, event):
        self._at += 1
        self.told.append(event)
        raw = encode(event)
        self.board.apply("fast", (self._at, 0), raw, envelope(raw))

    @property
    def warnings(self):
        return {json.loads(entry.raw)["subject"]: json.loads(entry.raw)["data"] for entry in self.board.current(["warning"])}


class Running(Town):
    """A dispatch process over a ledger file; `next()` lets its part work in what is new."""

    def __init__(self, home):
        super().__init__(home, Nudged(), more=(Bulletins(rules()),))
        self.process.set(START)
        self.process.name, self.screens = "dispatch", Screens()
        self.process.fast = self.process.bulk = self.screens
        self.process.event = self._event
        self.part, self.seen = BulletinPart(self.process, self.desk, rules(), [TV]), 0

    def _event(self, subject, data, time):
        number = len(self.screens.told)
        return Event(id=f"e{number}", source="dispatch", subject=subject, time=time, recordedtime=time, data=data)

    async def next(self):
        entries = await self.desk.entries(self.seen, 1000)
        if entries:
            self.seen = entries[-1].seq
            await self.part.take(entries)
        await self.part.tidy()

    async def issue(self, name="one", **data):
        subject = f"bulletin/{name}"
        if await self.desk.state(subject) is None:
            await self.do(subject, "draft", WANG, "", **{**WATER, **data})
        await self.do(subject, "submit", WANG)
        for actor in (LI, CHEN):
            state = await self.desk.state(subject)
            await self.do(subject, "approve", actor, "", digest=state.message.digest)
        await self.next()
        return await self.desk.state(subject)

    async def notices(self):
        return await self.desk.states("notice")


@pytest.fixture
def running(tmp_path):
    made = Running(tmp_path)
    yield made
    made.close()


async def test_an_issued_warning_is_on_the_screens_until_it_is_cancelled(running):
    state = await running.issue()
    shown = running.screens.warnings[f"warning/hall/{state.message.identifier}"]
    assert (shown["headline"]["zh-CN"], shown["severity"], shown["extra"]["bulletin"]) == ("部分路段积水", 3, "bulletin/one")
    running.process.set(START + 10 * MINUTE)
    await running.do("bulletin/one", "cancel", WANG, "水已退")
    await running.issue("one-cancel1")
    assert running.screens.warnings == {}
    entries = [entry for entry in await running.desk.history("bulletin/one-cancel1")]
    assert [entry.move for entry in entries] == ["draft", "submit", "approve", "approve", "issue"]


async def test_an_update_takes_the_old_one_s_place_and_lines_told_again_change_nothing(running):
    first = await running.issue()
    running.process.set(START + MINUTE)
    await running.do("bulletin/one", "update", WANG)
    second = await running.issue("one-update1")
    assert (
        set(running.screens.warnings)
        == {f"warning/hall/{second.message.identifier}"}
        != {f"warning/hall/{first.message.identifier}"}
    )
    before = running.screens.warnings, await running.notices()
    running.seen = 0
    await running.next()
    await running.part.start()
    assert (running.screens.warnings, await running.notices()) == before


async def test_a_process_that_starts_over_an_empty_bus_shows_what_is_in_force(running):
    state = await running.issue()
    running.screens.board = Board(log_bound=1)
    await running.part.start()
    assert set(running.screens.warnings) == {f"warning/hall/{state.message.identifier}"}


async def test_what_expires_leaves_the_screens_and_later_the_consoles(running):
    state = await running.issue(expires_minutes=30)
    running.process.set(START + 29 * MINUTE)
    await running.next()
    assert running.screens.warnings and (await running.desk.state("bulletin/one")).state == "issued"
    running.process.set(state.message.expires)
    await running.next()
    await running.next()
    assert running.screens.warnings == {} and (await running.desk.state("bulletin/one")).state == "expired"
    running.process.set(state.message.expires + 12 * HOUR)
    await running.next()
    assert (await running.desk.state("bulletin/one")).ended


async def test_each_addressee_has_one_notice_which_is_the_ledger_of_its_delivery(running):
    await running.issue(audience=["public", "units", "police"])
    told = {tuple(notice.to.items())[0]: notice for notice in (await running.notices()).values()}
    assert set(told) == {("role", "department"), ("unit", "交警"), ("unit", "tv")}
    assert {notice.about for notice in told.values()} == {"bulletin/one"}
    assert {notice.values["headline"] for notice in told.values()} == {"部分路段积水"}
    assert told["unit", "交警"].values["text"] == "部分路段积水。下穿通道积水。请绕行。"  # as it was approved


async def test_of_an_exercise_outsiders_get_no_notice_and_others_a_marked_one(running):
    await running.issue(exercise=True)
    (notice,) = (await running.notices()).values()
    assert notice.to == {"role": "department"} and notice.values["headline"].startswith("【演练】")
    (shown,) = running.screens.warnings.values()
    assert shown["status"] == "Exercise"


async def test_a_suppliers_warning_leaves_the_board_a_day_after_it_expired(running):
    def heard(name, expires, time=START):
        data = msgspec.Raw(msgspec.json.encode({"feed": "dwd", "warning_id": name, "expires": expires}))
        running.part.hear(Head(f"{name}", "feeds", f"warning/dwd/{name}", time, time, data))

    for name, expires in (("old", START - 25 * HOUR), ("new", START - 23 * HOUR), ("open", None)):
        heard(name, expires, START - 30 * HOUR)
    await running.next()
    assert [(event.subject, event.data) for event in running.screens.told] == [("warning/dwd/old", None)]
    assert running.screens.told[0].time > START - 30 * HOUR  # newer than what it takes away
    running.part.hear(Head("x", "feeds", "warning/dwd/new", START, START))  # its supplier took it back himself
    running.process.set(START + 48 * HOUR)
    await running.next()
    assert len(running.screens.told) == 1


# -- signature ---------------------------------------------------------------------------------------------------------------


def _pair(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "新乡市指挥中心")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - datetime.timedelta(1), now + datetime.timedelta(1))
    made = made.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return pem, made.public_bytes(serialization.Encoding.PEM)


def test_a_signed_message_is_valid_for_who_trusts_the_city_and_one_changed_letter_breaks_it(tmp_path):
    key, certificate = _pair(ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "city.pem").write_bytes(certificate)
    xml = World().issued().message.xml
    signed = Signer(key, certificate).signed(xml)
    office = msgspec.structs.replace(FEED, options={"signature": "require", "certificates": str(tmp_path / "city.pem")})
    there = msgspec.structs.replace(READER, feeds=[office], file=str(tmp_path / "hall.toml"))
    (row,) = rows(signed, office, there)
    assert row.doc.extra["signature"] == {"state": "valid", "by": "CN=新乡市指挥中心"}
    with pytest.raises(BadInput, match="cap-signature:"):
        list(rows(signed.replace("绕行".encode(), "直行".encode()), office, there))
    assert Signer().signed(xml) == xml.encode()


def test_a_key_that_receivers_could_not_check_is_refused():
    with pytest.raises(ValueError, match="elliptic curve"):
        Signer(*_pair(ed25519.Ed25519PrivateKey.generate()))
    ours, theirs = (_pair(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    with pytest.raises(ValueError, match="not that of the key"):
        Signer(ours[0], theirs[1])


def test_the_hall_itself_drafts_through_its_own_table_too():
    world = World()
    data = {
        "kind": "message",
        "severity": 3,
        "audience": ["police"],
        "headline": {"zh-CN": "封控"},
        "text": {"zh-CN": "断路"},
        "cause": "closure/1",
    }
    assert world.do(HALL, "draft", "closure-1", **data).drafted_by == "system"
    assert world.do(HALL, "withdraw", "closure-1").ended

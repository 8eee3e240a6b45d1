"""Webhooks: what a department's system gets, however it behaves, and whatever dies in between."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from dispatch.bulletins import Bulletins
from dispatch.notices import Notice
from dispatch.notifier import Notifier
from dispatch.webhooks.caller import Caller, Failure, allowed
from dispatch.webhooks.deliverer import Deliverer
from dispatch.webhooks.message import signature
from dispatch.webhooks.settings import Hook, hooks_of
from dispatch.webhooks.store import DeliveryStore
from hall.core.command import Actor
from hall.core.errors import ConfigError
from tests.dispatch.bulletins.world import CHEN, LI, START, WANG, WATER
from tests.dispatch.bulletins.world import rules as bulletin_rules
from tests.dispatch.ledgerdesk import DISPATCHER, OPERATOR, SUPERVISOR, SYSTEM, UNIT, Town
from tests.dispatch.webhooks.receiver import Receiver
from tests.prefork import Child, prefork
from tests.running import free_port_pair
from tests.tasks import ended

ROOT = Path(__file__).parent.parent.parent.parent
SECRET = "a-secret-of-enough-characters"
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
async def town(tmp_path, bus):
    made = Town(tmp_path, bus)
    yield made
    made.close()


@pytest.fixture
async def receiver():
    async with Receiver() as made:
        yield made


def hook_for(receiver: Receiver, **more) -> Hook:
    quick = {"first_wait_seconds": 0.02, "longest_wait_seconds": 0.05, "timeout_seconds": 5.0}
    return Hook(**{"name": "drain", "url": receiver.url, "secret": SECRET, "allow": ["127.0.0.0/8"], **quick, **more})


@contextlib.asynccontextmanager
async def delivering(town: Town, *hooks: Hook):
    """A running deliverer; hooks begin at the ledger's present end."""
    made = Deliverer(town.process, town.desk, town.ledger, list(hooks))
    for hook in hooks:
        made.store.cursor(hook.name, town.ledger.head()[0])
    task = asyncio.create_task(made.run())
    yield made
    await ended(task)
    with contextlib.suppress(asyncio.CancelledError):
        task.result()


async def until(condition, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def genuine(call: dict, key: bytes = SECRET.encode()) -> bool:
    """The receiver's own check, written from the specification."""
    headers = call["headers"]
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + call["body"]
    return headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, text, "sha256").digest()).decode()


def test_the_signature_is_that_of_the_specifications_example():
    hook = Hook(name="a", url="http://a", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(hook.key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_dispatch_arrives_signed_with_what_is_needed_to_go_there_and_no_more(town, receiver):
    async with delivering(town, hook_for(receiver)):
        subject = await town.dispatched("1", description="积水", extra={"phone": "13803731234"})
        call = (await receiver.wait_for(1))[0]
    event = call["event"]
    assert genuine(call) and not genuine({**call, "body": call["body"] + b" "}) and call["path"] == "/tasks?from=hall"
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", "org.command-hall.case.dispatch", subject)
    assert call["headers"]["webhook-id"] == event["id"]
    assert event["data"]["case"]["address"] == "新中大道 12 号" and event["data"]["unit"] == "排水所"
    assert event["data"]["answer"] == "/api/v1/cases/t/1/commands" and event["data"]["clock"]["due"].endswith("Z")
    assert b"13803731234" not in call["body"]
    assert event["data"]["revision"] == [e.revision for e in town.ledger.history(subject) if e.move == "dispatch"][0]


async def exercised(town: Town, name: str) -> str:
    """A case of an exercise in the hands of 排水所, as a task of an exercise makes it."""
    report = {"feed": "desk", "case_id": name, "subclass_name": "道路积水", "extra": {"exercise": True}, "district": "红旗区"}
    await town.do(f"file/desk/{name}", "open", SYSTEM, case=report)
    await town.do(f"file/desk/{name}", "accept", OPERATOR)
    await town.do(f"file/desk/{name}", "register", OPERATOR)
    await town.do(f"file/desk/{name}", "dispatch", DISPATCHER, unit="排水所")
    return f"file/desk/{name}"


async def test_an_issued_bulletin_is_posted_with_its_cap_to_who_carries_its_audience(tmp_path, bus, receiver):
    town = Town(tmp_path, bus, more=(Bulletins(bulletin_rules()),))
    town.process.set(START)
    people = ((WANG, "draft", WATER), (WANG, "submit", {}), (LI, "approve", None), (CHEN, "approve", None))
    async with delivering(town, hook_for(receiver, audiences=["media", "public"])):
        for name, exercise in (("drill", True), ("flood", False)):
            for actor, move, data in people:
                state = await town.desk.state(f"bulletin/{name}")
                given = {"digest": state.message.digest} if data is None else data
                await town.do(
                    f"bulletin/{name}", move, actor, "", **given, **({"exercise": exercise} if move == "draft" else {})
                )
        (call,) = await receiver.wait_for(1)
    sent = (await town.desk.state("bulletin/flood")).message
    assert genuine(call) and call["event"]["type"] == "org.command-hall.bulletin.issue"
    assert (
        call["event"]["data"]["cap"] == sent.xml and call["event"]["data"]["status"] == "Actual"
    )  # the exercise stayed in the house
    assert {text["audience"] for text in call["event"]["data"]["texts"]} == {"public"}
    town.close()


async def test_what_belongs_to_an_exercise_is_held_back_and_counted(town, receiver):
    async with delivering(town, hook_for(receiver)) as deliverer:
        await exercised(town, "exercise-1")
        await town.dispatched("real")  # later in the ledger: when it has come, the exercise was passed over
        await receiver.wait_for(1)
        held = deliverer.process.counters["webhooks_held"]
    assert [call["event"]["subject"] for call in receiver.calls] == ["file/t/real"] and held == 1


async def test_who_takes_part_in_exercises_gets_them_marked_and_in_parts_too(town, receiver):
    async with delivering(town, hook_for(receiver, exercise=True)):
        await exercised(town, "exercise-1")
        await town.do("file/desk/exercise-1", "split", SUPERVISOR, tasks=[{"unit": "排水所", "text": "抽水"}])
        call = (await receiver.wait_for(1))[0]
    assert call["event"]["data"]["exercise"] is True
    part = await town.desk.state("file/desk/desk.exercise-1-1")
    assert part.report["extra"] == {"exercise": True}


async def test_a_failing_receiver_gets_it_again_under_the_same_id_and_in_order_per_case(town, receiver):
    receiver.plan = [500, "drop", 503]
    async with delivering(town, hook_for(receiver, at_once=1)) as deliverer:
        first = await town.dispatched("1")
        await town.do(first, "urge", SUPERVISOR, "快")
        await until(lambda: deliverer.store.counts().get("drain", {}).get("sent") == 2)
    got = [(call["event"]["type"].rsplit(".", 1)[1], call["headers"]["webhook-id"]) for call in receiver.calls]
    assert [move for move, _ in got] == ["dispatch"] * 4 + ["urge"]
    assert len({name for move, name in got if move == "dispatch"}) == 1
    assert len({call["body"] for call in receiver.calls[:4]}) == 1


async def test_one_case_that_hangs_holds_up_neither_other_cases_nor_other_receivers(town, receiver):
    receiver.plan = ["hang"]
    async with Receiver() as other:
        hooks = hook_for(receiver, at_once=2), hook_for(other, name="other")
        async with delivering(town, *hooks):
            for name in "123":
                await town.dispatched(name)
            await receiver.wait_for(3)
            await other.wait_for(3)
    assert sorted(call["event"]["subject"] for call in receiver.calls) == ["file/t/1", "file/t/2", "file/t/3"]
    assert [call["got"] for call in receiver.calls].count("hang") == 1


async def test_a_receiver_that_never_answers_is_cut_off_and_asked_again(town, receiver):
    receiver.plan = ["hang"]
    async with delivering(town, hook_for(receiver, timeout_seconds=0.2)) as deliverer:
        await town.dispatched("1")
        await receiver.wait_for(2)
        await until(lambda: deliverer.store.counts()["drain"].get("sent") == 1)


async def test_a_slow_receiver_is_never_called_more_than_its_bound_at_once(town, receiver):
    receiver.plan = ["hang"] * 12
    async with delivering(town, hook_for(receiver, at_once=3, timeout_seconds=0.3)):
        for number in range(6):
            await town.dispatched(str(number))
        await receiver.wait_for(9)
    assert receiver.most <= 3


async def test_what_is_given_up_is_kept_told_and_can_be_sent_again(town, receiver):
    receiver.plan = [500] * 1000
    hook = hook_for(receiver, give_up_hours=0.5 / 3600)
    notifier = Notifier(town.process, town.desk, town.ledger)
    async with delivering(town, hook) as deliverer:
        subject = await town.dispatched("1")
        await notifier.take(town.ledger.entries(0, 1_000))
        await until(lambda: deliverer.store.counts().get("drain", {}).get("dead") == 1)
        dead = deliverer.store.listed("drain", "dead", 10)[0]
        assert (dead["status"], dead["subject"]) == (500, subject) and dead["attempts"] > 1
        notice: Notice = await town.desk.state(deliverer_notice(town, subject))
        await until(lambda: town.ledger.state(f"notice/{notice.notice_id}").ways["webhook"].failed is not None)
        assert "500" in town.ledger.state(f"notice/{notice.notice_id}").ways["webhook"].reason
        receiver.plan = []
        assert deliverer.store.again(dead["id"], dead["done_at"], 2**53) and not deliverer.store.again("drain-none", 0, 0)
        await until(lambda: deliverer.store.counts()["drain"] == {"sent": 1})
        await until(lambda: town.ledger.state(f"notice/{notice.notice_id}").ways["webhook"].received is not None)
        assert receiver.calls[-1]["headers"]["webhook-id"] == dead["id"]


def deliverer_notice(town: Town, subject: str) -> str:
    found = [
        name for name, notice in town.ledger.states("notice") if notice.about == subject and notice.to == {"unit": "排水所"}
    ]
    assert len(found) == 1
    return found[0]


async def test_a_refusal_for_good_is_not_tried_again_and_the_next_of_the_case_goes(town, receiver):
    receiver.plan = [422]
    async with delivering(town, hook_for(receiver)) as deliverer:
        subject = await town.dispatched("1")
        await town.do(subject, "urge", SUPERVISOR, "快")
        await until(lambda: deliverer.store.counts().get("drain") == {"dead": 1, "sent": 1})
    assert [call["event"]["type"].rsplit(".", 1)[1] for call in receiver.calls] == ["dispatch", "urge"]


async def test_the_receivers_own_wish_to_wait_is_respected(town, receiver):
    receiver.plan = [(429, "retry-after: 3600\r\n")]
    async with delivering(town, hook_for(receiver)) as deliverer:
        await town.dispatched("1")
        await until(lambda: any(row["attempts"] for row in deliverer.store.listed("drain", "waiting", 9)))
        row = deliverer.store.listed("drain", "waiting", 9)[0]
    assert row["next_at"] - row["made"] > 3_500_000 and len(receiver.calls) == 1


async def test_only_tasks_of_its_units_and_nothing_its_own_system_did(town, receiver):
    own = Actor(name="token:drain", role="department", kind="supplier", unit="排水所")
    async with delivering(town, hook_for(receiver, units=["排水所"])) as deliverer:
        subject = await town.dispatched("1")
        await town.do(subject, "return", own, "非本单位职责")
        again = await town.dispatched("2")
        await town.do(again, "return", UNIT, "地址不详")
        await until(lambda: deliverer.store.counts().get("drain", {}).get("sent") == 3)
    told = [(call["event"]["subject"], call["event"]["type"].rsplit(".", 1)[1]) for call in receiver.calls]
    assert sorted(told) == [("file/t/1", "dispatch"), ("file/t/2", "dispatch"), ("file/t/2", "return")]
    assert not any(move for _, move in told if move not in ("dispatch", "return"))


async def test_a_unit_that_is_none_of_its_own_is_not_told(town, receiver):
    async with delivering(town, hook_for(receiver, units=["路灯所"])) as deliverer:
        await town.dispatched("1")
        head = town.ledger.head()[0]
        await until(lambda: deliverer.store.cursor("drain", 0) >= head)
        assert deliverer.store.counts() == {}


async def test_a_new_webhook_begins_now_and_a_restart_makes_nothing_twice(town, receiver):
    await town.dispatched("old")
    async with delivering(town, hook_for(receiver)) as deliverer:
        await town.dispatched("new")
        await until(lambda: deliverer.store.counts().get("drain", {}).get("sent") == 1)
    store = DeliveryStore(town.process.settings.data_dir / "webhooks.db")
    store._db.execute("update cursors set seq = 0")  # as if the cursor had been lost after the deliveries were made
    sent = store.listed("drain", "sent", 10)
    store.close()
    async with delivering(town, hook_for(receiver)) as deliverer:
        await until(
            lambda: deliverer.store.counts()["drain"].get("sent") == 2
        )  # the old one is told now, the new one not again
    assert [call["headers"]["webhook-id"] for call in receiver.calls].count(sent[0]["id"]) == 1


@pytest.mark.parametrize(
    ("address", "allow", "good"),
    [
        ("127.0.0.1", [], False), ("10.1.2.3", [], False), ("192.168.1.1", [], False), ("169.254.169.254", [], False), ("::1", [], False),
        ("fd00::1", [], False), ("::ffff:10.0.0.1", [], False), ("0.0.0.0", [], False), ("224.0.0.1", [], False), ("100.64.0.1", [], False),
        ("8.8.8.8", [], True), ("2606:4700::1111", [], True), ("10.1.2.3", ["10.1.0.0/16"], True), ("10.2.2.3", ["10.1.0.0/16"], False),
        ("::ffff:10.1.0.1", ["10.1.0.0/16"], True),
    ],
)  # fmt: skip
def test_private_addresses_need_to_be_named(address, allow, good):
    assert allowed(address, Hook(name="a", url="http://a", secret=SECRET, allow=allow)) is good


async def test_a_name_that_leads_into_the_own_network_is_not_called_and_a_redirect_not_followed(receiver):
    closed = Caller(hook_for(receiver, allow=[], url=f"http://localhost:{receiver.port}/"))
    with pytest.raises(Failure, match="private address"):
        await closed.post(b"{}", {})
    assert receiver.calls == []
    receiver.plan = [(302, f"location: http://127.0.0.1:{receiver.port}/elsewhere\r\n")]
    open_one = Caller(hook_for(receiver))
    with pytest.raises(Failure, match="302"):
        await open_one.post(b"{}", {})
    assert [call["path"] for call in receiver.calls] == ["/tasks?from=hall"]
    await closed.close()
    await open_one.close()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"name": "a", "url": "ftp://x", "secret": SECRET}, "url"),
        ({"name": "a", "url": "http://u:p@x", "secret": SECRET}, "url"),
        ({"name": "a b", "url": "http://x", "secret": SECRET}, "name"),
        ({"name": "a", "url": "http://x", "secret": "short"}, "secret"),
        ({"name": "a", "url": "http://x", "secret": "env:NOT_SET_ANYWHERE"}, "secret"),
        ({"name": "a", "url": "http://x", "secret": SECRET, "allow": ["10.0.0"]}, "allow"),
        ({"name": "a", "url": "http://x", "secret": SECRET, "tries": 3}, "tries"),
    ],
)
def test_a_wrong_configuration_names_its_key(tmp_path, bus, table, problem):
    config = Town(tmp_path, bus, dispatch={"webhooks": [table]}).process.config
    with pytest.raises(ConfigError, match=problem):
        hooks_of(config)


_CHILD = """
import asyncio, sys, json, msgspec
from pathlib import Path
from tests.dispatch.ledgerdesk import Town
from dispatch.webhooks.deliverer import Deliverer
from dispatch.webhooks.settings import Hook
from hall.core.bus import Bus

async def main():
    home, url, hook = Path(sys.argv[1]), sys.argv[2], msgspec.json.decode(sys.argv[3], type=Hook)
    town = Town(home, Bus(url))
    deliverer = Deliverer(town.process, town.desk, town.ledger, [hook])
    deliverer.store.cursor(hook.name, 0)
    await deliverer.run()

asyncio.run(main())
"""


async def test_a_process_killed_between_call_and_answer_delivers_again_and_loses_nothing(town, receiver, valkey, tmp_path):
    for name in "123":
        await town.dispatched(name)
    receiver.plan = ["hang", "hang"]
    hook = msgspec.json.encode(hook_for(receiver, at_once=2)).decode()

    def start() -> Child:
        modules = ("tests.dispatch.ledgerdesk", "dispatch.webhooks.deliverer", "alembic.command")
        return prefork().start(_CHILD, tmp_path, valkey, hook, after=modules)

    child = start()
    await receiver.wait_for(2)  # both calls are with the receiver, unanswered
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    receiver.let_go.set()
    child = start()
    await receiver.wait_for(5)
    child.terminate()
    child.wait(10)
    answered = [call["headers"]["webhook-id"] for call in receiver.calls if call["got"] == 200]
    hung = [call["headers"]["webhook-id"] for call in receiver.calls if call["got"] == "hang"]
    assert len(set(answered)) == len(answered) == 3 and set(hung) <= set(answered)


async def test_the_example_receiver_of_the_documentation_takes_a_task(town, tmp_path):
    """Its signature check against ours, and its answer against an API that says stale once."""
    port = free_port_pair()
    async with Api() as api:
        example = [sys.executable, str(ROOT / "docs/examples/receive_webhooks.py"), str(port), api.url, SECRET, "a-token"]
        process = subprocess.Popen(example, stdout=subprocess.PIPE, text=True)
        try:
            hook = Hook(
                name="drain", url=f"http://127.0.0.1:{port}/", secret=SECRET, allow=["127.0.0.1"], first_wait_seconds=0.05,
                longest_wait_seconds=0.1,
            )  # fmt: skip
            async with delivering(town, hook):
                await town.dispatched("1")
                asked = await api.wait_for(2)
        finally:
            process.terminate()
            process.wait(10)
    assert [one["event"]["move"] for one in asked] == ["take", "take"] and asked[0]["event"]["id"] == asked[1]["event"]["id"]
    assert asked[1]["event"]["revision"] == 99 and asked[0]["headers"]["authorization"] == "Bearer a-token"
    assert asked[0]["path"] == "/api/v1/cases/t/1/commands"


class Api(Receiver):
    """The hall's side of the answer: stale first, then done."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, path, headers, body, writer, reader) -> bool:
        async with self._news:
            self.calls.append({"path": path, "headers": headers, "event": json.loads(body)})
            self._news.notify_all()
        said = json.dumps({"reason": "stale", "revision": 99} if len(self.calls) == 1 else {"outcome": {}})
        writer.write(f"HTTP/1.1 {409 if len(self.calls) == 1 else 200} X\r\ncontent-length: {len(said)}\r\n\r\n{said}".encode())
        await writer.drain()
        return True

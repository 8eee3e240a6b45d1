"""Shifts, locked consoles and the crews' board over HTTP, against a real web process with a real ledger and real users."""

from __future__ import annotations

import csv
import io
import itertools

from hall import access
from hall.app.users import Profile
from tests.hall.app.test_dispatching import fresh, move, moved, reported

_names = itertools.count()
PASSWORD, PIN = "a-good-long-password", "7294"
SHIFTS = "/api/v1/shifts"


async def seat(hall, role="operator", **profile):
    """A client signed in as a new user of the hall, with its name in `.who`."""
    name = f"seat{next(_names)}"
    hall.people.add(name, role, PASSWORD, Profile(**profile) if profile else None)
    client = await hall.client(role, name)
    client.who = name
    client.headers["x-hall-desk"] = f"desk-of-{name}"
    return client


async def shift(client, what, reason="", group="acceptance", id="", **data):
    body = {"id": id or fresh("shift"), "move": what, "reason": reason, "data": data}
    return await client.post(f"{SHIFTS}/{group}/commands", json=body)


async def owner(client, view) -> str:
    return (await client.get(f"/api/v1/files/{view['subject'].partition('/')[2]}")).json()["file"].get("owner", "")


def open_handover(answer) -> dict:
    return [one for one in answer.json()["shift"]["handovers"] if not one.get("outcome")][-1]


async def test_a_shift_goes_from_one_to_the_other_with_two_signatures_and_takes_the_cases_along(city_hall):
    async with await seat(city_hall) as first, await seat(city_hall) as second:
        mine, other = [await moved(first, await reported(first), "claim") for _ in range(2)]
        assert (await shift(first, "start")).status_code == 200
        assert (await shift(first, "note", text="三号泵站停机检修")).status_code == 200
        items = (await first.get(f"{SHIFTS}/items")).json()["items"]
        assert {item["subject"] for item in items} == {mine["subject"], other["subject"]}
        signed = await shift(first, "hand_over", to=second.who, notes="留意人民路")
        handover = open_handover(signed)
        assert {item["subject"] for item in handover["items"]} == {mine["subject"], other["subject"]}
        late = await moved(first, await reported(first), "claim")  # taken on after signing: it must not be left behind
        assert (await owner(first, mine)) == first.who
        taken = await shift(second, "take_over", number=handover["number"])
        assert taken.status_code == 200, taken.text
        assert [await owner(second, view) for view in (mine, other, late)] == [second.who] * 3
        duty = taken.json()["shift"]["on_duty"]
        assert (second.who, f"desk-of-{second.who}") in [(one["who"], one["desk"]) for one in duty]
        assert first.who not in [one["who"] for one in duty]


async def test_what_is_open_is_the_halls_word_and_no_browsers(city_hall):
    async with await seat(city_hall) as first, await seat(city_hall) as second:
        await shift(first, "start")
        invented = await shift(first, "hand_over", to=second.who, items=[{"subject": "file/t/9", "owned": True}])
        assert (invented.status_code, invented.json()["reason"]) == (422, "bad-field")
        for name in ("nobody", ""):
            answer = await shift(first, "hand_over", to=name)
            assert (answer.status_code, answer.json()["reason"]) == (422, "unknown-person")


async def test_a_handover_asked_again_after_a_lost_answer_is_the_one_that_was_signed(city_hall):
    async with await seat(city_hall) as first, await seat(city_hall) as second:
        await shift(first, "start")
        once = await shift(first, "hand_over", id="lost-answer", to=second.who)
        await moved(first, await reported(first), "claim")
        again = await shift(first, "hand_over", id="lost-answer", to=second.who)
        assert again.status_code == 200 and open_handover(again)["number"] == open_handover(once)["number"]
        assert again.json()["outcome"]["repeated"]


async def test_an_old_signature_asked_again_takes_nothing_of_the_next_shift(city_hall):
    async with await seat(city_hall) as first, await seat(city_hall) as second:
        await shift(first, "start")
        number = open_handover(await shift(first, "hand_over", to=second.who))["number"]
        await shift(second, "take_over", id=f"signed-{first.who}", number=number)
        await shift(first, "start")
        case = await moved(first, await reported(first), "claim")
        again = await shift(second, "take_over", id=f"signed-{first.who}", number=number)
        assert again.json()["outcome"]["repeated"]
        assert await owner(first, case) == first.who


async def test_a_supervisor_lets_somebody_leave_and_his_cases_go_back_to_the_queue(city_hall):
    async with await seat(city_hall) as first, await seat(city_hall, "supervisor") as lead:
        case = await moved(first, await reported(first), "claim")
        await shift(first, "start")
        refused = await shift(first, "leave", "身体不适")
        assert (refused.status_code, refused.json()["reason"]) == (403, "not-permitted")
        assert (await shift(lead, "leave", "身体不适", who=first.who)).status_code == 200
        assert await owner(lead, case) == ""


async def test_what_was_asked_and_urged_elsewhere_stands_on_the_list_too(city_hall):
    async with await seat(city_hall) as first, await seat(city_hall, "dispatcher") as second:
        theirs = await moved(first, await reported(first), "claim")
        await moved(second, theirs, "urge", reason="请尽快")
        view = (await second.get(f"/api/v1/files/{theirs['subject'].partition('/')[2]}")).json()
        await moved(second, view, "ask_takeover")
        items = (await second.get(f"{SHIFTS}/items")).json()["items"]
        assert [(item["subject"], item["owned"], item["kinds"]) for item in items] == [
            (theirs["subject"], False, ["ask", "urge"])
        ]


async def test_the_log_is_exported_without_formulas_and_the_export_is_audited(city_hall):
    async with await seat(city_hall, "supervisor") as lead:
        await shift(lead, "start", group="supervision")
        await shift(lead, "note", group="supervision", text="=HYPERLINK(1)")
        answer = await lead.get(f"{SHIFTS}/supervision/log", params={"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["move"] for row in rows][-2:] == ["start", "note"] and rows[-1]["text"] == "'=HYPERLINK(1)"
        assert "attachment" in answer.headers["content-disposition"]


async def test_a_group_that_the_city_does_not_keep_and_a_role_without_a_seat_are_refused(city_hall):
    async with await seat(city_hall) as first, await city_hall.client("leader") as leader:
        assert (await shift(first, "start", group="nobodys")).json()["reason"] == "unknown-group"
        assert (await leader.get(SHIFTS)).status_code == 200
        answer = await shift(leader, "start")
        assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")
    async with await city_hall.client("viewer") as viewer:
        assert (await viewer.get(SHIFTS)).status_code == 403


# -- the lock ------------------------------------------------------------------------------------------------------------


async def test_a_locked_session_does_nothing_and_shows_nothing_until_its_owner_unlocks_it(city_hall):
    async with await seat(city_hall, pin=PIN) as client:
        view = await reported(client)
        assert (await client.post("/api/v1/lock", json={})).status_code == 200
        for answer in (
            await move(client, view, "claim"),
            await shift(client, "start"),
            await client.get("/api/v1/cases"),
            await client.post("/api/v1/lock/active"),
            await client.get("/video/poster/channel/f/a.jpg"),
            await client.post("/video/whep/channel/f/a", content=b"v=0", headers={"content-type": "application/sdp"}),
        ):
            assert (answer.status_code, answer.json()["reason"]) == (423, "locked")
        assert (await client.get("/api/v1/lock")).json()["locked"] is True
        wrong = await client.post("/api/v1/lock/open", json={"password": "not this one"})
        assert (wrong.status_code, wrong.json()["reason"]) == (403, "wrong-password")
        assert (await client.post("/api/v1/lock/open", json={"pin": PIN})).status_code == 200
        assert (await move(client, view, "claim")).status_code == 200
        await client.post("/api/v1/lock", json={"why": "idle"})
        assert (await client.post("/api/v1/lock/open", json={"password": PASSWORD})).status_code == 200
        assert (await client.get("/api/v1/cases")).status_code == 200


async def test_anothers_password_does_not_unlock(city_hall):
    async with await seat(city_hall) as client:
        city_hall.people.add("stranger", "admin", "another-password")
        await client.post("/api/v1/lock", json={})
        assert (await client.post("/api/v1/lock/open", json={"password": "another-password"})).status_code == 403


async def test_guessing_at_a_lock_ends_after_a_few_attempts(city_hall):
    async with await seat(city_hall, pin=PIN) as client:
        await client.post("/api/v1/lock", json={})
        found = [(await client.post("/api/v1/lock/open", json={"pin": f"10{n}3"})).status_code for n in range(7)]
        assert found[:5] == [403] * 5 and found[-1] == 429


async def test_a_console_whose_page_died_counts_as_locked_when_its_time_is_over(city_hall):
    async with await seat(city_hall) as client:
        assert (await client.post("/api/v1/lock/active")).status_code == 200
        bus, secret = city_hall.bus(), client.cookies[access.COOKIE]
        await access.session_active(bus, secret, -1)  # the last word was longer ago than its limit
        assert (await client.get("/api/v1/cases")).status_code == 423
        await bus.close()
        assert (await client.post("/api/v1/lock/open", json={"password": PASSWORD})).status_code == 200
        assert (await client.get("/api/v1/cases")).status_code == 200


async def test_who_has_no_password_here_is_not_locked_out(city_hall):
    async with await city_hall.client("operator", "guest") as guest:
        assert (await guest.get("/api/v1/lock")).json()["can"] is False
        answer = await guest.post("/api/v1/lock", json={})
        assert (answer.status_code, answer.json()["reason"]) == (409, "cannot-unlock")
        await guest.post("/api/v1/lock/active")
        assert (await guest.get("/api/v1/cases")).status_code == 200

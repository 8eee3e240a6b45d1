"""Rules of who may send, see and move whom, over HTTP: what a screen does not offer, the hall refuses as well."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.casefile import CaseRules
from dispatch.casefile.decide import decide
from dispatch.casefile.model import CaseFile
from hall import access
from hall.app.fieldlinks import FieldLinks
from hall.app.overriding import outside
from hall.core.command import Actor, Command
from hall.core.errors import Refused
from hall.roles import bounds
from tests.hall.app.test_dispatching import address, fresh, move, moved, reported

UNIT, OTHER = "排水处", "市政处"
PHONE = {"name": "张三", "phone": "13900001111"}


async def enrol(client, name: str, metres: float, unit: str = UNIT, **more) -> str:
    """A crew whose base lies so many metres north of where reports come from."""
    base = {"lon": 113.92, "lat": 35.30 + metres / 111_195}
    fit = {"skills": ["排水"], "equipment": [{"name": "水泵", "count": 9}]}  # what a flooded road asks for
    row = {"crew_id": name, "name": name, "unit": unit, "base": base, "members": [PHONE], **fit, **more}
    answer = await client.post(f"/api/v1/crews/{name}/commands", json={"id": fresh("enrol"), "move": "enrol", "data": row})
    assert answer.status_code == 200, answer.text
    return name


@pytest.fixture
async def five(city_hall):
    """Five crews by distance, enrolled once."""
    async with await city_hall.client("supervisor", "sun") as sun:
        return [await enrol(sun, f"near-{n}", 100 + 500 * n) for n in range(5)]


async def release(client, view: dict) -> None:
    assert (await move(client, view, "force_close", reason="over")).status_code == 200


async def test_a_crew_beyond_the_first_three_of_the_recommendation_is_sent_with_a_reason_only(city_hall, five):
    async with await city_hall.client("supervisor", "sun") as sun:
        view = await reported(sun)
        ranked = (await sun.get(f"/api/v1/files/{view['subject'].partition('/')[2]}/crews")).json()
        assert ([one["crew"] for one in ranked["ranked"]], ranked["first"]) == (five, 3)
        refused = await move(sun, view, "dispatch", data={"unit": UNIT, "crews": [five[3]]})
        assert (refused.status_code, refused.json()["reason"]) == (422, "override-missing") and five[3] in refused.text
        blank = await move(sun, view, "dispatch", data={"unit": UNIT, "crews": [five[3]], "override": "  "})
        assert blank.json()["reason"] == "override-missing"
        body = {"id": fresh(), "move": "dispatch", "revision": view["revision"]}
        body |= {"data": {"unit": UNIT, "crews": [five[3]], "override": "knows the place"}}
        first, again = [(await sun.post(address(view), json=body)).json() for _ in range(2)]
        assert first["view"]["file"]["crews"][0]["override"] == "knows the place" and again["outcome"]["repeated"]
        await release(sun, first["view"])


async def test_the_third_needs_no_reason_and_asking_again_after_the_answer_was_lost_gets_that_answer(city_hall, five):
    async with await city_hall.client("supervisor", "sun") as sun:
        view = await reported(sun)
        body = {"id": fresh(), "move": "dispatch", "revision": view["revision"], "data": {"unit": UNIT, "crews": [five[2]]}}
        first, again = [(await sun.post(address(view), json=body)).json() for _ in range(2)]
        assert first["outcome"]["seqs"] == again["outcome"]["seqs"] and again["outcome"]["repeated"]
        ranked = (await sun.get(f"/api/v1/files/{view['subject'].partition('/')[2]}/crews")).json()["ranked"]
        last = {"crews": [ranked[3]["crew"]]}  # work done today counts: who was sent before may stand behind a farther one
        batch = {"commands": [{"id": fresh(), "subject": view["subject"], "move": "assign", "data": last}]}
        batch["commands"][0]["revision"] = first["view"]["revision"]
        (result,) = (await sun.post("/api/v1/commands", json=batch)).json()["results"]
        assert result["refused"]["reason"] == "override-missing"
        busy = await move(sun, await reported(sun), "dispatch", data={"unit": UNIT, "crews": [five[2]]})
        assert busy.json()["reason"] == "crew-busy"  # the ledger's word says more than that nobody recommended it
        many = await move(sun, first["view"], "assign", data={"crews": [five[0], five[1], five[3], five[4]]})
        assert many.status_code == 200  # who sends four may send the first four
        await release(sun, many.json()["view"])


async def test_a_crew_that_cannot_do_it_is_sent_with_a_reason_also_where_nobody_can(city_hall, five):
    async with await city_hall.client("supervisor", "sun") as sun:
        view = await reported(sun, class_name="", subclass_name="")
        await enrol(sun, "unfit", 5, skills=[], equipment=[])
        assert (await move(sun, view, "dispatch", data={"unit": UNIT, "crews": ["unfit"]})).status_code == 200
        assert outside({"ranked": [], "counts": {"ranked": 0, "skill_missing": 2}, "first": 3}, ["unfit"]) == ["unfit"]
        assert outside({"ranked": [], "counts": {"ranked": 0, "position_unknown": 2}, "first": 3}, ["unfit"]) == []
        now = (await sun.get("/api/v1/files/" + view["subject"].partition("/")[2])).json()
        await release(sun, now)
        await retire(sun, "unfit")


async def retire(client, crew: str) -> None:
    revision = (await client.get(f"/api/v1/crews/{crew}")).json()["crew"]["revision"]
    body = {"id": fresh(), "move": "retire", "revision": revision, "reason": "test over"}
    assert (await client.post(f"/api/v1/crews/{crew}/commands", json=body)).status_code == 200


async def test_a_department_sends_its_own_crews_as_it_likes_and_nobody_elses(city_hall, five):
    async with (
        await city_hall.client("supervisor", "sun") as sun,
        await city_hall.client("department", "drains", unit=UNIT) as drains,
    ):
        await enrol(sun, "roads-1", 50, OTHER)
        view = await moved(sun, await reported(sun), "dispatch", data={"unit": UNIT})
        stolen = await move(drains, view, "assign", data={"crews": ["roads-1"]})
        assert (stolen.status_code, stolen.json()["reason"]) == (403, "not-permitted")
        own = await moved(drains, view, "assign", data={"crews": [five[4]]})
        await release(sun, {**view, **own})
        await retire(sun, "roads-1")


async def test_a_crews_link_moves_its_own_task_and_nothing_else_by_any_address(city_hall, five):
    async with await city_hall.client("supervisor", "sun") as sun:
        await enrol(sun, "two", 10, capacity=2)
        views = [
            await moved(sun, await reported(sun), "dispatch", data={"unit": UNIT, "crews": ["two"], "override": "both"})
            for _ in range(2)
        ]
        bound = {"crew": "two", "case": views[0]["subject"], "kind": "crew"}
        async with await city_hall.client("crew", "crew:two", **bound) as phone:
            path, other = "/api/v1/crews/two/commands", views[1]["subject"]
            revision = (await sun.get("/api/v1/crews/two")).json()["crew"]["revision"]
            for name, data in (("clear", {"subject": other}), ("out_of_service", {}), ("handover", {"note": "x"})):
                body = {"id": fresh(), "move": name, "data": data, "reason": "because", "revision": revision}
                answer = await phone.post(path, json=body)
                assert (answer.status_code, answer.json()["reason"]) == (403, "not-your-case"), name
            answer = await move(phone, views[1], "note", data={"text": "x"})
            assert (answer.status_code, answer.json()["reason"]) == (403, "not-your-case")
            own = {"id": fresh(), "move": "acknowledge", "data": {"subject": views[0]["subject"]}}
            assert (await phone.post(path, json=own)).status_code == 200
        for view in views:
            now = (await sun.get("/api/v1/files/" + view["subject"].partition("/")[2])).json()
            await release(sun, now)
        await retire(sun, "two")


@pytest.mark.parametrize(("role", "known"), [("inspector", {}), ("department", {"unit": OTHER}), ("leader", {})])
async def test_a_stale_command_on_a_crew_tells_no_telephone_number(city_hall, five, role, known):
    async with await city_hall.client(role, f"{role}-x", **known) as client:
        body = {"id": fresh(), "move": "out_of_service", "revision": 0, "reason": "curious"}
        answer = await client.post(f"/api/v1/crews/{five[0]}/commands", json=body)
    assert answer.status_code in (403, 409) and PHONE["phone"] not in answer.text


async def test_a_card_is_shown_on_walls_and_to_those_whose_case_it_is(city_hall):
    async with (
        await city_hall.client("supervisor", "sun") as sun,
        await city_hall.client("department", "drains", unit=UNIT) as drains,
        await city_hall.client("department", "roads", unit=OTHER) as roads,
        await city_hall.client("wall", "wall:east") as wall,
    ):
        view = await moved(sun, await reported(sun), "dispatch", data={"unit": UNIT})
        path = "/api/v1/card/" + view["subject"].partition("/")[2]
        codes = [(await client.get(path)).status_code for client in (sun, drains, wall, roads)]
    assert codes == [200, 200, 200, 403]


async def test_who_answers_for_a_district_gives_links_to_its_crews_only(city_hall):
    async with await city_hall.client("supervisor", "sun") as sun, await city_hall.client("admin", "root") as root:
        await enrol(sun, "west-1", 20, duty={"districts": ["西区"]})
        async with await city_hall.client("operator", "east", districts=("东区",)) as east:
            refused = await east.post("/api/v1/field/links", json={"crew": "west-1"})
            crews = (await east.get("/api/v1/field/links/crews")).json()["crews"]
        assert refused.status_code == 403 and "west-1" not in {row["crew_id"] for row in crews}
        assert (await root.post("/api/v1/field/links", json={"crew": "west-1"})).status_code == 201
        await retire(sun, "west-1")


def test_a_departments_notices_on_the_stream_are_its_own_and_hold_no_words():
    from dispatch.notices import Notice, Notices
    from hall.access import Identity
    from hall.gate.filters import Filter

    mine = Filter(bounds(Identity("wu", "department", unit=UNIT)))
    for to, seen in (({"unit": UNIT}, True), ({"unit": OTHER}, False), ({"person": "wu"}, True), ({"person": "li"}, False)):
        document = Notices().document(
            Notice(notice_id="n", to=to, key="assigned", values={"place": "人民路"}, about="file/a/1")
        )
        assert mine.matches("notice", document) is seen and "人民路" not in str(document)


async def test_taking_a_link_back_ends_every_session_also_of_phones_that_came_in_the_same_moment(bus):
    links = FieldLinks(bus)
    link, secret = await links.make("near-0", 1, "", UNIT, "sun")
    sessions = [session for _, session in await asyncio.gather(*(links.use(secret) for _ in range(10)))]
    assert all([await access.identify(bus, one, None, demo_loopback=False) for one in sessions])
    await links.revoke(link.link_id)
    assert not any([await access.identify(bus, one, None, demo_loopback=False) for one in sessions])
    with pytest.raises(Refused):
        await links.use(secret)


def test_a_file_of_ten_thousand_lines_takes_moves_and_no_remarks():
    file = CaseFile(feed="desk", case_id="1", state="reported", revision=10_000)

    class Look:
        now = 1_000

        def get(self, subject):
            return file if subject == "file/desk/1" else None

    def decided(move, **data):
        command = Command(id="c-1", subject="file/desk/1", move=move, revision=10_000, data=data)
        return decide(Look(), command, Actor(name="zhao", role="operator"), CaseRules(), ClocklessRules())

    with pytest.raises(Refused) as caught:
        decided("note", text="again")
    assert caught.value.reason == "file-full"
    assert [draft.move for draft in decided("accept")] == ["accept"]


class ClocklessRules:
    def stage_due(self, state, start, emergency):
        return None

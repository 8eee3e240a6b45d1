"""An incident from its first case to its further report, by people at their own desks; the hour's reports; over HTTP."""

from __future__ import annotations

import csv
import io

from tests.hall.app.test_dispatching import fresh, reported


async def act(client, subject, move, /, *, revision=None, reason="", status=200, **data):
    body = {"id": fresh("incident"), "move": move, "revision": revision, "reason": reason, "data": data}
    answer = await client.post(f"/api/v1/streams/{subject}/commands", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()["view"] if status == 200 else answer.json()


async def test_from_a_case_to_a_transfer_of_command_a_signed_first_report_and_a_further_one_that_says_only_what_changed(
    city_hall,
):
    where = "incident/20260720-http"
    async with (
        await city_hall.client("dispatcher", "李") as li,
        await city_hall.client("supervisor", "周") as zhou,
        await city_hall.client("leader", "何") as he,
        await city_hall.client("viewer", "看") as viewer,
    ):
        case = (await reported(li))["subject"]
        facts = {"title": "京广路隧道积水", "grade": "III", "kind": "natural", "place": "京广路隧道", "source": "12345"}
        view = await act(li, where, "begin", **facts, commander="李", members=[case])
        assert view["state"]["counts"] == {"file": 1} and view["state"]["report_due"]["kind"] == "initial"
        assert (await li.get(f"/api/v1/files/{case.partition('/')[2]}")).json()["file"]["incident"] == "20260720-http"

        view = await act(li, where, "brief", revision=view["revision"], to="周")
        brief = view["state"]["transfers"][-1]["brief"]
        assert brief["situation"].startswith("京广路隧道积水，较大（III级），自然灾害") and brief["resources"] == "未投入"
        stale = await act(zhou, where, "take_command", revision=view["revision"] - 1, status=409)
        assert stale["reason"] == "stale"
        early = await act(zhou, where, "take_command", revision=view["revision"], status=409)
        assert early["reason"] == "not-signed"
        view = await act(li, where, "hand_over", revision=view["revision"])
        view = await act(zhou, where, "take_command", revision=view["revision"])
        assert view["state"]["commander"] == "周"

        view = await act(li, where, "figures", figures={"trapped": 12}, source="消防")
        view = await act(li, where, "draft_report", revision=view["revision"], kind="initial")
        text = view["state"]["papers"][0]["text"]
        assert "七、伤亡和损失：受困 12 人（消防" in text and "总指挥：周" in text
        refused = await act(li, where, "sign_report", revision=view["revision"], status=403)
        assert refused["reason"] == "not-permitted"
        page = await li.get("/api/v1/incidents/20260720-http/reports/1")
        assert "草稿，未签发" in page.text
        paper = "/api/v1/incidents/20260720-http/reports/1"
        assert (await viewer.get(paper)).json()["reason"] == "not-permitted"  # not before it was sent
        for kept in (f"/api/v1/streams/{where}", "/api/v1/incidents/20260720-http/timeline"):
            assert "受困 12 人（消防" in (await li.get(kept)).text and "受困 12 人（消防" not in (await viewer.get(kept)).text
        view = await act(he, where, "sign_report", revision=view["revision"])
        refused = await act(li, where, "send_report", revision=view["revision"], to="市应急局", status=409)
        assert refused["reason"] == "phone-first"
        view = await act(li, where, "phone_report", to="市应急局值班室")
        view = await act(li, where, "send_report", revision=view["revision"], to="市应急局")
        assert view["state"]["report_due"] == {"kind": "further", "due": view["state"]["last_sent"] + 240 * 60_000}
        page = await li.get("/api/v1/incidents/20260720-http/reports/1")
        assert page.headers["content-type"].startswith("text/html") and "签发：何" in page.text and "草稿" not in page.text
        assert (await li.get("/api/v1/incidents/20260720-http/reports/1", params={"format": "text"})).text == text
        assert (await viewer.get(paper, params={"format": "text"})).text == text

        view = await act(li, where, "figures", figures={"trapped": 0}, source="消防")
        view = await act(li, where, "draft_report", revision=view["revision"], kind="further")
        said = view["state"]["papers"][1]["text"].splitlines()
        assert [line for line in said if line[:1].isdigit()] == [
            next(line for line in said if line.startswith("1. 受困：12 → 0 人"))
        ]

        found = (await zhou.get("/api/v1/incidents/20260720-http/timeline")).json()["lines"]
        moves = [(line["subject"], line["move"], line["who"]) for line in found]
        assert (case, "open", "李") in moves and (where, "hand_over", "李") in moves and (where, "take_command", "周") in moves
        assert [line["seq"] for line in found] == sorted(line["seq"] for line in found)
        assert "facts" not in str([line["data"].keys() for line in found])
        table = await zhou.get("/api/v1/incidents/20260720-http/timeline", params={"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert [row["move"] for row in rows] == [line["move"] for line in found]


async def test_who_answers_for_other_districts_reads_no_case_of_an_incident_that_is_not_his(city_hall):
    async with (
        await city_hall.client("dispatcher", "李") as li,
        await city_hall.client("operator", "区", districts=("红旗区",)) as near,
    ):
        case = (await reported(li, district="卫滨区"))["subject"]
        await act(li, "incident/far", "begin", title="卫滨区积水", grade="IV", members=[case])
        lines = (await near.get("/api/v1/incidents/far/timeline")).json()["lines"]
        assert {line["subject"] for line in lines} == {"incident/far"}
        assert (await near.get("/api/v1/incidents/nothing/timeline")).status_code == 404
        settings = (await near.get("/api/v1/incidents/settings")).json()
        assert [grade["grade"] for grade in settings["grades"]] == ["I", "II", "III", "IV"]
        assert "pumps" in [number["name"] for number in settings["numbers"]]


async def test_a_timeline_tells_nobody_what_he_is_not_told_otherwise(city_hall):
    async with (
        await city_hall.client("supervisor", "周") as zhou,
        await city_hall.client("department", "处", unit="排水处") as drains,
        await city_hall.client("viewer", "看") as viewer,
    ):
        members = ["request/pumps", "request/sand", "bulletin/not-yet"]
        for name, unit, item in (("pumps", "排水处", "排水泵"), ("sand", "养护处", "沙袋")):
            await act(zhou, f"request/{name}", "request", item=item, wanted=2, unit=unit)
        await act(zhou, "bulletin/not-yet", "draft", kind="warning", headline={"zh-CN": "未核准"}, text={"zh-CN": "未核准"})
        await act(zhou, "incident/told", "begin", title="积水", grade="IV", members=members)
        told = {}
        for name, client in (("zhou", zhou), ("drains", drains), ("viewer", viewer)):
            lines = (await client.get("/api/v1/incidents/told/timeline")).json()["lines"]
            told[name] = {line["subject"] for line in lines} - {"incident/told"}
        assert told["zhou"] == set(members) and told["drains"] == {"request/pumps"}
        assert told["viewer"] == {"request/pumps", "request/sand"}


async def test_the_hours_reports_are_given_by_each_for_his_own_and_the_hall_says_who_is_missing(city_hall):
    where = "reporting/http-flood"
    async with (
        await city_hall.client("supervisor", "孙") as sun,
        await city_hall.client("inspector", "吴", districts=("红旗区",)) as wu,
        await city_hall.client("viewer", "看") as viewer,
    ):
        view = await act(sun, where, "schedule", revision=0, every_minutes=60, units=["红旗区", "卫滨区"])
        assert view["state"]["waiting"] == ["红旗区", "卫滨区"] and view["state"]["missing"] == []
        view = await act(wu, where, "report", unit="红旗区", text="两处积水", numbers={"pumps": 3})
        assert view["state"]["waiting"] == ["卫滨区"] and view["state"]["units"]["红旗区"]["by"] == "吴"
        assert [one["value"] for one in view["state"]["figures"] if one["name"] == "pumps"] == [3]
        assert (await act(wu, where, "report", unit="卫滨区", text="x", status=403))["reason"] == "not-your-unit"
        assert (await act(viewer, where, "report", unit="红旗区", text="x", status=403))["reason"] == "forbidden"

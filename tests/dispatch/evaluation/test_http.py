"""Evaluation over HTTP, in a real web process, over rows the test itself wrote: who sees what, and lists behind figures."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from dispatch.evaluation.store import Writer
from dispatch.ledger import Ledger
from hall import access
from tests.dispatch.evaluation.test_figures import plain
from tests.hall.app.conftest import Hall

START, HOUR = 1_794_000_000_000, 3_600_000
ADDRESS = "/api/v1/evaluation"
SPAN = f"from={START}&until={START + 100 * HOUR}"


def cases():
    for n in range(60):
        moments = dict(
            reported=START + n * HOUR, accepted=START, registered=START + n, dispatched=START + n, due=START + 50 * HOUR
        )
        ended = dict(handled=START + n * HOUR, closed=START + n * HOUR) if n % 3 else {}
        yield plain(
            subject=f"case/t/{n}",
            number=str(n),
            unit=("环卫处", "市政处")[n % 2],
            district=("红旗区", "卫滨区")[n // 30],
            **moments,
            **ended,
        )


@pytest.fixture(scope="module")
def hall(valkey, tmp_path_factory):
    made = Hall(tmp_path_factory.mktemp("evaluation"), valkey, demo=False)
    writer = Writer(made.home / "var" / "evaluation.db", "test")
    writer.put(cases(), [], {"version": 1, "seq": 0, "as_of": START + 100 * HOUR, "behind": 0})
    writer.close()
    made.start()
    yield made
    made.stop()


async def person(hall, role, **more):
    client, bus = await hall.client(), hall.bus()
    client.cookies.set(access.COOKIE, await access.open_session(bus, f"a-{role}", role, **more))
    await bus.close()
    return client


@pytest.mark.parametrize("role", access.ROLES)
async def test_only_who_may_see_the_evaluation_sees_it(hall, role):
    async with await person(hall, role, unit="环卫处") as client:
        codes = {path: (await client.get(path)).status_code for path in (f"{ADDRESS}?{SPAN}", f"{ADDRESS}/cases?{SPAN}&column=late",
                 f"{ADDRESS}/export.csv?{SPAN}", "/evaluation")}  # fmt: skip
    allowed = access.may(role, "see-evaluation")
    assert set(codes.values()) == ({200} if allowed else {403, 303}), codes


async def test_nobody_gets_in_without_signing_in(hall):
    async with await hall.client() as client:
        assert (await client.get(f"{ADDRESS}?{SPAN}")).status_code == 401


async def test_every_figure_of_the_answer_has_as_many_cases_behind_it(hall):
    async with await person(hall, "leader") as client:
        for by in ("unit", "district"):
            answer = (await client.get(f"{ADDRESS}?by={by}&{SPAN}&kpis=intime_close_rate")).json()
            assert sum(row["cases"] for row in answer["rows"]) == answer["total"]["cases"] == 60
            for row in answer["rows"]:
                base = f"{ADDRESS}/cases?by={by}&{SPAN}&at={answer['as_of']}&value={row['value']}"
                assert (await client.get(f"{base}&column=late")).json()["total"] == row["late"] > 0
                for part in ("numerator", "denominator"):
                    page = (await client.get(f"{base}&kpi=intime_close_rate&part={part}&limit=500")).json()
                    assert page["total"] == len(page["rows"]) == row["kpis"]["intime_close_rate"][part]
                    assert all(shown[by] == row["value"] for shown in page["rows"])


async def test_a_department_sees_its_own_unit_and_no_other(hall):
    async with await person(hall, "department", unit="市政处") as client:
        answer = (await client.get(f"{ADDRESS}?{SPAN}")).json()
        assert [row["value"] for row in answer["rows"]] == ["市政处"] and answer["total"]["cases"] == 30
        listed = (await client.get(f"{ADDRESS}/cases?{SPAN}&column=cases&limit=500")).json()
        assert {row["unit"] for row in listed["rows"]} == {"市政处"} and listed["total"] == 30
        assert (await client.get(f"{ADDRESS}/cases?{SPAN}&column=cases&value=环卫处")).json()["total"] == 0
        refused = await client.get(f"{ADDRESS}?{SPAN}&unit=环卫处")
        assert (refused.status_code, refused.json()["reason"]) == (403, "wrong-unit")
        body = (await client.get(f"{ADDRESS}/export.csv?{SPAN}&by=unit")).content.decode("utf-8-sig")
        assert "市政处" in body and "环卫处" not in body
    async with await person(hall, "department") as client:
        assert (await client.get(f"{ADDRESS}?{SPAN}")).json()["reason"] == "no-unit"


async def test_a_supervisor_of_one_district_sees_that_district(hall):
    async with await person(hall, "supervisor", districts=("卫滨区",)) as client:
        answer = (await client.get(f"{ADDRESS}?by=district&{SPAN}")).json()
        assert [row["value"] for row in answer["rows"]] == ["卫滨区"] and answer["total"]["cases"] == 30
        assert (await client.get(f"{ADDRESS}?{SPAN}&district=红旗区")).status_code == 403


async def test_a_workbook_comes_as_a_download_and_leaves_an_audit_line(hall):
    async with await person(hall, "admin") as client:
        answer = await client.get(f"{ADDRESS}/export.xlsx?by=unit&{SPAN}&lang=en")
    assert "attachment" in answer.headers["content-disposition"] and ".xlsx" in answer.headers["content-disposition"]
    assert load_workbook(io.BytesIO(answer.content)).sheetnames == ["Table", "Definitions"]
    ledger = Ledger(f"sqlite:///{hall.home / 'var' / 'ledger.db'}", {})
    lines = [entry for entry in ledger.entries(limit=1_000, subject_prefix="audit/export") if entry.who == "a-admin"]
    ledger.close()
    assert lines[-1].data["what"] == "evaluation" and lines[-1].data["question"]["by"] == "unit"


@pytest.mark.parametrize(
    "query",
    ["by=nothing", "by=unit%00", "period=x", "date=%27", "from=1", "from=-1&until=5", "from=5&until=99999999999999999999", "kpis=%F0", "basis=subject",
     "unit=" + "x" * 300, "&".join(["unit=a"] * 60), "at=99999999999999999999"],
    ids=lambda query: query[:30],
)  # fmt: skip
async def test_nonsense_is_refused_with_a_reason(hall, query):
    async with await person(hall, "admin") as client:
        answer = await client.get(f"{ADDRESS}?{query}")
        assert answer.status_code in (400, 422) and answer.json()["detail"], answer.text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "column=late&kpi=close_rate",
        "column=x",
        "kpi=x",
        "kpi=close_rate&part=x",
        "column=late&limit=501",
        "column=late&offset=-1",
    ],
)
async def test_a_list_of_no_figure_is_refused(hall, query):
    async with await person(hall, "admin") as client:
        assert (await client.get(f"{ADDRESS}/cases?{SPAN}&{query}")).status_code == 422


async def test_a_hall_that_has_counted_nothing_yet_says_so(valkey, tmp_path):
    made = Hall(tmp_path, valkey, demo=False).start()
    async with await person(made, "admin") as client:
        answer = await client.get(ADDRESS)
        assert (answer.status_code, answer.json()["reason"]) == (503, "evaluation-not-ready")
    made.stop()

"""Who called is for those who call back: hall/app/discretion.py."""

from __future__ import annotations

import pytest

from hall.app import selection
from hall.app.discretion import redacted
from tests.hall.app.test_dispatching import fresh, move, moved, reported


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("☎ 李女士 13812345678", "☎ •••"),
        ("电话 13803731234 王", "电话 ••• 王"),
        ("请打13812345678联系他", "请打•••联系他"),
        ("Phone 13812345678.", "Phone •••."),
        ("2026-11-23 13812345678", "2026-11-23 •••"),
        ("0373-3012345 找他", "••• 找他"),
        ("0373-1234567", "•••"),
        ("+86 138 0373 1234", "•••"),
        ("回拨+86 138-1234-5678，急", "回拨•••，急"),
        ("回拨+49 30 1234567", "回拨•••"),
        ("座机3012345", "座机•••"),
        ("座机 83012345 找王", "座机 ••• 找王"),
        ("身份证410702198001011234。", "身份证•••。"),
        ("call 617-555-0123 or a.b@c.org", "call ••• or •••"),
        (
            "新中大道 12 号，水深 0.35 米，2026-07-20 14:05，案卷 20260720001234",
            "新中大道 12 号，水深 0.35 米，2026-07-20 14:05，案卷 20260720001234",
        ),
        ("并入2026112100200，勿重复", "并入2026112100200，勿重复"),
        ("20261121 起，水深 25 cm，3 辆车", "20261121 起，水深 25 cm，3 辆车"),
        ("113.927375000, 35.3112000", "113.927375000, 35.3112000"),
        ("123456", "123456"),
        ("", ""),
    ],
)
def test_personal_numbers_are_left_out_and_other_figures_stand(text, kept):
    assert redacted(text) == kept


@pytest.mark.parametrize("role", ["viewer", "leader", "inspector"])
async def test_those_who_do_not_call_back_read_that_somebody_called_and_not_who(city_hall, role):
    async with await city_hall.client("operator", "zhao") as zhao, await city_hall.client(role) as other:
        view = await reported(zhao)
        noted = await moved(zhao, view, "note", data={"text": "☎ 李女士 13812345678"})
        noted = await moved(zhao, noted, "note", data={"text": "邻居 13912345678 也报了"})
        assert "13812345678" in str(noted["entries"]) and "李女士" in str(noted["entries"])
        answer = await other.get("/api/v1/files/" + view["subject"].partition("/")[2])
        assert answer.status_code == 200
        seen = answer.text
        assert "李女士" not in seen and "13812345678" not in seen and "13912345678" not in seen
        assert "☎ •••" in seen and "邻居 ••• 也报了" in seen


async def test_what_changed_meanwhile_is_told_as_discreetly(city_hall):
    async with await city_hall.client("operator", "zhao") as zhao, await city_hall.client("inspector", "sun") as sun:
        view = await reported(sun)
        await moved(zhao, view, "accept", data={}, reason="打 13812345678 问过")
        late = await move(sun, view, "cancel", id=fresh(), reason="误报")
        assert late.status_code in (403, 409) and "13812345678" not in late.text


def test_a_files_free_texts_lose_numbers_and_what_identifies_a_thing_stays_whole():
    number, station, person, phone = "202403010812345", "60123456", "410102199001011234", "13912345678"
    case = {
        "subject": f"case/cases/{number}",
        "name": number,
        "description": f"{person} 来电 {phone}",
        "address": f"3 号 {phone}",
    }
    line = selection.line_of("cases", case, calling=False)
    assert (line["id"], line["name"], line["text"], line["address"]) == (
        f"case/cases/{number}",
        number,
        "••• 来电 •••",
        "3 号 •••",
    )
    gauge = selection.line_of("gauges", {"subject": f"sensor/f/{station}", "name": station}, calling=False)
    assert (gauge["id"], gauge["name"]) == (f"sensor/f/{station}", station)
    shape = selection.line_of("shapes", {"subject": "shape/1", "title": f"找 {phone}", "note": phone}, calling=False)
    assert (shape["id"], shape["name"], shape["text"]) == ("shape/1", "找 •••", "•••")
    cell = {"kind": "cells", "id": number, "name": number, "open_cases": 3}
    assert selection.discreet(cell) == cell
    assert selection.discreet({"kind": "incidents", "name": f"{phone} 报"})["name"] == "••• 报"
    assert selection.line_of("cases", case, calling=True)["text"] == f"{person} 来电 {phone}"

"""Who called is for those who call back: hall/app/discretion.py."""

from __future__ import annotations

import pytest

from hall.app.discretion import masked
from tests.hall.app.test_dispatching import fresh, move, moved, reported


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("☎ 李女士 13812345678", "☎ ***"),
        ("居民 13812345678 说水退了", "居民 138******78 说水退了"),
        ("call +86 138-1234-5678 back", "call +86 1**-****-**78 back"),
        ("0373-1234567", "037*-*****67"),
        ("水深 25 cm，3 辆车，14:05 到", "水深 25 cm，3 辆车，14:05 到"),
        ("123456", "123456"),
        ("并入 2026112100200", "并入 2026112100200"),
        ("延期至 2026-11-23 10:00", "延期至 2026-11-23 10:00"),
        ("单元网格 410711006115013", "单元网格 410711006115013"),
        ("2026-1123-456", "202*-****-*56"),
        ("请打13812345678联系他", "请打138******78联系他"),
        ("并入2026112100200，勿重复", "并入2026112100200，勿重复"),
        ("Phone 13812345678.", "Phone 138******78."),
        ("113.927375000, 35.3112000", "113.927375000, 35.3112000"),
        ("2026-11-23 13812345678", "2026-11-23 138******78"),
        ("2026-11-2313812345678", "202*-**-***********78"),
        ("20 8123 4567", "20 8*** **67"),
        ("", ""),
    ],
)
def test_a_number_to_call_is_masked_and_other_figures_stand(said, read):
    assert masked(said) == read


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
        assert "☎ ***" in seen and "139******78" in seen


async def test_what_changed_meanwhile_is_told_as_discreetly(city_hall):
    async with await city_hall.client("operator", "zhao") as zhao, await city_hall.client("inspector", "sun") as sun:
        view = await reported(sun)
        await moved(zhao, view, "accept", data={}, reason="打 13812345678 问过")
        late = await move(sun, view, "cancel", id=fresh(), reason="误报")
        assert late.status_code in (403, 409) and "13812345678" not in late.text

"""What Excel gets: read back with openpyxl and the standard library's CSV."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook

from dispatch.evaluation.columns import COLUMNS
from dispatch.evaluation.export import guarded
from hall.app.words import Words
from layouts.catalogue import texts
from tests.dispatch.evaluation.test_figures import SPAN, book, plain

__all__ = ["book"]  # the fixture

WORDS = Words(texts())
EVIL = ["=1+1", "+SUM(A1)", "-2", "@cmd", "\t=1", "\r=1", '=HYPERLINK("http://x")', "\n=1", "\x01=1"]


def exported(evaluator, kind, language="zh-CN", **more):
    asked = {**SPAN, "at": 150, **more}
    return evaluator.exported(asked, 1_000, kind, lambda key: WORDS.text(language, key), language, 1_795_000_000_000)


@pytest.fixture
def units(book):
    done = [plain(unit="环卫处", handled=105, closed=105)] * 3 + [plain(unit="环卫处", handled=120, closed=120, exempt=1)]
    return book([*done, plain(unit="市政处", handled=130, closed=130), *(plain(unit=name) for name in EVIL), plain()])


def test_the_workbook_holds_the_figures_their_denominators_and_what_they_mean(units):
    workbook = load_workbook(io.BytesIO(exported(units, "xlsx")))
    table, meanings = workbook.worksheets
    rows = list(table.iter_rows(values_only=True))
    assert rows[0][:2] == ("综合评价", "T") and rows[5][:2] == ("生成时间", "2026-11-18 19:06:40")
    assert rows[4][0] == "数据时点" and rows[4][1]
    header = next(place for place, row in enumerate(rows) if row[0] == "排名")
    names = rows[header]
    body = {row[1]: dict(zip(names, row, strict=True)) for row in rows[header + 1 :]}
    mine = body["环卫处"]
    assert (mine["按期结案率 · 按期结案"], mine["按期结案率 · 应结案"], mine["按期结案率 %"], mine["按期结案率 % · 原始"]) == (
        4,
        4,
        1,
        0.75,
    )
    assert (mine["超期"], mine["超期 · 原始"]) == (0, 1)
    assert body["合计"]["案件"] == 6 + len(EVIL) and list(body)[-1] == "合计"
    place = names.index("按期结案率 %") + 1
    assert table.cell(header + 2, place).number_format == "0.00%"
    told = [row[0] for row in meanings.iter_rows(values_only=True)]
    assert "按期结案率" in told and sum(
        row in {WORDS.text("zh-CN", f"evaluation.column.{n}") for n in COLUMNS} for row in told
    ) >= len(COLUMNS)


def test_no_cell_of_a_workbook_is_a_formula(units):
    for sheet in load_workbook(io.BytesIO(exported(units, "xlsx"))).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" and not str(cell.value).startswith(("=", "+", "@"))


def test_excel_reads_the_csv_as_utf8_and_no_cell_as_a_formula(units):
    body = exported(units, "csv")
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["综合评价", "T"]
    for row in rows:
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), cell
    named = {row[1]: row for row in rows if len(row) > 10}
    assert "'=1+1" in named and named["市政处"][3] == "1"


@pytest.mark.parametrize("text", EVIL, ids=repr)
def test_a_text_that_looks_like_a_formula_is_kept_as_text(text):
    assert guarded(text).startswith("'")


def test_numbers_are_left_alone():
    assert [guarded(value) for value in (-3, 0.5, None, "1-2", "环卫")] == [-3, 0.5, None, "1-2", "环卫"]


def test_a_table_of_nothing_is_a_table(book):
    workbook = load_workbook(io.BytesIO(exported(book([plain()]), "xlsx", "en", start=5, end=6)))
    rows = list(workbook.worksheets[0].iter_rows(values_only=True))
    assert rows[-1][1:4] == ("Total", 0, 0) and rows[0][0] == "Evaluation"

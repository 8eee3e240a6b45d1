"""Tables of figures for Excel: XLSX with its definitions, CSV that Excel reads as it is. Pure but for openpyxl.

Numbers are written as numbers; a text that Excel would take for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import datetime
import io
import zoneinfo
from collections.abc import Callable
from typing import Any

from dispatch.evaluation.columns import COLUMNS
from hall.core.config import CityConfig

Word = Callable[[str], str]  # text of a catalogue key in the reader's language
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_PERCENT = "0.00%"


def guarded(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; control characters, which XLSX cannot hold, are left out."""
    if not isinstance(value, str):
        return value
    text = "".join(sign for sign in value if sign in "\t\n\r" or ord(sign) >= 32)
    return f"'{text}" if text.startswith(_RISKY) else text


class Sheet:
    """A table of figures as rows of cells. `answer` as `Evaluator.figures` gives it; `generated` real ms."""

    def __init__(self, answer: dict[str, Any], word: Word, language: str, city: CityConfig, generated: int) -> None:
        self.answer, self._word, self._language = answer, word, language
        self._city, self._zone, self._generated = self._label(city.name), zoneinfo.ZoneInfo(city.timezone), generated

    def head(self) -> list[list[Any]]:
        """What the table is about: city, period, as of when, how old the data is."""
        answer, word = self.answer, self._word
        data, period = answer["data"], answer["period"]
        lines = [
            [word("evaluation.title"), self._city],
            [word("evaluation.export.period"), self._moment(period["from"]), self._moment(period["until"])],
            [word("evaluation.basis"), word(f"evaluation.basis.{answer['basis']}")],
            [word("evaluation.export.as-of"), self._moment(answer["as_of"])],
            [word("evaluation.export.data"), self._moment(data["as_of"]), word("evaluation.export.behind"), data["behind"]],
            [word("evaluation.export.generated"), self._moment(self._generated)],
        ]
        if answer["left_out"]:
            lines.append([word("evaluation.export.left-out"), answer["left_out"]])
        return lines

    def header(self) -> list[str]:
        word, made = self._word, []
        made += [word("evaluation.rank"), word(f"evaluation.by.{self.answer['by']}"), word("evaluation.cases")]
        made += [self._ranking(), f"{self._ranking()} · {word('evaluation.raw')}"]
        for kpi in self.answer["kpis"]:
            label = self._label(kpi["label"])
            made += [f"{label} · {self._column(kpi['numerator'])}", f"{label} · {self._column(kpi['denominator'])}"]
            made += [f"{label} %", f"{label} % · {word('evaluation.raw')}"]
        return made

    def rows(self) -> list[list[Any]]:
        """One list per row of the table, the total last."""
        rows = [self._row(row, row["value"] or self._word("evaluation.unnamed")) for row in self.answer["rows"]]
        return [*rows, self._row(self.answer["total"], self._word("evaluation.total"))]

    def definitions(self) -> list[list[Any]]:
        """The formulae, then what each column counts."""
        word = self._word
        names = ("kpi", "numerator", "denominator", "exclusions", "target", "better")
        made: list[list[Any]] = [[word(f"evaluation.export.{name}") for name in names]]
        for kpi in self.answer["kpis"]:
            excluded = ", ".join(self._column(name) for name in kpi["exclusions"])
            made.append([
                self._label(kpi["label"]), self._column(kpi["numerator"]), self._column(kpi["denominator"]), excluded,
                kpi["target"], word(f"evaluation.better.{kpi['better']}"),
            ])  # fmt: skip
        made += [[], [word("evaluation.export.rate-is")], [word("evaluation.export.raw-is")], []]
        made.append([word("evaluation.export.column"), word("evaluation.export.counts"), word("evaluation.export.raw")])
        made += [[self._column(name), column.expression, column.raw] for name, column in COLUMNS.items()]
        return made

    def _row(self, row: dict[str, Any], name: str) -> list[Any]:
        cells: list[Any] = [row.get("rank", ""), name, row["cases"], row["late"], row["late_raw"]]
        for kpi in self.answer["kpis"]:
            found = row["kpis"][kpi["name"]]
            cells += [found["numerator"], found["denominator"], found["rate"], found.get("raw", found)["rate"]]
        return cells

    def _ranking(self) -> str:
        return self._column(self.answer["ranking"])

    def _column(self, name: str) -> str:
        return self._word(f"evaluation.column.{name}")

    def _label(self, texts: dict[str, str]) -> str:
        return texts.get(self._language) or next(iter(texts.values()), "")

    def _moment(self, ms: int | None) -> str:
        return "" if ms is None else f"{datetime.datetime.fromtimestamp(ms / 1000, self._zone):%Y-%m-%d %H:%M:%S}"


def csv_bytes(sheet: Sheet) -> bytes:
    """UTF-8 with a byte order mark: Excel takes it for what it is. Rates are shares of 1."""
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\r\n")
    for row in [*sheet.head(), [], sheet.header(), *sheet.rows()]:
        writer.writerow([guarded("" if cell is None else cell) for cell in row])
    return b"\xef\xbb\xbf" + held.getvalue().encode("utf-8", "replace")


def xlsx_bytes(sheet: Sheet, word: Word) -> bytes:
    """Two sheets: the table, and what its words mean."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    table = book.create_sheet(word("evaluation.export.table"))
    meanings = book.create_sheet(word("evaluation.export.definitions"))
    head = sheet.head()
    header_row = len(head) + 2
    table.freeze_panes = f"C{header_row + 1}"
    table.column_dimensions["B"].width = 24

    def cell(where: Any, value: Any, bold: bool = False, share: bool = False) -> Any:
        made = WriteOnlyCell(where, guarded(value))
        if isinstance(value, str):
            made.data_type = "s"  # never a formula
        if bold:
            made.font = Font(bold=True)
        if share:
            made.number_format = _PERCENT
        return made

    for row in [*head, []]:
        table.append([cell(table, value, place == 0) for place, value in enumerate(row)])
    table.append([cell(table, value, True) for value in sheet.header()])
    for row in sheet.rows():
        table.append([cell(table, value, share=isinstance(value, float)) for value in row])
    for place, row in enumerate(sheet.definitions()):
        meanings.append([cell(meanings, value, place == 0) for value in row])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()

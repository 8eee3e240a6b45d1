"""Answers questions about figures: rates by whatever, compared with earlier periods, ranked by counts of late cases; and
the cases behind each figure. Blocking, thread-safe; every question is bounded in time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dispatch.evaluation.columns import BIT, COLUMNS, Selection
from dispatch.evaluation.export import Sheet, Word, csv_bytes, xlsx_bytes
from dispatch.evaluation.kpis import Kpi, compile_evaluation
from dispatch.evaluation.periods import Period
from dispatch.evaluation.question import SPANS, Asked, Figure, Question, Rules
from dispatch.evaluation.record import NEVER, TEXTS, Record
from dispatch.evaluation.store import DIMENSIONS, Reader
from hall.core.config import HallConfig

MOST_ROWS = 1_000
Masks = dict[int, int]  # mask of columns -> cases


class Evaluator:
    """The web process's half. `now` is always handed in: city time, ms. Methods raise Refused."""

    def __init__(self, config: HallConfig, reader: Reader) -> None:
        """Raises ConfigError for a city's rules that cannot be used."""
        self.table, self._reader = compile_evaluation(config), reader
        self._rules = Rules(self.table, config.city.timezone)
        self._city = config.city

    def figures(self, plain: dict[str, Any], now: int) -> dict[str, Any]:
        """`{by, period, basis, as_of, now, data, ranking, kpis, rows, left_out, total, compared}`: docs/EVALUATION.md.

        `plain`: the fields of `Question`.
        """
        question = msgspec.convert(plain, Question)
        asked = self._rules.definite(question, now)
        found = self._counted(asked)
        rows = [self._row(value, masks, asked.kpis) for value, masks in found.items()]
        if asked.by not in SPANS:
            _rank(rows)
        total = self._row("", _summed(found.values()), asked.kpis)
        compared = self._compare(asked, rows[:MOST_ROWS], total) if question.compare else {}
        return {
            "by": asked.by,
            "period": _plain(asked.period),
            "basis": asked.scope.basis,
            "as_of": asked.scope.at,
            "now": now,
            "data": self.data(),
            "ranking": self.table.ranking,
            "kpis": [described(kpi) for kpi in asked.kpis],
            "rows": rows[:MOST_ROWS],
            "left_out": max(0, len(rows) - MOST_ROWS),
            "total": total,
            "compared": compared,
        }

    def cases(self, plain: dict[str, Any], behind: dict[str, Any], now: int, offset: int, limit: int) -> dict[str, Any]:
        """One page of the cases behind a figure: `{rows, total, as_of, period, basis}`; `total` is the figure.

        `plain`: the fields of `Question`; `behind`: those of `Figure`.
        """
        figure = msgspec.convert(behind, Figure)
        asked = self._rules.definite(msgspec.convert(plain, Question), now)
        scope = self._rules.narrowed(asked, figure.value)
        records, total = self._reader.cases(scope, self._rules.behind(figure), offset, limit)
        rows = [_shown(record) for record in records]
        return {"rows": rows, "total": total, "as_of": scope.at, "period": _plain(asked.period), "basis": scope.basis}

    def exported(self, plain: dict[str, Any], now: int, kind: str, word: Word, language: str, generated: int) -> bytes:
        """The table of figures as a file, `kind` xlsx or csv; `word` gives texts, `generated` is real time, ms."""
        sheet = Sheet(self.figures(plain, now), word, language, self._city, generated)
        return xlsx_bytes(sheet, word) if kind == "xlsx" else csv_bytes(sheet)

    def data(self) -> dict[str, Any]:
        """How far the rows are: `as_of` city ms when they were last looked over, `behind` changes not worked in yet."""
        meta = self._reader.meta()
        return {"as_of": meta.get("as_of"), "behind": meta.get("behind", 0)}

    def close(self) -> None:
        self._reader.close()

    # -- counting ----------------------------------------------------------------------------------------------------

    def _counted(self, asked: Asked) -> dict[str, Masks]:
        if asked.by in SPANS:
            spans = self._rules.spans(asked.by, asked.period)
            parts = {name: asked.scope._replace(start=start, end=end) for name, (start, end) in spans.items()}
            return {name: _summed(self._reader.counts(part).values()) for name, part in parts.items()}
        return self._reader.counts(asked.scope, DIMENSIONS.get(asked.by, ""))

    def _row(self, value: str, masks: Masks, kpis: list[Kpi]) -> dict[str, Any]:
        columns = {name: _count(masks, Selection(bit)) for name, bit in BIT.items()}
        ranking = self.table.ranking
        return {
            "value": value,
            "cases": sum(masks.values()),
            "late": columns[ranking],
            "late_raw": columns[f"{ranking}_raw"] if COLUMNS[ranking].raw else columns[ranking],
            "columns": columns,
            "kpis": {kpi.name: _rate(kpi, masks) for kpi in kpis},
        }

    def _compare(self, asked: Asked, rows: list[dict[str, Any]], total: dict[str, Any]) -> dict[str, Any]:
        """环比 and 同比: the same question, all its moments moved back; so each period had as much time to ripen."""
        calendar, told = self._rules.calendar, {}
        for name, period in (("before", calendar.before(asked.period)), ("year", calendar.year_before(asked.period))):
            at = asked.scope.at - (asked.period.start - period.start)
            end = min(period.end, max(at, period.start + 1)) if asked.scope.at < asked.period.end else period.end
            moved = asked.scope._replace(start=period.start, end=end, at=at)
            told[name] = {**_plain(Period(period.kind, period.start, end)), "as_of": at}
            column = "" if asked.by in SPANS else DIMENSIONS.get(asked.by, "")
            found = self._reader.counts(moved, column)
            total[name] = self._earlier(_summed(found.values()), asked.kpis)
            if asked.by not in SPANS:
                for row in rows:
                    row[name] = self._earlier(found.get(row["value"], {}), asked.kpis)
        return told

    def _earlier(self, masks: Masks, kpis: list[Kpi]) -> dict[str, Any]:
        late = _count(masks, Selection(BIT[self.table.ranking]))
        return {"cases": sum(masks.values()), "late": late, "kpis": {kpi.name: _part(kpi, masks, False) for kpi in kpis}}


def _count(masks: Masks, chosen: Selection) -> int:
    return sum(cases for mask, cases in masks.items() if chosen.holds(mask))


def _part(kpi: Kpi, masks: Masks, raw: bool) -> dict[str, Any]:
    """Numerator, denominator and rate; the rate of nothing is null."""
    numerator, denominator = (_count(masks, kpi.part(part, raw)) for part in ("numerator", "denominator"))
    return {"numerator": numerator, "denominator": denominator, "rate": numerator / denominator if denominator else None}


def _rate(kpi: Kpi, masks: Masks) -> dict[str, Any]:
    """With `raw` where exemptions changed it, and `passed` where there is a pass mark and something to measure."""
    made, raw = _part(kpi, masks, False), _part(kpi, masks, True)
    if raw != made:
        made["raw"] = raw
    if kpi.target is not None and made["rate"] is not None:
        made["passed"] = made["rate"] >= kpi.target if kpi.better == "high" else made["rate"] <= kpi.target
    return made


def _rank(rows: list[dict[str, Any]]) -> None:
    """Most late cases first; equal counts share a rank. Rates differ in the second decimal, counts do not."""
    rows.sort(key=lambda row: (-row["late"], -row["cases"], row["value"]))
    for place, row in enumerate(rows):
        same = place and rows[place - 1]["late"] == row["late"]
        row["rank"] = rows[place - 1]["rank"] if same else place + 1


def _summed(counts: Iterable[Masks]) -> Masks:
    total: Masks = {}
    for masks in counts:
        for mask, cases in masks.items():
            total[mask] = total.get(mask, 0) + cases
    return total


def _plain(period: Period) -> dict[str, Any]:
    return {"kind": period.kind, "from": period.start, "until": period.end}


def described(kpi: Kpi) -> dict[str, Any]:
    """The formula of an indicator, for people and exports."""
    return {**msgspec.to_builtins(kpi), "exclusions": kpi.exclusions, "target": kpi.target, "better": kpi.better}


def _shown(record: Record) -> dict[str, Any]:
    """A row of a list: what never happened is null."""
    plain = record._asdict()
    return {name: value if name in TEXTS else (None if value == NEVER else value) for name, value in plain.items()}

"""Evaluation over HTTP: figures, the cases behind each of them, tables for Excel. A department sees its own unit only."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from hall.access import Identity
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.visit import current_visit
from hall.app.words import LANGUAGES, Words
from hall.core.clock import real_ms
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.process import Process

AT_ONCE = 2
#: questions that may wait for their turn; more are refused
WAITING = 20
DEEPEST_OFFSET = 1_000_000
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
_Name = Annotated[str, Query(max_length=40)]
_Words = Annotated[list[Annotated[str, Query(max_length=200)]] | None, Query(max_length=50)]
_Moment = Annotated[int | None, Query(ge=0, le=2**53)]


class Evaluator(Protocol):
    """What is used of `dispatch.evaluation.evaluator`."""

    def figures(self, plain: dict[str, Any], now: int) -> dict[str, Any]: ...
    def cases(self, plain: dict, behind: dict, now: int, offset: int, limit: int) -> dict[str, Any]: ...
    def exported(self, plain: dict, now: int, kind: str, word: Callable, language: str, generated: int) -> bytes: ...
    def close(self) -> None: ...


#: leaves an audit line: what, who, data
Note = Callable[[str, Actor, dict[str, Any]], Awaitable[None]]


def asked(
    by: _Name = "unit",
    period: _Name = "",
    date: Annotated[str, Query(max_length=10)] = "",
    to: Annotated[str, Query(max_length=10)] = "",
    start: Annotated[int | None, Query(alias="from", ge=0, le=2**53)] = None,
    until: _Moment = None,
    basis: _Name = "",
    at: _Moment = None,
    kpis: Annotated[str, Query(max_length=2000)] = "",
    district: _Words = None,
    unit: _Words = None,
    class_name: Annotated[list[Annotated[str, Query(max_length=200)]] | None, Query(alias="class", max_length=50)] = None,
    subclass: _Words = None,
    source: _Words = None,
    compare: bool = False,
) -> dict[str, Any]:
    """What every address here can be asked: docs/EVALUATION.md. Narrowed to what the visitor may see."""
    filters = {"district": district, "unit": unit, "class": class_name, "subclass": subclass, "source": source}
    given = {name: values for name, values in filters.items() if values}
    chosen = [name for name in kpis.split(",") if name]
    question = dict(by=by, period=period, date=date, to=to, start=start, end=until, basis=basis, at=at, compare=compare)
    return {**question, "kpis": chosen, "filters": narrowed(given, current_visit().identity)}


def narrowed(filters: dict[str, list[str]], who: Identity) -> dict[str, list[str]]:
    """The filters within what somebody may see; raises Refused 403 for what lies outside of it."""
    bounds = {"district": list(who.districts)} if who.districts else {}
    if who.role == "department":
        if not who.unit:
            raise Refused("no-unit", "this user speaks for no unit: an administrator can say for which", 403)
        bounds["unit"] = [who.unit]
    for name, allowed in bounds.items():
        outside = set(filters.get(name, ())) - set(allowed)
        if outside:
            raise Refused("wrong-unit" if name == "unit" else "wrong-district", f"not yours: {', '.join(sorted(outside))}", 403)
        filters = {**filters, name: filters.get(name) or allowed}
    return filters


_Asked = Annotated[dict[str, Any], Depends(asked)]


class Evaluation:
    """Handlers and their router. Questions are answered in a few threads, so that none holds up the pages."""

    def __init__(self, process: Process, evaluator: Evaluator, words: Words, note: Note) -> None:
        self.process, self._evaluator, self._words, self._note = process, evaluator, words, note
        self._threads = ThreadPoolExecutor(AT_ONCE, "evaluation")
        self._waiting = 0
        self.router = APIRouter(tags=["evaluation"], prefix="/api/v1/evaluation")
        for path, handler in (("", self.figures), ("/cases", self.cases), ("/export.{kind}", self.export)):
            self.router.add_api_route(path, handler, methods=["GET"], response_class=Response)

    async def figures(self, question: _Asked) -> Response:
        """Rates with numerator and denominator, counts of late cases, by unit or anything else."""
        now = self.process.clock.now()
        return json(await self._ask(lambda: self._evaluator.figures(question, now)))

    async def cases(
        self,
        question: _Asked,
        column: _Name = "",
        kpi: _Name = "",
        part: _Name = "numerator",
        raw: bool = False,
        value: Annotated[str | None, Query(max_length=300)] = None,
        offset: Annotated[int, Query(ge=0, le=DEEPEST_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """The cases behind one figure: of a `column`, or of a `part` of a `kpi`; of the row `value`, or of all rows."""
        if bool(column) == bool(kpi):
            raise Refused("bad-request", "name a column or a kpi", 422)
        now, figure = self.process.clock.now(), dict(column=column, kpi=kpi, part=part, raw=raw, value=value)
        return json(await self._ask(lambda: self._evaluator.cases(question, figure, now, offset, limit)))

    async def export(
        self,
        question: _Asked,
        kind: Annotated[str, Path(pattern="^(xlsx|csv)$")],
        lang: Annotated[str, Query(max_length=10)] = "",
    ) -> Response:
        """The same table as a file; leaves an audit line."""
        language = lang if lang in LANGUAGES else self.process.config.city.languages[0]
        now, generated = self.process.clock.now(), real_ms()

        def word(key: str) -> str:
            return self._words.text(language, key)

        made = await self._ask(lambda: self._evaluator.exported(question, now, kind, word, language, generated))
        told = {name: value for name, value in question.items() if value}
        await self._note("export", current_actor(), {"what": "evaluation", "kind": kind, "question": told})
        name = f"evaluation-{question['by']}-{question['date'] or now}.{kind}"
        safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-.") else "_" for sign in name)
        return Response(made, media_type=_TYPES[kind], headers={"content-disposition": f'attachment; filename="{safe}"'})

    async def _ask(self, work: Callable[[], Any]) -> Any:
        if self._waiting >= WAITING:
            raise Refused("busy", "too many questions at once; try again", 503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except sqlite3.Error as error:
            raise Refused("evaluation-fault", f"the evaluation cannot be read: {error}", 503) from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._evaluator.close()

"""One supplied row becomes the views of it that each make one document: filtered, one per list element (`each`), one
per sample of a recorded series (`series`), one per stage of a finished case (`unfold`).

A view is `(moment, row)`: `moment` is when the hall could first have seen it (ms, as the source has it) or None where
the mapping's own `time` says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from feeds.mapping.fields import number_of, unwarped_time
from feeds.mapping.paths import getter, top_of
from feeds.mapping.values import Spec, Wrong, raw_value, spec_of, text_of
from hall.core.errors import BadInput

View = tuple[int | None, dict[str, Any]]
Wanted = Callable[[dict[str, Any]], bool]

#: samples of one recorded series that are taken at most
SERIES_BOUND = 200_000
#: characters that `matches` looks at: some patterns' time grows faster than the text
MATCHED_BOUND = 4_096


class FilterSpec(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"among": "in", "since": "from"}):
    """`filter = {path = "borough", in = ["Queens"]}`; `from`/`to` compare times, `to` is exclusive."""

    path: str | list[str | int]
    among: list[Any] | None = None
    not_in: list[Any] | None = None
    matches: str | None = None
    since: str = ""
    to: str = ""
    present: bool | None = None


class SeriesSpec(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`series = {values = "depths", times = "seconds"}`: arrays (or arrays as text) of one recording.

    `times` are seconds after the row's `time`; each sample's row gets `value` and `seconds`.
    """

    values: str
    times: str


def filter_of(data: Any, stamp: Spec | None, zone: str) -> tuple[Wanted | None, set[str]]:
    """The test every row must pass, and the columns it reads; raises Wrong."""
    if data is None:
        return None, set()
    tests, columns = [], set()
    for part in data if isinstance(data, list) else [data]:
        try:
            spec = msgspec.convert(part, FilterSpec)
            tests.append(_test(spec, stamp, zone))
            columns |= top_of(spec.path)
        except (msgspec.ValidationError, ValueError, re.error, BadInput) as error:
            raise Wrong("filter", str(error)) from None
    return (lambda row: all(test(row) for test in tests)), columns


def _test(spec: FilterSpec, stamp: Spec | None, zone: str) -> Wanted:
    get = getter(spec.path)

    def text(row: dict) -> str:
        value = get(row)
        return "" if value is None or isinstance(value, (dict, list)) else text_of(value).strip()

    tests: list[Wanted] = []
    if spec.among is not None:
        among = {text_of(value) for value in spec.among}
        tests.append(lambda row: text(row) in among)
    if spec.not_in is not None:
        others = {text_of(value) for value in spec.not_in}
        tests.append(lambda row: text(row) not in others)
    if spec.matches is not None:
        search = re.compile(spec.matches).search
        tests.append(lambda row: search(text(row)[:MATCHED_BOUND]) is not None)
    if spec.present is not None:
        tests.append(lambda row: (text(row) != "") == spec.present)
    if spec.since or spec.to:
        tests.append(_between(spec, stamp or Spec(), zone))
    if not tests:
        raise ValueError("give one of in, not_in, matches, from, to, present")
    return lambda row: all(test(row) for test in tests)


def _between(spec: FilterSpec, stamp: Spec, zone: str) -> Wanted:
    zone = stamp.zone or zone
    iso = unwarped_time(lambda row: row["t"], Spec(), zone, "filter")
    since = iso({"t": spec.since}) if spec.since else None
    to = iso({"t": spec.to}) if spec.to else None
    moment = unwarped_time(getter(spec.path), Spec(time=stamp.time), zone, "filter")

    def between(row: dict) -> bool:
        found = moment(row)
        return found is not None and (since is None or found >= since) and (to is None or found < to)

    return between


def each_of(path: Any) -> Callable[[dict[str, Any]], Iterator[dict[str, Any]]]:
    """One row per element of the list at `path`; the row it came from is `parent`."""
    if not isinstance(path, str):
        raise Wrong("each", "give the path of a list")
    get = getter(path)

    def split(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        found = get(row)
        if found is None:
            raise BadInput("list-missing", path)
        for part in found if isinstance(found, list) else [found]:
            yield {"parent": row, **part} if isinstance(part, dict) else {"parent": row, "value": part}

    return split


def _array(value: Any, name: str) -> list[Any]:
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.MsgspecError, RecursionError):
            raise BadInput("series-unparsable", f"{name}: {value[:60]!r}") from None
    if not isinstance(value, list):
        raise BadInput("series-missing", name)
    return value


def series_of(data: Any, start: Callable[[Any], int | None]) -> Callable[[dict[str, Any]], Iterator[View]]:
    """One view per sample, in the recorded order; raises Wrong for a bad specification."""
    try:
        spec = msgspec.convert(data, SeriesSpec)
    except msgspec.ValidationError as error:
        raise Wrong("series", str(error)) from None

    def samples(row: dict[str, Any]) -> Iterator[View]:
        values, seconds = _array(row.get(spec.values), spec.values), _array(row.get(spec.times), spec.times)
        if len(values) != len(seconds):
            raise BadInput("series-uneven", f"{len(values)} values, {len(seconds)} times")
        if len(values) > SERIES_BOUND:
            raise BadInput("series-too-long", str(len(values)))
        begin = start(row)
        if begin is None:
            raise BadInput("time-missing")
        rest = {name: value for name, value in row.items() if name not in (spec.values, spec.times)}
        for value, after in zip(values, seconds, strict=True):
            offset = number_of(after)
            if offset is None:
                raise BadInput("series-unparsable", spec.times)
            yield begin + round(offset * 1000), {**rest, "value": value, "seconds": after}

    return samples


def unfold_of(data: Any, stamp: Spec, zone: str) -> tuple[Callable[[dict[str, Any]], Iterator[View]], set[str]]:
    """History as it was known: one view per time column, with the columns of later times missing.

    `data` maps a time column to the columns that are only known from that time on; the first is when the row begins to
    exist. A column whose time is missing stays hidden. Views of one moment are one view.
    """
    if not isinstance(data, dict) or not data or not all(isinstance(v, list) for v in data.values()):
        raise Wrong("unfold", "give a table: time column = [columns hidden until then]")
    stages = []
    for column, hidden in data.items():
        same = Spec(path=[column], time=stamp.time, zone=stamp.zone, null=stamp.null, null_after=stamp.null_after)
        take, _ = raw_value(same, f"unfold.{column}")
        stages.append((unwarped_time(take, same, zone, f"unfold.{column}"), frozenset([column, *hidden])))

    def unfold(row: dict[str, Any]) -> Iterator[View]:
        moments = [moment(row) for moment, _ in stages]
        begin = moments[0]
        if begin is None:
            raise BadInput("time-missing", next(iter(data)))
        for now in sorted({begin, *(m for m in moments if m is not None and m > begin)}):
            hidden: set[str] = set()
            for moment, (_, columns) in zip(moments, stages, strict=True):
                if moment is None or moment > now:
                    hidden |= columns
            yield now, {name: value for name, value in row.items() if name not in hidden}

    return unfold, set().union(*(columns for _, columns in stages))


__all__ = ["View", "each_of", "filter_of", "series_of", "spec_of", "unfold_of"]

"""Boston's 311 file of 2011: our on-time rates by department, whole file and month by month, against pandas over its columns."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest

from dispatch.casebook import Casebook, Version
from dispatch.evaluation.evaluator import Evaluator
from dispatch.evaluation.store import Reader
from feeds.formats.csv import rows as rows_of
from feeds.mapping import Mapping
from hall.core import config
from tests.conftest import ROOT
from tests.dispatch.evaluation.bookkeeping import kept_up

pytestmark = pytest.mark.realdata
ZONE = "America/New_York"
#: as of a moment when most of 2011's cases had ended; some were closed years later still
NOW = pd.Timestamp("2012-06-01", tz=ZONE)
MONTHS = pd.period_range("2011-07", "2011-12", freq="M")


@pytest.fixture(scope="module")
def archive(real_data) -> bytes:
    with zipfile.ZipFile(real_data / "cases" / "boston_311_service_requests_2011.zip") as found:
        return found.read(found.namelist()[0])


@pytest.fixture(scope="module")
def rows(real_data) -> pd.DataFrame:
    """The supplier's file, times as zoned timestamps; a deadline from 2050 on is a sentinel for none."""
    frame = pd.read_csv(real_data / "cases/boston_311_service_requests_2011.zip", dtype=str, keep_default_na=False)
    frame = frame.drop_duplicates("case_enquiry_id", keep="last")
    for column in ("open_dt", "target_dt", "closed_dt"):
        moments = pd.to_datetime(frame[column].replace("", None), errors="coerce")
        moments = moments.where(moments < pd.Timestamp("2050-01-01"))
        frame[column] = moments.dt.tz_localize(ZONE, ambiguous=True, nonexistent="shift_forward")
    return frame


@pytest.fixture(scope="module")
def evaluator(archive, real_data, tmp_path_factory):
    """The file through the city's own mapping into the casebook, row by row as it ended; from there as the hall does it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HALL_REAL_DATA", str(real_data))
        city = config.load(ROOT / "examples" / "boston-irene" / "hall.toml")
        feed = next(feed for feed in city.feeds if feed.name == "boston311")
        feed.mapping.pop("unfold")
        mapping, home = Mapping(feed, city), tmp_path_factory.mktemp("boston")
        book, versions = Casebook.open_writer(home / "cases.db"), []
        for number, row in enumerate(rows_of(archive, feed, city)):
            mapped = mapping.document(next(iter(mapping.views(row))))
            key = (mapped.time, mapped.time, f"{number:08}")
            versions.append(Version(f"case/boston311/{mapped.doc.case_id}", key, "feeds", mapped.doc))
        book.record(versions)
        book.close()
        kept_up(home, city)
    reading = Evaluator(city, Reader(home / "evaluation.db", 60))
    yield reading
    reading.close()


def _expected(rows: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    """By department: closed in time, to close, late. To close: closed by now, or its target has gone by."""
    closed = rows.closed_dt.notna() & (rows.closed_dt <= NOW)
    due = rows.target_dt.notna() & (rows.target_dt < NOW)
    given = rows.department != ""
    to_close = closed | (due & given)
    in_time = closed & (rows.target_dt.isna() | (rows.closed_dt <= rows.target_dt))
    table = pd.DataFrame({"in_time": in_time, "to_close": to_close, "late": to_close & ~in_time}).groupby(rows.department).sum()
    return {name: tuple(int(n) for n in row) for name, row in zip(table.index, table.to_numpy(), strict=True)}


def _found(evaluator, start, end) -> dict[str, tuple[int, int, int]]:
    asked = dict(by="unit", start=int(start.timestamp() * 1000), end=int(end.timestamp() * 1000), kpis=["intime_close_rate"])
    answer = evaluator.figures(asked, int(NOW.timestamp() * 1000))
    assert answer["left_out"] == 0
    rates = {row["value"]: (row["kpis"]["intime_close_rate"], row["late"]) for row in answer["rows"]}
    for rate, _ in rates.values():
        assert rate["rate"] == (rate["numerator"] / rate["denominator"] if rate["denominator"] else None)
    return {name: (rate["numerator"], rate["denominator"], late) for name, (rate, late) in rates.items()}


def test_the_on_time_rate_of_every_department_equals_pandas_over_the_whole_file(evaluator, rows):
    found = _found(evaluator, pd.Timestamp("2011-07-01", tz=ZONE), pd.Timestamp("2012-01-01", tz=ZONE))
    assert found == _expected(rows)
    assert sum(to_close for _, to_close, _ in found.values()) > 50_000 and len(found) == 11


@pytest.mark.parametrize("month", MONTHS, ids=str)
def test_and_of_every_month(evaluator, rows, month):
    start, end = (pd.Timestamp(moment, tz=ZONE) for moment in (month.start_time, (month + 1).start_time))
    mine = rows[(rows.open_dt >= start) & (rows.open_dt < end)]
    assert len(mine) > 5_000
    assert _found(evaluator, start, end) == _expected(mine)
    asked = dict(by="unit", period="month", date=f"{month}-15", kpis=["intime_close_rate"])
    answer = evaluator.figures(asked, int(NOW.timestamp() * 1000))
    assert answer["total"]["cases"] == len(mine), "the city's own months begin at its own midnight"


def test_the_list_behind_a_departments_late_cases_is_the_files(evaluator, rows):
    start, end = (pd.Timestamp(day, tz=ZONE) for day in ("2011-08-01", "2011-09-01"))
    mine = rows[(rows.open_dt >= start) & (rows.open_dt < end) & (rows.department == "PARK")]
    late = (mine.closed_dt > mine.target_dt) & (mine.closed_dt <= NOW)
    late |= (mine.target_dt < NOW) & ~(mine.closed_dt <= NOW)
    asked = dict(by="unit", period="month", date="2011-08-01")
    page = evaluator.cases(asked, dict(column="late", value="PARK"), int(NOW.timestamp() * 1000), 0, 5_000)
    assert {row["number"] for row in page["rows"]} == set(mine[late].case_enquiry_id)
    assert page["total"] == len(page["rows"]) == late.sum() > 100

"""Boston's 311 cases of hurricane Irene, counted as they came in, against pandas over the file."""

import random
import zipfile

import pandas as pd
import pytest

from dispatch.casebook import Casebook, Version
from dispatch.indicators import Indicators
from hall.core.model import Case, Stages

pytestmark = pytest.mark.realdata
ZONE = "America/New_York"
MOMENTS = ("2011-08-28 09:30:00", "2011-08-28 18:00:00", "2011-08-29 11:15:00")
OLDEST = "2011-08-10"


@pytest.fixture(scope="module")
def rows(real_data):
    """The supplier's rows from OLDEST to the last moment, times as zoned timestamps; sentinel deadlines are none."""
    with zipfile.ZipFile(real_data / "cases" / "boston_311_service_requests_2011.zip") as archive:
        with archive.open(archive.namelist()[0]) as file:
            frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame = frame.drop_duplicates("case_enquiry_id", keep="last")
    for column in ("open_dt", "target_dt", "closed_dt"):
        moments = pd.to_datetime(frame[column].replace("", None), errors="coerce")
        moments = moments.where(moments < pd.Timestamp("2050-01-01"))
        frame[column] = moments.dt.tz_localize(ZONE, ambiguous=True, nonexistent="shift_forward")
    known = (frame.open_dt >= pd.Timestamp(OLDEST, tz=ZONE)) & (frame.open_dt <= pd.Timestamp(MOMENTS[-1], tz=ZONE))
    # a few rows are closed before they were opened; when such a case stood how is not the file's to say
    return frame[known & ~(frame.closed_dt < frame.open_dt)]


def _ms(moment):
    return None if pd.isna(moment) else int(moment.timestamp() * 1000)


def _events(rows):
    """What a feed would tell, as it was known: one version when opened, one when closed."""
    found = []
    for row in rows.itertuples():
        opened, closed = _ms(row.open_dt), _ms(row.closed_dt)
        fields = dict(feed="b", case_id=row.case_enquiry_id, class_name=row.reason, district=row.neighborhood)
        fields |= dict(report_source=row.source, unit=row.department, due=_ms(row.target_dt), description=row.case_title)
        told = [(opened, Case(**fields, stages=Stages(reported=opened)))]
        if closed is not None:
            told.append((closed, Case(**fields, state="closed", stages=Stages(reported=opened, closed=closed))))
        subject = f"case/b/{row.case_enquiry_id}"
        found += [Version(subject, (time, time, f"{n}"), "feeds", case) for n, (time, case) in enumerate(told)]
    return found


def _expected(rows, moment):
    """kpi/today, breakdowns and trend from the columns of the file."""
    now = pd.Timestamp(moment, tz=ZONE)
    day, week = now.normalize(), now.normalize() - pd.Timedelta(days=7)
    seen = rows[rows.open_dt <= now]
    today, closed = seen.open_dt >= day, seen.closed_dt <= now
    shut, is_open = closed & (seen.closed_dt >= day), ~closed
    late = is_open & (seen.target_dt < now)
    sent = today & ((seen.department != "") | closed)
    cards = {
        "reported": (today.sum(), None),
        "accepted": (sent.sum(), today.sum()),
        "dispatched": (sent.sum(), sent.sum()),
        "handled": (shut.sum(), shut.sum() + is_open.sum()),
        "closed": (shut.sum(), shut.sum() + is_open.sum()),
        "overdue": (late.sum(), is_open.sum()),
        "open": (is_open.sum(), None),
    }
    columns = pd.DataFrame({"today": today, "open": is_open, "overdue": late, "closed": shut}).astype(int)
    before = seen[(seen.open_dt >= week) & (seen.open_dt < week + pd.Timedelta(days=1))]
    hours = [(before.open_dt.dt.hour == hour).sum() for hour in range(24)]
    mine = [(seen[today].open_dt.dt.hour == hour).sum() if hour <= now.hour else None for hour in range(24)]
    groups = {field: columns.groupby(seen[field]).sum() for field in ("reason", "neighborhood", "source")}
    return cards, groups, mine, hours


def test_the_hurricanes_numbers_equal_pandas_at_three_moments_whatever_the_order(rows, tmp_path):
    generator, book, counted = random.Random(3), Casebook.open_writer(tmp_path / "cases.db"), Indicators(ZONE)
    waiting = _events(rows)
    for moment in MOMENTS:
        now = int(pd.Timestamp(moment, tz=ZONE).timestamp() * 1000)
        told = [version for version in waiting if version.key[0] <= now]
        waiting = [version for version in waiting if version.key[0] > now]
        told += generator.sample(told, len(told) // 10)
        generator.shuffle(told)
        half = len(told) // 2
        if not counted.outdated(now):
            counted.advance(now)
        for part in (told[:half], told[half:]):
            for version, facts in book.record(part):
                counted.put(version.subject, facts)
        if counted.outdated(now):
            day = counted.day_at(now)
            counted.start(now, book.relevant(day.start, day.reference_start, day.reference_end))
        cards, groups, mine, hours = _expected(rows, moment)
        documents = counted.documents()
        assert {c["key"]: (c["value"], c["of"]) for c in documents["kpi/today"]["cards"]} == cards
        assert documents["kpi/trend"]["today"] == mine
        assert documents["kpi/trend"]["reference"] == hours
        for subject, field in (("by_class", "reason"), ("by_district", "neighborhood"), ("by_source", "source")):
            table = groups[field]
            found = {r["name"]: (r["today"], r["open"], r["overdue"], r["closed"]) for r in documents[f"kpi/{subject}"]["rows"]}
            listed = {name: tuple(table.loc[name]) for name in found if name}
            assert {name: row for name, row in found.items() if name} == listed
            sums = tuple(sum(row[i] for row in found.values()) for i in range(4))
            assert sums == tuple(table.sum())
    assert cards["reported"][0] > 300
    book.close()


def test_every_case_of_the_hurricane_is_found_by_its_number_and_its_street(rows, tmp_path):
    book = Casebook.open_writer(tmp_path / "cases.db")
    irene = rows[rows.open_dt >= pd.Timestamp("2011-08-28", tz=ZONE)]
    book.record(_events(irene))
    for row in irene.sample(50, random_state=1).itertuples():
        assert [found["case_id"] for found in book.search(row.case_enquiry_id).rows] == [row.case_enquiry_id]
    trees = irene.case_title.str.lower().str.contains("tree", regex=False) | irene.reason.str.lower().str.contains("tree")
    trees |= irene.department.str.lower().str.contains("tree")
    assert book.search("tree", limit=1).total == trees.sum()
    book.close()

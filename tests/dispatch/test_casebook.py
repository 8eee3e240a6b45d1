"""The casebook against a plain dict: newest wins, history keeps all, searches find exactly what a loop finds."""

import math
import random
import sqlite3

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch import casebook, casesearch
from dispatch.casebook import Casebook, CasebookFault, Version
from hall.core.model import Case, Stages

DAY = 86_400_000
DISTRICTS = ("红旗区", "卫滨区", "牧野区", "North End")
CLASSES = ("道路积水", "井盖缺失", "树木倒伏", "Street Light Outage")
STATES = ("reported", "handling", "closed", "cancelled")


def _case(n, generator):
    reported = generator.randrange(100 * DAY)
    state = generator.choice(STATES)
    closed = reported + generator.randrange(DAY) if state in ("closed", "cancelled") else None
    return Case(
        feed="f",
        case_id=f"XX2024-{n:05d}",
        state=state,
        class_name=generator.choice(CLASSES),
        description=generator.choice(("平原路口积水较深", "Tree down on Main St", '老人说 "井盖" 没了', "100% blocked_drain")),
        address=f"{generator.choice(('平原路', '人民路', 'Groveland St'))} {generator.randrange(300)} 号",
        district=generator.choice(DISTRICTS),
        report_source=generator.choice(("12345", "监督员上报")),
        unit=generator.choice(("市政处", "PWDx", "")),
        severity=generator.randrange(5),
        due=generator.choice((None, reported + DAY)),
        stages=Stages(reported=reported, closed=closed),
    )


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Totals are counted to the end, however busy the machine is."""
    monkeypatch.setattr(casesearch, "_COUNT_SECONDS", 60.0)


class Stored(tuple):
    """A reader and the list of what is in it; printed short."""

    def __repr__(self):
        return f"<{len(self[1])} cases>"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A casebook of 3,000 cases and the same as a list."""
    generator, path = random.Random(5), tmp_path_factory.mktemp("cases") / "cases.db"
    cases = [_case(n, generator) for n in range(3_000)]
    book = Casebook.open_writer(path)
    for start in range(0, 3_000, 500):
        chunk = cases[start : start + 500]
        book.record([Version(f"case/f/{c.case_id}", (c.stages.reported, 0, c.case_id), "t", c) for c in chunk])
    book.tidy()
    book.close()
    return Stored((Casebook.open_reader(path), cases))


def _text(case):
    fields = (case.case_id, case.description, case.address, case.class_name, case.district, case.unit)
    return [field.lower() for field in fields]


TEXTS = (
    "", "平原路", "积水", "井", "井盖", "平原路口积水", "红旗区 积水", "street light", "MAIN ST", "xx2024-00017", "st", "号", "处",
    '"井盖"', "100%", "d_d", "nothing like this", "zz", "市政处 平原", "a", "积水 井 路", "' OR 1=1 --", "NEAR(", "*", "\ud7ff", "\U0010ffff", "a\0b", "积水\0",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_search_finds_exactly_the_cases_that_hold_every_word(stored, text):
    book, cases = stored
    words = text.replace("\0", " ").lower().split()
    wanted = {c.case_id for c in cases if all(any(word in field for field in _text(c)) for word in words)}
    page = book.search(text, limit=1000)
    assert page.total == len(wanted) and not page.capped
    found = {row["case_id"] for offset in range(0, 3_000, 1_000) for row in book.search(text, offset=offset, limit=1000).rows}
    assert found == wanted
    at_once = [row["case_id"] for row in book.first(text, {}, 20)]
    assert len(at_once) == (min(20, len(wanted)) if words else 0) and set(at_once) <= wanted


@pytest.mark.parametrize("text", ("积水", "平原路", "st", "积水 井"))
def test_walking_and_collecting_give_the_same_page(stored, text, monkeypatch):
    book, _ = stored
    collected = book.search(text, {"open": True}, "due asc", offset=20, limit=30)
    monkeypatch.setattr(casesearch, "_RARE", 0)
    assert book.search(text, {"open": True}, "due asc", offset=20, limit=30) == collected
    monkeypatch.setattr(casesearch, "_WALK_SECONDS", -1.0)
    monkeypatch.setattr(casesearch, "_OPCODES", 1)
    assert book.search(text, {"open": True}, "due asc", offset=20, limit=30) == collected


def test_a_total_that_took_too_long_is_what_was_counted_and_says_so(stored, monkeypatch):
    monkeypatch.setattr(casesearch, "_COUNT_SECONDS", -1.0)
    monkeypatch.setattr(casesearch, "_OPCODES", 1)
    page = stored[0].search("积水", {"open": True}, offset=10, limit=20)
    assert page.capped and page.total >= 30 and len(page.rows) == 20


def test_a_total_beyond_the_bound_is_the_bound_and_says_so(stored, monkeypatch):
    monkeypatch.setattr(casesearch, "TOTAL_BOUND", 100)
    assert stored[0].search()[1:] == (100, True)
    assert stored[0].search(offset=200, limit=10)[1:] == (210, True)


def _passes(case, filters, now):
    ended = case.state in ("closed", "cancelled")
    checks = {
        "open": lambda wanted: wanted != ended,
        "overdue": lambda wanted: wanted == (not ended and case.due is not None and case.due < now),
        "since": lambda bound: case.stages.reported >= bound,
        "until": lambda bound: case.stages.reported < bound,
    }
    for name, wanted in filters.items():
        if name in checks:
            passed = checks[name](wanted)
        else:
            passed = getattr(case, name) in (wanted if isinstance(wanted, list) else [wanted])
        if not passed:
            return False
    return True


filter_sets = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(STATES) | st.lists(st.sampled_from(STATES), min_size=1),
        "district": st.sampled_from(DISTRICTS),
        "class_name": st.sampled_from(CLASSES),
        "report_source": st.sampled_from(["12345", "监督员上报"]),
        "severity": st.integers(0, 4),
        "open": st.booleans(),
        "overdue": st.booleans(),
        "since": st.integers(0, 100 * DAY),
        "until": st.integers(0, 100 * DAY),
    },
)
sorts = st.tuples(st.sampled_from(["reported", "due", "number", "severity", "district", "ended"]), st.booleans())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filter_sets, sorts, st.integers(0, 40))
def test_filters_order_and_pages_are_those_of_a_loop(stored, filters, sort, offset):
    book, cases = stored
    now, (name, down) = 50 * DAY, sort
    keys = {
        "reported": lambda c: c.stages.reported,
        "due": lambda c: 2**60 if c.due is None else c.due,
        "number": lambda c: c.case_id,
        "severity": lambda c: (c.severity, c.stages.reported),
        "district": lambda c: (c.district.encode(), c.stages.reported),
        "ended": lambda c: -1 if c.stages.closed is None else c.stages.closed,
    }
    wanted = sorted((c for c in cases if _passes(c, filters, now)), key=keys[name], reverse=down)
    page = book.search("", filters, f"{name} {'desc' if down else 'asc'}", offset, 25, now)
    assert page.total == len(wanted)
    by_number = {c.case_id: c for c in cases}
    found = [keys[name](by_number[row["case_id"]]) for row in page.rows]
    assert found == [keys[name](c) for c in wanted[offset : offset + 25]]


def test_a_case_without_a_deadline_comes_after_those_that_have_one(stored):
    book, _ = stored
    page = book.search(sort="due asc", offset=2_990)
    assert "due" in book.search(sort="due asc").rows[0] and "due" not in page.rows[-1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "doc desc"},
        {"sort": "due sideways"},
        {"filters": {"colour": 1}},
        {"limit": 0},
        {"limit": 5_000},
        {"offset": -1},
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(stored, wrong):
    with pytest.raises(ValueError):
        stored[0].search(**wrong)


versions = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 2), st.sampled_from("xy")), max_size=30)


@settings(max_examples=40, deadline=None)
@given(versions, st.integers(1, 5))
def test_any_order_and_any_repeat_ends_in_the_newest_version_and_the_whole_history(tmp_path_factory, told, size):
    path = tmp_path_factory.mktemp("book") / "cases.db"
    book, newest, keys = Casebook.open_writer(path), {}, {}
    made = []
    for name, time, recorded, event_id in told:
        case = Case(feed="f", case_id=name, description=f"{time}/{recorded}/{event_id}")
        made.append(Version(f"case/f/{name}", (time, recorded, event_id), "t", case))
        keys.setdefault(name, set()).add((time, recorded, event_id))
        newest[name] = max(newest.get(name, (-1,)), (time, recorded, event_id))
    for start in range(0, len(made), size):
        book.record(made[start : start + size])
    for name, key in newest.items():
        assert book.get(f"case/f/{name}")["description"] == "/".join(map(str, key))
        kept = [(v["time"], v["recordedtime"], v["id"]) for v in book.history(f"case/f/{name}")]
        assert kept == sorted(keys[name])
        assert book.search("/".join(map(str, key))).total >= 1
    outdated = {key for name in keys for key in keys[name]} - set(newest.values())
    for key in outdated - set(newest.values()):
        assert book.search("/".join(map(str, key))).total == 0
    book._db().execute("INSERT INTO cases_text(cases_text, rank) VALUES('integrity-check', 1)")
    book.close()


def test_a_batch_and_its_position_are_stored_together_or_not_at_all(tmp_path):
    book = Casebook.open_writer(tmp_path / "cases.db")
    good = Version("case/f/1", (1, 1, "a"), "t", Case(feed="f", case_id="1"))
    bad = Version("case/f/2", (1, 1, "b"), "t", Case(feed="f", case_id="2", severity=2**70))
    with pytest.raises(OverflowError):
        book.record([good, bad], {"bulk": (5, 0)})
    assert book.get("case/f/1") is None and book.positions() == {}
    book.record([good], {"bulk": (5, 1)})
    assert Casebook.open_reader(tmp_path / "cases.db").positions() == {"bulk": (5, 1)}


def test_a_full_disk_is_a_clear_fault_and_harms_nothing(tmp_path):
    book = Casebook.open_writer(tmp_path / "cases.db")
    pages = book._db().execute("PRAGMA page_count").fetchone()[0]
    book._db().execute(f"PRAGMA max_page_count={pages + 2}")
    batch = [
        Version(f"case/f/{n}", (n, n, "e"), "t", Case(feed="f", case_id=str(n), description="x" * 500)) for n in range(200)
    ]
    with pytest.raises(CasebookFault, match="full"):
        book.record(batch, {"bulk": (1, 0)})
    assert book.search().total == 0
    book._db().execute("PRAGMA max_page_count=1000000")
    assert len(book.record(batch)) == 200
    assert book._db().execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_reader_before_the_first_write_sees_an_empty_book(tmp_path):
    reader = Casebook.open_reader(tmp_path / "cases.db")
    assert reader.search("x") == ([], 0, False) and reader.get("case/f/1") is None and reader.history("case/f/1") == []
    writer = Casebook.open_writer(tmp_path / "cases.db")
    writer.record([Version("case/f/1", (1, 1, "a"), "t", Case(feed="f", case_id="1"))])
    assert reader.search().total == 1


def test_a_file_that_is_no_casebook_is_named_in_the_fault(tmp_path):
    (tmp_path / "cases.db").write_text("this is not a database, not at all, not even a little")
    with pytest.raises(CasebookFault, match=r"cases\.db"):
        Casebook.open_writer(tmp_path / "cases.db")


def test_a_casebook_of_another_version_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "cases.db") as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(CasebookFault, match="schema 99"):
        Casebook.open_writer(tmp_path / "cases.db")


def test_cases_around_a_place_are_found_also_those_of_a_file_from_before_there_were_squares(tmp_path):
    chance = random.Random(8)
    places = {f"{n}": (113.9 + chance.uniform(-0.003, 0.003), 35.3 + chance.uniform(-0.003, 0.003)) for n in range(400)}
    book = Casebook.open_writer(tmp_path / "cases.db")
    cases = [Case(feed="f", case_id=n, lon=lon, lat=lat, cell=f"c{int(n) % 7}") for n, (lon, lat) in places.items()]
    book.record(
        [Version(f"case/f/{c.case_id}", (int(c.case_id), 0, "a"), "t", c) for c in [*cases, Case(feed="f", case_id="900")]]
    )
    book.close()
    with sqlite3.connect(tmp_path / "cases.db") as db:
        squares = db.execute("SELECT subject, square, cell, lon, lat FROM cases").fetchall()
        db.execute("DROP INDEX cases_square")
        db.execute("DROP INDEX cases_cell")
        for column in ("square", "cell", "lon", "lat"):
            db.execute(f"ALTER TABLE cases DROP COLUMN {column}")
        db.execute("PRAGMA user_version=3")
    db.close()
    book = Casebook.open_writer(tmp_path / "cases.db")
    for metres in (1, 40, 150, 500):
        found = book.around(113.9, 35.3, metres, 1_000)
        wanted = {n for n, (lon, lat) in places.items() if math.hypot((lon - 113.9) * 90_750, (lat - 35.3) * 111_195) <= metres}
        assert {case["case_id"] for case in found} == wanted
        assert [case["time"] for case in found] == sorted((case["time"] for case in found), reverse=True)
    book.close()
    with sqlite3.connect(tmp_path / "cases.db") as db:
        assert db.execute("SELECT subject, square, cell, lon, lat FROM cases").fetchall() == squares
    db.close()


def test_cases_in_an_area_are_those_that_a_loop_finds(tmp_path):
    generator, book = random.Random(11), Casebook.open_writer(tmp_path / "cases.db")
    cases = [_case(n, generator) for n in range(400)]
    for case in cases:
        case.lon, case.lat = generator.uniform(113.9, 113.92), generator.uniform(35.3, 35.32)
    cases[0].lon = cases[0].lat = None
    book.record([Version(f"case/f/{c.case_id}", (c.stages.reported, 0, c.case_id), "t", c) for c in cases])
    area = shapely.Polygon([(113.9, 35.3), (113.917, 35.301), (113.91, 35.319), (113.908, 35.305), (113.901, 35.318)])
    inside = [c for c in cases if c.lon is not None and area.contains(shapely.Point(c.lon, c.lat))]
    found = book.inside(area, ended=True)
    assert {one.subject for one in found} == {f"case/f/{c.case_id}" for c in inside} and len(inside) > 50
    still = {c.case_id for c in inside if c.state not in ("closed", "cancelled")}
    assert {one.subject.removeprefix("case/f/") for one in book.inside(area)} == still == {
        one.subject.removeprefix("case/f/") for one in found if not one.ended
    }  # fmt: skip
    book.close()


def test_full_width_signs_do_not_count_in_what_is_asked_nor_in_what_was_written(tmp_path, monkeypatch):
    book = Casebook.open_writer(tmp_path / "cases.db")

    def record(n, text, time=1):
        book.record([Version(f"case/f/{n}", (time, 1, str(time)), "t", Case(feed="f", case_id=f"2026-{n}A", description=text))])

    with monkeypatch.context() as before:  # as a casebook was written until now
        before.setattr(casebook, "plain", str.lower)
        record(1, "平原路（北）１２号，水深")
        record(2, "平原路(北)12号,水深")
    record(3, "平原路（北）１２号，水深")
    asked = {
        "２０２６": {1, 2, 3},
        "２０２６－３ａ": {3},
        "路(北)12": {2, 3},
        "路（北）１２": {1, 2, 3},
        "１２": {1, 2, 3},
        "12": {2, 3},
        "９": set(),
    }
    for text, wanted in asked.items():
        for found in (book.search(text).rows, book.first(text, {}, 9)):
            assert {int(row["subject"][-1]) for row in found} == wanted, text
    record(1, "平原路（北）１２号，水深", time=2)  # told again: written as it is now
    assert {row["subject"] for row in book.search("路(北)12").rows} == {"case/f/1", "case/f/2", "case/f/3"}
    book._db().execute("INSERT INTO cases_text(cases_text, rank) VALUES('integrity-check', 1)")
    book.close()

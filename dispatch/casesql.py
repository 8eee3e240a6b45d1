"""All SQL of the casebook: its tables and the statements and searches over them.

`cases` is narrow so that a walk along an index touches few pages; every version's document lies in `history`, and
`cases.version` names the newest. The text index holds trigrams; the characters of `cases.text` are lower case, each
field ends with a line feed and the text with another, so that the last characters of a field begin a trigram too.
"""

from __future__ import annotations

from typing import Any

SCHEMA_VERSION = 5

WRITER_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA cache_size=-16000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA temp_store=MEMORY",
)
READER_PRAGMAS = (
    "PRAGMA query_only=1",
    "PRAGMA busy_timeout=5000",
    "PRAGMA cache_size=-16000",
    "PRAGMA mmap_size=268435456",
    "PRAGMA temp_store=MEMORY",
)

#: a case's place: the number of a square of 0.001 degrees, rows from west to east; None where it has no place
PER_DEGREE, ROW = 1_000, 400_000
#: the same of its document: for cases stored before the column was there
SQUARE = (
    f"CAST((json_extract(CAST(h.doc AS TEXT), '$.lat') + 90.0) * {PER_DEGREE} AS INTEGER) * {ROW}"
    f" + CAST((json_extract(CAST(h.doc AS TEXT), '$.lon') + 180.0) * {PER_DEGREE} AS INTEGER)"
)

#: grid cell and place of its document: likewise
_DOC = "CAST(h.doc AS TEXT)"
PLACE = f"coalesce(json_extract({_DOC}, '$.cell'), ''), json_extract({_DOC}, '$.lon'), json_extract({_DOC}, '$.lat')"

_COLUMN_INDEXES = ("state", "district", "class_name", "report_source", "unit", "severity", "owner", "cell")
_PLAIN_INDEXES = ("reported", "number", "time", "last_moment", "due", "ended_at")
#: a case without a deadline sorts after all others
NO_DUE = 2**53

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS cases(
        id INTEGER PRIMARY KEY, subject TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, recorded INTEGER NOT NULL,
        event_id TEXT NOT NULL, version INTEGER NOT NULL, number TEXT NOT NULL, state TEXT NOT NULL,
        ended_at INTEGER, class_name TEXT NOT NULL, district TEXT NOT NULL, report_source TEXT NOT NULL,
        unit TEXT NOT NULL, severity INTEGER NOT NULL, reported INTEGER NOT NULL, due INTEGER NOT NULL,
        last_moment INTEGER NOT NULL, text TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '', laid_over BLOB, square INTEGER,
        cell TEXT NOT NULL DEFAULT '', lon REAL, lat REAL)""",
    """CREATE TABLE IF NOT EXISTS history(
        version INTEGER PRIMARY KEY, case_id INTEGER NOT NULL, time INTEGER NOT NULL, recorded INTEGER NOT NULL,
        event_id TEXT NOT NULL, source TEXT NOT NULL, doc BLOB NOT NULL, UNIQUE(case_id, time, recorded, event_id))""",
    "CREATE TABLE IF NOT EXISTS positions(lane TEXT PRIMARY KEY, ms INTEGER NOT NULL, seq INTEGER NOT NULL)",
    """CREATE VIRTUAL TABLE IF NOT EXISTS cases_text USING fts5(
        text, content='cases', content_rowid='id', tokenize='trigram')""",
    "CREATE VIRTUAL TABLE IF NOT EXISTS terms USING fts5vocab('cases_text', 'row')",
    *(f"CREATE INDEX IF NOT EXISTS cases_{column} ON cases({column}, reported)" for column in _COLUMN_INDEXES),
    *(
        f"CREATE INDEX IF NOT EXISTS cases_{column} ON cases({column})"
        for column in ("reported", "number", "time", "last_moment")
    ),
    "CREATE INDEX IF NOT EXISTS cases_due ON cases(due)",
    "CREATE INDEX IF NOT EXISTS cases_ended_at ON cases(ended_at)",
    "CREATE INDEX IF NOT EXISTS cases_square ON cases(square) WHERE square IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS cases_open ON cases(reported) WHERE ended_at IS NULL",
    "CREATE INDEX IF NOT EXISTS cases_open_due ON cases(due) WHERE ended_at IS NULL",
    f"PRAGMA user_version={SCHEMA_VERSION}",
)
#: from an older schema, one step each
UPGRADES = {
    1: (
        "ALTER TABLE cases ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE cases ADD COLUMN laid_over BLOB",
    ),
    3: (
        "ALTER TABLE cases ADD COLUMN square INTEGER",
        f"UPDATE cases SET square = (SELECT {SQUARE} FROM history h WHERE h.version = cases.version)",
    ),
    4: (
        "ALTER TABLE cases ADD COLUMN cell TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE cases ADD COLUMN lon REAL",
        "ALTER TABLE cases ADD COLUMN lat REAL",
        f"UPDATE cases SET (cell, lon, lat) = (SELECT {PLACE} FROM history h WHERE h.version = cases.version)",
    ),
    2: ("DROP INDEX IF EXISTS cases_owner",),  # it was partial: a filter's parameter could not use it, an order neither
}

FIND = "SELECT id, time, recorded, event_id, version, text, laid_over FROM cases WHERE subject=?"
ADD_VERSION = "INSERT OR IGNORE INTO history(case_id, time, recorded, event_id, source, doc) VALUES(?,?,?,?,?,?)"
NEXT_ID = "SELECT coalesce(max(id), 0) + 1 FROM cases"
_COLUMNS = (
    "subject", "time", "recorded", "event_id", "version", "number", "state", "ended_at", "class_name", "district",
    "report_source", "unit", "severity", "reported", "due", "last_moment", "text", "owner", "laid_over", "square",
    "cell", "lon", "lat",
)  # fmt: skip
INSERT_CASE = f"INSERT INTO cases(id, {', '.join(_COLUMNS)}) VALUES({','.join('?' * (len(_COLUMNS) + 1))})"
UPDATE_CASE = f"UPDATE cases SET {', '.join(f'{column}=?' for column in _COLUMNS)} WHERE id=?"
INDEX_TEXT = "INSERT INTO cases_text(rowid, text) VALUES(?,?)"
UNINDEX_TEXT = "INSERT INTO cases_text(cases_text, rowid, text) VALUES('delete',?,?)"
SAVE_POSITION = "INSERT OR REPLACE INTO positions(lane, ms, seq) VALUES(?,?,?)"
POSITIONS = "SELECT lane, ms, seq FROM positions"
NEWEST = "SELECT h.doc FROM history h WHERE h.version=?"
GET = "SELECT c.subject, c.time, h.doc, c.laid_over FROM cases c JOIN history h USING(version) WHERE c.subject=?"
IN_SQUARES = """SELECT c.subject, c.time, h.doc, c.laid_over FROM cases c JOIN history h USING(version)
    WHERE c.square BETWEEN ? AND ?"""
#: what a selection counts by, without the document
OF_SQUARES = """SELECT c.subject, c.lon, c.lat, c.ended_at IS NOT NULL, c.district, c.unit, c.class_name, c.severity
    FROM cases c WHERE c.square BETWEEN ? AND ? AND c.state <> 'withdrawn'"""
#: where and when the cases with ids after one and up to another were reported
PLACES = """SELECT id, state, class_name, district, unit, reported, lon, lat FROM cases
    WHERE id > ? AND id <= ? ORDER BY id {} LIMIT ?"""
CHANGES = "PRAGMA data_version"  # another number when another connection has written since
NEWEST_ID = "SELECT coalesce(max(id), 0) FROM cases"
MOST_ID = 2**62
HISTORY = """SELECT h.time, h.recorded, h.event_id, h.source, h.doc FROM history h JOIN cases c ON c.id=h.case_id
    WHERE c.subject=? ORDER BY h.time, h.recorded, h.event_id"""
#: every case that can count on a day: open, or moved since its start, or reported on the reference day
RELEVANT = """SELECT c.subject, c.time, h.doc, c.laid_over FROM cases c JOIN history h USING(version) WHERE c.id IN (
    SELECT id FROM cases WHERE ended_at IS NULL
    UNION SELECT id FROM cases WHERE last_moment >= :start
    UNION SELECT id FROM cases WHERE reported >= :reference_start AND reported < :reference_end)"""
TIDY = ("PRAGMA analysis_limit=2000", "ANALYZE cases")
#: the newest cases first that the text index finds: it gives them in that order by itself, so a few cost next to nothing
NEWEST_WITH = "SELECT c.id FROM cases_text CROSS JOIN cases c ON c.id = cases_text.rowid"
TERMS = "SELECT term FROM terms WHERE term >= ? AND term < ? LIMIT ?"

#: what a caller may sort by -> column
SORTS = {
    "reported": "reported", "due": "due", "number": "number", "severity": "severity", "state": "state",
    "district": "district", "class_name": "class_name", "report_source": "report_source", "unit": "unit",
    "ended": "ended_at", "time": "time", "owner": "owner",
}  # fmt: skip
EQUAL_FILTERS = ("state", "district", "class_name", "report_source", "unit", "severity", "owner", "cell")
FILTERS = (*EQUAL_FILTERS, "open", "overdue", "since", "until")


def order(sort: str) -> str:
    """ORDER BY text of `"due asc"`; the second key makes equal values stand in the order they were reported."""
    name, _, direction = sort.partition(" ")
    if name not in SORTS or direction not in ("", "asc", "desc"):
        raise ValueError(f"cannot sort by {sort!r}: one of {', '.join(SORTS)}, then asc or desc")
    direction = direction or "asc"
    column = SORTS[name]
    second = f", c.reported {direction}" if column in _COLUMN_INDEXES else ""
    return f"c.{column} {direction}{second}, c.id {direction}"


Condition = tuple[str, list[Any]]  # a WHERE term and its parameters


def conditions(filters: dict[str, Any], now: int | None) -> list[Condition]:
    """What `filters` say in SQL. Values: a word or a list of words; `open`, `overdue` true or false; `since` and
    `until` bound the reported moment in ms, the first included, the last not. Raises ValueError for anything else."""
    found: list[Condition] = []
    for name, wanted in filters.items():
        if name not in FILTERS:
            raise ValueError(f"cannot filter by {name!r}: one of {', '.join(FILTERS)}")
        if wanted is None or wanted == "" or wanted == []:
            continue
        if name in EQUAL_FILTERS:
            choices = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
            found.append((f"c.{name} IN ({','.join('?' * len(choices))})" if len(choices) > 1 else f"c.{name}=?", choices))
        elif name == "open":
            found.append(("c.ended_at IS NULL" if wanted else "c.ended_at IS NOT NULL", []))
        elif name == "overdue":
            if now is None:
                raise ValueError("the filter overdue needs now")
            found.append((f"{'' if wanted else 'NOT '}(c.ended_at IS NULL AND c.due < ?)", [now]))
        else:
            found.append(("c.reported >= ?" if name == "since" else "c.reported < ?", [int(wanted)]))
    return found

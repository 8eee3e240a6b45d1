"""Every test of the ledger runs on both databases."""

from __future__ import annotations

import itertools

import pytest

from dispatch.ledger import Ledger
from tests.dispatch.ledger import postgres
from tests.dispatch.ledger.counters import AGGREGATES

_names = itertools.count()

#: a child process of `mortal.py`, its arguments given, and what is imported before it is forked
MORTAL = "from tests.dispatch.ledger.mortal import main; main()"
IMPORTED = (
    "tests.dispatch.ledger.mortal", "alembic.command", "alembic.ddl.sqlite", "alembic.ddl.postgresql", "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
)  # fmt: skip


@pytest.fixture(scope="session")
def postgresql():
    """Socket folder of a real PostgreSQL server (without syncs: no test here pulls its plug)."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server is installed (tests/needs.sh)")
    with postgres.running(fsync=False) as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return postgres.new_database(request.getfixturevalue("postgresql"), f"t{next(_names)}")


@pytest.fixture
def ledger(url):
    opened = Ledger(url, AGGREGATES)
    yield opened
    opened.close()

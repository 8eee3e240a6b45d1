"""How the ledger opens, upgrades, and says what is wrong with its database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dispatch.ledger import STEPS, Ledger, LedgerFault, database, schema
from tests.conftest import ROOT
from tests.dispatch.ledger.counters import AGGREGATES, NOW, PETER, REAL, add


def _differs_from_the_code(connection) -> list:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [d for d in compare_metadata(context, schema.metadata) if getattr(d[1], "name", "") != "alembic_version"]


def _drop_everything(connection) -> None:
    found = sa.MetaData()
    found.reflect(connection)
    found.drop_all(connection)


def _as_it_stands(connection) -> dict:
    """Every table with its columns, keys, indexes and rows, as the database itself tells them."""
    tells, found = sa.inspect(connection), {}
    for table in tells.get_table_names():
        columns = [{**column, "type": str(column["type"])} for column in tells.get_columns(table)]
        keys = [tells.get_pk_constraint(table), tells.get_unique_constraints(table), tells.get_foreign_keys(table)]
        indexes = sorted(tells.get_indexes(table), key=lambda index: index["name"])
        found[table] = columns, keys, indexes, connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall()
    return found


def test_a_new_ledger_is_what_the_migrations_make_step_by_step(ledger):
    with ledger.database.write() as connection:
        made = _as_it_stands(connection)
        assert _differs_from_the_code(connection) == []
        _drop_everything(connection)
        assert _as_it_stands(connection) == {}
        for revision in schema.REVISIONS:
            database.upgrade(connection, revision)
        assert _as_it_stands(connection) == made


def test_the_migrations_make_what_the_code_speaks_of(ledger):
    with ledger.database.write() as connection:
        _drop_everything(connection)
        database.upgrade(connection)
        assert _differs_from_the_code(connection) == []


def test_a_ledger_of_no_revision_that_holds_other_tables_is_left_as_it_is(ledger, url):
    with ledger.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        connection.exec_driver_sql("UPDATE head SET seq = 7")
    with pytest.raises(LedgerFault):
        Ledger(url, AGGREGATES)
    with ledger.database.read() as connection:
        assert connection.exec_driver_sql("SELECT seq FROM head").scalars().all() == [7]
        assert not sa.inspect(connection).has_table("alembic_version")


def test_the_revisions_known_are_those_that_ship():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "dispatch/ledger/migrations"))
    shipped = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(shipped)) == schema.REVISIONS


def test_a_ledger_of_a_newer_hall_is_refused_with_what_to_do(ledger, url):
    with ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerFault, match="newer Command Hall .*9999"):
        Ledger(url, AGGREGATES)


def test_a_ledger_that_was_not_made_yet_is_made_only_by_who_may(url):
    with pytest.raises(LedgerFault):
        Ledger(url, AGGREGATES, migrate=False)
    Ledger(url, AGGREGATES).close()
    Ledger(url, AGGREGATES, migrate=False).close()


def test_opening_again_does_not_even_load_the_migrations(ledger, url, monkeypatch):
    monkeypatch.setattr("alembic.command.upgrade", lambda *_: pytest.fail("migrated again"))
    Ledger(url, AGGREGATES).close()


def test_another_kind_of_database_is_refused():
    with pytest.raises(LedgerFault, match="mysql"):
        Ledger("mysql://x/y", AGGREGATES)


def test_a_database_that_is_away_is_a_fault_that_hides_the_password():
    with pytest.raises(LedgerFault) as caught:
        Ledger("postgresql+psycopg://hall:secret-word@127.0.0.1:1/none", AGGREGATES)
    assert "secret-word" not in str(caught.value)


def test_a_database_that_went_away_and_came_back_is_used_again(ledger):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    if ledger.database.sqlite:
        ledger.database.close()
    else:
        with ledger.database.read() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            connection.exec_driver_sql(others)
    assert ledger.execute(add("a", "c2", 1), PETER, NOW, REAL).revision == 2


@pytest.mark.parametrize("step", [step for step in STEPS if step != "committed"])
def test_a_connection_lost_at_any_step_of_a_write_leaves_nothing_and_asking_again_does_it_once(ledger, url, step):
    if ledger.database.sqlite:
        pytest.skip("a file is not lost")

    class Cut(Ledger):
        armed = True

        def reached(self, now):
            if now == step and self.armed:
                self.armed = False
                with ledger.database.read() as connection:
                    others = (
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                    )
                    connection.exec_driver_sql(others)

    cut = Cut(url, AGGREGATES)
    with pytest.raises(LedgerFault):
        cut.execute(add("a", "c1", 0), PETER, NOW, REAL)
    assert ledger.head() == (0, "")
    assert not cut.execute(add("a", "c1", 0), PETER, NOW, REAL).repeated
    assert cut.execute(add("a", "c1", 0), PETER, NOW, REAL).repeated and ledger.head()[0] == 1
    cut.close()


def test_a_transaction_that_fails_acknowledges_nothing(ledger):
    with ledger.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE outbox")
    with pytest.raises(LedgerFault):
        ledger.execute_many([(add(name, name, 0), PETER) for name in "ab"], NOW, REAL)
    assert ledger.head() == (0, "") and ledger.state("counter/a") is None


def test_a_full_disk_is_a_fault_that_says_so(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path}/l.db", AGGREGATES)
    ledger.execute(add("a", "c0", 0), PETER, NOW, REAL)
    with ledger.database.write() as connection:  # SQLite's own limit gives the error that a disk without room gives
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")
    done = 1
    with pytest.raises(LedgerFault, match="disk that holds the ledger .* is full"):
        while True:
            ledger.execute(add("a", f"c{done}", done, reason="x" * 3_000), PETER, NOW, REAL)
            done += 1
    assert ledger.state("counter/a").total == done == ledger.verify().lines
    with ledger.database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert ledger.execute(add("a", f"c{done}", done), PETER, NOW, REAL).revision == done + 1


@pytest.mark.parametrize("pragma, value", [("journal_mode", "wal"), ("synchronous", 2), ("fullfsync", 1)])
def test_sqlite_writes_durably(tmp_path, pragma, value):
    ledger = Ledger(f"sqlite:///{tmp_path}/l.db", AGGREGATES)
    with ledger.database._writer.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    ledger.close()


def test_postgresql_writes_durably_whatever_the_server_s_default(ledger):
    if ledger.database.sqlite:
        pytest.skip("asks PostgreSQL")
    with ledger.database.write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"

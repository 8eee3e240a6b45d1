"""Components out of PostgreSQL as PostGIS hands them over: a geometry column is hexadecimal EWKB with its SRID. (It stands here
because here a PostgreSQL runs.)"""

from __future__ import annotations

import psycopg
import pytest
import shapely

from feeds.components.importing import Order, import_components
from feeds.components.reading import Unreadable
from feeds.components.settings import source_of
from feeds.components.store import open_current
from hall.core import config
from tests.dispatch.ledger import postgres

TOML = """
[city]
name = {en = "X"}
centre = [113.9, 35.3]
[components.parts]
id_structure = "free"
query = "%s"
[components.parts.mapping]
component_id = "id"
owner = "owner"
geometry = "geom"
"""


def test_rows_of_a_query_come_in_and_a_query_that_fails_changes_nothing(postgresql, tmp_path):
    url = postgres.new_database(postgresql, "parts").replace("postgresql+psycopg://", "postgresql://")
    point = shapely.to_wkb(shapely.set_srid(shapely.Point(492723.700, 3907878.834), 4547), hex=True, include_srid=True)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE DOMAIN geometry AS text")
        db.execute("CREATE TABLE parts(id bigint, owner text, seen timestamptz DEFAULT now(), geom geometry)")
        db.execute("INSERT INTO parts SELECT n, '市政处', now(), %s FROM generate_series(1, 60) n", (point,))

    def imported(query):
        (tmp_path / "hall.toml").write_text(TOML % query, "utf-8")
        told = config.load(tmp_path / "hall.toml")
        return import_components(told, tmp_path / "c", Order(where=url, source=source_of(told, "parts"), whole=True, at=1))

    report = imported("SELECT * FROM parts ORDER BY id")
    store = open_current(tmp_path / "c")
    assert (report.taken, report.crs, len(store)) == (60, "EPSG:4547", 60)
    found = store.record(store.row_of("7"))
    assert found["owner"] == "市政处" and abs(found["lon"] - 113.92) < 1e-6 and abs(found["lat"] - 35.3) < 1e-6
    with pytest.raises(Unreadable, match="no_such"):
        imported("SELECT no_such FROM parts")
    with pytest.raises(Unreadable, match="needs query"):
        imported("DELETE FROM parts")
    assert open_current(tmp_path / "c").name == store.name

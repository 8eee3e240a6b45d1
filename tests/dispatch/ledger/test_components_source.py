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


def _own_grid(db):
    """A city's own plane grid under a number of its own, as surveyors keep it; the middle meridian lies in the city."""
    import pyproj

    grid = "+proj=tmerc +lat_0=0 +lon_0=113.92 +k=1 +x_0=50000 +y_0=-3900000 +ellps=GRS80 +units=m +no_defs"
    db.execute(
        "INSERT INTO spatial_ref_sys VALUES (990001, '新乡城建', 990001, %s, %s)", (pyproj.CRS(grid).to_wkt("WKT1_GDAL"), grid)
    )
    return pyproj.Transformer.from_crs("EPSG:4326", grid, always_xy=True)


def test_a_table_of_postgis_in_the_citys_own_grid_comes_in_and_a_row_of_another_is_parked(postgresql, tmp_path):
    url = postgres.new_database(postgresql, "own").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as db:
        try:
            db.execute("CREATE EXTENSION postgis")
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("PostGIS is not installed beside PostgreSQL (Debian: postgresql-15-postgis-3)")
        to_grid = _own_grid(db)
        db.execute("CREATE TABLE parts(id text, owner text, geom geometry(Geometry))")
        db.execute("INSERT INTO parts VALUES ('none', '', NULL)")  # the first row says nothing of its CRS
        for n in range(50):
            x, y = to_grid.transform(113.92 + n / 1000, 35.3 + n / 2000)
            db.execute("INSERT INTO parts VALUES (%s, '市政处', ST_SetSRID(ST_MakePoint(%s, %s), 990001))", (f"p{n}", x, y))
        db.execute(
            "INSERT INTO parts VALUES ('line', '', ST_SetSRID(ST_MakeLine(ST_MakePoint(50000, 8000), ST_MakePoint(50100, 8000)), 990001))"
        )
        db.execute("INSERT INTO parts VALUES ('other', '', ST_SetSRID(ST_MakePoint(113.92, 35.3), 4326))")
        other = db.execute(
            "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Transform(geom, 4326) AS p FROM parts WHERE id = 'p7') t"
        ).fetchone()
    (tmp_path / "hall.toml").write_text(TOML % "SELECT * FROM parts", "utf-8")
    told = config.load(tmp_path / "hall.toml")
    report = import_components(told, tmp_path / "c", Order(where=url, source=source_of(told, "parts"), whole=True, at=1))
    store = open_current(tmp_path / "c")
    assert (report.rows, report.taken, {reason: found.count for reason, found in report.parked.items()}) == (
        53, 51, {"geometry-missing": 1, "crs-differs": 1},
    )  # fmt: skip
    for n in range(50):
        found = store.record(store.row_of(f"p{n}"))
        assert abs(found["lon"] - (113.92 + n / 1000)) < 1e-6 and abs(found["lat"] - (35.3 + n / 2000)) < 1e-6
    assert (found["lon"], found["lat"]) != other and other == pytest.approx(
        (113.927, 35.3035), abs=1e-6
    )  # PostGIS says the same
    assert store.record(store.row_of("line"))["geometry"]["type"] == "LineString"

"""PostgreSQL with PostGIS: `postgresql://user@host/database`, one SELECT (`query`), read through a cursor on the server.

A geometry column may be selected as it is (it arrives as hexadecimal EWKB and brings its SRID) or by ST_AsBinary. What a SRID
stands for is looked up in the database's own spatial_ref_sys: a city's own grid has a number there that EPSG does not know. The
password comes from the address, PGPASSWORD or ~/.pgpass; reports name the address without it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from feeds.components.reading import Opened, Placed, Reader, Unreadable, plain
from feeds.components.settings import Rules

_ROWS = 5_000
_CONNECT_SECONDS = 15


def _rows(where: str, query: str) -> Iterator[Placed]:
    import psycopg

    number, names = 0, [""]
    try:
        with psycopg.connect(where, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.execute("SET TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ")
            with connection.cursor("components") as cursor:
                cursor.itersize = _ROWS
                cursor.execute(query.encode())
                for found in cursor:
                    number += 1
                    names = [column.name for column in cursor.description or ()] if number == 1 else names
                    yield number, {n: _kept(n, v) for n, v in zip(names, found, strict=True)}
    except psycopg.Error as error:
        raise Unreadable(f"database: after row {number}: {str(error).strip()}; nothing is taken") from None


def _crs_of(where: str, srid: int) -> str:
    """EPSG:n, or the WKT or PROJ string that the database has for a number of its own."""
    import psycopg

    try:
        with psycopg.connect(where, connect_timeout=_CONNECT_SECONDS) as connection:
            if connection.execute("SELECT to_regclass('spatial_ref_sys')").fetchone() == (None,):
                return f"EPSG:{srid}"
            asked = "SELECT auth_name, auth_srid, srtext, proj4text FROM spatial_ref_sys WHERE srid = %s"
            found = connection.execute(asked, (srid,)).fetchone()
    except psycopg.Error as error:
        raise Unreadable(f"database: SRID {srid}: {str(error).strip()}") from None
    authority, number, wkt, proj = found or ("EPSG", srid, "", "")
    if (authority or "").upper() == "EPSG" and number:
        return f"EPSG:{number}"
    return (wkt or "").strip() or (proj or "").strip() or f"EPSG:{srid}"


def _kept(name: str, value: Any) -> Any:
    return bytes(value) if isinstance(value, (bytes, memoryview)) and name == "geometry" else plain(value)


def open_postgis(where: str, rules: Rules) -> Opened:
    if not re.match(r"\s*(select|with)\b", rules.query, re.IGNORECASE):
        raise Unreadable('a database needs query = "SELECT …" in its table')
    address = where.replace("postgis://", "postgresql://", 1)
    return Opened(_rows(address, rules.query), "row {}", crs_of=functools.partial(_crs_of, address))


SOURCE = Reader("postgis", open_postgis, schemes=("postgresql", "postgres", "postgis"))

"""Shapefiles as they are sent: what the .cpg and the language driver say, and what the letters are."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import shapely

from hall.core import vectorfiles
from hall.core.encodings import of_shapefile

CHINESE, LATIN = ["路灯", "上水井盖", "和平街道"], ["Müller-Straße", "Köln", "Allée"]


def shapefile(path, values, encoding, driver, cpg):
    """A Shapefile with the column 名称; values are written as bytes of `encoding`, or are bytes."""
    from pyogrio.raw import write

    raw = [value if isinstance(value, bytes) else value.encode(encoding) for value in values]
    points = shapely.to_wkb(shapely.points([(113.9, 35.3)] * len(raw)))
    names = np.array([value.decode("latin-1") for value in raw], object)
    write(path, points, [names], ["name"], geometry_type="Point", crs="EPSG:4490", encoding="ISO-8859-1")
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[29] = driver
    path.with_suffix(".dbf").write_bytes(dbf)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg:
        path.with_suffix(".cpg").write_text(cpg)
    return path


def names(path, encoding=""):
    table = vectorfiles.opened(str(path), encoding=encoding)
    return [row.values["name"] for row in table.rows], table.note


@pytest.mark.parametrize(
    ("values", "encoding", "driver", "cpg", "told"),
    [
        (CHINESE, "gb18030", 0x57, "", "language driver 0x57 says otherwise and is overruled"),
        (CHINESE, "gb18030", 0, "", "gb18030 (GB2312, GBK) by its letters (3 of 3 values)"),
        (CHINESE, "gb18030", 0, "ANSI 936", 'gb18030 by its .cpg "ANSI 936"'),
        (CHINESE, "gb18030", 0, "UTF-8", '.cpg "UTF-8" says otherwise and is overruled'),
        (CHINESE, "gb18030", 0, "ISO-8859-1", "is overruled"),
        (CHINESE, "gb18030", 0x4D, "", "gb18030 by its language driver 0x4D"),
        (CHINESE, "gb18030", 0, "whatever", 'its .cpg "whatever" names none'),
        (CHINESE, "utf-8", 0x57, "", "utf-8 by its letters"),
        (CHINESE, "utf-8", 0x4D, "", "utf-8 by its letters"),
        (CHINESE, "utf-8", 0, "936", "utf-8 by its letters"),
        (CHINESE, "utf-8", 0, "65001", 'utf-8 by its .cpg "65001"'),
        (LATIN, "cp1252", 0x57, "", "cp1252 by its language driver 0x57"),
        (LATIN, "cp1252", 0, "ISO 8859-1", 'by its .cpg "ISO 8859-1"'),
        (["Москва", "улица"], "cp1251", 0xC9, "", "cp1251"),
        (["lamp"], "ascii", 0, "", "UTF-8"),
    ],
)
def test_letters_are_read_whatever_the_file_says_of_them_and_how_is_told(tmp_path, values, encoding, driver, cpg, told):
    found, note = names(shapefile(tmp_path / "a.shp", values, encoding, driver, cpg))
    assert found == values and told in note


def test_what_is_configured_holds_and_letters_that_nothing_explains_are_refused(tmp_path):
    path = shapefile(tmp_path / "a.shp", LATIN, "cp1252", 0, "")
    assert names(path, "CP1252")[0] == LATIN
    with pytest.raises(ValueError, match=r"a.shp: .* name its encoding"):
        vectorfiles.opened(str(path))
    for end in (".dbf", ".cpg"):
        path.with_suffix(end).unlink(missing_ok=True)
    assert of_shapefile(path) == ("", "")


def test_a_zipped_one_is_looked_into_and_a_broken_letter_costs_its_row_a_cut_one_nothing(tmp_path):
    long = "网" * 30
    shapefile(tmp_path / "a.shp", [*CHINESE, long.encode()[:-1], "路".encode() + b"\xff"], "utf-8", 0, "")
    with zipfile.ZipFile(tmp_path / "a.shp.zip", "w") as file:
        for part in tmp_path.glob("a.[sdp]*"):
            if part.suffix != ".zip":
                file.write(part, part.name)
    rows = list(vectorfiles.opened(str(tmp_path / "a.shp.zip")).rows)
    assert [row.values["name"] for row in rows[:4]] == [*CHINESE, long[:-1]]
    assert [bool(row.fault) for row in rows] == [False] * 4 + [True]
